/* SPDX-License-Identifier: Apache-2.0 */
/* The tls line: what is absent when unknown, what hostile bytes become, where lists end. */
#include "alert/eve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dissect/tls_print.h"
#include "policy/certificate.h"
#include "tests/unit/alert/fixture.h"
#include "tests/unit/json_check.h"

static struct fixture f;
static struct json j;
static struct eve_options o;
static struct eve_peer peer;
static struct tls_sighting seen;
static struct tls_client_hello client;
static struct tls_server_hello server;
static struct certificate certificate;
static const char *line;

/* The handshake took 12.3 ms and was decided then. */
static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    memset(&o, 0, sizeof o);
    memset(&peer, 0, sizeof peer);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    seen = (struct tls_sighting){.time = FIXTURE_START + 12340 * NS_PER_US};
    return 0;
}

static void put_line(void)
{
    eve_tls(&j, &f.s, &seen, &peer, &o);
    struct span s = json_end(&j);
    assert_true(json_check(s.p, s.n));
    if (getenv("SHOW_LINES"))
        fprintf(stderr, "%.*s", (int)s.n, (const char *)s.p);
    assert_true(s.n < sizeof j.buf);
    j.buf[s.n] = '\0';
    line = j.buf;
}

static void has(const char *part)
{
    if (!strstr(line, part))
        fail_msg("no %s in %s", part, line);
}

static void has_not(const char *part)
{
    if (strstr(line, part))
        fail_msg("%s in %s", part, line);
}

static void hellos(void)
{
    static const uint8_t suites[] = {0xc0, 0x2f, 0x00, 0xff}, exts[] = {0, 0, 0, 16},
                         groups[] = {0, 29, 0, 23}, signatures[] = {4, 3};
    seen.client = &client;
    seen.server = &server;
    seen.suites = span_of(suites, sizeof suites);
    seen.groups = span_of(groups, sizeof groups);
    seen.signatures = span_of(signatures, sizeof signatures);
    seen.said[SESSION_TO_SERVER].version = 0x0303;
    seen.said[SESSION_TO_SERVER].extensions = span_of(exts, sizeof exts);
    seen.said[SESSION_TO_CLIENT].version = 0x0303;
    f.s.tls_version = 0x0303;
    f.s.tls_suite = 0xc02f;
    f.s.tls_stage = TLS_STAGE_FINISHED;
    f.s.tls_complete = true;
    f.s.tls.begin = FIXTURE_START;
    f.s.tls.end = seen.time;
    f.s.tls.exchange = TLS_EXCHANGE_ECDHE;
    f.s.tls.group = 29;
}

static void present(void)
{
    certificate = (struct certificate){.trust = CERT_TRUST_SELF_SIGNED,
                                       .chain_count = 1,
                                       .valid_from = 1700000000,
                                       .valid_until = 1700086400,
                                       .subject = span_str("CN=mx1.example.test"),
                                       .issuer = span_str("CN=mx1.example.test"),
                                       .serial = "14:6A",
                                       .name_count = 1,
                                       .key = CERT_KEY_RSA,
                                       .key_bits = 2048,
                                       .signature = "RSA-SHA256"};
    certificate.name[0] = span_str("mx1.example.test");
    certificate.chain[0].readable = true;
    certificate.chain[0].not_before = 1700000000;
    certificate.chain[0].not_after = 1700086400;
    peer.certificate = &certificate;
    seen.certificate_count = 1;
    f.s.tls.certificates = TLS_CERTIFICATES_SEEN;
}

