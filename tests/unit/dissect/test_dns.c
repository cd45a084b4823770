/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

/* Messages octet by octet, as RFC 1035 section 4 draws them. */
#define ALDER   "\5alder\7example\0"
#define ALDER_N 15 /* octets of it: a question ends at 12 + 15 + 4 = 31 */

static const char mx_answer[] =
    /* id, QR RD RA, one question, two answers, two additional */
    "\x12\x34\x81\x80\0\1\0\2\0\0\0\3" ALDER "\0\x0f\0\1"
    /* 31: MX 10 mx1.alder.example, MX 20 of another zone */
    "\xc0\x0c\0\x0f\0\1\0\0\x0e\x10\0\x08\0\x0a\3mx1\xc0\x0c"
    "\xc0\x0c\0\x0f\0\1\0\0\x0e\x10\0\x10\0\x14\2MX\5OTHER\3net\0"
    /* A and AAAA of the first, at 31 + 14 = 45 */
    "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\x19"
    "\xc0\x2d\0\x1c\0\1\0\0\0\x3d\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x19"
    /* OPT: 1232 octets, DO */
    "\0\0\x29\4\xd0\0\0\x80\0\0\0";

static const char cname_answer[] = "\0\1\x85\x20\0\1\0\3\0\0\0\0\3www" ALDER "\0\1\0\1"
                                   "\xc0\x0c\0\5\0\1\0\0\0\x0a\0\7\4host\xc0\x10"
                                   "\xc0\x2f\0\5\0\1\0\0\0\x0b\0\5\2h2\xc0\x10"
                                   "\xc0\x42\0\1\0\1\0\0\0\x0c\0\4\xc0\0\2\1";

static const char txt_answer[] = "\0\2\x81\x80\0\1\0\2\0\0\0\0\x08_mta-sts" ALDER "\0\x10\0\1"
                                 "\xc0\x0c\0\x10\0\1\0\0\1\x2c\0\x13\x09v=STSv1; \6id=20;\1\0"
                                 "\xc0\x0c\0\x10\0\1\xff\xff\xff\xff\0\1\0";

static const char tlsa_answer[] =
    /* AD; RRSIG over the answer, cut short for the reader does not look into it */
    "\0\3\x81\xa0\0\1\0\2\0\0\0\0\3_25\4_tcp\3mx1" ALDER "\0\x34\0\1"
    "\xc0\x0c\0\x34\0\1\0\0\0\x3c\0\x23\3\1\1"
    "0123456789abcdef0123456789abcdef"
    "\xc0\x0c\0\x2e\0\1\0\0\0\x3c\0\3\0\x34\x08";

static const char nxdomain[] = "\0\4\x81\x83\0\1\0\0\0\4\0\0" ALDER "\0\x1c\0\1"
                               "\xc0\x12\0\6\0\1\0\0\x0e\x10\0\x20\2ns\xc0\x12\4root\xc0\x12"
                               "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\1\x2c"
                               "\xc0\x12\0\x2e\0\1\0\0\x0e\x10\0\0"
                               "\xc0\x12\0\x2f\0\1\0\0\x0e\x10\0\0"
                               "\xc0\x12\0\x2b\0\1\0\0\x0e\x10\0\0";

static const char query[] = "\xab\xcd\1\x10\0\1\0\0\0\0\0\1" ALDER "\0\x0f\0\1"
                            "\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08"
                            "cookie!!";

#define SPAN(literal) span_of(literal, sizeof(literal) - 1)

static const struct {
    const char *bytes;
    size_t n;
} whole[] = {
    {mx_answer, sizeof(mx_answer) - 1},   {cname_answer, sizeof(cname_answer) - 1},
    {txt_answer, sizeof(txt_answer) - 1}, {tlsa_answer, sizeof(tlsa_answer) - 1},
    {nxdomain, sizeof(nxdomain) - 1},     {query, sizeof(query) - 1},
};

#define WHOLE (sizeof(whole) / sizeof(whole[0]))

static struct dns_message m;

static void assert_name(const struct dns_message *in, uint16_t at)
{
    assert_true(at < in->pool_used);
    assert_non_null(memchr(in->pool + at, '\0', in->pool_used - at));
    for (const char *p = dns_text(in, at); *p; p++)
        assert_true(*p > ' ' && *p < 0x7f && !(*p >= 'A' && *p <= 'Z'));
}

