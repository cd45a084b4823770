/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/past.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "history/keep.h"
#include "policy/certificate.h"
#include "rules/keywords.h"
#include "rules/usual.h"
#include "sensor/peers.h"
#include "sensor/stored_later.h"

#define TICK     (5 * NS_PER_MS) /* of the store, for each look-up */
#define TURN     (100 * NS_PER_MS)
#define PATIENCE (10 * NS_PER_S) /* with a store, at the end */

struct past {
    struct siphash_key key;
    uint32_t pair_days; /* 0: as history/ has it */
    struct history *history;
    struct store *store; /* NULL: nothing outlives the run */
    struct keep *keep;
    struct stored_later *found; /* by look-ups */
    nstime turned;              /* by the system's clock */
    past_again_fn again;
    void *user;
    struct observation seen; /* of the session that was asked for last */
    struct history_names names;
    struct baseline usual;
    struct session late; /* a session that is judged again */
    struct judgement judgement;
};

/* history_turn_fn */
static void on_turn(void *user, const struct history_turn *t)
{
    struct past *p = user;
    struct usual_late late;
    if (t->item->note_n != sizeof(late))
        return;
    memcpy(&late, t->item->note, sizeof(late));
    bool more = t->doubt ? usual_again(&late, t->baseline, t->doubt->kind == DOUBT_OF_UPGRADE,
                                       &p->late, &p->judgement)
                : t->stop
                    ? usual_stopped(&late, t->baseline, t->stop->sessions,
                                    t->stop->state == STOP_STOPPED, &p->late, &p->judgement)
                    : usual_fell_back(&late, t->baseline, &t->failed, &p->late, &p->judgement);
    if (!more)
        return;
    p->late.now = t->now;
    p->again(p->user, &p->late, &p->judgement, late.told > SEVERITY_INFO);
}

struct past *past_new(const struct siphash_key *key, past_again_fn again, void *user)
{
    _Static_assert(sizeof(struct usual_late) <= CAP_HISTORY_NOTE, "it is kept as a note");
    struct past *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->again = again;
    p->user = user;
    p->key = *key;
    p->history = history_new(key, on_turn, p);
    if (p->history)
        return p;
    free(p);
    return NULL;
}

void past_free(struct past *p)
{
    if (!p)
        return;
    history_free(p->history);
    keep_free(p->keep);
    store_close(p->store);
    stored_later_free(p->found);
    free(p);
}

/* keep_wall_fn: state that is kept expires by the clock of the wall, whatever the packets say. */
static nstime wall(void)
{
    return clock_of(time(NULL), 0);
}

int past_keep(struct past *p, const char *where, const char *sensor, const struct siphash_key *key,
              bool patient, char why[PAST_WHY])
{
    char text[STORE_WHY];
    enum store_status status = store_open(&p->store, where, NULL, text);
    bool away = patient && status == STORE_AWAY;
    why[0] = '\0';
    if ((status == STORE_OK || away) && (p->found = stored_later_new(p->store)) &&
        (p->keep = keep_new(p->store, sensor, key, wall))) {
        if (patient)
            keep_hurry(p->keep);
        history_keep(p->history, p->keep);
        if (away)
            snprintf(why, PAST_WHY, "%s does not answer yet", store_name(p->store));
        return 0;
    }
    snprintf(why, PAST_WHY, "%s",
             status == STORE_OK ? "out of memory"
             : *text            ? text
                                : store_status_text(status));
    return -1;
}

void past_pairs(struct past *p, uint32_t days)
{
    p->pair_days = days;
    history_pairs(p->history, days);
}

bool past_is_away(const struct past *p)
{
    return p->store && store_stats(p->store).away;
}

void past_lookup(struct past *p, const struct lookup *l)
{
    if (!p->store)
        return;
    stored_later_put(p->found, l, wall());
    store_tick(p->store, wall(), TICK);
}

