#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`check` and the command line of `watch`: what is wrong is told by file, line and key, and nothing
starts; what is right is taken as it was written.

    test_config.py BINARY
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from run import Tally

TOP = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024

# Name, file, "LINE: KEY" that must be told (or KEY alone where no line is to blame), a word of the
# reason. @DIR@ is a directory with the files of prepare().
BAD = (
    # keys
    ("unknown section", "captur:\n  snaplen: 300\n", "1: captur", "did you mean 'capture'"),
    ("unknown key", "capture:\n  snaplenn: 300\n", "2: capture.snaplenn",
     "did you mean 'capture.snaplen'"),
    ("unknown key of a subsection", "output:\n  redis:\n    adress: localhost\n",
     "3: output.redis.adress", "did you mean 'output.redis.address'"),
    ("key without its section", "snaplen: 300\n", "1: snaplen", "did you mean 'capture.snaplen'"),
    ("key of another section", "sensor:\n  snaplen: 300\n", "2: sensor.snaplen",
     "did you mean 'capture.snaplen'"),
    ("nothing like it", "log:\n  zzzzzzzzzzzz: 1\n", "2: log.zzzzzzzzzzzz", "unknown key"),
    ("key in capitals", "LOG:\n  level: info\n", "1: LOG", "unknown key"),
    ("empty key", "log:\n  '': 1\n", "2: log.''", "unknown key"),
    ("empty key above all", "'':\n  log:\n    level: debug\n", "1: ''", "unknown key"),
    ("no key", ": log\n", "1: syntax", "expected key"),
    ("merge key", "log:\n  <<: {level: info}\n", "2: log.<<", "unknown key"),
    ("key twice", "log:\n  level: info\n  level: debug\n", "3: log.level", "first in line 2"),
    ("key twice, dotted", "log:\n  level: info\nlog.level: debug\n", "3: log.level",
     "first in line 2"),
    ("list twice", "capture:\n  ports: [25]\n  ports: [26]\n", "3: capture.ports", "twice"),
    ("section twice", "log:\n  level: info\nlog:\n  format: text\n", "3: log", "first in line 1"),
    ("unknown key and its contents", "log:\n  deep: {a: {b: [1, 2]}}\n  level: info\n",
     "2: log.deep", "unknown key"),
    ("key with an escape", 'log:\n  "a\\x1b": 1\n', "2: log.a\\x1B", "unknown key"),
    ("very long key", "log:\n  %s: 1\n" % ("k" * 900), "2: log.kkk", "unknown key"),
    # form
    ("section is a value", "log: debug\n", "1: log", "is a section"),
    ("section is a list", "log: [debug]\n", "1: log", "is a section"),
    ("value is a section", "log:\n  level: {a: b}\n", "2: log.level", "value belongs"),
    ("value is a list", "log:\n  level: [info]\n", "2: log.level", "not a list"),
    ("item is a section", "capture:\n  ports:\n    - 25\n    - a: b\n", "4: capture.ports",
     "value belongs"),
    ("item is a list", "capture:\n  ports: [25, [26]]\n", "2: capture.ports", "value belongs"),
    ("item is nothing", "capture:\n  ports:\n    - 25\n    -\n", "4: capture.ports", "no value"),
    ("no value", "log:\n  level:\n", "2: log.level", "no value"),
    ("null", "log:\n  level: ~\n", "2: log.level", "no value"),
    ("list in one word", "capture:\n  ports: 25,26\n", "2: capture.ports", "[A, B]"),
    ("file is a word", "hello\n", "1: syntax", "no sections"),
    ("file is a list", "- a\n- b\n", "1: syntax", "no sections"),
    ("key is a list", "log:\n  ? [a]\n  : b\n", "2: log", "a key is a word"),
    # YAML that is not read
    ("alias", "sensor:\n  name: &a x\n  own_mx: *a\n", "2: sensor.name", "anchor"),
    ("undefined alias", "sensor:\n  name: *a\n", "2: sensor.name", "alias"),
    ("tag", "sensor:\n  memory: !!int 256\n", "2: sensor.memory", "tag"),
    ("own tag", "sensor: !x\n  memory: 256\n", "1: sensor", "tag"),
    ("billion laughs", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        "%s: &%s [%s]\n" % (b, b, ",".join(["*" + a] * 9)) for a, b in zip("abcdefgh", "bcdefghi")),
     "1: a", "anchor"),
    ("two documents", "log:\n  level: info\n---\nlog:\n  level: debug\n", "3: syntax",
     "second document"),
    ("nested too deep", "log: " + "{a: " * 5000, "1: log.a", "too deep"),
    ("nested too deep in brackets", "log:\n  a: " + "[" * 100000, "2: log.a", "too deep"),
    ("tab", "log:\n\tlevel: info\n", "2: log", "tab"),
    ("indentation", "log:\n  level: info\n   format: text\n", "3: log", "mapping values"),
    ("unfinished quotation", "sensor:\n  name: 'abc\n", "3: sensor.name", "quoted scalar"),
    ("unfinished list", "capture:\n  ports: [25, 26\n", "3: capture.ports", "sequence"),
    ("directive", "%FOO bar baz\n", "1: syntax", ""),
    ("not UTF-8", b"log:\n  level: info\nsensor:\n  name: \xff\xfe\n", "4: syntax", "0xFF"),
    ("Latin-1", b"sensor:\n  name: M\xfcller\n", "2: syntax", "0xFC"),
    ("overlong UTF-8", b"sensor:\n  name: \xc0\xaf\n", "2: syntax", "0xC0"),
    ("UTF-16", "log:\n".encode("utf-16"), "1: syntax", "not printable UTF-8"),
    ("NUL", b"log:\n  level: in\x00fo\n", "2: syntax", "0x00"),
    ("escape", b"log:\n  level: \x1b[2J\n", "2: syntax", "0x1B"),
    ("text that turns its direction", "# \u202e\nlog:\n  level: info\n", "1: syntax", "0xE2"),
    ("escaped NUL", 'sensor:\n  name: "a\\0b"\n', "2: sensor.name", "cannot be printed"),
    ("escaped line end", 'sensor:\n  name: "a\\nb"\n', "2: sensor.name", "cannot be printed"),
    ("too many words", "zz: [" + "1," * 20000 + "1]\n", "1: zz", "too many words"),
    ("long file", "#" * 300000 + "\n", "file", "256 KiB"),
    ("long value", "capture:\n  filter: %s\n" % ("x" * 5000), "2: capture.filter", "longer than"),
    # numbers
    ("number of no kind", "capture:\n  snaplen: many\n", "2: capture.snaplen", "256 to 262144"),
    ("number below", "capture:\n  snaplen: 255\n", "2: capture.snaplen", "256 to 262144"),
    ("number above", "capture:\n  snaplen: 262145\n", "2: capture.snaplen", "256 to 262144"),
    ("number above with its unit", "capture:\n  snaplen: 257KiB\n", "2: capture.snaplen", "262144"),
    ("negative", "capture:\n  workers: -1\n", "2: capture.workers", "1 to 16"),
    ("fraction", "sensor:\n  memory: 256.5\n", "2: sensor.memory", "64 to"),
    ("octal", "sensor:\n  community_id_seed: 017\n", "2: sensor.community_id_seed", "0 to 65535"),
    ("hexadecimal", "sensor:\n  community_id_seed: 0x10\n", "2: sensor.community_id_seed", "0 to"),
    ("2 to the 32 and 256", "sensor:\n  memory: 4294967552\n", "2: sensor.memory", "64 to"),
    ("2 to the 64 and 256", "sensor:\n  memory: 18446744073709551872\n", "2: sensor.memory", "64"),
    ("unit that wraps", "sensor:\n  memory: 4194304 TiB\n", "2: sensor.memory", "64 to"),
    ("wrong unit", "sensor:\n  memory: 256 MB\n", "2: sensor.memory", "MiB"),
    ("unit of another kind", "coverage:\n  gap: 10 MiB\n", "2: coverage.gap", "min, h, d"),
    ("unit alone", "coverage:\n  gap: min\n", "2: coverage.gap", "10 to 86400"),
    ("per cent beyond all", "coverage:\n  drops: 101\n", "2: coverage.drops", "0 to 100"),
    ("empty number", "coverage:\n  drops: ''\n", "2: coverage.drops", "0 to 100"),
    # words
    ("boolean", "capture:\n  tunnels: maybe\n", "2: capture.tunnels", "true or false"),
    ("boolean as a number", "capture:\n  tunnels: 1\n", "2: capture.tunnels", "true or false"),
    ("choice", "log:\n  level: infos\n", "2: log.level", "did you mean info?"),
    ("choice of nothing like it", "output:\n  redis:\n    mode: zzzzzzzz\n", "3: output.redis.mode",
     "lpush, rpush, publish or xadd"),
    ("severity that raises no alert", "output:\n  min_severity: info\n", "2: output.min_severity",
     "low, medium, high or critical"),
    ("kind", "output:\n  file:\n    kinds: [smtp, alerts]\n", "3: output.file.kinds",
     "did you mean alert?"),
    ("kind twice", "output:\n  file:\n    kinds: [tls, tls]\n", "3: output.file.kinds", "twice"),
    ("no kinds", "output:\n  file:\n    kinds: []\n", "3: output.file.kinds", "empty"),
    ("name too long", "sensor:\n  name: %s\n" % ("n" * 256), "2: sensor.name", "255"),
    ("user", "process:\n  user: a b\n", "2: process.user", "not the name"),
    ("user as an option", "process:\n  user: -x\n", "2: process.user", "not the name"),
    # networks, ports, interfaces
    ("port 0", "capture:\n  ports: [25, 0]\n", "2: capture.ports", "1 to 65535"),
    ("port 65536", "capture:\n  ports:\n    - 25\n    - 65536\n", "4: capture.ports", "1 to 65535"),
    ("port by name", "capture:\n  ports: [smtp]\n", "2: capture.ports", "1 to 65535"),
    ("port twice", "capture:\n  ports: [25, 25]\n", "2: capture.ports", "twice"),
    ("no ports", "capture:\n  ports: []\n", "2: capture.ports", "empty"),
    ("17 ports", "capture:\n  ports: %s\n" % list(range(1, 18)), "2: capture.ports", "too many"),
    ("network", "sensor:\n  local_nets: [10.0.0.0/8, 10.0.0]\n", "2: sensor.local_nets", "'10.0.0'"),
    ("network with a host", "sensor:\n  local_nets:\n  - 10.0.0.1/8\n", "3: sensor.local_nets",
     "10.0.0.1/8"),
    ("length of a prefix", "sensor:\n  own_mx: [2001:db8::/129]\n", "2: sensor.own_mx", "/129"),
    ("network twice", "sensor:\n  resolvers: [192.0.2.1, 192.0.2.1/32]\n", "2: sensor.resolvers",
     "twice"),
    ("257 networks", "sensor:\n  smart_hosts: [%s]\n" % ", ".join(
        "10.0.%d.%d" % divmod(n, 256) for n in range(257)), "2: sensor.smart_hosts", "too many"),
    ("interface", "capture:\n  interfaces: [eth/0]\n", "2: capture.interfaces", "interface"),
    ("interface twice", "capture:\n  interfaces: [eth0, eth0=unknown]\n", "2: capture.interfaces",
     "twice"),
    ("vantage", "capture:\n  interfaces: [eth0=client]\n", "2: capture.interfaces", "client-side"),
    ("17 interfaces", "capture:\n  interfaces: [%s]\n" % ", ".join(
        "e%d" % n for n in range(17)), "2: capture.interfaces", "too many"),
    ("more processes than there may be", "capture:\n  interfaces: [a, b, c]\n  workers: 6\n",
     "3: capture.workers", "16 processes"),
    # paths, addresses, secrets
    ("relative path", "output:\n  file:\n    path: eve.json\n", "3: output.file.path", "absolute"),
    ("path is a dash", "output:\n  file:\n    path: '-'\n", "3: output.file.path", "output.stdout"),
    ("long path", "output:\n  spool:\n    dir: /%s\n" % ("d" * 1100), "3: output.spool.dir",
     "too long"),
    ("file that is not there", "policy:\n  preload: @DIR@/none\n", "2: policy.preload",
     "No such file"),
    ("socket too long", "control:\n  socket: /%s\n" % ("s" * 107), "2: control.socket", "107"),
    ("state without a path", "policy:\n  state: 'sqlite:'\n", "2: policy.state", "path"),
    ("relative state", "policy:\n  state: state.db\n", "2: policy.state", "absolute"),
    ("state of an unknown kind", "policy:\n  state: mysql://h\n", "2: policy.state", "none of"),
    ("password in a URL", "policy:\n  state: redis://u:geheim@h\n", "2: policy.state",
     "password-file"),
    ("source of policies", "policy:\n  policies: [/tmp, 'rediss://h']\n", "2: policy.policies",
     "TLS"),
    ("metrics for everybody", "metrics:\n  listen: 0.0.0.0:9107\n", "2: metrics.listen",
     "this machine alone"),
    ("metrics for the network", "metrics:\n  listen: '192.0.2.1:9107'\n", "2: metrics.listen",
     "this machine alone"),
    ("metrics at any IPv6 address", "metrics:\n  listen: '[::]:9107'\n", "2: metrics.listen",
     "this machine alone"),
    ("metrics at a name", "metrics:\n  listen: localhost:9107\n", "2: metrics.listen", "machine"),
    ("metrics without a port", "metrics:\n  listen: 127.0.0.1\n", "2: metrics.listen",
     "ADDRESS:PORT"),
    ("metrics at port 0", "metrics:\n  listen: 127.0.0.1:0\n", "2: metrics.listen", "ADDRESS:PORT"),
    ("metrics at bare IPv6", "metrics:\n  listen: ::1:9107\n", "2: metrics.listen", "ADDRESS:PORT"),
    # outputs that leave this machine
    ("syslog as a URL", "output:\n  syslog:\n    address: tcp://h\n", "3: output.syslog.address", "HOST"),
    ("syslog with a bad port", "output:\n  syslog:\n    address: h:65536\n",
     "3: output.syslog.address", "HOST"),
    ("syslog with an open bracket", "output:\n  syslog:\n    address: '[::1'\n",
     "3: output.syslog.address", "HOST"),
    ("syslog by pigeon", "output:\n  syslog:\n    transport: tlss\n", "3: output.syslog.transport",
     "did you mean tls?"),
    ("authorities without TLS", "output:\n  syslog:\n    address: h\n    ca_file: /etc/passwd\n",
     "4: output.syslog.ca_file", "to be tls"),
    ("certificate without its key", "output:\n  syslog:\n    address: h\n    transport: tls\n"
     "    certificate_file: /etc/passwd\n", "5: output.syslog.certificate_file",
     "output.syslog.key_file"),
    ("URL of nothing", "output:\n  webhook:\n    url: https://\n", "3: output.webhook.url", "http"),
    ("URL of another scheme", "output:\n  webhook:\n    url: ftp://h/\n", "3: output.webhook.url", "http"),
    ("URL with a password", "output:\n  elastic:\n    url: https://u:p@h/\n", "3: output.elastic.url",
     "user"),
    ("URL with a bad port", "output:\n  elastic:\n    url: https://h:0/\n", "3: output.elastic.url",
     "HOST"),
    ("Splunk without a token", "output:\n  splunk:\n    url: https://h\n", "3: output.splunk.url",
     "output.splunk.token_file"),
    ("user without a password", "output:\n  elastic:\n    url: https://h\n    user: u\n",
     "4: output.elastic.user", "output.elastic.password_file"),
    ("index that is a path", "output:\n  elastic:\n    index: a/b\n", "3: output.elastic.index",
     "letters"),
    ("brokers with blanks", "output:\n  kafka:\n    brokers: a b\n", "3: output.kafka.brokers",
     "commas"),
    ("topic that is none", "output:\n  kafka:\n    topic: a/b\n", "3: output.kafka.topic", "letters"),
    ("rule that is none", "output:\n  file:\n    without_rules: [starttls-garbeld]\n",
     "3: output.file.without_rules", "did you mean starttls-garbled?"),
    ("rule twice", "output:\n  file:\n    without_rules: [sts-cleartext, sts-cleartext]\n",
     "3: output.file.without_rules", "twice"),
    ("format that is none", "output:\n  unix:\n    format: leef\n", "3: output.unix.format", "eve"),
    ("no kinds", "output:\n  kafka:\n    kinds: []\n", "3: output.kafka.kinds", "empty"),
    ("Redis as a URL", "output:\n  redis:\n    address: redis://h\n", "3: output.redis.address",
     "HOST"),
    ("Redis as a URL with a password", "output:\n  redis:\n    address: redis://u:geheim@h\n",
     "3: output.redis.address", "HOST"),
    ("password in a URL of no store", "policy:\n  policies: ['mysql://u:geheim@h']\n",
     "2: policy.policies", "password-file"),
    ("password in a relative path", "policy:\n  preload: x://u:geheim@h\n", "2: policy.preload",
     "absolute"),
    ("Redis with a port too high", "output:\n  redis:\n    address: h:65536\n",
     "3: output.redis.address", "port"),
    ("Redis without a key", "output:\n  redis:\n    address: h\n    key: ''\n",
     "4: output.redis.key", "empty"),
    ("password without a Redis", "output:\n  redis:\n    password_file: @DIR@/secret\n",
     "3: output.redis.password_file", "output.redis.address"),
    ("group without a user", "process:\n  group: mail\n", "2: process.group", "process.user"),
    ("segment beyond the quota", "output:\n  spool:\n    quota: 8 MiB\n",
     "output.spool.segment", "output.spool.quota"),
    ("no password file", "output:\n  redis:\n    address: h\n    password_file: @DIR@/none\n",
     "4: output.redis.password_file", "No such file"),
    ("empty password file", "output:\n  redis:\n    address: h\n    password_file: @DIR@/empty\n",
     "4: output.redis.password_file", "no password"),
    ("password file is a directory", "output:\n  redis:\n    address: h\n    password_file: @DIR@\n",
     "4: output.redis.password_file", "not a file"),
    ("password file is a pipe", "output:\n  redis:\n    address: h\n    password_file: @DIR@/pipe\n",
     "4: output.redis.password_file", "not a file"),
    ("credential with a path", "output:\n  redis:\n    address: h\n"
     "    password_file: credential:../secret\n", "4: output.redis.password_file", "letters"),
    ("credential without systemd", "output:\n  redis:\n    address: h\n"
     "    password_file: credential:redis\n", "4: output.redis.password_file",
     "CREDENTIALS_DIRECTORY"),
)

