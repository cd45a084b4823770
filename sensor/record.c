/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"

#define HEADER  16    /* seconds, fraction, captured length, length */
#define LONGEST 65535 /* well below where libpcap calls a record damaged */

#define MICROSECONDS 0xA1B2C3D4u
#define NANOSECONDS  0xA1B23C4Du

static uint32_t magic_of(struct span head)
{
    uint32_t magic = 0;
    if (head.n == sizeof(magic))
        memcpy(&magic, head.p, sizeof(magic));
    return magic;
}

bool record_plain(struct span head)
{
    return magic_of(head) == MICROSECONDS || magic_of(head) == NANOSECONDS;
}

struct record_source record_source(struct stream *stream, struct span head, int snaplen)
{
    if (!record_plain(head) || snaplen <= 0)
        return (struct record_source){0};
    return (struct record_source){
        .stream = stream,
        .ready = stream_ready(stream),
        .tick = magic_of(head) == MICROSECONDS ? 1000 : 1,
        .longest = snaplen < LONGEST ? (uint32_t)snaplen : LONGEST,
    };
}

bool record_take(const struct record_source *r, struct packet *p)
{
    uint32_t seconds, fraction, captured, length;
    struct span at = *r->ready;
    if (at.n < HEADER && (at = stream_window(r->stream, HEADER)).n < HEADER)
        return false;
    memcpy(&seconds, at.p, 4);
    memcpy(&fraction, at.p + 4, 4);
    memcpy(&captured, at.p + 8, 4);
    memcpy(&length, at.p + 12, 4);
    uint64_t ns = (uint64_t)fraction * r->tick;
    if (captured > r->longest || ns >= NS_PER_S)
        return false;
    if (at.n < HEADER + captured)
        at = stream_window(r->stream, HEADER + captured);
    if (at.n < HEADER + captured)
        return false;
    p->time = (nstime)seconds * NS_PER_S + (nstime)ns;
    p->bytes = span_of(at.p + HEADER, captured);
    p->wire_len = length > captured ? length : captured;
    *r->ready = span_from(at, HEADER + captured);
    return true;
}
