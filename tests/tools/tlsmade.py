# SPDX-License-Identifier: Apache-2.0
"""Handshakes that openssl does not make: post-quantum hellos, GREASE, SSL 3.0, export suites.

Every message has its true form, and the certificate is a true one; keys, signatures and what is
encrypted are filler.
"""
import struct
from dataclasses import dataclass

import tlsfill
import tlsrelay
from tlsrelay import CLIENT, SERVER

X25519, SECP256R1, X25519MLKEM768 = 0x001D, 0x0017, 0x11EC
ENCAPSULATION, CIPHERTEXT = 1184, 1088  # bytes of ML-KEM-768 (FIPS 203), X25519 comes behind them
SHARES = {X25519: 32, SECP256R1: 65}
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
HOST = b"mx1.example.test"
SUITES13 = (0x1301, 0x1302, 0x1303)
SUITES12 = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009C, 0x009D, 0x002F, 0x0035)
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def vector(size, body):
    """A body with its length before it in `size` bytes."""
    return len(body).to_bytes(size, "big") + body


def numbers(values, size=2):
    return b"".join(struct.pack("!H", v) for v in values) if size == 2 else bytes(values)


def extension(kind, body=b""):
    return struct.pack("!H", kind) + vector(2, body)


def message(kind, body):
    return bytes((kind,)) + vector(3, body)


def server_name(host=HOST):
    return extension(0, vector(2, b"\0" + vector(2, host)))


def groups(*values):
    return extension(10, vector(2, numbers(values)))


def signature_algorithms(*values):
    return extension(13, vector(2, numbers(values)))


def alpn(*values):
    return extension(16, vector(2, b"".join(vector(1, v) for v in values)))


def offered_versions(*values):
    return extension(43, vector(1, numbers(values)))


def share(group, side):
    label = "share %s %04x" % (side, group)
    if group == X25519MLKEM768:
        size = (ENCAPSULATION if side == CLIENT else CIPHERTEXT) + 32
    else:
        size = SHARES.get(group, 1)
    return struct.pack("!H", group) + vector(2, tlsfill.filler(label, size))


def shares(*values):
    return extension(51, vector(2, b"".join(share(v, CLIENT) for v in values)))


def block(extensions):
    """None: a hello of before TLS 1.2 that ends behind the compression methods."""
    return b"" if extensions is None else vector(2, b"".join(extensions))


def client_hello(suites, extensions, version=0x0303, session_id=b""):
    return message(1, struct.pack("!H", version) + tlsfill.filler("client random", 32)
                   + vector(1, session_id) + vector(2, numbers(suites)) + b"\x01\0"
                   + block(extensions))


def server_hello(suite, extensions, version=0x0303, session_id=b"", random=None):
    return message(2, struct.pack("!H", version) + (random or tlsfill.filler("server random", 32))
                   + vector(1, session_id) + struct.pack("!HB", suite, 0) + block(extensions))


def certificate(*ders):
    return message(11, vector(3, b"".join(vector(3, der) for der in ders)))


def records(kind, body, version, size=16384):
    return b"".join(tlsfill.record(kind, body[at:at + size], version)
                    for at in range(0, len(body), size))


def exchange(*said):
    """A session of these (side, bytes) after STARTTLS, and some data inside."""
    out = tlsrelay.preamble()
    out.said += said
    return out


