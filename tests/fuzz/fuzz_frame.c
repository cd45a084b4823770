/* SPDX-License-Identifier: Apache-2.0 */
/* A link-type selector, then packets of two length bytes each, through all layers up to TCP, and
 * through all that they are encapsulated in. */
#include "base/cursor.h"
#include "dissect/defrag.h"
#include "dissect/frame.h"
#include "dissect/plain.h"
#include "dissect/point.h"
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

static bool lies_in(struct span inner, struct span outer)
{
    return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

/* One header after the other, as deep as they are read; what is inside lies in what is outside. */
static void one_layer(struct defrag *d, struct frame *frame, enum frame_result rc, nstime now)
{
    struct ip_packet ip, whole, *p = &ip;
    struct tcp_segment tcp;
    struct tunnel t;
    enum tunnel_result found;

    if (rc == FRAME_CARRIER) {
        found = frame->type == FRAME_TYPE_PPPOE ? tunnel_pppoe(frame->ip, &t)
                                                : tunnel_mpls(frame->ip, &t);
        p = NULL;
    } else {
        if (rc != FRAME_OK || ip_parse(frame->ip, &ip) != IP_OK)
            return;
        if (ip.fragment)
            p = defrag_push_of(d, (uint32_t)frame->way, &ip, now, &whole) ? &whole : NULL;
        if (!p)
            return;
        if (p->payload.n > p->payload_len || p->fragment)
            __builtin_trap();
        if (tcp_checksum(p) < TCP_CHECKSUM_UNKNOWN && tcp_parse(p, &tcp) == TCP_SHORT)
            __builtin_trap();
        found = tunnel_ip(p, &t);
    }
    if (found != TUNNEL_OK)
        return;
    if (!lies_in(t.inside, p ? p->payload : frame->ip) ||
        (p && !tunnel_may_be(p->proto, p->payload, TUNNEL_BIT(t.kind))))
        __builtin_trap();
    if (frame->tunnel_count == CAP_TUNNEL_DEPTH)
        return;
    point_enter(frame, &t, p);
    one_layer(d, frame, frame_inside(t.type, t.inside, frame), now);
}

static void one_packet(struct defrag *d, uint32_t link, struct span bytes, nstime now)
{
    struct frame frame;
    enum frame_result rc = frame_parse(link, bytes, &frame);

    same_both_ways(link, bytes);
    one_layer(d, &frame, rc, now);
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
