/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of what is usual. Input: sessions, each with a byte for the client and the server (a
 * nibble each: networks, families and ports differ), one for offer and fate, one of flags, one for
 * what its handshake showed, a signed step in time (the upper two bits its unit: seconds, minutes,
 * hours, days; 0x80 and 0x7f go to the ends), one for names (a nibble each for sender and host),
 * one for what is told and how it was judged, and a length byte with that many bytes of words, a
 * line feed between them. Whatever is told: no count is beyond what was told, no turn comes twice,
 * and another key of the tables changes nothing.
 */
#include <stdlib.h>

#include "history/attempts.h"
#include "history/history.h"
#include "tests/fuzz/mutate.h"

enum { HEADER = 8, PARTIES = 16, SESSIONS = 2048 };
enum { PARTY, SEEN, FLAGS, PRINTS, STEP, NAMES, TELL, LENGTH };

struct told { /* of one server */
    uint32_t made, missing, refused, asked, tls;
    uint32_t by[PARTIES]; /* offers, to each client */
};

struct run {
    struct history *history;
    struct told told[PARTIES];
    struct {
        uint8_t note[CAP_HISTORY_NOTE];
        size_t n;
        bool learnt;
        bool turned[DOUBT_KIND_COUNT], stopped;
    } session[SESSIONS];
    uint32_t sessions;
    uint32_t turns;
    uint64_t trace; /* digest of what was recalled and turned */
    nstime now;
};

static void expect(bool good)
{
    if (!good)
        abort();
}

static void trace(struct run *r, const void *p, size_t n)
{
    uint64_t sum[2] = {r->trace, siphash(&(struct siphash_key){0, 0}, p, n)};
    r->trace = siphash(&(struct siphash_key){0, 0}, sum, sizeof(sum));
}

/* history_turn_fn */
static void on_turn(void *user, const struct history_turn *t)
{
    struct run *r = user;
    const struct doubt *d = t->doubt;
    expect(t->item->note_n == r->session[t->item->flow_id].n);
    expect(memcmp(t->item->note, r->session[t->item->flow_id].note, t->item->note_n) == 0);
    if (t->stop) {
        expect(!d && t->stop->item_count <= CAP_HISTORY_CASES && t->stop->sessions > 0);
        expect(!r->session[t->item->flow_id].stopped);
        r->session[t->item->flow_id].stopped = true;
        trace(r, &t->item->flow_id, sizeof(t->item->flow_id));
        r->turns++;
        return;
    }
    if (!d) { /* an attempt that failed behind it */
        r->turns++;
        return;
    }

    expect(t->item >= d->item && t->item < d->item + d->item_count);
    expect(d->item_count <= CAP_HISTORY_CASES && d->client_count <= DOUBT_CLIENTS);
    expect(d->state == DOUBT_SELECTIVE || d->state == DOUBT_PATH || d->state == DOUBT_UNDECIDED);
    expect(t->item->flow_id < r->sessions && r->session[t->item->flow_id].learnt);
    expect(!r->session[t->item->flow_id].turned[d->kind]);
    r->session[t->item->flow_id].turned[d->kind] = true;
    trace(r, &t->item->flow_id, sizeof(t->item->flow_id));
    trace(r, &d->state, sizeof(d->state));
    r->turns++;
}

/* --- from bytes to an observation --- */

static void step(struct run *r, int8_t by)
{
    static const int64_t unit[] = {1, 60, 3600, 86400};
    static const int8_t most[] = {1, 7, 1, 5};
    uint8_t at = (uint8_t)by;

    if (by == INT8_MIN || by == INT8_MAX) {
        r->now = by < 0 ? INT64_MIN : INT64_MAX;
        return;
    }
    if (r->now == INT64_MIN || r->now == INT64_MAX)
        r->now = 1700000000 * NS_PER_S;
    r->now = clock_add(r->now, (at & 0x1f) * most[at >> 6] * unit[at >> 6] * NS_PER_S *
                                   (at & 0x20 ? -1 : 1));
}

static struct span name_of(uint8_t i, struct span bytes)
{
    static const char *const names[PARTIES - 2] = {
        "",          "mx1.alder.com", "mx2.alder.com",      "out.birch.co.uk", "co.uk",
        "localhost", "192.0.2.1",     "aspmx.l.google.com", "[::1]",           ".",
        "..com",     "a..b.com",      "MX.Oak.example.ck.", "x\xff.com"};
    if (i >= PARTIES - 2)
        return i == PARTIES - 1 ? bytes : span_first(bytes, span_find(bytes, '\n'));
    return span_str(names[i]);
}

