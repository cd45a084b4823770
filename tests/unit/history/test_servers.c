/* SPDX-License-Identifier: Apache-2.0 */
#include "history/servers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static struct layouts *l;
static struct servers *s;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    l = layouts_new();
    return (s = servers_new(&key, l)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    servers_free(s);
    layouts_free(l);
    return 0;
}

static void learn(struct observation o)
{
    servers_learn(s, servers_meet(s, &o), &o);
}

static const struct baseline *recall(struct observation o)
{
    memset(&b, 0, sizeof(b));
    servers_recall(s, servers_find(s, &o), &o, &b);
    return &b;
}

/* The same of every run: xorshift (Marsaglia, 2003). */
static bool chance(uint64_t *seed, unsigned percent)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % 100 < percent;
}

/* --- what is usual --- */

static void what_was_told_is_counted(void **state)
{
    struct observation o = offered(NOON + 2 * DAY, 3, 1);
    (void)state;
    learn(offered(NOON, 1, 1));
    learn(offered(NOON, 2, 1));
    o.asked = false;
    o.fate = OBSERVED_FATE_NONE;
    learn(o);
    recall(observe(NOON + 2 * DAY, 1, 1));
    assert_int_equal(b.offer.of, 3);
    assert_int_equal(b.offer.did, 3);
    assert_int_equal(b.offer.clients, 3);
    assert_int_equal(b.offer.days, 3);
    assert_int_equal(b.offer.pair, 1);
    assert_int_equal(b.upgrade.of, 2);
    assert_int_equal(b.upgrade.did, 2);
    assert_int_equal(b.upgrade.pair, 1);
    assert_int_equal(b.pair_upgrade.of, 1);
    assert_int_equal(b.pair_upgrade.did, 1);
    assert_false(b.mixed || b.constant_miss || b.offer.more_clients);
    assert_int_equal(b.never, 0);
    recall(observe(NOON, 3, 1));
    assert_int_equal(b.upgrade.pair, 0);
    assert_int_equal(b.pair_upgrade.of, 1);
}

/* distinct, of those that did (history/baseline.h): two that were only offered it do not make the
 * upgrades of one a memory of three clients. */
static void clients_that_never_upgraded_do_not_vouch_for_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(NOON, 1, 1));
    for (uint32_t client = 2; client <= 3; client++) {
        struct observation o = offered(NOON, client, 1);
        o.asked = false;
        o.fate = OBSERVED_FATE_NONE;
        learn(o);
    }
    recall(observe(NOON, 9, 1));
    assert_int_equal(b.offer.clients, 3);
    assert_int_equal(b.offer.support, SUPPORT_WELL);
    assert_int_equal(b.upgrade.clients, 1);
    assert_int_equal(b.upgrade.support, SUPPORT_THIN);
}

static void addresses_and_ports_are_told_apart(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    learn(o);
    assert_int_equal(recall(observe(NOON, 1, 2))->offer.of, 0);
    o.port = 587;
    assert_int_equal(recall(o)->offer.of, 0);
    assert_null(servers_find(s, &o));
    o.port = 25;
    o.family = 6;
    assert_int_equal(recall(o)->offer.of, 0);
    o.family = 4;
    assert_int_equal(recall(o)->offer.of, 1);
    assert_int_equal(servers_count(s), 1);
}

static void nothing_is_known_of_a_stranger(void **state)
{
    static const struct baseline none;
    (void)state;
    assert_memory_equal(recall(observe(NOON, 1, 1)), &none, sizeof(none));
}

/* --- how much it is worth (RULES: 20 sessions, three clients or one pair, Wilson 0.8) --- */

static enum support support(uint32_t did, uint32_t of, uint32_t clients, uint32_t pair)
{
    const struct usual u = {.of = of, .did = did, .clients = clients, .pair = pair};
    return servers_support(&u);
}

