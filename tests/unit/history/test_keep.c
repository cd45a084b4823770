/* SPDX-License-Identifier: Apache-2.0 */
#include "history/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "history/history.h"
#include "history/kept_server.h"

#define MINUTES(n) ((n)*60 * NS_PER_S)
#define HOURS(n)   ((n)*3600 * NS_PER_S)

#define DAY   (86400 * NS_PER_S)
#define MARCH (clock_of(1772323200, 0)) /* 2026-03-01T00:00:00Z */

static const struct siphash_key key = {1, 2};
static struct store *store;
static struct history *history;
static struct keep *keep;
static char path[] = "/tmp/test_keep_XXXXXX";

/* The clock of the wall is years behind the packets, or before them. */
static nstime walled = 1500000000 * NS_PER_S;
static nstime wall(void)
{
    return walled;
}

static void on_turn(void *user, const struct history_turn *t)
{
    (void)user, (void)t;
}

static void open_store(const char *where)
{
    char why[STORE_WHY];
    assert_int_equal(store_open(&store, where, NULL, why), STORE_OK);
}

static void begin(void)
{
    assert_non_null(history = history_new(&key, on_turn, NULL));
    assert_non_null(keep = keep_new(store, "a sensor/with a name", &key, wall));
    history_keep(history, keep);
}

/* The process is gone. */
static void die(void)
{
    history_free(history);
    keep_free(keep);
    history = NULL;
    keep = NULL;
}

/* The run is over. What is lost is told. */
static uint64_t end(void)
{
    history_finish(history);
    uint64_t lost = keep_finish(keep, 0).portions;
    die();
    return lost;
}

static struct span tap; /* where sessions are seen */

static int set_up(void **state)
{
    (void)state;
    tap = span_str("");
    open_store("memory:");
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    die();
    store_close(store);
    return 0;
}

/* A session of a client with 198.51.100.25:25; `offer` and TLS if there is one. */
static struct observation session(nstime t, uint8_t client, enum observation_offer offer)
{
    static uint64_t flow;
    struct observation o = {.time = t,
                            .flow_id = ++flow,
                            .family = 4,
                            .server = {198, 51, 100, 25},
                            .client = {192, 0, 2, client},
                            .port = 25,
                            .sender = span_str("out.alder.example"),
                            .host = span_str("mx.birch.example"),
                            .host_sure = true,
                            .word = {span_str("PIPELINING"), span_str("STARTTLS")},
                            .word_count = 2,
                            .offer = offer,
                            .delivered = true,
                            .vantage = tap,
                            .synack = 0xabcdef01};
    if (offer != OBSERVED_OFFER_MADE) {
        o.word_count = 1;
        return o;
    }
    o.asked = true;
    o.fate = OBSERVED_FATE_TLS;
    o.tls_version = 0x0304;
    o.spki = 0x1122334455667788;
    o.issuer = span_str("Example 100% \xc3\xbc Trust");
    o.ja3s = 0x99;
    o.ja4 = 0x44;
    o.flight = 2000 + client;
    return o;
}

static struct baseline recall(const struct observation *o)
{
    struct history_names names;
    struct baseline b;
    struct observation clear = *o;
    clear.fate = OBSERVED_FATE_NONE; /* of one in TLS less is asked */
    history_names(history, &clear, &names);
    history_recall(history, &clear, &names, &b);
    return b;
}

static void learn(struct observation o)
{
    struct history_names names;
    struct baseline b = recall(&o);
    history_names(history, &o, &names);
    history_learn(history, &o, &names, &b, "", 0);
}

static void learn_many(nstime t, unsigned n, unsigned clients)
{
    for (unsigned i = 0; i < n; i++)
        learn(session(t + i * NS_PER_S, (uint8_t)(1 + i % clients), OBSERVED_OFFER_MADE));
}

static struct baseline as_of(nstime t)
{
    struct observation o = session(t, 1, OBSERVED_OFFER_MADE);
    return recall(&o);
}

/* As another sensor, or somebody else, may have written it. */
static void write_field(const char *at, const char *field, int64_t by)
{
    static unsigned number;
    char id[32];
    struct store_delta d = {span_str(at), span_str(field), by};
    snprintf(id, sizeof(id), "test/%u", number++);
    assert_int_equal(store_add(store, &d, 1, span_str(id), STORE_NEVER, wall()), STORE_OK);
}

#define SENDER_AT   "count/sender/alder.example@192.0.2.0/2026-03-01"
#define AT_MARCH    "count/server/198.51.100.25:25/2026-03-01"
#define AT_FEBRUARY "count/server/198.51.100.25:25/2026-02-01"

static bool find_total(void *user, struct span field, int64_t total)
{
    struct store_delta *d = user;
    if (span_eq(field, d->field))
        d->by = total;
    return true;
}

/* store_total */
static bool count_totals(void *user, struct span field, int64_t total)
{
    (void)field, (void)total;
    ((struct store_delta *)user)->by++;
    return true;
}

static int64_t total_at(const char *at, const char *field)
{
    struct store_delta d = {.field = span_str(field), .by = -1};
    store_totals(store, span_str(at), wall(), find_total, &d);
    return d.by;
}

/* --- what is there after a run --- */

static void assert_taught(const struct baseline *b)
{
    assert_int_equal(b->offer.of, 24);
    assert_int_equal(b->offer.did, 24);
    assert_int_equal(b->offer.clients, 4);
    assert_int_equal(b->offer.pair, 6);
    assert_int_equal(b->offer.days, 1);
    assert_int_equal(b->offer.support, SUPPORT_WELL);
    assert_int_equal(b->upgrade.of, 24);
    assert_int_equal(b->upgrade.did, 24);
    assert_int_equal(b->layout_count, 1);
    assert_int_equal(b->layout[0].count, 24);
    assert_int_equal(b->layout[0].known.slot, 1);
    assert_true(span_eq(b->layout[0].known.text, span_str("PIPELINING STARTTLS")));
    assert_int_equal(b->version_usual, 0x0304);
    assert_int_equal(b->version_count, 24);
    assert_int_equal(b->spki.same, 24);
    assert_int_equal(b->issuer.same, 24);
    assert_int_equal(b->ja3s.same, 24);
    assert_int_equal(b->synack.same, 24);
    assert_int_equal(b->flight.seen, 24);
    assert_true(b->flight.same);
    assert_string_equal(b->issuer_usual, "Example 100% \xc3\xbc Trust");
    assert_int_equal(b->farm_offer.of, 24);
    assert_int_equal(b->farm_offer.clients, 4);
    assert_int_equal(b->sender_upgrade.of, 24);
    assert_int_equal(b->sender_upgrade.did, 24);
    assert_true(b->sender_known_name);
    assert_true(b->sender_delivers);
    assert_int_equal(b->sender_ja4.seen, 24);
    assert_int_equal(b->sender_ja4.same, 24);
}

