/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_match.h"

#include "base/cursor.h"
#include "base/tls_suite.h"

#define SERVER_EXTENSIONS 64 /* looked at; no server has a third of them */

enum {
    EXTENSION_PRE_SHARED_KEY = 41,
    EXTENSION_COOKIE = 44, /* in a HelloRetryRequest unasked (RFC 8446 section 4.2.2) */
    EXTENSION_KEY_SHARE = 51,
    EXTENSION_RENEGOTIATION = 0xff01 /* asked for by a suite as well (RFC 5746 section 3.3) */
};

size_t tls_match_of_sslv2(uint8_t *body, size_t n)
{
    struct cursor c = cursor_of(span_of(body, n));
    size_t suites = cursor_u16(&c), kept = 0;
    struct span list;

    cursor_skip(&c, 4); /* lengths of session id and challenge */
    list = cursor_span(&c, suites);
    if (c.bad || suites % 3)
        return 0;
    for (size_t at = 0; at + 3 <= list.n; at += 3) {
        if (list.p[at] != 0)
            continue;
        body[kept] = list.p[at + 1]; /* never before what is still to be read */
        body[kept + 1] = list.p[at + 2];
        kept += 2;
    }
    return kept;
}

static bool has_word(struct span words, uint16_t word)
{
    for (size_t at = 0; at + 2 <= words.n; at += 2)
        if (words.p[at] == word >> 8 && words.p[at + 1] == (word & 0xff))
            return true;
    return false;
}

bool tls_match_has_suite(const struct tls_client_hello *h, uint16_t suite)
{
    return has_word(h->suites, suite);
}

bool tls_match_has_group(const struct tls_client_hello *h, uint16_t group)
{
    struct span data, list;
    struct cursor c;

    if (!tls_extension(h->extensions, TLS_EXTENSION_SUPPORTED_GROUPS, &data))
        return true;
    c = cursor_of(data);
    list = cursor_span(&c, cursor_u16(&c));
    return c.bad || has_word(list, group);
}

uint16_t tls_match_server_group(const struct tls_server_hello *h)
{
    struct span data;
    struct cursor c;
    uint16_t group;

    if (!tls_extension(h->extensions, EXTENSION_KEY_SHARE, &data))
        return 0;
    c = cursor_of(data);
    group = cursor_u16(&c);
    return c.bad ? 0 : group;
}

bool tls_match_resumes(const struct tls_server_hello *h)
{
    struct span data;

    return h->version >= TLS_VERSION_13 &&
           tls_extension(h->extensions, EXTENSION_PRE_SHARED_KEY, &data);
}

static bool may_say(const struct tls_client_hello *client, const struct tls_server_hello *server,
                    uint16_t type)
{
    struct span data;

    if (tls_extension(client->extensions, type, &data))
        return true;
    if (type == EXTENSION_RENEGOTIATION)
        return tls_match_has_suite(client, TLS_SUITE_RENEGOTIATION_SCSV);
    return type == EXTENSION_COOKIE && server->retry;
}

static bool unasked(const struct tls_client_hello *client, const struct tls_server_hello *server)
{
    struct cursor list = cursor_of(server->extensions);
    struct span data;
    uint16_t type;

    for (int i = 0; i < SERVER_EXTENSIONS && tls_extension_next(&list, &type, &data); i++)
        if (!may_say(client, server, type))
            return true;
    return false;
}

static bool same_bytes(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

uint8_t tls_match_unlike(const struct tls_client_hello *client,
                         const struct tls_server_hello *server)
{
    bool modern = server->version >= TLS_VERSION_13;
    uint16_t group = modern ? tls_match_server_group(server) : 0;
    unsigned bits = 0;

    if (!tls_match_has_suite(client, server->suite))
        bits |= TLS_ALTERED_SUITE;
    if (server->version > tls_client_newest(client))
        bits |= TLS_ALTERED_VERSION;
    if (group && !tls_match_has_group(client, group))
        bits |= TLS_ALTERED_GROUP;
    if (unasked(client, server))
        bits |= TLS_ALTERED_EXTENSION;
    if (span_find(client->compression, server->compression) == client->compression.n)
        bits |= TLS_ALTERED_COMPRESSION;
    if (modern && !same_bytes(client->session_id, server->session_id))
        bits |= TLS_ALTERED_SESSION;
    return (uint8_t)bits;
}