static void assert_bytes(const struct dns_message *in, struct dns_bytes b)
{
    assert_true(b.n > 0 && b.at + b.n <= in->pool_used);
}

static void assert_record(const struct dns_message *in, const struct dns_record *r)
{
    struct span string;
    size_t at = 0;

    assert_name(in, r->owner);
    assert_true(r->section == DNS_ANSWER || r->section == DNS_ADDITIONAL);
    assert_true(r->ttl <= INT32_MAX);
    if (r->class != DNS_CLASS_IN)
        return;
    switch (r->type) {
    case DNS_MX:
        assert_name(in, r->mx.exchange);
        break;
    case DNS_CNAME:
        assert_name(in, r->target);
        break;
    case DNS_TLSA:
        assert_bytes(in, r->tlsa.association);
        break;
    case DNS_TXT:
        assert_bytes(in, r->text);
        while (dns_txt_next(in, r, &at, &string))
            assert_true((const char *)string.p + string.n <= in->pool + in->pool_used);
        assert_int_equal(at, r->text.n);
        break;
    default:
        break;
    }
}

/* Reads a copy with nothing readable behind it; whatever came of it is sound. */
static enum dns_result read_into(struct dns_message *out, const void *bytes, size_t n)
{
    uint8_t *copy = guard_copy(bytes, n);
    enum dns_result rc;

    memset(out, 0xa5, sizeof(*out));
    rc = dns_read(span_of(copy, n), out);
    guard_free(copy);
    assert_int_equal(rc, out->result);
    assert_true(out->pool_used >= 1 && out->pool_used <= CAP_DNS_TEXT);
    assert_true(out->record_count <= CAP_DNS_RECORDS);
    assert_name(out, out->question.name);
    assert_name(out, out->soa_owner);
    for (uint16_t i = 0; i < out->record_count; i++)
        assert_record(out, &out->record[i]);
    return rc;
}

static enum dns_result read_span(struct span s)
{
    return read_into(&m, s.p, s.n);
}

static const struct dns_record *record(uint16_t i, const char *owner, uint16_t type, uint32_t ttl)
{
    assert_true(i < m.record_count);
    assert_string_equal(dns_text(&m, m.record[i].owner), owner);
    assert_int_equal(m.record[i].type, type);
    assert_int_equal(m.record[i].ttl, ttl);
    return &m.record[i];
}

static void test_mx(void **state)
{
    const struct dns_record *r;

    (void)state;
    assert_int_equal(read_span(SPAN(mx_answer)), DNS_OK);
    assert_int_equal(m.id, 0x1234);
    assert_true(m.response && m.rd && m.ra && !m.aa && !m.tc && !m.ad && !m.cd);
    assert_int_equal(m.opcode, 0);
    assert_int_equal(m.rcode, DNS_NOERROR);
    assert_true(m.has_question);
    assert_string_equal(dns_text(&m, m.question.name), "alder.example");
    assert_int_equal(m.question.type, DNS_MX);
    assert_int_equal(m.question.class, DNS_CLASS_IN);
    assert_int_equal(m.record_count, 4);
    r = record(0, "alder.example", DNS_MX, 3600);
    assert_int_equal(r->mx.preference, 10);
    assert_string_equal(dns_text(&m, r->mx.exchange), "mx1.alder.example");
    assert_int_equal(r->section, DNS_ANSWER);
    r = record(1, "alder.example", DNS_MX, 3600);
    assert_int_equal(r->mx.preference, 20);
    assert_string_equal(dns_text(&m, r->mx.exchange), "mx.other.net");
    r = record(2, "mx1.alder.example", DNS_A, 60);
    assert_memory_equal(r->address, "\xcb\0\x71\x19\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(r->section, DNS_ADDITIONAL);
    r = record(3, "mx1.alder.example", DNS_AAAA, 61);
    assert_memory_equal(r->address, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x19", 16);
    assert_true(m.has_edns && m.dnssec_ok);
    assert_int_equal(m.udp_size, 1232);
    assert_int_equal(m.capped | m.not_kept | m.trailing, 0);
}

static void test_cname_chain(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN(cname_answer)), DNS_OK);
    assert_true(m.aa && m.ad);
    assert_int_equal(m.record_count, 3);
    assert_string_equal(dns_text(&m, record(0, "www.alder.example", DNS_CNAME, 10)->target),
                        "host.alder.example");
    assert_string_equal(dns_text(&m, record(1, "host.alder.example", DNS_CNAME, 11)->target),
                        "h2.alder.example");
    assert_memory_equal(record(2, "h2.alder.example", DNS_A, 12)->address, "\xc0\0\2\1\0", 5);
}

