/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides of a handshake say: cipher-weak, key-exchange-weak, fallback-scsv,
 * handshake-altered, version-obsolete, downgrade-sentinel. */
#include "rules/families.h"

#include "base/tls_suite.h"
#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

enum { GOOD_SUITE = 0xc02f }; /* ECDHE, AES-GCM */

/* TLS 1.2 was selected of at most TLS 1.2, and came about. */
static void handshake(unsigned suite)
{
    build_new(&b);
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, "SIZE 1|STARTTLS");
    build_starttls(&b, 220, "220 go");
    b.s.tls.server_offset = b.at[SESSION_TO_CLIENT];
    b.s.client_after_offset = b.at[SESSION_TO_SERVER];
    b.s.tls_newest = b.s.tls_version = TLS_VERSION_12;
    b.s.tls_suite = (uint16_t)suite;
    b.s.tls.exchange = TLS_EXCHANGE_ECDHE;
    b.s.tls.group = 29;
    build_tls(&b);
}

/* It came to nothing behind the ServerHello. */
static void fails(void)
{
    b.s.tls_complete = false;
    b.s.tls_stage = TLS_STAGE_SERVER_HELLO;
}

static void alert(enum session_dir d, unsigned description)
{
    b.s.tls_alert_level[d] = 2;
    b.s.tls_alert[d] = (uint8_t)description;
}

static const struct finding *found(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

static void severity_is(enum rule_id id, enum severity severity)
{
    const struct finding *f = found(id);
    assert_non_null(f);
    assert_string_equal(severity_text(f->severity), severity_text(severity));
}

static void a_good_handshake(void **state)
{
    static const unsigned suite[] = {GOOD_SUITE, 0xc02b, 0xcca8, 0x1301, 0x009e};
    (void)state;
    for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
        handshake(suite[i]);
        b.s.tls_version = b.s.tls_newest = suite[i] == 0x1301 ? TLS_VERSION_13 : TLS_VERSION_12;
        build_close(&b, SESSION_FIN);
        assert_int_equal(b.j.finding_count, 0);
    }
}

/* --- cipher-weak --- */

/* RFC 9325 sections 4.1 and 4.2; the suites by IANA's registry. */
static void weak_ciphers(void **state)
{
    static const struct {
        unsigned suite;
        enum severity severity;
        const char *why;
    } table[] = {
        {0x0002, SEVERITY_LOW, "does not encrypt"}, /* RSA_WITH_NULL_SHA */
        {0xc010, SEVERITY_LOW, "does not encrypt"}, /* ECDHE_RSA_WITH_NULL_SHA */
        {0x0003, SEVERITY_LOW, "export"},           /* RSA_EXPORT_WITH_RC4_40_MD5 */
        {0x0007, SEVERITY_INFO, "forward secrecy"}, /* RSA_WITH_IDEA_CBC_SHA */
        {0x0009, SEVERITY_LOW, "broken by trying"}, /* RSA_WITH_DES_CBC_SHA */
        {0xc011, SEVERITY_LOW, "RFC 7465"},         /* ECDHE_RSA_WITH_RC4_128_SHA */
        {0x0016, SEVERITY_LOW, "blocks are short"}, /* DHE_RSA_WITH_3DES_EDE_CBC_SHA */
        {0x0034, SEVERITY_INFO, "Postfixes"},       /* DH_anon_WITH_AES_128_CBC_SHA */
        {0x0018, SEVERITY_LOW, "RFC 7465"},         /* DH_anon_WITH_RC4_128_MD5 */
        {0x002f, SEVERITY_INFO, "forward secrecy"}, /* RSA_WITH_AES_128_CBC_SHA */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        handshake(table[i].suite);
        severity_is(RULE_CIPHER_WEAK, table[i].severity);
        const struct finding *f = found(RULE_CIPHER_WEAK);
        assert_non_null(strstr(f->reason, table[i].why));
        assert_non_null(strstr(f->reason, tls_suite_find((uint16_t)table[i].suite)->name));
        assert_int_equal(f->evidence, EVIDENCE_E1);
        assert_int_equal(f->dir, SESSION_TO_CLIENT);
        assert_int_equal(f->offset, b.s.tls.server_offset);
        fails();
        severity_is(RULE_CIPHER_WEAK, SEVERITY_INFO);
        assert_null(build_find(build_judge(&b, SESSION_UPGRADE_DECIDED), RULE_CIPHER_WEAK));
    }
}

