#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines come in non-decreasing time, whatever ends and is found in between.

    test_order.py BUILD

Over generated traffic with hundreds of sessions open at once, attacked and sound ones; the lines of
one flow also in the order of its life: its alerts before the session.
"""
import json
import subprocess
import sys

from run import Tally

MODES = (("smtp", "12000000"), ("plain", "8000000"), ("trickle", "4000000"))


def lines_of(build, mode, size):
    source = subprocess.Popen([build + "/tests/trafficgen", "-m", mode, "-b", size],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    done = subprocess.run([build + "/stripwatch", "read", "--json", "-"], stdin=source.stdout,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    source.wait()
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(build):
    tally = Tally()
    for mode, size in MODES:
        lines = lines_of(build, mode, size)
        times = [line["timestamp"] for line in lines]
        early = [i for i in range(1, len(times)) if times[i] < times[i - 1]]
        tally.check(not early, mode, "%d of %d lines are earlier than the one before, the first is %d" % (
            len(early), len(times), early[0] if early else 0))
        closed, alerts = set(), 0
        for line in lines:
            if line["event_type"] == "alert":
                alerts += 1
                if line.get("starttls", {}).get("incident", {}).get("state") == "closed":
                    continue  # it has the place of its newest evidence, long after that session
                tally.check(line["flow_id"] not in closed, mode, "an alert after its session")
            elif line["event_type"] == "smtp":
                closed.add(line["flow_id"])
        tally.check(len(closed) > 30, mode, "only %d sessions" % len(closed))
        tally.check(mode == "trickle" or alerts > 30, mode, "only %d alerts" % alerts)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
