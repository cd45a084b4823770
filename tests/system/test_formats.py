#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines in other formats than EVE: what docs/formats.md says, read by parsers that are not ours.

    test_formats.py BUILD [--brief]

Each line of EVE that the captures of tests/pcaps give goes through every format. ECS and OCSF are held
against docs/ecs.schema.json and docs/ocsf.schema.json; CEF and RFC 5424 are read by parsers written
here from the specification and from the grammar of the RFC. Each byte value in each field that carries
text comes back as the text of EVE. Where npm is at hand, Elastic's list of fields, glossy and
nsyslog-parser read the same; where rsyslog is, it does, too. With --brief neither is asked, and of
the captures the first hundred are taken.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema

import run
from run import PCAPS, Tally

import check_schema
import formats_page

TOP = Path(__file__).resolve().parents[2]
FORMATS = ("ecs", "cef", "ocsf", "rfc5424")
ALERTS_ALONE = ("cef", "ocsf")
NPM = {"@elastic/ecs": "8.11.5", "glossy": "0.1.7", "nsyslog-parser": "0.10.1"}
ROLES = re.compile(r"attacker|victim|indicator|target|threat_actor|malicious", re.IGNORECASE)
SEVERITY = {  # OUTPUT: critical, high, medium, low of each format
    "ecs": {"critical": 99, "high": 73, "medium": 47, "low": 21},
    "cef": {"critical": 10, "high": 8, "medium": 6, "low": 3},
    "ocsf": {"critical": 5, "high": 4, "medium": 3, "low": 2},
    "rfc5424": {"critical": 2, "high": 3, "medium": 4, "low": 5},
}


# --- two parsers ---

def parse_cef(line):
    """(header fields, {key: value}) by "Implementing ArcSight CEF" (version 0.1, revision 26): seven
    fields of the header end at a pipe without a backslash; a key is alphanumeric, stands at the
    beginning or behind a blank, and ends at an equals sign without a backslash. All blanks but the
    last in front of a key belong to the value before."""
    if not line.startswith("CEF:"):
        raise ValueError("no CEF")
    header, at, field = [], len("CEF:"), ""
    while len(header) < 7:
        char = line[at]
        if char == "\\":
            if line[at + 1] not in "\\|":
                raise ValueError("header escapes %r" % line[at + 1])
            field += line[at + 1]
            at += 2
        elif char == "|":
            header.append(field)
            field, at = "", at + 1
        else:
            field += char
            at += 1
    return header, cef_pairs(line[at:])


def cef_pairs(text):
    ends = [m.start() for m in re.finditer(r"=", text) if backslashes(text, m.start()) % 2 == 0]
    keys = {m.end() - 1: m.start(1) for m in re.finditer(r"(?:^|(?<= ))([A-Za-z0-9]+)=", text)}
    for end in ends:
        if end not in keys:
            raise ValueError("an equals sign without a key: %r" % text[max(0, end - 30):end + 5])
    starts, pairs = [keys[end] for end in ends], {}
    for i, (start, end) in enumerate(zip(starts, ends)):
        stop = starts[i + 1] - 1 if i + 1 < len(starts) else len(text)
        if text[start:end] in pairs:
            raise ValueError("key twice: %s" % text[start:end])
        pairs[text[start:end]] = cef_value(text[end + 1:stop])
    return pairs


def backslashes(text, at):
    count = 0
    while at > count and text[at - 1 - count] == "\\":
        count += 1
    return count


def cef_value(text):
    def undo(match):
        if match[1] not in "\\=nr":
            raise ValueError("value escapes %r" % match[1])
        return {"n": "\n", "r": "\r"}.get(match[1], match[1])
    return re.sub(r"\\(.)", undo, text)


# RFC 5424 section 6, rule by rule.
NILVALUE = "-"
PRINTUSASCII = "[\x21-\x7e]"
SD_NAME = r"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}"  # PRINTUSASCII without =, SP, ], "
HEADER = re.compile(
    r"<(0|[1-9][0-9]{0,2})>([1-9][0-9]{0,2}) "
    r"(-|\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)) "
    r"(-|%s{1,255}) (-|%s{1,48}) (-|%s{1,128}) (-|%s{1,32}) " % ((PRINTUSASCII,) * 4))