static void test_whole(void **state)
{
    (void)state;
    hellos();
    present();
    f.s.sni = fixture_text(&f, "mx1.example.test");
    seen.said[SESSION_TO_SERVER].alpn[0] = span_str("smtp");
    seen.said[SESSION_TO_SERVER].alpn_count = 1;
    put_line();
    assert_string_equal(
        line,
        "{\"timestamp\":\"2023-11-14T22:13:20.012340+0000\",\"flow_id\":42945576920139,"
        "\"event_type\":\"tls\",\"src_ip\":\"192.0.2.10\",\"src_port\":40001,"
        "\"dest_ip\":\"198.51.100.25\",\"dest_port\":25,\"proto\":\"TCP\","
        "\"community_id\":\"1:qd49kQW7x1acVJHd5XUdzuOvP9Q=\","
        "\"tls\":{\"version\":\"TLS 1.2\",\"sni\":\"mx1.example.test\","
        "\"subject\":\"CN=mx1.example.test\",\"issuerdn\":\"CN=mx1.example.test\","
        "\"serial\":\"14:6A\","
        "\"fingerprint\":\"00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\","
        "\"notbefore\":\"2023-11-14T22:13:20\",\"notafter\":\"2023-11-15T22:13:20\","
        "\"subjectaltname\":[\"mx1.example.test\"],\"client_alpns\":[\"smtp\"],"
        "\"client_handshake\":{\"version\":\"TLS 1.2\",\"ciphers\":[49199,255],\"exts\":[0,16],"
        "\"sig_algs\":[1027]},"
        "\"server_handshake\":{\"version\":\"TLS 1.2\",\"cipher\":49199,\"exts\":[]},"
        "\"from_proto\":\"smtp\"},"
        "\"starttls\":{\"stage\":\"finished\",\"certificate\":\"seen\",\"certificates\":1,"
        "\"peer_certificate\":{\"trust\":\"self-signed\",\"dates\":\"ok\",\"key\":\"rsa\","
        "\"key_bits\":2048,\"signature\":\"RSA-SHA256\",\"spki_sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"},"
        "\"suite\":\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\"groups\":[29,23],\"group\":29,"
        "\"key_exchange\":{\"kind\":\"ecdhe\"},\"handshake_ms\":12.3}}\n");
}

/* Nothing but a ClientHello; nothing but a ServerHello. */
static void test_unknown_is_absent(void **state)
{
    static const char *const keys[] = {"sni",          "subject",         "issuerdn",
                                       "serial",       "fingerprint",     "notbefore",
                                       "notafter",     "subjectaltname",  "client_alpns",
                                       "server_alpns", "ja3\"",           "ja3s",
                                       "ja4",          "session_resumed", "peer_certificate",
                                       "certificates", "groups",          "\"group\"",
                                       "key_exchange", "compression",     "retry",
                                       "alerts",       "handshake_ms",    "implicit",
                                       "truncated"};
    (void)state;
    for (int who = 0; who < SESSION_DIR_COUNT; who++) {
        set_up(NULL);
        seen.client = who == SESSION_TO_SERVER ? &client : NULL;
        seen.server = who == SESSION_TO_CLIENT ? &server : NULL;
        put_line();
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            has_not(keys[i]);
        if (who == SESSION_TO_SERVER) {
            has("\"tls\":{\"client_handshake\":{\"ciphers\":[],\"exts\":[],\"sig_algs\":[]},");
            has_not("server_handshake");
            has_not("\"version\"");
            has_not("\"suite\"");
        } else {
            has_not("client_handshake");
            has("\"server_handshake\":{\"cipher\":0,\"exts\":[]}");
        }
        has("\"certificate\":\"not-observable\",\"not_observable\":\"aborted\"");
    }
    f.s.implicit_tls = true;
    put_line();
    has_not("from_proto");
    has("\"starttls\":{\"implicit\":true,");
}

/* Why no certificate was seen. */
static void test_not_observable(void **state)
{
    static const char *const why[TLS_CERTIFICATES_COUNT] = {"aborted",   NULL,  "tls13",  "resumed",
                                                            "anonymous", "gap", "damaged"};
    (void)state;
    hellos();
    for (int i = 0; i < TLS_CERTIFICATES_COUNT; i++) {
        char part[64];
        f.s.tls.certificates = (uint8_t)i;
        if (!why[i])
            continue;
        put_line();
        snprintf(part, sizeof part, "\"not_observable\":\"%s\"", why[i]);
        has(part);
        has_not("\"certificates\"");
        has_not("peer_certificate");
    }
    f.s.tls.certificates = TLS_CERTIFICATES_SEEN; /* the message came, and has none */
    put_line();
    has("\"certificate\":\"not-observable\",\"not_observable\":\"damaged\"");
    present();
    peer.certificate = NULL; /* there was no time to read it */
    put_line();
    has("\"certificate\":\"seen\",\"certificates\":1,");
    has_not("peer_certificate");
    has_not("subject");
}

