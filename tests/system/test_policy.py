#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_policy.py BINARY [SHARED]: `policy lint` over labelled policies, vectors and TXT records, where
SHARED has them, and over the corner cases of its command line."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

passed = failed = skipped = 0


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL", what)


def lint(binary, *arguments, body=None):
    run = subprocess.run([binary, "policy", "lint", "--json", *arguments], input=body,
                         capture_output=True, check=False)
    verdict = json.loads(run.stdout) if run.stdout else None
    if verdict is not None:
        check(run.returncode == (0 if verdict["strict"] else 1), f"{arguments}: exit {run.returncode}")
        check((verdict["reason"] is None) == verdict["strict"], f"{arguments}: reason {verdict['reason']}")
    return run.returncode, verdict


def lint_body(binary, body):
    return lint(binary, "--file", "-", body=body)[1]


def check_body(binary, label, body, name):
    """`label` is the strict reading; `debatable` ones are judged by usable alone."""
    got = lint_body(binary, body)
    if label.get("debatable"):
        check(got["usable"], f"{name}: usable")
        check("blank-line" in got["lints"], f"{name}: {got['lints']}")
    else:
        check(got["strict"] == label["valid"], f"{name}: strict {got['strict']}: {got['reason']}, {label['reason']}")
    if got["usable"] or got["strict"]:
        check(got["mode"] == label["mode"], f"{name}: mode {got['mode']}")
        check(got["mx"] == label["mx"], f"{name}: mx {got['mx']}")
        check(got["max_age"] == min(label["max_age"], 31557600), f"{name}: max_age {got['max_age']}")


def policies(binary, data):
    folder = data / "mta-sts-policies"
    for label in json.loads((folder / "LABELS.json").read_text())["policies"]:
        check_body(binary, label, (folder / label["file"]).read_bytes(), label["file"])


def vectors(binary, data):
    for v in json.loads((data / "policy-vectors.json").read_text())["vectors"]:
        body = bytes.fromhex(v["body_hex"]) if v["body_hex"] else v["body"].encode()
        check_body(binary, v, body, v["id"])


def records(binary, data):
    for v in json.loads((data / "txt-records.json").read_text())["vectors"]:
        arguments = []
        for record in v["records"]:
            arguments += ["--txt-strings", *record] if len(record) > 1 else ["--txt", *record]
        got = lint(binary, *arguments)[1]
        check(got["strict"] == v["valid"], f"{v['name']}: strict {got['strict']}: {got['reason']}")
        if v["valid"] and v["kind"] == "_mta-sts":
            check(got["id"] == v["id"], f"{v['name']}: id {got['id']}")
        if v["valid"] and v["kind"] == "_smtp._tls":
            check(got["rua"] == v["rua"], f"{v['name']}: rua {got['rua']}")


BODY = b"version: STSv1\nmode: enforce\nmx: mx1.alder.example\nmx: *.a.example\nmax_age: 604800\n"


def command_line(binary):
    got = lint_body(binary, BODY)
    check(list(got) == ["strict", "usable", "mode", "mx", "max_age", "id", "lints", "reason"], f"keys {list(got)}")
    check(got == {"strict": True, "usable": True, "mode": "enforce", "mx": ["mx1.alder.example", "*.a.example"],
                  "max_age": 604800, "id": None, "lints": [], "reason": None}, got)
    with tempfile.NamedTemporaryFile() as f:
        f.write(BODY + b"\n")
        f.flush()
        code, got = lint(binary, "--file", f.name)
        check(code == 1 and got["usable"] and got["lints"] == ["blank-line"], got)
    check(lint(binary, "--file", "/nonexistent/policy")[0] == 2, "no file: exit 2")
    check(lint(binary, "--file", "/")[0] == 2, "a directory: exit 2")
    check(lint(binary)[0] == 2, "nothing to lint: exit 2")
    check(lint(binary, "--file", "-", "--txt", "x")[0] == 2, "both: exit 2")
    check(lint(binary, "x", "--file", "-")[0] == 2, "a word too many: exit 2")
    # One RR of two strings is joined without a space; two RRs are not joined at all.
    check(lint(binary, "--txt-strings", "v=STSv1; id=2026", "1122")[1]["id"] == "20261122", "strings are joined")
    check(lint(binary, "--txt", "v=STSv1; id=2026", "1122")[1]["id"] == "2026", "records are not")
    check(lint(binary, "--txt", "v=STSv1; id=a", "v=STSv1; id=b")[0] == 1, "two records are none")
    got = lint(binary, "--txt", "v=spf1 -all", "--txt-strings", "v=STS", "v1; id=a", "--txt", "x")[1]
    check(got["strict"] and got["lints"] == ["other-records", "split-strings"], got)
    check(lint(binary, "--txt", "--", "-x")[0] == 1, "a record may begin with a hyphen")
    check(lint(binary, "--txt")[1]["reason"] == "no record begins with v=STSv1;", "no record at all")
    got = lint(binary, "--txt", "v=TLSRPTv1;rua=mailto:a@b.example")[1]
    check(got["strict"] and got["rua"] == ["mailto:a@b.example"], got)
    run = subprocess.run([binary, "policy", "lint", "--file", "-"], input=b"\x1b[31m\n", capture_output=True, check=False)
    check(b"\x1b" not in run.stdout and run.returncode == 1, "the terminal gets no control bytes")
    for wrong in (["policy"], ["policy", "lynt"], ["policy", "lint", "--ports", "25"]):
        run = subprocess.run([binary, *wrong], capture_output=True, check=False)
        check(run.returncode == 2 and run.stderr, f"{wrong}: {run.returncode}")


def main():
    global skipped
    binary = sys.argv[1]
    command_line(binary)
    data = Path(sys.argv[2]) / "data" if len(sys.argv) > 2 else None
    if data and data.is_dir():
        policies(binary, data)
        vectors(binary, data)
        records(binary, data)
    else:
        print("SKIP labelled policies: no shared data")
        skipped += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