PARAM = re.compile(r' (%s)="((?:[^"\\\]]|\\.)*)"' % SD_NAME, re.DOTALL)
ELEMENT = re.compile(r'\[(%s)((?: %s="(?:[^"\\\]]|\\.)*")*)\]' % (SD_NAME, SD_NAME), re.DOTALL)


def parse_syslog(line):
    """(dict of the header, {SD-ID: {name: value}}, message)."""
    head = HEADER.match(line)
    if not head or not 0 <= int(head[1]) <= 191 or head[2] != "1":
        raise ValueError("header")
    at, data = head.end(), {}
    if line[at] == NILVALUE:
        at += 1
    while at < len(line) and line[at] == "[":
        element = ELEMENT.match(line, at)
        if not element:
            raise ValueError("structured data")
        if element[1] in data:
            raise ValueError("SD-ID twice")
        data[element[1]] = dict((name, re.sub(r'\\(["\\\]])', r"\1", value))
                                for name, value in PARAM.findall(element[2]))
        at = element.end()
    if at < len(line) and line[at] != " ":
        raise ValueError("no blank before the message")
    names = ("facility", "severity", "time", "host", "app", "pid", "msgid")
    values = (int(head[1]) // 8, int(head[1]) % 8, *head.groups()[2:])
    return dict(zip(names, values)), data, line[at + 1:]


# --- lines ---

def walk(value, path):
    for step in re.findall(r"\[(\d+)\]|([^.\[]+)", path):
        value = value[int(step[0])] if step[0] else value[step[1]]
    return value


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def drive(build, kind, lines, *options):
    """Each line of EVE in a format; None where it is not carried."""
    done = subprocess.run([str(build / "tests" / "format_drive"), kind, *options], timeout=300, check=True,
                          input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE)
    out = done.stdout.decode("utf-8").split("\n")
    if out.pop() != "" or len(out) != len(lines):
        raise AssertionError("%d lines of %s for %d" % (len(out), kind, len(lines)))
    return [None if line == "- not carried" else line for line in out]


def captured(binary, most):
    """Lines of EVE of every capture: all alerts, and of others that differ in digits alone one."""
    lines = {}
    for folder in sorted(PCAPS.iterdir())[:most]:
        expect = folder / "expect.json"
        if not expect.is_file():
            continue
        options = [o.replace("{folder}", str(folder)) for o in
                   json.loads(expect.read_text(encoding="utf-8")).get("options", ())]
        for name in sorted(folder.glob("input.pcap*")):
            for line in run.read_json(binary, name, options).raw.decode("utf-8").splitlines():
                alert = '"event_type":"alert"' in line
                lines.setdefault(line if alert else re.sub(r"[0-9]+", "0", line), line)
    return tuple(lines.values())


ID = "0123456789abcdef" * 2
SENSOR = json.dumps({
    "timestamp": "2026-11-21T10:00:00.000000+0000", "event_type": "alert", "host": "tap1",
    "alert": {"action": "allowed", "gid": 1, "signature_id": 1320757, "rev": 1,
              "signature": "STRIPWATCH Traffic is not seen that was there", "category": "Misc activity",
              "severity": 2, "metadata": {
                  "rule": ["coverage-lost"], "severity": ["medium"], "confidence": ["proof"],
                  "judged": ["live"], "mitre_technique_id": ["T1562"], "incident": [ID],
                  "alert_id": [ID], "finding_id": [ID]}},
    "sensor": {"what": "drops", "seconds": 1.5, "count": 3, "of": 100},
    "starttls": {"finding": {"rule": "coverage-lost", "severity": "medium", "confidence": "proof",
                             "finding_id": ID, "reason": "3 of 100 packets were lost.",
                             "next_step": "Give it a larger ring."},
                 "incident": {"id": ID, "state": "open", "update": 1, "primary": "coverage-lost",
                              "first": "2026-11-21T10:00:00.000000+0000",
                              "last": "2026-11-21T10:00:00.000000+0000"}}})
STORM = json.dumps({
    "timestamp": "2026-11-21T10:00:00.000000+0000", "flow_id": 1, "event_type": "alert", "vlan": [7, 9],
    "src_ip": "2001:db8::25", "src_port": 25, "dest_ip": "2001:db8::10", "dest_port": 40001,
    "proto": "TCP", "community_id": "1:qd49kQW7x1acVJHd5XUdzuOvP9Q=", "in_iface": "eth1",
    "alert": {"action": "allowed", "gid": 1, "signature_id": 1320899, "rev": 1,
              "signature": "STRIPWATCH Many incidents at a time", "category": "Misc activity",
              "severity": 2, "metadata": {
                  "rule": ["alert-storm"], "severity": ["medium"], "incidents_alerted": ["50"],
                  "incidents_held": ["1"], "judged": ["live"], "do_not_block": ["true"],
                  "incident": [ID], "alert_id": [ID]}},
    "direction": "to_client",
    "flow": {"pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 1, "bytes_toclient": 1,
             "start": "2026-11-21T10:00:00.000000+0000", "src_ip": "2001:db8::10", "src_port": 40001,
             "dest_ip": "2001:db8::25", "dest_port": 25}})


def no_controls(line):
    return not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in line)


