/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/lint.h"

#define RIGHT                                                                                      \
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.alder.test\r\nmx: *.mail.alder.test\r\n"           \
    "max_age: 2592000\r\n"

static struct lookup l;
static struct audit a;

static struct domain name(const char *text)
{
    struct domain d;

    assert_true(domain_read(span_str(text), &d));
    return d;
}

static void body(const char *text)
{
    lookup_fini(&l);
    l.body = strdup(text);
    assert_non_null(l.body);
    l.body_n = strlen(text);
}

static void no_body(enum lookup_sts sts, int status, const char *why)
{
    lookup_fini(&l);
    l.sts = sts;
    l.status = status;
    l.plain = false;
    l.type[0] = '\0';
    snprintf(l.why, sizeof(l.why), "%s", why);
}

static void exchanger(uint8_t i, const char *host)
{
    l.item[i] = (struct lookup_mx){.host = name(host),
                                   .address = LOOKUP_SECURE,
                                   .tlsa = LOOKUP_SECURE,
                                   .has_tlsa = true,
                                   .base = name(host),
                                   .record = {{3, 1, 1, 32, {0}}},
                                   .records = 1,
                                   .ttl = 300};
    l.items = (uint8_t)(i + 1);
}

static void right(void)
{
    lookup_fini(&l);
    l = (struct lookup){.domain = name("alder.test"),
                        .sts = LOOKUP_STS_POLICY,
                        .record = LOOKUP_SECURE,
                        .id = "20261121T000000",
                        .status = 200,
                        .issuer = "Example Trust",
                        .plain = true,
                        .type = "text/plain",
                        .asked_mx = true,
                        .mx = LOOKUP_SECURE,
                        .asked_reports = true,
                        .reports = LOOKUP_SECURE,
                        .report_records = 1,
                        .report = "v=TLSRPTv1; rua=mailto:tls@alder.test"};
    body(RIGHT);
    exchanger(0, "mx1.alder.test");
    exchanger(1, "mx2.mail.alder.test");
}

/* --- what is wrong with it --- */

static void nothing(void)
{
}
static void no_record(void)
{
    no_body(LOOKUP_STS_NONE, 0, "");
    l.id[0] = '\0';
}
static void two_records(void)
{
    no_body(LOOKUP_STS_RECORD, 0, "2 records begin with v=STSv1;");
    l.id[0] = '\0';
}
static void record_bogus(void)
{
    no_body(LOOKUP_STS_DNS, 0, "signature expired");
    l.record = LOOKUP_BOGUS;
    l.id[0] = '\0';
}
static void expired(void)
{
    no_body(LOOKUP_STS_WEBPKI, 0, "certificate has expired");
}
static void silent(void)
{
    no_body(LOOKUP_STS_FETCH, 0, "no answer in time");
    l.issuer[0] = '\0';
}
static void inside(void)
{
    no_body(LOOKUP_STS_REFUSED, 0, "its policy host has the address 10.0.0.1: private");
    l.issuer[0] = '\0';
}
static void moved(void)
{
    no_body(LOOKUP_STS_FETCH, 301, "status 301");
}
static void missing(void)
{
    no_body(LOOKUP_STS_FETCH, 404, "status 404");
}
static void cut_short(void)
{
    no_body(LOOKUP_STS_FETCH, 200, "it may be cut short");
}
static void html(void)
{
    l.plain = false;
    snprintf(l.type, sizeof(l.type), "text/html");
}
static void too_long(void)
{
    no_body(LOOKUP_STS_INVALID, 200, "longer than 65536 bytes");
    l.plain = true;
}
static void forgiven(void)
{
    body("\n" RIGHT);
}
static void no_policy(void)
{
    body("<html>not here</html>\n");
    l.sts = LOOKUP_STS_INVALID;
}
static void repeated(void)
{
    body(RIGHT "mx: mx1.alder.test\r\n");
}
static void testing(void)
{
    body("version: STSv1\nmode: testing\nmx: mx1.alder.test\nmx: *.mail.alder.test\n"
         "max_age: 2592000\n");
}
static void none(void)
{
    body("version: STSv1\nmode: none\nmax_age: 2592000\n");
}
static void an_hour(void)
{
    body("version: STSv1\nmode: enforce\nmx: mx1.alder.test\nmx: *.mail.alder.test\n"
         "max_age: 3600\n");
}
static void three_days(void)
{
    body("version: STSv1\nmode: enforce\nmx: mx1.alder.test\nmx: *.mail.alder.test\n"
         "max_age: 259200\n");
}
static void ages(void)
{
    body("version: STSv1\nmode: enforce\nmx: mx1.alder.test\nmx: *.mail.alder.test\n"
         "max_age: 99999999\n");
}
static void unnamed(void)
{
    exchanger(1, "backup.birch.test");
}
static void too_deep(void)
{
    exchanger(1, "a.b.mail.alder.test");
}
static void unnamed_in_testing(void)
{
    testing();
    exchanger(1, "backup.birch.test");
}
static void no_exchanger(void)
{
    l.items = 0;
}
static void unsigned_mx(void)
{
    l.mx = LOOKUP_INSECURE;
}
static void bogus_mx(void)
{
    l.mx = LOOKUP_BOGUS;
}
static void no_tlsa(void)
{
    l.item[0].has_tlsa = false;
    l.item[0].records = 0;
}
static void lost_tlsa(void)
{
    l.item[0].tlsa = LOOKUP_FAILED;
    l.item[0].has_tlsa = false;
}
static void lost_address(void)
{
    l.item[1].address = LOOKUP_BOGUS;
}
static void unsigned_address(void)
{
    l.item[1].address = LOOKUP_INSECURE;
}
static void signed_alias(void)
{
    unsigned_address();
    l.item[1].alias = true;
}
static void unsigned_tlsa(void)
{
    l.item[1].tlsa = LOOKUP_INSECURE;
}
static void useless_tlsa(void)
{
    l.item[0].records = 0;
}
static void crowded(void)
{
    l.items_left_out = 68;
}
static void crowded_unnamed(void)
{
    body(RIGHT "mx: mx99.alder.test\r\n");
    crowded();
}
static void no_reports(void)
{
    l.report_records = 0;
    l.report[0] = '\0';
}
static void two_reports(void)
{
    l.report_records = 2;
}
static void reports_nowhere(void)
{
    snprintf(l.report, sizeof(l.report), "v=TLSRPTv1;");
}
static void reports_by_gopher(void)
{
    snprintf(l.report, sizeof(l.report), "v=TLSRPTv1; rua=gopher:tls@alder.test");
}
static void reports_lost(void)
{
    l.reports = LOOKUP_FAILED;
}
static void unasked(void)
{
    lookup_fini(&l);
    l = (struct lookup){.domain = name("alder.test")};
}
static void same(void)
{
    no_body(LOOKUP_STS_SAME, 0, "");
    l.issuer[0] = '\0';
}

