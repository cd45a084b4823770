/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/heap.h"
#include "deliver/secret.h"

enum { EVENTS = 8, CONNECT_MS = 10000, FIRST_ROOM = 4096 };

static const char SYSTEM_CA[] = "/etc/ssl/certs/ca-certificates.crt";

struct file {
    char *bytes; /* NULL: none */
    size_t n;
};

struct post {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers; /* of the request under way */
    int epoll;                  /* the sockets that libcurl waits for */
    nstime now;
    nstime timer; /* libcurl wants to be called then; -1: never */
    bool is_running;
    struct file ca, certificate, key;
    uint8_t *answer; /* its body */
    size_t n, room;
    bool is_cut; /* it was longer than the cap */
    char error[CURL_ERROR_SIZE];
};

/* --- what libcurl calls --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct post *p = user;
    struct epoll_event e = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(p->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0)
        epoll_ctl(p->epoll, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
    curl_multi_assign(p->multi, fd, p);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    struct post *p = user;

    (void)multi;
    p->timer = ms < 0 ? -1 : p->now + ms * NS_PER_MS;
    return 0;
}

/* What is longer than the cap is read to its end, so that the connection stays usable, and
 * forgotten. */
static size_t on_body(char *bytes, size_t one, size_t n, void *user)
{
    struct post *p = user;
    size_t room = p->room ? p->room : FIRST_ROOM;
    uint8_t *more;

    (void)one;
    p->is_cut |= n > CAP_DELIVER_ANSWER - p->n;
    if (p->is_cut)
        return n;
    while (room < p->n + n)
        room *= 2;
    if (room > p->room) {
        more = heap_resize(p->answer, room);
        if (!more)
            return 0;
        p->answer = more;
        p->room = room;
    }
    memcpy(p->answer + p->n, bytes, n);
    p->n += n;
    return n;
}

/* --- setting up --- */

static bool read_file(struct file *f, const char *path, char why[SINK_WHY])
{
    if (!path)
        return true;
    f->bytes = secret_file(path, &f->n, why);
    return f->bytes != NULL;
}

static void set_file(CURL *easy, CURLoption option, const struct file *f)
{
    struct curl_blob blob = {f->bytes, f->n, CURL_BLOB_NOCOPY};

    if (f->bytes)
        curl_easy_setopt(easy, option, &blob);
}

static void set_options(struct post *p, const struct post_config *c)
{
    CURL *e = p->easy;

    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, c->proxy ? c->proxy : "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    set_file(e, CURLOPT_CAINFO_BLOB, &p->ca);
    set_file(e, CURLOPT_SSLCERT_BLOB, &p->certificate);
    set_file(e, CURLOPT_SSLKEY_BLOB, &p->key);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(c->deadline / NS_PER_MS));
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "stripwatch");
    if (c->user && c->password) {
        curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(e, CURLOPT_USERNAME, c->user);
        curl_easy_setopt(e, CURLOPT_PASSWORD, c->password);
    }
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
}

static bool open_files(struct post *p, const struct deliver_tls *tls, char why[SINK_WHY])
{
    const char *ca = tls->ca_file;

    if (!ca && access(SYSTEM_CA, R_OK) == 0)
        ca = SYSTEM_CA;
    return read_file(&p->ca, ca, why) && read_file(&p->certificate, tls->certificate_file, why) &&
           read_file(&p->key, tls->key_file, why);
}

struct post *post_new(const struct post_config *c, char why[SINK_WHY])
{
    struct post *p = heap_zeroed(sizeof(*p));

    snprintf(why, SINK_WHY, "no memory for HTTP");
    if (!p)
        return NULL;
    p->timer = -1;
    p->epoll = -1;
    if (!open_files(p, &c->tls, why) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto fail;
    p->multi = curl_multi_init();
    p->easy = curl_easy_init();
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!p->multi || !p->easy || p->epoll < 0)
        goto fail;
    set_options(p, c);
    return p;
fail:
    post_free(p);
    return NULL;
}

static void end(struct post *p)
{
    if (p->is_running)
        curl_multi_remove_handle(p->multi, p->easy);
    curl_slist_free_all(p->headers);
    p->headers = NULL;
    p->is_running = false;
}

void post_free(struct post *p)
{
    if (!p)
        return;
    end(p);
    curl_easy_cleanup(p->easy);
    curl_multi_cleanup(p->multi);
    if (p->epoll >= 0)
        close(p->epoll);
    secret_free(p->ca.bytes, p->ca.n);
    secret_free(p->certificate.bytes, p->certificate.n);
    secret_free(p->key.bytes, p->key.n);
    heap_free(p->answer);
    heap_free(p);
}

/* --- a request --- */

bool post_begin(struct post *p, const char *url, const char *const *headers, struct span body,
                nstime now)
{
    struct curl_slist *more;

    end(p);
    for (; *headers; headers++) {
        more = curl_slist_append(p->headers, *headers);
        if (!more)
            return false;
        p->headers = more;
    }
    p->now = now;
    p->n = 0;
    p->is_cut = false;
    p->error[0] = '\0';
    curl_easy_setopt(p->easy, CURLOPT_URL, url);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, (const char *)body.p);
    p->is_running = curl_multi_add_handle(p->multi, p->easy) == CURLM_OK;
    return p->is_running;
}

static bool is_untrusted(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR;
}

static void take(struct post *p, CURLcode code, struct post_answer *a)
{
    curl_off_t hold = 0;

    *a = (struct post_answer){.end = is_untrusted(code) ? POST_UNTRUSTED : POST_AWAY};
    if (code == CURLE_OK)
        a->end = POST_ANSWERED;
    else
        snprintf(a->why, sizeof(a->why), "%s", p->error[0] ? p->error : curl_easy_strerror(code));
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(p->easy, CURLINFO_RETRY_AFTER, &hold);
    a->hold = hold;
    a->body = span_of(p->answer, p->is_cut ? 0 : p->n);
}

static void drive(struct post *p)
{
    struct epoll_event e[EVENTS];
    int running, n = epoll_wait(p->epoll, e, EVENTS, 0);

    for (int i = 0; i < n; i++)
        curl_multi_socket_action(p->multi, e[i].data.fd,
                                 (e[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (e[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                     (e[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
                                 &running);
    if (p->timer >= 0 && p->now >= p->timer) {
        p->timer = -1;
        curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

bool post_step(struct post *p, nstime now, struct post_answer *answer)
{
    const CURLMsg *m;
    int left;

    p->now = now;
    drive(p);
    while ((m = curl_multi_info_read(p->multi, &left)) != NULL)
        if (m->msg == CURLMSG_DONE && p->is_running) {
            take(p, m->data.result, answer);
            end(p);
            return true;
        }
    return false;
}

bool post_poll(const struct post *p, struct pollfd *fd)
{
    *fd = (struct pollfd){.fd = p->epoll, .events = POLLIN};
    return p->is_running;
}