static void put_words(struct observation *o, struct span bytes)
{
    while (bytes.n > 0 && o->word_count < CAP_REPLY_LINES) {
        struct span word = span_first(bytes, span_find(bytes, '\n'));
        o->word[o->word_count++] = word;
        bytes = span_from(bytes, word.n + 1);
    }
}

/* Sixteen of each: two families, networks of four, and two ports. */
static void put_parties(struct observation *o, uint8_t party)
{
    uint8_t client = party >> 4, server = party & 15;
    o->family = server & 8 ? 6 : 4;
    o->port = server & 4 ? 587 : 25;
    o->server[2] = server & 2;
    o->server[3] = server;
    o->client[2] = client >> 2;
    o->client[3] = client;
}

static void read_session(struct observation *o, struct run *r, const uint8_t *head,
                         struct span bytes)
{
    uint8_t flags = head[FLAGS], prints = head[PRINTS];

    *o = (struct observation){.time = r->now, .flow_id = r->sessions++};
    put_parties(o, head[PARTY]);
    o->offer = (enum observation_offer)(head[SEEN] % 5);
    o->fate = (enum observation_fate)(head[SEEN] / 5 % 5);
    o->asked = flags & 1 || o->fate != OBSERVED_FATE_NONE;
    o->mail = flags & 2;
    o->declined = o->mail && !o->asked && head[SEEN] % 5 <= OBSERVED_OFFER_MADE;
    o->begin = clock_add(r->now, -(int64_t)prints * NS_PER_S);
    o->delivered = flags & 4;
    o->left = flags & 8;
    o->promised = flags & 16;
    o->host_sure = flags & 32;
    o->path.has_mac = flags & 64;
    o->path.mac[5] = flags & 128;
    o->sender = name_of(head[NAMES] >> 4, bytes);
    o->host = name_of(head[NAMES] & 15, bytes);
    o->tls_version = prints & 3 ? 0x0300 + (prints & 3) : 0;
    o->spki = prints >> 2 & 7;
    o->ja3s = prints >> 3 & 7;
    o->ja4 = prints >> 2 & 7;
    o->synack = prints >> 4 & 7;
    o->flight = prints >> 5 ? 1u << (prints >> 5) * 3 : 0;
    o->issuer = span_first(bytes, prints >> 4);
    put_words(o, bytes);
}

/* --- what must hold --- */

static void check_usual(const struct usual *u)
{
    expect(u->did <= u->of && u->days <= 30);
    expect(u->support != SUPPORT_WELL || u->of >= BASELINE_WELL_SESSIONS);
    expect(u->support == SUPPORT_NONE || u->did >= 2);
}

static void check_kind(const struct usual_kind *k)
{
    expect(k->same <= k->seen && k->kinds <= KINDS_MOST);
}

static void check_attempts(const struct run *r, const struct usual_attempt *a, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        int64_t ago = clock_since(r->now, a[i].time);
        expect(a[i].flow_id + 1 < r->sessions && ago >= 0 && ago < ATTEMPT_KEPT);
    }
}

static void check_layouts(const struct baseline *b)
{
    expect(b->layout_count <= BASELINE_LAYOUTS);
    for (uint8_t i = 0; i < b->layout_count; i++) {
        const struct layout_known *k = &b->layout[i].known;
        expect(k->slot < k->count && k->count <= CAP_REPLY_LINES);
        for (uint8_t w = 0; w < k->count; w++)
            expect(layout_word(k, w).n > 0);
    }
}

static void check(struct run *r, const struct observation *o, const struct baseline *b)
{
    const struct told *t = &r->told[o->server[3]];

    check_usual(&b->offer);
    check_usual(&b->upgrade);
    check_usual(&b->farm_offer);
    check_usual(&b->sender_upgrade);
    expect(b->offer.did <= t->made && b->offer.of <= t->made + t->missing + t->refused);
    expect(b->upgrade.did <= t->tls && b->upgrade.of <= t->asked);
    expect(b->offer.clients <= PARTIES && b->offer.pair <= t->by[o->client[3]]);
    expect(b->pair_upgrade.did <= b->pair_upgrade.of);
    expect(b->pair_upgrade.of <= t->by[o->client[3]]);
    if (b->offer_doubt.state == DOUBT_NONE) /* else it is as it was when the doubt began */
        expect(b->mixed == (b->offer.did > 0 && b->offer.did < b->offer.of));
    expect(b->farm_offer.support != SUPPORT_WELL);
    expect(b->failed_count + b->held_count <= BASELINE_LINKS);
    check_attempts(r, b->failed, b->failed_count);
    check_attempts(r, b->held, b->held_count);
    expect(b->path_offering <= b->path_servers && b->path_servers <= PARTIES + 1);
    check_kind(&b->version);
    check_kind(&b->spki);
    check_kind(&b->issuer);
    check_kind(&b->ja3s);
    check_kind(&b->sender_ja4);
    check_kind(&b->synack);
    check_kind(&b->flight);
    check_layouts(b);
    expect(memchr(b->farm, '\0', sizeof(b->farm)) && memchr(b->sender, '\0', sizeof(b->sender)));
    expect(b->offer_doubt.served_others + b->offer_doubt.missed <= DOUBT_CLIENTS);
}

