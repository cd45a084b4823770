/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets of this machine; the time is the test's. */
#include "sensor/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define METRICS "# HELP a b\n# TYPE a counter\na 1\n"

static struct gate *g;
static char why[GATE_WHY];
static int64_t now;
static char heard[CAP_MESSAGE_STATE + 1024];
static char dir[] = "/tmp/stripwatch-gate-XXXXXX", path[64];

static void set(bool healthy, bool ready)
{
    gate_set(g, span_str(METRICS), healthy, ready, span_str("all is well\n"));
}

static int set_up(void **state)
{
    (void)state;
    now = 1000 * NS_PER_S;
    snprintf(path, sizeof(path), "%s/control", dir);
    g = gate_new("127.0.0.1:0", path, why);
    if (!g)
        fail_msg("%s", why);
    set(true, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gate_free(g);
    g = NULL;
    return 0;
}

/* --- visitors --- */

static int visit(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)gate_port(g)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static int visit_control(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Lets the gate do all that it can do now. */
static void turn(void)
{
    struct pollfd p[GATE_FDS];
    for (int ready = 1; ready > 0;) {
        size_t n = gate_fds(g, p, GATE_FDS);
        ready = poll(p, (nfds_t)n, 5);
        assert_true(ready >= 0);
        gate_turn_at(g, p, n, now);
    }
}

/* What there is to hear, while the gate goes on; how much. */
static size_t hear(int fd)
{
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, heard + n, sizeof(heard) - 1 - n, MSG_DONTWAIT)) > 0) {
        n += (size_t)got;
        turn();
    }
    heard[n] = '\0';
    return n;
}

static const char *answer_to(int fd, const char *text)
{
    say(fd, text);
    turn();
    hear(fd);
    close(fd);
    turn();
    assert_int_equal(gate_visitors(g), 0);
    return heard;
}

static void begins(const char *answer, const char *with)
{
    if (strncmp(answer, with, strlen(with)) != 0)
        fail_msg("%s does not begin with %s", answer, with);
}

static void ends(const char *answer, const char *with)
{
    size_t n = strlen(answer), m = strlen(with);
    if (n < m || strcmp(answer + n - m, with) != 0)
        fail_msg("%s does not end with %s", answer, with);
}

/* --- answers --- */

