/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/usual.h"

#include "history/baseline.h"
#include "rules/build.h"
#include "rules/certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WORDS      "8BITMIME XDELTA STARTTLS SIZE XGAMMA"
#define OFFERING   "8BITMIME|XDELTA|STARTTLS|SIZE|XGAMMA"
#define LACKING    "8BITMIME|XDELTA|SIZE|XGAMMA"
#define SELECTIVE  DOUBT_SELECTIVE
#define HOUR       (3600 * NS_PER_S)
#define THREE_DAYS 3

static struct build b;
static struct baseline usual;

/* --- baselines by hand --- */

/* 24 sessions of three clients over four days, eight of this one; or four of two. */
static struct usual memory(enum support support)
{
    if (support == SUPPORT_WELL)
        return (struct usual){
            .of = 24, .did = 24, .clients = 3, .days = 4, .pair = 8, .support = support};
    if (support == SUPPORT_THIN)
        return (struct usual){
            .of = 4, .did = 4, .clients = 2, .days = 1, .pair = 2, .support = support};
    return (struct usual){.support = SUPPORT_NONE};
}

static void know(const char *words)
{
    struct usual_layout *l = &usual.layout[usual.layout_count++];
    *l = (struct usual_layout){.known = {.text = span_str(words), .count = 1, .slot = -1},
                               .count = 24};
    for (const char *p = words; *p; p++)
        l->known.count = (uint8_t)(l->known.count + (*p == ' '));
    for (uint8_t i = 0; i < l->known.count; i++)
        if (span_eq_nocase(layout_word(&l->known, i), span_str("STARTTLS")))
            l->known.slot = (int8_t)i;
}

/* A session with a server that is remembered so. */
static void meet(enum support support)
{
    build_new(&b);
    memset(&usual, 0, sizeof(usual));
    usual.offer = usual.upgrade = memory(support);
    know(WORDS);
    b.usual = &usual;
    build_banner(&b, "220 mx ESMTP");
}

static void doubt(enum doubt_state state)
{
    usual.offer_doubt =
        (struct doubt_view){.state = state, .same_path = true, .served = 5, .served_others = 2};
    usual.upgrade_doubt = usual.offer_doubt;
}

static const struct finding *closed(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

static void says(const struct finding *f, const char *text)
{
    if (!strstr(f->reason, text))
        fail_msg("%s does not say: %s", f->reason, text);
}

static bool may_be(const struct finding *f, enum cause cause)
{
    for (uint8_t i = 0; i < f->alternative_count; i++)
        if (f->alternatives[i] == cause)
            return true;
    return false;
}

/* --- starttls-removed --- */

enum went { NOTHING, LEFT, MAIL, LOGIN };

static const struct finding *removed(enum support support, enum doubt_state state, enum went went)
{
    meet(support);
    doubt(state);
    build_ehlo(&b, LACKING);
    if (went == MAIL)
        build_mail(&b);
    if (went == LOGIN)
        build_auth(&b, "PLAIN", 235);
    if (went == LEFT)
        build_quit(&b);
    return closed(RULE_STARTTLS_REMOVED);
}

static void removed_by_support_and_effect(void **state)
{
    static const struct {
        enum support support;
        enum went went;
        enum severity severity; /* row E2 of the matrix; thin: two steps down, at least low */
    } rows[] = {
        {SUPPORT_WELL, NOTHING, SEVERITY_LOW}, {SUPPORT_WELL, LEFT, SEVERITY_MEDIUM},
        {SUPPORT_WELL, MAIL, SEVERITY_HIGH},   {SUPPORT_WELL, LOGIN, SEVERITY_HIGH},
        {SUPPORT_THIN, NOTHING, SEVERITY_LOW}, {SUPPORT_THIN, LEFT, SEVERITY_LOW},
        {SUPPORT_THIN, MAIL, SEVERITY_LOW},    {SUPPORT_THIN, LOGIN, SEVERITY_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct finding *f = removed(rows[i].support, SELECTIVE, rows[i].went);
        assert_non_null(f);
        assert_int_equal(f->severity, rows[i].severity);
        assert_int_equal(f->evidence, EVIDENCE_E2);
        assert_int_equal(f->confidence,
                         rows[i].support == SUPPORT_WELL ? CONFIDENCE_HIGH : CONFIDENCE_LOW);
    }
    assert_null(removed(SUPPORT_NONE, SELECTIVE, MAIL));
}

static void seen_from_several_taps(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    usual.placed = true;
    usual.vantage_count = 3;
    usual.vantage[0] = (struct usual_vantage){.name = "a", .here = true, .of = 10, .did = 9};
    usual.vantage[1] = (struct usual_vantage){.name = "b", .of = 20, .did = 20};
    usual.vantage[2] = (struct usual_vantage){.name = "c", .of = 30, .did = 29};
    doubt(SELECTIVE);
    usual.offer_doubt.served = usual.offer_doubt.served_others = 0;
    usual.offer_doubt.elsewhere = 12;
    build_ehlo(&b, LACKING);
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_REMOVED);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    says(f, "in 9 of 10 from this tap, in 49 of 50 from others");
    says(f, "other sensors saw it offered, 12 times or more");
    usual.placed = false;
    f = closed(RULE_STARTTLS_REMOVED);
    assert_null(strstr(f->reason, "from this tap"));
    usual.placed = true;
    usual.vantage_count = 1; /* nobody else */
    f = closed(RULE_STARTTLS_REMOVED);
    assert_null(strstr(f->reason, "from this tap"));
}

static void removed_by_doubt(void **state)
{
    static const struct {
        enum doubt_state state;
        enum severity severity;
        const char *says;
    } rows[] = {
        {DOUBT_NONE, SEVERITY_LOW, "Whether others still have it is not known yet."},
        {DOUBT_OPEN, SEVERITY_LOW, "Whether others still have it is not known yet."},
        {DOUBT_SELECTIVE, SEVERITY_HIGH,
         "Since it began, 5 sessions of 2 other clients were offered it."},
        {DOUBT_PATH, SEVERITY_HIGH,
         "Other servers miss it on the same path since the same minutes."},
        {DOUBT_UNDECIDED, SEVERITY_HIGH, "cannot be ruled out."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct finding *f = removed(SUPPORT_WELL, rows[i].state, MAIL);
        assert_int_equal(f->severity, rows[i].severity);
        says(f, rows[i].says);
        assert_true(may_be(f, CAUSE_SERVER_RECONFIGURED));
    }
}

static void removed_says_its_numbers(void **state)
{
    (void)state;
    const struct finding *f = removed(SUPPORT_WELL, SELECTIVE, MAIL);
    says(f, "203.0.113.25 offered STARTTLS in 24 of 24 sessions from 3 clients over 4 days, not in "
            "this one.");
    says(f, "All other lines of the reply are as usual.");
    assert_int_equal(f->cause, CAUSE_ON_PATH_REWRITE);
    assert_string_equal(f->tlsrpt, "starttls-not-supported");
    assert_int_equal(f->offset, b.s.reading.ehlo_offset);
    meet(SUPPORT_THIN);
    usual.offer.clients = 1;
    build_ehlo(&b, "8BITMIME|SIZE");
    f = closed(RULE_STARTTLS_REMOVED);
    says(f, "4 of 4 sessions from 1 client over 1 day, not");
    assert_null(strstr(f->reason, "as usual"));
    meet(SUPPORT_WELL);
    usual.offer.more_clients = true;
    build_ehlo(&b, LACKING);
    says(closed(RULE_STARTTLS_REMOVED), "from more than 3 clients");
}

/* Its rate, by 30 clients without exception, or by this one. */
static void a_client_that_was_never_served(void **state)
{
    (void)state;
    for (int others = 0; others < 2; others++) {
        meet(SUPPORT_WELL);
        doubt(SELECTIVE);
        usual.offer.pair = 0;
        usual.never_served = (uint32_t)others;
        build_ehlo(&b, LACKING);
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_REMOVED);
        assert_int_equal(f->severity, others ? SEVERITY_INFO : SEVERITY_LOW);
        assert_int_equal(f->cause, CAUSE_PER_CLIENT_POLICY);
        says(f, others ? "This client never had it, nor had others." : "This client never had it.");
    }
    usual.never_served = 0;
    usual.constant_miss = true;
    assert_int_equal(closed(RULE_STARTTLS_REMOVED)->severity, SEVERITY_INFO);
    usual.constant_miss = false;
    usual.offer.clients = 29;
    assert_int_equal(closed(RULE_STARTTLS_REMOVED)->severity, SEVERITY_LOW);
    usual.offer.clients = 30;
    assert_int_equal(closed(RULE_STARTTLS_REMOVED)->severity, SEVERITY_HIGH);
}

static void a_server_of_a_known_owner(void **state)
{
    (void)state;
    meet(SUPPORT_NONE);
    usual.farm_offer = memory(SUPPORT_WELL);
    strcpy(usual.farm, "alder.example");
    build_ehlo(&b, LACKING);
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_REMOVED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->cause, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    says(f, "So did all servers of alder.example; this one was not met before.");
    usual.offer.of = 1; /* it was met: its own memory counts, and that is none */
    assert_null(closed(RULE_STARTTLS_REMOVED));
}

static void not_removed(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    usual.mixed = true;
    build_ehlo(&b, LACKING);
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_REMOVED));
    meet(SUPPORT_WELL);
    build_ehlo(&b, OFFERING);
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_REMOVED));
    meet(SUPPORT_WELL);
    build_reply(&b, "STARTTLS|8BITMIME|SIZE"); /* on the greeting line */
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_REMOVED));
    meet(SUPPORT_WELL);
    build_ehlo(&b, LACKING);
    b.s.reading.ehlo = EHLO_GAP;
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_REMOVED));
    meet(SUPPORT_WELL);
    build_ehlo(&b, LACKING);
    b.s.implicit_tls = true;
    assert_null(closed(RULE_STARTTLS_REMOVED));
}

