/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/garble.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static size_t split(const char *lines, struct span *out, size_t most)
{
    size_t count = 0;
    while (*lines && count < most) {
        size_t n = strcspn(lines, "|");
        out[count++] = span_of(lines, n);
        lines += n + (lines[n] == '|');
    }
    return count;
}

static struct garble reply(const char *banner, const char *lines)
{
    struct span line[64];
    return garble_judge(NULL, line, split(lines, line, 64), span_str(banner));
}

/* --- one line by its letters --- */

struct letters {
    const char *text;
    enum garble_kind kind;
};

static const struct letters LETTERS[] = {
    /* near misses */
    {"STARTTLX", GARBLE_NEAR_MISS},
    {"XTARTTLS", GARBLE_NEAR_MISS},
    {"\\TARTTLS", GARBLE_NEAR_MISS},
    {"STRATTLS", GARBLE_NEAR_MISS},
    {"STARTFOO", GARBLE_NEAR_MISS},
    {"S7ARTTLS", GARBLE_NEAR_MISS},
    {"STARTTLSX", GARBLE_NEAR_MISS},
    {"STARTTL", GARBLE_NEAR_MISS},
    {"STARTLS", GARBLE_NEAR_MISS},
    {"STARTSSL", GARBLE_NEAR_MISS},
    {"START TLS", GARBLE_NEAR_MISS},
    {"starttlx", GARBLE_NEAR_MISS},
    {" STARTTLS", GARBLE_NEAR_MISS},
    {"\tSTARTTLS", GARBLE_NEAR_MISS},
    /* masks */
    {"XXXXXXXX", GARBLE_MASK},
    {"XXXXXXXA", GARBLE_MASK},
    {"XXXXXXXZ", GARBLE_MASK},
    {"********", GARBLE_MASK},
    {"????????", GARBLE_MASK},
    {"--------", GARBLE_MASK},
    {"        ", GARBLE_MASK},
    {"00000000", GARBLE_MASK},
    {"XXXX", GARBLE_NONE},
    {"XXXA", GARBLE_NONE},
    {"XXXXXXXXX", GARBLE_NONE},
    {"XXXXXXXXA", GARBLE_NONE},
    {"XI", GARBLE_NONE},
    /* bytes that are no keyword */
    {"\xDB\xC8\xF0\xC5\xF9\x90\xA6\xE3", GARBLE_BINARY},
    {"TI*h&C7}", GARBLE_BINARY},
    {"5^75&}yx", GARBLE_BINARY},
    {"n}roub_h", GARBLE_BINARY},
    {"TI*h&C7", GARBLE_NONE},
    {"TI*h&C7}a", GARBLE_NONE},
    {"\xDB\xC8", GARBLE_NONE},
    /* spelt as no keyword is */
    {"99fo3WLa", GARBLE_ILL_SPELT},
    {"9DAb51JX", GARBLE_ILL_SPELT},
    {"12345678", GARBLE_ILL_SPELT},
    {"aBcDeFgH", GARBLE_ILL_SPELT},
    {"QWZPLKRT", GARBLE_ILL_SPELT},
    {"A1B2C3D4", GARBLE_ILL_SPELT},
    {"delIVERy", GARBLE_ILL_SPELT},
    {"abcdefg-", GARBLE_ILL_SPELT},
    /* keywords, and words that may be some vendor's */
    {"8BITMIME", GARBLE_NONE},
    {"8bitmime", GARBLE_NONE},
    {"CHUNKING", GARBLE_NONE},
    {"SMTPUTF8", GARBLE_NONE},
    {"UTF8SMTP", GARBLE_NONE},
    {"XFORWARD", GARBLE_NONE},
    {"XLICENSE", GARBLE_NONE},
    {"XPROXYTO", GARBLE_NONE},
    {"X-EXCH50", GARBLE_NONE},
    {"X-TURNME", GARBLE_NONE},
    {"MAE-SMTP", GARBLE_NONE},
    {"Coremail", GARBLE_NONE},
    {"coremail", GARBLE_NONE},
    {"TRANSFER", GARBLE_NONE},
    {"transfer", GARBLE_NONE},
    {"DELIVERY", GARBLE_NONE},
    {"XSESSION", GARBLE_NONE},
    {"XREQTRAN", GARBLE_NONE},
    {"XVERBOSE", GARBLE_NONE},
    {"XQRESYNC", GARBLE_NONE},
    {"MailGate", GARBLE_NONE},
    {"XMAIL2GO", GARBLE_NONE},
    {"SPAM2026", GARBLE_NONE},
    {"STANDARD", GARBLE_NONE},
    {"STARTUP", GARBLE_NONE},
    {"SIZE 100", GARBLE_NONE},
    {"ETRN foo", GARBLE_NONE},
    {"XFOO BAR", GARBLE_NONE},
    {"AUTH=XYZ", GARBLE_NONE},
    {"STARTTLS", GARBLE_NONE},
    {"starttls", GARBLE_NONE},
    {"TLS", GARBLE_NONE},
    {"START", GARBLE_NONE},
    {"", GARBLE_NONE},
};