static void test_txt(void **state)
{
    const struct dns_record *r;
    struct span string;
    uint8_t joined[16];
    size_t at = 0;

    (void)state;
    assert_int_equal(read_span(SPAN(txt_answer)), DNS_OK);
    r = record(0, "_mta-sts.alder.example", DNS_TXT, 300);
    assert_true(dns_txt_next(&m, r, &at, &string) && span_eq(string, span_str("v=STSv1; ")));
    assert_true(dns_txt_next(&m, r, &at, &string) && span_eq(string, span_str("id=20;")));
    assert_true(dns_txt_next(&m, r, &at, &string) && span_eq(string, span_of("", 1)));
    assert_false(dns_txt_next(&m, r, &at, &string));
    assert_int_equal(dns_txt_join(&m, r, joined, 16), 16);
    assert_memory_equal(joined, "v=STSv1; id=20;", 16);
    assert_int_equal(dns_txt_join(&m, r, joined, 15), SIZE_MAX);
    r = record(1, "_mta-sts.alder.example", DNS_TXT, 0); /* a TTL with the top bit */
    at = 0;
    assert_true(dns_txt_next(&m, r, &at, &string));
    assert_int_equal(string.n, 0);
    assert_false(dns_txt_next(&m, r, &at, &string));
    assert_int_equal(dns_txt_join(&m, r, joined, 0), 0);
}

static void test_tlsa(void **state)
{
    const struct dns_record *r;

    (void)state;
    assert_int_equal(read_span(SPAN(tlsa_answer)), DNS_OK);
    assert_true(m.ad);
    r = record(0, "_25._tcp.mx1.alder.example", DNS_TLSA, 60);
    assert_int_equal(r->tlsa.usage, 3);
    assert_int_equal(r->tlsa.selector, 1);
    assert_int_equal(r->tlsa.matching, 1);
    assert_true(
        span_eq(dns_data(&m, r->tlsa.association), span_str("0123456789abcdef0123456789abcdef")));
    assert_int_equal(record(1, "_25._tcp.mx1.alder.example", DNS_RRSIG, 60)->length, 3);
    assert_int_equal(m.proof[DNS_ANSWER], DNS_PROOF_RRSIG);
    assert_int_equal(m.proof[DNS_AUTHORITY], 0);
}

static void test_nxdomain(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN(nxdomain)), DNS_OK);
    assert_int_equal(m.rcode, DNS_NXDOMAIN);
    assert_int_equal(m.record_count, 0);
    assert_true(m.has_soa);
    assert_string_equal(dns_text(&m, m.soa_owner), "example");
    assert_int_equal(m.negative_ttl, 300);
    assert_int_equal(m.proof[DNS_AUTHORITY], DNS_PROOF_RRSIG | DNS_PROOF_NSEC | DNS_PROOF_DS);
}

static void test_query(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN(query)), DNS_OK);
    assert_true(!m.response && m.rd && m.cd && !m.ad);
    assert_true(m.has_edns && !m.dnssec_ok);
    assert_int_equal(m.count[DNS_ADDITIONAL], 1);
    assert_int_equal(m.record_count, 0);
}

/* BADVERS is 16: the lower four bits are in the header, the upper eight in the OPT record. */
static void test_extended_rcode(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\x80\1\0\0\0\0\0\0\0\1"
                                    "\0\0\x29\2\0\1\2\0\0\0\0")),
                     DNS_OK);
    assert_int_equal(m.rcode, 17);
    assert_int_equal(m.edns_version, 2);
    assert_false(m.has_question);
    assert_string_equal(dns_text(&m, m.question.name), "");
}

