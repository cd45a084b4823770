/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "dissect/tls_hello.h"
#include "dissect/tls_print.h"
#include "policy/certificates.h"

static const struct siphash_key one = {1, 2}, another = {3, 4}, fixed = {0, 0};

/* TLS 1.2; suites c02f and 009e; no extension. */
static struct tls_client_hello client_of(uint16_t version)
{
    static const uint8_t suites[] = {0xc0, 0x2f, 0, 0x9e}, none[] = {0};
    return (struct tls_client_hello){.version = version,
                                     .suites = span_of(suites, sizeof(suites)),
                                     .compression = span_of(none, 1)};
}

static struct tls_server_hello server_of(uint16_t suite)
{
    return (struct tls_server_hello){.version = 0x0303, .legacy = 0x0303, .suite = suite};
}

/* JA3S is the MD5 of "version,suite,extensions", and the number is of its 32 digits. */
static void the_number_of_ja3s(void **state)
{
    const struct tls_server_hello server = server_of(0xc02f);
    const struct tls_sighting t = {.server = &server};
    const char *ja3s = "174e7e4992a63f6d419626d97363adb8"; /* echo -n 771,49199, | md5sum */
    struct peers *p = peers_new(&one, NULL);
    struct session s = {0};

    (void)state;
    peers_meet(p, &s, &t);
    assert_int_equal(peers_prints(&s)->ja3s, siphash(&fixed, ja3s, 32));
    assert_int_equal(peers_prints(&s)->ja4, 0);
    assert_null(peers_certificate(&s));
    peers_leave(&s);
    peers_free(p);
}

/* By another key, and when it is remembered. */
static void the_same_in_every_run(void **state)
{
    const struct tls_client_hello client = client_of(0x0303);
    const struct tls_server_hello server = server_of(0xc02f);
    const struct tls_sighting t = {.client = &client, .server = &server};
    struct peers *p[2] = {peers_new(&one, NULL), peers_new(&another, NULL)};
    struct tls_prints *prints = tls_prints_new(&one);
    uint64_t ja4 = siphash(&fixed, tls_prints_client(prints, &client)->ja4, 36);

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct session s = {0};
        peers_meet(p[i % 2], &s, &t);
        assert_int_equal(peers_prints(&s)->ja4, ja4);
        assert_int_equal(peers_prints(&s)->ja3s,
                         siphash(&fixed, tls_prints_server(prints, &server)->ja3s, 32));
        peers_leave(&s);
    }
    tls_prints_free(prints);
    peers_free(p[0]);
    peers_free(p[1]);
}

static void other_hellos_have_other_numbers(void **state)
{
    static const uint16_t versions[] = {0x0303, 0x0302}, suites[] = {0xc02f, 0x009e};
    struct peers *p = peers_new(&one, NULL);
    struct peer_prints prints[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct tls_client_hello client = client_of(versions[i]);
        const struct tls_server_hello server = server_of(suites[i]);
        const struct tls_sighting t = {.client = &client, .server = &server};
        struct session s = {0};
        peers_meet(p, &s, &t);
        prints[i] = *peers_prints(&s);
        peers_leave(&s);
    }
    assert_true(prints[0].ja4 != prints[1].ja4);
    assert_true(prints[0].ja3s != prints[1].ja3s);
    peers_free(p);
}

static void what_was_not_seen_has_no_number(void **state)
{
    const struct tls_client_hello client = client_of(0x0002);
    const struct tls_sighting t = {.client = &client, .sslv2 = true};
    struct peers *p = peers_new(&one, NULL);
    struct session s = {0};

    (void)state;
    assert_int_equal(peers_prints(&s)->ja3s, 0); /* no handshake at all */
    assert_int_equal(peers_prints(&s)->ja4, 0);
    assert_null(peers_certificate(&s));
    peers_leave(&s);
    peers_meet(p, &s, &t);
    assert_int_equal(peers_prints(&s)->ja3s, 0);
    assert_int_equal(peers_prints(&s)->ja4, 0); /* SSLv2's form has no print */
    peers_leave(&s);
    peers_free(p);
}

/* What stays with a session is counted, outlives the memory it came from, and goes whole. */
static void a_certificate_stays_with_its_session(void **state)
{
    const struct tls_server_hello server = server_of(0xc02f);
    struct tls_sighting t = {.server = &server, .certificate_count = 1};
    size_t before = heap_bytes();
    struct peers *p = peers_new(&one, "/dev/null");
    struct session s = {0}, too_long = {0};
    uint64_t ja3s;

    (void)state;
    t.certificate[0] = span_str("no certificate");
    peers_meet(p, &s, &t);
    assert_true(heap_bytes() > before);
    assert_int_equal(s.caps_hit, 0);
    assert_non_null(peers_certificate(&s));
    assert_int_equal(peers_certificate(&s)->trust, CERT_TRUST_UNREADABLE);
    ja3s = peers_prints(&s)->ja3s;

    static const uint8_t zeros[CAP_CERT_BYTES + 1];
    t.certificate[0] = span_of(zeros, sizeof(zeros));
    peers_meet(p, &too_long, &t);
    assert_null(peers_certificate(&too_long));
    assert_int_equal(too_long.caps_hit, 1);
    assert_int_equal(peers_prints(&too_long)->ja3s, ja3s);

    peers_free(p);
    assert_int_equal(peers_certificate(&s)->chain_count, 1);
    assert_int_equal(peers_prints(&s)->ja3s, ja3s);
    peers_leave(&s);
    peers_leave(&too_long);
    assert_null(s.peer);
    assert_null(peers_certificate(&s));
    assert_int_equal(heap_bytes(), before);
}

/* For a line there is what others print, and of this handshake alone. */
static void what_a_line_gets(void **state)
{
    const struct tls_client_hello client = client_of(0x0303);
    const struct tls_server_hello server = server_of(0xc02f);
    struct tls_sighting t = {.client = &client, .server = &server, .certificate_count = 1};
    struct peers *p = peers_new(&one, "/dev/null");
    struct session s = {0};
    struct eve_peer line;

    (void)state;
    t.certificate[0] = span_str("no certificate");
    peers_meet(p, &s, &t);
    line = peers_describe(p, &s);
    assert_int_equal(siphash(&fixed, line.client->ja4, 36), peers_prints(&s)->ja4);
    assert_int_equal(siphash(&fixed, line.server->ja3s, 32), peers_prints(&s)->ja3s);
    assert_ptr_equal(line.certificate, peers_certificate(&s));
    peers_leave(&s);

    t = (struct tls_sighting){.server = &server};
    peers_meet(p, &s, &t);
    line = peers_describe(p, &s);
    assert_null(line.client);
    assert_non_null(line.server);
    assert_null(line.certificate);
    peers_leave(&s);
    peers_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_ja3s),
        cmocka_unit_test(the_same_in_every_run),
        cmocka_unit_test(other_hellos_have_other_numbers),
        cmocka_unit_test(what_was_not_seen_has_no_number),
        cmocka_unit_test(a_certificate_stays_with_its_session),
        cmocka_unit_test(what_a_line_gets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