static void well_thin_and_none(void **state)
{
    (void)state;
    assert_int_equal(support(20, 20, 3, 0), SUPPORT_WELL);
    assert_int_equal(support(19, 19, 3, 0), SUPPORT_THIN);
    assert_int_equal(support(20, 20, 2, 19), SUPPORT_THIN);
    assert_int_equal(support(20, 20, 1, 20), SUPPORT_WELL);
    assert_int_equal(support(19, 20, 3, 0), SUPPORT_THIN); /* 0.7639 */
    assert_int_equal(support(24, 25, 3, 0), SUPPORT_WELL); /* 0.8046 */
    assert_int_equal(support(16, 20, 3, 0), SUPPORT_THIN);
    assert_int_equal(support(15, 20, 3, 0), SUPPORT_NONE);
    assert_int_equal(support(2, 2, 1, 2), SUPPORT_THIN);
    assert_int_equal(support(1, 1, 1, 1), SUPPORT_NONE);
    assert_int_equal(support(0, 0, 0, 0), SUPPORT_NONE);
    assert_int_equal(support(0, 1000, 0, 0), SUPPORT_NONE);
}

static void a_memory_of_thirty_days(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(NOON, i % 3, 1));
    assert_int_equal(recall(observe(NOON + 29 * DAY, 1, 1))->offer.support, SUPPORT_WELL);
    assert_int_equal(recall(observe(NOON + 30 * DAY, 1, 1))->offer.support, SUPPORT_NONE);
    assert_int_equal(b.offer.of, 0);
    assert_int_equal(b.offer.pair, 0); /* nor who was served (docs/privacy.md) */
}

/* Of two clients the one that came again on the 20th day is known still. */
static void clients_for_thirty_days_or_as_said(void **state)
{
    (void)state;
    learn(offered(NOON, 1, 1));
    learn(offered(NOON, 2, 1));
    learn(offered(NOON + 20 * DAY, 2, 1));
    assert_int_equal(recall(observe(NOON + 29 * DAY, 1, 1))->offer.clients, 2);
    assert_int_equal(recall(observe(NOON + 30 * DAY, 1, 1))->offer.pair, 0);
    assert_int_equal(b.offer.clients, 1);
    assert_int_equal(recall(observe(NOON + 49 * DAY, 2, 1))->offer.pair, 2);
    assert_int_equal(recall(observe(NOON + 50 * DAY, 2, 1))->offer.pair, 0);
    servers_pairs(s, 7);
    learn(offered(NOON, 3, 2));
    assert_int_equal(recall(observe(NOON + 6 * DAY, 3, 2))->offer.pair, 1);
    assert_int_equal(recall(observe(NOON + 7 * DAY, 3, 2))->offer.pair, 0);
}

/* Of a server that nobody comes to any more as well: it is gone, and not only left out. */
static void clients_go_without_a_look(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        learn(offered(NOON, i, i));
    for (int i = 0; i < 10; i++)
        servers_sweep(s, days_of(NOON + 29 * DAY));
    assert_int_equal(recall(observe(NOON, 99, 99))->offer.pair, 1);
    for (int i = 0; i < 10; i++)
        servers_sweep(s, days_of(NOON + 30 * DAY));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(recall(observe(NOON, i, i))->offer.pair, 0);
    assert_int_equal(b.offer.did, 1); /* what it offered is another thing */
}

static void before_1970_it_is_the_same(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(-15 * DAY + (nstime)i * DAY, i % 3, 1));
    assert_int_equal(recall(observe(4 * DAY, 1, 1))->offer.support, SUPPORT_WELL);
    assert_int_equal(b.offer.days, 20);
    recall(observe(-100 * DAY, 1, 1)); /* the clock went back */
    assert_int_equal(b.offer.of, 20);
}

/* --- servers that offer to some --- */

