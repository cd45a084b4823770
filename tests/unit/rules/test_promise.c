/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "policy/certificate.h"
#include "rules/build.h"
#include "rules/certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

static void play(bool accepted)
{
    build_new(&b);
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, "SIZE 1|8BITMIME");
    b.s.requiretls = true;
    b.s.requiretls_accepted = accepted;
    b.s.requiretls_offset = b.at[SESSION_TO_SERVER];
}

static const struct finding *closed(void)
{
    return build_find(build_close(&b, SESSION_FIN), RULE_REQUIRETLS_VIOLATED);
}

static void accepted_and_sent(void **state)
{
    (void)state;
    play(true);
    build_mail(&b);
    const struct finding *f = closed();
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->evidence, EVIDENCE_E3);
    assert_int_equal(f->dir, SESSION_TO_SERVER);
    assert_int_equal(f->offset, b.s.requiretls_offset);
    assert_null(f->tlsrpt);
    assert_int_equal(b.j.verdict, VERDICT_EXPOSED);
}

static void accepted_before_the_text_went(void **state)
{
    (void)state;
    play(true);
    b.s.mail_commands = b.s.mail_accepted = 1;
    assert_int_equal(closed()->severity, SEVERITY_MEDIUM);
}

static void refused_is_right(void **state)
{
    (void)state;
    play(false);
    assert_int_equal(closed()->severity, SEVERITY_INFO);
    play(false);
    build_mail(&b); /* without REQUIRETLS, after the refusal */
    assert_int_equal(closed()->severity, SEVERITY_INFO);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

static void without_requiretls(void **state)
{
    (void)state;
    play(false);
    b.s.requiretls = false;
    build_mail(&b);
    assert_null(closed());
}

/* With tampering in the same session the tampering is the verdict. */
static void tampering_comes_first(void **state)
{
    (void)state;
    build_new(&b);
    build_ehlo(&b, "SIZE 1|8BITMIME|STARTFOO");
    b.s.requiretls = b.s.requiretls_accepted = true;
    build_mail(&b);
    assert_non_null(closed());
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
}

static void inside_a_decrypted_mirror(void **state)
{
    (void)state;
    play(true);
    build_starttls(&b, 220, "220 go");
    b.s.client_after = b.s.server_after = BYTES_CLEAR;
    b.s.ehlo_after = true;
    build_mail(&b);
    const struct finding *f = closed();
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_CAPTURE_ARTEFACT);
}

/* --- promises from outside the session --- */

static struct expectations promised;

static void promise(enum expectation_source source, enum sts_mode mode,
                    enum expectation_binding binding)
{
    promised.count = 1;
    promised.item[0] = (struct expectation){.source = source,
                                            .binding = binding,
                                            .mode = mode,
                                            .strict = true,
                                            .match = MX_MATCH_WHOLE,
                                            .from = INT64_MIN,
                                            .until = INT64_MAX};
    (void)domain_read(span_str("rcpt.test"), &promised.item[0].domain);
    b.expected = &promised;
}

static void offer(const char *keywords)
{
    build_new(&b);
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, keywords);
    promise(EXPECTATION_MTA_STS, STS_MODE_ENFORCE, BINDING_RECIPIENT);
}

static const struct finding *found(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

/* The rows of the matrix for E3, by what came of it. */
static void an_offer_that_was_promised(void **state)
{
    (void)state;
    offer("SIZE 1|8BITMIME");
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_MEDIUM);
    build_quit(&b);
    const struct finding *f = found(RULE_STS_OFFER_MISSING);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(b.j.verdict, VERDICT_HELD);
    assert_string_equal(f->tlsrpt, "starttls-not-supported");
    assert_int_equal(f->evidence, EVIDENCE_E3);
    assert_int_equal(f->confidence, CONFIDENCE_HIGH);
    offer("SIZE 1|8BITMIME");
    build_mail(&b);
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_HIGH);
    assert_int_equal(b.j.verdict, VERDICT_EXPOSED);
    assert_int_equal(b.j.promise_state, PROMISE_VIOLATED);
    assert_ptr_equal(b.j.promise, &promised.item[0]);
}

