/* SPDX-License-Identifier: Apache-2.0 */
/* By RFC 9112 (sections in brackets) and RFC 9110. */
#include "sensor/gate_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/caps.h"

static struct gate_request r;

/* The status, at every cut before the end of which there must be more to come. */
static unsigned ask(const char *text)
{
    struct span all = span_str(text);
    for (size_t n = 0; n < all.n; n++)
        if (gate_request_parse(span_first(all, n), &r))
            fail_msg("an answer after %zu bytes of %s", n, text);
    if (!gate_request_parse(all, &r))
        return 0;
    return r.status;
}

static void pages(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9107\r\n\r\n"), 200);
    assert_int_equal(r.page, GATE_METRICS);
    assert_false(r.head);
    assert_int_equal(ask("HEAD /healthz HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"), 200);
    assert_int_equal(r.page, GATE_HEALTHZ);
    assert_true(r.head);
    assert_int_equal(ask("GET /readyz HTTP/1.0\r\n\r\n"), 200);
    assert_int_equal(r.page, GATE_READYZ);
}

/* [3.2.1] a query, [3.2.2] a server has to take the absolute form, [2.2] a bare LF may end a line,
 * and an empty line may come first. */
static void other_forms(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /metrics?a=b HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(ask("GET http://localhost:9107/metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(ask("GET /metrics HTTP/1.1\nHost: a\n\n"), 200);
    assert_int_equal(ask("\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nhOST:\ta\r\n\r\n"), 200);
    assert_int_equal(ask("GET /metrics HTTP/1.9\r\nHost: a\r\n\r\n"), 200); /* [2.3] */
}

static void what_is_not_here(void **state)
{
    (void)state;
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("GET //metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("GET /METRICS HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("GET http://localhost HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_int_equal(ask("HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    assert_true(r.head);
    assert_int_equal(ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 405);
    assert_int_equal(ask("get /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 405); /* case matters */
    assert_int_equal(ask("GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
}

/* [3.2] one Host in HTTP/1.1; [5.1] no blank before the colon; [5.2] no folding; [3] one blank
 * between the parts of the first line; [5.5 of 9110] no control characters. */
static void what_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n"), 400);
    assert_int_equal(ask("GET  /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics  HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1 \r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics http/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics\r\n\r\n"), 400);
    assert_int_equal(ask(" /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("GET /metrics HTTP/1.1\r\nHost: a\x01\r\n\r\n"), 400);
    assert_int_equal(ask("GET /met\x7frics HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(ask("\r\n\r\n"), 400);
    static const char nul[] = "GET /metrics HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n";
    assert_true(gate_request_parse(span_of(nul, sizeof(nul) - 1), &r));
    assert_int_equal(r.status, 400);
}

static void what_has_no_end(void **state)
{
    static char text[CAP_GATE_REQUEST];
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /metrics HTTP/1.1\r\nHost: ", 29);
    assert_false(gate_request_parse(span_of(text, sizeof(text) - 1), &r));
    assert_true(gate_request_parse(span_of(text, sizeof(text)), &r));
    assert_int_equal(r.status, 431);
    memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
    assert_true(gate_request_parse(span_of(text, sizeof(text)), &r));
    assert_int_equal(r.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),
        cmocka_unit_test(other_forms),
        cmocka_unit_test(what_is_not_here),
        cmocka_unit_test(what_is_malformed),
        cmocka_unit_test(what_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
