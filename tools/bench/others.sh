#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# others.sh DIRECTORY: builds there the peers that are programs of their own, each if what it needs is installed, and
# names those that are skipped. `make setup-bench` installs it on Debian.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?directory}
: "${CC:=cc}" "${RUSTC:=rustc}" "${GO:=go}"
mkdir -p "$out"

skip() { # NAME WHY FILE
  echo "# skipped: $1 ($2)"
  rm -f "$3"
}
there() { command -v "$1" >"$out/log"; }
build() { # NAME FILE SOURCE COMMAND...
  local name=$1 file=$out/$2 source=$here/$3
  shift 3
  [ "$file" -nt "$source" ] && return
  "$@" >"$out/log" 2>&1 || { skip "$name" "does not build" "$file"; cat "$out/log"; }
}
with_library() { # NAME FILE PACKAGE DEFINE
  local flags
  if ! there pkg-config; then
    skip "$1" "no pkg-config" "$out/$2"
  elif ! flags=$(pkg-config --cflags --libs "$3" 2>"$out/log"); then
    skip "$1" "no $3" "$out/$2"
  else
    # shellcheck disable=SC2086 # flags are words
    build "$1" "$2" peer.c $CC -std=c11 -D_GNU_SOURCE -O2 "-D$4" -o "$out/$2" "$here/peer.c" $flags
  fi
}

if there musl-gcc; then
  build musl peer-musl peer.c musl-gcc -std=c11 -D_GNU_SOURCE -O2 -static -o "$out/peer-musl" "$here/peer.c"
else
  skip musl "no musl-gcc" "$out/peer-musl"
fi
with_library libuv peer-libuv libuv PEER_UV
with_library GLib peer-glib glib-2.0 PEER_GLIB
if there "$GO"; then
  build Go peer-go peer.go env GO111MODULE=off CGO_ENABLED=0 "$GO" build -o "$out/peer-go" "$here/peer.go"
else
  skip Go "no $GO" "$out/peer-go"
fi
if there "$RUSTC"; then
  RUSTC_VERSION=$("$RUSTC" --version | cut -d ' ' -f 1,2) build 'Rust std' peer-rust peer.rs \
    "$RUSTC" --edition 2021 -O -o "$out/peer-rust" "$here/peer.rs"
else
  skip 'Rust std' "no $RUSTC" "$out/peer-rust"
fi
if [ -x /usr/bin/python3 ]; then
  build Python peer-python peer.py install -m 755 "$here/peer.py" "$out/peer-python"
else
  skip Python "no /usr/bin/python3" "$out/peer-python"
fi
