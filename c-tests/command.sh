#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The command forkexec from outside: every option by what the program then sees of itself in /proc, every exit
# status, every kind of failure line. It needs no more than sh, coreutils and perl.
# shellcheck disable=SC1091,SC2016
. "$(dirname "$0")/tap.sh"
set -u
list=$(cd "$(dirname "$0")/.." && pwd)/tools/option_list.h
# A directory in it that others may not enter would be EACCES for what is not found.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
chmod 755 "$d"
cd "$d" || exit 1
# make's and prove's own descriptors would be seen in the lists below.
for n in {3..20}; do eval "exec $n>&-"; done
root=$([ "$(id -u)" = 0 ] && echo yes)

# ---- how to look ----

limit=(timeout -s KILL 20)
fe() { "${limit[@]}" "$FORKEXEC" "$@"; }
# Sets out, err and status.
run() {
  out=$("${limit[@]}" "$@" 2>"$d/.err" </dev/null)
  status=$?
  err=$(cat "$d/.err")
}
# prints NAME WANTED ARGUMENT...: forkexec with these succeeds and prints that alone.
prints() {
  local name=$1 wanted=$2
  shift 2
  run "$FORKEXEC" "$@"
  is "$name" "$status|$out|$err" "0|$wanted|"
}
# ends NAME STATUS LINE ARGUMENT...: it ends with the status, and has said this line, or nothing, on standard error.
ends() {
  local name=$1 wanted=$2 line=$3
  shift 3
  run "$FORKEXEC" "$@"
  is "$name" "$status: $err" "$wanted: ${line:+forkexec: $line}"
}
# The words of /proc/PID/stat: pid, name, state, parent, group, session, terminal, foreground group.
stat=(cat /proc/self/stat)
field() { cut -d' ' -f"$2" <<<"$1"; }
key() { awk -v k="$1:" '$1 == k {sub("^[^\t]*\t", ""); print}' <<<"$2"; }
wait_for() {
  for _ in {1..200}; do
    eval "$1" 2>/dev/null && return
    sleep 0.05
  done
  note "waited in vain for: $1"
  return 1
}
open_files=(sh -c 'for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do [ -e /proc/$$/fd/$n ] && printf "%s " $n; done; true')
need_root() {
  [ -n "$root" ] && return
  skip "$1" "needs root"
  return 1
}

# Without privileges: as the user 12345, if that one may run the command here.
plain=() me=$(id -u) mine=$(id -g)
plain_works=yes
if [ -n "$root" ]; then
  me=12345 mine=12345
  plain=("$FORKEXEC" --user "$me" --)
  "${plain[@]}" test -x "$FORKEXEC" || plain_works=
fi
need_plain() {
  [ -n "$plain_works" ] && return
  skip "$1" "needs a path to forkexec that others may walk"
  return 1
}
plain_ends() {
  need_plain "$1" || return
  local name=$1 wanted=$2 line=$3
  shift 3
  run "${plain[@]}" "$FORKEXEC" "$@"
  is "$name" "$status: $err" "$wanted: ${line:+forkexec: $line}"
}
need_userns() {
  need_plain "$1" || return 1
  "${plain[@]}" unshare --user true 2>/dev/null && return
  skip "$1" "needs user namespaces"
  return 1
}

