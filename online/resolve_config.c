/* SPDX-License-Identifier: Apache-2.0 */
#include "online/resolve_config.h"

#include <arpa/inet.h>
#include <stdio.h>

#define PORT_DNS 53
#define PORT_DOT 853 /* RFC 7858 section 3.1 */

static bool wrong(const char *text, const char *what, char *why, size_t cap)
{
    char seen[64];
    text_escape(seen, sizeof(seen), span_str(text));
    snprintf(why, cap, "%s: %s", seen, what);
    return false;
}

static bool address_read(struct resolve_upstream *out, struct span s)
{
    char *to = out->address;
    uint8_t raw[16];
    static const uint8_t ONE[16] = {[15] = 1};

    if (s.n == 0 || s.n >= TEXT_IP || memchr(s.p, '\0', s.n))
        return false;
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    if (inet_pton(AF_INET, to, raw) == 1)
        out->loopback = raw[0] == 127;
    else if (inet_pton(AF_INET6, to, raw) == 1)
        out->loopback = memcmp(raw, ONE, sizeof(ONE)) == 0;
    else
        return false;
    return true;
}

static bool port_read(struct span s, unsigned *port)
{
    unsigned n = 0;

    if (s.n == 0 || s.n > 5)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!span_is_digit(s.p[i]))
            return false;
        n = 10 * n + (unsigned)(s.p[i] - '0');
    }
    *port = n;
    return n > 0 && n <= UINT16_MAX;
}

/* ADDRESS[@PORT] */
static bool server_read(struct resolve_upstream *out, struct span s, const char *text,
                        unsigned port, char *why, size_t cap)
{
    size_t at = span_find(s, '@');

    if (!address_read(out, span_first(s, at)))
        return wrong(text, "no address of a resolver", why, cap);
    if (at < s.n && !port_read(span_from(s, at + 1), &port))
        return wrong(text, "no port (1 to 65535)", why, cap);
    out->port = (uint16_t)port;
    snprintf(out->text, sizeof(out->text), "%s@%u", out->address, port);
    return true;
}

bool resolve_forward_read(struct resolve_upstream *out, const char *text, char *why, size_t cap)
{
    struct span s = span_str(text);
    size_t hash = span_find(s, '#');
    struct domain name = {0};

    *out = (struct resolve_upstream){.tls = hash < s.n};
    if (out->tls && !domain_read(span_from(s, hash + 1), &name))
        return wrong(text, "no name of a resolver after #", why, cap);
    memcpy(out->name, name.text, sizeof(out->name));
    return server_read(out, span_first(s, hash), text, out->tls ? PORT_DOT : PORT_DNS, why, cap);
}

bool resolve_stub_read(struct resolve_upstream *out, const char *text, char *why, size_t cap)
{
    struct span s = span_str(text), zone;
    size_t is = span_find(s, '=');
    struct domain name;

    *out = (struct resolve_upstream){0};
    if (is == s.n)
        return wrong(text, "not ZONE=ADDRESS", why, cap);
    zone = span_first(s, is);
    if (span_eq(zone, span_str(".")))
        memcpy(out->zone, ".", 2);
    else if (domain_read(zone, &name))
        memcpy(out->zone, name.text, (size_t)name.n + 1);
    else
        return wrong(text, "no zone before =", why, cap);
    return server_read(out, span_from(s, is + 1), text, PORT_DNS, why, cap);
}

static bool line_has(struct span line)
{
    size_t i = 0;

    line = span_first(line, span_find(line, ';'));
    while (i < line.n) {
        size_t from = i;
        struct span word;
        while (i < line.n && line.p[i] > ' ')
            i++;
        word = span_of(line.p + from, i - from);
        if (span_eq_nocase(word, span_str("DS")) || span_eq_nocase(word, span_str("DNSKEY")))
            return true;
        i++;
    }
    return false;
}

bool resolve_anchor_has(struct span file)
{
    while (file.n > 0) {
        size_t end = span_find(file, '\n');
        if (line_has(span_first(file, end)))
            return true;
        file = span_from(file, end + 1);
    }
    return false;
}