/* No hello of the server was read, or its suite is in no registry. */
static void unknown_ciphers(void **state)
{
    (void)state;
    handshake(0);
    b.s.tls_version = 0;
    assert_null(found(RULE_CIPHER_WEAK)); /* suite 0 is NULL_WITH_NULL_NULL */
    handshake(0xfefe);
    assert_null(found(RULE_CIPHER_WEAK));
}

/* --- key-exchange-weak --- */

/* RFC 9325 section 4.4: 2,048 bits; below 1,024 it is a matter of days. */
static void primes(void **state)
{
    static const struct {
        uint16_t bits;
        int severity; /* -1: no finding */
    } table[] = {{512, SEVERITY_MEDIUM},
                 {1023, SEVERITY_MEDIUM},
                 {1024, SEVERITY_LOW},
                 {1536, SEVERITY_LOW},
                 {2047, SEVERITY_LOW},
                 {2048, -1},
                 {8192, -1}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int anonymous = 0; anonymous < 2; anonymous++) {
            handshake(anonymous ? 0x0034 : 0x009e);
            b.s.tls.exchange = TLS_EXCHANGE_DHE;
            b.s.tls.exchange_bits = table[i].bits;
            if (table[i].severity < 0) {
                assert_null(found(RULE_KEY_EXCHANGE_WEAK));
                continue;
            }
            severity_is(RULE_KEY_EXCHANGE_WEAK, (enum severity)table[i].severity);
            assert_null(strstr(found(RULE_KEY_EXCHANGE_WEAK)->reason, "share"));
            b.s.tls.prime = TLS_PRIME_IKE;
            assert_non_null(strstr(found(RULE_KEY_EXCHANGE_WEAK)->reason, "many servers share"));
            fails(); /* one step less: nothing was entrusted to it */
            severity_is(RULE_KEY_EXCHANGE_WEAK,
                        (enum severity)(table[i].severity == SEVERITY_MEDIUM ? SEVERITY_LOW
                                                                             : SEVERITY_INFO));
        }
}

static void curves_have_no_bits(void **state)
{
    (void)state;
    handshake(GOOD_SUITE);
    b.s.tls.exchange_bits = 0;
    assert_null(found(RULE_KEY_EXCHANGE_WEAK));
    handshake(0x002f); /* by the certificate's key, and so it is said */
    b.s.tls.exchange = TLS_EXCHANGE_NONE;
    assert_null(found(RULE_KEY_EXCHANGE_WEAK));
}

/* RFC 4346 appendix A.5 forbids export suites; the key of one is for one handshake. */
static void keys_for_export(void **state)
{
    (void)state;
    handshake(0x0003);
    b.s.tls.exchange = TLS_EXCHANGE_RSA;
    b.s.tls.exchange_bits = 512;
    severity_is(RULE_KEY_EXCHANGE_WEAK, SEVERITY_MEDIUM);
    assert_null(strstr(found(RULE_KEY_EXCHANGE_WEAK)->reason, "FREAK"));
    b.s.tls.exchange = TLS_EXCHANGE_NONE; /* the certificate's key was short enough */
    severity_is(RULE_KEY_EXCHANGE_WEAK, SEVERITY_MEDIUM);
    assert_non_null(strstr(found(RULE_KEY_EXCHANGE_WEAK)->reason, "for export"));
    fails();
    severity_is(RULE_KEY_EXCHANGE_WEAK, SEVERITY_LOW);
}

