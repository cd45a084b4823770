/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/caps.h"
#include "base/digest.h"

/* --- messages, made of what is said of them --- */

struct message {
    uint8_t p[2 * CAP_TLS_HELLO];
    size_t n;
};

/* Numbers in hex with commas between, each list as it stands in the message; NULL is empty. */
struct said {
    uint16_t version;
    const char *suites, *extensions;
    const char *groups, *formats, *algorithms, *versions; /* of the extensions that have them */
    const char *alpn;                                     /* the values, each with its length */
};

static void put8(struct message *m, unsigned value)
{
    assert_true(m->n < sizeof(m->p));
    m->p[m->n++] = (uint8_t)value;
}

static void put16(struct message *m, size_t value)
{
    put8(m, (unsigned)value >> 8);
    put8(m, (unsigned)value & 0xff);
}

static void put_span(struct message *m, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        put8(m, s.p[i]);
}

/* A list of hex numbers; a length of so many bytes stands before it, unless that is 0. */
static void put_hex(struct message *m, const char *hex, int length_width, int width)
{
    struct message list = {.n = 0};

    for (char *end; hex && *hex; hex = *end ? end + 1 : end) {
        unsigned long value = strtoul(hex, &end, 16);
        if (width == 2)
            put16(&list, value);
        else
            put8(&list, (unsigned)value);
    }
    if (length_width == 2)
        put16(m, list.n);
    if (length_width == 1)
        put8(m, (unsigned)list.n);
    put_span(m, span_of(list.p, list.n));
}

static void put_body(struct message *m, const struct said *s, unsigned long type)
{
    static const uint8_t name[] = {0, 9, 0, 0, 6, 'm', 'x', '.', 'd', 'o', 'm'};

    if (type == 0)
        put_span(m, span_of(name, sizeof(name)));
    if (type == 10)
        put_hex(m, s->groups, 2, 2);
    if (type == 11)
        put_hex(m, s->formats, 1, 1);
    if (type == 13 && s->algorithms)
        put_hex(m, s->algorithms, 2, 2);
    if (type == 43)
        put_hex(m, s->versions, 1, 2);
    if (type == 16 && s->alpn) {
        put16(m, strlen(s->alpn));
        put_span(m, span_str(s->alpn));
    }
}

static void put_extensions(struct message *m, const struct said *s)
{
    const char *hex = s->extensions;

    for (char *end; hex && *hex; hex = *end ? end + 1 : end) {
        struct message body = {.n = 0};
        unsigned long type = strtoul(hex, &end, 16);
        put_body(&body, s, type);
        put16(m, type);
        put16(m, body.n);
        put_span(m, span_of(body.p, body.n));
    }
}

static struct message hello_of(const struct said *s)
{
    struct message m = {.n = 0}, list = {.n = 0};

    put16(&m, s->version);
    for (unsigned i = 0; i < 32; i++)
        put8(&m, i);
    put8(&m, 0); /* session id */
    put_hex(&m, s->suites, 2, 2);
    put16(&m, 0x0100); /* compression: none */
    put_extensions(&list, s);
    if (s->extensions) {
        put16(&m, list.n);
        put_span(&m, span_of(list.p, list.n));
    }
    return m;
}

/* --- prints --- */

static const struct siphash_key key = {1, 2};
static struct tls_prints *prints; /* one for all tests: what is remembered must not show */

static int make_prints(void **state)
{
    (void)state;
    prints = tls_prints_new(&key);
    return prints ? 0 : -1;
}

static int drop_prints(void **state)
{
    (void)state;
    tls_prints_free(prints);
    return 0;
}

static void expect_same(const struct tls_client_print *a, const struct tls_client_print *b)
{
    assert_non_null(a);
    assert_non_null(b);
    assert_true(span_eq(a->ja3_text, b->ja3_text));
    assert_int_equal(a->ja3_text.p[a->ja3_text.n], 0);
    assert_string_equal(a->ja3, b->ja3);
    assert_string_equal(a->ja4, b->ja4);
}