/* --- the slot of a remembered reply --- */

static const char *const six[] = {"8BITMIME", "XDELTA", "SIZE", "XGAMMA", "XBETA"};

/* STARTTLS at `slot` among the five words, and the reply with `word` there. */
static void slot_of_six(size_t slot, const char *word, char *words, char *lines)
{
    words[0] = lines[0] = '\0';
    for (size_t i = 0, next = 0; i < 6; i++) {
        const char *w = i == slot ? NULL : six[next++];
        strcat(strcat(words, i ? " " : ""), w ? w : "STARTTLS");
        strcat(strcat(lines, i ? "|" : ""), w ? w : word);
    }
}

static const struct finding *garbled(const char *words, const char *lines)
{
    meet(SUPPORT_WELL);
    usual.layout_count = 0;
    know(words);
    build_ehlo(&b, lines);
    build_mail(&b);
    return closed(RULE_STARTTLS_GARBLED);
}

static void every_slot(void **state)
{
    char words[128], lines[128];
    (void)state;
    for (size_t slot = 0; slot < 6; slot++) {
        slot_of_six(slot, "PINEAPPLE", words, lines);
        const struct finding *f = garbled(words, lines);
        assert_non_null(f);
        assert_int_equal(f->severity, SEVERITY_HIGH);
        assert_int_equal(f->evidence, EVIDENCE_E2);
        says(f, "24 of 24 sessions");
        assert_int_equal(b.j.offered, OFFERED_GARBLED);
        assert_int_equal(b.j.slot, slot);
        assert_null(build_find(&b.j, RULE_STARTTLS_REMOVED));
        assert_null(build_find(&b.j, RULE_KEYWORD_REMOVED));
    }
}

static void whatever_it_spells(void **state)
{
    static const char *const words[] = {"PINEAPPLE", "X-OTHER", "q", "starttlz", "12345678"};
    char known[128], lines[128];
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        slot_of_six(2, words[i], known, lines);
        assert_int_equal(garbled(known, lines)->severity, SEVERITY_HIGH);
    }
    assert_non_null(garbled(WORDS, "8bitmime|xdelta|PINEAPPLE|size|xgamma"));
    assert_non_null(garbled(WORDS, "8BITMIME|XDELTA|PINEAPPLE FRESH|SIZE 4711|XGAMMA"));
}

