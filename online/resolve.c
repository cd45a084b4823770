/* SPDX-License-Identifier: Apache-2.0 */
#include "online/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unbound.h>
#include <unistd.h>

#include "online/dot.h"
#include "online/resolve_config.h"

#define ANCHORS      "/usr/share/dns/root.key"            /* Debian's dns-root-data */
#define AUTHORITIES  "/etc/ssl/certs/ca-certificates.crt" /* and its ca-certificates */
#define TIMEOUT      (10 * NS_PER_S)
#define CLASS_IN     1
#define RCODE_NAME   3
#define ANCHOR_BYTES 65536
#define NAME_MOST    253
#define LABEL_MOST   63

struct question {
    struct resolve *r;
    answer_fn fn; /* NULL: free */
    void *user;
    nstime deadline;
    int id; /* of the library */
};

struct resolve {
    struct ub_ctx *ctx;
    int epoll; /* what there is to wait for: the library, and TLS */
    struct dot *dot[CAP_RESOLVE_FORWARDS];
    size_t dots;
    nstime timeout;
    size_t flying;
    struct question question[CAP_RESOLVE_FLIGHT];
};

/* --- configuration --- */

static bool say(char *why, const char *what, const char *about)
{
    char seen[160];
    text_escape(seen, sizeof(seen), span_str(about));
    snprintf(why, RESOLVE_WHY, "%s: %s", seen, what);
    return false;
}

static bool file_good(const char *path, char *why)
{
    struct stat st;
    FILE *f = fopen(path, "re");

    if (!f)
        return say(why, "cannot be read", path);
    bool regular = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
    fclose(f);
    return regular || say(why, "no file", path);
}

/* The library takes an empty file without a word, and then nothing is ever validated. */
static bool anchor_good(const char *path, char *why)
{
    static char text[ANCHOR_BYTES];
    FILE *f;

    if (!file_good(path, why))
        return false;
    if (!(f = fopen(path, "re")))
        return say(why, "cannot be read", path);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    return resolve_anchor_has(span_of(text, n)) || say(why, "no DS or DNSKEY record in it", path);
}

static bool set(struct ub_ctx *ctx, const char *option, const char *value, char *why)
{
    int err = ub_ctx_set_option(ctx, option, value);
    return err == 0 || say(why, ub_strerror(err), option);
}

static bool set_always(struct ub_ctx *ctx, char *why)
{
    static const char *const OPTION[][2] = {
        {"outgoing-range:", "128"},     /* sockets; a slow server does not keep others waiting */
        {"infra-host-ttl:", "60"},      /* seconds for which a server that is down is not asked */
        {"infra-keep-probing:", "yes"}, /* but for a question now and then */
    };
    for (size_t i = 0; i < sizeof(OPTION) / sizeof(OPTION[0]); i++)
        if (!set(ctx, OPTION[i][0], OPTION[i][1], why))
            return false;
    return true;
}

/* Who asks from the root on goes where the zones of others point. */
static bool set_private(struct ub_ctx *ctx, char *why)
{
    static const char *const NET[] = {
        "0.0.0.0/8",     "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",   "::/96",       "::ffff:0:0/96",
        "fc00::/7",      "fe80::/10",      "ff00::/8",
    };
    for (size_t i = 0; i < sizeof(NET) / sizeof(NET[0]); i++)
        if (!set(ctx, "do-not-query-address:", NET[i], why))
            return false;
    return true;
}

static bool set_loopback(struct ub_ctx *ctx, const struct resolve_upstream *u, char *why)
{
    return !u->loopback || set(ctx, "do-not-query-localhost:", "no", why);
}

/* The library asks here, and what it asks goes on over TLS. */
static bool set_dot(struct resolve *r, const struct resolve_config *c, struct resolve_upstream *u,
                    char *why)
{
    const char *ca = c->ca_file ? c->ca_file : AUTHORITIES;
    struct dot *d;

    if (!file_good(ca, why) || !(d = dot_new(u, ca, r->epoll, why)))
        return false;
    r->dot[r->dots++] = d;
    u->loopback = true;
    snprintf(u->text, sizeof(u->text), "127.0.0.1@%u", dot_port(d));
    return true;
}