/* What is no certificate has digests, and nothing else. */
static void test_unreadable(void **state)
{
    (void)state;
    hellos();
    present();
    certificate = (struct certificate){.trust = CERT_TRUST_UNREADABLE,
                                       .chain_count = 1,
                                       .valid_from = INT64_MAX,
                                       .valid_until = INT64_MIN};
    put_line();
    has("\"fingerprint\":\"00:");
    has("\"trust\":\"unreadable\"");
    has_not("notbefore");
    has_not("notafter");
    has_not("subject");
    has_not("serial");
    has_not("key_bits");
    has_not("\"signature\"");
}

/* Of each certificate by its own words, and of the chain what is thought of it at the handshake. */
static void test_dates(void **state)
{
    (void)state;
    hellos();
    present();
    certificate.chain[0].not_before = INT64_MAX; /* no time at all */
    certificate.chain[0].not_after = INT64_C(253402300799);
    f.s.tls.begin = certificate.valid_until * NS_PER_S;
    f.s.tls.end = 0;
    seen.time = f.s.now = f.s.tls.begin + 5 * NS_PER_S; /* it came to nothing, and was told late */
    put_line();
    has_not("notbefore");
    has("\"notafter\":\"9999-12-31T23:59:59\"");
    has("\"dates\":\"ok\"");
    f.s.tls.begin += NS_PER_S;
    put_line();
    has("\"dates\":\"expired\"");
}

static void test_hostile_bytes(void **state)
{
    static const char hostile[] = "\x1b[2J\"\\\n\x80\xc3\xa4\xe2\x80\xae";
    static const char shown[] = "\\\\x1B[2J\\\"\\\\\\\\\\\\x0A\\\\x80\xc3\xa4\\\\xE2\\\\x80\\\\xAE";
    static const char *const keys[] = {"\"subject\":\"",       "\"issuerdn\":\"",
                                       "\"sni\":\"",           "\"subjectaltname\":[\"",
                                       "\"client_alpns\":[\"", "\"server_alpns\":[\""};
    const struct span bytes = span_of(hostile, sizeof hostile - 1);
    (void)state;
    for (int show = 0; show < 2; show++) {
        set_up(NULL);
        hellos();
        present();
        o.show_addresses = show;
        certificate.subject = certificate.issuer = certificate.name[0] = bytes;
        f.s.sni = fixture_bytes(&f, hostile, sizeof hostile - 1);
        for (int d = 0; d < SESSION_DIR_COUNT; d++) {
            seen.said[d].alpn[0] = bytes;
            seen.said[d].alpn_count = 1;
        }
        put_line();
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            char part[128];
            snprintf(part, sizeof part, "%s%s\"", keys[i], shown);
            has(part);
        }
    }
}

/* OUTPUT.md: addresses are masked everywhere. */
static void test_masking(void **state)
{
    (void)state;
    hellos();
    present();
    certificate.subject = span_str("O=X, emailAddress=root@a.test, CN=mx");
    certificate.issuer = span_str("CN=ca, emailAddress=ca@b.test");
    certificate.name[0] = span_str("user@c.test");
    f.s.sni = fixture_text(&f, "who@d.test");
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        seen.said[d].alpn[0] = span_str("me@e.test");
        seen.said[d].alpn_count = 1;
    }
    put_line();
    has("*@a.test, CN=mx\"");
    has("*@b.test\"");
    has("\"subjectaltname\":[\"*@c.test\"]");
    has("\"sni\":\"*@d.test\"");
    has("\"client_alpns\":[\"*@e.test\"]");
    has("\"server_alpns\":[\"*@e.test\"]");
    has_not("root");
    has_not("ca@");
    o.show_addresses = true;
    put_line();
    has("emailAddress=root@a.test");
    has("emailAddress=ca@b.test");
    has("\"user@c.test\"");
    has("\"who@d.test\"");
    has("\"me@e.test\"");
}

