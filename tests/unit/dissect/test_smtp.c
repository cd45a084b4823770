/* SPDX-License-Identifier: Apache-2.0 */
/* The SMTP reader, dialogue by dialogue; each is also fed byte by byte and at every two-way cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "talk.h"

#define EHLO_REPLY                                                                                 \
    "250-mx1.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
#define HELLO S("220 mx1.test ESMTP\r\n"), C("EHLO out.test\r\n"), S(EHLO_REPLY)

/* TLS records with plausible headers */
#define CLIENT_HELLO "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03"
#define SERVER_HELLO "\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03"
#define WARNING      "\x15\x03\x01\x00\x02\x01\x70" /* unrecognized_name */
#define SERVER_HELLO_13                                                                            \
    "\x16\x03\x03\x00\x32\x02\x00\x00\x2e\x03\x03"                                                 \
    "a random of thirty-two bytes  .."                                                             \
    "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
#define APP_30                                                                                     \
    "\x17\x03\x03\x00\x1e"                                                                         \
    "012345678901234567890123456789"
#define APP_ALERT                                                                                  \
    "\x17\x03\x03\x00\x13"                                                                         \
    "0123456789012345678"

static char *facts(const struct turn *t, size_t n, size_t piece, size_t turn, size_t cut, bool pass,
                   unsigned *events)
{
    struct talk k;
    char *text;

    talk_begin(&k);
    k.pass = pass;
    for (size_t i = 0; i < n; i++)
        talk_turn(&k, &t[i], piece, i == turn ? cut : SIZE_MAX);
    text = session_text_of(&k.s);
    *events = k.events;
    talk_end(&k);
    return text;
}

/* Any split of the same bytes gives the same facts and milestones, and so does the short way of
 * what need not be read. */
static void same_at_every_cut(const struct turn *t, size_t n)
{
    unsigned want_events, events;
    char *want = facts(t, n, SIZE_MAX, 0, SIZE_MAX, false, &want_events);
    char *got;

    for (int pass = 0; pass < 2; pass++) {
        got = facts(t, n, 1, 0, SIZE_MAX, pass, &events);
        assert_string_equal(got, want);
        assert_int_equal(events, want_events);
        free(got);
        for (size_t i = 0; i < n; i++)
            for (size_t cut = 1; t[i].text && cut < turn_length(&t[i]); cut++) {
                got = facts(t, n, SIZE_MAX, i, cut, pass, &events);
                assert_string_equal(got, want);
                assert_int_equal(events, want_events);
                free(got);
            }
    }
    free(want);
}

#define TALK(...)                                                                                  \
    const struct turn turns[] = {__VA_ARGS__};                                                     \
    struct talk k;                                                                                 \
    talk_begin(&k);                                                                                \
    talk_all(&k, turns, sizeof(turns) / sizeof(turns[0]), SIZE_MAX);                               \
    same_at_every_cut(turns, sizeof(turns) / sizeof(turns[0]))

static void assert_text(const struct session *s, struct text t, const char *want)
{
    struct span v = session_text(s, t);

    assert_int_equal(v.n, strlen(want));
    assert_memory_equal(v.p, want, v.n);
}

static void test_ehlo_reply_keeps_order_and_slots(void **state)
{
    (void)state;
    TALK(HELLO);
    assert_int_equal(k.s.banner_code, 220);
    assert_text(&k.s, k.s.banner, "220 mx1.test ESMTP");
    assert_text(&k.s, k.s.helo, "out.test");
    assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(k.s.reading.line_count, 5);
    assert_text(&k.s, k.s.reading.line[2].text, "SIZE 1000");
    assert_int_equal(k.s.reading.line[2].word_len, 4);
    assert_int_equal(k.s.reading.line[2].line_len, 9);
    assert_int_equal(k.s.reading.line[1].offset, strlen("220 mx1.test ESMTP\r\n250-mx1.test\r\n"));
    assert_true(k.events & 1u << SESSION_EHLO_DONE);
    talk_end(&k);
}

static void test_blank_and_empty_keyword_lines(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"), C("EHLO a\r\n"), S("250-x\r\n250-        \r\n250-\r\n250 \r\n"));
    assert_int_equal(k.s.reading.line_count, 4);
    assert_int_equal(k.s.reading.line[1].line_len, 8);
    assert_int_equal(k.s.reading.line[1].word_len, 0);
    assert_int_equal(k.s.reading.line[2].line_len, 0);
    assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
    talk_end(&k);
}

