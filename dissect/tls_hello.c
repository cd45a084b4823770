/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_hello.h"

#define RANDOM     32
#define SESSION_ID 32 /* at most */

enum { NAME_HOST = 0 };

bool tls_client_hello_read(struct span body, struct tls_client_hello *out)
{
    struct cursor c = cursor_of(body);

    out->version = cursor_u16(&c);
    out->random = cursor_span(&c, RANDOM);
    out->session_id = cursor_span(&c, cursor_u8(&c));
    out->suites = cursor_span(&c, cursor_u16(&c));
    out->compression = cursor_span(&c, cursor_u8(&c));
    out->extensions = span_of(NULL, 0);
    if (c.bad || out->session_id.n > SESSION_ID || out->suites.n < 2 || out->suites.n % 2 ||
        out->compression.n == 0)
        return false;
    if (c.left == 0) /* those before TLS 1.2 need not have any */
        return true;
    out->extensions = cursor_span(&c, cursor_u16(&c));
    return !c.bad && c.left == 0;
}

static enum tls_sentinel sentinel_of(struct span random)
{
    static const uint8_t head[7] = {'D', 'O', 'W', 'N', 'G', 'R', 'D'};
    const uint8_t *end = random.p + RANDOM - 8;

    if (memcmp(end, head, sizeof(head)) != 0)
        return TLS_SENTINEL_NONE;
    return end[7] == 1 ? TLS_SENTINEL_12 : end[7] == 0 ? TLS_SENTINEL_11 : TLS_SENTINEL_NONE;
}

/* RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest". */
static bool is_retry(struct span random)
{
    static const uint8_t retry[RANDOM] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                          0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                          0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                          0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

    return memcmp(random.p, retry, RANDOM) == 0;
}

bool tls_server_hello_read(struct span body, struct tls_server_hello *out)
{
    struct cursor c = cursor_of(body);
    struct span random, data;

    out->version = out->legacy = cursor_u16(&c);
    random = cursor_span(&c, RANDOM);
    out->session_id = cursor_span(&c, cursor_u8(&c));
    out->suite = cursor_u16(&c);
    out->compression = cursor_u8(&c);
    out->extensions = span_of(NULL, 0);
    if (!c.bad && c.left > 0)
        out->extensions = cursor_span(&c, cursor_u16(&c));
    if (c.bad || c.left > 0 || out->session_id.n > SESSION_ID)
        return false;
    if (tls_extension(out->extensions, TLS_EXTENSION_SUPPORTED_VERSIONS, &data) && data.n == 2)
        out->version = (uint16_t)(data.p[0] << 8 | data.p[1]);
    out->retry = is_retry(random);
    out->sentinel = sentinel_of(random);
    return true;
}

uint16_t tls_client_newest(const struct tls_client_hello *h)
{
    struct span data;
    struct cursor c;
    uint16_t newest = 0;

    if (!tls_extension(h->extensions, TLS_EXTENSION_SUPPORTED_VERSIONS, &data))
        return h->version < TLS_VERSION_12 ? h->version : TLS_VERSION_12;
    c = cursor_of(data);
    c = cursor_of(cursor_span(&c, cursor_u8(&c)));
    while (c.left >= 2) {
        uint16_t v = cursor_u16(&c);
        if (v >= TLS_VERSION_SSL3 && v <= TLS_VERSION_13 && v > newest)
            newest = v;
    }
    return newest;
}

bool tls_extension_next(struct cursor *list, uint16_t *type, struct span *data)
{
    if (list->left == 0)
        return false;
    *type = cursor_u16(list);
    *data = cursor_span(list, cursor_u16(list));
    return !list->bad;
}

bool tls_extension(struct span extensions, uint16_t type, struct span *data)
{
    struct cursor c = cursor_of(extensions);
    uint16_t of;

    while (tls_extension_next(&c, &of, data))
        if (of == type)
            return true;
    return false;
}

struct span tls_server_name(struct span data)
{
    struct cursor c = cursor_of(data);
    struct cursor list = cursor_of(cursor_span(&c, cursor_u16(&c)));

    while (list.left > 0) {
        uint8_t type = cursor_u8(&list);
        struct span name = cursor_span(&list, cursor_u16(&list));
        if (!list.bad && type == NAME_HOST)
            return name;
    }
    return span_of(NULL, 0);
}
