/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS from the IP packet on. Input: packets, each a flag byte (bit 0 from the server, bit 1 TCP,
 * bit 2 IPv6, bit 3 port 53 on both sides, bits 4-5 SYN, FIN, RST over TCP, bit 6 a TCP length is
 * put before, bit 7 cut by the snap length), a signed step against the expected sequence number, a
 * time step and a length byte with that many bytes. What comes out must be sound.
 */
#include <stdlib.h>

#include "dissect/dns_tap.h"
#include "tests/fuzz/mutate.h"

enum { HEADER = 4, SERVER = 1, TCP = 2, IPV6 = 4, BOTH_53 = 8, FRAMED = 64, CUT = 128 };

static uint64_t sightings;

static void expect(bool good)
{
    if (!good)
        abort();
}

static void check_name(const struct dns_message *m, uint16_t at)
{
    expect(at < m->pool_used && memchr(m->pool + at, '\0', m->pool_used - at));
    for (const char *p = dns_text(m, at); *p; p++)
        expect(*p > ' ' && *p < 0x7f && !(*p >= 'A' && *p <= 'Z'));
}

static void check_text(const struct dns_message *m, const struct dns_record *r)
{
    static uint8_t joined[CAP_DNS_TEXT];
    struct span string;
    size_t at = 0, sum = 0;

    expect(r->text.n > 0 && r->text.at + r->text.n <= m->pool_used);
    while (dns_txt_next(m, r, &at, &string))
        sum += string.n;
    expect(at == r->text.n && dns_txt_join(m, r, joined, sum) == sum);
    expect(sum == 0 || dns_txt_join(m, r, joined, sum - 1) == SIZE_MAX);
}

static void check_record(const struct dns_message *m, const struct dns_record *r)
{
    check_name(m, r->owner);
    expect(r->ttl <= INT32_MAX);
    if (r->section == DNS_ADDITIONAL)
        expect(r->class == DNS_CLASS_IN && (r->type == DNS_A || r->type == DNS_AAAA));
    else
        expect(r->section == DNS_ANSWER);
    if (r->class != DNS_CLASS_IN)
        return;
    if (r->type == DNS_MX)
        check_name(m, r->mx.exchange);
    if (r->type == DNS_CNAME)
        check_name(m, r->target);
    if (r->type == DNS_TXT)
        check_text(m, r);
    if (r->type == DNS_TLSA)
        expect(r->tlsa.association.n > 0 &&
               r->tlsa.association.at + r->tlsa.association.n <= m->pool_used);
}

static void check_message(const struct dns_message *m)
{
    expect(m->record_count <= CAP_DNS_RECORDS && m->pool_used <= CAP_DNS_TEXT);
    expect((m->not_kept > 0) <= (m->capped > 0));
    check_name(m, m->question.name);
    check_name(m, m->soa_owner);
    for (uint16_t i = 0; i < m->record_count; i++)
        check_record(m, &m->record[i]);
}

static void on_dns(void *user, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;

    (void)user;
    sightings++;
    check_message(m);
    expect(s->kind == DNS_SIGHTING_ANSWER || !m->response);
    expect(s->server_port == DNS_TAP_PORT);
    expect(s->query_seen == (s->queries > 0) || s->kind == DNS_SIGHTING_QUERY);
    expect(s->answer_number == 0 || (s->query_seen && m->result == DNS_OK && !s->bad_checksum));
    expect(!s->again || s->answer_number > 0);
}

/* The beginning of a message has nothing that the whole has not. */
static void check_prefix(struct span bytes)
{
    static struct dns_message whole, part;

    dns_read(bytes, &whole);
    dns_read(span_first(bytes, bytes.n * 3 / 4), &part);
    check_message(&part);
    expect(part.record_count <= whole.record_count && part.has_question <= whole.has_question);
    if (part.record_count > 0) {
        const struct dns_record *a = &part.record[part.record_count - 1];
        const struct dns_record *b = &whole.record[part.record_count - 1];
        expect(a->type == b->type && a->ttl == b->ttl);
        expect(strcmp(dns_text(&part, a->owner), dns_text(&whole, b->owner)) == 0);
    }
}

