/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of what the program is permitted, and of what it cannot do whoever it is. */

#include "options.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#define C(name) {#name, CAP_##name}
static const struct name capability_names[] = {
    C(CHOWN), C(DAC_OVERRIDE), C(DAC_READ_SEARCH), C(FOWNER), C(FSETID), C(KILL), C(SETGID),
    C(SETUID), C(SETPCAP), C(LINUX_IMMUTABLE), C(NET_BIND_SERVICE), C(NET_BROADCAST), C(NET_ADMIN),
    C(NET_RAW), C(IPC_LOCK), C(IPC_OWNER), C(SYS_MODULE), C(SYS_RAWIO), C(SYS_CHROOT),
    C(SYS_PTRACE), C(SYS_PACCT), C(SYS_ADMIN), C(SYS_BOOT), C(SYS_NICE), C(SYS_RESOURCE),
    C(SYS_TIME), C(SYS_TTY_CONFIG), C(MKNOD), C(LEASE), C(AUDIT_WRITE), C(AUDIT_CONTROL),
    C(SETFCAP), C(MAC_OVERRIDE), C(MAC_ADMIN), C(SYSLOG), C(WAKE_ALARM), C(BLOCK_SUSPEND),
    C(AUDIT_READ),
#ifdef CAP_CHECKPOINT_RESTORE
    C(PERFMON), C(BPF), C(CHECKPOINT_RESTORE),
#endif
    {NULL, 0},
};
#undef C

#define S(name) {#name, SECBIT_##name}
static const struct name securebit_names[] = {
    S(NOROOT), S(NOROOT_LOCKED), S(NO_SETUID_FIXUP), S(NO_SETUID_FIXUP_LOCKED),
    S(KEEP_CAPS), S(KEEP_CAPS_LOCKED), S(NO_CAP_AMBIENT_RAISE), S(NO_CAP_AMBIENT_RAISE_LOCKED),
    {NULL, 0},
};
#undef S

static const struct name filter_flags[] = {
    {"log", SECCOMP_FILTER_FLAG_LOG}, {"spec_allow", SECCOMP_FILTER_FLAG_SPEC_ALLOW}, {NULL, 0},
};

/* The kernel's numbers (landlock_restrict_self(2)), for which most headers have no names yet. */
static const struct name restrict_flags[] = {
    {"log_same_exec_off", 1}, {"log_new_exec_on", 2}, {"log_subdomains_off", 4}, {NULL, 0},
};

/* What there is to be had: nobody gets more than this process is permitted, but the bounding set
 * is what may be left of any. */
static uint64_t all_capabilities(const char *option) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3];
  if (strcmp(option, "bounding") == 0) return UINT64_MAX;
  if (syscall(SYS_capget, &header, halves) != 0) DIE("--%s: %s", option, strerror(errno));
  return halves[0].permitted | (uint64_t)halves[1].permitted << 32;
}

static uint64_t capability(const char *option, const char *name) {
  unsigned long n;
  if (strcasecmp(name, "all") == 0) return all_capabilities(option);
  if (strcasecmp(name, "none") == 0) return 0;
  if (is_number(name, 63, &n)) return FE_CAPABILITY(n);
  if (strncasecmp(name, "cap_", 4) == 0) name += 4;
  return FE_CAPABILITY(value_of(option, capability_names, name));
}

void capabilities(fe_privileges *privileges, const char *option, char *list) {
  const struct {
    const char *option;
    uint64_t flag, *set;
  } sets[] = {
      {"bounding", FE_PRIVILEGES_BOUNDING, &privileges->bounding},
      {"inheritable", FE_PRIVILEGES_INHERITABLE, &privileges->inheritable},
      {"permitted", FE_PRIVILEGES_PERMITTED, &privileges->permitted},
      {"effective", FE_PRIVILEGES_EFFECTIVE, &privileges->effective},
      {"ambient", FE_PRIVILEGES_AMBIENT, &privileges->ambient},
  };
  uint64_t set = 0;
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
    if (*name == '-')
      set &= ~capability(option, name + 1);
    else
      set |= capability(option, name);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    if (strcmp(sets[i].option, option) != 0) continue;
    privileges->flags |= sets[i].flag;
    *sets[i].set = set;
  }
}

void securebits(fe_privileges *privileges, char *list) {
  unsigned long value;
  privileges->flags |= FE_PRIVILEGES_SECUREBITS;
  privileges->securebits = is_bits(list, UINT32_MAX, &value)
                               ? (uint32_t)value
                               : bits_of("securebits", securebit_names, list);
}

uint32_t seccomp_flags(char *list) { return bits_of("seccomp-flags", filter_flags, list); }

uint32_t landlock_flags(char *list) { return bits_of("landlock-flags", restrict_flags, list); }

struct allowed allowed(char *text) {
  bool writes = strncmp(text, "rw:", 3) == 0;
  if (!writes && strncmp(text, "ro:", 3) != 0)
    DIE("--landlock: \"%s\" is not ro:PATH or rw:PATH", text);
  return (struct allowed){writes, text + 3};
}
