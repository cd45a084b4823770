/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/syn_print.h"

#include "base/siphash.h"
#include "dissect/tcp.h"

enum { IPV4_FLAGS = 6, IPV4_DF = 0x40 }; /* RFC 791 section 3.1 */

static uint8_t ttl_class(uint8_t ttl)
{
    if (ttl <= 32)
        return 32;
    if (ttl <= 64)
        return 64;
    return ttl <= 128 ? 128 : 255;
}

static void note_option(struct syn_print *out, uint8_t kind, struct span value)
{
    if (kind == TCP_OPTION_MSS && value.n == 2)
        out->mss = tcp_be16(value.p);
    else if (kind == TCP_OPTION_SCALE && value.n == 1)
        out->scale = value.p[0];
    if (out->option_count < CAP_SYN_OPTIONS)
        out->options[out->option_count++] = kind;
}

void syn_print_read(const struct ip_packet *ip, struct syn_print *out)
{
    const uint8_t *p = ip->payload.p;
    struct span options, value;
    uint8_t kind;

    if (ip->payload.n < TCP_HEADER)
        return;
    *out = (struct syn_print){
        .known = true,
        .df = ip->header.n > IPV4_FLAGS && (ip->header.p[IPV4_FLAGS] & IPV4_DF),
        .ttl_class = ttl_class(ip->ttl),
        .window = tcp_be16(p + 14),
    };
    options = span_from(span_first(ip->payload, (size_t)(p[12] >> 4) * 4), TCP_HEADER);
    while (tcp_option_next(&options, &kind, &value))
        note_option(out, kind, value);
}

uint32_t syn_print_hash(const struct syn_print *p)
{
    static const struct siphash_key fixed = {0, 0};
    uint8_t bytes[4 + CAP_SYN_OPTIONS] = {p->ttl_class, p->df, p->scale, p->option_count};
    uint32_t h;

    if (!p->known)
        return 0;
    memcpy(bytes + 4, p->options, sizeof(p->options));
    h = (uint32_t)siphash(&fixed, bytes, sizeof(bytes));
    return h ? h : 1;
}
