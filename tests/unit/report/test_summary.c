/* SPDX-License-Identifier: Apache-2.0 */
#include "report/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/typeset.h"
#include "tests/unit/alert/fixture.h"

static struct fixture f;
static struct summary *sum;
static struct summary_run run;
static char *printed;
static size_t printed_n;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    run = (struct summary_run){.input = "mail.pcap", .packets = 1234};
    sum = summary_new();
    return sum ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    summary_free(sum);
    free(printed);
    printed = NULL;
    return 0;
}

static void collect(void)
{
    summary_session(sum, &f.s, &f.j);
    f.s.serial++;
    f.s.key.client_port++;
}

static void print(void)
{
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &printed_n);
    assert_non_null(out);
    summary_print(sum, &run, out);
    fclose(out);
}

static void has(const char *part)
{
    if (!strstr(printed, part))
        fail_msg("no \"%s\" in:\n%s", part, printed);
}

static void has_not(const char *part)
{
    if (strstr(printed, part))
        fail_msg("\"%s\" in:\n%s", part, printed);
}

static size_t count(const char *part)
{
    size_t n = 0;
    for (const char *p = printed; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

static void test_empty(void **state)
{
    (void)state;
    f.s.bytes[0] = f.s.bytes[1] = 0; /* a handshake and nothing else is no session */
    collect();
    print();
    assert_string_equal(printed, "stripwatch  mail.pcap\n  0 SMTP sessions in 1,234 packets\n\n"
                                 "Verdict: no SMTP session was seen.\n");
}

static void test_clean(void **state)
{
    (void)state;
    f.j.verdict = VERDICT_ENCRYPTED;
    f.j.offered = OFFERED_YES;
    f.s.upgrade = UPGRADE_STARTTLS;
    f.s.mails = 0;
    collect();
    print();
    has("1 SMTP session in 1,234 packets, 2023-11-14 22:13:20 to 22:13:20 UTC\n");
    has("  STARTTLS          offered, asked for; verdict: encrypted\n"
        "  in clear          no mail, no login\n"
        "  coverage          1 session whole, 0 partly, 0 one-sided; no gaps\n");
    has("Verdict: no sign that STARTTLS was taken from the session.\n");
    has_not("%");
    has_not("\033");
    collect();
    print();
    has("encrypted         100%  ####################  2 of 2\n");
    has("Verdict: no sign that STARTTLS was taken from any session.\n");
}

/* Handshakes that came to a ServerHello, each counted once; what was hidden is said to be. */
static void test_certificates(void **state)
{
    (void)state;
    f.j.verdict = VERDICT_ENCRYPTED;
    f.s.upgrade = UPGRADE_STARTTLS;
    collect(); /* no ServerHello was read */
    print();
    has_not("certificate ");
    f.s.tls_version = TLS_VERSION_12;
    f.s.tls.certificates = TLS_CERTIFICATES_SEEN;
    f.j.peer = PEER_VERIFIED;
    collect();
    f.j.peer = PEER_UNVERIFIED;
    collect();
    print();
    has("  certificate       seen in 2 of 2 handshakes, 1 verified\n");
    f.j.peer = PEER_NOT_OBSERVABLE;
    f.s.tls.certificates = TLS_CERTIFICATES_TLS13;
    collect();
    f.s.tls.certificates = TLS_CERTIFICATES_RESUMED;
    collect();
    print();
    has("  certificate       seen in 2 of 4 handshakes, 1 verified; hidden: 1 TLS 1.3, 1\n"
        "                    resumed\n");
}

/* Shares are of the sessions that showed it. */
static void test_shares(void **state)
{
    (void)state;
    f.j.offered = OFFERED_YES;
    f.s.upgrade = UPGRADE_STARTTLS;
    f.j.verdict = VERDICT_ENCRYPTED;
    for (int i = 0; i < 2; i++)
        collect();
    f.j.offered = OFFERED_NO;
    f.s.upgrade = UPGRADE_NONE;
    f.j.verdict = VERDICT_OPPORTUNISTIC_CLEAR;
    collect();
    f.j.offered = OFFERED_UNKNOWN; /* one-sided: neither offer nor question is known */
    f.s.seen[SESSION_TO_SERVER] = false;
    f.j.visibility = VISIBILITY_SERVER;
    f.j.verdict = VERDICT_UNKNOWN;
    f.s.gaps[1] = 2;
    f.s.gap_bytes[1] = 1460;
    collect();
    print();
    has("STARTTLS offered  66%   #############.......  2 of 3\n");
    has("asked for         66%   #############.......  2 of 3\n");
    has("encrypted         50%   ##########..........  2 of 4\n");
    has("3 sessions whole, 0 partly, 1 one-sided; 2 gaps, 1,460 bytes\n                    missing\n");
    has("2 encrypted, 1 opportunistic-clear, 1 unknown\n");
    has("Verdict: no sign that STARTTLS was taken from any session; 1 could not be\n"
        "         judged.\n");
}

static void test_implicit_only(void **state)
{
    (void)state;
    f.s.implicit_tls = true;
    f.j.verdict = VERDICT_ENCRYPTED;
    collect();
    print();
    has_not("offered");
    has("  TLS               from the first byte; verdict: encrypted\n");
    collect();
    print();
    has_not("offered");
    has("encrypted         100%");
}

static void test_finding(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    for (int i = 0; i < 3; i++)
        collect();
    f.s.key.client[3]++;
    collect();
    f.s.key.server[3]++;
    f.j.finding[0].alternative_count = 0;
    f.j.finding[0].line_count = 0;
    f.s.now += NS_PER_S;
    collect();
    print();
    has("MEDIUM    ");
    has("\n  starttls-garbled, confidence high, in 4 sessions of several clients\n"
        "  2023-11-14 22:13:20  192.0.2.10:40001 -> 198.51.100.25:25  (first)\n"
        "  Line 3 of the EHLO reply reads XXXXXXXX.\n"
        "    S: 250-XXXXXXXX  <- eight letters\n"
        "    C: MAIL FROM:<*@alice.example>\n"
        "  cause: on-path-rewrite; or cisco-esmtp-inspection\n"
        "  check: openssl s_client -starttls smtp -connect 198.51.100.25:25\n\n");
    has("22:13:21  192.0.2.11:40005 -> 198.51.100.26:25\n");
    has_not("greeting-masked");
    has("5 mails in 5 sessions, 0 accepted logins\n");
    has("Verdict: all 5 sessions were downgraded.\n");
    assert_true(strstr(printed, "198.51.100.25") < strstr(printed, "198.51.100.26"));
}

/* One rule twice in one session is one session. */
static void test_same_rule_twice(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    f.j.offered = OFFERED_GARBLED;
    collect();
    print();
    has_not("(first)");
    has("  STARTTLS          offer overwritten, not asked for; verdict: downgraded\n");
    has("Verdict: the session was downgraded.\n");
}

/* No paragraph, but not silence either. */
/* What came to be known later is told of as well; the session counts once. */
static void test_again(void **state)
{
    (void)state;
    f.j.verdict = VERDICT_OPPORTUNISTIC_CLEAR;
    f.j.finding_count = 0;
    collect();
    collect();
    print();
    has("Verdict: no sign that STARTTLS was taken from any session.\n");
    fixture_finding(&f, "sender-stopped-upgrading", SEVERITY_LOW)->retrospective = true;
    summary_again(sum, &f.s, &f.j);
    print();
    has("2 SMTP sessions in 1,234 packets");
    has(", judged again\n");
    has("Verdict: no session was downgraded, but look at the finding above.\n");
}

static void test_suppressed(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH)->suppressed = true;
    collect();
    collect();
    print();
    has_not("HIGH");
    has("suppressed        2 findings, by the list of --suppress\n");
    has("Verdict: all 2 sessions were downgraded.");
}

static void test_strongest_first(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    collect();
    f.j.finding[0].severity = SEVERITY_CRITICAL;
    f.j.verdict = VERDICT_HELD;
    collect();
    f.j.verdict = VERDICT_EXPOSED;
    collect();
    print();
    assert_true(strstr(printed, "CRITICAL") < strstr(printed, "LOW     "));
    has("Verdict: 1 of 3 sessions was downgraded; 1 was exposed; 1 was held back by its\n"
        "         sender.\n");
}

/* Where nothing could be judged the last line gives no comfort. */
static void test_unknown(void **state)
{
    (void)state;
    f.j.verdict = VERDICT_UNKNOWN;
    f.j.offered = OFFERED_UNKNOWN;
    f.s.midstream = true;
    f.s.upgrade = UPGRADE_NONE;
    collect();
    print();
    has("  STARTTLS          offer not seen, unknown whether asked for; verdict: unknown\n");
    has("Verdict: the capture does not show enough to judge the session.\n");
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW);
    collect();
    print();
    has("Verdict: the capture does not show enough to judge any of the sessions, but look\n"
        "         at the finding above.\n");
}

