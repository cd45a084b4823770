/* SPDX-License-Identifier: Apache-2.0 */
/* Which domain is looked up next, and when: by arithmetic, with a clock of our own. */
#include "policy/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND NS_PER_S
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (1795219200 * NS_PER_S)

static const struct siphash_key key = {1, 2};
static struct asking *a;
static struct domain got;
static char id[CAP_STS_ID + 1];

static int setup(void **state)
{
    (void)state;
    a = asking_new(&key);
    return a ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    asking_free(a);
    return 0;
}

static struct domain dom(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

static struct domain numbered(unsigned n)
{
    char name[32];
    snprintf(name, sizeof(name), "d%u.test", n);
    return dom(name);
}

static struct asking_host host(uint8_t n)
{
    return (struct asking_host){.family = 4, .net = {192, 0, n}};
}

static void want(nstime t, const char *name, uint8_t from)
{
    struct domain d = dom(name);
    struct asking_host h = host(from);
    asking_want(a, t, &d, &h);
}

static bool next(nstime t)
{
    return asking_next(a, t, &got, id);
}

static void done(nstime t, const char *name, enum asking_outcome outcome, const char *its,
                 nstime until)
{
    struct domain d = dom(name);
    asking_done(a, t, &d, outcome, its, until);
}

static void asked_is(nstime t, const char *name)
{
    assert_true(next(t));
    assert_string_equal(got.text, name);
}

/* Wanted, asked and answered at once. */
static void ask(nstime t, const char *name, enum asking_outcome outcome, nstime until)
{
    want(t, name, 1);
    asked_is(t, name);
    done(t, name, outcome, outcome == ASKING_POLICY ? "1" : "", until);
}

/* The first second at which it is asked when it is wanted each second. */
static nstime asked_again(nstime from, nstime to, const char *name)
{
    for (nstime t = from; t <= to; t += SECOND) {
        want(t, name, 1);
        if (next(t))
            return t;
    }
    return INT64_MAX;
}

static void eight_at_a_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct domain d = numbered(i);
        struct asking_host h = host(1);
        asking_want(a, START, &d, &h);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_true(next(START));
    assert_false(next(START));
    assert_true(asking_due(a) == INT64_MAX);
    done(START, "d3.test", ASKING_NOTHING, "", 0);
    assert_true(asking_due(a) <= START);
    asked_is(START, "d8.test");
    assert_false(next(START));
    assert_int_equal(asking_stats(a).flying, 8);
    assert_int_equal(asking_stats(a).waiting, 11);
}

static void an_answer_that_nobody_asked_for(void **state)
{
    (void)state;
    done(START, "a.test", ASKING_POLICY, "1", START + DAY);
    want(START, "a.test", 1);
    done(START, "a.test", ASKING_POLICY, "1", START + DAY);
    assert_int_equal(asking_stats(a).answered, 0);
    asked_is(START, "a.test");
    done(START, "a.test", ASKING_NOTHING, "", 0);
    done(START, "a.test", ASKING_NOTHING, "", 0);
    assert_int_equal(asking_stats(a).answered, 1);
    assert_int_equal(asking_stats(a).flying, 0);
}

/* However the answers come, no minute has more than 300. */
static void three_hundred_a_minute(void **state)
{
    static nstime asked[1000];
    unsigned n = 0, wanted = 0;
    (void)state;
    for (nstime t = START; n < 1000; t += 50 * NS_PER_MS) {
        struct asking_host h = host(1);
        for (int i = 0; i < 8; i++) {
            struct domain d = numbered(wanted++);
            asking_want(a, t, &d, &h);
        }
        while (n < 1000 && next(t)) {
            asked[n++] = t;
            asking_done(a, t, &got, ASKING_NOTHING, "", 0);
        }
    }
    for (unsigned i = 0; i + 300 < n; i++)
        assert_true(asked[i + 300] - asked[i] >= MINUTE);
    assert_true(asked[999] - asked[0] <= 3 * MINUTE + SECOND); /* and each minute is used */
}