static size_t count_of(const char *key, char what)
{
    const char *p = strstr(line, key);
    size_t n = 1;
    assert_non_null(p);
    for (p += strlen(key); *p != ']'; p++)
        n += *p == what;
    return n;
}

/* Each list that a peer makes as long as it likes. */
static void test_long_lists(void **state)
{
    static uint8_t words[2 * 600];
    struct tls_client_print print = {.ja3 = "0123456789abcdef0123456789abcdef",
                                     .ja4 = "t12d1009h1_0123456789ab_ba9876543210"};
    static char text[5000];
    (void)state;
    hellos();
    seen.suites = span_of(words, 2 * 512);
    put_line();
    has_not("truncated");
    assert_int_equal(count_of("\"ciphers\":[", ','), 512);
    struct span *const lists[] = {&seen.suites, &seen.groups, &seen.signatures,
                                  &seen.said[0].extensions, &seen.said[1].extensions};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        set_up(NULL);
        hellos();
        *lists[i] = span_of(words, sizeof words);
        put_line();
        has(",\"truncated\":true}\n");
    }
    set_up(NULL);
    hellos();
    seen.said[0].alpn_cut = true;
    put_line();
    has("\"truncated\":true}\n");
    set_up(NULL);
    hellos();
    present();
    seen.certificates_cut = true;
    put_line();
    has("\"truncated\":true}\n");
    seen.certificates_cut = false;
    certificate.names_left = 1;
    put_line();
    has("\"truncated\":true}\n");
    set_up(NULL);
    hellos();
    memset(text, '1', sizeof text);
    text[1] = text[3] = text[5] = text[7] = ',';
    peer.client = &print;
    print.ja3_text = span_of(text, 4096);
    put_line();
    has_not("truncated");
    has("\"string\":\"1,1,1,1,11");
    has("\"ja4\":\"t12d1009h1_0123456789ab_ba9876543210\"");
    print.ja3_text = span_of(text, 4097);
    put_line();
    has("\"ja3\":{\"hash\":\"0123456789abcdef0123456789abcdef\"},");
    has("\"truncated\":true}\n");
}

/* Everything at once, as long as it can be and each byte escaped: nothing of ours gives way. */
static void test_the_longest_line(void **state)
{
    static uint8_t words[2 * 4096], hostile[255];
    static char text[4096];
    struct tls_client_print print = {.ja3 = "0123456789abcdef0123456789abcdef",
                                     .ja4 = "t12d1009h1_0123456789ab_ba9876543210"};
    (void)state;
    hellos();
    present();
    memset(text, '1', sizeof text);
    text[1] = text[3] = text[5] = text[7] = ',';
    memset(words, 0xff, sizeof words);
    memset(hostile, 0xff, sizeof hostile);
    seen.suites = seen.groups = seen.signatures = span_of(words, sizeof words);
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        seen.said[d].extensions = span_of(words, sizeof words);
        seen.said[d].alpn_count = TLS_ALPN_NAMES;
        for (int i = 0; i < TLS_ALPN_NAMES; i++)
            seen.said[d].alpn[i] = span_of(hostile, sizeof hostile);
    }
    peer.client = &print;
    print.ja3_text = span_of(text, sizeof text);
    certificate.subject = certificate.issuer = span_of(hostile, sizeof hostile);
    f.s.sni = fixture_bytes(&f, hostile, sizeof hostile);
    certificate.name_count = CAP_CERT_NAMES;
    for (int i = 0; i < CAP_CERT_NAMES; i++)
        certificate.name[i] = span_of(hostile, sizeof hostile);
    put_line();
    has("\"truncated\":true}\n");
    has("\"starttls\":{\"stage\":\"finished\"");
    has("\"handshake_ms\":12.3},\"truncated\":true}\n");
    assert_true(strlen(line) < CAP_JSON_LINE - 4096);
}

