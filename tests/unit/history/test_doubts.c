/* SPDX-License-Identifier: Apache-2.0 */
#include "history/doubts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

#define WEEK (7 * DAY)

static const struct siphash_key key = {7, 8};
static struct doubts *d;
static enum doubt_state turned[64]; /* in their order */
static uint8_t at[64];              /* the server, its last byte */
static size_t turns;

/* doubt_turn_fn */
static void on_turn(void *user, struct doubt *of)
{
    assert_ptr_equal(user, &turns);
    turned[turns % 64] = of->state;
    at[turns++ % 64] = of->server[3];
}

static uint64_t others; /* offers that they saw; 0: nobody else knows the server */
static uint32_t asked;

/* doubt_elsewhere_fn */
static bool elsewhere(void *user, const struct doubt *of, uint64_t *offers)
{
    assert_ptr_equal(user, &turns);
    assert_int_equal(of->kind, DOUBT_OF_OFFER);
    asked++;
    *offers = others;
    return others > 0;
}

static int setup(void **state)
{
    others = asked = 0;
    (void)state;
    turns = 0;
    return (d = doubts_new(&key, on_turn, elsewhere, &turns)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    doubts_free(d);
    return 0;
}

static void again(void)
{
    doubts_free(d);
    turns = 0;
    d = doubts_new(&key, on_turn, elsewhere, &turns);
}

/* A server that is known well, with clients enough. Each owner is its own. */
static const struct usual well = {.of = 100, .did = 100, .clients = 10}, none;

static struct doubt_ground ground(uint32_t server)
{
    return (struct doubt_ground){.usual = &well, .known = true, .group = server + 1, .path = 5};
}

static struct doubt *miss_on(const struct doubt_ground *g, nstime t, uint32_t client,
                             uint32_t server)
{
    const struct observation o = missing(t, client, server);
    struct doubt *of = doubts_miss(d, DOUBT_OF_OFFER, &o, g);
    doubts_decide(d, of, t);
    return of;
}

static void miss(nstime t, uint32_t client, uint32_t server)
{
    const struct doubt_ground g = ground(server);
    miss_on(&g, t, client, server);
}

static void serve(nstime t, uint32_t client, uint32_t server)
{
    const struct observation o = offered(t, client, server);
    doubts_serve(d, DOUBT_OF_OFFER, &o);
}

static struct doubt_view view(uint32_t server)
{
    const struct observation o = observe(0, 0, server);
    return doubts_view(d, DOUBT_OF_OFFER, &o);
}

static void expect(uint32_t server, enum doubt_state state)
{
    assert_int_equal(view(server).state, state);
}

static void expect_turn(enum doubt_state state)
{
    assert_int_equal(turns, 1);
    assert_int_equal(turned[0], state);
}

/* --- open --- */

static void one_session_says_nothing(void **state)
{
    (void)state;
    expect(1, DOUBT_NONE);
    miss(NOON, 1, 1);
    struct doubt_view v = view(1);
    assert_int_equal(v.state, DOUBT_OPEN);
    assert_true(v.first == NOON);
    assert_int_equal(v.misses, 1);
    assert_int_equal(v.missed, 1);
    assert_int_equal(v.served, 0);
    doubts_tick(d, NOON + DAY - 1);
    assert_int_equal(turns, 0);
    expect(2, DOUBT_NONE);
    assert_int_equal(doubts_count(d), 1);
}

static void what_was_not_doubted_is_not_served(void **state)
{
    const struct observation o = missing(NOON, 1, 1);
    (void)state;
    serve(NOON, 1, 1);
    doubts_miss_again(d, DOUBT_OF_OFFER, &o);
    doubts_decide(d, NULL, NOON);
    expect(1, DOUBT_NONE);
    assert_int_equal(doubts_count(d), 0);
}

/* --- selective --- */

static void others_are_served(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    serve(NOON + 1, 2, 1);
    expect_turn(DOUBT_SELECTIVE);
    miss(NOON + 2, 1, 1);
    serve(NOON + 3, 3, 1);
    assert_int_equal(turns, 1); /* it is known */
    struct doubt_view v = view(1);
    assert_int_equal(v.misses, 2);
    assert_int_equal(v.served, 2);
    assert_int_equal(v.served_others, 2);
}

/* A client that was never served may be one that shall not be. */
static void a_new_client_may_not_be_served_at_all(void **state)
{
    struct doubt_ground g = ground(1);
    (void)state;
    g.known = false;
    miss_on(&g, NOON, 1, 1);
    for (uint32_t i = 2; i < 19; i++)
        serve(NOON + i, i, 1);
    expect(1, DOUBT_OPEN);
    doubts_finish(d, NOON + 20);
    assert_int_equal(turns, 0);
}

/* The same client now and then: by chance a server of which 40 sessions are known would have shown
 * before that one in four of its sessions misses it (0.75^40 = 1e-5). */
static void the_same_client_is_served(void **state)
{
    (void)state;
    for (uint32_t of = 39; of <= 40; of++) {
        struct usual u = {.of = of, .did = of, .clients = 10};
        struct doubt_ground g = ground(1);
        g.usual = &u;
        again();
        miss_on(&g, NOON, 1, 1);
        serve(NOON + 1, 1, 1);
        expect(1, of < 40 ? DOUBT_OPEN : DOUBT_SELECTIVE);
    }
}

/* --- reconfigured --- */

/* With three clients known, three are everybody; twenty misses are many. */
static void all_miss_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 19; i++)
        miss(NOON + i, i % 3, 1);
    expect(1, DOUBT_OPEN);
    miss(NOON + 19, 1, 1);
    expect_turn(DOUBT_RECONFIGURED);
    expect(1, DOUBT_NONE); /* it is forgotten */
}

