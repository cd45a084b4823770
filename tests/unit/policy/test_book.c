/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY (86400 * NS_PER_S)

static const struct siphash_key key = {1, 2};

static struct domain dom(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

static enum book_added add(struct book *b, const char *name, enum sts_mode mode, nstime from,
                           uint32_t age, const char *mx)
{
    struct domain d = dom(name);
    struct span pattern = span_str(mx);
    struct book_policy p = {.mode = mode,
                            .strict = true,
                            .from = from,
                            .until = from == INT64_MIN ? INT64_MAX : from + age * NS_PER_S,
                            .max_age = age,
                            .mx = &pattern,
                            .mx_count = 1};
    return book_add(b, &d, &p);
}

static const struct book_policy *at(const struct book *b, const char *name, nstime t, bool *later)
{
    struct domain d = dom(name);
    return book_at(b, &d, EXPECTATION_MTA_STS, t, later);
}

static void a_policy_holds_from_its_fetch_to_its_end(void **state)
{
    struct book *b = book_new(&key);
    bool later;
    (void)state;
    assert_int_equal(add(b, "a.test", STS_MODE_ENFORCE, 10 * DAY, 86400 * 5, "mx.a.test"),
                     BOOK_ADDED);
    assert_null(at(b, "a.test", 9 * DAY - 1, &later));
    assert_non_null(at(b, "a.test", 9 * DAY, &later)); /* fetched a day later, and not more */
    assert_true(later);
    assert_non_null(at(b, "a.test", 10 * DAY, &later));
    assert_false(later);
    assert_non_null(at(b, "a.test", 15 * DAY - 1, &later));
    assert_null(at(b, "a.test", 15 * DAY, &later));
    assert_null(at(b, "b.test", 10 * DAY, &later));
    assert_null(at(b, "x.a.test", 10 * DAY, &later)); /* sub-domains do not inherit */
    assert_int_equal(book_count(b), 1);
    book_free(b);
}

/* The newest of the time counts, even if an older one was to last longer. */
static void history_is_kept(void **state)
{
    struct book *b = book_new(&key);
    bool later;
    (void)state;
    add(b, "a.test", STS_MODE_TESTING, 20 * DAY, 86400, "mx.a.test"); /* in any order */
    add(b, "a.test", STS_MODE_ENFORCE, 10 * DAY, 86400 * 90, "mx.a.test");
    assert_int_equal(at(b, "a.test", 11 * DAY, &later)->mode, STS_MODE_ENFORCE);
    assert_int_equal(at(b, "a.test", 20 * DAY, &later)->mode, STS_MODE_TESTING);
    assert_null(at(b, "a.test", 22 * DAY, &later));
    assert_int_equal(add(b, "A.test.", STS_MODE_NONE, 20 * DAY, 1, "x.test"), BOOK_KNOWN);
    add(b, "a.test", STS_MODE_ENFORCE, 22 * DAY + 1, 86400, "mx.a.test");
    assert_int_equal(at(b, "a.test", 22 * DAY, &later)->mode, STS_MODE_ENFORCE);
    assert_true(later); /* the one before had ended */
    for (int i = 0; i < 2 * CAP_BOOK_HISTORY; i++)
        add(b, "b.test", STS_MODE_ENFORCE, i * DAY, 86400, "mx.b.test");
    assert_int_equal(book_count(b), 3 + CAP_BOOK_HISTORY);
    assert_null(at(b, "b.test", (CAP_BOOK_HISTORY - 2) * DAY, &later));
    assert_non_null(at(b, "b.test", (2 * CAP_BOOK_HISTORY - 1) * DAY, &later));
    book_free(b);
}

static void for_every_packet(void **state)
{
    struct book *b = book_new(&key);
    bool later;
    (void)state;
    add(b, "a.test", STS_MODE_ENFORCE, INT64_MIN, 86400, "mx.a.test");
    assert_non_null(at(b, "a.test", 0, &later));
    assert_non_null(at(b, "a.test", INT64_MIN, &later));
    assert_non_null(at(b, "a.test", INT64_MAX - 1, &later));
    add(b, "c.test", STS_MODE_ENFORCE, INT64_MAX - 5 * NS_PER_S, 1, "mx.a.test");
    assert_non_null(at(b, "c.test", INT64_MAX - 6 * NS_PER_S, &later));
    assert_true(later);
    book_free(b);
}

struct seen {
    unsigned count;
    char names[256];
};

/* book_fn */
static bool note(void *user, const struct domain *d, const struct book_policy *p)
{
    struct seen *s = user;
    (void)p;
    if (++s->count <= 4)
        strncat(strncat(s->names, d->text, 30), " ", 2);
    return s->count < 1000;
}

static struct seen by_mx(const struct book *b, const char *name)
{
    struct domain d = dom(name);
    struct seen s = {0};
    book_by_mx(b, &d, note, &s);
    return s;
}

static void a_name_leads_to_its_domains(void **state)
{
    struct book *b = book_new(&key);
    (void)state;
    add(b, "a.test", STS_MODE_ENFORCE, INT64_MIN, 1, "MX1.a.test");
    add(b, "b.test", STS_MODE_ENFORCE, INT64_MIN, 1, "*.b.test");
    add(b, "c.test", STS_MODE_ENFORCE, INT64_MIN, 1, "*.a.test");
    assert_string_equal(by_mx(b, "mx2.b.test").names, "b.test ");
    assert_string_equal(by_mx(b, "mx1.a.test").names, "a.test c.test ");
    assert_int_equal(by_mx(b, "b.test").count, 0);     /* the asterisk is a label */
    assert_int_equal(by_mx(b, "x.y.b.test").count, 0); /* and one alone */
    assert_int_equal(by_mx(b, "a.test").count, 0);
    assert_int_equal(by_mx(b, "test").count, 0);
    for (int i = 0; i < 3 * CAP_BOOK_SHARED; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d.test", i);
        add(b, name, STS_MODE_ENFORCE, INT64_MIN, 1, "*.host.test");
    }
    assert_int_equal(by_mx(b, "mx.host.test").count, CAP_BOOK_SHARED);
    book_free(b);
}

/* Out of the index with what is forgotten. */
static void what_is_dropped_is_not_found(void **state)
{
    struct book *b = book_new(&key);
    (void)state;
    add(b, "a.test", STS_MODE_ENFORCE, 0, 1, "old.a.test");
    for (int i = 1; i <= CAP_BOOK_HISTORY; i++)
        add(b, "a.test", STS_MODE_ENFORCE, i * DAY, 1, "new.a.test");
    assert_int_equal(by_mx(b, "old.a.test").count, 0);
    assert_int_equal(by_mx(b, "new.a.test").count, CAP_BOOK_SHARED);
    book_free(b);
}

static void many_are_found_again(void **state)
{
    struct book *b = book_new(&key);
    char name[32], mx[32];
    bool later;
    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "d%d.test", i);
        snprintf(mx, sizeof(mx), "mx.d%d.test", i);
        assert_int_equal(add(b, name, STS_MODE_ENFORCE, INT64_MIN, 1, mx), BOOK_ADDED);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "d%d.test", i);
        snprintf(mx, sizeof(mx), "mx.d%d.test", i);
        struct domain host = dom(mx);
        const struct book_policy *p = at(b, name, 0, &later);
        assert_non_null(p);
        assert_int_equal(book_match(p, &host), MX_MATCH_WHOLE);
        assert_int_equal(by_mx(b, mx).count, 1);
    }
    struct seen all = {0};
    book_each(b, note, &all);
    assert_int_equal(all.count, 1000); /* it stopped when told to */
    book_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_holds_from_its_fetch_to_its_end),
        cmocka_unit_test(history_is_kept),
        cmocka_unit_test(for_every_packet),
        cmocka_unit_test(a_name_leads_to_its_domains),
        cmocka_unit_test(what_is_dropped_is_not_found),
        cmocka_unit_test(many_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
