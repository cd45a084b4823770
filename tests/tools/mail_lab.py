# SPDX-License-Identifier: Apache-2.0
"""Domains that publish how they want their mail, rightly and wrongly: Knot with a signed and an
unsigned zone, nginx with their policies, exchangers of a few lines. For a network namespace in which
every address is ours (ip route add local 0.0.0.0/0 dev lo): those of 11.0.0.0/8 are public ones to
whoever asks.
"""
import datetime
import hashlib
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

import tlscerts

DNS, WEB, MX, SENDER = "11.0.0.53", "11.0.0.80", "11.0.0.25", "11.0.1.1"
HUNG = "11.0.0.81"  # takes connections, and says nothing
TLSA = hashlib.sha256(b"the key of the exchanger").hexdigest()
REPORTS = "v=TLSRPTv1; rua=mailto:tls@%s"
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def stamp(when):
    return when.strftime("%Y%m%d%H%M%SZ")


VALID = (stamp(NOW - 30 * DAY), stamp(NOW + 30 * DAY))
EXPIRED = (stamp(NOW - 30 * DAY), stamp(NOW - DAY))


def policy(domain, mx="mx.%s", mode="enforce"):
    return "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 604800\r\n" % (
        mode, mx % domain if "%" in mx else mx)


@dataclass
class Domain:
    """What of it differs from one that is right."""
    name: str
    wrong: str = ""            # the item of the checklist that says so
    records: tuple = ("v=STSv1; id=20261123;",)
    body: str = None
    media: str = "text/plain"
    status: int = 200
    names: tuple = None        # of its certificate
    dates: tuple = VALID
    host: bool = True          # there is an address of mta-sts.DOMAIN
    web: str = WEB             # which is this
    reports: tuple = (REPORTS,)
    tlsa: str = "3 1 1 " + TLSA

    def policy(self):
        return policy(self.name) if self.body is None else self.body

    def zone(self):
        """Its lines, as of the zone above it."""
        label = self.name.split(".")[0]
        lines = ["%s MX 10 mx.%s" % (label, label), "mx.%s A %s" % (label, MX)]
        lines += ['_mta-sts.%s TXT "%s"' % (label, r) for r in self.records]
        lines += ['_smtp._tls.%s TXT "%s"' % (label, r % self.name) for r in self.reports]
        if self.host:
            lines.append("mta-sts.%s A %s" % (label, self.web))
        if self.tlsa:
            lines.append("_25._tcp.mx.%s TLSA %s" % (label, self.tlsa))
        return "\n".join(lines) + "\n"


DOMAINS = (
    Domain("right.lab"),
    Domain("silent.lab", "record", records=()),
    Domain("two.lab", "record", records=("v=STSv1; id=1;", "v=STSv1; id=2;")),
    Domain("id.lab", "record", records=("v=STSv1; id=2026-11-23;",)),
    Domain("homeless.lab", "connection", host=False),
    Domain("expired.lab", "certificate", dates=EXPIRED),
    Domain("name.lab", "certificate", names=("mta-sts.other.lab",)),
    Domain("missing.lab", "status", status=404),
    Domain("html.lab", "content-type", media="text/html"),
    Domain("long.lab", "size", body="x" * 65537),
    Domain("grammar.lab", "grammar", body="version: STSv1\r\nmode: enforce\r\nmax_age: many\r\n"),
    Domain("pattern.lab", "pattern", body=policy("pattern.lab", "mx.elsewhere.lab")),
    Domain("testing.lab", "mode", body=policy("testing.lab", mode="testing")),
    Domain("unreported.lab", "tlsrpt", reports=()),
    Domain("open.plain", "dnssec", tlsa=""),
)

HEAD = "$ORIGIN %s.\n$TTL 300\n@ SOA ns.%s. h.%s. 1 3600 600 86400 60\n@ NS ns\nns A " + DNS + "\n"