static void mixed_and_never(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        learn(missing(NOON, 1, 1));
    recall(observe(NOON, 1, 1));
    assert_int_equal(b.never, 5);
    assert_false(b.mixed);
    assert_true(b.constant_miss);
    assert_int_equal(b.never_served, 0);
    assert_int_equal(recall(observe(NOON, 2, 1))->never_served, 1);
    assert_false(b.constant_miss);
    learn(offered(NOON, 2, 1));
    recall(observe(NOON, 3, 1));
    assert_true(b.mixed);
    assert_int_equal(b.never, 0);
}

/* A server that never offered and does from now on. Of m misses and a run of L offers the misses
 * are forgiven once L m > 25 (m + L): with 100 misses when L is 34. */
static void a_server_learns_tls(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        learn(missing(NOON, i % 5, 1));
    for (uint32_t run = 1; run <= 60; run++) {
        learn(offered(NOON, run % 5, 1));
        assert_int_equal(recall(observe(NOON, 1, 1))->mixed, run < 34);
    }
    assert_int_equal(b.offer.support, SUPPORT_WELL);
    assert_int_equal(b.offer.did, 60);
    assert_int_equal(b.offer.of, 60);
}

/* With 25 misses or fewer L m never gets there: then it takes until they are out of the window. */
static void one_of_few_sessions_takes_a_month(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 25; i++)
        learn(missing(NOON, i % 5, 1));
    for (int day = 0; day < 32; day++) {
        for (uint32_t i = 0; i < 200; i++)
            learn(offered(NOON + day * DAY + 1, i % 5, 1));
        assert_int_equal(recall(observe(NOON + day * DAY + 1, 1, 1))->mixed, day < 30);
    }
}

/* Behind a balancer with a member without TLS one session in `percent` lacks the offer, by chance:
 * it must not count as one that always offers, or each miss would be an attack. After a miss the
 * misses are forgiven if a run of L > 25 / q offers follows, where q is their share, and that has
 * the chance (1 - q)^(25 / q): below e^-25 = 1.4e-11 for any q, for q = 0.3 (84 in a row) 9.7e-14.
 * In 100,000 sessions with 30,000 misses that is 3e-9; so no seed may show it. */
static void balancer(unsigned percent, nstime step)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t luck = seed * 0x9e3779b97f4a7c15;
        uint32_t offers = 0, misses = 0;
        for (uint32_t i = 0; i < 100000; i++) {
            bool miss = chance(&luck, percent);
            nstime t = NOON + (nstime)i * step;
            uint32_t server = (uint32_t)seed;
            learn(miss ? missing(t, i % 50, server) : offered(t, i % 50, server));
            misses += miss;
            offers += !miss;
            if ((i < 1000 || i % 97 == 0) && misses > 0 && offers > 0)
                assert_true(recall(observe(t, 1, server))->mixed);
        }
        assert_true(recall(observe(NOON + 99999 * step, 1, (uint32_t)seed))->mixed);
    }
}

static void a_balancer_stays_mixed(void **state)
{
    (void)state;
    balancer(30, 25 * NS_PER_S); /* over 29 days */
}

/* More sessions than a day can count must not make the share of offers grow. */
static void a_busy_balancer_stays_mixed(void **state)
{
    (void)state;
    balancer(30, NS_PER_MS);
    assert_true(b.offer.did < 0.72 * b.offer.of && b.offer.did > 0.68 * b.offer.of);
    assert_true(b.upgrade.did <= b.upgrade.of);
}

static void a_rare_miss_stays(void **state)
{
    (void)state;
    balancer(1, 25 * NS_PER_S);
}

/* --- few places --- */

/* A server nobody knows. */
static struct observation stranger(uint32_t i)
{
    struct observation o = offered(NOON, 1, 1);
    o.family = 6;
    memcpy(o.server, &i, sizeof(i));
    return o;
}

static void a_known_server_outlasts_a_crowd(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(NOON, i % 3, 1));
    for (uint32_t i = 0; i < 100000; i++)
        learn(stranger(i));
    assert_int_equal(recall(observe(NOON, 1, 1))->offer.support, SUPPORT_WELL);
    assert_int_equal(servers_count(s), CAP_HISTORY_SERVERS);
    assert_int_equal(servers_evicted(s), 100001 - CAP_HISTORY_SERVERS);
}