/* A null MX (RFC 7505), and a minimal answer to ANY (RFC 8482). */
static void test_root_and_hinfo(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\x80\0\0\1\0\2\0\0\0\0" ALDER "\0\xff\0\1"
                                    "\xc0\x0c\0\x0f\0\1\0\0\0\1\0\3\0\0\0"
                                    "\xc0\x0c\0\x0d\0\1\0\0\0\1\0\x09\7RFC8482\0")),
                     DNS_OK);
    assert_string_equal(dns_text(&m, record(0, "alder.example", DNS_MX, 1)->mx.exchange), ".");
    assert_int_equal(record(1, "alder.example", 13, 1)->length, 9);
}

/* Data are looked into for the class IN alone. */
static void test_other_class(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\x80\0\0\0\0\1\0\0\0\0"
                                    "\0\0\1\0\3\0\0\0\1\0\5\1"
                                    "aaaa")),
                     DNS_OK);
    assert_int_equal(record(0, ".", DNS_A, 1)->class, 3);
}

/* NOTIFY, UPDATE and DSO have other sections. */
static void test_other_opcode(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\x28\0\xff\xff\xff\xff\xff\xff\xff\xff")), DNS_OK);
    assert_int_equal(m.opcode, 5);
    assert_false(m.has_question);
}

static void test_two_questions_and_more_behind(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\0\0\0\2\0\0\0\0\0\0" ALDER "\0\1\0\1"
                                    "\xc0\x0c\0\x1c\0\1"
                                    "tail")),
                     DNS_OK);
    assert_int_equal(m.question.type, DNS_A);
    assert_int_equal(m.count[DNS_QUESTION], 2);
    assert_int_equal(m.trailing, 4);
}

/* --- names --- */

#define NAME_HEAD "\0\1\0\0\0\1\0\0\0\0\0\0"
#define NAME_TAIL "\0\1\0\1"

static const char *name_of(struct span s)
{
    return read_span(s) == DNS_OK ? dns_text(&m, m.question.name) : NULL;
}

static void test_name_escapes(void **state)
{
    (void)state;
    assert_string_equal(name_of(SPAN(NAME_HEAD "\3A.b\4\0\x20\\*\2\xff-\1_\0" NAME_TAIL)),
                        "a\\046b.\\000\\032\\092\\042.\\255-._");
    assert_string_equal(name_of(SPAN(NAME_HEAD "\0" NAME_TAIL)), ".");
}

static void test_bad_pointers(void **state)
{
    static const struct {
        struct span bytes;
    } bad[] = {
        {{(const uint8_t *)NAME_HEAD "\xc0\x0c" NAME_TAIL, 18}},    /* to itself */
        {{(const uint8_t *)NAME_HEAD "\1a\xc0\x0c" NAME_TAIL, 20}}, /* to its own beginning */
        {{(const uint8_t *)NAME_HEAD "\1a\xc0\x0e" NAME_TAIL, 20}}, /* to the pointer */
        {{(const uint8_t *)NAME_HEAD "\xc0\x0e\0" NAME_TAIL, 19}},  /* forward */
        {{(const uint8_t *)NAME_HEAD "\xc0\x0b" NAME_TAIL, 18}},    /* into the header */
        {{(const uint8_t *)NAME_HEAD "\1a\xc0\0" NAME_TAIL, 20}},   /* likewise */
        {{(const uint8_t *)NAME_HEAD "\x40"
                                     "a\0" NAME_TAIL,
          19}}, /* types of no label */
        {{(const uint8_t *)NAME_HEAD "\x80"
                                     "a\0" NAME_TAIL,
          19}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_span(bad[i].bytes), DNS_MALFORMED);
    /* Two that point at each other: the second leads back, the first does not. */
    assert_int_equal(read_span(SPAN("\0\1\0\0\0\1\0\1\0\0\0\0\1a\xc0\x12\0\1\0\1"
                                    "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd")),
                     DNS_MALFORMED);
    /* An owner that leads into labels which run into itself. */
    assert_int_equal(read_span(SPAN("\0\1\x80\0\0\0\0\1\0\0\0\0"
                                    "\1a\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd")),
                     DNS_MALFORMED);
}

/* Pointers to pointers are allowed, each further back; `depth` of them behind one name. */
static void test_pointer_chain(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= CAP_DNS_JUMPS + 1u; depth++) {
        uint8_t b[512] = {0, 1, 0x80, 0, 0, 1, 0, 1};
        size_t n = 12, target = 12;

        memcpy(b + n, "\1a\0\0\1\0\1", 7); /* the question */
        n += 7;
        /* The pointers stand in the data of an answer of no known type... */
        memcpy(b + n, "\0\xff\0\0\1\0\0\0\0\0", 10);
        b[n + 9] = (uint8_t)(2 * (depth - 1) >> 8);
        b[n + 10] = (uint8_t)(2 * (depth - 1));
        n += 11;
        for (unsigned i = 1; i < depth; i++, n += 2) {
            b[n] = (uint8_t)(0xc0 | target >> 8);
            b[n + 1] = (uint8_t)target;
            target = n;
        }
        /* ... and the last of them owns the next. */
        b[7] = 2;
        b[n++] = (uint8_t)(0xc0 | target >> 8);
        b[n++] = (uint8_t)target;
        memcpy(b + n, "\0\1\0\1\0\0\0\0\0\4abcd", 14);
        assert_int_equal(read_into(&m, b, n + 14), depth <= CAP_DNS_JUMPS ? DNS_OK : DNS_MALFORMED);
        if (depth <= CAP_DNS_JUMPS)
            (void)record(1, "a", DNS_A, 0);
    }
}