/* Twenty miss it here, while others know the server. */
static void all_miss_it_here(void)
{
    others = 100;
    for (uint32_t i = 0; i < 20; i++)
        miss(NOON + i, i % 3, 1);
    expect(1, DOUBT_OPEN); /* what they saw until then may be on its way */
    doubts_tick(d, NOON + 10 * MINUTE);
    expect(1, DOUBT_OPEN);
    assert_int_equal(turns, 0);
}

/* One strip for all who pass here is no change of the server. */
static void other_sensors_see_it_offered(void **state)
{
    (void)state;
    all_miss_it_here();
    others = 103;
    miss(NOON + 20 * MINUTE - 1, 1, 1); /* not asked for each session */
    expect(1, DOUBT_OPEN);
    assert_int_equal(asked, 2);
    miss(NOON + 20 * MINUTE, 1, 1);
    expect_turn(DOUBT_SELECTIVE);
    assert_int_equal(view(1).elsewhere, 3);
    assert_int_equal(view(1).served, 0);
    others = 104;
    doubts_tick(d, NOON + HOUR);
    assert_int_equal(view(1).elsewhere, 4);
    others = 0; /* the store is away */
    doubts_tick(d, NOON + HOUR + DAY - 1);
    expect(1, DOUBT_SELECTIVE);
    doubts_finish(d, NOON + HOUR + DAY - 1);
    expect_turn(DOUBT_SELECTIVE);
    doubts_tick(d, NOON + HOUR + DAY + 10 * MINUTE); /* for a day there, too, nobody did */
    assert_int_equal(turns, 2);
    assert_int_equal(turned[1], DOUBT_RECONFIGURED);
}

static void other_sensors_do_not(void **state)
{
    (void)state;
    all_miss_it_here();
    doubts_tick(d, NOON + DAY);
    expect(1, DOUBT_OPEN);
    doubts_tick(d, NOON + DAY + 10 * MINUTE);
    expect_turn(DOUBT_RECONFIGURED);
    again();
    all_miss_it_here();
    doubts_finish(d, NOON + 20 * MINUTE); /* the end waits for nobody */
    expect_turn(DOUBT_RECONFIGURED);
}

/* Who is served here again is heard more than those. */
static void they_say_nothing_where_some_are_served(void **state)
{
    (void)state;
    all_miss_it_here();
    asked = 0;
    serve(NOON + 20 * MINUTE, 1, 1);
    serve(NOON + 20 * MINUTE, 4, 1);
    assert_int_equal(asked, 0);
}

static void two_of_many_are_not_all(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        miss(NOON + i, i % 2, 1);
    expect(1, DOUBT_OPEN);
}