class Reader:
    """What a format says, as parsers that are not ours understand it."""

    def __init__(self, kind):
        self.kind = kind
        if kind in ("ecs", "ocsf"):
            schema = json.loads((TOP / "docs" / (kind + ".schema.json")).read_text(encoding="utf-8"))
            jsonschema.Draft7Validator.check_schema(schema)
            self.schema = jsonschema.Draft7Validator(schema, format_checker=check_schema.FORMATS)

    def read(self, line, strict=True):
        """What parse gives; raises where it is not of the format."""
        if self.kind == "cef":
            return parse_cef(line)
        if self.kind == "rfc5424":
            return parse_syslog(line)
        event = json.loads(line, object_pairs_hook=check_schema.object_without_doubles,
                           parse_constant=check_schema.refuse_constant)
        error = jsonschema.exceptions.best_match(self.schema.iter_errors(event)) if strict else None
        if error:
            raise ValueError("%s: %.200s" % ("/".join(map(str, error.absolute_path)), error.message))
        return event

    def get(self, parsed, to):
        """The value of a row of the map; a list as it is written."""
        if self.kind == "cef":
            return parsed[1][to]
        if self.kind == "rfc5424":
            return parsed[1]["stripwatch@32473"][to]
        value = walk(parsed, to)
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def severity(self, parsed):
        if self.kind == "cef":
            return int(parsed[0][6])
        if self.kind == "rfc5424":
            return parsed[0]["severity"]
        return parsed["event"]["severity"] if self.kind == "ecs" else parsed["severity_id"]

    def do_not_block(self, parsed):
        if self.kind == "cef":
            return parsed[1].get("cs1Label") == "doNotBlock" and parsed[1]["cs1"] == "true"
        if self.kind == "rfc5424":
            return parsed[1]["stripwatch@32473"].get("do_not_block") == "true"
        if self.kind == "ecs":
            return parsed["labels"].get("do_not_block") == "true"
        return (parsed["unmapped"].get("do_not_block") == "true"
                and "do_not_block" in parsed["metadata"].get("labels", ()))

    def keys(self, parsed):
        if self.kind == "cef":
            return [*parsed[1], *(v for k, v in parsed[1].items() if k.endswith("Label"))]
        if self.kind == "rfc5424":
            return [key for params in parsed[1].values() for key in params]
        return list(keys_of(parsed))


# --- what is tested ---