static void the_next_run_knows_what_one_learnt(void **state)
{
    (void)state;
    learn_many(MARCH, 24, 4);
    struct baseline before = as_of(MARCH + DAY);
    assert_taught(&before);
    assert_int_equal(end(), 0);
    begin();
    struct baseline after = as_of(MARCH + DAY);
    assert_taught(&after);
}

static void of_a_file_too_and_of_long_ago(void **state)
{
    nstime long_ago = clock_of(978307200, 0); /* 2001-01-01 */
    (void)state;
    die();
    store_close(store);
    assert_int_equal(close(mkstemp(path)), 0);
    open_store(path);
    begin();
    learn_many(long_ago, 24, 4);
    assert_int_equal(end(), 0);
    store_close(store);
    open_store(path);
    begin();
    struct baseline b = as_of(long_ago + DAY);
    assert_taught(&b);
    die();
    store_close(store);
    store = NULL;
    unlink(path);
}

static void two_sensors_add_up(void **state)
{
    (void)state;
    learn_many(MARCH, 10, 2);
    struct history *other_history = history;
    struct keep *other_keep = keep;
    begin();
    learn_many(MARCH + DAY, 14, 7); /* the first sensor has flushed nothing yet */
    assert_int_equal(end(), 0);
    history = other_history, keep = other_keep;
    assert_int_equal(end(), 0);
    begin();
    struct baseline b = as_of(MARCH + DAY);
    assert_int_equal(b.offer.of, 24);
    assert_int_equal(b.offer.clients, 7);
    assert_int_equal(b.offer.pair, 5 + 2);
    assert_int_equal(b.offer.days, 2);
}

/* The one that is called `name`. */
static const struct usual_vantage *seen_from(const struct baseline *b, const char *name)
{
    for (uint8_t i = 0; i < b->vantage_count; i++)
        if (strcmp(b->vantage[i].name, name) == 0)
            return &b->vantage[i];
    fail_msg("never seen from %s", name);
    return NULL;
}

static void taps_are_told_apart(void **state)
{
    (void)state;
    learn_many(MARCH, 2, 2); /* by one without a name */
    tap = span_str("mx 1%/eth0");
    learn_many(MARCH, 4, 2);
    tap = span_str("mx2");
    learn_many(MARCH + 3 * DAY, 5, 2);
    for (int run = 0; run < 2; run++) {
        struct baseline b = as_of(MARCH + 4 * DAY);
        assert_int_equal(b.vantage_count, 2);
        assert_true(b.placed);
        const struct usual_vantage *v = seen_from(&b, "mx 1%/eth0");
        assert_false(v->here);
        assert_int_equal(v->of, 4);
        assert_int_equal(v->did, 4);
        assert_int_equal(v->first, days_of(MARCH));
        assert_int_equal(v->last, days_of(MARCH));
        v = seen_from(&b, "mx2");
        assert_true(v->here);
        assert_int_equal(v->of, 5);
        assert_int_equal(v->first, days_of(run == 0 ? MARCH + 3 * DAY : MARCH)); /* of its month */
        assert_int_equal(end(), 0);
        begin();
    }
    assert_int_equal(total_at(AT_MARCH, "Vomx%201%25/eth0"), 4);
    assert_int_equal(total_at(AT_MARCH, "Vomx2"), 5);
}

static void misses_of_a_tap(void **state)
{
    (void)state;
    tap = span_str("a");
    learn(session(MARCH, 1, OBSERVED_OFFER_MISSING)); /* it never offered, so that is its way */
    assert_int_equal(end(), 0);
    assert_int_equal(total_at(AT_MARCH, "Vma"), 1);
    begin();
    struct baseline b = as_of(MARCH);
    assert_int_equal(seen_from(&b, "a")->of, 1);
    assert_int_equal(seen_from(&b, "a")->did, 0);
    write_field(AT_MARCH, "Vo", 1);
    write_field(AT_MARCH, "V", 1);
    write_field(AT_MARCH, "Vxa", 1);
    write_field(AT_MARCH, "Vo%0", 1);
    write_field(AT_MARCH, "Vob", -1);
    die();
    begin();
    b = as_of(MARCH);
    assert_int_equal(b.vantage_count, 1);
    assert_int_equal(keep_passed_over(keep), 4);
}

/* Of a full set the one goes that was not seen from for longest. */
static void a_fifth_tap(void **state)
{
    static const char *const NAME[] = {"a", "b", "c", "d", "e"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        tap = span_str(NAME[i]);
        learn_many(MARCH + (i == 0 ? 4 : i) * DAY, 1, 1);
    }
    struct baseline b = as_of(MARCH + 6 * DAY);
    assert_int_equal(b.vantage_count, BASELINE_VANTAGES);
    for (int i = 0; i < 5; i++)
        if (i != 1)
            seen_from(&b, NAME[i]);
}

/* All miss it from then on. */
static struct doubt_view all_miss_it(nstime from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        learn(session(from + i * NS_PER_S, (uint8_t)(1 + i % 4), OBSERVED_OFFER_MISSING));
    struct observation o = session(from + n * NS_PER_S, 1, OBSERVED_OFFER_MISSING);
    return recall(&o).offer_doubt;
}

