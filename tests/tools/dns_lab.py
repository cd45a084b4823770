# SPDX-License-Identifier: Apache-2.0
"""A DNS of its own, from the root down, on addresses of 127.0.0.0/8 and port 53: for a network
namespace, where nobody else has them.

Knot serves `.`, `lab.` and below them zones that are signed, unsigned, signed with a key that the
parent does not know, long ago, or changed after signing; scripts serve those that fail, never
answer, or say another thing each time. MX, TLSA and the rest are in GOOD.
"""
import hashlib
import socket
import struct
import subprocess
import threading
import time

KNOT, FORGER, SILENT = "127.0.0.1", "127.0.0.8", "127.0.0.9"
FORWARDER, FORWARDER_NAME = "127.0.0.20", "dns.lab"
WEB = "127.0.0.40"
HASH1, HASH2 = hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"two").hexdigest()
CHANGED = hashlib.sha256(b"changed after signing").hexdigest()

HEAD = """$ORIGIN {zone}
$TTL 300
@ SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60
@ NS ns.lab.
"""

ROOT = "lab. NS ns.lab.\nns.lab. A %s\n" % KNOT

# Where nothing else is said the delegation has no DS: insecure.
LAB = """
ns A {knot}
good NS ns
open NS ns
bogus NS ns
stale NS ns
dead NS ns-dead
ns-dead A {silent}
fail NS ns-fail
ns-fail A {forger}
rebind NS ns-fail
"""

GOOD = """
a A 192.0.2.1
*.wild A 192.0.2.9
text TXT "only" "text"
secure-alias CNAME a
insecure-alias CNAME a.open.lab.
bogus-alias CNAME a.bogus.lab.
missing-alias CNAME missing
nodata-alias CNAME text
long-alias CNAME secure-alias
loop CNAME pool
pool CNAME loop

mx1 A 192.0.2.11
mx1 AAAA 2001:db8::11
_25._tcp.mx1 TLSA 3 1 1 {one}
mx2 A 192.0.2.12
plain MX 10 mx1
plain A 192.0.2.1
several MX 20 mx1
several MX 10 mx2
several MX 30 mx2

; CNAMEs: records at what they lead to, at the own name, at both, at the own name alone
mx-canonical CNAME mx1
canonical MX 10 mx-canonical
mx-original CNAME mx2
_25._tcp.mx-original TLSA 3 1 1 {two}
original MX 10 mx-original
mx-both CNAME mx1
_25._tcp.mx-both TLSA 3 1 1 {two}
both MX 10 mx-both
mx-away CNAME a.open.lab.
_25._tcp.mx-away TLSA 3 1 1 {two}
away MX 10 mx-away
open-mx MX 10 a.open.lab.
bogus-mx MX 10 a.bogus.lab.
dead-mx MX 10 a.dead.lab.

; usable and not (RFC 7672 section 3.1)
mx-unusable A 192.0.2.13
_25._tcp.mx-unusable TLSA 1 1 1 {one}
_25._tcp.mx-unusable TLSA 3 1 9 {one}
_25._tcp.mx-unusable TLSA 3 1 1 00
unusable MX 10 mx-unusable
mx-some A 192.0.2.14
_25._tcp.mx-some TLSA 1 1 1 {one}
_25._tcp.mx-some TLSA 2 0 1 {two}
some MX 10 mx-some

; the question for the records goes wrong
mx-fail A 192.0.2.15
_tcp.mx-fail NS ns-fail.lab.
tlsa-fail MX 10 mx-fail
mx-changed A 192.0.2.16
_25._tcp.mx-changed TLSA 3 1 1 {two}
tlsa-bogus MX 10 mx-changed
mx-part A 192.0.2.17
_25._tcp.mx-part CNAME tlsa.open.lab.
tlsa-insecure MX 10 mx-part
mx-shared A 192.0.2.18
_25._tcp.mx-shared CNAME _25._tcp.mx1
tlsa-shared MX 10 mx-shared
mx-wild A 192.0.2.19
*._tcp.mx-wild TLSA 3 1 1 {one}
tlsa-wild MX 10 mx-wild

null MX 0 .
implicit A 192.0.2.20
_25._tcp.implicit TLSA 3 1 1 {one}
nothing TXT "no mail"
alias CNAME plain
no-address MX 10 missing
mixed MX 10 mx1
mixed MX 20 mx_odd
mixed MX 30 .
*.h A 192.0.2.21
{hundred}
crowd MX 10 mx-crowd
{crowd}

; MTA-STS
_mta-sts.sts TXT "v=STSv1; id=" "2026"
mta-sts.sts A {web}
sts MX 10 mx1
_smtp._tls.sts TXT "v=TLSRPTv1;rua=mailto:tls@sts.good.lab"
_mta-sts.html TXT "v=STSv1; id=1"
mta-sts.html A {web}
_mta-sts.invalid TXT "v=STSv1; id=1"
mta-sts.invalid CNAME web.open.lab.
_mta-sts.two TXT "v=STSv1; id=1"
_mta-sts.two TXT "v=STSv1; id=2"
_mta-sts.broken TXT "v=STSv1; id=not-an-id"
_mta-sts.others TXT "v=spf1 -all"
_mta-sts.private TXT "v=STSv1; id=1"
mta-sts.private A 10.1.2.3
mta-sts.private AAAA ::ffff:10.1.2.3
_mta-sts.part TXT "v=STSv1; id=1"
mta-sts.part A {web}
mta-sts.part A 10.1.2.3
_mta-sts.homeless TXT "v=STSv1; id=1"
_mta-sts.rebind TXT "v=STSv1; id=1"
mta-sts.rebind CNAME policy.rebind.lab.
_mta-sts.astray TXT "v=STSv1; id=1"
mta-sts.astray CNAME a.dead.lab.
_mta-sts.forged TXT "v=STSv1; id=1"
mta-sts.forged CNAME a.bogus.lab.
"""