uint64_t past_unkept(const struct past *p)
{
    return p->found ? stored_later_lost(p->found) : 0;
}

void past_turn(struct past *p)
{
    nstime clock = store_clock();
    if (!p->store || clock - p->turned < TURN || store_stats(p->store).queued == 0)
        return;
    p->turned = clock;
    store_tick(p->store, wall(), TICK);
}

void past_pass(struct past *p, nstime now)
{
    history_pass(p->history, now);
}

/* --- from sessions to observations --- */

static enum observation_offer offer_of(const struct session *s)
{
    const struct smtp_reading *r = &s->reading;
    if (s->implicit_tls || s->not_smtp)
        return OBSERVED_OFFER_UNKNOWN;
    if (r->ehlo == EHLO_NONE && r->refused_code != 0 && r->refused_code != 421 &&
        (s->helo_accepted || s->mail_commands > 0))
        return OBSERVED_EHLO_REFUSED;
    if (r->ehlo != EHLO_COMPLETE || r->lines_capped || r->line_count == 0)
        return OBSERVED_OFFER_UNKNOWN;
    for (uint8_t i = 1; i < r->line_count; i++)
        if (keywords_first(session_text(s, r->line[i].text), span_str("STARTTLS")))
            return OBSERVED_OFFER_MADE;
    return OBSERVED_OFFER_MISSING;
}

/* RFC 8446 section 6: the two share no version, suite or the like, or one of them is in trouble. */
static bool incompatible(const struct session *s, enum session_dir d)
{
    uint8_t alert = s->tls_alert[d];
    return s->tls_alert_level[d] == 2 && (alert == 40 || alert == 70 || alert == 71 || alert == 80);
}

static bool at_its_end(const struct session *s)
{
    bool said = s->fin[0] || s->fin[1] || s->rst[0] || s->rst[1];
    return said || (s->closed != SESSION_OPEN && s->closed != SESSION_INPUT_END &&
                    s->closed != SESSION_EVICTED);
}

/* Was all seen of the client that reached the server? What is missing and was not acknowledged has
 * been lost before the tap, or taken away there. */
static bool all_that_came(const struct session *s)
{
    enum session_dir d = SESSION_TO_SERVER;
    return s->seen[d] && s->cut_bytes[d] == 0 && s->gap_bytes[d] <= s->unacknowledged;
}

static enum observation_fate fate_of(const struct session *s)
{
    int code = s->reading.upgrade_code;
    if (s->tls_complete)
        return OBSERVED_FATE_TLS;
    if (s->upgrade == UPGRADE_NONE || s->midstream)
        return OBSERVED_FATE_NONE;
    if (code != 0 && code != 220 && code != 421)
        return OBSERVED_FATE_REFUSED;
    if (!at_its_end(s) || !all_that_came(s) || !session_heard(s))
        return OBSERVED_FATE_NONE; /* what was lost may have completed it */
    return incompatible(s, SESSION_TO_SERVER) || incompatible(s, SESSION_TO_CLIENT)
               ? OBSERVED_FATE_ALERT
               : OBSERVED_FATE_KILLED;
}

/* The name that the server gives itself, as sent: the first word behind the code. */
static struct span greeted_name(const struct session *s)
{
    struct span rest = span_from(session_text(s, s->banner), 4);
    return span_first(rest, span_find(rest, ' '));
}

static void put_host(struct observation *o, const struct session *s, const struct past_aid *aid)
{
    const struct expectation *e =
        aid->expected && aid->expected->count > 0 ? &aid->expected->item[0] : NULL;
    struct span sni = session_text(s, s->sni);
    o->host_sure = true;
    if (e && e->mx.n > 0 && e->binding != BINDING_GREETING)
        o->host = domain_span(&e->mx);
    else if (sni.n > 0)
        o->host = sni;
    else {
        o->host = greeted_name(s);
        o->host_sure = false;
    }
}

