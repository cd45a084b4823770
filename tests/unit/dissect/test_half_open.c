/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/caps.h"
#include "dissect/half_open.h"

static struct half_open_table *t;

static int setup(void **state)
{
    (void)state;
    t = half_open_new(CAP_HALF_OPEN);
    return t ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    half_open_free(t);
    return 0;
}

static struct flow_key key_of(uint32_t n)
{
    struct flow_key k = {
        .family = 4, .server = {192, 0, 2, 1}, .client_port = 40000, .server_port = 25};

    memcpy(k.client, &n, sizeof(n));
    return k;
}

static bool note(uint32_t n, uint32_t isn)
{
    struct flow_key k = key_of(n);
    struct half_open syn = {.time = n, .isn = isn, .fast_open = n % 2};

    return half_open_note(t, &k, &syn);
}

static struct half_open *find(uint32_t n)
{
    struct flow_key k = key_of(n);

    return half_open_find(t, &k);
}

static void test_found_as_left(void **state)
{
    (void)state;
    assert_null(find(1));
    assert_false(note(1, 100));
    assert_non_null(find(1));
    assert_int_equal(find(1)->isn, 100);
    assert_int_equal(find(1)->time, 1);
    assert_true(find(1)->fast_open);
    assert_null(find(2));
}

static void test_every_part_of_the_key_counts(void **state)
{
    struct flow_key k = key_of(1);

    (void)state;
    note(1, 100);
    k.client_port++;
    assert_null(half_open_find(t, &k));
    k = key_of(1);
    k.server_port++;
    assert_null(half_open_find(t, &k));
    k = key_of(1);
    k.server[15]++;
    assert_null(half_open_find(t, &k));
    k = key_of(1);
    k.family = 6;
    assert_null(half_open_find(t, &k));
}

static void test_taken_is_gone(void **state)
{
    (void)state;
    note(1, 100);
    find(1)->tag = 0;
    assert_null(find(1));
    assert_false(note(1, 200));
    assert_int_equal(find(1)->isn, 200);
}

static void test_repeat_replaces(void **state)
{
    (void)state;
    note(1, 100);
    assert_false(note(1, 200)); /* the same key: nobody was forgotten */
    assert_int_equal(find(1)->isn, 200);
    find(1)->tag = 0;
    assert_null(find(1)); /* nor does the first come back */
}

/* What was noted is there or counted as overwritten; the newest are there but for those whose four
 * places in the index went to later ones: of a Poisson number of 2000/16384 four or more, 1 in
 * 10^5. */
static void test_flood(void **state)
{
    uint32_t noted = 3 * CAP_HALF_OPEN, found = 0, newest = 0;
    uint64_t forgotten = 0;

    (void)state;
    for (uint32_t n = 0; n < noted; n++)
        forgotten += note(n, n);
    for (uint32_t n = 0; n < noted; n++) {
        struct half_open *h = find(n);
        if (!h)
            continue;
        assert_int_equal(h->isn, n);
        assert_true(n >= noted - CAP_HALF_OPEN); /* the oldest gave way first */
        found++;
        newest += n >= noted - 2000;
    }
    assert_int_equal(forgotten, noted - CAP_HALF_OPEN);
    assert_in_range(found, CAP_HALF_OPEN / 2, CAP_HALF_OPEN); /* 1 - 1/e, were all keys random */
    assert_in_range(newest, 2000 - 1, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_as_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_part_of_the_key_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeat_replaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
