/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_hex(const uint8_t *hash, size_t n, const char *expected)
{
    char hex[65];
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(hex, expected);
}

static const char LONGER[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

/* RFC 1321 appendix A.5. */
static void test_md5(void **state)
{
    uint8_t hash[16];
    (void)state;
    assert_int_equal(digest_md5(span_str("abc"), hash), 0);
    expect_hex(hash, 16, "900150983cd24fb0d6963f7d28e17f72");
    assert_int_equal(digest_md5(span_str("abcdefghijklmnopqrstuvwxyz"), hash), 0);
    expect_hex(hash, 16, "c3fcd3d76192e4007dfb496cca67e13b");
    assert_int_equal(digest_md5(span_of(NULL, 0), hash), 0);
    expect_hex(hash, 16, "d41d8cd98f00b204e9800998ecf8427e");
}

/* FIPS 180-2 appendix A and its empty message. */
static void test_sha1(void **state)
{
    uint8_t hash[20];
    (void)state;
    assert_int_equal(digest_sha1(span_str("abc"), hash), 0);
    expect_hex(hash, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(digest_sha1(span_str(LONGER), hash), 0);
    expect_hex(hash, 20, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_int_equal(digest_sha1(span_of(NULL, 0), hash), 0);
    expect_hex(hash, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* FIPS 180-2 appendix B. */
static void test_sha256(void **state)
{
    uint8_t hash[32];
    (void)state;
    assert_int_equal(digest_sha256(span_str("abc"), hash), 0);
    expect_hex(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(digest_sha256(span_str(LONGER), hash), 0);
    expect_hex(hash, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_int_equal(digest_sha256(span_of(NULL, 0), hash), 0);
    expect_hex(hash, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* What one leaves behind must not reach the next. */
static void test_in_turns(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        test_md5(state);
        test_sha1(state);
        test_sha256(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_sha1),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
