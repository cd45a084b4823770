/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of policies from the TCP segment on. Input: segments, each a flag byte (bit 0 from the
 * server, bits 1-2 RST, FIN, bits 3-5 which of eight connections), a signed step against the
 * expected sequence number, a time step and a length byte with that many bytes. A name that comes
 * out is one of a policy host.
 */
#include <stdlib.h>

#include "dissect/fetch_tap.h"
#include "tests/fuzz/mutate.h"

enum { HEADER = 4 };

static void on_fetch(void *user, const struct fetch_sighting *s)
{
    size_t n = strlen(s->host);

    (void)user;
    if (n > CAP_DOMAIN_TEXT || strncmp(s->host, "mta-sts.", 8) != 0 || s->time < s->asked)
        abort();
    for (size_t i = 0; i < n; i++)
        if (s->host[i] <= ' ' || s->host[i] > '~' || (s->host[i] >= 'A' && s->host[i] <= 'Z'))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct siphash_key key = {1, 2};
    struct fetch_tap *t = fetch_tap_new(&key, on_fetch, NULL);
    uint32_t seq[8][2] = {{0}};
    nstime now = NS_PER_S;

    for (size_t n; t && size >= HEADER; data += HEADER + n, size -= HEADER + n) {
        bool up = !(data[0] & 1);
        unsigned c = data[0] >> 3 & 7;
        uint16_t port = (uint16_t)(1024 + c);
        n = data[3] < size - HEADER ? data[3] : size - HEADER;
        now += (nstime)data[2] * NS_PER_S;
        const struct ip_packet ip = {.family = 4, .src = {up}, .dst = {!up}};
        const struct tcp_segment tcp = {
            .src_port = up ? port : FETCH_TAP_PORT,
            .dst_port = up ? FETCH_TAP_PORT : port,
            .seq = seq[c][up] + (data[1] < 128 ? data[1] : data[1] - 256u),
            .flags = (uint8_t)((data[0] & 2 ? TCP_RST : 0) | (data[0] & 4 ? TCP_FIN : 0)),
            .payload = span_of(data + HEADER, n),
            .payload_len = (uint32_t)n};
        if (fetch_tap_wants(t, up, tcp.payload))
            fetch_tap_segment(t, &ip, &tcp, now, now, 0);
        fetch_tap_tick(t, now);
        seq[c][up] = tcp.seq + (uint32_t)n;
    }
    fetch_tap_free(t);
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