static void each_weakness_costs_a_step(void **state)
{
    (void)state;
    offer("SIZE 1|8BITMIME");
    build_mail(&b);
    promised.item[0].strict = false;
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_MEDIUM);
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->confidence, CONFIDENCE_MEDIUM);
    promised.item[0].fetched_later = true;
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_LOW);
    promised.item[0].mode = STS_MODE_TESTING;
    promised.item[0].binding = BINDING_GREETING;
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_LOW); /* and no lower */
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->confidence, CONFIDENCE_LOW);
}

/* "Not seen" is not "absent". */
static void what_was_not_seen_whole_breaks_no_promise(void **state)
{
    (void)state;
    offer("SIZE 1|8BITMIME");
    b.s.reading.ehlo = EHLO_GAP;
    build_mail(&b);
    assert_null(found(RULE_STS_OFFER_MISSING));
    offer("SIZE 1|8BITMIME");
    b.s.reading.lines_capped = true;
    assert_null(found(RULE_STS_OFFER_MISSING));
    offer("SIZE 1|8BITMIME");
    b.s.key.server_port = 587;
    build_mail(&b);
    assert_null(found(RULE_STS_OFFER_MISSING));
    offer("SIZE 1|8BITMIME");
    promised.item[0].match = MX_MATCH_DEPTH;
    assert_null(found(RULE_STS_OFFER_MISSING));
}

/* One attack: what overwrote the offer takes the weight of the promise, and leads. */
static void a_garbled_offer_that_was_promised(void **state)
{
    (void)state;
    offer("SIZE 1|8BITMIME|STARTFOO");
    build_mail(&b);
    assert_int_equal(found(RULE_STS_OFFER_MISSING)->severity, SEVERITY_HIGH);
    assert_int_equal(found(RULE_STARTTLS_GARBLED)->severity, SEVERITY_HIGH);
    assert_int_equal(b.j.finding[0].rule, RULE_STARTTLS_GARBLED);
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
}

static void an_offer_that_nobody_used(void **state)
{
    (void)state;
    offer("SIZE 1|STARTTLS");
    build_mail(&b);
    const struct finding *f = found(RULE_STS_CLEARTEXT);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SENDER_WITHOUT_STS);
    assert_null(found(RULE_STS_OFFER_MISSING));
    promise(EXPECTATION_MTA_STS, STS_MODE_ENFORCE, BINDING_DNS); /* for whom it was is not known */
    assert_null(found(RULE_STS_CLEARTEXT));
    promise(EXPECTATION_PARTNER, STS_MODE_ENFORCE, BINDING_RECIPIENT);
    assert_int_equal(found(RULE_PARTNER_VIOLATED)->severity, SEVERITY_HIGH);
    assert_null(found(RULE_PARTNER_VIOLATED)->tlsrpt);
    promise(EXPECTATION_PRELOAD, STS_MODE_ENFORCE, BINDING_RECIPIENT);
    assert_null(found(RULE_PRELOAD_VIOLATED));
}

/* A mirror shows in clear what went through TLS. */
static void a_decrypted_mirror_breaks_no_promise(void **state)
{
    static const enum expectation_source source[] = {EXPECTATION_MTA_STS, EXPECTATION_PARTNER};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        offer("SIZE 1|STARTTLS");
        promise(source[i], STS_MODE_ENFORCE, BINDING_RECIPIENT);
        build_starttls(&b, 220, "220 go");
        b.s.client_after = b.s.server_after = BYTES_CLEAR;
        b.s.ehlo_after = true;
        build_mail(&b);
        assert_null(found(RULE_PARTNER_VIOLATED));
        assert_null(found(RULE_STS_OFFER_MISSING));
        assert_int_equal(b.j.promise_state, PROMISE_UNKNOWN);
    }
}

/* Before a recipient is named the mail may be for somebody else. */
static void a_guess_waits_for_the_end(void **state)
{
    (void)state;
    offer("SIZE 1|8BITMIME");
    promised.item[0].binding = BINDING_GREETING;
    assert_null(build_find(build_judge(&b, SESSION_EHLO_DONE), RULE_STS_OFFER_MISSING));
    assert_non_null(found(RULE_STS_OFFER_MISSING));
    promised.item[0].binding = BINDING_RECIPIENT;
    assert_non_null(build_find(build_judge(&b, SESSION_CLEAR_CONTENT), RULE_STS_OFFER_MISSING));
}

