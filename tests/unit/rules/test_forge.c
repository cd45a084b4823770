/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OFFER  "PIPELINING|SIZE 1|VRFY|ETRN|STARTTLS|8BITMIME"
#define MASKED "PIPELINING|SIZE 1|VRFY|ETRN|XXXXXXXX|8BITMIME"

static struct build b, other;

static void begin(struct build *to, const char *keywords)
{
    build_new(to);
    build_banner(to, "220 mx ESMTP Postfix");
    build_ehlo(to, keywords);
}

static void tamper(enum tamper_kind kind, unsigned marks, uint8_t first_ttl, uint8_t second_ttl)
{
    b.s.tamper[b.s.tamper_count++] = (struct tamper){.kind = kind,
                                                     .dir = SESSION_TO_CLIENT,
                                                     .offset = 80,
                                                     .marks = {0, (uint8_t)marks},
                                                     .ttl = {first_ttl, second_ttl},
                                                     .first = build_text(&b, "250-XXXXXXXX", 12),
                                                     .second = build_text(&b, "250-STARTTLS", 12)};
    if (kind != TAMPER_SEGMENTS)
        return;
    b.s.conflicts++;
    b.s.damaged += marks == COPY_CHECKSUM;
    b.s.either_taken |= marks == 0;
}

/* The reply as read, and as the other copies have it. */
static void two_readings(const char *read, const char *copy, unsigned marks)
{
    begin(&b, read);
    begin(&other, copy);
    b.s.other = &other.s;
    tamper(TAMPER_SEGMENTS, marks, 57, 44);
}

static const struct finding *closed(enum rule_id rule)
{
    return build_find(build_close(&b, SESSION_FIN), rule);
}

static void a_masked_offer_is_critical_with_mail(void **state)
{
    (void)state;
    two_readings(MASKED, OFFER, 0);
    build_mail(&b);
    const struct finding *f = closed(RULE_CONFLICTING_SEGMENTS);
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_CRITICAL);
    assert_int_equal(f->confidence, CONFIDENCE_PROOF);
    assert_int_equal(f->evidence, EVIDENCE_E4);
    assert_int_equal(f->cause, CAUSE_MAN_ON_THE_SIDE);
    assert_int_equal(f->offset, 80);
    assert_int_equal(f->line_count, 2);
    assert_non_null(strstr(f->reason, "TTL 57 and 44"));
    assert_int_equal(b.j.offered, OFFERED_CONFLICTING);
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
    assert_int_equal(b.j.finding[0].rule, RULE_CONFLICTING_SEGMENTS); /* it speaks first */
}

/* Read as offered, and the client went in clear: the copy it took is the other one. */
static void the_offer_that_was_read_may_be_the_decoy(void **state)
{
    (void)state;
    two_readings(OFFER, MASKED, 0);
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_CRITICAL);
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
}

static void tls_all_the_same_is_medium(void **state)
{
    (void)state;
    two_readings(OFFER, MASKED, 0);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_MEDIUM);
    assert_int_equal(b.j.verdict, VERDICT_ENCRYPTED);
}

static void another_answer_to_starttls_decides_too(void **state)
{
    (void)state;
    two_readings(OFFER, OFFER, 0);
    build_starttls(&b, 454, "454 no");
    build_starttls(&other, 220, "220 go");
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_CRITICAL);
    assert_int_equal(b.j.offered, OFFERED_YES); /* both readings agree on that */
}

