# SPDX-License-Identifier: Apache-2.0
"""JA4, the fingerprint of a TLS client, from the text of FoxIO's technical_details/JA4.md (JA4 itself
is under BSD 3-clause), and JA3 and JA3S from the text of their README; to compare with.

Everything is computed from lists of numbers, as another program shows them.
"""
import hashlib

VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
SERVER_NAME, ALPN = 0, 16


def is_grease(number):
    """RFC 8701: 0x0A0A, 0x1A1A, ... 0xFAFA."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def plain(numbers):
    return [n for n in numbers if not is_grease(n)]


def hexed(numbers):
    return ",".join("%04x" % n for n in numbers)


def cut_hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def alpn_letters(values):
    """First and last letter of the first value; of its hex digits, where one is no letter or digit."""
    if not values or not values[0]:
        return "00"
    first = values[0]
    ends = bytes((first[0], first[-1]))
    if ends.isalnum():
        return ends.decode()
    digits = first.hex()
    return digits[0] + digits[-1]


def ja4(version, ciphers, extensions, signatures, alpns, supported=()):
    """`version`: the legacy one; `supported`: of supported_versions; `alpns`: bytes."""
    ciphers, extensions, supported = plain(ciphers), plain(extensions), plain(supported)
    newest = max(supported) if supported else version
    head = "t%s%s%02d%02d%s" % (VERSIONS.get(newest, "00"), "d" if SERVER_NAME in extensions else "i",
                                min(len(ciphers), 99), min(len(extensions), 99), alpn_letters(alpns))
    rest = hexed(sorted(n for n in extensions if n not in (SERVER_NAME, ALPN)))
    signatures = hexed(plain(signatures))
    return "%s_%s_%s" % (head, cut_hash(hexed(sorted(ciphers))),
                         cut_hash(rest + ("_" + signatures if signatures else "")))


def _digest(text):
    return {"hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), "string": text}


def _dashed(numbers):
    return "-".join(str(n) for n in plain(numbers))


def ja3(version, ciphers, extensions, groups, formats):
    return _digest(",".join((str(version), _dashed(ciphers), _dashed(extensions), _dashed(groups),
                             "-".join(map(str, formats)))))


def ja3s(version, cipher, extensions):
    return _digest("%d,%d,%s" % (version, cipher, "-".join(map(str, extensions))))


def vectors():
    """(what, got, wanted): the examples of the text."""
    ciphers = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014,
               0x009C, 0x009D, 0x002F, 0x0035)
    extensions = (0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023,
                  0x0012, 0x002B, 0xFF01, 0x000B, 0x000A, 0x0015)
    signatures = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
    whole = "t13d1516h2_8daaf6152771_e5627efa2ab1"
    yield "example", ja4(0x0303, ciphers, extensions, signatures, [b"h2", b"http/1.1"],
                         (0x0304, 0x0303)), whole
    yield "GREASE", ja4(0x0303, (0x0A0A, *ciphers), (0xFAFA, *extensions, 0x1A1A), signatures,
                        [b"h2"], (0x2A2A, 0x0304)), whole
    yield "no signatures", ja4(0x0303, ciphers, extensions, (), [b"h2"], (0x0304,))[-12:], "6d807ffa2a79"
    yield "nothing", ja4(0x0301, (), (), (), ()), "t10i000000_000000000000_000000000000"
    for text, letters in (("ab", "ab"), ("abcd", "ad"), ("30ab", "3b"), ("3031abcd", "3d"),
                          ("30abcd31", "01"), ("78", "xx")):
        yield "ALPN " + text, alpn_letters([bytes.fromhex(text)]), letters
