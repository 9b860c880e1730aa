#compdef forkexec
# SPDX-License-Identifier: BSD-3-Clause
# forkexec(1) for zsh. completion.sh compares the names with those of the command.

local context state state_descr line
typeset -A opt_args
local -a sigs capabilities spaces limits securebits

sigs=(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF
  WINCH IO POLL PWR SYS STKFLT RTMIN)
capabilities=(chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
  net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
  sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
  wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore)
spaces=(user pid mount net uts ipc time cgroup)
limits=(as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack)
securebits=(noroot noroot_locked no_setuid_fixup no_setuid_fixup_locked keep_caps keep_caps_locked no_cap_ambient_raise
  no_cap_ambient_raise_locked)

_arguments -S \
  '--dir=[working directory]:directory:_directories' \
  '--chroot=[root directory]:directory:_directories' \
  '--chroot-keep-cwd[the working directory stays]' \
  '--pivot-root=[in place of the old root]:directory:_directories' \
  '--cgroup=[born in it]:cgroup:_directories -W /sys/fs/cgroup' \
  '--own-cgroup=[a new one]:cgroup:_files' \
  '*--fd=[N=SRC\: descriptor N is that]:descriptor:->source' \
  '--close-others[all above 2 without --fd]' \
  '*--action=[in order, behind --fd]:action:->action' \
  '--user=[USER\[\:GROUP\]]:user:->user' \
  '--groups=[supplementary groups]:groups:_sequence _groups' \
  '--keep-groups[the caller'\''s groups]' \
  '--reset-ids[effective ids become the real ones]' \
  '--bounding=[bounding set]:capabilities:->capabilities' \
  '--inheritable=[inheritable set]:capabilities:->capabilities' \
  '--permitted=[permitted set]:capabilities:->capabilities' \
  '--effective=[effective set]:capabilities:->capabilities' \
  '--ambient=[ambient set]:capabilities:->capabilities' \
  '--securebits=[securebits]:securebits:_sequence compadd - $securebits' \
  '--no-new-privs[no exec gives more privileges]' \
  '--seccomp=[a filter]:file:_files' \
  '--seccomp-flags=[how it is installed]:flags:_sequence compadd - log spec_allow' \
  '*--landlock=[ro\:PATH or rw\:PATH]:path:->landlock' \
  '--landlock-flags=[what is logged]:flags:_sequence compadd - log_same_exec_off log_new_exec_on log_subdomains_off' \
  '--setsid[a new session]' \
  '--setpgid=-[a process group]::group' \
  '--setctty=-[controlling terminal]::descriptor' \
  '--noctty[no controlling terminal]' \
  '--foreground=-[in the foreground of a terminal]::descriptor' \
  '--pty[on a new terminal]' \
  '--sigmask=[blocked]:signals:_sequence compadd - $sigs' \
  '--sigdefault=[at their default]:signals:_sequence compadd - $sigs' \
  '--sigignore=[ignored]:signals:_sequence compadd - $sigs' \
  '--unshare=[new namespaces]:namespaces:_sequence compadd - $spaces' \
  '--keep-propagation[mounts stay as they are]' \
  '*--enter=[SPACE,...=PID or SPACE=FILE]:namespaces:->enter' \
  '--unshare-inside=[new ones after those are entered]:namespaces:_sequence compadd - $spaces' \
  '--monotonic-offset=[added to the clock]:seconds' \
  '--boottime-offset=[added to the clock]:seconds' \
  '--map-root[this user is root there]' \
  '*--uid-map=[IN\:OUT\:COUNT]:map' \
  '*--gid-map=[IN\:OUT\:COUNT]:map' \
  '--allow-setgroups[setgroups stays permitted]' \
  '--newidmap[maps by newuidmap and newgidmap]' \
  '(-i --env-clear)'{-i,--env-clear}'[an empty environment]' \
  '*--env=[NAME=VALUE]:variable:_parameters -g "*export*" -S =' \
  '*--unsetenv=[removed]:variable:_parameters -g "*export*"' \
  '--argv0=[its name for itself]:name' \
  '--search-path=[in place of PATH]:directories' \
  '--shell-fallback[a file of no format is run by the shell]' \
  '--fexecve=[the program is open there]:descriptor' \
  '--execveat=[the directory is open there]:descriptor' \
  '*--limit=[NAME=SOFT\[\:HARD\]]:limit:->limit' \
  '--umask=[octal]:umask' \
  '--oom-score-adj=[-1000 to 1000]:score' \
  '--personality=[bits]:personality' \
  '--no-randomize[no address randomization]' \
  '--scheduling=[policy]:policy:(other batch idle fifo rr)' \
  '--nice=[-20 to 19]:nice value' \
  '--deadline=[RUNTIME,DEADLINE,PERIOD]:nanoseconds' \
  '--reset-on-fork[its children have the default policy]' \
  '--ioprio=[turn at the disk]:class:(none realtime best-effort idle)' \
  '--cpus=[processors]:processors' \
  '--mempolicy=[memory policy]:policy:(default local preferred preferred_many bind interleave weighted_interleave)' \
  '--timer-slack=[how late timers may be]:nanoseconds' \
  '--own-core[a core for it alone]' \
  '--timeout=[then SIGTERM, and SIGKILL]:time' \
  '--signal=[other than SIGTERM]:signal:compadd - $sigs' \
  '--kill-after=[until SIGKILL]:time' \
  '(--tree)--group[signals are for its group]' \
  '(--group)--tree[signals are for all that it has started]' \
  '--spawn-timeout=[until it runs]:time' \
  '--pdeathsig=[when forkexec dies]:signal:compadd - $sigs' \
  '--ptrace[stops at exec for a debugger]' \
  '--suspend[stands before exec until SIGCONT]' \
  '--capture[output when it has ended]' \
  '--max-output=[of each stream]:size' \
  '--linger=[for others who hold its output]:time' \
  '--json=-[its end as an object]::file:_files' \
  '--explain=-[what would be done]::form:(json)' \
  '--way=[how the child is made]:way:(auto shared copy piped concurrent staged)' \
  '--async[the outcome is waited for later]' \
  '--verbose[says way and pid]' \
  '(- *)--help=-[options]::group:(all place files identity rights terminal signals spaces program use life result other)' \
  '(- *)--version[version]' \
  '(-)1:command: _command_names -e' \
  '*::arguments: _normal' && return

case $state in
  source)
    if compset -P '[0-9]##=child:'; then
      _files
    elif compset -P '[0-9]##='; then
      compadd -S '' - null: data: same: terminal: child:
      _files
    else
      compadd -S = - 0 1 2
    fi
    ;;
  action)
    if compset -P 'chdir:'; then
      _directories
    else
      compadd -S : - open dup2 close closefrom chdir fchdir tcsetpgrp
    fi
    ;;
  user)
    if compset -P '*:'; then _groups; else _users; fi
    ;;
  capabilities)
    compset -P '*,'
    if [[ $PREFIX == -* ]]; then compadd - -$^capabilities; else compadd - $capabilities all none; fi
    ;;
  landlock)
    if compset -P 'r[ow]:'; then _files; else compadd -S : - ro rw; fi
    ;;
  enter)
    if compset -P '*='; then
      _files
      compadd - /proc/<->(:t)
    else
      compset -P '*,'
      compadd -S '' - $spaces
    fi
    ;;
  limit)
    if compset -P '*='; then compadd - unlimited; else compadd -S = - $limits; fi
    ;;
esac
