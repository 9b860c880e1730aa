/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer of the benchmark with a C library of its own (musl), libuv or GLib. See others.c for what it is asked. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#if defined(PEER_UV)
#include <uv.h>

static int64_t ended_as;

static void on_exit_of(uv_process_t *process, int64_t status, int signal) {
  ended_as = signal != 0 ? signal : status;
  uv_close((uv_handle_t *)process, NULL);
}

static bool spawn(char *program) {
  char *argv[] = {program, NULL};
  uv_process_t process;
  uv_process_options_t options = {.exit_cb = on_exit_of, .file = program, .args = argv};
  ended_as = -1;
  if (uv_spawn(uv_default_loop(), &process, &options) != 0) uv_close((uv_handle_t *)&process, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return ended_as == 0;
}

static void say_version(void) { printf("libuv %s, uv_spawn\n", uv_version_string()); }

#elif defined(PEER_GLIB)
#include <glib.h>

static bool spawn(char *program) {
  char *argv[] = {program, NULL};
  GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | (strchr(program, '/') == NULL ? G_SPAWN_SEARCH_PATH : 0);
  GPid pid;
  int status;
  if (!g_spawn_async(NULL, argv, NULL, flags, NULL, NULL, &pid, NULL)) return false;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

static void say_version(void) {
  printf("GLib %u.%u.%u, g_spawn_async\n", glib_major_version, glib_minor_version, glib_micro_version);
}

#else
#include <spawn.h>

extern char **environ;

static bool spawn(char *program) {
  char *argv[] = {program, NULL};
  pid_t pid;
  int status;
  int result = strchr(program, '/') != NULL ? posix_spawn(&pid, program, NULL, NULL, argv, environ)
                                            : posix_spawnp(&pid, program, NULL, NULL, argv, environ);
  if (result != 0) return false;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

static void say_version(void) { printf("musl, static\n"); }
#endif

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void) {
  char program[4096];
  int count;
  say_version();
  fflush(stdout);
  while (scanf("%d %4095s", &count, program) == 2) {
    int failures = 0;
    long long begun = now();
    for (int i = 0; i < count; i++) failures += !spawn(program);
    printf("%lld %d\n", now() - begun, failures);
    fflush(stdout);
  }
  return 0;
}