static void a_blank_line_in_the_slot(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    build_ehlo(&b, "8BITMIME|XDELTA");
    build_line(&b, "        ", 8);
    build_line(&b, "SIZE", 4);
    build_line(&b, "XGAMMA", 6);
    build_mail(&b);
    assert_int_equal(closed(RULE_STARTTLS_GARBLED)->severity, SEVERITY_HIGH);
    assert_int_equal(b.j.slot, 2);
}

static void what_is_not_in_the_slot(void **state)
{
    (void)state;
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|XGAMMA|SIZE"));            /* one line less */
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|SIZE|XGAMMA|PINEAPPLE"));  /* at the end */
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|XGAMMA|SIZE|PINEAPPLE"));  /* a line has moved */
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|CHUNKING|SIZE|XGAMMA"));   /* a known keyword */
    assert_null(garbled(WORDS, "8BITMIME|XOTHER|PINEAPPLE|SIZE|XGAMMA"));  /* two lines differ, */
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|PINEAPPLE|XSIZE|XGAMMA")); /* beside each other */
    assert_int_equal(b.j.offered, OFFERED_NO);
    assert_null(garbled(WORDS, "8BITMIME|XDELTA|STARTTLS|PINEAPPLE|SIZE|XGAMMA"));
    assert_null(garbled("8BITMIME XDELTA SIZE", "8BITMIME|PINEAPPLE|SIZE")); /* no slot */
}

/* Something else may have changed at the same time, one line in four, not beside it. */
static void another_line_that_differs(void **state)
{
    (void)state;
    assert_non_null(garbled("8BITMIME XDELTA XALPHA STARTTLS SIZE XGAMMA XBETA DSN",
                            "8BITMIME|XDELTA|XALPHA|PINEAPPLE|SIZE|XGAMMA|XBETA|XEIGHT"));
    assert_non_null(garbled("8BITMIME XDELTA XALPHA STARTTLS SIZE XGAMMA XBETA DSN",
                            "XONE|XDELTA|XALPHA|PINEAPPLE|SIZE|XGAMMA|XBETA|XEIGHT"));
    assert_null(garbled("8BITMIME XDELTA XALPHA STARTTLS SIZE XGAMMA XBETA DSN",
                        "XONE|XTWO|XALPHA|PINEAPPLE|SIZE|XGAMMA|XBETA|XEIGHT"));
}

static void slots_of_a_thin_memory(void **state)
{
    (void)state;
    meet(SUPPORT_THIN);
    build_ehlo(&b, "8BITMIME|XDELTA|PINEAPPLE|SIZE|XGAMMA");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_GARBLED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->confidence, CONFIDENCE_LOW);
    meet(SUPPORT_NONE);
    build_ehlo(&b, "8BITMIME|XDELTA|PINEAPPLE|SIZE|XGAMMA");
    assert_null(closed(RULE_STARTTLS_GARBLED));
    meet(SUPPORT_WELL);
    usual.mixed = true;
    build_ehlo(&b, "8BITMIME|XDELTA|PINEAPPLE|SIZE|XGAMMA");
    assert_null(closed(RULE_STARTTLS_GARBLED));
}

/* Of several known replies the one that most sessions had. */
static void the_likeliest_layout(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    know("8BITMIME STARTTLS XDELTA SIZE XGAMMA");
    usual.layout[1].count = 2;
    build_ehlo(&b, "8BITMIME|XDELTA|PINEAPPLE|SIZE|XGAMMA");
    assert_non_null(closed(RULE_STARTTLS_GARBLED));
    assert_int_equal(b.j.slot, 2);
}

static void bytes_that_look_wrong_as_well(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    build_ehlo(&b, "8BITMIME|XDELTA|STARTFOO|SIZE|XGAMMA");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_GARBLED);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_true(f->evidence & EVIDENCE_E2);
    meet(SUPPORT_THIN); /* low by the memory, medium by the bytes */
    usual.layout_count = 0;
    build_ehlo(&b, "8BITMIME|XDELTA|STARTFOO|SIZE|XGAMMA");
    build_mail(&b);
    f = closed(RULE_STARTTLS_GARBLED);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->evidence, EVIDENCE_E1 | EVIDENCE_E2);
}

/* --- ehlo-refused, starttls-refused, starttls-planted --- */

static void refused_ehlo_by_support(void **state)
{
    static const struct {
        enum support support;
        enum doubt_state state;
        enum severity severity;
    } rows[] = {
        {SUPPORT_NONE, SELECTIVE, SEVERITY_MEDIUM}, /* E1, mail in clear */
        {SUPPORT_THIN, SELECTIVE, SEVERITY_MEDIUM},
        {SUPPORT_WELL, DOUBT_OPEN, SEVERITY_MEDIUM},
        {SUPPORT_WELL, SELECTIVE, SEVERITY_HIGH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        meet(rows[i].support);
        doubt(rows[i].state);
        build_ehlo_refused(&b, "502 5.5.2 Error: command not recognized", 502);
        build_helo(&b);
        build_mail(&b);
        const struct finding *f = closed(RULE_EHLO_REFUSED);
        assert_int_equal(f->severity, rows[i].severity);
        bool remembered = rows[i].support != SUPPORT_NONE;
        assert_int_equal((f->evidence & EVIDENCE_E2) != 0, remembered);
        if (remembered)
            says(f, "and refused EHLO in this one.");
    }
}

static void refused_by_support(void **state)
{
    static const struct {
        enum support support;
        enum doubt_state state;
        int code;
        enum severity severity;
    } rows[] = {
        {SUPPORT_NONE, SELECTIVE, 454, SEVERITY_MEDIUM},
        {SUPPORT_THIN, DOUBT_OPEN, 454, SEVERITY_MEDIUM},
        {SUPPORT_WELL, DOUBT_OPEN, 454, SEVERITY_LOW},
        {SUPPORT_WELL, DOUBT_OPEN, 502, SEVERITY_MEDIUM},
        {SUPPORT_WELL, SELECTIVE, 454, SEVERITY_HIGH},
        {SUPPORT_WELL, SELECTIVE, 502, SEVERITY_HIGH},
        {SUPPORT_THIN, SELECTIVE, 454, SEVERITY_MEDIUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        meet(rows[i].support);
        doubt(rows[i].state);
        build_ehlo(&b, OFFERING);
        build_starttls(&b, rows[i].code, "no");
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_REFUSED);
        assert_int_equal(f->severity, rows[i].severity);
        if (rows[i].support == SUPPORT_WELL)
            says(f, "TLS came about in 24 of 24 sessions with it over 4 days.");
    }
}

static void planted_after_twenty(void **state)
{
    (void)state;
    for (uint32_t never = 19; never <= 20; never++) {
        meet(SUPPORT_NONE);
        usual.never = usual.offer.of = never;
        usual.offer.days = THREE_DAYS;
        build_ehlo(&b, OFFERING);
        build_starttls(&b, 502, "502 no");
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_PLANTED);
        if (never < 20) {
            assert_null(f);
            continue;
        }
        assert_int_equal(f->severity, SEVERITY_MEDIUM); /* high by the matrix, medium by its row */
        says(f, "in any of 20 sessions over 3 days");
        assert_int_equal(f->offset, b.s.reading.line[3].offset);
    }
}