static void an_rsa_key_that_the_suite_has_not(void **state)
{
    (void)state;
    handshake(0x002f);
    b.s.tls.exchange = TLS_EXCHANGE_RSA;
    b.s.tls.exchange_bits = 512;
    severity_is(RULE_KEY_EXCHANGE_WEAK, SEVERITY_MEDIUM);
    assert_non_null(strstr(found(RULE_KEY_EXCHANGE_WEAK)->reason, "FREAK"));
    b.s.tls.exchange_bits = 2048; /* whatever its length */
    severity_is(RULE_KEY_EXCHANGE_WEAK, SEVERITY_MEDIUM);
}

/* --- fallback-scsv --- */

static void a_client_that_comes_again(void **state)
{
    (void)state;
    handshake(GOOD_SUITE);
    b.s.tls.fallback = true;
    severity_is(RULE_FALLBACK_SCSV, SEVERITY_INFO); /* the server knows nothing better */
    assert_int_equal(found(RULE_FALLBACK_SCSV)->dir, SESSION_TO_SERVER);
    assert_int_equal(found(RULE_FALLBACK_SCSV)->offset, b.s.client_after_offset);
    fails();
    severity_is(RULE_FALLBACK_SCSV, SEVERITY_INFO);
    alert(SESSION_TO_CLIENT, 40); /* handshake_failure is another matter */
    severity_is(RULE_FALLBACK_SCSV, SEVERITY_INFO);
    alert(SESSION_TO_CLIENT, 86); /* RFC 7507 section 3 */
    severity_is(RULE_FALLBACK_SCSV, SEVERITY_LOW);
    assert_non_null(strstr(found(RULE_FALLBACK_SCSV)->reason, "86"));
    b.s.tls.fallback = false; /* the client's hello was not captured */
    severity_is(RULE_FALLBACK_SCSV, SEVERITY_LOW);
    b.s.tls_alert_level[SESSION_TO_CLIENT] = b.s.tls_alert[SESSION_TO_CLIENT] = 0;
    alert(SESSION_TO_SERVER, 86); /* no client has anything to say of this */
    assert_null(found(RULE_FALLBACK_SCSV));
}

/* --- handshake-altered --- */

static const char *altered_text(unsigned bit)
{
    switch (bit) {
    case TLS_ALTERED_SUITE:
        return "a suite";
    case TLS_ALTERED_VERSION:
        return "a version";
    case TLS_ALTERED_GROUP:
        return "a group";
    case TLS_ALTERED_EXTENSION:
        return "an extension";
    case TLS_ALTERED_COMPRESSION:
        return "a compression";
    case TLS_ALTERED_SESSION:
        return "session id";
    default:
        return "two ServerHellos";
    }
}

/* The row E4 of the matrix, and info where both sides agreed in the end. */
static void answers_to_another_hello(void **state)
{
    (void)state;
    for (unsigned bit = TLS_ALTERED_SUITE; bit <= TLS_ALTERED_SECOND; bit *= 2) {
        handshake(GOOD_SUITE);
        b.s.tls.altered = (uint8_t)bit;
        severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
        assert_int_equal(found(RULE_HANDSHAKE_ALTERED)->cause, CAUSE_UNKNOWN);
        assert_non_null(strstr(found(RULE_HANDSHAKE_ALTERED)->reason, "the server has a bug"));
        assert_int_equal(b.j.verdict, VERDICT_ENCRYPTED);
        fails();
        severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_MEDIUM);
        const struct finding *f = found(RULE_HANDSHAKE_ALTERED);
        assert_non_null(strstr(f->reason, altered_text(bit)));
        assert_int_equal(f->evidence, EVIDENCE_E4);
        assert_int_equal(f->cause, CAUSE_ON_PATH_REWRITE);
        assert_int_equal(f->offset, b.s.tls.server_offset);
        b.s.quit = true;
        severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_HIGH);
        assert_int_equal(b.j.verdict, VERDICT_HELD);
        build_mail(&b);
        severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_CRITICAL);
        assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
    }
}

