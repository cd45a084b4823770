/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of the flows: who knows one key cannot make flows that collide under another. */
#include "dissect/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CHOSEN = 2000, BUCKETS = 4096 };

static struct flow_key key_of(uint32_t n)
{
    struct flow_key k = {.family = 4, .server = {192, 0, 2, 25}, .server_port = 25};

    k.client[0] = 10;
    k.client[1] = (uint8_t)(n >> 16);
    k.client[2] = (uint8_t)(n >> 8);
    k.client[3] = (uint8_t)n;
    k.client_port = (uint16_t)(1024 + (n >> 20) * 7);
    return k;
}

/* Flows in the fullest of BUCKETS, by the table's own hash. */
static unsigned fullest(const struct flow_table *t, const struct flow_key *k, size_t n)
{
    static unsigned count[BUCKETS];
    unsigned most = 0;

    memset(count, 0, sizeof(count));
    for (size_t i = 0; i < n; i++) {
        unsigned *c = &count[flow_hash(t, &k[i]) % BUCKETS];
        most = ++*c > most ? *c : most;
    }
    return most;
}

static void chosen_collisions_are_none_under_another_key(void **state)
{
    static struct flow_key chosen[CHOSEN], any[CHOSEN];
    const struct siphash_key known = {1, 2}, secret = {0x9e3779b97f4a7c15, 77};
    struct flow_table *theirs = flow_table_new(8, &known), *ours = flow_table_new(8, &secret);
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; n < CHOSEN; i++) {
        struct flow_key k = key_of(i);
        if (flow_hash(theirs, &k) % BUCKETS == 0)
            chosen[n++] = k;
        if (i < CHOSEN)
            any[i] = k;
    }
    assert_int_equal(fullest(theirs, chosen, CHOSEN), CHOSEN);
    /* 2,000 thrown at random into 4,096: six in one is a chance of 1 in 100 */
    assert_true(fullest(ours, chosen, CHOSEN) <= 8);
    assert_true(fullest(ours, any, CHOSEN) <= 8);
    flow_table_free(theirs);
    flow_table_free(ours);
}

/* The two views of one connection are two flows. */
static void views_are_apart(void **state)
{
    const struct siphash_key key = {3, 4};
    struct flow_table *t = flow_table_new(8, &key);
    struct flow_key first = key_of(1), second = first;
    struct flow *f, *g;

    (void)state;
    second.view = 1;
    assert_int_not_equal(flow_hash(t, &first), flow_hash(t, &second));
    f = flow_add(t, &first);
    assert_null(flow_find(t, &second));
    g = flow_add(t, &second);
    assert_ptr_equal(flow_find(t, &first), f);
    assert_ptr_equal(flow_find(t, &second), g);
    flow_remove(t, f);
    assert_null(flow_find(t, &first));
    assert_ptr_equal(flow_find(t, &second), g);
    flow_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_collisions_are_none_under_another_key),
        cmocka_unit_test(views_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