def check_form(tally, build, kind, lines):
    """Every line is of the format and says severity and do_not_block; nobody is called anything."""
    reader, wrong = Reader(kind), []
    for eve, line in zip(lines, drive(build, kind, lines)):
        event = json.loads(eve)
        alert = event["event_type"] == "alert"
        if line is None:
            wrong += [] if kind in ALERTS_ALONE and not alert else ["not carried: %.200s" % eve]
            continue
        if kind in ALERTS_ALONE and not alert:
            wrong.append("carried: %.200s" % eve)
            continue
        try:
            parsed = reader.read(line)
        except (ValueError, KeyError, check_schema.Bad) as error:
            wrong.append("%s: %.300s" % (error, line))
            continue
        wrong += ["a control character: %r" % line] if not no_controls(line) else []
        wrong += ["a role: %s" % key for key in reader.keys(parsed) if ROLES.search(key)]
        if alert:
            facts = event["alert"]["metadata"]
            if reader.severity(parsed) != SEVERITY[kind][facts["severity"][0]]:
                wrong.append("severity: %.200s" % line)
            if reader.do_not_block(parsed) != (facts.get("do_not_block") == ["true"]):
                wrong.append("do_not_block: %.200s" % line)
        if kind == "rfc5424" and (parsed[2] != eve or parsed[0]["facility"] != 16):
            wrong.append("message or facility: %.200s" % line)
    tally.check(not wrong, kind, "%d lines are wrong; first %s" % (len(wrong), "".join(wrong[:1])))
    return len(lines)


def escaped(character):
    """What base/text.h makes of a character from the wire, by its contract."""
    if character == "\\":
        return "\\\\"
    return character if " " <= character <= "~" else "".join("\\x%02X" % b for b in character.encode())


def carried_text(kind, eve):
    """Rows of the map whose text comes through as it is: (to, path in EVE)."""
    out = []
    for form, to, _, path, how, more in formats_page.rows():
        if form.lower() != kind or how not in ("as_is", "first", "as_list") or more == "_WITH":
            continue
        try:
            value = walk(eve, path)
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(value, str) or isinstance(value, list) and value and isinstance(value[0], str):
            out.append((to, path))
    return out


FIXED = ("timestamp", "event_type", "alert.metadata.severity")


def put(event, path, text):
    *parents, last = path.split(".")
    for step in parents:
        event = event[step]
    event[last] = [text] if isinstance(event[last], list) else text


def rich(lines):
    """A line of each kind that has as many texts as any."""
    best = {}
    for line in lines:
        event = json.loads(line)
        kind = event["event_type"], "dns" in event, "sensor" in event
        texts = sum(len(carried_text(f, event)) for f in FORMATS)
        best[kind] = max(best.get(kind, (0, "")), (texts, line))
    return [line for _, line in best.values()]


def check_bytes(tally, build, lines):
    """Every byte value x every field that carries text x every format."""
    for kind in FORMATS:
        reader, checked, wrong, fields = Reader(kind), 0, [], set()
        for line in rich(lines):
            if kind in ALERTS_ALONE and json.loads(line)["event_type"] != "alert":
                continue
            made, wanted = [], []
            paths = [row for row in carried_text(kind, json.loads(line)) if row[1] not in FIXED]
            for byte in range(256):
                # As our own lines have it, and as only a hostile line could: the character itself.
                text = escaped(chr(byte)) if byte < 128 else "\\x%02X" % byte
                for value, back in ((" a%sb=c|d] " % text, " a%sb=c|d] " % text),
                                    (chr(byte) * 2, hostile(chr(byte) * 2))):
                    event = json.loads(line)
                    for _, path in paths:
                        put(event, path, value)
                    made.append(json.dumps(event))
                    wanted.append(back)
            for out, back in zip(drive(build, kind, made), wanted):
                if out is None or out.startswith("- ") or not no_controls(out):
                    wrong.append("%r: %.100r" % (back, out))
                    continue
                parsed = reader.read(out, strict=False)
                for to, _ in paths:
                    fields.add(to)
                    checked += 1
                    got = reader.get(parsed, to)
                    if got != back:
                        wrong.append("%s: %r, not %r" % (to, got, back))
        tally.check(not wrong and checked > 256 * 10, kind,
                    "%d of %d values differ; first %s" % (len(wrong), checked, "".join(wrong[:1])))
        print("%s: %d values of %d fields" % (kind, checked, len(fields)))


