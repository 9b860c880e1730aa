/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that have names: signals, errnos and ways. No libc has all of this in all its
 * versions. */

#include "values.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct name way_names[] = {
    {"auto", FE_WAY_AUTO},     {"shared", FE_WAY_SHARED},         {"copy", FE_WAY_COPY},
    {"piped", FE_WAY_PIPED},   {"concurrent", FE_WAY_CONCURRENT}, {"staged", FE_WAY_STAGED},
    {NULL, 0},
};

/* The first of two names is the one that is told. */
#define S(name) {#name, SIG##name}
static const struct name signals[] = {
    S(HUP),  S(INT),  S(QUIT), S(ILL),  S(TRAP), S(ABRT), S(BUS),  S(FPE),
    S(KILL), S(USR1), S(SEGV), S(USR2), S(PIPE), S(ALRM), S(TERM), S(CHLD),
    S(CONT), S(STOP), S(TSTP), S(TTIN), S(TTOU), S(URG),  S(XCPU), S(XFSZ),
    S(VTALRM), S(PROF), S(WINCH), S(IO), S(POLL), S(PWR), S(SYS),
#ifdef SIGSTKFLT
    S(STKFLT),
#endif
    {NULL, 0},
};
#undef S

#define E(name) {#name, name}
static const struct name errnos[] = {
    E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG), E(ENOEXEC), E(EBADF),
    E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(ENOTBLK), E(EBUSY), E(EEXIST),
    E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY),
    E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE), E(EDOM), E(ERANGE),
    E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK), E(ENOSYS), E(ENOTEMPTY), E(ELOOP), E(EIDRM),
    E(ENODATA), E(ETIME), E(EREMOTE), E(ENOLINK), E(ECOMM), E(EPROTO), E(EBADMSG), E(EOVERFLOW),
    E(ELIBACC), E(ELIBBAD), E(EILSEQ), E(EUSERS), E(ENOTSOCK), E(EOPNOTSUPP), E(ECONNRESET),
    E(ENOBUFS), E(ETIMEDOUT), E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY),
    E(EINPROGRESS), E(ESTALE), E(EUCLEAN), E(EREMOTEIO), E(EDQUOT), E(ENOMEDIUM), E(EMEDIUMTYPE),
    E(ECANCELED), E(ENOKEY), E(EKEYEXPIRED), E(EKEYREVOKED), E(EKEYREJECTED), E(EOWNERDEAD),
    E(ENOTRECOVERABLE), {NULL, 0},
};
#undef E

static const char *name_of(const struct name *names, int value) {
  while (names->name != NULL && names->value != value) names++;
  return names->name;
}

const char *errno_name(int number) { return name_of(errnos, number); }

const char *way_name(uint32_t way) {
  const char *name = name_of(way_names, (int)way);
  return name != NULL ? name : "unknown";
}

const char *signal_name(int sig) {
  static char real_time[16];
  if (sig < SIGRTMIN || sig > SIGRTMAX) return name_of(signals, sig);
  snprintf(real_time, sizeof real_time, sig > SIGRTMIN ? "RTMIN+%d" : "RTMIN", sig - SIGRTMIN);
  return real_time;
}

int signal_number(const char *option, const char *text) {
  unsigned long value;
  const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
  if (is_number(name, 64, &value) && value > 0) return (int)value;
  if (strcasecmp(name, "RTMIN") == 0) return SIGRTMIN;
  if (strncasecmp(name, "RTMIN+", 6) == 0 &&
      is_number(name + 6, (unsigned long)(SIGRTMAX - SIGRTMIN), &value))
    return SIGRTMIN + (int)value;
  return value_of(option, signals, name);
}
