#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a backlog costs: how fast it goes to a Redis that is back, and what memory a receiver takes
that stays away.

    feed.py BUILD [--alerts N]     N alerts while the receiver is away (10,000,000)
"""
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from test_spool import Drive  # noqa: E402
from test_store import Server  # noqa: E402

MIB = 1 << 20
BODY = 3000     # bytes of an alert with its evidence
BACKLOG = 50000
STEP = 2000     # alerts in a commit: they wait in 8 MiB of memory until then
ROUNDS = 5


def resident(pid):
    for line in Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def drained(build, folder):
    """Alerts a second of a backlog, to a Redis on a socket that was away."""
    folder.mkdir()
    server = Server(folder)
    server.kill()
    drive = Drive(build, folder / "spool", 16 * MIB, 1024 * MIB, 8 * MIB)
    drive("redis", "r", "rpush", "alerts", 0, server.url())
    for first in range(1, BACKLOG, STEP):
        drive("append", first, STEP, 3, BODY)
        drive("commit")
    drive("turn", 300)
    server.start()
    began = time.monotonic()
    said = drive("drain", 120000)
    seconds = time.monotonic() - began
    drive.close()
    kept = server.ask("LLEN", "alerts")
    server.stop()
    if said != "drained" or b":%d" % BACKLOG not in kept:
        raise SystemExit("the backlog did not arrive: %s, %r" % (said, kept))
    return BACKLOG / seconds


def away(build, folder, alerts):
    """Resident memory while a receiver is away, at powers of ten."""
    folder.mkdir()
    drive = Drive(build, folder / "spool", 16 * MIB, 1024 * MIB, 8 * MIB)
    drive("redis", "r", "rpush", "alerts", 0, "redis+unix://%s" % (folder / "nobody.sock"))
    told = {}
    mark = 1000
    for first in range(1, alerts + 1, STEP):
        drive("append", first, STEP, 3, 200)
        drive("turn", 1)
        if first + STEP > mark:
            told[first + STEP - 1] = resident(drive.process.pid)
            mark *= 10
    told[alerts] = resident(drive.process.pid)
    drive.kill()
    return told


def main():
    build = Path(sys.argv[1]).resolve()
    alerts = int(sys.argv[sys.argv.index("--alerts") + 1]) if "--alerts" in sys.argv else 10000000
    with tempfile.TemporaryDirectory(prefix="feed-", dir=os.environ.get("TMPDIR", "/tmp")) as root:
        root = Path(root)
        rates = [drained(build, root / ("drain%d" % i)) for i in range(ROUNDS)]
        print("backlog of %d alerts of %d bytes to Redis: %.0f a second (%.0f..%.0f)"
              % (BACKLOG, BODY, statistics.median(rates), min(rates), max(rates)))
        for count, mib in away(build, root / "away", alerts).items():
            print("receiver away for %8d alerts: %.1f MiB resident" % (count, mib))
    return 0


if __name__ == "__main__":
    sys.exit(main())
