/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tls_exchange_facts facts;

/* ServerKeyExchange of DHE with this prime, in hexadecimal digits. */
static bool read_prime(const char *hex)
{
    uint8_t body[1100] = {0};
    size_t n = strlen(hex) / 2;
    body[0] = (uint8_t)(n >> 8);
    body[1] = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], 0};
        body[2 + i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    body[2 + n + 1] = 1; /* dh_g: 2; dh_Ys: 5 */
    body[2 + n + 2] = 2;
    body[2 + n + 4] = 1;
    body[2 + n + 5] = 5;
    return tls_exchange_read(span_of(body, n + 8), TLS_KEYS_DHE, &facts);
}

/* Adrian et al., Imperfect forward secrecy, 2015; RFC 2409 section 6.2. */
static void primes_that_many_share(void **state)
{
    (void)state;
    assert_true(read_prime("9FDB8B8A004544F0045F1737D0BA2E0B274CDF1A9F588218FB435316A16E3741"
                           "71FD19D8D8F37C39BF863FD60E3E300680A3030C6E4C3757D08F70E6AA871033"));
    assert_int_equal(facts.bits, 512);
    assert_int_equal(facts.prime, TLS_PRIME_EXPORT);
    assert_true(read_prime("D4BCD52406F69B35994B88DE5DB89682C8157F62D8F33633EE5772F11F05AB22"
                           "D6B5145B9F241E5ACC31FF090A4BC71148976F76795094E71E7903529F5A824B"));
    assert_int_equal(facts.prime, TLS_PRIME_EXPORT);
    assert_true(read_prime("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
                           "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
                           "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
                           "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"));
    assert_int_equal(facts.bits, 1024);
    assert_int_equal(facts.prime, TLS_PRIME_IKE);
    assert_true(read_prime("9FDB8B8A004544F0045F1737D0BA2E0B274CDF1A9F588218FB435316A16E3741"
                           "71FD19D8D8F37C39BF863FD60E3E300680A3030C6E4C3757D08F70E6AA871031"));
    assert_int_equal(facts.prime, TLS_PRIME_OTHER);
}

/* Every cut of it is none. */
static void cut_anywhere(void **state)
{
    static const uint8_t dhe[] = {0, 2, 0x80, 1, 0, 1, 2, 0, 1, 5}, ecdhe[] = {3, 0, 29, 1, 7};
    (void)state;
    for (size_t n = 0; n < sizeof(dhe); n++)
        assert_false(tls_exchange_read(span_of(dhe, n), TLS_KEYS_DHE, &facts));
    assert_true(tls_exchange_read(span_of(dhe, sizeof(dhe)), TLS_KEYS_DH_ANON, &facts));
    assert_int_equal(facts.bits, 16);
    for (size_t n = 0; n < 3; n++)
        assert_false(tls_exchange_read(span_of(ecdhe, n), TLS_KEYS_ECDHE, &facts));
    assert_true(tls_exchange_read(span_of(ecdhe, sizeof(ecdhe)), TLS_KEYS_ECDH_ANON, &facts));
    assert_int_equal(facts.group, 29);
    assert_false(tls_exchange_read(span_of(ecdhe, sizeof(ecdhe)), TLS_KEYS_PSK, &facts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primes_that_many_share),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