static void an_offer_that_was_turned_on(void **state)
{
    (void)state;
    meet(SUPPORT_NONE);
    usual.never = 40;
    build_ehlo(&b, OFFERING);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    assert_null(closed(RULE_STARTTLS_PLANTED));
    meet(SUPPORT_NONE);
    usual.never = 40;
    build_ehlo(&b, OFFERING); /* not asked for */
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_PLANTED));
}

/* --- keyword-removed --- */

static const struct finding *keyword(enum support support, const char *lines, int refusal)
{
    meet(support);
    know("8BITMIME STARTTLS SIZE XGAMMA");
    build_ehlo(&b, lines);
    if (refusal)
        build_starttls(&b, refusal, "502 no");
    return closed(RULE_KEYWORD_REMOVED);
}

static void a_keyword_of_every_reply(void **state)
{
    (void)state;
    const struct finding *f = keyword(SUPPORT_WELL, "8BITMIME|STARTTLS|SIZE", 0);
    assert_int_equal(f->severity, SEVERITY_INFO);
    says(f, "has XGAMMA, in 24 sessions over 4 days");
    assert_int_equal(keyword(SUPPORT_WELL, "8BITMIME|STARTTLS|SIZE", 502)->severity, SEVERITY_LOW);
    assert_null(keyword(SUPPORT_WELL, "8BITMIME|STARTTLS|SIZE 1|XGAMMA", 502)); /* XDELTA in one */
    assert_null(keyword(SUPPORT_WELL, "xgamma|size|starttls|8bitmime", 502));
    assert_null(keyword(SUPPORT_THIN, "8BITMIME|STARTTLS|SIZE", 502));
    assert_null(keyword(SUPPORT_WELL, "8BITMIME|SIZE|XGAMMA", 0)); /* STARTTLS: another rule's */
    meet(SUPPORT_WELL);
    build_ehlo(&b, "STARTTLS|SIZE");
    b.s.reading.ehlo = EHLO_GAP;
    assert_null(closed(RULE_KEYWORD_REMOVED));
}

/* --- plaintext-fallback --- */

static void attempt(enum observation_fate fate, nstime ago, bool same)
{
    usual.failed[usual.failed_count] = (struct usual_attempt){.flow_id = 100u + usual.failed_count,
                                                              .time = b.s.now - ago,
                                                              .fate = (uint8_t)fate,
                                                              .same_server = same};
    usual.failed_count++;
}

/* A mail in clear, TLS not asked for, behind a handshake that ended so. */
static const struct finding *fallback(enum support support, enum observation_fate fate)
{
    meet(support);
    b.s.now = 10 * HOUR;
    attempt(fate, 90 * NS_PER_S, true);
    build_ehlo(&b, OFFERING);
    build_mail(&b);
    return closed(RULE_PLAINTEXT_FALLBACK);
}

static void a_retry_in_clear(void **state)
{
    (void)state;
    const struct finding *f = fallback(SUPPORT_NONE, OBSERVED_FATE_KILLED);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->evidence, EVIDENCE_E1 | EVIDENCE_E2);
    assert_int_equal(f->linked_count, 1);
    assert_int_equal(f->linked[0], 100);
    says(f, "A handshake of this client with this server was cut off 90 s ago");
    assert_int_equal(f->offset, b.s.mail_offset);
    f = fallback(SUPPORT_NONE, OBSERVED_FATE_REFUSED);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    says(f, "was refused");
    assert_int_equal(fallback(SUPPORT_THIN, OBSERVED_FATE_KILLED)->severity, SEVERITY_MEDIUM);
    f = fallback(SUPPORT_WELL, OBSERVED_FATE_KILLED);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    says(f, "TLS came about in 24 of 24 sessions with 203.0.113.25 over 4 days.");
}

static void how_long_ago(void **state)
{
    static const struct {
        nstime ago;
        const char *says;
    } rows[] = {{500 * NS_PER_S / 1000, "0.5 s ago"},
                {119 * NS_PER_S, "119 s ago"},
                {120 * NS_PER_S, "2 min ago"},
                {3600 * NS_PER_S, "60 min ago"},
                {9000 * NS_PER_S, "2.5 h ago"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        meet(SUPPORT_NONE);
        b.s.now = 10 * HOUR;
        attempt(OBSERVED_FATE_KILLED, rows[i].ago, false);
        build_ehlo(&b, OFFERING);
        build_mail(&b);
        const struct finding *f = closed(RULE_PLAINTEXT_FALLBACK);
        says(f, rows[i].says);
        says(f, "with another server of the same owner");
    }
}

static void an_alert_between_two_that_never_had_tls(void **state)
{
    (void)state;
    const struct finding *f = fallback(SUPPORT_WELL, OBSERVED_FATE_ALERT);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->cause, CAUSE_TLS_INCOMPATIBLE);
    says(f, "ended by a TLS alert");
    usual.fell_back = 1; /* it has been told */
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_INFO);
    usual.fell_back = 0;
    usual.sender_incompatible =
        2; /* this sender has it with others, once in twenty times or more */
    usual.sender_upgrade.did = 39;
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_INFO);
    usual.sender_upgrade.did = 40;
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_LOW);
    usual.client_alert = usual.failed[0].flow_id; /* it is the client's first */
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_LOW);
    usual.client_alert = usual.failed[0].flow_id + 1; /* it had one before, with whomever, */
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_INFO);
    usual.failed[0].fate = OBSERVED_FATE_KILLED; /* which explains no reset */
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_HIGH);
    usual.failed[0].fate = OBSERVED_FATE_ALERT;
    usual.pair_upgrade.did = 1; /* they can */
    f = closed(RULE_PLAINTEXT_FALLBACK);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_not_equal(f->cause, CAUSE_TLS_INCOMPATIBLE);
}

