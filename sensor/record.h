/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a common pcap file (draft-ietf-opsawg-pcap: version 2.4 in the byte order of this
 * machine), read where they lie in the buffer of stdio. Nothing is copied and no function of stdio
 * is called, which together cost as much as dissecting a packet. Whatever is not plain in any way
 * (a record that goes on past the buffer, a length or fraction out of range) is left alone, for
 * libpcap to read from the same FILE and to judge: only libpcap says what is damaged.
 */
#ifndef SENSOR_RECORD_H
#define SENSOR_RECORD_H

#include <stdio.h>

#include "dissect/dissect.h"

struct record_source {
    FILE *file;       /* placed at the beginning of a record; NULL: none is read here */
    uint32_t tick;    /* nanoseconds of one unit of the fraction: 1000 or 1 */
    uint32_t longest; /* bytes captured of a packet: those with more are left alone */
};

/* The `file`, whose text begins with the four bytes of `head`, once its header was read. */
struct record_source record_source(FILE *file, struct span head, int snaplen);

/* Takes the next record off the buffer and fills time, bytes and wire_len of `p`; the bytes are
 * valid until the next read from the file. False: it is left alone. */
bool record_take(const struct record_source *r, struct packet *p);

#endif
