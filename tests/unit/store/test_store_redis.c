/* SPDX-License-Identifier: Apache-2.0 */
/* The contract against a real server, if STRIPWATCH_REDIS has its address (tests/system/
 * test_store.py starts one); and always what needs none: a socket with replies made here. */
#include "tests/unit/store/contract.h"

#include <sys/socket.h>
#include <unistd.h>

#include "store/store_redis.h"

static char why[STORE_WHY];

static struct store *open_fresh(void)
{
    static unsigned number;
    char where[512];
    const char *url = getenv("STRIPWATCH_REDIS");
    struct store *fresh;
    snprintf(where, sizeof(where), "%s%cprefix=t[*]%d.%u:", url, strchr(url, '?') ? '&' : '?',
             (int)getpid(), number++);
    assert_int_equal(store_open(&fresh, where, NULL, why), STORE_OK);
    return fresh;
}

/* --- replies made here --- */

static int peer; /* the other end */

static void adopt(const struct store_options *o)
{
    const struct where where = {.kind = WHERE_REDIS, .prefix = "p:"};
    int fd[2];
    now = (nstime)time(NULL) * NS_PER_S;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    s = store_redis_adopt(fd[0], &where, o);
    assert_non_null(s);
    peer = fd[1];
}

static void end(void)
{
    store_value_fini(&value);
    store_close(s);
    s = NULL;
    close(peer);
}

static void says(const char *reply)
{
    assert_int_equal(write(peer, reply, strlen(reply)), strlen(reply));
}

static void heard(const char *want)
{
    char got[4096] = "";
    ssize_t n = recv(peer, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_true(n >= 0 || want[0] == '\0');
    assert_string_equal(got, want);
}

static void replies_of_get_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        enum store_status status;
    } CASES[] = {
        {"$3\r\nabc\r\n", STORE_OK},
        {"$0\r\n\r\n", STORE_OK},
        {"$-1\r\n", STORE_MISSING},
        {"-WRONGTYPE Operation against a key\r\n", STORE_WRONG},
        {"-NOPERM this user has no permissions\r\n", STORE_REFUSED},
        {"-NOAUTH Authentication required.\r\n", STORE_REFUSED},
        {"-LOADING Redis is loading\r\n", STORE_AWAY},
        {"-OOM command not allowed\r\n", STORE_FULL},
        {"+abc\r\n", STORE_AWAY},
        {":1\r\n", STORE_AWAY},
        {"*0\r\n", STORE_AWAY},
        {"*1\r\n$1\r\na\r\n", STORE_AWAY},
        {"*-1\r\n", STORE_MISSING},
        {"HTTP/1.1 400 Bad Request\r\n", STORE_AWAY},
        {"$999999999999\r\n", STORE_AWAY},
        {"$-5\r\n", STORE_AWAY},
        {"*2147483647\r\n", STORE_AWAY},
        {"*99999999999999999999\r\n", STORE_AWAY},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", STORE_AWAY},
        {"$3\r\nab", STORE_AWAY},
        {"*2\r\n$1\r\na\r\n", STORE_AWAY},
        {"", STORE_AWAY},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        adopt(&(struct store_options){.deadline = 50 * NS_PER_MS});
        says(CASES[i].reply);
        assert_int_equal(shutdown(peer, SHUT_WR), 0);
        assert_int_equal(status_of("k"), CASES[i].status);
        heard("*2\r\n$3\r\nGET\r\n$3\r\np:k\r\n");
        end();
    }
}

static void a_silent_server_is_away_after_the_deadline(void **state)
{
    (void)state;
    adopt(&(struct store_options){.deadline = 20 * NS_PER_MS});
    assert_int_equal(status_of("k"), STORE_AWAY);
    assert_string_equal(store_stats(s).last_error, "Redis does not answer in time");
    assert_true(store_stats(s).away);
    assert_int_equal(put_text("k", "v"), STORE_AWAY);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_AWAY);
    end();
}

