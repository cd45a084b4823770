# SPDX-License-Identifier: Apache-2.0
"""Hellos and flights of TLS with the members that a dialogue names.

The messages have their true form, and the certificates are those of tests/tools/pki; randoms, keys,
signatures and what is encrypted are filler.
"""
import base64
import re
import struct
from pathlib import Path

from tlsfill import HANDSHAKE, application, change_cipher_spec, filler, record

PKI = Path(__file__).resolve().parent / "pki"
SUITES = "c02f,c030,002f,0035"
FALLBACK_SCSV = 0x5600  # RFC 7507
SHARES = {23: 65, 24: 97, 25: 133, 29: 32, 30: 56}  # bytes of a point; an uncompressed one begins 04
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SIGNATURE = struct.pack("!H", 0x0401)  # rsa_pkcs1_sha256
LARGEST = 16384
SESSION = filler("session id", 32)


def vector(size, body):
    """A body with its length before it in `size` bytes."""
    return len(body).to_bytes(size, "big") + body


def message(kind, body):
    return bytes((kind,)) + vector(3, body)


def extension(kind, body=b""):
    return struct.pack("!H", kind) + vector(2, body)


def numbers(text, base=16):
    return b"".join(struct.pack("!H", int(n, base)) for n in text.split(","))


def records(body, version):
    return b"".join(record(HANDSHAKE, body[at:at + LARGEST], version)
                    for at in range(0, len(body), LARGEST))


def options(words, known):
    """`suites=c02f scsv` as {"suites": ["c02f"], "scsv": [""]}; what is not known is an error."""
    out = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known:
            raise ValueError("unknown option %r" % word)
        out.setdefault(key, []).append(value)
    return out


def asked(given):
    """The extensions of `extension=TYPE:HEX`, in their order."""
    for text in given.get("extension", ()):
        kind, _, body = text.partition(":")
        yield extension(int(kind), bytes.fromhex(body))


def point(group, side):
    size = SHARES[group]
    body = filler("share %s %d" % (side, group), size)
    return body if size in (32, 56) else b"\x04" + body[1:]


def share(group, side):
    return struct.pack("!H", group) + vector(2, point(group, side))


# --- the client ----------------------------------------------------------------------------------

OFFER = ("suites", "scsv", "compression", "versions", "groups", "shares", "psk", "extension", "nosni")


def client_extensions(name, version, given):
    if "nosni" not in given:
        yield extension(0, vector(2, b"\0" + vector(2, name.encode())))
    if "groups" in given:
        yield extension(10, vector(2, numbers(given["groups"][0], 10)))
    if version >= 0x0303:
        yield extension(13, vector(2, struct.pack("!HHH", 0x0403, 0x0804, 0x0401)))
    yield from asked(given)
    if "versions" in given:
        yield extension(43, vector(1, numbers(given["versions"][0])))
    if "shares" in given:
        groups = [int(g) for g in given["shares"][0].split(",")]
        yield extension(51, vector(2, b"".join(share(g, "client") for g in groups)))
    if "psk" in given:  # the last one, always (RFC 8446 section 4.2.11)
        ticket = vector(2, filler("ticket", 208)) + filler("age", 4)
        yield extension(45, b"\x01\x01")
        yield extension(41, vector(2, ticket) + vector(2, vector(1, filler("binder", 32))))


def client_offer(name, version, words):
    """A ClientHello that offers `version` at most, or those of `versions`."""
    given = options(words, OFFER)
    suites = numbers(given.get("suites", [SUITES])[0])
    if "scsv" in given:
        suites += struct.pack("!H", FALLBACK_SCSV)
    methods = bytes(int(n) for n in given.get("compression", ["0"])[0].split(","))
    body = (struct.pack("!H", version) + filler("client random", 32)
            + vector(1, SESSION if "versions" in given else b"") + vector(2, suites)
            + vector(1, methods)
            + vector(2, b"".join(client_extensions(name, version, given))))
    return records(message(1, body), 0x0301)


