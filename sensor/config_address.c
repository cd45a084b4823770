/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_address.h"

#include "policy/domain.h"
#include "sensor/config_number.h"
#include "store/where.h"

_Static_assert((int)CONFIG_PATH >= (int)WHERE_PATH, "the path of a store fits");

static bool is_not(char reason[CONFIG_REASON], const char *text)
{
    snprintf(reason, CONFIG_REASON, "%s", text);
    return false;
}

/* --- of this machine --- */

/* "ADDRESS" and PORT of "ADDRESS:PORT", "[ADDRESS]:PORT". */
static bool split_port(const char *text, struct span *host, struct span *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    *host = span_of(text, (size_t)(colon - text));
    *port = span_str(colon + 1);
    bool bracketed = host->n > 2 && host->p[0] == '[' && host->p[host->n - 1] == ']';
    if (bracketed)
        *host = span_of(host->p + 1, host->n - 2);
    return bracketed == (span_find(*host, ':') < host->n);
}

static bool is_loopback(struct span host)
{
    static const uint8_t ONE[16] = {[15] = 1};
    char why[256];
    struct role_net net;
    if (host.n == 0 || span_find(host, '/') < host.n ||
        role_net_parse(host, &net, why, sizeof(why)))
        return false;
    return net.family == 4 ? net.addr[0] == 127 : memcmp(net.addr, ONE, sizeof(ONE)) == 0;
}

bool config_address_is_listen(const char *text, char reason[CONFIG_REASON])
{
    static const struct config_row PORT = {.min = 1, .max = UINT16_MAX};
    struct span host, port;
    uint32_t number;
    if (!split_port(text, &host, &port) || !config_number_read(port, &PORT, &number))
        return is_not(reason, "is not ADDRESS:PORT (127.0.0.1:9107 or [::1]:9107)");
    if (!is_loopback(host))
        return is_not(reason, "is not an address of this machine alone (127.0.0.1:9107, "
                              "[::1]:9107)");
    return true;
}

/* --- of other hosts --- */

/* Letters of names, of addresses of either version and of their zones. */
static bool is_host(struct span host, bool bracketed)
{
    for (size_t i = 0; i < host.n; i++)
        if (!span_is_alpha(host.p[i]) && !span_is_digit(host.p[i]) &&
            !strchr(bracketed ? ":.%-_" : ".-_", host.p[i]))
            return false;
    return host.n > 0 && host.n < CONFIG_HOST_TEXT && host.p[0] != '-';
}

/* As above, the port with or without. */
static bool split_host(const char *text, struct span *host, struct span *port)
{
    static const struct config_row PORT = {.min = 1, .max = UINT16_MAX};
    struct span whole = span_str(text);
    uint32_t number;
    bool bracketed = text[0] == '[';
    size_t end = bracketed ? span_find(whole, ']') : span_find(whole, ':');
    *host = bracketed ? span_from(span_first(whole, end), 1) : span_first(whole, end);
    *port = span_from(whole, end + bracketed);
    if (!is_host(*host, bracketed) || (bracketed && end == whole.n))
        return false;
    if (port->n == 0)
        return true;
    bool good = port->p[0] == ':';
    *port = span_from(*port, 1);
    return good && config_number_read(*port, &PORT, &number);
}

bool config_address_is_host(const char *text, char reason[CONFIG_REASON])
{
    struct span host, port;
    return split_host(text, &host, &port) ||
           is_not(reason, "is not HOST, HOST:PORT or [ADDRESS]:PORT (192.0.2.6:514)");
}

void config_address_host(const char *text, char host[CONFIG_HOST_TEXT], char port[6])
{
    struct span name, number;
    if (!split_host(text, &name, &number))
        name = number = span_of(NULL, 0);
    snprintf(host, CONFIG_HOST_TEXT, "%.*s", (int)name.n, (const char *)name.p);
    snprintf(port, 6, "%.*s", (int)number.n, (const char *)number.p);
}

