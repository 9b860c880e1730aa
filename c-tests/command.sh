#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The command forkexec from outside: every option by what the program then sees of itself in /proc, every exit
# status, every kind of failure line. It needs no more than sh, coreutils and perl.
# shellcheck disable=SC1091,SC2016
. "$(dirname "$0")/tap.sh"
set -u
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
# Runs a command under a seccomp filter: NAME[&BITS-OF-ARGUMENT-0]=ACTION ... -- COMMAND.
cat >filter <<'PERL'
my $arm = `uname -m` =~ /aarch64/;
my %nr = (setsid => $arm ? 157 : 112, clone => $arm ? 220 : 56, clone3 => 435, pidfd_open => 434);
my %action = (KILL => 0x80000000, ENOSYS => 0x50000 | 38, EINVAL => 0x50000 | 22);
my $code = "";
sub add { $code .= pack("SCCL", @_) }
while ((my $rule = shift) ne "--") {
  my ($name, undef, $bits, $action) = $rule =~ /^(\w+)(&(\w+))?=(\w+)$/ or die $rule;
  add(0x20, 0, 0, 0);
  add(0x15, 0, $bits ? 3 : 1, $nr{$name});
  if ($bits) { add(0x20, 0, 0, 16); add(0x45, 0, 1, hex $bits); }
  add(0x06, 0, 0, $action{$action});
}
add(0x06, 0, 0, 0x7fff0000);
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
ok "it fits a screen" '[ "$(wc -l <<<"$out")" -le 23 ] && [ "$(wc -L <<<"$out")" -le 80 ]'
missing=
for o in dir chroot chroot-keep-cwd fd close-others user groups keep-groups setsid setpgid setctty noctty foreground \
  pdeathsig unshare map-root uid-map gid-map allow-setgroups keep-propagation ptrace env-clear env unsetenv argv0 \
  way verbose timeout help version; do
  grep -qE -- "--$o([^a-z-]|\$)" <<<"$out" || missing="$missing $o"
done
is "it names every option" "$missing" ""
run "$FORKEXEC" --version
ok "--version" '[[ $status = 0 && $out =~ ^forkexec\ [0-9]+\.[0-9]+\.[0-9]+$ ]]'
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
--timeout: "0" is not a number of seconds above 0 and below 2147483|--timeout 0
--timeout: "inf" is not a number of seconds above 0 and below 2147483|--timeout inf
--timeout: "1s" is not a number of seconds above 0 and below 2147483|--timeout 1s
--timeout: "1e3" is not a number of seconds above 0 and below 2147483|--timeout 1e3
--timeout: "2147483" is not a number of seconds above 0 and below 2147483|--timeout 2147483
--pdeathsig: "FOO" is none of its values|--pdeathsig FOO
--pdeathsig: "0" is none of its values|--pdeathsig 0
--pdeathsig: "65" is none of its values|--pdeathsig 65
--pdeathsig: "RTMIN+99" is none of its values|--pdeathsig RTMIN+99
--unshare: "pid2" is none of its values|--unshare user,pid2
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

# ---- ways ----

for way in shared copy piped; do
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
took "--way auto" shared --way auto
took "with options that change nothing of it" shared --setsid --dir / --fd 5=0 --close-others --pdeathsig TERM
if need_root "the way of another user"; then
  took "the way of another user" copy --user 12345
  took "the way of the same user" shared --user root
  took "the way of id maps" piped --map-root
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
run "$FORKEXEC" --timeout 0.3 sh -c 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'
is "SIGTERM is heard, and it is 124 all the same" "$status: $out" "124: bye"
took_ms "$FORKEXEC" --timeout 0.2 sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done'
ok "a second later SIGKILL ($ms ms)" '[ $status = 124 ] && [ $ms -ge 1200 ] && [ $ms -lt 8000 ] && [ ! -e /proc/$out ]'
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

prints "SIGINT and SIGQUIT are not the command's" here sh -c 'kill -INT $PPID; kill -QUIT $PPID; sleep 0.2; echo here'
for signal in TERM HUP; do
  ends "SIG$signal is forwarded" 9 "" sh -c \
    'trap "exit 9" '$signal'; kill -'$signal' $PPID; i=0; while [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done'
done
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
