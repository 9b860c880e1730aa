#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What `make install` lays down, used as a user would: pkg-config, C and C++, strict warnings, shared and static;
# and `make uninstall` leaves nothing.
. "$(dirname "$0")/tap.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
b=$BUILD
make_() { make -s --no-print-directory B="$b" DESTDIR="$root" prefix=/usr "$@"; }
ok "make install" 'make_ install'
files() { # those that are there by chance
  { cat <<LIST; echo "$1"; } | sed '/^$/d' | sort
./usr/bin/forkexec
./usr/include/forkexec.h
./usr/include/forkexec.hpp
./usr/lib/cmake/forkexec/forkexec-config-version.cmake
./usr/lib/cmake/forkexec/forkexec-config.cmake
./usr/lib/libforkexec-posix.so
./usr/lib/libforkexec-posix.so.0
./usr/lib/$(basename "$(readlink -f "$b/libforkexec-posix.so")")
./usr/lib/libforkexec.a
./usr/lib/libforkexec.so
./usr/lib/libforkexec.so.0
./usr/lib/$(basename "$(readlink -f "$b/libforkexec.so")")
./usr/lib/pkgconfig/libforkexec-posix.pc
./usr/lib/pkgconfig/libforkexec.pc
./usr/share/bash-completion/completions/forkexec
./usr/share/fish/vendor_completions.d/forkexec.fish
./usr/share/zsh/site-functions/_forkexec
LIST
}
# The manual pages are there if there was scdoc when the rest was built.
pages=$([ ! -e "$b/man/.names" ] || tools/man.sh list | sed 's|.*\.\(.\)$|./usr/share/man/man\1/&|')
is "the files" "$(cd "$root" && find . ! -type d | sort)" "$(files "$pages")"
mkdir "$root/b"
cp -a "$b"/libforkexec* "$b"/forkexec* "$root/b"
ok "make install where no pages were made" 'make_ B="$root/b" DESTDIR="$root/without" install'
is "the files without them" "$(cd "$root/without" && find . ! -type d | sort)" "$(files "")"
ok "make uninstall there" 'make_ B="$root/b" DESTDIR="$root/without" uninstall'
is "nothing is left there" "$(cd "$root/without" && find . ! -type d)" ""
rm -rf "$root/b" "$root/without"
ok "the command has no path of the build" '! readelf -dW "$root/usr/bin/forkexec" | grep -E "RPATH|RUNPATH"'
# What <sched.h> and others define as well must not stand in a header of ours.
is "the header defines nothing that is not FE_..." \
  "$(sed -n 's/^#define \([A-Za-z_0-9]*\).*/\1/p' "$root/usr/include/forkexec.h" | grep -v '^FE_')" "FORKEXEC_H"
ok "the .pc files are relocatable" '! grep -v "^prefix=" "$root/usr/lib/pkgconfig/"*.pc | sed "s/^[^:]*://" | grep /usr'

if ! command -v pkg-config >/dev/null; then
  skip "compile with pkg-config" "needs pkg-config"
  plan
fi
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
flags=$(pkg-config --cflags --libs libforkexec)
note "pkg-config --cflags --libs libforkexec: ${flags//$root/ROOT}"
is "pkg-config knows the version" "$(pkg-config --modversion libforkexec)" \
  "$(basename "$(readlink -f "$b/libforkexec.so")" | sed 's/.*\.so\.//')"

for fenv in none before after; do
  {
    [ $fenv = before ] && echo '#include <fenv.h>'
    echo '#include <forkexec.h>'
    [ $fenv = after ] && echo '#include <fenv.h>'
    cat <<'C'
#include <stdio.h>
int main(int argc, char **argv) {
  fe_attr attr = FE_ATTR_INIT;
  fe_credential credential = FE_CREDENTIAL_INIT;
  fe_child child = FE_CHILD_INIT;
  fe_error error = FE_ERROR_INIT;
  fe_io io = FE_IO_INIT;
  const int files[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_SAME_AS(1), FE_NULL, FE_REDIRECT(0), FE_REDIRECT(argc)};
  const fe_redirect redirects[] = {FE_OPEN_FILE("x", 0, 0), FE_DATA("x", 1)};
  char message[100];
  int status = -1;
  (void)credential;
  (void)io;
  (void)files;
  (void)redirects;
  attr.argv = argv + 1;
  attr.flags |= FE_SEARCH_PATH | FE_SETSID;
  attr.flags &= ~FE_SETSID;
  if (fe_spawn(&attr, &child, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    puts(message);
    return 1;
  }
  if (fe_wait(&child, -1, &status) != 0) return 2;
  fe_child_close(&child);
  return status;
}
C
  } >"$root/user-$fenv.c"
  cp "$root/user-$fenv.c" "$root/user-$fenv.cc"
done
warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
for compiler in gcc clang; do
  if ! command -v $compiler >/dev/null; then
    skip "$compiler" "needs $compiler"
    continue
  fi
  [ $compiler = gcc ] && cxx=g++ || cxx=clang++
  for fenv in none before after; do
    for std in c99 c11 c2x; do
      # shellcheck disable=SC2086
      ok "$compiler -std=$std, fenv $fenv" '$compiler -std=$std $warnings "$root/user-$fenv.c" -o "$root/user" $flags'
    done
    command -v $cxx >/dev/null && for std in c++11 c++17; do
      ok "$cxx -std=$std, fenv $fenv" '$cxx -std=$std $warnings "$root/user-$fenv.cc" -o "$root/user" $flags'
    done
  done
done
ok "a user's program runs with the installed library" \
  'LD_LIBRARY_PATH=$root/usr/lib "$root/user" true'
is "and says what failed" "$(LD_LIBRARY_PATH=$root/usr/lib "$root/user" /no/such)" \
  "exec: No such file or directory"
ok "the installed command runs" 'LD_LIBRARY_PATH=$root/usr/lib "$root/usr/bin/forkexec" true'
cxx=${CXX:-g++}
if [ -n "$(command -v "$cxx")" ]; then
  printf '#include <forkexec.hpp>\nint main() { return forkexec::run({"/bin/true"}).status.raw(); }\n' >"$root/user.cc"
  # shellcheck disable=SC2086
  ok "a program in C++ with the installed forkexec.hpp" \
    '$cxx -std=c++17 $warnings "$root/user.cc" -o "$root/user" $flags && LD_LIBRARY_PATH=$root/usr/lib "$root/user"'
else
  skip "a program in C++ with the installed forkexec.hpp" "needs a C++ compiler"
fi
# The static library by its .pc.
ok "linked statically" '$CC "$root/user-none.c" -o "$root/user-static" \
  $(pkg-config --cflags libforkexec) -static $(pkg-config --static --libs libforkexec) && "$root/user-static" /bin/true'
rm -f "$root"/user*
ok "make uninstall" 'make_ uninstall'
is "nothing is left" "$(cd "$root" && find . ! -type d)" ""
plan
