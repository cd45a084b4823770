/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every backend keeps, whichever it is. A test file gives `open_fresh`, which opens an empty
 * store, and runs CONTRACT_TESTS.
 */
#ifndef TESTS_UNIT_STORE_CONTRACT_H
#define TESTS_UNIT_STORE_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/caps.h"
#include "store/store.h"

static struct store *open_fresh(void);

static struct store *s;
static struct store_value value;
static nstime now; /* Redis has the clock of the system, so the tests begin there */

static int contract_setup(void **state)
{
    (void)state;
    now = (nstime)time(NULL) * NS_PER_S;
    s = open_fresh();
    return s ? 0 : -1;
}

static int contract_teardown(void **state)
{
    (void)state;
    store_value_fini(&value);
    store_close(s);
    s = NULL;
    return 0;
}

static struct span str(const char *text)
{
    return span_str(text);
}

static void assert_value(const char *key, struct span want)
{
    assert_int_equal(store_get(s, str(key), now, &value), STORE_OK);
    assert_int_equal(value.n, want.n);
    if (want.n > 0)
        assert_memory_equal(value.p, want.p, want.n);
}

static enum store_status status_of(const char *key)
{
    return store_get(s, str(key), now, &value);
}

static enum store_status put_text(const char *key, const char *text)
{
    return store_put(s, str(key), str(text), STORE_NEVER, now);
}

/* --- values --- */

static void what_is_put_is_there(void **state)
{
    (void)state;
    assert_int_equal(status_of("policy/a.test"), STORE_MISSING);
    assert_int_equal(value.n, 0);
    assert_int_equal(put_text("policy/a.test", "one"), STORE_OK);
    assert_int_equal(put_text("policy/b.test", "two"), STORE_OK);
    assert_value("policy/a.test", str("one"));
    assert_value("policy/b.test", str("two"));
    assert_int_equal(put_text("policy/a.test", "three and longer"), STORE_OK);
    assert_value("policy/a.test", str("three and longer"));
    assert_int_equal(store_remove(s, str("policy/a.test")), STORE_OK);
    assert_int_equal(store_remove(s, str("policy/a.test")), STORE_OK);
    assert_int_equal(status_of("policy/a.test"), STORE_MISSING);
    assert_value("policy/b.test", str("two"));
}

static void values_are_any_bytes(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(store_put(s, str("policy/x"), span_of(bytes, 256), 0, now), STORE_OK);
    assert_value("policy/x", span_of(bytes, 256));
    assert_int_equal(store_put(s, str("policy/x"), span_of(NULL, 0), 0, now), STORE_OK);
    assert_value("policy/x", span_of(NULL, 0));
    assert_int_equal(put_text("policy/*[?]\\", "not a pattern"), STORE_OK);
    assert_value("policy/*[?]\\", str("not a pattern"));
}

static void the_largest_value_fits_and_no_more(void **state)
{
    (void)state;
    uint8_t *bytes = calloc(1, CAP_STORE_VALUE + 1);
    char key[CAP_STORE_KEY + 2];
    memset(bytes, '\r', CAP_STORE_VALUE);
    assert_int_equal(store_put(s, str("p/x"), span_of(bytes, CAP_STORE_VALUE), 0, now), STORE_OK);
    assert_value("p/x", span_of(bytes, CAP_STORE_VALUE));
    assert_int_equal(store_put(s, str("p/x"), span_of(bytes, CAP_STORE_VALUE + 1), 0, now),
                     STORE_FULL);
    assert_value("p/x", span_of(bytes, CAP_STORE_VALUE));
    free(bytes);
    memset(key, 'k', CAP_STORE_KEY + 1);
    key[CAP_STORE_KEY + 1] = '\0';
    assert_int_equal(put_text(key, "v"), STORE_WRONG);
    key[CAP_STORE_KEY] = '\0';
    assert_int_equal(put_text(key, "v"), STORE_OK);
    assert_value(key, str("v"));
}

static void keys_are_words(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "a b", "a\n", "\x7f", "\xc3\xa4", "count/x/2026-01-01"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(put_text(BAD[i], "v"), STORE_WRONG);
        assert_int_equal(status_of(BAD[i]), STORE_WRONG);
        assert_int_equal(store_remove(s, str(BAD[i])), STORE_WRONG);
    }
    assert_true(store_stats(s).wrong >= 18);
}

static void values_expire(void **state)
{
    (void)state;
    assert_int_equal(store_put(s, str("p/past"), str("v"), now - NS_PER_S, now), STORE_OK);
    assert_int_equal(status_of("p/past"), STORE_MISSING);
    assert_int_equal(put_text("p/replaced", "v"), STORE_OK);
    assert_int_equal(store_put(s, str("p/replaced"), str("w"), 1, now), STORE_OK);
    assert_int_equal(status_of("p/replaced"), STORE_MISSING);
    assert_int_equal(store_put(s, str("p/soon"), str("v"), now + 100 * NS_PER_S, now), STORE_OK);
    assert_value("p/soon", str("v"));
    assert_int_equal(store_put(s, str("p/soon"), str("w"), STORE_NEVER, now), STORE_OK);
    assert_value("p/soon", str("w"));
}

