/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything from frame to judgement and output line. Input: packets, each a flag byte (bit 0
 * direction, bits 1-2 flags, bit 3 raw bytes), a signed step against the expected sequence number,
 * a time step and a length byte with that many bytes. What comes in must be accounted for.
 */
#include <stdlib.h>

#include "../unit/packets.h"
#include "alert/eve.h"
#include "base/json.h"
#include "rules/finding.h"
#include "sensor/peers.h"
#include "tests/fuzz/mutate.h"

static struct json line;
static struct peers *peers;

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    const struct judge_aid aid = {.certificate = peers_certificate(s), .own_authorities = true};
    struct judgement j;

    (void)user;
    judge(s, m, &aid, &j);
    if (m != SESSION_CLOSED && judge_calm(s))
        for (uint8_t i = 0; i < j.finding_count; i++)
            if (j.finding[i].severity > SEVERITY_INFO)
                abort();
    if (m == SESSION_CLOSED)
        eve_session(&line, s, &j, NULL, &(struct eve_options){0});
    if (m == SESSION_CLOSED)
        peers_leave(s);
}

static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    struct eve_peer peer;

    (void)user;
    peers_meet(peers, s, t);
    peer = peers_describe(peers, s);
    eve_tls(&line, s, t, &peer, &(struct eve_options){0});
    if (json_end(&line).n > CAP_JSON_LINE)
        abort();
}

static void add(struct packets *k, const uint8_t *p, size_t n)
{
    enum session_dir d = (enum session_dir)(p[0] & 1);
    static const uint8_t flags[4] = {TCP_ACK, TCP_ACK | TCP_FIN, TCP_RST, TCP_SYN};
    uint8_t f = flags[p[0] >> 1 & 3];
    uint32_t seq = k->seq[d] + (p[1] < 128 ? p[1] : p[1] - 256u);

    if (d == SESSION_TO_CLIENT && f == TCP_SYN)
        f |= TCP_ACK;
    k->now += (nstime)p[2] * p[2] * NS_PER_MS;
    packets_raw(k, d, seq, k->seq[!d] + ((p[0] & 0x30) == 0x30 ? 1u : 0u), f, p + 4, n);
    if (p[0] & 8)
        k->p[k->count - 1].bytes[14 + p[1] % 40] ^= p[2];
    k->seq[d] = seq + (uint32_t)n;
}

static void check(const struct dissect *d)
{
    struct dissect_counters c = dissect_counters(d);
    uint64_t out = c.not_mail + c.not_ip + c.malformed_link + c.malformed_ip + c.malformed_tcp +
                   c.unknown_link + c.vlan_deep + c.malformed_tunnel + c.tunnel_deep +
                   c.fragments_dropped + c.fragments_held + c.no_flow + c.half_open +
                   c.flow_capped + c.dns + c.processed;

    if (out != c.packets || c.flows_open || c.held_bytes)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct packets k;
    struct dissect_config c;
    struct dissect *d;

    if (!peers && !(peers = peers_new(&(struct siphash_key){1, 2}, "/dev/null")))
        return 0;
    dissect_config_default(&c);
    c.tls = on_tls;
    c.max_flows = 4;
    c.half_open = 16;
    if (size & 1) /* every flow is packed after every packet */
        c.unpacked = 0;
    d = dissect_new(&c, on_session, NULL);
    packets_begin(&k, 1000, 2000);
    packets_handshake(&k);
    for (size_t at = 0; size - at >= 4 && k.count < 200;) {
        size_t n = data[at + 3] < size - at - 4 ? data[at + 3] : size - at - 4;
        add(&k, data + at, n);
        at += 4 + n;
    }
    for (size_t i = 0; i < k.count; i++) {
        struct packet p = packets_get(&k, i);
        dissect_packet(d, &p);
    }
    dissect_finish(d);
    check(d);
    dissect_free(d);
    return 0;
}

#ifdef STRIPWATCH_FUZZ
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static const struct mutate_form form = {
        .header = 4, .length_at = 3, .step_at = 1, .ends_within = 128};

    return mutate_records(&form, data, size, most, seed);
}
#endif
