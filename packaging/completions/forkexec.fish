# SPDX-License-Identifier: BSD-3-Clause
# forkexec(1) for fish. completion.sh compares the names with those of the command.

set -g __forkexec_signals HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ \
    VTALRM PROF WINCH IO POLL PWR SYS STKFLT RTMIN
set -g __forkexec_capabilities chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service \
    net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot \
    sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog \
    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
set -g __forkexec_spaces user pid mount net uts ipc time cgroup
set -l limits {as,core,cpu,data,fsize,locks,memlock,msgqueue,nice,nofile,nproc,rss,rtprio,rttime,sigpending,stack}=
set -g __forkexec_securebits noroot noroot_locked no_setuid_fixup no_setuid_fixup_locked keep_caps keep_caps_locked no_cap_ambient_raise \
    no_cap_ambient_raise_locked

# Options whose value may be the next word.
set -g __forkexec_with_value --dir --chroot --pivot-root --cgroup --own-cgroup --fd --action --user --groups --bounding \
    --inheritable --permitted --effective --ambient --securebits --seccomp --seccomp-flags --landlock --landlock-flags \
    --sigmask --sigdefault --sigignore --unshare --enter --unshare-inside --monotonic-offset --boottime-offset --uid-map \
    --gid-map --env --unsetenv --argv0 --search-path --fexecve --execveat --limit --umask --oom-score-adj --personality \
    --scheduling --nice --deadline --ioprio --cpus --mempolicy --timer-slack --timeout --signal --kill-after --spawn-timeout \
    --pdeathsig --max-output --linger --way

# The words from the command on, or from the -- before it: the first that is neither an option nor the value of one.
function __forkexec_rest
    set -l words (commandline -opc)
    set -e words[1]
    while string match -q -- '-?*' $words[1]; and test "$words[1]" != --
        contains -- $words[1] $__forkexec_with_value; and set -e words[1]
        set -e words[1]
    end
    set -q words[1]; and printf '%s\n' $words
end

function __forkexec_in_options
    set -l rest (__forkexec_rest)
    not set -q rest[1]
end

# What fish has for the command, with its words.
function __forkexec_command
    set -l rest (__forkexec_rest)
    test "$rest[1]" = --; and set -e rest[1]
    complete --do-complete=(string join ' ' -- (string escape -- $rest) (commandline -ct))
end

# The value that is being typed, also behind --option=.
function __forkexec_value
    commandline -ct | string replace -r '^--[a-z-]+=' ''
end

# These, each behind what there is already of a list with commas.
function __forkexec_listed
    set -l before (__forkexec_value | string match -r '.*,')
    test -n "$before"; or set before ''
    printf '%s\n' $before$argv
end

function __forkexec_capabilities
    __forkexec_listed $__forkexec_capabilities -$__forkexec_capabilities all none
end

# Paths, behind the part of the value that is not of the path.
function __forkexec_paths
    set -l value (string replace -r -- "^$argv[1]" '' (__forkexec_value))
    printf '%s\n' (string match -r -- "^$argv[1]" (__forkexec_value))(complete -C "'' $value" | string replace -r '\t.*' '')
end

function __forkexec_source
    set -l at (__forkexec_value | string match -r '^[0-9]+=')
    if test -z "$at"
        printf '%s\n' 0= 1= 2=
        return
    end
    printf '%s\n' $at{null:,data:,same:,terminal:,child:}
    __forkexec_paths '[0-9]+=(child:)?'
end

function __forkexec_allowed
    printf '%s\n' ro: rw:
    string match -qr '^r[ow]:' -- (__forkexec_value); and __forkexec_paths 'r[ow]:'
end