/* What one site does not get any more, another does. */
static void another_site_is_served(void **state)
{
    (void)state;
    tap = span_str("a");
    learn_many(MARCH, 24, 4);
    write_field(AT_MARCH, "Voa", 7);
    write_field(AT_MARCH, "Vob", 50);
    assert_int_equal(end(), 0);
    for (int served = 0; served <= 1; served++) {
        begin();
        nstime from = MARCH + DAY + served * 3600 * NS_PER_S;
        assert_int_equal(all_miss_it(from, 400).state, DOUBT_OPEN);
        write_field(AT_MARCH, "Voa", 9);
        if (served)
            write_field(AT_MARCH, "Vob", 3);
        struct doubt_view v = all_miss_it(from + 1000 * NS_PER_S, 1);
        assert_int_equal(v.state, served ? DOUBT_SELECTIVE : DOUBT_OPEN);
        assert_int_equal(v.elsewhere, served ? 3 : 0);
        die();
    }
    assert_int_equal(total_at(AT_MARCH, "R02"), -1);
    begin();
}

/* A server that nobody else knows needs nobody else. */
static void no_other_site_knows_it(void **state)
{
    (void)state;
    tap = span_str("a");
    learn_many(MARCH, 24, 4);
    all_miss_it(MARCH + DAY, 20);
    assert_int_equal(end(), 0);
    assert_int_equal(total_at(AT_MARCH, "R02"), 1);
    begin();
}

static void what_was_not_flushed_is_lost_alone(void **state)
{
    (void)state;
    history_pass(history, MARCH);
    learn_many(MARCH, 10, 2);
    usleep(KEEP_PAUSE / NS_PER_US);
    history_pass(history, MARCH + KEEP_EVERY - 1);
    assert_int_equal(total_at(AT_MARCH, "u01"), -1);
    history_pass(history, MARCH + KEEP_EVERY);
    assert_int_equal(total_at(AT_MARCH, "u01"), 10);
    learn_many(MARCH + 2 * KEEP_EVERY, 5, 1);
    die();
    begin();
    assert_int_equal(as_of(MARCH + DAY).offer.of, 10);
}

static void a_month_goes_on_in_the_next(void **state)
{
    (void)state;
    learn_many(MARCH - DAY, 3, 3);
    learn_many(MARCH, 4, 4);
    assert_int_equal(end(), 0);
    assert_int_equal(total_at(AT_FEBRUARY, "u28"), 3);
    assert_int_equal(total_at(AT_MARCH, "u01"), 4);
    begin();
    assert_int_equal(as_of(MARCH).offer.of, 7);
    die();
    begin();
    assert_int_equal(as_of(MARCH + 29 * DAY).offer.of, 4); /* thirty days, both counted */
    die();
    begin();
    assert_int_equal(as_of(MARCH + 62 * DAY).offer.of, 0);
}

static void more_than_a_flush_holds_is_no_loss(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct observation o = session(MARCH + i * NS_PER_S, 1, OBSERVED_OFFER_MADE);
        o.server[2] = (uint8_t)(i / 250);
        o.server[3] = (uint8_t)(i % 250);
        learn(o);
    }
    assert_int_equal(end(), 0);
    assert_int_equal(total_at("count/server/198.51.11.249:25/2026-03-01", "u01"), 1);
    assert_int_equal(total_at("count/farm/birch.example/2026-03-01", "o01"), 3000);
}

/* --- what the server did before does not count --- */

static struct server *the_server(struct servers *s, nstime t)
{
    struct observation o = session(t, 1, OBSERVED_OFFER_MADE);
    return servers_meet(s, &o);
}

static void a_server_that_was_set_up_anew_stays_so(void **state)
{
    struct layouts *layouts = layouts_new();
    struct servers *servers = servers_new(&key, layouts);
    (void)state;
    servers_keep(servers, keep);
    learn_many(MARCH, 24, 4);
    kept_server_reset(keep, the_server(servers, MARCH + DAY), MARCH + DAY);
    servers_free(servers);
    layouts_free(layouts);
    assert_int_equal(keep_finish(keep, 0).portions, 0);
    die();
    begin();
    struct baseline b = as_of(MARCH + DAY);
    assert_int_equal(b.offer.of, 0);
    assert_int_equal(b.layout_count, 0);
    assert_int_equal(b.spki.same, 24); /* the key is the same one */
    learn_many(MARCH + 2 * DAY, 3, 3);
    assert_int_equal(end(), 0);
    write_field(AT_MARCH, "u03", 5); /* by a sensor that has not seen it yet */
    begin();
    assert_int_equal(as_of(MARCH + 2 * DAY).offer.of, 3);
}

static void sensors_that_see_it_a_day_apart_do_not_undo_each_other(void **state)
{
    (void)state;
    write_field(AT_MARCH, "u01", 50);
    write_field(AT_MARCH, "R10", 1);
    write_field(AT_MARCH, "20522:u10", 4); /* 2026-03-10 is day 20522 */
    write_field(AT_MARCH, "R11", 1);
    write_field(AT_MARCH, "20523:u11", 3);
    assert_int_equal(as_of(MARCH + 12 * DAY).offer.of, 7);
    die();
    write_field(AT_MARCH, "R20", 1);
    begin();
    assert_int_equal(as_of(MARCH + 20 * DAY).offer.of, 0);
}

static void misses_are_forgiven_up_to_a_day(void **state)
{
    (void)state;
    write_field(AT_MARCH, "u01", 20);
    write_field(AT_MARCH, "c02", 3);
    write_field(AT_MARCH, "c03", 3);
    write_field(AT_MARCH, "p03", 2); /* of the two that there were then */
    write_field(AT_MARCH, "u04", 20);
    struct baseline b = as_of(MARCH + 5 * DAY);
    assert_int_equal(b.offer.did, 40);
    assert_int_equal(b.offer.of, 41);
}

/* --- what comes from elsewhere --- */

static void what_makes_no_sense_is_passed_over(void **state)
{
    static const char *const field[] = {
        "x",
        "u",
        "u1",
        "u00",
        "u29", /* of a February */
        "u32",
        "uu1",
        "u011",
        "C",
        "Cm",
        "Cx1234abcd",
        "Cm1234ABCD",
        "Cm00000000",
        "Cm123",
        "C+x",
        "L",
        "L|",
        "LA||B",
        "L|A",
        "LA|",
        "v",
        "v0",
        "v65536",
        "v4294967296",
        "k12",
        "k0000000000000000",
        "i0123456789abcdef",
        "i0123456789abcdef/",
        "i0123456789abcdef/%4",
        "i0123456789abcdef/%00",
        "f0",
        "f65536",
        "Fx",
        "R",
        "R31",
        "99999999999:u01",
        "1:",
        ":",
        "p99",
        "1:x",
    };
    const size_t count = sizeof(field) / sizeof(field[0]);
    (void)state;
    for (size_t i = 0; i < count; i++)
        write_field(AT_FEBRUARY, field[i], 1);
    write_field(AT_FEBRUARY, "u28", 7);
    assert_int_equal(as_of(MARCH).offer.of, 7);
    assert_int_equal(keep_passed_over(keep), count);
}

