/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/verdict.h"

#include "rules/build.h"
#include "rules/certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OFFER  "PIPELINING|SIZE 10240000|VRFY|ETRN|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define MASKED "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXX|ENHANCEDSTATUSCODES|8BITMIME|DSN"

static struct build b;

static void play(const char *keywords)
{
    build_new(&b);
    build_banner(&b, "220 mx1.alder.example ESMTP Postfix");
    build_ehlo(&b, keywords);
}

static void verdict_is(enum verdict v)
{
    assert_string_equal(verdict_text(build_close(&b, SESSION_FIN)->verdict), verdict_text(v));
}

static void encrypted(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    verdict_is(VERDICT_ENCRYPTED);
    /* Mail in clear before it: the TLS after it does not take that back. */
    play(OFFER);
    build_mail(&b);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    verdict_is(VERDICT_OPPORTUNISTIC_CLEAR);
}

static void downgraded_and_held_and_failed(void **state)
{
    (void)state;
    play(MASKED);
    build_mail(&b);
    verdict_is(VERDICT_DOWNGRADED);
    play(MASKED);
    build_auth(&b, "CRAM-MD5", 235);
    verdict_is(VERDICT_DOWNGRADED);
    play(MASKED);
    build_quit(&b);
    verdict_is(VERDICT_HELD);
    play(MASKED);
    verdict_is(VERDICT_HELD);
    play(MASKED);
    b.s.mail_commands = 1; /* refused */
    verdict_is(VERDICT_FAILED);
    play(MASKED);
    assert_int_equal(build_judge(&b, SESSION_EHLO_DONE)->verdict, VERDICT_UNKNOWN);
}

static void clear_and_nothing_against_it(void **state)
{
    (void)state;
    play(OFFER);
    build_mail(&b);
    verdict_is(VERDICT_OPPORTUNISTIC_CLEAR);
    build_new(&b);
    build_helo(&b);
    build_mail(&b);
    verdict_is(VERDICT_OPPORTUNISTIC_CLEAR);
}

static void the_tap_showed_too_little(void **state)
{
    (void)state;
    play(OFFER);
    b.s.reading.ehlo = EHLO_GAP;
    build_mail(&b);
    verdict_is(VERDICT_UNKNOWN);
    build_new(&b);
    build_mail(&b);
    build_only(&b, SESSION_TO_SERVER);
    verdict_is(VERDICT_UNKNOWN);
    build_new(&b);
    b.s.hello = HELLO_HELO;
    build_mail(&b);
    build_only(&b, SESSION_TO_SERVER);
    verdict_is(VERDICT_UNKNOWN);
    play(OFFER);
    build_only(&b, SESSION_TO_CLIENT);
    verdict_is(VERDICT_UNKNOWN);
    play(OFFER);
    b.s.midstream = true;
    verdict_is(VERDICT_UNKNOWN);
    play(OFFER);
    assert_int_equal(build_close(&b, SESSION_INPUT_END)->verdict, VERDICT_UNKNOWN);
    play(OFFER);
    b.s.not_smtp = true;
    verdict_is(VERDICT_UNKNOWN);
}

static void nothing_went_through(void **state)
{
    (void)state;
    play(OFFER);
    build_quit(&b);
    verdict_is(VERDICT_FAILED);
    play(OFFER);
    build_starttls(&b, 0, NULL);
    verdict_is(VERDICT_FAILED);
    play(OFFER);
    build_quit(&b);
    assert_int_equal(build_close(&b, SESSION_INPUT_END)->verdict, VERDICT_FAILED);
}

/* A handshake with a hole may have been completed in it. */
static void a_handshake_with_a_hole(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 220, "220 go ahead");
    b.s.tls_stage = TLS_STAGE_CLIENT_HELLO;
    verdict_is(VERDICT_FAILED);
    b.s.gap_bytes[SESSION_TO_CLIENT] = 1;
    verdict_is(VERDICT_UNKNOWN);
}

static void visibility_is(enum visibility v)
{
    assert_string_equal(visibility_text(build_close(&b, SESSION_FIN)->visibility),
                        visibility_text(v));
}

