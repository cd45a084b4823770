/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as bytes: over all captures what comes out is what went in, and of bytes that somebody
 * else wrote nothing comes out that the desk cannot deal with. */
#include "sensor/wire.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alert/eve.h"
#include "sensor/capture.h"
#include "sensor/message.h"
#include "tests/unit/guard.h"
#include "tests/unit/json_check.h"
#include "tests/unit/sensor/wire_use.h"

/* --- written by somebody else --- */

/* xorshift64 (Marsaglia 2003): the same in every run. */
static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void mutate(uint8_t *p, size_t n, uint64_t *luck)
{
    static const uint8_t odd[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    for (uint64_t times = 1 + random_of(luck) % 6; times > 0; times--) {
        size_t at = random_of(luck) % n, run = 1 + random_of(luck) % 8;
        uint64_t value = random_of(luck);
        for (size_t i = at; i < at + run && i < n; i++)
            p[i] = value & 1 ? odd[(value >> 8) % sizeof(odd)] : (uint8_t)(value >> (8 * (i - at)));
    }
}

struct forged {
    struct role_config roles;
    struct wire_use use;
    struct wire_made made;
    uint8_t good[WIRE_MOST], bad[WIRE_MOST];
    uint64_t luck, taken, refused;
};

static void on_line(struct span line)
{
    assert_true(line.n <= CAP_JSON_LINE && json_check(line.p, line.n));
}

static struct forged *forged_new(void)
{
    struct forged *f = calloc(1, sizeof(*f));
    f->luck = 88172645463325252u;
    f->use.line = on_line;
    assert_true(wire_use_begin(&f->use, &f->roles));
    return f;
}

/* The desk has to deal with what was taken. */
static void forged_free(struct forged *f)
{
    wire_use_end(&f->use);
    free(f);
}

static void try_bad(struct forged *f, enum wire_kind kind, size_t n)
{
    bool taken = wire_use(&f->use, kind, span_of(f->bad, n));
    f->taken += taken;
    f->refused += !taken;
}

static void try_mutants(struct forged *f, enum wire_kind kind, const struct wire *good, int times)
{
    for (int i = 0; i < times; i++) {
        memcpy(f->bad, good->p, good->n);
        mutate(f->bad, good->n, &f->luck);
        try_bad(f, kind, good->n);
    }
}

/* --- there and back --- */

struct run {
    struct json *line;
    struct judgement *judgement;
    struct peers *peers;
    struct wire wire;
    struct wire_session session;
    struct wire_handshake handshake;
    struct wire_dns dns;
    struct wire_fetch fetch;
    uint64_t sessions, handshakes, names, fetches, others, twins;
    struct forged *forged; /* messages are damaged as well */
    bool cut_session;      /* of this capture every truncation was tried */
    bool cut_handshake;
};

static void begin(struct run *r)
{
    r->wire.n = 0;
    r->wire.full = false;
}

/* What was put once more is the same, byte by byte. */
static void expect_again(struct run *r, void (*put)(struct wire *to, const void *fact),
                         const void *fact)
{
    struct wire again = {.p = malloc(r->wire.n), .room = r->wire.n};
    put(&again, fact);
    assert_false(again.full);
    assert_int_equal(again.n, r->wire.n);
    assert_memory_equal(again.p, r->wire.p, again.n);
    free(again.p);
}

static void put_session(struct wire *to, const void *fact)
{
    wire_put_session(to, fact);
}

static void put_handshake(struct wire *to, const void *fact)
{
    wire_put_handshake(to, fact);
}

static void put_dns(struct wire *to, const void *fact)
{
    wire_put_dns(to, fact);
}

static void put_fetch(struct wire *to, const void *fact)
{
    wire_put_fetch(to, fact);
}

/* Every beginning of the message, with nothing readable behind it. */
static void expect_cut_refused(struct run *r, bool (*get)(struct run *r, struct span *from))
{
    uint8_t *copy = guard_copy(r->wire.p, r->wire.n), *end = copy + r->wire.n;
    for (size_t n = r->wire.n; n-- > 0;) {
        struct span from = span_of(end - n, n);
        memcpy(end - n, r->wire.p, n);
        assert_false(get(r, &from));
    }
    guard_free(copy);
}

static bool get_session(struct run *r, struct span *from)
{
    return wire_get_session(from, &r->session);
}

static bool get_handshake(struct run *r, struct span *from)
{
    return wire_get_handshake(from, &r->handshake);
}

static bool get_dns(struct run *r, struct span *from)
{
    return wire_get_dns(from, &r->dns);
}

static bool get_fetch(struct run *r, struct span *from)
{
    return wire_get_fetch(from, &r->fetch);
}

/* All that is said of a session. */
static char *tell(struct run *r, const struct session *s, enum session_milestone m)
{
    const struct judge_aid aid = {.certificate = peers_certificate(s)};
    const struct eve_options eve = {.show_addresses = true};
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    judge(s, m, &aid, r->judgement);
    for (uint8_t i = 0; i < r->judgement->finding_count; i++) {
        const struct finding *f = &r->judgement->finding[i];
        fprintf(out, "%s %d %d %u %d %u %s %s\n", rule_row(f->rule)->name, (int)f->severity,
                (int)f->confidence, f->evidence, (int)f->effect, f->offset, f->reason,
                f->next_step);
        for (uint8_t l = 0; l < f->line_count; l++)
            fprintf(out, "%u %s %s\n", f->line[l].offset, f->line[l].text, f->line[l].note);
    }
    eve_session(r->line, s, r->judgement, NULL, &eve);
    struct span line = json_end(r->line);
    fwrite(line.p, line.n, 1, out);
    fclose(out);
    return text;
}

/* dissect_fn */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct run *r = user;
    begin(r);
    wire_put_session(&r->wire, s);
    assert_false(r->wire.full);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_session(&from, &r->session));
    assert_int_equal(from.n, 0);
    struct session *copy = &r->session.own;
    copy->peer = s->peer;
    char *original = tell(r, s, m), *copied = tell(r, copy, m);
    assert_string_equal(original, copied);
    assert_int_equal(judge_calm(s), judge_calm(copy));
    expect_again(r, put_session, copy);
    free(original);
    free(copied);
    r->sessions++;
    r->others += s->other != NULL;
    r->twins += s->twin != NULL;
    if (m == SESSION_CLOSED && (!r->cut_session || s->other || s->twin))
        expect_cut_refused(r, get_session);
    r->cut_session |= m == SESSION_CLOSED;
    if (m == SESSION_CLOSED)
        try_mutants(r->forged, WIRE_FULL, &r->wire, 4);
    if (m == SESSION_CLOSED)
        peers_leave(s);
}