/* A thousand that were met one after another are the oldest, all at once. Of as many as are looked
 * at one may have to go; no more than one in thirty. */
static void so_do_many(void **state)
{
    uint32_t known = 0;
    (void)state;
    for (uint32_t server = 0; server < 1000; server++)
        for (uint32_t i = 0; i < 20; i++)
            learn(offered(NOON, i % 3, server));
    for (uint32_t i = 0; i < 100000; i++)
        learn(stranger(i));
    for (uint32_t server = 0; server < 1000; server++)
        known += recall(observe(NOON, 1, server))->offer.support == SUPPORT_WELL;
    assert_true(known >= 966);
    assert_int_equal(servers_count(s), CAP_HISTORY_SERVERS);
}

static void among_strangers_the_oldest_goes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAP_HISTORY_SERVERS; i++)
        learn(stranger(i));
    recall(stranger(0)); /* asked for: it is in use */
    learn(stranger(CAP_HISTORY_SERVERS));
    assert_int_equal(recall(stranger(0))->offer.of, 1);
    assert_int_equal(recall(stranger(1))->offer.of, 0);
    assert_int_equal(recall(stranger(2))->offer.of, 1);
}

/* As base/caps.h says. */
_Static_assert(sizeof(struct server) <= 1344, "1.3 KiB a server");

/* The first forty are told apart; the others have no say of their own. */
static void clients_beyond_the_cap(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAP_HISTORY_CLIENTS; i++)
        learn(offered(NOON, i, 1));
    assert_false(recall(observe(NOON, 1, 1))->offer.more_clients);
    for (uint32_t i = 0; i < 1000; i++)
        learn(offered(NOON, CAP_HISTORY_CLIENTS + i, 1));
    recall(observe(NOON, CAP_HISTORY_CLIENTS, 1));
    assert_true(b.offer.more_clients);
    assert_int_equal(b.offer.clients, CAP_HISTORY_CLIENTS);
    assert_int_equal(b.offer.of, 1040);
    assert_int_equal(b.offer.pair, 0);
    assert_true(baseline_would_serve(&b));
    assert_int_equal(recall(observe(NOON, CAP_HISTORY_CLIENTS - 1, 1))->offer.pair, 1);
}

/* --- a server that is set up anew, or was wronged --- */

static void a_new_start(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.spki = 77;
    for (uint32_t i = 0; i < 30; i++) {
        o.client[3] = (uint8_t)i;
        learn(o);
    }
    servers_reset(servers_find(s, &o));
    recall(o);
    assert_int_equal(b.offer.of, 0);
    assert_int_equal(b.offer.clients, 0);
    assert_int_equal(b.offer.pair, 0);
    assert_false(b.mixed || b.constant_miss);
    assert_int_equal(b.spki.same, 30); /* its key was none of the offer */
    learn(missing(NOON, 1, 1));
    assert_int_equal(recall(o)->never, 1);
}

static void misses_may_be_added_and_forgiven(void **state)
{
    struct observation o = missing(NOON, 9, 1);
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(NOON, i % 3, 1));
    servers_note_miss(servers_find(s, &o), &o);
    assert_false(recall(o)->mixed); /* the client is noted, the server not judged by it */
    assert_true(b.constant_miss);
    assert_int_equal(b.offer.clients, 3);
    assert_int_equal(recall(observe(NOON, 8, 1))->never_served, 1);
    servers_learn_misses(servers_find(s, &o), NOON + DAY, 3);
    recall(observe(NOON + DAY, 1, 1));
    assert_true(b.mixed);
    assert_int_equal(b.offer.of, 23);
    servers_forgive(servers_find(s, &o));
    assert_false(recall(observe(NOON + DAY, 1, 1))->mixed);
    assert_int_equal(b.offer.of, 20);
    assert_int_equal(b.offer.did, 20);
}

