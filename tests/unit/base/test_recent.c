/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = {5, 6};

static void what_was_kept_is_found(void **state)
{
    struct recent *r = recent_new(&key, 64, 2 * sizeof(int64_t));
    int64_t *v;
    (void)state;
    assert_null(recent_find(r, "a", 1));
    v = recent_keep(r, "a", 1);
    assert_int_equal(v[0], 0);
    assert_int_equal(v[1], 0);
    v[0] = 7;
    v[1] = INT64_MIN;
    v = recent_keep(r, "a", 1);
    assert_int_equal(v[0], 7);
    v = recent_find(r, "a", 1);
    assert_true(v[1] == INT64_MIN);
    assert_null(recent_find(r, "ab", 2));
    recent_free(r);
}

static void a_round_meets_each_once(void **state)
{
    struct recent *r = recent_new(&key, 8, sizeof(int64_t));
    int met[4] = {0}, nothing = 0;
    (void)state;
    assert_null(recent_round(r));
    for (uint8_t i = 0; i < 4; i++)
        *(int64_t *)recent_keep(r, &i, 1) = i;
    recent_forget(r, recent_find(r, "\1", 1));
    for (int i = 0; i < 8; i++) {
        const int64_t *v = recent_round(r);
        if (v)
            met[*v]++;
        nothing += v == NULL;
        recent_use(r, recent_oldest(r)); /* the order of use is another thing */
    }
    assert_int_equal(met[0] + 10 * met[1] + 100 * met[2] + 1000 * met[3], 2202);
    assert_int_equal(nothing, 2);
    *(int64_t *)recent_keep(r, "a", 1) = 1; /* in the place that was left */
    for (int i = 0; i < 4; i++)
        assert_non_null(recent_round(r));
    recent_free(r);
}

/* A table with eight places, where "a" to "j" were kept and "e" forgotten. */
static struct recent *filled(void)
{
    struct recent *r = recent_new(&key, 8, sizeof(int64_t));
    for (char c = 'a'; c <= 'j'; c++)
        *(int64_t *)recent_keep(r, &c, 1) = c;
    recent_forget(r, recent_find(r, "e", 1));
    return r;
}

static void another_process_goes_on(void **state)
{
    const struct siphash_key other = {7, 8};
    struct recent *r = filled(), *s = recent_new(&other, 8, sizeof(int64_t));
    FILE *f = tmpfile();
    (void)state;
    assert_true(recent_save(r, f));
    rewind(f);
    assert_true(recent_restore(s, f));
    fclose(f);
    recent_free(r);
    assert_int_equal(recent_count(s), 7);
    assert_int_equal(recent_evicted(s), 2);
    assert_null(recent_find(s, "b", 1));
    assert_null(recent_find(s, "e", 1));
    assert_int_equal(*(int64_t *)recent_oldest(s), 'c');
    for (char c = 'f'; c <= 'j'; c++)
        assert_int_equal(*(int64_t *)recent_find(s, &c, 1), c);
    recent_keep(s, "y", 1);
    assert_non_null(recent_find(s, "c", 1)); /* there was a place that had been left */
    recent_keep(s, "z", 1);
    assert_null(recent_find(s, "c", 1));
    recent_free(s);
}

/* Cut anywhere, with any byte turned over, or of another table: refused, or a table in its bounds.
 */
