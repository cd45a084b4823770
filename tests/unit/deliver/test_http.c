/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies and answers as the documentation of Splunk and Elasticsearch has them. */
#include "deliver/http_answer.h"
#include "deliver/http_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

static char to[4096];

static const char *item(enum sink_http_kind kind, const char *eve, const char *text)
{
    const struct http_body b = {
        .kind = kind, .index = "mail", .sourcetype = "suricata", .sensor = "tap-1"};
    struct line l;
    size_t n;

    line_read(span_str(eve), &l);
    n = http_body_item(&b, &l, span_str(text), to, sizeof(to) - 1);
    to[n] = '\0';
    return to;
}

/* date -u -d '2026-11-21T10:00:00' +%s = 1795255200 */
static void bodies(void **state)
{
    const char *eve = "{\"timestamp\":\"2026-11-21T10:00:00.121200+0000\",\"host\":\"b\\\"1\","
                      "\"alert\":{\"metadata\":{\"alert_id\":[\"46ed\"]}}}";

    (void)state;
    assert_string_equal(item(SINK_HTTP_BULK, eve, "{\"x\":1}"),
                        "{\"create\":{\"_id\":\"46ed\"}}\n{\"x\":1}\n");
    assert_string_equal(item(SINK_HTTP_BULK, eve, "CEF:0|a\\|\"\n"),
                        "{\"create\":{\"_id\":\"46ed\"}}\n"
                        "{\"message\":\"CEF:0|a\\u005c|\\u0022\\u000a\"}\n");
    assert_string_equal(item(SINK_HTTP_HEC, eve, "{\"x\":1}"),
                        "{\"source\":\"stripwatch\",\"host\":\"b\\u00221\","
                        "\"sourcetype\":\"suricata\",\"index\":\"mail\",\"time\":1795255200.121,"
                        "\"event\":{\"x\":1}}\n");
    assert_string_equal(item(SINK_HTTP_HEC, "{}", "CEF"),
                        "{\"source\":\"stripwatch\",\"host\":\"tap-1\","
                        "\"sourcetype\":\"suricata\",\"index\":\"mail\",\"event\":\"CEF\"}\n");
    assert_string_equal(item(SINK_HTTP_HOOK, eve, "{\"x\":1}"), "{\"x\":1}\n");
}

static void no_room(void **state)
{
    const struct http_body b = {.kind = SINK_HTTP_HEC};
    struct line l;

    (void)state;
    line_read(span_str("{}"), &l);
    for (size_t room = 0; room < 100; room++)
        assert_true(http_body_item(&b, &l, span_str("text\n"), to, room) <= room);
    assert_int_equal(http_body_item(&b, &l, span_str("text"), to, 10), 0);
}

/* date -u -d '2026-11-21T10:00:00+0530' +%s = 1795235400 */
static void times(void **state)
{
    int64_t ms;

    (void)state;
    assert_true(http_body_time("2026-11-21T10:00:00.001999+0530", &ms));
    assert_int_equal(ms, 1795235400001);
    assert_true(http_body_time("1970-01-01T00:00:00.000000-0100", &ms));
    assert_int_equal(ms, 3600000);
    assert_false(http_body_time("1970-01-01", &ms));
}

static void gzip(void **state)
{
    uint8_t small[512], back[600];
    z_stream z = {.next_in = small, .next_out = back, .avail_out = sizeof(back)};
    char text[600];

    (void)state;
    memset(text, 'x', sizeof(text));
    z.avail_in = (uInt)http_body_gzip(span_of(text, sizeof(text)), small, sizeof(small));
    assert_in_range(z.avail_in, 18, 100);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_int_equal(z.total_out, sizeof(text));
    assert_memory_equal(back, text, sizeof(text));
    assert_int_equal(http_body_gzip(span_of(text, sizeof(text)), small, 10), 0);
}

static void bulk(void **state)
{
    struct http_bulk b;

    (void)state;
    assert_true(http_answer_bulk(span_str("{\"took\":3,\"errors\":false}"), 5, &b));
    assert_int_equal(b.taken, 5);
    assert_int_equal(b.first_later, 5);
    assert_true(http_answer_bulk(
        span_str("{\"errors\":true,\"items\":[{\"create\":{\"status\":201}},"
                 "{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict\"}}},"
                 "{\"create\":{\"status\":400,\"error\":{\"type\":\"mapper\\u001bx\"}}},"
                 "{\"create\":{\"status\":429,\"error\":{\"type\":\"es_rejected\"}}},"
                 "{\"create\":{\"status\":200}},{\"create\":{\"status\":503}}]}"),
        6, &b));
    assert_int_equal(b.taken, 2);
    assert_int_equal(b.known, 1);
    assert_int_equal(b.refused, 1);
    assert_int_equal(b.later, 2);
    assert_int_equal(b.first_later, 3);
    assert_int_equal(b.taken_before, 2);
    assert_int_equal(b.refused_before, 1);
    assert_string_equal(b.why, "mapper\\x1Bx");
    assert_false(http_answer_bulk(span_str("{\"errors\":true,\"items\":[]}"), 1, &b));
    assert_false(http_answer_bulk(span_str("{\"errors\":true}"), 1, &b));
    assert_false(http_answer_bulk(span_str("<html>"), 1, &b));
    assert_false(http_answer_bulk(span_str(""), 1, &b));
    assert_true(http_answer_bulk(span_str("{\"errors\":true,\"items\":[7]}"), 1, &b));
    assert_int_equal(b.later, 1); /* no status is no word: again */
}

static void collector(void **state)
{
    const uint64_t ids[] = {7, 8, 9};
    bool done[3] = {0}, has_id;
    uint64_t id;
    char words[HTTP_ANSWER_TEXT];

    (void)state;
    assert_true(
        http_answer_hec(span_str("{\"text\":\"Success\",\"code\":0,\"ackId\":7}"), &has_id, &id));
    assert_true(has_id && id == 7);
    assert_true(http_answer_hec(span_str("{\"text\":\"Success\",\"code\":0}"), &has_id, &id));
    assert_false(has_id);
    assert_false(http_answer_hec(span_str("{\"code\":9}"), &has_id, &id));
    assert_false(http_answer_hec(span_str("[]"), &has_id, &id));
    assert_true(http_answer_acks(span_str("{\"acks\":{\"7\":true,\"8\":false}}"), ids, 3, done));
    assert_true(done[0] && !done[1] && !done[2]);
    assert_false(http_answer_acks(span_str("{\"acks\":[]}"), ids, 3, done));
    http_answer_words(span_str("{\"text\":\"Server is busy\\n\",\"code\":9}"), words);
    assert_string_equal(words, "Server is busy\\x0A");
    http_answer_words(span_str("{\"error\":{\"type\":\"security_exception\"}}"), words);
    assert_string_equal(words, "security_exception");
    http_answer_words(span_str("nginx"), words);
    assert_string_equal(words, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies), cmocka_unit_test(no_room), cmocka_unit_test(times),
        cmocka_unit_test(gzip),   cmocka_unit_test(bulk),    cmocka_unit_test(collector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
