/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the relay are played here, and neither is kind: who asks too much, who takes
 * nothing, who leaves in the middle, who does not listen. Time does not enter, and nothing is
 * waited for. */
#include "sensor/relay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS 2000 /* more than any case needs */

static char folder[32], here[64], there[64], where[80];
static struct relay *relay;
static int redis; /* where the server listens; -1: it does not */

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, path, strlen(path));
    return a;
}

static void listen_there(void)
{
    const struct sockaddr_un a = address(there);
    redis = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(redis >= 0);
    unlink(there);
    assert_int_equal(bind(redis, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(redis, 16), 0);
}

static int setup(void **state)
{
    char why[RELAY_WHY];
    (void)state;
    memcpy(folder, "/tmp/relay-XXXXXX", 18);
    assert_non_null(mkdtemp(folder));
    snprintf(here, sizeof(here), "%s/here", folder);
    snprintf(there, sizeof(there), "%s/there", folder);
    snprintf(where, sizeof(where), "redis+unix://%s", there);
    listen_there();
    relay = relay_new(here, where, why);
    return relay ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    relay_free(relay);
    if (redis >= 0)
        close(redis);
    unlink(here);
    unlink(there);
    return rmdir(folder);
}

static void turn(unsigned times)
{
    struct pollfd p[RELAY_FDS];
    for (unsigned i = 0; i < times; i++) {
        size_t n = relay_fds(relay, p);
        assert_true(n <= RELAY_FDS);
        poll(p, (nfds_t)n, 0);
        relay_turn(relay, p, n);
    }
}

/* Someone who comes, as the judge does. */
static int come(void)
{
    const struct sockaddr_un a = address(here);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    turn(3);
    return fd;
}

static int serve(void)
{
    int fd = accept4(redis, NULL, NULL, SOCK_NONBLOCK);
    turn(2);
    return fd;
}

static bool is_gone(int fd)
{
    char byte;
    turn(5);
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void says(int from, int to, const char *text)
{
    char got[256];
    size_t n = strlen(text);
    assert_int_equal(send(from, text, n, MSG_NOSIGNAL), n);
    turn(5);
    assert_int_equal(recv(to, got, sizeof(got), 0), n);
    assert_memory_equal(got, text, n);
}

static void bytes_go_both_ways(void **state)
{
    int judge = come(), server = serve();
    (void)state;
    assert_true(server >= 0);
    says(judge, server, "*1\r\n$4\r\nPING\r\n");
    says(server, judge, "+PONG\r\n");
    close(judge);
    assert_true(is_gone(server));
    close(server);
}

static void a_server_that_leaves(void **state)
{
    int judge = come(), server = serve();
    (void)state;
    close(server);
    assert_true(is_gone(judge));
    close(judge);
    judge = come(); /* and the place is free again */
    server = serve();
    says(judge, server, "again");
    close(judge);
    close(server);
}

static void nobody_listens(void **state)
{
    (void)state;
    close(redis);
    redis = -1;
    for (int i = 0; i < 3 * RELAY_PAIRS; i++) {
        int judge = come();
        assert_true(is_gone(judge));
        close(judge);
    }
    listen_there();
    int judge = come(), server = serve();
    says(judge, server, "at last");
    close(judge);
    close(server);
}

/* No more than so many at a time; whoever is too much is sent away, and harms nobody. */
static void too_many(void **state)
{
    int judge[RELAY_PAIRS], server[RELAY_PAIRS];
    (void)state;
    for (int i = 0; i < RELAY_PAIRS; i++) {
        judge[i] = come();
        server[i] = serve();
        assert_true(server[i] >= 0);
    }
    for (int i = 0; i < 20; i++) {
        int more = come();
        assert_true(is_gone(more));
        close(more);
    }
    assert_int_equal(serve(), -1);
    for (int i = 0; i < RELAY_PAIRS; i++) {
        char text[8];
        snprintf(text, sizeof(text), "n %d", i);
        says(judge[i], server[i], text);
    }
    close(judge[1]);
    assert_true(is_gone(server[1]));
    close(server[1]);
    judge[1] = come();
    server[1] = serve();
    says(judge[1], server[1], "in its place");
    for (int i = 0; i < RELAY_PAIRS; i++) {
        close(judge[i]);
        close(server[i]);
    }
}

/* Sends until nothing is taken any more; gives how much it was. */
static size_t fill(int fd)
{
    static char bytes[65536];
    size_t sum = 0;
    for (unsigned i = 0; i < TURNS; i++) {
        ssize_t n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        turn(1);
        if (n < 0)
            return sum;
        sum += (size_t)n;
    }
    fail_msg("there is no end to it");
    return 0;
}

/* What it does not take waits, in bounded room, and the others go on; nothing is lost of it. */
static void one_who_takes_nothing(void **state)
{
    static char bytes[65536];
    int judge = come(), server = serve(), other = come(), other_server = serve();
    (void)state;
    size_t sent = fill(judge), got = 0;
    assert_true(sent > 0);
    says(other, other_server, "meanwhile");
    says(server, judge, "an answer all the same");
    for (unsigned i = 0; i < TURNS && got < sent; i++) {
        ssize_t n = recv(server, bytes, sizeof(bytes), 0);
        got += n > 0 ? (size_t)n : 0;
        turn(1);
    }
    assert_int_equal(got, sent);
    close(judge);
    close(server);
    close(other);
    close(other_server);
}

/* Both send and neither reads; then one leaves in the middle of it. */
static void both_take_nothing(void **state)
{
    int judge = come(), server = serve();
    (void)state;
    fill(judge);
    fill(server);
    turn(50);
    close(server);
    turn(5);
    close(judge);
    judge = come();
    server = serve();
    says(judge, server, "well again");
    close(judge);
    close(server);
}

/* Comes and leaves before anybody looked. */
static void one_who_does_not_wait(void **state)
{
    const struct sockaddr_un a = address(here);
    (void)state;
    for (int i = 0; i < 100; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
            (void)!send(fd, "x", 1, MSG_NOSIGNAL);
        close(fd);
        turn((unsigned)i % 3);
        close(serve());
    }
    turn(20);
    for (int fd; (fd = serve()) >= 0;)
        close(fd);
    turn(5);
    int judge = come(), server = serve();
    says(judge, server, "still there");
    close(judge);
    close(server);
}

static void what_is_polled_is_bounded(void **state)
{
    struct pollfd p[RELAY_FDS];
    (void)state;
    assert_int_equal(relay_fds(relay, p), RELAY_FDS);
    relay_turn(relay, p, RELAY_FDS - 1); /* of somebody else's: nothing happens */
    assert_int_equal(relay_fds(relay, p), RELAY_FDS);
}

static void where_it_can_be(void **state)
{
    char why[RELAY_WHY], far[300];
    (void)state;
    assert_true(relay_wanted("redis://127.0.0.1"));
    assert_true(relay_wanted(where));
    assert_false(relay_wanted("sqlite:/tmp/state.db"));
    assert_false(relay_wanted("memory:"));
    assert_false(relay_wanted("redis://"));
    assert_false(relay_wanted(NULL));
    assert_null(relay_new(NULL, where, why));
    assert_true(why[0] != '\0');
    memset(far, 'a', sizeof(far) - 1);
    far[0] = '/';
    far[sizeof(far) - 1] = '\0';
    assert_null(relay_new(far, where, why));
    assert_null(relay_new("/nowhere/at/all", where, why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
    snprintf(far, sizeof(far), "%s/another", folder);
    assert_null(relay_new(far, "redis://[", why));
    assert_int_equal(access(far, F_OK), -1);
}

/* The socket of one that was killed is in the way of nobody. */
static void in_the_place_of_another(void **state)
{
    char why[RELAY_WHY];
    struct relay *former = relay;
    (void)state;
    relay = relay_new(here, where, why);
    assert_non_null(relay);
    relay_free(former);
    int judge = come(), server = serve();
    says(judge, server, "to the new one");
    close(judge);
    close(server);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(bytes_go_both_ways),    CASE(a_server_that_leaves),
        CASE(nobody_listens),        CASE(too_many),
        CASE(one_who_takes_nothing), CASE(both_take_nothing),
        CASE(one_who_does_not_wait), CASE(what_is_polled_is_bounded),
        CASE(where_it_can_be),       CASE(in_the_place_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
