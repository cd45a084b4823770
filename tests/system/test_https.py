#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetching policies over HTTPS from a real nginx, and from servers that misbehave.

Usage: test_https.py BUILD-DIRECTORY. It runs in a network namespace of its own without any
wire, in which every address is this machine's: whatever is connected to is accepted, and counted.
"""
import datetime
import gzip
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from run import Tally

import rude_https
import tlscerts
from rude_https import LIMIT, POLICY

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)
NGINX, RUDE, TLS11, TLS12 = "11.0.0.1", "11.0.0.2", "11.0.0.3", "11.0.0.4"  # public to whoever asks; ours in here
SIX = "2600:abcd::1"
BARE = {name: "11.0.1.%d" % i for i, name in enumerate(rude_https.BARE, 1)}
FULL, UNREACHABLE = "11.0.2.1", "11.0.2.2"
ELSEWHERE = "23.0.0.1"  # nobody has it: the counting listener answers
SINK, PROXY = 8443, 3128
STATUSES = (204, 206, 301, 302, 303, 307, 308, 400, 403, 404, 410, 500, 503)

# What must never be reached: an address of each range and each form that hides another.
REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.254 100.64.0.1 100.127.255.254 127.0.0.1 127.0.0.53 127.1.2.3
127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.254 192.0.0.1
192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.168.255.254 192.175.48.1
198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.254 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1
::ffff:169.254.169.254 ::ffff:192.168.0.1 ::ffff:0.0.0.0 ::ffff:11.0.0.1 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b::b00:1 64:ff9b:1::1
64:ff9b:1:7f00:0:100:: 100::1 100:0:0:1::1 2001::1 2001:0:808:808::80ff:fffe 2001:1::1 2001:2::1
2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2002::1 2002:7f00:1::1
2002:a00:1::1 2002:b00:1::1 2600:1::5efe:127.0.0.1 2600:1::200:5efe:10.0.0.1 2620:4f:8000::1 3ffe::1
3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1
""".split()

tally = Tally()


def stamp(when):
    return when.strftime("%Y%m%d%H%M%SZ")


VALID = (stamp(NOW - 30 * DAY), stamp(NOW + 30 * DAY))


# --- certificates ----------------------------------------------------------------------------------

def make_certificates(folder):
    """{policy domain: identity} for nginx, and one for everything that the rude server plays."""
    mill = tlscerts.Mill(folder)
    made = {}

    def host(domain, names=None, dates=VALID, subject="/O=Right Mail/CN=mta-sts.%s", **rest):
        names = ("mta-sts." + domain,) if names is None else names
        subject = subject % domain if "%s" in subject else subject
        made[domain] = mill.leaf(domain, "ecdsa", subject, dates, names, **rest)

    for name in ("right.test", "types.test", "bomb.test", "headers.test", "limit.test", "beyond.test",
                 *("s%d.test" % s for s in STATUSES)):
        made[name] = None  # by the certificate with all of their names
    many = mill.leaf("many", "ecdsa", "/O=Right Mail/CN=many", VALID,
                     ["mta-sts." + d for d in made] + ["mta-sts.%s.types.test" % t for t in TYPES])
    made = {domain: many for domain in made}
    host("expired.test", dates=(stamp(NOW - 30 * DAY), stamp(NOW - DAY)))
    host("early.test", dates=(stamp(NOW + DAY), stamp(NOW + 30 * DAY)))
    host("wrong.test", ("mta-sts.other.test", "wrong.test"))
    host("cn.test", ())
    host("empty.test", ("other.test",))
    host("ip.test", ("IP:" + NGINX,))
    host("mail.test", ("email:tls@mail.test",))
    host("tls12.test")
    host("wild.test", ("*.wild.test",))
    host("a.deep.test", ("*.deep.test",))
    host("partial.test", ("mta-st*.partial.test",))
    host("part.test", ("mta-*.part.test",))
    host("inner.test", ("mta-sts.*.test",))
    host("all.test", ("*",))
    host("upper.test", ("MTA-STS.Upper.TEST",))
    stranger = mill.self_signed("stranger", "ecdsa", "/O=Stranger Trust/CN=Stranger Root", VALID,
                                "CA:TRUE")
    host("unknown.test", issuer=stranger)
    made["self.test"] = mill.self_signed("self", "ecdsa", "/CN=mta-sts.self.test", VALID,
                                         names=("mta-sts.self.test",))
    middle = mill.leaf("middle", "ecdsa", "/CN=Middle Without Organisation", VALID, (),
                       key=mill.key("ecdsa", "-middle"), constraints="CA:TRUE")
    host("chain.test", issuer=middle)
    host("broken.test", issuer=middle)
    # A leaf that plays authority.
    no_ca = mill.leaf("no-ca", "ecdsa", "/CN=No Authority", VALID, ("other.test",),
                      key=mill.key("ecdsa", "-noca"))
    host("leafca.test", issuer=no_ca)
    old = mill.leaf("old", "rsa", "/CN=old", VALID, ("mta-sts.tls11.test",))
    rude = mill.leaf("rude", "ecdsa", "/O=Rude Mail/CN=rude", VALID,
                     ["mta-sts.%s.test" % name for name in (*rude_https.RUDE, *BARE, "full", "far")])
    return mill, made, old, rude