struct told {
    size_t count;                /* calls */
    enum store_status status[8]; /* by index */
    char text[8][16];            /* values, by index */
};

static void tell(void *user, size_t index, enum store_status status, struct span v)
{
    struct told *t = user;
    assert_true(index == t->count && index < 8 && v.n < 16);
    t->status[index] = status;
    if (v.n > 0)
        memcpy(t->text[index], v.p, v.n);
    t->count++;
}

static void many_are_told_in_order(void **state)
{
    (void)state;
    const struct span keys[] = {str("p/a"), str("p/none"), str("p/b"), str("p/a")};
    struct told t = {0};
    assert_int_equal(put_text("p/a", "A"), STORE_OK);
    assert_int_equal(put_text("p/b", "B"), STORE_OK);
    assert_int_equal(store_get_many(s, keys, 4, now, tell, &t), STORE_OK);
    assert_int_equal(t.count, 4);
    assert_string_equal(t.text[0], "A");
    assert_int_equal(t.status[1], STORE_MISSING);
    assert_string_equal(t.text[2], "B");
    assert_string_equal(t.text[3], "A");
    assert_int_equal(store_get_many(s, keys, 0, now, tell, &t), STORE_OK);
    assert_int_equal(t.count, 4);
}

static void a_later_read_is_told(void **state)
{
    (void)state;
    struct told there = {0}, none = {0};
    assert_int_equal(store_put_later(s, str("p/a"), str("A"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_get_later(s, str("p/a"), now, tell, &there), STORE_OK);
    assert_int_equal(store_get_later(s, str("p/none"), now, tell, &none), STORE_OK);
    assert_int_equal(store_get_later(s, str("count/x"), now, tell, &none), STORE_WRONG);
    assert_int_equal(store_drain(s, now, 10 * NS_PER_S), STORE_OK);
    assert_int_equal(there.count, 1);
    assert_int_equal(there.status[0], STORE_OK);
    assert_string_equal(there.text[0], "A");
    assert_int_equal(none.count, 1);
    assert_int_equal(none.status[0], STORE_MISSING);
}

static bool count_key(void *user, struct span key, struct span v)
{
    unsigned *seen = user;
    assert_true(key.n > 5 && v.n == 3 && memcmp(v.p, "val", 3) == 0);
    const uint8_t *digits = key.p + key.n - 3;
    seen[(digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0']++;
    return true;
}

static bool stop_at_once(void *user, struct span key, struct span v)
{
    (void)key, (void)v;
    ++*(unsigned *)user;
    return false;
}

static void a_scan_finds_what_has_the_prefix(void **state)
{
    (void)state;
    unsigned seen[1000] = {0}, calls = 0;
    char key[64];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "%s/d[*]%03d", i % 3 ? "policy" : "policx", i);
        assert_int_equal(put_text(key, "val"), STORE_OK);
    }
    assert_int_equal(store_put(s, str("policy/d[*]001"), str("val"), 1, now), STORE_OK);
    const struct store_delta one = {str("count/policy/2026-01-01"), str("f"), 1};
    assert_int_equal(store_add(s, &one, 1, str("id"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_scan(s, str("policy/d[*]"), now, count_key, seen), STORE_OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(seen[i], i % 3 && i != 1 ? 1 : 0);
    assert_int_equal(store_scan(s, str("policy/"), now, stop_at_once, &calls), STORE_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(store_scan(s, str("policz"), now, stop_at_once, &calls), STORE_OK);
    assert_int_equal(calls, 1);
    memset(seen, 0, sizeof(seen));
    assert_int_equal(store_scan(s, span_of(NULL, 0), now, count_key, seen), STORE_OK);
    assert_int_equal(seen[0], 1);
}

/* --- counters --- */

static int64_t total_found;
static struct span total_field;

static bool take_total(void *user, struct span field, int64_t total)
{
    ++*(unsigned *)user;
    if (span_eq(field, total_field))
        total_found = total;
    return true;
}

static int64_t total(const char *key, const char *field)
{
    unsigned calls = 0;
    total_found = INT64_MIN;
    total_field = str(field);
    if (store_totals(s, str(key), now, take_total, &calls) != STORE_OK)
        assert_int_equal(calls, 0);
    return total_found;
}

static enum store_status add_one(const char *key, const char *field, int64_t by, const char *id)
{
    const struct store_delta d = {str(key), str(field), by};
    return store_add(s, &d, 1, str(id), now + 1000 * NS_PER_S, now);
}

static void counters_add_up(void **state)
{
    (void)state;
    const struct store_delta d[] = {
        {str("count/x/2026-01-01"), str("a"), 5},
        {str("count/x/2026-01-01"), str("b"), -7},
        {str("count/x/2026-01-02"), str("a"), 1},
        {str("count/x/2026-01-01"), str("a"), 2},
    };
    unsigned calls = 0;
    assert_int_equal(total("count/x/2026-01-01", "a"), INT64_MIN);
    assert_int_equal(store_totals(s, d[0].key, now, take_total, &calls), STORE_MISSING);
    assert_int_equal(store_add(s, d, 4, str("s1-1"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(total("count/x/2026-01-01", "a"), 7);
    assert_int_equal(total("count/x/2026-01-01", "b"), -7);
    assert_int_equal(total("count/x/2026-01-02", "a"), 1);
    assert_int_equal(store_add(s, d, 2, str("s1-2"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(total("count/x/2026-01-01", "a"), 12);
    assert_int_equal(store_totals(s, d[0].key, now, take_total, &calls), STORE_OK);
    assert_int_equal(calls, 2);
}

static void a_flush_counts_once(void **state)
{
    (void)state;
    assert_int_equal(add_one("count/x/d", "a", 5, "s1-1"), STORE_OK);
    assert_int_equal(add_one("count/x/d", "a", 5, "s1-1"), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 5);
    assert_int_equal(add_one("count/x/d", "a", 5, "s2-1"), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 10);
    const struct store_delta d = {str("count/x/d"), str("a"), 1};
    assert_int_equal(store_add_later(s, &d, 1, str("s2-2"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_add_later(s, &d, 1, str("s2-2"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_drain(s, now, 5 * NS_PER_S), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 11);
}

static void counters_expire(void **state)
{
    (void)state;
    const struct store_delta d = {str("count/x/d"), str("a"), 4};
    assert_int_equal(store_add(s, &d, 1, str("f1"), 1, now), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), INT64_MIN);
}

static void a_counter_does_not_overflow(void **state)
{
    (void)state;
    const struct store_delta both[] = {{str("count/x/d"), str("a"), 1},
                                       {str("count/x/d"), str("b"), 1}};
    assert_int_equal(add_one("count/x/d", "a", INT64_MAX, "f1"), STORE_OK);
    assert_int_equal(store_add(s, both, 2, str("f2"), STORE_NEVER, now), STORE_WRONG);
    assert_int_equal(total("count/x/d", "a"), INT64_MAX);
    assert_int_equal(total("count/x/d", "b"), 1);
    assert_int_equal(add_one("count/x/d", "c", INT64_MIN, "f3"), STORE_OK);
    assert_int_equal(total("count/x/d", "c"), INT64_MIN);
}

static void bad_flushes_are_refused(void **state)
{
    (void)state;
    static struct store_delta many[CAP_STORE_DELTAS + 1];
    for (size_t i = 0; i <= CAP_STORE_DELTAS; i++)
        many[i] = (struct store_delta){str("count/x/d"), str("a"), 1};
    assert_int_equal(add_one("policy/x", "a", 1, "f"), STORE_WRONG);
    assert_int_equal(add_one("count/x", "", 1, "f"), STORE_WRONG);
    assert_int_equal(add_one("count/x", "a b", 1, "f"), STORE_WRONG);
    assert_int_equal(add_one("count/x", "a", 1, ""), STORE_WRONG);
    assert_int_equal(store_add(s, many, CAP_STORE_DELTAS + 1, str("f"), 0, now), STORE_FULL);
    assert_int_equal(store_add(s, many, 0, str("f"), 0, now), STORE_OK);
    assert_int_equal(store_add(s, many, CAP_STORE_DELTAS, str("f"), 0, now), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), CAP_STORE_DELTAS);
}

/* --- later --- */

static void later_is_there_after_draining(void **state)
{
    (void)state;
    char key[32];
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "policy/%d", i);
        assert_int_equal(store_put_later(s, str(key), str(key), STORE_NEVER, now), STORE_OK);
    }
    assert_int_equal(store_put_later(s, str("policy/5"), str("newer"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_put_later(s, str("policy/6"), str("gone"), 1, now), STORE_OK);
    assert_int_equal(store_drain(s, now, 5 * NS_PER_S), STORE_OK);
    assert_value("policy/199", str("policy/199"));
    assert_value("policy/5", str("newer"));
    assert_int_equal(status_of("policy/6"), STORE_MISSING);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    assert_int_equal(store_stats(s).queued, 0);
    assert_int_equal(store_stats(s).queued_bytes, 0);
    assert_int_equal(store_stats(s).dropped, 0);
    assert_int_equal(store_stats(s).acknowledged, 202);
    assert_false(store_stats(s).away);
}

#define CONTRACT_TEST(f) cmocka_unit_test_setup_teardown(f, contract_setup, contract_teardown)
#define CONTRACT_TESTS                                                                             \
    CONTRACT_TEST(what_is_put_is_there), CONTRACT_TEST(values_are_any_bytes),                      \
        CONTRACT_TEST(the_largest_value_fits_and_no_more), CONTRACT_TEST(keys_are_words),          \
        CONTRACT_TEST(values_expire), CONTRACT_TEST(many_are_told_in_order),                       \
        CONTRACT_TEST(a_later_read_is_told), CONTRACT_TEST(a_scan_finds_what_has_the_prefix),      \
        CONTRACT_TEST(counters_add_up), CONTRACT_TEST(a_flush_counts_once),                        \
        CONTRACT_TEST(counters_expire), CONTRACT_TEST(a_counter_does_not_overflow),                \
        CONTRACT_TEST(bad_flushes_are_refused), CONTRACT_TEST(later_is_there_after_draining)

#endif
