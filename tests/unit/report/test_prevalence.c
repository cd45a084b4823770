/* SPDX-License-Identifier: Apache-2.0 */
#include "report/prevalence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = {1, 2};
static struct prevalence *p;

static int begin(void **state)
{
    (void)state;
    p = prevalence_new(&key);
    return p ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    prevalence_free(p);
    return 0;
}

/* 192.0.2.SERVER, met by the sensor of that name on that day of 1970. */
static struct event session(const char *host, int32_t day, uint8_t server, uint8_t states)
{
    struct event e = {.day = day, .family = 4, .server = {192, 0, 2, server}, .port = 25};
    e.states = states;
    e.cause = CAUSE_ON_PATH_REWRITE;
    snprintf(e.vantage.host, sizeof(e.vantage.host), "%s", host);
    snprintf(e.vantage.interface, sizeof(e.vantage.interface), "-");
    if (states & EVENT_GARBLED)
        snprintf(e.token, sizeof(e.token), "XXXXXXXX");
    return e;
}

static void add(const char *host, int32_t day, uint8_t server, uint8_t states)
{
    struct event e = session(host, day, server, states);
    prevalence_add(p, &e);
}

static const struct prevalence_sum *sum(enum prevalence_place place, enum prevalence_base base)
{
    return &prevalence_total(p, place)->sum[base];
}

static uint64_t count(enum prevalence_place place, enum prevalence_state s)
{
    return sum(place, PREVALENCE_OF_ALL)->share[s].count;
}

/* Six servers on one day: three with TLS, of which one was garbled in one of two sessions; one
 * refuses; two have nothing. 2 of 6 are affected: 33 %, far. */
static void states_stand_each_for_itself(void **state)
{
    (void)state;
    add("s", 1, 1, EVENT_OFFERED | EVENT_ENCRYPTED);
    add("s", 1, 2, EVENT_OFFERED);
    add("s", 1, 3, EVENT_OFFERED | EVENT_ENCRYPTED);
    add("s", 1, 3, EVENT_GARBLED);
    add("s", 1, 4, EVENT_OFFERED | EVENT_REFUSED);
    add("s", 1, 5, 0);
    add("s", 1, 6, 0);
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    assert_int_equal(prevalence_total(p, PREVALENCE_FAR)->sessions, 7);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->days, 6);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->servers, 6);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_TLS)->days, 4);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_OFFERED), 4);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_ENCRYPTED), 2);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_GARBLED), 1);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_REMOVED), 0);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_REFUSED), 1);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_AFFECTED), 2);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->share[PREVALENCE_AFFECTED].share,
                     333333);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_TLS)->share[PREVALENCE_AFFECTED].share,
                     500000);
    assert_int_equal(sum(PREVALENCE_NEAR_BY, PREVALENCE_OF_ALL)->days, 0);
}

/* A thousand sessions of one server weigh as one session of another. */
static void sessions_have_no_weight(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        add("s", 1, 1, EVENT_GARBLED);
    for (uint8_t server = 2; server <= 10; server++)
        add("s", 1, server, EVENT_OFFERED);
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_GARBLED), 1);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->share[PREVALENCE_GARBLED].share,
                     100000);
}

/* 4 of 5 is 80 per cent; 3 of 4 and 4 of 4 are too few servers to tell; 3 of 5 is far. */
static void most_servers_of_a_vantage_are_near(void **state)
{
    (void)state;
    for (uint8_t server = 1; server <= 5; server++) {
        add("near", 1, server, server <= 4 ? EVENT_GARBLED : EVENT_OFFERED);
        add("far", 1, server, server <= 3 ? EVENT_GARBLED : EVENT_OFFERED);
        if (server <= 4)
            add("few", 1, server, EVENT_GARBLED);
        add("near", 2, server, EVENT_OFFERED); /* the next day it is gone */
    }
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    assert_int_equal(count(PREVALENCE_NEAR_BY, PREVALENCE_GARBLED), 4);
    assert_int_equal(sum(PREVALENCE_NEAR_BY, PREVALENCE_OF_ALL)->days, 5);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_GARBLED), 3);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->days, 10);
    assert_int_equal(count(PREVALENCE_FEW, PREVALENCE_GARBLED), 4);
    assert_int_equal(prevalence_boxes(p), 1);
    struct prevalence_box box = prevalence_box(p, 0);
    assert_string_equal(box.vantage->host, "near");
    assert_int_equal(box.day, 1);
    assert_int_equal(box.servers, 5);
    assert_int_equal(box.affected, 4);
}

