#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What contrib/ has for those who collect lines, as far as it can be tried without them.

    test_contrib.py BUILD

Each file is well-formed, names only fields that our lines have, and takes every rule of the catalogue.
"""
import configparser
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import yaml

from run import LEVELS, PCAPS, Tally, read_json

import formats_page

TOP = Path(__file__).resolve().parents[2]
CONTRIB = TOP / "contrib"
WAZUH_LOCAL = range(100000, 120001)  # ids that Wazuh leaves to its users
SPLUNK_MODEL = {"action", "category", "dest", "dvc", "ids_type", "severity", "signature", "src",
                "vendor_product"}  # Intrusion_Detection


def sids():
    text = (TOP / "rules" / "catalogue.def").read_text(encoding="utf-8")
    return [*map(int, re.findall(r"^RULE\(\w+, \"[^\"]+\",\s*(\d+)", text, re.MULTILINE)), 1320899]


def schema_paths(value, at=""):
    """Every path of the schema of EVE, definitions followed."""
    out = set()
    for name, inner in value.get("properties", {}).items():
        path = "%s.%s" % (at, name) if at else name
        out.add(path)
        while "$ref" in inner:
            inner = SCHEMA["definitions"][inner["$ref"].rsplit("/", 1)[1]]
        out |= schema_paths(inner, path)
    return out


SCHEMA = json.loads((TOP / "docs" / "eve.schema.json").read_text(encoding="utf-8"))


def eve_paths():
    out = set()
    for kind in ("smtp", "handshake", "alert", "storm", "sensor", "stats"):
        out |= schema_paths(SCHEMA["definitions"][kind])
    return out


def conf(path):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def check_wazuh(tally, alerts):
    root = xml.parse(CONTRIB / "wazuh" / "stripwatch_rules.xml").getroot()
    rules = {int(rule.get("id")): rule for rule in root.iter("rule")}
    tally.check(all(number in WAZUH_LOCAL for number in rules), "wazuh", "ids %s" % list(rules))
    tally.check("active" not in root.get("name"), "wazuh", "group %s" % root.get("name"))
    pattern = rules[113200].find("field").text
    for sid in sids():
        tally.check(re.fullmatch(pattern.strip("^$"), str(sid)), "wazuh", "%d is not taken" % sid)
    levels = {}
    for number, rule in rules.items():
        field = rule.find("field").get("name")
        tally.check(field in eve_paths(), "wazuh", "no field %s" % field)
        for name in re.findall(r"\$\(([\w.]+)\)", rule.find("description").text):
            tally.check(name in eve_paths(), "wazuh", "no field %s" % name)
        if number != 113200:
            levels[rule.find("field").text] = int(rule.get("level"))
    got = sorted(levels, key=levels.get)
    tally.equal("wazuh", "severities by level", got, list(LEVELS[1:]))
    for alert in alerts:  # each alert is taken by one of the rules
        severity = alert["alert"]["metadata"]["severity"][0]
        tally.check(sum(word in severity for word in levels) == 1, "wazuh", severity)
        tally.check("srcip" not in alert, "wazuh", "an active response would find srcip")


def check_splunk(tally, alerts):
    props = conf(CONTRIB / "splunk" / "props.conf")["stripwatch:eve"]
    types, tags = conf(CONTRIB / "splunk" / "eventtypes.conf"), conf(CONTRIB / "splunk" / "tags.conf")
    made = {key[len("EVAL-"):] for key in props if key.startswith("EVAL-")}
    for key, value in props.items():
        if not key.startswith("FIELDALIAS-"):
            continue
        for name, alias in re.findall(r"(\S+) AS (\S+)", value):
            made.add(alias)
            tally.check(name.replace("{}", "") in eve_paths(), "splunk", "no field %s" % name)
    tally.check(SPLUNK_MODEL <= made, "splunk", "without %s" % (SPLUNK_MODEL - made))
    tally.equal("splunk", "event types", {"eventtype=" + name for name in types.sections()},
                set(tags.sections()))
    tally.equal("splunk", "tags", dict(tags["eventtype=stripwatch_alert"]),
                {"ids": "enabled", "attack": "enabled"})
    for alert in alerts:
        line = json.dumps(alert, separators=(",", ":"))
        start = re.match(props["TIME_PREFIX"], line)
        stamp = line[start.end():start.end() + int(props["MAX_TIMESTAMP_LOOKAHEAD"])]
        tally.equal("splunk", "time", stamp, alert["timestamp"])


def matches(selection, event):
    """Sigma: all fields of a selection; a list of ours matches if one of its values does."""
    for key, wanted in selection.items():
        path, _, how = key.partition("|")
        value = event
        for step in path.split("."):
            value = value.get(step, {}) if isinstance(value, dict) else {}
        values = value if isinstance(value, list) else [value]
        wanted = wanted if isinstance(wanted, list) else [wanted]
        good = (any(str(v).startswith(str(w)) for v in values for w in wanted) if how == "startswith"
                else any(v == w for v in values for w in wanted))
        if not good:
            return False
    return True


def check_sigma(tally, alerts):
    ids, taken = set(), {}
    for path in sorted((CONTRIB / "sigma").glob("*.yml")):
        rule = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = path.name
        tally.check({"title", "id", "logsource", "detection", "level"} <= set(rule), name, "is not whole")
        tally.check(rule["level"] in LEVELS, name, "level %s" % rule["level"])
        tally.check(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", rule["id"])
                    and rule["id"] not in ids, name, "id %s" % rule["id"])
        ids.add(rule["id"])
        selection = rule["detection"]["selection"]
        tally.equal(name, "condition", rule["detection"]["condition"], "selection")
        for key in [*selection, *rule["fields"]]:
            tally.check(key.partition("|")[0] in eve_paths(), name, "no field %s" % key)
        taken[path.stem] = sum(matches(selection, alert) for alert in alerts)
    for name, rows in (("stripwatch_high", lambda f: f["severity"][0] in ("high", "critical")),
                       ("stripwatch_policy", lambda f: f.get("policy_mode") == ["enforce"]),
                       ("stripwatch_mail_in_clear", lambda f: f.get("exposure", ["none"])[0] in
                        ("mail-in-clear", "login-in-clear"))):
        wanted = sum(map(rows, (alert["alert"]["metadata"] for alert in alerts)))
        tally.check(taken[name] == wanted > 0, name, "takes %d of %d" % (taken[name], wanted))
    print("sigma: %s" % taken)


def ecs_paths():
    return {re.sub(r"\[\d+\]", "", row[1]) for row in formats_page.rows() if row[0] == "ECS"}


def mapped(properties, at=""):
    for name, inner in properties.items():
        path = at + name
        if "properties" in inner:
            yield from mapped(inner["properties"], path + ".")
        else:
            yield path, inner["type"]


def check_elastic(tally, build, alerts):
    pipeline = json.loads((CONTRIB / "elastic" / "ingest-pipeline.json").read_text(encoding="utf-8"))
    template = json.loads((CONTRIB / "elastic" / "index-template.json").read_text(encoding="utf-8"))
    tally.equal("elastic", "_id", pipeline["processors"][0]["set"]["copy_from"], "event.id")
    known = ecs_paths() | {"labels", "event.ingested"}
    fields = dict(mapped(template["template"]["mappings"]["properties"]))
    for name in fields:
        tally.check(name in known, "elastic", "no field %s" % name)
    for name in known:
        wanted = "ip" if name.endswith(".ip") else None
        tally.check(not wanted or fields.get(name) == wanted, "elastic", "%s is no ip" % name)
    for kind in ("logstash/stripwatch.conf", "vector/stripwatch.yaml"):
        text = (CONTRIB / kind).read_text(encoding="utf-8")
        tally.check("event" in text and "create" in text, kind, "an alert may come twice")
    ecs = subprocess.run([build / "tests" / "format_drive", "ecs"], stdout=subprocess.PIPE, check=True,
                         input="".join(json.dumps(a) + "\n" for a in alerts).encode()).stdout.splitlines()
    ids = [json.loads(line)["event"]["id"] for line in ecs]
    tally.equal("elastic", "ids", ids, [a["alert"]["metadata"]["alert_id"][0] for a in alerts])


def check_others(tally):
    vector = yaml.safe_load((CONTRIB / "vector" / "stripwatch.yaml").read_text(encoding="utf-8"))
    parts = {**vector["sources"], **vector["transforms"], **vector["sinks"]}
    for name, part in parts.items():
        for wanted in part.get("inputs", ()):
            tally.check(wanted in parts, "vector", "%s takes %s" % (name, wanted))
    logstash = (CONTRIB / "logstash" / "stripwatch.conf").read_text(encoding="utf-8")
    plain = re.sub(r'#.*|"[^"]*"', "", logstash)
    tally.check(plain.count("{") == plain.count("}"), "logstash", "brackets")
    tally.equal("logstash", "parts", re.findall(r"^(\w+) \{", logstash, re.MULTILINE),
                ["input", "filter", "output"])


def main():
    build, tally = Path(sys.argv[1]), Tally()
    alerts = []
    for folder in ("starttls-refused-454", "starttls-garbled-auth", "auth-in-clear-25-offered",
                   "conflicting-segments", "sts-cleartext"):
        for name in sorted(PCAPS.glob(folder + "*/input.pcap")):
            options = json.loads((name.parent / "expect.json").read_text()).get("options", ())
            options = [o.replace("{folder}", str(name.parent)) for o in options]
            alerts += read_json(build / "stripwatch", name, options).alerts
    alerts = [alert for alert in alerts if "flow" in alert]
    print("%d alerts" % len(alerts))
    check_wazuh(tally, alerts)
    check_splunk(tally, alerts)
    check_sigma(tally, alerts)
    check_elastic(tally, build, alerts)
    check_others(tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
