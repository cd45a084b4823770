/* SPDX-License-Identifier: Apache-2.0 */
/* Lists on their way to the judge: what was read arrives as it was, and nothing else does. */
#include "sensor/lists_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY (86400 * NS_PER_S)

static const struct siphash_key KEY = {1, 2};
static struct lists_taken taken;
static uint8_t bytes[LISTS_POLICY_MOST];

static void on_ended(void *user, unsigned line, const char *what)
{
    (void)user;
    (void)line;
    (void)what;
}

static int setup(void **state)
{
    (void)state;
    return lists_taken_init(&taken, &KEY, on_ended, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    lists_taken_fini(&taken);
    return 0;
}

static enum lists_step begin(void)
{
    struct lists_begin b;
    memset(&b, 0, sizeof(b));
    b.whole = 1;
    return lists_take(&taken, LISTS_BEGIN, span_of(&b, sizeof(b)));
}

static enum lists_step text(enum lists_record record, const char *line)
{
    return lists_take(&taken, record, span_str(line));
}

static enum lists_step suppression(uint32_t number, const char *line)
{
    uint8_t body[200];
    memcpy(body, &number, sizeof(number));
    memcpy(body + sizeof(number), line, strlen(line));
    return lists_take(&taken, LISTS_SUPPRESS, span_of(body, sizeof(number) + strlen(line)));
}

static struct domain domain(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

/* A policy with two patterns, and what a partner must do. */
static size_t written(void)
{
    static const struct partner_demand demand = {.version = 0x0303, .issuer = "Some Trust"};
    const struct span mx[] = {span_str("mx.a.test"), span_str("*.b.test")};
    const struct domain d = domain("a.test");
    const struct book_policy p = {.source = EXPECTATION_PARTNER,
                                  .origin = BOOK_FROM_STATE,
                                  .mode = STS_MODE_ENFORCE,
                                  .strict = true,
                                  .max_age = 86400,
                                  .from = DAY,
                                  .until = 2 * DAY,
                                  .id = "20261121",
                                  .mx = mx,
                                  .mx_count = 2,
                                  .demand = &demand};
    return lists_put_policy(bytes, sizeof(bytes), &d, &p);
}

static void a_policy_arrives_as_it_was(void **state)
{
    const struct domain d = domain("a.test"), inside = domain("mail.b.test");
    bool later;
    size_t n = written();
    (void)state;
    assert_true(n > 0);
    assert_int_equal(begin(), LISTS_MORE);
    assert_int_equal(lists_take(&taken, LISTS_POLICY, span_of(bytes, n)), LISTS_MORE);
    assert_int_equal(book_count(taken.lists.book), 1);
    const struct book_policy *p =
        book_at(taken.lists.book, &d, EXPECTATION_PARTNER, DAY + 1, &later);
    assert_non_null(p);
    assert_int_equal(p->origin, BOOK_FROM_STATE);
    assert_int_equal(p->mode, STS_MODE_ENFORCE);
    assert_true(p->strict);
    assert_int_equal(p->until, 2 * DAY);
    assert_int_equal(p->max_age, 86400);
    assert_string_equal(p->id, "20261121");
    assert_int_equal(p->mx_count, 2);
    assert_int_equal(book_match(p, &inside), MX_MATCH_WHOLE);
    assert_string_equal(p->demand->issuer, "Some Trust");
    assert_int_equal(p->demand->version, 0x0303);
    assert_int_equal(lists_take(&taken, LISTS_END, span_of(NULL, 0)), LISTS_WHOLE);
}

/* All that is cut off is wrong, and so is more than all. */
static void a_part_of_a_policy_is_wrong(void **state)
{
    size_t n = written();
    (void)state;
    begin();
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(lists_take(&taken, LISTS_POLICY, span_of(bytes, cut)), LISTS_WRONG);
    assert_int_equal(lists_take(&taken, LISTS_POLICY, span_of(bytes, n + 1)), LISTS_WRONG);
    assert_int_equal(book_count(taken.lists.book), 0);
}

static void what_has_no_room_is_not_written(void **state)
{
    const struct domain d = domain("a.test");
    const struct span mx = span_str("mx.a.test");
    const struct book_policy p = {.mx = &mx, .mx_count = 1};
    (void)state;
    size_t n = lists_put_policy(bytes, sizeof(bytes), &d, &p);
    assert_true(n > 0);
    assert_int_equal(lists_put_policy(bytes, n, &d, &p), n);
    assert_int_equal(lists_put_policy(bytes, n - 1, &d, &p), 0);
}

static void other_records(void **state)
{
    (void)state;
    begin();
    assert_int_equal(suppression(7, "auth-in-clear from:192.0.2.7 2027-01-31 our probe"),
                     LISTS_MORE);
    assert_int_equal(suppress_count(taken.suppress), 1);
    assert_int_equal(suppression(8, "no-such-rule * 2027-01-31 our probe"), LISTS_WRONG);
    assert_int_equal(text(LISTS_SUPPRESS, "abc"), LISTS_WRONG);
    assert_int_equal(
        text(LISTS_LOOKUP, "{\"domain\":\"a.test\",\"checked\":\"1795219200\",\"sts\":\"none\"}"),
        LISTS_MORE);
    assert_int_equal(taken.lists.lookups, 1);
    assert_int_equal(text(LISTS_LOOKUP, "{\"domain\":\"a.test\"}"), LISTS_WRONG);
    assert_int_equal(text(LISTS_END, "x"), LISTS_WRONG);
    assert_int_equal(begin(), LISTS_WRONG); /* without an end of the one before */
}

/* A judge that was started anew hears the rest of what the one before it was told. */
static void without_a_beginning_nothing_counts(void **state)
{
    size_t n = written();
    (void)state;
    assert_int_equal(lists_take(&taken, LISTS_POLICY, span_of(bytes, n)), LISTS_MORE);
    assert_int_equal(text(LISTS_LOOKUP, "rubbish"), LISTS_MORE);
    assert_int_equal(lists_take(&taken, LISTS_END, span_of(NULL, 0)), LISTS_MORE);
    assert_int_equal(book_count(taken.lists.book), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_policy_arrives_as_it_was),         CASE(a_part_of_a_policy_is_wrong),
        CASE(what_has_no_room_is_not_written),    CASE(other_records),
        CASE(without_a_beginning_nothing_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
