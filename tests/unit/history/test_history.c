/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

#define TURNS 4096

static struct siphash_key key = {7, 8};
static struct history *h;
static struct history_names names;
static struct baseline b;

static struct {
    uint64_t flow;
    uint64_t failed;
    enum doubt_state state;
    enum doubt_kind kind;
    uint64_t trace; /* digest of them all, in their order */
    nstime now;
} last;
static uint64_t told[TURNS];
static size_t turns;

/* history_turn_fn: the note is the flow, 64 times. Nothing is told twice. */
static void on_turn(void *user, const struct history_turn *t)
{
    assert_ptr_equal(user, &turns);
    assert_int_equal(t->item->note_n, CAP_HISTORY_NOTE);
    for (size_t i = 0; i < CAP_HISTORY_NOTE; i += sizeof(t->item->flow_id))
        assert_memory_equal(t->item->note + i, &t->item->flow_id, sizeof(t->item->flow_id));
    assert_null(t->stop); /* test_stops.c */
    last.flow = t->item->flow_id;
    if (!t->doubt) { /* an attempt that failed behind it */
        last.failed = t->failed.flow_id;
        turns++;
        return;
    }
    last.state = t->doubt->state;
    last.kind = t->doubt->kind;
    last.now = t->now;
    const uint64_t mix[] = {last.trace, last.flow, last.state, last.kind};
    last.trace = siphash(&(struct siphash_key){0, 0}, mix, sizeof(mix));
    const struct doubt_view *v =
        last.kind == DOUBT_OF_OFFER ? &t->baseline->offer_doubt : &t->baseline->upgrade_doubt;
    assert_int_equal(v->state, t->doubt->state);
    for (size_t i = 0; i < turns && i < TURNS; i++)
        assert_true(told[i] != (last.flow << 1 | last.kind));
    if (turns < TURNS)
        told[turns] = last.flow << 1 | last.kind;
    turns++;
}