/* A million domains of one host in a minute: another's is asked in the next turns. */
static void one_floods_and_another_is_served(void **state)
{
    const unsigned million = 1000000;
    const struct asking_host flood = host(1), other = host(2);
    struct domain lone = dom("lone.test");
    nstime t = START;
    unsigned asked = 0, behind = 0;
    bool served = false;
    (void)state;
    for (unsigned i = 0; i < million; i++, t += MINUTE / million) {
        struct domain d = numbered(i);
        asking_want(a, t, &d, &flood);
        if (i == million / 2)
            asking_want(a, t, &lone, &other);
        while (next(t)) {
            asked++;
            behind += i >= million / 2 && !served;
            served |= strcmp(got.text, "lone.test") == 0;
            asking_done(a, t, &got, ASKING_NOTHING, "", 0);
        }
    }
    assert_true(asked <= 300);
    if (!served) { /* the flood had the whole minute's: the other is among the next two */
        for (t = START + MINUTE; !served && t < START + MINUTE + SECOND; t += MINUTE / million) {
            if (!next(t))
                continue;
            behind++;
            served = strcmp(got.text, "lone.test") == 0;
            asking_done(a, t, &got, ASKING_NOTHING, "", 0);
        }
    }
    assert_true(served);
    assert_true(behind <= 2);
    struct asking_stats s = asking_stats(a);
    assert_int_equal(s.wanted, million + 1);
    assert_int_equal(s.wanted, s.asked + s.dropped + s.spared + s.waiting);
    assert_true(s.waiting <= 1000);
    assert_true(s.bytes < 4u << 20);
    print_message("a million domains: %llu asked, %llu dropped, %llu known, %llu bytes\n",
                  (unsigned long long)s.asked, (unsigned long long)s.dropped,
                  (unsigned long long)s.known, (unsigned long long)s.bytes);
}

static void hosts_come_in_turn(void **state)
{
    (void)state;
    want(START, "a1.test", 1);
    want(START, "a2.test", 1);
    want(START, "a3.test", 1);
    want(START, "b1.test", 2);
    want(START, "b2.test", 2);
    want(START, "c1.test", 3);
    asked_is(START, "a1.test");
    asked_is(START, "b1.test");
    asked_is(START, "c1.test");
    asked_is(START, "a2.test");
    asked_is(START, "b2.test");
    asked_is(START, "a3.test");
    assert_false(next(START));
}

static void a_full_queue(void **state)
{
    struct asking_host first = host(1), second = host(2);
    struct domain d;
    (void)state;
    for (unsigned i = 0; i < 1001; i++) { /* its own newest has no place */
        d = numbered(i);
        asking_want(a, START, &d, &first);
    }
    assert_int_equal(asking_stats(a).waiting, 1000);
    assert_int_equal(asking_stats(a).dropped, 1);
    for (unsigned i = 2000; i < 2600; i++) { /* each takes one's place until they are even */
        d = numbered(i);
        asking_want(a, START, &d, &second);
    }
    assert_int_equal(asking_stats(a).waiting, 1000);
    assert_int_equal(asking_stats(a).dropped, 601);
    unsigned of_first = 0;
    for (nstime t = START; of_first < 1000 && asking_stats(a).waiting > 0; t += MINUTE / 300) {
        if (!next(t))
            continue;
        unsigned n = 0;
        assert_int_equal(sscanf(got.text, "d%u.", &n), 1);
        of_first += n < 1000;
        assert_true(n < 500 || (n >= 2000 && n < 2500)); /* the newest gave way */
        asking_done(a, t, &got, ASKING_NOTHING, "", 0);
    }
    assert_int_equal(of_first, 500);
    for (unsigned i = 0; i < 1000; i++) { /* a thousand hosts with one each: there is no place */
        struct asking_host h = {.family = 6, .net = {(uint8_t)(i >> 8), (uint8_t)i}};
        d = numbered(5000 + i);
        asking_want(a, START + HOUR, &d, &h);
    }
    d = numbered(9000);
    asking_want(a, START + HOUR, &d, &first);
    assert_int_equal(asking_stats(a).dropped, 602);
}