/* Each text stands right before a page that no one may read. */
static void letters_of_a_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(LETTERS); i++) {
        size_t n = strlen(LETTERS[i].text);
        uint8_t *copy = guard_copy(LETTERS[i].text, n);
        enum garble_kind kind = garble_classify(span_of(copy, n), false);
        if (kind != LETTERS[i].kind)
            print_error("\"%s\"\n", LETTERS[i].text);
        assert_int_equal(kind, LETTERS[i].kind);
        guard_free(copy);
    }
    assert_int_equal(garble_classify(span_of("\0\0\0\0\0\0\0\0", 8), false), GARBLE_MASK);
    assert_int_equal(garble_classify(span_of("STARTTL\0", 8), false), GARBLE_NEAR_MISS);
}

/* A lower-case word among upper-case ones is odd already: then less is asked of its letters. */
static void case_of_the_other_lines(void **state)
{
    (void)state;
    assert_int_equal(garble_classify(span_str("wsrejyzg"), true), GARBLE_ILL_SPELT);
    assert_int_equal(garble_classify(span_str("wsrejyzg"), false), GARBLE_NONE);
    assert_int_equal(garble_classify(span_str("transfer"), true), GARBLE_NONE);
    assert_int_equal(garble_classify(span_str("delivery"), true), GARBLE_NONE);
}

/* Distances counted by hand. */
static void distances(void **state)
{
    (void)state;
    struct span want = span_str("STARTTLS");
    static const char *const near[] = {"TARTTLS",  "ARTTLS",    "SSTARTTLSS",
                                       "TSARTTSL", "STARTTLS!", "starttlz"};
    static const char *const far[] = {"STARTTLS", "starttls", "RTTLS",    "SSSTARTTLSS",
                                      "START",    "",         "TSRATTSL", "SMTPUTF8"};
    for (size_t i = 0; i < COUNT(near); i++)
        assert_true(garble_near(span_str(near[i]), want));
    for (size_t i = 0; i < COUNT(far); i++)
        assert_false(garble_near(span_str(far[i]), want));
    assert_int_equal(garble_in_place(span_str("XHLO"), span_str("EHLO")), 3);
    assert_int_equal(garble_in_place(span_str("EH"), span_str("EHLO")), 2);
}

/* --- dialogues --- */

struct dialogue {
    const char *what, *banner, *lines;
    enum garble_kind kind;
    size_t line;
    const char *layout; /* NULL: not settled by the slot */
};

#define POSTFIX "220 mx1.alder.example ESMTP Postfix"
#define EXIM    "220 mx1.elm.example ESMTP Exim 4.96 Sat, 21 Nov 2026 10:00:00 +0000"
#define STARS   "220 ****************************************"