# Arguments, key, a word of the reason.
BAD_OPTIONS = (
    (["--set", "capture.snaplen"], "--set: capture.snaplen", "KEY=VALUE"),
    (["--set", "capture.snaplenn=300"], "--set: capture.snaplenn", "did you mean"),
    (["--set", "log=info"], "--set: log", "is a section"),
    (["--set", "=x"], "--set: ''", "unknown key"),
    (["--set", "capture.ports=25,0"], "--set: capture.ports", "1 to 65535"),
    (["--set", "capture.ports="], "capture.ports", "empty"),
    (["--set", "coverage.gap=1"], "--set: coverage.gap", "10 to 86400"),
    (["--set", "sensor.name=a\x1bb"], "--set: sensor.name", "cannot be printed"),
    (["--ports", "99999"], "--ports: capture.ports", "1 to 65535"),
    (["--snaplen", "12"], "--snaplen: capture.snaplen", "256 to"),
    (["-s", "12"], "--snaplen: capture.snaplen", "256 to"),
    (["-i", "eth 0"], "--interface: capture.interfaces", "interface"),
    (["--local-nets", "10.0.0.0/33"], "--local-nets: sensor.local_nets", "/33"),
    (["--vantage", "nowhere"], "--vantage: sensor.vantage", "client-side"),
    (["--min-severity", "none"], "--min-severity: output.min_severity", "critical"),
    (["--preload", "none-of-this-name"], "--preload: policy.preload", "No such file"),
    (["-o", "-"], "--output: output.file.path", "output.stdout"),
)