static void test_relief(void **state)
{
    (void)state;
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW);
    f.j.verdict = VERDICT_OPPORTUNISTIC_CLEAR;
    collect();
    print();
    has("Verdict: the session was not downgraded, but look at the finding above.\n");
    f.j.verdict = VERDICT_HELD;
    collect();
    print();
    has("Verdict: no session was downgraded, but look at the finding above; 1 was held\n"
        "         back by its sender.\n");
}

static void test_held(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    f.j.verdict = VERDICT_HELD;
    collect();
    print();
    has("Verdict: the session was held back by its sender.\n");
}

/* One finding on one session fits a screen of 24 lines, and what to do about it is there to the
 * last word. */
static void test_one_screen(void **state)
{
    static const char REASON[] =
        "In the slot where Postfix prints STARTTLS the EHLO reply of 198.51.100.25 carries "
        "\"XXXXXXXX\" (8 bytes, line 6 of 11). The client did not start TLS. 1 message of 65 bytes "
        "crossed in clear, to 1 domain. Something between client and server rewrites the offer, "
        "or the server itself prints this; the bytes alone do not tell which.";
    (void)state;
    for (unsigned id = 0; id < RULE_COUNT; id++) {
        const char *step = rule_row((enum rule_id)id)->next_step, *gap = strstr(step, "%s");
        f.j.finding_count = 0;
        struct finding *x = fixture_finding(&f, rule_row((enum rule_id)id)->name, SEVERITY_LOW);
        snprintf(x->reason, sizeof x->reason, "%s", REASON);
        snprintf(x->next_step, sizeof x->next_step, "%.*s255.255.255.255:65535%s",
                 (int)(gap - step), step, gap + 2);
        summary_free(sum);
        sum = summary_new();
        collect();
        print();
        has_not("...");
        if (count("\n") > 24)
            fail_msg("%zu lines:\n%s", count("\n"), printed);
    }
}