static const struct dialogue GARBLED[] = {
    {"X-run in Postfix", POSTFIX,
     "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXX|ENHANCEDSTATUSCODES|8BITMIME|DSN|SMTPUTF8|"
     "CHUNKING",
     GARBLE_MASK, 4, "Postfix"},
    {"binary", POSTFIX,
     "PIPELINING|SIZE 1|VRFY|ETRN|\xDB\xC8\xF0\xC5\xF9\x90\xA6\xE3|ENHANCEDSTATUSCODES|"
     "8BITMIME|DSN",
     GARBLE_BINARY, 4, "Postfix"},
    {"blanks", POSTFIX, "PIPELINING|SIZE 1|VRFY|ETRN|        |ENHANCEDSTATUSCODES|8BITMIME|DSN",
     GARBLE_MASK, 4, "Postfix"},
    {"any word in the slot", EXIM,
     "SIZE 52428800|8BITMIME|PIPELINING|PIPECONNECT|CHUNKING|TRANSFER|SMTPUTF8|HELP", GARBLE_SLOT,
     5, "Exim"},
    {"of any length", "220 mx",
     "ENHANCEDSTATUSCODES|PIPELINING|8BITMIME|SIZE|DSN|ETRN|AUTH PLAIN|FOO|DELIVERBY|HELP",
     GARBLE_SLOT, 7, "Sendmail"},
    {"an empty line in the slot", POSTFIX,
     "PIPELINING|SIZE 1|VRFY|ETRN||ENHANCEDSTATUSCODES|8BITMIME|DSN", GARBLE_SLOT, 4, "Postfix"},
    {"a keyword printed twice", "220 mx",
     "PIPELINING|SIZE 1|VRFY|ETRN|8BITMIME|ENHANCEDSTATUSCODES|8BITMIME|DSN", GARBLE_SLOT, 4,
     "Postfix"},
    {"a keyword out of order, from Postfix itself", POSTFIX,
     "PIPELINING|SIZE 1|VRFY|ETRN|CHUNKING|ENHANCEDSTATUSCODES|8BITMIME|DSN", GARBLE_SLOT, 4,
     "Postfix"},
    {"OpenSMTPD is short", "220 mx ESMTP OpenSMTPD",
     "8BITMIME|ENHANCEDSTATUSCODES|SIZE 36700160|DSN|TI*h&C7}|HELP", GARBLE_BINARY, 4, "OpenSMTPD"},
    {"Cisco, all lines masked as it masks", STARS,
     "PIPELINING|SIZE 1|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN|XXXXXXXC|XXXXXXXD",
     GARBLE_MASK, 4, "Postfix"},
    {"Cisco, letters out of order", STARS,
     "SIZE 1|8BITMIME|PIPELINING|XXXXXXXXXXB|XXXXXXXC|XXXXXXXA|XXXXXXXD|HELP", GARBLE_MASK, 5,
     "Exim"},
    {"Cisco, three lines only", "220 mx", "8BITMIME|SIZE 14680064|XXXXXXXA", GARBLE_MASK, 2, NULL},
    {"a mask in a reply of no known layout", "220 mx ready",
     "SIZE 1|8BITMIME|SMTPUTF8|XXXXXXXX|X-ANONYMOUSTLS|BURL imap|CHUNKING|DELIVERBY|MTRK|HELP",
     GARBLE_MASK, 3, NULL},
    {"near miss at the end of a short reply", "220 mx", "SIZE 1|STARTTLX", GARBLE_NEAR_MISS, 1,
     NULL},
    {"a blank before the word", "220 mx", "SIZE 1| STARTTLS|HELP", GARBLE_NEAR_MISS, 1, NULL},
    {"near miss wins over a mask", "220 mx", "XXXXXXXX|SIZE 1|STARTTLX", GARBLE_NEAR_MISS, 2, NULL},
    {"unspellable word in a strange reply", "220 mx", "SIZE 1|8BITMIME|99fo3WLa|HELP",
     GARBLE_ILL_SPELT, 2, NULL},
};

static void garbled_dialogues(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(GARBLED); i++) {
        const struct dialogue *d = &GARBLED[i];
        struct garble g = reply(d->banner, d->lines);
        if (g.kind != d->kind || g.line != d->line || !g.layout != !d->layout)
            print_error("%s\n", d->what);
        assert_int_equal(g.kind, d->kind);
        assert_int_equal(g.line, d->line);
        if (d->layout)
            assert_string_equal(g.layout, d->layout);
        else
            assert_null(g.layout);
    }
}