static void a_host_that_the_policy_does_not_name(void **state)
{
    (void)state;
    offer("SIZE 1|STARTTLS");
    promised.item[0].match = MX_MATCH_NONE;
    assert_null(found(RULE_STS_MX_MISMATCH)); /* its name is not known */
    (void)domain_read(span_str("mx.elsewhere.test"), &promised.item[0].mx);
    assert_int_equal(found(RULE_STS_MX_MISMATCH)->severity, SEVERITY_MEDIUM);
    build_mail(&b);
    assert_int_equal(found(RULE_STS_MX_MISMATCH)->severity, SEVERITY_HIGH);
    promised.item[0].match = MX_MATCH_DEPTH;
    assert_int_equal(found(RULE_STS_MX_MISMATCH)->severity, SEVERITY_LOW);
    assert_int_equal(found(RULE_STS_MX_MISMATCH)->cause, CAUSE_DOMAIN_MISCONFIGURED);
    promised.item[0].binding = BINDING_GREETING; /* anyone may call himself anything */
    assert_null(found(RULE_STS_MX_MISMATCH));
}

/* --- several hosts at one address --- */

static struct certificate presented;

static void host(size_t i, const char *name, enum dane_result dane)
{
    struct expectation *e = &promised.item[i];
    *e = promised.item[0];
    (void)domain_read(span_str(name), &e->mx);
    e->dane = dane;
}

/* TLS with one of two hosts; `asked`: the name in the ClientHello. */
static void two_hosts(enum expectation_source source, enum dane_result a, enum dane_result z,
                      const char *asked)
{
    offer("SIZE 1|STARTTLS");
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    promise(source, STS_MODE_ENFORCE, BINDING_DNS);
    host(1, "mx.z.test", z);
    host(0, "mx.a.test", a);
    promised.count = 2;
    b.s.sni = build_text(&b, asked, strlen(asked));
    presented = (struct certificate){.trust = CERT_TRUST_OK, .valid_until = INT64_MAX};
    presented.name[presented.name_count++] = span_str("mx.z.test");
    b.certificate = &presented;
}

static void records_of_the_host_that_was_asked_for(void **state)
{
    (void)state;
    two_hosts(EXPECTATION_DANE, DANE_MISMATCH, DANE_MATCH, "MX.z.test.");
    assert_null(found(RULE_DANE_VIOLATED));
    assert_int_equal(b.j.peer, PEER_VERIFIED);
    two_hosts(EXPECTATION_DANE, DANE_MATCH, DANE_MISMATCH, "mx.z.test");
    assert_non_null(found(RULE_DANE_VIOLATED));
    assert_ptr_equal(b.j.promise, &promised.item[1]);
    two_hosts(EXPECTATION_DANE, DANE_MISMATCH, DANE_MATCH, ""); /* either will do */
    assert_null(found(RULE_DANE_VIOLATED));
    two_hosts(EXPECTATION_DANE, DANE_MISMATCH, DANE_MISMATCH, "");
    assert_non_null(found(RULE_DANE_VIOLATED));
}

static void a_certificate_of_the_host_that_was_asked_for(void **state)
{
    (void)state;
    two_hosts(EXPECTATION_MTA_STS, DANE_UNKNOWN, DANE_UNKNOWN, "mx.z.test");
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    two_hosts(EXPECTATION_MTA_STS, DANE_UNKNOWN, DANE_UNKNOWN, "mx.a.test");
    assert_string_equal(found(RULE_STS_CERTIFICATE_INVALID)->tlsrpt, "certificate-host-mismatch");
    two_hosts(EXPECTATION_MTA_STS, DANE_UNKNOWN, DANE_UNKNOWN, "mx.z.test");
    presented.name[0] = span_str("mx.a.test");
    assert_non_null(found(RULE_STS_CERTIFICATE_INVALID));
}

