/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that servers present, judged without a promise: never more than info. */
#include "rules/families.h"

#include "rules/build.h"
#include "rules/certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;
static struct certificate c;

static const enum rule_id rules[] = {RULE_CERTIFICATE_UNTRUSTED, RULE_CERTIFICATE_EXPIRED,
                                     RULE_CERTIFICATE_NAME_MISMATCH, RULE_CERTIFICATE_WEAK};

/* A day after the certificate began, closed some seconds later. */
static void session(void)
{
    build_new(&b);
    build_banner(&b, "220 mx1.alder.example ESMTP");
    build_ehlo(&b, "SIZE 1|STARTTLS");
    build_starttls(&b, 220, "220 go");
    b.s.tls.server_offset = b.at[SESSION_TO_CLIENT];
    build_tls(&b);
    b.s.tls_version = TLS_VERSION_12;
    b.s.tls_suite = 0xc02f;
    b.s.tls.certificates = TLS_CERTIFICATES_SEEN;
    b.s.tls.begin = (CERTIFICATE_FROM + INT64_C(86400)) * NS_PER_S;
    b.s.tls.end = b.s.tls.begin + NS_PER_S;
    b.s.now = b.s.tls.begin + 10 * NS_PER_S;
    c = certificate_good();
    b.certificate = &c;
}

static const struct finding *found(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

/* That one, and no other. */
static const struct finding *only(enum rule_id id)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        assert_int_equal(found(rules[i]) != NULL, rules[i] == id);
    return found(id);
}

static void none(void)
{
    (void)only(RULE_COUNT);
}

static void says(enum rule_id id, const char *part)
{
    assert_non_null(found(id));
    if (!strstr(found(id)->reason, part))
        fail_msg("no %s in %s", part, found(id)->reason);
}

static void a_good_certificate(void **state)
{
    (void)state;
    session();
    none();
    assert_int_equal(b.j.finding_count, 0);
    b.certificate = NULL;
    none();
}

static void told_of_at_the_end(void **state)
{
    (void)state;
    session();
    c.trust = CERT_TRUST_SELF_SIGNED;
    for (int m = 0; m < SESSION_CLOSED; m++)
        assert_int_equal(build_judge(&b, (enum session_milestone)m)->finding_count, 0);
}

static void trust(void **state)
{
    static const struct {
        enum certificate_trust trust;
        const char *text; /* NULL: no finding */
    } table[] = {{CERT_TRUST_OK, NULL},
                 {CERT_TRUST_UNKNOWN, NULL}, /* nobody to ask is no fault */
                 {CERT_TRUST_UNTRUSTED, "(untrusted)"},
                 {CERT_TRUST_SELF_SIGNED, "(self-signed)"},
                 {CERT_TRUST_INVALID, "(invalid)"}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        session();
        c.trust = table[i].trust;
        if (!table[i].text) {
            none();
            continue;
        }
        const struct finding *f = only(RULE_CERTIFICATE_UNTRUSTED);
        assert_int_equal(f->severity, SEVERITY_INFO);
        assert_int_equal(f->evidence, EVIDENCE_E1);
        assert_int_equal(f->dir, SESSION_TO_CLIENT);
        assert_int_equal(f->offset, b.s.tls.server_offset);
        says(RULE_CERTIFICATE_UNTRUSTED, table[i].text);
        says(RULE_CERTIFICATE_UNTRUSTED, "issued by O=Good Authority, CN=G1");
    }
}

/* What is no certificate has neither dates nor names to be wrong. */
static void unreadable(void **state)
{
    (void)state;
    session();
    c = certificate_unreadable();
    (void)only(RULE_CERTIFICATE_UNTRUSTED);
    says(RULE_CERTIFICATE_UNTRUSTED, "(unreadable)");
    assert_null(strstr(found(RULE_CERTIFICATE_UNTRUSTED)->reason, "issued"));
}

/* RFC 5280 section 4.1.2.5: both ends are included. At the time of the handshake, not of the end.
 */
