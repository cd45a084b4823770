#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does it grow? Mail traffic without end through a pipe, for as long as asked.

    endurance.py --stripwatch BIN --trafficgen BIN [--seconds N]

Resident memory and open files are looked at every second. In the first half tables fill as servers are
seen that were not seen before; from then on memory must not grow by more than 1 %, and files not at all.
"""
import argparse
import os
import subprocess
import sys
import time

TERABYTES = "100000000000000"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stripwatch", required=True)
    parser.add_argument("--trafficgen", required=True)
    parser.add_argument("--seconds", type=int, default=1200)
    args = parser.parse_args()
    source = subprocess.Popen([args.trafficgen, "-m", "smtp", "-b", TERABYTES], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    child = subprocess.Popen([args.stripwatch, "read", "--json", "-"], stdin=source.stdout,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    source.stdout.close()
    memory, files = [], []
    page = os.sysconf("SC_PAGESIZE")
    for _ in range(args.seconds):
        time.sleep(1)
        if child.poll() is not None:
            break
        with open("/proc/%d/statm" % child.pid) as statm:
            memory.append(int(statm.read().split()[1]) * page)
        files.append(len(os.listdir("/proc/%d/fd" % child.pid)))
    with open("/proc/%d/io" % child.pid) as io:
        read = int(io.readline().split()[1])
    source.kill()
    source.wait()
    _, errors = child.communicate()
    tenth = max(1, len(memory) // 10)
    half = len(memory) // 2
    early, late = max(memory[half:half + tenth]), max(memory[-tenth:])
    good = (len(memory) == args.seconds and late <= 1.01 * early and
            len(set(files[tenth:])) == 1 and child.returncode in (1, 3))  # alerts; cut off in the middle
    print("most in each tenth, MiB:", *("%.1f" % (max(memory[i * tenth:(i + 1) * tenth]) / 2**20)
                                         for i in range(len(memory) // tenth)))
    print("%d s, %.0f GB: %.1f MiB at half time, %.1f MiB at the end (%+.2f %%), %d files, exit %d%s" % (
        len(memory), read / 1e9, early / 2**20, late / 2**20, 100 * (late / early - 1), files[-1],
        child.returncode, "" if good else "  FAILED " + errors.decode()[-200:]))
    return not good


if __name__ == "__main__":
    sys.exit(main())
