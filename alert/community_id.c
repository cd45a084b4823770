/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/community_id.h"

#include "base/digest.h"

struct endpoint {
    const uint8_t *address;
    uint16_t port;
};

static uint8_t *put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

/* 20 bytes are 28 characters of base64 (RFC 4648), one of them padding. */
static void put_base64(char *dst, const uint8_t in[20])
{
    static const char DIGIT[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[21] = {0};
    memcpy(padded, in, 20);
    for (int i = 0; i < 21; i += 3) {
        uint32_t v = (uint32_t)padded[i] << 16 | (uint32_t)padded[i + 1] << 8 | padded[i + 2];
        *dst++ = DIGIT[v >> 18];
        *dst++ = DIGIT[v >> 12 & 63];
        *dst++ = DIGIT[v >> 6 & 63];
        *dst++ = DIGIT[v & 63];
    }
    dst[-1] = '=';
    dst[0] = '\0';
}

int community_id(const struct flow_key *key, uint8_t proto, uint16_t seed,
                 char out[COMMUNITY_ID_TEXT])
{
    size_t n = key->family == 4 ? 4 : 16;
    struct endpoint low = {key->client, key->client_port};
    struct endpoint high = {key->server, key->server_port};
    int order = memcmp(low.address, high.address, n);
    if (order > 0 || (order == 0 && low.port > high.port)) {
        struct endpoint swap = low;
        low = high;
        high = swap;
    }

    uint8_t in[2 + 16 + 16 + 2 + 2 + 2];
    uint8_t hash[20];
    uint8_t *p = put_u16(in, seed);
    memcpy(p, low.address, n);
    memcpy(p + n, high.address, n);
    p += 2 * n;
    *p++ = proto;
    *p++ = 0;
    p = put_u16(p, low.port);
    p = put_u16(p, high.port);

    out[0] = '\0';
    if (digest_sha1(span_of(in, (size_t)(p - in)), hash) != 0)
        return -1;
    memcpy(out, "1:", 2);
    put_base64(out + 2, hash);
    return 0;
}
