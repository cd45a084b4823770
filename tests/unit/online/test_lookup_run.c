/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in time, with a resolver and a fetcher that answer when the test says so, or never:
 * these here take the place of online/resolve.c and online/https.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "online/lookup_run.h"

/* --- what answers --- */

enum { MOST = 64 };

static struct {
    char name[300];
    unsigned type;
    answer_fn fn; /* NULL: answered */
    void *user;
} question[MOST];
static size_t questions;
static bool deaf; /* nothing can be asked */
static https_fn fetch_fn;
static void *fetch_user;
static size_t fetch_addresses;

struct resolve {
    int nothing;
};
struct https {
    int nothing;
};
static struct resolve the_resolve;
static struct https the_https;

struct resolve *resolve_new(const struct resolve_config *c, char why[RESOLVE_WHY])
{
    (void)c;
    why[0] = '\0';
    return &the_resolve;
}

void resolve_free(struct resolve *r)
{
    (void)r;
}

bool resolve_ask(struct resolve *r, nstime now, const char *name, unsigned type, answer_fn fn,
                 void *user)
{
    (void)r, (void)now;
    if (deaf || questions == MOST)
        return false;
    snprintf(question[questions].name, sizeof(question[0].name), "%s", name);
    question[questions].type = type;
    question[questions].fn = fn;
    question[questions++].user = user;
    return true;
}

int resolve_fd(const struct resolve *r)
{
    (void)r;
    return -1;
}

void resolve_turn(struct resolve *r, nstime now)
{
    (void)r, (void)now;
}

struct https *https_new(const struct https_config *c, char why[HTTPS_WHY])
{
    (void)c, (void)why;
    return &the_https;
}

void https_free(struct https *h)
{
    (void)h;
}

bool https_get(struct https *h, const struct domain *d, const struct https_address *a, size_t n,
               https_fn fn, void *user)
{
    (void)h, (void)d, (void)a;
    fetch_fn = fn;
    fetch_user = user;
    fetch_addresses = n;
    return !deaf;
}

size_t https_fds(const struct https *h, struct pollfd *to, size_t most, int *wait_ms)
{
    (void)h, (void)to, (void)most, (void)wait_ms;
    return 0;
}

void https_turn(struct https *h, const struct pollfd *p, size_t n)
{
    (void)h, (void)p, (void)n;
}

static void answer(const char *name, unsigned type, const struct answer *a)
{
    for (size_t i = 0; i < questions; i++) {
        answer_fn fn = question[i].fn;
        if (!fn || question[i].type != type || strcmp(question[i].name, name) != 0)
            continue;
        question[i].fn = NULL;
        fn(question[i].user, a);
        return;
    }
    fail_msg("%s %u was not asked", name, type);
}

static void record(const char *name, unsigned type, const void *bytes, size_t n)
{
    struct span rdata = span_of(bytes, n);
    struct answer a = {.security = LOOKUP_SECURE, .rdata = &rdata, .n = 1, .why = ""};
    answer(name, type, &a);
}

static void none(const char *name, unsigned type)
{
    answer(name, type, &(struct answer){.security = LOOKUP_SECURE, .why = ""});
}

/* --- what is told --- */

static unsigned told;
static struct lookup last;
static struct lookup_run *run, *again;

static void on_lookup(void *user, const struct lookup *l)
{
    assert_ptr_equal(user, &told);
    told++;
    last = *l;
    last.body = NULL; /* borrowed */
    if (again) {
        assert_true(lookup_run_ask(again, &l->domain, "", false, on_lookup, &told));
        again = NULL;
    }
}

static bool ask(const char *name, bool mx)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return lookup_run_ask(run, &d, "known", mx, on_lookup, &told);
}

static void turn(int64_t second)
{
    struct pollfd p[LOOKUP_RUN_FDS];
    int wait_ms = -1;
    size_t n = lookup_run_fds(run, p, &wait_ms);
    lookup_run_turn(run, p, n, second * NS_PER_S, (1000 + second) * NS_PER_S);
}

static int begin(void **state)
{
    static const struct lookup_run_config c = {.most = 2};
    char why[RESOLVE_WHY];

    (void)state;
    questions = told = 0;
    deaf = false;
    fetch_fn = NULL;
    run = lookup_run_new(&c, why);
    return run ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    lookup_run_free(run);
    return 0;
}

static void two_minutes_and_no_more(void **state)
{
    (void)state;
    assert_true(ask("alder.example", true));
    turn(0);
    assert_int_equal(questions, 3); /* TXT, MX, TXT */
    turn(119);
    assert_int_equal(told, 0);
    turn(120);
    assert_int_equal(told, 1);
    assert_int_equal(last.sts, LOOKUP_STS_DNS);
    assert_int_equal(last.record, LOOKUP_FAILED);
    assert_int_equal(last.mx, LOOKUP_FAILED);
    assert_int_equal(last.reports, LOOKUP_FAILED);
    assert_int_equal(last.time, 1120 * NS_PER_S);
    assert_string_not_equal(last.why, "");
    none("_mta-sts.alder.example", RESOLVE_TXT); /* late: heard by nobody */
    turn(121);
    record("alder.example", RESOLVE_MX, "\0\12\2mx\5alder\7example", 20);
    turn(122);
    assert_int_equal(told, 1);
    assert_int_equal(questions, 3);
}

