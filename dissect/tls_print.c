/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_print.h"

#include <stdlib.h>

#include "base/caps.h"
#include "base/digest.h"
#include "dissect/tls_offer.h"

/* The text of JA3 of so many bytes: "65535-" of two of them, "255-" of one of the point formats, of
 * which there are 255 at most; a version, four commas, a NUL. That of JA4's parts is shorter. */
#define TEXT(bytes) (3 * (bytes) + 255 + 16)

enum {
    SERVER_HEAD = 4, /* of a key: version and suite */
    MOST_VALUES = CAP_TLS_HELLO / 2,
    JA4_DIGITS = 12 /* of a digest */
};

struct client_place { /* one that is remembered; empty when n is 0 */
    size_t n;
    uint8_t key[CAP_PRINT_CLIENT_KEY];
    struct tls_client_print print;
    char text[TEXT(CAP_PRINT_CLIENT_KEY)];
};

struct server_place {
    size_t n;
    uint8_t key[CAP_PRINT_SERVER_KEY];
    struct tls_server_print print;
    char text[TEXT(CAP_PRINT_SERVER_KEY)];
};

struct tls_prints {
    struct siphash_key secret;
    struct tls_client_print client; /* the latest that is not remembered */
    struct tls_server_print server;
    uint8_t key[CAP_PRINT_CLIENT_KEY];               /* of the hello at hand */
    uint8_t types[MOST_VALUES];                      /* of its extensions, two bytes each */
    uint16_t value[MOST_VALUES], moved[MOST_VALUES]; /* a list being sorted */
    char text[TEXT(CAP_TLS_HELLO)];                  /* being digested */
    struct client_place clients[CAP_PRINT_CLIENTS];
    struct server_place servers[CAP_PRINT_SERVERS];
};

_Static_assert(CAP_PRINT_SERVER_KEY <= CAP_PRINT_CLIENT_KEY, "one buffer for both");

struct tls_prints *tls_prints_new(const struct siphash_key *key)
{
    struct tls_prints *t = calloc(1, sizeof(*t));

    if (t)
        t->secret = *key;
    return t;
}

void tls_prints_free(struct tls_prints *t)
{
    free(t);
}

/* --- text --- */

struct out {
    char *p;
    size_t n, cap; /* written, and room */
};

/* What there is no room for is not written; TEXT() says why there always is. */
static void put(struct out *o, char c)
{
    if (o->n < o->cap)
        o->p[o->n++] = c;
}

static const char HEX[] = "0123456789abcdef";

/* Numbers have two bytes at most. */
static void put_decimal(struct out *o, unsigned value)
{
    size_t digits = 1u + (value > 9) + (value > 99) + (value > 999) + (value > 9999);

    if (o->cap - o->n < digits)
        return;
    o->n += digits;
    for (char *to = o->p + o->n; digits > 0; digits--, value /= 10)
        *--to = (char)('0' + value % 10);
}

static void put_hex(struct out *o, unsigned value)
{
    if (o->cap - o->n < 4)
        return;
    for (int shift = 12; shift >= 0; shift -= 4)
        o->p[o->n++] = HEX[value >> shift & 15];
}

static void put_list(struct out *o, struct span list, int width)
{
    struct cursor c = cursor_of(list);
    bool first = true;

    put(o, ',');
    while (c.left > 0) {
        unsigned value = width == 1 ? cursor_u8(&c) : cursor_u16(&c);
        if (tls_is_grease(value))
            continue;
        if (!first)
            put(o, '-');
        first = false;
        put_decimal(o, value);
    }
}