static char *tell_tls(struct run *r, const struct session *s, const struct tls_sighting *t)
{
    const struct eve_peer peer = peers_describe(r->peers, s);
    eve_tls(r->line, s, t, &peer, &(struct eve_options){.show_addresses = true});
    struct span line = json_end(r->line);
    return strndup((const char *)line.p, line.n);
}

/* dissect_tls_fn */
static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    struct run *r = user;
    begin(r);
    wire_put_session(&r->wire, s);
    wire_put_handshake(&r->wire, t);
    assert_false(r->wire.full);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_session(&from, &r->session));
    assert_true(wire_get_handshake(&from, &r->handshake));
    assert_int_equal(from.n, 0);
    peers_meet(r->peers, s, t);
    char *original = tell_tls(r, s, t);
    peers_meet(r->peers, &r->session.own, &r->handshake.sighting);
    char *copied = tell_tls(r, &r->session.own, &r->handshake.sighting);
    assert_string_equal(original, copied);
    assert_ptr_equal(peers_certificate(s), peers_certificate(&r->session.own));
    try_mutants(r->forged, WIRE_TLS, &r->wire, 16);
    peers_leave(&r->session.own);
    free(original);
    free(copied);
    r->handshakes++;
    begin(r);
    wire_put_handshake(&r->wire, t);
    from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_handshake(&from, &r->handshake));
    expect_again(r, put_handshake, &r->handshake.sighting);
    if (!r->cut_handshake)
        expect_cut_refused(r, get_handshake);
    r->cut_handshake = true;
}