/* RFC 8461 section 7.1: who asks for no name may be shown any certificate. */
static void no_name_was_asked_for(void **state)
{
    (void)state;
    two_hosts(EXPECTATION_MTA_STS, DANE_UNKNOWN, DANE_UNKNOWN, "");
    presented.name[0] = span_str("www.z.test");
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    presented.trust = CERT_TRUST_SELF_SIGNED;
    assert_string_equal(found(RULE_STS_CERTIFICATE_INVALID)->tlsrpt, "certificate-not-trusted");
}

/* --- certificates --- */

static struct certificate certificate;

/* TLS came about with the host that the policy names, whose certificate is right. */
static void met(void)
{
    offer("SIZE 1|STARTTLS");
    build_starttls(&b, 220, "220 go");
    b.s.tls.server_offset = b.at[SESSION_TO_CLIENT];
    build_tls(&b);
    b.s.tls_version = TLS_VERSION_12;
    b.s.tls_suite = 0xc02f;
    b.s.tls.certificates = TLS_CERTIFICATES_SEEN;
    b.s.tls.begin = (CERTIFICATE_FROM + INT64_C(86400)) * NS_PER_S;
    b.s.now = b.s.tls.begin + NS_PER_S;
    build_sni(&b, "mx1.alder.example");
    (void)domain_read(span_str("mx1.alder.example"), &promised.item[0].mx);
    certificate = certificate_good();
    b.certificate = &certificate;
    b.own_authorities = true;
}

/* The client saw the certificate and left. */
static void left(void)
{
    b.s.tls_complete = false;
    b.s.tls_stage = TLS_STAGE_CERTIFICATE;
}

static void promise_is(enum promise_state state)
{
    build_close(&b, SESSION_FIN);
    assert_string_equal(promise_text(b.j.promise_state), promise_text(state));
}

static void a_certificate_as_promised(void **state)
{
    (void)state;
    met();
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    promise_is(PROMISE_SATISFIED);
    assert_int_equal(b.j.finding_count, 0);
    certificate.trust = CERT_TRUST_UNKNOWN; /* there is no store to ask */
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    b.certificate = NULL; /* TLS 1.3 */
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    promise_is(PROMISE_SATISFIED);
}

/* Each fault, and its word in a report (RFC 8460 section 4.3.2). */
static void certificates_that_break_a_policy(void **state)
{
    static const struct {
        enum certificate_trust trust;
        int64_t from, until; /* from the handshake on */
        const char *name, *result, *reason;
    } table[] = {
        {CERT_TRUST_UNTRUSTED, -1, 1, "mx1.alder.example", "certificate-not-trusted",
         "(untrusted)"},
        {CERT_TRUST_SELF_SIGNED, -1, 1, "mx1.alder.example", "certificate-not-trusted",
         "(self-signed)"},
        {CERT_TRUST_INVALID, -1, 1, "mx1.alder.example", "validation-failure", "(invalid)"},
        {CERT_TRUST_OK, -9, -1, "mx1.alder.example", "certificate-expired", "not valid at that"},
        {CERT_TRUST_OK, 1, 9, "mx1.alder.example", "validation-failure", "not valid at that time"},
        {CERT_TRUST_OK, -1, 1, "mx2.alder.example", "certificate-host-mismatch",
         "does not name mx1.alder.example"},
        {CERT_TRUST_UNKNOWN, -1, 1, "mx2.alder.example", "certificate-host-mismatch", "not name"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        met();
        certificate.trust = table[i].trust;
        certificate.valid_from = CERTIFICATE_FROM + 86400 + table[i].from;
        certificate.valid_until = CERTIFICATE_FROM + 86400 + table[i].until;
        certificate.name[0] = span_str(table[i].name);
        const struct finding *f = found(RULE_STS_CERTIFICATE_INVALID);
        assert_non_null(f);
        assert_string_equal(f->tlsrpt, table[i].result);
        assert_non_null(strstr(f->reason, table[i].reason));
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_int_equal(f->evidence, EVIDENCE_E3);
        assert_int_equal(f->offset, b.s.tls.server_offset);
        promise_is(PROMISE_VIOLATED);
    }
    met();
    certificate = certificate_unreadable();
    assert_string_equal(found(RULE_STS_CERTIFICATE_INVALID)->tlsrpt, "validation-failure");
    assert_non_null(strstr(found(RULE_STS_CERTIFICATE_INVALID)->reason, "is no certificate"));
}

/* Who does not ask for the name may be shown another (RFC 8461 section 7.1). */
static void a_name_that_nobody_asked_for(void **state)
{
    (void)state;
    met();
    certificate.name[0] = span_str("else.test");
    assert_non_null(found(RULE_STS_CERTIFICATE_INVALID));
    b.s.sni.len = 0;
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    promise_is(PROMISE_SATISFIED);
    build_sni(&b, "mail.alder.example"); /* nor who asks for another */
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    certificate.valid_until = CERTIFICATE_FROM; /* all else is judged */
    assert_string_equal(found(RULE_STS_CERTIFICATE_INVALID)->tlsrpt, "certificate-expired");
    met();
    build_sni(&b, "MX1.Alder.Example.");
    certificate.name[0] = span_str("else.test");
    assert_non_null(found(RULE_STS_CERTIFICATE_INVALID));
    certificate.names_left = 1;
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
}

/* RFC 8461 section 4.2 speaks of the sender's authorities: an unknown one alone is info, unless the
 * operator named those to trust. Nobody trusts what signs itself, or is damaged. */
static void authorities_that_others_may_trust(void **state)
{
    (void)state;
    met();
    b.own_authorities = false;
    certificate.trust = CERT_TRUST_UNTRUSTED;
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_INFO);
    promise_is(PROMISE_SATISFIED);
    certificate.valid_until = CERTIFICATE_FROM;
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_MEDIUM);
    met();
    b.own_authorities = false;
    certificate.trust = CERT_TRUST_UNTRUSTED;
    certificate.name[0] = span_str("else.test");
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_MEDIUM);
    for (int t = CERT_TRUST_SELF_SIGNED; t <= CERT_TRUST_INVALID; t++) {
        met();
        b.own_authorities = false;
        certificate.trust = (enum certificate_trust)t;
        assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_MEDIUM);
        promise_is(PROMISE_VIOLATED);
    }
}