static void what_is_not_whole_is_no_table(void **state)
{
    struct recent *r = filled();
    uint8_t bytes[4096];
    FILE *f = tmpfile();
    (void)state;
    assert_true(recent_save(r, f));
    recent_free(r);
    rewind(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    assert_in_range(n, 100, sizeof(bytes) - 1);
    for (size_t cut = 0; cut < n; cut++) {
        r = recent_new(&key, 8, sizeof(int64_t));
        f = fmemopen(bytes, cut + (cut == 0), "r");
        assert_false(recent_restore(r, f));
        fclose(f);
        recent_free(r);
    }
    for (size_t i = 0; i < n; i++) {
        r = recent_new(&key, 8, sizeof(int64_t));
        bytes[i] ^= 0xff;
        f = fmemopen(bytes, n, "r");
        if (recent_restore(r, f))
            assert_in_range(recent_count(r), 0, 8);
        fclose(f);
        bytes[i] ^= 0xff;
        recent_free(r);
    }
    r = recent_new(&key, 16, sizeof(int64_t));
    f = fmemopen(bytes, n, "r");
    assert_false(recent_restore(r, f));
    fclose(f);
    recent_free(r);
}

static void one_digest_for_two_tables(void **state)
{
    struct recent *a = recent_new(&key, 4, sizeof(int64_t)), *b = recent_new(&key, 64, 1);
    uint64_t digest = recent_digest(a, "k", 1);
    (void)state;
    assert_null(recent_find_digest(a, digest));
    assert_null(recent_find_digest(b, digest));
    void *in_b = recent_keep(b, "k", 1);
    assert_null(recent_find_digest(a, digest));
    assert_ptr_equal(recent_find_digest(b, digest), in_b);
    assert_null(recent_find_digest(b, recent_digest(a, "l", 1)));
    recent_free(a);
    recent_free(b);
}

/* Four places for a hundred keys: the four that were used last. */
static void the_one_not_used_for_longest_goes(void **state)
{
    struct recent *r = recent_new(&key, 4, sizeof(int64_t));
    uint8_t k;
    (void)state;
    for (k = 0; k < 100; k++) {
        *(int64_t *)recent_keep(r, &k, 1) = k;
        if (k >= 3)
            recent_keep(r, "\0", 1);
    }
    for (k = 0; k < 100; k++) {
        int64_t *v = recent_find(r, &k, 1);
        assert_int_equal(v != NULL, k == 0 || k >= 97);
        assert_true(!v || v[0] == k);
    }
    recent_free(r);
}

/* What is forgotten depends on the keys alone, and not on the secret. */
static void the_same_is_forgotten_by_all(void **state)
{
    (void)state;
    for (uint64_t secret = 0; secret < 20; secret++) {
        struct siphash_key other = {secret, ~secret};
        struct recent *r = recent_new(&other, 64, sizeof(int64_t));
        for (uint32_t k = 0; k < 1000; k++)
            *(int64_t *)recent_keep(r, &k, sizeof(k)) = k;
        for (uint32_t k = 0; k < 1000; k++) {
            int64_t *v = recent_find(r, &k, sizeof(k));
            assert_int_equal(v != NULL, k >= 1000 - 64);
            assert_true(!v || v[0] == k);
        }
        recent_free(r);
    }
}

struct wide { /* of no whole number of words */
    uint8_t bytes[43];
};

static struct wide *keep(struct recent *r, uint32_t k)
{
    struct wide *v = recent_keep(r, &k, sizeof(k));
    for (size_t i = 0; i < sizeof(v->bytes); i++)
        assert_int_equal(v->bytes[i], 0);
    memset(v, (int)k, sizeof(*v));
    return v;
}

/* What `r` has, by the first byte of each, the oldest first. */
static void expect(struct recent *r, const char *keys)
{
    const struct wide *v = recent_oldest(r);
    assert_int_equal(recent_count(r), strlen(keys));
    for (; *keys; keys++, v = recent_newer(r, v)) {
        assert_int_equal(v->bytes[0], *keys);
        assert_int_equal(v->bytes[42], *keys);
    }
    assert_null(v);
}

static void in_the_order_of_use(void **state)
{
    struct recent *r = recent_new(&key, 4, sizeof(struct wide));
    (void)state;
    expect(r, "");
    keep(r, 'a'), keep(r, 'b'), keep(r, 'c');
    expect(r, "abc");
    recent_use(r, recent_oldest(r));
    expect(r, "bca");
    recent_use(r, recent_newer(r, recent_newer(r, recent_oldest(r))));
    expect(r, "bca");
    assert_false(recent_is_full(r));
    keep(r, 'd');
    assert_true(recent_is_full(r));
    keep(r, 'e');
    expect(r, "cade");
    recent_free(r);
}

/* Its place is that of the next new key; the others stay where they are. */
static void what_is_forgotten_makes_room(void **state)
{
    struct recent *r = recent_new(&key, 4, sizeof(struct wide));
    uint32_t k = 'c';
    (void)state;
    keep(r, 'a'), keep(r, 'b');
    struct wide *c = keep(r, 'c'), *d = keep(r, 'd');
    recent_forget(r, c);
    assert_null(recent_find(r, &k, sizeof(k)));
    expect(r, "abd");
    recent_forget(r, recent_oldest(r));
    expect(r, "bd");
    assert_false(recent_is_full(r));
    keep(r, 'e'), keep(r, 'c');
    expect(r, "bdec");
    k = 'd';
    assert_ptr_equal(recent_find(r, &k, sizeof(k)), d);
    while (recent_count(r))
        recent_forget(r, recent_oldest(r));
    expect(r, "");
    for (k = 1; k < 100; k++)
        keep(r, k);
    expect(r, "\x60\x61\x62\x63");
    recent_free(r);
}

static void what_gave_way_is_counted(void **state)
{
    struct recent *r = recent_new(&key, 4, sizeof(int64_t));
    (void)state;
    for (uint8_t i = 0; i < 4; i++)
        recent_keep(r, &i, 1);
    recent_forget(r, recent_oldest(r)); /* gave way to nobody */
    assert_int_equal(recent_evicted(r), 0);
    for (uint8_t i = 4; i < 8; i++)
        recent_keep(r, &i, 1);
    recent_keep(r, &(uint8_t){7}, 1);
    assert_int_equal(recent_evicted(r), 3);
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found),
        cmocka_unit_test(one_digest_for_two_tables),
        cmocka_unit_test(a_round_meets_each_once),
        cmocka_unit_test(another_process_goes_on),
        cmocka_unit_test(what_is_not_whole_is_no_table),
        cmocka_unit_test(what_gave_way_is_counted),
        cmocka_unit_test(the_one_not_used_for_longest_goes),
        cmocka_unit_test(the_same_is_forgotten_by_all),
        cmocka_unit_test(in_the_order_of_use),
        cmocka_unit_test(what_is_forgotten_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
