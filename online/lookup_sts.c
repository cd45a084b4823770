/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS: the record, the addresses of the policy host, the policy (RFC 8461 section 3). */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "online/lookup_job.h"
#include "online/rdata.h"
#include "online/refused.h"
#include "policy/sts_policy.h"
#include "policy/sts_txt.h"

#define NAME (CAP_DOMAIN_TEXT + 16) /* with a label before it */
#define MOST 253

static void name_under(char to[NAME], const char *label, const struct domain *d)
{
    snprintf(to, NAME, "%s.%s", label, d->text);
}

static void policy_host(const struct lookup_job *j, char to[NAME])
{
    name_under(to, "mta-sts", &j->l.domain);
}

/* --- policy --- */

static bool body_keep(struct lookup *l, struct span body)
{
    l->body = malloc(body.n + 1);
    if (!l->body)
        return false;
    if (body.n > 0)
        memcpy(l->body, body.p, body.n);
    l->body[body.n] = '\0';
    l->body_n = body.n;
    return true;
}

static void policy_read(struct lookup_job *j, const struct https_result *r, const char *host)
{
    struct sts_policy p;

    if (r->body.n > CAP_STS_BODY || !body_keep(&j->l, r->body)) {
        lookup_job_why(j, host, "no room for the policy");
        return;
    }
    sts_policy_read(r->body, &p);
    j->l.sts = p.usable ? LOOKUP_STS_POLICY : LOOKUP_STS_INVALID;
    if (p.reason[0])
        lookup_job_why(j, host, p.reason);
    else if (!r->plain)
        lookup_job_why(j, host, "the media type is not text/plain");
}

static void on_policy(void *user, const struct https_result *r)
{
    struct lookup_job *j = user;
    char host[NAME];

    if (!lookup_job_came(j))
        return;
    policy_host(j, host);
    j->l.status = r->status;
    j->l.plain = r->plain;
    snprintf(j->l.type, sizeof(j->l.type), "%s", r->type ? r->type : "");
    snprintf(j->l.issuer, sizeof(j->l.issuer), "%s", r->issuer ? r->issuer : "");
    if (r->sts == LOOKUP_STS_POLICY) {
        policy_read(j, r, host);
        return;
    }
    j->l.sts = r->sts;
    lookup_job_why(j, host, r->why);
}

/* --- addresses --- */

static void addresses_add(struct lookup_job *j, const struct answer *a, uint8_t family,
                          const char *host)
{
    size_t length = family == 4 ? 4 : 16;

    for (size_t i = 0; i < a->n && j->policies < CAP_HTTPS_ADDRESSES; i++) {
        struct https_address *to = &j->policy[j->policies];
        const char *why;
        if (a->rdata[i].n != length)
            continue;
        *to = (struct https_address){.family = family};
        memcpy(to->address, a->rdata[i].p, length);
        why = refused(family, to->address, lookup_job_allowed(j));
        if (why) {
            char ip[TEXT_IP], what[TEXT_IP + 80];
            text_ip(ip, family, to->address);
            snprintf(what, sizeof(what), "%s is refused (%s)", ip, why);
            lookup_job_why(j, host, what);
            j->policy_refused = true;
        } else {
            j->policies++;
        }
    }
}

static void addresses_done(struct lookup_job *j, const char *host)
{
    if (j->policies > 0) {
        j->l.why[0] = '\0';
        lookup_job_fetch(j, on_policy);
    } else if (j->policy_refused) {
        j->l.sts = LOOKUP_STS_REFUSED;
    } else if (!j->policy_failed) {
        lookup_job_why(j, host, "has no address");
    }
}

static void address_came(struct lookup_job *j, const struct answer *a, uint8_t family)
{
    char host[NAME];

    if (!lookup_job_came(j))
        return;
    policy_host(j, host);
    if (a->security == LOOKUP_BOGUS || a->security == LOOKUP_FAILED) {
        j->policy_failed = true;
        lookup_job_why(j, host, a->why);
    } else {
        addresses_add(j, a, family, host);
    }
    if (--j->policy_waiting == 0)
        addresses_done(j, host);
}

static void on_a(void *user, const struct answer *a)
{
    address_came(user, a, 4);
}

static void on_aaaa(void *user, const struct answer *a)
{
    address_came(user, a, 6);
}

static void addresses_ask(struct lookup_job *j)
{
    char host[NAME];

    policy_host(j, host);
    j->l.sts = LOOKUP_STS_FETCH;
    j->policy_waiting = 2;
    lookup_job_ask(j, host, RESOLVE_A, on_a, j);
    lookup_job_ask(j, host, RESOLVE_AAAA, on_aaaa, j);
}

/* --- record --- */

static void record_judge(struct lookup_job *j, const struct sts_txt *t, const char *name)
{
    if (t->records == 0) {
        j->l.sts = LOOKUP_STS_NONE;
        return;
    }
    if (t->records > 1 || !t->usable) {
        j->l.sts = LOOKUP_STS_RECORD;
        lookup_job_why(j, name, t->records > 1 ? "several records" : t->reason);
        return;
    }
    memcpy(j->l.id, t->id, sizeof(j->l.id));
    if (j->known[0] && strcmp(j->known, j->l.id) == 0)
        j->l.sts = LOOKUP_STS_SAME;
    else
        addresses_ask(j);
}

static void on_record(void *user, const struct answer *a)
{
    struct lookup_job *j = user;
    struct txt_record *record;
    struct sts_txt t;
    char name[NAME];
    size_t n;

    if (!lookup_job_came(j))
        return;
    name_under(name, "_mta-sts", &j->l.domain);
    j->l.record = a->security;
    if (a->security == LOOKUP_BOGUS || a->security == LOOKUP_FAILED) {
        lookup_job_why(j, name, a->why);
    } else if ((record = rdata_txts(a->rdata, a->n, &n))) {
        sts_txt_read(record, n, &t);
        free(record);
        record_judge(j, &t, name);
    } else {
        lookup_job_why(j, name, "no memory");
    }
}

void lookup_sts_ask(struct lookup_job *j)
{
    char name[NAME];

    name_under(name, "_mta-sts", &j->l.domain);
    if (strlen(name) > MOST) { /* there can be no such record */
        j->l.sts = LOOKUP_STS_NONE;
        j->l.record = LOOKUP_INSECURE;
        return;
    }
    lookup_job_ask(j, name, RESOLVE_TXT, on_record, j);
}