static const struct dialogue CLEAN[] = {
    {.what = "Postfix without TLS",
     .banner = POSTFIX,
     .lines = "PIPELINING|SIZE 10240000|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN|SMTPUTF8|"
              "CHUNKING"},
    {.what = "Exim without TLS: CHUNKING stands next to the slot",
     .banner = EXIM,
     .lines = "SIZE 52428800|8BITMIME|PIPELINING|PIPECONNECT|CHUNKING|SMTPUTF8|HELP"},
    {.what = "Exim with a PRDR in its place",
     .banner = EXIM,
     .lines = "SIZE 52428800|8BITMIME|PIPELINING|AUTH PLAIN|CHUNKING|PRDR|HELP"},
    {.what = "Sendmail without TLS",
     .banner = "220 localhost ESMTP Sendmail 8.13.4/8.13.4",
     .lines = "ENHANCEDSTATUSCODES|PIPELINING|EXPN|VERB|8BITMIME|SIZE|DSN|ETRN|DELIVERBY|HELP"},
    {.what = "OpenSMTPD without TLS",
     .banner = "220 mx ESMTP OpenSMTPD",
     .lines = "8BITMIME|ENHANCEDSTATUSCODES|SIZE 36700160|DSN|HELP"},
    {.what = "Gmail of 2010",
     .banner = "220 mx.google.com ESMTP 9si8465377iwn.40",
     .lines = "SIZE 35651584|8BITMIME|ENHANCEDSTATUSCODES|PIPELINING"},
    {.what = "the same words in a like order from someone else",
     .banner = "220 mx ready",
     .lines = "SIZE 35651584|8BITMIME|DSN|ENHANCEDSTATUSCODES|PIPELINING|CHUNKING|SMTPUTF8"},
    {.what = "Exchange 2003 without TLS",
     .banner = "220 mail Microsoft ESMTP MAIL Service",
     .lines = "TURN|SIZE|ETRN|PIPELINING|DSN|ENHANCEDSTATUSCODES|8bitmime|BINARYMIME|CHUNKING|VRFY|"
              "X-EXPS GSSAPI NTLM LOGIN|X-EXPS=LOGIN|AUTH GSSAPI NTLM LOGIN|AUTH=LOGIN|"
              "X-LINK2STATE|XEXCH50|OK"},
    {.what = "the same behind a PIX: the eight-letter mask is CHUNKING",
     .banner = STARS,
     .lines = "XXXA|SIZE|ETRN|PIPELINING|DSN|ENHANCEDSTATUSCODES|8bitmime|BINARYMIME|XXXXXXXB|XXXC|"
              "XXXXXXXXXXXXXXXXXXXXXXXD|XXXXXXXXXXXE|AUTH GSSAPI NTLM LOGIN|XXXXXXXXXF|"
              "XXXXXXXXXXXG|XXXXXXH|XI"},
    {.what = "Postfix without TLS behind an ASA: both masks explained by the order",
     .banner = STARS,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN|XXXXXXXA|XXXXXXXB"},
    {.what = "masks of other lengths only",
     .banner = STARS,
     .lines = "PIPELINING|8BITMIME|SIZE 1|XXXA|XXXXXXXXB|XXXXXXXXXXC"},
    {.what = "ETRN masked where it stands",
     .banner = STARS,
     .lines = "PIPELINING|SIZE 1|XXXA|XXXB|ENHANCEDSTATUSCODES|8BITMIME|DSN"},
    {.what = "eight-letter vendor words",
     .banner = "220 mx1.maple.example ESMTP ready",
     .lines = "SIZE 33554432|8BITMIME|SMTPUTF8|XREQTRAN|XSESSION|XVERBOSE|XFORWARD|DELIVERY|HELP"},
    {.what = "ZMailer",
     .banner = "220 vger ZMailer Server 2.99.57",
     .lines = "SIZE 0|8BITMIME|PIPELINING|CHUNKING|ENHANCEDSTATUSCODES|DSN|X-RCPTLIMIT 10000|ETRN|"
              "HELP"},
    {.what = "qmail with an empty last line",
     .banner = "220 mx ESMTP",
     .lines = "PIPELINING|8BITMIME|AUTH LOGIN PLAIN|"},
    {.what = "263.net",
     .banner = "220 mx",
     .lines = "263.net|SIZE 47185920|ETRN|AUTH LOGIN|AUTH=LOGIN|8BITMIME"},
    {.what = "Coremail",
     .banner = "220 163.com Anti-spam GT for Coremail System",
     .lines = "mail|PIPELINING|AUTH LOGIN PLAIN|AUTH=LOGIN PLAIN|coremail 1Uxr2xKj7kG0xkI17xGrU7|"
              "8BITMIME"},
    {.what = "AUTH on two lines: two ways of logging in",
     .banner = POSTFIX,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|AUTH PLAIN LOGIN|AUTH CRAM-MD5|ENHANCEDSTATUSCODES|"
              "8BITMIME|DSN"},
    {.what = "the same of one mechanism, so that the second line has eight bytes",
     .banner = POSTFIX,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|AUTH PLAIN|AUTH OTP|ENHANCEDSTATUSCODES|8BITMIME|DSN"},
    {.what = "AUTH for old clients as well",
     .banner = POSTFIX,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|AUTH PLAIN|AUTH=PLAIN|ENHANCEDSTATUSCODES|8BITMIME|DSN"},
    {.what = "AUTH twice where no TLS is, from someone else",
     .banner = "220 mx ready",
     .lines = "PIPELINING|SIZE 1|ETRN|AUTH LOGIN|AUTH LOGIN PLAIN|8BITMIME|DSN|HELP"},
    {.what = "one line", .banner = "220 ESMTP", .lines = ""},
    {.what = "a server whose habit is odd spelling",
     .banner = "220 mx",
     .lines = "SIZE 1|aBcDeFgH|iJkLmNoP|qRsTuVwX"},
    {.what = "another server's banner over Postfix's order",
     .banner = EXIM,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|TRANSFER|ENHANCEDSTATUSCODES|8BITMIME|DSN"},
    {.what = "two unknown words",
     .banner = POSTFIX,
     .lines = "PIPELINING|SIZE 1|VRFY|ETRN|TRANSFER|ENHANCEDSTATUSCODES|8BITMIME|DSN|OTHERONE"},
};

static void clean_dialogues(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CLEAN); i++) {
        struct garble g = reply(CLEAN[i].banner, CLEAN[i].lines);
        if (g.kind != GARBLE_NONE)
            print_error("%s\n", CLEAN[i].what);
        assert_int_equal(g.kind, GARBLE_NONE);
    }
}

static void cisco_and_its_doubts(void **state)
{
    (void)state;
    struct garble g = reply("220 mx", "8BITMIME|SIZE 14680064|XXXXXXXA");
    assert_true(g.cisco);
    assert_true(g.maybe_chunking);
    g = reply(STARS, "8BITMIME|SIZE 14680064|XXXXXXXX");
    assert_true(g.cisco);
    g = reply("220 mx", "8BITMIME|SIZE 14680064|XXXXXXXX");
    assert_false(g.cisco);
    assert_true(g.maybe_chunking);
    g = reply("220 mx", "8BITMIME|CHUNKING|SMTPUTF8|XXXXXXXA");
    assert_false(g.maybe_chunking);
    /* The slot settles it, whatever else is missing. */
    g = reply(POSTFIX, "PIPELINING|SIZE 1|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN");
    assert_false(g.maybe_chunking);
    /* RFC 3030 couples BINARYMIME and CHUNKING; a plain run of X may still be anything. */
    g = reply("220 mx", "8BITMIME|BINARYMIME|XXXXXXXA");
    assert_int_equal(g.kind, GARBLE_NONE);
    g = reply("220 mx", "8BITMIME|BINARYMIME|XXXXXXXX");
    assert_int_equal(g.kind, GARBLE_MASK);
    g = reply("220 mx", "8BITMIME|BINARYMIME|CHUNKING|XXXXXXXA");
    assert_int_equal(g.kind, GARBLE_MASK);
    g = reply("220 mx", "8BITMIME|BINARYMIME|XXXXXXXA|XXXXXXXB");
    assert_int_equal(g.kind, GARBLE_MASK);
}

static void crowds_are_told(void **state)
{
    (void)state;
    assert_true(reply("220 mx", "SIZE 1|TI*h&C7}|5^75&}yx").crowd);
    assert_false(reply("220 mx", "SIZE 1|TI*h&C7}|HELP").crowd);
}

/* Any bytes at all: the answer is one of the kinds and points into the reply. */
static void any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 1;
    uint8_t bytes[64][16];
    struct span line[64];
    for (int round = 0; round < 3000; round++) {
        size_t count = (size_t)round % 65;
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < sizeof(bytes[i]); k++) {
                seed = seed * 1664525u + 1013904223u;
                bytes[i][k] =
                    (uint8_t)(round % 3 ? (int)(seed >> 24) : "XXXA S8"[(seed >> 24) % 7]);
            }
            line[i] = span_of(bytes[i], seed >> 28);
        }
        struct garble g = garble_judge(NULL, line, count, span_str(STARS));
        assert_true(g.kind < GARBLE_KIND_COUNT);
        assert_true(g.kind == GARBLE_NONE || g.line < count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_a_line), cmocka_unit_test(case_of_the_other_lines),
        cmocka_unit_test(distances),         cmocka_unit_test(garbled_dialogues),
        cmocka_unit_test(clean_dialogues),   cmocka_unit_test(cisco_and_its_doubts),
        cmocka_unit_test(crowds_are_told),   cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