/* Labels of `each` octets until `wire` are full with the root; the last one takes what is left. */
static size_t put_long_name(uint8_t *to, size_t wire, size_t each)
{
    size_t n = 0;

    while (wire - n > 1) {
        size_t label = wire - n - 2 < each ? wire - n - 2 : each;
        if (wire - n - 2 - label == 1) /* no room for a label in one octet */
            label--;
        to[n] = (uint8_t)label;
        memset(to + n + 1, 0xfe, label);
        n += label + 1;
    }
    to[n++] = 0;
    return n;
}

static void test_name_lengths(void **state)
{
    uint8_t b[400] = NAME_HEAD;
    size_t n;

    (void)state;
    for (size_t wire = 200; wire < 300; wire++) {
        n = 12 + put_long_name(b + 12, wire, 63);
        assert_int_equal(n, 12 + wire);
        memcpy(b + n, NAME_TAIL, 4);
        assert_int_equal(read_into(&m, b, n + 4), wire <= 255 ? DNS_OK : DNS_MALFORMED);
        if (wire == 255) /* 250 octets in four labels, four characters each, and dots */
            assert_int_equal(strlen(dns_text(&m, m.question.name)), 250 * 4 + 3);
    }
    n = 12 + put_long_name(b + 12, 255, 1); /* 127 labels */
    memcpy(b + n, NAME_TAIL, 4);
    assert_int_equal(read_into(&m, b, n + 4), DNS_OK);
    assert_int_equal(strlen(dns_text(&m, m.question.name)), 127 * 5 - 1);
    memset(b + 12, 'a', 80);
    b[12] = 64; /* a label that is too long looks like a type of label that is not used */
    assert_int_equal(read_into(&m, b, 100), DNS_MALFORMED);
}