# --- nginx -----------------------------------------------------------------------------------------

TYPES = {
    "html": "text/html", "stream": "application/octet-stream", "plain": "text/plain",
    "utf8": "text/plain; charset=utf-8", "upper": "TEXT/PLAIN", "blank": "text/plain ; charset=us-ascii",
    "longer": "text/plainer", "shorter": "text/plai", "missing": None,
}
PATH = "/.well-known/mta-sts.txt"


def server(domain, identity, root, extra, listen=None, bundle=True):
    cert = root / ("nginx-%s.pem" % domain)
    chain = identity.chain if bundle else ()
    cert.write_bytes(b"".join(p.read_bytes() for p in (identity.cert, *chain)))
    listens = listen or ("listen %s:443 ssl; listen [%s]:443 ssl;" % (NGINX, SIX))
    return """
    server {
        %s
        server_name mta-sts.%s;
        ssl_certificate %s;
        ssl_certificate_key %s;
        %s
    }""" % (listens, domain, cert, identity.key, extra)


def location(extra):
    return "location = %s { %s }" % (PATH, extra)


def serve_text(text=POLICY, media="text/plain"):
    kind = "types { } default_type '%s';" % media if media else "types { } default_type '';"
    return location("%s return 200 '%s';" % (kind, text.decode()))


def serve_file(path, extra="", media="text/plain"):
    return location("types { } default_type '%s'; alias %s; %s" % (media, path, extra))


def nginx_config(root, made, old):
    (root / "limit").write_bytes(b"x" * LIMIT)
    (root / "beyond").write_bytes(b"x" * (LIMIT + 1))
    (root / "bomb").write_bytes(gzip.compress(b"x" * (16 << 20)))
    headers = "\n".join("add_header X-%d a;" % i for i in range(10000))
    special = {
        "limit.test": serve_file(root / "limit"),
        "beyond.test": serve_file(root / "beyond"),
        "bomb.test": serve_file(root / "bomb", "add_header Content-Encoding gzip;"),
        "headers.test": location("types { } default_type text/plain; %s return 200 '%s';"
                                 % (headers, POLICY.decode())),
    }
    for status in STATUSES:
        target = " https://sink.test:%d/" % SINK if status // 100 == 3 else (
            "" if status == 204 else " '%s'" % POLICY.decode())
        if status in (302, 307):  # to a place of its own, which answers
            target = " /elsewhere"
        special["s%d.test" % status] = location("types { } default_type text/plain; return %d%s;"
                                                % (status, target))
        special["s%d.test" % status] += "location = /elsewhere { return 200 '%s'; }" % POLICY.decode()
    listens = "listen %s:443 ssl reuseport; listen [%s]:443 ssl reuseport;" % (NGINX, SIX)
    servers = [server("first.test", old, root, "return 421;", listens)]
    servers += [server(domain, identity, root, special.get(domain) or serve_text(),
                      bundle=domain != "broken.test") for domain, identity in made.items() if domain != "tls12.test"]
    servers += [server(kind + ".types.test", made["types.test"], root, serve_text(media=media))
                for kind, media in TYPES.items()]
    servers.append(server("tls12.test", made["tls12.test"], root, "ssl_protocols TLSv1.2;" + serve_text(),
                          listen="listen %s:443 ssl reuseport;" % TLS12))
    servers.append(server("tls11.test", old, root,
                          "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;" + serve_text(),
                          listen="listen %s:443 ssl reuseport;" % TLS11))
    return """
daemon off; master_process off; worker_processes 1; user root; pid {0}/nginx.pid;
error_log {0}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; server_names_hash_bucket_size 128; server_names_hash_max_size 2048;
    ssl_protocols TLSv1.2 TLSv1.3;
    client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3;
    uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;
    {1}
}}
""".format(root, "\n".join(servers))


