/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expected numbers are those of another implementation: CPython 3.11 hashes bytes with
 * SipHash-1-3, under a key of zero for PYTHONHASHSEED=0 and under KEY_OF_SEED_1 for 1. The hash of
 * no bytes is that of the tests of Rust's SipHasher13.
 */
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define KEY_OF_SEED_1                                                                              \
    {                                                                                              \
        0xaed66ce184be2329, 0xebe9bbf1f1499052                                                     \
    }

static const struct siphash_key zero;

static uint64_t hash_guarded(const struct siphash_key *key, const void *data, size_t n)
{
    uint8_t *copy = guard_copy(data, n);
    uint64_t hash = siphash(key, copy, n);

    guard_free(copy);
    return hash;
}

static uint64_t hash_text(const struct siphash_key *key, const char *text)
{
    return hash_guarded(key, text, strlen(text));
}

static void count_up(uint8_t bytes[63])
{
    for (uint8_t i = 0; i < 63; i++)
        bytes[i] = i;
}

static void test_key_of_zero(void **state)
{
    uint8_t bytes[63];

    (void)state;
    count_up(bytes);
    assert_int_equal(hash_text(&zero, "a"), 0x407448d2b89b1813);
    assert_int_equal(hash_text(&zero, "smtp"), 0xf2b819ec94d32127);
    assert_int_equal(hash_text(&zero, "250-STAR"), 0x57c6bee4063b9cf1);
    assert_int_equal(hash_text(&zero, "250-STARTTLS\r\n"), 0xb9c97b9e18fed01c);
    assert_int_equal(hash_text(&zero, "XXXXXXXXXXXXXXXX"), 0xd93492b9167ec903);
    assert_int_equal(hash_guarded(&zero, bytes, sizeof(bytes)), 0x385d3e39e5f37359);
}

static void test_other_key(void **state)
{
    static const struct siphash_key key = KEY_OF_SEED_1;
    uint8_t bytes[63];

    (void)state;
    count_up(bytes);
    assert_int_equal(hash_text(&key, "a"), 0xd6300bc9f7cc0e73);
    assert_int_equal(hash_text(&key, "250-STARTTLS\r\n"), 0xf230feead331e35c);
    assert_int_equal(hash_guarded(&key, bytes, sizeof(bytes)), 0x542052345bc68274);
}

static void test_no_bytes(void **state)
{
    static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

    (void)state;
    assert_int_equal(siphash(&key, NULL, 0), 0xabac0158050fc4dc);
}

static void test_zeros_of_any_length_differ(void **state)
{
    static const uint8_t zeros[32];

    (void)state;
    for (size_t a = 0; a < sizeof(zeros); a++)
        for (size_t b = a + 1; b < sizeof(zeros); b++)
            assert_int_not_equal(siphash(&zero, zeros, a), siphash(&zero, zeros, b));
}

static void test_every_byte_counts(void **state)
{
    uint8_t bytes[40] = {0};
    uint64_t before = siphash(&zero, bytes, sizeof(bytes));

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_int_not_equal(siphash(&zero, bytes, sizeof(bytes)), before);
        bytes[i] = 0;
    }
}

static void test_alignment_is_free(void **state)
{
    static const char text[] = "250-STARTTLS\r\n";
    uint8_t room[32];

    (void)state;
    for (size_t at = 0; at < 8; at++) {
        memcpy(room + at, text, 14);
        assert_int_equal(siphash(&zero, room + at, 14), 0xb9c97b9e18fed01c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_of_zero),       cmocka_unit_test(test_other_key),
        cmocka_unit_test(test_no_bytes),          cmocka_unit_test(test_zeros_of_any_length_differ),
        cmocka_unit_test(test_every_byte_counts), cmocka_unit_test(test_alignment_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