# Runs a command with a new terminal, nobody's controlling one, as its standard input.
cat >pty <<'PERL'
open(my $m, "+<", "/dev/ptmx") or die "ptmx: $!";
my $n = pack("i", 0);
ioctl($m, 0x40045431, $n) or die "TIOCSPTLCK: $!";
ioctl($m, 0x80045430, $n) or die "TIOCGPTN: $!";
sysopen(my $s, "/dev/pts/" . unpack("i", $n), 2 | 0400) or die "pts: $!";
open(STDIN, "<&", $s);
close($s);
my $status = system(@ARGV);
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
PERL
# Runs a command under a seccomp filter: NAME[&BITS-OF-ARGUMENT-0[@OR-THAT-ONE]]=ACTION ... -- COMMAND; prints the filter without.
cat >filter <<'PERL'
my $arm = `uname -m` =~ /aarch64/;
my %nr = (setsid => $arm ? 157 : 112, setresuid => $arm ? 147 : 117, landlock_create_ruleset => 444, clone => $arm ? 220 : 56, clone3 => 435, pidfd_open => 434);
my %action = (KILL => 0x80000000, ENOSYS => 0x50000 | 38, EINVAL => 0x50000 | 22, ZERO => 0x50000);
my $code = "";
sub add { $code .= pack("SCCL", @_) }
while ((my $rule = shift) ne "--") {
  my ($name, undef, $bits, undef, $argument, $action) = $rule =~ /^(\w+)(&(\w+)(@(\d))?)?=(\w+)$/ or die $rule;
  add(0x20, 0, 0, 0);
  add(0x15, 0, $bits ? 3 : 1, $nr{$name});
  if ($bits) { add(0x20, 0, 0, 16 + 8 * ($argument // 0)); add(0x45, 0, 1, hex $bits); }
  add(0x06, 0, 0, $action{$action});
}
add(0x06, 0, 0, 0x7fff0000);
unless (@ARGV) { print $code; exit }
my $prctl = $arm ? 167 : 157;
my $program = pack("S x6 P", length($code) / 8, $code);
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
syscall($prctl, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
exec(@ARGV) or die "exec: $!";
PERL
need_perl() {
  command -v perl >/dev/null && return
  skip "$1" "needs perl"
  return 1
}

# ---- help, exit statuses, failure lines ----

run "$FORKEXEC" --help
is "--help succeeds" "$status|$err" "0|"
ok "it fits a screen" '[ "$(wc -l <<<"$out")" -le 24 ] && [ "$(wc -L <<<"$out")" -le 79 ]'
# Whatever the list has is in it, and the groups are all of it.
summary=$out
options=$(sed -n 's/^  O([A-Z0-9_]*, "\([a-z0-9-]*\)".*/\1/p' "$list"; echo env-clear)
run "$FORKEXEC" --help=all
missing=
for o in $options; do grep -qE -- "--$o([^a-z0-9-]|\$)" <<<"$out" || missing="$missing $o"; done
is "--help=all names every option" "$status|$err|$(wc -w <<<"$options")|$missing" "0||$(($(grep -c '^  O(' "$list") + 1))|"
ok "in lines that are no longer than a screen's" '[ "$(wc -L <<<"$out")" -le 80 ]'
unknown=
for o in $(grep -oE -- '(^|[ [])--[a-z][a-z0-9-]*' <<<"$summary
$out" | sed 's/.*--//' | grep -vxE 'all|group' | sort -u); do grep -qxF "$o" <<<"$options" || unknown="$unknown $o"; done
is "neither names one that is none" "$unknown" ""
groups=$(sed -n 's/^All options.*with //p; s/^\(identity.*\)\.$/\1/p' <<<"$summary" | tr -d , | tr '\n' ' ')
each=
for group in $groups; do
  run "$FORKEXEC" "--help=$group"
  each+=$status$err$out$'\n'
done
run "$FORKEXEC" --help=all
is "--help=GROUP, of each that the summary names: together they are all" "$(sed 's/^0//' <<<"$each" | sed '/^$/d')" \
  "$(sed -n '/^Place/,/^TIME/p' <<<"$out" | sed '$d')"
ends "no such group" 125 '--help: "x" is none of its values' --help=x
run "$FORKEXEC" --version
ok "--version, a line" '[[ $status = 0 && $out =~ ^forkexec\ [0-9]+\.[0-9]+\.[0-9]+$ ]] && [ "$("$FORKEXEC" --version | wc -l)" = 1 ]'
ok "what cannot be printed is a failure" 'fe --help >/dev/full; [ $? = 125 ]'

ends "success" 0 "" true
ends "the program's status" 7 "" sh -c 'exit 7'
ends "killed by SIGTERM" 143 "" sh -c 'kill -TERM $$'
ends "killed by SIGKILL" 137 "" sh -c 'kill -KILL $$'
ends "time-out" 124 "" --timeout 0.1 sleep 5
prints "options end at the command" "--dir -i x" echo --dir -i x
prints "options end at --" "x" -- echo x
ends "no command" 125 "no command; see forkexec --help"
ends "unknown option" 125 "unrecognized option '--frob'" --frob true
ends "option without its argument" 125 "option '--fd' requires an argument" --fd
ends "not found" 127 'exec "no-such-program": No such file or directory' no-such-program
ends "not found by a path" 127 'exec "./nope": No such file or directory' ./nope
ends "the empty name" 127 'exec "": No such file or directory' ""
echo data >plainfile
ends "found and not executable" 126 'exec "./plainfile": Permission denied' ./plainfile
ends "a directory" 126 'exec "/": Permission denied' /
printf '\177ELF' >broken
chmod 755 broken
ends "no program" 126 'exec "./broken": Exec format error' ./broken
ends "a failed chdir is not a failed exec" 125 'chdir "/nope": No such file or directory' --dir /nope true
ends "a line is a line" 125 'chdir "a?b": No such file or directory' --dir $'a\nb' true
ends "contradictions" 125 "args: Invalid argument" --setsid --setpgid true
plain_ends "setgroups" 125 "setgroups: Operation not permitted" --user 12346 true
plain_ends "setgid says which" 125 "setgid 12346: Operation not permitted" --keep-groups --user 12346 true
plain_ends "setuid says which" 125 "setuid 12346: Operation not permitted" --keep-groups --user "12346:$mine" true
plain_ends "chroot says which" 125 'chroot "/tmp": Operation not permitted' --chroot /tmp true

if need_perl "killed before exec"; then
  for way in shared copy piped; do
    run perl filter setsid=KILL -- "$FORKEXEC" --way $way --setsid true
    is "killed before exec, $way" "$status: $err" "125: forkexec: setsid: killed by signal 31 (Bad system call)"
  done
fi

# ---- what an option refuses ----

while IFS='|' read -r line arguments; do
  # shellcheck disable=SC2086
  ends "refused: $arguments" 125 "$line" $arguments true
done <<'TABLE'
--fd: "3" is not N=SRC|--fd 3
--fd: "x" is not a number from 0 to 1048575|--fd x=0
--fd: "-1" is not a number from 0 to 1048575|--fd -1=0
--fd: "1048576" is not a number from 0 to 1048575|--fd 1048576=0
--timeout: "0" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 0
--timeout: "inf" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout inf
--timeout: "1e3" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 1e3
--timeout: "2147484" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 2147484
--timeout: "1.5.5" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 1.5.5
--timeout: "-1" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout -1
--timeout: "s" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout s
--timeout: "5x" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 5x
--timeout: "25d" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--timeout 25d
--kill-after: "0s" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--kill-after 0s
--spawn-timeout: "1,5" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--spawn-timeout 1,5
--linger: "0ms" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days|--linger 0ms
--max-output: "0" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output 0
--max-output: "-1" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output -1
--max-output: "K" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output K
--max-output: "1KB" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output 1KB
--max-output: "1k" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output 1k
--max-output: "8589934592G" is no size, such as 100, 64K, 2M, 1G, above 0|--max-output 8589934592G
--signal: "FOO" is none of its values|--signal FOO
--sigmask: "FOO" is none of its values|--sigmask INT,FOO
--sigdefault: "0" is none of its values|--sigdefault 0
--sigignore: "X" is none of its values|--sigignore X
--scheduling: "quick" is none of its values|--scheduling quick
--scheduling: "100" is not a number from 0 to 99|--scheduling rr:100
--nice: "20" is not a number from -20 to 19|--nice 20
--nice: "-21" is not a number from -20 to 19|--nice -21
--nice: "x" is not a number from -20 to 19|--nice x
--oom-score-adj: "-1001" is not a number from -1000 to 1000|--oom-score-adj -1001
--cpus: "1024" is not a number from 0 to 1023|--cpus 0-1024
--cpus: "x" is not a number from 0 to 1023|--cpus x
--ioprio: "slow" is none of its values|--ioprio slow
--ioprio: "8" is not a number from 0 to 7|--ioprio best-effort:8
--deadline: wanted are three numbers of nanoseconds with commas between them|--deadline 1,2
--deadline: wanted are three numbers of nanoseconds with commas between them|--deadline 1,2,3,4
--deadline: "x" is not a number from 0 to 9223372036854775807|--deadline 1,x,3
args: Invalid argument|--deadline 2000,1999,2000
args: Invalid argument|--reset-on-fork
--mempolicy: "frob" is none of its values|--mempolicy frob:0
--mempolicy: "frob" is none of its values|--mempolicy bind=frob:0
--mempolicy: "1024" is not a number from 0 to 1023|--mempolicy bind:0-1024
--personality: "x" is not a number of 32 bits, as 8 or 0x40000|--personality x
--personality: "0x" is not a number of 32 bits, as 8 or 0x40000|--personality 0x
--personality: "0x0x8" is not a number of 32 bits, as 8 or 0x40000|--personality 0x0x8
--personality: "4294967296" is not a number of 32 bits, as 8 or 0x40000|--personality 4294967296
args: Invalid argument|--personality 0xffffffff
--bounding: "frob" is none of its values|--bounding chown,frob
--inheritable: "frob" is none of its values|--inheritable -frob
--permitted: "" is none of its values|--permitted -
--effective: "" is none of its values|--effective cap_
--ambient: "64" is none of its values|--ambient 64
args: Invalid argument|--permitted none --effective chown
--securebits: "frob" is none of its values|--securebits noroot,frob
--securebits: "0x100000000" is none of its values|--securebits 0x100000000
open "/nope": No such file or directory|--seccomp /nope
--seccomp: descriptor 9 is not open|--seccomp 9
read "/": Is a directory|--seccomp /
--seccomp: "/dev/null" is no array of 1 to 4096 struct sock_filter|--seccomp /dev/null
--seccomp-flags: "frob" is none of its values|--seccomp-flags log,frob
args: Invalid argument|--seccomp-flags log
--landlock: "wo:/" is not ro:PATH or rw:PATH|--landlock wo:/
--landlock: "ro" is not ro:PATH or rw:PATH|--landlock ro
--landlock-flags: "frob" is none of its values|--landlock-flags frob
args: Invalid argument|--landlock-flags log_same_exec_off
--explain: "frob" is none of its values|--explain=frob
--limit: "nofile" is not NAME=SOFT[:HARD]|--limit nofile
--limit: "frob" is none of its values|--limit frob=1
--limit: "x" is not a number from 0 to 9223372036854775807|--limit core=x
--umask: "8" is not octal from 0 to 777|--umask 8
--umask: "1000" is not octal from 0 to 777|--umask 1000
--action: "frob" is none of its values|--action frob:1
--action: "close" wants more|--action close
--action: "dup2" wants more|--action dup2:1
--action: "x" is not a number from 0 to 1048575|--action close:x
--fd: "x" is not a number from 0 to 1048575|--fd 5=same:x
args 5: Invalid argument|--fd 5=same:9
execfd: Bad file descriptor|--fexecve 9
execfd: Bad file descriptor|--execveat 9
open "/nope/c": No such file or directory|--cgroup /nope/c
mkdir "/nope/c": No such file or directory|--own-cgroup /nope/c
--cgroup and --own-cgroup: one is enough|--cgroup / --own-cgroup /nope
open "/nope/j": No such file or directory|--json=/nope/j
--json: descriptor 9 is not open|--json=9
--signal is for --timeout|--signal INT
--kill-after is for --timeout|--kill-after 1
--tree is for --timeout|--tree
--group: it leads none without --setsid, --pty, --setpgid or --foreground|--group
--group: it leads none without --setsid, --pty, --setpgid or --foreground|--group --setpgid=1
--group and --tree contradict each other|--group --tree --setsid --timeout 1
--capture and --pty contradict each other|--capture --pty
args: Invalid argument|--pty --setpgid
args: Invalid argument|--pty --foreground
args: Invalid argument|--pty --fd 0=0 --fd 1=1 --fd 2=2
args 5: Invalid argument|--fd 5=terminal:
args: Invalid argument|--suspend --async
--capture and --tree contradict each other|--capture --tree --timeout 1
--max-output is for --capture|--max-output 1K
--linger is for --capture|--linger 1
--ptrace and --capture contradict each other|--ptrace --capture
--ptrace and --group or --tree contradict each other|--ptrace --tree --timeout 1
--pdeathsig: "FOO" is none of its values|--pdeathsig FOO
--pdeathsig: "0" is none of its values|--pdeathsig 0
--pdeathsig: "65" is none of its values|--pdeathsig 65
--pdeathsig: "RTMIN+99" is none of its values|--pdeathsig RTMIN+99
--unshare: "pid2" is none of its values|--unshare user,pid2
--enter: "uts" is not SPACE,...=PID or SPACE=FILE|--enter uts
--enter: "frob" is none of its values|--enter frob=1
open "/nope/ns": No such file or directory|--enter uts=/nope/ns
--unshare-inside: "frob" is none of its values|--unshare-inside frob
--monotonic-offset: "x" is not a number from 0 to 2147483647|--monotonic-offset -x
args: Invalid argument|--boottime-offset 5
args: Invalid argument|--unshare-inside user
args: Invalid argument|--pivot-root /
args: Invalid argument|--newidmap
--way: "vfork" is none of its values|--way vfork
--uid-map: wanted are three numbers with colons between them|--uid-map 0:0
--uid-map: wanted are three numbers with colons between them|--uid-map 0:0:1:2
--gid-map: "x" is not a number from 0 to 4294967295|--gid-map 0:x:1
--env: "A" is not NAME=VALUE|--env A
--env: "=B" is not NAME=VALUE|--env =B
--unsetenv: "A=B" is no name|--unsetenv A=B
--setpgid: "" is not a number from 0 to 2147483647|--setpgid=
--user: there is no user "no-such-user"|--user no-such-user
--user: there is no user ""|--user :1
--user: there is no group "no-such-group"|--user 1:no-such-group
--user: there is no user "4294967295"|--user 4294967295
--groups: there is no group "no-such-group"|--groups 1,no-such-group
--groups and --keep-groups contradict each other|--groups 1 --keep-groups
open "/nope/x": No such file or directory|--fd 1=/nope/x
open "": No such file or directory|--fd 1=
TABLE

# ---- place ----

prints "--dir" / --dir / readlink /proc/self/cwd
if need_root "chroot"; then
  # A root with cat and what it needs, where /proc is not.
  mkdir -p jail/bin
  cp "$(command -v cat)" jail/bin
  for library in $(ldd jail/bin/cat | grep -o '/[^ )]*'); do
    mkdir -p "jail$(dirname "$library")"
    cp "$library" "jail$library"
  done
  echo inside >jail/marker
  prints "--chroot" inside --chroot jail /bin/cat /marker
  prints "--chroot goes to the new root" inside --chroot jail cat marker
  prints "--dir is within it" inside --chroot jail --dir bin cat ../../../marker
  cp jail/bin/cat marker
  ends "nothing outside is there" 127 "exec \"$d/marker\": No such file or directory" --chroot jail "$d/marker"
  prints "--chroot-keep-cwd" data --chroot jail --chroot-keep-cwd /bin/cat plainfile
  ends "a root that is none" 125 'chroot "nope": No such file or directory' --chroot nope true
fi
ends "--chroot-keep-cwd alone" 125 "args: Invalid argument" --chroot-keep-cwd true

# ---- descriptors ----

prints "without --fd all stay" "0 1 2 3 7 " "${open_files[@]}" 3</dev/null 7</dev/null
prints "--fd only adds" "0 1 2 3 5 " --fd 5=3 "${open_files[@]}" 3</dev/null
prints "--fd closes" "0 1 5 " --fd 2=- --fd 3=- --fd 5=0 "${open_files[@]}" 3</dev/null
prints "--close-others" "0 1 2 " --close-others "${open_files[@]}" 3</dev/null 7</dev/null
prints "--close-others but what --fd names" "0 1 2 7 " --close-others --fd 7=3 "${open_files[@]}" 3<. 9<.
is "--fd with standard input closed" "$(fe --fd 5=1 --fd '6=<plainfile' "${open_files[@]}" <&-)" "1 2 5 6 "
echo three >three
echo four >four
prints "--fd as a permutation" "four three" --fd 3=4 --fd 4=3 sh -c 'echo $(cat <&3) $(cat <&4)' 3<three 4<four
prints "--fd: the last one counts" three --fd 0=four --fd 0=three cat
prints "--fd: the right side is the caller's" "four three" --fd 3=4 --fd 5=3 sh -c 'echo $(cat <&3) $(cat <&5)' \
  3<three 4<four
ends "--fd of what is not open" 125 "files 3: Bad file descriptor" --fd 3=9 true
ends "--fd of what is not open, but would be by a file of the command's" 125 "files 5: Bad file descriptor" \
  --fd 1=new --fd 5=3 true
ends "the same the other way around" 125 "files 5: Bad file descriptor" --fd 5=3 --fd 1=new true
prints "no file of the command's is inherited" "0 1 2 9 " \
  --fd '7=<plainfile' --fd 7=- --fd '8=<three' --fd '9=<four' --fd 8=- "${open_files[@]}"

prints "--fd 0=PATH reads" data --fd 0=plainfile cat
prints "--fd 1=PATH writes" "" --fd 1=made echo something long
is "into a new file" "$(cat made)" "something long"
fe --fd 1=made echo short
is "which is emptied first" "$(cat made)" short
fe --fd '1=>made' echo again
is ">PATH empties too" "$(cat made)" again
fe --fd '1=>>made' echo more
is ">>PATH appends" "$(tr '\n' ' ' <made)" "again more "
fe --fd '1=<>made' printf AG
is "<>PATH neither" "$(tr '\n' ' ' <made)" "AGain more "
prints "<>PATH reads too" "AGain" --fd '5=<>made' sh -c 'head -n 1 <&5'
prints "<PATH reads" "AGain" --fd '5=<made' sh -c 'head -n 1 <&5'
ends "<PATH makes no file" 125 'open "absent": No such file or directory' --fd '5=<absent' true
run "$FORKEXEC" --fd 0=./3 cat
is "a number that is a file's name takes a ./" "$err" 'forkexec: open "./3": No such file or directory'
(umask 027 && fe --fd 1=masked true)
is "the umask counts" "$(stat -c %a masked)" 640
"${limit[@]}" "$FORKEXEC" --verbose --fd 1=quiet true 2>&-
is "what the command says gets into no file of the program's" "$?:$(cat quiet)" "0:"
mkfifo pipe
"${limit[@]}" "$FORKEXEC" --fd '1=>pipe' sh -c 'exec >&-; while [ ! -e read ]; do sleep 0.1; done' &
ok "no end of a pipe is held open" 'timeout 10 cat pipe; [ $? = 0 ]'
touch read
wait $!

prints "--fd N=null:" "" --fd 0=null: cat
prints "which takes all" "" --fd 1=null: echo gone
prints "--fd N=data:TEXT" "a text" --fd '5=data:a text' cat /dev/fd/5
prints "--fd N=same:N is the program's own" "twice" --fd 5=data:twice --fd 0=same:5 cat
fe --fd 1=same:2 --fd 2=both sh -c 'echo out; echo err >&2'
is "of one that comes later, too" "$(tr '\n' ' ' <both)" "out err "
mkdir -p within
echo inner >within/file
prints "--fd N=child:PATH is where the program is" inner --dir within --fd '0=child:file' cat
fe --dir within --fd '1=child:>>file' echo more
is "opened as it says" "$(tr '\n' ' ' <within/file)" "inner more "
ends "and the step says that it cannot" 125 "files 5: No such file or directory" --fd '5=child:<absent' true

prints "--action open, dup2, close" "0 1 2 7 " --action 'open:5:<plainfile' --action dup2:5:7 --action close:5 "${open_files[@]}"
prints "of a file's contents" "data" --action 'open:5:<plainfile' --action dup2:5:0 cat
prints "--action closefrom" "0 1 2 3 " --fd '3=<plainfile' --fd '4=<plainfile' --fd '5=<plainfile' --action closefrom:4 "${open_files[@]}"
prints "--action chdir, and paths behind it" "inner" --action chdir:within --action 'open:5:<file' head -n 1 /dev/fd/5
prints "--action fchdir" "$d/within" --fd '5=<within' --action fchdir:5 pwd
ends "an action that fails, by its place" 125 "action_tcsetpgrp 1: Bad file descriptor" --action close:5 --action tcsetpgrp:9 true

# ---- identity ----

ids() { # of a /proc/PID/status
  echo "$(key Uid "$1" | tr '\t' ' ') / $(key Gid "$1" | tr '\t' ' ') / $(key Groups "$1" | sed 's/ *$//')"
}
four() { echo "$1 $1 $1 $1"; }
identity() { # NAME WANTED ARGUMENT...
  local name=$1 wanted=$2
  shift 2
  run "$FORKEXEC" "$@" cat /proc/self/status
  is "$name" "$status: $(ids "$out")" "0: $wanted"
}
sorted() { tr ' ' '\n' <<<"$1" | sort -n | tr '\n' ' ' | sed 's/ $//'; }
if need_root "--user and --groups"; then
  identity "a number" "$(four 12345) / $(four 12345) / " --user 12345
  identity "a number and a group" "$(four 12345) / $(four 54321) / " --user 12345:54321
  for user in root daemon nobody; do
    uid=$(id -u $user) gid=$(id -g $user) groups=$(sorted "$(id -G $user)")
    identity "the user $user" "$(four "$uid") / $(four "$gid") / $groups" --user $user
    identity "its number" "$(four "$uid") / $(four "$gid") / $groups" --user "$uid"
    identity "with another group" "$(four "$uid") / $(four 77) / 77" --user $user:77
  done
  identity "a group's name" "$(four 12345) / $(four "$(getent group tty | cut -d: -f3)") / " --user 12345:tty
  identity "--groups" "$(four 12345) / $(four 12345) / 5 6 77" --user 12345 --groups 77,6,tty
  identity "--groups of nothing" "$(four 0) / $(four 0) / " --user root --groups ''
  identity "--groups alone" "$(four 0) / $(four 0) / 7 8" --groups 7,8
  identity "--keep-groups" "$(four 12345) / $(four 12345) / 7 8" \
    --groups 7,8 "$FORKEXEC" --user 12345 --keep-groups
fi

prints "--reset-ids" "" --reset-ids true
if need_perl "--reset-ids"; then
  run perl filter setresuid=EINVAL -- "$FORKEXEC" --reset-ids true
  is "it is a step of its own" "$status: $err" "125: forkexec: resetids: Invalid argument"
fi
ends "--reset-ids with another user" 125 "args: Invalid argument" --reset-ids --groups 1 true

# ---- rights ----

holds() { # NAME KEY WANTED ARGUMENT...: of /proc/PID/status
  local name=$1 key=$2 wanted=$3
  shift 3
  run "$FORKEXEC" "$@" cat /proc/self/status
  is "$name" "$status: $(key "$key" "$out")$err" "0: $wanted"
}
# Those that this process has, less bits.
without() { printf '%016x' $((0x$(key "$1" "$(cat /proc/self/status)") & ~$2)); }
if need_root "capabilities"; then
  holds "--bounding" CapBnd 0000000000000401 --bounding chown,net_bind_service
  holds "which is all that root gets" CapEff 0000000000000401 --bounding CAP_CHOWN,10
  holds "--bounding of all but one" CapBnd "$(without CapBnd 0x200000)" --bounding all,-sys_admin
  holds "--bounding of all" CapBnd "$(without CapBnd 0)" --bounding all
  holds "--bounding of none" CapBnd 0000000000000000 --bounding none
  holds "--inheritable" CapInh 0000000000000001 --inheritable chown
  holds "--ambient of another user" CapEff 0000000000000400 --user 12345 --ambient net_bind_service
  holds "which is in its ambient set" CapAmb 0000000000000400 --user 12345 --ambient net_bind_service
  holds "--ambient of all that there is" CapAmb "$(without CapPrm 0)" --user 12345 --ambient all
  holds "the last one counts" CapAmb 0000000000000001 --user 12345 --ambient all --ambient chown
  holds "--permitted" CapPrm 0000000000000081 --permitted chown,setuid --no-new-privs
  mkdir -m 700 locked
  chown 12345 locked
  ends "--effective is for what is opened" 125 'chdir "locked": Permission denied' --effective none --dir locked true
  holds "until exec" CapEff "$(without CapPrm 0)" --effective none
  holds "--securebits" CapEff 0000000000000000 --securebits noroot
  for bits in no_cap_ambient_raise,no_setuid_fixup 68 0x44; do
    ends "--securebits $bits" 125 "ambient 0: Operation not permitted" --securebits $bits "$FORKEXEC" --ambient chown true
  done
fi
plain_ends "who may not drop one" 125 "bounding 1: Operation not permitted" --bounding chown true
plain_ends "who has none to give" 125 "ambient: Operation not permitted" --ambient chown true
header=/usr/include/linux/capability.h
if [ -e "$header" ]; then
  wrong=
  while read -r name value; do
    run "$FORKEXEC" --explain --ambient "${name#CAP_}" /bin/true
    [ "$(sed -n 's/^ambient \([0-9]*\):.*/\1/p' <<<"$out")" = "$value" ] || wrong="$wrong $name"
  done < <(awk '$1 == "#define" && $2 ~ /^CAP_[A-Z_]+$/ && $3 ~ /^[0-9]+$/ && $3 <= '"$(cat /proc/sys/kernel/cap_last_cap)"' {print $2, $3}' "$header")
  is "every capability by its name" "$wrong" ""
else
  skip "every capability by its name" "needs linux/capability.h"
fi
run "$FORKEXEC" --explain --securebits \
  noroot,noroot_locked,no_setuid_fixup,no_setuid_fixup_locked,keep_caps,keep_caps_locked,no_cap_ambient_raise,no_cap_ambient_raise_locked true
ok "and every securebit" 'grep -qF "securebits: prctl(28, 255, " <<<"$out"'
holds "--no-new-privs" NoNewPrivs 1 --no-new-privs
holds "and without" NoNewPrivs "$(key NoNewPrivs "$(cat /proc/self/status)")"

if need_perl "--seccomp"; then
  perl filter setsid=EINVAL -- >code
  refused() { # NAME ARGUMENT...: a setsid of the program's is
    local name=$1
    shift
    ends "$name" 125 "setsid: Invalid argument" --no-new-privs "$@" "$FORKEXEC" --setsid true
  }
  refused "--seccomp FILE" --seccomp code
  ends "which is for the program" 0 "" --no-new-privs --setsid --seccomp code true
  run sh -c '"$0" --no-new-privs --seccomp 5 sh -c "[ -e /proc/\$\$/fd/5 ]; echo \$?; grep Seccomp: /proc/\$\$/status" 5<code' "$FORKEXEC"
  is "--seccomp FD, which is not the program's" "$status|$out|$err" $'0|1\nSeccomp:\t2|'
  plain_ends "a step of its own" 125 "seccomp: Permission denied" --seccomp "$d/code" true
  head -c 8 /dev/zero >no-filter
  ends "what is no filter" 125 "seccomp: Invalid argument" --no-new-privs --seccomp no-filter true
  head -c 12 code >odd
  ends "half an instruction" 125 '--seccomp: "odd" is no array of 1 to 4096 struct sock_filter' --seccomp odd true
  perl -e 'print pack("SCCL", 6, 0, 0, 0x7fff0000) x $ARGV[0]' 4096 >long
  ends "as long as one may be" 0 "" --no-new-privs --seccomp long true
  cat code >>long
  ends "and longer" 125 '--seccomp: "long" is no array of 1 to 4096 struct sock_filter' --seccomp long true
  ends "--seccomp-flags" 0 "" --no-new-privs --seccomp code --seccomp-flags log true
  run "$FORKEXEC" --explain --seccomp code --seccomp-flags spec_allow,log true
  ok "both of them" 'grep -qF "seccomp: seccomp(1, 6, " <<<"$out"'
fi

need_landlock() {
  run "$FORKEXEC" --no-new-privs --landlock ro:/ true
  [[ $err != *"this kernel has none" ]] && return
  skip "$1" "needs landlock"
  return 1
}
if need_landlock "--landlock"; then
  mkdir -p beneath/deep
  echo kept >beneath/file
  in_ruleset() { # NAME STATUS SCRIPT ARGUMENT...
    local name=$1 wanted=$2 script=$3
    shift 3
    run "$FORKEXEC" --no-new-privs "$@" sh -c "$script"
    is "$name" "$status" "$wanted"
  }
  prints "--landlock ro:" kept --no-new-privs --landlock ro:/ cat beneath/file
  in_ruleset "is not written to" 2 ': >>beneath/file' --landlock ro:/
  in_ruleset "nor made" 2 ': >beneath/new' --landlock ro:/
  in_ruleset "nor taken away" 1 'rm beneath/file' --landlock ro:/
  in_ruleset "--landlock rw: is" 0 ': >>beneath/file && : >beneath/deep/new && rm beneath/deep/new' --landlock ro:/ --landlock rw:beneath
  in_ruleset "and nothing beside it" 2 ': >>three' --landlock ro:/ --landlock rw:beneath
  in_ruleset "a file" 0 ': >>three && ! (: >>four)' --landlock ro:/ --landlock rw:three
  in_ruleset "one that is read" 0 '! (: >>three)' --landlock ro:three --landlock rw:/bin --landlock rw:/usr --landlock rw:/lib
  in_ruleset "of the command's directory" 0 ": >>$d/beneath/file" --dir / --landlock ro:/ --landlock rw:beneath
  ends "what is not allowed is not executed" 126 'exec "/bin/true": Permission denied' --no-new-privs --landlock rw:beneath /bin/true
  ends "a path that is none" 125 'open "nope": No such file or directory' --landlock ro:nope true
  prints "the program has no ruleset" "0 1 2 " --no-new-privs --landlock ro:/ "${open_files[@]}"
  plain_ends "it needs the right, or --no-new-privs" 125 "landlock: Operation not permitted" --landlock ro:/ true
  run "$FORKEXEC" --explain --landlock ro:/ --landlock-flags log_same_exec_off,log_new_exec_on,log_subdomains_off true
  ok "--landlock-flags" 'grep -qE "^landlock: landlock_restrict_self\([0-9]+, 7\)" <<<"$out"'
  if need_perl "older kernels"; then
    run perl filter landlock_create_ruleset=ENOSYS -- "$FORKEXEC" --landlock ro:/ true
    is "a kernel without" "$status: $err" "125: forkexec: --landlock: this kernel has none"
    cut=(perl -e 'truncate("beneath/file", 0) or die "$!\n"')
    run "$FORKEXEC" --no-new-privs --landlock ro:/ "${cut[@]}"
    is "truncate is to write" "$err" "Permission denied"
    # Asked for its version it says 0: no more is to be asked of it than of the first.
    run perl filter 'landlock_create_ruleset&1@2=ZERO' -- "$FORKEXEC" --no-new-privs --landlock ro:/ "${cut[@]}"
    is "where it knows of it" "$status: $err" "0: "
  fi
fi

# ---- session, group, terminal ----

run "$FORKEXEC" "${stat[@]}"
is "without options the group and the session stay" "$(field "$out" 6)" "$(field "$(cat /proc/self/stat)" 6)"
run "$FORKEXEC" --setsid "${stat[@]}"
is "--setsid" "$(field "$out" 5) $(field "$out" 6)" "$(field "$out" 1) $(field "$out" 1)"
run "$FORKEXEC" --setpgid "${stat[@]}"
is "--setpgid" "$(field "$out" 5)" "$(field "$out" 1)"
ok "in the same session" '[ -n "$out" ] && [ "$(field "$out" 6)" != "$(field "$out" 1)" ]'
run sh -c '"$0" --setpgid=$(cut -d" " -f5 /proc/$$/stat) cat /proc/self/stat; cat /proc/$$/stat' "$FORKEXEC"
is "--setpgid=PGID" "$(wc -l <<<"$out") $(field "$(head -n 1 <<<"$out")" 5)" "2 $(field "$(tail -n 1 <<<"$out")" 5)"
ends "a group that is none" 125 "setpgid: Operation not permitted" --setpgid=1 true
ends "--foreground without a terminal" 125 "foreground: Inappropriate ioctl for device" --foreground true
ends "--setctty without --setsid" 125 "args: Invalid argument" --setctty true

if need_perl "terminals"; then
  run perl pty "$FORKEXEC" --setsid "${stat[@]}"
  is "a new terminal is nobody's" "$(field "$out" 7)" 0
  terminal=(perl pty "$FORKEXEC" --setsid --setctty)
  run "${terminal[@]}" "${stat[@]}"
  ok "--setctty" '[ "$(field "$out" 7)" -gt 0 ]'
  is "it is in the foreground then" "$(field "$out" 8)" "$(field "$out" 1)"
  run perl pty "$FORKEXEC" --setsid --setctty=5 --fd 5=0 --fd 0=- "${stat[@]}"
  ok "--setctty=FD" '[ "$(field "$out" 7)" -gt 0 ]'
  run perl pty sh -c 'exec "$@" 5<&0' sh "$FORKEXEC" --setsid --setctty=5 --fd 0=- "${stat[@]}"
  ok "--setctty=FD of one that no --fd names" '[ "$(field "$out" 7)" -gt 0 ]'
  run perl pty sh -c '"$0" --setsid "$0" --fd "5=<>$(tty)" sh -c "cut -d\" \" -f7 /proc/\$PPID/stat"' "$FORKEXEC"
  is "a terminal that the command opens does not become its own" "$out$err" 0
  run "${terminal[@]}" "$FORKEXEC" --setsid --setctty true
  is "another session's terminal" "$status: $err" "125: forkexec: setctty: Operation not permitted"
  run "${terminal[@]}" "$FORKEXEC" --noctty "${stat[@]}"
  is "--noctty" "$(field "$out" 7)" 0
  run "${terminal[@]}" "$FORKEXEC" --noctty "${stat[@]}" </dev/null
  is "--noctty, whatever descriptor 0 is" "$(field "$out" 7)" 0
  for foreground in "--foreground" "--fd 6=0 --foreground=6" "--fd 0=- --fd 7=</dev/tty --foreground=7"; do
    # shellcheck disable=SC2086
    run "${terminal[@]}" sh -c '"$0" "$@"; cat /proc/$$/stat' "$FORKEXEC" $foreground "${stat[@]}"
    first=$(head -n 1 <<<"$out") last=$(tail -n 1 <<<"$out")
    is "$foreground" "$(wc -l <<<"$out") $(field "$first" 5) $(field "$first" 8)" \
      "2 $(field "$first" 1) $(field "$first" 1)"
    is "and the terminal is given back" "$(field "$last" 8)" "$(field "$last" 5)"
  done
  run "${terminal[@]}" sh -c '"$0" "$@"; cat /proc/$$/stat' "$FORKEXEC" --foreground /nope
  is "also when exec fails" "$err: $(field "$out" 8)" \
    "forkexec: exec \"/nope\": No such file or directory: $(field "$out" 5)"
fi

# ---- namespaces ----

names="cgroup ipc mnt net pid time user uts"
look=(sh -c 'for n in '"$names"'; do readlink /proc/self/ns/$n; done')
# NAME WANTED OPTION...: the namespaces that are new are those.
new_spaces() {
  local name=$1 wanted=$2
  shift 2
  run "${plain[@]}" "$FORKEXEC" "$@" "${look[@]}"
  is "$name" "$(diff <("${plain[@]}" "${look[@]}") - <<<"$out" | sed -n 's/^> \([a-z]*\):.*/\1/p' | tr '\n' ' ')$err" \
    "$wanted"
}
if need_userns "user namespaces"; then
  new_spaces "no new namespace" ""
  new_spaces "--unshare user" "user " --unshare user
  for space in cgroup ipc mount net pid time uts; do
    wanted=$(printf '%s\n' user ${space/mount/mnt} | sort | tr '\n' ' ')
    new_spaces "--unshare user,$space" "$wanted" --unshare user,$space --map-root
  done
  new_spaces "all of them" "$names " --unshare user,pid,mount,net,uts,ipc,cgroup,time --map-root
  new_spaces "--unshare twice" "user uts " --unshare user --unshare uts
  new_spaces "--map-root asks for one" "user " --map-root
  in_space() { # NAME WANTED ARGUMENT...
    local name=$1 wanted=$2
    shift 2
    run "${plain[@]}" "$FORKEXEC" "$@"
    is "$name" "$(tr -s ' ' <<<"$out" | sed 's/^ //')$err" "$wanted"
  }
  in_space "--unshare pid" 1 --map-root --unshare pid sh -c 'echo $$'
  in_space "--map-root" "0 $me 1
0 $mine 1
deny
0" --map-root sh -c 'cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u'
  in_space "--uid-map and --gid-map" "7 $me 1
8 $mine 1
7" --uid-map "7:$me:1" --gid-map "8:$mine:1" sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u'
  in_space "--user within, groups denied" "0" --map-root --user root id -u
  in_space "a map that is not allowed" "forkexec: uid_map: Operation not permitted" --uid-map 0:0:1 true
  shared='mount --make-rshared / && "$0" --unshare mount "$@" cat /proc/self/mountinfo | grep -c shared:'
  in_space "mounts become private" 0 --map-root --unshare mount sh -c "$shared" "$FORKEXEC"
  in_space "--keep-propagation" yes --map-root --unshare mount sh -c "[ \$($shared) -gt 0 ] && echo yes" \
    "$FORKEXEC" --keep-propagation
  in_space "--newidmap" "forkexec: uid_map: No such file or directory" --env A=b env PATH=/nope "$FORKEXEC" --uid-map 0:0:1 \
    --newidmap /bin/true
  in_space "--pivot-root" 'forkexec: exec "./file": Permission denied' --map-root --unshare mount --pivot-root "$d/within" ./file
  in_space "a step of its own" "forkexec: pivot_root 0: No such file or directory" --map-root --unshare mount --pivot-root /nope true
fi
if need_root "--enter"; then
  new_spaces_of() { readlink "/proc/$1/ns/uts" "/proc/$1/ns/ipc"; }
  "$FORKEXEC" --unshare uts,ipc --pdeathsig KILL sleep 60 &
  forkexec=$!
  wait_for 'other=$(cat /proc/$forkexec/task/$forkexec/children) && [ -n "$other" ]'
  other=${other% }
  wait_for '[ "$(cat "/proc/$other/comm")" = sleep ]'
  wanted=$(new_spaces_of "$other")
  seen=(sh -c 'readlink /proc/self/ns/uts /proc/self/ns/ipc')
  prints "--enter SPACE,SPACE=PID" "$wanted" --enter "uts,ipc=$other" "${seen[@]}"
  prints "--enter SPACE=FILE" "$wanted" --enter "uts=/proc/$other/ns/uts" --enter "ipc=/proc/$other/ns/ipc" "${seen[@]}"
  run "$FORKEXEC" --enter "uts=$other" --unshare-inside ipc "${seen[@]}"
  ok "--unshare-inside" '[ "${out%%ipc*}" = "${wanted%%ipc*}" ] && [ "${out#*ipc}" != "${wanted#*ipc}" ] &&
    [ "${out#*ipc}" != "$(readlink /proc/self/ns/ipc | sed s/^ipc//)" ]'
  ends "one that is none" 125 "setns 1: Invalid argument" --enter "uts=$other" --enter "ipc=/proc/$other/ns/uts" true
  kill -TERM $forkexec
  wait $forkexec
  run "$FORKEXEC" --unshare-inside time --monotonic-offset 1000000 --boottime-offset -5 cat /proc/self/timens_offsets
  is "--monotonic-offset, --boottime-offset" "$(tr -s ' ' <<<"$out")$err" $'monotonic 1000000 0\nboottime -5 0'
fi
if need_root "--allow-setgroups"; then
  maps=(--uid-map 0:0:1 --uid-map 5:12345:2 --gid-map 0:0:1 --gid-map 6:54321:3)
  prints "maps of many lines" "0 0 1 5 12345 2 0 0 1 6 54321 3 " "${maps[@]}" \
    sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " \n" " " | sed "s/^ //"'
  prints "--allow-setgroups" allow "${maps[@]}" --allow-setgroups cat /proc/self/setgroups
  prints "groups in it" "7 8" "${maps[@]}" --allow-setgroups --groups 7,8 sh -c 'id -G | cut -d" " -f 2-'
fi

# ---- environment, name ----

prints "--env-clear and --env" $'A=b\nC=d=e' --env-clear --env A=b --env C=d=e env
prints "-i" "" -i env
prints "in their order" A=2 --env A=0 -i --env A=1 --env A=2 env
export KEPT=1 GONE=2
prints "--env adds" "1 2 3" --env NEW=3 sh -c 'echo $KEPT $GONE $NEW'
prints "--unsetenv" "1." --unsetenv GONE --unsetenv KEP sh -c 'echo $KEPT.$GONE'
mkdir -p path
printf '#!/bin/sh\necho found\n' >path/only-here
chmod 755 path/only-here
run env "PATH=$d/path:$PATH" "$FORKEXEC" -i only-here
is "PATH is the caller's" "$status|$out|$err" "0|found|"
ends "not that of --env" 127 'exec "only-here": No such file or directory' --env "PATH=$d/path" only-here
prints "--argv0" zero --argv0 zero sh -c 'echo $0'

# ---- program ----

prints "--search-path" found --search-path "/nope:$d/path" only-here
ends "nowhere else" 127 'exec "sh": No such file or directory' --search-path "$d/path" sh -c true
printf 'echo "$0 $1"\n' >path/no-magic
chmod 755 path/no-magic
ends "a script without a magic number" 126 'exec "path/no-magic": Exec format error' path/no-magic
prints "--shell-fallback" "path/no-magic one" --shell-fallback path/no-magic one
run sh -c '"$0" --fexecve 5 zero -c "echo \$0" 5<"$1"' "$FORKEXEC" "$(readlink -f /bin/sh)"
is "--fexecve" "$status|$out|$err" "0|zero|"
run sh -c '"$0" --execveat 5 only-here 5<path' "$FORKEXEC"
is "--execveat" "$status|$out|$err" "0|found|"
ends "not a descriptor of the command's own" 125 "execfd: Bad file descriptor" --fd '3=<plainfile' --fexecve 3 true
policy() { grep -E '^(policy|prio)' <<<"$1" | tr -d ' \n'; }
run "$FORKEXEC" --scheduling batch cat /proc/self/sched
is "--scheduling" "$(policy "$out")" "policy:3prio:120"
ends "one that is none" 125 "args: Invalid argument" --scheduling batch:5 true
if need_root "--scheduling rr"; then
  run "$FORKEXEC" --scheduling rr:7 cat /proc/self/stat
  is "--scheduling POLICY:PRIORITY" "$(field "$out" 40) $(field "$out" 41)" "7 2"
  run "$FORKEXEC" --scheduling rr:7 "$FORKEXEC" --scheduling :9 cat /proc/self/stat
  is "--scheduling :PRIORITY" "$(field "$out" 40) $(field "$out" 41)" "9 2"
fi
if need_root "--reset-on-fork"; then
  both=(sh -c 'read -r own </proc/self/stat; echo "$own"; cat /proc/self/stat')
  reset_on_fork() {
    run "$FORKEXEC" "$@" "${both[@]}"
    is "$*" "$(field "$out" 41 | tr '\n' ' ')$err" "2 0 "
  }
  reset_on_fork --scheduling rr:7 --reset-on-fork
  reset_on_fork --reset-on-fork --scheduling rr:7
  run "$FORKEXEC" --deadline 1000000,20000000,30000000 cat /proc/self/stat
  case $err in
    *busy* | *"not permitted"* | *"not implemented"*) skip "--deadline" "needs SCHED_DEADLINE: $err" ;;
    *) is "--deadline" "$(field "$out" 41)$err" 6 ;;
  esac
  run "$FORKEXEC" --deadline 1000000,20000000,30000000 --reset-on-fork "${both[@]}"
  case $err in
    *busy* | *"not permitted"* | *"not implemented"*) skip "--deadline --reset-on-fork" "needs SCHED_DEADLINE: $err" ;;
    *) is "--deadline --reset-on-fork" "$(field "$out" 41 | tr '\n' ' ')$err" "6 0 " ;;
  esac
fi
cat >deadline <<'PERL'
my $p = pack("x48");
syscall(`uname -m` =~ /aarch64/ ? 275 : 315, 0, $p, 48, 0) == 0 or die "sched_getattr: $!";
print join(" ", unpack("x24 Q3", $p)), "\n";
PERL
if need_root "its times" && need_perl "its times"; then
  run "$FORKEXEC" --deadline 1000000,20000000,30000000 --reset-on-fork perl deadline
  case $err in
    *busy* | *"not permitted"* | *"not implemented"*) skip "its times" "needs SCHED_DEADLINE: $err" ;;
    *) is "its times" "$out$err" "1000000 20000000 30000000" ;;
  esac