/* "Not seen" is not "absent": what is missing may have completed it. */
static void an_end_that_was_not_seen(void **state)
{
    (void)state;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        for (int cut = 0; cut < 2; cut++) {
            handshake(GOOD_SUITE);
            b.s.tls.altered = TLS_ALTERED_EXTENSION;
            fails();
            *(cut ? &b.s.cut_bytes[d] : &b.s.gap_bytes[d]) = 51;
            severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
            assert_int_equal(found(RULE_HANDSHAKE_ALTERED)->cause, CAUSE_UNKNOWN);
            alert((enum session_dir)d, 51); /* of what, nobody knows */
            severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
        }
    handshake(GOOD_SUITE);
    b.s.tls.altered = TLS_ALTERED_EXTENSION;
    fails();
    build_close(&b, SESSION_INPUT_END);
    assert_int_equal(build_find(&b.j, RULE_HANDSHAKE_ALTERED)->severity, SEVERITY_INFO);
    build_close(&b, SESSION_RST);
    assert_int_equal(build_find(&b.j, RULE_HANDSHAKE_ALTERED)->severity, SEVERITY_MEDIUM);
    alert(SESSION_TO_SERVER, 40); /* that is an end as well */
    build_close(&b, SESSION_INPUT_END);
    assert_int_equal(build_find(&b.j, RULE_HANDSHAKE_ALTERED)->severity, SEVERITY_MEDIUM);
    b.s.tls.agreed = true; /* Finished was said both ways, and then something else went wrong */
    severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
    b.s.tls.agreed = false;
    build_only(&b, SESSION_TO_CLIENT);
    severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
}

