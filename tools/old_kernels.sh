#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The C programs where a filter (c-tests/refuse.c) refuses what older kernels lack, and with all combinations of some calls
# refused; and in what a container's runtime makes of root. How many cases of each pass, are skipped and fail is compared with tools/old_kernels.expected, so that no case is skipped
# unnoticed. Run by `make check-old-kernels`, after which `cp build/results-old/counts tools/old_kernels.expected` takes new counts.
#
# With PROGRAMS, these in each such world but the combinations: `make check-old-kernels-whole` names them all. There no case
# fails, and just those are skipped, for just that reason, that tools/old_kernels_whole.expected lists (the next ones:
# build/results-old-whole/skipped).
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/../c-tests/tap.sh"
outside
kernels='3.10 4.9 5.4 5.10 6.1'
programs='pass2 exec session dir search resetids tty'
# The library's clone3, which is known by its size: the C library cannot do without its own where a filter says EPERM.
combined='CLONE_CLEAR_SIGHAND close_range pidfd_open waitid execveat'

# What a runtime leaves root by default, and what its filter then refuses.
contained='pass1 pass2 exec session dir search tty credential execfd run wait_any'
left=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap
as_contained=("$BUILD/forkexec" --bounding "$left" --inheritable none --permitted "$left" --effective "$left" --)
container=(clone3 namespaces mounts set_mempolicy pidfd_getfd=EPERM)

# ---- the whole suite ----

# Into $work/WORLD.PROGRAM.
one_of_all() { # world program
  local refused=("$1") before=()
  if [ "$1" = container ]; then refused=("${container[@]}") before=("${as_contained[@]}"); fi
  timeout -s KILL 400 "${before[@]}" "$BUILD/t/refuse" "${refused[@]}" -- "$BUILD/t/$2" >"$work/$1.$2" 2>&1
  echo "# ended with $?" >>"$work/$1.$2"
}

if [ -n "${PROGRAMS:-}" ]; then
  export FE_TEST_PATIENCE=${FE_TEST_PATIENCE:-120}
  for world in $kernels container; do
    for program in $PROGRAMS; do
      while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
      one_of_all "$world" "$program" &
    done
  done
  wait
  # What takes a capability that not even root has on some machines (tools/check.sh) is left out.
  skips=${FE_RESULTS:?}/skipped
  for world in $kernels container; do
    for program in $PROGRAMS; do
      out=$work/$world.$program
      found=$(sed -n "s/^ok [0-9]* - \(.*\) # SKIP /$world $program: \1: /p" "$out" | grep -v 'needs CAP_SYS_RESOURCE$')
      [ -z "$found" ] || echo "$found"
      wanted=$(grep "^$world $program: " "$here/old_kernels_whole.expected")
      [ "$(grep -c '^1\.\.[1-9]' "$out")" = 1 ] || found+=$'\nit has not ended'
      [ "$(tail -n 1 "$out")" = '# ended with 0' ] || found+=$'\n'$(tail -n 1 "$out")
      is "$world: all of $program" "$found" "$wanted" >>"$work/judged"
      if grep -q '^not ok' "$out"; then sed 's/^/# /' "$out" | tail -n 60 >>"$work/judged"; fi
    done
  done >"$skips"
  cat "$work/judged"
  plan
fi

# ---- some programs, and combinations ----

counts=${FE_RESULTS:?}/counts
: >"$counts"

# under NAME PROGRAM REFUSED...
under() {
  local name=$1 program=$2
  shift 2
  timeout -s KILL 300 "${before[@]}" "$BUILD/t/refuse" "$@" -- "$BUILD/t/$program" >"$work/out" 2>&1
  local line
  line="$name $program $(grep -c '^ok' "$work/out") ok, $(grep -c '# SKIP' "$work/out") of them skipped, \
$(grep -c '^not ok' "$work/out") not ok, $(tail -n 1 "$work/out")"
  echo "$line" >>"$counts"
  is "$name: $program" "$line" "$(grep "^$name $program " "$here/old_kernels.expected")"
  grep '^not ok\|# SKIP' "$work/out" | sed 's/^/# /'
}

before=()
for kernel in $kernels; do
  for program in $programs; do under "$kernel" "$program" "$kernel"; done
done

# As bits of a number; a filter says EPERM where an old kernel says ENOSYS.
read -ra calls <<<"$combined"
for ((set = 1; set < 1 << ${#calls[@]}; set++)); do
  refused=()
  errnum=$([ $((set % 2)) = 0 ] || echo EPERM)
  for i in "${!calls[@]}"; do
    ((set >> i & 1)) && refused+=("${calls[i]}${errnum:+=$errnum}")
  done
  under "$(IFS=,; echo "${refused[*]}")" dir "${refused[@]}"
done

before=("${as_contained[@]}")
for program in $contained; do under container "$program" "${container[@]}"; done
plan