static void visibility_by_direction(void **state)
{
    (void)state;
    play(OFFER);
    visibility_is(VISIBILITY_BOTH);
    build_only(&b, SESSION_TO_SERVER);
    visibility_is(VISIBILITY_CLIENT);
    play(OFFER);
    build_only(&b, SESSION_TO_CLIENT);
    visibility_is(VISIBILITY_SERVER);
    /* Acknowledgements alone show nothing of the server's side. */
    play(OFFER);
    b.s.bytes[SESSION_TO_CLIENT] = 0;
    visibility_is(VISIBILITY_CLIENT);
}

static void visibility_with_losses(void **state)
{
    (void)state;
    play(OFFER);
    b.s.midstream = true;
    visibility_is(VISIBILITY_PARTIAL);
    play(OFFER);
    b.s.gap_bytes[SESSION_TO_CLIENT] = 1;
    visibility_is(VISIBILITY_PARTIAL);
    play(OFFER);
    b.s.cut_bytes[SESSION_TO_SERVER] = 1;
    visibility_is(VISIBILITY_PARTIAL);
    /* Inside TLS nothing is lost to us. */
    play(OFFER);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    b.s.gap_bytes[SESSION_TO_CLIENT] = 1;
    visibility_is(VISIBILITY_BOTH);
    b.s.reading.ehlo = EHLO_CUT;
    visibility_is(VISIBILITY_PARTIAL);
}

static void handshake_is(enum handshake h, const char *stage)
{
    const struct judgement *j = build_close(&b, SESSION_FIN);
    assert_string_equal(handshake_text(j->handshake), handshake_text(h));
    if (stage)
        assert_string_equal(j->stage, stage);
    else
        assert_null(j->stage);
}

static void handshakes(void **state)
{
    (void)state;
    play(OFFER);
    handshake_is(HANDSHAKE_NONE, NULL);
    build_starttls(&b, 0, NULL);
    handshake_is(HANDSHAKE_ABORTED, "starttls");
    assert_int_equal(build_judge(&b, SESSION_EHLO_DONE)->handshake, HANDSHAKE_NONE);
    play(OFFER);
    build_starttls(&b, 454, "454 no");
    handshake_is(HANDSHAKE_REFUSED, NULL);
    play(OFFER);
    build_starttls(&b, 220, "220 go");
    handshake_is(HANDSHAKE_ABORTED, "reply");
    b.s.tls_stage = TLS_STAGE_CLIENT_HELLO;
    handshake_is(HANDSHAKE_ABORTED, "client-hello");
    b.s.server_after = BYTES_CLEAR;
    handshake_is(HANDSHAKE_CLEARTEXT, "client-hello");
    b.s.server_after = BYTES_TLS;
    b.s.tls_stage = TLS_STAGE_SERVER_HELLO;
    handshake_is(HANDSHAKE_ABORTED, "server-hello");
    build_tls(&b);
    handshake_is(HANDSHAKE_COMPLETE, NULL);
    play(OFFER);
    build_starttls(&b, 220, "220 go");
    b.s.client_after = BYTES_CLEAR;
    handshake_is(HANDSHAKE_CLEARTEXT, "reply");
}

static void handshakes_of_port_465(void **state)
{
    (void)state;
    build_new(&b);
    b.s.implicit_tls = true;
    handshake_is(HANDSHAKE_NONE, NULL);
    b.s.tls_stage = TLS_STAGE_CLIENT_HELLO;
    handshake_is(HANDSHAKE_ABORTED, "client-hello");
    build_tls(&b);
    handshake_is(HANDSHAKE_COMPLETE, NULL);
}

static struct certificate certificate;
static struct expectations expected;

static void met(void)
{
    play(OFFER);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    b.s.tls.certificates = TLS_CERTIFICATES_SEEN;
    b.s.tls.begin = b.s.now = CERTIFICATE_FROM * NS_PER_S;
    build_sni(&b, "mx1.alder.example");
    certificate = certificate_good();
    b.certificate = &certificate;
    b.expected = NULL;
}