OPEN = """
@ MX 10 mx1.good.lab.
a A 192.0.2.2
_25._tcp.a TLSA 3 1 1 {one}
web A {web}
alias CNAME a.good.lab.
tlsa TLSA 3 1 1 {one}
"""

BOGUS = "a A 192.0.2.3\n@ MX 10 mx1.good.lab.\n_mta-sts TXT \"v=STSv1; id=1\"\n"
STALE = "a A 192.0.2.4\n"


def fill(text):
    hundred = "\n".join("hundred MX %d h%d.h" % (i, i) for i in range(99, -1, -1))
    crowd = ["mx-crowd A 192.0.2.%d" % i for i in range(100, 110)]
    crowd += ["_25._tcp.mx-crowd TLSA 3 1 1 %064x" % i for i in range(20)]
    return text.format(crowd="\n".join(crowd), knot=KNOT, silent=SILENT, forger=FORGER, web=WEB, one=HASH1, two=HASH2,
                       hundred=hundred)


class Lab:
    """The zones, written and signed, and who serves them."""

    def __init__(self, root):
        self.root, self.processes = root, []
        (root / "signed").mkdir()
        self.conf = root / "knot.conf"
        names = [".", "lab.", "good.lab.", "open.lab.", "bogus.lab.", "stale.lab."]
        self.conf.write_text(self.config(names))
        self.sign("good.lab.", fill(GOOD))
        self.change()
        self.write("open.lab.", HEAD.format(zone="open.lab.") + fill(OPEN))
        self.sign("bogus.lab.", BOGUS)
        self.sign("stale.lab.", STALE, when=int(time.time()) - 90 * 86400)
        stranger = "bogus 300 DS 1 13 2 " + "00" * 32 + "\n"
        self.sign("lab.", fill(LAB) + self.ds("good.lab.") + stranger + self.ds("stale.lab."))
        self.sign(".", ROOT + self.ds("lab."))
        self.anchor = root / "anchor"
        self.anchor.write_text(self.ds("."))
        self.rebinds = 0
        self.start("knotd", "-c", str(self.conf))
        for address, behave in ((SILENT, None), (FORGER, self.forge)):
            serve(address, behave)

    def config(self, names):
        zones = "".join("  - domain: %s\n    file: %s\n" % (n, self.root / ("zone-" + n))
                        for n in names)
        return ("server:\n  listen: %s@53\n  rundir: %s\n" % (KNOT, self.root) +
                "database:\n  storage: %s\n" % self.root +
                "policy:\n  - id: p\n    algorithm: ecdsap256sha256\n"
                "    single-type-signing: on\n    rrsig-lifetime: 14d\n"
                "template:\n  - id: default\n    zonefile-load: whole\n    semantic-checks: off\n"
                "    journal-content: none\n    dnssec-policy: p\n" +
                "zone:\n" + zones)

    def path(self, zone):
        return self.root / ("zone-" + zone)

    def write(self, zone, text):
        self.path(zone).write_text(text)

    def signed(self, zone):
        return self.path(zone).read_text()

    def sign(self, zone, text, when=None):
        self.write(zone, HEAD.format(zone=zone) + text)
        out = self.root / "signed"
        subprocess.run(["kzonesign", "-c", str(self.conf), "-o", str(out),
                        *(["-t", str(when)] if when else []), zone],
                       check=True, capture_output=True)
        made, = out.iterdir()
        self.write(zone, made.read_text())
        made.unlink()

    def change(self):
        """The TLSA record of mx-changed is another one than was signed."""
        lines = self.signed("good.lab.").splitlines()
        at = [i for i, line in enumerate(lines)
              if line.startswith("_25._tcp.mx-changed") and "\tTLSA\t" in line]
        assert len(at) == 1, lines
        words = lines[at[0]].split()
        lines[at[0]] = " ".join(words[:-1] + [CHANGED])
        self.write("good.lab.", "\n".join(lines) + "\n")

    def ds(self, zone):
        out = subprocess.run(["keymgr", "-c", str(self.conf), zone, "ds"], check=True,
                             capture_output=True, text=True).stdout
        for line in out.splitlines():
            words = line.split()
            if len(words) > 4 and words[4] == "2": # SHA-256
                return "%s 300 IN DS %s\n" % (zone, " ".join(words[2:]))
        raise SystemExit("no DS of %s: %s" % (zone, out))

    def start(self, *command):
        p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(p)
        return p

    def stop(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()

    def forge(self, question, name, kind):
        """rebind.lab. has a public address once and a private one from then on."""
        if not name.endswith("rebind.lab"):
            return reply(question, 2)
        if kind != 1:
            return reply(question, 0)
        self.rebinds += name.startswith("policy.")
        return reply(question, 0, "9.9.9.77" if self.rebinds <= 1 else "127.0.0.1")


# --- servers of a few lines ----------------------------------------------------------------------

def question_of(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
    return ".".join(labels), kind, packet[12:at + 5]


def reply(packet, rcode, address=None):
    """Authoritative, with an A record of no TTL or without any."""
    question = question_of(packet)[2]
    head = struct.pack("!HHHHHH", struct.unpack("!H", packet[:2])[0], 0x8400 | rcode, 1,
                       1 if address else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address) \
        if address else b""
    return head + question + record


def serve(address, behave):
    """behave(packet, name, type) gives the answer; none: silence, over TCP as well."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    tcp = socket.socket()
    tcp.bind((address, 53))
    tcp.listen(100)

    def loop():
        while True:
            packet, peer = udp.recvfrom(4096)
            if behave:
                name, kind, _ = question_of(packet)
                udp.sendto(behave(packet, name, kind), peer)

    threading.Thread(target=loop, daemon=True).start()
    serve.kept.append(tcp) # a connection is taken by the kernel, and nobody speaks


serve.kept = []


# --- certificates and a forwarder ----------------------------------------------------------------

def certificates(root, names):
    """An authority and one certificate of it for the names: paths of authority, chain, key."""
    authority, key, request = root / "ca.pem", root / "key.pem", root / "request.pem"
    run = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2", "-subj", "/CN=lab authority", "-keyout", str(root / "ca.key"), "-out", str(authority))
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
        "/CN=lab", "-keyout", str(key), "-out", str(request))
    extra = root / "names"
    extra.write_text("subjectAltName=" + ",".join("DNS:" + n for n in names))
    run("x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(root / "ca.key"),
        "-CAcreateserial", "-days", "2", "-extfile", str(extra), "-out", str(root / "cert.pem"))
    return authority, root / "cert.pem", key


def forwarder(lab, cert, key):
    """unbound that asks Knot, in clear and over TLS; it validates nothing."""
    conf = lab.root / "unbound.conf"
    conf.write_text("""server:
  interface: {a}@53
  interface: {a}@853
  tls-port: 853
  tls-service-pem: {cert}
  tls-service-key: {key}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: {root}
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
stub-zone:
  name: "."
  stub-addr: {knot}
remote-control:
  control-enable: no
""".format(a=FORWARDER, cert=cert, key=key, root=lab.root, knot=KNOT))
    return lab.start("unbound", "-d", "-c", str(conf))


def listening(address, port, patience=20):
    """Until somebody takes a connection there."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex((address, port)) == 0:
                return True
        time.sleep(0.05)
    return False