/* One machine of a sender is incompatible with many: that explains no silence of another's. */
static void silence_beside_an_incompatible_machine(void **state)
{
    (void)state;
    fallback(SUPPORT_WELL, OBSERVED_FATE_KILLED);
    usual.sender_incompatible = 9;
    usual.sender_upgrade.did = 39;
    const struct finding *f = closed(RULE_PLAINTEXT_FALLBACK);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_not_equal(f->cause, CAUSE_TLS_INCOMPATIBLE);
    usual.client_alert = usual.failed[0].flow_id + 1; /* of this one the tap may have missed it */
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_INFO);
}

/* The row of E1 in the matrix. */
static void a_login_in_clear_behind_it(void **state)
{
    (void)state;
    meet(SUPPORT_NONE);
    attempt(OBSERVED_FATE_KILLED, NS_PER_S, true);
    build_ehlo(&b, OFFERING "|AUTH PLAIN");
    build_auth(&b, "PLAIN", 235);
    assert_int_equal(closed(RULE_PLAINTEXT_FALLBACK)->severity, SEVERITY_HIGH);
}

static void no_retry_in_clear(void **state)
{
    (void)state;
    meet(SUPPORT_WELL); /* nothing failed */
    build_ehlo(&b, OFFERING);
    build_mail(&b);
    assert_null(closed(RULE_PLAINTEXT_FALLBACK));
    meet(SUPPORT_WELL); /* nothing went */
    attempt(OBSERVED_FATE_KILLED, NS_PER_S, true);
    build_ehlo(&b, OFFERING);
    build_quit(&b);
    assert_null(closed(RULE_PLAINTEXT_FALLBACK));
    meet(SUPPORT_WELL); /* it asks for TLS again */
    attempt(OBSERVED_FATE_KILLED, NS_PER_S, true);
    build_ehlo(&b, OFFERING);
    build_starttls(&b, 454, "454 no");
    build_mail(&b);
    assert_null(closed(RULE_PLAINTEXT_FALLBACK));
}

static void all_attempts_are_linked(void **state)
{
    (void)state;
    meet(SUPPORT_NONE);
    for (int i = 0; i < BASELINE_LINKS; i++)
        attempt(OBSERVED_FATE_KILLED, (i + 1) * NS_PER_S, true);
    build_ehlo(&b, OFFERING);
    build_mail(&b);
    const struct finding *f = closed(RULE_PLAINTEXT_FALLBACK);
    assert_int_equal(f->linked_count, CAP_LINKED);
    for (uint8_t i = 0; i < CAP_LINKED; i++)
        assert_int_equal(f->linked[i], 100 + i);
}

static void an_alert_that_is_no_news(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 2; before++) {
        meet(SUPPORT_NONE);
        usual.fell_back = before;
        build_ehlo(&b, OFFERING);
        build_starttls(&b, 220, "220 go");
        b.s.tls_stage = TLS_STAGE_CLIENT_HELLO;
        b.s.client_after = b.s.server_after = BYTES_TLS;
        b.s.tls_alert[SESSION_TO_CLIENT] = 40;
        b.s.tls_alert_level[SESSION_TO_CLIENT] = 2;
        const struct finding *f = closed(RULE_HANDSHAKE_ABORTED);
        assert_int_equal(f->severity, before ? SEVERITY_INFO : SEVERITY_LOW);
        assert_int_equal(f->cause, CAUSE_TLS_INCOMPATIBLE);
    }
}

/* --- sender-stopped-upgrading --- */

static void meet_sender(enum support support)
{
    meet(support);
    usual.sender_upgrade = memory(support);
    usual.pair_upgrade = (struct usual){.of = 8, .did = 8};
    usual.sender_known_name = true;
    strcpy(usual.sender, "sender.example");
}

static void stops(enum support support)
{
    meet_sender(support);
    build_ehlo(&b, OFFERING);
    build_mail(&b);
}

static void a_sender_that_stops(void **state)
{
    (void)state;
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    const struct finding *f = closed(RULE_SENDER_STOPPED_UPGRADING);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->subject, SUBJECT_SENDER);
    says(f,
         "This sender, sender.example took the offer in 24 of 24 sessions over 4 days, 8 of them "
         "with 203.0.113.25, not in this one.");
    says(f, "It has sent in clear 5 times in a row.");
    stops(SUPPORT_THIN);
    usual.sender_lapses = 4;
    assert_int_equal(closed(RULE_SENDER_STOPPED_UPGRADING)->severity, SEVERITY_LOW);
    stops(SUPPORT_NONE);
    usual.sender_lapses = 4;
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
}

/* The server has more clients than are told apart. */
static void a_sender_that_stops_with_a_server_of_many(void **state)
{
    (void)state;
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    usual.pair_upgrade.did = 0;
    usual.sender_knows_server = true;
    const struct finding *f = closed(RULE_SENDER_STOPPED_UPGRADING);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    says(f, "took the offer in 24 of 24 sessions over 4 days, some of them with 203.0.113.25, not "
            "in this one.");
}

/* It asked, and was not understood. */
static void a_sender_that_is_not_understood(void **state)
{
    (void)state;
    for (int garbled = 0; garbled < 2; garbled++) {
        meet_sender(SUPPORT_WELL);
        usual.sender_lapses = 4;
        if (garbled)
            build_odd(&b, "XXXX out.sender.example", 500);
        build_helo(&b);
        build_mail(&b);
        const struct finding *f = closed(RULE_SENDER_STOPPED_UPGRADING);
        if (garbled)
            assert_null(f);
        else
            says(f, "It said HELO, where no STARTTLS exists");
    }
    meet_sender(SUPPORT_WELL);
    usual.sender_lapses = 4;
    build_ehlo(&b, OFFERING);
    build_odd(&b, "XXXXXXXX", 500);
    build_mail(&b);
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
}