@dataclass
class Post:
    """A session of TLS 1.3: hellos in clear, then filler."""
    sid: bytes = tlsfill.filler("legacy session id", 32)

    def client(self, extensions, suites=(0x0A0A, *SUITES13, *SUITES12)):
        return client_hello(suites, extensions, session_id=self.sid)

    def server(self, group, random=None, suite=0x1301):
        chosen = struct.pack("!H", group) if random else share(group, SERVER)
        return server_hello(suite, [extension(43, b"\x03\x04"), extension(51, chosen)],
                            session_id=self.sid, random=random)

    def rest(self, between=tlsfill.change_cipher_spec()):
        flight = b"".join(tlsfill.application("made %d" % n, n) for n in (23, 1186, 281, 69))
        return ((SERVER, flight), (CLIENT, between + tlsfill.application("made end", 69)),
                (SERVER, tlsfill.application("made ticket", 250)),
                (CLIENT, tlsfill.application("made data", 40)))

    @staticmethod
    def extensions(shared, names=(0x3A3A, X25519MLKEM768, X25519, SECP256R1)):
        return [extension(0x2A2A), server_name(), extension(23), extension(0xFF01, b"\0"),
                groups(*names), extension(11, b"\x01\0"), extension(35),
                alpn(b"smtp"), extension(5, b"\x01\0\0\0\0"), signature_algorithms(*SIGNATURES),
                extension(18), shared, extension(45, b"\x01\x01"),
                offered_versions(0x4A4A, 0x0304, 0x0303), extension(27, b"\x02\0\x02"),
                extension(0x5A5A, b"\0")]

    def whole(self, size=16384):
        """The client's share of 1216 bytes is taken."""
        first = records(22, self.client(self.extensions(shares(0x3A3A, X25519MLKEM768, X25519))),
                        0x0301, size)
        answer = records(22, self.server(X25519MLKEM768), 0x0303, size)
        return exchange((CLIENT, first), (SERVER, answer + tlsfill.change_cipher_spec()), *self.rest())

    def retried(self, cookie=b""):
        """The server knows X25519 alone, which the client offers without a share; or it wants its
        cookie back (RFC 8446 section 4.2.2)."""
        if cookie:
            return self.cookied(extension(44, vector(2, cookie)))
        first = records(22, self.client(self.extensions(shares(0x3A3A, X25519MLKEM768))), 0x0301)
        again = records(22, self.client(self.extensions(shares(X25519))), 0x0303)
        ask = records(22, self.server(X25519, RETRY_RANDOM), 0x0303)
        answer = records(22, self.server(X25519), 0x0303)
        ccs = tlsfill.change_cipher_spec()
        return exchange((CLIENT, first), (SERVER, ask + ccs), (CLIENT, ccs + again), (SERVER, answer),
                        *self.rest(b""))

    def cookied(self, cookie):
        shared = shares(X25519)
        first = records(22, self.client(self.extensions(shared)), 0x0301)
        again = records(22, self.client([*self.extensions(shared), cookie]), 0x0303)
        ask = server_hello(0x1301, [extension(43, b"\x03\x04"), cookie], 0x0303, self.sid, RETRY_RANDOM)
        ccs = tlsfill.change_cipher_spec()
        return exchange((CLIENT, first), (SERVER, records(22, ask, 0x0303) + ccs), (CLIENT, ccs + again),
                        (SERVER, records(22, self.server(X25519), 0x0303)), *self.rest(b""))


def classic(version, suites, chosen, ders, client=None, server=None, params=b"", size=16384):
    """A full handshake of TLS 1.2 and before; `params`: of a ServerKeyExchange."""
    def sealed(label):
        return tlsfill.record(20, b"\x01", version) + tlsfill.record(22, tlsfill.filler(label, 40), version)
    flight = server_hello(chosen, server, version) + certificate(*ders)
    if params:
        flight += message(12, params)
    flight += message(14, b"")
    hello = client_hello(suites, client, version)
    sent = vector(2, tlsfill.filler("client key exchange", 256))
    return exchange(
        (CLIENT, records(22, hello, min(version, 0x0301))), (SERVER, records(22, flight, version, size)),
        (CLIENT, records(22, message(16, sent), version) + sealed("client finished")),
        (SERVER, sealed("server finished")),
        (CLIENT, tlsfill.record(23, tlsfill.filler("mail", 120), version)),
        (SERVER, tlsfill.record(23, tlsfill.filler("reply", 60), version)))


def signed(*fields):
    """Parameters of a key exchange and a signature of before TLS 1.2."""
    return b"".join(vector(2, f) for f in fields) + vector(2, tlsfill.filler("signature", 256))


def odd(label, size):
    """A number of exactly `size` bytes."""
    body = tlsfill.filler(label, size)
    return bytes((body[0] | 0x80,)) + body[1:]
