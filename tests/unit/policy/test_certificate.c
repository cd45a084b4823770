/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificates.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <time.h>

#include "make_certificate.h"

/* Nothing comes too fast. */
static nstime later(void)
{
    static nstime now;
    return now += NS_PER_S;
}

static struct made root, middle, leaf, stranger;
static char ca[32];

static int set_up(void **state)
{
    const struct made *roots[] = {&root};
    (void)state;
    root = make((struct recipe){
        .name = "Root", .authority = true, .from = MAKE_FROM - 1000, .until = MAKE_UNTIL + 1000});
    middle = make((struct recipe){.name = "Middle", .authority = true, .issuer = &root});
    leaf = make((struct recipe){
        .name = "mx.test", .issuer = &middle, .names = "DNS:mx.a.test,DNS:*.b.test"});
    stranger = make((struct recipe){.name = "Stranger", .authority = true});
    make_store(ca, roots, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unmake(&root);
    unmake(&middle);
    unmake(&leaf);
    unmake(&stranger);
    return unlink(ca);
}

/* The value of a chain of at most six, by a cache of its own. */
static const struct certificate *look(const char *path, const struct made *const *m, size_t n)
{
    struct certificates *cs = certificates_new(path);
    struct span chain[6];
    const struct certificate *c;

    for (size_t i = 0; i < n; i++)
        chain[i] = made_der(m[i]);
    c = certificates_look(cs, chain, n, later());
    certificates_free(cs);
    assert_non_null(c);
    return c;
}

#define LOOK(...)                                                                                  \
    look(ca, (const struct made *const[]){__VA_ARGS__},                                            \
         sizeof((const struct made *const[]){__VA_ARGS__}) / sizeof(struct made *))

static void trust_is(enum certificate_trust want, const struct certificate *c)
{
    enum certificate_trust got = c->trust;
    certificate_release(c);
    assert_string_equal(certificate_trust_text(got), certificate_trust_text(want));
}

/* The trust of an only certificate below the root. */
static enum certificate_trust trust_of(struct recipe r)
{
    struct made m = make(r);
    const struct certificate *c = LOOK(&m);
    enum certificate_trust t = c->trust;
    certificate_release(c);
    unmake(&m);
    return t;
}

static void what_the_leaf_says(void **state)
{
    const struct certificate *c = LOOK(&leaf, &middle);
    char print[CERTIFICATE_FINGERPRINT];
    unsigned char sha1[20], sha256[32], *spki = NULL;
    int spki_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf.x), &spki);
    (void)state;
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_true(EVP_Digest(spki, (size_t)spki_length, sha256, NULL, EVP_sha256(), NULL) == 1);
    assert_memory_equal(c->chain[0].spki_sha256, sha256, 32);
    assert_int_equal(c->chain[0].not_before, MAKE_FROM);
    OPENSSL_free(spki);
    assert_true(span_eq(c->subject, span_str("CN=mx.test")));
    assert_true(span_eq(c->issuer, span_str("O=\"Test, Inc\", CN=Middle")));
    assert_true(span_eq(c->issuer_org, span_str("Test, Inc")));
    assert_true(span_eq(c->issuer_name, span_str("Test, Inc")));
    assert_true(span_eq(c->common_name, span_str("mx.test")));
    assert_string_equal(c->serial, "14:6A:BD");
    assert_int_equal(c->name_count, 2);
    assert_true(span_eq(c->name[1], span_str("*.b.test")));
    assert_true(c->has_names && c->names_left == 0 && !c->self_signed && !c->signature_weak);
    assert_string_equal(certificate_key_text(c->key), "ecdsa");
    assert_int_equal(c->key_bits, 256);
    assert_string_equal(c->signature, "ecdsa-with-SHA256");
    assert_int_equal(c->valid_from, MAKE_FROM);
    assert_int_equal(c->valid_until, MAKE_UNTIL);
    assert_int_equal(c->days, 365);
    assert_int_equal(c->weakness, 0);
    assert_int_equal(c->chain_count, 2);
    assert_true(X509_digest(leaf.x, EVP_sha1(), sha1, NULL) == 1);
    assert_memory_equal(c->leaf_sha1, sha1, 20);
    certificate_fingerprint(c, print);
    assert_int_equal(strlen(print), 59);
    assert_int_equal(strtol(print, NULL, 16), sha1[0]);
    assert_int_equal(print[2], ':');
    certificate_release(c);
}

