#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A peer of the benchmark in Python. See others.c for what it is asked."""

import subprocess
import sys
import time


def spawn(program):
    try:
        return subprocess.Popen([program]).wait() == 0
    except OSError:
        return False


print(f"Python {sys.version.split()[0]}, subprocess.Popen", flush=True)
for line in iter(sys.stdin.readline, ""):
    count, program = line.split()
    begun = time.monotonic_ns()
    failures = sum(not spawn(program) for _ in range(int(count)))
    print(time.monotonic_ns() - begun, failures, flush=True)