/* RFC 8446 section 6.2: bad_record_mac, decrypt_error; illegal_parameter is often mere dislike. */
static void somebody_complains(void **state)
{
    static const struct {
        unsigned description;
        int severity;
        const char *name;
    } table[] = {{20, SEVERITY_LOW, "bad_record_mac"},
                 {51, SEVERITY_LOW, "decrypt_error"},
                 {47, SEVERITY_INFO, "illegal_parameter"},
                 {40, -1, ""},
                 {48, -1, ""},
                 {70, -1, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int d = 0; d < SESSION_DIR_COUNT; d++) {
            handshake(GOOD_SUITE);
            fails();
            alert((enum session_dir)d, table[i].description);
            if (table[i].severity < 0) {
                assert_null(found(RULE_HANDSHAKE_ALTERED));
                continue;
            }
            severity_is(RULE_HANDSHAKE_ALTERED, (enum severity)table[i].severity);
            const struct finding *f = found(RULE_HANDSHAKE_ALTERED);
            assert_non_null(strstr(f->reason, table[i].name));
            assert_non_null(strstr(f->reason, d == SESSION_TO_SERVER ? "The client broke off"
                                                                     : "The server broke off"));
            assert_int_equal(f->evidence, EVIDENCE_E1);
            build_mail(&b); /* a bug is likelier than an attack: no more than low alone */
            severity_is(RULE_HANDSHAKE_ALTERED, (enum severity)table[i].severity);
            b.s.tls_alert_level[d] = 1; /* a warning breaks nothing off */
            assert_null(found(RULE_HANDSHAKE_ALTERED));
            b.s.tls_alert_level[d] = 2;
            b.s.tls_version = 0; /* the server had said nothing that could be altered */
            assert_null(found(RULE_HANDSHAKE_ALTERED));
            handshake(GOOD_SUITE);
            alert((enum session_dir)d, table[i].description); /* after a good handshake */
            assert_null(found(RULE_HANDSHAKE_ALTERED));
        }
}

/* RFC 9325 section 3.3: no compression; selected as it was offered, nothing was altered. */
static void compression(void **state)
{
    (void)state;
    handshake(GOOD_SUITE);
    b.s.tls.compression = 1;
    severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
    assert_non_null(strstr(found(RULE_HANDSHAKE_ALTERED)->reason, "CRIME"));
    fails();
    severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
    build_mail(&b);
    severity_is(RULE_HANDSHAKE_ALTERED, SEVERITY_INFO);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

static void judged_at_the_end_alone(void **state)
{
    (void)state;
    handshake(0x0003);
    b.s.tls.altered = TLS_ALTERED_SUITE;
    b.s.tls.fallback = true;
    b.s.tls.exchange = TLS_EXCHANGE_RSA;
    b.s.tls_version = 0x0301;
    fails();
    for (int m = 0; m < SESSION_CLOSED; m++)
        assert_int_equal(build_judge(&b, (enum session_milestone)m)->finding_count, 0);
}

/* --- version-obsolete, downgrade-sentinel --- */

/* RFC 8996: TLS 1.0 and 1.1 are obsolete. */
static void versions(void **state)
{
    (void)state;
    for (unsigned v = TLS_VERSION_SSL3; v <= TLS_VERSION_13; v++) {
        handshake(GOOD_SUITE);
        b.s.tls_version = (uint16_t)v;
        b.s.tls_newest = TLS_VERSION_13;
        if (v >= TLS_VERSION_12) {
            assert_null(found(RULE_VERSION_OBSOLETE));
            continue;
        }
        severity_is(RULE_VERSION_OBSOLETE, SEVERITY_LOW);
        b.s.tls_newest = (uint16_t)v; /* nothing better was offered */
        severity_is(RULE_VERSION_OBSOLETE, SEVERITY_INFO);
        b.s.tls_newest = TLS_VERSION_13;
        fails();
        severity_is(RULE_VERSION_OBSOLETE, SEVERITY_INFO);
    }
}

/* RFC 8446 section 4.1.3: who offered 1.3 checks both, who offered 1.2 the one of 1.1 and below. */
static void sentinels(void **state)
{
    static const struct {
        uint16_t newest, version;
        enum tls_sentinel sentinel;
        bool found;
    } table[] = {
        {TLS_VERSION_13, TLS_VERSION_12, TLS_SENTINEL_12, true},
        {TLS_VERSION_13, TLS_VERSION_12, TLS_SENTINEL_NONE, false},
        {TLS_VERSION_13, 0x0302, TLS_SENTINEL_11, true},
        {TLS_VERSION_13, TLS_VERSION_13, TLS_SENTINEL_12, false},
        {TLS_VERSION_12, TLS_VERSION_12, TLS_SENTINEL_12, false}, /* it offered no better */
        {TLS_VERSION_12, 0x0302, TLS_SENTINEL_11, true},
        {TLS_VERSION_12, 0x0302, TLS_SENTINEL_12, false},
        {0x0302, 0x0301, TLS_SENTINEL_11, false},
        {0, TLS_VERSION_12, TLS_SENTINEL_12, false}, /* the ClientHello was not read */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        handshake(GOOD_SUITE);
        b.s.tls_newest = table[i].newest;
        b.s.tls_version = table[i].version;
        b.s.tls_sentinel = (uint8_t)table[i].sentinel;
        const struct finding *f = found(RULE_DOWNGRADE_SENTINEL);
        assert_int_equal(f != NULL, table[i].found);
        if (f) {
            assert_int_equal(f->severity, SEVERITY_MEDIUM);
            assert_int_equal(f->confidence, CONFIDENCE_PROOF);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_handshake),
        cmocka_unit_test(weak_ciphers),
        cmocka_unit_test(unknown_ciphers),
        cmocka_unit_test(primes),
        cmocka_unit_test(curves_have_no_bits),
        cmocka_unit_test(keys_for_export),
        cmocka_unit_test(an_rsa_key_that_the_suite_has_not),
        cmocka_unit_test(a_client_that_comes_again),
        cmocka_unit_test(answers_to_another_hello),
        cmocka_unit_test(an_end_that_was_not_seen),
        cmocka_unit_test(somebody_complains),
        cmocka_unit_test(compression),
        cmocka_unit_test(judged_at_the_end_alone),
        cmocka_unit_test(versions),
        cmocka_unit_test(sentinels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