static void test_ipv6(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    f.s.key.family = 6;
    memset(f.s.key.client, 0x2b, sizeof f.s.key.client);
    memset(f.s.key.server, 0x2c, sizeof f.s.key.server);
    collect();
    print();
    has(" ->\n  [2c2c:2c2c:2c2c:2c2c:2c2c:2c2c:2c2c:2c2c]:25\n");
    for (const char *p = printed; *p; p += strcspn(p, "\n") + 1)
        assert_true(strcspn(p, "\n") <= TYPESET_WIDTH);
}

/* A flood of weak findings neither grows the memory nor hides a strong one. */
static void test_flood(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    for (unsigned i = 0; i < 1000; i++) {
        f.s.key.server[2] = (uint8_t)(i >> 8);
        f.s.key.server[3] = (uint8_t)i;
        collect();
    }
    f.j.finding[0].severity = SEVERITY_CRITICAL;
    collect();
    print();
    assert_int_equal(count("CRITICAL"), 1);
    assert_int_equal(count("starttls-garbled, confidence"), SUMMARY_PRINTED);
    has("... and 981 more findings; --json has them all\n");
}

static void test_hostile_text(void **state)
{
    (void)state;
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    memset(x->reason, 'r', sizeof x->reason - 1);
    memset(x->line[0].text, 't', sizeof x->line[0].text - 1);
    memset(x->line[0].note, 'n', sizeof x->line[0].note - 1);
    memcpy(x->reason, "\033]0;pwned\a\n", 11);
    collect();
    print();
    has_not("\033");
    has_not("\a");
    has("\n       ^ nnnn");
    for (const char *p = printed; *p; p += strcspn(p, "\n") + 1)
        assert_true(strcspn(p, "\n") <= TYPESET_WIDTH);
}

static void test_inputs(void **state)
{
    (void)state;
    run.inputs_cut = 1;
    run.inputs_skipped = 3;
    collect();
    print();
    has("                    1 input cut short or unreadable; 3 files skipped: not\n"
        "                    captures\n");
    run.inputs_cut = 0;
    print();
    has("no gaps\n                    3 files skipped: not captures\n");
}

static void test_colour(void **state)
{
    (void)state;
    run.colour = true;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    collect();
    print();
    has("\033[1;31mHIGH    \033[0m");
    assert_int_equal(count("\033[0m") * 2, count("\033["));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_clean),
        TEST(test_certificates),
        TEST(test_shares),
        TEST(test_implicit_only),
        TEST(test_finding),
        TEST(test_same_rule_twice),
        TEST(test_again),
        TEST(test_suppressed),
        TEST(test_strongest_first),
        TEST(test_unknown),
        TEST(test_relief),
        TEST(test_held),
        TEST(test_one_screen),
        TEST(test_ipv6),
        TEST(test_flood),
        TEST(test_hostile_text),
        TEST(test_inputs),
        TEST(test_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