static void the_metrics(void **state)
{
    (void)state;
    const char *a = answer_to(visit(), "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    begins(a, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_non_null(strstr(a, "\r\nContent-Length: 32\r\n"));
    assert_non_null(strstr(a, "\r\nConnection: close\r\n"));
    ends(a, "\r\n\r\n" METRICS);
    a = answer_to(visit(), "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(a, "\r\nContent-Length: 32\r\n"));
    ends(a, "\r\n\r\n");
}

static void health(void **state)
{
    (void)state;
    begins(answer_to(visit(), "GET /healthz HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\n");
    begins(answer_to(visit(), "GET /readyz HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\n");
    set(true, false);
    begins(answer_to(visit(), "GET /healthz HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\n");
    begins(answer_to(visit(), "GET /readyz HTTP/1.0\r\n\r\n"),
           "HTTP/1.1 503 Service Unavailable\r\n");
    set(false, false);
    begins(answer_to(visit(), "GET /healthz HTTP/1.0\r\n\r\n"),
           "HTTP/1.1 503 Service Unavailable\r\n");
}

static void what_is_refused(void **state)
{
    (void)state;
    const char *a = answer_to(visit(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    begins(a, "HTTP/1.1 404 Not Found\r\n");
    a = answer_to(visit(), "DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    begins(a, "HTTP/1.1 405 Method Not Allowed\r\n");
    assert_non_null(strstr(a, "\r\nAllow: GET, HEAD\r\n"));
    begins(answer_to(visit(), "\x16\x03\x01\n\n"), "HTTP/1.1 400 Bad Request\r\n");
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    gate_set(g, span_of(NULL, 0), false, false, span_of(NULL, 0));
    begins(answer_to(visit(), "GET /metrics HTTP/1.0\r\n\r\n"),
           "HTTP/1.1 503 Service Unavailable\r\n");
    assert_string_equal(answer_to(visit_control(), "status\n"), "nothing is known yet\n");
}

static void status(void **state)
{
    (void)state;
    assert_string_equal(answer_to(visit_control(), "status\n"), "all is well\n");
    assert_string_equal(answer_to(visit_control(), "status\r\nmore"), "all is well\n");
    assert_string_equal(answer_to(visit_control(), "stop\n"),
                        "unknown request: `status` and `status json` are known\n");
}

/* As large as can be: more than the socket takes at once, and the answer has all of it. */
static void a_large_page(void **state)
{
    static uint8_t large[CAP_MESSAGE_STATE + 1];
    (void)state;
    memset(large, 'm', sizeof(large));
    gate_set(g, span_of(large, CAP_MESSAGE_STATE), true, true, span_of(large, sizeof(large)));
    const char *a = answer_to(visit(), "GET /metrics HTTP/1.0\r\n\r\n");
    const char *body = strstr(a, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), CAP_MESSAGE_STATE);
    assert_int_equal(strlen(answer_to(visit_control(), "status\n")), CAP_MESSAGE_STATE);
    gate_set(g, span_of(large, sizeof(large)), true, true, span_of(NULL, 0));
    begins(answer_to(visit(), "GET /metrics HTTP/1.0\r\n\r\n"), "HTTP/1.1 503 ");
}

/* --- those who take their time --- */

static void a_request_in_single_bytes(void **state)
{
    static const char text[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    (void)state;
    int fd = visit();
    for (const char *c = text; *c; c++) {
        const char one[] = {*c, '\0'};
        say(fd, one);
        turn();
    }
    assert_true(hear(fd) > 0);
    begins(heard, "HTTP/1.1 200 OK\r\n");
    close(fd);
}

static void who_asks_too_slowly_leaves(void **state)
{
    (void)state;
    int fd = visit(), control = visit_control();
    for (int i = 0; i < CAP_GATE_SECONDS; i++) {
        say(fd, "G");
        turn();
        assert_int_equal(gate_visitors(g), 2);
        now += NS_PER_S;
    }
    turn();
    assert_int_equal(gate_visitors(g), 0);
    assert_int_equal(hear(fd), 0);
    close(fd);
    close(control);
}

/* The request has come, and the visitor neither reads what is more than fits in between nor goes.
 */
static void who_does_not_hear_leaves(void **state)
{
    static uint8_t large[CAP_MESSAGE_STATE];
    int small = 1;
    (void)state;
    gate_set(g, span_of(large, sizeof(large)), true, true, span_of(NULL, 0));
    int fd = visit();
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
    turn();
    assert_int_equal(gate_visitors(g), 1);
    now += CAP_GATE_SECONDS * NS_PER_S;
    turn();
    assert_int_equal(gate_visitors(g), 0);
    close(fd);
}

static void who_goes_early_is_forgotten(void **state)
{
    (void)state;
    int fd = visit();
    turn();
    assert_int_equal(gate_visitors(g), 1);
    say(fd, "GET /metr");
    close(fd);
    turn();
    assert_int_equal(gate_visitors(g), 0);
}

/* Much more than a request: it is refused, and the refusal arrives. */
static void a_request_without_end(void **state)
{
    static char text[3 * CAP_GATE_REQUEST];
    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    begins(answer_to(visit(), text), "HTTP/1.1 431 ");
    begins(answer_to(visit_control(), text), "unknown request");
}

/* --- crowds --- */

static void a_crowd_is_let_in_by_and_by(void **state)
{
    int fd[2 * CAP_GATE_VISITORS];
    const size_t n = sizeof(fd) / sizeof(fd[0]);
    (void)state;
    for (size_t i = 0; i < n; i++) { /* those who are not let in wait in the kernel */
        fd[i] = visit();
        turn();
    }
    assert_int_equal(gate_visitors(g), CAP_GATE_VISITORS);
    int control = visit_control(); /* its places are its own */
    say(control, "status\n");
    turn();
    hear(control);
    assert_string_equal(heard, "all is well\n");
    close(control);
    for (size_t i = 0; i < n; i++)
        say(fd[i], "GET /healthz HTTP/1.0\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        turn();
        assert_true(hear(fd[i]) > 0);
        begins(heard, "HTTP/1.1 200 OK\r\n");
        close(fd[i]);
    }
    turn();
    assert_int_equal(gate_visitors(g), 0);
}

/* --- doors --- */

static struct gate *try_listen(const char *listen)
{
    return gate_new(listen, NULL, why);
}

static void addresses(void **state)
{
    static const char *const bad[] = {"0.0.0.0:9107",    "[::]:9107",
                                      "192.0.2.1:9107",  "127.0.0.1",
                                      "127.0.0.1:",      "127.0.0.1:65536",
                                      "127.0.0.1:9107x", "[::1]9107",
                                      "::1:9107",        "[::1:9107",
                                      "localhost:9107",  "",
                                      "127.0.0.1:-1",    "[::ffff:127.0.0.1]:9107"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (try_listen(bad[i]))
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(why, "loopback"));
    }
    struct gate *six = try_listen("[::1]:0");
    if (!six && !strstr(why, "Cannot assign")) /* there are machines without IPv6 */
        fail_msg("%s", why);
    gate_free(six);
    char same[32];
    snprintf(same, sizeof(same), "127.0.0.1:%u", gate_port(g));
    assert_null(try_listen(same));
    assert_non_null(strstr(why, "Address already in use"));
}

static void nothing_to_listen_at(void **state)
{
    struct pollfd p[GATE_FDS];
    (void)state;
    struct gate *none = gate_new(NULL, NULL, why);
    assert_non_null(none);
    assert_int_equal(gate_fds(none, p, GATE_FDS), 0);
    assert_int_equal(gate_port(none), 0);
    gate_turn(none, p, 0);
    gate_free(none);
}

static void the_socket_is_for_owner_and_group(void **state)
{
    struct stat st;
    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    gate_free(g);
    g = NULL;
    assert_int_equal(stat(path, &st), -1);
}

static void who_answers_is_not_replaced(void **state)
{
    (void)state;
    assert_null(gate_new(NULL, path, why));
    assert_non_null(strstr(why, "somebody answers there"));
    assert_string_equal(answer_to(visit_control(), "status\n"), "all is well\n");
}

static void what_is_left_behind_is_replaced(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)state;
    gate_free(g);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    close(fd);
    g = gate_new(NULL, path, why);
    if (!g)
        fail_msg("%s", why);
    set(true, true);
    assert_string_equal(answer_to(visit_control(), "status\n"), "all is well\n");
}

static void a_file_is_not_replaced(void **state)
{
    struct stat st;
    char long_path[200];
    (void)state;
    gate_free(g);
    g = NULL;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_null(gate_new(NULL, path, why));
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    unlink(path);
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_null(gate_new(NULL, long_path, why));
    assert_non_null(strstr(why, "too long"));
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return rmdir(dir);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_metrics),
        TEST(health),
        TEST(what_is_refused),
        TEST(nothing_is_known_at_first),
        TEST(status),
        TEST(a_large_page),
        TEST(a_request_in_single_bytes),
        TEST(who_asks_too_slowly_leaves),
        TEST(who_does_not_hear_leaves),
        TEST(who_goes_early_is_forgotten),
        TEST(a_request_without_end),
        TEST(a_crowd_is_let_in_by_and_by),
        TEST(addresses),
        TEST(nothing_to_listen_at),
        TEST(the_socket_is_for_owner_and_group),
        TEST(who_answers_is_not_replaced),
        TEST(what_is_left_behind_is_replaced),
        TEST(a_file_is_not_replaced),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