static void totals_are_bounded(void **state)
{
    (void)state;
    write_field(AT_MARCH, "u01", INT64_MAX);
    write_field(AT_MARCH, "c02", INT64_MIN + 1);
    write_field(AT_MARCH, "v772", INT64_MAX);
    write_field(AT_MARCH, "v771", -5);
    write_field(AT_MARCH, "F", INT64_MAX);
    write_field(AT_MARCH, "Cu12345678", INT64_MAX);
    write_field(AT_MARCH, "LSTARTTLS", INT64_MAX);
    write_field(AT_FEBRUARY, "v772", INT64_MAX);
    write_field(AT_FEBRUARY, "F", INT64_MAX);
    write_field(AT_FEBRUARY, "Cu12345678", INT64_MAX);
    write_field(AT_FEBRUARY, "LSTARTTLS", INT64_MAX);
    struct baseline b = as_of(MARCH + DAY);
    assert_int_equal(b.offer.of, UINT16_MAX);
    assert_int_equal(b.offer.did, UINT16_MAX);
    assert_int_equal(b.offer.clients, 1);
    assert_int_equal(b.version_count, UINT32_MAX);
    assert_int_equal(b.version.kinds, 1);
    assert_int_equal(b.layout[0].count, UINT32_MAX);
}

static void many_of_a_kind_are_bounded(void **state)
{
    char text[64];
    (void)state;
    for (unsigned i = 1; i <= 100; i++) {
        snprintf(text, sizeof(text), "Cu%08x", i);
        write_field(AT_MARCH, text, i);
        snprintf(text, sizeof(text), "LSTARTTLS|X%u", i);
        write_field(AT_MARCH, text, i);
        snprintf(text, sizeof(text), "k%016x", i);
        write_field(AT_MARCH, text, i);
    }
    struct baseline b = as_of(MARCH + DAY);
    assert_int_equal(b.offer.clients, CAP_HISTORY_CLIENTS);
    assert_true(b.offer.more_clients);
    assert_int_equal(b.layout_count, BASELINE_LAYOUTS);
    assert_int_equal(b.spki.kinds, KINDS_MOST);
    assert_int_equal(b.spki.seen, 100 + 99 + 98 + 97); /* the most frequent */
    uint32_t seen = 0;
    for (unsigned i = 0; i < BASELINE_LAYOUTS; i++)
        seen += b.layout[i].count;
    assert_int_equal(seen, (100 + 93) * 4);
}

/* Who shows a new key every time does not fill the store. */
/* Of a sender likewise; those that it is known for are counted on. */
static void hellos_are_capped(void **state)
{
    char field[32];
    uint32_t there = 0;
    (void)state;
    learn_many(MARCH, 1, 1);
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_HELLOS; i++) {
        struct observation o = session(MARCH, 1, OBSERVED_OFFER_MADE);
        o.ja4 = 0x1000 + i;
        learn(o);
        if (i % 2 == 0)
            learn_many(MARCH, 1, 1);
    }
    assert_int_equal(end(), 0);
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_HELLOS; i++) {
        snprintf(field, sizeof(field), "j%016x", 0x1000 + i);
        there += total_at(SENDER_AT, field) == 1;
    }
    assert_int_equal(there, CAP_HISTORY_HELLOS - 1);
    assert_int_equal(total_at(SENDER_AT, "j0000000000000044"), 1 + CAP_HISTORY_HELLOS);
    write_field(SENDER_AT, "j44", 1);
    write_field(SENDER_AT, "j0000000000000000", 1);
    write_field(SENDER_AT, "j0000000000000045", -1);
    write_field(SENDER_AT, "j0000000000000046", INT64_MAX);
    begin();
    struct baseline b = as_of(MARCH);
    assert_int_equal(b.sender_ja4.same, 1 + CAP_HISTORY_HELLOS);
    assert_int_equal(b.sender_ja4.kinds, KINDS_MOST);
    assert_int_equal(keep_passed_over(keep), 2);
}

static void novelties_are_capped(void **state)
{
    unsigned there = 0;
    char text[32];
    (void)state;
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_NOVEL; i++) {
        struct observation o = session(MARCH + i * NS_PER_S, 1, OBSERVED_OFFER_MADE);
        o.spki = i;
        learn(o);
    }
    assert_int_equal(end(), 0);
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_NOVEL; i++) {
        snprintf(text, sizeof(text), "k%016x", i);
        there += total_at(AT_MARCH, text) > 0;
    }
    assert_in_range(there, CAP_HISTORY_NOVEL / 2, CAP_HISTORY_NOVEL);
    assert_int_equal(total_at(AT_MARCH, "u01"), 2 * CAP_HISTORY_NOVEL);
}

static void replies_that_no_field_holds_are_left_out(void **state)
{
    char word[CAP_STORE_KEY + 1];
    struct observation o = session(MARCH, 1, OBSERVED_OFFER_MADE);
    (void)state;
    o.word[0] = span_str("A|B");
    learn(o);
    memset(word, 'A', sizeof(word));
    o.word[0] = span_of(word, sizeof(word));
    learn(o);
    assert_int_equal(end(), 0);
    begin();
    struct baseline b = as_of(MARCH);
    assert_int_equal(b.offer.of, 2);
    assert_int_equal(b.layout_count, 0);
    assert_int_equal(keep_passed_over(keep), 0);
}

static void names_are_as_they_are_written(void **state)
{
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t four[16] = {192, 0, 2, 1};
    struct keep_text t;
    (void)state;
    keep_text_init(&t);
    keep_server_name(&t, 6, six, 587);
    assert_true(span_eq(keep_text_span(&t), span_str("[2001:db8::1]:587")));
    keep_text_init(&t);
    keep_server_name(&t, 4, four, 25);
    assert_true(span_eq(keep_text_span(&t), span_str("192.0.2.1:25")));
}

