#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `stripwatch read --json` against a bare pcap_loop, and its findings against the truth.

    bench.py --stripwatch BIN --trafficgen BIN --floor BIN [--rounds N] [--full] [--modes a,b]

CPU is user and system time of the whole process. Floor and program take turns on the same file,
and only ratios of one round are compared: the machine's other work then weighs on both.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import handshakes

HANDSHAKES = 10000
MEGABYTE = 1 << 20
SIZES = {  # mode: (option, size, size with --full)
    "smtp": ("-b", 300 * MEGABYTE, 1024 * MEGABYTE),
    "mixed": ("-b", 300 * MEGABYTE, 1280 * MEGABYTE),
    "plain": ("-b", 150 * MEGABYTE, 512 * MEGABYTE),
    "trickle": ("-b", 100 * MEGABYTE, 350 * MEGABYTE),
    "flows": ("-n", 100000, 1000000),
    "synflood": ("-n", 1000000, 5000000),
}


def run(command, stdout=subprocess.DEVNULL):
    """CPU seconds, peak memory in MiB and exit code of one process."""
    child = subprocess.Popen([str(c) for c in command], stdout=stdout, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode


def spread(values, form="%.3f"):
    return (form + " (" + form + ".." + form + ")") % (
        statistics.median(values), min(values), max(values))


def generate(args, mode, folder):
    option, small, full = SIZES[mode]
    capture, truth = folder / (mode + ".pcap"), folder / (mode + ".tsv")
    subprocess.run([args.trafficgen, "-m", mode, option, str(full if args.full else small),
                    "-o", capture, "-t", truth], check=True, stderr=subprocess.DEVNULL)
    return capture, truth


def truth_of(path):
    """What has to be found: (client, port) -> (rule, severity), for all sessions of the file."""
    wanted = {}
    for line in path.read_text().splitlines():
        _, client, port, _, _, _, rule, severity = line.split("\t")
        wanted[client, int(port)] = None if rule == "-" else (rule, severity)
    return wanted


def judged_again(line, wanted):
    """What an alert says of a session whose line was written before."""
    facts = line["alert"]["metadata"]
    rule, severity = facts["rule"][0], facts["severity"][0]
    if facts.get("judged") != ["retrospective"] or "flow" not in line:
        return []
    who = line["flow"]["src_ip"], line["flow"]["src_port"]
    if wanted.get(who) == (rule, severity):
        return []
    return ["%s:%d: %s %s in retrospect, truth %s" % (*who, rule, severity, wanted.get(who))]


def compare(binary, capture, truth):
    """Differences between the findings above info, those in retrospect too, and the truth: lines of text."""
    wanted, seen, wrong = truth_of(truth), set(), []
    command = [binary, "read", "--json", str(capture)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        for raw in child.stdout:
            line = json.loads(raw)
            if line["event_type"] == "alert":
                wrong += judged_again(line, wanted)
            if line["event_type"] != "smtp":
                continue
            who = line["src_ip"], line["src_port"]
            seen.add(who)
            found = [(f["rule"], f["severity"]) for f in line["starttls"].get("findings", ())
                     if f["severity"] != "info"]
            if who not in wanted:
                wrong.append("%s:%d is no session of the truth" % who)
            elif found != ([wanted[who]] if wanted[who] else []):
                wrong.append("%s:%d: %s, truth %s" % (*who, found, wanted[who]))
    missing = [who for who in wanted if who not in seen]
    return len(wanted), wrong + ["%s:%d was not seen" % who for who in missing]


def measure(args, mode, folder):
    capture, truth = generate(args, mode, folder)
    floor, mine, ratio, peak = [], [], [], 0
    for _ in range(args.rounds):
        floor.append(run([args.floor, capture])[0])
        cpu, memory, _ = run([args.stripwatch, "read", "--json", capture])
        mine.append(cpu)
        ratio.append(cpu / floor[-1])
        peak = max(peak, memory)
    sessions, wrong = compare(args.stripwatch, capture, truth)
    print("%-9s %6.0f MB  floor %s s  stripwatch %s s  ratio %s  %.0f MiB  %d sessions, %d wrong"
          % (mode, capture.stat().st_size / 1e6, spread(floor), spread(mine),
             spread(ratio, "%.2f"), peak, sessions, len(wrong)), flush=True)
    for text in wrong[:5]:
        print("    " + text)
    capture.unlink()
    return not wrong


def measure_handshakes(args, folder):
    """Nanoseconds a session for reading a full handshake of TLS 1.2, its chain known and new."""
    paths = {kind: folder / (kind + ".pcap") for kind in handshakes.KINDS}
    for kind, path in paths.items():
        handshakes.write(path, kind, HANDSHAKES)
    cpu = {kind: [] for kind in paths}
    for _ in range(args.rounds):
        for kind, path in paths.items():
            cpu[kind].append(run([args.stripwatch, "read", "--json", path])[0])
    each = {kind: [1e9 * value / HANDSHAKES for value in values] for kind, values in cpu.items()}
    for kind, values in each.items():
        more = [a - b for a, b in zip(values, each["opaque"])]
        print("handshake %-7s %s ns a session, %s more than unread ones"
              % (kind, spread(values, "%.0f"), spread(more, "%.0f")), flush=True)
    return True


def start_up(args, folder):
    """A capture with a header and no packet: what is left is the start."""
    empty = folder / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    runs = [run([args.stripwatch, "read", "--json", empty]) for _ in range(args.rounds)]
    cpu, peak = spread([1000 * run[0] for run in runs], "%.1f"), max(run[1] for run in runs)
    print("start-up  %s ms CPU, %.1f MiB, exit %d" % (cpu, peak, runs[0][2]), flush=True)
    return runs[0][2] == 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--stripwatch", "--trafficgen", "--floor"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--full", action="store_true", help="files of about 1 GB")
    parser.add_argument("--modes", default="smtp,mixed,plain,trickle,flows,synflood,handshakes")
    return parser.parse_args()


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="stripwatch-bench.") as name:
        folder = Path(name)
        good = [start_up(args, folder)]
        good += [measure_handshakes(args, folder) if mode == "handshakes"
                 else measure(args, mode, folder) for mode in args.modes.split(",")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