static int setup(void **state)
{
    (void)state;
    turns = 0;
    memset(&last, 0, sizeof(last));
    return (h = history_new(&key, on_turn, &turns)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    history_free(h);
    return 0;
}

static void again(void)
{
    history_free(h);
    setup(NULL);
}

static const struct baseline *recall(struct observation o)
{
    history_names(h, &o, &names);
    history_recall(h, &o, &names, &b);
    return &b;
}

/* As a judge would say: it lacks what this server is remembered for. */
static bool accused(const struct observation *o)
{
    bool missed = o->offer == OBSERVED_OFFER_MISSING || o->offer == OBSERVED_EHLO_REFUSED;
    return missed && b.offer.support != SUPPORT_NONE && !b.mixed;
}

/* A session from its first judgement to its end; returns whether it was accused. */
static bool session(struct observation o)
{
    uint64_t note[CAP_HISTORY_NOTE / sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof(note) / sizeof(note[0]); i++)
        note[i] = o.flow_id;
    recall(o);
    o.suspicious = accused(&o);
    history_learn(h, &o, &names, &b, note, sizeof(note));
    return o.suspicious;
}

/* `sessions` good ones of as many clients as said, a minute apart; returns the time after them. */
static nstime usual(nstime t, uint32_t sessions, uint32_t clients, uint32_t server)
{
    for (uint32_t i = 0; i < sessions; i++, t += MINUTE)
        assert_false(session(offered(t, i % clients, server)));
    return t;
}

/* --- a session, and what is known by it --- */

static void what_was_learnt_is_usual(void **state)
{
    (void)state;
    nstime t = usual(NOON, 20, 3, 1);
    struct observation o = missing(t, 1, 1);
    o.sender = span_str("out.alder.com");
    o.host = span_str("mx.birch.co.uk");
    recall(o);
    assert_int_equal(b.offer.support, SUPPORT_WELL);
    assert_int_equal(b.offer.pair, 7);
    assert_string_equal(b.sender, "alder.com");
    assert_string_equal(b.farm, "birch.co.uk");
    assert_false(b.farm_sure);
    o.host_sure = true;
    assert_true(recall(o)->farm_sure);
    o.host = span_str("aspmx.l.google.com");
    assert_null(recall(o)->known_offer); /* what it did itself says more */
    assert_true(baseline_would_serve(&b));
    struct observation first = o;
    first.server[3] = 9;
    assert_string_equal(recall(first)->known_offer, "google.com");
    o.client[3] = 99;
    assert_false(baseline_would_serve(recall(o)));
    assert_int_equal(history_counters(h).servers, 1);
    assert_true(history_server(h, 4, o.server, 25, t, &b));
    assert_int_equal(b.offer.of, 20);
    assert_false(history_server(h, 6, o.server, 25, t, &b));
    assert_int_equal(b.offer.of, 0);
}

/* TLS that goes on for hours is told of when it comes about, and when it ends: it is one session.
 */
static void a_long_session_counts_once(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.spki = 7;
    recall(o);
    history_upgraded(h, &o, &names, &b);
    assert_int_equal(recall(observe(NOON, 1, 1))->offer.of, 1);
    o.upgraded_before = true;
    o.time += 5 * HOUR;
    recall(o);
    assert_int_equal(b.spki.seen, 0); /* by others */
    history_learn(h, &o, &names, &b, "", 0);
    recall(observe(NOON + 5 * HOUR, 1, 1));
    assert_int_equal(b.offer.of, 1);
    assert_int_equal(b.upgrade.did, 1);
    assert_int_equal(b.spki.seen, 1);
}

static void an_observation_of_nothing(void **state)
{
    static const struct observation none;
    (void)state;
    for (int i = 0; i < 3; i++) {
        session(none);
        recall(none);
        history_upgraded(h, &none, &names, &b);
        history_attempt(h, &none, &names, &b);
    }
    history_finish(h);
    assert_int_equal(recall(none)->offer.of, 0);
    assert_int_equal(history_counters(h).servers, 0);
    assert_int_equal(turns, 0);
}

static void the_input_may_be_empty(void **state)
{
    (void)state;
    history_finish(h);
    assert_int_equal(history_counters(h).doubts, 0);
}

/* --- judged again --- */

static void the_note_comes_back_once(void **state)
{
    struct observation o;
    (void)state;
    nstime t = usual(NOON, 40, 5, 1);
    o = missing(t, 1, 1);
    assert_true(session(o));
    assert_int_equal(recall(observe(t, 1, 1))->offer_doubt.state, DOUBT_OPEN);
    assert_int_equal(turns, 0);
    usual(t + 1, 1, 1, 1); /* client 0 is served */
    assert_int_equal(turns, 1);
    assert_true(last.flow == o.flow_id);
    assert_int_equal(last.state, DOUBT_SELECTIVE);
    usual(t + 2, 10, 5, 1);
    history_finish(h);
    assert_int_equal(turns, 1);
}

static void on_a_path(void **state)
{
    (void)state;
    nstime t = NOON;
    for (uint32_t server = 1; server <= 4; server++) /* each in a network of its own */
        t = usual(t, 20, 3, server * 256);
    for (uint32_t server = 1; server <= 4; server++)
        assert_true(session(missing(t + server, 1, server * 256)));
    assert_int_equal(turns, 4); /* whoever follows is one of them */
    assert_int_equal(last.state, DOUBT_PATH);
    assert_int_equal(recall(missing(t + 5, 1, 4 * 256))->offer_doubt.state, DOUBT_PATH);
    assert_int_equal(b.path_servers, 4);
    assert_int_equal(b.path_offering, 0);
    again();
    t = NOON;
    for (uint32_t server = 1; server <= 4; server++) /* one network: one owner */
        t = usual(t, 20, 3, server);
    for (uint32_t server = 1; server <= 4; server++)
        assert_true(session(missing(t, 1, server)));
    assert_int_equal(turns, 0);
}

/* --- time --- */

/* The same sessions a century ago and next century: what is told does not depend on the date. */
static size_t story(nstime t)
{
    again();
    t = usual(t, 40, 5, 1);
    t = usual(t, 40, 1, 256);
    session(missing(t, 1, 1));
    session(offered(t + MINUTE, 2, 1));
    session(missing(t + HOUR, 0, 256));
    for (int i = 0; i < 100; i++)
        session(offered(t + HOUR + i * HOUR, 1, 512));
    return turns;
}

static void the_date_does_not_matter(void **state)
{
    static const nstime begin[] = {NOON, 0, -NOON, -CLOCK_PACKET_S * NS_PER_S,
                                   CLOCK_PACKET_S * NS_PER_S - 10 * DAY};
    (void)state;
    for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++) {
        assert_int_equal(story(begin[i]), 2);
        assert_int_equal(last.state, DOUBT_UNDECIDED);
        assert_true(last.now >= begin[i] + 80 * MINUTE + 25 * HOUR);
        assert_true(last.now <= begin[i] + 80 * MINUTE + 27 * HOUR);
    }
}

/* A packet of a wrong time does not make all that follow look a century old. */
static void a_clock_that_was_ahead(void **state)
{
    (void)state;
    nstime t = usual(NOON, 40, 5, 1);
    session(offered(CLOCK_PACKET_S * NS_PER_S, 1, 2));
    session(missing(t, 1, 1));
    session(offered(t + MINUTE, 1, 2));
    assert_int_equal(turns, 0);
    assert_int_equal(recall(observe(t, 1, 1))->offer_doubt.state, DOUBT_OPEN);
}

