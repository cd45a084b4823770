/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

/* A server whose hello has an extension that nobody asked for; the client left at once. */
static void play(void)
{
    build_new(&b);
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, "SIZE 1|STARTTLS");
    build_starttls(&b, 220, "220 go");
    b.s.tls_stage = TLS_STAGE_SERVER_HELLO;
    b.s.client_after = b.s.server_after = BYTES_TLS;
    b.s.tls_records[0] = b.s.tls_records[1] = 1;
    b.s.tls_version = 0x0303;
    b.s.tls_suite = 0xc02f;
    b.s.tls.altered = TLS_ALTERED_EXTENSION;
}

static void alert(enum session_dir d, uint8_t description)
{
    b.s.tls_alert_level[d] = 2;
    b.s.tls_alert[d] = description;
}

static enum severity altered(enum session_close how)
{
    const struct finding *f = build_find(build_close(&b, how), RULE_HANDSHAKE_ALTERED);
    assert_non_null(f);
    return f->severity;
}

static void a_handshake_that_broke(void **state)
{
    (void)state;
    play();
    assert_int_equal(altered(SESSION_FIN), SEVERITY_MEDIUM);
    alert(SESSION_TO_SERVER, 110); /* unsupported_extension */
    assert_int_equal(altered(SESSION_FIN), SEVERITY_MEDIUM);
    alert(SESSION_TO_SERVER, 51); /* decrypt_error */
    assert_int_equal(altered(SESSION_INPUT_END), SEVERITY_MEDIUM);
}

static void a_handshake_that_came_about(void **state)
{
    (void)state;
    play();
    build_tls(&b);
    assert_int_equal(altered(SESSION_FIN), SEVERITY_INFO);
}

/* What becomes of it is not in the capture. */
static void a_capture_that_ends(void **state)
{
    (void)state;
    play();
    assert_int_equal(altered(SESSION_INPUT_END), SEVERITY_INFO);
    assert_int_equal(altered(SESSION_EVICTED), SEVERITY_INFO);
}

/* The client took the hello, and looked at the certificate. */
static void a_certificate_that_is_not_liked(void **state)
{
    static const uint8_t description[] = {42, 43, 44, 45, 46, 48, 113};
    (void)state;
    for (size_t i = 0; i < sizeof(description); i++) {
        play();
        alert(SESSION_TO_SERVER, description[i]);
        assert_int_equal(altered(SESSION_FIN), SEVERITY_INFO);
        assert_int_not_equal(b.j.verdict, VERDICT_HELD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_that_broke),
        cmocka_unit_test(a_handshake_that_came_about),
        cmocka_unit_test(a_capture_that_ends),
        cmocka_unit_test(a_certificate_that_is_not_liked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
