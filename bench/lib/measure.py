# SPDX-License-Identifier: MIT
"""What the benchmarks share: medians, tables, a server of their own on 127.0.0.1."""
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))


def median_of(times, measure):
    """Calls measure() `times` times; returns the median and the spread as (low, high)."""
    values = [measure() for _ in range(times)]
    return statistics.median(values), (min(values), max(values))


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def resident_bytes(pid):
    """VmRSS of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Table:
    """Rows of figure, value, target, verdict; printed as they come and kept for the exit code."""

    def __init__(self, title):
        self.missed = 0
        print(f"\n## {title}\n\n| figure | measured | target | |\n|---|---|---|---|", flush=True)

    def row(self, figure, measured, target="", met=None):
        mark = "" if met is None else ("met" if met else "MISSED")
        self.missed += met is False
        print(f"| {figure} | {measured} | {target} | {mark} |", flush=True)


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8")
                  if l.startswith("model name")), "?")
    return f"{os.cpu_count()} cores, {model}, Linux {os.uname().release}"
