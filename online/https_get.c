/* SPDX-License-Identifier: Apache-2.0 */
#include "online/https_get.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/text.h"
#include "online/refused.h"

_Static_assert(sizeof(((struct https_get *)NULL)->error) >= CURL_ERROR_SIZE, "room for libcurl");

#define PORT        443
#define FIRST_BYTE  (10 * NS_PER_S)
#define PREFIX      "mta-sts."
#define PINNED_TEXT (CAP_DOMAIN_TEXT + TEXT_IP + 16)

nstime https_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return clock_of(t.tv_sec, t.tv_nsec);
}

static unsigned port_of(const struct https_config *c)
{
    return c->port ? c->port : PORT;
}

/* --- where it may go --- */

static bool is_pinned(const struct https_get *g, const struct https_address *a)
{
    const struct https_address *pinned = &g->address[g->at];

    return pinned->family == a->family &&
           memcmp(pinned->address, a->address, a->family == 4 ? 4 : 16) == 0;
}

static bool address_of(const struct curl_sockaddr *to, struct https_address *a, unsigned *port)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    *a = (struct https_address){0};
    if (to->family == AF_INET && to->addrlen >= sizeof(in)) {
        memcpy(&in, &to->addr, sizeof(in));
        a->family = 4;
        memcpy(a->address, &in.sin_addr, 4);
        *port = ntohs(in.sin_port);
    } else if (to->family == AF_INET6 && to->addrlen >= sizeof(in6)) {
        memcpy(&in6, &to->addr, sizeof(in6));
        a->family = 6;
        memcpy(a->address, &in6.sin6_addr, 16);
        *port = ntohs(in6.sin6_port);
    }
    return a->family != 0;
}

/* Each socket comes from here, so that whatever libcurl believes, nothing else is connected to. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    const struct https_get *g = user;
    struct https_address a;
    unsigned port = 0;

    if (purpose != CURLSOCKTYPE_IPCXN || !address_of(to, &a, &port) || port != port_of(g->config) ||
        !is_pinned(g, &a) || refused(a.family, a.address, g->config->allowed))
        return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
}

/* A name that is not pinned: it would be looked up. */
static int no_resolver(void *state, void *reserved, void *user)
{
    (void)state, (void)reserved, (void)user;
    return 1;
}

/* --- how libcurl is held --- */