/* Fewer may be chance: what comes next will tell. */
static void a_sender_that_may_come_back(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 4; before++) {
        stops(SUPPORT_WELL);
        usual.sender_lapses = before;
        const struct finding *f = closed(RULE_SENDER_STOPPED_UPGRADING);
        assert_int_equal(f->severity, SEVERITY_INFO);
        says(f, "Whether it comes back to TLS is not known yet.");
    }
}

static void a_sender_that_does_not(void **state)
{
    (void)state;
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    usual.sender_known_name = false;
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    usual.pair_upgrade.did = 0; /* never with this server */
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    attempt(OBSERVED_FATE_KILLED, 0, true); /* plaintext-fallback says more */
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    build_starttls(&b, 454, "454 no");
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    build_ehlo(&b, LACKING); /* there was nothing to take */
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 100;
    usual.sender_mixed = true;
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
    stops(SUPPORT_WELL);
    usual.sender_lapses = 4;
    usual.sender_back = true; /* another session of it upgraded meanwhile */
    assert_null(closed(RULE_SENDER_STOPPED_UPGRADING));
}

/* --- delivery-held --- */

/* An earlier time that the client left; now it does so again. */
static void leaves(enum support support)
{
    meet(support);
    b.s.now = 10 * HOUR;
    usual.held[usual.held_count++] =
        (struct usual_attempt){.flow_id = 7, .time = b.s.now - HOUR, .same_server = true};
    usual.sender_delivers = true;
    build_ehlo(&b, LACKING);
    build_quit(&b);
}

static void held_twice(void **state)
{
    (void)state;
    leaves(SUPPORT_WELL);
    const struct finding *f = closed(RULE_DELIVERY_HELD);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->evidence, EVIDENCE_E2);
    assert_int_equal(f->linked_count, 1);
    assert_int_equal(f->linked[0], 7);
    says(f, "without handing in its mail 2 times, the last time 60 min ago");
    leaves(SUPPORT_THIN);
    assert_int_equal(closed(RULE_DELIVERY_HELD)->severity, SEVERITY_LOW);
    leaves(SUPPORT_WELL);
    usual.sender_delivers = false;
    usual.pair_upgrade.did = 2; /* it has handed in its mails over TLS */
    assert_non_null(closed(RULE_DELIVERY_HELD));
}

static void not_held(void **state)
{
    (void)state;
    leaves(SUPPORT_WELL);
    usual.held_count = 0; /* once */
    assert_null(closed(RULE_DELIVERY_HELD));
    leaves(SUPPORT_WELL);
    usual.sender_delivers = false; /* a scanner */
    assert_null(closed(RULE_DELIVERY_HELD));
    leaves(SUPPORT_NONE); /* a server that may never have offered */
    assert_null(closed(RULE_DELIVERY_HELD));
    leaves(SUPPORT_WELL);
    build_mail(&b);
    assert_null(closed(RULE_DELIVERY_HELD));
    leaves(SUPPORT_WELL);
    build_ehlo(&b, OFFERING); /* it could have had TLS */
    assert_null(closed(RULE_DELIVERY_HELD));
    leaves(SUPPORT_WELL); /* not over yet */
    assert_null(build_find(build_judge(&b, SESSION_EHLO_DONE), RULE_DELIVERY_HELD));
}

/* --- path-stripped --- */

static const struct finding *path(uint32_t servers, uint32_t offering)
{
    meet(SUPPORT_NONE);
    usual.path_servers = servers;
    usual.path_offering = offering;
    build_ehlo(&b, LACKING);
    build_mail(&b);
    return closed(RULE_PATH_STRIPPED);
}

static void eight_servers_of_one_path(void **state)
{
    (void)state;
    const struct finding *f = path(8, 0);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->subject, SUBJECT_PATH);
    says(f, "Of 8 unrelated servers");
    assert_null(path(7, 0));
    assert_non_null(path(8, 1));  /* 12.5 % */
    assert_null(path(8, 2));      /* 25 % */
    assert_non_null(path(11, 2)); /* 18 % */
    assert_null(path(10, 2));     /* 20 %, not fewer */
    usual.path_servers = 8;
    usual.path_offering = 0;
    usual.known_offer = "alder.example";
    says(closed(RULE_PATH_STRIPPED), "This one names itself as one of alder.example.");
    build_ehlo(&b, OFFERING);
    assert_null(closed(RULE_PATH_STRIPPED));
}

/* --- TLS and TCP --- */

static void upgraded(uint16_t version, uint16_t newest)
{
    meet(SUPPORT_WELL);
    build_ehlo(&b, OFFERING);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    b.s.tls_version = version;
    b.s.tls_newest = newest;
    usual.version = (struct usual_kind){.seen = 24, .kinds = 1};
    usual.version_usual = 0x0304;
    usual.version_count = 24;
}

