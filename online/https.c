/* SPDX-License-Identifier: Apache-2.0 */
#include "online/https.h"

#include <curl/curl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "base/heap.h"
#include "online/https_get.h"
#include "policy/certificate_x509.h"

/* A socket that libcurl waits for. */
struct waiting {
    curl_socket_t fd;
    short events; /* of poll() */
};

struct https {
    struct https_config config;
    struct x509_store_st *trust;
    CURLM *multi;
    nstime timer; /* monotonic, libcurl's; INT64_MAX: none */
    struct https_get *first;
    size_t flying;
    struct waiting waiting[HTTPS_FDS];
    size_t waits;
};

/* --- what libcurl wants --- */

static struct waiting *find(struct https *h, curl_socket_t fd)
{
    for (size_t i = 0; i < h->waits; i++)
        if (h->waiting[i].fd == fd)
            return &h->waiting[i];
    return NULL;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *unused)
{
    struct https *h = user;
    struct waiting *w = find(h, fd);

    (void)easy, (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            *w = h->waiting[--h->waits];
        return 0;
    }
    if (!w && h->waits == HTTPS_FDS)
        return -1;
    if (!w)
        w = &h->waiting[h->waits++];
    w->fd = fd;
    w->events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

static int want_timer(CURLM *multi, long ms, void *user)
{
    struct https *h = user;

    (void)multi;
    h->timer = ms < 0 ? INT64_MAX : clock_add(https_now(), ms * NS_PER_MS);
    return 0;
}

static bool set_up(struct https *h)
{
    h->multi = curl_multi_init();
    return h->multi &&
           curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) == CURLM_OK;
}

/* --- its life --- */

static struct https *give_up(struct https *h, char why[HTTPS_WHY], const char *reason)
{
    snprintf(why, HTTPS_WHY, "%s", reason);
    https_free(h);
    return NULL;
}

struct https *https_new(const struct https_config *c, char why[HTTPS_WHY])
{
    struct https *h = heap_zeroed(sizeof(*h));

    if (!h)
        return give_up(h, why, "no memory");
    h->config = *c;
    h->timer = INT64_MAX;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    h->trust = certificate_store(c->ca_file);
    if (!h->trust)
        return give_up(h, why,
                       c->ca_file ? "ca-file: there is no certificate that could be read"
                                  : "the system has no certificate authorities (ca-certificates)");
    if (!set_up(h))
        return give_up(h, why, "no memory");
    return h;
}

static void let_go(struct https *h, struct https_get *g)
{
    if (g->easy)
        (void)curl_multi_remove_handle(h->multi, g->easy);
    https_get_free(g);
}

void https_free(struct https *h)
{
    if (!h)
        return;
    while (h->first) {
        struct https_get *g = h->first;
        h->first = g->next;
        let_go(h, g);
    }
    (void)curl_multi_cleanup(h->multi);
    certificate_store_free(h->trust);
    curl_global_cleanup();
    heap_free(h);
}

bool https_get(struct https *h, const struct domain *d, const struct https_address *a, size_t n,
               https_fn fn, void *user)
{
    struct https_get *g =
        h->flying < CAP_HTTPS_FLIGHT ? https_get_new(&h->config, h->trust, d, a, n) : NULL;

    if (!g)
        return false;
    g->fn = fn;
    g->user = user;
    if (g->easy && curl_multi_add_handle(h->multi, g->easy) != CURLM_OK) {
        https_get_free(g);
        return false;
    }
    g->next = h->first;
    h->first = g;
    h->flying++;
    return true;
}

/* --- its turns --- */

static void lower(int *wait_ms, nstime now, nstime due)
{
    nstime ms = due <= now ? 0 : clock_since(due, now) / NS_PER_MS + 1;

    if (due != INT64_MAX && (*wait_ms < 0 || ms < *wait_ms))
        *wait_ms = ms < INT_MAX ? (int)ms : INT_MAX;
}

size_t https_fds(const struct https *h, struct pollfd *to, size_t most, int *wait_ms)
{
    nstime now = https_now();
    size_t n = h->waits < most ? h->waits : most;

    for (size_t i = 0; i < n; i++)
        to[i] = (struct pollfd){.fd = h->waiting[i].fd, .events = h->waiting[i].events};
    lower(wait_ms, now, h->timer);
    for (const struct https_get *g = h->first; g; g = g->next)
        lower(wait_ms, now, g->over ? now : g->due);
    return n;
}

static void serve_sockets(struct https *h, const struct pollfd *p, size_t n)
{
    int running;

    for (size_t i = 0; i < n; i++) {
        int mask = (p[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                   (p[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (p[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (mask && find(h, p[i].fd))
            (void)curl_multi_socket_action(h->multi, p[i].fd, mask, &running);
    }
}

static void serve_timer(struct https *h)
{
    int running;

    if (h->timer > https_now())
        return;
    h->timer = INT64_MAX;
    (void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* False: it is over. */
static bool go_on(struct https *h, struct https_get *g)
{
    (void)curl_multi_remove_handle(h->multi, g->easy);
    return https_get_next(g) && curl_multi_add_handle(h->multi, g->easy) == CURLM_OK;
}

static void collect(struct https *h)
{
    int left;

    for (CURLMsg *m = curl_multi_info_read(h->multi, &left); m;
         m = curl_multi_info_read(h->multi, &left)) {
        char *get = NULL;
        CURLcode code = m->data.result;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &get);
        struct https_get *g = (struct https_get *)(void *)get;
        if (!https_missed(g) || !go_on(h, g))
            https_finish(g, (int)code);
    }
}

static void expire(struct https *h)
{
    nstime now = https_now();

    for (struct https_get *g = h->first; g; g = g->next)
        if (now >= g->due)
            https_end(g, LOOKUP_STS_FETCH,
                      g->heard ? "its answer did not end in time" : "no answer in time");
}

static struct https_get *take_over(struct https *h)
{
    for (struct https_get **at = &h->first; *at; at = &(*at)->next) {
        struct https_get *g = *at;
        if (!g->over)
            continue;
        *at = g->next;
        h->flying--;
        return g;
    }
    return NULL;
}

void https_turn(struct https *h, const struct pollfd *p, size_t n)
{
    serve_sockets(h, p, n);
    serve_timer(h);
    collect(h);
    expire(h);
    /* Whoever is told may ask again, so the list is looked at anew each time. */
    for (struct https_get *g = take_over(h); g; g = take_over(h)) {
        https_tell(g);
        let_go(h, g);
    }
}