fi
if [ -e /proc/self/numa_maps ]; then
  memory() { # NAME WANTED ARGUMENT...
    run "$FORKEXEC" --mempolicy "$2" cat /proc/self/numa_maps
    is "$1" "$(head -n 1 <<<"$out" | cut -d' ' -f2)$err" "$2"
  }
  memory "--mempolicy" bind:0
  memory "with a mode" bind=static:0
  memory "without nodes" local
  ends "nodes that are none" 125 "mempolicy: Invalid argument" --mempolicy bind:1023 true
else
  skip "--mempolicy" "needs /proc/self/numa_maps"
fi
prints "--nice" 7 --nice 7 nice
prints "--cpus" 0 --cpus 0 sh -c 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status'
ends "none that is there" 125 "affinity: Invalid argument" --cpus 1023 true
prints "--timer-slack" 70000 --timer-slack 70000 cat /proc/self/timerslack_ns
prints "--limit" "64 128" --limit nofile=64:128 --limit core=0 sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
prints "--limit of one number is both" "0 0" --limit core=0 sh -c 'echo $(ulimit -Sc) $(ulimit -Hc)'
ends "the soft one above" 125 "args 1: Invalid argument" --limit core=0 --limit nofile=unlimited:64 true
prints "--umask" 0027 --umask 27 sh -c umask
prints "--oom-score-adj" 500 --oom-score-adj 500 cat /proc/self/oom_score_adj
prints "--no-randomize" 00040000 --no-randomize cat /proc/self/personality
prints "--personality" 00000008 --personality 8 cat /proc/self/personality
prints "in hexadecimal, and both" 04040008 --no-randomize --personality 0x4000008 cat /proc/self/personality
if [ -n "$(command -v ionice)" ]; then
  prints "--ioprio" idle --ioprio idle ionice
  prints "--ioprio and a level" "best-effort: prio 6" --ioprio best-effort:6 ionice
