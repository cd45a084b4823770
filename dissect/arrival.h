/* SPDX-License-Identifier: Apache-2.0 */
/* One packet of mail on its way from the frame to its flow. */
#ifndef DISSECT_ARRIVAL_H
#define DISSECT_ARRIVAL_H

#include "dissect/dissect.h"
#include "dissect/frame.h"
#include "dissect/tcp.h"

struct flow;

struct arrival {
    const struct packet *packet;
    enum session_dir dir;
    struct flow_key key;
    uint32_t point; /* dissect/point.h */
    uint32_t ip_id; /* 0 over IPv6 */
    struct tcp_segment tcp;
    /* unless it was only glanced at */
    const struct frame *frame;
    const struct ip_packet *ip;
    struct flow *flow; /* NULL: none is unpacked */
    bool known;        /* flow and the rest above were had at a glance */
    bool tried;        /* and it was not to be passed over */
};

#endif
