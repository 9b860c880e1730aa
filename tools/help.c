/* SPDX-License-Identifier: BSD-3-Clause */
/* What --help says: a summary that fits a screen of 24 lines, and each group of options in full. */

#include "options.h"

#include <stdio.h>
#include <strings.h>

static const char usage[] = "Usage: forkexec [options] [--] command [args...]\n";

static const char summary[] =
    "Starts the command as the options say, tells which step failed, waits for it.\n"
    "\n"
    "  --dir D --chroot D          its working directory; its root\n"
    "  --fd N=SRC                  its descriptor N is SRC: one of the caller's,\n"
    "                              - (closed), <FILE >FILE >>FILE, null:, data:TEXT\n"
    "  --close-others              no descriptor above 2 but those of --fd\n"
    "  -i --env NAME=VALUE         an empty environment; a variable\n"
    "  --user USER[:GROUP]         with the groups of that user\n"
    "  --ambient CAP,... --no-new-privs --landlock ro:PATH --landlock rw:PATH\n"
    "  --setsid --pty              a new session; on a new terminal\n"
    "  --unshare SPACE,...         such as user,pid,mount,net (--map-root)\n"
    "  --limit NAME=N --nice N --cpus N-N --umask OCTAL\n"
    "  --timeout TIME              then SIGTERM, and SIGKILL a second later\n"
    "  --signal SIG --kill-after TIME --group --tree   how, and who else gets them\n"
    "  --capture --json[=FILE]     its output when it has ended; all of its end\n"
    "  --explain                   what would be done, and nothing is\n"
    "\n"
    "All options: --help=all. Those of a group: --help=GROUP, with place, files,\n"
    "identity, rights, terminal, signals, spaces, program, use, life, result, other.\n";

static const struct {
  const char *name, *text;
} groups[] = {
    {"place",
     "Place     --dir D  --chroot D  --chroot-keep-cwd  --pivot-root D\n"
     "          --cgroup D  --own-cgroup D  (made, and removed at its end)\n"},
    {"files",
     "Files     --fd N=SRC      its descriptor N is SRC: a number (the caller's own),\n"
     "                          - (closed), a path (<P >P >>P <>P: opened that way),\n"
     "                          child:PATH (opened by the program's side), null:,\n"
     "                          data:TEXT, same:N (its own N), terminal: (--pty)\n"
     "          --close-others  those above 2 that no --fd names are closed\n"
     "          --action DO     behind --fd, in their order: open:N:PATH dup2:N:N\n"
     "                          close:N closefrom:N chdir:D fchdir:N tcsetpgrp:N\n"},
    {"identity",
     "Identity  --user USER[:GROUP]  --groups G,G...  --keep-groups  --reset-ids\n"},
    {"rights",
     "Rights    --bounding CAP,...  --inheritable CAP,...  --permitted CAP,...\n"
     "          --effective CAP,...  --ambient CAP,...  with CAP a name as chown, a\n"
     "                          number, all, none, or -CAP to take it out again\n"
     "          --securebits NAME,...|NUMBER  --no-new-privs\n"
     "          --seccomp FILE|FD  an array of struct sock_filter, as seccomp(2)\n"
     "          --seccomp-flags log,spec_allow\n"
     "          --landlock ro:PATH|rw:PATH  read and executed, or all; nothing else\n"
     "          --landlock-flags log_same_exec_off,log_new_exec_on,log_subdomains_off\n"},
    {"terminal",
     "Terminal  --setsid  --setpgid[=PGID]\n"
     "          --setctty[=FD]  --noctty  --foreground[=FD]\n"
     "          --pty           a new one, between which and this one forkexec stands\n"},
    {"signals",
     "Signals   --sigmask S,S...  --sigdefault S,S...  --sigignore S,S...\n"},
    {"spaces",
     "Spaces    --unshare user,pid,mount,net,uts,ipc,cgroup,time  --keep-propagation\n"
     "          --enter SPACE,...=PID  --enter SPACE=FILE  and, once there,\n"
     "          --unshare-inside SPACE,...  --monotonic-offset S  --boottime-offset S\n"
     "          --map-root  --uid-map IN:OUT:COUNT  --gid-map IN:OUT:COUNT\n"
     "          --allow-setgroups  --newidmap\n"},
    {"program",
     "Program   -i, --env-clear  --env NAME=VALUE  --unsetenv NAME  --argv0 NAME\n"
     "          --search-path D:D...  --shell-fallback  --fexecve FD (the program)\n"
     "          --execveat FD (the directory that it is in)\n"},
    {"use",
     "Use       --limit NAME=SOFT[:HARD] a number or unlimited; as prlimit(2)'s\n"
     "          --umask OCTAL  --oom-score-adj N  --personality N  --no-randomize\n"
     "          --scheduling other|batch|idle|fifo|rr[:PRIORITY]  --nice N\n"
     "          --deadline RUNTIME,DEADLINE,PERIOD (nanoseconds)  --reset-on-fork\n"
     "          --ioprio none|realtime|best-effort|idle[:LEVEL]  --cpus N-N,N...\n"
     "          --mempolicy default|local|preferred|preferred_many|bind|interleave|\n"
     "                      weighted_interleave[=static|relative|balancing][:N-N,N]\n"
     "          --timer-slack NANOSECONDS  --own-core\n"},
    {"life",
     "Life      --timeout TIME     then SIGTERM, and SIGKILL a second later\n"
     "          --signal SIG  --kill-after TIME   other than those\n"
     "          --group  --tree    for its process group; for all that it has started\n"
     "          --spawn-timeout TIME  until it runs\n"
     "          --pdeathsig SIG    what it gets when forkexec dies\n"
     "          --ptrace           it stops at exec, for a debugger to attach\n"
     "          --suspend          it stands before exec until forkexec gets SIGCONT\n"},
    {"result",
     "Result    --capture          its output and errors, when it has ended\n"
     "          --max-output SIZE  of each; the rest is thrown away, and told\n"
     "          --linger TIME      for others who hold its output open still\n"
     "          --json[=FILE|FD]   all that is known of its end, to standard\n"
     "                             output with --capture, else to standard error\n"},
    {"other",
     "Other     --explain[=json]   what would be done, in place of doing it\n"
     "          --way auto|shared|copy|piped|concurrent|staged  --async\n"
     "          --verbose  --help[=GROUP|all]  --version\n"},
};

static const char values[] = "TIME: 5, 1.5s, 250ms, 2m, 1h. SIZE: 100, 64K, 2M, 1G.\n";

static const char statuses[] =
    "Exit status: that of the command; 128+N: signal N killed it; 124: timed out;\n"
    "125: forkexec failed; 126: it cannot be executed; 127: it is not found.\n";

void print_help(const char *of) {
  bool all = of != NULL && strcasecmp(of, "all") == 0, found = of == NULL || all;
  if (found) fputs(usage, stdout);
  if (of == NULL) fputs(summary, stdout);
  for (size_t i = 0; of != NULL && i < sizeof groups / sizeof *groups; i++) {
    if (!all && strcasecmp(groups[i].name, of) != 0) continue;
    fputs(groups[i].text, stdout);
    found = true;
  }
  if (!found) DIE("--help: \"%s\" is none of its values", of);
  if (all) fputs(values, stdout);
  if (of == NULL || all) fputs(statuses, stdout);
}