static void hex_of(char *to, const uint8_t *bytes, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        to[i] = HEX[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

/* Ends a text; its digest goes to `hex`. False: the library refuses. */
/* A name, not a table: collisions are of no use to anybody. */
static uint64_t number_of(const char *print)
{
    static const struct siphash_key fixed = {0, 0};
    uint64_t h = siphash(&fixed, print, strlen(print));

    return h ? h : 1;
}

static bool finish_md5(struct out *o, struct span *text, char hex[TLS_PRINT_MD5])
{
    uint8_t digest[16];

    *text = span_of(o->p, o->n);
    put(o, '\0');
    if (digest_md5(*text, digest) != 0)
        return false;
    hex_of(hex, digest, TLS_PRINT_MD5 - 1);
    hex[TLS_PRINT_MD5 - 1] = '\0';
    return true;
}

/* --- JA4 --- */

/* One byte of the values decides, the other keeps the order that it has (a pass of a radix sort: a
 * hello may have thousands of suites). */
static void sort_by(const uint16_t *from, uint16_t *to, size_t n, int shift)
{
    uint16_t start[257] = {0};

    for (size_t i = 0; i < n; i++)
        start[(from[i] >> shift & 0xff) + 1]++;
    for (size_t i = 1; i < 257; i++)
        start[i] = (uint16_t)(start[i] + start[i - 1]);
    for (size_t i = 0; i < n; i++)
        to[start[from[i] >> shift & 0xff]++] = from[i];
}

/* Puts a list without its GREASE into t->value. */
static size_t load(struct tls_prints *t, struct span list)
{
    struct cursor c = cursor_of(list);
    size_t n = 0;

    while (c.left > 0 && n < MOST_VALUES) {
        uint16_t value = cursor_u16(&c);
        if (!tls_is_grease(value))
            t->value[n++] = value;
    }
    return n;
}

static size_t load_sorted(struct tls_prints *t, struct span list)
{
    size_t n = load(t, list);

    sort_by(t->value, t->moved, n, 0);
    sort_by(t->moved, t->value, n, 8);
    return n;
}

/* Where the first part of JA4 has these two, the last one does without. */
static bool in_first_part(uint16_t type)
{
    return type == TLS_EXTENSION_SERVER_NAME || type == TLS_EXTENSION_ALPN;
}

static void put_values(const struct tls_prints *t, struct out *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            put(o, ',');
        put_hex(o, t->value[i]);
    }
}

/* The digest of a text of either list: zeros of an empty one. */
static bool finish_part(const struct out *o, char *to)
{
    uint8_t digest[32] = {0};

    if (o->n > 0 && digest_sha256(span_of(o->p, o->n), digest) != 0)
        return false;
    hex_of(to, digest, JA4_DIGITS);
    return true;
}

static void put_count(char *to, size_t n)
{
    n = n < 99 ? n : 99;
    to[0] = (char)('0' + n / 10);
    to[1] = (char)('0' + n % 10);
}

static bool print_suites(struct tls_prints *t, const struct tls_offer *o, char *count, char *to)
{
    struct out text = {t->text, 0, sizeof(t->text)};
    size_t n = load_sorted(t, o->suites);

    put_values(t, &text, n);
    put_count(count, n);
    return finish_part(&text, to);
}

static bool print_extensions(struct tls_prints *t, const struct tls_offer *o, char *named,
                             char *count, char *to)
{
    struct out text = {t->text, 0, sizeof(t->text)};
    size_t n = load_sorted(t, o->types), kept = 0;

    *named = n > 0 && t->value[0] == TLS_EXTENSION_SERVER_NAME ? 'd' : 'i';
    for (size_t i = 0; i < n; i++)
        if (!in_first_part(t->value[i]))
            t->value[kept++] = t->value[i];
    put_values(t, &text, kept);
    put_count(count, n);
    n = load(t, o->algorithms);
    if (n > 0) {
        put(&text, '_');
        put_values(t, &text, n);
    }
    return finish_part(&text, to);
}

static const char *version_text(uint16_t version)
{
    static const struct {
        uint16_t version;
        const char *text;
    } known[] = {{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"},
                 {0x0301, "10"}, {0x0300, "s3"}, {0x0002, "s2"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (version == known[i].version)
            return known[i].text;
    return "00";
}

/* tVVdSSEEaa_bbbbbbbbbbbb_cccccccccccc */
static bool print_ja4(struct tls_prints *t, const struct tls_offer *o, char ja4[TLS_PRINT_JA4])
{
    ja4[0] = 't';
    memcpy(ja4 + 1, version_text(o->newest), 2);
    memcpy(ja4 + 8, o->alpn, 2);
    ja4[10] = ja4[23] = '_';
    ja4[36] = '\0';
    return print_suites(t, o, ja4 + 4, ja4 + 11) &&
           print_extensions(t, o, ja4 + 3, ja4 + 6, ja4 + 24);
}

/* --- both --- */

/* `text` may be t->text: JA4 comes first and leaves none. */
static bool print_client(struct tls_prints *t, const struct tls_offer *o, struct out text,
                         struct tls_client_print *print)
{
    if (!print_ja4(t, o, print->ja4))
        return false;
    print->ja4_number = number_of(print->ja4);
    put_decimal(&text, o->version);
    put_list(&text, o->suites, 2);
    put_list(&text, o->types, 2);
    put_list(&text, o->groups, 2);
    put_list(&text, o->formats, 1);
    return finish_md5(&text, &print->ja3_text, print->ja3);
}

const struct tls_client_print *tls_prints_client(struct tls_prints *t,
                                                 const struct tls_client_hello *h)
{
    struct client_place *place;
    struct tls_offer offer;
    size_t n;

    if (h->suites.n > CAP_TLS_HELLO || h->extensions.n > CAP_TLS_HELLO - h->suites.n)
        return NULL;
    tls_offer_read(&offer, h, t->types);
    n = tls_offer_key(&offer, t->key);
    if (n == 0) {
        struct out text = {t->text, 0, sizeof(t->text)};
        return print_client(t, &offer, text, &t->client) ? &t->client : NULL;
    }
    place = &t->clients[siphash(&t->secret, t->key, n) % CAP_PRINT_CLIENTS];
    if (!span_eq(span_of(place->key, place->n), span_of(t->key, n))) {
        struct out text = {place->text, 0, sizeof(place->text)};
        place->n = 0;
        if (!print_client(t, &offer, text, &place->print))
            return NULL;
        place->n = n;
        memcpy(place->key, t->key, n);
    }
    return &place->print;
}

static bool print_server(const struct tls_server_hello *h, struct span types, struct out text,
                         struct tls_server_print *print)
{
    put_decimal(&text, h->legacy);
    put(&text, ',');
    put_decimal(&text, h->suite);
    put_list(&text, types, 2);
    if (!finish_md5(&text, &print->ja3s_text, print->ja3s))
        return false;
    print->ja3s_number = number_of(print->ja3s);
    return true;
}

static void server_key(const struct tls_server_hello *h, struct span types, uint8_t *key)
{
    key[0] = (uint8_t)(h->legacy >> 8);
    key[1] = (uint8_t)h->legacy;
    key[2] = (uint8_t)(h->suite >> 8);
    key[3] = (uint8_t)h->suite;
    if (types.n > 0)
        memcpy(key + SERVER_HEAD, types.p, types.n);
}

const struct tls_server_print *tls_prints_server(struct tls_prints *t,
                                                 const struct tls_server_hello *h)
{
    struct server_place *place;
    struct span types;
    size_t n;

    if (h->extensions.n > CAP_TLS_HELLO)
        return NULL;
    types = tls_offer_types(h->extensions, t->types);
    n = SERVER_HEAD + types.n;
    if (n > CAP_PRINT_SERVER_KEY) {
        struct out text = {t->text, 0, sizeof(t->text)};
        return print_server(h, types, text, &t->server) ? &t->server : NULL;
    }
    server_key(h, types, t->key);
    place = &t->servers[siphash(&t->secret, t->key, n) % CAP_PRINT_SERVERS];
    if (!span_eq(span_of(place->key, place->n), span_of(t->key, n))) {
        struct out text = {place->text, 0, sizeof(place->text)};
        place->n = 0;
        if (!print_server(h, types, text, &place->print))
            return NULL;
        place->n = n;
        memcpy(place->key, t->key, n);
    }
    return &place->print;
}
