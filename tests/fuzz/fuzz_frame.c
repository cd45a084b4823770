/* SPDX-License-Identifier: Apache-2.0 */
/* A link-type selector, then packets of two length bytes each, through all layers up to TCP. */
#include "base/cursor.h"
#include "dissect/defrag.h"
#include "dissect/frame.h"
#include "dissect/plain.h"
#include "dissect/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t links[] = {FRAME_ETHERNET, FRAME_RAW,  FRAME_SLL,  FRAME_SLL2, FRAME_NULL,
                                 FRAME_LOOP,     FRAME_IPV4, FRAME_IPV6, UINT32_MAX};

/* The short way reads what the layers read, or nothing. */
static void same_both_ways(uint32_t link, struct span bytes)
{
    enum plain kind = plain_recognise(link, bytes);
    struct frame frame;
    struct ip_packet ip, want;
    struct tcp_segment tcp, whole;
    struct arrival glance = {.dir = SESSION_TO_SERVER};

    if ((kind != PLAIN_TCP_IPV4 && kind != PLAIN_TCP_IPV6) ||
        !plain_parse(kind, bytes, &frame, &ip, &tcp))
        return;
    if (frame_parse(link, bytes, &frame) != FRAME_OK || ip_parse(frame.ip, &want) != IP_OK ||
        want.fragment || tcp_parse(&want, &whole) != TCP_OK ||
        !span_eq(tcp.payload, whole.payload) || tcp.payload_len != whole.payload_len ||
        tcp.seq != whole.seq || tcp.flags != whole.flags || tcp.src_port != whole.src_port)
        __builtin_trap();
    if (!plain_glance(kind, bytes, &glance)) {
        if (!(tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
            __builtin_trap();
    } else if (!span_eq(glance.tcp.payload, whole.payload) ||
               glance.key.client_port != whole.src_port) {
        __builtin_trap();
    }
}

static void one_packet(struct defrag *d, uint32_t link, struct span bytes, nstime now)
{
    struct frame frame;
    struct ip_packet ip, whole, *p = &ip;
    struct tcp_segment tcp;

    same_both_ways(link, bytes);
    if (frame_parse(link, bytes, &frame) != FRAME_OK || ip_parse(frame.ip, &ip) != IP_OK)
        return;
    if (ip.fragment)
        p = defrag_push(d, &ip, now, &whole) ? &whole : NULL;
    if (p && (p->payload.n > p->payload_len || p->fragment))
        __builtin_trap();
    if (p && tcp_checksum(p) < TCP_CHECKSUM_UNKNOWN && tcp_parse(p, &tcp) == TCP_SHORT)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(span_of(data, size));
    uint32_t link = links[cursor_u8(&c) % (sizeof(links) / sizeof(links[0]))];
    struct defrag *d = defrag_new();
    for (nstime now = 0; d && c.left > 0; now += NS_PER_S) {
        size_t n = cursor_u16(&c);
        one_packet(d, link, cursor_span(&c, n < c.left ? n : c.left), now);
    }
    defrag_free(d);
    return 0;
}