def start_nginx(root, made, old):
    config = root / "nginx.conf"
    config.write_text(nginx_config(root, made, old))
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-e", root / "error.log"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection((NGINX, 443), 1) as s:
                context.wrap_socket(s).close()
            return process
        except OSError:
            time.sleep(0.05)
        if process.poll() is not None:
            break
    raise SystemExit("nginx does not start: " + (root / "error.log").read_text()[-500:])


# --- listeners that count --------------------------------------------------------------------------

class Counter:
    """Accepts whatever comes to a port of any address, and closes it."""

    def __init__(self, port):
        self.count = 0
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            s = socket.socket(family)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # others have one address
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((address, port))
            s.listen(64)
            threading.Thread(target=self.accept, args=(s,), daemon=True).start()

    def accept(self, listener):
        while True:
            connection, _ = listener.accept()
            self.count += 1
            connection.close()


class Questions:
    """Counts what comes to port 53 of any address."""

    def __init__(self):
        self.count = 0
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            s = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((address, 53))
            threading.Thread(target=self.receive, args=(s,), daemon=True).start()

    def receive(self, s):
        while True:
            s.recv(4096)
            self.count += 1


def fill(address):
    """A listener whose queue is full: what comes more is not answered at all."""
    listener = socket.create_server((address, 443), backlog=0, reuse_port=True)
    kept = [listener]
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((address, 443))
        kept.append(s)
    return kept


# --- the driver ------------------------------------------------------------------------------------

