/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP header (RFC 768) and its checksum. */
#ifndef DISSECT_UDP_H
#define DISSECT_UDP_H

#include "dissect/ip.h"

struct udp_datagram {
    uint16_t src_port, dst_port; /* host order */
    struct span payload;         /* captured */
    uint32_t payload_len;        /* by its length: > payload.n when cut by the snap length */
    bool bad_checksum; /* its receiver throws it away; false where there is none or no way to tell:
                          cut, or left to the network card */
};

enum udp_result { UDP_OK, UDP_SHORT, UDP_MALFORMED };

/* Pure; out->payload points into the packet. What the IP header has behind the end is left out. */
enum udp_result udp_parse(const struct ip_packet *ip, struct udp_datagram *out);

#endif
