#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing of people's leaves the program: no local part, subject, word of a message or login.

    test_privacy.py BINARY [SHARED_DIR]

The secrets of a capture are collected here, from its payload, by a simple reading that shares
nothing with the program: addresses in MAIL and RCPT, what follows DATA and BDAT, what belongs to
AUTH, as sent and decoded. None of them may stand in the summary or in the lines of --json.
"""
import base64
import binascii
import re
import subprocess
import sys
from pathlib import Path

import run
from run import PCAPS, Tally

import morph
import pcapio

MAIL_PORTS = (25, 465, 587, 2525)
SHORTEST = 5  # a shorter word may stand in any output by chance
ADDRESS = re.compile(rb"(?im)^(?:MAIL FROM|RCPT TO):\s*<?\s*([^\s<>@]+)@[^\s>]*")
AUTH = re.compile(rb"(?im)^AUTH[ \t]+\S+[ \t]+(\S+)[ \t]*\r?$")
BASE64_LINE = re.compile(rb"(?m)^([A-Za-z0-9+/]{8,}={0,2})\r?$")
WORD = re.compile(rb"[\w.+\-']{%d,}" % SHORTEST)
LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
DATA = re.compile(rb"(?ims)^DATA[ \t]*\r?\n(.*?)(?:\r?\n\.\r?\n|\Z)")
BDAT = re.compile(rb"(?im)^BDAT[ \t]+(\d+)(?:[ \t]+LAST)?[ \t]*\r?\n")
COMMAND = re.compile(rb"(?i)^(?:EHLO|HELO|LHLO|MAIL|RCPT|DATA|BDAT|AUTH|RSET|QUIT|STARTTLS|NOOP|X)")


# --- the capture, read simply --------------------------------------------------------------------

def directions(capture):
    """Payload by direction in the order of sequence numbers; repeated bytes once, holes closed."""
    streams, joined = {}, {}
    for segment in morph.tcp_segments(capture):
        if segment.payload and {segment.sport, segment.dport} & set(MAIL_PORTS):
            streams.setdefault(segment.key, []).append((segment.seq, segment.payload))
    for key, parts in streams.items():
        base, out, end = parts[0][0], b"", None
        for seq, data in sorted(parts, key=lambda part: (part[0] - base + 2**31) % 2**32):
            at = (seq - base + 2**31) % 2**32
            skip = 0 if end is None else max(0, end - at)
            out += data[skip:]
            end = at + len(data) if end is None else max(end, at + len(data))
        joined[key] = out
    return joined


def decoded(token):
    try:
        return base64.b64decode(token + b"=" * (-len(token) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def login_secrets(stream):
    """Base64 of AUTH with initial response, lone base64 lines of challenge and answer, decoded."""
    tokens = [m[1] for m in AUTH.finditer(stream)]
    if re.search(rb"(?im)^AUTH\b", stream):
        tokens += [m[1] for m in BASE64_LINE.finditer(stream) if not COMMAND.match(m[1])]
    out = set(tokens)
    for token in tokens:
        out |= {part for part in re.split(rb"[\0\x01 ]", decoded(token))}
    return {secret for secret in out if len(secret) >= SHORTEST}


def bodies(stream):
    yield from (m[1] for m in DATA.finditer(stream))
    for m in BDAT.finditer(stream):
        yield stream[m.end():m.end() + int(m[1])]


def secrets_of(capture):
    """(kind, bytes) of everything that must not be told, and the words that may be."""
    found, public = set(), set()
    for (_, sport, _, dport), stream in directions(capture).items():
        if dport not in MAIL_PORTS:
            public |= set(WORD.findall(stream))  # what the server says is no one's secret
            continue
        texts = list(bodies(stream))
        commands = stream
        for text in texts:
            commands = commands.replace(text, b"")
        public |= public_words(commands)
        found |= {("local part", m[1]) for m in ADDRESS.finditer(commands)}
        found |= {("login", secret) for secret in login_secrets(commands)}
        found |= {("text", word) for text in texts for word in WORD.findall(text)}
    return {row for row in found if len(row[1]) >= SHORTEST and LETTER.search(row[1])}, public


def public_words(commands):
    """HELO names, domains and verbs: told on purpose."""
    names = re.findall(rb"(?im)^(?:EHLO|HELO|LHLO)[ \t]+(\S+)", commands)
    names += re.findall(rb"@([^\s>]+)", commands)
    return {word for name in names for word in WORD.findall(name)}


# --- what the program says -----------------------------------------------------------------------

def outputs(binary, path):
    """Both renderings. The capture comes on stdin: its name may hold words of its text."""
    for options in (["--json"], []):
        with path.open("rb") as capture:
            done = subprocess.run([binary, "read", *options, "-"], stdin=capture, timeout=120,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        yield " ".join(options) or "summary", (done.stdout + done.stderr).lower()


def own_words():
    """What the program may say of itself: the words of its messages, keys and rule texts."""
    root = run.TESTS.parent
    return b" ".join(path.read_bytes().lower() for folder in ("rules", "alert", "report")
                     for path in sorted((root / folder).rglob("*.*")) if path.is_file())


def check_capture(tally, binary, path, own):
    secrets, public = secrets_of(pcapio.read(path))
    public = {word.lower() for word in public}
    for rendering, text in outputs(binary, path):
        for kind, secret in sorted(secrets):
            small = secret.lower()
            if small in public or small in own or any(small in word for word in public):
                continue
            where = re.search(rb"(?<![\w])" + re.escape(small) + rb"(?![\w])", text)
            tally.check(where is None, "%s, %s" % (path.parent.name + "/" + path.name, rendering),
                        "%s %r is told" % (kind, secret))


def captures(shared):
    yield from sorted(PCAPS.glob("*/input.pcap"))
    for kind in ("lab", "public"):
        if shared and (shared / "pcaps" / kind).is_dir():
            yield from sorted((shared / "pcaps" / kind).glob("*.pcap*"))


def test_reader(tally):
    """The reading finds what is there: otherwise this test would pass in its sleep."""
    folder = PCAPS / "auth-in-clear-plain"
    secrets, _ = secrets_of(pcapio.read(folder / "input.pcap"))
    for row in (("local part", b"alice"), ("login", b"AGRvcm90aHkAcmFpbmJvdy1zZWNyZXQ="),
                ("login", b"rainbow-secret"), ("login", b"dorothy"), ("text", b"quick")):
        tally.check(row in secrets, "the reading", "%s %r was not found" % row)


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    shared = Path(arguments[2]) if len(arguments) == 3 else None
    tally = Tally()
    test_reader(tally)
    if shared is None or not (shared / "pcaps").is_dir():
        tally.skip("!!! captures outside the tree are not there !!!")
    own = own_words()
    for path in captures(shared):
        check_capture(tally, arguments[1], path, own)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
