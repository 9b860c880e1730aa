/* SPDX-License-Identifier: BSD-3-Clause */
/* The word in the caller's memory by which the kernel says that a child of the concurrent way has let go of it
 * (CLONE_CHILD_CLEARTID). Needs beside.h. */
#ifndef WORD_H
#define WORD_H

#include "beside.h"

#include <pthread.h>
#include <sys/syscall.h>

static pid_t waiting;

static inline void *waits_a_while(void *child) {
  __atomic_store_n(&waiting, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  in_progress(child, 1000, FE_STEP_EXEC, -1);
  return NULL;
}

/* The word that the kernel is to write: what the thread sleeps on. */
static inline uintptr_t slept_on(fe_child *child) {
  pthread_t thread;
  uintptr_t word = 0;
  waiting = 0;
  NEED(pthread_create(&thread, NULL, waits_a_while, child) == 0);
  while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) == 0) usleep(1000);
  for (int i = 0; i < 500 && word == 0; i++) {
    char path[64], text[200] = "";
    long nr = -1;
    unsigned long long at = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)waiting);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) skip("needs /proc/PID/syscall");
    CHECK(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    if (sscanf(text, "%ld 0x%llx", &nr, &at) == 2 && nr == SYS_futex) word = (uintptr_t)at;
    usleep(1000);
  }
  NEED(pthread_join(thread, NULL) == 0);
  NEED(word != 0);
  return word;
}

#endif
