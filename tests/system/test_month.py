#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A month of mail to many servers, honest traffic with attacks in it: what is said of each session.

    test_month.py BUILD [--full] [--demand truth,quiet,scarce,recall,form] [--but KIND,...]
                  [--sessions N] [--attacks M] [--days D] [--servers S] [--clients C] [--seed N] [--dns] [--examples N]

tests/bench/monthgen.c makes the traffic and says what each session is. Demands:

    truth   every session has one line, with the ends, offer and TLS that it was made with
    quiet   honest sessions: no alert of medium severity or above
    scarce  honest sessions: at most one incident of low severity in 1,000
    recall  of the attacks of each family 98 % are found: their flow, or for a killed handshake its
            retry, has a finding of low severity or above that says something was taken away; of a run
            of sessions in clear, where one says nothing, also a session whose finding is info and that
            its sender's incident of low severity or above counts
    form    tshark finds the packets well made, with nothing lost or sent again but where that is meant

What is not demanded is measured and printed all the same, but for form. --full: three million sessions.
"""
import argparse
import calendar
import collections
import json
import math
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from run import LEVELS, Tally, at_least

STOPPED = "sender-stopped-upgrading"  # told of when it is known, with what came before: docs/history.md
FAMILIES = ("strip", "refuse", "fallback", "forge", "vantage")  # of rules that find a downgrade
RECALL = 0.98
SMALL = {"sessions": 30000, "attacks": 400, "days": 30, "servers": 300, "clients": 400}
FULL = {"sessions": 3000000, "attacks": 2000, "days": 30, "servers": 3000, "clients": 4000}
HISTORY, WITNESSES = 30, 3  # clean sessions of a server before it is attacked, and clients of those
RECENT = 100000  # sessions whose lines have come and whose alerts may still come


def wilson(hits, count, z=1.96):
    """Bounds of a share, 95 % (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    share, zz = hits / count, z * z / count
    middle = (share + zz / 2) / (1 + zz)
    half = z * math.sqrt(share * (1 - share) / count + zz / (4 * count)) / (1 + zz)
    return max(0.0, middle - half), min(1.0, middle + half)


class Clock:
    """Microseconds of a timestamp; a day is converted once."""

    def __init__(self):
        self.days = {}

    def __call__(self, text):
        day = text[:10]
        if day not in self.days:
            self.days[day] = calendar.timegm((int(day[:4]), int(day[5:7]), int(day[8:]), 0, 0, 0))
        seconds = self.days[day] + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
        return seconds * 1000000 + int(text[20:26])


class Made:
    """A session of the truth, and what was found in it."""
    __slots__ = ("ends", "begin", "name", "kind", "attack", "offered", "tls", "group", "severity", "mails",
                 "stopped")

    def __init__(self, line):
        cells = line.rstrip("\n").split("\t")
        self.ends = cells[0], int(cells[1]), cells[2], int(cells[3])
        seconds, _, rest = cells[4].partition(".")
        self.begin = int(seconds) * 1000000 + int(rest)
        self.name, self.kind, self.attack, self.offered, self.tls = cells[5:10]
        self.group = int(cells[10])
        self.severity = -1  # index in LEVELS
        self.mails = 0      # that went in clear
        self.stopped = False  # its line says that the sender may have stopped upgrading


class Truth:
    """The sessions that were made, read no further than the lines of the sensor have come."""

    def __init__(self, path):
        self.file, self.next = open(path), None
        self.open = collections.defaultdict(collections.deque)  # sessions whose line is to come
        self.recent = collections.OrderedDict()  # ends -> honest session, the last ones
        self.attacked = collections.defaultdict(list)
        self.groups = collections.defaultdict(list)
        self.clean = collections.Counter()  # server's name -> sessions that reached TLS
        self.clients = collections.defaultdict(set)  # and from whom, the first three
        self.without_history = 0
        self.honest = 0

    def read_to(self, time):
        while self.next is None or self.next.begin <= time:
            if self.next is not None:
                self.add(self.next)
                self.next = None
            line = self.file.readline()
            if not line:
                return
            self.next = Made(line)

    def add(self, made):
        self.open[made.ends].append(made)
        if made.group:
            self.attacked[made.ends].append(made)
            known = self.clean[made.name] >= HISTORY and len(self.clients[made.name]) >= WITNESSES
            self.without_history += not known
            self.groups[made.group].append(made)
            return
        self.honest += 1
        if made.tls == "y":
            self.clean[made.name] += 1
            if len(self.clients[made.name]) < WITNESSES:
                self.clients[made.name].add(made.ends[0])
        self.recent[made.ends] = made
        self.recent.move_to_end(made.ends)
        if len(self.recent) > RECENT:
            self.recent.popitem(last=False)

    def of_line(self, ends):
        """The session whose line this is: those of one pair of ends close in their order."""
        waiting = self.open.get(ends)
        if not waiting:
            return None
        made = waiting.popleft()
        if not waiting:
            del self.open[ends]
        return made

    def of_alert(self, ends, begin):
        for made in self.attacked.get(ends, ()):
            if abs(made.begin - begin) < 1000000:
                return made
        return self.recent.get(ends)


class Month:
    """What the sensor said, beside the truth."""

    def __init__(self, truth, families, examples, but):
        self.truth, self.families, self.examples, self.but = truth, families, examples, but
        self.clock = Clock()
        self.unknown = 0
        self.wrong = collections.Counter()
        self.lines = collections.Counter()      # rule, severity: alert lines of honest sessions
        self.incidents = {}                     # id -> highest severity, rule, kind of an honest one
        self.of_attacks = set()                 # incidents that began with an attack
        self.accused = 0                        # honest sessions with a finding of medium or above
        self.storms = 0
        self.stops = {}                         # client of a run -> its incidents, id -> (level, sessions, state)
        self.stats = {}

    def smtp(self, line, raw):
        made = self.truth.of_line((line["src_ip"], line["src_port"], line["dest_ip"], line["dest_port"]))
        if made is None:
            self.unknown += 1
            self.show(raw)
            return
        said = line["starttls"]
        made.mails = said["clear"]["mails"]
        self.compare(made, "offered", made.offered, {"yes": "y", "no": "n"}.get(said["offered"], said["offered"]), raw)
        self.compare(made, "TLS", made.tls, "y" if said["verdict"] == "encrypted" else "n", raw)
        for f in said["findings"]:
            self.found(made, f["rule"], f["severity"])
            made.stopped |= f["rule"] == STOPPED
        self.accused += not made.group and any(at_least(f["severity"], "medium") for f in said["findings"])

    def compare(self, made, what, wanted, got, raw):
        if wanted in ("-", got):
            return
        self.wrong[what, made.kind, made.attack, wanted, got] += 1
        self.show(raw)

    def found(self, made, rule, severity):
        if made.group and self.families.get(rule) in FAMILIES:
            made.severity = max(made.severity, LEVELS.index(severity))

    def alert(self, line, raw):
        facts = line["alert"]["metadata"]
        rule, severity = facts["rule"][0], facts["severity"][0]
        if rule == "alert-storm":  # says how many were held back, not that one more is there
            self.storms += 1
            return
        made = None
        if "flow" in line:
            ends = line["flow"]["src_ip"], line["flow"]["src_port"], line["flow"]["dest_ip"], line["flow"]["dest_port"]
            made = self.truth.of_alert(ends, self.clock(line["flow"]["start"]))
        incident = facts["incident"][0]
        if made is not None and made.group:
            self.found(made, rule, severity)
            self.of_attacks.add(incident)
            if rule == STOPPED and made.attack.endswith("/run"):
                said = line["starttls"]["incident"]
                self.stops.setdefault(made.ends[0], {})[incident] = (
                    LEVELS.index(severity), said["sessions"], said["state"])
            return
        if incident in self.of_attacks:  # goes on or is closed, whatever session says so
            return
        self.lines[rule, severity] += 1
        level = LEVELS.index(severity)
        if level > self.incidents.get(incident, (-1,))[0]:
            self.incidents[incident] = level, rule, made.kind if made else "-"
        if at_least(severity, "medium") and made and made.kind.split("/")[0] not in self.but:
            self.show(raw)

    def show(self, raw):
        if self.examples:
            self.examples -= 1
            print(raw.decode().rstrip())

    def line(self, raw):
        head = raw[:200]
        if b'"event_type":"tls"' in head:
            return
        line = json.loads(raw)
        if line["event_type"] == "stats":
            self.stats = line["stats"]
            return
        self.truth.read_to(self.clock(line["timestamp"]))
        if line["event_type"] == "smtp":
            self.smtp(line, raw)
        elif line["event_type"] == "alert":
            self.alert(line, raw)


    def runs(self):
        """The attacked sessions of each sender whose way to TLS was cut off, of its one run."""
        out = collections.defaultdict(list)
        for group in self.truth.groups.values():
            if group[0].attack.endswith("/run"):
                out[group[0].ends[0]] += group
        return out

    def tell_of_runs(self):
        """One attack is one incident: what came before it is told with it, and has no line of its own."""
        for client, sessions in self.runs().items():
            incidents = self.stops.get(client, {}).values()
            for made in sessions:
                if made.stopped:
                    made.severity = max([made.severity] + [level for level, _, _ in incidents])

    def miscounted(self):
        """Senders whose incidents are all closed, and count other sessions than were found."""
        return {client: (sum(n for _, n, _ in self.stops[client].values()), sum(m.severity > 0 for m in sessions))
                for client, sessions in self.runs().items()
                if client in self.stops and all(state == "closed" for _, _, state in self.stops[client].values())
                and sum(n for _, n, _ in self.stops[client].values()) != sum(m.severity > 0 for m in sessions)}


def families_of(binary):
    """Family of each rule, as the program itself lists them."""
    listed = subprocess.run([binary, "rules"], capture_output=True, text=True, check=True).stdout
    return {row.split()[0]: row.split()[2] for row in listed.splitlines()[1:] if row}


def generator(build, args, *more):
    command = [build + "/tests/monthgen", "--seed", args.seed, *more]
    for name in ("sessions", "attacks", "days", "servers", "clients"):
        command += ["--" + name, getattr(args, name)]
    return [str(word) for word in command] + (["--dns"] if args.dns else [])


def run(args, folder):
    truth, roots = Path(folder) / "truth.tsv", Path(folder) / "roots.pem"
    truth.touch()
    subprocess.run([args.build + "/tests/monthgen", "--sessions", "1", "--authorities", roots],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    source = subprocess.Popen(generator(args.build, args, "--truth", truth), stdout=subprocess.PIPE)
    sensor = subprocess.Popen([args.build + "/stripwatch", "read", "--json", "--exit-zero", "--ca-file", roots,
                               *args.option, "-"], stdin=source.stdout, stdout=subprocess.PIPE)
    source.stdout.close()
    month = Month(Truth(truth), families_of(args.build + "/stripwatch"), args.examples,
                  args.but.split(","))
    for raw in sensor.stdout:
        month.line(raw)
    codes = source.wait(), sensor.wait()
    month.truth.read_to(1 << 62)
    month.tell_of_runs()
    return month, codes


# --- what is demanded ---

def judge_truth(month, codes, tally):
    truth = month.truth
    tally.equal("truth", "the exit codes of generator and sensor", codes, (0, 0))
    tally.equal("truth", "sessions without a line", sum(map(len, truth.open.values())), 0)
    tally.equal("truth", "lines without a session", month.unknown, 0)
    for what in ("offered", "TLS"):
        rows = {key[1:]: n for key, n in month.wrong.items() if key[0] == what}
        tally.equal("truth", what + " (kind, attack, made, said)", rows, {})
    tally.equal("truth", "attacks on servers without a history", truth.without_history, 0)
    tally.equal("truth", "attacks without mail in clear",
                sum(not any(made.mails for made in group) for group in truth.groups.values()), 0)
    packets = month.stats["stripwatch"]["packets"]
    for name in ("malformed_link", "malformed_ip", "malformed_tcp", "bad_checksums"):
        tally.equal("truth", name, packets[name], 0)


def quiet_and_scarce(month, tally, demand):
    honest = month.truth.honest
    by_rule = collections.defaultdict(collections.Counter)
    kinds = collections.Counter()
    for level, rule, kind in month.incidents.values():
        by_rule[rule][level] += 1
        kinds[rule, LEVELS[level], kind] += 1
    print("\n%d honest sessions: incidents by their highest severity, and lines" % honest)
    print("%-28s %8s %8s %8s %8s %8s" % ("rule", *LEVELS[1:], "lines"))
    for rule, levels in sorted(by_rule.items()):
        lines = sum(n for (name, _), n in month.lines.items() if name == rule)
        print("%-28s %8d %8d %8d %8d %8d" % (rule, *(levels[i] for i in range(1, 5)), lines))
    for (rule, severity, kind), n in kinds.most_common(12):
        print("    %5d  %s %s: %s" % (n, severity, rule, kind))
    loud = sum(n for levels in by_rule.values() for level, n in levels.items() if level >= 2)
    low = sum(levels[1] for levels in by_rule.values())
    print("medium or above: %d; low: %d, %.2f in 1,000 sessions; storms: %d; sessions with a finding of "
          "medium or above: %d" % (loud, low, 1000 * low / honest, month.storms, month.accused))
    blamed = [kind for level, _, kind in month.incidents.values()
              if level >= LEVELS.index("medium") and kind.split("/")[0] not in month.but]
    if "quiet" in demand:
        tally.equal("quiet", "incidents of medium severity or above", len(blamed), 0)
    if "scarce" in demand:
        tally.check(low * 1000 <= honest, "scarce", "%d incidents of low severity" % low)


def recall(month, tally, demand):
    cells = collections.defaultdict(list)
    for sessions in month.truth.groups.values():
        name, _, shape = sessions[0].attack.partition("/")
        severity = max(s.severity for s in sessions)
        cells[name].append(severity)
        cells["(%s)" % shape].append(severity)
    if not cells:
        return
    print("\n%-18s %8s %8s %8s %17s %8s %8s" % ("attack", "sessions", "found", "recall", "95 %", "medium", "high"))
    for name, severities in sorted(cells.items(), key=lambda cell: (cell[0].startswith("("), cell[0])):
        hits = [sum(s >= level for s in severities) for level in (1, 2, 3)]
        count = len(severities)
        low, high = wilson(hits[0], count)
        print("%-18s %8d %8d %7.1f%% %7.1f%% ..%6.1f%% %7.1f%% %7.1f%%" % (
            name, count, hits[0], 100 * hits[0] / count, 100 * low, 100 * high,
            100 * hits[1] / count, 100 * hits[2] / count))
        if "recall" in demand and not name.startswith("("):
            tally.check(hits[0] >= RECALL * count, "recall", "%s: %d of %d" % (name, hits[0], count))
    if "recall" in demand:
        tally.equal("recall", "senders cut off: sessions that their incidents count, and found", month.miscounted(), {})


WRONG = ("_ws.malformed", "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment",
         "tcp.analysis.out_of_order")  # of no frame, but where a ClientHello is taken away
FIELDS = WRONG + ("tcp.checksum.status", "ip.checksum.status", "dns.flags.rcode", "tcp.analysis.retransmission",
                  "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tls.handshake.type",
                  "x509ce.dNSName", "smtp.req.command")


def tshark(capture):
    """Each frame as a dictionary of what tshark has to say of it."""
    command = ["tshark", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
               "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(FIELDS, line.split("\t"))) for line in out.splitlines()]


def times_of(capture):
    """Microseconds of each packet of a capture of this machine's byte order."""
    data, at, out = capture.read_bytes(), 24, []
    while at < len(data):
        seconds, micro, size, _ = struct.unpack_from("=IIII", data, at)
        out.append(seconds * 1000000 + micro)
        at += 16 + size
    return out


def marked(frames, what, made, *but):
    """Frames of which tshark says so, but for connections of certain kinds and attacks."""
    meant = {m.ends for m in made if any(word in m.kind or m.attack.startswith(word) for word in but)}
    out = []
    for f in frames:
        client, server = ((f["ip." + end] or f["ipv6." + end], int(f["tcp.%sport" % end] or 0))
                          for end in ("src", "dst"))
        if f[what] and not {client + server, server + client} & meant:
            out.append((client, server))
    return out


def judge_form(args, folder, tally):
    """A small month without flaws of the tap, read by somebody else."""
    if not shutil.which("tshark"):
        tally.skip("no tshark, so nobody else has read the packets")
        return
    capture, truth = Path(folder) / "form.pcap", Path(folder) / "form.tsv"
    small = argparse.Namespace(**{**vars(args), "sessions": 3000, "attacks": 110, "days": 3, "servers": 60,
                                  "clients": 150, "dns": True})
    with open(capture, "wb") as out:
        subprocess.run(generator(args.build, small, "--flawless", "--truth", truth), stdout=out, check=True)
    again = subprocess.run(generator(args.build, small, "--flawless"), stdout=subprocess.PIPE, check=True).stdout
    tally.check(again == capture.read_bytes(), "form", "the same options gave other bytes")
    times = times_of(capture)
    tally.check(times == sorted(times), "form", "the times of the packets go back")
    made = [Made(line) for line in truth.read_text().splitlines()]
    frames = tshark(capture)
    for what in WRONG:
        tally.equal("form", "frames with " + what, marked(frames, what, made, "hello-unheard"), [])
    for what in ("tcp.checksum.status", "ip.checksum.status"):
        tally.equal("form", what + " of the frames", {f[what] for f in frames} - {"", "1"}, set())
    tally.equal("form", "answers of DNS", {f["dns.flags.rcode"] for f in frames}, {"", "0"})
    tally.equal("form", "segments sent again without a reason",
                marked(frames, "tcp.analysis.retransmission", made, "/cut-off", "hello-silence"), [])
    hellos = sum("2" in f["tls.handshake.type"].split(",") for f in frames)
    tally.equal("form", "ServerHellos", hellos >= sum(m.tls == "y" for m in made) > 0, True)
    named = [f["x509ce.dNSName"] for f in frames if "11" in f["tls.handshake.type"].split(",")]
    tally.check(named and all(name.startswith("mx1.") for name in named), "form", "certificates without names")
    tally.check(any("MAIL" in f["smtp.req.command"] for f in frames), "form", "no mail in clear")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--demand", default="truth,quiet,scarce,recall,form")
    parser.add_argument("--but", default="", help="kinds of servers that may be accused, parted by commas")
    for name in SMALL:
        parser.add_argument("--" + name, type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dns", action="store_true")
    parser.add_argument("--examples", type=int, default=0, help="print so many lines that are not as wanted")
    parser.add_argument("option", nargs="*", help="for stripwatch read")
    args = parser.parse_args()
    for name, value in (FULL if args.full else SMALL).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    demand, tally = args.demand.split(","), Tally()
    with tempfile.TemporaryDirectory() as folder:
        if "form" in demand:
            judge_form(args, folder, tally)
        month, codes = run(args, folder)
    if "truth" in demand:
        judge_truth(month, codes, tally)
    quiet_and_scarce(month, tally, demand)
    recall(month, tally, demand)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
