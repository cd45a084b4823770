#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`report --tlsrpt` and `--tlsrpt-in`: reports by TLSRPT, written and held against what was seen.

    test_tlsrpt.py BINARY [SHARED_DIR]

What is written is checked against the grammar of RFC 8460 (sections 4.2 to 4.4 and 5.1), put down
here anew; its counts by arithmetic over made lines of EVE. With SHARED_DIR/data/tlsrpt also reports
that real senders sent.
"""
import datetime
import gzip
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from run import PCAPS, TESTS, Tally

RESULTS = {  # section 4.3
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
    "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid",
    "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
}
MX, MX6, OTHER_MX = "198.51.100.25", "2001:db8:1::25", "203.0.113.66"
SENDER, STRANGER = "192.0.2.10", "203.0.113.9"
DOMAIN = "alder.example"
DAY = "2026-11-21"
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
LOCAL_PART = "wilhelmina"


def call(binary, *arguments, data=None):
    return subprocess.run([str(binary), "report", *map(str, arguments)], input=data,
                          stdin=None if data is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


# --- lines of EVE ---

def session(client=SENDER, server=MX, day=DAY, clock="10:00:00", port=25, flow=1, rcpt=(), mails=0,
            **facts):
    said = {"visibility": "both", "role": "unknown", "ehlo": "complete",
            "banner": "220 mx1.alder.example ESMTP Postfix", "offered": "yes", "asked": True,
            "reply_code": 220, "handshake": "complete", "verdict": "encrypted",
            "clear": {"mails": mails, "rcpt_domains": list(rcpt), "auth": "none", "bytes": 0},
            "findings": []}
    said.update(facts)
    return {"timestamp": "%sT%s.000000+0000" % (day, clock), "flow_id": flow, "event_type": "smtp",
            "src_ip": client, "src_port": 40001, "dest_ip": server, "dest_port": port,
            "proto": "TCP", "smtp": {"mail_from": LOCAL_PART + "@elm.example"},
            "starttls": {key: value for key, value in said.items() if value is not None}}


def handshake(flow, sni="mx1.alder.example", alert=None, **certificate):
    seen = {"stage": "finished", "certificate": "seen"}
    if certificate:
        seen["peer_certificate"] = certificate
    if alert:
        seen["alerts"] = [{"direction": "to_server", "level": 2, "description": alert}]
    return {"timestamp": DAY + "T10:00:00.000000+0000", "flow_id": flow, "event_type": "tls",
            "tls": {"sni": sni}, "starttls": seen}


def refused(**more):
    return session(reply_code=454, handshake="refused", verdict="opportunistic-clear", **more)


def bare(**more):
    return session(**{"offered": "no", "asked": False, "reply_code": None, "handshake": "none",
                      "verdict": "opportunistic-clear", **more})


def aborted(**more):
    return session(handshake="aborted", stage="server-hello", verdict="failed", **more)


def unasked(**more):
    return session(**{"asked": False, "reply_code": None, "handshake": "none",
                      "verdict": "opportunistic-clear", **more})


def text(lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


# --- the grammar of RFC 8460 ---

def is_time(value):
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)
                    and datetime.datetime.fromisoformat(value.replace("Z", "+00:00")))
    except ValueError:
        return False


def is_count(value):
    return type(value) is int and value >= 0


def is_address(value):
    try:
        return str(ipaddress.ip_address(value)) == value
    except ValueError:
        return False


def is_uri(value):  # RFC 3986: a scheme, and no byte that has to be encoded
    return re.fullmatch(r"[a-z][a-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})*",
                        value) is not None


def is_host(value):
    return re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?", value) is not None


FAILURE = {  # name: (needed, what it is)
    "result-type": (True, lambda v: v in RESULTS),
    "sending-mta-ip": (False, is_address),
    "receiving-mx-hostname": (False, is_host),
    "receiving-mx-helo": (False, lambda v: isinstance(v, str) and v != ""),
    "receiving-ip": (False, is_address),
    "failed-session-count": (True, lambda v: is_count(v) and v > 0),
    "additional-information": (False, is_uri),
    "failure-reason-code": (False, lambda v: isinstance(v, str) and v != ""),
}
POLICY = {
    "policy-type": (True, lambda v: v in ("tlsa", "sts", "no-policy-found")),
    "policy-string": (False, lambda v: isinstance(v, list)),
    "policy-domain": (True, is_host),
    "mx-host": (False, lambda v: isinstance(v, list)),
}
SUMMARY = {"total-successful-session-count": (True, is_count),
           "total-failure-session-count": (True, is_count)}
RANGE = {"start-datetime": (True, is_time), "end-datetime": (True, is_time)}


def faults(value, grammar, where):
    out = ["%s: %s is unknown" % (where, key) for key in value if key not in grammar]
    for key, (needed, right) in grammar.items():
        if key not in value:
            out += ["%s: there is no %s" % (where, key)] if needed else []
        elif not right(value[key]):
            out.append("%s: %s is %r" % (where, key, value[key]))
    return out


def report_faults(report):
    top = {"organization-name": (True, lambda v: isinstance(v, str) and v != ""),
           "date-range": (True, lambda v: isinstance(v, dict)),
           "contact-info": (True, lambda v: "@" in v),
           "report-id": (True, lambda v: isinstance(v, str) and v != ""),
           "policies": (True, lambda v: isinstance(v, list) and v)}
    out = faults(report, top, "report")
    if out:
        return out
    out += faults(report["date-range"], RANGE, "date-range")
    for policy in report["policies"]:
        out += faults(policy, {"policy": (True, lambda v: True), "summary": (True, lambda v: True),
                               "failure-details": (False, lambda v: isinstance(v, list) and v)},
                      "policies")
        out += faults(policy["policy"], POLICY, "policy") + faults(policy["summary"], SUMMARY,
                                                                    "summary")
        details = policy.get("failure-details", [])
        for failure in details:
            out += faults(failure, FAILURE, "failure-details")
        if sum(f["failed-session-count"] for f in details) != \
                policy["summary"]["total-failure-session-count"]:
            out.append("the failures do not make up their sum")
    return out


# --- writing ---

OWN = ("--own-domain", DOMAIN, "--own-mx", MX + "," + MX6)


def made():
    """At our exchangers: 5 successes, 2 of them by IPv6; failures: 3 without offer from one sender,
    1 refused, 1 garbled, 1 aborted, 1 aborted because the certificate had expired. In no count: 2
    unasked, 1 that began with a lost reply, 1 one-sided, 1 without EHLO; and 4 elsewhere."""
    lines = [session(client="192.0.2.%d" % n) for n in (10, 11, 12)]
    lines += [session(client="2001:db8:2::1", server=MX6), session(client="2001:db8:2::2", server=MX6)]
    lines += [bare(client=STRANGER, rcpt=[DOMAIN], mails=1) for _ in range(3)]
    lines += [refused(), bare(offered="garbled"), aborted(flow=7)]
    lines += [handshake(8, alert=45), aborted(flow=8)]
    lines += [unasked(), unasked(mails=1, rcpt=[DOMAIN])]
    lines += [bare(ehlo="gap", offered="unknown", visibility="partial"),
              session(visibility="client", handshake="complete"),
              bare(ehlo="none", offered="unknown")]
    lines += [session(server="203.0.113.25"), session(port=587), session(port=465, implicit=True),
              session(client=MX)]  # the last is from inside
    lines += [{"timestamp": DAY + "T11:00:00.000000+0000", "event_type": "stats", "stats": {}}]
    return lines


def check_written(tally, binary):
    done = call(binary, "--tlsrpt", *OWN, "-", data=text(made()))
    tally.equal("written", "exit code", done.returncode, 0)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    if not tally.equal("written", "number of reports", len(reports), 1):
        return
    report = reports[0]
    tally.equal("written", "faults", report_faults(report), [])
    tally.equal("written", "range", report["date-range"],
                {"start-datetime": DAY + "T00:00:00Z", "end-datetime": DAY + "T23:59:59Z"})
    tally.check("passive" in report["organization-name"] and "passive" in report["report-id"],
                "written", "it does not say that it is passive")
    policy, = report["policies"]
    tally.equal("written", "policy", policy["policy"],
                {"policy-type": "no-policy-found", "policy-domain": DOMAIN})
    tally.equal("written", "summary", list(policy["summary"].values()), [5, 7])
    found = sorted((f["result-type"], f["sending-mta-ip"], f["failed-session-count"])
                   for f in policy["failure-details"])
    tally.equal("written", "failures", found, [
        ("certificate-expired", SENDER, 1), ("starttls-not-supported", SENDER, 1),
        ("starttls-not-supported", SENDER, 1), ("starttls-not-supported", STRANGER, 3),
        ("validation-failure", SENDER, 1)])
    expired = [f for f in policy["failure-details"] if f["result-type"] == "certificate-expired"][0]
    tally.equal("written", "names", (expired["receiving-mx-hostname"], expired["receiving-mx-helo"],
                                     expired["receiving-ip"]),
                ("mx1.alder.example", "mx1.alder.example", MX))
    # 2 unknown, 2 that did not ask, 1 without EHLO
    tally.check(expired["additional-information"].startswith("data:,passive%20observation") and
                "unknown%202%2C%20did%20not%20ask%202%2C%20no%20EHLO%201" in
                expired["additional-information"], "written", expired["additional-information"])
    for count, what in ((2, "did not show enough"), (2, "did not ask"), (1, "EHLO"),
                        (4, "not from elsewhere")):
        tally.check(re.search(rb"report: %d session.*%s" % (count, what.encode()), done.stderr),
                    "written", "%s is not told: %r" % (what, done.stderr))
    tally.check(LOCAL_PART.encode() not in done.stdout + done.stderr, "written", "a local part")


def check_policies(tally, binary):
    sts = {"domain": DOMAIN, "mode": "enforce", "source": "mta-sts", "verdict": "satisfied"}
    dane = {**sts, "source": "dane"}
    invalid = [{"rule": "sts-certificate-invalid", "severity": "medium"}]
    lines = [session(policy=sts), session(policy=dane),
             session(policy={**sts, "domain": "elm.example"})]  # of others: none of ours
    lines += [session(flow=1, policy={**sts, "verdict": "violated"}, findings=invalid)]
    lines += [handshake(2, trust="untrusted", dates="ok"),
              session(flow=2, policy={**sts, "verdict": "violated"}, findings=invalid)]
    lines += [handshake(3, trust="ok", dates="expired"),
              session(flow=3, policy={**sts, "verdict": "violated"}, findings=invalid)]
    lines += [session(flow=4, policy={**dane, "verdict": "violated"})]
    done = call(binary, "--tlsrpt", *OWN, "-", data=text(lines))
    report = json.loads(done.stdout)
    tally.equal("policies", "faults", report_faults(report), [])
    got = {p["policy"]["policy-type"]: (list(p["summary"].values()),
                                        sorted(f["result-type"] for f in p.get("failure-details", [])))
           for p in report["policies"]}
    tally.equal("policies", "counts", got, {
        "sts": ([1, 3], ["certificate-expired", "certificate-host-mismatch",
                         "certificate-not-trusted"]),
        "tlsa": ([1, 1], ["tlsa-invalid"]),
        "no-policy-found": ([1, 0], [])})


def check_days_and_domains(tally, binary):
    two = ("--own-domain", "birch.example," + DOMAIN, "--own-mx", MX)
    lines = [bare(rcpt=["ALDER.example."], mails=1), bare(rcpt=["birch.example", DOMAIN], mails=1),
             bare(rcpt=["elm.example"], mails=1), bare(day="2026-11-22", rcpt=[DOMAIN], mails=1),
             session(day="2026-11-23"), bare(day="2026-11-23", rcpt=[DOMAIN], mails=1)]
    done = call(binary, "--tlsrpt", *two, "-", data=text(lines))
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    got = [(r["policies"][0]["policy"]["policy-domain"], r["date-range"]["start-datetime"][:10],
            list(r["policies"][0]["summary"].values())) for r in reports]
    tally.equal("domains", "reports", got, [
        (DOMAIN, "2026-11-21", [0, 2]), (DOMAIN, "2026-11-22", [0, 1]),
        ("birch.example", "2026-11-21", [0, 1])])
    tally.equal("domains", "exit code", done.returncode, 3)  # a day is left out
    for what in (b"2026-11-23 alder.example: no report", b"2026-11-23 birch.example: no report",
                 b"1 session in no count: TLS hides", b"1 session in no count: for other domains"):
        tally.check(what in done.stderr, "domains", "%r is not told: %r" % (what, done.stderr))
    shuffled = lines[:]
    random.Random(8460).shuffle(shuffled)
    again = call(binary, "--tlsrpt", *two, "-", data=text(shuffled))
    tally.check(again.stdout == done.stdout, "domains", "the order of the lines shows")


def check_files(tally, binary, where):
    done = call(binary, "--tlsrpt", *OWN, "--out", where, "-", data=text(made()))
    tally.equal("files", "exit code", done.returncode, 0)
    tally.equal("files", "standard output", done.stdout, b"")
    # section 5.1; 2026-11-21T00:00:00Z is 1795219200
    begin = int(datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc).timestamp())
    names = sorted(os.listdir(where))
    tally.equal("files", "names", names,
                ["%s!%s!%d!%d!passive.json" % (DOMAIN, DOMAIN, begin, begin + 86399)])
    straight = call(binary, "--tlsrpt", *OWN, "-", data=text(made())).stdout
    tally.check((where / names[0]).read_bytes() == straight, "files", "not what is written else")
    call(binary, "--tlsrpt", *OWN, "--out", where, "-", data=text(made()))
    tally.check((where / names[0]).read_bytes() == straight, "files", "a second run differs")
    config = where / "own.yaml"
    config.write_text("sensor:\n  own_mx: [%s, '%s']\npolicy:\n  own_domains: [%s]\n"
                      % (MX, MX6, DOMAIN))
    done = call(binary, "--tlsrpt", "-c", config, "-", data=text(made()))
    tally.check(done.stdout == straight, "files", "by the configuration: %r" % done.stderr)


# --- reading ---

def failure(result="starttls-not-supported", sender=SENDER, receiver=MX, count=2, **more):
    out = {"result-type": result, "sending-mta-ip": sender, "receiving-ip": receiver,
           "failed-session-count": count}
    out.update(more)
    return {key.replace("_", "-"): value for key, value in out.items() if value is not None}


def received(*failures, begin=DAY + "T00:00:00Z", end=DAY + "T23:59:59Z", domain=DOMAIN, **more):
    return {"organization-name": "Elm", "date-range": {"start-datetime": begin, "end-datetime": end},
            "contact-info": "tls@elm.example", "report-id": "elm-1", "policies": [
                {"policy": {"policy-type": "no-policy-found", "policy-domain": domain},
                 "summary": {"total-successful-session-count": 7,
                             "total-failure-session-count": 2},
                 "failure-details": list(failures)}], **more}


class Join:
    """Reports and lines on disk, and what the program makes of them."""

    def __init__(self, tally, binary, where):
        self.tally, self.binary, self.where = tally, binary, where

    def run(self, report, lines, *more, own=("--own-mx", MX + "," + MX6)):
        path = self.where / "report.json"
        path.write_bytes(report if isinstance(report, bytes) else json.dumps(report).encode())
        return call(self.binary, "--tlsrpt-in", path, *own, *more, "-", data=text(lines))

    def alerts(self, report, lines, **more):
        done = self.run(report, lines, "--json", **more)
        self.check_schema(done.stdout)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def check_schema(self, lines):
        if lines:
            told = subprocess.run([sys.executable, str(TESTS / "tools" / "check_schema.py"), "--quiet"],
                                  input=lines, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.tally.equal("schema: %s" % told.stdout.decode(), "exit code", told.returncode, 0)

    def rules(self, name, report, lines, wanted, **more):
        done, alerts = self.alerts(report, lines, **more)
        got = [a["alert"]["metadata"]["rule"][0] for a in alerts]
        self.tally.equal(name, "rules", got, wanted)
        self.tally.equal(name, "exit code", done.returncode, 1 if wanted else 0)
        for alert in alerts:
            self.tally.equal(name, "evidence", alert["alert"]["metadata"]["evidence_class"], ["E5"])
        return done, alerts


OFFERED = [unasked(mails=1, rcpt=[DOMAIN]), session(), session(client="192.0.2.77")]


def check_findings(j):
    t = j.tally
    _, alerts = j.rules("elsewhere", received(failure("certificate-expired", receiver=OTHER_MX)),
                        OFFERED, ["mx-spoofed"])
    report = alerts[0]["report"]
    t.equal("elsewhere", "addresses", (report["sending_mta_ip"], report["receiving_ip"]),
            (SENDER, OTHER_MX))
    t.equal("elsewhere", "result", alerts[0]["alert"]["metadata"]["tlsrpt_result"],
            ["certificate-expired"])
    t.equal("elsewhere", "severity", alerts[0]["alert"]["metadata"]["severity"], ["medium"])
    t.check(OTHER_MX in alerts[0]["starttls"]["finding"]["reason"], "elsewhere", "no address told")
    j.rules("never here", received(failure(sender=STRANGER)), OFFERED, ["mx-spoofed"])
    j.rules("never here, no receiver", received(failure("validation-failure", sender=STRANGER,
                                                        receiver=None)), OFFERED, ["mx-spoofed"])
    _, alerts = j.rules("offered", received(failure()), OFFERED, ["path-rewrites"])
    # E5, mail in clear is critical; a stranger's word is one step less
    t.equal("offered", "severity", alerts[0]["alert"]["metadata"]["severity"], ["high"])
    t.equal("offered", "confidence", alerts[0]["alert"]["metadata"]["confidence"], ["medium"])
    reason = alerts[0]["starttls"]["finding"]["reason"]
    t.check("2 sessions" in reason and "offered in 2" in reason and "between our border and them" in reason, "offered",
            reason)
    _, alerts = j.rules("offered, nothing in clear", received(failure()), [session()],
                        ["path-rewrites"])
    t.equal("offered, nothing in clear", "severity", alerts[0]["alert"]["metadata"]["severity"],
            ["medium"])
    t.equal("offered, and asked for", "confidence", alerts[0]["alert"]["metadata"]["confidence"],
            ["low"])


def check_innocent(j):
    """The near misses: each differs from a finding by what explains it."""
    rows = [
        ("we offered none", received(failure()), [bare(), bare()]),
        ("we refused as often", received(failure(count=1)), [refused(), session()]),
        ("unknown sessions may be those", received(failure(count=1)),
         [session(), bare(ehlo="gap", offered="unknown", visibility="partial")]),
        ("another failure, and they came", received(failure("validation-failure")), OFFERED),
        ("before a connection", received(failure("sts-policy-fetch-error", sender=STRANGER,
                                                 receiver=None)), OFFERED),
        ("from inside of their network", received(failure(sender="10.1.2.3")), OFFERED),
        ("an IPv6 address inside", received(failure(sender="fd00::1")), OFFERED),
        ("a day that the border did not see", received(
            failure(sender=STRANGER), begin="2026-11-20T00:00:00Z", end="2026-11-20T23:59:59Z"),
         OFFERED),
        ("one of three days is missing", received(
            failure(sender=STRANGER), begin=DAY + "T00:00:00Z", end="2026-11-23T23:59:59Z"),
         OFFERED + [session(day="2026-11-23")]),
        ("no session failed", received(failure(sender=STRANGER, count=0)), OFFERED),
        ("of another domain", received(failure(sender=STRANGER), domain="elm.example"), OFFERED),
        ("they came just before", received(
            failure("validation-failure"), begin="2026-11-22T00:00:00Z",
            end="2026-11-22T23:59:59Z"),
         [session(clock="23:30:00"), session(day="2026-11-22", client="192.0.2.77")]),
        ("an address that IPv6 maps", received(failure("validation-failure",
                                                       sender="::ffff:192.0.2.10",
                                                       receiver="::FFFF:198.51.100.25")), OFFERED),
        ("IPv6 spelt at length", received(failure(
            "validation-failure", sender="2001:0DB8:0002:0:0:0:0:1",
            receiver="2001:db8:1:0:0:0:0:25")), [session(client="2001:db8:2::1", server=MX6)]),
        ("another zone", received(failure("validation-failure"), begin="2026-11-21T02:00:00+02:00",
                                  end="2026-11-22T01:59:59+02:00"), OFFERED),
        ("the sensor was blind", received(failure(sender=STRANGER)), OFFERED + [
            {"timestamp": DAY + "T12:00:00.000000+0000", "event_type": "alert",
             "alert": {"metadata": {"rule": ["coverage-lost"]}}, "sensor": {"seconds": 600}}]),
    ]
    own = ("--own-mx", MX + "," + MX6, "--own-domain", DOMAIN)
    for name, report, lines in rows:
        j.rules(name, report, lines, [], own=own)
    # and what stands beside each of them is a finding
    j.rules("of three days", received(failure(sender=STRANGER), end="2026-11-23T23:59:59Z"),
            OFFERED + [session(day="2026-11-22"), session(day="2026-11-23")], ["mx-spoofed"])
    j.rules("refused less often", received(failure(count=3)), [refused(), session()],
            ["path-rewrites"])
    j.rules("they came long before", received(
        failure("validation-failure"), begin="2026-11-22T00:00:00Z", end="2026-11-22T23:59:59Z"),
        [session(clock="22:30:00"), session(day="2026-11-22", client="192.0.2.77")], ["mx-spoofed"])
    j.rules("in our networks", received(failure("certificate-expired", receiver="203.0.113.66")),
            OFFERED, [], own=("--own-mx", MX, "--local-nets", "203.0.113.0/24"))


def check_strange(j):
    t, path = j.tally, str(j.where / "report.json")
    good = failure(sender=STRANGER)
    strange = received(7, {}, failure("no-such-thing"), failure(count=-3), failure(count=1e300),
                       failure(sender="192.0.2.256"), failure(count=None), good)
    done, alerts = j.alerts(strange, OFFERED)
    t.equal("strange", "rules", sorted(a["alert"]["metadata"]["rule"][0] for a in alerts),
            ["mx-spoofed", "path-rewrites"])
    for where, what in (("[0]", "is no object"), ("[1].result-type", "is missing"),
                        ("[2].result-type", "is none of RFC 8460: 'no-such-thing'"),
                        ("[3].failed-session-count", "is no count: '-3'"),
                        ("[4].failed-session-count", "is no count: '1"),
                        ("[5].sending-mta-ip", "is no address: '192.0.2.256'"),
                        ("[6].failed-session-count", "is missing")):
        told = "%s: policies[0].failure-details%s: %s" % (path, where, what)
        t.check(told.encode() in done.stderr, "strange", "%s is not told: %r" % (told, done.stderr))
    t.check(not CONTROL.search(done.stderr), "strange", "a control byte")
    hostile = received(failure(receiver=OTHER_MX, receiving_mx_hostname="mx\x1b[31m\x00\n\u202e" * 90))
    hostile["policies"][0]["failure-details"] += [
        failure("wilhelmina@elm.example", receiving_mx_hostname="wilhelmina@elm.example",
                sender="wilhelmina@elm.example")]
    hostile["organization-name"] = "Wilhelmina <wilhelmina@elm.example>\x1b]0;x\x07" + "y" * 100000
    for more in ((), ("--json",)):
        done = j.run(hostile, OFFERED, *more)
        t.equal("hostile", "exit code", done.returncode, 1)
        t.check(not CONTROL.search(done.stdout + done.stderr), "hostile", "a control byte")
        t.check(b"wilhelmina@" not in done.stdout + done.stderr, "hostile", "a local part")
    for name, body, told in (
            ("no JSON", b'{"policies":\n [1,,2]}', b": 2:5: no JSON"), ("empty", b"", b"no JSON"),
            ("EVE", text([session()]), b"no report of RFC 8460"),
            ("deep", b'{"policies":' + b"[" * 200000, b"deeper"),
            ("large", b" " * (4 << 20) + b"{}", b"larger than 4 MiB"),
            ("bomb", gzip.compress(b" " * (200 << 20)), b"larger than 4 MiB"),
            ("cut", gzip.compress(json.dumps(received(good)).encode())[:-20], b""),
            ("NUL", b"\x00" * 1000, b"no JSON")):
        done = j.run(body, OFFERED)
        t.equal(name, "exit code", done.returncode, 2)  # there is no report at all
        t.check(path.encode() in done.stderr and told in done.stderr, name, done.stderr)
    # the one beside it is not lost
    other = j.where / "other.json"
    other.write_bytes(json.dumps(received(good)).encode())
    done = j.run(b"{", OFFERED, "--tlsrpt-in", other)
    t.equal("beside", "exit code", done.returncode, 1)
    t.check(b"mx-spoofed" in done.stdout, "beside", done.stdout)


def check_input(j):
    t = j.tally
    folder = j.where / "reports"
    folder.mkdir()
    (folder / "b.json.gz").write_bytes(gzip.compress(json.dumps(received(
        failure(sender=STRANGER))).encode()))
    (folder / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(received(failure())).encode())
    lines = j.where / "lines.json"
    lines.write_bytes(text(OFFERED))
    done = call(j.binary, "--tlsrpt-in", folder, "--own-mx", MX, "--json", lines)
    one = sorted(json.loads(a)["alert"]["metadata"]["rule"][0] for a in done.stdout.splitlines())
    t.equal("directory", "rules", one, ["mx-spoofed", "path-rewrites"])
    files = call(j.binary, "--tlsrpt-in", folder / "b.json.gz", "--tlsrpt-in", folder / "a.json",
                 "--tlsrpt-in", folder / "a.json", "--own-mx", MX, "--json", lines)
    t.check(files.stdout == done.stdout, "directory", "order and repetition show")
    named = call(j.binary, "--tlsrpt-in", folder, "--own-mx", MX, "--json", "--sensor-name", "edge",
                 lines)
    t.check(all(json.loads(a)["host"] == "edge" for a in named.stdout.splitlines()), "directory",
            "no host")
    broken = call(j.binary, "--tlsrpt-in", folder / "b.json.gz", "--own-mx", MX, "-",
                  data=text(OFFERED) + b"{\n")
    t.equal("broken line", "exit code", broken.returncode, 3)
    t.check(b"do not have all" in broken.stdout and b"mx-spoofed" not in broken.stdout,
            "broken line", "who did not come may be in it: %r" % broken.stdout)


def check_findings_alone(j):
    """A sensor on a wire writes lines of findings alone, unless privacy.log_sessions is all: what
    stands in them is no count, and who is not in them may have come."""
    t = j.tally
    finding = [{"rule": "starttls-refused", "severity": "low"}]
    lines = [refused(findings=finding), refused(client="192.0.2.77", findings=finding)]
    for line in lines:
        line["in_iface"] = "eth0"
    report = received(failure("validation-failure", sender=STRANGER))
    done = j.run(report, lines)
    t.equal("findings alone", "exit code", done.returncode, 3)
    t.check(b"privacy.log_sessions" in done.stderr and b"do not have all" in done.stdout,
            "findings alone", "%r %r" % (done.stdout, done.stderr))
    written = call(j.binary, "--tlsrpt", *OWN, "-", data=text(lines))
    t.equal("findings alone", "exit code of --tlsrpt", written.returncode, 2)
    t.check(b"privacy.log_sessions" in written.stderr and not written.stdout, "findings alone",
            written.stderr)
    info = [{"rule": "certificate-untrusted", "severity": "info"}]
    for ordinary in (session(findings=info), handshake(99)):
        more = lines + [{**ordinary, "in_iface": "eth0"}]
        t.equal("all sessions", "exit code", j.run(report, more).returncode, 1)
        written = call(j.binary, "--tlsrpt", *OWN, "-", data=text(more))
        t.equal("all sessions", "exit code of --tlsrpt", written.returncode, 0)


def check_usage(tally, binary):
    rows = [
        (["--tlsrpt", "--own-mx", MX], "--own-domain"), (["--tlsrpt", "--own-domain", DOMAIN],
                                                         "--own-mx"),
        (["--tlsrpt", "--prevalence"], "different reports"), (["--tlsrpt", "--json"], "JSON"),
        (["--tlsrpt", "--csv", *OWN], "--prevalence"), (["--prevalence", *OWN], "--tlsrpt"),
        (["--prevalence", "--out", "/"], "--out"),
        (["--tlsrpt", "--own-mx", MX, "--own-domain", "a b"], "'a b'"),
        (["--tlsrpt", "--own-mx", "mx1.alder.example", "--own-domain", DOMAIN], "own-mx"),
        (["--tlsrpt-in", "/nonexistent", "--own-mx", MX], "/nonexistent"),
        (["--tlsrpt", *OWN, "--out", "/nonexistent"], "/nonexistent"),
    ]
    for arguments, told in rows:
        done = call(binary, *arguments, "-", data=text([session()]))
        tally.equal(" ".join(arguments), "exit code", done.returncode, 2)
        tally.check(told.encode() in done.stderr, " ".join(arguments), done.stderr)
    done = call(binary, "--tlsrpt", *OWN, "-", data=b"no line\n")
    tally.equal("no line", "exit code", done.returncode, 2)


# --- captures and real reports ---

def check_captures(tally, binary, where):
    """What the program reads of real packets, written, read back and held against itself."""
    lines = b""
    for name in ("starttls-refused-454", "certificate-expired-authority", "starttls-garbled-auth"):
        lines += subprocess.run([str(binary), "read", "--json", "--exit-zero",
                                 str(PCAPS / name / "input.pcap")], stdout=subprocess.PIPE,
                                check=True).stdout
    own = ("--own-mx", "198.51.100.25")
    done = call(binary, "--tlsrpt", "--own-domain", "rcpt.test", *own, "-", data=lines)
    report = json.loads(done.stdout)
    tally.equal("captures", "faults", report_faults(report), [])
    path = where / "ours.json"
    path.write_bytes(done.stdout)
    back = call(binary, "--tlsrpt-in", path, *own, "-", data=lines)
    tally.equal("captures", "read back: %r" % back.stderr, back.returncode, 0)
    tally.check(b"and so the border saw it" in back.stdout, "captures", back.stdout)


def check_real(tally, binary, folder):
    for path in sorted(folder.glob("*.json")):
        done = call(binary, "--tlsrpt-in", path, "--own-mx", MX, "--json", "-",
                    data=text([session()]))
        tally.check(done.returncode in (0, 1, 3), path.name, "exit code %d" % done.returncode)
        stored = json.loads(path.read_bytes())
        failed = [f for p in stored["policies"] for f in p.get("failure-details", [])]
        at = [f for f in failed if f.get("receiving-ip")]  # none of them is ours
        alerts = [json.loads(line) for line in done.stdout.splitlines()]
        tally.equal(path.name, "incidents", len(alerts), 1 if at else 0)
        known = all(p["policy"]["policy-type"] in ("sts", "tlsa", "no-policy-found")
                    for p in stored["policies"])
        tally.equal(path.name, "whole", b"is none of RFC 8460" not in done.stderr, known)


def main():
    binary = Path(sys.argv[1]).resolve()
    tally = Tally()
    check_usage(tally, binary)
    check_written(tally, binary)
    check_policies(tally, binary)
    check_days_and_domains(tally, binary)
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        (where / "out").mkdir()
        check_files(tally, binary, where / "out")
        join = Join(tally, binary, where)
        check_findings(join)
        check_innocent(join)
        check_strange(join)
        check_input(join)
        check_findings_alone(join)
        check_captures(tally, binary, where)
    if len(sys.argv) > 2:
        check_real(tally, binary, Path(sys.argv[2]) / "data" / "tlsrpt")
    else:
        tally.skip("reports of real senders: SHARED_DIR is not given")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