static void any_order_and_any_company(void **state)
{
    static const uint8_t garbage[] = "\x30\x03garbage";
    struct made bad = {.der = (unsigned char *)(uintptr_t)garbage, .n = 9}, none = {.n = 0};
    const struct certificate *c;
    (void)state;
    trust_is(CERT_TRUST_OK, LOOK(&leaf, &middle));
    trust_is(CERT_TRUST_OK, LOOK(&leaf, &middle, &root));
    trust_is(CERT_TRUST_OK, LOOK(&leaf, &root, &middle));
    trust_is(CERT_TRUST_OK, LOOK(&leaf, &leaf, &stranger, &middle, &middle));
    trust_is(CERT_TRUST_OK, LOOK(&leaf, &bad, &none, &middle));
    trust_is(CERT_TRUST_UNTRUSTED, LOOK(&leaf));
    trust_is(CERT_TRUST_UNTRUSTED, LOOK(&leaf, &root));
    trust_is(CERT_TRUST_UNTRUSTED, LOOK(&leaf, &stranger));
    trust_is(CERT_TRUST_OK, LOOK(&middle)); /* another leaf, that is */
    trust_is(CERT_TRUST_UNREADABLE, LOOK(&bad, &leaf, &middle));
    trust_is(CERT_TRUST_UNREADABLE, LOOK(&none));
    c = LOOK(&leaf, &root, &middle, &leaf);
    assert_int_equal(c->chain[0].depth, 0);
    assert_int_equal(c->chain[1].depth, 2);
    assert_int_equal(c->chain[2].depth, 1);
    assert_int_equal(c->chain[3].depth, -1);
    certificate_release(c);
    c = look(ca, NULL, 0);
    assert_int_equal(c->trust, CERT_TRUST_UNREADABLE);
    assert_int_equal(certificate_dates(c, 0), CERT_DATES_EXPIRED);
    certificate_release(c);
}

static void a_byte_behind_it_spoils_a_certificate(void **state)
{
    unsigned char *longer = malloc(leaf.n + 1);
    struct made m = {.der = longer, .n = leaf.n + 1};
    (void)state;
    memcpy(longer, leaf.der, leaf.n);
    longer[leaf.n] = 0;
    trust_is(CERT_TRUST_UNREADABLE, LOOK(&m, &middle));
    free(longer);
}

static void more_than_ten_are_counted(void **state)
{
    struct certificates *cs = certificates_new(ca);
    struct span chain[14];
    const struct certificate *c;
    (void)state;
    for (size_t i = 0; i < 14; i++)
        chain[i] = made_der(i == 0 ? &leaf : i == 9 ? &middle : &stranger);
    c = certificates_look(cs, chain, 14, later());
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_int_equal(c->chain_count, 10);
    assert_int_equal(c->chain_left, 4);
    certificate_release(c);
    certificates_free(cs);
}

static void what_does_not_hold_is_invalid(void **state)
{
    struct made plain = make((struct recipe){.name = "Plain", .issuer = &root}), below, short_path;
    (void)state;
    assert_int_equal(trust_of((struct recipe){.name = "a", .issuer = &root}), CERT_TRUST_OK);
    assert_int_equal(trust_of((struct recipe){.name = "a", .issuer = &root, .sign = stranger.key}),
                     CERT_TRUST_INVALID);
    assert_int_equal(
        trust_of((struct recipe){.name = "a", .issuer = &root, .purpose = "clientAuth"}),
        CERT_TRUST_INVALID);
    assert_int_equal(
        trust_of((struct recipe){.name = "a", .issuer = &root, .purpose = "serverAuth"}),
        CERT_TRUST_OK);
    below = make((struct recipe){.name = "below", .issuer = &plain});
    trust_is(CERT_TRUST_INVALID, LOOK(&below, &plain)); /* no authority */
    unmake(&below);
    unmake(&plain);
    short_path = make((struct recipe){
        .name = "Short", .authority = true, .constraints = "CA:TRUE,pathlen:0", .issuer = &root});
    plain = make((struct recipe){.name = "Deep", .authority = true, .issuer = &short_path});
    below = make((struct recipe){.name = "below", .issuer = &plain});
    trust_is(CERT_TRUST_INVALID, LOOK(&below, &plain, &short_path));
    unmake(&below);
    unmake(&plain);
    plain = make((struct recipe){
        .name = "Narrow", .authority = true, .issuer = &root, .limits = "permitted;DNS:a.test"});
    below = make((struct recipe){.name = "below", .issuer = &plain, .names = "DNS:mx.b.test"});
    trust_is(CERT_TRUST_INVALID, LOOK(&below, &plain));
    unmake(&below);
    unmake(&plain);
    unmake(&short_path);
}