/* 255 octets are counted through pointers. */
static void test_name_too_long_by_pointers(void **state)
{
    uint8_t b[600] = "\0\1\x80\0\0\1\0\1\0\0\0\0";
    size_t n = 12 + put_long_name(b + 12, 250, 63);

    (void)state;
    memcpy(b + n, NAME_TAIL, 4);
    n += 4;
    for (uint8_t label = 1; label < 9; label++) {
        size_t end = n;

        b[end++] = label;
        memset(b + end, 'x', label);
        end += label;
        memcpy(b + end, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", 16);
        assert_int_equal(read_into(&m, b, end + 16),
                         250u + 1 + label <= 255 ? DNS_OK : DNS_MALFORMED);
        assert_int_equal(m.record_count, label <= 4);
    }
}

/* --- lengths and counts that lie --- */

/* One answer, owned by the question's name. */
static enum dns_result read_answer(uint8_t type, uint16_t length, const void *data, size_t n)
{
    uint8_t b[512] = "\0\1\x80\0\0\1\0\1\0\0\0\0" ALDER "\0\1\0\1";
    const uint8_t head[12] = {0xc0,           12, 0, type, 0, 1, 0, 0, 0, 9, (uint8_t)(length >> 8),
                              (uint8_t)length};

    memcpy(b + 31, head, sizeof(head));
    memcpy(b + 43, data, n);
    return read_into(&m, b, 43 + n);
}

static void test_data_lengths(void **state)
{
    static const struct {
        uint8_t type;
        uint8_t n; /* octets of good data */
        const char *data;
        bool longer; /* with an octet more is as good */
    } row[] = {
        {DNS_A, 4, "abcd", false},
        {DNS_AAAA, 16, "0123456789abcdef", false},
        {DNS_MX, 8, "\0\1\3mx1\xc0\x0c", false},
        {DNS_CNAME, 6, "\3mx1\xc0\x0c", false},
        {DNS_CNAME, 5, "\3mx1\0", false},
        {DNS_TXT, 5, "\2ab\1c", false},
        {DNS_TLSA, 7, "\3\1\1hash", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char data[32] = {0};
        uint16_t n = row[i].n;

        memcpy(data, row[i].data, n);
        data[n] = 'x';
        assert_int_equal(read_answer(row[i].type, n, data, n), DNS_OK);
        assert_int_equal(m.record_count, 1);
        assert_int_equal(m.trailing, 0);
        /* more than there is */
        assert_int_equal(read_answer(row[i].type, (uint16_t)(n + 1), data, n), DNS_CUT);
        assert_int_equal(read_answer(row[i].type, UINT16_MAX, data, n), DNS_CUT);
        assert_int_equal(m.record_count, 0);
        /* one more, which is there; one less, and the rest is behind the end */
        assert_int_equal(read_answer(row[i].type, (uint16_t)(n + 1), data, n + 1u),
                         row[i].longer ? DNS_OK : DNS_MALFORMED);
        assert_int_equal(read_answer(row[i].type, (uint16_t)(n - 1), data, n),
                         row[i].longer ? DNS_OK : DNS_MALFORMED);
        assert_int_equal(read_answer(row[i].type, 0, data, 0), DNS_MALFORMED);
    }
    assert_int_equal(read_answer(DNS_TLSA, 3, "\3\1\1", 3), DNS_MALFORMED);
    assert_int_equal(read_answer(DNS_MX, 1, "\0", 1), DNS_MALFORMED);
}

static void test_counts_that_lie(void **state)
{
    (void)state;
    for (int section = 0; section < DNS_SECTION_COUNT; section++) {
        uint8_t b[sizeof(mx_answer)];
        size_t n = sizeof(mx_answer) - 1;

        memcpy(b, mx_answer, n);
        b[4 + 2 * section] = 0xff; /* more than there are */
        assert_int_not_equal(read_into(&m, b, n), DNS_OK);
        assert_int_equal(m.count[section] >> 8, 0xff);
    }
    /* Fewer: the rest is behind the end. */
    assert_int_equal(read_span(SPAN("\0\1\x80\0\0\1\0\0\0\0\0\0" ALDER "\0\1\0\1"
                                    "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd")),
                     DNS_OK);
    assert_int_equal(m.record_count, 0);
    assert_int_equal(m.trailing, 16);
}

static void test_opt_is_the_root_s_and_alone(void **state)
{
    (void)state;
    assert_int_equal(read_span(SPAN("\0\1\0\0\0\0\0\0\0\0\0\2"
                                    "\0\0\x29\2\0\0\0\0\0\0\0\0\0\x29\2\0\0\0\0\0\0\0")),
                     DNS_MALFORMED);
    assert_int_equal(read_span(SPAN("\0\1\0\0\0\0\0\0\0\0\0\1"
                                    "\1a\0\0\x29\2\0\0\0\0\0\0\0")),
                     DNS_MALFORMED);
}

/* --- caps --- */

static void test_records_are_capped(void **state)
{
    static uint8_t b[12 + 15 + 4 + 200 * 16 + 11];
    size_t n = 12;

    (void)state;
    memcpy(b, "\0\1\x80\0\0\1\0\xc8\0\0\0\1", n);
    memcpy(b + n, ALDER "\0\1\0\1", ALDER_N + 4);
    n += ALDER_N + 4;
    for (int i = 0; i < 200; i++, n += 16)
        memcpy(b + n, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", 16);
    memcpy(b + n, "\0\0\x29\2\0\1\0\0\0\0\0", 11);
    assert_int_equal(read_into(&m, b, n + 11), DNS_OK);
    assert_int_equal(m.record_count, CAP_DNS_RECORDS);
    assert_int_equal(m.not_kept, 200 - CAP_DNS_RECORDS);
    assert_int_equal(m.capped, DNS_CAPPED_RECORDS);
    assert_int_equal(m.rcode, 16); /* what is behind them is read */
}

/* Texts of 1,000 octets: the pool holds so many, and later ones that are short. */
static void test_text_is_capped(void **state)
{
    static uint8_t b[12 + 15 + 4 + 20 * (12 + 1024) + 16];
    size_t n = 12;

    (void)state;
    memcpy(b, "\0\1\x80\0\0\1\0\x15\0\0\0\0", n);
    memcpy(b + n, ALDER "\0\1\0\1", ALDER_N + 4);
    n += ALDER_N + 4;
    for (int i = 0; i < 20; i++) {
        memcpy(b + n, "\xc0\x0c\0\x10\0\1\0\0\0\0\4\0", 12);
        n += 12;
        for (int j = 0; j < 4; j++, n += 256)
            b[n] = 255;
    }
    memcpy(b + n, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", 16);
    assert_int_equal(read_into(&m, b, n + 16), DNS_OK);
    assert_int_equal(m.capped, DNS_CAPPED_TEXT);
    assert_int_equal(m.record_count, 15 + 1);
    assert_int_equal(m.not_kept, 5);
    (void)record(15, "alder.example", DNS_A, 0);
}

/* --- damage --- */

/* What a cut message has is the beginning of what the whole has. */
static void test_every_truncation(void **state)
{
    static struct dns_message part;

    (void)state;
    for (size_t i = 0; i < WHOLE; i++) {
        assert_int_equal(read_into(&m, whole[i].bytes, whole[i].n), DNS_OK);
        for (size_t n = 0; n < whole[i].n; n++) {
            assert_int_equal(read_into(&part, whole[i].bytes, n), DNS_CUT);
            assert_true(part.record_count <= m.record_count);
            for (uint16_t k = 0; k < part.record_count; k++) {
                assert_int_equal(part.record[k].type, m.record[k].type);
                assert_string_equal(dns_text(&part, part.record[k].owner),
                                    dns_text(&m, m.record[k].owner));
            }
        }
    }
}

/* Sound whatever it makes of them: read_into() looks. */
static void test_every_bit_flip(void **state)
{
    uint8_t b[512];

    (void)state;
    for (size_t i = 0; i < WHOLE; i++) {
        memcpy(b, whole[i].bytes, whole[i].n);
        for (size_t bit = 0; bit < whole[i].n * 8; bit++) {
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            (void)read_into(&m, b, whole[i].n);
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void test_made_message(void **state)
{
    (void)state;
    dns_clear(&m);
    assert_string_equal(dns_text(&m, 0), "");
    m.question.name = dns_put_name(&m, "alder.example");
    assert_string_equal(dns_text(&m, m.question.name), "alder.example");
    assert_int_equal(dns_put_name(&m, "alder.example"), m.question.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mx),
        cmocka_unit_test(test_cname_chain),
        cmocka_unit_test(test_txt),
        cmocka_unit_test(test_tlsa),
        cmocka_unit_test(test_nxdomain),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_extended_rcode),
        cmocka_unit_test(test_root_and_hinfo),
        cmocka_unit_test(test_other_class),
        cmocka_unit_test(test_other_opcode),
        cmocka_unit_test(test_two_questions_and_more_behind),
        cmocka_unit_test(test_name_escapes),
        cmocka_unit_test(test_bad_pointers),
        cmocka_unit_test(test_pointer_chain),
        cmocka_unit_test(test_name_lengths),
        cmocka_unit_test(test_name_too_long_by_pointers),
        cmocka_unit_test(test_data_lengths),
        cmocka_unit_test(test_counts_that_lie),
        cmocka_unit_test(test_opt_is_the_root_s_and_alone),
        cmocka_unit_test(test_records_are_capped),
        cmocka_unit_test(test_text_is_capped),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit_flip),
        cmocka_unit_test(test_made_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
