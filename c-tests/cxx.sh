#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# forkexec.hpp is clean for each compiler and standard, with and without exceptions; it defines nothing that two files
# could have in common, and no macros. What it does is tested by t/wrapper.
. "$(dirname "$0")/tap.sh"
: "${BUILD:?the directory of libforkexec.so}"
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

warnings='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror'
use=(-I"$here/../include" -L"$BUILD" -lforkexec "-Wl,-rpath,$BUILD")
for compiler in g++ clang++; do
  need $compiler "$compiler" || continue
  for std in c++17 c++20; do
    for exceptions in '' '-fno-exceptions -fno-rtti'; do
      # shellcheck disable=SC2086
      ok "$compiler -std=$std $exceptions" \
        '$compiler -std=$std $exceptions $warnings "$here/cxx/plain.cpp" "$here/cxx/plain_too.cpp" -o "$work/plain" "${use[@]}"'
      is "and it runs" "$("$work/plain" 2>&1)" "said
exec: No such file or directory
files 3: Bad file descriptor"
    done
  done
done

name=${CXX:-g++}
if need "$name" "symbols" "macros"; then
  ok "an object" '$name -std=c++17 -c "$here/cxx/plain_too.cpp" -o "$work/too.o" "${use[@]}"'
  # Inline functions are weak, and what else there is has internal linkage.
  is "no symbol but the file's own" "$(nm -C --defined-only "$work/too.o" | awk '$2 ~ /[ABCDGRST]/' | cut -d' ' -f3- | sed 's/\[.*\]//')" "plain_too()"
  {
    echo '#include <forkexec.h>'
    grep '^#include <[^f]' "$here/../include/forkexec.hpp"
    echo '#include <fcntl.h>
#include <functional>'
  } >"$work/without.cpp"
  echo '#include <forkexec.hpp>' >"$work/with.cpp"
  for file in with without; do
    $name -std=c++17 -dM -E -I"$here/../include" "$work/$file.cpp" | sort >"$work/$file"
  done
  is "no macro but its guard" "$(comm -23 "$work/with" "$work/without")" "#define FORKEXEC_HPP "
fi
plan