static void who_signs_himself(void **state)
{
    struct made own = make((struct recipe){.name = "own"}), forged;
    const struct certificate *c = LOOK(&own);
    char path[32];
    (void)state;
    assert_true(c->self_signed);
    trust_is(CERT_TRUST_SELF_SIGNED, c);
    trust_is(CERT_TRUST_SELF_SIGNED, LOOK(&stranger));
    make_store(path, (const struct made *const[]){&own}, 1);
    trust_is(CERT_TRUST_OK, look(path, (const struct made *const[]){&own}, 1));
    unlink(path);
    forged = make((struct recipe){.name = "own", .sign = stranger.key});
    c = LOOK(&forged);
    assert_false(c->self_signed);
    trust_is(CERT_TRUST_INVALID, c);
    unmake(&forged);
    unmake(&own);
    own = make((struct recipe){.name = "slow", .key = MAKE_BINARY});
    trust_is(CERT_TRUST_SELF_SIGNED, LOOK(&own)); /* it says so, and saying more takes too long */
    unmake(&own);
}

static void without_a_store_nobody_is_accused(void **state)
{
    const struct made *const m[] = {&leaf, &middle};
    struct certificates *cs = certificates_new("/nowhere/at/all");
    const struct certificate *c;
    char path[32];
    (void)state;
    assert_false(certificates_load(cs));
    certificates_free(cs);
    c = look("/nowhere/at/all", m, 2);
    assert_int_equal(c->chain[1].depth, 1);
    assert_null(certificate_tlsrpt(c, span_str("mx.a.test"), MAKE_FROM * NS_PER_S));
    assert_null(certificate_tlsrpt(c, span_of(NULL, 0), MAKE_FROM * NS_PER_S)); /* any host */
    trust_is(CERT_TRUST_UNKNOWN, c);
    make_store(path, NULL, 0);
    trust_is(CERT_TRUST_UNKNOWN, look(path, m, 2)); /* an empty file */
    unlink(path);
    make_store(path, (const struct made *const[]){&middle}, 1); /* an anchor that is no root */
    trust_is(CERT_TRUST_OK, look(path, m, 1));
    unlink(path);
}