def hostile(text):
    """A character that no line of ours holds: printable ones stay, others become \\xHH."""
    out = ""
    for char in text:
        plain = " " <= char <= "~" or "\xa0" <= char <= "\xff" and char != "\xad"
        out += char if plain else "".join("\\x%02X" % b for b in char.encode())
    return out


def check_refused(tally, build):
    """What is no line of ours gives no line, and a long one is cut where the format says."""
    alert = json.loads(STORM)
    without_rule = json.loads(STORM)
    del without_rule["alert"]["metadata"]["rule"]
    bad = ["", "{}", "[]", "nothing", "null", STORM[:-1], STORM.replace("alert\"", "fileinfo\"", 1),
           STORM.replace("+0000", "Z", 1), STORM.replace("2026-11-21T10", "2026-13-21T10", 1),
           STORM.replace("{", "{\t", 1), STORM.replace("eth1", "eth\x7f1"), STORM.replace("eth1", "\u202e"),
           json.dumps(without_rule), STORM.replace('["medium"]', '["info"]'), "[" * 3000,
           json.dumps({**alert, "in_iface": "x" * 65536})]
    for kind in ("eve", *FORMATS):
        for line, out in zip(bad, drive(build, kind, bad)):
            tally.check(out == "- broken", kind, "%.80r gives %.80r" % (line, out))
    alert["starttls"] = {"finding": {"reason": '"\\|=]' * 9000}, "incident": {"state": "open"}}
    long = json.dumps(alert)
    for kind in FORMATS:
        out = drive(build, kind, [long])[0]
        limit = 65536 + (8192 if kind in ("cef", "rfc5424") else 0)
        tally.check(out is not None and len(out) < limit, kind, "a long line has %d" % len(out or ""))
        Reader(kind).read(out, strict=kind == "ocsf")


def check_options(tally, build):
    sensor = drive(build, "rfc5424", [SENSOR], "--reason", "--facility", "10")[0]
    head, data, message = parse_syslog(sensor)
    tally.equal("rfc5424", "facility", head["facility"], 10)
    tally.equal("rfc5424", "message", message, "3 of 100 packets were lost.")
    tally.equal("rfc5424", "host", (head["host"], head["app"], head["msgid"]),
                ("tap1", "stripwatch", "coverage-lost"))
    odd = drive(build, "rfc5424", [SENSOR.replace("tap1", "tap 1\u00fc")])[0]
    tally.equal("rfc5424", "an odd name", parse_syslog(odd)[0]["host"], "tap-1--")
    tally.equal("rfc5424", "origin", data["origin"]["software"], "stripwatch")
    _, pairs = parse_cef(drive(build, "cef", [STORM])[0])
    tally.equal("cef", "IPv6", (pairs.get("src"), pairs["c6a2"], pairs["c6a2Label"], pairs["c6a3"]),
                (None, "2001:db8::25", "Source IPv6 Address", "2001:db8::10"))
    ecs = json.loads(drive(build, "ecs", [STORM])[0])
    tally.equal("ecs", "tags", ecs["network"]["vlan"]["id"] + ecs["network"]["inner"]["vlan"]["id"], "79")
    tally.equal("ecs", "client", ecs["client"]["ip"], "2001:db8::10")
    tally.equal("ecs", "time", ecs["@timestamp"], "2026-11-21T10:00:00.000000Z")
    ocsf = json.loads(drive(build, "ocsf", [STORM])[0])  # date -u -d 2026-11-21T10:00:00Z +%s
    tally.equal("ocsf", "time", ocsf["time"], 1795255200000)