/* --- what an attacker can teach --- */

/* Who strips one session in 21 or fewer is told of each time, and teaches nothing at all: twenty in
 * a row that are served end a doubt before three clients have missed it in turns. */
static void rare_stripping_teaches_nothing(void **state)
{
    (void)state;
    for (uint32_t k = 21; k <= 101; k += 8) {
        uint32_t stripped = 0;
        again();
        nstime t = usual(NOON, 40, 10, 1);
        for (uint32_t i = 1; i <= 20 * k; i++, t += MINUTE) {
            bool strip = i % k == 0;
            stripped += strip;
            assert_int_equal(session(strip ? missing(t, i % 10, 1) : offered(t, i % 10, 1)), strip);
        }
        usual(t, 1, 10, 1);
        assert_int_equal(turns, stripped);
        assert_int_equal(last.state, DOUBT_SELECTIVE);
        recall(observe(t, 1, 1));
        assert_false(b.mixed);
        assert_int_equal(b.offer.of, b.offer.did);
        assert_int_equal(b.offer.support, SUPPORT_WELL);
    }
}

/* Who strips more often, on the way of three networks, and lets their clients through in between,
 * can make the server look like a balancer: a client of each has to miss it twice and be served in
 * between. That is six sessions at least, all of them accused, and one of them, the first, is told
 * of again when the first other client is served. Then the server counts as mixed, until the misses
 * are out of the window. */
static void how_to_be_taken_for_a_balancer(void **state)
{
    uint32_t stripped = 0;
    (void)state;
    nstime t = NOON;
    for (uint32_t i = 0; i < 40; i++)
        session(offered(t++, i % 4 * 256, 1));
    for (uint32_t network = 0; network < 3; network++) {
        stripped += session(missing(t++, network * 256, 1));
        assert_false(session(offered(t++, network * 256, 1)));
        assert_false(recall(observe(t, 9, 1))->mixed);
        stripped += session(missing(t++, network * 256, 1));
    }
    assert_int_equal(stripped, 6);
    assert_true(recall(observe(t, 9, 1))->mixed);
    assert_int_equal(b.offer.of - b.offer.did, 6);
    assert_int_equal(turns, 1);
    assert_int_equal(last.state, DOUBT_SELECTIVE);
    assert_false(session(missing(t++, 768, 1))); /* he is not accused any more */
    assert_true(recall(observe(t + 29 * DAY, 9, 1))->mixed);
    usual(t + 29 * DAY, 1, 1, 1);
    assert_false(recall(observe(t + 30 * DAY, 9, 1))->mixed);
}

/* Who strips every session of a server, of three clients at least, is taken for a server that was
 * set up anew after twenty of them, however soon. No one of them is told of again: they were
 * accused once, at the weight of a doubt that is open. */
static void how_to_be_taken_for_a_new_server(void **state)
{
    uint32_t stripped = 0;
    (void)state;
    nstime t = usual(NOON, 400, 40, 1);
    for (uint32_t i = 0; i < 20; i++)
        stripped += session(missing(t + i, i % 3, 1));
    assert_int_equal(stripped, 20);
    assert_int_equal(turns, 0);
    recall(observe(t + 20, 1, 1));
    assert_int_equal(b.offer_doubt.state, DOUBT_NONE);
    assert_int_equal(b.offer.did, 0);
    assert_int_equal(b.offer.pair, 0);
    assert_false(session(missing(t + 20, 1, 1)));
}

/* Neither by the memory of its owner: it would be accused for ever, for what is accused teaches
 * nothing. */
static void a_new_server_is_not_accused_for_its_owner(void **state)
{
    struct observation o;
    (void)state;
    nstime t = NOON;
    for (uint32_t i = 0; i < 40; i++) {
        o = offered(t + i, i % 5, 1 + i % 2);
        o.host = span_str("mx.alder.com");
        o.host_sure = true;
        session(o);
    }
    for (uint32_t i = 0; i < 20; i++) {
        o = missing(t + 100 + i, i % 5, 1);
        o.host = span_str("mx.alder.com");
        o.host_sure = true;
        session(o);
    }
    recall(o);
    assert_int_equal(b.offer.of, 0);
    assert_int_equal(b.farm_offer.support, SUPPORT_NONE);
    struct observation stranger = o;
    stranger.server[3] = 77;
    assert_int_equal(recall(stranger)->farm_offer.support, SUPPORT_THIN);
    session(o);
    assert_int_equal(recall(o)->never, 1);
    assert_int_equal(recall(stranger)->farm_offer.support, SUPPORT_NONE); /* now they differ */
}

