# SPDX-License-Identifier: Apache-2.0
"""The matrix of handshakes: versions, keys, ways to resume, key exchanges, and how hellos are cut.

Each case is played with openssl and says beforehand what has to be read out of it. OpenSSL 3.0 of
Debian 12 cannot do SSL 3.0, RC4, 3DES, export suites, primes below 1024 bits, groups of post-quantum
key exchange, GREASE, hellos without extensions, and its -stateless mode breaks off after the cookie:
these are made, see tlsmade.py. EdDSA before TLS 1.2 is not defined (RFC 8422 section 5.4).

    tlsmatrix.py FOLDER NAME...

writes the cases of these names as captures, with certificates and authority beside each.
"""
import base64
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pcapio
import tlscerts
import tlsfill
import tlsmade
import tlspcap
import tlsrelay

HOST = tlscerts.HOST
VERSIONS = ("TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
FLAGS = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2", "TLS 1.3": "-tls1_3"}
OLD = VERSIONS[:2]
ANY = "DEFAULT:@SECLEVEL=0"  # TLS 1.0 and 1.1 sign with SHA-1
ANYONE = ("-cipher", ANY, "-min_protocol", "TLSv1")
LONG_ALPN = ",".join("protocol-%03d-%s" % (i, "x" * 40) for i in range(14))
CURVES = {"X25519": 0x1D, "P-256": 0x17, "P-384": 0x18, "P-521": 0x19, "X448": 0x1E,
          "ffdhe2048": 0x100, "ffdhe3072": 0x101}
PSK = "00112233445566778899aabbccddeeff"

# RFC 2409 section 6.2: a prime of 1024 bits. OpenSSL takes none below, whatever the level.
PRIME1024 = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF")


@dataclass
class Case:
    """One session, how it comes about, and what is true of it."""
    name: str
    version: str
    server: list = field(default_factory=list)   # words of s_server
    client: list = field(default_factory=list)   # words of s_client
    before: list = None     # words of an s_client session before it, for what is resumed
    identity: object = None
    records: int = 0        # cut the hellos into records of that size
    segments: int = 0       # bytes in a segment of the capture
    answered: bool = True
    sni: str = HOST
    client_alpns: list = field(default_factory=list)
    server_alpns: list = field(default_factory=list)
    resumed: bool = False
    retry: bool = False
    hidden: tuple = ()      # reasons that may be given for no certificate; none: it is seen
    kinds: tuple = ()       # names that the key exchange may have; none: not looked at
    bits: int = 0           # of the prime, or of the key of an export suite
    group: int = 0          # selected; 0: not known beforehand
    cipher: int = 0
    alert: int = 0          # it fails, with this description
    made: object = None     # an Exchange, instead of playing it

    def play(self):
        if self.made:
            return self.made
        name = ["-servername", self.sni] if self.sni else ["-noservername"]
        sessions = [words + name for words in (self.before, self.client) if words is not None]
        return tlsrelay.play(self.server, sessions, self.records, self.answered)[-1]


# --- words -----------------------------------------------------------------------------------------

def served(identity):
    words = ["-cert", identity.cert, "-key", identity.key]
    return words + ["-cert_chain", identity.bundle()] * bool(identity.chain)


def spoken(version, ciphers=None):
    """The words for client and server that make them speak this version."""
    ciphers = ciphers or (ANY if version in OLD else None)
    return [FLAGS[version], *(["-cipher", ciphers] if ciphers else [])]


def hidden_in(version):
    return ("tls13",) if version == "TLS 1.3" else ()


def case(name, version, identity, server=(), client=(), ciphers=None, **rest):
    words = spoken(version, ciphers)
    rest.setdefault("hidden", hidden_in(version))
    if rest.get("before") is not None:
        rest["before"] = words + list(rest["before"])
    return Case("%s %s" % (version, name), version, served(identity) + words + list(server),
                words + list(client), identity=identity, **rest)


# --- the parts of the matrix -----------------------------------------------------------------------

def by_key(mill, version, kind):
    """All that goes with every version and kind of key."""
    leaf = mill.leaf(kind, kind)
    chained = mill.long_chain("chained-" + kind, kind)
    mine = mill.leaf("client-" + kind, kind, "/O=Example Sender/CN=client.example.test")
    yield case(kind, version, leaf)
    yield from resumptions(version, kind, leaf)
    yield case(kind + " client certificate", version, leaf,
               ["-Verify", 3, "-verifyCAfile", mill.authority.cert],
               ["-cert", mine.cert, "-key", mine.key])
    yield case(kind + " long chain", version, chained)
    alpns = LONG_ALPN.split(",")
    yield case(kind + " small records of openssl", version, chained, ["-max_send_frag", 512],
               ["-max_send_frag", 512, "-alpn", LONG_ALPN], client_alpns=alpns)
    yield case(kind + " records of 100", version, leaf, records=100)
    yield case(kind + " records and segments of 1", version, leaf, records=1, segments=1)
    yield case(kind + " one record for all", version, chained, records=16384, segments=7)
    if version == "TLS 1.3":
        retried = {"client": ["-groups", "X25519:P-384"], "group": CURVES["P-384"], "retry": True}
        yield case(kind + " retry", version, leaf, ["-groups", "P-384"], **retried)
        yield case(kind + " retry, records of 50", version, leaf,
                   ["-groups", "P-384", "-no_middlebox"],
                   retried["client"] + ["-no_middlebox"], group=CURVES["P-384"], retry=True, records=50)


def resumptions(version, kind, leaf):
    save, load = ["-sess_out", "{folder}/session"], ["-sess_in", "{folder}/session"]
    if version == "TLS 1.3":
        yield case(kind + " resumed", version, leaf, client=load, before=save, resumed=True,
                   hidden=("tls13", "resumed"))
        groups = ["-groups", "X25519:P-384"]
        yield case(kind + " resumed after retry", version, leaf, ["-groups", "P-384"], load + groups,
                   before=save + groups, resumed=True, retry=True, group=CURVES["P-384"],
                   hidden=("tls13", "resumed"))
        return
    yield case(kind + " resumed by ticket", version, leaf, client=load, before=save, resumed=True,
               hidden=("resumed",))
    no = ["-no_ticket"]
    yield case(kind + " resumed by id", version, leaf, no, load + no, before=save + no, resumed=True,
               hidden=("resumed",))


def parameters(mill):
    """The file of a Diffie-Hellman group: SEQUENCE { prime INTEGER, generator INTEGER }."""
    path = mill.folder / "dh1024.pem"
    prime = b"\0" + bytes.fromhex(PRIME1024)
    body = b"\x02\x81" + bytes((len(prime),)) + prime + b"\x02\x01\x02"
    der = b"\x30\x81" + bytes((len(body),)) + body
    path.write_text("-----BEGIN DH PARAMETERS-----\n%s\n-----END DH PARAMETERS-----\n"
                    % base64.encodebytes(der).decode().strip())
    return path


def exchanges(mill, version):
    """Key exchanges of TLS 1.2 and before."""
    rsa = mill.leaf("rsa", "rsa")
    ffdhe = mill.folder / "ffdhe2048.pem"
    if not ffdhe.exists():
        tlscerts.openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048",
                         "-out", ffdhe)
    for name, path, bits in (("ffdhe2048", ffdhe, 2048), ("1024", parameters(mill), 1024)):
        yield case("DHE " + name, version, rsa, ["-dhparam", path], ciphers="DHE-RSA-AES256-SHA:@SECLEVEL=0",
                   kinds=("dhe",), bits=bits, cipher=0x0039)
    yield case("anonymous DH", version, rsa, ["-dhparam", parameters(mill)],
               ciphers="ADH-AES128-SHA:@SECLEVEL=0", kinds=("dh-anon", "dhe"), bits=1024, cipher=0x0034,
               hidden=("anonymous",))
    yield case("anonymous ECDH", version, rsa, ciphers="AECDH-AES128-SHA:@SECLEVEL=0",
               kinds=("ecdh-anon", "ecdhe"), cipher=0xC018, hidden=("anonymous",))
    yield case("static RSA", version, rsa, ciphers="AES128-SHA:@SECLEVEL=0", kinds=("rsa",), cipher=0x002F)
    yield case("NULL-SHA", version, rsa, ciphers="NULL-SHA:@SECLEVEL=0", kinds=("rsa",), cipher=0x0002)
    yield case("ECDHE NULL", version, rsa, ciphers="ECDHE-RSA-NULL-SHA:@SECLEVEL=0", kinds=("ecdhe",),
               cipher=0xC010)
    yield case("PSK", version, rsa, ["-nocert", "-psk", PSK], ["-psk", PSK],
               ciphers="PSK-AES128-CBC-SHA:@SECLEVEL=0", cipher=0x008C, hidden=("anonymous", "resumed", "psk"))
    for name in ("P-256", "P-384", "P-521", "X448"):
        yield case("ECDHE " + name, version, rsa, client=["-groups", name], kinds=("ecdhe",),
                   group=CURVES[name])


