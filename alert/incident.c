/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/incident_state.h"
#include "base/heap.h"

/* What one session is part of. */
struct share {
    struct attack *attack;
    uint64_t serial;        /* of the attack: another one means that it is no more */
    struct rule_set rules;  /* that the session brought in */
    enum severity severity; /* of the strongest finding that it brought in */
    uint32_t mails;         /* that are counted */
};

struct memo {
    struct share share[CAP_INCIDENT_MEMO];
    uint8_t count;
};

/* What one judgement did to each share. */
struct news {
    const struct finding *own[CAP_INCIDENT_MEMO]; /* the strongest; NULL: nothing */
    bool grew[CAP_INCIDENT_MEMO];                 /* by a session */
};

struct incidents *incident_new(const struct siphash_key *key, const char *sensor, incident_fn write,
                               void *user)
{
    struct incidents *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->sensor = sensor;
    in->write = write;
    in->user = user;
    in->hourly = INCIDENT_HOURLY;
    in->attacks = attacks_new(key);
    if (in->attacks)
        return in;
    free(in);
    return NULL;
}

void incident_hourly(struct incidents *in, uint32_t most)
{
    in->hourly = most;
}

void incident_free(struct incidents *in)
{
    if (in)
        attacks_free(in->attacks);
    free(in);
}

const struct incident_counters *incident_counters(const struct incidents *in)
{
    return &in->counters;
}

/* --- the hour --- */

bool incident_hour_has_room(struct incidents *in, nstime now)
{
    if (!in->hour_running || clock_since(now, in->hour_start) >= HOUR) {
        in->hour_running = true;
        in->hour_start = now;
        in->hour_opened = 0;
        in->hour_held = 0;
    }
    return in->hour_opened < in->hourly;
}

void incident_hour_open(struct incidents *in, bool *held)
{
    in->hour_opened++;
    in->counters.opened++;
    in->counters.held -= *held;
    *held = false;
}

enum incident_outcome incident_hour_hold(struct incidents *in, bool *held)
{
    if (*held)
        return INCIDENT_SILENT;
    *held = true;
    in->counters.held++;
    in->hour_held++;
    if (in->hour_held > 1)
        return INCIDENT_SILENT;
    in->counters.storms++;
    in->counters.alerts[SEVERITY_MEDIUM]++;
    return INCIDENT_STORM;
}

/* --- lines --- */

static void fill_supporting(struct incident_alert *out, const struct attack *a)
{
    for (enum rule_id rule = 0; rule < RULE_COUNT; rule++) {
        uint8_t at = out->supporting_count;
        if (rule == a->lead.rule || !rule_set_has(&a->rules, rule))
            continue;
        for (; at > 0 && rule_before(rule, out->supporting[at - 1]); at--)
            out->supporting[at] = out->supporting[at - 1];
        out->supporting[at] = rule;
        out->supporting_count++;
    }
}

static void fill(const struct incidents *in, const struct attack *a, const struct finding *primary,
                 nstime now, struct incident_alert *out)
{
    *out = (struct incident_alert){.state = a->update > 1 ? INCIDENT_ONGOING : INCIDENT_OPEN,
                                   .update = a->update,
                                   .severity = a->told,
                                   .primary = primary,
                                   .subject = a->subject,
                                   .sessions = a->sessions,
                                   .servers = a->servers.count,
                                   .senders = a->senders.count,
                                   .absorbed = a->absorbed,
                                   .first = a->first,
                                   .last = a->last,
                                   .time = now,
                                   .hour_opened = in->hour_opened,
                                   .hour_held = in->hour_held};
    memcpy(out->incident, a->incident, IDS_TEXT);
    memcpy(out->finding_id, a->lead.id, IDS_TEXT);
    ids_alert(a->incident, a->update, in->sensor, out->id);
    fill_supporting(out, a);
}

/* "64 or more" where they are no longer told apart. */
static void say_size(struct finding *f, const struct attack *a)
{
    const char *more[] = {"", " or more"};
    snprintf(f->reason, sizeof f->reason,
             "The incident has %llu session%s with %u%s server%s and %u%s sender%s by now.",
             (unsigned long long)a->sessions, a->sessions == 1 ? "" : "s", a->servers.count,
             more[a->servers.count == CAP_INCIDENT_PEERS], a->servers.count == 1 ? "" : "s",
             a->senders.count, more[a->senders.count == CAP_INCIDENT_PEERS],
             a->senders.count == 1 ? "" : "s");
}