/* Made anew, then remembered, then by another object: always the same. */
static const struct tls_client_print *print(const struct tls_client_hello *h)
{
    struct tls_prints *other = tls_prints_new(&key);
    struct tls_client_print first = *tls_prints_client(other, h);

    expect_same(&first, tls_prints_client(prints, h));
    expect_same(&first, tls_prints_client(prints, h));
    tls_prints_free(other);
    return tls_prints_client(prints, h);
}

static const struct tls_client_print *print_of(const struct said *s)
{
    struct message m = hello_of(s);
    struct tls_client_hello h;

    assert_true(tls_client_hello_read(span_of(m.p, m.n), &h));
    return print(&h);
}

static void expect_ja3(const struct said *s, const char *text, const char *hash)
{
    const struct tls_client_print *p = print_of(s);

    assert_string_equal((const char *)p->ja3_text.p, text);
    assert_int_equal(p->ja3_text.n, strlen(text));
    if (hash)
        assert_string_equal(p->ja3, hash);
}

static void expect_ja4(const struct said *s, const char *ja4)
{
    assert_string_equal(print_of(s)->ja4, ja4);
}

/* The two examples of github.com/salesforce/ja3, README.md. */
static void ja3_of_its_authors(void **state)
{
    (void)state;
    expect_ja3(&(struct said){.version = 0x0301,
                              .suites = "2f,35,5,a,c009,c00a,c013,c014,32,38,13,4",
                              .extensions = "0,a,b",
                              .groups = "17,18,19",
                              .formats = "0"},
               "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
               "ada70206e40642a3e4461f35503241d5");
    expect_ja3(&(struct said){.version = 0x0301, .suites = "4,5,a,9,64,62,3,6,13,12,63"},
               "769,4-5-10-9-100-98-3-6-19-18-99,,,", "de350869b8c85de67a350c8d186f11e6");
}

#define CHROME_SUITES     "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
#define CHROME_ALGORITHMS "0403,0804,0401,0503,0805,0501,0806,0601"
#define SPEC_EXTENSIONS                                                                            \
    "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"

/* The examples of github.com/FoxIO-LLC/ja4, technical_details/JA4.md; the second is that of a hello
 * without signature algorithms. */
