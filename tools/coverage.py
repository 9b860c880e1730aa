# SPDX-License-Identifier: BSD-3-Clause
"""Which lines of src the tests execute: measured on the release library itself, by probes of the kernel (uprobes) at
each address that its line table names. They work in each process that has the library mapped, whatever it shares with
whom, so in the child too, in each way; nothing is compiled in, no process is traced, and no signal is involved.

    coverage.py LIBRARY RUST_TEST OUT PROGRAM...

A line is covered when one of its addresses has been executed; then its probes go, so each program meets only those that
are left. Needs root, tracefs with uprobe_events and binutils."""

import collections
import os
import re
import subprocess
import sys
import time

TRACING = "/sys/kernel/tracing"
GROUP = "forkexec_coverage"
# The copy of the child's section that is the program of a stage would have the probes in it, as mere breakpoints.
CHILD = "fe_child"


def sections(binary):
    """Name -> address, size, offset in the file."""
    text = subprocess.run(["objdump", "-h", "-w", binary], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 6 and words[0].isdigit():
            found[words[1]] = tuple(int(word, 16) for word in (words[3], words[2], words[5]))
    return found


def line_table(binary):
    """(file, line) -> addresses."""
    text = subprocess.run(["objdump", "--dwarf=decodedline", binary], capture_output=True, text=True,
                          errors="replace").stdout
    lines = collections.defaultdict(set)
    file = None
    for line in text.splitlines():
        if line.endswith(":") and " " not in line:
            file = line[:-1].removeprefix("./")
        row = re.match(r"\S+\s+(\d+)\s+0x([0-9a-f]+)(?:\s+\d+)?\s+x$", line)
        if row and file and int(row[1]):
            lines[file, int(row[1])].add(int(row[2], 16))
    return lines


class Binary:
    """Whose lines are probed."""

    def __init__(self, path):
        self.path = os.path.realpath(path)
        self.sections = sections(path)
        self.lines = {at: addresses for at, addresses in line_table(path).items() if is_ours(at[0])}

    def offset(self, address):
        for start, size, offset in self.sections.values():
            if start <= address < start + size:
                return address - start + offset
        return None

    def is_child(self, address):
        start, size, _ = self.sections[CHILD]
        return start <= address < start + size


def is_ours(file):
    """Relative to the crate; some are named without their folder."""
    return os.path.exists(file) if "/" in file else os.path.exists("src/" + file)


def name_of(file):
    return file if "/" in file else "src/" + file


def write(file, text):
    with open(os.path.join(TRACING, file), "a") as events:
        events.write(text)


def disarm():
    try:
        write(f"events/{GROUP}/enable", "0")
        with open(f"{TRACING}/uprobe_events") as events:
            names = re.findall(rf"p:({GROUP}/\S+)", events.read())
        with open(f"{TRACING}/uprobe_events", "a", buffering=1) as events:
            for name in names:
                events.write(f"-:{name}\n")
    except FileNotFoundError:
        pass


def arm(binary, lines, child):
    """Probes of these lines: name -> line."""
    names = {}
    refused = 0
    with open(f"{TRACING}/uprobe_events", "a", buffering=1) as events:
        for number, at in enumerate(sorted(lines)):
            for address in sorted(binary.lines[at]):
                offset = binary.offset(address)
                if offset is None or not child and binary.is_child(address):
                    continue
                name = f"n{number}_{address:x}"
                try:
                    events.write(f"p:{GROUP}/{name} {binary.path}:0x{offset:x}\n")
                    names[name] = at
                except OSError:
                    refused += 1
    if names:
        write(f"events/{GROUP}/enable", "1")
    return names, refused


def hits(names):
    with open(f"{TRACING}/uprobe_profile") as profile:
        rows = [line.split() for line in profile]
    return {names[row[-2]] for row in rows if row[-2] in names and int(row[-1]) > 0}


def run(command, log):
    began = time.monotonic()
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=400).returncode
    except subprocess.TimeoutExpired:
        status = "time is up"
    return status, time.monotonic() - began


def by_ranges(numbers):
    ranges = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def stages(program):
    """Whether a program starts stages."""
    with open(f"c-tests/{os.path.basename(program)}.c") as source:
        text = source.read()
    return "STAGED" in text or "need_stage" in text


def main():
    library, rust_test, out, *programs = sys.argv[1:]
    main_binary, rust = Binary(library), Binary(rust_test)
    left = set(main_binary.lines)
    failed = 0
    with open(f"{out}/log", "w") as log:
        # The unit tests first: they are fast, and what they cover costs the others nothing.
        for what, binary in [("unit tests", rust)] + [(program, main_binary) for program in programs]:
            wanted = {at for at in left if at in binary.lines}
            command = [rust_test, "--test-threads=1"] if binary is rust else [what]
            disarm()
            names, refused = arm(binary, wanted, binary is rust or not stages(what))
            log.write(f"==== {what}\n")
            log.flush()
            status, took = run(command, log)
            found = hits(names)
            left -= found
            failed += status != 0
            print(f"# {os.path.basename(what)}: {len(found)} more lines, {len(names)} probes ({refused} refused), "
                  f"{took:.1f} s{'' if status == 0 else f', status {status}'}", flush=True)
    disarm()
    files = collections.defaultdict(lambda: [set(), set()])
    for at in main_binary.lines:
        files[name_of(at[0])][at in left].add(at[1])
    with open(f"{out}/uncovered", "w") as uncovered:
        for file, (covered, missed) in sorted(files.items()):
            missed -= covered
            print(f"{file:34} {len(covered):5} / {len(covered) + len(missed):5}")
            if missed:
                uncovered.write(f"{file}: {by_ranges(missed)}\n")
    covered = sum(len(pair[0]) for pair in files.values())
    missed = sum(len(pair[1]) for pair in files.values())
    print(f"{'all':34} {covered:5} / {covered + missed:5}  {100 * covered / (covered + missed):.1f} %")
    print(f"# {failed} programs failed under probes: see {out}/log")


if __name__ == "__main__":
    try:
        main()
    finally:
        disarm()