/* What two vantages saw of a server on a day is one server-day, if both are far. */
static void vantages_of_a_place_are_one(void **state)
{
    (void)state;
    for (uint8_t server = 1; server <= 6; server++) {
        add("a", 1, server, EVENT_OFFERED);
        add("b", 1, server, server == 1 ? EVENT_GARBLED : EVENT_OFFERED);
    }
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->days, 6);
    assert_int_equal(prevalence_total(p, PREVALENCE_FAR)->sessions, 12);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_OFFERED), 6);
    assert_int_equal(count(PREVALENCE_FAR, PREVALENCE_GARBLED), 1);
    assert_int_equal(prevalence_counts(p)->vantages, 2);
}

static void the_unknown_are_apart(void **state)
{
    (void)state;
    struct event e = session("s", 1, 1, 0);
    e.reply = EVENT_REPLY_GAP;
    prevalence_add(p, &e); /* another session of that day knows more */
    add("s", 1, 1, EVENT_OFFERED);
    e = session("s", 1, 2, 0);
    e.reply = EVENT_REPLY_NONE;
    prevalence_add(p, &e);
    e = session("s", 1, 3, EVENT_OFFERED);
    e.port = 2525;
    prevalence_add(p, &e);
    e = session("s", 1, 3, EVENT_OFFERED);
    e.handed_in = true;
    prevalence_add(p, &e);
    e = session("s", 1, 3, EVENT_OFFERED);
    e.implicit = true;
    prevalence_add(p, &e);
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    const struct prevalence_counts *c = prevalence_counts(p);
    assert_int_equal(c->fate[PREVALENCE_COUNTED], 1);
    assert_int_equal(c->fate[PREVALENCE_UNKNOWN], 2);
    assert_int_equal(c->unknown[EVENT_REPLY_GAP], 1);
    assert_int_equal(c->unknown[EVENT_REPLY_NONE], 1);
    assert_int_equal(c->fate[PREVALENCE_OTHER_PORT], 2);
    assert_int_equal(c->fate[PREVALENCE_HANDED_IN], 1);
    assert_int_equal(c->unknown_days, 1);
    assert_int_equal(sum(PREVALENCE_FEW, PREVALENCE_OF_ALL)->days, 1);
}

/* Three servers of two networks on two days. */
static void add_two_nets(void)
{
    for (int32_t day = 1; day <= 2; day++) {
        struct event e = session("s", day, 1, EVENT_OFFERED);
        prevalence_add(p, &e);
        e.server[3] = 200;
        e.states = EVENT_GARBLED;
        prevalence_add(p, &e);
        e.server[2] = 3;
        e.states = EVENT_OFFERED;
        prevalence_add(p, &e);
    }
}

static void parts(enum prevalence_by by, const char *labels[], const uint32_t days[], uint32_t n)
{
    add_two_nets();
    assert_int_equal(prevalence_close(p, by, NULL), 0);
    assert_int_equal(prevalence_groups(p, PREVALENCE_FEW), n);
    assert_int_equal(prevalence_groups(p, PREVALENCE_FAR), 0);
    for (uint32_t i = 0; i < n; i++) {
        struct prevalence_group g;
        assert_int_equal(prevalence_group(p, PREVALENCE_FEW, i, &g), 0);
        assert_string_equal(g.label, labels[i]);
        assert_int_equal(g.sum[PREVALENCE_OF_ALL].days, days[i]);
    }
}

static void by_network_the_affected_first(void **state)
{
    (void)state;
    parts(PREVALENCE_BY_NET, (const char *[]){"192.0.2.0/24", "192.0.3.0/24"}, (uint32_t[]){4, 2},
          2);
}