/* Numbers alone: texts are borrowed, and where they lie differs. */
static void trace_baseline(struct run *r, const struct baseline *b)
{
    const uint32_t numbers[] = {
        b->offer.of,      b->offer.did,      b->offer.clients,     b->offer.pair,
        b->upgrade.of,    b->upgrade.did,    b->never_served,      b->never,
        b->farm_offer.of, b->farm_offer.did, b->offer_doubt.state, b->offer_doubt.misses,
        b->failed_count,  b->held_count,     b->fell_back,         b->upgrade_doubt.state,
        b->path_servers,  b->path_offering,  b->sender_upgrade.of, b->sender_upgrade.did,
        b->sender_lapses, b->sender_mixed,   b->sender_back,       b->layout_count,
        b->spki.seen,     b->spki.same,      b->version_usual,     b->version_count,
        b->issuer.same,   b->flight.seen};
    trace(r, numbers, sizeof(numbers));
    for (uint8_t i = 0; i < b->layout_count; i++)
        trace(r, b->layout[i].known.text.p, b->layout[i].known.text.n);
}

static void tell(struct told *t, const struct observation *o)
{
    bool made = o->offer == OBSERVED_OFFER_MADE;
    t->made += made;
    t->missing += o->offer == OBSERVED_OFFER_MISSING;
    t->refused += o->offer == OBSERVED_EHLO_REFUSED;
    t->asked += made && o->asked;
    t->tls += made && o->fate == OBSERVED_FATE_TLS;
    t->by[o->client[3]] += made;
}

static void session(struct run *r, const uint8_t *head, struct span bytes)
{
    static struct observation o;
    static struct baseline b;
    struct history_names names;
    uint8_t tells = head[TELL];

    step(r, (int8_t)head[STEP]);
    read_session(&o, r, head, bytes);
    history_names(r->history, &o, &names);
    history_recall(r->history, &o, &names, &b);
    check(r, &o, &b);
    trace_baseline(r, &b);
    o.suspicious = tells & 1;
    if (tells & 2)
        history_attempt(r->history, &o, &names, &b);
    if (tells & 4)
        return;
    tell(&r->told[o.server[3]], &o);
    r->session[o.flow_id].learnt = true;
    r->session[o.flow_id].n = bytes.n;
    memcpy(r->session[o.flow_id].note, bytes.p, bytes.n);
    if (tells & 8) {
        history_upgraded(r->history, &o, &names, &b);
        o.upgraded_before = true;
    }
    history_learn(r->history, &o, &names, &b, bytes.p, bytes.n);
}

static void check_end(struct run *r)
{
    static struct baseline b;
    struct history_counters c;

    history_finish(r->history);
    c = history_counters(r->history);
    expect(c.servers <= PARTIES && c.evicted.servers == 0);
    expect(c.senders <= r->sessions);
    expect(c.doubts <= (uint32_t)PARTIES * DOUBT_KIND_COUNT && c.evicted.doubts == 0);
    expect(r->turns <= 4 * r->sessions);
    for (uint8_t i = 0; i < PARTIES; i++) {
        struct observation o = {.time = r->now};
        put_parties(&o, i);
        if (history_server(r->history, o.family, o.server, o.port, r->now, &b))
            trace_baseline(r, &b);
        check(r, &o, &b);
    }
}

static uint64_t run(const uint8_t *data, size_t size, struct siphash_key key)
{
    static struct run r;

    memset(&r, 0, sizeof(r));
    r.now = 1700000000 * NS_PER_S;
    r.history = history_new(&key, on_turn, &r);
    for (size_t at = 0; r.history && size - at >= HEADER && r.sessions < SESSIONS;) {
        size_t n = data[at + LENGTH] < size - at - HEADER ? data[at + LENGTH] : size - at - HEADER;
        session(&r, data + at, span_of(data + at + HEADER, n));
        at += HEADER + n;
    }
    if (r.history)
        check_end(&r);
    history_free(r.history);
    return r.trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    expect(run(data, size, (struct siphash_key){1, 2}) ==
           run(data, size, (struct siphash_key){~0u, 3}));
    return 0;
}

#ifdef STRIPWATCH_FUZZ
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static const struct mutate_form form = {
        .header = HEADER, .length_at = LENGTH, .step_at = STEP, .ends_within = 0};

    return mutate_records(&form, data, size, most, seed);
}
#endif