/* As openssl-rehash(1) leaves it. */
static void a_directory_or_what_the_system_has(void **state)
{
    const struct made *const m[] = {&leaf, &middle};
    char directory[] = "/tmp/stripwatch-ca-XXXXXX", path[64], file[32];
    const struct certificate *c = look(NULL, m, 2);
    enum certificate_trust t = c->trust;
    (void)state;
    assert_true(t == CERT_TRUST_UNTRUSTED || t == CERT_TRUST_UNKNOWN);
    certificate_release(c);
    assert_non_null(mkdtemp(directory));
    trust_is(CERT_TRUST_UNKNOWN, look(directory, m, 2));
    make_store(file, (const struct made *const[]){&root}, 1);
    (void)snprintf(path, sizeof(path), "%s/%08lx.0", directory,
                   X509_NAME_hash_ex(X509_get_subject_name(root.x), NULL, NULL, NULL));
    assert_int_equal(rename(file, path), 0);
    trust_is(CERT_TRUST_OK, look(directory, m, 2));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static enum certificate_dates dates(const struct certificate *c, int64_t second)
{
    return certificate_dates(c, second * NS_PER_S);
}

static void dates_are_judged_at_packet_time(void **state)
{
    const struct certificate *c = LOOK(&leaf, &middle);
    (void)state;
    assert_int_equal(dates(c, MAKE_FROM - 1), CERT_DATES_EARLY);
    assert_int_equal(certificate_dates(c, MAKE_FROM * NS_PER_S - 1), CERT_DATES_EARLY);
    assert_int_equal(dates(c, MAKE_FROM), CERT_DATES_OK);
    assert_int_equal(dates(c, MAKE_UNTIL), CERT_DATES_OK);
    assert_int_equal(certificate_dates(c, (MAKE_UNTIL + 1) * NS_PER_S - 1), CERT_DATES_OK);
    assert_int_equal(dates(c, MAKE_UNTIL + 1), CERT_DATES_EXPIRED);
    assert_int_equal(certificate_dates(c, INT64_MIN), CERT_DATES_EARLY);
    assert_int_equal(certificate_dates(c, INT64_MAX), CERT_DATES_EXPIRED);
    certificate_release(c);
}

static void the_path_is_as_old_as_its_oldest(void **state)
{
    struct made old = make((struct recipe){
        .name = "Old", .authority = true, .until = MAKE_FROM + 500, .from = MAKE_FROM - 1000});
    struct made of = make((struct recipe){.name = "of", .issuer = &old});
    const struct certificate *c;
    char path[32];
    (void)state;
    make_store(path, (const struct made *const[]){&old}, 1);
    c = look(path, (const struct made *const[]){&of}, 1);
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_int_equal(dates(c, MAKE_FROM + 500), CERT_DATES_OK);
    assert_int_equal(dates(c, MAKE_FROM + 501), CERT_DATES_EXPIRED);
    certificate_release(c);
    unlink(path);
    c = LOOK(&of); /* unknown authority: its own dates alone */
    assert_int_equal(dates(c, MAKE_FROM + 501), CERT_DATES_OK);
    certificate_release(c);
    unmake(&of);
    unmake(&old);
}

/* One authority, two certificates: whichever comes first, the one counts that lasts. */
static void of_two_issuers_the_one_that_lasts(void **state)
{
    struct made old = make((struct recipe){
        .as = &middle, .authority = true, .issuer = &root, .until = MAKE_FROM + 10});
    const struct certificate *c;
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        c = turn ? LOOK(&leaf, &middle, &old) : LOOK(&leaf, &old, &middle);
        assert_int_equal(c->trust, CERT_TRUST_OK);
        assert_int_equal(c->valid_until, MAKE_UNTIL);
        certificate_release(c);
    }
    c = LOOK(&leaf, &old);
    assert_int_equal(c->valid_until, MAKE_FROM + 10);
    certificate_release(c);
    unmake(&old);
}

/* And not the one that is valid while the test runs: the leaf was before its time. */
static void the_wall_clock_chooses_no_issuer(void **state)
{
    struct made fresh = make((struct recipe){.as = &middle,
                                             .authority = true,
                                             .issuer = &root,
                                             .from = time(NULL) - 86400,
                                             .until = time(NULL) + 86400});
    const struct certificate *c = LOOK(&leaf, &fresh, &middle);
    (void)state;
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_int_equal(c->valid_from, MAKE_FROM);
    assert_int_equal(c->chain[1].depth, -1);
    assert_int_equal(c->chain[2].depth, 1);
    certificate_release(c);
    unmake(&fresh);
}

static void far_dates(void **state)
{
    struct made m =
        make((struct recipe){.name = "far", .from = -86400, .until = 253402300799}); /* 9999 */
    const struct certificate *c = LOOK(&m);
    (void)state;
    assert_int_equal(c->valid_from, -86400);
    assert_int_equal(c->valid_until, 253402300799);
    assert_int_equal(certificate_dates(c, -1), CERT_DATES_OK);
    assert_int_equal(certificate_dates(c, INT64_MAX), CERT_DATES_OK);
    assert_true(c->weakness & certificate_weakness_bit(CERT_WEAK_LONG));
    certificate_release(c);
    unmake(&m);
}