static void what_was_found_out_by_then_is_told(void **state)
{
    (void)state;
    assert_true(ask("alder.example", true));
    turn(0);
    none("_mta-sts.alder.example", RESOLVE_TXT);
    record("alder.example", RESOLVE_MX, "\0\12\2mx\5alder\7example", 20);
    turn(120);
    assert_int_equal(told, 1);
    assert_int_equal(last.sts, LOOKUP_STS_NONE);
    assert_int_equal(last.mx, LOOKUP_SECURE);
    assert_int_equal(last.items, 1);
    assert_string_equal(last.item[0].host.text, "mx.alder.example");
    assert_int_equal(last.item[0].address, LOOKUP_FAILED);
    assert_int_equal(last.item[0].tlsa, LOOKUP_FAILED);
}

static void a_late_policy_is_heard_by_nobody(void **state)
{
    static const char record_text[] = "\24v=STSv1; id=20261123";
    struct https_result r = {.sts = LOOKUP_STS_POLICY, .status = 200, .why = "", .issuer = ""};

    (void)state;
    assert_true(ask("alder.example", false));
    turn(0);
    record("_mta-sts.alder.example", RESOLVE_TXT, record_text, sizeof(record_text) - 1);
    record("mta-sts.alder.example", RESOLVE_A, "\10\10\10\10", 4);
    none("mta-sts.alder.example", RESOLVE_AAAA);
    assert_non_null(fetch_fn);
    assert_int_equal(fetch_addresses, 1);
    turn(120);
    assert_int_equal(told, 1);
    assert_int_equal(last.sts, LOOKUP_STS_FETCH);
    assert_string_equal(last.id, "20261123");
    fetch_fn(fetch_user, &r);
    turn(121);
    assert_int_equal(told, 1);
}

static void what_cannot_be_asked_fails_at_once(void **state)
{
    (void)state;
    deaf = true;
    assert_true(ask("alder.example", true));
    assert_int_equal(told, 0); /* never from lookup_run_ask() */
    turn(0);
    assert_int_equal(told, 1);
    assert_int_equal(last.sts, LOOKUP_STS_DNS);
    assert_int_equal(last.mx, LOOKUP_FAILED);
}

static void no_more_than_were_wanted(void **state)
{
    int wait_ms = -1;
    struct pollfd p[LOOKUP_RUN_FDS];

    (void)state;
    assert_true(ask("alder.example", false));
    assert_true(ask("beech.example", false));
    assert_false(ask("cedar.example", false));
    lookup_run_fds(run, p, &wait_ms);
    assert_int_equal(wait_ms, 0); /* there is something to do now */
    turn(0);
    none("_mta-sts.alder.example", RESOLVE_TXT);
    again = run; /* who is told may ask for the next */
    turn(1);
    assert_int_equal(told, 1);
    assert_false(ask("cedar.example", false));
    turn(2);
    none("_mta-sts.alder.example", RESOLVE_TXT);
    none("_mta-sts.beech.example", RESOLVE_TXT);
    turn(3);
    assert_int_equal(told, 3);
}

static void names_that_cannot_be(void **state)
{
    char name[254];

    (void)state;
    for (size_t i = 0; i < 253; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    name[253] = '\0';
    assert_true(ask(name, true));
    turn(0);
    assert_int_equal(questions, 1); /* MX alone: no label fits before such a name */
    none(name, RESOLVE_MX);
    record(name, RESOLVE_A, "\10\10\10\10", 4);
    none(name, RESOLVE_AAAA);
    turn(1);
    assert_int_equal(told, 1);
    assert_int_equal(last.sts, LOOKUP_STS_NONE);
    assert_int_equal(last.items, 1);
    assert_int_equal(last.item[0].tlsa, LOOKUP_SECURE);
    assert_false(last.item[0].has_tlsa);
}

static void an_end_with_all_in_the_air(void **state)
{
    (void)state;
    assert_true(ask("alder.example", true));
    turn(0);
    assert_true(ask("beech.example", true));
    assert_int_equal(told, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_minutes_and_no_more),          TEST(what_was_found_out_by_then_is_told),
        TEST(a_late_policy_is_heard_by_nobody), TEST(what_cannot_be_asked_fails_at_once),
        TEST(no_more_than_were_wanted),         TEST(names_that_cannot_be),
        TEST(an_end_with_all_in_the_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
