/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/dns_id.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"

static bool match_bytes(const char *id, size_t n, const char *host)
{
    uint8_t *a = guard_copy(id, n), *b = guard_copy(host, strlen(host));
    bool hit = dns_id_match(span_of(a, n), span_of(b, strlen(host)));

    guard_free(a);
    guard_free(b);
    return hit;
}

static bool match(const char *id, const char *host)
{
    return match_bytes(id, strlen(id), host);
}

static void a_name_is_itself(void **state)
{
    (void)state;
    assert_true(match("mx.bob.example", "mx.bob.example"));
    assert_true(match("MX.Bob.Example", "mx.bOB.example"));
    assert_true(match("mx.bob.example", "mx.bob.example."));
    assert_true(match("mx.bob.example.", "mx.bob.example"));
    assert_true(match("localhost", "localhost"));
    assert_false(match("mx.bob.example", "mx2.bob.example"));
    assert_false(match("bob.example", "mx.bob.example"));
    assert_false(match("mx.bob.example", "bob.example"));
    assert_false(match("mx.bob.example..", "mx.bob.example"));
    assert_false(match("", "") || match(".", ".") || match("", "a.test") || match("a.test", ""));
}

/* RFC 6125 section 6.4.3, and the whole label alone (RFC 8461 section 4.1). */
static void the_asterisk_is_one_whole_label(void **state)
{
    static const struct {
        const char *id, *host;
        bool hit;
    } table[] = {
        {"*.example.com", "foo.example.com", true},
        {"*.EXAMPLE.com", "FOO.example.COM.", true},
        {"*.example.com", "bar.foo.example.com", false},
        {"*.example.com", "example.com", false},
        {"*.example.com", ".example.com", false},
        {"*.example.com", "*.example.com", false},
        {"baz*.example.net", "baz1.example.net", false},
        {"*baz.example.net", "foobaz.example.net", false},
        {"b*z.example.net", "buzz.example.net", false},
        {"bar.*.example.net", "bar.foo.example.net", false},
        {"*.*.example.net", "bar.foo.example.net", false},
        {"**.example.net", "foo.example.net", false},
        {"xn--*.example.net", "xn--bcher-kva.example.net", false},
        {"*.example.net", "xn--bcher-kva.example.net", true},
        {"*", "example", false},
        {"*.", "example", false},
        {"*.test", "a.test", false},
        {"*.test.", "a.test", false},
        {"*test.example", "atest.example", false},
        {".example.com", "foo.example.com", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (match(table[i].id, table[i].host) != table[i].hit)
            fail_msg("%s and %s", table[i].id, table[i].host);
}

static void a_labels_are_compared_as_they_stand(void **state)
{
    (void)state;
    assert_true(match("xn--bcher-kva.example", "XN--BCHER-KVA.example"));
    assert_false(match("b\xC3\xBC"
                       "cher.example",
                       "xn--bcher-kva.example"));
    assert_false(match("b\xC3\xBC"
                       "cher.example",
                       "b\xC3\xBC"
                       "cher.example"));
}

static void what_is_no_name_matches_nothing(void **state)
{
    (void)state;
    assert_false(match_bytes("mx.bob.example\0.evil.test", 24, "mx.bob.example"));
    assert_false(match_bytes("mx.bob.example\0", 15, "mx.bob.example"));
    assert_false(match_bytes("*.bob.example\0", 14, "mx.bob.example"));
    assert_false(match("mx bob.example", "mx bob.example"));
    assert_false(match("mx_1.bob.example", "mx_1.bob.example"));
    assert_false(match("-mx.bob.example", "-mx.bob.example"));
    assert_false(match("*._tcp.example", "a._tcp.example"));
    assert_false(match("192.0.2.1", "192.0.2.1"));
    assert_false(match("*.0.2.1", "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_itself),
        cmocka_unit_test(the_asterisk_is_one_whole_label),
        cmocka_unit_test(a_labels_are_compared_as_they_stand),
        cmocka_unit_test(what_is_no_name_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