def client_keys(version=0x0303):
    """ClientKeyExchange, ChangeCipherSpec and Finished (RFC 5246 section 7.3). The first has the form
    of RSA whatever was selected: nobody can read it."""
    exchange = message(16, vector(2, filler("client key exchange", 256)))
    return records(exchange, version) + finished("client", version)


def finished(side, version=0x0303):
    return change_cipher_spec(version) + record(HANDSHAKE, filler(side + " finished", 40), version)


# --- the server ----------------------------------------------------------------------------------

FLIGHT = ("chain", "dhe", "curve", "rsa", "compression", "extension", "twice")


def certificates(names):
    """The DER of each file of tests/tools/pki."""
    for name in names.split(","):
        text = (PKI / name).read_text(encoding="ascii")
        body = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", text, re.S)[1]
        yield base64.b64decode(body)


def server_hello(version, suite, compression, extensions, label="server"):
    """Without any extension there is no list of them (RFC 5246 section 7.4.1.3)."""
    block = b"".join(extensions)
    body = (struct.pack("!H", version) + filler(label + " random", 32)
            + vector(1, filler(label + " session", 32)) + struct.pack("!HB", suite, compression))
    return message(2, body + (vector(2, block) if block else b""))


def number(label, bits):
    """A number of exactly so many bits, and odd."""
    size = (bits + 7) // 8
    value = int.from_bytes(filler(label, size), "big") % (1 << bits)
    return (value | 1 << (bits - 1) | 1).to_bytes(size, "big")


def server_key_exchange(version, given):
    """Parameters (RFC 5246 section 7.4.3, RFC 8422 section 5.4), signed unless the server is
    anonymous; an RSA key for this handshake is of TLS 1.0 (RFC 2246 section 7.4.3)."""
    if "dhe" in given:
        prime = number("prime", int(given["dhe"][0]))
        public = vector(2, prime) + vector(2, b"\x02") + vector(2, filler("public", len(prime)))
    elif "curve" in given:
        group = int(given["curve"][0])
        public = b"\x03" + struct.pack("!H", group) + vector(1, point(group, "server"))
    elif "rsa" in given:
        public = vector(2, number("modulus", int(given["rsa"][0]))) + vector(2, b"\x01\0\x01")
    else:
        return b""
    signature = vector(2, filler("signature", 256)) if "chain" in given else b""
    algorithm = SIGNATURE if signature and version >= 0x0303 else b""
    return message(12, public + algorithm + signature)


def server_flight(version, suite, words):
    """ServerHello, Certificate, ServerKeyExchange and ServerHelloDone, as far as they are named."""
    given = options(words, FLIGHT)
    compression = int(given.get("compression", ["0"])[0])
    body = server_hello(version, suite, compression, asked(given))
    if "twice" in given:
        body += server_hello(version, suite, compression, asked(given), "second")
    if "chain" in given:
        chain = b"".join(vector(3, der) for der in certificates(given["chain"][0]))
        body += message(11, vector(3, chain))
    body += server_key_exchange(version, given) + message(14, b"")
    return records(body, version)


def server_retry(group):
    """A HelloRetryRequest that asks for a share of this group (RFC 8446 section 4.1.4)."""
    extensions = extension(43, b"\x03\x04") + extension(51, struct.pack("!H", group))
    body = b"\x03\x03" + RETRY_RANDOM + vector(1, SESSION) + b"\x13\x02\0" + vector(2, extensions)
    return records(message(2, body), 0x0303)


def server_resumed13():
    """ServerHello with the client's ticket, and no certificate in what is encrypted (RFC 8446
    section 2.2)."""
    extensions = extension(43, b"\x03\x04") + extension(51, share(29, "server")) + extension(41, b"\0\0")
    body = (b"\x03\x03" + filler("server random", 32) + vector(1, SESSION) + b"\x13\x02\0"
            + vector(2, extensions))
    return records(message(2, body), 0x0303) + change_cipher_spec() + b"".join(
        application("resumed %d" % size, size) for size in (23, 69))
