/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/role.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"

#define PORT_SMTP           25
#define PORT_SUBMISSION_TLS 465  /* RFC 8314 */
#define PORT_SUBMISSION     587  /* RFC 6409 */
#define PORT_SUBMISSION_ALT 2525 /* registered nowhere, offered by most relays */

#define ITEM_TEXT 64 /* the longest address with a length has 49 characters */

static const char *const ROLE_TEXT[] = {
    [ROLE_UNKNOWN] = "unknown",       [ROLE_MX_IN] = "mx-in",       [ROLE_MX_OUT] = "mx-out",
    [ROLE_SUBMISSION] = "submission", [ROLE_INTERNAL] = "internal",
};
_Static_assert(sizeof(ROLE_TEXT) / sizeof(ROLE_TEXT[0]) == ROLE_COUNT, "a text for each role");

const char *role_text(enum role r)
{
    return ROLE_TEXT[r];
}

/* --- parsing --- */

static int refuse(char *why, size_t cap, struct span item, const char *reason)
{
    char shown[2 * ITEM_TEXT];
    text_escape(shown, sizeof(shown), item);
    snprintf(why, cap, "'%s' %s", shown, reason);
    return -1;
}

static uint8_t family_bits(uint8_t family)
{
    return family == 4 ? 32 : 128;
}

/* Keeps the first `bits` bits. */
static void mask_addr(uint8_t addr[16], uint8_t bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
        unsigned mask = keep >= 8 ? 0xFF : 0xFF00u >> keep;
        addr[i] = (uint8_t)(addr[i] & mask);
    }
}

static bool parse_addr(const char *text, struct role_net *out)
{
    *out = (struct role_net){0};
    out->family = strchr(text, ':') ? 6 : 4;
    return inet_pton(out->family == 6 ? AF_INET6 : AF_INET, text, out->addr) == 1;
}

/* One to three digits, no sign, no blank, at most `max`. */
static bool parse_bits(struct span digits, uint8_t max, uint8_t *out)
{
    unsigned value = 0;
    if (digits.n == 0 || digits.n > 3)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (!span_is_digit(digits.p[i]))
            return false;
        value = value * 10 + (unsigned)(digits.p[i] - '0');
    }
    *out = (uint8_t)value;
    return value <= max;
}

static int refuse_host_bits(char *why, size_t cap, struct span item, const struct role_net *masked)
{
    char addr[INET6_ADDRSTRLEN], reason[ITEM_TEXT * 2];
    inet_ntop(masked->family == 6 ? AF_INET6 : AF_INET, masked->addr, addr, sizeof(addr));
    snprintf(reason, sizeof(reason), "has bits beyond its length; did you mean %s/%u?", addr,
             masked->bits);
    return refuse(why, cap, item, reason);
}

int role_net_parse(struct span item, struct role_net *out, char *why, size_t cap)
{
    char addr[ITEM_TEXT];
    size_t slash = span_find(item, '/');
    if (item.n == 0)
        return refuse(why, cap, item, "is an empty item of the list");
    if (slash >= sizeof(addr))
        return refuse(why, cap, item, "is not an IP address");
    memcpy(addr, item.p, slash);
    addr[slash] = '\0';
    if (!parse_addr(addr, out))
        return refuse(why, cap, item, "is not an IP address");
    out->bits = family_bits(out->family);
    if (slash == item.n)
        return 0;
    if (!parse_bits(span_from(item, slash + 1), family_bits(out->family), &out->bits))
        return refuse(why, cap, item,
                      out->family == 4 ? "has a prefix length that is not 0 to 32"
                                       : "has a prefix length that is not 0 to 128");
    struct role_net masked = *out;
    mask_addr(masked.addr, masked.bits);
    if (memcmp(masked.addr, out->addr, sizeof(masked.addr)) != 0)
        return refuse_host_bits(why, cap, item, &masked);
    return 0;
}

int role_nets_parse(struct role_nets *nets, const char *list, char *why, size_t cap)
{
    size_t before = nets->count;
    struct span rest = span_str(list);
    for (;;) {
        struct span item = span_first(rest, span_find(rest, ','));
        if (nets->count == ROLE_NETS) {
            snprintf(why, cap, "more than %d networks", ROLE_NETS);
            nets->count = before;
            return -1;
        }
        if (role_net_parse(item, &nets->net[nets->count], why, cap)) {
            nets->count = before;
            return -1;
        }
        nets->count++;
        if (item.n == rest.n)
            return 0;
        rest = span_from(rest, item.n + 1);
    }
}

/* --- asking --- */

bool role_net_has(const struct role_net *net, uint8_t family, const uint8_t addr[16])
{
    size_t whole = net->bits / 8;
    unsigned rest = net->bits % 8;
    if (net->family != family || memcmp(net->addr, addr, whole) != 0)
        return false;
    return rest == 0 || (net->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

bool role_nets_have(const struct role_nets *nets, uint8_t family, const uint8_t addr[16])
{
    for (size_t i = 0; i < nets->count; i++)
        if (role_net_has(&nets->net[i], family, addr))
            return true;
    return false;
}

static bool is_ours(const struct role_config *c, uint8_t family, const uint8_t addr[16])
{
    return role_nets_have(&c->local, family, addr) || role_nets_have(&c->own_mx, family, addr);
}

enum role role_of(const struct role_config *c, uint8_t family, const uint8_t client[16],
                  const uint8_t server[16], uint16_t server_port)
{
    if (server_port == PORT_SUBMISSION || server_port == PORT_SUBMISSION_TLS ||
        server_port == PORT_SUBMISSION_ALT)
        return ROLE_SUBMISSION;
    bool from_us = is_ours(c, family, client), to_us = is_ours(c, family, server);
    /* A provider's relay that hands mail on to us belongs to us as much as one that we hand it to:
     * no policy of a domain applies between us and it. */
    bool from_relay = role_nets_have(&c->smart_hosts, family, client);
    if (role_nets_have(&c->smart_hosts, family, server) || ((from_us || from_relay) && to_us))
        return ROLE_INTERNAL;
    if (to_us)
        return ROLE_MX_IN;
    if (from_us && server_port == PORT_SMTP)
        return ROLE_MX_OUT;
    return ROLE_UNKNOWN;
}
