/* SPDX-License-Identifier: BSD-3-Clause */
/* The signals that the command gets while it waits: it passes them on. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <forkexec.h>
#include <stdbool.h>

/* SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2, unless they are ignored, are kept from now
 * on. */
void catch_signals(void);

/* Those that were kept, and all that come, go to the child; or to the group that it leads. */
void pass_on_to(fe_child *child, bool group);

/* Until one of those has come, or SIGCONT, or the child's end. */
void wait_for_signal(void);

#endif