class Driver:
    def __init__(self, build, ca, home):
        self.program, self.ca, self.longest = Path(build) / "tests" / "https_drive", ca, 0
        proxies = {name: "http://%s:%d" % (ELSEWHERE, PROXY) for base in
                   ("http_proxy", "https_proxy", "all_proxy") for name in (base, base.upper())}
        (home / ".netrc").write_text("default login me password secret\n")
        self.env = {**os.environ, **proxies, "HOME": str(home), "no_proxy": "", "NO_PROXY": ""}

    def run(self, lines, port=0, first=8000, whole=20000, allow="-", ca=None):
        """{domain: words}"""
        done = subprocess.run(
            [self.program, ca or self.ca, str(port), str(first), str(whole), allow],
            input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", env=self.env, timeout=120, check=False)
        tally.check(done.returncode == 0 and "Sanitizer" not in done.stderr, "driver",
                    "%d %s" % (done.returncode, done.stderr[-2000:]))
        found = re.search(r"longest turn: (\d+) us", done.stderr)
        self.longest = max(self.longest, int(found.group(1)) if found else 0)
        return {words[0]: words for words in
                (line.split("\t") for line in done.stdout.splitlines())}


def expect(results, domain, sts, status=None, why=None, issuer=None, size=None, plain=None):
    words = results.get(domain)
    if not tally.check(words is not None and len(words) == 9, domain, "no result: %r" % (words,)):
        return
    good = words[1] == sts
    good = good and (status is None or words[2] == str(status))
    good = good and (size is None or words[3] == str(size))
    good = good and (plain is None or words[4] == ("plain" if plain else "other"))
    good = good and (issuer is None or words[6] == issuer)
    good = good and (why is None or re.search(why, words[7]) is not None)
    tally.check(good, domain, "%r, not %r" % (words, (sts, status, why, issuer, size, plain)))


# --- the tests -------------------------------------------------------------------------------------

def test_certificates(drive):
    trust = "Example Trust"
    domains = ["right.test", "expired.test", "early.test", "wrong.test", "cn.test", "empty.test",
               "ip.test", "mail.test",
               "wild.test", "a.deep.test", "partial.test", "part.test", "inner.test", "all.test",
               "upper.test", "unknown.test", "self.test", "chain.test", "broken.test", "leafca.test"]
    got = drive.run([d + " " + NGINX for d in domains] + ["tls11.test " + TLS11, "tls12.test " + TLS12])
    for domain in ("right.test", "wild.test", "upper.test"):
        expect(got, domain, "policy", 200, "^$", trust, len(POLICY), True)
    expect(got, "tls12.test", "policy", 200, "^$", trust)
    expect(got, "chain.test", "policy", 200, "^$", "Middle Without Organisation", len(POLICY))
    expect(got, "expired.test", "webpki", 0, "has expired", trust, 0)
    expect(got, "early.test", "webpki", 0, "not yet valid", trust, 0)
    for domain in ("wrong.test", "cn.test", "empty.test", "ip.test", "mail.test", "a.deep.test", "partial.test", "part.test",
                   "inner.test", "all.test"):
        expect(got, domain, "webpki", 0, "hostname mismatch", trust, 0)
    expect(got, "unknown.test", "webpki", 0, "unable to get local issuer|self-signed certificate in", "Stranger Trust", 0)
    expect(got, "self.test", "webpki", 0, "self-signed", "mta-sts.self.test", 0)
    expect(got, "broken.test", "webpki", 0, "unable to get local issuer", size=0)
    expect(got, "leafca.test", "webpki", 0, None, "No Authority", 0)
    expect(got, "tls11.test", "fetch", 0, "protocol version|no protocols", "", 0)
    control = subprocess.run(["openssl", "s_client", "-connect", TLS11 + ":443", "-tls1_1", "-cipher",
                              "DEFAULT:@SECLEVEL=0"], input=b"", stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False, timeout=30)
    tally.check(b"TLSv1.1" in control.stdout, "tls11.test", "nginx speaks no TLS 1.1 at all")
    got = drive.run(["right.test " + SIX, "wild.test %s,%s" % (SIX, NGINX)])
    expect(got, "right.test", "policy", 200)
    expect(got, "wild.test", "policy", 200)
    got = drive.run(["right.test " + NGINX], ca="/etc/ssl/certs/ca-certificates.crt")
    expect(got, "right.test", "webpki", 0, "issuer|self-signed")


def test_answers(drive):
    domains = ["s%d.test" % s for s in STATUSES] + [t + ".types.test" for t in TYPES]
    got = drive.run([d + " " + NGINX for d in domains])
    for status in STATUSES:
        expect(got, "s%d.test" % status, "fetch", status, "^status %d" % status, size=0)
    for kind in TYPES:
        expect(got, kind + ".types.test", "policy", 200, size=len(POLICY),
               plain=kind in ("plain", "utf8", "upper", "blank"))
    got = drive.run([d + " " + NGINX for d in ("limit.test", "beyond.test", "bomb.test",
                                               "headers.test")])
    expect(got, "limit.test", "policy", 200, "^$", size=LIMIT)
    expect(got, "beyond.test", "invalid", 200, "longer than 65536", size=0)
    expect(got, "bomb.test", "invalid", 200, "not UTF-8", size=0)
    expect(got, "headers.test", "fetch", None, "too many headers", size=0)


RUDE_ENDS = {
    "endless": ("invalid", "longer than 65536"), "endlesschunks": ("invalid", "longer than 65536"),
    "endlessheaders": ("fetch", "too many headers"), "onelongheader": ("fetch", ""),
    "continues": ("fetch", "too many headers"), "trailers": ("fetch", "too many headers"),
    "resetbody": ("fetch", ""), "shortbody": ("fetch", ""), "truncated": ("fetch", "cut short"),
    "garbage": ("fetch", ""), "hugechunk": ("fetch", ""), "ancient": ("fetch", "HTTP/0.9|Weird"),
    "nonsense": ("fetch", ""), "chunkedbeyond": ("invalid", "longer than 65536"),
    "negative": ("fetch", ""), "twolengths": ("fetch", "two lengths"), "transferbomb": ("fetch", "transfer coding"),
    "latin": ("invalid", "not UTF-8"), "surrogate": ("invalid", "not UTF-8"),
    "unauthorised": ("fetch", "status 401"), "switching": ("fetch", ""),
    "overflowing": ("invalid", "longer than 65536"),
}
RUDE_GOOD = {"unlength": len(POLICY), "chunkedlimit": LIMIT, "lyinglength": len(POLICY),
             "accented": len("x: café\n".encode()), "early": len(POLICY), "refreshing": len(POLICY)}


def test_rude(drive):
    got = drive.run(["%s.test %s" % (name, RUDE) for name in RUDE_ENDS])
    for name, (sts, why) in RUDE_ENDS.items():
        expect(got, name + ".test", sts, None, why + "|^$" if not why else why, "Example Trust", 0)
        words = got.get(name + ".test", [""] * 9)
        tally.check(words[7] != "", name, "no reason is told")
    got = drive.run(["%s.test %s" % (name, RUDE) for name in (*RUDE_GOOD, "echo", "cookie")])
    for name, size in RUDE_GOOD.items():
        expect(got, name + ".test", "policy", 200, "^$", "Example Trust", size)
    begun = got["echo.test"][8]
    tally.check(begun.startswith("GET /.well-known/mta-sts.txt HTTP/1.1\\x0D\\x0AHost: mta-sts.echo"),
                "echo", begun)
    expect(got, "cookie.test", "policy", 200)


def test_request(drive):
    """Nothing is said of us but the agent: no credentials, no coding, no cookie."""
    seen = []
    rude_https.RUDE["watched"] = lambda stream, request: (seen.append(request),
                                                         rude_https.echo(stream, request))
    for _ in range(2):
        drive.run(["cookie.test " + RUDE])
    rude_https.RUDE["cookie"] = rude_https.RUDE["watched"]
    drive.run(["cookie.test " + RUDE])
    lines = sorted(line.split(b":")[0].lower() for line in seen[0].split(b"\r\n")[1:] if line)
    tally.equal("request", "header names", lines, [b"accept", b"host", b"user-agent"])


def test_time(drive):
    bare = ["%s.test %s" % (name, address) for name, address in BARE.items()]
    got = drive.run(["drip.test " + RUDE, "headerdrip.test " + RUDE, "silent.test " + RUDE,
                     "full.test " + FULL, "far.test " + UNREACHABLE] + bare, first=1500, whole=3000)
    expect(got, "drip.test", "fetch", 200, "did not end in time", "Example Trust", 0)
    expect(got, "headerdrip.test", "fetch", None, "did not end in time", "Example Trust", 0)
    expect(got, "silent.test", "fetch", 0, "no answer in time", "Example Trust", 0)
    expect(got, "mute.test", "fetch", 0, "[Tt]ime", "", 0)
    expect(got, "full.test", "fetch", 0, "[Tt]ime", "", 0)
    for name in ("far.test", "plainhttp.test", "noise.test", "shut.test"):
        expect(got, name, "fetch", 0, ".", "", 0)
    # The next address is tried, of those that one could not connect to.
    got = drive.run(["right.test %s,%s" % (UNREACHABLE, NGINX), "chain.test %s,%s" % (FULL, NGINX),
                     "wild.test 10.0.0.1,::1,%s" % NGINX,
                     "upper.test " + ",".join(["127.0.0.1"] * 8 + [NGINX])], first=8000)
    for domain in ("right.test", "chain.test", "wild.test", "upper.test"):
        expect(got, domain, "policy", 200)


def test_refused(drive, everywhere, questions):
    before = everywhere.count
    for i in range(0, len(REFUSED), 30):
        part = REFUSED[i:i + 30]
        got = drive.run(["a%d.test %s" % (i + k, address) for k, address in enumerate(part)])
        for k, address in enumerate(part):
            expect(got, "a%d.test" % (i + k), "refused", 0, "its policy host has the address .*: .", "", 0)
    got = drive.run(["all.test " + ",".join(REFUSED[:16]), "none.test", "x." * 121 + "test " + ELSEWHERE])
    expect(got, "all.test", "refused", 0)
    expect(got, "none.test", "fetch", 0, "no address")
    expect(got, "x." * 121 + "test", "fetch", 0, "too long")
    time.sleep(0.2)
    tally.equal("refused", "connections to %d addresses" % len(REFUSED), everywhere.count - before, 0)
    # The listeners do count: a public address, and a private one that is allowed, come through.
    got = drive.run(["one.test " + ELSEWHERE, "two.test 2600:1::1"])
    expect(got, "one.test", "fetch", 0)
    expect(got, "two.test", "fetch", 0)
    got = drive.run(["three.test 10.1.0.1", "four.test fd00::1", "five.test 10.2.0.1",
                     "six.test 64:ff9b::10.2.0.1", "seven.test 64:ff9b::23.0.0.1"],
                    allow="10.1.0.0/16,fd00::/64,64:ff9b::/96")
    for name in ("three.test", "four.test", "seven.test"):
        expect(got, name, "fetch", 0)
    expect(got, "five.test", "refused", 0, "10.2.0.1: private")
    expect(got, "six.test", "refused", 0, "64:ff9b::.*: private")
    tally.equal("allowed", "connections", everywhere.count - before, 5)
    tally.equal("names", "questions to any resolver", questions.count, 0)
    return everywhere.count


def test_many(drive):
    """More than fly at a time are said no to; what is under way when all ends is let go."""
    got = drive.run(["h%d.right.test %s" % (i, ELSEWHERE) for i in range(40)])
    tally.equal("many", "refused for room", sum(len(w) == 2 and w[1] == "full" for w in got.values()), 8)
    for wait in (0, 30, 100, 400):
        got = drive.run(["leave %d" % wait] +
                        ["%s.test %s" % (n, RUDE) for n in ("silent", "drip", "headerdrip")] +
                        ["mute.test " + BARE["mute"], "full.test " + FULL, "none.test",
                         "noise.test " + BARE["noise"]])
        tally.check(set(got) <= {"none.test", "noise.test"}, "leave", repr(got))


def start_world():
    for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo",
                  "addr add %s/128 dev lo nodad" % SIX, "route add prohibit %s/32 table local" % UNREACHABLE):
        subprocess.run(["ip", *words.split()], check=True)