def exchanges13(mill):
    rsa = mill.leaf("rsa", "rsa")
    for name, number in CURVES.items():
        yield case("group " + name, "TLS 1.3", rsa, ["-groups", name], ["-groups", name], group=number,
                   kinds=("dhe",) if number >= 0x100 else ("ecdhe",))
    for name, number in (("TLS_AES_128_GCM_SHA256", 0x1301), ("TLS_CHACHA20_POLY1305_SHA256", 0x1303),
                         ("TLS_AES_128_CCM_8_SHA256", 0x1305)):
        words = ["-ciphersuites", name]
        yield case(name, "TLS 1.3", rsa, words, words, cipher=number)
    psk = ["-psk", PSK, "-ciphersuites", "TLS_AES_128_GCM_SHA256"]
    yield case("external PSK", "TLS 1.3", rsa, ["-nocert", *psk], psk, resumed=True,
               hidden=("tls13", "resumed", "psk"))
    yield case("PSK without a share", "TLS 1.3", rsa, ["-nocert", "-allow_no_dhe_kex", "-groups", "P-256", *psk],
               ["-allow_no_dhe_kex", "-groups", "X25519", *psk], resumed=True, hidden=("tls13", "resumed", "psk"))
    yield case("no middlebox compatibility", "TLS 1.3", rsa, ["-no_middlebox"], ["-no_middlebox"])
    (mill.folder / "early").write_bytes(b"NOOP\n")
    yield case("early data", "TLS 1.3", rsa, ["-early_data", "-num_tickets", 1],
               ["-sess_in", "{folder}/session", "-early_data", mill.folder / "early"],
               before=["-sess_out", "{folder}/session"], resumed=True, hidden=("tls13", "resumed"),
               answered=False)


