/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "alert/eve.h"
#include "report/summary_state.h"

struct summary *summary_new(void)
{
    return calloc(1, sizeof(struct summary));
}

void summary_free(struct summary *sum)
{
    free(sum);
}

/* --- collecting --- */

static bool same_server(const struct flow_key *a, const struct flow_key *b)
{
    return a->family == b->family && a->server_port == b->server_port &&
           memcmp(a->server, b->server, sizeof a->server) == 0;
}

static struct record *record_find(struct summary *sum, const struct session *s,
                                  const struct finding *f)
{
    for (size_t i = 0; i < sum->record_count; i++) {
        struct record *r = &sum->record[i];
        if (r->finding.rule == f->rule && r->finding.severity == f->severity && r->domain.n == 0 &&
            same_server(&r->flow, &s->key))
            return r;
    }
    return NULL;
}

/* Where a new record may stand: behind the last, or in place of the newest of the weakest. */
static struct record *record_place(struct summary *sum, const struct finding *f)
{
    struct record *weakest = &sum->record[0];
    if (sum->record_count < SUMMARY_RECORDS)
        return &sum->record[sum->record_count++];
    for (size_t i = 1; i < sum->record_count; i++)
        if (sum->record[i].finding.severity <= weakest->finding.severity)
            weakest = &sum->record[i];
    if (weakest->finding.severity >= f->severity)
        return NULL;
    sum->left_out += weakest->sessions;
    return weakest;
}

static void collect_finding(struct summary *sum, const struct session *s, const struct finding *f)
{
    struct record *r = record_find(sum, s, f);
    if (r == NULL) {
        r = record_place(sum, f);
        if (r)
            *r = (struct record){.finding = *f,
                                 .flow = s->key,
                                 .first = f->time ? f->time : s->now,
                                 .sessions = 1,
                                 .newest = s->serial};
        else
            sum->left_out++;
        return;
    }
    if (r->newest == s->serial)
        return;
    r->newest = s->serial;
    r->sessions++;
    if (memcmp(r->flow.client, s->key.client, sizeof r->flow.client) != 0)
        r->other_clients = true;
}

static void collect_coverage(struct summary *sum, const struct session *s,
                             const struct judgement *j)
{
    if (j->visibility == VISIBILITY_CLIENT || j->visibility == VISIBILITY_SERVER)
        sum->seen_one_sided++;
    else if (j->visibility == VISIBILITY_PARTIAL || s->midstream)
        sum->seen_partly++;
    else
        sum->seen_whole++;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        sum->gaps += s->gaps[d];
        sum->missing_bytes += s->gap_bytes[d] + s->cut_bytes[d];
    }
}

/* "Not seen" is not "no": the shares count only sessions that showed it. */
static void collect_upgrade(struct summary *sum, const struct session *s, const struct judgement *j)
{
    bool asked = s->upgrade != UPGRADE_NONE;
    if (s->implicit_tls) {
        sum->implicit++;
        return;
    }
    if (j->offered != OFFERED_UNKNOWN)
        sum->offered.whole++;
    if (j->offered == OFFERED_YES)
        sum->offered.part++;
    sum->garbled += j->offered == OFFERED_GARBLED;
    if (asked || (session_whole(s, SESSION_TO_SERVER) && !s->midstream))
        sum->asked.whole++;
    if (asked)
        sum->asked.part++;
}

static void collect_certificates(struct summary *sum, const struct session *s,
                                 const struct judgement *j)
{
    if (s->tls_version == 0)
        return;
    sum->certificates[s->tls.certificates]++;
    sum->verified += j->peer == PEER_VERIFIED;
}

static void collect_findings(struct summary *sum, const struct session *s,
                             const struct judgement *j)
{
    for (uint8_t i = 0; i < j->finding_count; i++)
        if (j->finding[i].suppressed)
            sum->suppressed++;
        else if (j->finding[i].severity > SEVERITY_INFO)
            collect_finding(sum, s, &j->finding[i]);
}

void summary_session(struct summary *sum, const struct session *s, const struct judgement *j)
{
    if (!eve_wants(s))
        return;
    if (sum->sessions == 0 || s->first < sum->first)
        sum->first = s->first;
    if (sum->sessions == 0 || s->last > sum->last)
        sum->last = s->last;
    sum->sessions++;
    sum->verdicts[j->verdict]++;
    sum->mails += s->mails;
    sum->mail_sessions += s->mails > 0;
    sum->logins += s->auth == AUTH_ACCEPTED;
    collect_upgrade(sum, s, j);
    collect_coverage(sum, s, j);
    collect_certificates(sum, s, j);
    collect_findings(sum, s, j);
}

void summary_again(struct summary *sum, const struct session *s, const struct judgement *j)
{
    collect_findings(sum, s, j);
}

void summary_discovery(struct summary *sum, const struct discovery *d, const struct finding *f)
{
    const struct domain *about = d->domain.n ? &d->domain : &d->host;
    struct record *r = NULL;
    if (f->severity == SEVERITY_INFO)
        return;
    if (f->suppressed) {
        sum->suppressed++;
        return;
    }
    for (size_t i = 0; i < sum->record_count && !r; i++)
        if (sum->record[i].finding.rule == f->rule &&
            sum->record[i].finding.severity == f->severity &&
            span_eq(domain_span(&sum->record[i].domain), domain_span(about)))
            r = &sum->record[i];
    if (r) {
        r->sessions++;
        r->other_clients |= memcmp(r->flow.client, d->key.client, sizeof r->flow.client) != 0;
    } else if ((r = record_place(sum, f)) != NULL) {
        *r = (struct record){
            .finding = *f, .flow = d->key, .first = d->time, .sessions = 1, .domain = *about};
    } else {
        sum->left_out++;
    }
}
