# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2207,SC2086
# forkexec(1) for bash-completion. completion.sh compares the names with those of the command.

_forkexec_signals="HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ \
VTALRM PROF WINCH IO POLL PWR SYS STKFLT RTMIN"
_forkexec_capabilities="chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service \
net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice \
sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm \
block_suspend audit_read perfmon bpf checkpoint_restore"
_forkexec_spaces="user pid mount net uts ipc time cgroup"
_forkexec_limits="as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"
_forkexec_securebits="noroot noroot_locked no_setuid_fixup no_setuid_fixup_locked keep_caps keep_caps_locked no_cap_ambient_raise \
no_cap_ambient_raise_locked"
# With a value in the next word or behind =, with one behind = alone, and without.
_forkexec_with_value="dir chroot pivot-root cgroup own-cgroup fd action user groups bounding inheritable permitted effective ambient \
securebits seccomp seccomp-flags landlock landlock-flags sigmask sigdefault sigignore unshare enter unshare-inside monotonic-offset \
boottime-offset uid-map gid-map env unsetenv argv0 search-path fexecve execveat limit umask oom-score-adj personality scheduling nice \
deadline ioprio cpus mempolicy timer-slack timeout signal kill-after spawn-timeout pdeathsig max-output linger way"
_forkexec_may_have_value="setpgid setctty foreground json explain help"
_forkexec_without_value="chroot-keep-cwd close-others keep-groups reset-ids no-new-privs setsid noctty pty keep-propagation map-root \
allow-setgroups newidmap env-clear shell-fallback no-randomize reset-on-fork own-core group tree ptrace suspend capture async verbose \
version"

# One of these words, or of a list with commas the last.
_forkexec_one() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_forkexec_listed() {
  local before=""
  [[ $cur == *,* ]] && before=${cur%,*},
  COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
  compopt -o nospace
}

# A path behind what the pattern is: = and : end a word of readline's.
_forkexec_behind() {
  # shellcheck disable=SC2295
  cur=${cur#$1}
  _filedir "${@:2}"
}

_forkexec_source() {
  case $cur in
    *=child:*) _forkexec_behind "*child:" ;;
    *=*)
      cur=${cur#*=}
      COMPREPLY=($(compgen -W "null: data: same: terminal: child:" -- "$cur"))
      [[ ${#COMPREPLY[@]} == 0 ]] || compopt -o nospace
      _filedir
      ;;
    *)
      COMPREPLY=($(compgen -W "0= 1= 2=" -- "$cur"))
      compopt -o nospace
      ;;
  esac
}

_forkexec_capability_list() {
  local names="$_forkexec_capabilities all none"
  [[ ${cur##*,} != -* ]] || names=$(printf -- '-%s ' $_forkexec_capabilities)
  _forkexec_listed "$names"
}

# The value of an option.
_forkexec_value() {
  case $1 in
    dir | chroot | pivot-root | cgroup | own-cgroup) _filedir -d ;;
    fd) _forkexec_source ;;
    action)
      case $cur in
        chdir:*) _forkexec_behind chdir: -d ;;
        *)
          _forkexec_one "open: dup2: close: closefrom: chdir: fchdir: tcsetpgrp:"
          compopt -o nospace
          ;;
      esac
      ;;
    user)
      if [[ $cur == *:* ]]; then
        cur=${cur#*:}
        COMPREPLY=($(compgen -g -- "$cur"))
      else
        COMPREPLY=($(compgen -u -- "$cur"))
      fi
      ;;
    groups) _forkexec_listed "$(compgen -g | tr '\n' ' ')" ;;
    bounding | inheritable | permitted | effective | ambient) _forkexec_capability_list ;;
    securebits) _forkexec_listed "$_forkexec_securebits" ;;
    seccomp | json) _filedir ;;
    seccomp-flags) _forkexec_listed "log spec_allow" ;;
    landlock)
      case $cur in
        r[ow]:*) _forkexec_behind "r?:" ;;
        *)
          _forkexec_one "ro: rw:"
          compopt -o nospace
          ;;
      esac
      ;;
    landlock-flags) _forkexec_listed "log_same_exec_off log_new_exec_on log_subdomains_off" ;;
    sigmask | sigdefault | sigignore) _forkexec_listed "$_forkexec_signals" ;;
    signal | pdeathsig) _forkexec_one "$_forkexec_signals" ;;
    unshare | unshare-inside) _forkexec_listed "$_forkexec_spaces" ;;
    enter)
      if [[ $cur == *=* ]]; then
        cur=${cur#*=}
        _filedir
        COMPREPLY+=($(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur"))
      else
        _forkexec_listed "$_forkexec_spaces"
      fi
      ;;
    unsetenv) COMPREPLY=($(compgen -e -- "$cur")) ;;
    env)
      COMPREPLY=($(compgen -e -S = -- "$cur"))
      compopt -o nospace
      ;;
    limit)
      if [[ $cur == *=* ]]; then
        cur=${cur#*=}
        _forkexec_one unlimited
      else
        COMPREPLY=($(compgen -S = -W "$_forkexec_limits" -- "$cur"))
        compopt -o nospace
      fi
      ;;
    scheduling) _forkexec_one "other batch idle fifo rr" ;;
    ioprio) _forkexec_one "none realtime best-effort idle" ;;
    mempolicy) _forkexec_one "default local preferred preferred_many bind interleave weighted_interleave" ;;
    way) _forkexec_one "auto shared copy piped concurrent staged" ;;
    explain) _forkexec_one json ;;
    help) _forkexec_one "all place files identity rights terminal signals spaces program use life result other" ;;
  esac
}

_forkexec_command() { # where it begins
  # As this script has split them; = and : are no ends of words.
  COMP_WORDS=("${words[@]}") COMP_CWORD=$cword
  _command_offset "$1"
}

_forkexec() {
  local cur prev words cword split i name
  _init_completion -s -n : || return

  # The command is the first word that is neither an option nor the value of one; all that follows is its own.
  for ((i = 1; i < cword; i++)); do
    case ${words[i]} in
      --)
        _forkexec_command $((i + 1))
        return
        ;;
      --*=*) ;;
      --*)
        name=${words[i]#--}
        [[ " $_forkexec_with_value " != *" $name "* ]] || ((i++))
        ;;
      -?*) ;;
      *)
        _forkexec_command "$i"
        return
        ;;
    esac
  done

  if ((i > cword)) || [[ $split == true ]]; then
    _forkexec_value "${prev#--}"
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "-i $(printf -- '--%s ' $_forkexec_with_value $_forkexec_may_have_value $_forkexec_without_value)" -- "$cur"))
  else
    _forkexec_command "$cword"
  fi
} && complete -F _forkexec forkexec