static void ja4_of_its_specification(void **state)
{
    struct said s = {.version = 0x0303,
                     .suites = CHROME_SUITES,
                     .extensions = SPEC_EXTENSIONS,
                     .groups = "1d",
                     .formats = "0",
                     .algorithms = CHROME_ALGORITHMS,
                     .versions = "304,303",
                     .alpn = "\2h2\10http/1.1"};
    (void)state;
    expect_ja4(&s, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    s.algorithms = NULL;
    expect_ja4(&s, "t13d1516h2_8daaf6152771_6d807ffa2a79");
    s.algorithms = "";
    expect_ja4(&s, "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

/* Prints of recordings that others made, by their raw forms: FoxIO-LLC/ja4,
 * python/test/testdata/badcurveball.pcap.json and socks-https-example.pcap.json;
 * FoxIO-LLC/ja4-nginx-module, test/testdata/tls12_h11.txt and no_sni_ip.txt. */
static void ja4_of_recordings(void **state)
{
    (void)state;
    expect_ja4(&(struct said){.version = 0x0303,
                              .suites = CHROME_SUITES ",000a",
                              .extensions =
                                  "0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,"
                                  "002b,001b,0015",
                              .algorithms = CHROME_ALGORITHMS ",0201",
                              .versions = "304,303,302,301",
                              .alpn = "\2h2"},
               "t13d1615h2_46e7e9700bed_45f260be83e2");
    expect_ja4(&(struct said){.version = 0x0301,
                              .suites = "0039,0038,0035,0016,0013,000a,0033,0032,002f,009a,0099,"
                                        "0096,0005,0004,0015,0012,0009,0014,0011,0008,0006,0003,"
                                        "00ff",
                              .extensions = "0000"},
               "t10d230100_6a57a6f57151_000000000000");
    expect_ja4(
        &(struct said){.version = 0x0303,
                       .suites = "ccaa,cca9,cca8,c030,c02f,c02c,c02b,c028,c027,c024,c023,c014,c013,"
                                 "c00a,c009,009f,009e,009d,009c,006b,0067,003d,003c,0039,0035,0033,"
                                 "002f",
                       .extensions = "ff01,0000,000a,0010,0016,0017,000d,000b",
                       .algorithms = "0403,0503,0603,0807,0808,0809,080a,080b,0804,0805,0806,0401,"
                                     "0501,0601,0303,0301,0302,0402,0502,0602",
                       .alpn = "\10http/1.1"},
        "t12d2708h1_a2460661a67a_eed5f1524d5c");
    expect_ja4(
        &(struct said){.version = 0x0303,
                       .suites = "1301,1302,1303,ccaa,cca9,cca8,c030,c02f,c02c,c02b,c028,c027,c024,"
                                 "c023,c014,c013,c00a,c009,009f,009e,009d,009c,006b,0067,003d,003c,"
                                 "0039,0035,0033,002f",
                       .extensions = "ff01,0033,0031,002d,002b,0017,0016,000d,000b,000a,0010",
                       .algorithms = "0905,0906,0904,0403,0503,0603,0807,0808,081a,081b,081c,0809,"
                                     "080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,"
                                     "0502,0602",
                       .versions = "0304,0303",
                       .alpn = "\2h2"},
        "t13i3011h2_1d37bd780c83_882d495ac381");
}

/* Both of one hello, as browserleaks.com said of Chrome 143. */
static void both_of_one_hello(void **state)
{
    const struct said s = {.version = 0x0303,
                           .suites = "9a9a," CHROME_SUITES,
                           .extensions =
                               "1a1a,2d,33,10,fe0d,17,44cd,0,b,a,2b,ff01,23,12,5,d,1b,fafa",
                           .groups = "2a2a,11ec,1d,17,18",
                           .formats = "0",
                           .algorithms = CHROME_ALGORITHMS,
                           .versions = "3a3a,304,303",
                           .alpn = "\2h2\10http/1.1"};
    (void)state;
    expect_ja4(&s, "t13d1516h2_8daaf6152771_d8a2da3f94cd");
    expect_ja3(&s,
               "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
               "45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27,4588-29-23-24,0",
               "98487aa16281980e7d1120d399efb6a4");
}

/* --- GREASE --- */

/* FoxIO-LLC/ja4, python/test/testdata/sigalg-grease.pcapng.json. */
static void grease_of_signature_algorithms(void **state)
{
    (void)state;
    expect_ja4(&(struct said){.version = 0x0303,
                              .suites = "baba," CHROME_SUITES,
                              .extensions =
                                  "6a6a,fe0d,0010,0017,0033,44cd,ff01,000a,000d,0023,002b,000b,"
                                  "ca34,002d,0000,0005,001b,0012,eaea",
                              .algorithms = "dada,0904,0905,0906," CHROME_ALGORITHMS,
                              .versions = "4a4a,304,303",
                              .alpn = "\2h2"},
               "t13d1517h2_8daaf6152771_cb7bf5808d99");
}

/* RFC 8701: all sixteen, and none of those that look like them. */
static void grease_and_what_is_none(void **state)
{
    static const char all[] = "0a0a,1a1a,2a2a,3a3a,4a4a,5a5a,6a6a,7a7a,8a8a,9a9a,aaaa,baba,caca,"
                              "dada,eaea,fafa";
    struct said s = {.version = 0x0303, .suites = all, .extensions = all};
    (void)state;
    expect_ja3(&s, "771,,,,", NULL);
    expect_ja4(&s, "t12i000000_000000000000_000000000000");
    s.suites = s.extensions = "a1a,1a0a,a,a0a0,1b1b,a00,ab0a";
    expect_ja3(&s, "771,2586-6666-10-41120-6939-2560-43786,2586-6666-10-41120-6939-2560-43786,,",
               NULL);
    assert_memory_equal(print_of(&s)->ja4, "t12i070700_", 11);
    s = (struct said){.version = 0x0303,
                      .suites = "1",
                      .extensions = "a,b,d,2b",
                      .groups = all,
                      .formats = "a",
                      .algorithms = all,
                      .versions = all};
    expect_ja3(&s, "771,1,10-11-13-43,,10", NULL);
    assert_memory_equal(print_of(&s)->ja4, "t12i010400_", 11); /* the legacy version again */
}

/* --- what is missing, or more than expected --- */

static void empty_lists(void **state)
{
    struct said s = {.version = 0x0300, .suites = "a"};
    (void)state;
    expect_ja3(&s, "768,10,,,", NULL);
    expect_ja4(&s, "ts3i010000_a8f3e973773c_000000000000");
    s.extensions = "";
    expect_ja3(&s, "768,10,,,", NULL);
    s.extensions = "a,b,d,2b,10";
    expect_ja3(&s, "768,10,10-11-13-43-16,,", NULL);
    assert_memory_equal(print_of(&s)->ja4, "ts3i010500_", 11);
    s.extensions = "0,10";
    expect_ja4(&s, "ts3d010200_a8f3e973773c_000000000000");
}

static void versions(void **state)
{
    static const struct {
        uint16_t legacy;
        const char *versions, *text;
    } c[] = {{0x0303, "304,303", "13"}, {0x0303, "303,304", "13"},  {0x0303, "302,301", "11"},
             {0x0303, "301", "10"},     {0x0301, "7a7a,303", "12"}, {0x0303, "300", "s3"},
             {0x0303, "2", "s2"},       {0x0303, "304,7f1c", "00"}, {0x0303, "305", "00"},
             {0x0301, "", "10"},        {0x0301, "0", "10"},        {0x0302, NULL, "11"},
             {0x0304, NULL, "13"},      {0x0002, NULL, "s2"},       {0xfefd, NULL, "00"},
             {0x0a0a, NULL, "00"},      {0x0000, NULL, "00"}};
    (void)state;
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        struct said s = {.version = c[i].legacy,
                         .suites = "a",
                         .extensions = c[i].versions ? "2b" : "",
                         .versions = c[i].versions};
        assert_memory_equal(print_of(&s)->ja4 + 1, c[i].text, 2);
    }
}

/* JA4.md, "ALPN Extension Value", with its five examples. */
static void alpn(void **state)
{
    static const struct {
        const char *values, *text;
    } c[] = {{"\2h2", "h2"},
             {"\10http/1.1", "h1"},
             {"\1x", "xx"},
             {"\1\xab", "ab"},
             {"\2\xab\xcd", "ad"},
             {"\2\x30\xab", "3b"},
             {"\4\x30\x31\xab\xcd", "3d"},
             {"\4\x30\xab\xcd\x31", "01"},
             {"\2\x0a\x0a\2h2", "0a"}, /* GREASE */
             {"\2\xfa\xfa", "fa"},
             {"\3Z-Z", "ZZ"},
             {"\2z_", "7f"},
             {"\2/z", "2a"},
             {"\2:9", "39"},
             {"\2@A", "41"},
             {"\2[`", "50"},
             {"\2{0", "70"},
             {"", "00"},     /* no value */
             {"\3h2", "00"}, /* longer than the list */
             {"\377h2", "00"}};
    (void)state;
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        struct said s = {.version = 0x0303, .suites = "a", .extensions = "10", .alpn = c[i].values};
        assert_memory_equal(print_of(&s)->ja4 + 8, c[i].text, 2);
    }
}

/* A hello of one suite and this list of extensions. */
static const struct tls_client_print *print_list(const void *list, size_t n)
{
    static const uint8_t suite[] = {0, 1};
    uint8_t *copy = malloc(n + 1); /* its end is guarded by the sanitizer */
    struct tls_client_hello h = {
        .version = 0x0303, .suites = span_of(suite, sizeof(suite)), .extensions = span_of(copy, n)};
    const struct tls_client_print *p;

    memcpy(copy, list, n);
    p = print(&h);
    free(copy);
    return p;
}

#define LIST(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void expect_list(const void *list, size_t n, const char *ja3, const char *ja4)
{
    const struct tls_client_print *p = print_list(list, n);

    assert_string_equal((const char *)p->ja3_text.p, ja3);
    assert_memory_equal(p->ja4, ja4, strlen(ja4));
}

/* An empty first value, and lists whose lengths lie or are odd; bytes behind a list are ignored. */
static void bodies_that_do_not_fit(void **state)
{
    (void)state;
    expect_list(LIST(0, 16, 0, 6, 0, 4, 0, 2, 'h', '2'), "771,1,16,,", "t12i010100_");
    expect_list(LIST(0, 16, 0, 5, 0, 4, 2, 'h', '2'), "771,1,16,,", "t12i010100_");
    expect_list(LIST(0, 16, 0, 6, 0, 3, 2, 'h', '2', 9), "771,1,16,,", "t12i0101h2_");
    expect_list(LIST(0, 16, 0, 1, 0), "771,1,16,,", "t12i010100_");
    expect_list(LIST(0, 10, 0, 0), "771,1,10,,", "t12i010100_");
    expect_list(LIST(0, 10, 0, 1, 0), "771,1,10,,", "t12i010100_");
    expect_list(LIST(0, 10, 0, 4, 0, 4, 0, 1), "771,1,10,,", "t12i010100_");
    expect_list(LIST(0, 10, 0, 5, 0, 3, 0, 1, 2), "771,1,10,,", "t12i010100_");
    expect_list(LIST(0, 10, 0, 5, 0, 2, 0, 1, 2), "771,1,10,1,", "t12i010100_");
    expect_list(LIST(0, 11, 0, 0), "771,1,11,,", "t12i010100_");
    expect_list(LIST(0, 11, 0, 2, 2, 0), "771,1,11,,", "t12i010100_");
    expect_list(LIST(0, 11, 0, 4, 2, 0, 255, 1), "771,1,11,,0-255", "t12i010100_");
    expect_list(LIST(0, 43, 0, 4, 3, 3, 4, 3), "771,1,43,,", "t12i010100_");
    expect_list(LIST(0, 43, 0, 2, 2, 3), "771,1,43,,", "t12i010100_");
    expect_list(LIST(0, 43, 0, 4, 2, 3, 4, 9), "771,1,43,,", "t13i010100_");
}

/* SHA-256 of "0001", "000a,000d" and "000a,000d_0403", cut. */
static void algorithms_that_do_not_fit(void **state)
{
    (void)state;
    expect_list(LIST(0, 13, 0, 4, 0, 4, 4, 3, 0, 10, 0, 0), "771,1,13-10,,",
                "t12i010200_888b19a43b15_8b63dc3fd33f");
    expect_list(LIST(0, 13, 0, 5, 0, 2, 4, 3, 9, 0, 10, 0, 0), "771,1,13-10,,",
                "t12i010200_888b19a43b15_63be3268461f");
}

/* RFC 8446 section 4.2: there must be one of a type. All are listed, the first is read. */
static void extensions_that_come_twice(void **state)
{
    (void)state;
    expect_list(LIST(0, 10, 0, 4, 0, 2, 0, 29, 0, 10, 0, 4, 0, 2, 0, 23), "771,1,10-10,29,",
                "t12i010200_");
    expect_list(LIST(0, 16, 0, 0, 0, 16, 0, 5, 0, 3, 2, 'h', '2'), "771,1,16-16,,",
                "t12i010200_888b19a43b15_000000000000");
}

static void counts_up_to_99(void **state)
{
    char list[6 * 130] = "";
    struct said s = {.version = 0x0303, .suites = list, .extensions = list};
    (void)state;
    for (unsigned i = 1; i <= 120; i++) {
        char count[12];
        snprintf(list + strlen(list), 7, "%s%x", i > 1 ? "," : "", 0x1000 + i);
        snprintf(count, sizeof(count), "t12i%02u%02u00_", i < 99 ? i : 99, i < 99 ? i : 99);
        assert_memory_equal(print_of(&s)->ja4, count, 11);
    }
}

static void every_truncation(void **state)
{
    const struct said s = {.version = 0x0303,
                           .suites = CHROME_SUITES,
                           .extensions = SPEC_EXTENSIONS,
                           .groups = "1d,17,18",
                           .formats = "0,1,2",
                           .algorithms = CHROME_ALGORITHMS,
                           .versions = "304,303",
                           .alpn = "\2h2\10http/1.1"};
    struct message m = hello_of(&s);
    struct tls_client_hello h;
    (void)state;
    assert_true(tls_client_hello_read(span_of(m.p, m.n), &h));
    for (size_t n = 0, whole = 0; n <= h.extensions.n; n++) {
        struct cursor list = cursor_of(span_first(h.extensions, n));
        struct span data;
        uint16_t type;
        size_t count = 0;
        char text[8];
        while (tls_extension_next(&list, &type, &data))
            count++;
        assert_in_range(count, whole, whole + 1);
        whole = count;
        snprintf(text, sizeof(text), "%02zu", count);
        assert_memory_equal(print_list(h.extensions.p, n)->ja4 + 6, text, 2);
    }
}

/* --- the longest --- */

static int by_value(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Both prints by the plainest means, of suites and of extensions that have no body. */
static void expect_plain(const struct tls_client_print *p, uint16_t *suites, size_t n,
                         uint16_t *types, size_t m)
{
    static char text[4 * CAP_TLS_HELLO], hex[65];
    uint8_t hash[32];
    size_t at = 0;

    at += (size_t)sprintf(text, "771,");
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "%s%u", i ? "-" : "", suites[i]);
    at += (size_t)sprintf(text + at, ",");
    for (size_t i = 0; i < m; i++)
        at += (size_t)sprintf(text + at, "%s%u", i ? "-" : "", types[i]);
    at += (size_t)sprintf(text + at, ",,");
    assert_int_equal(p->ja3_text.n, at);
    assert_string_equal((const char *)p->ja3_text.p, text);
    digest_md5(span_of(text, at), hash);
    for (size_t i = 0; i < 16; i++)
        sprintf(hex + 2 * i, "%02x", hash[i]);
    assert_string_equal(p->ja3, hex);
    qsort(suites, n, sizeof(*suites), by_value);
    qsort(types, m, sizeof(*types), by_value);
    for (int part = 0; part < 2; part++) {
        at = 0;
        for (size_t i = 0; i < (part ? m : n); i++)
            at += (size_t)sprintf(text + at, "%s%04x", i ? "," : "", (part ? types : suites)[i]);
        digest_sha256(span_of(text, at), hash);
        for (size_t i = 0; i < 6; i++)
            sprintf(hex + 2 * i, "%02x", hash[i]);
        assert_memory_equal(p->ja4 + (part ? 24 : 11), at ? hex : "000000000000", 12);
    }
}

/* No text is longer than these: every number has five digits, and all of the cap is used. */
static void of_the_full_cap(void **state)
{
    static uint8_t suites[CAP_TLS_HELLO], list[CAP_TLS_HELLO];
    static uint16_t suite[CAP_TLS_HELLO / 2], type[CAP_TLS_HELLO / 4];
    (void)state;
    for (size_t n = 2; n <= CAP_TLS_HELLO; n += 2046) {
        size_t types = (CAP_TLS_HELLO - n) / 4;
        struct tls_client_hello h = {.version = 0x0303,
                                     .suites = span_of(suites, n),
                                     .extensions = span_of(list, types * 4)};
        for (size_t i = 0; i < n / 2; i++) {
            suite[i] = (uint16_t)(52000 + i * 7919 % 4000); /* no GREASE among these */
            suites[2 * i] = (uint8_t)(suite[i] >> 8);
            suites[2 * i + 1] = (uint8_t)suite[i];
        }
        memset(list, 0, sizeof(list));
        for (size_t i = 0; i < types; i++) {
            type[i] = (uint16_t)(60200 + i * 7919 % 4000);
            list[4 * i] = (uint8_t)(type[i] >> 8);
            list[4 * i + 1] = (uint8_t)type[i];
        }
        expect_plain(print(&h), suite, n / 2, type, types);
    }
    assert_null(tls_prints_client(
        prints, &(struct tls_client_hello){.suites = span_of(suites, 2),
                                           .extensions = span_of(list, CAP_TLS_HELLO - 1)}));
    assert_null(tls_prints_client(
        prints, &(struct tls_client_hello){.suites = span_of(suites, CAP_TLS_HELLO + 2)}));
}

/* Point formats take one byte and up to four characters each. */
static void of_all_point_formats(void **state)
{
    uint8_t list[4 + 256] = {0, 11, 1, 0, 255};
    char text[4 * 256 + 16];
    size_t at = (size_t)sprintf(text, "771,1,11,,");
    (void)state;
    for (size_t i = 0; i < 255; i++)
        at += (size_t)sprintf(text + at, "%s255", i ? "-" : "");
    memset(list + 5, 255, 255);
    expect_list(list, sizeof(list), text, "t12i010100_");
}

/* And beside them as many suites as make the longest text that is remembered, or is made at all. */
static void of_all_point_formats_and_suites(void **state)
{
    static const size_t room[] = {CAP_PRINT_CLIENT_KEY - 16 - 2 - 255, CAP_TLS_HELLO - 260};
    static uint8_t list[4 + 256] = {0, 11, 1, 0, 255}, suites[CAP_TLS_HELLO];
    (void)state;
    memset(list + 5, 255, 255);
    memset(suites, 255, sizeof(suites));
    for (size_t i = 0; i < 2; i++) {
        size_t n = room[i] / 2;
        struct tls_client_hello h = {.version = 0xffff,
                                     .suites = span_of(suites, 2 * n),
                                     .extensions = span_of(list, sizeof(list))};
        const struct tls_client_print *p = print(&h);
        assert_int_equal(p->ja3_text.n, 5 + 6 * n + 3 + 1 + 4 * 255);
        assert_memory_equal(p->ja3_text.p + p->ja3_text.n - 8, "-255-255", 9);
    }
}

/* --- what is remembered --- */

static uint64_t seed = 1;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* Few values of everything, so that many hellos are alike and others nearly so. */
static struct message random_list(void)
{
    static const uint16_t types[] = {0, 10, 11, 13, 16, 43, 51, 0x0a0a};
    struct message m = {.n = 0};

    for (unsigned n = draw(8); n > 0; n--) {
        unsigned size = draw(3) ? draw(6) : draw(200);
        put16(&m, types[draw(8)]);
        put16(&m, size);
        for (unsigned i = 0; i < size; i++)
            put8(&m, i < 2 && draw(4) ? (i ? size - 2 : 0) : draw(4));
    }
    m.n -= draw(8) ? 0 : draw((unsigned)m.n + 1);
    return m;
}

static void with_and_without(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct message suites = {.n = 2 + 2 * draw(3)}, list = random_list();
        struct tls_client_hello h = {.version = (uint16_t)(0x0301 + draw(3))};
        if (draw(50) == 0)
            suites.n = 400 + 2 * draw(100); /* about the longest that are remembered */
        for (size_t at = 0; at < suites.n; at++)
            suites.p[at] = (uint8_t)draw(3);
        h.suites = span_of(suites.p, suites.n);
        h.extensions = span_of(list.p, list.n);
        print(&h);
    }
}