static void dates(void **state)
{
    static const struct {
        int64_t second;
        const char *text;
    } table[] = {{CERTIFICATE_FROM - 1, "not valid yet"},
                 {CERTIFICATE_FROM, NULL},
                 {CERTIFICATE_UNTIL, NULL},
                 {CERTIFICATE_UNTIL + 1, "not valid any more"}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (nstime longer = 0; longer < 3; longer++) {
            session();
            b.s.tls.begin = table[i].second * NS_PER_S;
            b.s.tls.end = b.s.tls.begin + 1;
            b.s.now = b.s.tls.begin + longer * 200 * 86400 * NS_PER_S;
            if (!table[i].text) {
                none();
                continue;
            }
            assert_int_equal(only(RULE_CERTIFICATE_EXPIRED)->severity, SEVERITY_INFO);
            says(RULE_CERTIFICATE_EXPIRED, table[i].text);
            says(RULE_CERTIFICATE_EXPIRED, "from 2023-11-14T22:13:20 to 2024-02-22T22:13:20");
        }
}

/* The ClientHello was not seen: then when TLS carried data, and else at the end. */
static void dates_without_a_beginning(void **state)
{
    (void)state;
    session();
    b.s.tls.begin = 0;
    b.s.tls.end = CERTIFICATE_UNTIL * NS_PER_S;
    b.s.now = (CERTIFICATE_UNTIL + 1) * NS_PER_S;
    none();
    b.s.tls.end = 0;
    (void)only(RULE_CERTIFICATE_EXPIRED);
}

/* RFC 6125 section 6.4.3 for names, RFC 8461 section 7.1 for who asks for none. */
static void names_that_were_asked_for(void **state)
{
    (void)state;
    session();
    build_sni(&b, "MX1.alder.example");
    none();
    session();
    build_sni(&b, "mx2.alder.example"); /* the greeting has the right one, and does not count */
    assert_int_equal(only(RULE_CERTIFICATE_NAME_MISMATCH)->severity, SEVERITY_INFO);
    says(RULE_CERTIFICATE_NAME_MISMATCH, "asked for mx2.alder.example");
    says(RULE_CERTIFICATE_NAME_MISMATCH, "none of the 1 names");
    c.name[0] = span_str("*.alder.example");
    none();
    c.names_left = 1; /* it may be among those */
    c.name[0] = span_str("else.test");
    none();
    c.names_left = 0;
    c.name_count = 0;
    c.common_name = span_str("mx2.alder.example"); /* never a name */
    (void)only(RULE_CERTIFICATE_NAME_MISMATCH);
}

static void names_that_are_said(void **state)
{
    static const struct {
        const char *banner;
        bool mismatch;
    } table[] = {{"220 mx1.alder.example ESMTP", false},
                 {"220   mx1.alder.example", false},
                 {"220 other.example ESMTP", true},
                 {"220-other.example", true},
                 {"220 localhost ESMTP", false},
                 {"220 Welcome to other.example", false},
                 {"220 ****************", false},
                 {"220", false},
                 {"220 ", false},
                 {"22", false},
                 {"", false},
                 {"220 mail1.alder.example.", true}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        session();
        b.s.banner = build_text(&b, table[i].banner, strlen(table[i].banner));
        if (table[i].mismatch)
            says(RULE_CERTIFICATE_NAME_MISMATCH, "No name was asked for");
        else
            none();
    }
}

static void hostile_names(void **state)
{
    (void)state;
    session();
    build_sni(&b, "a\x1b[2J\xff\n.test");
    (void)only(RULE_CERTIFICATE_NAME_MISMATCH);
    says(RULE_CERTIFICATE_NAME_MISMATCH, "a\\x1B[2J\\xFF\\x0A.test");
    c.trust = CERT_TRUST_UNTRUSTED;
    c.issuer = span_str("CN=\x1b]0;x\x07");
    says(RULE_CERTIFICATE_UNTRUSTED, "CN=\\x1B]0;x\\x07");
}

/* RFC 9325 sections 4.3 and 4.5. Who signs for himself is an authority by habit, and for long. */
static void weaknesses(void **state)
{
    (void)state;
    for (int w = 0; w < CERT_WEAK_COUNT; w++) {
        bool habit = w == CERT_WEAK_AUTHORITY || w == CERT_WEAK_LONG;
        session();
        c.weakness = certificate_weakness_bit((enum certificate_weakness)w);
        assert_int_equal(only(RULE_CERTIFICATE_WEAK)->severity, SEVERITY_INFO);
        says(RULE_CERTIFICATE_WEAK, certificate_weakness_text((enum certificate_weakness)w));
        says(RULE_CERTIFICATE_WEAK, "rsa of 2048 bits, RSA-SHA256, 100 days");
        c.self_signed = true;
        assert_int_equal(found(RULE_CERTIFICATE_WEAK) != NULL, !habit);
        c.weakness |= certificate_weakness_bit(CERT_WEAK_RSA);
        assert_non_null(found(RULE_CERTIFICATE_WEAK));
        if (habit)
            assert_null(strstr(found(RULE_CERTIFICATE_WEAK)->reason,
                               certificate_weakness_text((enum certificate_weakness)w)));
    }
    session();
    c.weakness = (1u << CERT_WEAK_COUNT) - 1;
    c.signature[0] = '\0';
    says(RULE_CERTIFICATE_WEAK, "unknown signature");
}

static void several_at_once(void **state)
{
    (void)state;
    session();
    c.trust = CERT_TRUST_SELF_SIGNED;
    c.valid_until = CERTIFICATE_FROM;
    c.weakness = certificate_weakness_bit(CERT_WEAK_RSA);
    build_sni(&b, "mx2.alder.example");
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        assert_int_equal(found(rules[i])->severity, SEVERITY_INFO);
    assert_int_equal(b.j.verdict, VERDICT_ENCRYPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate),
        cmocka_unit_test(told_of_at_the_end),
        cmocka_unit_test(trust),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(dates),
        cmocka_unit_test(dates_without_a_beginning),
        cmocka_unit_test(names_that_were_asked_for),
        cmocka_unit_test(names_that_are_said),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(weaknesses),
        cmocka_unit_test(several_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