/* --- what handshakes show --- */

static struct observation handshake(uint64_t spki, uint32_t flight)
{
    struct observation o = offered(NOON, 1, 1);
    o.tls_version = 0x0304;
    o.spki = spki;
    o.ja3s = spki + 1;
    o.synack = (uint32_t)spki + 2;
    o.flight = flight;
    o.issuer = span_str("Alder CA");
    return o;
}

static void a_kind_is_new_once(void **state)
{
    struct observation o = handshake(1, 3000);
    (void)state;
    learn(handshake(1, 3000));
    learn(handshake(1, 3100));
    recall(o);
    assert_int_equal(b.spki.seen, 2);
    assert_int_equal(b.spki.same, 2);
    assert_int_equal(b.spki.kinds, 1);
    assert_int_equal(b.issuer.same, 2);
    assert_int_equal(b.version_usual, 0x0304);
    assert_int_equal(b.version_count, 2);
    assert_int_equal(b.flight.seen, 2);
    assert_int_equal(b.flight.same, 1);
    assert_string_equal(b.issuer_usual, "Alder CA");
    recall(handshake(9, 2999));
    assert_int_equal(b.spki.same, 0);
    assert_int_equal(b.ja3s.same, 0);
    assert_int_equal(b.synack.same, 0);
    assert_int_equal(b.flight.same, 0);
    o.upgraded_before = true; /* it was counted */
    recall(o);
    assert_int_equal(b.spki.seen, 1);
    assert_int_equal(b.spki.same, 1);
}

static void of_too_many_kinds_the_oldest_goes(void **state)
{
    (void)state;
    for (uint64_t k = 1; k <= 5; k++) {
        struct observation o = handshake(k * 10, 3000);
        o.time = NOON + (k == 2 ? 0 : (nstime)k * DAY);
        learn(o);
    }
    recall(handshake(20, 3000));
    assert_int_equal(b.spki.kinds, KINDS_MOST);
    assert_int_equal(b.spki.same, 0);
    for (uint64_t k = 1; k <= 5; k++)
        assert_int_equal(recall(handshake(k * 10, 3000))->spki.same, k != 2);
}

/* More than 64 KiB are counted as 64 KiB, when they are learnt and when they are asked for. */
static void a_large_flight_is_known_again(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(handshake(1, 70000));
    assert_int_equal(recall(handshake(1, 70000))->flight.same, 1);
    assert_int_equal(recall(handshake(1, UINT32_MAX))->flight.same, 1);
    assert_int_equal(recall(handshake(1, 65534))->flight.same, 0);
}

/* What was never seen cannot be the same. */
static void no_flight_is_none(void **state)
{
    (void)state;
    learn(handshake(1, 0));
    recall(handshake(1, 0));
    assert_int_equal(b.flight.seen, 0);
    assert_int_equal(b.flight.same, 0);
    assert_false(b.flight_seen);
}

static void a_long_issuer_is_cut(void **state)
{
    struct observation o = handshake(1, 1);
    uint8_t name[300];
    (void)state;
    memset(name, 'n', sizeof(name));
    o.issuer = span_of(name, sizeof(name));
    learn(o);
    assert_int_equal(strlen(recall(o)->issuer_usual), CAP_HISTORY_ISSUER);
    assert_int_equal(b.issuer.same, 1);
    o.issuer.n--; /* the digest is of the whole */
    assert_int_equal(recall(o)->issuer.same, 0);
}

/* --- replies --- */

static void of_too_many_layouts_the_oldest_goes(void **state)
{
    char word[2] = "A";
    (void)state;
    for (int i = 0; i < 12; i++) {
        struct observation o = offered(NOON + i * DAY, 1, 1);
        word[0] = (char)('A' + i);
        say(&o, word);
        learn(o);
    }
    recall(observe(NOON + 12 * DAY, 1, 1));
    assert_int_equal(b.layout_count, BASELINE_LAYOUTS);
    uint32_t seen = 0;
    for (uint8_t i = 0; i < b.layout_count; i++)
        seen |= 1u << (b.layout[i].known.text.p[0] - 'A');
    assert_int_equal(seen, 0xff0); /* E to L */
}

