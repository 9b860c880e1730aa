#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# mutants.sh [PATCH...]: applies each of mutants/*.patch to a copy of the tree and demands that the tests which its first
# line names ("Noticed by: NAME...", the quickest first; tests of `make check` and of packaging/tests, "rust" is cargo's) fail: as soon as one
# has, at its first failure, the next patch has its turn. One that does not apply or not compile proves nothing and counts
# as failed, as does a test that fails without any patch. Ends with a line "N passed, N failed".
# With SHARE=N of them only each Nth, from another one on for each commit.
# Several at once, each in a copy of its own: one more than there are processors, since they also sleep, or JOBS.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
[ $# -gt 0 ] || set -- mutants/*.patch
if [ -z "${WORKER:-}" ] && [ "${SHARE:-1}" -gt 1 ]; then
  first=$((16#$(git rev-parse --short=6 HEAD) % SHARE))
  all=("$@") some=()
  for ((at = first; at < ${#all[@]}; at += SHARE)); do some+=("${all[at]}"); done
  echo "# ${#some[@]} of ${#all[@]} patches: each of number $SHARE from $((first + 1)) on"
  set -- "${some[@]}"
fi
# What the workers tell each other: who does what, and how long a test may take.
shared=$root/build/mutants/shared

if [ -z "${WORKER:-}" ]; then
  rm -rf "$shared"
  mkdir -p "$shared"
  jobs=${JOBS:-$(($(nproc) + 1))}
  for ((worker = 0; worker < jobs && worker < $#; worker++)); do
    WORKER=$worker "$0" "$@" | tee "$shared/said.$worker" | grep --line-buffered -v ' failed$' &
  done
  wait
  # A worker that has not counted has failed.
  awk -v workers="$worker" '/^[0-9]+ passed, [0-9]+ failed$/ {p += $1; f += $3; n++}
    END {f += workers - n; printf "%d passed, %d failed\n", p, f; exit f > 0}' "$shared"/said.*
  exit
fi

work=$root/build/mutants/$WORKER
mkdir -p "$work/tree/build"
killed=0 survived=0

# With those that are not committed yet.
files() {
  local file
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [ ! -e "$file" ] || echo "$file"
  done
}

# The copy stays, so that only what a patch touches is built again.
copy() {
  local file
  files >"$work/files"
  while read -r file; do
    cmp -s "$file" "$work/tree/$file" && continue
    mkdir -p "$work/tree/$(dirname "$file")"
    cp -p "$file" "$work/tree/$file"
    touch "$work/tree/$file"
  done <"$work/files"
  (cd "$work/tree" && find . -path ./build -prune -o -type f -print) | sed 's|^\./||' | grep -vxFf "$work/files" |
    while read -r file; do rm "$work/tree/$file"; done
}

# What this test needs and no more. Without -Werror: a patch may leave something unused, which is not what is to notice it.
build() { # test
  local targets="build/t/$1 build/t/probe"
  [ ! -e "c-tests/$1.sh" ] || targets=tests
  [ ! -e "packaging/tests/$1.sh" ] || targets=all
  cd "$work/tree" || exit 1
  if [ "$1" = rust ]; then
    CARGO_TARGET_DIR="$work/target" cargo test -q --locked --lib --no-run
  else
    case $1 in
      # What looks at the code itself wants that of a release.
      artefact | instructions | reproducible) set -- "$work/target" ;;
      # All others are built in two thirds of the time (3.4 s, not 4.9).
      *) set -- "$work/quick" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=8 ;;
    esac
    # make sees no difference between the two.
    [ "$(cat "$work/built" 2>&1)" = "$1" ] || rm -f build/libforkexec.*
    echo "$1" >"$work/built"
    # shellcheck disable=SC2086
    env CI= CARGO_PROFILE_RELEASE_DEBUG=0 "${@:2}" make -s --no-print-directory B=build CARGO_TARGET_DIR="$1" $targets
  fi
}

# By SIGKILL, and the whole group: a mutant may hang with all signals blocked, or leave something behind.
run() { # test seconds
  local b=$work/tree/build command=("$work/tree/build/t/$1") status
  export LD_LIBRARY_PATH=$b FE_TEST_PROBE=$b/t/probe FORKEXEC=$b/forkexec BUILD=$b CC=${CC:-cc} OBJDUMP=objdump
  export FE_TEST_FIRST=1 CARGO_TARGET_DIR=$work/target
  cd "$work/tree" || exit 1
  [ ! -e "c-tests/$1.sh" ] || command=(bash "c-tests/$1.sh")
  [ ! -e "packaging/tests/$1.sh" ] || command=(bash "packaging/tests/$1.sh")
  [ "$1" != rust ] || command=(cargo test -q --locked --lib)
  timeout -s KILL "$2" "${command[@]}" &
  wait $!
  status=$?
  kill -s KILL -- -$! 2>"$work/no-group"
  return $status
}

fails() { # how
  sed 's/^/# /' "$work/log" | grep -v '^# ok' | tail -n 20
  echo "not ok - $1"
  survived=$((survived + 1))
}

copy
# As they are here: no patch touches them.
cp -a "$root/build/t" "$work/tree/build"

# All that is named must pass before it may count that it fails. It then has that time several times over.
# shellcheck disable=SC2013
for test in $(sed -s -n '1s/^Noticed by: //p' "$@" | tr ' ' '\n' | sort -u); do
  mkdir "$shared/test.$test" 2>"$work/taken" || continue
  if { (build "$test") && begun=$SECONDS && (run "$test" 600); } >"$work/log" 2>&1; then
    echo $((10 + 5 * (SECONDS - begun))) >"$work/limit"
  else
    fails "$test fails without a mutant"
    : >"$work/limit"
  fi
  mv "$work/limit" "$shared/limit.$test"
done

for patch in "$@"; do
  name=$(basename "$patch" .patch)
  mkdir "$shared/patch.$name" 2>"$work/taken" || continue
  begun=$SECONDS
  if ! (cd "$work/tree" && patch -s -p1 --fuzz=0 --no-backup-if-mismatch <"$root/$patch") >"$work/log" 2>&1; then
    fails "$name does not apply"
    copy
    continue
  fi
  by='' bad=''
  for test in $(sed -n '1s/^Noticed by: //p' "$patch"); do
    for ((waited = 0; waited < 6000; waited++)); do
      [ ! -e "$shared/limit.$test" ] || break
      sleep 0.1
    done
    limit=$(cat "$shared/limit.$test")
    if ! (build "$test") >"$work/log" 2>&1; then
      bad='does not compile'
      break
    fi
    if [ -n "$limit" ] && ! (run "$test" "$limit") >"$work/log" 2>&1; then
      by=$test
      break
    fi
  done
  if [ -n "$bad" ]; then
    fails "$name $bad"
  elif [ -z "$by" ]; then
    fails "$name survives"
  else
    echo "ok - $name: noticed by $by, $((SECONDS - begun)) s"
    killed=$((killed + 1))
  fi
  (cd "$work/tree" && patch -R -s -p1 --fuzz=0 --no-backup-if-mismatch <"$root/$patch") >"$work/log" 2>&1 || copy
done
echo "$killed passed, $survived failed"
[ "$survived" = 0 ]