/* The primary, of a session that does not show it itself. */
static const struct finding *recall(struct incidents *in, const struct attack *a)
{
    struct finding *f = &in->recalled;
    attack_recall(a, f);
    say_size(f, a);
    size_t n = strlen(f->reason);
    snprintf(f->reason + n, sizeof f->reason - n, " The strongest finding is %s, of severity %s.",
             rule_row(a->strongest_by)->name, severity_text(a->strongest));
    snprintf(f->next_step, sizeof f->next_step, "Look at the first alert of this incident.");
    return f;
}

static void tell(struct incidents *in, const struct session *s, struct attack *a,
                 const struct finding *own)
{
    struct incident_alert alert;
    const struct finding *primary = own && own->rule == a->lead.rule ? own : recall(in, a);
    a->update++;
    a->lead_is_new = false;
    fill(in, a, primary, s->now, &alert);
    if (primary == own)
        ids_finding(s, own, alert.finding_id);
    in->counters.alerts[a->told]++;
    in->write(in->user, s, INCIDENT_ALERT, &alert);
}

static void hold(struct incidents *in, const struct session *s, struct attack *a,
                 const struct finding *own)
{
    struct incident_alert alert;
    a->lead_is_new = false;
    if (incident_hour_hold(in, &a->held) != INCIDENT_STORM)
        return;
    fill(in, a, own, s->now, &alert);
    in->write(in->user, s, INCIDENT_STORM, &alert);
}

/* --- the end of one --- */

static void forget(struct incidents *in, struct attack *a)
{
    in->counters.ongoing -= a->state == ATTACK_TOLD;
    attacks_forget(in->attacks, a);
}

static void close_attack(struct incidents *in, struct attack *a, nstime now, const char *why)
{
    struct incident_alert alert;
    struct finding *f = &in->recalled;
    if (a->state == ATTACK_TOLD) {
        attack_recall(a, f);
        say_size(f, a);
        size_t n = strlen(f->reason);
        snprintf(f->reason + n, sizeof f->reason - n, " It is closed: %s.", why);
        snprintf(f->next_step, sizeof f->next_step, "None: a new finding opens a new incident.");
        a->update++;
        fill(in, a, f, now, &alert);
        alert.state = INCIDENT_CLOSED;
        alert.place = &a->place;
        in->counters.closed++;
        in->counters.alerts[a->told]++;
        in->write(in->user, NULL, INCIDENT_ALERT, &alert);
    }
    forget(in, a);
}

static void expire(struct incidents *in, nstime now)
{
    struct attack *a;
    char why[48];
    while ((a = attacks_oldest(in->attacks)) != NULL &&
           clock_since(now, a->heard) >= INCIDENT_DAYS * DAY) {
        snprintf(why, sizeof why, "nothing of it was found for %d days", INCIDENT_DAYS);
        close_attack(in, a, now, why);
    }
}

static bool is_loud(const struct finding *f)
{
    return f->severity > SEVERITY_INFO;
}

/* Whether the session shows that nothing of the group goes on: what was not seen shows nothing, and
 * a missing offer may have been taken out better than before. */
static bool shows_health(const struct judgement *j, enum rule_group group)
{
    if (j->visibility == VISIBILITY_PARTIAL)
        return false;
    for (uint8_t i = 0; i < j->finding_count; i++)
        if (is_loud(&j->finding[i]) && rule_group(j->finding[i].rule) == group)
            return false;
    return j->verdict == VERDICT_ENCRYPTED ||
           (j->offered == OFFERED_YES && group != RULE_GROUP_INTERCEPTION);
}

static bool has_part(const struct session *s, const struct attack *a)
{
    const struct memo *memo = s->memo;
    for (uint8_t i = 0; memo && i < memo->count; i++)
        if (memo->share[i].attack == a)
            return true;
    return false;
}

static void count_clean(struct incidents *in, const struct session *s, enum finding_subject subject,
                        enum rule_group group)
{
    char why[48];
    struct attack *a = attacks_find(in->attacks, s, subject, group, "");
    if (!a || a->state == ATTACK_ABSORBED || has_part(s, a) || ++a->clean < INCIDENT_CLEAN)
        return;
    snprintf(why, sizeof why, "%d sessions in a row showed nothing of it", INCIDENT_CLEAN);
    close_attack(in, a, s->now, why);
}

