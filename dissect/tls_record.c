/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_record.h"

#include <string.h>

#define MAX_LENGTH  (16384 + 2048) /* RFC 5246 section 6.2.3: ciphertext expansion */
#define MAX_VERSION 4

bool tls_record_starts(uint8_t first)
{
    return first >= TLS_CHANGE_CIPHER_SPEC && first <= TLS_APPLICATION_DATA;
}

static bool header_plausible(const uint8_t *h)
{
    unsigned length = (unsigned)(h[3] << 8 | h[4]);

    return tls_record_starts(h[0]) && h[1] == 3 && h[2] <= MAX_VERSION && length <= MAX_LENGTH;
}

/* Two-byte header with the top bit set, message type 1, then a version. */
static bool sslv2_plausible(const uint8_t *h)
{
    return (h[0] & 0x80) && h[2] == 1 && (h[3] == 3 || (h[3] == 0 && h[4] == 2));
}

static void begin_body(struct tls_record_reader *r)
{
    unsigned length = (unsigned)(r->head[3] << 8 | r->head[4]);

    r->left = length;
    r->want = (uint8_t)(TLS_RECORD_HEADER + (length < 2 ? length : 2));
}

static void emit(struct tls_record_reader *r, struct tls_record *out)
{
    out->type = r->head[0];
    out->version = (uint16_t)(r->head[1] << 8 | r->head[2]);
    out->length = (uint16_t)(r->head[3] << 8 | r->head[4]);
    out->body[0] = r->want > TLS_RECORD_HEADER ? r->head[TLS_RECORD_HEADER] : 0;
    out->body[1] = r->want > TLS_RECORD_HEADER + 1 ? r->head[TLS_RECORD_HEADER + 1] : 0;
    out->offset = r->offset;
    r->left -= (uint32_t)(r->want - TLS_RECORD_HEADER);
    r->have = 0;
    r->want = 0;
    r->count++;
}

static void emit_sslv2(struct tls_record_reader *r, struct tls_record *out)
{
    unsigned length = (unsigned)((r->head[0] & 0x7f) << 8 | r->head[1]);

    *out = (struct tls_record){.type = TLS_HANDSHAKE,
                               .version = 2,
                               .length = (uint16_t)length,
                               .body = {r->head[3], r->head[4]},
                               .offset = r->offset};
    r->left = length > 3 ? length - 3 : 0;
    r->have = 0;
    r->want = 0;
    r->count++;
}

enum tls_record_result tls_record_push(struct tls_record_reader *r, struct span in, uint32_t offset,
                                       size_t *used, struct tls_record *out)
{
    size_t i = 0;

    if (r->want == 0) { /* still inside a body */
        i = in.n < r->left ? in.n : r->left;
        r->left -= (uint32_t)i;
    }
    while (i < in.n) {
        if (r->want == 0) {
            r->want = TLS_RECORD_HEADER;
            r->have = 0;
            r->offset = offset + (uint32_t)i;
        }
        struct span part = span_first(span_from(in, i), (size_t)(r->want - r->have));
        if (r->have + part.n > sizeof(r->head)) /* not reached: want is never more */
            return TLS_RECORD_NOT;
        memcpy(r->head + r->have, part.p, part.n);
        r->have = (uint8_t)(r->have + part.n);
        i += part.n;
        if (r->have < r->want)
            break;
        *used = i;
        if (r->have == TLS_RECORD_HEADER && r->count == 0 && sslv2_plausible(r->head)) {
            emit_sslv2(r, out);
            return TLS_RECORD_SEEN;
        }
        if (r->have == TLS_RECORD_HEADER && !header_plausible(r->head))
            return TLS_RECORD_NOT;
        if (r->have == TLS_RECORD_HEADER)
            begin_body(r);
        if (r->have == r->want) {
            emit(r, out);
            return TLS_RECORD_SEEN;
        }
    }
    *used = i;
    return TLS_RECORD_MORE;
}
