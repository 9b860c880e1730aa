#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The completions as they are installed, asked by keys that are typed at the prompts of bash, zsh and fish; and that they know the
# options and names that the command knows.
# shellcheck source=c-tests/tap.sh
. "$(dirname "$0")/../../c-tests/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list=tools/option_list.h
ours=packaging/completions/forkexec

# ---- names ----

words() { tr -s ' \n' '\n' | sed '/^$/d' | LC_ALL=C sort; }
# The value of a variable in the completion of a shell.
of_bash() { bash -c '. "$1"; echo "${!2}"' - $ours.bash "_forkexec_$1" 2>"$work/complete" | words; }
lines() { awk -v from="$1" -v to="$2" '$0 ~ from {on = 1} on {print} on && $0 ~ to {exit}' "$3"; }
of_zsh() { lines "^$1=[(]" '[)]$' $ours.zsh | sed "s/^$1=(//; s/)//" | words; }
of_fish() { lines "^set -[gl] (__forkexec_)?$1 " '[^\\\\]$' $ours.fish | sed 's/^set -[gl] [a-z_]* //; s/[\\{}=]//g' | tr , ' ' | words; }

takes() { sed -n "s/^  O([A-Z0-9_]*, \"\\([a-z0-9-]*\\)\", $1).*/\\1/p" $list; }
required=$(takes required_argument | words)
optional=$(takes optional_argument | words)
without=$({ takes no_argument; echo env-clear; } | words)
ok "there are options" '[ $(wc -l <<<"$required") -gt 50 ] && [ $(wc -l <<<"$optional") = 6 ] && [ $(wc -l <<<"$without") -gt 20 ]'
is "bash: options with a value" "$(of_bash with_value)" "$required"
is "bash: that may have one" "$(of_bash may_have_value)" "$optional"
is "bash: that have none" "$(of_bash without_value)" "$without"
zsh_options() { grep -oE -- "--[a-z0-9-]+$1\\[|\\{-i,--env-clear\\}" $ours.zsh | grep -E -- "$2" | sed 's/^--//; s/=*-*\[$//; s/{-i,--//; s/}//' | words; }
is "zsh: options with a value" "$(zsh_options '=' '=\[')" "$required"
is "zsh: that may have one" "$(zsh_options '=-' '=-\[')" "$optional"
is "zsh: that have none" "$(zsh_options '' '\[|\}')" "$without"
is "fish: options" "$(sed -n 's/^complete -c forkexec.* -l \([a-z0-9-]*\) .*/\1/p' $ours.fish | words)" \
  "$(printf '%s\n' "$required" "$optional" "$without" | words)"
is "fish: with a value" "$(of_fish with_value | sed 's/^--//')" "$required"
is "fish: and no others take one" "$(grep -E '^complete.* -l [a-z0-9-]+ -(r|x)' $ours.fish | sed 's/.* -l \([a-z0-9-]*\) .*/\1/' | words)" "$required"

# The names of the command's own tables, in lower case.
table() { sed -n "/$2/,/^};/p" "tools/$1.c" | grep -oE "$3" | sed -E 's/^[A-Z]\(|[")({]//g' | words; }
signals=$({ table names 'struct name signals' 'S\([A-Z0-9]+\)'; echo RTMIN; } | grep -v '^name$' | words)
capabilities=$(table privileges 'capability_names\[\]' 'C\([A-Z_]+\)' | tr '[:upper:]' '[:lower:]' | words)
securebits=$(table privileges 'securebit_names\[\]' 'S\([A-Z_]+\)' | tr '[:upper:]' '[:lower:]' | words)
spaces=$(table readers 'spaces\[\]' '\{"[a-z]+"')
limits=$(table limits 'resources\[\]' 'L\("[a-z]+"')
ok "there are names" '[ $(wc -l <<<"$signals") = 33 ] && [ $(wc -l <<<"$capabilities") = 41 ] && [ $(wc -l <<<"$securebits") = 8 ] &&
  [ $(wc -l <<<"$spaces") = 8 ] && [ $(wc -l <<<"$limits") = 16 ]'
for kind in signals capabilities securebits spaces limits; do
  is "bash: $kind" "$(of_bash $kind)" "${!kind}"
  is "zsh: $kind" "$(of_zsh ${kind/signals/sigs})" "${!kind}"
  is "fish: $kind" "$(of_fish $kind)" "${!kind}"
done
groups=$("$FORKEXEC" --help=all | sed -n 's/^\([A-Z][a-z]*\) .*/\1/p' | tr '[:upper:]' '[:lower:]' | grep -vxE 'usage:|exit' | tr '\n' ' ')
ok "groups of help" 'for file in $ours.*; do grep -qF "all ${groups% }" $file || { echo "$file: ${groups% }"; false; } || break; done'

# ---- keys ----

ok "they are installed" 'make -s --no-print-directory B="$BUILD" DESTDIR="$work" prefix=/usr install'
if need python3 "bash" "zsh" "fish"; then
  for shell in bash zsh fish; do
    need $shell "$shell: keys" || continue
    if [ $shell = bash ] && [ ! -e /usr/share/bash-completion/bash_completion ]; then
      skip "bash: keys" "needs bash-completion"
      continue
    fi
    timeout 200 python3 "$here/completion.py" $shell "$work/usr/share" >"$work/said" 2>&1
    is "$shell: all was typed" "$(wc -l <"$work/said")" "$(grep -c '^    ("' "$here/completion.py")"
    while read -r _ good name; do
      [ "$good" = ok ]
      result $? "$shell: $name"
    done <"$work/said"
  done
fi
plan
