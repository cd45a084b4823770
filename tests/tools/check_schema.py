#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks lines of EVE JSON against docs/eve.schema.json.

usage: stripwatch read --json FILE | check_schema.py [--quiet]

Beside the schema: each line is one object ending in LF, no longer than 65,536 bytes, no key stands
twice in an object, timestamps have 31 characters and never run backwards. Refuses empty input.
Says the number of each bad line; exits 1 if there was any.
Needs python3-jsonschema.
"""
import argparse
import ipaddress
import json
import pathlib
import sys

import jsonschema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "eve.schema.json"
MAX_LINE = 65536
MAX_TOLD = 20

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("ipv4", ValueError)(lambda text: bool(ipaddress.IPv4Address(text)) or True)
FORMATS.checks("ipv6", ValueError)(lambda text: bool(ipaddress.IPv6Address(text)) or True)


class Bad(Exception):
    """A line that breaks the contract."""


def object_without_doubles(pairs):
    keys = [key for key, _ in pairs]
    doubles = sorted({key for key in keys if keys.count(key) > 1})
    if doubles:
        raise Bad(f"key twice in one object: {', '.join(doubles)}")
    return dict(pairs)


def refuse_constant(text):
    raise Bad(f"{text} is not JSON")


def parse(line):
    if not line.endswith(b"\n"):
        raise Bad("does not end in LF")
    if len(line) > MAX_LINE:
        raise Bad(f"{len(line)} bytes")
    try:
        text = line.decode("utf-8")
        event = json.loads(text, object_pairs_hook=object_without_doubles,
                           parse_constant=refuse_constant)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Bad(str(error)) from error
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u2028\u2029" for c in text[:-1]):
        raise Bad("a raw control character")
    return event


class Checker:
    def __init__(self):
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema, format_checker=FORMATS)
        self.newest = ""

    def check(self, line):
        event = parse(line)
        error = jsonschema.exceptions.best_match(self.validator.iter_errors(event))
        if error:
            path = "/".join(str(step) for step in error.absolute_path)
            raise Bad(f"{path or 'line'}: {error.message:.300}")
        self.check_time(event["timestamp"])

    def check_time(self, timestamp):
        if len(timestamp) != 31:
            raise Bad(f"timestamp of {len(timestamp)} characters")
        if timestamp < self.newest:
            raise Bad(f"time runs backwards: {timestamp} after {self.newest}")
        self.newest = timestamp


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quiet", action="store_true", help="say nothing when all is well")
    quiet = parser.parse_args().quiet
    checker = Checker()
    lines = bad = 0
    for lines, line in enumerate(sys.stdin.buffer, 1):
        try:
            checker.check(line)
        except Bad as error:
            bad += 1
            if bad <= MAX_TOLD:
                print(f"line {lines}: {error}", file=sys.stderr)
    if lines == 0:
        print("no input: nothing was checked", file=sys.stderr)
        return 1
    if bad:
        print(f"{bad} of {lines} lines are bad", file=sys.stderr)
        return 1
    if not quiet:
        print(f"{lines} lines are good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