static void test_gap_in_ehlo_reply_is_no_absence(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"), C("EHLO a\r\n"), S("250-x\r\n"), SGAP(14), S("250 HELP\r\n"),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.reading.ehlo, EHLO_GAP);
    assert_int_equal(k.s.mail_accepted, 1);
    talk_end(&k);
}

static void test_snap_cut_in_ehlo_reply(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"), C("EHLO a\r\n"), S("250-x\r\n250-SI"), SCUT(30), C("STARTTLS\r\n"),
         S("454 no\r\n"));
    assert_int_equal(k.s.reading.ehlo, EHLO_CUT);
    assert_int_equal(k.s.reading.upgrade_code, 454);
    talk_end(&k);
}

static void test_lost_reply_leaves_ehlo_damaged(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"), C("EHLO a\r\n"), SGAP(80), C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.reading.ehlo, EHLO_GAP);
    assert_int_equal(k.s.mail_accepted, 1);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_ehlo_refused_then_helo(void **state)
{
    (void)state;
    TALK(S("220 x ESMTP\r\n"), C("EHLO a\r\n"), S("502 no\r\n"), C("HELO a\r\n"), S("250 x\r\n"));
    assert_int_equal(k.s.reading.refused_code, 502);
    assert_text(&k.s, k.s.reading.refused_text, "502 no");
    assert_int_equal(k.s.reading.ehlo, EHLO_NONE);
    assert_true(k.s.helo_accepted);
    assert_int_equal(k.s.hello, HELLO_HELO);
    talk_end(&k);
}

static void test_starttls_refused_and_mail_follows(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("454 4.7.0 TLS not available\r\n"),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.upgrade_asks, 1);
    assert_int_equal(k.s.reading.upgrade_code, 454);
    assert_false(k.s.upgrade_accepted);
    assert_true(k.events & 1u << SESSION_UPGRADE_DECIDED);
    assert_int_equal(k.s.early_client, BYTES_NONE);
    talk_end(&k);
}

static void test_multi_line_220_is_no_injection(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220-one\r\n220 go\r\n"), CB(CLIENT_HELLO), SB(SERVER_HELLO));
    assert_true(k.s.upgrade_accepted);
    assert_int_equal(k.s.early_server, BYTES_NONE);
    assert_int_equal(k.s.client_after, BYTES_TLS);
    assert_int_equal(k.s.server_after, BYTES_TLS);
    assert_int_equal(k.s.tls_stage, TLS_STAGE_SERVER_HELLO);
    talk_end(&k);
}

/* A warning takes no part in the handshake: it may stand before it (RFC 6066 section 3). */
static void test_warnings_before_the_hellos(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(WARNING CLIENT_HELLO),
         SB(WARNING SERVER_HELLO));
    assert_int_equal(k.s.tls_stage, TLS_STAGE_SERVER_HELLO);
    assert_int_not_equal(k.s.tls.server_offset, 0);
    assert_non_null(k.s.handshake);
    talk_end(&k);
}

static void test_response_injection(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"), CB(CLIENT_HELLO));
    assert_int_equal(k.s.early_server, BYTES_CLEAR);
    assert_text(&k.s, k.s.early_server_text, "250-x");
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_command_injection(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\nNOOP secret\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO));
    assert_int_equal(k.s.early_client, BYTES_CLEAR);
    assert_text(&k.s, k.s.early_client_verb, "NOOP");
    assert_int_equal(k.s.client_after, BYTES_TLS);
    talk_end(&k);
}

static void test_early_client_hello_is_tls(void **state)
{
    (void)state;
    TALK(HELLO, CB("STARTTLS\r\n" CLIENT_HELLO), S("220 go\r\n"), SB(SERVER_HELLO));
    assert_int_equal(k.s.early_client, BYTES_TLS);
    assert_int_equal(k.s.tls_stage, TLS_STAGE_SERVER_HELLO);
    talk_end(&k);
}

static void test_clear_after_220(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), C("EHLO out.test\r\n"), S("250 x\r\n"),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.client_after, BYTES_CLEAR);
    assert_int_equal(k.s.server_after, BYTES_CLEAR);
    assert_true(k.s.ehlo_after);
    assert_int_equal(k.s.reading.line_count, 5); /* the first EHLO reply keeps its place */
    assert_int_equal(k.s.mail_accepted, 1);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_server_answers_tls_in_clear(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO), S("454 no\r\n"));
    assert_int_equal(k.s.client_after, BYTES_TLS);
    assert_int_equal(k.s.server_after, BYTES_CLEAR);
    assert_text(&k.s, k.s.server_after_text, "454 no");
    assert_int_equal(k.s.early_server, BYTES_NONE);
    talk_end(&k);
}