static void put16(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

struct sender {
    struct dns_tap *tap;
    uint32_t seq[2]; /* next of each side */
    nstime now;
};

static void send_tcp(struct sender *k, const uint8_t *head, struct dns_arrival *a,
                     struct span bytes)
{
    static const uint8_t flags[4] = {TCP_ACK, TCP_SYN, TCP_ACK | TCP_FIN, TCP_RST};
    bool server = head[0] & SERVER;
    struct tcp_segment tcp = {.src_port = server ? DNS_TAP_PORT : 40000,
                              .dst_port = server ? 40000 : DNS_TAP_PORT,
                              .seq = k->seq[server] + (head[1] < 128 ? head[1] : head[1] - 256u),
                              .flags = flags[head[0] >> 4 & 3],
                              .payload_len = (uint32_t)bytes.n};

    tcp.payload = head[0] & CUT ? span_first(bytes, bytes.n / 2) : bytes;
    k->seq[server] = tcp.seq + tcp.payload_len + (tcp.flags == TCP_SYN);
    dns_tap_tcp(k->tap, a, &tcp);
}

static void send_udp(struct sender *k, const uint8_t *head, struct dns_arrival *a,
                     struct ip_packet *ip, struct span bytes)
{
    uint8_t udp[8 + 255 + 2] = {0};
    bool server = head[0] & SERVER;
    uint16_t port = head[0] & BOTH_53 ? DNS_TAP_PORT : 40000;

    put16(udp, server ? DNS_TAP_PORT : port);
    put16(udp + 2, server ? port : DNS_TAP_PORT);
    put16(udp + 4, 8 + bytes.n);
    memcpy(udp + 8, bytes.p, bytes.n);
    ip->payload_len = (uint32_t)(8 + bytes.n);
    ip->payload = span_of(udp, head[0] & CUT ? 8 + bytes.n / 2 : 8 + bytes.n);
    expect(dns_tap_is_udp(ip));
    dns_tap_udp(k->tap, a);
}

static void send(struct sender *k, const uint8_t *head, struct span bytes)
{
    uint8_t framed[255 + 2];
    bool server = head[0] & SERVER;
    struct ip_packet ip = {.family = head[0] & IPV6 ? 6 : 4,
                           .src = {server ? 53 : 1},
                           .dst = {server ? 1 : 53},
                           .proto = head[0] & TCP ? 6 : 17,
                           .payload_len = UINT32_MAX}; /* its sum cannot be told */
    struct dns_arrival a = {.time = k->now, .now = k->now, .ip = &ip};

    check_prefix(bytes);
    k->now += (nstime)head[2] * head[2] * NS_PER_MS;
    if (head[2] & 1)
        dns_tap_tick(k->tap, k->now);
    if (!(head[0] & TCP)) {
        send_udp(k, head, &a, &ip, bytes);
        return;
    }
    if (head[0] & FRAMED) {
        put16(framed, bytes.n);
        memcpy(framed + 2, bytes.p, bytes.n);
        bytes = span_of(framed, bytes.n + 2);
    }
    send_tcp(k, head, &a, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct siphash_key key;
    struct sender k = {.tap = dns_tap_new(&key, 8, on_dns, NULL)};
    struct dns_tap_counters c;

    sightings = 0;
    for (size_t at = 0; k.tap && size - at >= HEADER;) {
        size_t n = data[at + 3] < size - at - HEADER ? data[at + 3] : size - at - HEADER;
        send(&k, data + at, span_of(data + at + HEADER, n));
        at += HEADER + n;
    }
    if (k.tap) {
        c = dns_tap_counters(k.tap);
        expect(c.messages + c.unanswered == sightings);
    }
    dns_tap_free(k.tap);
    return 0;
}

#ifdef STRIPWATCH_FUZZ
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static const struct mutate_form form = {
        .header = HEADER, .length_at = 3, .step_at = 1, .ends_within = 128};

    return mutate_records(&form, data, size, most, seed);
}
#endif