#define SET(option, value)                                                                         \
    if (curl_easy_setopt(g->easy, CURLOPT_##option, value) != CURLE_OK)                            \
    return false

/* What it may speak, and with whom. */
static bool set_manners(struct https_get *g)
{
    SET(PROTOCOLS_STR, "https");
    SET(REDIR_PROTOCOLS_STR, "https");
    SET(FOLLOWLOCATION, 0L);
    SET(HTTP_VERSION,
        (long)CURL_HTTP_VERSION_1_1); /* the less of it, the less there is to attack */
    SET(HTTP09_ALLOWED, 0L);
    SET(HTTP_CONTENT_DECODING, 0L);
    SET(PROXY, ""); /* of the environment */
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(HTTPAUTH, (long)CURLAUTH_NONE);
    SET(FRESH_CONNECT, 1L); /* connections of two domains have nothing to do with each other */
    SET(FORBID_REUSE, 1L);
    SET(NOSIGNAL, 1L);
    SET(USERAGENT, g->config->agent);
    return true;
}

/* libcurl would try several by itself, and does not come back from one that is silent (its issue
 * 11920). So it is given one at a time, and an equal part of the time that is left for each. */
static bool pin(struct https_get *g)
{
    const struct https_address *a = &g->address[g->at];
    nstime part = clock_since(g->due, https_now()) / (nstime)(g->addresses - g->at);
    char text[PINNED_TEXT], ip[TEXT_IP];
    struct curl_slist *pinned;

    text_ip(ip, a->family, a->address);
    snprintf(text, sizeof(text), a->family == 6 ? "%s:%u:[%s]" : "%s:%u:%s", g->host.text,
             port_of(g->config), ip);
    pinned = curl_slist_append(NULL, text);
    if (!pinned)
        return false;
    (void)curl_easy_setopt(g->easy, CURLOPT_RESOLVE, pinned);
    curl_slist_free_all(g->pinned);
    g->pinned = pinned;
    SET(CONNECTTIMEOUT_MS, (long)(part > NS_PER_MS ? part / NS_PER_MS : 1));
    return true;
}

/* Nothing is looked up, and nothing connected to but what is pinned. */
static bool set_path(struct https_get *g)
{
    char url[CAP_DOMAIN_TEXT + 64];

    snprintf(url, sizeof(url), "https://%s:%u/.well-known/mta-sts.txt", g->host.text,
             port_of(g->config));
    SET(URL, url);
    SET(SHARE, g->share);
    SET(RESOLVER_START_FUNCTION, no_resolver);
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, g);
    return pin(g);
}

static CURLcode begin_tls(CURL *easy, void *ssl_ctx, void *user)
{
    (void)easy;
    return https_tls(user, ssl_ctx) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static bool set_tls(struct https_get *g)
{
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSL_SESSIONID_CACHE, 0L);
    SET(SSL_ENABLE_ALPN, 0L);
    SET(CAINFO, NULL); /* https_tls() brings the trust store, which is read once */
    SET(CAPATH, NULL);
    SET(SSL_CTX_FUNCTION, begin_tls);
    SET(SSL_CTX_DATA, g);
    return true;
}

static bool set_answer(struct https_get *g)
{
    SET(MAXFILESIZE_LARGE, (curl_off_t)CAP_STS_BODY);
    SET(HEADERFUNCTION, https_header);
    SET(HEADERDATA, g);
    SET(WRITEFUNCTION, https_body);
    SET(WRITEDATA, g);
    SET(ERRORBUFFER, g->error);
    SET(PRIVATE, g);
    return true;
}

/* --- its life --- */

/* The policy host; false: there is no name of that length. */
static bool name_host(struct domain *host, const struct domain *d)
{
    char text[sizeof(PREFIX) + CAP_DOMAIN_TEXT];
    int n = snprintf(text, sizeof(text), PREFIX "%s", d->text);

    return n > 0 && domain_read(span_of(text, (size_t)n), host);
}

static void choose(struct https_get *g, const struct https_address *a, size_t n)
{
    const char *why = "its policy host has no address";
    char text[HTTPS_WHY], ip[TEXT_IP];
    bool any = false;

    for (size_t i = 0; i < n && g->addresses < CAP_HTTPS_ADDRESSES; i++) {
        const char *not = refused(a[i].family, a[i].address, g->config->allowed);
        if (!not ) {
            g->address[g->addresses++] = a[i];
        } else if (!any) {
            text_ip(ip, a[i].family, a[i].address);
            snprintf(text, sizeof(text), "its policy host has the address %s: %s", ip, not );
            any = true;
        }
    }
    if (g->addresses == 0)
        https_end(g, any ? LOOKUP_STS_REFUSED : LOOKUP_STS_FETCH, any ? text : why);
}

static bool prepare(struct https_get *g)
{
    g->easy = curl_easy_init();
    g->share = curl_share_init();
    return g->easy && g->share &&
           curl_share_setopt(g->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
           set_manners(g) && set_path(g) && set_tls(g) && set_answer(g);
}

struct https_get *https_get_new(const struct https_config *c, struct x509_store_st *trust,
                                const struct domain *d, const struct https_address *a, size_t n)
{
    struct https_get *g = heap_zeroed(sizeof(*g));

    if (!g)
        return NULL;
    g->config = c;
    g->trust = trust;
    g->begun = https_now();
    g->due = clock_add(g->begun, c->first_byte ? c->first_byte : FIRST_BYTE);
    if (!name_host(&g->host, d))
        https_end(g, LOOKUP_STS_FETCH, "the name of its policy host would be too long");
    else
        choose(g, a, n);
    if (!g->over && !prepare(g)) {
        https_get_free(g);
        return NULL;
    }
    return g;
}

bool https_get_next(struct https_get *g)
{
    if (g->at + 1 >= g->addresses)
        return false;
    g->at++;
    g->closed = false;
    g->error[0] = '\0';
    return pin(g);
}

void https_get_free(struct https_get *g)
{
    if (g->easy)
        curl_easy_cleanup(g->easy);
    if (g->share)
        curl_share_cleanup(g->share);
    curl_slist_free_all(g->pinned);
    heap_free(g->body);
    heap_free(g);
}