static void two_of_two_are(void **state)
{
    struct usual u = well;
    struct doubt_ground g = ground(1);
    (void)state;
    g.usual = &u;
    for (u.clients = 1; u.clients <= 2; u.clients++) {
        again();
        for (uint32_t i = 0; i < 20; i++)
            miss_on(&g, NOON + i, i % 2, 1);
        expect_turn(DOUBT_RECONFIGURED);
    }
    again();
    for (uint32_t i = 0; i < 20; i++) /* one is not, though it be the only one */
        miss_on(&g, NOON + i, 1, 1);
    expect(1, DOUBT_OPEN);
}

static void a_day_without_anybody(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        miss(NOON + i, i, 1);
    doubts_tick(d, NOON + DAY - 1);
    expect(1, DOUBT_OPEN);
    doubts_tick(d, NOON + DAY + 10 * MINUTE);
    expect_turn(DOUBT_RECONFIGURED);
}

static void two_misses_are_too_few(void **state)
{
    struct usual u = well;
    struct doubt_ground g = ground(1);
    (void)state;
    u.clients = 2;
    g.usual = &u;
    miss_on(&g, NOON, 1, 1);
    miss_on(&g, NOON, 2, 1);
    doubts_tick(d, NOON + DAY);
    assert_int_equal(turns, 0);
    miss_on(&g, NOON + DAY, 2, 1);
    expect_turn(DOUBT_RECONFIGURED);
}

/* One alone takes a week. */
static void one_client_for_a_week(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 19; i++)
        miss(NOON + (nstime)i * 7 * HOUR, 1, 1);
    doubts_tick(d, NOON + WEEK);
    expect_turn(DOUBT_UNDECIDED);
    turns = 0;
    miss(NOON + WEEK - 1, 1, 1);
    assert_int_equal(turns, 0);
    miss(NOON + WEEK, 1, 1);
    expect_turn(DOUBT_RECONFIGURED);
}

static void who_was_served_stands_against_it(void **state)
{
    (void)state;
    miss(NOON, 0, 1);
    serve(NOON, 9, 1);
    for (uint32_t i = 0; i < 100; i++)
        miss(NOON + i, i % 3, 1);
    expect_turn(DOUBT_SELECTIVE);
    expect(1, DOUBT_SELECTIVE);
}

/* --- undecided --- */

static void nobody_else_came_by(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    miss(NOON + 1, 2, 1);
    doubts_tick(d, NOON + WEEK - 1);
    assert_int_equal(turns, 0);
    doubts_tick(d, NOON + WEEK + 10 * MINUTE);
    expect_turn(DOUBT_UNDECIDED);
}

/* Where there is one client, nobody else will come. */
static void nobody_else_would(void **state)
{
    struct usual u = well;
    struct doubt_ground g = ground(1);
    (void)state;
    u.clients = 1;
    g.usual = &u;
    miss_on(&g, NOON, 1, 1);
    doubts_tick(d, NOON + DAY - 1);
    assert_int_equal(turns, 0);
    doubts_tick(d, NOON + DAY + 10 * MINUTE);
    expect_turn(DOUBT_UNDECIDED);
    doubts_tick(d, NOON + 2 * DAY);
    assert_int_equal(turns, 1);
}

/* Others would have come within a day or more, if the input had gone on. */
static void the_end_of_a_long_input_decides_nothing(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    doubts_finish(d, NOON + DAY);
    assert_int_equal(turns, 0);
    doubts_finish(d, NOON + DAY - 1);
    expect_turn(DOUBT_UNDECIDED);
}

static void at_the_end_of_the_input(void **state)
{
    struct doubt_ground g = ground(4);
    (void)state;
    miss(NOON, 1, 1);
    for (uint32_t i = 0; i < 3; i++)
        miss(NOON + 2 * HOUR, i, 2);
    g.known = false;
    miss_on(&g, NOON + 4 * HOUR, 1, 4);
    doubts_finish(d, NOON + 4 * HOUR);
    assert_int_equal(turns, 2);
    assert_int_equal(at[0], 1);
    assert_int_equal(turned[0], DOUBT_UNDECIDED);
    assert_int_equal(at[1], 2);
    assert_int_equal(turned[1], DOUBT_RECONFIGURED);
    expect(4, DOUBT_OPEN);
}

/* --- path --- */