else
  skip "--ioprio" "needs ionice"
fi
sets() { key "Sig$1" "$2"; }
run "$FORKEXEC" --sigmask INT,RTMIN+2,15 cat /proc/self/status
is "--sigmask" "$(sets Blk "$out")" "0000000800004002"
run "$FORKEXEC" --sigmask INT "$FORKEXEC" --sigmask '' cat /proc/self/status
is "--sigmask of none" "$(sets Blk "$out")" "0000000000000000"
run "$FORKEXEC" --sigignore USR1,CHLD cat /proc/self/status
ok "--sigignore" '(((0x$(sets Ign "$out") & 0x10200) == 0x10200))'
run "$FORKEXEC" --sigignore USR1,USR2 "$FORKEXEC" --sigdefault USR1,INT cat /proc/self/status
ok "--sigdefault" '(((0x$(sets Ign "$out") & 0xa02) == 0x800))'

# ---- cgroups ----

# In a mount namespace of its own: there may be none, or one that cannot be written to. What is born there is named
# after this script.
mkdir cgroups
cgroup=$d/cgroups/forkexec-$$
grouped() { run unshare --mount --propagation private sh -c 'mount -t cgroup2 none "$0" && exec "$@"' "$d/cgroups" "$@"; }
need_cgroups() {
  need_root "$1" || return 1
  grouped mkdir "$cgroup"
  [ $status = 0 ] && return
  skip "$1" "needs cgroups of version 2"
  return 1
}
if need_cgroups "cgroups"; then
  born_in() { sed -n 's|^0::.*/||p' <<<"$out"; }
  gone() { grouped test ! -e "$cgroup"; echo $status; }
  grouped "$FORKEXEC" --cgroup "$cgroup" cat /proc/self/cgroup
  is "--cgroup" "$status:$(born_in):$err" "0:forkexec-$$:"
  grouped "$FORKEXEC" --own-cgroup "$cgroup" true
  is "one that is there is nobody's own" "$status: $err" "125: forkexec: mkdir \"$cgroup\": File exists"
  grouped rmdir "$cgroup"
  is "--cgroup lets it stay" $status 0
  grouped "$FORKEXEC" --own-cgroup "$cgroup" cat /proc/self/cgroup
  is "--own-cgroup" "$status:$(born_in):$err" "0:forkexec-$$:"
  is "which goes" "$(gone)" 0
  grouped "$FORKEXEC" --own-cgroup "$cgroup" /nope
  is "also when nothing was started" "$status $(gone)" "127 0"
  grouped "$FORKEXEC" --own-cgroup "$cgroup" --user no-such-user true
  is "or was refused" "$status $(gone)" "125 0"
  # One whose parent has ended, and that is in a session of its own: only the cgroup knows of it.
  stray='(setsid sleep 60 >&- 2>&- & echo $!)'
  grouped "$FORKEXEC" --own-cgroup "$cgroup" --verbose --timeout 0.7 --tree sh -c "$stray; sleep 60"
  is "--tree by it" "$status: $(sed -n '2s/for [0-9]*/for N/p' <<<"$err")" \
    "124: forkexec: timed out: SIGTERM for N and its tree, by its cgroup"
  ok "nobody of it is left" '[ -n "$out" ] && ! grep -q "^State:.[^Z]" "/proc/$out/status"'
  is "nor it" "$(gone)" 0
  grouped "$FORKEXEC" --own-cgroup "$cgroup" sh -c "$stray"
  is "whoever is left in it is told of" "$status: $err" "0: forkexec: rmdir \"$cgroup\": Device or resource busy"
  kill -KILL "$out"
  ok "and it can be taken away then" 'wait_for "grouped rmdir $cgroup; [ \$status = 0 ]"'
