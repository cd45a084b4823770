/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/expect.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct siphash_key key = {1, 2};
static struct book *book;
static struct expectations e;

static struct domain dom(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

static void add(enum expectation_source source, const char *name, enum sts_mode mode, bool strict,
                const char *mx)
{
    struct domain d = dom(name);
    struct span pattern = span_str(mx);
    struct book_policy p = {.source = source,
                            .mode = mode,
                            .strict = strict,
                            .from = INT64_MIN,
                            .until = INT64_MAX,
                            .id = "i1",
                            .mx = &pattern,
                            .mx_count = 1};
    assert_int_equal(book_add(book, &d, &p), BOOK_ADDED);
}

static int setup(void **state)
{
    (void)state;
    book = book_new(&key);
    add(EXPECTATION_MTA_STS, "enforce.test", STS_MODE_ENFORCE, true, "mx.enforce.test");
    add(EXPECTATION_MTA_STS, "lenient.test", STS_MODE_ENFORCE, false, "mx.enforce.test");
    add(EXPECTATION_MTA_STS, "testing.test", STS_MODE_TESTING, true, "mx.testing.test");
    add(EXPECTATION_MTA_STS, "none.test", STS_MODE_NONE, true, "mx.none.test");
    add(EXPECTATION_PRELOAD, "enforce.test", STS_MODE_ENFORCE, true, "mx.enforce.test");
    add(EXPECTATION_PRELOAD, "none.test", STS_MODE_ENFORCE, true, "mx.none.test");
    add(EXPECTATION_PRELOAD, "listed.test", STS_MODE_ENFORCE, true, ".listed.test");
    add(EXPECTATION_PARTNER, "enforce.test", STS_MODE_ENFORCE, true, "mx.enforce.test");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    book_free(book);
    return 0;
}

static void ask(const char *first, const char *second)
{
    struct domain d[2] = {dom(first), dom(second ? second : first)};
    struct expect_query q = {.recipient = d, .recipient_count = second ? 2 : 1};
    expect_session(book, &q, &e);
}

static void the_strictest_comes_first(void **state)
{
    (void)state;
    ask("testing.test", "lenient.test");
    assert_int_equal(e.count, 2);
    assert_string_equal(e.item[0].domain.text, "lenient.test");
    assert_false(e.item[0].strict);
    assert_int_equal(e.item[1].mode, STS_MODE_TESTING);
    assert_string_equal(e.item[0].id, "i1");
    ask("lenient.test", "enforce.test");
    assert_string_equal(e.item[0].domain.text, "enforce.test");
}

/* RULES.md of STARTTLS Everywhere: a policy of the domain's own goes before the list; one that says
 * none as well. */
static void mta_sts_goes_before_the_list(void **state)
{
    (void)state;
    ask("enforce.test", NULL);
    assert_int_equal(e.count, 2);
    assert_int_equal(e.item[0].source, EXPECTATION_MTA_STS);
    assert_int_equal(e.item[1].source, EXPECTATION_PARTNER);
    ask("none.test", NULL);
    assert_int_equal(e.count, 0);
    ask("listed.test", NULL);
    assert_int_equal(e.item[0].source, EXPECTATION_PRELOAD);
    ask("x.enforce.test", NULL);
    assert_int_equal(e.count, 0);
    ask("enforce.test", "enforce.test");
    assert_int_equal(e.count, 2);
}

static void a_name_of_the_server_is_matched(void **state)
{
    struct route way = {.domain = dom("enforce.test"), .mx = dom("other.test")};
    struct expect_query q = {.route = &way, .route_count = 1};
    (void)state;
    expect_session(book, &q, &e);
    assert_int_equal(e.item[0].binding, BINDING_DNS);
    assert_int_equal(e.item[0].match, MX_MATCH_NONE);
    way.mx = dom("mx.enforce.test");
    expect_session(book, &q, &e);
    assert_int_equal(e.item[0].match, MX_MATCH_WHOLE);
    assert_string_equal(e.item[0].mx.text, "mx.enforce.test");
    struct domain to = dom("testing.test"); /* a recipient that DNS did not lead here */
    q.recipient = &to;
    q.recipient_count = 1;
    expect_session(book, &q, &e);
    assert_int_equal(e.count, 1);
    assert_int_equal(e.item[0].mx.n, 0);
    assert_int_equal(e.item[0].match, MX_MATCH_WHOLE);
}

static void a_greeting_binds_where_nothing_else_does(void **state)
{
    struct domain greeting = dom("MX.enforce.test"), other = dom("other.test");
    struct expect_query q = {.greeting = &greeting};
    (void)state;
    expect_session(book, &q, &e);
    assert_int_equal(e.count, 3); /* enforce.test by two sources, lenient.test by one */
    for (int i = 0; i < 3; i++)
        assert_int_equal(e.item[i].binding, BINDING_GREETING);
    q.recipient = &other;
    q.recipient_count = 1;
    expect_session(book, &q, &e);
    assert_int_equal(e.count, 0);
}

static void no_more_are_kept_than_there_is_room(void **state)
{
    struct domain greeting = dom("h.many.test");
    struct expect_query q = {.greeting = &greeting};
    char name[] = "da.test";
    (void)state;
    for (int i = 0; i < 20; i++) {
        name[1] = (char)('a' + i);
        add(EXPECTATION_MTA_STS, name, i == 19 ? STS_MODE_ENFORCE : STS_MODE_TESTING, true,
            "*.many.test");
    }
    expect_session(book, &q, &e);
    assert_int_equal(e.count, CAP_EXPECTATIONS);
    struct domain d[20];
    for (int i = 0; i < 20; i++) {
        name[1] = (char)('a' + i);
        d[i] = dom(name);
    }
    q = (struct expect_query){.recipient = d, .recipient_count = 20};
    expect_session(book, &q, &e);
    assert_int_equal(e.count, CAP_EXPECTATIONS);
    assert_string_equal(e.item[0].domain.text, "dt.test"); /* the one that enforces */
}

static void all_have_texts(void **state)
{
    (void)state;
    assert_string_equal(expectation_source_text(EXPECTATION_MTA_STS), "mta-sts");
    assert_string_equal(expectation_source_text(EXPECTATION_PRELOAD), "preload");
    assert_string_equal(expectation_source_text(EXPECTATION_PARTNER), "partner");
    assert_string_equal(expectation_binding_text(BINDING_RECIPIENT), "recipient");
    assert_string_equal(expectation_binding_text(BINDING_DNS), "dns");
    assert_string_equal(expectation_binding_text(BINDING_GREETING), "greeting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_strictest_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(mta_sts_goes_before_the_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_of_the_server_is_matched, setup, teardown),
        cmocka_unit_test_setup_teardown(a_greeting_binds_where_nothing_else_does, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_are_kept_than_there_is_room, setup, teardown),
        cmocka_unit_test(all_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
