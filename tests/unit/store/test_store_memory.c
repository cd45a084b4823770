/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/contract.h"

static struct store_options options;

static struct store *open_fresh(void)
{
    struct store *fresh;
    char why[STORE_WHY];
    assert_int_equal(store_open(&fresh, "", &options, why), STORE_OK);
    assert_string_equal(store_name(fresh), "memory");
    assert_null(store_warning(fresh, 0));
    options = (struct store_options){0};
    return fresh;
}

static int setup_small(void **state)
{
    options.memory_bytes = 900000;
    return contract_setup(state);
}

/* Puts until it is full; returns how many there are. */
static int fill(nstime expires)
{
    char key[32], text[64] = "";
    for (int i = 0; i < 1000000; i++) {
        snprintf(key, sizeof(key), "policy/%d", i);
        if (store_put(s, str(key), span_of(text, sizeof(text)), expires, now) != STORE_OK)
            return i;
    }
    return -1;
}

static void the_limit_holds(void **state)
{
    (void)state;
    int n = fill(STORE_NEVER);
    assert_in_range(n, 5000, 16000);
    assert_int_equal(status_of("policy/0"), STORE_OK);
    static const char LARGE[400];
    assert_int_equal(store_put_later(s, str("policy/o"), span_of(LARGE, 400), 0, now), STORE_FULL);
    assert_int_equal(store_stats(s).dropped, 1);
    assert_string_equal(store_stats(s).last_error,
                        "the store in memory has no room in its 900000 bytes");
    assert_int_equal(put_text("policy/1", "shorter"), STORE_OK); /* replaces */
    assert_int_equal(store_remove(s, str("policy/2")), STORE_OK);
    assert_int_equal(put_text("policy/2", "v"), STORE_OK);
}

static void a_flush_that_finds_no_room_leaves_nothing(void **state)
{
    (void)state;
    static struct store_delta d[CAP_STORE_DELTAS];
    static char field[CAP_STORE_DELTAS][CAP_STORE_KEY];
    for (size_t i = 0; i < CAP_STORE_DELTAS; i++) {
        memset(field[i], 'f', sizeof(field[i]));
        snprintf(field[i], 8, "%07zu", i);
        field[i][7] = 'f';
        d[i] = (struct store_delta){str("count/x/d"), span_of(field[i], sizeof(field[i])), 1};
    }
    for (int i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof(id), "f%d", i);
        d[0].key = str(i % 2 ? "count/y/d" : "count/x/d");
        for (size_t j = 1; j < CAP_STORE_DELTAS; j++)
            d[j].key = d[0].key;
        enum store_status status = store_add(s, d, CAP_STORE_DELTAS, str(id), STORE_NEVER, now);
        assert_int_equal(status, i % 2 ? STORE_FULL : STORE_OK);
        assert_int_equal(total("count/y/d", "none"), INT64_MIN);
    }
    unsigned fields = 0;
    assert_int_equal(store_totals(s, str("count/y/d"), now, take_total, &fields), STORE_MISSING);
    assert_int_equal(store_totals(s, str("count/x/d"), now, take_total, &fields), STORE_OK);
    assert_int_equal(fields, CAP_STORE_DELTAS);
}

static void what_expired_gives_room(void **state)
{
    (void)state;
    int n = fill(now + NS_PER_S);
    assert_int_equal(fill(now + NS_PER_S), n); /* the same keys are replaced */
    now += NS_PER_S;
    assert_int_equal(status_of("policy/0"), STORE_MISSING);
    assert_true(fill(STORE_NEVER) >= n - 1);
    now += NS_PER_S;
    assert_int_equal(status_of("policy/0"), STORE_OK);
}

static void a_flush_id_is_known_for_a_week(void **state)
{
    (void)state;
    const struct store_delta d = {str("count/x/d"), str("a"), 1};
    assert_int_equal(store_add(s, &d, 1, str("f"), STORE_NEVER, now), STORE_OK);
    now += CAP_STORE_FLUSH_S * NS_PER_S - 1;
    assert_int_equal(store_add(s, &d, 1, str("f"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 1);
    now += 1;
    assert_int_equal(store_add(s, &d, 1, str("f"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 2);
}

static void statuses_have_texts(void **state)
{
    (void)state;
    assert_string_equal(store_status_text(STORE_AWAY), "away");
    assert_string_equal(store_status_text(STORE_STATUS_COUNT), "?");
    for (int i = 0; i < STORE_STATUS_COUNT; i++)
        assert_true(strlen(store_status_text((enum store_status)i)) > 1);
    store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        cmocka_unit_test_setup_teardown(the_limit_holds, setup_small, contract_teardown),
        cmocka_unit_test_setup_teardown(a_flush_that_finds_no_room_leaves_nothing, setup_small,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(what_expired_gives_room, setup_small, contract_teardown),
        CONTRACT_TEST(a_flush_id_is_known_for_a_week),
        cmocka_unit_test(statuses_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