static void an_older_version(void **state)
{
    (void)state;
    upgraded(0x0303, 0x0304);
    const struct finding *f = closed(RULE_VERSION_REGRESSED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    says(f, "in all 24 handshakes before");
    upgraded(0x0303, 0x0303); /* the client has no more */
    assert_null(closed(RULE_VERSION_REGRESSED));
    upgraded(0x0303, 0x0304);
    usual.version.same = 1; /* it did so before */
    assert_null(closed(RULE_VERSION_REGRESSED));
    upgraded(0x0303, 0x0304);
    usual.version_count = 23; /* not always */
    assert_null(closed(RULE_VERSION_REGRESSED));
    upgraded(0x0303, 0x0304);
    usual.version.seen = usual.version_count = 1; /* too few */
    assert_null(closed(RULE_VERSION_REGRESSED));
    upgraded(0x0304, 0x0304);
    usual.version_usual = 0x0303; /* newer */
    assert_null(closed(RULE_VERSION_REGRESSED));
}

static struct certificate shown;

static void presents(enum certificate_trust trust)
{
    upgraded(0x0303, 0x0303);
    shown = certificate_good();
    shown.trust = trust;
    b.certificate = &shown;
    usual.spki = (struct usual_kind){.seen = 5, .kinds = 1};
    usual.issuer = (struct usual_kind){.seen = 5, .kinds = 1};
    usual.issuer_usual = "Old Authority";
}

static void another_certificate(void **state)
{
    (void)state;
    presents(CERT_TRUST_UNTRUSTED);
    const struct finding *f = closed(RULE_CERTIFICATE_CHANGED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    says(f, "In 5 handshakes 203.0.113.25 presented 1 key, issued by Old Authority");
    presents(CERT_TRUST_OK);
    assert_int_equal(closed(RULE_CERTIFICATE_CHANGED)->severity, SEVERITY_INFO);
    presents(CERT_TRUST_UNTRUSTED);
    usual.issuer.same = 1; /* a renewal */
    assert_null(closed(RULE_CERTIFICATE_CHANGED));
    presents(CERT_TRUST_UNTRUSTED);
    usual.spki.same = 1;
    assert_null(closed(RULE_CERTIFICATE_CHANGED));
    presents(CERT_TRUST_UNTRUSTED);
    usual.spki.seen = 1;
    assert_null(closed(RULE_CERTIFICATE_CHANGED));
    presents(CERT_TRUST_UNTRUSTED);
    b.certificate = NULL; /* TLS 1.3 */
    assert_null(closed(RULE_CERTIFICATE_CHANGED));
}

/* All prints are new; all were seen often enough. */
static void machine(void)
{
    upgraded(0x0304, 0x0304);
    usual.version.same = 24;
    usual.ja3s = usual.flight = usual.synack = (struct usual_kind){.seen = 20, .kinds = 1};
    usual.ja3s_seen = usual.flight_seen = usual.synack_seen = true;
    usual.sender_ja4 = (struct usual_kind){.seen = 7, .same = 5, .kinds = 2};
}

static void another_machine(void **state)
{
    (void)state;
    machine();
    const struct finding *f = closed(RULE_SERVER_STACK_CHANGED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->confidence, CONFIDENCE_LOW);
    says(f, "In 20 handshakes");
    says(f, "one that the sender had in 5 of 7");
    assert_null(build_find(&b.j, RULE_TRANSPARENT_PROXY));
    machine();
    usual.sender_ja4.same = 0; /* another hello has another answer */
    assert_null(closed(RULE_SERVER_STACK_CHANGED));
    struct usual_kind *const kinds[] = {&usual.ja3s, &usual.flight, &usual.synack};
    bool *const seen[] = {&usual.ja3s_seen, &usual.flight_seen, &usual.synack_seen};
    for (size_t i = 0; i < 3; i++) {
        machine();
        kinds[i]->same = 1;
        assert_null(closed(RULE_SERVER_STACK_CHANGED));
        machine();
        kinds[i]->seen = 19;
        assert_null(closed(RULE_SERVER_STACK_CHANGED));
        machine();
        *seen[i] = false;
        assert_null(closed(RULE_SERVER_STACK_CHANGED));
    }
}

static void another_system(void **state)
{
    (void)state;
    for (int beside = 0; beside < 2; beside++) {
        meet(SUPPORT_NONE);
        usual.synack = (struct usual_kind){.seen = 20, .kinds = 1};
        usual.synack_seen = true;
        build_ehlo(&b, OFFERING);
        if (beside)
            build_starttls(&b, 502, "502 no");
        build_mail(&b);
        const struct finding *f = closed(RULE_TRANSPARENT_PROXY);
        assert_int_equal(f->severity, beside ? SEVERITY_LOW : SEVERITY_INFO);
        says(f, "in all 20 sessions");
        usual.synack.seen = 19;
        assert_null(closed(RULE_TRANSPARENT_PROXY));
        usual.synack = (struct usual_kind){.seen = 20, .same = 1, .kinds = 2};
        assert_null(closed(RULE_TRANSPARENT_PROXY));
    }
}

/* --- judged again --- */

static struct session late_session;
static struct judgement late_judgement;

/* What is kept of a session without the offer. */
static struct usual_late kept(enum support support, enum went went)
{
    removed(support, DOUBT_OPEN, went);
    doubt(SELECTIVE);
    return usual_keep(&b.s, &b.j);
}

static const struct finding *again(const struct usual_late *late, bool upgrade)
{
    if (!usual_again(late, &usual, upgrade, &late_session, &late_judgement))
        return NULL;
    assert_int_equal(late_judgement.finding_count, 1);
    assert_true(late_judgement.finding[0].retrospective);
    return &late_judgement.finding[0];
}

static void what_is_kept(void **state)
{
    (void)state;
    struct usual_late late = kept(SUPPORT_WELL, MAIL);
    assert_int_equal(late.told, SEVERITY_LOW);
    assert_int_equal(late.effect, EFFECT_MAIL);
    assert_int_equal(late.mails, 1);
    assert_int_equal(late.reply_offset, b.s.reading.ehlo_offset);
    assert_memory_equal(&late.key, &b.s.key, sizeof(late.key));
    assert_false(late.refused_ehlo);
    assert_non_null(again(&late, false));
    assert_memory_equal(&late_session.key, &b.s.key, sizeof(late.key));
    assert_int_equal(late_session.flow_id, b.s.flow_id);
    assert_int_equal(late_judgement.verdict, VERDICT_EXPOSED);
}

static void again_when_others_were_served(void **state)
{
    (void)state;
    struct usual_late late = kept(SUPPORT_WELL, MAIL);
    const struct finding *f = again(&late, false);
    assert_int_equal(f->rule, RULE_STARTTLS_VANISHED);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->confidence, CONFIDENCE_HIGH);
    assert_int_equal(f->offset, late.reply_offset);
    says(f, "24 of 24 sessions from 3 clients over 4 days, not in this one.");
    says(f, "5 sessions of 2 other clients were offered it");
    says(f, "1 mail crossed in clear.");
    assert_false(may_be(f, CAUSE_SERVER_RECONFIGURED));
    late = kept(SUPPORT_WELL, LEFT);
    f = again(&late, false);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    says(f, "No mail crossed in clear.");
}

static void again_undecided(void **state)
{
    (void)state;
    struct usual_late late = kept(SUPPORT_WELL, MAIL);
    doubt(DOUBT_UNDECIDED);
    const struct finding *f = again(&late, false);
    assert_int_equal(f->rule, RULE_STARTTLS_REMOVED);
    assert_true(may_be(f, CAUSE_SERVER_RECONFIGURED));
    late.refused_ehlo = true;
    assert_int_equal(again(&late, false)->rule, RULE_EHLO_REFUSED);
}

static void nothing_new(void **state)
{
    (void)state;
    struct usual_late late = kept(SUPPORT_THIN, MAIL); /* low was told */
    assert_null(again(&late, false));
    late.told = SEVERITY_INFO;
    assert_int_equal(again(&late, false)->severity, SEVERITY_LOW);
    late = kept(SUPPORT_WELL, NOTHING); /* low by the matrix */
    assert_null(again(&late, false));
    late = kept(SUPPORT_WELL, MAIL);
    late.told = SEVERITY_HIGH;
    assert_null(again(&late, false));
    late = kept(SUPPORT_WELL, MAIL);
    usual.offer.support = SUPPORT_NONE;
    assert_null(again(&late, false));
}

static void again_the_upgrade(void **state)
{
    (void)state;
    meet(SUPPORT_WELL);
    doubt(DOUBT_OPEN);
    build_ehlo(&b, OFFERING);
    build_starttls(&b, 454, "454 no");
    build_mail(&b);
    assert_int_equal(closed(RULE_STARTTLS_REFUSED)->severity, SEVERITY_LOW);
    struct usual_late late = usual_keep(&b.s, &b.j);
    doubt(SELECTIVE);
    const struct finding *f = again(&late, true);
    assert_int_equal(f->rule, RULE_STARTTLS_REFUSED);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->offset, b.s.reading.upgrade_offset);
    says(f, "in this one STARTTLS was answered 454.");
}

