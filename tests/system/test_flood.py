#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods of each kind, small enough for every run: memory bounded, 100 of 100 attacks found.

    test_flood.py BUILD

The floods of ten million connections are in script/assure (tests/bench/flood.py).
"""
import subprocess
import sys
from pathlib import Path

FLOOD = Path(__file__).parents[1] / "bench" / "flood.py"
KINDS = ("synflood", "half-open", "hole", "ehlo", "fragments")


def main(build):
    failed = 0
    for kind in KINDS:
        run = subprocess.run([sys.executable, FLOOD, "--stripwatch", build + "/stripwatch",
                              "--trafficgen", build + "/tests/trafficgen", "--flows", "200000",
                              "--kinds", kind], capture_output=True, text=True)
        print(run.stdout, end="")
        if run.returncode:
            failed += 1
            print("FAIL flood of %s: %s" % (kind, run.stderr[-300:]))
    print("%d passed, %d failed" % (len(KINDS) - failed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