/* RFC 8461 section 3.3: five minutes at least; then twice as long each time, up to four hours. */
static void failures_wait_longer_each_time(void **state)
{
    nstime t = START, pause = 5 * MINUTE;
    (void)state;
    ask(t, "a.test", ASKING_FAILED, 0);
    for (int i = 0; i < 10; i++) {
        nstime again = asked_again(t + SECOND, t + 5 * HOUR, "a.test");
        assert_true(again - t >= pause && again - t <= pause + pause / 10 + SECOND);
        t = again;
        done(t, "a.test", ASKING_FAILED, "", 0);
        pause = pause * 2 < 4 * HOUR ? pause * 2 : 4 * HOUR;
    }
    t = asked_again(t + SECOND, t + 5 * HOUR, "a.test");
    done(t, "a.test", ASKING_NOTHING, "", 0);
    nstime again = asked_again(t + SECOND, t + 5 * HOUR, "a.test");
    assert_true(again - t >= 4 * HOUR);
    done(again, "a.test", ASKING_FAILED, "", 0); /* the first of another row */
    t = asked_again(again + SECOND, again + 5 * HOUR, "a.test");
    assert_true(t - again <= 5 * MINUTE + 30 * SECOND + SECOND);
    assert_int_equal(asking_stats(a).failed, 12);
}

static void nothing_found_is_known_for_hours(void **state)
{
    (void)state;
    ask(START, "a.test", ASKING_NOTHING, 0);
    nstime again = asked_again(START + SECOND, START + 5 * HOUR, "a.test");
    assert_true(again - START >= 4 * HOUR && again - START <= 4 * HOUR + 24 * MINUTE + SECOND);
    assert_true(asking_stats(a).spared > 14000);
}

/* Without any mail: a day later at most, and a tenth of it earlier at most. */
static void policies_are_refreshed(void **state)
{
    (void)state;
    ask(START, "a.test", ASKING_POLICY, START + 365 * DAY);
    nstime due = asking_due(a);
    assert_true(due - START <= DAY && due - START >= DAY - DAY / 10);
    assert_false(next(due - 1));
    asked_is(due, "a.test");
    assert_string_equal(id, ""); /* it is fetched, whatever the record says */
    done(due, "a.test", ASKING_FAILED, "", 0);
    nstime retry = asking_due(a); /* and again without mail: it has not ended */
    assert_true(retry - due >= 5 * MINUTE && retry - due <= 6 * MINUTE);
    asked_is(retry, "a.test");
    done(retry, "a.test", ASKING_POLICY, "1", retry + 6 * HOUR);
    due = asking_due(a); /* before it ends, with time to try again */
    assert_true(due - retry <= 3 * HOUR && due - retry >= 3 * HOUR - 18 * MINUTE);
    asked_is(due, "a.test");
    done(due, "a.test", ASKING_POLICY, "1", due + SECOND);
    assert_true(asking_due(a) - due == 5 * MINUTE); /* and never more often */
    asked_is(asking_due(a), "a.test");
    done(due + 5 * MINUTE, "a.test", ASKING_NOTHING, "", 0);
    assert_true(asking_due(a) == INT64_MAX); /* it has ended, and there is none */
}

static void the_same_domain_waits_as_long_each_time(void **state)
{
    nstime due;
    (void)state;
    ask(START, "a.test", ASKING_POLICY, START + 365 * DAY);
    due = asking_due(a) - START;
    ask(START, "b.test", ASKING_POLICY, START + 365 * DAY);
    asking_free(a);
    a = asking_new(&key);
    ask(START + DAY, "a.test", ASKING_POLICY, START + 365 * DAY);
    assert_true(asking_due(a) - START - DAY == due);
}