def offers(mill, version):
    """What clients add and leave out."""
    rsa = mill.leaf("rsa", "rsa")
    alpn = {"client": ["-alpn", "smtp,h2,http/1.1"], "client_alpns": ["smtp", "h2", "http/1.1"]}
    picked = [] if version == "TLS 1.3" else ["h2"]  # encrypted in TLS 1.3
    yield case("ALPN", version, rsa, ["-alpn", "h2"], **alpn, server_alpns=picked)
    yield case("ALPN without an answer", version, rsa, **alpn)
    yield case("no SNI", version, rsa, sni="")
    yield case("SNI in capitals", version, rsa, sni="MX1.Example.TEST")
    yield case("few words", version, rsa, ["-no_ticket", "-no_etm"],
               ["-no_ticket", "-no_etm", "-groups", "P-256", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256"],
               group=CURVES["P-256"])
    yield Case(version + " of a client that knows all", version, served(rsa) + spoken(version), list(ANYONE),
               identity=rsa, hidden=hidden_in(version))
    yield case("stapled status", version, rsa, ["-status_file", status(mill, rsa)], ["-status"])


def status(mill, identity):
    """An OCSP response for a leaf, of the authority."""
    path = mill.folder / "status.der"
    if not path.exists():
        ca, request = mill.authority, mill.folder / "status.req"
        tlscerts.openssl("ocsp", "-issuer", ca.cert, "-cert", identity.cert, "-no_nonce", "-reqout", request)
        tlscerts.openssl("ocsp", "-index", mill.folder / "index.txt", "-CA", ca.cert, "-rsigner", ca.cert,
                         "-rkey", ca.key, "-reqin", request, "-respout", path, "-ndays", 7)
    return path


def keys(mill, version):
    """Kinds of key and certificate beyond the three."""
    for kind in ("rsapss", "ecdsa384", "ed448"):
        yield case(kind, version, mill.leaf(kind, kind))
    yield case("RSA of 1024 bits", version, mill.leaf("short", "rsa1024"), ciphers=ANY)
    yield case("serial with the top bit set", version, mill.leaf("top", "rsa", serial="8A01"))
    yield case("serial 1", version, mill.leaf("one", "rsa", serial="01"))
    yield case("dates after 2050", version, mill.leaf("dates", "rsa", dates=tlscerts.LONG))
    yield case("expired", version, mill.leaf("expired", "rsa", dates=tlscerts.EXPIRED))
    yield case("wrong name", version, wrong_name(mill))
    yield case("no alternative name", version, mill.leaf("bare", "rsa", names=()))
    yield case("many names", version, mill.leaf(
        "many", "rsa", names=["mx%d.example.test" % i for i in range(60)]))
    yield case("UTF-8", version, mill.leaf("utf8", "rsa", "/C=DE/L=Köln/O=Größe und Söhne/CN=" + HOST))
    yield case("self-signed", version, self_signed(mill))
    yield case("chain of two", version, mill.long_chain("two", "rsa", 1))
    yield case("chain of two records", version, mill.long_chain("huge", "rsa", 10))


def wrong_name(mill):
    other = "mail.elsewhere.example"
    return mill.leaf("wrong", "rsa", "/O=%s/CN=%s" % (tlscerts.ORGANISATION, other), names=(other,))


def self_signed(mill):
    return mill.self_signed("alone", "rsa", "/O=%s/CN=%s" % (tlscerts.ORGANISATION, HOST), names=(HOST,))


def failures(mill):
    """Handshakes that come to nothing: RFC 8446 section 6.2, RFC 7507 section 3."""
    rsa, died = mill.leaf("rsa", "rsa"), {"hidden": ("aborted", "tls13"), "answered": True}
    for version in ("TLS 1.0", "TLS 1.1", "TLS 1.2"):
        yield Case(version + " fallback SCSV", "", served(rsa) + list(ANYONE),
                   spoken(version, ANY) + ["-fallback_scsv"], identity=rsa, alert=86, **died)
    yield Case("no version in common", "", served(rsa) + ["-tls1_3"], ["-tls1_2"], alert=70, **died)
    yield Case("no suite in common", "", served(rsa) + spoken("TLS 1.2", "AES128-GCM-SHA256"),
               spoken("TLS 1.2", "AES256-GCM-SHA384"), alert=40, **died)


def made(mill):
    """What openssl does not do, see tlsmade.py."""
    ders = tlscerts.certificates(mill.leaf("rsa", "rsa").cert.read_bytes())
    post, rsa = tlsmade.Post(), mill.leaf("rsa", "rsa")
    new = {"hidden": ("tls13",), "client_alpns": ["smtp"], "cipher": 0x1301}
    yield Case("made post-quantum", "TLS 1.3", made=post.whole(), group=tlsmade.X25519MLKEM768, **new)
    yield Case("made post-quantum, records of 300", "TLS 1.3", made=post.whole(300),
               group=tlsmade.X25519MLKEM768, **new)
    yield Case("made post-quantum, retry", "TLS 1.3", made=post.retried(), retry=True,
               group=tlsmade.X25519, **new)
    yield Case("made cookie", "TLS 1.3", made=post.retried(b"cookie of the server"), retry=True,
               group=tlsmade.X25519, **new)
    seen = {"identity": rsa, "sni": ""}
    suites = (0x0035, 0x002F, 0x000A, 0x0005, 0x0004, 0x0014, 0x0003, 0x00FF)

    def old(name, version, number, chosen, kinds, **rest):
        bits = rest.pop("bits", 0)
        return Case("made " + name, version, cipher=chosen, kinds=kinds, bits=bits,
                    made=tlsmade.classic(number, suites, chosen, ders, **rest), **seen)
    yield old("SSL 3.0", "SSL 3.0", 0x0300, 0x0035, ("rsa",))
    yield old("SSL 3.0, one record for all, then cut", "SSL 3.0", 0x0300, 0x0035, ("rsa",), size=400)
    yield old("3DES", "TLS 1.0", 0x0301, 0x000A, ("rsa",))
    yield old("RC4", "TLS 1.2", 0x0303, 0x0005, ("rsa",))
    yield old("empty extensions", "TLS 1.2", 0x0303, 0x002F, ("rsa",), client=[], server=[])
    yield old("no extensions", "TLS 1.1", 0x0302, 0x002F, ("rsa",))
    yield old("RSA export", "TLS 1.0", 0x0301, 0x0003, ("rsa-export",), bits=512,
              params=tlsmade.signed(tlsmade.odd("modulus", 64), b"\x01\0\x01"))
    yield old("DHE export", "TLS 1.0", 0x0301, 0x0014, ("dhe-export", "dhe"), bits=512,
              params=tlsmade.signed(tlsmade.odd("prime", 64), b"\x02", tlsmade.odd("public", 64)))
    # RFC 8701 section 3.1: a client may put such values everywhere.
    greased = [tlsmade.extension(0x8A8A), tlsmade.groups(0xBABA, 0x1D), tlsmade.extension(11, b"\x01\0"),
               tlsmade.signature_algorithms(0x1A1A, *tlsmade.SIGNATURES), tlsmade.alpn(b"\x0a\x0a", b"h2"),
               tlsmade.extension(0xFAFA, b"\0")]
    yield Case("made GREASE", "TLS 1.2", identity=rsa, sni="", cipher=0x002F, kinds=("rsa",),
               client_alpns=["\\x0A\\x0A", "h2"], server_alpns=["h2"],
               made=tlsmade.classic(0x0303, (0xCACA, *tlsmade.SUITES12), 0x002F, ders, greased,
                                    [tlsmade.extension(0xFF01, b"\0"), tlsmade.alpn(b"h2")]))
    leaf = tlsfill.filler("no certificate at all", 900)
    yield Case("made certificate of filler", "TLS 1.2", sni="", cipher=0x002F, kinds=("rsa",),
               made=tlsmade.classic(0x0303, suites, 0x002F, [leaf]))


def cases(mill):
    for version in VERSIONS:
        for kind in ("rsa", "ecdsa", "ed25519"):
            if kind != "ed25519" or version not in OLD:
                yield from by_key(mill, version, kind)
        yield from offers(mill, version)
        if version != "TLS 1.3":
            yield from exchanges(mill, version)
    yield from exchanges13(mill)
    yield from keys(mill, "TLS 1.2")
    yield from failures(mill)
    yield from made(mill)


def play(chosen, workers=2):
    """(case, exchange or the error) for each."""
    def attempt(one):
        try:
            return one, one.play()
        except (RuntimeError, OSError) as e:
            return one, e
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(attempt, chosen))


def keep(mill, folder, one, exchange):
    """A case as a capture of its own."""
    stem = one.name.lower().replace(" ", "-").replace(".", "").replace(",", "")
    writer = tlspcap.Writer()
    writer.session(exchange, one.segments or tlspcap.MSS)
    pcapio.write(folder / (stem + ".pcap"), writer.capture())
    if one.identity:
        chain = [one.identity.cert, *one.identity.chain]
        (folder / (stem + ".cert.pem")).write_bytes(b"".join(c.read_bytes() for c in chain))
        if one.identity != self_signed(mill):
            (folder / (stem + ".ca.pem")).write_bytes(mill.authority.cert.read_bytes())


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        mill = tlscerts.Mill(scratch)
        chosen = [one for one in cases(mill) if one.name in arguments[2:]]
        for one, exchange in play(chosen):
            if isinstance(exchange, Exception):
                raise exchange
            keep(mill, folder, one, exchange)
    missing = set(arguments[2:]) - {one.name for one in chosen}
    for name in sorted(missing):
        print("there is no case %r" % name, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