/* Without a certificate by choice nobody can say whether a promise was kept. */
static void no_certificate_at_all(void **state)
{
    (void)state;
    met();
    b.certificate = NULL;
    b.s.tls.certificates = TLS_CERTIFICATES_ANONYMOUS;
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    promise_is(PROMISE_UNKNOWN);
}

/* The policy's host is known by DNS or by the client's word; what a server calls itself is not what
 * it must be called. */
static void names_by_binding(void **state)
{
    (void)state;
    for (int binding = 0; binding < BINDING_COUNT; binding++) {
        met();
        promised.item[0].binding = (enum expectation_binding)binding;
        certificate.name[0] = span_str("else.test");
        assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID) != NULL, binding != BINDING_GREETING);
        certificate.trust = CERT_TRUST_SELF_SIGNED;
        const struct finding *f = found(RULE_STS_CERTIFICATE_INVALID);
        bool greeting = binding == BINDING_GREETING;
        assert_int_equal(f->severity, greeting ? SEVERITY_LOW : SEVERITY_MEDIUM);
        assert_int_equal(f->confidence, greeting ? CONFIDENCE_LOW : CONFIDENCE_HIGH);
        promised.item[0].mx.n = 0; /* nobody knows which host it is */
        b.s.sni.len = 0;
        certificate.trust = CERT_TRUST_OK;
        assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    }
}

/* RULES.md: medium alone, whether it was held or not; steps for what it rests on. */
static void how_grave_a_certificate_is(void **state)
{
    (void)state;
    met();
    certificate.trust = CERT_TRUST_UNTRUSTED;
    left();
    const struct finding *f = found(RULE_STS_CERTIFICATE_INVALID);
    assert_int_equal(f->effect, EFFECT_HELD);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(
        build_find(build_close(&b, SESSION_INPUT_END), RULE_STS_CERTIFICATE_INVALID)->effect,
        EFFECT_NOTHING); /* the capture ended, not the session */
    build_mail(&b);      /* and then in clear */
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_HIGH);
    met();
    certificate.trust = CERT_TRUST_UNTRUSTED;
    promised.item[0].mode = STS_MODE_TESTING;
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_LOW);
    promised.item[0].strict = false;
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->severity, SEVERITY_LOW);
    assert_int_equal(found(RULE_STS_CERTIFICATE_INVALID)->confidence, CONFIDENCE_MEDIUM);
    promised.item[0].match = MX_MATCH_NONE; /* the policy does not cover this host */
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    promised.item[0].match = MX_MATCH_WHOLE;
    b.s.key.server_port = 587;
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    b.s.key.server_port = 25;
    assert_null(build_find(build_judge(&b, SESSION_UPGRADE_DECIDED), RULE_STS_CERTIFICATE_INVALID));
}

