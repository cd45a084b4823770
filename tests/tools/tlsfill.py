# SPDX-License-Identifier: Apache-2.0
"""TLS records for made captures: true headers and hello messages, filler for encrypted bytes."""
import hashlib
import struct

HANDSHAKE, APPLICATION, ALERT, CHANGE_CIPHER_SPEC = 22, 23, 21, 20


def filler(label, size):
    """`size` bytes that look random and are the same every time."""
    out, counter = b"", 0
    while len(out) < size:
        out += hashlib.sha256(b"%s %d" % (label.encode(), counter)).digest()
        counter += 1
    return out[:size]


def record(kind, body, version=0x0303):
    return struct.pack("!BHH", kind, version, len(body)) + body


def change_cipher_spec(version=0x0303):
    return record(CHANGE_CIPHER_SPEC, b"\x01", version)


def application(label, size):
    """Application data of `size` bytes inside the records (at most 16 KiB each)."""
    out = b""
    while size > 0:
        part = min(size, 16384)
        out += record(APPLICATION, filler("%s %d" % (label, size), part))
        size -= part
    return out


def alert(level, description):
    return record(ALERT, bytes((level, description)))


def _message(kind, body):
    return struct.pack("!B", kind) + struct.pack("!I", len(body))[1:] + body


def _extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def _hello(kind, middle, extensions, label):
    block = b"".join(extensions)
    body = (b"\x03\x03" + filler(label + " random", 32) + b"\x20" + filler("session id", 32)
            + middle + struct.pack("!H", len(block)) + block)
    return _message(kind, body)


def client_hello(name, newest=0x0304):
    """A ClientHello that offers `newest` and TLS 1.2 (RFC 8446 section 4.1.2)."""
    host = name.encode()
    suites = struct.pack("!6H", 0x1301, 0x1302, 0x1303, 0xC02F, 0xC030, 0x009E)
    versions = [v for v in (0x0304, 0x0303) if v <= newest]
    extensions = [
        _extension(0, struct.pack("!HBH", len(host) + 3, 0, len(host)) + host),
        _extension(10, struct.pack("!HHH", 4, 0x001D, 0x0017)),
        _extension(13, struct.pack("!HHHH", 6, 0x0403, 0x0804, 0x0401)),
        _extension(43, struct.pack("!B", 2 * len(versions))
                   + b"".join(struct.pack("!H", v) for v in versions)),
        _extension(51, struct.pack("!HHH", 36, 0x001D, 32) + filler("client share", 32)),
    ]
    middle = struct.pack("!H", len(suites)) + suites + b"\x01\x00"
    return record(HANDSHAKE, _hello(1, middle, extensions, "client"), 0x0301)


def server_flight13(suite=0x1302, certificate=1186):
    """ServerHello and the encrypted rest of the server's first flight, sizes as OpenSSL sends."""
    extensions = [
        _extension(43, b"\x03\x04"),
        _extension(51, struct.pack("!HH", 0x001D, 32) + filler("server share", 32)),
    ]
    hello = record(HANDSHAKE, _hello(2, struct.pack("!HB", suite, 0), extensions, "server"))
    return hello + change_cipher_spec() + b"".join(
        application("flight %d" % size, size) for size in (23, certificate, 281, 69))


def client_finished13():
    return change_cipher_spec() + application("client finished", 69)


def server_flight12():
    """A resumed TLS 1.2 session (RFC 5246 section 7.3): no certificate, Finished at once."""
    hello = record(HANDSHAKE, _hello(2, b"\xc0\x30\x00", [_extension(0xFF01, b"\0")], "server"))
    return hello + change_cipher_spec() + record(HANDSHAKE, filler("server finished", 40))


def client_offer(name, newest):
    """A ClientHello that offers `newest` at most, in the old way: without supported_versions."""
    host = name.encode()
    extensions = [_extension(0, struct.pack("!HBH", len(host) + 3, 0, len(host)) + host)]
    hello = _hello(1, struct.pack("!H4H", 8, 0xC02F, 0xC030, 0x002F, 0x0035) + b"\x01\x00", extensions,
                   "client")
    return record(HANDSHAKE, hello[:4] + struct.pack("!H", newest) + hello[6:], 0x0301)


def server_select(version, sentinel=None):
    """A ServerHello that selects `version`; the random may end with a sentinel (RFC 8446 section
    4.1.3). Then the rest of the flight as filler."""
    hello = _hello(2, b"\xc0\x30\x00", [_extension(0xFF01, b"\0")], "server")
    random = hello[6:38] if sentinel is None else hello[6:30] + b"DOWNGRD" + bytes((sentinel,))
    hello = hello[:4] + struct.pack("!H", version) + random + hello[38:]
    return record(HANDSHAKE, hello, version) + record(HANDSHAKE, filler("certificate", 900), version)


def client_finished12():
    return change_cipher_spec() + record(HANDSHAKE, filler("client finished 12", 40))