bool config_address_is_url(const char *text, char reason[CONFIG_REASON])
{
    char host[CONFIG_HOST_TEXT + 8];
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    const char *rest = text + scheme;
    size_t n = strcspn(rest, "/?#");
    if (scheme == 0 || n == 0 || n >= sizeof(host) || strlen(text) > CAP_DELIVER_URL ||
        strchr(text, ' '))
        return is_not(reason, "is not https://HOST... or http://HOST...");
    if (memchr(rest, '@', n))
        return is_not(reason, "has a user: it belongs into keys of its own");
    snprintf(host, sizeof(host), "%.*s", (int)n, rest);
    return config_address_is_host(host, reason);
}

/* --- of servers of DNS --- */

/* "ADDRESS" or "ADDRESS@PORT". */
static bool is_server(struct span text)
{
    static const struct config_row PORT = {.min = 1, .max = UINT16_MAX};
    struct span host = span_first(text, span_find(text, '@'));
    struct role_net net;
    char why[256];
    uint32_t number;
    return span_find(host, '/') == host.n && role_net_parse(host, &net, why, sizeof(why)) == 0 &&
           (host.n == text.n || config_number_read(span_from(text, host.n + 1), &PORT, &number));
}

bool config_address_is_forward(const char *text, char reason[CONFIG_REASON])
{
    struct span whole = span_str(text), server = span_first(whole, span_find(whole, '#'));
    return (is_server(server) &&
            (server.n == whole.n || domain_valid(span_from(whole, server.n + 1)))) ||
           is_not(reason, "is not ADDRESS[@PORT][#NAME] (192.0.2.53, 192.0.2.53@853#dns.example)");
}

bool config_address_is_stub(const char *text, char reason[CONFIG_REASON])
{
    struct span whole = span_str(text), zone = span_first(whole, span_find(whole, '='));
    return (zone.n < whole.n && is_server(span_from(whole, zone.n + 1)) &&
            (domain_valid(zone) || span_eq(zone, span_str(".")))) ||
           is_not(reason, "is not ZONE=ADDRESS[@PORT] (alder.example=192.0.2.53)");
}

/* --- of stores --- */

bool config_address_has_password(const char *text)
{
    const char *rest = strstr(text, "://");
    if (!rest)
        return false;
    rest += strlen("://");
    const char *at = memchr(rest, '@', strcspn(rest, "?"));
    return at && memchr(rest, ':', (size_t)(at - rest));
}

/* The secret that where_parse() may have read is of no use here. */
static bool read_where(const char *url, struct where *w, const char *what,
                       char reason[CONFIG_REASON])
{
    char why[128];
    int rc = where_parse(w, url, why, sizeof(why));
    explicit_bzero(w->password, sizeof(w->password));
    if (rc)
        snprintf(reason, CONFIG_REASON, "%s: %s", what, why);
    return rc == 0;
}

/* where_parse() knows it as a URL; what a URL has beyond does not belong here. */
bool config_address_is_redis(const char *text, char reason[CONFIG_REASON])
{
    char url[CAP_CONFIG_VALUE + 32];
    struct where w;
    bool path = text[0] == '/';
    if (strpbrk(text, "@?%") || (!path && strchr(text, '/')))
        return is_not(reason, "is not HOST, HOST:PORT, [ADDRESS]:PORT or the path of a socket");
    if (path && strlen(text) > CONFIG_SOCKET_PATH)
        return is_not(reason, "is longer than a socket's path can be (107)");
    snprintf(url, sizeof(url), "%s%s", path ? "redis+unix://" : "redis://", text);
    return read_where(url, &w, "is no address of a Redis", reason);
}

bool config_address_is_store(const char *text, char path[CONFIG_PATH], char reason[CONFIG_REASON])
{
    struct where w;
    if (config_address_has_password(text))
        return is_not(reason, "has a password: put it into a file, ?password-file=PATH");
    if (!read_where(text, &w, "is no store", reason))
        return false;
    snprintf(path, CONFIG_PATH, "%s", w.kind == WHERE_SQLITE ? w.path : "");
    return true;
}
