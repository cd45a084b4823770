#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods of hostile connections, streamed: memory stays bounded and every attack among them is found.

    flood.py --stripwatch BIN --trafficgen BIN [--flows N] [--kinds a,b] [--limit MIB] [OPTION...]

Each flood has 100 garbled sessions of at most 5 s spread through it (tests/bench/trafficgen.c). OPTIONs
go to `stripwatch read`. Exit 1 when a session is missed, anything else has a
finding, or memory goes beyond the limit.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = ("synflood", "half-open", "hole", "ehlo", "fragments")


def truth_of(path):
    """(client, port) -> (rule, severity), of the sessions that have a finding."""
    wanted = {}
    for line in path.read_text().splitlines():
        _, client, port, _, _, _, rule, severity = line.split("\t")
        if rule != "-":
            wanted[client, int(port)] = rule, severity
    return wanted


def findings_of(stream):
    """(client, port) -> (rule, severity) of each session with a finding, and the last statistics."""
    found, stats = {}, {}
    for raw in stream:
        if b'"findings":[{' not in raw and b'"event_type":"stats"' not in raw[:200]:
            continue
        line = json.loads(raw)
        if line["event_type"] == "stats":
            stats = line["stats"]
        elif line["event_type"] == "smtp":
            first = line["starttls"]["findings"][0]
            if first["severity"] != "info":
                found[line["src_ip"], line["src_port"]] = first["rule"], first["severity"]
    return found, stats


LEVELS = ["low", "medium", "high", "critical"]


def tells(found, what):
    """The rule that is wanted, as heavy as the bytes alone make it or heavier: by then the flood has
    taught what its servers offer."""
    return bool(found) and found[0] == what[0] and LEVELS.index(found[1]) >= LEVELS.index(what[1])


def flood(args, kind, folder):
    truth = folder / (kind + ".tsv")
    source = subprocess.Popen([args.trafficgen, "-m", kind, "-n", str(args.flows), "-t", truth],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = subprocess.Popen([args.stripwatch, "read", "--json", *args.option, "-"],
                             stdin=source.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    source.stdout.close()
    found, stats = findings_of(child.stdout)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    source.wait()
    wanted = truth_of(truth)
    hit = sum(tells(found.get(who), what) for who, what in wanted.items())
    extra = [who for who in found if who not in wanted]
    memory = usage.ru_maxrss / 1024
    good = hit == len(wanted) and not extra and memory <= args.limit and child.returncode in (0, 1)
    print("%-10s %9d flows  %3d of %3d found, %d others  %.0f MiB  %.1f s CPU  exit %d%s" % (
        kind, args.flows, hit, len(wanted), len(extra), memory, usage.ru_utime + usage.ru_stime,
        child.returncode, "" if good else "  FAILED"), flush=True)
    if args.verbose:
        print(json.dumps(stats.get("stripwatch", {}), indent=1))
        for who, what in wanted.items():
            if not tells(found.get(who), what):
                print("   ", who, found.get(who), "wanted", what)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stripwatch", required=True)
    parser.add_argument("--trafficgen", required=True)
    parser.add_argument("--flows", type=int, default=1000000)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--limit", type=float, default=256, help="MiB")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("option", nargs="*")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        good = [flood(args, kind, Path(folder)) for kind in args.kinds.split(",")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