static void dates_that_are_none(void **state)
{
    static const char *const bad[] = {"garbage", "", "991332000000Z", "20240101000000",
                                      "2401010000+0100"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct made m = make((struct recipe){.name = "a", .issuer = &root, .date = bad[i]});
        const struct certificate *c = LOOK(&m);
        assert_int_not_equal(c->trust, CERT_TRUST_OK);
        assert_int_equal(c->days, 0);
        assert_int_equal(dates(c, MAKE_FROM), CERT_DATES_EXPIRED);
        certificate_release(c);
        unmake(&m);
    }
}

static void names_are_dns_names_alone(void **state)
{
    struct made cn = make((struct recipe){.name = "mx.a.test", .issuer = &root});
    struct made ip = make((struct recipe){
        .name = "mx.a.test", .issuer = &root, .names = "IP:192.0.2.1,URI:https://mx.a.test/"});
    struct made nul = make((struct recipe){
        .name = "mx.a.test", .issuer = &root, .name_bytes = span_of("mx.a.test\0.evil.test", 20)});
    const struct certificate *c = LOOK(&leaf, &middle);
    struct span host = span_str("mx.a.test");
    (void)state;
    assert_true(certificate_names(c, host));
    assert_true(certificate_names(c, span_str("MX.A.test.")));
    assert_true(certificate_names(c, span_str("x.b.test")));
    assert_false(certificate_names(c, span_str("mx.test"))); /* its common name */
    assert_false(certificate_names_any(c, (struct span[]){span_str("mx.test")}, 1));
    assert_true(certificate_names_any(c, (struct span[]){span_str("b.test"), host}, 2));
    assert_false(certificate_names_any(c, NULL, 0));
    certificate_release(c);
    c = LOOK(&cn);
    assert_false(c->has_names || certificate_names(c, host));
    assert_true(certificate_names_any(c, &host, 1));
    certificate_release(c);
    c = LOOK(&ip);
    assert_true(c->has_names && c->name_count == 0);
    assert_false(certificate_names(c, host) || certificate_names(c, span_str("192.0.2.1")));
    assert_true(certificate_names_any(c, &host, 1));
    certificate_release(c);
    c = LOOK(&nul);
    assert_int_equal(c->name[0].n, 20);
    assert_false(certificate_names(c, host) || certificate_names_any(c, &host, 1));
    certificate_release(c);
    unmake(&cn);
    unmake(&ip);
    unmake(&nul);
}

static void many_names_and_long_ones(void **state)
{
    struct made many = make((struct recipe){.name = "many", .issuer = &root, .name_times = 120});
    char text[300];
    struct made wide;
    const struct certificate *c = LOOK(&many);
    (void)state;
    assert_int_equal(c->name_count, 100);
    assert_int_equal(c->names_left, 20);
    assert_true(certificate_names(c, span_str("mx99.many.test")));
    assert_false(certificate_names(c, span_str("mx100.many.test")));
    assert_true(certificate_names_any(c, (struct span[]){span_str("mx100.many.test")}, 1));
    assert_null(certificate_tlsrpt(c, span_str("mx100.many.test"), MAKE_FROM * NS_PER_S));
    certificate_release(c);
    memset(text, 'a', sizeof(text));
    wide = make((struct recipe){
        .name = "wide", .issuer = &root, .name_bytes = span_of(text, sizeof(text))});
    c = LOOK(&wide);
    assert_int_equal(c->name[0].n, 255);
    assert_false(certificate_names(c, span_of(text, 255)));
    certificate_release(c);
    unmake(&many);
    unmake(&wide);
}

static void one_that_is_too_large(void **state)
{
    uint8_t *bytes = calloc(1, CAP_CERT_BYTES);
    struct made m = make((struct recipe){
        .name = "a", .issuer = &root, .name_bytes = span_of(bytes, CAP_CERT_BYTES)});
    (void)state;
    struct certificates *cs = certificates_new(NULL);
    struct span der = made_der(&m);
    assert_null(certificates_look(cs, &der, 1, later())); /* unread, it can accuse nobody */
    certificates_free(cs);
    unmake(&m);
    m = make((struct recipe){
        .name = "a", .issuer = &root, .name_bytes = span_of(bytes, CAP_CERT_BYTES - 1000)});
    trust_is(CERT_TRUST_OK, LOOK(&m));
    unmake(&m);
    free(bytes);
}

