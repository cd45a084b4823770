/* SPDX-License-Identifier: Apache-2.0 */
/* Whose names may be looked up, and that no answer counts which was not asked for. */
#include "sensor/wants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW (1000 * NS_PER_S)

static char own_name[] = "own.example", allowed_name[] = "partner.example";
static const struct config_words own = {.word = {own_name}, .count = 1};
static const struct config_words allow = {.word = {allowed_name}, .count = 1};
static struct role_config roles;
static struct session s;

static struct wants *make(enum config_lookups mode)
{
    static const struct siphash_key key;
    const struct wants_config c = {.mode = mode, .own = &own, .allow = &allow, .roles = &roles};
    struct wants *w = wants_new(&c, &key);
    assert_non_null(w);
    return w;
}

/* A session in which the server took mail for the domain. */
static void mail(struct wants *w, const char *domain)
{
    static uint8_t pool[256];
    static struct text rcpt_domain[1];
    memcpy(pool, domain, strlen(domain));
    rcpt_domain[0] = (struct text){0, (uint16_t)strlen(domain)};
    s.key.family = 4;
    s.key.server_port = s.key.server_port ? s.key.server_port : 25;
    s.pool = pool;
    s.rcpt_domain = rcpt_domain;
    s.rcpt_domain_count = 1;
    wants_session(w, NOW, &s);
}

/* The domains that are asked for, parted by blanks. */
static const char *asked(struct wants *w)
{
    static char text[512];
    struct told_ask a;
    text[0] = '\0';
    while (wants_next(w, NOW, &a)) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "", a.domain);
        assert_true(a.mx);
    }
    return text;
}

static int begin(void **state)
{
    (void)state;
    s = (struct session){.rcpt_accepted = 1};
    memset(&roles, 0, sizeof(roles));
    return 0;
}

static void own_asks_for_what_is_named(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_OWN);
    (void)state;
    assert_string_equal(asked(w), "own.example");
    mail(w, "stranger.example");
    assert_string_equal(asked(w), "");
    mail(w, "Partner.Example.");
    assert_string_equal(asked(w), "partner.example");
    wants_free(w);
}

static void seen_asks_for_what_a_server_took(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    (void)state;
    asked(w);
    mail(w, "alder.example");
    assert_string_equal(asked(w), "alder.example");
    s.rcpt_accepted = 0; /* it may have been asked to relay */
    mail(w, "birch.example");
    s.rcpt_accepted = 1;
    s.key.server_port = 587; /* a user's mail */
    mail(w, "cedar.example");
    s.key.server_port = 25;
    mail(w, "localhost");
    mail(w, "192.0.2.1");
    mail(w, "_x.example");
    assert_string_equal(asked(w), "");
    wants_free(w);
}

static void our_own_hops_are_nobody_s_policy(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    char why[160];
    (void)state;
    asked(w);
    assert_int_equal(role_nets_parse(&roles.local, "0.0.0.0/0", why, sizeof(why)), 0);
    mail(w, "alder.example");
    assert_string_equal(asked(w), "");
    wants_free(w);
}

static bool take(struct wants *w, const char *line)
{
    struct lookup l;
    bool good = wants_take(w, NOW, span_str(line), &l);
    if (good)
        lookup_fini(&l);
    return good;
}

#define NONE(domain) "{\"domain\":\"" domain "\",\"checked\":\"1795219200\",\"sts\":\"none\"}"

static void what_was_not_asked_is_not_heard(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    (void)state;
    asked(w);
    mail(w, "alder.example");
    assert_false(take(w, NONE("alder.example"))); /* not yet */
    assert_string_equal(asked(w), "alder.example");
    assert_false(take(w, NONE("birch.example")));
    assert_false(take(w, "{\"domain\":\"alder.example\"}"));
    assert_false(take(w, ""));
    assert_int_equal(wants_stats(w).unasked, 4);
    assert_true(take(w, NONE("alder.example")));
    assert_false(take(w, NONE("alder.example"))); /* twice */
    assert_int_equal(wants_stats(w).unasked, 5);
    assert_int_equal(wants_stats(w).answered, 1);
    wants_free(w);
}

#define FAILED(domain, sts)                                                                        \
    "{\"domain\":\"" domain "\",\"checked\":\"1795219200\",\"sts\":\"" sts "\"}"