static void a_full_store_is_told(void **state)
{
    static const struct store_options small = {.memory_bytes = 4096};
    char why[STORE_WHY];
    (void)state;
    die();
    store_close(store);
    assert_int_equal(store_open(&store, "memory:", &small, why), STORE_OK);
    begin();
    learn_many(MARCH, 40, 40);
    assert_int_equal(as_of(MARCH).offer.of, 40);
    assert_int_not_equal(end(), 0);
}

static void what_a_pair_did_comes_back(void **state)
{
    struct observation o = session(MARCH, 1, OBSERVED_OFFER_MADE);
    (void)state;
    for (int i = 0; i < 2; i++) { /* an alert, and then in clear */
        o.delivered = false;
        o.fate = OBSERVED_FATE_ALERT;
        o.flow_id += 1000;
        learn(o);
        o.delivered = true;
        o.fate = OBSERVED_FATE_NONE;
        o.asked = false;
        learn(o);
    }
    assert_int_equal(recall(&o).fell_back, 2);
    assert_int_equal(end(), 0);
    begin();
    o.delivered = false;
    o.fate = OBSERVED_FATE_ALERT;
    o.flow_id += 1000;
    o.time += 10 * DAY;
    learn(o);
    assert_int_equal(recall(&o).fell_back, 2);
    o.delivered = true;
    o.fate = OBSERVED_FATE_TLS; /* that is over */
    learn(o);
    assert_int_equal(end(), 0);
    begin();
    o.delivered = false;
    o.fate = OBSERVED_FATE_ALERT;
    learn(o);
    assert_int_equal(recall(&o).fell_back, 0);
}

/* 2026-03-01 is day 20,513; periods are of 15 days, and 20,505 is 2026-02-21. */
#define PAIRS_AT "count/server-pairs/198.51.100.25:25/2026-02-21"

static void pairs_stand_apart_and_go_earlier(void **state)
{
    nstime before = walled;
    char field[16];
    (void)state;
    learn_many(MARCH, 24, 4);
    struct observation o = session(MARCH, 1, OBSERVED_OFFER_MADE);
    snprintf(field, sizeof(field), "Cu%08x", servers_client_digest(&o));
    assert_int_equal(end(), 0);
    assert_int_equal(total_at(AT_MARCH, "u01"), 24);
    assert_int_equal(total_at(AT_MARCH, field), -1);
    assert_int_equal(total_at(PAIRS_AT, field), 6);
    walled = before + 22 * DAY - 1; /* thirty days from the period's first, that is eight before */
    assert_int_equal(total_at(PAIRS_AT, field), 6);
    walled++;
    assert_int_equal(total_at(PAIRS_AT, field), -1);
    assert_int_equal(total_at(AT_MARCH, "u01"), 24);
    begin();
    struct baseline b = as_of(MARCH + DAY);
    assert_int_equal(b.offer.of, 24);
    assert_int_equal(b.offer.clients, 0);
    assert_int_equal(b.offer.pair, 0);
    assert_int_equal(b.farm_offer.clients, 0);
    assert_int_equal(b.sender_upgrade.clients, 0);
    walled = before;
}

static void pairs_come_back_for_a_period_at_least(void **state)
{
    static const int KNOWN = 20535 - 1 - 20513, GONE = 20535 - 20513;
    (void)state;
    learn_many(MARCH, 24, 4);
    assert_int_equal(end(), 0);
    begin();
    assert_int_equal(as_of(MARCH + KNOWN * DAY).offer.clients, 4);
    die();
    begin();
    struct baseline b = as_of(MARCH + GONE * DAY);
    assert_int_equal(b.offer.clients, 0);
    assert_int_equal(b.offer.of, 24);
}

/* Whoever is met again is kept again, each of them. */
static void pairs_that_meet_again_stay(void **state)
{
    (void)state;
    learn_many(MARCH, 24, 4);
    learn_many(MARCH + 20 * DAY, 8, 4);
    assert_int_equal(end(), 0);
    begin();
    struct baseline b =
        as_of(MARCH + 25 * DAY); /* of another period than the first, and the next */
    assert_int_equal(b.offer.clients, 4);
    assert_int_equal(b.offer.pair, 2);
    assert_int_equal(b.farm_offer.clients, 4);
    assert_int_equal(b.sender_upgrade.clients, 1);
}

static void as_many_days_as_said(void **state)
{
    (void)state;
    history_pairs(history, 4);
    learn_many(MARCH, 24, 4);
    assert_int_equal(end(), 0);
    begin();
    history_pairs(history, 4);
    assert_int_equal(as_of(MARCH + DAY).offer.clients, 4);
    die();
    begin();
    history_pairs(history, 4);
    assert_int_equal(as_of(MARCH + 4 * DAY).offer.clients, 0);
}

/* --- from one process to the next --- */

/* The store is not asked: what was not flushed is there as well. */
static void handed_over_it_is_all_there(void **state)
{
    FILE *f = tmpfile();
    (void)state;
    learn_many(MARCH, 24, 4);
    struct baseline before = as_of(MARCH + DAY);
    assert_taught(&before);
    assert_true(history_save(history, f));
    die();
    assert_non_null(history = history_new(&(struct siphash_key){3, 4}, on_turn, NULL));
    rewind(f);
    assert_true(history_restore(history, f));
    fclose(f);
    struct baseline after = as_of(MARCH + DAY);
    assert_taught(&after);
    assert_int_equal(history_counters(history).servers, 1);
}

/* --- what was tried before the run --- */

#define PAIR    "192.0.2.1-198.51.100.25"
#define PERIOD  (MARCH - 8 * DAY)
#define AT_PAIR "count/pair/" PAIR "/2026-02-21"

static struct observation tried(nstime t, enum observation_fate fate)
{
    struct observation o = session(t, 1, OBSERVED_OFFER_MADE);
    o.delivered = false;
    o.fate = fate;
    return o;
}

static struct observation in_clear(nstime t)
{
    struct observation o = session(t, 1, OBSERVED_OFFER_MISSING);
    o.mail = true;
    return o;
}

