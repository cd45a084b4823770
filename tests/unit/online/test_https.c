/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no network: who is told, when, and how often. tests/system/test_https.py has the rest.
 */
#include "online/https.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CA TESTS_PCAPS "/../tools/pki/ca.pem"

static const struct https_address LOOPBACK = {4, {127, 0, 0, 1}},
                                  METADATA = {4, {169, 254, 169, 254}};

struct hearer {
    struct https *h;
    unsigned told, again; /* times; `again`: it asks so often from where it is told */
    enum lookup_sts sts;
    char why[HTTPS_WHY];
};

static struct domain name(const char *text)
{
    struct domain d;

    assert_true(domain_read(span_str(text), &d));
    return d;
}

static void hear(void *user, const struct https_result *r)
{
    struct hearer *e = user;
    const struct domain d = name("again.test");

    e->told++;
    e->sts = r->sts;
    snprintf(e->why, sizeof(e->why), "%s", r->why);
    assert_int_equal(r->status, 0);
    assert_int_equal(r->body.n, 0);
    assert_string_equal(r->issuer, "");
    if (e->again > 0) {
        e->again--;
        assert_true(https_get(e->h, &d, &LOOPBACK, 1, hear, e));
    }
}

static struct https *opened(void)
{
    const struct https_config c = {.ca_file = CA};
    char why[HTTPS_WHY] = "";
    struct https *h = https_new(&c, why);

    assert_string_equal(why, "");
    assert_non_null(h);
    return h;
}

static void without_authorities_there_is_none(void **state)
{
    static const char *const NONE[] = {"/dev/null", "/nowhere/at/all",
                                       TESTS_PCAPS "/healthy-tls-exim"};
    (void)state;
    for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++) {
        const struct https_config c = {.ca_file = NONE[i]};
        char why[HTTPS_WHY] = "";
        assert_null(https_new(&c, why));
        assert_non_null(strstr(why, "ca-file"));
    }
}

static void silence_costs_nothing(void **state)
{
    struct https *h = opened();
    struct pollfd p[HTTPS_FDS];
    int wait = -1;
    (void)state;
    assert_int_equal(https_fds(h, p, HTTPS_FDS, &wait), 0);
    assert_int_equal(wait, -1);
    https_turn(h, p, 0);
    https_free(h);
    https_free(NULL);
}

static void who_is_refused_is_told_in_a_turn(void **state)
{
    const struct domain d = name("alder.test");
    const struct https_address both[] = {METADATA, LOOPBACK};
    struct hearer e = {.h = opened()};
    struct pollfd p[HTTPS_FDS];
    int wait = 1000;
    (void)state;
    assert_true(https_get(e.h, &d, both, 2, hear, &e));
    assert_int_equal(e.told, 0);
    assert_int_equal(https_fds(e.h, p, HTTPS_FDS, &wait), 0);
    assert_int_equal(wait, 0);
    https_turn(e.h, p, 0);
    https_turn(e.h, p, 0);
    assert_int_equal(e.told, 1);
    assert_int_equal(e.sts, LOOKUP_STS_REFUSED);
    assert_non_null(strstr(e.why, "169.254.169.254: link-local"));
    assert_true(https_get(e.h, &d, NULL, 0, hear, &e));
    https_turn(e.h, p, 0);
    assert_int_equal(e.told, 2);
    assert_int_equal(e.sts, LOOKUP_STS_FETCH);
    https_free(e.h);
}

static void who_is_told_may_ask_again(void **state)
{
    const struct domain d = name("alder.test");
    struct hearer e = {.h = opened(), .again = 3};
    (void)state;
    assert_true(https_get(e.h, &d, &LOOPBACK, 1, hear, &e));
    https_turn(e.h, NULL, 0);
    assert_int_equal(e.told, 4);
    https_free(e.h);
}

static void there_is_room_for_so_many(void **state)
{
    const struct domain d = name("alder.test");
    struct hearer e = {.h = opened()};
    (void)state;
    for (int i = 0; i < CAP_HTTPS_FLIGHT; i++)
        assert_true(https_get(e.h, &d, &LOOPBACK, 1, hear, &e));
    assert_false(https_get(e.h, &d, &LOOPBACK, 1, hear, &e));
    https_turn(e.h, NULL, 0);
    assert_int_equal(e.told, CAP_HTTPS_FLIGHT);
    assert_true(https_get(e.h, &d, &LOOPBACK, 1, hear, &e));
    https_free(e.h);
    assert_int_equal(e.told, CAP_HTTPS_FLIGHT); /* the last is told to nobody */
}

/* mta-sts. before it, and 253 bytes in all (RFC 1035 section 2.3.4). */
static void the_longest_name_has_245_bytes(void **state)
{
    char text[256] = "";
    struct hearer e = {.h = opened()};
    (void)state;
    for (size_t n = 244; n <= 246; n++) {
        for (size_t i = 0; i < n; i++)
            text[i] = i % 60 == 59 && i + 1 < n ? '.' : 'a';
        text[n] = '\0';
        const struct domain d = name(text);
        assert_true(https_get(e.h, &d, &LOOPBACK, 1, hear, &e));
        https_turn(e.h, NULL, 0);
        assert_int_equal(e.sts, n <= 245 ? LOOKUP_STS_REFUSED : LOOKUP_STS_FETCH);
    }
    https_free(e.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_authorities_there_is_none),
        cmocka_unit_test(silence_costs_nothing),
        cmocka_unit_test(who_is_refused_is_told_in_a_turn),
        cmocka_unit_test(who_is_told_may_ask_again),
        cmocka_unit_test(there_is_room_for_so_many),
        cmocka_unit_test(the_longest_name_has_245_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