#define CROWDED                                                                                           \
    "{\"domain\":\"i.example\",\"checked\":\"1795219200\",\"sts\":\"none\",\"mx\":{\"dnssec\":"           \
    "\"secure\",\"left_out\":68,\"hosts\":[{\"host\":\"m.test\",\"preference\":1,\"address\":\"secure\"," \
    "\"tlsa\":\"secure\",\"records_left_out\":4,\"at_left_out\":2},{\"host\":\"n.test\","                 \
    "\"preference\":2,\"address\":\"secure\",\"tlsa\":\"secure\",\"records_left_out\":1}]}}"

/* Each is counted where it belongs, and all of them are the sum. */
static void why_it_failed_is_counted(void **state)
{
    static const char *const lines[] = {
        FAILED("a.example", "dns"),     FAILED("b.example", "record"),
        FAILED("c.example", "fetch"),   FAILED("d.example", "webpki"),
        FAILED("e.example", "invalid"), FAILED("f.example", "refused"),
        FAILED("g.example", "unasked"),
    };
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    struct told_ask a;
    char name[] = "?.example";
    (void)state;
    asked(w);
    assert_true(take(w, NONE("own.example")));
    for (name[0] = 'a'; name[0] <= 'i'; name[0]++) {
        mail(w, name);
        assert_string_equal(asked(w), name);
        if (name[0] < 'h')
            assert_true(take(w, lines[name[0] - 'a']));
    }
    assert_true(take(w, CROWDED));
    assert_int_equal(wants_stats(w).flying, 1); /* h.example, and nobody answers */
    wants_next(w, NOW + 181 * NS_PER_S, &a);
    const struct eve_lookups told = wants_stats(w);
    const uint64_t each[] = {told.failures.dns,    told.failures.record,    told.failures.fetch,
                             told.failures.webpki, told.failures.invalid,   told.failures.refused,
                             told.failures.busy,   told.failures.unanswered};
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
        assert_int_equal(each[i], 1);
    assert_int_equal(told.failed, 8);
    assert_int_equal(told.answered, 10);
    assert_int_equal(told.left_out.exchangers, 68);
    assert_int_equal(told.left_out.records, 5);
    assert_int_equal(told.left_out.addresses, 2);
    assert_int_equal(told.known, 10);
    wants_free(w);
}

static void who_died_is_asked_again(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    (void)state;
    asked(w);
    assert_true(take(w, NONE("own.example")));
    mail(w, "alder.example");
    assert_string_equal(asked(w), "alder.example");
    wants_again(w, NOW);
    assert_false(take(w, NONE("alder.example"))); /* of the one that died */
    assert_string_equal(asked(w), "alder.example");
    assert_true(take(w, NONE("alder.example")));
    wants_free(w);
}

static void no_more_at_a_time_than_may_be(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    struct told_ask a;
    char name[32];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        mail(w, name);
    }
    while (wants_next(w, NOW, &a))
        n++;
    assert_int_equal(n, CAP_ASKING_FLIGHT);
    assert_int_equal(wants_stats(w).flying, CAP_ASKING_FLIGHT);
    wants_free(w);
}

static void what_is_never_answered_is_given_up(void **state)
{
    struct wants *w = make(CONFIG_LOOKUPS_SEEN);
    struct told_ask a;
    (void)state;
    assert_string_equal(asked(w), "own.example");
    assert_false(wants_next(w, NOW + 179 * NS_PER_S, &a));
    assert_int_equal(wants_stats(w).flying, 1);
    (void)wants_next(w, NOW + 181 * NS_PER_S, &a);
    assert_int_equal(wants_stats(w).failed, 1);
    assert_int_equal(wants_stats(w).flying, 0);
    wants_free(w);
}

static void nobody_wants_anything_of_none(void **state)
{
    struct told_ask a;
    struct lookup l;
    (void)state;
    wants_session(NULL, NOW, &s);
    assert_false(wants_next(NULL, NOW, &a));
    assert_false(wants_take(NULL, NOW, span_str(NONE("alder.example")), &l));
    assert_int_equal(wants_stats(NULL).asked, 0);
    wants_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(why_it_failed_is_counted, begin),
        cmocka_unit_test_setup(own_asks_for_what_is_named, begin),
        cmocka_unit_test_setup(seen_asks_for_what_a_server_took, begin),
        cmocka_unit_test_setup(our_own_hops_are_nobody_s_policy, begin),
        cmocka_unit_test_setup(what_was_not_asked_is_not_heard, begin),
        cmocka_unit_test_setup(who_died_is_asked_again, begin),
        cmocka_unit_test_setup(no_more_at_a_time_than_may_be, begin),
        cmocka_unit_test_setup(what_is_never_answered_is_given_up, begin),
        cmocka_unit_test_setup(nobody_wants_anything_of_none, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