static struct observation looked(nstime t, enum observation_offer offer)
{
    struct observation o = session(t, 1, offer);
    o.asked = o.delivered = false;
    o.fate = OBSERVED_FATE_NONE;
    o.left = true;
    return o;
}

static void restart(void)
{
    assert_int_equal(end(), 0);
    begin();
}

static struct baseline clear_at(nstime t)
{
    struct observation o = in_clear(t);
    return recall(&o);
}

static void an_attempt_before_the_restart_is_remembered(void **state)
{
    struct observation killed = tried(MARCH + 1, OBSERVED_FATE_KILLED);
    (void)state;
    learn(killed);
    restart();
    struct baseline b = clear_at(MARCH + HOURS(6));
    assert_int_equal(b.failed_count, 1);
    assert_true(b.failed[0].flow_id == killed.flow_id);
    assert_true(b.failed[0].time == killed.time);
    assert_int_equal(b.failed[0].fate, OBSERVED_FATE_KILLED);
    assert_true(b.failed[0].same_server);
    restart();
    assert_int_equal(clear_at(MARCH + HOURS(6) + 1).failed_count, 0);
    assert_int_equal(keep_passed_over(keep), 0);
}

static void across_the_end_of_a_period(void **state)
{
    const nstime end_of = PERIOD + 15 * DAY;
    (void)state;
    learn(tried(end_of - HOURS(2), OBSERVED_FATE_KILLED));
    restart();
    assert_int_equal(clear_at(end_of + HOURS(3)).failed_count, 1);
    learn(in_clear(end_of + HOURS(3)));
    restart();
    assert_int_equal(clear_at(end_of + HOURS(3) + 1).failed_count, 0);
}

static void at_another_server_of_its_owner(void **state)
{
    struct observation o = in_clear(MARCH + 2), killed = tried(MARCH + 1, OBSERVED_FATE_KILLED);
    (void)state;
    o.server[3]++;
    learn(killed);
    restart();
    struct baseline b = recall(&o);
    assert_int_equal(b.failed_count, 1);
    assert_true(b.failed[0].flow_id == killed.flow_id);
    assert_false(b.failed[0].same_server);
    o.client[3]++;
    assert_int_equal(recall(&o).failed_count, 0);
}

static void over_is_over_in_the_next_run(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 1; tls++) {
        nstime t = MARCH + HOURS(12) * tls;
        learn(tried(t + 1, OBSERVED_FATE_KILLED));
        restart();
        learn(tls ? session(t + 2, 1, OBSERVED_OFFER_MADE) : in_clear(t + 2));
        assert_int_equal(clear_at(t + 3).failed_count, 0);
        if (!tls) { /* of one that comes to TLS this run alone knows */
            restart();
            assert_int_equal(clear_at(t + 4).failed_count, 0);
        }
        learn(tried(t + 5, OBSERVED_FATE_KILLED)); /* and it begins again */
        restart();
        assert_int_equal(clear_at(t + 6).failed_count, 1);
    }
}

static void two_sensors_see_one_attempt(void **state)
{
    struct observation o = tried(MARCH + 1, OBSERVED_FATE_KILLED);
    (void)state;
    learn(o);
    struct history *other_history = history;
    struct keep *other_keep = keep;
    begin();
    learn(o);
    assert_int_equal(end(), 0);
    history = other_history, keep = other_keep;
    restart();
    assert_int_equal(clear_at(MARCH + 2).failed_count, 1);
    learn(in_clear(MARCH + 2));
    restart();
    assert_int_equal(clear_at(MARCH + 3).failed_count, 0);
}

static void what_came_of_it_is_told_later(void **state)
{
    struct observation o = tried(MARCH + 1, OBSERVED_FATE_KILLED);
    struct history_names names;
    (void)state;
    struct baseline b = recall(&o);
    history_names(history, &o, &names);
    history_attempt(history, &o, &names, &b);
    o.fate = OBSERVED_FATE_ALERT;
    o.tried_before = true;
    o.time++;
    history_learn(history, &o, &names, &b, "", 0);
    restart();
    b = clear_at(MARCH + 3);
    assert_int_equal(b.failed_count, 1);
    assert_int_equal(b.failed[0].fate, OBSERVED_FATE_ALERT);
}

static void who_held_his_mail_and_who_looked(void **state)
{
    (void)state;
    learn(looked(MARCH + 1, OBSERVED_OFFER_MISSING));
    restart();
    assert_int_equal(clear_at(MARCH + 2).held_count, 1);
    assert_false(clear_at(MARCH + 2).only_looks);
    learn(looked(MARCH + 3, OBSERVED_OFFER_MADE));
    restart();
    assert_true(clear_at(MARCH + 4).only_looks);
    assert_int_equal(keep_passed_over(keep), 0);
}

/* Who tries for ever: one in half an hour is kept of a kind, and so many in a period. */
static void attempts_are_capped(void **state)
{
    struct store_delta count = {.field = span_str("")};
    (void)state;
    for (unsigned i = 0; i < 60; i++)
        learn(tried(PERIOD + i * MINUTES(1), OBSERVED_FATE_KILLED));
    assert_int_equal(keep_finish(keep, 0).portions, 0);
    store_totals(store, span_str(AT_PAIR), wall(), count_totals, &count);
    assert_int_equal(count.by, 2);
    for (unsigned i = 0; i < 1000; i++) {
        learn(tried(PERIOD + i * MINUTES(31), OBSERVED_FATE_KILLED));
        struct observation refused = tried(PERIOD + i * MINUTES(31) + 1, OBSERVED_FATE_REFUSED);
        refused.left = true;
        learn(refused);
    }
    assert_int_equal(keep_finish(keep, 0).portions, 0);
    count.by = 0;
    store_totals(store, span_str(AT_PAIR), wall(), count_totals, &count);
    assert_int_equal(count.by, CAP_HISTORY_TRIED);
}

