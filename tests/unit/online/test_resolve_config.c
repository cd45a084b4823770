/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "online/resolve.h"
#include "online/resolve_config.h"

static void forwards_are_read(void **state)
{
    static const struct {
        const char *text, *want, *name;
        bool tls, loopback;
    } right[] = {
        {"192.0.2.1", "192.0.2.1@53", "", false, false},
        {"192.0.2.1@5353", "192.0.2.1@5353", "", false, false},
        {"192.0.2.1#dns.example", "192.0.2.1@853", "dns.example", true, false},
        {"192.0.2.1@8853#DNS.example.", "192.0.2.1@8853", "dns.example", true, false},
        {"2001:db8::53", "2001:db8::53@53", "", false, false},
        {"2001:db8::53@65535#a.example", "2001:db8::53@65535", "a.example", true, false},
        {"127.3.0.1", "127.3.0.1@53", "", false, true},
        {"::1@5300", "::1@5300", "", false, true},
    };
    struct resolve_upstream u;
    char why[RESOLVE_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_true(resolve_forward_read(&u, right[i].text, why, sizeof(why)));
        assert_string_equal(u.text, right[i].want);
        assert_string_equal(u.name, right[i].name);
        assert_int_equal(u.tls, right[i].tls);
        assert_int_equal(u.loopback, right[i].loopback);
    }
}

static void wrong_forwards_are_told(void **state)
{
    static const char *const wrong[] = {
        "",
        "dns.example",
        "192.0.2",
        "192.0.2.1@",
        "192.0.2.1@0",
        "192.0.2.1@65536",
        "192.0.2.1@5x",
        "192.0.2.1#",
        "192.0.2.1#a b",
        "[2001:db8::1]@53",
        "fe80::1%eth0",
        "192.0.2.1:53",
        "192.0.2.1@-1",
        "192.0.2.1#x@853",
        " 192.0.2.1",
        "192.0.2.1@000053",
        "@53",
    };
    struct resolve_upstream u;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char why[RESOLVE_WHY] = "";
        assert_false(resolve_forward_read(&u, wrong[i], why, sizeof(why)));
        assert_string_not_equal(why, "");
    }
}

static void stubs_are_read(void **state)
{
    struct resolve_upstream u;
    char why[RESOLVE_WHY];

    (void)state;
    assert_true(resolve_stub_read(&u, "Lab.example.=127.0.0.1@5300", why, sizeof(why)));
    assert_string_equal(u.zone, "lab.example");
    assert_string_equal(u.text, "127.0.0.1@5300");
    assert_true(u.loopback);
    assert_true(resolve_stub_read(&u, ".=2001:db8::1", why, sizeof(why)));
    assert_string_equal(u.zone, ".");
    assert_string_equal(u.text, "2001:db8::1@53");
    assert_false(resolve_stub_read(&u, "lab.example", why, sizeof(why)));
    assert_false(resolve_stub_read(&u, "=127.0.0.1", why, sizeof(why)));
    assert_false(resolve_stub_read(&u, "lab example=127.0.0.1", why, sizeof(why)));
    assert_false(resolve_stub_read(&u, "lab.example=127.0.0.1#name.example", why, sizeof(why)));
    assert_false(resolve_stub_read(&u, "lab.example=", why, sizeof(why)));
}

static bool has(const char *file)
{
    return resolve_anchor_has(span_str(file));
}

static void anchors_are_found(void **state)
{
    (void)state;
    assert_true(has(". IN DS 20326 8 2 E06D44B8\n"));
    assert_true(has("; comment\n.\t172800\tIN\tDNSKEY\t257 3 8 AwEAAaz/ ; id = 20326\n"));
    assert_true(has(". in dnskey 257 3 8 AwEAAaz/"));
    assert_false(has(""));
    assert_false(has("\n\n"));
    assert_false(has("; . IN DS 20326 8 2 E06D44B8\n"));
    assert_false(has(". IN A 192.0.2.1\n"));
    assert_false(has("root:x:0:0:DSA:/root\n"));
}

/* Each would make a resolver that is not the one that was meant: refused before anything starts. */
static void configurations_are_checked(void **state)
{
    static const char *const mixed[] = {"192.0.2.1", "192.0.2.2#dns.example"};
    static const char *const tls[] = {"192.0.2.2#dns.example"};
    static const char *many[CAP_RESOLVE_FORWARDS + 1];
    const struct resolve_config wrong[] = {
        {.forward = mixed, .forwards = 2},
        {.forward = tls, .forwards = 1, .ca_file = "/does/not/exist"},
        {.forward = tls, .forwards = 1, .ca_file = "/"},
        {.forward = tls, .forwards = 1, .ca_file = "/etc/passwd"},
        {.forward = many, .forwards = CAP_RESOLVE_FORWARDS + 1},
        {.anchor_file = "/does/not/exist"},
        {.anchor_file = "/dev/null"},
        {.anchor_file = "/"},
    };

    (void)state;
    for (size_t i = 0; i < CAP_RESOLVE_FORWARDS + 1; i++)
        many[i] = "192.0.2.1";
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char why[RESOLVE_WHY] = "";
        assert_null(resolve_new(&wrong[i], why));
        assert_string_not_equal(why, "");
    }
    resolve_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_are_read),
        cmocka_unit_test(wrong_forwards_are_told),
        cmocka_unit_test(stubs_are_read),
        cmocka_unit_test(anchors_are_found),
        cmocka_unit_test(configurations_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