static void test_ironport_alert_then_clear(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO),
         SB("\x15\x03\x00\x00\x02\x02\x28"
            "454 TLS not available\r\n"));
    assert_int_equal(k.s.server_after, BYTES_TLS);
    assert_int_equal(k.s.tls_alert[SESSION_TO_CLIENT], 40);
    assert_true(k.s.clear_in_tls[SESSION_TO_CLIENT]);
    talk_end(&k);
}

static void test_tls_completes_only_with_an_answer_to_data(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO), SB(SERVER_HELLO APP_30),
         CB(APP_30), SB(APP_30));
    assert_true(k.s.tls_complete);
    assert_true(k.events & 1u << SESSION_UPGRADE_DECIDED);
    talk_end(&k);
}

/* The handshake is over; and when it was told of depends on other sessions. */
static void test_a_hello_behind_data_is_none(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO), SB(SERVER_HELLO_13 APP_30),
         CB(APP_30), SB(APP_30 SERVER_HELLO_13));
    assert_true(k.s.tls_complete);
    assert_int_equal(k.s.tls_version, 0x0304);
    assert_int_equal(k.s.tls.altered, 0);
    talk_end(&k);
}

/* A ClientHello with a server_name of mx.sni.test behind an extension that nobody knows (RFC 8446
 * section 4.1.2), in one record and in three. */
#define HELLO_OF_ONE                                                                               \
    "\x16\x03\x01\x00\x4b\x01\x00\x00\x47\x03\x03\x00\x01\x02\x03\x04"                             \
    "\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"                             \
    "\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x00\x00\x02\x13\x01"                             \
    "\x01\x00\x00\x1c\x0a\x0a\x00\x04\x01\x02\x03\x04\x00\x00\x00\x10"                             \
    "\x00\x0e\x00\x00\x0b\x6d\x78\x2e\x73\x6e\x69\x2e\x74\x65\x73\x74"
#define HELLO_OF_THREE                                                                             \
    "\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x31\x00\x00\x47\x03\x03"                             \
    "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"                             \
    "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"                             \
    "\x00\x00\x02\x13\x01\x01\x00\x00\x1c\x0a\x0a\x00\x16\x03\x01\x00"                             \
    "\x19\x04\x01\x02\x03\x04\x00\x00\x00\x10\x00\x0e\x00\x00\x0b\x6d"                             \
    "\x78\x2e\x73\x6e\x69\x2e\x74\x65\x73\x74"

static void test_the_name_that_is_asked_for(void **state)
{
    const struct turn turns[][3] = {
        {C("EHLO a\r\nSTARTTLS\r\n"), S("250-x\r\n250 STARTTLS\r\n220 go\r\n"), CB(HELLO_OF_ONE)},
        {C("EHLO a\r\nSTARTTLS\r\n"), S("250-x\r\n250 STARTTLS\r\n220 go\r\n"),
         CB(HELLO_OF_THREE)}};
    struct talk t;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t piece = 1; piece < 120; piece++) {
            for (int pass = 0; pass < 2; pass++) {
                talk_begin(&t);
                t.pass = pass;
                talk_all(&t, turns[i], 3, piece);
                assert_true(span_eq(session_text(&t.s, t.s.sni), span_str("mx.sni.test")));
                assert_int_equal(t.s.tls_records[SESSION_TO_SERVER], i ? 3 : 1);
                talk_end(&t);
            }
        }
    }
}

/* Nobody answers with TLS, and the client goes on in clear: that is the dialogue again. Where the
 * server did answer, it is text among records. */
static void test_a_client_that_gives_tls_up_is_read(void **state)
{
    const struct turn turns[] = {S("220 x\r\n"),
                                 C("EHLO a\r\nSTARTTLS\r\n"),
                                 S("250-x\r\n250 STARTTLS\r\n220 go\r\n"),
                                 CB(HELLO_OF_ONE),
                                 S("454 no TLS\r\n"),
                                 C("EHLO b\r\nMAIL FROM:<a@b.test>\r\n"),
                                 S("250 x\r\n250 ok\r\n")};
    struct talk t;
    (void)state;
    for (size_t piece = 1; piece < 60; piece++) {
        talk_begin(&t);
        talk_all(&t, turns, sizeof(turns) / sizeof(turns[0]), piece);
        assert_int_equal(t.s.mail_commands, 1);
        assert_int_equal(t.s.mail_accepted, 1);
        assert_int_equal(t.s.server_after, BYTES_CLEAR);
        assert_true(t.s.clear_in_tls[SESSION_TO_SERVER]);
        talk_end(&t);
    }
}