static void attempts_that_make_no_sense(void **state)
{
    static const char *const field[] = {
        "f",
        "f3",
        "f189892ad4c2100003",
        "f189892ad4c21000030000000000001",    /* a digit short */
        "f189892ad4c21000030000000000000100", /* and with an address */
        "f189892ad4c210000500000000000001",
        "f189892ad4c2100005000000000000011",
        "f189892ad4c2100003ffffffffffffff",
        "f18989Zad4c2100003000000000000011",
        "ff00000000000000030000000000001",
        "l",
        "l189892ad4c21000",
        "l189892ad4c2100000",
        "effffffffffffffff",
        "e0000000000000000",
        "q189892ad4c210000300000000000001",
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
        write_field(AT_PAIR, field[i], 1);
    for (unsigned i = 0; i < 100; i++) { /* all of them at one time, and of every flow */
        snprintf(text, sizeof(text), "f%016llx3%014x", (unsigned long long)MARCH, i);
        write_field(AT_PAIR, text, i % 2 ? INT64_MAX : INT64_MIN);
    }
    snprintf(text, sizeof(text), "f%016llx3%014x", (unsigned long long)INT64_MAX, 1u);
    write_field(AT_PAIR, text, 1); /* it has not been yet */
    snprintf(text, sizeof(text), "e%016llx", (unsigned long long)INT64_MAX);
    write_field(AT_PAIR, text, 1);
    assert_int_equal(clear_at(MARCH + 1).failed_count, BASELINE_LINKS);
    assert_int_equal(keep_passed_over(keep), sizeof(field) / sizeof(field[0]));
}

/* --- doubts that were open --- */

static void miss(nstime t, uint8_t client)
{
    learn(session(t, client, OBSERVED_OFFER_MISSING));
}

static struct doubt_view doubt_at(nstime t)
{
    struct observation o = session(t, 1, OBSERVED_OFFER_MISSING);
    return recall(&o).offer_doubt;
}

static void a_doubt_goes_on_in_the_next_run(void **state)
{
    (void)state;
    learn_many(MARCH, 40, 4);
    miss(MARCH + HOURS(30), 1);
    miss(MARCH + HOURS(30) + 1, 1);
    miss(MARCH + HOURS(31), 2);
    struct doubt_view before = doubt_at(MARCH + HOURS(32));
    restart();
    struct doubt_view after = doubt_at(MARCH + HOURS(32));
    assert_int_equal(after.state, DOUBT_OPEN);
    assert_true(after.first == MARCH + HOURS(30));
    assert_int_equal(after.misses, 3);
    assert_int_equal(after.missed, 2);
    assert_int_equal(after.served, 0);
    assert_int_equal(after.usual.of, before.usual.of);
    assert_int_equal(after.usual.did, 40);
    assert_int_equal(after.usual.clients, 4);
    assert_int_equal(after.usual.support, SUPPORT_WELL);
    assert_int_equal(after.same_path, before.same_path);
    assert_int_equal(keep_passed_over(keep), 0);
    miss(MARCH + HOURS(33), 3);
    assert_int_equal(doubt_at(MARCH + HOURS(33)).misses, 4);
    restart();
    assert_int_equal(doubt_at(MARCH + HOURS(33)).misses, 4);
    assert_int_equal(doubt_at(MARCH + HOURS(33)).missed, 3);
}

/* Three clients, a day: it was set up anew. That is so once, whoever restarts. */
static void it_is_decided_with_what_was_counted_before(void **state)
{
    (void)state;
    learn_many(MARCH, 40, 4);
    miss(MARCH + HOURS(30), 1);
    miss(MARCH + HOURS(31), 2);
    restart();
    miss(MARCH + HOURS(55), 3);
    assert_int_equal(doubt_at(MARCH + HOURS(55)).state, DOUBT_NONE);
    assert_int_equal(as_of(MARCH + HOURS(55)).offer.of, 0);
    restart();
    assert_int_equal(doubt_at(MARCH + HOURS(56)).state, DOUBT_NONE);
    assert_int_equal(as_of(MARCH + HOURS(56)).offer.of, 0);
    learn_many(MARCH + HOURS(56), 40, 4);
    miss(MARCH + HOURS(80), 1); /* a new one */
    restart();
    assert_true(doubt_at(MARCH + HOURS(81)).first == MARCH + HOURS(80));
    assert_int_equal(doubt_at(MARCH + HOURS(81)).misses, 1);
}

/* The attack goes on for days, and the sensor is restarted every day. */
static void a_selective_doubt_stays_so(void **state)
{
    (void)state;
    learn_many(MARCH, 40, 4);
    miss(MARCH + HOURS(30), 1);
    learn(session(MARCH + HOURS(30) + 1, 2, OBSERVED_OFFER_MADE));
    assert_int_equal(doubt_at(MARCH + HOURS(31)).state, DOUBT_SELECTIVE);
    for (int day = 2; day < 12; day++) {
        restart();
        assert_int_equal(doubt_at(MARCH + day * DAY).state, DOUBT_SELECTIVE);
        assert_int_equal(doubt_at(MARCH + day * DAY).misses, day - 1);
        assert_int_equal(doubt_at(MARCH + day * DAY).served, 1);
        assert_int_equal(doubt_at(MARCH + day * DAY).served_others, 1);
        assert_int_equal(doubt_at(MARCH + day * DAY).usual.did, 40);
        miss(MARCH + day * DAY, 1);
    }
    learn_many(MARCH + 12 * DAY, 19, 4);
    restart();
    assert_int_equal(doubt_at(MARCH + 12 * DAY + HOURS(1)).state, DOUBT_SELECTIVE);
    learn_many(MARCH + 12 * DAY + HOURS(1), 1, 1); /* twenty in a row */
    assert_int_equal(doubt_at(MARCH + 12 * DAY + HOURS(2)).state, DOUBT_NONE);
    restart();
    assert_int_equal(doubt_at(MARCH + 12 * DAY + HOURS(2)).state, DOUBT_NONE);
}

static void two_sensors_doubt_together(void **state)
{
    (void)state;
    learn_many(MARCH, 40, 4);
    restart();
    as_of(MARCH + HOURS(1));
    struct history *other_history = history;
    struct keep *other_keep = keep;
    begin();
    miss(MARCH + HOURS(30), 1);
    assert_int_equal(end(), 0);
    history = other_history, keep = other_keep;
    miss(MARCH + HOURS(31), 2);
    restart();
    assert_true(doubt_at(MARCH + HOURS(32)).first == MARCH + HOURS(30));
    assert_int_equal(doubt_at(MARCH + HOURS(32)).misses, 2);
    assert_int_equal(doubt_at(MARCH + HOURS(32)).missed, 2);
}

static void doubts_that_make_no_sense(void **state)
{
    static const char *const wrong[] = {
        "D",
        "D0",
        "D2E65e00000",
        "D0E65e0000",
        "D0E65e000000",
        "D0E65E00000",
        "D065e00000",
        "D065e00000x",
        "D065e00000M1",
        "D065e00000m",
        "D065e00000m1234567",
        "D065e00000mz2345678",
        "D000000000M",
        "D065e00000u",
        "D165e00000b0123456789abcdef",
        "D065e00000T",
    };
    static const char *const right[] = {
        "D000000001b0123456789abcdef0123456789abcdef",
        "D000000001uffffffffffffffffffffffffffff",
        "D000000001M",
        "D000000001S",
        "D000000001c",
        "D000000001F",
        "D000000001w",
        "D000000001m00000000",
        "D000000001fffffffff",
        "D000000001lffffffff",
        "D000000001Tf",
        "D000000001T5", /* of an offer it does not last */
        "D000000001q0123456789abcdef",
        "D000000001q1123456789abcdef",
        "D000000001q2123456789abcdef",
    };
    const size_t count = sizeof(wrong) / sizeof(wrong[0]);
    char text[64];
    (void)state;
    for (size_t i = 0; i < count; i++)
        write_field(AT_MARCH, wrong[i], 1);
    as_of(MARCH);
    assert_int_equal(keep_passed_over(keep), count);
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        write_field(AT_MARCH, right[i], i % 3 ? 1 : INT64_MAX);
    for (unsigned i = 1; i <= 50; i++) {
        snprintf(text, sizeof(text), "D000000001m%08x", i);
        write_field(AT_MARCH, text, INT64_MAX);
        snprintf(text, sizeof(text), "D000000001s%08x", i);
        write_field(AT_MARCH, text, INT64_MIN + 1);
    }
    die();
    begin();
    struct doubt_view v = doubt_at(MARCH);
    assert_int_equal(v.state, DOUBT_OPEN);
    assert_int_equal(v.missed, DOUBT_CLIENTS);
    assert_int_equal(v.usual.of, UINT32_MAX);
    assert_in_range(v.usual.clients, 0, CAP_HISTORY_CLIENTS);
    assert_int_equal(v.usual.support, SUPPORT_WELL);
    miss(MARCH, 1);
    learn_many(MARCH + 1, 30, 3);
    assert_int_equal(end(), 0);
    begin();
}

/* One after the other: so many are kept. */
static void doubts_are_capped(void **state)
{
    struct observation o = session(MARCH, 1, OBSERVED_OFFER_MADE);
    char text[64];
    unsigned kept = 0;
    (void)state;
    learn_many(MARCH, 40, 4);
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_DOUBTED; i++) {
        miss(MARCH + i * HOURS(1), 1);
        learn_many(MARCH + i * HOURS(1) + NS_PER_S, 20, 4);
    }
    assert_int_equal(recall(&o).offer_doubt.state, DOUBT_NONE);
    assert_int_equal(end(), 0);
    for (unsigned i = 1; i <= 2 * CAP_HISTORY_DOUBTED; i++) {
        snprintf(text, sizeof(text), "D0%08xM", (unsigned)(1772323200 + 3600 * i));
        kept += total_at(PAIRS_AT, text) == 1;
    }
    assert_int_equal(kept, CAP_HISTORY_DOUBTED);
    begin();
}