static void put_words(struct observation *o, const struct session *s)
{
    for (uint8_t i = 1; i < s->reading.line_count; i++)
        o->word[o->word_count++] = keywords_word(session_text(s, s->reading.line[i].text));
}

static void put_handshake(struct observation *o, const struct session *s,
                          const struct certificate *c)
{
    o->tls_version = s->tls_version;
    o->tls_newest = s->tls_newest;
    o->flight = s->tls.flight;
    o->ja3s = peers_prints(s)->ja3s;
    o->ja4 = peers_prints(s)->ja4;
    o->synack = s->synack.known ? syn_print_hash(&s->synack) : 0;
    if (!c)
        return;
    memcpy(&o->spki, c->chain[0].spki_sha256, sizeof(o->spki));
    o->issuer = c->issuer_name;
}

static void observe(struct observation *o, const struct session *s, const struct past_aid *aid)
{
    memset(o, 0, offsetof(struct observation, word));
    o->word_count = 0;
    memset(&o->offer, 0, sizeof(*o) - offsetof(struct observation, offer));
    o->time = s->now;
    o->begin = s->first;
    o->flow_id = s->flow_id;
    o->family = s->key.family;
    memcpy(o->server, s->key.server, sizeof(o->server));
    memcpy(o->client, s->key.client, sizeof(o->client));
    o->port = s->key.server_port;
    o->path.has_mac = s->has_mac;
    memcpy(o->path.mac, s->mac[SESSION_TO_CLIENT], sizeof(o->path.mac));
    o->sender = session_text(s, s->helo);
    o->offer = offer_of(s);
    o->fate = fate_of(s);
    o->asked = s->upgrade != UPGRADE_NONE;
    o->mail = s->mails > 0 || s->auth == AUTH_ACCEPTED;
    o->delivered = s->mail_accepted > 0 || s->tls_complete;
    o->left = s->mail_commands == 0 &&
              (s->quit || s->fin[SESSION_TO_SERVER] || s->rst[SESSION_TO_SERVER]);
    o->promised = aid->expected != NULL;
    o->vantage = aid->tap;
    o->upgraded_before = s->learnt;
    o->tried_before = s->ending;
    put_host(o, s, aid);
    put_handshake(o, s, aid->certificate);
}

const struct baseline *past_recall(struct past *p, const struct session *s,
                                   const struct past_aid *aid)
{
    observe(&p->seen, s, aid);
    if (s->learnt) {
        history_nobody(&p->names); /* who they were was asked for then */
        put_words(&p->seen, s);    /* to tell its own reply from those of others */
    } else {
        history_names(p->history, &p->seen, &p->names);
    }
    history_recall(p->history, &p->seen, &p->names, &p->usual);
    return &p->usual;
}

/* --- learning --- */

#define PORT_SMTP 25 /* between servers, whom MX records tell (RFC 5321 section 5.1) */

void past_knock(struct past *p, const struct dissect_attempt *a)
{
    struct observation *o = &p->seen;
    if (a->key.server_port != PORT_SMTP)
        return;
    memset(o, 0, offsetof(struct observation, word));
    o->time = o->begin = a->time;
    o->family = a->key.family;
    o->port = a->key.server_port;
    memcpy(o->server, a->key.server, sizeof(o->server));
    memcpy(o->client, a->key.client, sizeof(o->client));
    history_knock(p->history, o, a->refused);
}

void past_ending(struct past *p, const struct session *s)
{
    (void)s;
    p->seen.tried_before = false; /* this is the first that is told */
    history_attempt(p->history, &p->seen, &p->names, &p->usual);
}