/* The dates are those of the handshake, however long the session lasts. */
static void a_certificate_that_ends_in_the_session(void **state)
{
    (void)state;
    met();
    b.s.tls.begin = CERTIFICATE_UNTIL * NS_PER_S;
    b.s.now = (CERTIFICATE_UNTIL + 60) * NS_PER_S;
    assert_null(found(RULE_STS_CERTIFICATE_INVALID));
    b.s.tls.begin += NS_PER_S;
    assert_non_null(found(RULE_STS_CERTIFICATE_INVALID));
}

/* RFC 7672: only a mismatch breaks it. */
static void records_and_certificates(void **state)
{
    (void)state;
    for (int r = 0; r < DANE_COUNT; r++) {
        met();
        promised.item[0].source = EXPECTATION_DANE;
        promised.item[0].dane = (enum dane_result)r;
        certificate.trust = CERT_TRUST_SELF_SIGNED; /* of no interest to DANE-EE */
        const struct finding *f = found(RULE_DANE_VIOLATED);
        assert_int_equal(f != NULL, r == DANE_MISMATCH);
        promise_is(r == DANE_MISMATCH ? PROMISE_VIOLATED : PROMISE_SATISFIED);
        if (!f)
            continue;
        assert_string_equal(f->tlsrpt, "tlsa-invalid"); /* RFC 8460 section 4.3.2.1 */
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_int_equal(f->confidence, CONFIDENCE_MEDIUM);
        assert_int_equal(f->alternatives[0], CAUSE_TLSA_NOT_ROLLED);
        assert_null(found(RULE_STS_CERTIFICATE_INVALID));
        left();
        f = found(RULE_DANE_VIOLATED);
        assert_int_equal(f->effect, EFFECT_HELD);
        assert_int_equal(f->severity, SEVERITY_HIGH);
        build_mail(&b);
        assert_int_equal(found(RULE_DANE_VIOLATED)->severity, SEVERITY_HIGH);
        b.certificate = NULL;
        assert_null(found(RULE_DANE_VIOLATED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_and_sent),
        cmocka_unit_test(accepted_before_the_text_went),
        cmocka_unit_test(refused_is_right),
        cmocka_unit_test(without_requiretls),
        cmocka_unit_test(tampering_comes_first),
        cmocka_unit_test(inside_a_decrypted_mirror),
        cmocka_unit_test(an_offer_that_was_promised),
        cmocka_unit_test(each_weakness_costs_a_step),
        cmocka_unit_test(what_was_not_seen_whole_breaks_no_promise),
        cmocka_unit_test(a_garbled_offer_that_was_promised),
        cmocka_unit_test(an_offer_that_nobody_used),
        cmocka_unit_test(a_decrypted_mirror_breaks_no_promise),
        cmocka_unit_test(a_guess_waits_for_the_end),
        cmocka_unit_test(a_host_that_the_policy_does_not_name),
        cmocka_unit_test(records_of_the_host_that_was_asked_for),
        cmocka_unit_test(a_certificate_of_the_host_that_was_asked_for),
        cmocka_unit_test(no_name_was_asked_for),
        cmocka_unit_test(a_certificate_as_promised),
        cmocka_unit_test(certificates_that_break_a_policy),
        cmocka_unit_test(a_name_that_nobody_asked_for),
        cmocka_unit_test(authorities_that_others_may_trust),
        cmocka_unit_test(no_certificate_at_all),
        cmocka_unit_test(names_by_binding),
        cmocka_unit_test(how_grave_a_certificate_is),
        cmocka_unit_test(a_certificate_that_ends_in_the_session),
        cmocka_unit_test(records_and_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