complete -c forkexec -x -a '(__forkexec_command)'
complete -c forkexec -n __forkexec_in_options -l dir -xa '(__fish_complete_directories)' -d 'working directory'
complete -c forkexec -n __forkexec_in_options -l chroot -xa '(__fish_complete_directories)' -d 'root directory'
complete -c forkexec -n __forkexec_in_options -l chroot-keep-cwd -f -d 'the working directory stays'
complete -c forkexec -n __forkexec_in_options -l pivot-root -xa '(__fish_complete_directories)' -d 'in place of the old root'
complete -c forkexec -n __forkexec_in_options -l cgroup -xa '(__fish_complete_directories)' -d 'born in it'
complete -c forkexec -n __forkexec_in_options -l own-cgroup -rF -d 'a new one'
complete -c forkexec -n __forkexec_in_options -l fd -xa '(__forkexec_source)' -d 'N=SRC: descriptor N is that'
complete -c forkexec -n __forkexec_in_options -l close-others -f -d 'all above 2 without --fd'
complete -c forkexec -n __forkexec_in_options -l action -xa 'open: dup2: close: closefrom: chdir: fchdir: tcsetpgrp:' -d 'in order, behind --fd'
complete -c forkexec -n __forkexec_in_options -l user -xa '(__fish_complete_users)' -d 'USER[:GROUP]'
complete -c forkexec -n __forkexec_in_options -l groups -xa '(__forkexec_listed (__fish_complete_groups))' -d 'supplementary groups'
complete -c forkexec -n __forkexec_in_options -l keep-groups -f -d 'the caller\'s groups'
complete -c forkexec -n __forkexec_in_options -l reset-ids -f -d 'effective ids become the real ones'
complete -c forkexec -n __forkexec_in_options -l bounding -xa '(__forkexec_capabilities)' -d 'bounding set'
complete -c forkexec -n __forkexec_in_options -l inheritable -xa '(__forkexec_capabilities)' -d 'inheritable set'
complete -c forkexec -n __forkexec_in_options -l permitted -xa '(__forkexec_capabilities)' -d 'permitted set'
complete -c forkexec -n __forkexec_in_options -l effective -xa '(__forkexec_capabilities)' -d 'effective set'
complete -c forkexec -n __forkexec_in_options -l ambient -xa '(__forkexec_capabilities)' -d 'ambient set'
complete -c forkexec -n __forkexec_in_options -l securebits -xa '(__forkexec_listed $__forkexec_securebits)' -d 'securebits'
complete -c forkexec -n __forkexec_in_options -l no-new-privs -f -d 'no exec gives more privileges'
complete -c forkexec -n __forkexec_in_options -l seccomp -rF -d 'a filter'
complete -c forkexec -n __forkexec_in_options -l seccomp-flags -xa '(__forkexec_listed log spec_allow)' -d 'how it is installed'
complete -c forkexec -n __forkexec_in_options -l landlock -xa '(__forkexec_allowed)' -d 'ro:PATH or rw:PATH'
complete -c forkexec -n __forkexec_in_options -l landlock-flags -xa '(__forkexec_listed log_same_exec_off log_new_exec_on log_subdomains_off)' -d 'what is logged'
complete -c forkexec -n __forkexec_in_options -l setsid -f -d 'a new session'
complete -c forkexec -n __forkexec_in_options -l setpgid -f -d 'a process group'
complete -c forkexec -n __forkexec_in_options -l setctty -f -d 'controlling terminal'
complete -c forkexec -n __forkexec_in_options -l noctty -f -d 'no controlling terminal'
complete -c forkexec -n __forkexec_in_options -l foreground -f -d 'in the foreground of a terminal'
complete -c forkexec -n __forkexec_in_options -l pty -f -d 'on a new terminal'
complete -c forkexec -n __forkexec_in_options -l sigmask -xa '(__forkexec_listed $__forkexec_signals)' -d 'blocked'
complete -c forkexec -n __forkexec_in_options -l sigdefault -xa '(__forkexec_listed $__forkexec_signals)' -d 'at their default'
complete -c forkexec -n __forkexec_in_options -l sigignore -xa '(__forkexec_listed $__forkexec_signals)' -d 'ignored'
complete -c forkexec -n __forkexec_in_options -l unshare -xa '(__forkexec_listed $__forkexec_spaces)' -d 'new namespaces'
complete -c forkexec -n __forkexec_in_options -l keep-propagation -f -d 'mounts stay as they are'
complete -c forkexec -n __forkexec_in_options -l enter -xa '(__forkexec_listed $__forkexec_spaces)=' -d 'SPACE,...=PID or SPACE=FILE'
complete -c forkexec -n __forkexec_in_options -l unshare-inside -xa '(__forkexec_listed $__forkexec_spaces)' -d 'new ones after those are entered'
complete -c forkexec -n __forkexec_in_options -l monotonic-offset -x -d 'added to the clock'
complete -c forkexec -n __forkexec_in_options -l boottime-offset -x -d 'added to the clock'
complete -c forkexec -n __forkexec_in_options -l map-root -f -d 'this user is root there'
complete -c forkexec -n __forkexec_in_options -l uid-map -x -d 'IN:OUT:COUNT'
complete -c forkexec -n __forkexec_in_options -l gid-map -x -d 'IN:OUT:COUNT'
complete -c forkexec -n __forkexec_in_options -l allow-setgroups -f -d 'setgroups stays permitted'
complete -c forkexec -n __forkexec_in_options -l newidmap -f -d 'maps by newuidmap and newgidmap'
complete -c forkexec -n __forkexec_in_options -l env -xa '(set -nx)=' -d 'NAME=VALUE'
complete -c forkexec -n __forkexec_in_options -l unsetenv -xa '(set -nx)' -d 'removed'
complete -c forkexec -n __forkexec_in_options -l argv0 -x -d 'its name for itself'
complete -c forkexec -n __forkexec_in_options -l search-path -x -d 'in place of PATH'
complete -c forkexec -n __forkexec_in_options -l shell-fallback -f -d 'a file of no format is run by the shell'
complete -c forkexec -n __forkexec_in_options -l fexecve -x -d 'the program is open there'
complete -c forkexec -n __forkexec_in_options -l execveat -x -d 'the directory is open there'
complete -c forkexec -n __forkexec_in_options -l limit -xa "$limits" -d 'NAME=SOFT[:HARD]'
complete -c forkexec -n __forkexec_in_options -l umask -x -d 'octal'
complete -c forkexec -n __forkexec_in_options -l oom-score-adj -x -d '-1000 to 1000'
complete -c forkexec -n __forkexec_in_options -l personality -x -d 'bits'
complete -c forkexec -n __forkexec_in_options -l no-randomize -f -d 'no address randomization'
complete -c forkexec -n __forkexec_in_options -l scheduling -xa 'other batch idle fifo rr' -d 'policy'
complete -c forkexec -n __forkexec_in_options -l nice -x -d '-20 to 19'
complete -c forkexec -n __forkexec_in_options -l deadline -x -d 'RUNTIME,DEADLINE,PERIOD'
complete -c forkexec -n __forkexec_in_options -l reset-on-fork -f -d 'its children have the default policy'
complete -c forkexec -n __forkexec_in_options -l ioprio -xa 'none realtime best-effort idle' -d 'turn at the disk'
complete -c forkexec -n __forkexec_in_options -l cpus -x -d 'processors'
complete -c forkexec -n __forkexec_in_options -l mempolicy -xa 'default local preferred preferred_many bind interleave weighted_interleave' -d 'memory policy'
complete -c forkexec -n __forkexec_in_options -l timer-slack -x -d 'how late timers may be'
complete -c forkexec -n __forkexec_in_options -l own-core -f -d 'a core for it alone'
complete -c forkexec -n __forkexec_in_options -l timeout -x -d 'then SIGTERM, and SIGKILL'
complete -c forkexec -n __forkexec_in_options -l signal -xa "$__forkexec_signals" -d 'other than SIGTERM'
complete -c forkexec -n __forkexec_in_options -l kill-after -x -d 'until SIGKILL'
complete -c forkexec -n __forkexec_in_options -l group -f -d 'signals are for its group'
complete -c forkexec -n __forkexec_in_options -l tree -f -d 'signals are for all that it has started'
complete -c forkexec -n __forkexec_in_options -l spawn-timeout -x -d 'until it runs'
complete -c forkexec -n __forkexec_in_options -l pdeathsig -xa "$__forkexec_signals" -d 'when forkexec dies'
complete -c forkexec -n __forkexec_in_options -l ptrace -f -d 'stops at exec for a debugger'
complete -c forkexec -n __forkexec_in_options -l suspend -f -d 'stands before exec until SIGCONT'
complete -c forkexec -n __forkexec_in_options -l capture -f -d 'output when it has ended'
complete -c forkexec -n __forkexec_in_options -l max-output -x -d 'of each stream'
complete -c forkexec -n __forkexec_in_options -l linger -x -d 'for others who hold its output'
complete -c forkexec -n __forkexec_in_options -l json -F -d 'its end as an object'
complete -c forkexec -n __forkexec_in_options -l explain -fa json -d 'what would be done'
complete -c forkexec -n __forkexec_in_options -l way -xa 'auto shared copy piped concurrent staged' -d 'how the child is made'
complete -c forkexec -n __forkexec_in_options -l async -f -d 'the outcome is waited for later'
complete -c forkexec -n __forkexec_in_options -l verbose -f -d 'says way and pid'
complete -c forkexec -n __forkexec_in_options -l help -fa 'all place files identity rights terminal signals spaces program use life result other' -d 'options'
complete -c forkexec -n __forkexec_in_options -l version -f -d 'version'
complete -c forkexec -n __forkexec_in_options -s i -l env-clear -f -d 'an empty environment'
