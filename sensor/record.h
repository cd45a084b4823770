/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a common pcap file (draft-ietf-opsawg-pcap: version 2.4 in the byte order of this
 * machine), read where they lie in the buffer of the stream: libpcap copies each packet and calls
 * stdio twice for it, which costs as much as dissecting it. Whatever is not plain in any way (a
 * length or a fraction out of range, the end of the file) is left alone, for libpcap to read from
 * the same stream and to judge: only libpcap says what is damaged.
 */
#ifndef SENSOR_RECORD_H
#define SENSOR_RECORD_H

#include "dissect/dissect.h"
#include "sensor/stream.h"

struct record_source {
    struct stream *stream; /* at the beginning of a record; NULL: none is read here */
    struct span *ready;    /* of the stream */
    uint32_t tick;         /* nanoseconds of one unit of the fraction: 1000 or 1 */
    uint32_t longest;      /* bytes captured of a packet: those with more are left alone */
};

/* Whether a file that begins with these four bytes has such records. */
bool record_plain(struct span head);

/* The stream (shared with the file that libpcap reads), once its header was read; its snap length.
 */
struct record_source record_source(struct stream *stream, struct span head, int snaplen);

/* Takes the next record and fills time, bytes and wire_len of `p`; the bytes are valid until the
 * next read from the stream. False: it is left alone. */
bool record_take(const struct record_source *r, struct packet *p);

#endif
