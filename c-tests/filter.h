/* SPDX-License-Identifier: BSD-3-Clause */
/* Seccomp filters (seccomp(2)) for the calling thread and the processes that it makes. They cannot be
 * removed: install them in a process of its own (`apart` of test.h). One that kills must be such that
 * only the child makes the call. Needs test.h. */
#ifndef FILTER_H
#define FILTER_H

#include "test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this machine"
#endif

/* In place of an errno: SECCOMP_RET_KILL_PROCESS, which is SIGSYS. */
enum { KILL = -1 };

/* `nr` does what `action` says if (argument & mask) == value. Both machines are little-endian: the low
 * half of an argument comes first. */
static inline int install(long nr, uint32_t action, unsigned flags, int argument, uint32_t mask,
                          uint32_t value) {
  if (world() != WORLD_KERNEL) skip("emulators have no seccomp");
  uint32_t place = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 0, 6),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  struct rlimit none = {0, 0};
  /* The killed would dump core. */
  if (action == SECCOMP_RET_KILL_PROCESS) NEED(setrlimit(RLIMIT_CORE, &none) == 0);
  int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0 && errno == EACCES) { /* not privileged */
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  }
  NEED(result >= 0);
  return result;
}

/* From now on the call fails with that errno, or kills. */
static inline void refuse_if(long nr, int errnum, int argument, uint32_t mask, uint32_t value) {
  uint32_t action = errnum == KILL ? SECCOMP_RET_KILL_PROCESS
                                   : SECCOMP_RET_ERRNO | ((uint32_t)errnum & SECCOMP_RET_DATA);
  install(nr, action, 0, argument, mask, value);
}

static inline void refuse(long nr, int errnum) { refuse_if(nr, errnum, 0, 0, 0); }

/* A watcher is a thread of the caller's that is told of each such call while its caller is held. */
struct watcher {
  void (*meanwhile)(pid_t caller); /* or NULL */
  int errnum;                      /* how the call ends; 0: it is made */
  int calls;                       /* how many there were */
  int listener;
};

static inline void *watch_calls(void *argument) {
  struct watcher *watcher = argument;
  while (__atomic_load_n(&watcher->listener, __ATOMIC_ACQUIRE) < 0) usleep(100);
  for (;;) {
    struct seccomp_notif call;
    struct seccomp_notif_resp answer;
    memset(&call, 0, sizeof call);
    memset(&answer, 0, sizeof answer);
    if (ioctl(watcher->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      return NULL;
    }
    __atomic_add_fetch(&watcher->calls, 1, __ATOMIC_RELAXED);
    if (watcher->meanwhile) watcher->meanwhile((pid_t)call.pid);
    answer.id = call.id;
    answer.error = -watcher->errnum;
    if (!watcher->errnum) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(watcher->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

/* `watcher` lives as long as the process. The thread is made first: it is not under the filter. */
static inline void watch_if(struct watcher *watcher, long nr, int argument, uint32_t mask,
                            uint32_t value) {
  pthread_t thread;
  watcher->listener = -1;
  NEED(pthread_create(&thread, NULL, watch_calls, watcher) == 0);
  int listener = install(nr, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER, argument, mask,
                         value);
  __atomic_store_n(&watcher->listener, listener, __ATOMIC_RELEASE);
}

#endif