/* It was not known to offer when this client missed it, so it may be its way to leave some out. */
static void again_one_that_may_leave_some_out(void **state)
{
    (void)state;
    struct usual_late late = kept(SUPPORT_WELL, MAIL);
    late.told = SEVERITY_INFO;
    usual.offer_doubt.latent = true;
    usual.offer.clients = 29;
    const struct finding *f = again(&late, false);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->cause, CAUSE_PER_CLIENT_POLICY);
    usual.offer.clients = 30; /* one in ten would have been among them, in 24 cases of 25 */
    f = again(&late, false);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->cause, CAUSE_ON_PATH_REWRITE);
}

/* The sessions that began it are told of when it is known. */
static void again_the_sender(void **state)
{
    (void)state;
    stops(SUPPORT_WELL);
    (void)closed(RULE_SENDER_STOPPED_UPGRADING);
    const struct usual_late late = usual_keep(&b.s, &b.j);
    assert_int_equal(late.told, SEVERITY_INFO);
    assert_true(usual_stopped(&late, &usual, 5, true, &late_session, &late_judgement));
    const struct finding *f = &late_judgement.finding[0];
    assert_int_equal(late_judgement.finding_count, 1);
    assert_int_equal(f->rule, RULE_SENDER_STOPPED_UPGRADING);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->subject, SUBJECT_SENDER);
    assert_int_equal(f->offset, b.s.mail_offset);
    assert_true(f->retrospective);
    says(f, "This sender, sender.example took the offer in 24 of 24 sessions over 4 days, not in "
            "this one. It has sent in clear 5 times in a row by now. 1 mail crossed in clear.");
    assert_true(usual_stopped(&late, &usual, 2, false, &late_session, &late_judgement));
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->confidence, CONFIDENCE_LOW);
    says(f, "It has not come back to TLS since, but 2 sessions in clear may be chance.");
    usual.sender_upgrade.support = SUPPORT_NONE;
    assert_false(usual_stopped(&late, &usual, 2, false, &late_session, &late_judgement));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed_by_support_and_effect),
        cmocka_unit_test(removed_by_doubt),
        cmocka_unit_test(seen_from_several_taps),
        cmocka_unit_test(removed_says_its_numbers),
        cmocka_unit_test(a_client_that_was_never_served),
        cmocka_unit_test(a_server_of_a_known_owner),
        cmocka_unit_test(not_removed),
        cmocka_unit_test(every_slot),
        cmocka_unit_test(whatever_it_spells),
        cmocka_unit_test(a_blank_line_in_the_slot),
        cmocka_unit_test(what_is_not_in_the_slot),
        cmocka_unit_test(another_line_that_differs),
        cmocka_unit_test(slots_of_a_thin_memory),
        cmocka_unit_test(the_likeliest_layout),
        cmocka_unit_test(bytes_that_look_wrong_as_well),
        cmocka_unit_test(refused_ehlo_by_support),
        cmocka_unit_test(refused_by_support),
        cmocka_unit_test(planted_after_twenty),
        cmocka_unit_test(an_offer_that_was_turned_on),
        cmocka_unit_test(a_keyword_of_every_reply),
        cmocka_unit_test(a_retry_in_clear),
        cmocka_unit_test(how_long_ago),
        cmocka_unit_test(an_alert_between_two_that_never_had_tls),
        cmocka_unit_test(silence_beside_an_incompatible_machine),
        cmocka_unit_test(a_login_in_clear_behind_it),
        cmocka_unit_test(no_retry_in_clear),
        cmocka_unit_test(all_attempts_are_linked),
        cmocka_unit_test(an_alert_that_is_no_news),
        cmocka_unit_test(a_sender_that_stops),
        cmocka_unit_test(a_sender_that_stops_with_a_server_of_many),
        cmocka_unit_test(a_sender_that_is_not_understood),
        cmocka_unit_test(a_sender_that_may_come_back),
        cmocka_unit_test(a_sender_that_does_not),
        cmocka_unit_test(held_twice),
        cmocka_unit_test(not_held),
        cmocka_unit_test(eight_servers_of_one_path),
        cmocka_unit_test(an_older_version),
        cmocka_unit_test(another_certificate),
        cmocka_unit_test(another_machine),
        cmocka_unit_test(another_system),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(again_when_others_were_served),
        cmocka_unit_test(again_undecided),
        cmocka_unit_test(nothing_new),
        cmocka_unit_test(again_the_upgrade),
        cmocka_unit_test(again_one_that_may_leave_some_out),
        cmocka_unit_test(again_the_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
