/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_offer.h"

enum { HEAD = 16 }; /* of a key: two versions, ALPN, five lengths */

/* The list at the start of a body, with a length field of so many bytes; empty: it does not fit. */
static struct span list_of(struct span data, int length_width, size_t width)
{
    struct cursor c = cursor_of(data);
    struct span list = cursor_span(&c, length_width == 1 ? cursor_u8(&c) : cursor_u16(&c));

    return list.n % width == 0 ? list : span_of(NULL, 0);
}

static uint16_t newest_of(struct span versions, uint16_t otherwise)
{
    struct cursor c = cursor_of(versions);
    uint16_t newest = 0;

    while (c.left > 0) {
        uint16_t v = cursor_u16(&c);
        if (v > newest && !tls_is_grease(v))
            newest = v;
    }
    return newest ? newest : otherwise;
}

static bool is_alphanumeric(uint8_t c)
{
    return span_is_alpha(c) || span_is_digit(c);
}

static const char HEX[] = "0123456789abcdef";

/* The first and the last character of the first value, or of its hex. */
static void read_alpn(struct span data, char alpn[2])
{
    struct cursor c = cursor_of(list_of(data, 2, 1));
    struct span first = cursor_span(&c, cursor_u8(&c));
    uint8_t a, b;

    if (first.n == 0)
        return;
    a = first.p[0];
    b = first.p[first.n - 1];
    if (is_alphanumeric(a) && is_alphanumeric(b)) {
        alpn[0] = (char)a;
        alpn[1] = (char)b;
    } else {
        alpn[0] = HEX[a >> 4];
        alpn[1] = HEX[b & 15];
    }
}

static void read_body(struct tls_offer *o, uint16_t type, struct span data)
{
    if (type == TLS_EXTENSION_SUPPORTED_GROUPS)
        o->groups = list_of(data, 2, 2);
    else if (type == TLS_EXTENSION_EC_POINT_FORMATS)
        o->formats = list_of(data, 1, 1);
    else if (type == TLS_EXTENSION_SIGNATURE_ALGORITHMS)
        o->algorithms = list_of(data, 2, 2);
    else if (type == TLS_EXTENSION_SUPPORTED_VERSIONS)
        o->newest = newest_of(list_of(data, 1, 2), o->version);
    else if (type == TLS_EXTENSION_ALPN)
        read_alpn(data, o->alpn);
}

static uint8_t *add16(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return to + 2;
}

struct span tls_offer_types(struct span extensions, uint8_t *to)
{
    struct cursor list = cursor_of(extensions);
    struct span data;
    uint16_t type;
    uint8_t *end = to;

    while (tls_extension_next(&list, &type, &data))
        end = add16(end, type);
    return span_of(to, (size_t)(end - to));
}

/* All types whose bodies are read are below 64, so that a word tells which were there before. */
void tls_offer_read(struct tls_offer *o, const struct tls_client_hello *h, uint8_t *types)
{
    struct cursor list = cursor_of(h->extensions);
    struct span data;
    uint64_t seen = 0;
    uint16_t type;
    uint8_t *end = types;

    *o = (struct tls_offer){
        .version = h->version, .newest = h->version, .alpn = {'0', '0'}, .suites = h->suites};
    while (tls_extension_next(&list, &type, &data)) {
        end = add16(end, type);
        if (type < 64 && !(seen >> type & 1)) {
            seen |= (uint64_t)1 << type;
            read_body(o, type, data);
        }
    }
    o->types = span_of(types, (size_t)(end - types));
}

static uint8_t *add(uint8_t *to, struct span bytes)
{
    if (bytes.n > 0)
        memcpy(to, bytes.p, bytes.n);
    return to + bytes.n;
}

/* The lengths stand before the lists, so that none runs over into the next. */
size_t tls_offer_key(const struct tls_offer *o, uint8_t key[CAP_PRINT_CLIENT_KEY])
{
    const struct span *list[] = {&o->suites, &o->types, &o->groups, &o->algorithms, &o->formats};
    size_t n = HEAD;
    uint8_t *to = add16(add16(key, o->version), o->newest);

    to = add(to, span_of(o->alpn, sizeof(o->alpn)));
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        to = add16(to, list[i]->n);
        n += list[i]->n;
    }
    if (n > CAP_PRINT_CLIENT_KEY)
        return 0;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        to = add(to, *list[i]);
    return n;
}
