/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static bool has(const struct tls_suite *s, const char *part)
{
    return strstr(s->name, part) != NULL;
}

/* The names of the registry say it all. */
static void names_and_weaknesses_agree(void **state)
{
    unsigned found = 0;
    (void)state;
    for (uint32_t n = 0; n < 0x10000; n++) {
        const struct tls_suite *s = tls_suite_find((uint16_t)n);
        if (!s)
            continue;
        found++;
        assert_int_equal(s->number, n);
        assert_int_equal(!!(s->weak & TLS_WEAK_ANON), has(s, "_anon_"));
        assert_int_equal(!!(s->weak & TLS_WEAK_EXPORT), has(s, "_EXPORT"));
        assert_int_equal(!!(s->weak & TLS_WEAK_RC4), has(s, "_RC4_"));
        assert_int_equal(!!(s->weak & TLS_WEAK_RC2), has(s, "_RC2_"));
        assert_int_equal(!!(s->weak & TLS_WEAK_3DES), has(s, "_3DES_"));
        assert_int_equal(!!(s->weak & TLS_WEAK_DES), has(s, "_DES_") || has(s, "_DES40_"));
        assert_int_equal(s->keys == TLS_KEYS_DHE, strncmp(s->name, "TLS_DHE_RSA", 11) == 0 ||
                                                      strncmp(s->name, "TLS_DHE_DSS", 11) == 0);
        assert_int_equal(s->keys == TLS_KEYS_ECDHE,
                         strncmp(s->name, "TLS_ECDHE_RSA", 13) == 0 ||
                             strncmp(s->name, "TLS_ECDHE_ECDSA", 15) == 0);
        assert_int_equal(!!(s->weak & TLS_WEAK_STATIC), s->keys == TLS_KEYS_RSA ||
                                                            s->keys == TLS_KEYS_DH ||
                                                            s->keys == TLS_KEYS_ECDH);
    }
    assert_true(found > 300);
}

static void some_by_heart(void **state)
{
    (void)state;
    assert_string_equal(tls_suite_find(0x1301)->name, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(tls_suite_find(0xc030)->name, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    assert_int_equal(tls_suite_find(0x1301)->keys, TLS_KEYS_TLS13);
    assert_int_equal(tls_suite_find(0x0003)->weak,
                     TLS_WEAK_EXPORT | TLS_WEAK_RC4 | TLS_WEAK_MD5 | TLS_WEAK_STATIC);
    assert_int_equal(tls_suite_find(0x0034)->keys, TLS_KEYS_DH_ANON);
    assert_null(tls_suite_find(TLS_SUITE_FALLBACK_SCSV));
    assert_null(tls_suite_find(0x0a0a));
}

static void versions(void **state)
{
    (void)state;
    assert_string_equal(tls_version_text(0x0300), "SSL 3.0");
    assert_string_equal(tls_version_text(0x0304), "TLS 1.3");
    assert_null(tls_version_text(0x0305));
    assert_null(tls_version_text(0x7f1c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_weaknesses_agree),
        cmocka_unit_test(some_by_heart),
        cmocka_unit_test(versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