# File, and what --print must have of it.
GOOD = (
    ("", "workers: 1"),
    ("# nothing\n", "workers: 1"),
    ("---\n...\n", "workers: 1"),
    ("capture:\n", "workers: 1"),
    ("\ufefflog:\n  level: debug\n", "level: debug"),
    ("log:\r\n  level: debug\r\n", "level: debug"),
    ("%YAML 1.1\n---\nlog: {level: debug}\n", "level: debug"),
    ("log.level: debug\n", "level: debug"),
    ("capture:\n  snaplen: 96KiB\n", "snaplen: 96 KiB"),
    ("capture:\n  snaplen: 96 KiB\n", "snaplen: 96 KiB"),
    ("capture:\n  snaplen: 98304\n", "snaplen: 96 KiB"),
    ("capture:\n  snaplen: 1500\n", "snaplen: 1500"),
    ("sensor:\n  memory: 1024\n", "memory: 1 GiB"),
    ("coverage:\n  gap: 90 min\n", "gap: 90 min"),
    ("coverage:\n  gap: 7200\n", "gap: 2 h"),
    ("coverage:\n  drops: 5%\n", "drops: 5 %"),
    ("coverage:\n  drops: 0\n", "drops: 0 %"),
    ("capture:\n  tunnels: no\n", "tunnels: false"),
    ("capture:\n  ports: 25\n", "ports: [25]"),
    ("capture:\n  ports:\n  - 25\n  - '26'\n", "ports: [25, 26]"),
    ("capture:\n  interfaces: [eth0, eth1=server-side]\n",
     "interfaces: ['eth0', 'eth1=server-side']"),
    ("sensor:\n  local_nets: [10.0.0.0/8, '2001:db8::/32', 192.0.2.7]\n",
     "local_nets: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7/32']"),
    ("sensor:\n  name: it's a tap # comment\n", "name: 'it''s a tap'"),
    ('sensor:\n  name: "a: #1 \\u00e9"\n', "name: 'a: #1 \u00e9'"),
    ("sensor:\n  name: M\u00fcller\n", "name: 'M\u00fcller'"),
    ("sensor:\n  name: no\n", "name: 'no'"),
    ("policy:\n  state: 'sqlite:/var/lib/x.db'\n", "state: '/var/lib/x.db'"),
    ("policy:\n  state: redis://h:6380/2?prefix=a\n", "state: 'redis://h:6380/2?prefix=a'"),
    ("policy:\n  policies: [/etc/a, redis://h]\n", "policies: ['/etc/a', 'redis://h']"),
    ("metrics:\n  listen: 127.0.0.1:9107\n", "listen: '127.0.0.1:9107'"),
    ("metrics:\n  listen: '[::1]:9107'\n", "listen: '[::1]:9107'"),
    ("output:\n  redis:\n    address: '[2001:db8::1]:6379'\n", "address: '[2001:db8::1]:6379'"),
    ("output:\n  redis:\n    address: /run/redis.sock\n", "address: '/run/redis.sock'"),
    ("output:\n  redis:\n    address: h\n    user: u\n    password_file: @DIR@/secret\n",
     "password_file: '@DIR@/secret'"),
)