#define KEEP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEP_TEST(the_next_run_knows_what_one_learnt),
        KEEP_TEST(of_a_file_too_and_of_long_ago),
        KEEP_TEST(two_sensors_add_up),
        KEEP_TEST(taps_are_told_apart),
        KEEP_TEST(misses_of_a_tap),
        KEEP_TEST(a_fifth_tap),
        KEEP_TEST(another_site_is_served),
        KEEP_TEST(no_other_site_knows_it),
        KEEP_TEST(what_was_not_flushed_is_lost_alone),
        KEEP_TEST(a_month_goes_on_in_the_next),
        KEEP_TEST(more_than_a_flush_holds_is_no_loss),
        KEEP_TEST(a_server_that_was_set_up_anew_stays_so),
        KEEP_TEST(sensors_that_see_it_a_day_apart_do_not_undo_each_other),
        KEEP_TEST(misses_are_forgiven_up_to_a_day),
        KEEP_TEST(what_makes_no_sense_is_passed_over),
        KEEP_TEST(totals_are_bounded),
        KEEP_TEST(many_of_a_kind_are_bounded),
        KEEP_TEST(novelties_are_capped),
        KEEP_TEST(hellos_are_capped),
        KEEP_TEST(replies_that_no_field_holds_are_left_out),
        KEEP_TEST(names_are_as_they_are_written),
        KEEP_TEST(a_full_store_is_told),
        KEEP_TEST(what_a_pair_did_comes_back),
        KEEP_TEST(pairs_stand_apart_and_go_earlier),
        KEEP_TEST(pairs_come_back_for_a_period_at_least),
        KEEP_TEST(pairs_that_meet_again_stay),
        KEEP_TEST(as_many_days_as_said),
        KEEP_TEST(handed_over_it_is_all_there),
        KEEP_TEST(an_attempt_before_the_restart_is_remembered),
        KEEP_TEST(across_the_end_of_a_period),
        KEEP_TEST(at_another_server_of_its_owner),
        KEEP_TEST(over_is_over_in_the_next_run),
        KEEP_TEST(two_sensors_see_one_attempt),
        KEEP_TEST(what_came_of_it_is_told_later),
        KEEP_TEST(who_held_his_mail_and_who_looked),
        KEEP_TEST(attempts_are_capped),
        KEEP_TEST(attempts_that_make_no_sense),
        KEEP_TEST(a_doubt_goes_on_in_the_next_run),
        KEEP_TEST(it_is_decided_with_what_was_counted_before),
        KEEP_TEST(a_selective_doubt_stays_so),
        KEEP_TEST(two_sensors_doubt_together),
        KEEP_TEST(doubts_that_make_no_sense),
        KEEP_TEST(doubts_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