def main(build):
    start_world()
    everywhere, sink, proxy, questions = Counter(443), Counter(SINK), Counter(PROXY), Questions()
    with tempfile.TemporaryDirectory(prefix="stripwatch-https-") as folder:
        root = Path(folder)
        mill, made, old, rude = make_certificates(root)
        nginx = start_nginx(root, made, old)
        rude_https.start(RUDE, 443, rude.cert, rude.key)
        for name, address in BARE.items():
            rude_https.listen(address, 443, rude_https.bare, rude_https.BARE[name])
        kept = fill(FULL)
        everywhere.count = 0  # nginx was waited for
        drive = Driver(build, mill.authority.cert, root)
        try:
            test_certificates(drive)
            test_answers(drive)
            test_rude(drive)
            test_request(drive)
            test_time(drive)
            tally.equal("so far", "connections elsewhere", everywhere.count, 0)
            test_refused(drive, everywhere, questions)
            test_many(drive)
            tally.equal("redirects", "connections to where they lead", sink.count, 0)
            tally.equal("environment", "connections to the proxy", proxy.count, 0)
            tally.equal("names", "questions to any resolver", questions.count, 0)
        finally:
            nginx.terminate()
            nginx.wait()
            for s in kept:
                s.close()
    print("longest turn of the loop: %d us" % drive.longest)
    return tally.finish()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2] == "--inside":
        sys.exit(main(sys.argv[1]))
    ROOT = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", *ROOT, sys.executable, *sys.argv[:2], "--inside"])