/* Where a list ends and the next begins counts, though the bytes are the same. */
static void the_same_bytes_in_other_lists(void **state)
{
    (void)state;
    expect_list(LIST(0, 10, 0, 4, 0, 2, 0, 1, 0, 13, 0, 2, 0, 0), "771,1,10-13,1,",
                "t12i010200_888b19a43b15_8b63dc3fd33f");
    assert_memory_not_equal(print_list(LIST(0, 10, 0, 2, 0, 0, 0, 13, 0, 4, 0, 2, 0, 1))->ja4 + 24,
                            "8b63dc3fd33f", 12);
    expect_list(LIST(0, 10, 0, 2, 0, 0, 0, 13, 0, 4, 0, 2, 0, 1), "771,1,10-13,,", "t12i010200_");
}

/* --- servers --- */

static void expect_server(uint16_t legacy, uint16_t suite, const void *list, size_t n,
                          const char *text, const char *hash)
{
    struct tls_server_hello h = {
        .version = 0x0304, .legacy = legacy, .suite = suite, .extensions = span_of(list, n)};

    for (int i = 0; i < 3; i++) {
        const struct tls_server_print *p = tls_prints_server(prints, &h);
        assert_non_null(p);
        assert_string_equal((const char *)p->ja3s_text.p, text);
        assert_int_equal(p->ja3s_text.n, strlen(text));
        if (hash)
            assert_string_equal(p->ja3s, hash);
        assert_int_equal(strlen(p->ja3s), 32);
    }
}

