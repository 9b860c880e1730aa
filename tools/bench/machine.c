/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the benchmark runs: told, since figures without it say nothing. */

#include "bench.h"

#include <forkexec.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* The rest of the first line of `file` that begins with `key`, behind what separates them; else "". */
static void look_up(const char *file, const char *key, char *value, size_t size) {
  char line[4096];
  FILE *f = fopen(file, "re");
  value[0] = '\0';
  if (f == NULL) return;
  while (value[0] == '\0' && fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, key, strlen(key)) != 0) continue;
    const char *rest = line + strlen(key);
    rest += strspn(rest, " \t:");
    snprintf(value, size, "%.*s", (int)strcspn(rest, "\n"), rest);
  }
  fclose(f);
}

long free_mib(void) {
  char value[64];
  look_up("/proc/meminfo", "MemAvailable", value, sizeof value);
  long mib = atol(value) / 1024;
  /* In a container what it may use is less than what there is. */
  look_up("/sys/fs/cgroup/memory.max", "", value, sizeof value);
  long most = atol(value) >> 20;
  return most > 0 && most < mib ? most : mib;
}

void pin(bool to_one) {
  static cpu_set_t all;
  static bool known;
  if (!known) need(sched_getaffinity(0, sizeof all, &all) == 0, "sched_getaffinity");
  known = true;
  cpu_set_t set = all;
  if (to_one) {
    /* The last one: the first has most of the machine's interrupts. */
    size_t last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &all)) last--;
    CPU_ZERO(&set);
    CPU_SET(last, &set);
  }
  need(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

static void say(const char *what, const char *value) {
  printf("# %s: %s\n", what, value[0] != '\0' ? value : "unknown");
  if (csv) fprintf(csv, "# %s: %s\n", what, value);
}

void describe_machine(void) {
  char value[4096], text[256];
  struct utsname system;
  uname(&system);
  snprintf(value, sizeof value, "%s %s %s", system.sysname, system.release, system.machine);
  say("kernel", value);
  look_up("/proc/cpuinfo", "flags", value, sizeof value);
  bool virtual = strstr(value, " hypervisor") != NULL;
  look_up("/proc/cpuinfo", "model name", value, sizeof value);
  snprintf(text, sizeof text, "%.128s, %ld online%s", value[0] != '\0' ? value : "no model name",
           sysconf(_SC_NPROCESSORS_ONLN), virtual ? ", a virtual machine" : "");
  say("processor", text);
  look_up("/proc/meminfo", "MemTotal", value, sizeof value);
  look_up("/sys/kernel/mm/transparent_hugepage/enabled", "", text, sizeof text);
  const char *chosen = strchr(text, '[');
  if (chosen != NULL) chosen++;
  snprintf(value + strlen(value), sizeof value - strlen(value), ", transparent huge pages %.*s",
           chosen != NULL ? (int)strcspn(chosen, "]") : 7, chosen != NULL ? chosen : "unknown");
  say("memory", value);
#ifdef __GLIBC__
  snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
  say("libc of posix_spawn", text);
#else
  say("libc of posix_spawn", "not glibc");
#endif
  say("libforkexec", fe_version());
  look_up("/proc/loadavg", "", value, sizeof value);
  say("load at the start", value);
}
