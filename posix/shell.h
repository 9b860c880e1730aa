/* SPDX-License-Identifier: BSD-3-Clause */
/* The shell, for system(3) and popen(3). */
#ifndef SHELL_H
#define SHELL_H

#include <forkexec.h>

/* Makes it run the command. Without "--", one that begins with "-" would be an option. */
#define SHELL_ARGV(command) {(char *)"sh", (char *)"-c", (char *)"--", (char *)(uintptr_t)(command), NULL}
#define SHELL_PATH "/bin/sh"

#endif
