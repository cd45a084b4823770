# SPDX-License-Identifier: Apache-2.0
"""Captures of one recorded STARTTLS session with a full TLS 1.2 handshake, thousands of times over.

Each copy has another client address and port. Of three kinds:
  opaque  the handshake's records say that they are application data: nothing of it is read
  known   as recorded: one chain of certificates, which is verified once
  new     the last bytes of the leaf's signature differ in each: every chain is verified
"""
import struct
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[1] / "pcaps" / "lab-clean-tls12" / "input.pcap"
KINDS = ("opaque", "known", "new")
OPEN = 100                        # sessions that are open at a time
APART = 20 * 10**6                # nanoseconds between two that begin: 50 a second
SERVER_PORT, HANDSHAKE, APPLICATION, CERTIFICATE = 25, 22, 23, 11


class Frame:
    """An IPv4 TCP frame of the recorded session."""

    def __init__(self, time, data):
        self.time, self.data = time, bytearray(data)
        self.tcp = 14 + (data[14] & 15) * 4
        self.payload = self.tcp + (data[self.tcp + 12] >> 4) * 4
        self.end = 14 + struct.unpack_from("!H", data, 16)[0]
        self.source, self.target = struct.unpack_from("!HH", data, self.tcp)
        self.from_server = self.source == SERVER_PORT


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def recorded():
    data = RECORDED.read_bytes()
    frames, at = [], 24
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[23] == 6 and SERVER_PORT in struct.unpack_from(
                "!HH", frame, 14 + (frame[14] & 15) * 4):
            frames.append(Frame(seconds * 10**9 + micros * 1000, frame))
    return frames


def stream(frames, from_server):
    """The bytes of one side, and where each stands: (frame, offset in it)."""
    places = [(f, i) for f in frames if f.from_server == from_server
              for i in range(f.payload, f.end)]
    return bytes(f.data[i] for f, i in places), places


def records(data, at):
    while at + 5 <= len(data):
        size = struct.unpack_from("!H", data, at + 3)[0]
        yield at, data[at], size
        at += 5 + size


def tls_begin(frames, from_server):
    data, _ = stream(frames, from_server)
    mark = b"Ready to start TLS\r\n" if from_server else b"STARTTLS\r\n"
    return data.index(mark) + len(mark)


def make_opaque(frames):
    for side in (False, True):
        data, places = stream(frames, side)
        for at, kind, _ in records(data, tls_begin(frames, side)):
            if kind == HANDSHAKE:
                frame, offset = places[at]
                frame.data[offset] = APPLICATION


def end_of_leaf(frames):
    """The places of the last four bytes of the first certificate, which its signature ends with."""
    data, places = stream(frames, True)
    for at, kind, _ in records(data, tls_begin(frames, True)):
        if kind == HANDSHAKE and data[at + 5] == CERTIFICATE:
            leaf = at + 5 + 4 + 3
            size = int.from_bytes(data[leaf:leaf + 3], "big")
            return places[leaf + 3 + size - 4:leaf + 3 + size]
    raise ValueError("no certificate in " + str(RECORDED))


def addressed(frame, number):
    """A copy of the frame, its client another one; checksums are right."""
    data = bytearray(frame.data[:frame.end])
    client, port = struct.pack("!I", 0x0A000000 + number), 1024 + number % 60000
    data[30 if frame.from_server else 26:34 if frame.from_server else 30] = client
    struct.pack_into("!H", data, frame.tcp + (2 if frame.from_server else 0), port)
    struct.pack_into("!H", data, 24, 0)
    struct.pack_into("!H", data, 24, checksum(bytes(data[14:frame.tcp])))
    struct.pack_into("!H", data, frame.tcp + 16, 0)
    pseudo = bytes(data[26:34]) + struct.pack("!HH", 6, frame.end - frame.tcp)
    struct.pack_into("!H", data, frame.tcp + 16, checksum(pseudo + bytes(data[frame.tcp:])))
    return bytes(data)


def write(path, kind, sessions):
    frames = recorded()
    if kind == "opaque":
        make_opaque(frames)
    leaf = end_of_leaf(frames) if kind == "new" else ()
    begin, packets = frames[0].time, []
    stretch = OPEN * APART // max(frames[-1].time - begin, 1)  # so that they overlap
    for number in range(sessions):
        for (frame, offset), byte in zip(leaf, struct.pack("!I", number)):
            frame.data[offset] = byte
        packets += ((begin + number * APART + (f.time - begin) * stretch, number * 100 + i,
                     addressed(f, number)) for i, f in enumerate(frames))
    packets.sort()
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time, _, data in packets:
            out.write(struct.pack("<IIII", time // 10**9, time % 10**9 // 1000, len(data), len(data)))
            out.write(data)