def check_command(tally, build):
    """--format of `read`: to standard output and to a file, the same each time, and nothing else."""
    capture = PCAPS / "starttls-refused-454" / "input.pcap"
    binary = build / "stripwatch"
    plain = run.read_json(binary, capture).raw
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("eve", *FORMATS):
            wanted = drive(build, kind, plain.decode().splitlines())
            wanted = "".join(line + "\n" for line in wanted if line is not None)
            one, two = Path(folder, "one"), Path(folder, "two")
            for path in (one, two):
                done = subprocess.run([binary, "read", "--json", "--format", kind, "-o", path, capture],
                                      stdout=subprocess.PIPE, check=False)
                tally.equal(kind, "exit code", done.returncode, 1)
            tally.check(done.stdout.decode() == wanted, kind, "standard output differs from the lines")
            tally.check(one.read_bytes() == two.read_bytes() == done.stdout, kind, "the file differs")
            subprocess.run([binary, "read", "-q", "--format", kind, "-a", "-o", one, capture], check=False)
            tally.check(one.read_bytes() == done.stdout * 2, kind, "-a does not add")
    for words, said in ((("--json", "--format", "leef"), "is not eve, ecs, cef, ocsf or rfc5424"),
                        (("--format", "ecs"), "--json or -o FILE")):
        done = subprocess.run([binary, "read", *words, capture], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, encoding="utf-8")
        tally.check(done.returncode == 2 and said in done.stderr, "--format", done.stderr)


def check_page(tally):
    text = formats_page.PAGE.read_text(encoding="utf-8")
    tally.check(formats_page.page(text) == text, "docs/formats.md", "is not what tests/tools/formats_page.py writes")
    for kind, numbers in SEVERITY.items():
        column = ("ecs", "cef", "ocsf", "rfc5424").index(kind) + 1
        got = {name: row[column] for name, row in formats_page.severities().items() if name != "info"}
        tally.equal("severities", kind, got, numbers)


# --- parsers of others ---

def node_modules(build):
    """Where the packages of NPM are, or None: installed once for a build."""
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    here = build / "npm"
    here.mkdir(exist_ok=True)
    stamp = here / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text()) != NPM:
        (here / "package.json").write_text("{}")
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                               *("%s@%s" % row for row in NPM.items())], cwd=here, timeout=180,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            return None
        stamp.write_text(json.dumps(NPM))
    return here / "node_modules"


def node(script, modules, lines, *words):
    done = subprocess.run(["node", str(TOP / "tests" / "tools" / script), str(modules), *words], timeout=120,
                          input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE,
                          check=True)
    return done.stdout.decode("utf-8").splitlines()


def check_npm(tally, build, lines):
    modules = node_modules(build)
    if not modules:
        tally.skip("npm or its packages are not at hand: @elastic/ecs, glossy, nsyslog-parser", 3)
        return
    said = node("ecs_check.js", modules, drive(build, "ecs", lines))
    tally.check(said[-1] == "%d of %d" % (len(lines), len(lines)), "@elastic/ecs", "; ".join(said[:9]))

    syslog = drive(build, "rfc5424", lines)
    wrong = []
    for line, theirs in zip(syslog, map(json.loads, node("syslog_check.js", modules, syslog, "rfc5424"))):
        head, data, message = parse_syslog(line)
        got = theirs["facilityID"], theirs["severityID"], theirs["msgID"], theirs["message"]
        if got != (head["facility"], head["severity"], head["msgid"], message) or \
                theirs["structuredData"] != data:
            wrong.append("%.300s" % line)
    tally.check(not wrong, "glossy", "%d lines differ; first %s" % (len(wrong), "".join(wrong[:1])))

    cef, wrong = [line for line in drive(build, "cef", lines) if line], []
    for line, theirs in zip(cef, map(json.loads, node("syslog_check.js", modules, cef, "cef"))):
        header, pairs = parse_cef(line)
        same = {key for key, value in pairs.items() if not re.search(r"[\\=]", value)}
        if theirs["cef"]["deviceEventClassID"] != header[4] or theirs["cef"]["severity"] != header[6] or \
                any(theirs["fields"].get(key) != pairs[key].strip() for key in same):
            wrong.append("%.300s" % line)
    tally.check(not wrong, "nsyslog-parser", "%d lines differ; first %s" % (len(wrong), "".join(wrong[:1])))