static uint32_t weakness_of(struct recipe r, enum certificate_key key, uint32_t bits)
{
    struct made m = make(r);
    const struct certificate *c = LOOK(&m);
    uint32_t weak = c->weakness;
    assert_int_equal(c->key, key);
    assert_int_equal(c->key_bits, bits);
    certificate_release(c);
    unmake(&m);
    return weak;
}

#define WEAK(w) certificate_weakness_bit(CERT_WEAK_##w)

static void keys_and_what_is_weak(void **state)
{
    struct recipe r = {.name = "a", .issuer = &root};
    struct made sha1 = make(
        (struct recipe){.name = "SHA-1", .authority = true, .issuer = &root, .hash = EVP_sha1()});
    struct made below = make((struct recipe){.name = "below", .issuer = &sha1});
    const struct certificate *c = LOOK(&below, &sha1);
    char path[32];
    (void)state;
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_int_equal(c->weakness, WEAK(SIGNATURE));
    assert_false(c->signature_weak);
    certificate_release(c);
    make_store(path, (const struct made *const[]){&sha1}, 1);
    c = look(path, (const struct made *const[]){&below}, 1);
    assert_int_equal(c->trust, CERT_TRUST_OK);
    assert_int_equal(c->weakness, 0); /* who signed the anchor is nobody's business */
    certificate_release(c);
    unlink(path);
    assert_int_equal(weakness_of(r, CERT_KEY_ECDSA, 256), 0);
    r.hash = EVP_sha1();
    assert_int_equal(weakness_of(r, CERT_KEY_ECDSA, 256), WEAK(SIGNATURE));
    r.issuer = NULL; /* who signs himself signs nothing */
    assert_int_equal(weakness_of(r, CERT_KEY_ECDSA, 256), 0);
    r = (struct recipe){.name = "a", .issuer = &root, .key = MAKE_RSA2048};
    assert_int_equal(weakness_of(r, CERT_KEY_RSA, 2048), 0);
    r.key = MAKE_RSA1024;
    assert_int_equal(weakness_of(r, CERT_KEY_RSA, 1024), WEAK(RSA));
    r.issuer = NULL;
    r.hash = EVP_md5();
    assert_int_equal(weakness_of(r, CERT_KEY_RSA, 1024), WEAK(RSA));
    r = (struct recipe){.name = "a", .issuer = &root, .key = MAKE_ED25519};
    assert_int_equal(weakness_of(r, CERT_KEY_ED25519, 256), 0);
    r.key = MAKE_ED448;
    assert_int_equal(weakness_of(r, CERT_KEY_ED448, 456), 0);
    r.key = MAKE_P192;
    assert_int_equal(weakness_of(r, CERT_KEY_ECDSA, 192), WEAK(EC));
    r.key = MAKE_DSA;
    r.authority = true;
    r.until = MAKE_FROM + 3654 * 86400LL;
    assert_int_equal(weakness_of(r, CERT_KEY_DSA, 1024), WEAK(DSA) | WEAK(AUTHORITY) | WEAK(LONG));
    r.until -= 86400;
    assert_int_equal(weakness_of(r, CERT_KEY_DSA, 1024), WEAK(DSA) | WEAK(AUTHORITY));
    for (enum certificate_weakness w = 0; w < CERT_WEAK_COUNT; w++)
        assert_true(strlen(certificate_weakness_text(w)) > 2);
    unmake(&below);
    unmake(&sha1);
}