/* What says that the session was meddled with, rather than that one of the peers is old. */
static bool suspicious(const struct judgement *j)
{
    for (uint8_t i = 0; i < j->finding_count; i++) {
        const struct finding *f = &j->finding[i];
        if (f->severity == SEVERITY_INFO)
            continue;
        switch (f->rule) {
        case RULE_AUTH_IN_CLEAR:
        case RULE_VERSION_OBSOLETE:
        case RULE_CIPHER_WEAK:
        case RULE_KEY_EXCHANGE_WEAK:
        case RULE_SERVER_STACK_CHANGED: /* told once: then it is known */
        case RULE_CERTIFICATE_CHANGED:
        case RULE_UNSOLICITED_REPLY:
            break;
        default:
            return true;
        }
    }
    return false;
}

/* It was offered TLS, or did not ask what there is. */
static bool declined(const struct session *s, const struct observation *o,
                     const struct judgement *j)
{
    bool helo = s->hello == HELLO_HELO && s->ehlo_count == 0;
    for (uint8_t i = 0; i < j->finding_count; i++)
        if (j->finding[i].rule == RULE_STARTTLS_COMMAND_GARBLED ||
            j->finding[i].rule == RULE_EHLO_VERB_GARBLED)
            return false; /* it asked, and was not understood */
    return (o->offer == OBSERVED_OFFER_MADE || helo) && !o->asked && o->mail;
}

void past_upgraded(struct past *p, struct session *s, const struct judgement *j)
{
    s->learnt = true;
    put_words(&p->seen, s);
    p->seen.suspicious = suspicious(j);
    history_upgraded(p->history, &p->seen, &p->names, &p->usual);
}

void past_served(struct past *p, struct session *s, const struct past_aid *aid)
{
    observe(&p->seen, s, aid);
    history_names(p->history, &p->seen, &p->names);
    history_recall_offer(p->history, &p->seen, &p->names, &p->usual);
    s->learnt = true;
    put_words(&p->seen, s);
    s->known = history_upgraded(p->history, &p->seen, &p->names, &p->usual);
}

void past_learn(struct past *p, const struct session *s, const struct judgement *j)
{
    if (j->offered == OFFERED_GARBLED || j->offered == OFFERED_CONFLICTING)
        p->seen.offer = OBSERVED_OFFER_BROKEN;
    const struct usual_late late = usual_keep(s, j);
    if (!s->learnt)
        put_words(&p->seen, s);
    p->seen.suspicious = suspicious(j);
    p->seen.declined = declined(s, &p->seen, j);
    history_learn(p->history, &p->seen, &p->names, &p->usual, &late, sizeof(late));
}

void past_over(struct past *p, const struct session *s)
{
    history_over(p->history, s->now);
}

static bool finish_keep(struct past *p, char why[PAST_WHY])
{
    if (!p->keep)
        return true;
    struct keep_loss loss = keep_finish(p->keep, PATIENCE);
    uint64_t odd = keep_passed_over(p->keep);
    if (loss.portions > 0)
        snprintf(why, PAST_WHY,
                 "what was learnt is not kept, or not known to be, in %llu of %llu portions: %s",
                 (unsigned long long)loss.portions, (unsigned long long)loss.of,
                 *loss.why ? loss.why : "it does not answer");
    else if (odd > 0)
        snprintf(why, PAST_WHY, "%llu things of the history make no sense and were passed over",
                 (unsigned long long)odd);
    return loss.portions == 0 && odd == 0;
}

bool past_finish(struct past *p, char why[PAST_WHY])
{
    history_finish(p->history);
    return finish_keep(p, why);
}

bool past_hand_over(struct past *p, FILE *to, char why[PAST_WHY])
{
    why[0] = '\0';
    finish_keep(p, why);
    return history_save(p->history, to);
}

bool past_take_over(struct past *p, FILE *from)
{
    struct history *h = history_new(&p->key, on_turn, p);
    if (!h || !history_restore(h, from)) {
        history_free(h);
        return false;
    }
    history_free(p->history);
    p->history = h;
    if (p->keep)
        history_keep(h, p->keep);
    if (p->pair_days > 0)
        history_pairs(h, p->pair_days);
    return true;
}

struct history_counters past_counters(const struct past *p)
{
    return history_counters(p->history);
}