fi

# ---- ways ----

for way in shared copy piped concurrent; do
  run "$FORKEXEC" --verbose --way $way sh -c 'echo $$'
  is "--way $way" "$err" "forkexec: way $way, pid $out"
done
took() { # NAME WAY ARGUMENT...
  local name=$1 way=$2
  shift 2
  run "$FORKEXEC" --verbose "$@" true
  is "$name" "${err%, pid *}" "forkexec: way $way"
}
took "the usual way" shared
took "--async" concurrent --async
prints "what is started so runs" "on" --async sh -c 'sleep 0.1; echo on'
ends "and what is not is told" 127 'exec "/nope": No such file or directory' --async /nope
took "--way auto" shared --way auto
took "with options that change nothing of it" shared --setsid --dir / --fd 5=0 --close-others --pdeathsig TERM
if need_root "the way of another user"; then
  took "the way of another user" copy --user 12345
  took "the way of the same user" shared --user root
  took "the way of id maps" piped --map-root
  run env FORKEXEC_TRACE=1 "$FORKEXEC" --way staged --user 12345 true
  is "a trace of the staged way" "$status $(sed 's/.* \(way=[a-z]*\) .*/\1/' <<<"$err")" "0 way=staged"
  ends "--way shared with another user" 125 "args: Invalid argument" --way shared --user 12345 true
fi
ends "--way shared with a map" 125 "args: Invalid argument" --way shared --map-root true
ends "--way copy with a map" 125 "args: Invalid argument" --way copy --map-root true
if need_perl "without pidfds"; then
  without=(perl filter clone3=ENOSYS 'clone&1000=EINVAL' pidfd_open=ENOSYS -- "$FORKEXEC")
  for way in shared copy piped; do
    run "${without[@]}" --way $way --verbose sh -c 'echo once; exit 3'
    is "without pidfds, $way" "$status: $out ${err%, pid *}" "3: once forkexec: way $way"
  done
  run "${without[@]}" --timeout 0.2 sleep 5
  is "a time-out without pidfds" "$status: $err" "124: "
  run perl filter clone3=ENOSYS -- "$FORKEXEC" --verbose true
  is "without clone3" "$status: ${err%, pid *}" "0: forkexec: way shared"
fi

