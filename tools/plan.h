/* SPDX-License-Identifier: BSD-3-Clause */
/* What the options name, looked up and opened: the rest of attr. Each ends the process with a line
 * if it cannot. */
#ifndef PLAN_H
#define PLAN_H

#include "options.h"

/* First of all: what it takes of the caller's descriptors is not the program's. */
void plan_sandbox(struct job *job);
void plan_files(struct job *job);
void plan_execfd(struct job *job);
void plan_identity(struct job *job);
void plan_namespaces(struct job *job);
void plan_cgroup(struct job *job);

/* Opened by this process, close-on-exec and above 2. */
int open_source(const char *path, int flags);
/* Or, if `source` is a number, the caller's descriptor, which the program does not get then: held
 * by one that lives on, a pipe would not end. */
int open_own(const char *option, const char *source, int flags);
/* The program has its own by now. Held open here, an end of a pipe would keep the other waiting.
 * The one of --foreground stays, to get the terminal back by. */
void close_sources(const fe_attr *attr);
/* Takes away what plan_cgroup has made. */
void remove_cgroup(const struct job *job);

#endif