/* The first is of the article that made JA3S known ("TLS Fingerprinting with JA3 and JA3S",
 * engineering.salesforce.com). */
static void ja3s(void **state)
{
    (void)state;
    expect_server(
        0x0301, 47,
        LIST(255, 1, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0, 2, 1, 0, 0, 35, 0, 0, 0, 5, 0, 0, 0, 16, 0, 0),
        "769,47,65281-0-11-35-5-16", "836ce314215654b5b1f85f97c73e506f");
    expect_server(0x0303, 0xc030, NULL, 0, "771,49200,", NULL);
    expect_server(0x0303, 0xc030, LIST(0xfa, 0xfa, 0, 0, 0, 23, 0, 0), "771,49200,23", NULL);
    expect_server(0x0303, 0xc02f, LIST(0, 23, 0, 0, 0, 5, 0, 1), "771,49199,23", NULL);
    expect_server(0x0303, 0x1302, LIST(0, 43, 0, 2, 3, 4), "771,4866,43", NULL);
    expect_server(0x0303, 0x1302, LIST(0, 43, 0, 2, 3, 3), "771,4866,43", NULL);
    expect_server(0x0303, 0x1301, LIST(0, 43, 0, 2, 3, 4), "771,4865,43", NULL);
    expect_server(0x0302, 0x1302, LIST(0, 43, 0, 2, 3, 3), "770,4866,43", NULL);
}