prints "with a pidfd where there is one" 1 sh -c 'ls -l /proc/$PPID/fd | grep -c pidfd'

# ---- time-out ----

took_ms() { # runs it; sets ms
  local start=${EPOCHREALTIME/[^0-9]/}
  run "$@"
  ms=$(((${EPOCHREALTIME/[^0-9]/} - start) / 1000))
}
took_ms "$FORKEXEC" --timeout 0.3 sleep 10
ok "--timeout ends it in time ($ms ms)" '[ $status = 124 ] && [ $ms -ge 300 ] && [ $ms -lt 5000 ]'
prints "--timeout is for those who are late" in --timeout 10 echo in
ends "with their own status" 4 "" --timeout .9 sh -c 'exit 4'
run "$FORKEXEC" --timeout 1.5 sh -c 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'
is "SIGTERM is heard, and it is 124 all the same" "$status: $out" "124: bye"
# Not by a trap of its own, which may come too late.
deaf=(--sigignore TERM)
took_ms "$FORKEXEC" "${deaf[@]}" --timeout 0.2 sh -c 'echo $$; while :; do sleep 0.05; done'
ok "a second later SIGKILL ($ms ms)" '[ $status = 124 ] && [ $ms -ge 1200 ] && [ $ms -lt 8000 ] && [ ! -e /proc/$out ]'
for time in 0.3s 300ms 0.005m .3; do
  took_ms "$FORKEXEC" --timeout $time sleep 10
  ok "--timeout $time ($ms ms)" '[ $status = 124 ] && [ $ms -ge 300 ] && [ $ms -lt 5000 ]'
done
took_ms "$FORKEXEC" "${deaf[@]}" --timeout 0.2 --kill-after 1.5s sh -c 'while :; do sleep 0.05; done'
ok "--kill-after ($ms ms)" '[ $status = 124 ] && [ $ms -ge 1700 ] && [ $ms -lt 8000 ]'
took_ms "$FORKEXEC" "${deaf[@]}" --timeout 0.2 --kill-after 1m --signal KILL sh -c 'while :; do sleep 0.05; done'
ok "--signal KILL ($ms ms)" '[ $status = 124 ] && [ $ms -lt 5000 ]'
run "$FORKEXEC" --timeout 1.5 --signal USR1 sh -c 'trap "echo bye; exit 0" USR1; while :; do sleep 0.05; done'
is "--signal" "$status: $out" "124: bye"
run "$FORKEXEC" --verbose "${deaf[@]}" --timeout 0.2 --kill-after 0.1 sh -c 'while :; do sleep 0.05; done'
is "--verbose says what was done" "$(tail -n 2 <<<"$err" | sed 's/for [0-9]*/for N/')" \
  "forkexec: timed out: SIGTERM for N
forkexec: killed 100 ms later"
# A member of the group, one that has left it, and what they leave behind.
family='sleep 60 >&- 2>&- & echo $!; setsid sleep 60 >&- 2>&- & echo $!; '
alone() { # NAME PATTERN ARGUMENT...: of the child, the member and the one that has left those live on: y or n.
  local name=$1 wanted=$2 pid alive=''
  shift 2
  run "$FORKEXEC" "$@" sh -c "echo \$\$; $family exec sleep 60 >&- 2>&-"
  sleep 0.1
  for pid in $out; do
    if grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null; then
      alive=${alive}y
      kill -KILL "$pid"
    else
      alive=${alive}n
    fi
  done
  is "$name" "$status: $alive" "124: $wanted"
}
alone "a time-out is for the program alone" nyy --setpgid --timeout 0.7
alone "--group: for its process group" nny --setpgid --timeout 0.7 --group
alone "--tree: for all that it has started" nnn --setpgid --timeout 0.7 --tree
run "$FORKEXEC" --verbose --setpgid --timeout 0.1 --group sleep 60
is "--verbose says for whom" "$(sed -n '2s/for [0-9]*/for N/p' <<<"$err")" "forkexec: timed out: SIGTERM for N and its group"
run "$FORKEXEC" --verbose --timeout 0.1 --tree sleep 60
is "and by which means" "$(sed -n '2s/for [0-9]*/for N/p' <<<"$err")" \
  "forkexec: timed out: SIGTERM for N and its tree, by a look at /proc"
mkfifo nobody-opens
took_ms "$FORKEXEC" --spawn-timeout 300ms --fd '0=child:<nobody-opens' true
ok "--spawn-timeout ($ms ms)" '[ $status = 125 ] && [ $ms -ge 300 ] && [ $ms -lt 5000 ]'
is "it says where" "$err" "forkexec: files 0: Connection timed out"
prints "it is not for the program" late --spawn-timeout 1s sh -c 'sleep 1.2; echo late'
took_ms "$FORKEXEC" --timeout 0.2 sh -c 'kill -STOP $$; exit 1'
ok "one that is stopped, too" '[ $status = 124 ] && [ $ms -lt 8000 ]'
if need_root "a program that may not be killed" && need_plain "a program that may not be killed"; then
  cp "$(command -v setpriv)" become
  chmod 4755 become
  took_ms "${plain[@]}" "$FORKEXEC" --timeout 0.2 ./become --reuid 0 --regid 0 --clear-groups sh -c 'exec sleep 3 >&-'
  ok "one that may not be killed is not waited for ($ms ms)" '[ $status = 124 ] && [ $ms -lt 2000 ]'
  is "and it is said" "$(tr -d 0-9 <<<"$err")" "forkexec: kill : Operation not permitted"
fi

# ---- signals ----

for signal in INT QUIT TERM HUP USR1 USR2; do
  ends "SIG$signal is passed on" 9 "" sh -c \
    'trap "exit 9" '$signal'; kill -'$signal' $PPID; i=0; while [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done'
done
run "$FORKEXEC" --setsid --group sh -c 'sh -c "trap \"echo member; exit\" TERM; kill -TERM \$1; while :; do sleep 0.05; done" sh $PPID & wait; wait'
is "with --group to all of it" "$status: $out" "143: member"
signals() { grep -E '^Sig(Blk|Ign|Cgt)' <<<"$1"; }
run cat /proc/self/status
wanted=$(signals "$out")
run "$FORKEXEC" cat /proc/self/status
is "signals are to the program what they were to the command" "$(signals "$out")" "$wanted"
ignoring() { "${limit[@]}" sh -c 'trap "" HUP INT QUIT TERM USR1; exec "$@"' sh "$@"; }
wanted=$(signals "$(ignoring cat /proc/self/status)")
is "those that are ignored, too" "$(signals "$(ignoring "$FORKEXEC" cat /proc/self/status)")" "$wanted"
if need_perl "SIGCHLD ignored"; then
  run perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' "$FORKEXEC" sh -c 'exit 6'
  is "SIGCHLD ignored by the caller" "$status: $err" "6: "
fi
# Whenever it comes, it ends both. Not started by this shell: if the signal finds its child before that has execed,
# bash runs this script's EXIT trap there.
lost=0
for i in {0..59}; do
  "${limit[@]}" sh -c '"$0" --argv0 "$1" sleep 15 & sleep $2; kill -TERM $!; wait $!' "$FORKEXEC" "waif-$$" \
    "0.00$((i % 10))" 2>/dev/null
  [ $? = 143 ] || lost=$((lost + 1))
done
sleep 0.1
is "SIGTERM at any moment" "$lost lost, $(grep -lzxs "[w]aif-$$" /proc/[0-9]*/cmdline | wc -l) left" "0 lost, 0 left"