static void a_new_id_is_asked_at_once(void **state)
{
    struct domain d = dom("a.test"), unknown = dom("b.test");
    nstime t = START + HOUR;
    (void)state;
    ask(START, "a.test", ASKING_POLICY, START + 30 * DAY);
    asking_id(a, t, &unknown, "2"); /* no mail was seen for it */
    asking_id(a, t, &d, "1");
    assert_false(next(t));
    asking_id(a, t, &d, "2");
    asked_is(t, "a.test");
    assert_string_equal(id, "1");
    done(t, "a.test", ASKING_SAME, "", 0); /* somebody lied, or a cache is old */
    nstime due = asking_due(a);
    assert_true(due - START <= DAY && due - START >= DAY - DAY / 10);
    t += HOUR;
    asking_id(a, t, &d, "2"); /* again: it was asked for */
    assert_false(next(t));
    asking_id(a, t, &d, "3");
    asked_is(t, "a.test");
    done(t, "a.test", ASKING_POLICY, "3", t + 30 * DAY);
    asking_id(a, t + 5 * MINUTE - 1, &d, "4"); /* whoever writes one each second */
    assert_false(next(t + 5 * MINUTE - 1));
    asking_id(a, t + 5 * MINUTE, &d, "4");
    asked_is(t + 5 * MINUTE, "a.test");
}

/* As many as are remembered; what there is no policy of goes first. */
static void memory_is_bounded(void **state)
{
    char name[CAP_DOMAIN_TEXT + 1];
    const unsigned many = 70000;
    nstime t = START;
    uint64_t bytes = 0;
    (void)state;
    ask(t, "kept.test", ASKING_POLICY, START + 365 * DAY);
    for (unsigned i = 0; i < many; i++, t += MINUTE / 300) {
        /* 253 bytes, the longest name there is (RFC 1035) */
        snprintf(name, sizeof(name), "%063u.%063u.%063u.%061u", i, i, i, i);
        want(t, name, 1);
        if (next(t))
            asking_done(a, t, &got, ASKING_NOTHING, "", 0);
        bytes = asking_stats(a).bytes > bytes ? asking_stats(a).bytes : bytes;
    }
    assert_int_equal(asking_stats(a).known, CAP_ASKING_KNOWN);
    assert_true(bytes < 32u << 20);
    print_message("as many as are remembered, of the longest names: %llu bytes\n",
                  (unsigned long long)bytes);
    assert_true(asking_due(a) < INT64_MAX); /* the policy is still there */
}

static void what_flew_is_asked_again(void **state)
{
    (void)state;
    want(START, "a.test", 1);
    want(START, "b.test", 2);
    asked_is(START, "a.test");
    asked_is(START, "b.test");
    asking_restart(a, START + SECOND);
    assert_int_equal(asking_stats(a).flying, 0);
    assert_int_equal(asking_stats(a).waiting, 2);
    done(START + SECOND, "a.test", ASKING_NOTHING, "", 0); /* of the one that is gone */
    asked_is(START + SECOND, "a.test");
    asked_is(START + SECOND, "b.test");
    done(START + SECOND, "b.test", ASKING_NOTHING, "", 0);
    assert_int_equal(asking_stats(a).flying, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(eight_at_a_time),
        TEST(an_answer_that_nobody_asked_for),
        TEST(three_hundred_a_minute),
        TEST(one_floods_and_another_is_served),
        TEST(hosts_come_in_turn),
        TEST(a_full_queue),
        TEST(failures_wait_longer_each_time),
        TEST(nothing_found_is_known_for_hours),
        TEST(policies_are_refreshed),
        TEST(the_same_domain_waits_as_long_each_time),
        TEST(a_new_id_is_asked_at_once),
        TEST(memory_is_bounded),
        TEST(what_flew_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