static void test_text_among_records_is_no_dialogue(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO), SB(SERVER_HELLO APP_30),
         C("MAIL FROM:<a@b.test>\r\n"));
    assert_int_equal(k.s.mail_commands, 0);
    assert_true(k.s.clear_in_tls[SESSION_TO_SERVER]);
    talk_end(&k);
}

/* With a hole in it nobody knows what it asked for. */
static void test_a_broken_hello_names_nobody(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB("\x16\x03\x01\x00\x60\x01\x00\x00\x5c"),
         CGAP(20), CB(HELLO_OF_ONE));
    assert_int_equal(k.s.sni.len, 0);
    talk_end(&k);
}

static void test_a_hello_with_text_in_it_names_nobody(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB("\x16\x03\x01\x00\x04\x01\x00\x00\x5c"),
         CB("EHLO again\r\n"));
    assert_int_equal(k.s.sni.len, 0);
    talk_end(&k);
}

static void test_encrypted_alert_completes_nothing(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CB(CLIENT_HELLO), SB(SERVER_HELLO APP_30),
         CB(APP_ALERT), SB(APP_ALERT));
    assert_false(k.s.tls_complete);
    talk_end(&k);
}

static void test_pipelined_replies_find_their_commands(void **state)
{
    (void)state;
    TALK(HELLO, C("MAIL FROM:<a@b.test>\r\nRCPT TO:<c@D.test>\r\nRCPT TO:<e@f.test>\r\nDATA\r\n"),
         S("250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n"),
         C("Subject: x\r\n\r\nEHLO y\r\n.\r\nQUIT\r\n"), S("250 queued\r\n221 bye\r\n"));
    assert_int_equal(k.s.mail_accepted, 1);
    assert_int_equal(k.s.rcpt_accepted, 1);
    assert_int_equal(k.s.rcpt_commands, 2);
    assert_int_equal(k.s.rcpt_domain_count, 2);
    assert_text(&k.s, k.s.rcpt[0], "*@D.test");
    assert_text(&k.s, k.s.rcpt_domain[0], "d.test");
    assert_int_equal(k.s.mails, 1);
    assert_int_equal(k.s.mail_bytes, strlen("Subject: x\r\n\r\nEHLO y\r\n"));
    assert_int_equal(k.s.ehlo_count, 1);
    assert_true(k.s.quit);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_dot_stuffing_and_bare_lf_dot_are_text(void **state)
{
    (void)state;
    TALK(HELLO, C("MAIL FROM:<>\r\n"), S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"),
         C("..\r\n.x\r\na\n.\nb\r\n.\r\n"), S("250 ok\r\n"), C("MAIL FROM:<>\r\n"),
         S("250 ok\r\n"));
    assert_int_equal(k.s.mails, 1);
    assert_int_equal(k.s.mail_commands, 2);
    assert_true(k.s.mail_from_null);
    assert_text(&k.s, k.s.mail_from, "<>");
    talk_end(&k);
}

static void test_refused_data_is_no_message(void **state)
{
    (void)state;
    TALK(HELLO, C("DATA\r\n"), S("503 first MAIL\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
    assert_int_equal(k.s.mails, 0);
    assert_true(k.s.quit);
    talk_end(&k);
}

static void test_bdat_counts_octets(void **state)
{
    (void)state;
    TALK(
        HELLO,
        C("MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nBDAT 6\r\n\r\n.\r\nxBDAT 2 LAST\r\nyzQUIT\r\n"),
        S("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n"));
    assert_int_equal(k.s.mails, 1);
    assert_int_equal(k.s.mail_bytes, 8);
    assert_true(k.s.quit);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_bdat_size_beyond_64_bits_is_no_chunk(void **state)
{
    (void)state;
    TALK(HELLO, C("BDAT 18446744073709551616\r\nNOOP\r\n"), S("501 no\r\n250 ok\r\n"));
    assert_int_equal(k.s.mails, 0);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_auth_is_never_kept(void **state)
{
    struct span pool;

    (void)state;
    TALK(HELLO, C("AUTH LOGIN\r\n"), S("334 VXNlcm5hbWU6\r\n"), C("c2VjcmV0\r\n"),
         S("334 UGFzc3dvcmQ6\r\n"), C("aHVudGVyMg==\r\n"), S("235 ok\r\n"));
    assert_int_equal(k.s.auth, AUTH_ACCEPTED);
    assert_int_equal(k.s.auth_code, 235);
    assert_int_equal(k.s.auth_reply_offset,
                     strlen("220 mx1.test ESMTP\r\n" EHLO_REPLY "334 VXNlcm5hbWU6\r\n"
                            "334 UGFzc3dvcmQ6\r\n"));
    assert_text(&k.s, k.s.auth_mechanism, "LOGIN");
    assert_int_equal(k.s.odd_count, 0);
    pool = span_of(k.s.pool, k.s.pool_used);
    assert_int_equal(span_search_nocase(pool, span_str("c2VjcmV0")), pool.n);
    assert_int_equal(span_search_nocase(pool, span_str("aHVudGVyMg")), pool.n);
    talk_end(&k);
}

static void test_auth_answer_after_a_lost_challenge_is_never_kept(void **state)
{
    struct span pool;

    (void)state;
    TALK(HELLO, C("AUTH LOGIN\r\n"), SGAP(20), C("c2VjcmV0\r\n"), S("235 ok\r\n"));
    assert_int_equal(k.s.odd_count, 0);
    pool = span_of(k.s.pool, k.s.pool_used);
    assert_int_equal(span_search_nocase(pool, span_str("c2VjcmV0")), pool.n);
    talk_end(&k);
}

static void test_unknown_verb_keeps_its_reply(void **state)
{
    (void)state;
    TALK(HELLO, C("XXXXXXXX\r\n"), S("500 what\r\n"), C("MAIL FROM:<a@b.test>\r\n"),
         S("250 ok\r\n"));
    assert_int_equal(k.s.odd_count, 1);
    assert_text(&k.s, k.s.odd[0].text, "XXXXXXXX");
    assert_int_equal(k.s.odd[0].reply_code, 500);
    assert_true(k.s.odd[0].follows_ehlo);
    assert_false(k.s.odd[0].before_hello);
    talk_end(&k);
}

static void test_demand_for_tls(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"), C("EHLO a\r\n"), S("250-x\r\n250 SIZE\r\n"), C("MAIL FROM:<a@b.test>\r\n"),
         S("530 5.7.0 Must issue a STARTTLS command first\r\n"));
    assert_int_equal(k.s.demand_code, 530);
    assert_int_equal(k.s.mail_accepted, 0);
    talk_end(&k);
}

static void test_authentication_required_is_no_demand_for_tls(void **state)
{
    (void)state;
    TALK(HELLO, C("MAIL FROM:<a@b.test>\r\n"), S("530 5.7.0 Authentication required\r\n"));
    assert_int_equal(k.s.demand_code, 0);
    talk_end(&k);
}

/* Of the server alone, from some reply on that was there before the tap was. */
static void talk_from_the_middle(struct talk *k)
{
    talk_begin(k);
    smtp_free(k->m);
    k->s.seen[SESSION_TO_SERVER] = k->s.syn_seen = k->s.synack_seen = false;
    k->s.midstream = true;
    k->m = smtp_new(&k->s, false, false);
}

/* What is its first line here may have been its second. */
static void test_reply_begun_before_the_tap_is_not_whole(void **state)
{
    const struct turn lines[] = {S("250-STARTTLS\r\n250-DSN\r\n"), S("250 CHUNKING\r\n")};
    const struct turn whole[] = {S("250-mx1.test greets you\r\n250-XXXXXXXX\r\n250 DSN\r\n")};
    const struct turn later[] = {S("220 x ESMTP\r\n"), S("250-x\r\n250-DSN\r\n"),
                                 S("250 HELP\r\n")};
    struct talk k;
    (void)state;
    talk_from_the_middle(&k);
    talk_all(&k, lines, 2, SIZE_MAX);
    assert_int_equal(k.s.reading.ehlo, EHLO_GAP);
    talk_end(&k);
    talk_from_the_middle(&k);
    talk_all(&k, whole, 1, SIZE_MAX);
    assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
    talk_end(&k);
    talk_from_the_middle(&k);
    talk_all(&k, later, 3, SIZE_MAX);
    assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
    talk_end(&k);
}

static void test_surplus_reply_is_unsolicited(void **state)
{
    (void)state;
    TALK(HELLO, S("250 nobody asked\r\n"), C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.unsolicited, 1);
    assert_int_equal(k.s.unsolicited_code, 250);
    assert_int_equal(k.s.mail_accepted, 1);
    talk_end(&k);
}

/* The order of capture must not decide: the 250 was sent before the server had the RCPT. */
static void test_reply_answers_only_what_its_packet_acknowledged(void **state)
{
    (void)state;
    TALK(HELLO, C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"), C("RCPT TO:<c@d.test>\r\n"),
         SDEAF("250 stray\r\n"), S("550 no\r\n"));
    assert_int_equal(k.s.rcpt_accepted, 0);
    assert_int_equal(k.s.unsolicited, 1);
    talk_end(&k);
}

static void test_421_is_not_unsolicited(void **state)
{
    (void)state;
    TALK(HELLO, S("421 timeout\r\n"));
    assert_int_equal(k.s.unsolicited, 0);
    assert_true(k.s.code_421);
    talk_end(&k);
}

static void test_proxy_headers(void **state)
{
    (void)state;
    {
        TALK(C("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n"), HELLO);
        assert_int_equal(k.s.proxy_version, 1);
        assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
        talk_end(&k);
    }
    {
        TALK(CB("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
                "123456789012"),
             HELLO);
        assert_int_equal(k.s.proxy_version, 2);
        assert_int_equal(k.s.reading.ehlo, EHLO_COMPLETE);
        talk_end(&k);
    }
}

static void test_xclient_restarts_the_session(void **state)
{
    (void)state;
    TALK(HELLO, C("XCLIENT ADDR=192.0.2.9\r\n"), S("220 mx1.test ESMTP\r\n"), C("EHLO b\r\n"),
         S("250-mx1.test\r\n250 SIZE\r\n"));
    assert_true(k.s.xclient);
    assert_int_equal(k.s.upgrade_accepted, false);
    assert_int_equal(k.s.reading.line_count, 2);
    talk_end(&k);
}

static void test_overlong_lines_keep_step(void **state)
{
    static char longline[6000];
    struct talk k;
    struct turn turns[] = {HELLO, C(longline), S("500 too long\r\n"), C("NOOP\r\n"),
                           S("250 ok\r\n")};

    (void)state;
    memset(longline, 'A', sizeof(longline) - 3);
    memcpy(longline + sizeof(longline) - 3, "\r\n", 3);
    talk_begin(&k);
    talk_all(&k, turns, sizeof(turns) / sizeof(turns[0]), SIZE_MAX);
    assert_int_equal(k.s.long_lines[SESSION_TO_SERVER], 1);
    assert_int_equal(k.s.odd[0].line_len, sizeof(longline) - 3);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_reply_lines_are_capped(void **state)
{
    struct talk k;
    struct turn turns[] = {S("220 x\r\n"), C("EHLO a\r\n")};

    (void)state;
    talk_begin(&k);
    talk_all(&k, turns, 2, SIZE_MAX);
    for (int i = 0; i < 100; i++)
        talk_turn(&k, &(struct turn)S("250-X\r\n"), SIZE_MAX, SIZE_MAX);
    talk_turn(&k, &(struct turn)S("250 Y\r\n"), SIZE_MAX, SIZE_MAX);
    assert_int_equal(k.s.reading.line_count, CAP_REPLY_LINES);
    assert_true(k.s.reading.lines_capped);
    assert_int_equal(k.s.reading.ehlo, EHLO_CUT);
    assert_true(k.s.caps_hit > 0);
    talk_end(&k);
}

static void test_recipients_are_capped_and_counted(void **state)
{
    struct talk k;
    struct turn turns[] = {HELLO};

    (void)state;
    talk_begin(&k);
    talk_all(&k, turns, 3, SIZE_MAX);
    for (int i = 0; i < 150; i++) {
        talk_turn(&k, &(struct turn)C("RCPT TO:<a@b.test>\r\n"), SIZE_MAX, SIZE_MAX);
        talk_turn(&k, &(struct turn)S("250 ok\r\n"), SIZE_MAX, SIZE_MAX);
    }
    assert_int_equal(k.s.rcpt_count, CAP_RECIPIENTS);
    assert_int_equal(k.s.rcpt_commands, 150);
    assert_int_equal(k.s.rcpt_accepted, 150);
    assert_int_equal(k.s.rcpt_domain_count, 1);
    talk_end(&k);
}

static void test_client_gap_drifts_until_a_reply(void **state)
{
    (void)state;
    TALK(HELLO, C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"), CGAP(60),
         C("STARTTLS is what this body talks about\r\nEHLO x\r\n.\r\n"), S("250 queued\r\n"),
         C("QUIT\r\n"), S("221 bye\r\n"));
    assert_int_equal(k.s.upgrade_asks, 0);
    assert_int_equal(k.s.ehlo_count, 1);
    assert_true(k.s.quit);
    assert_int_equal(k.s.unsolicited, 0);
    talk_end(&k);
}

static void test_bare_endings_and_nul_are_facts(void **state)
{
    (void)state;
    TALK(S("220 x\n"), CB("EHLO a\0b\r\n"), S(EHLO_REPLY), C("NO\rOP\r\n"), S("500 no\r\n"));
    assert_int_equal(k.s.bare_lf[SESSION_TO_CLIENT], 1);
    assert_int_equal(k.s.nul_bytes[SESSION_TO_SERVER], 1);
    assert_int_equal(k.s.bare_cr[SESSION_TO_SERVER], 1);
    talk_end(&k);
}

static void test_other_protocols_are_left_alone(void **state)
{
    (void)state;
    TALK(S("SSH-2.0-OpenSSH\r\n"), C("SSH-2.0-x\r\n"));
    assert_true(k.s.not_smtp);
    assert_int_equal(k.s.odd_count, 0);
    talk_end(&k);
}

/* A reader that stopped inside a record header must not go on there later. */
static void test_tls_reader_starts_afresh(void **state)
{
    (void)state;
    TALK(S("220 x\r\n"),
         CB("\x16\x03\x01\x00\x02\x01\x00"
            "EHLO "),
         S("354 x\r\n"), C("\r\n.\r\n"),
         CB("\x17\x03\x37"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
         S("334 x\r\n"));
    assert_int_equal(k.s.tls_records[SESSION_TO_SERVER], 1);
    talk_end(&k);
}

static void test_secret_after_a_lost_auth_line_is_never_kept(void **state)
{
    struct span pool;

    (void)state;
    TALK(HELLO, CGAP(12), S("334 VXNlcm5hbWU6\r\n"), C("c2VjcmV0\r\n"), S("535 no\r\n"));
    assert_int_equal(k.s.odd_count, 0);
    pool = span_of(k.s.pool, k.s.pool_used);
    assert_int_equal(span_search_nocase(pool, span_str("c2VjcmV0")), pool.n);
    talk_end(&k);
}

static void test_lost_answer_to_data_decides_by_the_next_line(void **state)
{
    (void)state;
    TALK(HELLO, C("DATA\r\n"), SGAP(20), C("QUIT\r\n"), S("221 bye\r\n"));
    assert_int_equal(k.s.mails, 0);
    assert_true(k.s.quit);
    talk_end(&k);
}

static void test_reply_inside_a_message_does_not_end_it(void **state)
{
    (void)state;
    TALK(HELLO, C("DATA\r\n"), S("354 go\r\n"), C("one\r\n"), S("452 slow\r\n"),
         C("AUTH PLAIN x\r\nSTARTTLS\r\n.\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.auth, AUTH_NONE);
    assert_int_equal(k.s.upgrade_asks, 0);
    assert_int_equal(k.s.mails, 1);
    talk_end(&k);
}

static void test_message_that_ends_with_bare_lf_ends_with_its_reply(void **state)
{
    (void)state;
    TALK(HELLO, C("DATA\r\n"), S("354 go\r\n"), C("one\n.\n"), S("250 ok\r\n"), C("QUIT\r\n"),
         S("221 bye\r\n"));
    assert_int_equal(k.s.mails, 1);
    assert_true(k.s.quit);
    talk_end(&k);
}

static void test_421_after_the_go_ahead_is_no_injection(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), S("421 timeout\r\n"));
    assert_int_equal(k.s.early_server, BYTES_NONE);
    assert_true(k.s.code_421);
    talk_end(&k);
}

static void test_lost_client_hello_is_no_clear_text(void **state)
{
    (void)state;
    TALK(HELLO, C("STARTTLS\r\n"), S("220 go\r\n"), CGAP(300), S("454 no\r\n"),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.client_after, BYTES_NONE);
    talk_end(&k);
}

static void test_second_ehlo_lost_leaves_its_reply_unknown(void **state)
{
    (void)state;
    TALK(S("220 x ESMTP\r\n"), C("EHLO _\r\n"), S("501 bad name\r\n"), CGAP(15), S(EHLO_REPLY),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.reading.ehlo, EHLO_GAP);
    talk_end(&k);
}

static void test_pipelined_login_keeps_step(void **state)
{
    (void)state;
    TALK(HELLO, C("AUTH LOGIN\r\ndXNlcg==\r\nc2VjcmV0\r\n"), S("334 a\r\n334 b\r\n235 ok\r\n"),
         C("MAIL FROM:<a@b.test>\r\n"), S("250 ok\r\n"));
    assert_int_equal(k.s.auth, AUTH_ACCEPTED);
    assert_int_equal(k.s.mail_accepted, 1);
    assert_int_equal(k.s.odd_count, 0);
    talk_end(&k);
}

/* Without room for its text a line may have been STARTTLS: the reply is not complete. */
static void test_full_text_pool_makes_no_absence(void **state)
{
    static char big[64 * 96];
    struct talk k;
    struct turn banner = S("220 x\r\n"), hello = C("EHLO a\r\n"), reply = S(big);
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(big + n, sizeof(big) - n, "250%cK%085d\r\n", i < 59 ? '-' : ' ', i);
    talk_begin(&k);
    talk_turn(&k, &banner, SIZE_MAX, SIZE_MAX);
    for (int i = 0; i < 12; i++) {
        talk_turn(&k, &hello, SIZE_MAX, SIZE_MAX);
        talk_turn(&k, &reply, SIZE_MAX, SIZE_MAX);
    }
    assert_int_equal(k.s.reading.ehlo, EHLO_CUT);
    talk_end(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ehlo_reply_keeps_order_and_slots),
        cmocka_unit_test(test_blank_and_empty_keyword_lines),
        cmocka_unit_test(test_gap_in_ehlo_reply_is_no_absence),
        cmocka_unit_test(test_snap_cut_in_ehlo_reply),
        cmocka_unit_test(test_lost_reply_leaves_ehlo_damaged),
        cmocka_unit_test(test_ehlo_refused_then_helo),
        cmocka_unit_test(test_starttls_refused_and_mail_follows),
        cmocka_unit_test(test_warnings_before_the_hellos),
        cmocka_unit_test(test_multi_line_220_is_no_injection),
        cmocka_unit_test(test_response_injection),
        cmocka_unit_test(test_command_injection),
        cmocka_unit_test(test_early_client_hello_is_tls),
        cmocka_unit_test(test_clear_after_220),
        cmocka_unit_test(test_server_answers_tls_in_clear),
        cmocka_unit_test(test_ironport_alert_then_clear),
        cmocka_unit_test(test_the_name_that_is_asked_for),
        cmocka_unit_test(test_a_client_that_gives_tls_up_is_read),
        cmocka_unit_test(test_text_among_records_is_no_dialogue),
        cmocka_unit_test(test_a_broken_hello_names_nobody),
        cmocka_unit_test(test_a_hello_with_text_in_it_names_nobody),
        cmocka_unit_test(test_tls_completes_only_with_an_answer_to_data),
        cmocka_unit_test(test_a_hello_behind_data_is_none),
        cmocka_unit_test(test_encrypted_alert_completes_nothing),
        cmocka_unit_test(test_pipelined_replies_find_their_commands),
        cmocka_unit_test(test_dot_stuffing_and_bare_lf_dot_are_text),
        cmocka_unit_test(test_refused_data_is_no_message),
        cmocka_unit_test(test_bdat_counts_octets),
        cmocka_unit_test(test_bdat_size_beyond_64_bits_is_no_chunk),
        cmocka_unit_test(test_auth_is_never_kept),
        cmocka_unit_test(test_auth_answer_after_a_lost_challenge_is_never_kept),
        cmocka_unit_test(test_unknown_verb_keeps_its_reply),
        cmocka_unit_test(test_demand_for_tls),
        cmocka_unit_test(test_authentication_required_is_no_demand_for_tls),
        cmocka_unit_test(test_surplus_reply_is_unsolicited),
        cmocka_unit_test(test_reply_begun_before_the_tap_is_not_whole),
        cmocka_unit_test(test_reply_answers_only_what_its_packet_acknowledged),
        cmocka_unit_test(test_421_is_not_unsolicited),
        cmocka_unit_test(test_proxy_headers),
        cmocka_unit_test(test_xclient_restarts_the_session),
        cmocka_unit_test(test_overlong_lines_keep_step),
        cmocka_unit_test(test_reply_lines_are_capped),
        cmocka_unit_test(test_recipients_are_capped_and_counted),
        cmocka_unit_test(test_client_gap_drifts_until_a_reply),
        cmocka_unit_test(test_bare_endings_and_nul_are_facts),
        cmocka_unit_test(test_other_protocols_are_left_alone),
        cmocka_unit_test(test_tls_reader_starts_afresh),
        cmocka_unit_test(test_secret_after_a_lost_auth_line_is_never_kept),
        cmocka_unit_test(test_lost_answer_to_data_decides_by_the_next_line),
        cmocka_unit_test(test_reply_inside_a_message_does_not_end_it),
        cmocka_unit_test(test_message_that_ends_with_bare_lf_ends_with_its_reply),
        cmocka_unit_test(test_421_after_the_go_ahead_is_no_injection),
        cmocka_unit_test(test_lost_client_hello_is_no_clear_text),
        cmocka_unit_test(test_second_ehlo_lost_leaves_its_reply_unknown),
        cmocka_unit_test(test_pipelined_login_keeps_step),
        cmocka_unit_test(test_full_text_pool_makes_no_absence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