class Lab:
    """The servers of all of them, and of hung.lab."""

    def __init__(self, folder, domains=DOMAINS):
        self.folder, self.processes = folder, []
        self.domains = (*domains, Domain("hung.lab", web=HUNG))
        self.hung = socket.create_server((HUNG, 443), backlog=64)
        self.mill = tlscerts.Mill(folder)
        self.authority = self.mill.authority.cert
        self.start_dns()
        self.start_web()

    # --- DNS

    def knot_config(self, zones):
        return ("server:\n  listen: %s@53\n  rundir: %s\ndatabase:\n  storage: %s\n"
                "policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
                "template:\n  - id: default\n    zonefile-load: whole\n    journal-content: none\n"
                "    semantic-checks: off\n    dnssec-policy: p\n    dnssec-signing: off\nzone:\n"
                % (DNS, self.folder, self.folder)
                + "".join("  - domain: %s.\n    file: %s\n    dnssec-signing: %s\n"
                          % (z, self.folder / ("zone-" + z), signed) for z, signed in zones))

    def start_dns(self):
        zones = (("lab", "on"), ("plain", "off"))
        for zone, _ in zones:
            text = HEAD % (zone, zone, zone) + "".join(
                d.zone() for d in self.domains if d.name.endswith("." + zone))
            (self.folder / ("zone-" + zone)).write_text(text)
        conf = self.folder / "knot.conf"
        conf.write_text(self.knot_config(zones))
        self.start("knotd", "-c", conf)
        self.anchor = self.folder / "anchor"
        for _ in range(100):
            out = subprocess.run(["keymgr", "-c", conf, "lab.", "ds"], capture_output=True, text=True).stdout
            found = re.search(r"^lab\. DS (\d+ 13 2 \S+)", out, re.M)
            if found and listening(DNS, 53):
                self.anchor.write_text("lab. IN DS %s\n" % found.group(1))
                return
            time.sleep(0.1)
        raise SystemExit("knot does not start: " + out)

    # --- HTTPS

    def server(self, d):
        names = d.names or ("mta-sts." + d.name,)
        identity = self.mill.leaf(d.name, "ecdsa", "/CN=" + d.name, d.dates, names)
        cert, body = self.folder / (d.name + ".pem"), self.folder / (d.name + ".txt")
        cert.write_bytes(b"".join(p.read_bytes() for p in (identity.cert, *identity.chain)))
        body.write_text(d.policy(), newline="")
        answer = "alias %s;" % body if d.status == 200 else "return %d;" % d.status
        return ("server { listen %s:443 ssl; server_name mta-sts.%s; ssl_certificate %s;"
                " ssl_certificate_key %s; location = /.well-known/mta-sts.txt"
                " { types { } default_type %s; %s } }\n" % (WEB, d.name, cert, identity.key, d.media, answer))

    def start_web(self):
        conf = self.folder / "nginx.conf"
        conf.write_text("daemon off; master_process off; user root; pid {0}/nginx.pid;"
                        " error_log {0}/error.log; events {{ }}\nhttp {{ access_log {0}/access.log;\n"
                        "client_body_temp_path {0}/t1; proxy_temp_path {0}/t2;"
                        " fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;\n"
                        "server_names_hash_bucket_size 128;\n".format(self.folder)
                        + "".join(self.server(d) for d in self.domains if d.host and d.web == WEB) + "}\n")
        self.start("/usr/sbin/nginx", "-c", conf, "-e", self.folder / "error.log")
        if not listening(WEB, 443):
            raise SystemExit("nginx does not start: " + (self.folder / "error.log").read_text()[-500:])

    def fetched(self):
        return (self.folder / "access.log").read_text().count("mta-sts.txt")

    # --- all

    def start(self, *command):
        p = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.processes.append(p)
        return p

    def stop(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()

    def options(self):
        """Of stripwatch, so that it asks here."""
        return ["--set", "resolver.stub=lab=%s,plain=%s" % (DNS, DNS),
                "--set", "resolver.trust_anchor=%s" % self.anchor,
                "--set", "fetch.ca_file=%s" % self.authority]


def listening(address, port, patience=10):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex((address, port)) == 0:
                return True
        time.sleep(0.05)
    return False


# --- mail ------------------------------------------------------------------------------------------

class Exchanger:
    """A mail exchanger behind somebody who takes STARTTLS out of what it offers."""

    def __init__(self, address=MX):
        self.listener = socket.create_server((address, 25), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    @staticmethod
    def serve(s):
        answers = {"EHLO": "250-mx.lab\r\n250-PIPELINING\r\n250-XXXXXXXX\r\n250 8BITMIME",
                   "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "DATA": "354 go on",
                   ".": "250 2.0.0 Ok", "QUIT": "221 2.0.0 Bye"}
        with s, s.makefile("rw", newline="") as f:
            f.write("220 mx.lab ESMTP Postfix\r\n")
            f.flush()
            for line in f:
                answer = answers.get(line.strip()[:4].upper())
                if answer:
                    f.write(answer + "\r\n")
                    f.flush()


def deliver(domain, sender=SENDER, address=MX):
    with socket.create_connection((address, 25), 10, (sender, 0)) as s, s.makefile("rw", newline="") as f:
        def reply():
            while f.readline()[3:4] == "-":
                pass
        reply()
        for line in ("EHLO out.sender.example", "MAIL FROM:<a@sender.example>",
                     "RCPT TO:<b@%s>" % domain, "DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT"):
            f.write(line + "\r\n")
            f.flush()
            reply()
