# SPDX-License-Identifier: BSD-3-Clause
"""Which lines of src the tests execute, those of the child included: measured on the release library itself, by a probe
of the kernel (uprobe) at each address that its line table names. Nothing is compiled in, no process is traced and no
signal is involved; probes are hit in each process that has the library mapped, whatever memory it shares with whom.

    coverage.py LIBRARY UNIT_TESTS COMMAND OUT PROGRAM...

A line is covered if one of its addresses was executed. Needs root, Linux 6.6 on x86_64 (uprobes by the thousand with one
call, BPF_TRACE_UPROBE_MULTI) and binutils."""

import collections
import ctypes
import mmap
import os
import platform
import re
import signal
import struct
import subprocess
import sys
import time

# ---- the kernel's side: bpf(2), whose numbers the headers of an older distribution do not have ----

NR_BPF = {"x86_64": 321}
MAP_CREATE, PROG_LOAD, LINK_CREATE = 0, 5, 28
MAP_TYPE_ARRAY, F_MMAPABLE = 2, 1 << 10
PROG_TYPE_KPROBE, TRACE_UPROBE_MULTI = 2, 48
CALL_MAP_LOOKUP, CALL_ATTACH_COOKIE = 1, 174

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr, len(attr))
    fd = libc.syscall(NR_BPF[platform.machine()], command, buffer, len(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf: {os.strerror(ctypes.get_errno())}")
    return fd


def instruction(code, to=0, of=0, offset=0, value=0):
    return struct.pack("<BBhi", code, to | of << 4, offset, value)


class Probes:
    """A word for each probe, which the probe sets to 1. Its number is what its link calls the cookie."""

    def __init__(self, count):
        self.size = max(count, 1) * 8
        table = bpf(MAP_CREATE, struct.pack("<5I", MAP_TYPE_ARRAY, 4, 8, max(count, 1), F_MMAPABLE))
        self.words = mmap.mmap(table, -(-self.size // mmap.PAGESIZE) * mmap.PAGESIZE)
        code = b"".join((
            instruction(0x85, value=CALL_ATTACH_COOKIE),   # r0 = the cookie
            instruction(0x63, to=10, of=0, offset=-4),     # *(u32 *)(r10 - 4) = r0
            instruction(0xbf, to=2, of=10),                # r2 = r10
            instruction(0x07, to=2, value=-4),             # r2 -= 4
            instruction(0x18, to=1, of=1, value=table),    # r1 = the table
            instruction(0),
            instruction(0x85, value=CALL_MAP_LOOKUP),      # r0 = its word
            instruction(0x15, to=0, offset=2),             # none: skip two
            instruction(0xb7, to=1, value=1),              # r1 = 1
            instruction(0x7b, to=0, of=1),                 # *(u64 *)r0 = r1
            instruction(0xb7, to=0),                       # r0 = 0
            instruction(0x95)))                            # return
        code, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
        self.program = bpf(PROG_LOAD, struct.pack(
            "<2I2Q2IQ2I16s2I", PROG_TYPE_KPROBE, len(code) // 8, ctypes.addressof(code), ctypes.addressof(licence),
            0, 0, 0, 0, 0, b"coverage", 0, TRACE_UPROBE_MULTI))

    def arm(self, path, places):
        """Offset in the file -> number. They are gone when the descriptor that is returned is closed."""
        path = ctypes.create_string_buffer(os.path.realpath(path).encode())
        offsets, numbers = ((ctypes.c_uint64 * len(places))(*words) for words in (places.keys(), places.values()))
        return bpf(LINK_CREATE, struct.pack(
            "<4I4Q4I", self.program, 0, TRACE_UPROBE_MULTI, 0, ctypes.addressof(path), ctypes.addressof(offsets),
            0, ctypes.addressof(numbers), len(places), 0, 0, 0))

    def clear(self):
        self.words[:] = bytes(len(self.words))

    def hit(self):
        return {number for number, (word,) in enumerate(struct.iter_unpack("<Q", self.words[:self.size])) if word}


# ---- the line table ----

# The program of a stage has a copy of this section, in which the probes would be mere breakpoints.
CHILD = "fe_child"
# Never probed, but the instruction behind it: the kernel executes what is probed out of line, in one of 32 slots of the
# address space, and one that execs or ends meanwhile never gives its slot back (a warning in uprobe_free_utask,
# kernel/events/uprobes.c). In memory that is shared with its caller, that one would wait for a slot in vain, unkillably.
SYSCALL = b"\x0f\x05"


def output(*command, **given):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, **given).stdout


class Binary:
    """One whose lines are looked at: offset in the file -> (file, line), for each section."""

    def __init__(self, path):
        self.path = path
        self.places = {".text": {}, CHILD: {}}
        sections = {}
        for line in output("objdump", "-h", "-w", path).splitlines():
            words = line.split()
            if len(words) > 6 and words[1] in self.places:
                sections[words[1]] = [int(word, 16) for word in (words[3], words[2], words[5])]
        # Rows that begin a statement, by address; what the linker has thrown away is at addresses outside.
        table = output("objdump", "--dwarf=decodedline", path)
        row = re.compile(r"^\S*\.rs\s+[1-9]\d*\s+0x([0-9a-f]+)(?:\s+\d+)?\s+x$", re.MULTILINE)
        rows = sorted({int(address, 16) for address in row.findall(table)})
        # Which file that is objdump says with parts of its path only.
        lines = output("addr2line", "-e", path, input="".join(f"{address:x}\n" for address in rows)).splitlines()
        here = os.getcwd() + "/"
        with open(path, "rb") as file:
            code = file.read()
        behind = []
        for address, line in zip(rows, lines):
            file, _, number = line.split()[0].rpartition(":")
            file = os.path.normpath(file.removeprefix(here))
            if not file.startswith("src/") or not number.isdigit():
                continue
            for name, (start, size, offset) in sections.items():
                if not start <= address < start + size:
                    continue
                place, at = address - start + offset, (file, int(number))
                if code[place:place + len(SYSCALL)] == SYSCALL:
                    behind.append((self.places[name], place + len(SYSCALL), at))
                else:
                    self.places[name][place] = at
        for places, place, at in behind:
            places.setdefault(place, at)

    def lines(self):
        return {at for places in self.places.values() for at in places.values()}


# ---- the measurement ----


class Measurement:
    """Of the lines that have not been seen yet: what was, loses its probes, since some lines are run many million times,
    and a timer may be faster than a program that meets a probe on each line."""

    def __init__(self, *binaries):
        self.at = []
        self.numbers = {}
        for binary in binaries:
            for section, places in binary.places.items():
                self.numbers[binary, section] = {offset: len(self.at) + i for i, offset in enumerate(places)}
                self.at += places.values()
        self.probes = Probes(len(self.at))
        self.seen = set()
        self.links = {part: None for part in self.numbers}
        for part in self.links:
            self.arm(part)

    def arm(self, part):
        """The new ones first, so that nothing is missed between them."""
        binary, _ = part
        left = {offset: number for offset, number in self.numbers[part].items() if self.at[number] not in self.seen}
        link = self.probes.arm(binary.path, left) if left else None
        self.disarm(part)
        self.links[part] = link

    def disarm(self, part):
        if self.links[part] is not None:
            os.close(self.links[part])
        self.links[part] = None

    def lines(self):
        return {self.at[number] for number in self.probes.hit()}

    def renew(self):
        if new := self.lines() - self.seen:
            self.seen |= new
            for part, link in self.links.items():
                if link is not None:
                    self.arm(part)


def run(command, log, meanwhile=lambda: None):
    """Its status. What a program that hangs has started is of its group."""
    log.write(f"==== {' '.join(command)}\n")
    log.flush()
    end = time.monotonic() + 300
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True) as program:
        while time.monotonic() < end:
            try:
                return program.wait(timeout=1)
            except subprocess.TimeoutExpired:
                meanwhile()
        os.killpg(program.pid, signal.SIGKILL)
        return "none, time is up"


def has_stages(program):
    """Whether a program starts stages. If this misses one, its stages die of SIGTRAP, and its cases fail."""
    with open(f"c-tests/{os.path.basename(program)}.c", encoding="utf-8") as source:
        return re.search("STAGED|need_stage", source.read()) is not None


def prove(measurement, command, log):
    """That probes are hit in the child of each way, and only where something is executed."""
    good = True
    def lines_of(*arguments):
        nonlocal good
        measurement.probes.clear()
        good &= run([command, *arguments], log) == 0
        found = measurement.lines()
        return found, sorted(line for file, line in found if file.startswith("src/child"))
    found, child = lines_of("--version")
    print(f"# proof: a program that spawns nothing: {len(found)} lines, {len(child)} of the child")
    good &= not child and len(found) < 20
    for way in ("shared", "copy", "piped", "concurrent"):
        found, child = lines_of("--way", way, "--close-others", "--", "true")
        print(f"# proof: a spawn in the {way} way: {len(found)} lines, {len(child)} of the child")
        good &= len(child) > 30
    measurement.probes.clear()
    return good


def report(lines, covered, out):
    files = collections.defaultdict(list)
    for file, line in sorted(lines):
        files[file].append(line)
    with open(f"{out}/uncovered.txt", "w", encoding="utf-8") as uncovered:
        for file, numbers in files.items():
            missed = [line for line in numbers if (file, line) not in covered]
            print(f"{file:34} {len(numbers) - len(missed):5} / {len(numbers):5}")
            if missed:
                with open(file, encoding="utf-8") as source:
                    text = source.read().splitlines()
                uncovered.writelines(f"{file}:{line}: {text[line - 1].strip()}\n" for line in missed)
    hit = len(lines & covered)
    print(f"{'all':34} {hit:5} / {len(lines):5}  {100 * hit / len(lines):.1f} %")


def main():
    library, unit_tests, command, out, *programs = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    began = time.monotonic()
    library, unit_tests = Binary(library), Binary(unit_tests)
    lines = library.lines()
    measurement = Measurement(library, unit_tests)
    print(f"# {len(lines)} lines, {len(measurement.at)} probes, {time.monotonic() - began:.1f} s to arm them", flush=True)
    failed = 0
    with open(f"{out}/log", "w", encoding="utf-8") as log:
        if not prove(measurement, command, log):
            print("# the proof fails: nothing here can be relied on")
            failed += 1
        # Those with stages last, since before them the probes in the child's section have to go.
        for program in [unit_tests.path, *sorted(programs, key=has_stages)]:
            if program != unit_tests.path and has_stages(program):
                measurement.disarm((library, CHILD))
            before, start = len(lines & measurement.seen), time.monotonic()
            status = run([program], log, measurement.renew)
            measurement.renew()
            failed += status != 0
            print(f"# {os.path.basename(program)}: {len(lines & measurement.seen) - before} more lines, "
                  f"{time.monotonic() - start:.1f} s{'' if status == 0 else f', FAILED with status {status}'}", flush=True)
    report(lines, measurement.seen, out)
    print(f"# {time.monotonic() - began:.0f} s; {failed} failed under probes: see {out}/log")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
