#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/siem.md word for word: each walk from nothing to an alert, in a network namespace, and what
stands there as its outcome.

    test_siem.py BUILD
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import run
import test_watch
from test_watch import NETNS, shell

TOP = run.TESTS.parent
RECEIVERS = {"rsyslog": "rsyslogd", "Redis": "redis-server", "Elasticsearch, OpenSearch": "python3",
             "Splunk": "python3"}
tally = run.Tally()


def blocks(text):
    """(language, text) of each."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def part(text, heading, level):
    match = re.search(r"^%s %s\n(.*?)(?=^#{1,%d} |\Z)" % ("#" * level, re.escape(heading), level), text,
                      re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def walk(build, root, name, text):
    found = blocks(text)
    tally.equal(name, "blocks", [language for language, _ in found], ["sh", "text"])
    place = root / re.sub(r"\W", "", name)
    place.mkdir()
    shutil.copy(run.PCAPS / "lab-garble-x8" / "input.pcap", place / "capture.pcap")
    shutil.copy(TOP / "contrib" / "receiver" / "receive.py", place)
    script = place / "walk.sh"
    script.write_text("set -m\n" + found[0][1])
    environment = dict(os.environ, PATH="%s:%s" % (build, os.environ["PATH"]))
    done = subprocess.run(test_watch.inside("timeout", "60", "bash", script), cwd=place, text=True,
                          capture_output=True, env=environment)
    said = [line for line in done.stdout.splitlines() if not line.startswith(
        ("Actual: ", "Rated: ", "Statistics for", "Flows: ", "\t", "["))]
    tally.equal(name, "outcome (%s)" % done.stderr[-300:], said, found[1][1].splitlines())


def main():
    build = Path(sys.argv[1]).resolve()
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    five = part((TOP / "docs" / "siem.md").read_text(encoding="utf-8"), "Five minutes each", 2)
    tally.equal("siem.md", "walks", re.findall(r"^### (.*)$", five, re.MULTILINE), list(RECEIVERS))
    if shell("ip", "netns", "add", NETNS).returncode:
        tally.skip("no network namespace can be made here", 2 * len(RECEIVERS))
        return tally.finish()
    root = Path(tempfile.mkdtemp(prefix="stripwatch-siem-"))
    try:
        shell(*test_watch.inside("sh", "-c", "ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1"))
        wire = blocks(five)[0][1]
        tally.equal("wire", "exit code", shell(*test_watch.inside("sh", "-ec", wire)).returncode, 0)
        for name, program in RECEIVERS.items():
            if shutil.which(program):
                walk(build, root, name, part(five, name, 3))
            else:
                tally.skip("%s is not installed" % program, 2)
    finally:
        for pid in shell("ip", "netns", "pids", NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        shell("ip", "netns", "del", NETNS)
        shutil.rmtree(root, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