/* dissect_dns_fn */
static void on_dns(void *user, const struct dns_sighting *s)
{
    struct run *r = user;
    const struct dns_message *m = s->message, *copy = &r->dns.message;
    begin(r);
    wire_put_dns(&r->wire, s);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_dns(&from, &r->dns));
    assert_int_equal(from.n, 0);
    assert_ptr_equal(r->dns.sighting.message, copy);
    assert_memory_equal(s, &r->dns.sighting, offsetof(struct dns_sighting, message));
    assert_memory_equal(m, copy, offsetof(struct dns_message, record));
    assert_memory_equal(m->record, copy->record, m->record_count * sizeof(*m->record));
    assert_memory_equal(m->pool, copy->pool, m->pool_used);
    expect_again(r, put_dns, &r->dns.sighting);
    try_mutants(r->forged, WIRE_ANSWER, &r->wire, 4);
    if (r->names++ % 64 == 0)
        expect_cut_refused(r, get_dns);
}

/* dissect_fetch_fn */
static void on_fetch(void *user, const struct fetch_sighting *s)
{
    struct run *r = user;
    begin(r);
    wire_put_fetch(&r->wire, s);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_fetch(&from, &r->fetch));
    assert_int_equal(from.n, 0);
    assert_memory_equal(s, &r->fetch.sighting, offsetof(struct fetch_sighting, host));
    assert_string_equal(s->host, r->fetch.sighting.host);
    expect_again(r, put_fetch, &r->fetch.sighting);
    try_mutants(r->forged, WIRE_FETCH, &r->wire, 16);
    expect_cut_refused(r, get_fetch);
    r->fetches++;
}

static void read_capture(struct run *r, const char *path)
{
    struct capture_error error;
    struct dissect_config c;
    struct capture *capture;
    struct packet p;
    dissect_config_default(&c);
    c.keep_addresses = true;
    c.dns = on_dns;
    c.dns_queries = CAP_DNS_QUERIES;
    c.tls = on_tls;
    c.fetch = on_fetch;
    r->cut_session = r->cut_handshake = false;
    struct dissect *d = dissect_new(&c, on_session, r);
    assert_int_equal(capture_open(path, CAPTURE_BUFFER, &capture, &error), CAPTURE_OK);
    while (capture_next(capture, &p) == 1)
        dissect_packet(d, &p);
    dissect_finish(d);
    dissect_free(d);
    capture_close(capture);
}

static struct run *run_new(void)
{
    struct run *r = calloc(1, sizeof(*r));
    r->line = malloc(sizeof(*r->line));
    r->judgement = malloc(sizeof(*r->judgement));
    r->peers = peers_new(&(struct siphash_key){1, 2}, "/dev/null");
    r->wire = (struct wire){.p = malloc(WIRE_MOST), .room = WIRE_MOST};
    r->forged = forged_new();
    return r;
}

static void run_free(struct run *r)
{
    forged_free(r->forged);
    peers_free(r->peers);
    free(r->line);
    free(r->judgement);
    free(r->wire.p);
    free(r);
}