/* --- what is said of it --- */

#define NOT_FETCHED                                                                                \
    "connection=unknown certificate=unknown status=unknown content-type=unknown size=unknown "
#define NO_ANSWER "status=unknown content-type=unknown size=unknown "

static const struct setup {
    const char *what;
    void (*change)(void);
    const char *found; /* all items that are not ok, in order */
    const char *words; /* of the text of the worst of them */
} SETUP[] = {
    {"right", nothing, "", NULL},
    {"no record", no_record, "record=bad id=unknown " NOT_FETCHED, "no MTA-STS"},
    {"two records", two_records, "record=bad id=bad " NOT_FETCHED, "2 records"},
    {"bogus record", record_bogus, "record=bad id=unknown " NOT_FETCHED, "signature expired"},
    {"expired", expired, "certificate=bad " NO_ANSWER, "expired; issued by Example Trust"},
    {"silent", silent, "connection=bad certificate=unknown " NO_ANSWER, "no answer in time"},
    {"inside", inside, "connection=bad certificate=unknown " NO_ANSWER, "10.0.0.1: private"},
    {"moved", moved, "status=bad content-type=unknown size=unknown ", "redirects"},
    {"missing", missing, "status=bad content-type=unknown size=unknown ", "404"},
    {"cut short", cut_short, "status=bad content-type=unknown size=unknown ", "cut short"},
    {"html", html, "content-type=warn ", "text/html"},
    {"too long", too_long, "size=bad ", "65536"},
    {"forgiven", forgiven, "grammar=warn ", "Strict senders"},
    {"no policy", no_policy, "grammar=bad mode=bad max-age=bad ", "no policy"},
    {"repeated", repeated, "grammar=warn ", "duplicate-mx"},
    {"testing", testing, "mode=warn ", "testing"},
    {"none", none, "mode=warn ", "none"},
    {"an hour", an_hour, "grammar=warn max-age=warn ", "max-age-short"},
    {"three days", three_days, "max-age=warn ", "week"},
    {"ages", ages, "grammar=warn max-age=warn ", "Strict"},
    {"unnamed", unnamed, "mx/backup.birch.test=bad pattern=warn ", "does not name it."},
    {"too deep", too_deep, "mx/a.b.mail.alder.test=bad pattern=warn ", "one label"},
    {"unnamed in testing", unnamed_in_testing, "mode=warn mx/backup.birch.test=warn pattern=warn ",
     NULL},
    {"no exchanger", no_exchanger, "mx=warn ", "no MX"},
    {"unsigned MX", unsigned_mx,
     "dnssec=warn dane/mx1.alder.test=warn dane/mx2.mail.alder.test=warn ", "not signed"},
    {"bogus MX", bogus_mx, "dnssec=bad ", "wrongly signed"},
    {"no TLSA", no_tlsa, "dane/mx1.alder.test=warn ", "no TLSA"},
    {"lost TLSA", lost_tlsa, "dane/mx1.alder.test=bad ", "hold mail back"},
    {"lost address", lost_address, "dane/mx2.mail.alder.test=bad ", "hold mail back"},
    {"unsigned address", unsigned_address, "dane/mx2.mail.alder.test=warn ", "its addresses"},
    {"signed alias of an unsigned address", signed_alias, "", NULL},
    {"unsigned TLSA", unsigned_tlsa, "dane/mx2.mail.alder.test=warn ", "they are"},
    {"useless TLSA", useless_tlsa, "dane/mx1.alder.test=warn ", "usable"},
    {"crowded", crowded, "mx=unknown ", "68 records"},
    {"crowded, and one of them perhaps named", crowded_unnamed, "mx=unknown pattern=unknown ",
     "68 records"},
    {"no reports", no_reports, "tlsrpt=warn ", "no TLSRPT"},
    {"two reports", two_reports, "tlsrpt=bad ", "2 TLSRPT"},
    {"reports nowhere", reports_nowhere, "tlsrpt=bad ", "nowhere"},
    {"reports by gopher", reports_by_gopher, "tlsrpt=bad ", "scheme"},
    {"reports lost", reports_lost, "tlsrpt=unknown ", "failed"},
    {"unasked", unasked, "record=unknown id=unknown " NOT_FETCHED "dnssec=unknown tlsrpt=unknown ",
     NULL},
    {"same", same, NOT_FETCHED, NULL},
};