/* A client that was never served is judged as long as the server serves everybody. The first that
 * is stripped is told of; after it the server may be one that leaves some out, and no other client
 * that it never served is told of any more. Those that it did serve are. */
static void one_new_client_shields_the_others(void **state)
{
    (void)state;
    nstime t = usual(NOON, 60, 30, 1);
    assert_true(baseline_would_serve(recall(observe(t, 50, 1))));
    session(missing(t, 50, 1));
    session(offered(t + 1, 1, 1));
    assert_int_equal(turns, 1);
    assert_false(baseline_would_serve(recall(observe(t + 2, 51, 1))));
    assert_int_equal(b.never_served, 1);
    assert_true(baseline_would_serve(recall(observe(t + 2, 1, 1))));
    assert_int_equal(recall(observe(t + 2, 1, 1))->offer.support, SUPPORT_WELL);
}

/* Sessions that are accused teach nothing, whatever there are of them, as long as anybody is
 * served: here one client is stripped always, and another one never. */
static void one_client_always(void **state)
{
    (void)state;
    nstime t = usual(NOON, 40, 5, 1);
    for (uint32_t i = 0; i < 2000; i++, t += 10 * MINUTE) {
        assert_true(session(missing(t, 1, 1)));
        assert_false(session(offered(t + 1, 2, 1)));
    }
    recall(observe(t, 1, 1));
    assert_false(b.mixed);
    assert_int_equal(b.offer.of, b.offer.did);
    assert_int_equal(b.offer_doubt.state, DOUBT_SELECTIVE);
    assert_int_equal(turns, 1);
}

/* --- servers that were not known --- */

static void stripped_before_it_was_known(void **state)
{
    (void)state;
    nstime t = NOON;
    for (uint32_t i = 0; i < 3; i++, t += HOUR)
        assert_false(session(missing(t, 9, 1)));
    usual(t, 19, 3, 1);
    assert_int_equal(turns, 0);
    assert_true(recall(observe(t, 9, 1))->mixed);
    usual(t + HOUR, 1, 3, 1);
    assert_int_equal(turns, 3);
    assert_int_equal(last.state, DOUBT_SELECTIVE);
    recall(observe(t + 2 * HOUR, 9, 1));
    assert_false(b.mixed);
    assert_int_equal(b.offer.support, SUPPORT_WELL);
    assert_true(b.constant_miss);
}

static void a_server_that_learns_tls(void **state)
{
    (void)state;
    nstime t = NOON;
    for (uint32_t i = 0; i < 100; i++, t += MINUTE)
        assert_false(session(missing(t, i % 5, 1)));
    usual(t, 33, 5, 1);
    assert_true(recall(observe(t, 1, 1))->mixed);
    usual(t + HOUR, 1, 5, 1); /* the 34th: test_servers.c */
    assert_false(recall(observe(t + HOUR, 1, 1))->mixed);
    assert_int_equal(turns, 0);
}

/* --- the same each time --- */

/* A town of servers, some of them with a balancer, under attack now and then. */
static uint64_t town(void)
{
    uint64_t seed = 88172645463325252u, flow = 1;
    again();
    for (uint32_t i = 0; i < 30000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint32_t client = (uint32_t)seed % 300, server = (uint32_t)(seed >> 16) % 2000;
        bool miss = (server % 10 == 0 && (seed >> 32) % 3 == 0) || (seed >> 40) % 50 == 0;
        nstime t = NOON + (nstime)i * MINUTE;
        struct observation o = miss                     ? missing(t, client, server)
                               : (seed >> 50) % 40 == 0 ? refused(t, client, server)
                                                        : offered(t, client, server);
        o.flow_id = flow++;
        session(o);
    }
    history_finish(h);
    return last.trace;
}

static void whatever_the_key(void **state)
{
    uint64_t first = town();
    size_t count = turns;
    (void)state;
    assert_true(count > 10);
    for (uint64_t k = 1; k <= 3; k++) {
        key = (struct siphash_key){k * 77, ~k};
        assert_true(town() == first);
        assert_int_equal(turns, count);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_learnt_is_usual),
        T(a_long_session_counts_once),
        T(an_observation_of_nothing),
        T(the_input_may_be_empty),
        T(the_note_comes_back_once),
        T(on_a_path),
        T(the_date_does_not_matter),
        T(a_clock_that_was_ahead),
        T(rare_stripping_teaches_nothing),
        T(how_to_be_taken_for_a_balancer),
        T(how_to_be_taken_for_a_new_server),
        T(a_new_server_is_not_accused_for_its_owner),
        T(one_new_client_shields_the_others),
        T(one_client_always),
        T(stripped_before_it_was_known),
        T(a_server_that_learns_tls),
        T(whatever_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