static void by_server(void **state)
{
    (void)state;
    parts(PREVALENCE_BY_SERVER, (const char *[]){"192.0.2.200", "192.0.2.1", "192.0.3.200"},
          (uint32_t[]){2, 2, 2}, 3);
}

static void by_day_in_its_order(void **state)
{
    (void)state;
    parts(PREVALENCE_BY_DAY, (const char *[]){"1970-01-02", "1970-01-03"}, (uint32_t[]){3, 3}, 2);
}

static void networks_of_ipv6_have_48_bits(void **state)
{
    (void)state;
    struct event e = session("s", -1, 1, EVENT_OFFERED);
    e.family = 6;
    memcpy(e.server, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, 0, 5, 0xff, 1}, 16);
    prevalence_add(p, &e);
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NET, NULL), 0);
    struct prevalence_group g;
    assert_int_equal(prevalence_group(p, PREVALENCE_FEW, 0, &g), 0);
    assert_string_equal(g.label, "2001:db8:5::/48");
}

/* XXXXXXXX of two servers on three server-days, and a word of one; the mask of a near vantage is a
 * row of its own. */
static void strings_are_counted_by_server_days(void **state)
{
    (void)state;
    add("s", 1, 1, EVENT_GARBLED);
    add("s", 1, 1, EVENT_GARBLED);
    add("s", 2, 1, EVENT_GARBLED);
    add("s", 2, 2, EVENT_GARBLED);
    struct event e = session("s", 2, 3, EVENT_GARBLED);
    snprintf(e.token, sizeof(e.token), "%s", "STARTFOO");
    prevalence_add(p, &e);
    for (uint8_t server = 1; server <= 5; server++)
        add("box", 1, server, EVENT_GARBLED);
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_NOTHING, NULL), 0);
    assert_int_equal(prevalence_garbles(p), 3);
    struct prevalence_garble g = prevalence_garble(p, 0);
    assert_int_equal(g.place, PREVALENCE_NEAR_BY);
    assert_int_equal(g.days, 5);
    g = prevalence_garble(p, 1);
    assert_string_equal(g.text, "XXXXXXXX");
    assert_int_equal(g.place, PREVALENCE_FEW);
    assert_int_equal(g.days, 3);
    assert_int_equal(g.servers, 2);
    assert_string_equal(prevalence_garble(p, 2).text, "STARTFOO");
}

static void nothing_is_no_error(void **state)
{
    (void)state;
    assert_int_equal(prevalence_close(p, PREVALENCE_BY_SERVER, NULL), 0);
    assert_int_equal(prevalence_groups(p, PREVALENCE_FAR), 0);
    assert_int_equal(sum(PREVALENCE_FAR, PREVALENCE_OF_ALL)->share[0].method, INTERVAL_NONE);
}

/* What does not fit is told, and what is known already goes on. */
static void beyond_the_cap_sessions_are_left_out(void **state)
{
    (void)state;
    struct event e = session("s", 1, 1, EVENT_OFFERED);
    for (uint32_t i = 0; i < CAP_SERVER_DAYS + 3; i++) {
        e.day = (int32_t)i;
        prevalence_add(p, &e);
    }
    e.day = 0;
    prevalence_add(p, &e);
    assert_int_equal(prevalence_counts(p)->fate[PREVALENCE_LEFT_OUT], 3);
    assert_int_equal(prevalence_counts(p)->fate[PREVALENCE_COUNTED], CAP_SERVER_DAYS + 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(states_stand_each_for_itself),
        CASE(sessions_have_no_weight),
        CASE(most_servers_of_a_vantage_are_near),
        CASE(vantages_of_a_place_are_one),
        CASE(the_unknown_are_apart),
        CASE(by_network_the_affected_first),
        CASE(by_server),
        CASE(by_day_in_its_order),
        CASE(networks_of_ipv6_have_48_bits),
        CASE(strings_are_counted_by_server_days),
        CASE(nothing_is_no_error),
        CASE(beyond_the_cap_sessions_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
