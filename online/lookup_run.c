/* SPDX-License-Identifier: Apache-2.0 */
#include "online/lookup_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "online/lookup_job.h"

#define WHOLE   (120 * NS_PER_S)
#define LOOK_MS 250 /* deadlines are kept so exactly */

struct lookup_run {
    struct resolve *resolve;
    struct https *https;
    const struct role_nets *allowed;
    size_t most, untold;
    nstime now;
    struct lookup_job *first;
};

/* --- what the parts of a job call --- */

void lookup_job_ask(struct lookup_job *j, const char *name, unsigned type, answer_fn fn, void *user)
{
    static const struct answer NONE = {.security = LOOKUP_FAILED, .why = "cannot be asked"};

    j->pending++;
    if (!resolve_ask(j->run->resolve, j->run->now, name, type, fn, user))
        fn(user, &NONE);
}

bool lookup_job_came(struct lookup_job *j)
{
    j->pending--;
    return !j->told;
}

void lookup_job_fetch(struct lookup_job *j, https_fn fn)
{
    static const struct https_result NONE = {
        .sts = LOOKUP_STS_FETCH, .issuer = "", .why = "cannot be fetched"};

    j->pending++;
    if (!https_get(j->run->https, &j->l.domain, j->policy, j->policies, fn, j))
        fn(j, &NONE);
}

const struct role_nets *lookup_job_allowed(const struct lookup_job *j)
{
    return j->run->allowed;
}

void lookup_job_why(struct lookup_job *j, const char *about, const char *what)
{
    if (j->l.why[0] == '\0')
        snprintf(j->l.why, sizeof(j->l.why), "%s: %s", about, what);
}

/* --- all of them --- */

struct lookup_run *lookup_run_new(const struct lookup_run_config *c, char why[RESOLVE_WHY])
{
    struct lookup_run *r = calloc(1, sizeof(*r));

    _Static_assert(RESOLVE_WHY == HTTPS_WHY, "one text for both");
    _Static_assert(LOOKUP_RUN_FDS > HTTPS_FDS, "room for all sockets");
    snprintf(why, RESOLVE_WHY, "no memory");
    if (!r)
        return NULL;
    r->allowed = c->allowed;
    r->most = c->most > 0 ? c->most : CAP_ASKING_FLIGHT;
    struct https_config https = c->https;
    https.allowed = c->allowed;
    if (!(r->resolve = resolve_new(&c->resolve, why)) || !(r->https = https_new(&https, why))) {
        lookup_run_free(r);
        return NULL;
    }
    return r;
}

static void job_free(struct lookup_job *j)
{
    lookup_fini(&j->l);
    free(j);
}

void lookup_run_free(struct lookup_run *r)
{
    if (!r)
        return;
    if (r->https)
        https_free(r->https);
    resolve_free(r->resolve);
    while (r->first) {
        struct lookup_job *j = r->first;
        r->first = j->next;
        job_free(j);
    }
    free(r);
}

bool lookup_run_ask(struct lookup_run *r, const struct domain *d, const char *known_id, bool mx,
                    lookup_fn fn, void *user)
{
    struct lookup_job *j = r->untold < r->most ? calloc(1, sizeof(*j)) : NULL;

    if (!j)
        return false;
    j->run = r;
    j->fn = fn;
    j->user = user;
    j->l.domain = *d;
    j->l.asked_mx = mx;
    snprintf(j->known, sizeof(j->known), "%s", known_id);
    j->next = r->first;
    r->first = j;
    r->untold++;
    return true;
}

/* Before the first answer: nothing could be found out. */
static void begin(struct lookup_job *j)
{
    j->asked = true;
    j->deadline = clock_add(j->run->now, WHOLE);
    j->l.sts = LOOKUP_STS_DNS;
    j->l.record = LOOKUP_FAILED;
    j->l.mx = j->l.asked_mx ? LOOKUP_FAILED : LOOKUP_INSECURE;
    lookup_sts_ask(j);
    if (j->l.asked_mx) {
        lookup_mx_ask(j);
        lookup_reports_ask(j);
    }
}

static void tell(struct lookup_job *j, nstime wall)
{
    if (j->pending > 0)
        lookup_job_why(j, "the look-up", "not done in time");
    j->l.time = wall;
    j->told = true;
    j->run->untold--;
    j->fn(j->user, &j->l);
}

/* The last place that led to a job that is done with. */
static void sweep(struct lookup_run *r)
{
    struct lookup_job **at = &r->first;

    while (*at) {
        struct lookup_job *j = *at;
        if (j->told && j->pending == 0) {
            *at = j->next;
            job_free(j);
        } else {
            at = &j->next;
        }
    }
}

size_t lookup_run_fds(struct lookup_run *r, struct pollfd *to, int *wait_ms)
{
    bool fresh = false;

    to[0] = (struct pollfd){.fd = resolve_fd(r->resolve), .events = POLLIN};
    for (const struct lookup_job *j = r->first; j; j = j->next)
        fresh = fresh || !j->asked;
    if (r->first && (*wait_ms < 0 || *wait_ms > LOOK_MS))
        *wait_ms = LOOK_MS;
    if (fresh)
        *wait_ms = 0;
    return 1 + https_fds(r->https, to + 1, LOOKUP_RUN_FDS - 1, wait_ms);
}

void lookup_run_turn(struct lookup_run *r, const struct pollfd *p, size_t n, nstime now,
                     nstime wall)
{
    r->now = now;
    for (struct lookup_job *j = r->first; j; j = j->next)
        if (!j->asked)
            begin(j);
    resolve_turn(r->resolve, now);
    https_turn(r->https, p, n);
    /* What `fn` asks for is put in front of the list, and begins with the next turn. */
    for (struct lookup_job *j = r->first; j; j = j->next)
        if (j->asked && !j->told && (j->pending == 0 || now >= j->deadline))
            tell(j, wall);
    sweep(r);
}