static void serials_and_odd_subjects(void **state)
{
    static const struct {
        const char *serial, *shown;
    } table[] = {
        {"0", "00"},
        {"7F", "7F"},
        {"80", "00:80"},
        {"-1", "FF"},
        {"ffeeddccbbaa99887766554433221100ffeeddcc",
         "00:FF:EE:DD:CC:BB:AA:99:88:77:66:55:44:33:22:11:00:FF:EE:DD:CC"},
        {"ffeeddccbbaa99887766554433221100ffeeddccbbaa",
         "00:FF:EE:DD:CC:BB:AA:99:88:77:66:55:44:33:22:11:00:FF:EE:DD:CC"},
    };
    const struct certificate *c;
    struct made m;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        m = make((struct recipe){.name = "a\x1b[2J\n\xC3\xBC", .serial = table[i].serial});
        c = LOOK(&m);
        assert_string_equal(c->serial, table[i].shown);
        assert_true(span_eq(c->subject, span_str("CN=a\\1B[2J\\0A\xC3\xBC")));
        assert_int_equal(c->issuer_org.n, 0);
        certificate_release(c);
        unmake(&m);
    }
    m = make((struct recipe){.name = "first", .second = "second"});
    c = LOOK(&m);
    assert_true(span_eq(c->subject, span_str("CN=first, CN=second")));
    assert_true(span_eq(c->common_name, span_str("second")));
    assert_int_equal(c->issuer_org.n, 0);
    assert_true(span_eq(c->issuer_name, span_str("second")));
    certificate_release(c);
    unmake(&m);
    m = make((struct recipe){.issuer = &root});
    c = LOOK(&m);
    assert_int_equal(c->subject.n, 0);
    assert_int_equal(c->common_name.n, 0);
    trust_is(CERT_TRUST_OK, c);
    unmake(&m);
}

static const char *report(const struct made *a, const struct made *b, const char *host, int64_t at)
{
    const struct certificate *c = b ? LOOK(a, b) : LOOK(a);
    const char *text = certificate_tlsrpt(c, span_str(host), at * NS_PER_S);
    certificate_release(c);
    return text ? text : "";
}

static void what_a_sender_would_report(void **state)
{
    struct made bad = make((struct recipe){.name = "a", .issuer = &root, .sign = stranger.key});
    (void)state;
    assert_string_equal(report(&leaf, &middle, "mx.a.test", MAKE_FROM), "");
    assert_string_equal(report(&leaf, &middle, "mx.c.test", MAKE_FROM),
                        "certificate-host-mismatch");
    assert_string_equal(report(&leaf, &middle, "", MAKE_FROM), ""); /* any name will do */
    assert_string_equal(report(&leaf, &middle, "mx.a.test", MAKE_UNTIL + 1), "certificate-expired");
    assert_string_equal(report(&leaf, &middle, "mx.a.test", MAKE_FROM - 1), "validation-failure");
    assert_string_equal(report(&leaf, NULL, "mx.a.test", MAKE_UNTIL + 1),
                        "certificate-not-trusted");
    assert_string_equal(report(&stranger, NULL, "mx.a.test", MAKE_FROM), "certificate-not-trusted");
    assert_string_equal(report(&bad, NULL, "mx.a.test", MAKE_FROM), "validation-failure");
    unmake(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_leaf_says),
        cmocka_unit_test(any_order_and_any_company),
        cmocka_unit_test(a_byte_behind_it_spoils_a_certificate),
        cmocka_unit_test(more_than_ten_are_counted),
        cmocka_unit_test(what_does_not_hold_is_invalid),
        cmocka_unit_test(who_signs_himself),
        cmocka_unit_test(without_a_store_nobody_is_accused),
        cmocka_unit_test(a_directory_or_what_the_system_has),
        cmocka_unit_test(dates_are_judged_at_packet_time),
        cmocka_unit_test(the_path_is_as_old_as_its_oldest),
        cmocka_unit_test(of_two_issuers_the_one_that_lasts),
        cmocka_unit_test(the_wall_clock_chooses_no_issuer),
        cmocka_unit_test(far_dates),
        cmocka_unit_test(dates_that_are_none),
        cmocka_unit_test(names_are_dns_names_alone),
        cmocka_unit_test(many_names_and_long_ones),
        cmocka_unit_test(one_that_is_too_large),
        cmocka_unit_test(keys_and_what_is_weak),
        cmocka_unit_test(serials_and_odd_subjects),
        cmocka_unit_test(what_a_sender_would_report),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