static void three_servers_on_one_path(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    miss(NOON + 5 * MINUTE, 2, 2);
    assert_int_equal(turns, 0);
    miss(NOON + 10 * MINUTE, 1, 3);
    assert_int_equal(turns, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(turned[i], DOUBT_PATH);
    miss(NOON + 10 * MINUTE, 1, 4); /* whoever follows is one of them */
    expect(4, DOUBT_PATH);
}

static void not_ten_minutes(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    miss(NOON + 5 * MINUTE, 1, 2);
    miss(NOON + 10 * MINUTE + 1, 1, 3);
    assert_int_equal(turns, 0);
}

static void not_of_one_owner(void **state)
{
    struct doubt_ground g = ground(1);
    (void)state;
    for (uint32_t server = 1; server <= 50; server++)
        miss_on(&g, NOON, 1, server);
    assert_int_equal(turns, 0);
    miss(NOON, 1, 51);
    assert_int_equal(turns, 0);
    miss(NOON, 1, 52);
    assert_int_equal(turns, 52);
}

static void not_on_several_paths(void **state)
{
    (void)state;
    for (uint32_t server = 1; server <= 20; server++) {
        struct doubt_ground g = ground(server);
        g.path = server / 2;
        miss_on(&g, NOON, 1, server);
    }
    assert_int_equal(turns, 0);
}

static void not_with_those_that_never_offered(void **state)
{
    (void)state;
    for (uint32_t server = 1; server <= 20; server++) {
        struct doubt_ground g = ground(server);
        g.latent = true;
        miss_on(&g, NOON, 1, server);
    }
    miss(NOON, 1, 21);
    miss(NOON, 1, 22);
    assert_int_equal(turns, 0);
}

static void not_with_one_that_serves_others(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    serve(NOON, 2, 1);
    miss(NOON, 1, 2);
    miss(NOON, 1, 3);
    expect_turn(DOUBT_SELECTIVE);
    expect(2, DOUBT_OPEN);
}

/* --- mixed --- */

static void in_turns(uint32_t client)
{
    miss(NOON, client, 1);
    serve(NOON, client, 1);
    miss(NOON, client, 1);
}

static void served_in_turns(void **state)
{
    (void)state;
    in_turns(0);
    in_turns(256);
    expect(1, DOUBT_SELECTIVE);
    in_turns(512);
    assert_int_equal(turned[turns - 1], DOUBT_MIXED);
    expect(1, DOUBT_NONE); /* forgotten */
}

/* Whoever sits before one network cannot make a server look as if it served in turns. */
static void one_network_in_turns_is_not_enough(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        in_turns(i % 10);
    for (uint32_t i = 0; i < 40; i++)
        in_turns(256 + i % 10);
    expect_turn(DOUBT_SELECTIVE);
}

/* Clients of three networks that it never served, while it serves others: it leaves some out. */
static void some_are_never_served(void **state)
{
    struct doubt_ground g = ground(1);
    (void)state;
    g.known = false;
    miss_on(&g, NOON, 0, 1);
    miss_on(&g, NOON, 256, 1);
    serve(NOON, 1024, 1);
    miss_on(&g, NOON, 257, 1);
    assert_int_equal(turns, 0);
    miss_on(&g, NOON, 512, 1);
    expect_turn(DOUBT_MIXED);
}

/* First nobody, then everybody: that is an attack, or trouble, that has come to its end. If it made
 * the server mixed, three sessions without the offer would blind the sensor to it for a month. */
static void one_after_the_other_is_not_in_turns(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 9; i++)
        miss(NOON, i % 3 * 256, 1);
    for (uint32_t i = 0; i < 19; i++)
        serve(NOON + HOUR, i % 3 * 256, 1);
    expect_turn(DOUBT_SELECTIVE);
    serve(NOON + HOUR, 0, 1);
    assert_int_equal(turns, 2);
    assert_int_equal(turned[1], DOUBT_NONE);
}

/* --- over --- */

static void twenty_in_a_row(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    for (uint32_t i = 0; i < 19; i++)
        serve(NOON, 2, 1);
    miss(NOON, 1, 1); /* not yet */
    for (uint32_t i = 0; i < 19; i++)
        serve(NOON, 2, 1);
    expect(1, DOUBT_SELECTIVE);
    serve(NOON, 2, 1);
    expect(1, DOUBT_NONE);
    assert_int_equal(doubts_count(d), 0);
}

static void a_week_without_a_miss(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    serve(NOON, 2, 1);
    doubts_tick(d, NOON + WEEK - 1);
    expect(1, DOUBT_SELECTIVE);
    doubts_tick(d, NOON + WEEK + 10 * MINUTE);
    expect(1, DOUBT_NONE);
}