orphan='trap "echo struck >struck; exit" $1; echo $$ >up; i=0; while [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done'
for signal in USR1 SIGUSR2 15 sigalrm RTMIN RTMIN+2; do
  rm -f up struck
  name=${signal#SIG} name=${name/sigalrm/ALRM}
  name=${name/RTMIN+2/36} name=${name/RTMIN/34}
  "$FORKEXEC" --pdeathsig $signal sh -c "$orphan" sh "$name" &
  pid=$!
  wait_for '[ -s up ]'
  kill -KILL $pid
  wait $pid 2>/dev/null
  ok "--pdeathsig $signal" 'wait_for "[ -s struck ]"'
done 2>/dev/null

# ---- capture ----

run "$FORKEXEC" --capture sh -c 'echo out; echo err >&2; exit 3'
is "--capture" "$status|$out|$err" "3|out|err"
run "$FORKEXEC" --capture sh -c 'kill -KILL $$'
is "and the program's end" "$status" 137
ends "and a failure" 127 'exec "/nope": No such file or directory' --capture /nope
fe --capture sh -c 'echo first; : >said; while [ ! -e heard ]; do sleep 0.05; done' >captured &
ok "in one piece, when it has ended" 'wait_for "[ -e said ]" && [ ! -s captured ]'
touch heard
wait $!
is "then all of it" "$(cat captured)" first
is "its input is the command's" "$(echo mine | fe --capture cat)" mine
is "or what --fd says" "$(echo mine | fe --capture --fd 0=data:other cat)" other
run "$FORKEXEC" --capture --fd 2=same:1 sh -c 'echo a; echo b >&2; echo c'
is "both in one" "$out|$err" $'a\nb\nc|'
is "any amount" "$(fe --capture sh -c 'head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2' 2>errors | wc -c) $(wc -c <errors)" \
  "3000000 2000000"
run "$FORKEXEC" --capture --max-output 2K sh -c 'head -c 2048 /dev/zero | tr "\0" a; head -c 2049 /dev/zero | tr "\0" b >&2'
is "--max-output" "${#out} ${err/#*bforkexec/forkexec}" "2048 forkexec: standard error: cut after 2048 bytes"
is "what has gone through is all" "$(tr -dc b <<<"${err%forkexec*}" | wc -c)" 2048
took_ms "$FORKEXEC" --capture --timeout 500ms sh -c 'echo before; exec sleep 60'
ok "--capture and --timeout ($ms ms)" '[ $status = 124 ] && [ "$out" = before ] && [ $ms -ge 500 ] && [ $ms -lt 5000 ]'
took_ms "$FORKEXEC" --capture --timeout 1.5 --kill-after 1.2 sh -c 'trap "echo no" TERM; while :; do sleep 0.05; done'
ok "and --kill-after ($ms ms)" '[ $status = 124 ] && [ "$out" = no ] && [ $ms -ge 2700 ] && [ $ms -lt 6000 ]'
alone "and --group" nny --capture --setpgid --timeout 0.7 --group
took_ms "$FORKEXEC" --capture --verbose sh -c 'sleep 8 & echo own'
ok "somebody who holds its output is not waited for ($ms ms)" '[ $status = 0 ] && [ $ms -lt 6000 ] && [ "$out" = own ]'
is "and told by --verbose" "$(tail -n 1 <<<"$err")" "forkexec: another process holds its output open still"
run "$FORKEXEC" --capture --linger 10 sh -c '(sleep 0.4; echo later) & echo own'
is "--linger waits for it" "$out" $'own\nlater'
ok "what cannot be printed is a failure" 'fe --capture echo x >/dev/full; [ $? = 125 ]'
run "$FORKEXEC" --capture sh -c 'trap "echo heard; exit 5" TERM; kill -TERM $PPID; while :; do sleep 0.05; done'
is "a signal is passed on here too" "$status: $out" "5: heard"

# ---- json ----

# Whether its standard input is one JSON object with all its members, and nothing else, of which the expression is true.
cat >is_json <<'PYTHON'
import base64, json, sys
def refuse(constant): raise ValueError(constant)
o = json.loads(sys.stdin.buffer.read().decode("utf-8"), parse_constant=refuse)
print(o)
members = """started pid way status signal core_dumped timed_out stopped wall_s user_s system_s max_rss_kib stdout stderr
  held error"""
assert list(o) == members.split()
assert eval(sys.argv[1])
PYTHON
# of_json NAME TEXT EXPRESSION
of_json() {
  text=$2 expression=$3
  if [ -n "$(command -v python3)" ]; then
    ok "$1" 'python3 is_json "$expression" <<<"$text"'
  else
    skip "$1" "needs python3"
  fi
}
run "$FORKEXEC" --json --verbose sh -c 'echo $$; exit 3'
is "--json leaves the status and the output" "$status: ${out//[0-9]/}" "3: "
of_json "and is on standard error" "$(tail -n 1 <<<"$err")" "o['pid'] == $out and o['way'] == 'shared' and o['started'] is True \
  and o['status'] == 3 and o['signal'] is None and o['error'] is None and o['stdout'] is None and o['stderr'] is None"
run "$FORKEXEC" --json sh -c 'kill -SEGV $$'
of_json "a signal" "$err" "o['status'] is None and o['signal'] == {'number': 11, 'name': 'SEGV'} and not o['timed_out']"
run "$FORKEXEC" --json sh -c 'kill -36 $$'
of_json "one without a name" "$err" "o['signal'] == {'number': 36, 'name': 'RTMIN+2'}"
run "$FORKEXEC" --json perl -e 'my @a = (1) x 3000000; for (1 .. 3000000) {} select undef, undef, undef, 0.5'
of_json "what it has used" "$err" "0.5 <= o['wall_s'] < 15 and 0.03 < o['user_s'] + o['system_s'] < 5 and \
  24000 < o['max_rss_kib'] < 1000000"
run "$FORKEXEC" --json "${deaf[@]}" --timeout 0.3 --kill-after 0.1 sh -c 'while :; do :; done'
of_json "a time-out" "$err" "o['timed_out'] and o['signal']['name'] == 'KILL' and o['stopped'] == {'whom': 'process', \
  'means': None, 'signal': {'number': 15, 'name': 'TERM'}, 'grace_ms': 100} and o['wall_s'] >= 0.4 and 0.05 < o['user_s'] + o['system_s'] < 5"
run sh -c 'perl -e "my @a = (1) x 9000000"; exec "$0" --json --timeout 0.3 sleep 5' "$FORKEXEC"
of_json "what others have used before is not its own" "$err" "o['timed_out'] and o['user_s'] + o['system_s'] < 0.1 and o['max_rss_kib'] is None"
run "$FORKEXEC" --json --timeout 0.1 --tree --signal INT sleep 5
of_json "of a tree" "$err" "o['stopped'] == {'whom': 'tree', 'means': 'sweep', 'signal': {'number': 2, 'name': 'INT'}, \
  'grace_ms': 1000} and o['signal']['name'] == 'INT'"
run "$FORKEXEC" --json --dir $'/\377"\\\n' true
is "a failure to start" "$status" 125
of_json "is told" "$err" "not o['started'] and o['pid'] is None and o['status'] is None and o['user_s'] is None and \
  o['error'] == {'step': 'chdir', 'index': None, 'errno': {'number': 2, 'name': 'ENOENT'}, 'signal': None, \
  'message': 'chdir \"/\\ufffd\"\\\\\\n\": No such file or directory'}"
run "$FORKEXEC" --json --action close:9 --action chdir:/nope true
of_json "and the place of it" "$err" "o['error']['step'] == 'action_chdir' and o['error']['index'] == 1"
if need_perl "killed before exec, as an object"; then
  run perl filter setsid=KILL -- "$FORKEXEC" --json --setsid true
  of_json "killed before exec" "$err" "o['error']['errno']['name'] == 'ECANCELED' and o['error']['signal'] == {'number': 31, 'name': 'SYS'}"
fi

run "$FORKEXEC" --json --capture sh -c 'printf "a\"\\\\\b\t\n\r\001\177\342\202\254\360\237\230\200"; exit 2'
is "with --capture it is on standard output" "$status: $err" "2: "
of_json "with all that was said" "$out" "o['stdout'] == {'bytes': 16, 'cut': False, \
  'text': 'a\"\\\\\\b\\t\\n\\r\\x01\\x7f\\u20ac\\U0001f600'} and o['stderr'] == {'bytes': 0, 'cut': False, 'text': ''}"
run "$FORKEXEC" --json --capture sh -c 'printf "a\0b"; printf "a\0b\377" >&2'
of_json "what is no text is base64" "$out" "o['stdout']['text'] == 'a\\0b' and 'text' not in o['stderr'] and \
  base64.b64decode(o['stderr']['base64'], validate=True) == b'a\\0b\\xff' and o['stderr']['bytes'] == 4"
# Whatever a strict decoder takes is text, and the rest is base64: each pair of bytes with a high one, what is too long, a
# surrogate, above U+10FFFF or cut short, and the last ones that are right.
cat >each_text <<'PYTHON'
import base64, json, subprocess, sys
def text(*words): return [bytes.fromhex(word) for word in words]
edges = text("c080", "c1bf", "e09fbf", "eda080", "edbfbf", "f08fbfbf", "f4908080", "f5808080", "e282", "f09f98", "c3", "80", "ff", "c328",
  "e228ac", "e28228", "f09f28", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf", "41e282ac42", "e282acff")
edges += [bytes([a, b]) for a in range(0x7f, 0x100, 3) for b in (0x7f, 0x80, 0xbf, 0xc0)]
wrong = 0
for data in edges:
  run = lambda *words: subprocess.run((sys.argv[1], "--json") + words, capture_output=True)
  said = json.loads(run("--capture", "printf", "%s", data).stdout.decode())["stdout"]
  try: good = said.get("text") == data.decode() and "base64" not in said
  except UnicodeDecodeError: good = "text" not in said and base64.b64decode(said["base64"], validate=True) == data
  message = json.loads(run("--dir", b"/no" + data, "true").stderr.decode())["error"]["message"]
  try: good = good and message.startswith('chdir "/no' + data.decode() + '"')
  except UnicodeDecodeError: good = good and "\ufffd" in message
  if not good: print(data, said, message)
  wrong += not good
sys.exit(wrong != 0)
PYTHON
if [ -n "$(command -v python3)" ]; then
  ok "what is UTF-8 and what is not" '"${limit[@]}" python3 each_text "$FORKEXEC"'
else
  skip "what is UTF-8 and what is not" "needs python3"
fi
for n in 1 2 3 4; do
  run "$FORKEXEC" --json --capture perl -e 'print "\xff" x $ARGV[0]' $n
  of_json "$n bytes" "$out" "base64.b64decode(o['stdout']['base64'], validate=True) == b'\\xff' * $n"
done
run "$FORKEXEC" --json --capture --max-output 5 sh -c 'printf 123456; printf 12345 >&2'
of_json "what is cut is told" "$out" "o['stdout'] == {'bytes': 5, 'cut': True, 'text': '12345'} and \
  o['stderr'] == {'bytes': 5, 'cut': False, 'text': '12345'}"
run "$FORKEXEC" --json --capture --timeout 0.5 sh -c 'echo x; exec sleep 60'
of_json "a time-out of what is captured" "$out" "o['timed_out'] and o['stdout']['text'] == 'x\\n' and o['signal']['name'] == 'TERM'"
run "$FORKEXEC" --json --capture sh -c 'sleep 3 &'
of_json "held" "$out" "o['held']"
run "$FORKEXEC" --json --capture --fd 2=null: true
of_json "only what is a pipe" "$out" "o['stderr'] is None and o['stdout']['bytes'] == 0"
run "$FORKEXEC" --json=object --capture echo text
is "--json=FILE" "$status|$out|$err" "0||"
of_json "has it" "$(cat object)" "o['stdout']['text'] == 'text\\n'"
run sh -c '"$0" --json=5 sh -c "[ -e /proc/\$\$/fd/5 ]; echo \$?" 5>object' "$FORKEXEC"
is "--json=FD, which is not the program's" "$status|$out|$err" "0|1|"
of_json "has it" "$(cat object)" "o['status'] == 0"
run "$FORKEXEC" --json=object --dir /nope true
is "beside it a failure is a line too" "$status: $err" '125: forkexec: chdir "/nope": No such file or directory'
of_json "and in it" "$(cat object)" "o['error']['message'] == 'chdir \"/nope\": No such file or directory'"
ok "one that cannot be written is a failure" 'fe --json=/dev/full true; [ $? = 125 ]'

# ---- explain ----

# With one directory in PATH there is one candidate.
explains() { # NAME TEXT ARGUMENT...
  local name=$1 wanted=$2
  shift 2
  run env PATH=/bin "$FORKEXEC" --explain -i "$@"
  is "$name" "$status|$err|$out" "0||$wanted"
}
has_step() { # NAME LINE ARGUMENT...
  local name=$1 line=$2
  shift 2
  run "$FORKEXEC" --explain "$@"
  is "$name" "$status|$err|$(grep -cE "$line" <<<"$out")" "0||1"
}
last='sigmask: rt_sigprocmask(2, <mask>, NULL, 8)
exec: execve("/bin/true", '
explains "--explain" "way: shared, since nothing forbids to share memory
setsid: setsid()
chdir: chdir(\"/\")
${last/exec/exec 0}[\"true\",\"a b\"], \"1 variables\")" --setsid --dir / --env A=b true "a b"
explains "what the program does not open" "way: shared, since nothing forbids to share memory
files 0: fcntl(0, 2, 0)
files 1: dup3(3, 1, 0)
files 2: dup3(4, 2, 0)
${last}[\"/bin/true\"], \"0 variables\")" --fd 1=plainfile --fd 2=unmade /bin/true
echo data >plainfile
mkfifo nobody
run "$FORKEXEC" --explain --fd 1=plainfile --fd 2=unmade --fd '5=>nobody' --json=unmade --own-cgroup unmade sh -c ': >unmade'
is "nothing is made, emptied, waited for or started" "$status|$err|$(cat plainfile; ls unmade 2>&1)" \
  "0||data
ls: cannot access 'unmade': No such file or directory"
has_step "the way that is asked for" '^way: piped, since it is asked for' --way piped true
has_step "--suspend" '^suspend: wait\(\)$' --suspend true
has_step "--pty, for which it is suspended" '^suspend: wait\(\)$' --pty true
has_step "in a session of its own" '^setctty: ioctl\(0, ' --pty true
has_step "--capture has pipes" '^files 2: dup3\([0-9]+, 2, 0\)$' --capture true
has_step "a credential" '^setuid: setresuid\(12345, 12345, 12345\)$' --user 12345 true
has_step "what would fail" '^chdir: chdir\("/nope"\)$' --dir /nope true
ends "what is refused is a line" 125 "args: Invalid argument" --explain --setsid --setpgid true
ends "also of an object" 125 "args 5: Invalid argument" --explain=json --fd 5=same:9 true
ends "a way that cannot be" 125 "args: Invalid argument" --explain --way shared --map-root true
run "$FORKEXEC" --explain=json --setsid -i /bin/true
is "--explain=json is a line" "$status|$err|$(wc -l <<<"$out")" "0||1"
if [ -n "$(command -v python3)" ]; then
  ok "and an object" 'python3 -c "import json, sys
o = json.load(sys.stdin)
print(o)
assert list(o) == [\"way\", \"why\", \"steps\"] and [s[\"step\"] for s in o[\"steps\"]] == [\"setsid\", \"sigmask\", \"exec\"]" <<<"$out"'
else
  skip "and an object" "needs python3"
fi
arguments=()
for i in {1..3000}; do arguments+=("argument $i"); done
run "$FORKEXEC" --explain true "${arguments[@]}"
ok "however long" '[ $status = 0 ] && grep -qF "argument 3000" <<<"$out"'
ok "what cannot be printed is a failure" 'fe --explain true >/dev/full; [ $? = 125 ]'

# ---- pty ----

# A user at a terminal of 20 by 70: runs a command there, and for each PATTERN=>KEYS in its turn waits until what is shown since
# the last one matches, and types the keys. "size R C" and "kill S" are a new size and a signal to the command instead.
# Prints what was shown, without carriage returns.
cat >user <<'PERL'
use POSIX ();
$| = 1;
my @steps;
while ((my $step = shift) ne "--") { push @steps, [split /=>/, $step, 2]; }
open(my $m, "+<", "/dev/ptmx") or die "ptmx: $!";
my $n = pack("i", 0);
ioctl($m, 0x40045431, $n) or die "TIOCSPTLCK: $!";
ioctl($m, 0x80045430, $n) or die "TIOCGPTN: $!";
sub size { ioctl($m, 0x5414, pack("S4", @_, 0, 0)) or die "TIOCSWINSZ: $!" }
size(20, 70);
my $name = "/dev/pts/" . unpack("i", $n);
my $pid = fork;
if ($pid == 0) {
  POSIX::setsid();
  open(my $s, "+<", $name) or die "pts: $!";
  POSIX::dup2(fileno($s), $_) for 0 .. 2;
  exec @ARGV or die "exec: $!";
}
my ($shown, $since, $r) = ("", "");
for (;;) {
  while (@steps && $since =~ /$steps[0][0]/) {
    $since = "";
    my $keys = (shift @steps)->[1];
    if ($keys =~ /^size (\d+) (\d+)/) { size($1, $2) }
    elsif ($keys =~ /^kill (\w+)/) { kill $1, $pid }
    else { $keys =~ s/\\x(..)/chr hex $1/ge; $keys =~ s/\\r/\r/g; syswrite($m, $keys) }
  }
  vec($r = "", fileno($m), 1) = 1;
  select($r, undef, undef, 10) or kill("KILL", $pid), print("nothing more is shown\n"), last;
  sysread($m, my $bytes, 4096) or last;
  $bytes =~ tr/\r//d;
  $shown .= $bytes;
  $since .= $bytes;
}
waitpid($pid, 0);
print $shown;
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
PERL
prints "--pty is a terminal, its own" yes --pty sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && [ "$(tty)" = "$(readlink /proc/$$/fd/1)" ] && printf yes'
run "$FORKEXEC" --pty "${stat[@]}"
out=${out%$'\r'}
ok "in a session of its own, which it leads, and in the foreground" \
  '[ "$(field "$out" 1)" = "$(field "$out" 6)" ] && [ "$(field "$out" 8)" = "$(field "$out" 5)" ] && [ "$(field "$out" 7)" != 0 ]'
ends "and its status" 4 "" --pty sh -c 'exit 4'
run "$FORKEXEC" --pty /nope
is "and a failure" "$status: $err" '127: forkexec: exec "/nope": No such file or directory'
is "what is read from a pipe is typed, with its end" "$(printf 'one\ntwo\n' | fe --pty cat)" $'one\r\ntwo\r'
is "the end also of half a line" "$(printf 'half' | fe --pty sh -c 'cat; echo end')" $'halfend\r'
is "or nothing" "$(fe --pty sh -c 'cat; echo end' </dev/null)" $'end\r'
is "or none" "$("${limit[@]}" "$FORKEXEC" --pty sh -c 'cat; echo end' <&-)" $'end\r'
"${limit[@]}" "$FORKEXEC" --pty sh -c 'echo lost; exec sleep 10' >&- </dev/null
is "without an output it is hung up" $? 129
is "all that it has shown at its end" "$(fe --pty sh -c 'for i in 1 2 3 4 5; do head -c 2000 /dev/zero | tr "\0" x; done' </dev/null | wc -c)" 10000
lost=0
for i in {1..40}; do [ "$(fe --pty echo end </dev/null)" = $'end\r' ] || lost=$((lost + 1)); done
is "whenever that is" "$lost lost" "0 lost"
is "a long text both ways" "$(seq 5000 | fe --pty cat | tr -d '\r' | cksum)" "$(seq 5000 | cksum)"
took_ms "$FORKEXEC" --pty sh -c 'trap "" HUP; (sleep 8; echo late) & echo first'
ok "whoever holds it is not waited for ($ms ms)" '[ "$out" = first$'"'\\r'"' ] && [ $ms -lt 6000 ]'
took_ms sh -c '"$0" --pty yes | head -n 1; :' "$FORKEXEC"
ok "nobody reads it: it is hung up ($ms ms)" '[ "$out" = y$'"'\\r'"' ] && [ $ms -lt 10000 ]'
run "$FORKEXEC" --pty --fd 2=2 --fd 5=terminal: sh -c '[ -t 5 ] && [ -t 1 ] && ! [ -t 2 ] && echo apart >&2'
is "--fd in spite of it, and 5=terminal:" "$status|$out|$err" "0||apart"
took_ms "$FORKEXEC" --pty --timeout 0.5 sh -c 'echo up; exec sleep 60'
ok "--pty and --timeout ($ms ms)" '[ $status = 124 ] && [ "${out%?}" = up ] && [ $ms -lt 5000 ]'
run "$FORKEXEC" --pty --json --capture true
is "not with --capture" "$status: $err" "125: forkexec: --capture and --pty contradict each other"

if need_perl "at a terminal"; then
  seen=(sh -c 'stty -g >before; "$0" "$@"; status=$?; stty -g >after; cmp before after >&2 && echo "same modes, $status"' "$FORKEXEC" --pty)
  user() { run perl user "$@"; }
  user -- "${seen[@]}" stty size
  is "its size is that of the user's" "$out" $'20 70\nsame modes, 0'
  user 'ready=>size 33 99' -- "${seen[@]}" sh -c 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done'
  is "and follows it" "$out" $'ready\n33 99\nsame modes, 0'
  user 'ready=>typed\r' -- "${seen[@]}" sh -c 'echo ready; read -r line; echo "($line)"'
  is "what is typed is shown once" "$out" $'ready\ntyped\n(typed)\nsame modes, 0'
  user -- "${seen[@]}" stty -g
  is "its modes are the user's" "$(sed '$d' <<<"$out")" "$(cat before)"
  user 'ready=>\x03' -- "${seen[@]}" sh -c 'trap "echo int; exit 5" INT; echo ready; while :; do sleep 0.05; done'
  is "Ctrl-C is the program's" "$out" $'ready\n^Cint\nsame modes, 5'
  user 'ready=>\x1c' -- "${seen[@]}" sh -c 'echo ready; exec sleep 60'
  is "Ctrl-\\ too" "${out%% (core dumped)*}" $'ready\n^\\same modes, 131'
  user 'ready=>x\x04\x04' -- "${seen[@]}" sh -c 'echo ready; cat; echo end'
  is "and Ctrl-D" "$out" $'ready\nxxend\nsame modes, 0'
  user -- "${seen[@]}" /nope
  is "the modes come back after a failure" "$out" $'forkexec: exec "/nope": No such file or directory\nsame modes, 127'
  user -- "${seen[@]}" "${deaf[@]}" --timeout 0.2 --kill-after 0.1 sh -c 'while :; do sleep 0.05; done'
  is "after a time-out" "$out" "same modes, 124"
  user -- "${seen[@]}" sh -c 'stty raw -echo; kill -KILL $$'
  is "and whatever the program does to its own" "$out" "same modes, 137"
  user -- "${seen[@]}" sh -c 'trap "echo term; exit 9" TERM; kill -TERM $PPID; while :; do sleep 0.05; done'
  is "after a signal to the command" "$out" $'term\nsame modes, 9'
  user 'raw=>kill TERM' -- "$FORKEXEC" --pty sh -c 'trap "echo term; exit 9" TERM; echo raw; while :; do sleep 0.05; done'
  is "a signal to the command is the program's" "$status: $out" $'9: raw\nterm'
  # The command, which knows of the program by then, is stopped until that has felt it: else two would be one to it.
  user 'ready=>\x03' -- "$FORKEXEC" sh -c 'trap "i=\$((i+1))" INT; i=0; sleep 0.3; kill -STOP $PPID; echo ready
    while [ $i = 0 ]; do sleep 0.05; done; kill -CONT $PPID; sleep 0.3; echo $i'
  is "without --pty a Ctrl-C is felt once" "$status: $out" $'0: ready\n^C1'
  user 'ready=>\x03' -- "$FORKEXEC" --setpgid sh -c 'trap "echo int; exit 6" INT; echo ready; while :; do sleep 0.05; done'
  is "and passed on to another group" "$status: $out" $'6: ready\n^Cint'
fi

# ---- suspend ----

declare -A ends=([TERM]="125: forkexec: sigmask: killed by signal 15 (Terminated)" [KILL]="125: forkexec: suspend: killed by signal 9 (Killed)")
: >suspended
"${limit[@]}" "$FORKEXEC" --suspend --verbose sh -c 'echo on; exit 5' >on 2>suspended &
wait_for '[ -s suspended ]'
read -r _ pid _ _ _ _ _ forkexec _ <suspended
is "--suspend says who stands there" "$(cat suspended)" "forkexec: $pid stands before its exec, until $forkexec gets SIGCONT"
sleep 0.2
is "it is not yet the program" "$(readlink "/proc/$pid/exe"):$(cat on)" "$(readlink -f "$FORKEXEC"):"
kill -CONT "$forkexec"
wait $!
is "and SIGCONT lets it go" "$?: $(cat on)" "5: on"
is "as the same" "$(sed -n '$s/.*pid //p' suspended)" "$pid"
for signal in TERM KILL; do
  : >suspended
  "${limit[@]}" "$FORKEXEC" --suspend true 2>suspended &
  wait_for '[ -s suspended ]'
  read -r _ pid _ _ _ _ _ forkexec _ <suspended
  if [ $signal = KILL ]; then kill -KILL "$pid"; else kill -TERM "$forkexec"; fi
  wait $!
  is "SIG$signal ends it there" "$?: $(sed 1d suspended)" "${ends[$signal]}"
done

# ---- ptrace ----

for way in shared copy piped; do
  : >stopped
  "${limit[@]}" "$FORKEXEC" --ptrace --way $way --timeout 15 sh -c 'exit 5' 2>stopped &
  wait_for '[ -s stopped ]'
  pid=$(sed -n 's/^forkexec: \([0-9]*\) is stopped at exec$/\1/p' stopped)
  ok "--ptrace stops it, $way" 'wait_for "grep -q \"^State:.T (stopped)\" /proc/$pid/status"'
  is "and nobody traces it" "$(key TracerPid "$(cat "/proc/$pid/status")")" 0
  is "it is the program" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sh -c exit 5 "
  kill -CONT "$pid"
  wait $!
  is "and runs on" $? 5
done
ends "a failure with --ptrace" 127 'exec "/nope": No such file or directory' --ptrace /nope
run "$FORKEXEC" --ptrace --timeout 0.2 true
is "a time-out of what is stopped" $status 124

plan