class Bench:
    """A directory, the program, and what it said last."""

    def __init__(self, binary, folder):
        self.binary, self.folder = str(Path(binary).resolve()), Path(folder)

    def run(self, *arguments, env=None):
        return subprocess.run([self.binary, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              cwd=self.folder, env={**os.environ, **(env or {})},
                              encoding="utf-8", errors="surrogateescape")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(text, str):
            text = text.replace("@DIR@", str(self.folder)).encode()
        path.write_bytes(text)
        path.chmod(0o640)
        return path

    def shown(self, *arguments):
        return self.run("check", *arguments, "--print").stdout


def prepare(bench):
    bench.write("secret", "geheim-7\n")
    bench.write("empty", "\n")
    os.mkfifo(bench.folder / "pipe")


def printable(text):
    return all(c == "\n" or c.isprintable() for c in text)


def refused(tally, name, ran, begin, reason):
    lines = ran.stderr.splitlines()
    told = [line for line in lines if line.startswith(begin) and reason in line]
    tally.equal(name, "exit code", ran.returncode, 2)
    tally.check(told, name, "%r, %r are not in %r" % (begin, reason, ran.stderr))
    tally.equal(name, "standard output", ran.stdout, "")
    tally.check(printable(ran.stderr), name, "unprintable: %r" % ran.stderr)
    tally.check(len(lines) <= 25, name, "%d lines" % len(lines))
    tally.check("geheim" not in ran.stderr, name, "tells a password: %r" % ran.stderr)


def check_bad(tally, bench):
    path = bench.write("bad.yaml", "")
    for name, text, where, reason in BAD:
        bench.write("bad.yaml", text)
        key = where.split(": ")[-1]
        line = where.split(": ")[0] + ":" if ": " in where else ""
        begin = "%s:%s %s" % (path, line, key)
        if ": " not in where and key != "file": # of a default, which no file says
            begin = key
        refused(tally, name, bench.run("check", "-c", path), begin, reason)
        refused(tally, name + ", watch", bench.run("watch", "-c", path), begin, reason)


def check_bad_options(tally, bench):
    for arguments, begin, reason in BAD_OPTIONS:
        for command in ("check", "watch"):
            refused(tally, " ".join(arguments), bench.run(command, *arguments), begin, reason)
    refused(tally, "no file", bench.run("check", "-c", bench.folder / "none.yaml"),
            "%s: file" % (bench.folder / "none.yaml"), "No such file")
    refused(tally, "pipe", bench.run("check", "-c", bench.folder / "pipe"),
            "%s: file" % (bench.folder / "pipe"), "not a file")
    for arguments, reason in ((["watch"], "no interface"), (["watch", "eth0"], "no arguments"),
                              (["check"], "nothing to check"), (["check", "x"], "no arguments"),
                              (["watch", "-i", "e", "--snaplenn", "1"], "mean --snaplen"),
                              (["watch", "-i", "e", "-c", "a", "-c", "b"], "given twice"),
                              (["check", "--defaults", "--print"], "different")):
        ran = bench.run(*arguments)
        tally.check(ran.returncode == 2 and reason in ran.stderr, " ".join(arguments), ran.stderr)


def check_many(tally, bench):
    path = bench.write("many.yaml", "log:\n" + "".join("  zz%d: 1\n" % n for n in range(100)))
    lines = bench.run("check", "-c", path).stderr.splitlines()
    tally.equal("100 faults", "lines", len(lines), 22)
    tally.equal("100 faults", "first", lines[0].split(" ")[0], "%s:2:" % path)
    tally.equal("100 faults", "last", lines[19].split(" ")[0], "%s:21:" % path)
    tally.check("more" in lines[20], "100 faults", lines[20])
    bench.write("many.yaml", "log:\n" + "".join("  %s%d: 1\n" % ("k" * 20, n) for n in range(8000)))
    ran = bench.run("check", "-c", path)
    tally.equal("8000 faults", "lines", (ran.returncode, len(ran.stderr.splitlines())), (2, 22))


def check_good(tally, bench):
    for text, wanted in GOOD:
        path = bench.write("good.yaml", text)
        wanted = wanted.replace("@DIR@", str(bench.folder))
        ran = bench.run("check", "-c", path)
        tally.equal(repr(text), "exit code", ran.returncode, 0)
        tally.check(ran.stdout.startswith("ok\n"), repr(text), ran.stdout)
        shown = bench.shown("-c", path)
        tally.check(wanted in [line.strip() for line in shown.splitlines()], repr(text), shown)
        again = bench.write("again.yaml", shown.encode())
        tally.equal(repr(text), "written and read again", bench.shown("-c", again), shown)


def check_defaults(tally, bench):
    made = bench.run("check", "--defaults").stdout
    path = bench.write("defaults.yaml", made)
    ran = bench.run("check", "-c", path)
    tally.equal("defaults", "exit code", ran.returncode, 0)
    tally.check("not as by default:\n  nothing\n" in ran.stdout, "defaults", ran.stdout)
    empty = bench.write("none.yaml", "")
    tally.equal("defaults", "what is in force", bench.shown("-c", path), bench.shown("-c", empty))
    tally.equal("contrib/stripwatch.yaml", "text",
                (TOP / "contrib" / "stripwatch.yaml").read_text(encoding="utf-8"), made)
    # Every key, without its hash too.
    keys = re.findall(r"(?m)^ *#?([a-z_]+):", re.sub(r"(?m)^ *# .*$", "", made))
    full = re.sub(r"(?m)^( *)#([a-z])", r"\1\2", made)
    ran = bench.run("check", "-c", bench.write("full.yaml", full))
    tally.equal("defaults without hashes", "exit code", (ran.returncode, ran.stderr), (0, ""))
    tally.check("nothing" in ran.stdout and len(keys) > 50, "defaults without hashes", ran.stdout)
    table = bench.run("check", "--keys").stdout
    tally.check(table.count("\n") > 40, "table of keys", table)
    tally.check(table in (TOP / "docs" / "configuration.md").read_text(encoding="utf-8"),
                "docs/configuration.md", "has not the table that `check --keys` prints")


def check_order(tally, bench):
    main = bench.write("main.yaml", "log:\n  level: error\ncapture:\n  ports: [25, 26]\n"
                       "sensor:\n  name: main\n")
    bench.write("conf.d/20.yaml", "log:\n  level: debug\n")
    bench.write("conf.d/10.yaml", "log:\n  level: warning\ncapture:\n  ports: [27]\n")
    bench.write("conf.d/README", "no yaml: [\n")
    bench.write("conf.d/.30.yaml", "no yaml: [\n")
    bench.write("conf.d/40.yml", "no yaml: [\n")
    ran = bench.run("check", "-c", main)
    tally.check("40.yml: file: warning" in ran.stderr, "conf.d", ran.stderr)
    shown = bench.shown("-c", main)
    for text in ("level: debug", "ports: [27]", "name: 'main'"):
        tally.check(text in shown, "conf.d", "%s is not in %s" % (text, shown))
    shown = bench.shown("--log-level", "info", "-c", main, "--set", "sensor.name=typed")
    for text in ("level: info", "name: 'typed'"):
        tally.check(text in shown, "options win", "%s is not in %s" % (text, shown))
    shown = bench.shown("-c", bench.folder / "conf.d")
    tally.check("level: debug" in shown and "main" not in shown, "a directory", shown)
    bench.write("conf.d/15.yaml", "log:\n  levle: debug\n")
    refused(tally, "fault in conf.d", bench.run("check", "-c", main),
            "%s:2: log.levle" % (bench.folder / "conf.d" / "15.yaml"), "log.level")
    for name in ("10.yaml", "15.yaml", "20.yaml", "40.yml", ".30.yaml", "README"):
        (bench.folder / "conf.d" / name).unlink()


def check_options(tally, bench):
    shown = bench.shown("-i", "eth0", "-i", "eth1=client-side", "-p", "-s", "1KiB", "-o", "eve.json",
                        "--policies", "a,b", "--policies", "redis://h", "--json", "-n",
                        "--local-nets", "10.0.0.0/8,::1", "-f", "port 25, or not",
                        "--show-addresses", "--state", "state.db", "-Q", "in")
    here = bench.folder
    for text in ("interfaces: ['eth0', 'eth1=client-side']", "promiscuous: false", "snaplen: 1 KiB",
                 "path: '%s/eve.json'" % here, "policies: ['%s/a,b', 'redis://h']" % here,
                 "stdout: always", "local_nets: ['10.0.0.0/8', '::1/128']",
                 "filter: 'port 25, or not'", "show_addresses: true",
                 "state: '%s/state.db'" % here, "direction: in"):
        tally.check(text in shown, "options", "%s is not in %s" % (text, shown))
    path = bench.write("i.yaml", "capture:\n  interfaces: [eth7, eth8]\n")
    tally.check("['eth0']" in bench.shown("-c", path, "-i", "eth0"), "-i", "adds to those of a file")
    shown = bench.shown("-c", path, "--set", "capture.interfaces=")
    tally.check("eth7" not in shown, "empty list", shown)


def check_secrets(tally, bench):
    text = "output:\n  redis:\n    address: h\n    password_file: %s\n"
    path = bench.write("s.yaml", text % "credential:redis.pw")
    bench.write("credentials/redis.pw", "geheim-8\n")
    env = {"CREDENTIALS_DIRECTORY": str(bench.folder / "credentials")}
    ran = bench.run("check", "-c", path, env=env)
    tally.equal("credential", "exit code", (ran.returncode, ran.stderr), (0, ""))
    tally.check("geheim" not in ran.stdout, "credential", ran.stdout)
    bench.write("s.yaml", text % (bench.folder / "secret"))
    (bench.folder / "secret").chmod(0o644)
    ran = bench.run("check", "-c", path)
    tally.check(ran.returncode == 0 and "warning" in ran.stderr and "everybody" in ran.stderr,
                "secret for everybody", ran.stderr)
    path.chmod(0o646)
    ran = bench.run("check", "-c", path)
    tally.check("%s: file: warning" % path in ran.stderr, "file for everybody", ran.stderr)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(sys.argv[1], Path(folder).resolve())
        prepare(bench)
        for check in (check_bad, check_bad_options, check_many, check_good, check_order,
                      check_options, check_secrets, check_defaults):
            check(tally, bench)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