static void list_found(char *to, size_t room)
{
    size_t n = 0;

    to[0] = '\0';
    for (size_t i = 0; i < a.count; i++) {
        const struct audit_item *item = &a.item[i];
        assert_true(item->text[0] != '\0' && item->text[strlen(item->text) - 1] == '.');
        if (item->grade != AUDIT_OK)
            n += (size_t)snprintf(to + n, room - n, "%s%s%s=%s ", item->name,
                                  item->host.n ? "/" : "", item->host.text,
                                  audit_grade_text(item->grade));
        assert_true(n < room);
    }
}

static bool worst_says(const char *words)
{
    for (size_t i = 0; i < a.count; i++)
        if (a.item[i].grade == a.worst)
            return strstr(a.item[i].text, words) != NULL;
    return false;
}

static void each_setup_is_told_by_its_faults(void **state)
{
    char found[1024];
    (void)state;
    for (size_t i = 0; i < sizeof(SETUP) / sizeof(SETUP[0]); i++) {
        const struct setup *s = &SETUP[i];
        right();
        s->change();
        audit(&l, &a);
        list_found(found, sizeof(found));
        if (strcmp(found, s->found) != 0)
            fail_msg("%s: %s, not %s", s->what, found, s->found);
        if (s->words && !worst_says(s->words))
            fail_msg("%s: not a word of %s", s->what, s->words);
    }
    lookup_fini(&l);
}

static void what_is_right_is_told(void **state)
{
    static const char *const NAMES[] = {
        "record", "id",      "connection", "certificate", "status", "content-type",
        "size",   "grammar", "mode",       "max-age",     "dnssec", "mx",
        "mx",     "pattern", "dane",       "dane",        "tlsrpt"};
    (void)state;
    right();
    audit(&l, &a);
    assert_int_equal(a.worst, AUDIT_OK);
    assert_int_equal(a.count, sizeof(NAMES) / sizeof(NAMES[0]));
    for (size_t i = 0; i < a.count; i++)
        assert_string_equal(a.item[i].name, NAMES[i]);
    assert_string_equal(a.item[1].text, "It is 20261121T000000.");
    assert_non_null(strstr(a.item[3].text, "Example Trust"));
    assert_non_null(strstr(a.item[16].text, "mailto:tls@alder.test"));
    lookup_fini(&l);
}

/* As many exchangers as are looked at, each with two items. */
static void all_exchangers_fit(void **state)
{
    char host[64];
    (void)state;
    right();
    for (uint8_t i = 0; i < CAP_LOOKUP_MX; i++) {
        snprintf(host, sizeof(host), "m%u.mail.alder.test", (unsigned)i);
        exchanger(i, host);
    }
    audit(&l, &a);
    assert_string_equal(a.item[a.count - 1].name, "tlsrpt");
    assert_int_equal(a.count, 13 + 2 * CAP_LOOKUP_MX);
    lookup_fini(&l);
}

/* Longest texts of everybody: nothing is written beyond, and it ends. */
static void long_words_are_cut(void **state)
{
    (void)state;
    right();
    no_body(LOOKUP_STS_WEBPKI, 0, "");
    memset(l.why, 'w', sizeof(l.why) - 1);
    memset(l.issuer, 'i', sizeof(l.issuer) - 1);
    memset(l.type, 't', sizeof(l.type) - 1);
    memset(l.report, 'r', sizeof(l.report) - 1);
    audit(&l, &a);
    assert_int_equal(a.worst, AUDIT_BAD);
    for (size_t i = 0; i < a.count; i++)
        assert_true(strlen(a.item[i].text) < AUDIT_TEXT);
    lookup_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setup_is_told_by_its_faults),
        cmocka_unit_test(what_is_right_is_told),
        cmocka_unit_test(all_exchangers_fit),
        cmocka_unit_test(long_words_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