/* --- of upgrades --- */

static void miss_upgrade(nstime t, uint32_t client)
{
    const struct doubt_ground g = ground(1);
    const struct observation o = refused(t, client, 1);
    doubts_decide(d, doubts_miss(d, DOUBT_OF_UPGRADE, &o, &g), t);
}

static void serve_upgrade(nstime t, uint32_t client)
{
    const struct observation o = offered(t, client, 1);
    doubts_serve(d, DOUBT_OF_UPGRADE, &o);
}

/* Trouble with a certificate ends: who is served ten minutes later, or after two had missed it,
 * shows that and no more. */
static void trouble_with_tls_ends(void **state)
{
    (void)state;
    miss_upgrade(NOON, 1);
    serve_upgrade(NOON + 10 * MINUTE, 2);
    expect_turn(DOUBT_SELECTIVE);
    expect(1, DOUBT_NONE); /* the offer is not in doubt */
    again();
    miss_upgrade(NOON, 1);
    serve_upgrade(NOON + 10 * MINUTE + 1, 2);
    assert_int_equal(turns, 0);
    again();
    miss_upgrade(NOON, 1);
    miss_upgrade(NOON, 2);
    serve_upgrade(NOON, 3);
    assert_int_equal(turns, 0);
}

/* It lasts until all have missed it, and longer: whoever missed it last stands not apart. */
static void trouble_of_hours_is_one(void **state)
{
    const struct observation o = offered(NOON, 9, 1);
    (void)state;
    for (uint32_t i = 0; i < 41; i++)
        miss_upgrade(NOON + i * 10 * MINUTE, i % 10);
    expect_turn(DOUBT_RECONFIGURED);
    serve_upgrade(NOON + 401 * MINUTE, 11);
    miss_upgrade(NOON + 402 * MINUTE, 1);
    for (uint32_t i = 0; i < 19; i++)
        serve_upgrade(NOON + 403 * MINUTE, i);
    assert_int_equal(doubts_view(d, DOUBT_OF_UPGRADE, &o).state, DOUBT_RECONFIGURED);
    assert_int_equal(turns, 1);
    serve_upgrade(NOON + 403 * MINUTE, 1);
    assert_int_equal(turned[1], DOUBT_NONE);
    assert_int_equal(doubts_view(d, DOUBT_OF_UPGRADE, &o).state, DOUBT_NONE);
}

/* --- of servers that had never offered --- */

static void miss_latent(nstime t, uint32_t client)
{
    const struct doubt_ground g = {.usual = &none, .latent = true, .group = 1, .path = 5};
    miss_on(&g, t, client, 1);
}

/* The client was stripped from the first day on: three others and twenty sessions show it. */
static void stripped_before_it_was_known(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        miss_latent(NOON, 1);
    doubts_tick(d, NOON + WEEK);
    assert_int_equal(turns, 0); /* most servers that never offer do not */
    miss_latent(NOON + WEEK, 1);
    for (uint32_t i = 0; i < 19; i++)
        serve(NOON + WEEK + HOUR, 2 + i % 3, 1);
    assert_int_equal(turns, 0);
    serve(NOON + WEEK + HOUR, 2, 1);
    expect_turn(DOUBT_SELECTIVE);
}

static void two_others_are_too_few(void **state)
{
    (void)state;
    miss_latent(NOON, 1);
    for (uint32_t i = 0; i < 100; i++)
        serve(NOON, 2 + i % 2, 1);
    assert_int_equal(turns, 0);
    doubts_finish(d, NOON); /* but no more will come */
    expect_turn(DOUBT_SELECTIVE);
}

static void a_server_that_learns_tls(void **state)
{
    (void)state;
    miss_latent(NOON, 1);
    miss_latent(NOON, 2);
    serve(NOON + 1, 3, 1);
    expect_turn(DOUBT_NONE);
    again();
    miss_latent(NOON, 1); /* a day without anybody: it may have been set up in between */
    serve(NOON + DAY, 3, 1);
    expect_turn(DOUBT_NONE);
    again();
    miss_latent(NOON, 1);
    serve(NOON + DAY - 1, 3, 1);
    assert_int_equal(turns, 0);
    doubts_finish(d, NOON + DAY); /* one session of another is too few */
    expect_turn(DOUBT_NONE);
}