static void look_for_health(struct incidents *in, const struct session *s,
                            const struct judgement *j)
{
    static const enum finding_subject subjects[] = {SUBJECT_SERVER, SUBJECT_SENDER, SUBJECT_PATH};
    if (attacks_open_all(in->attacks) == 0)
        return;
    for (enum rule_group group = 0; group < RULE_GROUP_COUNT; group++)
        for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
            if (attacks_open(in->attacks, subjects[i], group) > 0 && shows_health(j, group))
                count_clean(in, s, subjects[i], group);
}

/* --- joining --- */

static bool is_there(const struct share *share)
{
    return share->attack && share->attack->serial == share->serial;
}

/* Sessions that were counted where a signpost stands are counted where it points to. */
static void follow(struct memo *memo)
{
    for (uint8_t i = 0; i < memo->count; i++) {
        struct share *share = &memo->share[i];
        const struct attack *a = share->attack;
        if (!is_there(share) || a->state != ATTACK_ABSORBED)
            continue;
        share->serial = a->into_serial;
        share->attack = a->into;
    }
}

static struct attack *begin(struct incidents *in, struct memo *memo, const struct session *s,
                            const struct finding *f)
{
    struct attack *a, *member = NULL;
    if (attacks_full(in->attacks)) {
        a = attacks_oldest(in->attacks);
        in->counters.evicted += a->state != ATTACK_ABSORBED;
        forget(in, a);
    }
    a = attacks_begin(in->attacks, s, f);
    if (f->subject != SUBJECT_PATH)
        return a;
    while ((member = attacks_absorb(in->attacks, a, member)) != NULL) {
        in->counters.absorbed++;
        in->counters.ongoing -= member->update > 0;
        in->counters.held -= member->held;
        member->held = false;
    }
    follow(memo);
    return a;
}

/* The open attack that a finding is about, or NULL. */
static struct attack *find_open(struct incidents *in, const struct session *s,
                                const struct finding *f)
{
    enum rule_group group = rule_group(f->rule);
    struct attack *a = NULL;
    if (attacks_open(in->attacks, SUBJECT_PATH, group) > 0)
        a = attacks_find(in->attacks, s, SUBJECT_PATH, group, "");
    if (!a && attacks_open(in->attacks, f->subject, group) > 0)
        a = attacks_find(in->attacks, s, f->subject, group, f->subject_name);
    return a && a->state != ATTACK_ABSORBED ? a : NULL;
}

static struct share *share_of(struct memo *memo, const struct attack *a)
{
    for (uint8_t i = 0; i < memo->count; i++)
        if (is_there(&memo->share[i]) && memo->share[i].attack == a)
            return &memo->share[i];
    return NULL;
}

/* Where this rule of this session was counted before, if what it says is no worse than then. */
static struct share *share_of_rule(struct memo *memo, const struct finding *f)
{
    for (uint8_t i = 0; i < memo->count; i++) {
        struct share *share = &memo->share[i];
        if (rule_set_has(&share->rules, f->rule) &&
            (is_there(share) || f->severity <= share->severity))
            return share;
    }
    return NULL;
}

/* What the session opened or joined already with a finding about the same kind of thing. */
static struct share *share_of_subject(struct memo *memo, const struct finding *f)
{
    for (uint8_t i = 0; i < memo->count; i++)
        if (is_there(&memo->share[i]) && memo->share[i].attack->subject == f->subject)
            return &memo->share[i];
    return NULL;
}

static struct share *take_share(struct memo *memo, struct attack *a)
{
    struct share *share = share_of(memo, a);
    if (share)
        return share;
    if (memo->count == CAP_INCIDENT_MEMO) /* a group of rules each: hardly ever */
        return NULL;
    share = &memo->share[memo->count++];
    *share = (struct share){.attack = a, .serial = a->serial};
    return share;
}

static struct share *place_finding(struct incidents *in, struct memo *memo, const struct session *s,
                                   const struct finding *f)
{
    struct share *share = share_of_rule(memo, f);
    struct attack *a;
    if (share)
        return share;
    a = find_open(in, s, f);
    if (!a && (share = share_of_subject(memo, f)) != NULL)
        return share;
    return take_share(memo, a ? a : begin(in, memo, s, f));
}

