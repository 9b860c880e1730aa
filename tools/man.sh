#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# man.sh DIRECTORY: the pages of man/ there, and for each further name of a NAME section one that leads to its page. man.sh list: the
# files' names. The date in the pages is SOURCE_DATE_EPOCH, else that of the last commit or, without git, of the changelog: the
# same tree gives the same bytes.
set -eu
cd "$(dirname "$0")/.."

# PAGE NAME, a line for each name.
names() {
  for source in man/*.scd; do
    page=$(basename "$source" .scd)
    sed -n '/^# NAME$/,/^# SYNOPSIS$/ {/ - / {s/ - .*//; s/\\//g; p;}}' "$source" | tr -d ' ' | tr ',' '\n' |
      while read -r name; do echo "$page $name.${page##*.}"; done
  done
}

if [ "$1" = list ]; then
  names | cut -d' ' -f2
  exit
fi

if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  [ ! -e .git ] || SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>&1) || SOURCE_DATE_EPOCH=
  [ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH
# The month's name is the locale's otherwise, and the day the time zone's.
export LC_ALL=C TZ=UTC

to=$1
rm -rf "$to"
mkdir -p "$to"
all=$(names)
echo "$all" | while read -r page name; do
  if [ "$page" = "$name" ]; then
    "${SCDOC:-scdoc}" <"man/$page.scd" >"$to/$page"
  else
    echo ".so man${page##*.}/$page" >"$to/$name"
  fi
done
# Last: with it they are all there.
echo "$all" >"$to/.names"
