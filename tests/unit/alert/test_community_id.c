/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/community_id.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct vector {
    const char *a;
    uint16_t a_port;
    const char *b;
    uint16_t b_port;
    uint16_t seed;
    const char *id;
};

/* The baseline of the specification's repository, and flows seen by Suricata 7. */
static const struct vector VECTORS[] = {
    {"128.232.110.120", 34855, "66.35.250.204", 80, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {"128.232.110.120", 34855, "66.35.250.204", 80, 1, "1:3V71V58M3Ksw/yuFALMcW0LAHvc="},
    {"2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25, 0,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {"2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25, 1,
     "1:eJYTW6AOzFLlSUoESovMjnu7rMw="},
    {"192.0.2.10", 40001, "198.51.100.25", 25, 0, "1:qd49kQW7x1acVJHd5XUdzuOvP9Q="},
};

static uint8_t parse(const char *text, uint8_t address[16])
{
    memset(address, 0, 16);
    if (inet_pton(AF_INET, text, address) == 1)
        return 4;
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
    return 6;
}

static void expect(const struct flow_key *k, uint16_t seed, const char *id)
{
    char out[COMMUNITY_ID_TEXT];
    assert_int_equal(community_id(k, COMMUNITY_TCP, seed, out), 0);
    assert_string_equal(out, id);
}

/* The id is that of the flow, so it must not matter which end is called the client. */
static void test_vectors_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        const struct vector *v = &VECTORS[i];
        struct flow_key k = {.client_port = v->a_port, .server_port = v->b_port};
        struct flow_key back = {.client_port = v->b_port, .server_port = v->a_port};
        k.family = back.family = parse(v->a, k.client);
        parse(v->b, k.server);
        memcpy(back.client, k.server, 16);
        memcpy(back.server, k.client, 16);
        expect(&k, v->seed, v->id);
        expect(&back, v->seed, v->id);
    }
}

/* The specification's own example of UDP (github.com/corelight/community-id-spec, baseline). */
static void test_udp(void **state)
{
    char out[COMMUNITY_ID_TEXT];
    struct flow_key k = {.client_port = 54585, .server_port = 53};
    (void)state;
    k.family = parse("192.168.1.52", k.client);
    parse("8.8.8.8", k.server);
    assert_int_equal(community_id(&k, COMMUNITY_UDP, 0, out), 0);
    assert_string_equal(out, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
}

/* With one address on both ends the ports decide. */
static void test_same_address(void **state)
{
    char one[COMMUNITY_ID_TEXT], other[COMMUNITY_ID_TEXT];
    struct flow_key k = {.family = 4, .client_port = 40001, .server_port = 25};
    struct flow_key back = {.family = 4, .client_port = 25, .server_port = 40001};
    (void)state;
    parse("127.0.0.1", k.client);
    memcpy(k.server, k.client, 16);
    memcpy(back.client, k.client, 16);
    memcpy(back.server, k.client, 16);
    assert_int_equal(community_id(&k, COMMUNITY_TCP, 0, one), 0);
    assert_int_equal(community_id(&back, COMMUNITY_TCP, 0, other), 0);
    assert_string_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_both_ways),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_same_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