/* How the keys come about. */
static void test_key_exchange(void **state)
{
    static const struct {
        uint16_t version, suite, group, bits;
        uint8_t exchange, prime;
        bool resumed;
        const char *text; /* NULL: absent */
    } table[] = {
        {0x0303, 0x009e, 0, 1024, TLS_EXCHANGE_DHE, TLS_PRIME_OTHER, false,
         "{\"kind\":\"dhe\",\"bits\":1024}"},
        {0x0303, 0x009e, 0, 2048, TLS_EXCHANGE_DHE, TLS_PRIME_FFDHE, false,
         "{\"kind\":\"dhe\",\"bits\":2048,\"prime\":\"rfc7919\"}"},
        {0x0303, 0x009e, 0, 2048, TLS_EXCHANGE_DHE, TLS_PRIME_IKE, false,
         "{\"kind\":\"dhe\",\"bits\":2048,\"prime\":\"rfc3526\"}"},
        {0x0303, 0x009e, 0, 1024, TLS_EXCHANGE_DHE, TLS_PRIME_5114, false,
         "{\"kind\":\"dhe\",\"bits\":1024,\"prime\":\"rfc5114\"}"},
        {0x0301, 0x0003, 0, 512, TLS_EXCHANGE_RSA, 0, false,
         "{\"kind\":\"rsa-export\",\"bits\":512}"},
        {0x0303, 0x002f, 0, 0, TLS_EXCHANGE_NONE, 0, false, "{\"kind\":\"rsa\"}"},
        {0x0303, 0x002f, 0, 0, TLS_EXCHANGE_NONE, 0, true, NULL},
        {0x0303, 0xc02f, 0, 0, TLS_EXCHANGE_NONE, 0, true, NULL},
        {0x0304, 0x1301, 29, 0, TLS_EXCHANGE_NONE, 0, false, "{\"kind\":\"ecdhe\"}"},
        {0x0304, 0x1301, 0x0101, 0, TLS_EXCHANGE_NONE, 0, false,
         "{\"kind\":\"dhe\",\"bits\":3072}"}, /* RFC 7919 appendix A.2 */
        {0x0304, 0x1301, 0x11ec, 0, TLS_EXCHANGE_NONE, 0, false, "{\"kind\":\"ecdhe\"}"},
        {0x0304, 0x1301, 0, 0, TLS_EXCHANGE_NONE, 0, true, NULL}, /* a pre-shared key alone */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char part[128];
        set_up(NULL);
        hellos();
        f.s.tls_version = table[i].version;
        f.s.tls_suite = table[i].suite;
        f.s.tls.group = table[i].group;
        f.s.tls.exchange = table[i].exchange;
        f.s.tls.exchange_bits = table[i].bits;
        f.s.tls.prime = table[i].prime;
        f.s.tls.resumed = table[i].resumed;
        put_line();
        if (!table[i].text) {
            has_not("key_exchange");
            continue;
        }
        snprintf(part, sizeof part, "\"key_exchange\":%s", table[i].text);
        has(part);
    }
}

static void test_rest(void **state)
{
    (void)state;
    hellos();
    present();
    f.s.tls.retry = true;
    f.s.tls.compression = 1;
    f.s.tls.resumed = true;
    f.s.tls_alert_level[SESSION_TO_SERVER] = 2;
    f.s.tls_alert[SESSION_TO_SERVER] = 48;
    certificate.weakness =
        certificate_weakness_bit(CERT_WEAK_RSA) | certificate_weakness_bit(CERT_WEAK_LONG);
    f.s.tls.begin = 0; /* the ClientHello was not captured */
    put_line();
    has("\"retry\":true");
    has("\"compression\":1");
    has("\"session_resumed\":true");
    has("\"alerts\":[{\"direction\":\"to_server\",\"level\":2,\"description\":48}]");
    has("\"weak\":[\"rsa-short\",\"long-lived\"]");
    has_not("handshake_ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole, set_up),
        cmocka_unit_test_setup(test_unknown_is_absent, set_up),
        cmocka_unit_test_setup(test_not_observable, set_up),
        cmocka_unit_test_setup(test_unreadable, set_up),
        cmocka_unit_test_setup(test_dates, set_up),
        cmocka_unit_test_setup(test_hostile_bytes, set_up),
        cmocka_unit_test_setup(test_masking, set_up),
        cmocka_unit_test_setup(test_long_lists, set_up),
        cmocka_unit_test_setup(test_the_longest_line, set_up),
        cmocka_unit_test_setup(test_key_exchange, set_up),
        cmocka_unit_test_setup(test_rest, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