/* More extensions than are remembered, up to as many as are printed at all. */
static void of_servers_that_say_much(void **state)
{
    static uint8_t list[CAP_TLS_HELLO + 4];
    static char text[2 * CAP_TLS_HELLO];
    struct tls_server_hello h = {.extensions = span_of(list, sizeof(list))};
    (void)state;
    for (size_t i = 0; i < sizeof(list); i += 4)
        list[i] = list[i + 1] = 0xff;
    for (size_t n = 4; n <= CAP_TLS_HELLO; n += n < 160 ? 4 : 8032 / 4) {
        size_t at = (size_t)sprintf(text, "65535,65535,");
        for (size_t i = 0; i < n; i += 4)
            at += (size_t)sprintf(text + at, "%s65535", i ? "-" : "");
        expect_server(0xffff, 0xffff, list, n, text, NULL);
    }
    assert_null(tls_prints_server(prints, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ja3_of_its_authors),
        cmocka_unit_test(ja4_of_its_specification),
        cmocka_unit_test(ja4_of_recordings),
        cmocka_unit_test(both_of_one_hello),
        cmocka_unit_test(grease_of_signature_algorithms),
        cmocka_unit_test(grease_and_what_is_none),
        cmocka_unit_test(empty_lists),
        cmocka_unit_test(versions),
        cmocka_unit_test(alpn),
        cmocka_unit_test(bodies_that_do_not_fit),
        cmocka_unit_test(algorithms_that_do_not_fit),
        cmocka_unit_test(extensions_that_come_twice),
        cmocka_unit_test(counts_up_to_99),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(of_the_full_cap),
        cmocka_unit_test(of_all_point_formats),
        cmocka_unit_test(of_all_point_formats_and_suites),
        cmocka_unit_test(with_and_without),
        cmocka_unit_test(the_same_bytes_in_other_lists),
        cmocka_unit_test(ja3s),
        cmocka_unit_test(of_servers_that_say_much),
    };
    return cmocka_run_group_tests(tests, make_prints, drop_prints);
}