static bool set_forwards(struct resolve *r, const struct resolve_config *c, char *why)
{
    struct resolve_upstream u;
    bool tls = false;

    if (c->forwards > CAP_RESOLVE_FORWARDS)
        return say(why, "more forwarders than are asked", c->forward[CAP_RESOLVE_FORWARDS]);
    for (size_t i = 0; i < c->forwards; i++) {
        if (!resolve_forward_read(&u, c->forward[i], why, RESOLVE_WHY))
            return false;
        if (i > 0 && u.tls != tls) /* whoever disturbs one would get it in clear */
            return say(why, "forwarders with TLS and without do not mix", c->forward[i]);
        tls = u.tls;
        if ((tls && !set_dot(r, c, &u, why)) || !set_loopback(r->ctx, &u, why))
            return false;
        if (ub_ctx_set_fwd(r->ctx, u.text) != 0)
            return say(why, "the library refuses it", c->forward[i]);
    }
    return true;
}

static bool set_stubs(struct ub_ctx *ctx, const struct resolve_config *c, char *why)
{
    struct resolve_upstream u;

    for (size_t i = 0; i < c->stubs; i++) {
        if (!resolve_stub_read(&u, c->stub[i], why, RESOLVE_WHY))
            return false;
        if (!set_loopback(ctx, &u, why))
            return false;
        if (ub_ctx_set_stub(ctx, u.zone, u.text, 0) != 0)
            return say(why, "the library refuses it", c->stub[i]);
    }
    return true;
}

static bool configure(struct resolve *r, const struct resolve_config *c, char *why)
{
    struct ub_ctx *ctx = r->ctx;
    const char *anchor = c->anchor_file ? c->anchor_file : ANCHORS;

    if (!set_always(ctx, why) || !set_forwards(r, c, why) || !set_stubs(ctx, c, why) ||
        !anchor_good(anchor, why))
        return false;
    if (c->forwards == 0 && c->stubs == 0 && !set_private(ctx, why))
        return false;
    if (ub_ctx_add_ta_file(ctx, anchor) != 0 || ub_ctx_async(ctx, 1) != 0)
        return say(why, "the library refuses it", anchor);
    /* The library would answer for test. itself; and this makes it read its anchors now. */
    return ub_ctx_zone_remove(ctx, "test.") == 0 ||
           say(why, "no trust anchors that are understood", anchor);
}

static bool wait_make(struct resolve *r)
{
    struct epoll_event e = {.events = EPOLLIN};

    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    return r->epoll >= 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, ub_fd(r->ctx), &e) == 0;
}

struct resolve *resolve_new(const struct resolve_config *c, char why[RESOLVE_WHY])
{
    struct resolve *r = calloc(1, sizeof(*r));

    _Static_assert(RESOLVE_WHY == DOT_WHY, "one text for both");
    snprintf(why, RESOLVE_WHY, "no memory");
    if (!r)
        return NULL;
    r->epoll = -1;
    r->timeout = c->timeout > 0 ? c->timeout : TIMEOUT;
    r->ctx = ub_ctx_create();
    if (r->ctx)
        ub_ctx_debugout(r->ctx, NULL); /* it would write on standard error */
    if (!r->ctx || !wait_make(r) || !configure(r, c, why)) {
        resolve_free(r);
        return NULL;
    }
    why[0] = '\0';
    return r;
}

void resolve_free(struct resolve *r)
{
    if (!r)
        return;
    ub_ctx_delete(r->ctx);
    for (size_t i = 0; i < r->dots; i++)
        dot_free(r->dot[i]);
    if (r->epoll >= 0)
        close(r->epoll);
    free(r);
}

/* --- questions --- */

