#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The shared library as a file: what it exports and needs, and that the child's code stays by itself.
. "$(dirname "$0")/tap.sh"

so=$BUILD/libforkexec.so.0
symbols=$(nm -D --defined-only --with-symbol-versions "$so" | awk '$2 != "A" {print $3}' | sort)
wanted='fe_child_close@@FORKEXEC_0.1
fe_communicate@@FORKEXEC_0.1
fe_error_message@@FORKEXEC_0.1
fe_explain@@FORKEXEC_0.1
fe_features@@FORKEXEC_0.1
fe_kill@@FORKEXEC_0.1
fe_kill_group@@FORKEXEC_0.1
fe_kill_tree@@FORKEXEC_0.1
fe_result_free@@FORKEXEC_0.1
fe_resume@@FORKEXEC_0.1
fe_run@@FORKEXEC_0.1
fe_spawn@@FORKEXEC_0.1
fe_spawn_finish@@FORKEXEC_0.1
fe_spawn_many@@FORKEXEC_0.1
fe_step_name@@FORKEXEC_0.1
fe_stop@@FORKEXEC_0.1
fe_version@@FORKEXEC_0.1
fe_wait@@FORKEXEC_0.1
fe_wait_any@@FORKEXEC_0.1
fe_wait_usage@@FORKEXEC_0.1'
is "exported symbols and their versions" "$symbols" "$wanted"

dynamic=$(readelf -dW "$so")
is "SONAME" "$(sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p' <<<"$dynamic")" libforkexec.so.0
is "it needs libc alone" "$(sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' <<<"$dynamic")" libc.so.6
ok "no text relocation" "! grep -q TEXTREL <<<\"\$dynamic\""
ok "bound at load, never unloaded" "grep -q 'NOW NODELETE' <<<\"\$dynamic\""
# Each is work for the loader in every program, and a page that is no longer shared: what is wanted of libc, and few more.
relocations=$(readelf -rW "$so" | grep -c ' R_[A-Z0-9]*_')
note "$relocations relocations"
ok "at most 32 relocations at load" "[ $relocations -gt 0 ] && [ $relocations -le 32 ]"
segments=$(readelf -lW "$so")
ok "no executable stack" "grep -q 'GNU_STACK.* RW ' <<<\"\$segments\""
ok "relocations are read-only" "grep -q GNU_RELRO <<<\"\$segments\""
ok "nothing is writable and executable" "! grep -q 'LOAD.* RWE ' <<<\"\$segments\""

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
"${STRIP:-strip}" -o "$stripped" "$so"
size=$(stat -c %s "$stripped")
note "stripped: $size bytes"
# On aarch64 the linker pads the file to pages of 64 KiB: there the contents count.
[ "$(uname -m)" = x86_64 ] && [ -z "${FE_TEST_RUN:-}" ] || size=$(size "$stripped" | awk 'NR == 2 {print $4}')
# The core alone was 64 KiB; the asynchronous spawn is 16 of it, the staged way 12, redirections and fe_communicate 20,
# the wait for any, trees and fe_stop 16, terminals and namespaces 8, limits and scheduling 8, privileges and the
# sandbox 8, fe_explain 10.
ok "stripped it is under 168 KiB" "[ $size -lt 172032 ]"

# Of every jump or call in the section fe_child the target is in the section, and none is through a register
# or memory. The disassembler prints the target as an address.
child=$("$OBJDUMP" -d -j fe_child --no-show-raw-insn "$so")
read -r start length < <(readelf -SW "$so" | sed -n 's/.*\] fe_child *PROGBITS *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\).*/\1 \2/p')
ok "the section fe_child is there" "[ -n \"\$length\" ] && [ \$((16#\$length)) -gt 500 ]"
machine=$(readelf -hW "$so" | sed -n 's/ *Machine: *//p')
case $machine in
  *AArch64*) branch='b|bl|b\.[a-z]+|cbn?z|tbn?z|br|blr|ret|retaa|braa?|blraa?' indirect='br|blr|ret|retaa|braa?|blraa?' ;;
  *) branch='j[a-z]+|callq?|retq?|loop[a-z]*' indirect='retq?' ;;
esac
branches=$(awk -F'\t' -v b="^($branch)\$" '{split($2, w, " +"); if (w[1] ~ b) print $2, $3}' <<<"$child")
count=$(grep -c . <<<"$branches")
note "fe_child: $((16#$length)) bytes, $count jumps and calls"
ok "its jumps and calls were found" "[ $count -gt 20 ]"
outside=$(awk -v b="$((16#$start))" -v e="$((16#$start + 16#$length))" -v i="^($indirect)\$" '
  function hex(s,  v, k) { v = 0; s = tolower(s)
    for (k = 1; k <= length(s); k++) v = v * 16 + index("0123456789abcdef", substr(s, k, 1)) - 1
    return v }
  # The last bare number is the address (tbz has registers and a bit before it).
  { target = ""; for (k = 2; k <= NF; k++) if ($k ~ /^[0-9a-f]+$/) target = $k
    if ($1 ~ i || $0 ~ /\*/ || target == "" || hex(target) < b || hex(target) >= e) print }' <<<"$branches")
is "none leaves the section, none is indirect" "$outside" ""

# Nor does its code refer to data outside of it: a stage has no other section.
case $machine in
  *AArch64*) refers='	(adrp|adr|ldr	[wxqd][0-9]+, [0-9a-f]+)' ;;
  *) refers='\(%rip\)' ;;
esac
is "none refers to data" "$(grep -vE '	(call|jmp)' <<<"$child" | grep -E "$refers")" ""

# The static library: nothing but the public symbols, so that it goes with any other Rust library; and what it wants
# is libc's, or the linker's.
is "the static library defines the public symbols alone" \
  "$(nm -g --defined-only "$BUILD/libforkexec.a" | awk 'NF == 3 {print $3}' | sort)" "${symbols//@@FORKEXEC_0.1/}"
libc=' __errno_location __start_fe_child __stop_fe_child __xpg_strerror_r bcmp clock_gettime environ free getenv malloc memcpy memmove memset realloc secure_getenv strlen '
is "and wants libc's" "$(nm -u "$BUILD/libforkexec.a" | awk -v l="$libc" '$1 == "U" && !index(l, " " $2 " ") {print $2}')" ""
# The handler of panics calls abort(3), and nothing else does. With overflow checks on, the compiler has shown of each
# index, sum and allocation that it cannot end there; LTO has then dropped the handler.
is "nothing in it can panic" "$(nm "$BUILD/libforkexec.a" |
  grep -E ' abort$|rust_begin_unwind|panicking|alloc_error|handle_error|capacity_overflow')" ""
# shellcheck disable=SC2016
ok "the static library links alone" 'printf "#include <forkexec.h>\nint main(void) { return fe_version()[0] == 0; }\n" |
  $CC -x c -Iinclude -o "$stripped" - -x none "$BUILD/libforkexec.a" ${LDFLAGS:-} && ${FE_TEST_RUN:-} "$stripped"'
plan