RSYSLOG = """
global(workDirectory="%(here)s" maxMessageSize="128k")
module(load="imptcp")
module(load="mmpstrucdata")
template(name="all" type="list") {
    constant(value="{") property(name="$!rfc5424-sd" format="jsonf" outname="sd")
    constant(value=",") property(name="syslogfacility" format="jsonf" outname="facility")
    constant(value=",") property(name="syslogseverity" format="jsonf" outname="severity")
    constant(value=",") property(name="app-name" format="jsonf" outname="app")
    constant(value=",") property(name="msgid" format="jsonf" outname="msgid")
    constant(value=",") property(name="msg" format="jsonf" outname="msg") constant(value="}\\n")
}
template(name="one" type="string" string="{\\"sd\\":%%$!rfc5424-sd%%,\\"facility\\":%%syslogfacility%%,\\"severity\\":%%syslogseverity%%,\\"msgid\\":\\"%%msgid%%\\",\\"msg\\":\\"%%msg:::json%%\\"}\\n")
input(type="imptcp" path="%(here)s/in" ruleset="r" supportOctetCountedFraming="on")
ruleset(name="r") {
    action(type="mmpstrucdata")
    action(type="omfile" file="%(here)s/out" template="one" flushOnTXEnd="on")
}
"""


def check_rsyslog(tally, build, lines):
    """rsyslog reads what we write: octets are counted (RFC 6587), as on TCP."""
    if not Path("/usr/sbin/rsyslogd").exists():
        tally.skip("rsyslogd is not installed")
        return
    import socket
    sent = [line for line in drive(build, "rfc5424", lines) if line]
    with tempfile.TemporaryDirectory() as here:
        conf = Path(here, "conf")
        conf.write_text(RSYSLOG % {"here": here}, encoding="utf-8")
        child = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-i", here + "/pid", "-f", str(conf)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: os.path.exists(here + "/in"))
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(here + "/in")
                for line in sent:
                    s.sendall(b"%d %s" % (len(line.encode()), line.encode()))
            out = Path(here, "out")
            wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") >= len(sent))
            got = out.read_text(encoding="utf-8").splitlines()
        finally:
            child.terminate()
            child.wait(10)
    wrong = []
    for line, theirs in zip(sent, got):
        head, data, message = parse_syslog(line)
        said = json.loads(theirs)
        lower = {i: {k.lower(): v for k, v in p.items()} for i, p in data.items()}
        if said["sd"] != lower or said["msg"].strip() != message or \
                (said["facility"], said["severity"], said["msgid"]) != \
                (head["facility"], head["severity"], head["msgid"]):
            wrong.append("%.400s" % theirs)
    tally.check(len(got) == len(sent) and not wrong, "rsyslog", "%d of %d lines, %d differ; first %s"
                % (len(got), len(sent), len(wrong), "".join(wrong[:1])))


def wait_for(there, seconds=30):
    end = time.monotonic() + seconds
    while not there() and time.monotonic() < end:
        time.sleep(0.02)


def main():
    build, tally = Path(sys.argv[1]), Tally()
    brief = "--brief" in sys.argv[2:]
    lines = [*captured(build / "stripwatch", 100 if brief else None), SENSOR, STORM]
    eve = check_schema.Checker()
    for line in (SENSOR, STORM):
        eve.newest = ""
        eve.check(line.encode() + b"\n")
    for kind in FORMATS:
        print("%s: %d lines" % (kind, check_form(tally, build, kind, lines)))
    check_bytes(tally, build, lines)
    check_refused(tally, build)
    check_options(tally, build)
    check_command(tally, build)
    check_page(tally)
    if not brief:
        check_npm(tally, build, lines)
        check_rsyslog(tally, build, [*rich(lines), SENSOR, STORM])
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