/* --- nothing at all --- */

static void an_observation_of_nothing(void **state)
{
    static const struct observation none;
    (void)state;
    for (int i = 0; i < 3; i++)
        learn(none);
    recall(none);
    assert_int_equal(b.offer.of, 0);
    assert_int_equal(b.upgrade.of, 0);
    assert_int_equal(b.layout_count, 0);
    assert_int_equal(b.offer.support, SUPPORT_NONE);
    assert_null(b.issuer_usual);
    assert_int_equal(b.synack.seen, 0);
    assert_int_equal(servers_count(s), 1);
    assert_int_not_equal(servers_client_digest(&none), 0);
}

/* Of the client alone, whatever server and time. */
static void clients_have_digests(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct observation o = observe(NOON, i, 1), p = observe(0, i, 2), q = observe(0, i + 1, 1);
        assert_int_not_equal(servers_client_digest(&o), 0);
        assert_int_equal(servers_client_digest(&o), servers_client_digest(&p));
        assert_int_not_equal(servers_client_digest(&o), servers_client_digest(&q));
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Of what a server shows, each thing alone makes it one that was not seen before. */
static void what_was_shown_before_is_told(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    say(&o, "PIPELINING STARTTLS DSN");
    o.tls_version = 0x0303;
    o.spki = 7;
    o.issuer = span_str("Alder CA");
    o.ja3s = 8;
    o.synack = 9;
    assert_false(servers_learn(s, servers_meet(s, &o), &o));
    assert_true(servers_learn(s, servers_meet(s, &o), &o));
    for (int i = 0; i < 6; i++) {
        struct observation other = o;
        other.tls_version = i == 0 ? 0x0304 : o.tls_version;
        other.spki = i == 1 ? 17 : o.spki;
        other.issuer = i == 2 ? span_str("Birch CA") : o.issuer;
        other.ja3s = i == 3 ? 18 : o.ja3s;
        other.synack = i == 4 ? 19 : o.synack;
        if (i == 5)
            say(&other, "PIPELINING STARTTLS");
        assert_false(servers_learn(s, servers_meet(s, &other), &other));
        assert_true(servers_learn(s, servers_meet(s, &other), &other));
        assert_true(servers_learn(s, servers_meet(s, &o), &o));
    }
    o.tls_version = 0;
    o.spki = o.ja3s = o.synack = 0;
    o.issuer = span_str("");
    assert_true(servers_learn(s, servers_meet(s, &o), &o)); /* what is not shown is not new */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_told_is_counted),
        T(clients_that_never_upgraded_do_not_vouch_for_it),
        T(addresses_and_ports_are_told_apart),
        T(nothing_is_known_of_a_stranger),
        T(well_thin_and_none),
        T(a_memory_of_thirty_days),
        T(clients_for_thirty_days_or_as_said),
        T(clients_go_without_a_look),
        T(before_1970_it_is_the_same),
        T(mixed_and_never),
        T(a_server_learns_tls),
        T(one_of_few_sessions_takes_a_month),
        T(a_balancer_stays_mixed),
        T(a_busy_balancer_stays_mixed),
        T(a_rare_miss_stays),
        T(a_known_server_outlasts_a_crowd),
        T(what_was_shown_before_is_told),
        T(so_do_many),
        T(among_strangers_the_oldest_goes),
        T(clients_beyond_the_cap),
        T(a_new_start),
        T(misses_may_be_added_and_forgiven),
        T(a_kind_is_new_once),
        T(of_too_many_kinds_the_oldest_goes),
        T(a_large_flight_is_known_again),
        T(no_flight_is_none),
        T(a_long_issuer_is_cut),
        T(of_too_many_layouts_the_oldest_goes),
        T(an_observation_of_nothing),
        T(clients_have_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