static void what_arrives_is_what_was_sent(void **state)
{
    struct run *r = run_new();
    glob_t found;
    (void)state;
    assert_int_equal(glob(TESTS_PCAPS "/*/input.pcap*", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_capture(r, found.gl_pathv[i]);
    assert_true(found.gl_pathc > 150 && r->sessions > found.gl_pathc);
    assert_true(r->handshakes > 50 && r->names > 50 && r->fetches > 5);
    assert_true(r->others > 10 && r->twins > 5);
    globfree(&found);
    run_free(r);
}

/* --- the largest --- */

static void fill_pool(struct session *s)
{
    memset(s->pool + s->pool_used, 'x', CAP_TEXT_POOL - s->pool_used);
    s->pool_used = CAP_TEXT_POOL;
}

static void fill_session(struct wire_made *w, int i)
{
    struct session *s = wire_begin(w, i);
    while (s->reading.line_count < CAP_REPLY_LINES)
        wire_add_line(s, "SIZE");
    while (s->rcpt_count < CAP_RECIPIENTS)
        wire_add_recipient(s, "alder.example");
    fill_pool(s);
}

static void fill_handshake(struct wire_made *w)
{
    struct tls_sighting *t = &w->sighting;
    wire_made_tls(w);
    w->client.suites = w->server.extensions = wire_bytes(w, CAP_TLS_HELLO);
    w->client.extensions = span_of(w->bytes, 0);
    t->suites = t->groups = t->signatures = w->client.suites;
    for (int d = 0; d < SESSION_DIR_COUNT;
         d++) { /* an extension has four bytes, of them two here */
        t->said[d].extensions = span_of(w->bytes, CAP_TLS_HELLO / 2);
        t->said[d].alpn_count = TLS_ALPN_NAMES;
        for (int i = 0; i < TLS_ALPN_NAMES; i++)
            t->said[d].alpn[i] = span_of(w->bytes, UINT8_MAX);
    }
    t->certificate_count = CAP_CERT_CHAIN;
    for (int i = 0; i < CAP_CERT_CHAIN; i++)
        t->certificate[i] = span_of(w->bytes, CAP_TLS_HANDSHAKE / CAP_CERT_CHAIN);
}

static void the_largest_has_room(void **state)
{
    struct run *r = run_new();
    struct wire_made *w = calloc(1, sizeof(*w));
    (void)state;
    fill_handshake(w);
    for (int i = 0; i < 3; i++)
        fill_session(w, i);
    w->s[0].other = &w->s[1];
    w->s[0].twin = &w->s[2];
    begin(r);
    wire_put_session(&r->wire, &w->s[0]);
    wire_put_handshake(&r->wire, &w->sighting);
    assert_false(r->wire.full);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_session(&from, &r->session));
    assert_true(wire_get_handshake(&from, &r->handshake));
    assert_int_equal(from.n, 0);
    assert_memory_equal(r->session.twin.pool, w->s[2].pool, CAP_TEXT_POOL);
    assert_int_equal(r->session.other.rcpt_count, CAP_RECIPIENTS);
    free(w);
    run_free(r);
}

static void the_largest_sightings_have_room(void **state)
{
    struct run *r = run_new();
    struct wire_made *w = calloc(1, sizeof(*w));
    struct dns_sighting dns = wire_made_dns(w, DNS_TXT, "alder.example");
    struct fetch_sighting fetch = wire_made_fetch();
    char host[CAP_DOMAIN_TEXT + 1] = "mta-sts.";
    (void)state;
    memset(host + strlen(host), 'a', CAP_DOMAIN_TEXT - strlen(host));
    fetch.host = host;
    begin(r);
    wire_put_fetch(&r->wire, &fetch);
    assert_true(1 + r->wire.n <= message_most(MESSAGE_SIGHTING));
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_fetch(&from, &r->fetch));

    while (w->message.record_count < CAP_DNS_RECORDS)
        wire_add_record(&w->message, DNS_A, "mx.alder.example");
    memset(w->message.pool + w->message.pool_used, 0, CAP_DNS_TEXT - w->message.pool_used);
    w->message.pool_used = CAP_DNS_TEXT;
    begin(r);
    wire_put_dns(&r->wire, &dns);
    assert_true(1 + r->wire.n <= message_most(MESSAGE_SIGHTING));
    from = span_of(r->wire.p, r->wire.n);
    assert_true(wire_get_dns(&from, &r->dns));
    assert_int_equal(from.n, 0);
    free(w);
    run_free(r);
}

static void what_does_not_fit_is_told(void **state)
{
    struct wire_made *w = calloc(1, sizeof(*w));
    uint8_t *bytes = malloc(WIRE_MOST);
    (void)state;
    for (enum wire_kind k = WIRE_FULL; k < WIRE_KIND_COUNT; k++) {
        struct wire whole = {.p = bytes, .room = WIRE_MOST};
        wire_make(k, w, &whole);
        assert_false(whole.full);
        for (size_t room = 0; room < whole.n; room++) {
            struct wire less = {.p = bytes, .room = room};
            wire_make(k, w, &less);
            assert_true(less.full && less.n <= room);
        }
    }
    free(bytes);
    free(w);
}

