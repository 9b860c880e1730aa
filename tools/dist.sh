#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# dist.sh NAME BUILD [vendored]: makes BUILD/NAME.tar.gz of the tree: of what git tracks or, where the tree is itself from such
# a tarball, of all that is no product. The same bytes wherever and whenever: the time is SOURCE_DATE_EPOCH, else that of the
# last commit, else that of the tree's Cargo.toml. "vendored" adds the crates, and a configuration that has cargo take them from there
# and ask no network.
set -eu
name=$1 build=$2 vendored=${3:-}
umask 022
export LC_ALL=C
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/$name"

if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
  git ls-files >"$stage/files"
  : "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
else
  find . \( -name .git -o -path ./build -o -path ./target -o -path ./vendor -o -path ./.cargo -o -path './*/target' \
    -o -path './tools/header/target' \) -prune -o ! -type d -print | sed 's|^\./||' >"$stage/files"
  : "${SOURCE_DATE_EPOCH:=$(stat -c %Y Cargo.toml)}"
fi
tar -c -f - -T "$stage/files" | tar -x -f - -C "$stage/$name"

if [ -n "$vendored" ]; then
  mkdir "$stage/$name/.cargo"
  (
    cd "$stage/$name"
    ${CARGO:-cargo} vendor --locked --versioned-dirs vendor >.cargo/config.toml 2>"$stage/log" || { cat "$stage/log" >&2 && exit 1; }
    printf '\n[net]\noffline = true\n' >>.cargo/config.toml
  )
fi
tar -c --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  --mode='u+rw,go+r,go-w,a+X' -f - -C "$stage" "$name" | gzip -9n >"$build/$name${vendored:+-vendored}.tar.gz.new"
mv "$build/$name${vendored:+-vendored}.tar.gz.new" "$build/$name${vendored:+-vendored}.tar.gz"