static void the_same_meaning_is_low(void **state)
{
    (void)state;
    two_readings(OFFER, "PIPELINING|SIZE 1|VRFY|ETRN|starttls|8BITMIME", 0);
    build_mail(&b);
    const struct finding *f = closed(RULE_CONFLICTING_SEGMENTS);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(b.j.offered, OFFERED_YES);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

/* A copy that the client cannot have taken: the offer is what was read. */
static void a_dropped_copy_leaves_the_offer(void **state)
{
    (void)state;
    two_readings(MASKED, OFFER, COPY_TIMESTAMP);
    build_mail(&b);
    const struct finding *f = closed(RULE_CONFLICTING_SEGMENTS);
    assert_int_equal(f->severity, SEVERITY_CRITICAL);
    assert_int_equal(f->confidence, CONFIDENCE_HIGH);
    assert_non_null(strstr(f->reason, "timestamp is of the past"));
    assert_int_equal(b.j.offered, OFFERED_GARBLED);
}

static void damage_explains_a_wrong_checksum(void **state)
{
    (void)state;
    two_readings(MASKED, OFFER, COPY_CHECKSUM);
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_LOW);
    two_readings(OFFER, OFFER, COPY_CHECKSUM);
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_INFO);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

/* One copy among the damaged ones is not explained. */
static void damage_explains_only_what_is_damaged(void **state)
{
    (void)state;
    two_readings(MASKED, OFFER, COPY_CHECKSUM);
    b.s.conflicts = 2;
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_CRITICAL);
}

/* More copies than are kept: the one that decides may be among the others. */
static void a_crowd_of_copies_is_no_cover(void **state)
{
    (void)state;
    two_readings(OFFER, OFFER, 0);
    b.s.conflicts = CAP_EVIDENCE_COPIES + 1;
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_CRITICAL);
    two_readings(OFFER, OFFER, COPY_CHECKSUM);
    b.s.conflicts = b.s.damaged = 100;
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_INFO);
}

static void resets(void **state)
{
    (void)state;
    begin(&b, OFFER);
    assert_null(closed(RULE_FORGED_RESET));
    begin(&b, OFFER);
    tamper(TAMPER_RESET, 0, 57, 44);
    build_mail(&b);
    const struct finding *f = closed(RULE_FORGED_RESET);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->confidence, CONFIDENCE_HIGH);
    assert_int_equal(f->evidence, EVIDENCE_E4);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR); /* it says nothing of the offer */
}

static void handshakes(void **state)
{
    (void)state;
    begin(&b, OFFER);
    tamper(TAMPER_HANDSHAKE, 0, 57, 57); /* one server that answered anew */
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_HANDSHAKE)->severity, SEVERITY_INFO);
    begin(&b, OFFER);
    tamper(TAMPER_HANDSHAKE, 0, 44, 57);
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_HANDSHAKE)->severity, SEVERITY_LOW);
}

/* The other reading was not kept to its end: that it lacks STARTTLS, or the whole reply, says
 * nothing. */
static void a_reading_that_ends_early_decides_nothing(void **state)
{
    (void)state;
    two_readings(OFFER, OFFER, 0);
    build_starttls(&b, 454, "454 no");
    b.s.evidence_evicted = true;
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_LOW);
    two_readings(OFFER, OFFER, 0);
    other.s.reading.ehlo = EHLO_NONE;
    b.s.evidence_evicted = true;
    build_mail(&b);
    assert_int_equal(closed(RULE_CONFLICTING_SEGMENTS)->severity, SEVERITY_LOW);
    assert_int_equal(b.j.offered, OFFERED_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_masked_offer_is_critical_with_mail),
        cmocka_unit_test(the_offer_that_was_read_may_be_the_decoy),
        cmocka_unit_test(tls_all_the_same_is_medium),
        cmocka_unit_test(another_answer_to_starttls_decides_too),
        cmocka_unit_test(the_same_meaning_is_low),
        cmocka_unit_test(a_dropped_copy_leaves_the_offer),
        cmocka_unit_test(damage_explains_a_wrong_checksum),
        cmocka_unit_test(damage_explains_only_what_is_damaged),
        cmocka_unit_test(a_crowd_of_copies_is_no_cover),
        cmocka_unit_test(a_reading_that_ends_early_decides_nothing),
        cmocka_unit_test(resets),
        cmocka_unit_test(handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