/* Letters, digits, hyphens and underscores; what the library cannot show of a name is `?`. */
static bool name_read(const char *text, struct domain *out)
{
    struct span s = domain_trim(span_str(text));
    size_t label = 0;

    *out = (struct domain){0};
    if (s.n == 0 || s.n > NAME_MOST)
        return false;
    for (size_t i = 0; i <= s.n; i++) {
        uint8_t c = i < s.n ? s.p[i] : '.';
        if (c == '.' ? label == 0 : label == LABEL_MOST)
            return false;
        if (c != '.' && c != '-' && c != '_' && !span_is_alpha(c) && !span_is_digit(c))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (i < s.n)
            out->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out->n = (uint8_t)s.n;
    return true;
}

static void tell(struct question *q, const struct answer *a)
{
    answer_fn fn = q->fn;

    q->fn = NULL; /* free before it is called: it may ask again */
    q->r->flying--;
    fn(q->user, a);
}

static void tell_failed(struct question *q, const char *what)
{
    tell(q, &(struct answer){.security = LOOKUP_FAILED, .why = what});
}

static enum lookup_security security_of(const struct ub_result *res)
{
    if (res->bogus)
        return LOOKUP_BOGUS;
    if (res->rcode != 0 && res->rcode != RCODE_NAME)
        return LOOKUP_FAILED;
    return res->secure ? LOOKUP_SECURE : LOOKUP_INSECURE;
}

static void why_of(const struct ub_result *res, char *to, size_t cap)
{
    static const char *const RCODE[] = {"", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

    if (res->bogus)
        text_escape(to, cap, span_str(res->why_bogus ? res->why_bogus : "validation failure"));
    else if (res->rcode > 0 && res->rcode < (int)(sizeof(RCODE) / sizeof(RCODE[0])))
        snprintf(to, cap, "%s", RCODE[res->rcode]);
    else
        snprintf(to, cap, "response code %d", res->rcode);
}

static size_t count_of(const struct ub_result *res)
{
    size_t n = 0;
    while (res->data && res->data[n])
        n++;
    return n;
}

static void tell_good(struct question *q, const struct ub_result *res, struct answer *a)
{
    size_t n = count_of(res);
    struct span *rdata = calloc(n + 1, sizeof(*rdata));

    if (!rdata) {
        tell_failed(q, "no memory");
        return;
    }
    for (size_t i = 0; i < n; i++)
        rdata[i] = span_of(res->data[i], (size_t)res->len[i]);
    a->no_name = res->rcode == RCODE_NAME;
    a->aliased = res->canonname != NULL;
    (void)name_read(a->aliased ? res->canonname : res->qname, &a->canonical);
    a->rdata = rdata;
    a->n = n;
    a->ttl = res->ttl > 0 ? (uint32_t)res->ttl : 0;
    tell(q, a);
    free(rdata);
}

static void on_result(void *user, int err, struct ub_result *res)
{
    struct question *q = user;
    char why[RESOLVE_WHY] = "";

    if (err != 0 || !res) {
        tell_failed(q, ub_strerror(err));
    } else {
        struct answer a = {.security = security_of(res), .why = why};
        if (a.security == LOOKUP_BOGUS || a.security == LOOKUP_FAILED) {
            why_of(res, why, sizeof(why));
            tell(q, &a);
        } else {
            tell_good(q, res, &a);
        }
    }
    ub_resolve_free(res);
}

bool resolve_ask(struct resolve *r, nstime now, const char *name, unsigned type, answer_fn fn,
                 void *user)
{
    struct domain d;
    size_t i = 0;

    if (!name_read(name, &d))
        return false;
    while (i < CAP_RESOLVE_FLIGHT && r->question[i].fn)
        i++;
    if (i == CAP_RESOLVE_FLIGHT)
        return false;
    struct question *q = &r->question[i];
    *q = (struct question){r, fn, user, clock_add(now, r->timeout), 0};
    if (ub_resolve_async(r->ctx, d.text, (int)type, CLASS_IN, q, on_result, &q->id) != 0) {
        q->fn = NULL;
        return false;
    }
    r->flying++;
    return true;
}

int resolve_fd(const struct resolve *r)
{
    return r->epoll;
}

void resolve_turn(struct resolve *r, nstime now)
{
    for (size_t i = 0; i < r->dots; i++)
        dot_turn(r->dot[i], now);
    ub_process(r->ctx);
    for (size_t i = 0; i < CAP_RESOLVE_FLIGHT && r->flying > 0; i++) {
        struct question *q = &r->question[i];
        if (!q->fn || now < q->deadline)
            continue;
        ub_cancel(r->ctx, q->id); /* after this the library never calls us for it */
        tell_failed(q, "no answer in time");
    }
}