static void a_put_is_kept_until_it_is_acknowledged(void **state)
{
    (void)state;
    adopt(&(struct store_options){.deadline = NS_PER_S});
    assert_int_equal(store_put_later(s, str("k"), str("v"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    heard("*3\r\n$3\r\nSET\r\n$3\r\np:k\r\n$1\r\nv\r\n");
    assert_int_equal(store_stats(s).queued, 1);
    says("+O");
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    assert_int_equal(store_stats(s).queued, 1);
    says("K\r\n");
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    assert_int_equal(store_stats(s).queued, 0);
    assert_int_equal(store_stats(s).acknowledged, 1);
    assert_int_equal(store_put_later(s, str("k"), str("w"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    shutdown(peer, SHUT_WR);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_AWAY);
    assert_int_equal(store_stats(s).queued, 1);
    assert_int_equal(store_stats(s).acknowledged, 1);
    end();
}

/* 6.2 brought PXAT: what an older one does not take is told in its own way. */
static void an_older_server_gets_the_older_command(void **state)
{
    (void)state;
    char got[256] = "";
    adopt(&(struct store_options){0});
    now += 1000 * NS_PER_S;
    assert_int_equal(store_put_later(s, str("k"), str("v"), now, now), STORE_OK);
    assert_int_equal(store_put_later(s, str("k"), str("w"), now, now), STORE_OK);
    store_tick(s, now, NS_PER_MS);
    assert_true(recv(peer, got, sizeof(got) - 1, 0) > 0);
    assert_non_null(strstr(got, "PXAT"));
    says("-ERR syntax error\r\n-ERR syntax error\r\n");
    store_tick(s, now, NS_PER_MS);
    memset(got, 0, sizeof(got));
    assert_true(recv(peer, got, sizeof(got) - 1, 0) > 0);
    assert_null(strstr(got, "PXAT"));
    assert_non_null(strstr(got, "$1\r\nw\r\n$2\r\nPX\r\n$6\r\n"));
    assert_null(strstr(got, "$1\r\nv\r\n")); /* the newer value alone */
    says("+OK\r\n");
    store_tick(s, now, NS_PER_MS);
    assert_int_equal(store_stats(s).queued, 0);
    assert_int_equal(store_stats(s).queued_bytes, 0);
    end();
}

static void a_full_server_is_asked_again(void **state)
{
    (void)state;
    adopt(&(struct store_options){0});
    assert_int_equal(store_put_later(s, str("a"), str("1"), 0, now), STORE_OK);
    assert_int_equal(store_put_later(s, str("b"), str("1"), 0, now), STORE_OK);
    assert_int_equal(store_put_later(s, str("a"), str("2"), 0, now), STORE_OK);
    store_tick(s, now, NS_PER_MS);
    char got[1024];
    assert_true(recv(peer, got, sizeof(got), 0) > 0);
    says("-OOM command not allowed\r\n-NOPERM no\r\n-OOM command not allowed\r\n");
    store_tick(s, now, NS_PER_MS);
    assert_int_equal(store_stats(s).queued, 1); /* a = 1 would undo a = 2 */
    assert_int_equal(store_stats(s).dropped, 1);
    heard("");
    for (int i = 0; i < 50; i++) {
        usleep(10000);
        store_tick(s, now, NS_PER_MS);
    }
    heard("*3\r\n$3\r\nSET\r\n$3\r\np:a\r\n$1\r\n2\r\n");
    end();
}

static void a_waited_for_put_takes_the_place_of_queued_ones(void **state)
{
    (void)state;
    adopt(&(struct store_options){0});
    assert_int_equal(store_put_later(s, str("a"), str("1"), 0, now), STORE_OK);
    assert_int_equal(store_put_later(s, str("b"), str("1"), 0, now), STORE_OK);
    says("+OK\r\n");
    assert_int_equal(store_put(s, str("a"), str("2"), 0, now), STORE_OK);
    store_tick(s, now, NS_PER_MS);
    says("+OK\r\n");
    assert_int_equal(store_drain(s, now, NS_PER_S), STORE_OK);
    heard("*3\r\n$3\r\nSET\r\n$3\r\np:a\r\n$1\r\n2\r\n"
          "*3\r\n$3\r\nSET\r\n$3\r\np:b\r\n$1\r\n1\r\n");
    end();
}

static void a_flush_looks_before_it_adds(void **state)
{
    (void)state;
    const struct store_delta d = {str("count/x/d"), str("f"), 7};
    adopt(&(struct store_options){0});
    assert_int_equal(store_add_later(s, &d, 1, str("id"), STORE_NEVER, now), STORE_OK);
    store_tick(s, now, NS_PER_MS);
    heard("*2\r\n$5\r\nWATCH\r\n$10\r\np:flush/id\r\n*2\r\n$6\r\nEXISTS\r\n$10\r\np:flush/id\r\n");
    says("+OK\r\n:0\r\n");
    store_tick(s, now, NS_PER_MS);
    heard("*1\r\n$5\r\nMULTI\r\n"
          "*5\r\n$3\r\nSET\r\n$10\r\np:flush/id\r\n$1\r\n1\r\n$2\r\nPX\r\n$9\r\n604800000\r\n"
          "*4\r\n$7\r\nHINCRBY\r\n$11\r\np:count/x/d\r\n$1\r\nf\r\n$1\r\n7\r\n"
          "*1\r\n$4\r\nEXEC\r\n");
    says("+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n"); /* it became known meanwhile */
    store_tick(s, now, NS_PER_MS);
    heard("*2\r\n$5\r\nWATCH\r\n$10\r\np:flush/id\r\n*2\r\n$6\r\nEXISTS\r\n$10\r\np:flush/id\r\n");
    says("+OK\r\n:1\r\n");
    store_tick(s, now, NS_PER_MS);
    heard("*1\r\n$7\r\nUNWATCH\r\n");
    says("+OK\r\n");
    store_tick(s, now, NS_PER_MS);
    assert_int_equal(store_stats(s).acknowledged, 1);
    assert_int_equal(store_stats(s).queued, 0);
    end();
}

static void the_queue_is_bounded(void **state)
{
    (void)state;
    adopt(&(struct store_options){.queue_bytes = 4096});
    int n = 0;
    while (n < 100 && store_put_later(s, str("k"), str("v"), 0, now) == STORE_OK)
        n++;
    assert_in_range(n, 4, 30);
    assert_int_equal(store_stats(s).dropped, 1);
    assert_in_range(store_stats(s).queued_bytes, 2048, 4096);
    assert_string_equal(store_stats(s).last_error,
                        "what waits for Redis has no room in its 4096 bytes");
    end();
}

/* It is asked again, like a write, until there is an answer, and told once. */
static void a_later_read_waits_for_its_answer(void **state)
{
    (void)state;
    struct told t = {0};
    adopt(&(struct store_options){0});
    assert_int_equal(store_get_later(s, str("k"), now, tell, &t), STORE_OK);
    store_tick(s, now, NS_PER_S);
    heard("*2\r\n$3\r\nGET\r\n$3\r\np:k\r\n");
    assert_int_equal(t.count, 0);
    assert_int_equal(store_stats(s).queued, 1);
    says("-LOADING it is\r\n");
    store_tick(s, now, NS_PER_S);
    assert_int_equal(t.count, 0);
    usleep(150000); /* it is held for 100 ms */
    store_tick(s, now, NS_PER_S);
    heard("*2\r\n$3\r\nGET\r\n$3\r\np:k\r\n");
    says("-WRONGTYPE no\r\n");
    store_tick(s, now, NS_PER_S);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.status[0], STORE_WRONG);
    assert_int_equal(store_stats(s).queued, 0);
    assert_int_equal(store_stats(s).queued_bytes, 0);
    assert_int_equal(store_stats(s).acknowledged + store_stats(s).dropped, 0);
    assert_int_equal(store_get_later(s, str("k"), now, tell, &t),
                     STORE_OK); /* and never answered */
    end();
    assert_int_equal(t.count, 1);
}

static void totals_are_numbers(void **state)
{
    (void)state;
    adopt(&(struct store_options){0});
    says("*12\r\n$1\r\na\r\n$2\r\n-5\r\n$1\r\nb\r\n$1\r\nx\r\n$1\r\nc\r\n$0\r\n\r\n"
         "$1\r\nd\r\n$19\r\n9223372036854775808\r\n$1\r\ne\r\n$20\r\n-9223372036854775808\r\n"
         "$1\r\nf\r\n$1\r\n-\r\n");
    unsigned calls = 0;
    total_field = str("a");
    assert_int_equal(store_totals(s, str("count/x"), now, take_total, &calls), STORE_OK);
    assert_int_equal(calls, 2);
    assert_int_equal(total_found, -5);
    assert_int_equal(store_stats(s).wrong, 4);
    says("*3\r\n$1\r\na\r\n$2\r\n-5\r\n$1\r\nb\r\n");
    assert_int_equal(store_totals(s, str("count/x"), now, take_total, &calls), STORE_AWAY);
    end();
}

static void a_scan_ends_with_a_server_that_makes_no_sense(void **state)
{
    (void)state;
    static const char *const REPLY[] = {
        "*0\r\n",
        "*1\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\n0\r\n$1\r\n0\r\n",
        "*2\r\n:0\r\n*0\r\n",
        "*2\r\n$30\r\n000000000000000000000000000000\r\n*0\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n:5\r\n",
        "+OK\r\n",
    };
    unsigned calls = 0;
    for (size_t i = 0; i < sizeof(REPLY) / sizeof(REPLY[0]); i++) {
        adopt(&(struct store_options){.deadline = 50 * NS_PER_MS});
        says(REPLY[i]);
        assert_int_equal(store_scan(s, str("k"), now, stop_at_once, &calls), STORE_AWAY);
        end();
    }
    adopt(&(struct store_options){0}); /* names that are not ours are passed over */
    says("*2\r\n$1\r\n0\r\n*4\r\n$1\r\nx\r\n$2\r\np:\r\n$10\r\np:flush/id\r\n$9\r\np:count/x\r\n");
    assert_int_equal(store_scan(s, str("k"), now, stop_at_once, &calls), STORE_OK);
    assert_int_equal(calls, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest contract[] = {CONTRACT_TESTS};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_get_are_told),
        cmocka_unit_test(a_silent_server_is_away_after_the_deadline),
        cmocka_unit_test(a_put_is_kept_until_it_is_acknowledged),
        cmocka_unit_test(an_older_server_gets_the_older_command),
        cmocka_unit_test(a_full_server_is_asked_again),
        cmocka_unit_test(a_waited_for_put_takes_the_place_of_queued_ones),
        cmocka_unit_test(a_flush_looks_before_it_adds),
        cmocka_unit_test(the_queue_is_bounded),
        cmocka_unit_test(a_later_read_waits_for_its_answer),
        cmocka_unit_test(totals_are_numbers),
        cmocka_unit_test(a_scan_ends_with_a_server_that_makes_no_sense),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (getenv("STRIPWATCH_REDIS"))
        failed += cmocka_run_group_tests(contract, NULL, NULL);
    return failed;
}