static void join(struct incidents *in, struct memo *memo, const struct session *s,
                 const struct finding *f, struct news *news)
{
    struct share *share = place_finding(in, memo, s, f);
    if (!share || !is_there(share))
        return;
    struct attack *a = share->attack;
    size_t i = (size_t)(share - memo->share);
    if (share->severity == SEVERITY_INFO) { /* its first */
        attacks_count(in->attacks, a, s);
        news->grew[i] = true;
    }
    if (!news->own[i])
        news->own[i] = f;
    if (f->confidence != CONFIDENCE_LOW) { /* what is not sure gets no surer by its number */
        a->mails += s->mails - share->mails;
        share->mails = s->mails;
    }
    share->severity = f->severity > share->severity ? f->severity : share->severity;
    rule_set_add(&share->rules, f->rule);
    attack_hear(in->attacks, a, s, f);
}

/* 1,000 for 1,234: the newest number of sessions that is worth a line; 0: none is. */
static uint64_t round_number(uint64_t sessions)
{
    return sessions >= 1000 ? 1000 : sessions >= 100 ? 100 : sessions >= 10 ? 10 : 0;
}

static void settle(struct incidents *in, const struct session *s, struct attack *a,
                   const struct finding *own, bool one_more)
{
    enum severity severity = attack_severity(a);
    bool rose = severity > a->told || a->lead_is_new;
    bool round = round_number(a->sessions) > a->told_at;
    if (in->counters.worst < severity)
        in->counters.worst = severity;
    if (!rose && !round && !(one_more && a->state == ATTACK_NEW))
        return;
    a->told = severity > a->told ? severity : a->told;
    a->told_at = round_number(a->sessions);
    if (a->state == ATTACK_NEW && !incident_hour_has_room(in, s->now)) {
        hold(in, s, a, own);
        return;
    }
    if (a->state == ATTACK_NEW) {
        incident_hour_open(in, &a->held);
        in->counters.ongoing++;
        a->state = ATTACK_TOLD;
    }
    tell(in, s, a, own);
}

/* Those about the path first, for the others may be of it. */
static void join_all(struct incidents *in, struct memo *memo, const struct session *s,
                     const struct judgement *j)
{
    struct news news = {0};
    follow(memo);
    for (int paths = 1; paths >= 0; paths--)
        for (uint8_t i = 0; i < j->finding_count; i++) {
            const struct finding *f = &j->finding[i];
            if (is_loud(f) && !f->suppressed && (f->subject == SUBJECT_PATH) == paths)
                join(in, memo, s, f, &news);
        }
    for (uint8_t i = 0; i < memo->count; i++)
        if (news.own[i])
            settle(in, s, memo->share[i].attack, news.own[i], news.grew[i]);
}

static bool has_news(const struct judgement *j)
{
    for (uint8_t i = 0; i < j->finding_count; i++)
        if (is_loud(&j->finding[i]) && !j->finding[i].suppressed)
            return true;
    return false;
}

void incident_again(struct incidents *in, struct session *s, bool told, const struct judgement *j)
{
    struct memo memo = {.count = 0};
    struct attack *a = told && j->finding_count > 0 ? find_open(in, s, &j->finding[0]) : NULL;
    struct share *share = a ? take_share(&memo, a) : NULL;
    if (share) {
        share->severity = SEVERITY_LOW;
        share->mails = s->mails;
    }
    expire(in, s->now);
    if (has_news(j))
        join_all(in, &memo, s, j);
}

static void count_closed(struct incident_counters *c, const struct judgement *j)
{
    c->sessions++;
    c->verdicts[j->verdict]++;
    for (uint8_t i = 0; i < j->finding_count; i++) {
        c->findings[j->finding[i].rule]++;
        c->suppressed += j->finding[i].suppressed;
    }
}

void incident_judge(struct incidents *in, struct session *s, enum session_milestone m,
                    const struct judgement *j)
{
    struct memo lost = {.count = 0}; /* without memory a session counts more than once */
    expire(in, s->now);
    if (has_news(j)) {
        if (!s->memo)
            s->memo = heap_zeroed(sizeof lost);
        join_all(in, s->memo ? s->memo : &lost, s, j);
    }
    if (m != SESSION_CLOSED)
        return;
    count_closed(&in->counters, j);
    look_for_health(in, s, j);
    heap_free(s->memo);
    s->memo = NULL;
}