/* --- forged --- */

static void each_byte(struct forged *f, enum wire_kind kind, size_t n)
{
    static const uint8_t value[] = {0x00, 0x02, 0x7f, 0xff};
    for (size_t at = 0; at < n; at++)
        for (size_t i = 0; i < sizeof(value); i++) {
            if (f->good[at] == value[i])
                continue;
            memcpy(f->bad, f->good, n);
            f->bad[at] = value[i];
            try_bad(f, kind, n);
        }
}

static void forged_facts_do_no_harm(void **state)
{
    struct forged *f = forged_new();
    (void)state;
    for (enum wire_kind k = WIRE_FULL; k < WIRE_KIND_COUNT; k++) {
        struct wire good = {.p = f->good, .room = sizeof(f->good)};
        wire_make(k, &f->made, &good);
        assert_true(wire_use(&f->use, k, span_of(f->good, good.n)));
        each_byte(f, k, good.n);
        try_mutants(f, k, &good, 2000);
    }
    assert_true(f->taken > 1000 && f->refused > 1000);
    forged_free(f);
}

/* What no session of dissect/ has. */
static void expect_refused(struct wire_made *w, struct run *r)
{
    begin(r);
    wire_put_session(&r->wire, &w->s[0]);
    struct span from = span_of(r->wire.p, r->wire.n);
    assert_false(wire_get_session(&from, &r->session));
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct session *s = wire_made_full(w);                                                     \
        change;                                                                                    \
        expect_refused(w, r);                                                                      \
    } while (0)

static void what_dissect_never_says_is_refused(void **state)
{
    struct run *r = run_new();
    struct wire_made *w = calloc(1, sizeof(*w));
    (void)state;
    REFUSED(s->key.family = 5);
    REFUSED(s->key.client[4] = 1);
    REFUSED(s->key.view = 2);
    REFUSED(s->flow_id = 1ull << 53);
    REFUSED(s->vlan[3] = 4096);
    REFUSED(s->vlan_count = CAP_VLAN_DEPTH + 1);
    REFUSED(s->first = INT64_MIN);
    REFUSED(s->rtt_floor = INT64_MAX);
    REFUSED(s->reading.upgrade_code = -1);
    REFUSED(s->reading.ehlo_code = 1000);
    REFUSED(s->banner.len = CAP_BANNER_TEXT + 1);
    REFUSED(s->sni.off = s->pool_used);
    REFUSED(s->reading.line[1].word_len = CAP_KEYWORD_TEXT);
    REFUSED(s->reading.line[1].text.off = s->pool_used);
    REFUSED(s->rcpt[0].off = s->pool_used);
    REFUSED(s->rcpt_domain[0].len = CAP_DOMAIN_TEXT + 1);
    REFUSED(s->odd[3].reply_code = -5);
    REFUSED(s->odd[3].text.off = s->pool_used);
    REFUSED(s->tamper[5].kind = TAMPER_KIND_COUNT);
    REFUSED(s->tamper[5].second.off = s->pool_used);
    REFUSED(s->tls_sentinel = TLS_SENTINEL_11 + 1);
    REFUSED(s->tls.exchange = TLS_EXCHANGE_COUNT);
    REFUSED(s->tls.end = INT64_MAX);
    REFUSED(s->break_dir = SESSION_DIR_COUNT);
    REFUSED(s->other->key.family = 0);
    REFUSED(s->other->reading.ehlo = EHLO_STATE_COUNT);
    REFUSED(s->twin->banner.off = s->twin->pool_used);
    REFUSED(s->twin->now = INT64_MIN);
    free(w);
    run_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_is_what_was_sent),
        cmocka_unit_test(the_largest_has_room),
        cmocka_unit_test(the_largest_sightings_have_room),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(forged_facts_do_no_harm),
        cmocka_unit_test(what_dissect_never_says_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