static void they_do_not_drive_out_the_others(void **state)
{
    const struct doubt_ground g = {.usual = &none, .latent = true};
    (void)state;
    miss(NOON, 1, 1);
    for (uint32_t server = 2; server < 2 + 2 * CAP_HISTORY_DOUBTS; server++)
        miss_on(&g, NOON, 1, server);
    expect(1, DOUBT_OPEN);
    assert_int_equal(doubts_count(d), 1);
}

/* --- caps --- */

static void the_oldest_gives_way(void **state)
{
    const struct doubt_ground g = ground(1); /* one owner */
    (void)state;
    for (uint32_t server = 0; server < CAP_HISTORY_DOUBTS; server++)
        miss_on(&g, NOON, 1, server);
    assert_int_equal(doubts_evicted(d), 0);
    miss_on(&g, NOON, 1, 0); /* again: it is not the oldest */
    miss_on(&g, NOON, 1, CAP_HISTORY_DOUBTS);
    assert_int_equal(doubts_evicted(d), 1);
    assert_int_equal(doubts_count(d), CAP_HISTORY_DOUBTS);
    expect(0, DOUBT_OPEN);
    expect(1, DOUBT_NONE);
    expect(2, DOUBT_OPEN);
}

static void twelve_clients_are_told_apart(void **state)
{
    (void)state;
    miss(NOON, 1, 1);
    for (uint32_t i = 2; i < 19; i++)
        serve(NOON, i, 1);
    assert_int_equal(view(1).served, 17);
    assert_int_equal(view(1).served_others, DOUBT_CLIENTS - 1);
}

static void cases_and_notes(void **state)
{
    uint8_t note[CAP_HISTORY_NOTE + 1];
    struct observation o = missing(NOON, 1, 1);
    const struct doubt_ground g = ground(1);
    (void)state;
    memset(note, 0xa5, sizeof(note));
    struct doubt *of = doubts_miss(d, DOUBT_OF_OFFER, &o, &g);
    doubts_case(of, &o, note, sizeof(note));
    assert_int_equal(of->item_count, 0); /* too long to be handed back whole */
    doubts_case(of, &o, note, CAP_HISTORY_NOTE);
    assert_int_equal(of->item_count, 1);
    assert_int_equal(of->item[0].note_n, CAP_HISTORY_NOTE);
    assert_memory_equal(of->item[0].note, note, CAP_HISTORY_NOTE);
    assert_true(of->item[0].time == NOON && of->item[0].flow_id == o.flow_id);
    doubts_case(of, &o, note, 0);
    for (int i = 0; i < 10; i++)
        doubts_case(of, &o, note, 1);
    assert_int_equal(of->item_count, CAP_HISTORY_CASES);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_session_says_nothing),
        T(what_was_not_doubted_is_not_served),
        T(others_are_served),
        T(a_new_client_may_not_be_served_at_all),
        T(the_same_client_is_served),
        T(all_miss_it),
        T(other_sensors_see_it_offered),
        T(other_sensors_do_not),
        T(they_say_nothing_where_some_are_served),
        T(two_of_many_are_not_all),
        T(two_of_two_are),
        T(a_day_without_anybody),
        T(two_misses_are_too_few),
        T(one_client_for_a_week),
        T(who_was_served_stands_against_it),
        T(nobody_else_came_by),
        T(nobody_else_would),
        T(the_end_of_a_long_input_decides_nothing),
        T(at_the_end_of_the_input),
        T(three_servers_on_one_path),
        T(not_ten_minutes),
        T(not_of_one_owner),
        T(not_on_several_paths),
        T(not_with_those_that_never_offered),
        T(not_with_one_that_serves_others),
        T(served_in_turns),
        T(one_network_in_turns_is_not_enough),
        T(some_are_never_served),
        T(one_after_the_other_is_not_in_turns),
        T(twenty_in_a_row),
        T(a_week_without_a_miss),
        T(trouble_with_tls_ends),
        T(trouble_of_hours_is_one),
        T(stripped_before_it_was_known),
        T(two_others_are_too_few),
        T(a_server_that_learns_tls),
        T(they_do_not_drive_out_the_others),
        T(the_oldest_gives_way),
        T(twelve_clients_are_told_apart),
        T(cases_and_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
