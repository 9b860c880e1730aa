/* SPDX-License-Identifier: BSD-3-Clause */
/* --pty: the program has a terminal of its own, and the command stands between that and the
 * user's. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "options.h"

/* The size of the user's terminal, if there is one, which from now on the new one follows. */
void plan_terminal(struct job *job);

/* While the child stands before its exec: the new terminal gets the modes of the user's, which
 * becomes raw. That one gets its own back when the process ends, however it does so by itself, or
 * by terminal_restore. */
void terminal_prepare(fe_child *child);
void terminal_restore(void);

/* From now on what is typed goes to the child, and what it writes to standard output. */
void terminal_serve(void);
/* The child has ended: what it has written is passed on, and no more. */
void terminal_end(void);

#endif