static void peer_is(enum peer peer)
{
    assert_int_equal(build_close(&b, SESSION_FIN)->peer, peer);
}

/* A trusted chain, valid at the time of the handshake, with the name that was asked for. */
static void a_peer_that_is_verified(void **state)
{
    (void)state;
    met();
    peer_is(PEER_VERIFIED);
    b.s.now = (CERTIFICATE_UNTIL + 1) * NS_PER_S; /* it ended in the session */
    peer_is(PEER_VERIFIED);
    b.s.tls.begin = (CERTIFICATE_UNTIL + 1) * NS_PER_S;
    peer_is(PEER_UNVERIFIED);
    met();
    b.s.tls.begin = CERTIFICATE_FROM * NS_PER_S - 1;
    peer_is(PEER_UNVERIFIED);
    met();
    b.s.sni.len = 0; /* whose name should it be? */
    peer_is(PEER_UNVERIFIED);
    met();
    certificate.name[0] = span_str("*.example"); /* of two labels less */
    peer_is(PEER_UNVERIFIED);
    for (int t = CERT_TRUST_OK + 1; t < CERT_TRUST_UNKNOWN; t++) {
        met();
        certificate.trust = (enum certificate_trust)t;
        peer_is(PEER_UNVERIFIED);
    }
    met();
    certificate = certificate_unreadable();
    peer_is(PEER_UNVERIFIED);
}

/* The name that DNS had said counts before the client's word; the server's own does not. */
static void a_peer_that_was_expected(void **state)
{
    (void)state;
    met();
    expected = (struct expectations){.count = 1};
    expected.item[0] = (struct expectation){.source = EXPECTATION_PRELOAD,
                                            .binding = BINDING_DNS,
                                            .mode = STS_MODE_ENFORCE,
                                            .strict = true,
                                            .match = MX_MATCH_WHOLE,
                                            .from = INT64_MIN,
                                            .until = INT64_MAX};
    b.expected = &expected;
    (void)domain_read(span_str("mx1.alder.example"), &expected.item[0].mx);
    b.s.sni.len = 0;
    peer_is(PEER_VERIFIED);
    (void)domain_read(span_str("mx2.alder.example"), &expected.item[0].mx);
    build_sni(&b, "mx1.alder.example");
    peer_is(PEER_UNVERIFIED);
    expected.item[0].binding = BINDING_GREETING;
    peer_is(PEER_VERIFIED); /* by what was asked for */
}

static void a_peer_that_is_not_seen(void **state)
{
    (void)state;
    met();
    certificate.trust = CERT_TRUST_UNKNOWN; /* nobody to ask */
    peer_is(PEER_NOT_OBSERVABLE);
    met();
    b.certificate = NULL;
    b.s.tls.certificates = TLS_CERTIFICATES_TLS13;
    peer_is(PEER_NOT_OBSERVABLE);
    b.s.tls.certificates = TLS_CERTIFICATES_RESUMED;
    peer_is(PEER_NOT_OBSERVABLE);
    b.s.tls.certificates = TLS_CERTIFICATES_ANONYMOUS;
    peer_is(PEER_ANONYMOUS);
    b.s.tls_complete = false; /* no TLS, no peer */
    peer_is(PEER_NONE);
    met();
    b.s.tls_complete = false;
    b.s.tls_stage = TLS_STAGE_CERTIFICATE;
    peer_is(PEER_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encrypted),
        cmocka_unit_test(downgraded_and_held_and_failed),
        cmocka_unit_test(clear_and_nothing_against_it),
        cmocka_unit_test(the_tap_showed_too_little),
        cmocka_unit_test(nothing_went_through),
        cmocka_unit_test(a_handshake_with_a_hole),
        cmocka_unit_test(visibility_by_direction),
        cmocka_unit_test(visibility_with_losses),
        cmocka_unit_test(handshakes),
        cmocka_unit_test(handshakes_of_port_465),
        cmocka_unit_test(a_peer_that_is_verified),
        cmocka_unit_test(a_peer_that_was_expected),
        cmocka_unit_test(a_peer_that_is_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
