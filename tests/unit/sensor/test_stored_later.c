/* SPDX-License-Identifier: Apache-2.0 */
/* What look-ups found is kept as if it had been waited for, and nobody waits. */
#include "sensor/stored_later.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_redis.h"

#define HOUR (3600 * NS_PER_S)

#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 86400\n"

static struct store *s;
static nstime before, now; /* Redis goes by the clock of the wall; an hour before */
static char history_key[64];
static struct stored_later *k;

static void put(nstime t, enum lookup_sts sts, const char *domain, const char *body)
{
    static struct lookup l;
    char copy[2048];
    snprintf(copy, sizeof(copy), "%s", body);
    l = (struct lookup){.sts = sts, .time = t, .body = body[0] ? copy : NULL};
    l.body_n = strlen(copy);
    assert_true(domain_read(span_str(domain), &l.domain));
    stored_later_put(k, &l, t);
    memset(copy, 'x', sizeof(copy)); /* it is not borrowed */
}

static int begin(void **state)
{
    (void)state;
    now = clock_of(time(NULL), 0);
    before = now - HOUR;
    snprintf(history_key, sizeof(history_key), "history/a.test/%lld",
             (long long)clock_second(before));
    return 0;
}

static void end(void)
{
    store_close(s);
    stored_later_free(k);
}

static bool holds(const char *key, const char *words)
{
    struct store_value v = {0};
    bool found = store_get(s, span_str(key), now, &v) == STORE_OK;
    char text[1024];
    snprintf(text, sizeof(text), "%.*s", (int)v.n, v.n > 0 ? (const char *)v.p : "");
    store_value_fini(&v);
    return found && strstr(text, words);
}

static void what_answers_at_once(void **state)
{
    char why[STORE_WHY];
    (void)state;
    assert_int_equal(store_open(&s, "memory:", NULL, why), STORE_OK);
    k = stored_later_new(s);
    put(before - HOUR, LOOKUP_STS_NONE, "a.test", "");
    assert_true(holds("negative/a.test", "none"));
    put(before, LOOKUP_STS_POLICY, "a.test", ENFORCE);
    assert_true(holds("policy/a.test", "mode: enforce"));
    assert_false(holds("negative/a.test", ""));
    put(now, LOOKUP_STS_POLICY, "a.test", TESTING);
    assert_true(holds("policy/a.test", "mode: testing"));
    assert_true(holds(history_key, "mode: enforce"));
    put(now, LOOKUP_STS_SAME, "a.test", "");
    assert_int_equal(stored_later_lost(k), 0);
    put(now, LOOKUP_STS_POLICY, "a.test", "mode: none");
    put(now, LOOKUP_STS_POLICY, "a.test", "");
    assert_int_equal(stored_later_lost(k), 2);
    end();
}

/* --- a server that takes its time --- */

static int peer;

static void adopt(void)
{
    const struct where where = {.kind = WHERE_REDIS, .prefix = "p:"};
    const struct store_options o = {.deadline = 3600 * NS_PER_S};
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    s = store_redis_adopt(fd[0], &where, &o);
    peer = fd[1];
    assert_non_null(s);
    k = stored_later_new(s);
}

/* All that it was sent by now. */
static const char *heard(void)
{
    static char got[8192];
    store_tick(s, now, NS_PER_S);
    ssize_t n = recv(peer, got, sizeof(got) - 1, MSG_DONTWAIT);
    got[n > 0 ? n : 0] = '\0';
    return got;
}

static void says(const char *value)
{
    char reply[1024];
    int n = snprintf(reply, sizeof(reply), "$%zu\r\n%s\r\n", strlen(value), value);
    assert_int_equal(write(peer, reply, (size_t)n), n);
}

static void what_takes_its_time(void **state)
{
    char old[512];
    (void)state;
    adopt();
    put(now, LOOKUP_STS_POLICY, "a.test", TESTING);
    assert_string_equal(heard(), "*2\r\n$3\r\nGET\r\n$15\r\np:policy/a.test\r\n");
    assert_string_equal(heard(), "");
    snprintf(old, sizeof(old),
             "{\"domain\":\"a.test\",\"fetched\":\"%lld\",\"id\":\"1\",\"body\":"
             "\"version: STSv1\\nmode: enforce\\nmx: mx.a.test\\nmax_age: 86400\\n\"}",
             (long long)clock_second(before));
    says(old);
    store_tick(s, now, NS_PER_S);
    const char *then = heard();
    const char *history = strstr(then, history_key);
    const char *policy = strstr(then, "$15\r\np:policy/a.test\r\n");
    const char *negative = strstr(then, "*2\r\n$3\r\nDEL\r\n$17\r\np:negative/a.test\r\n");
    assert_true(history && policy && negative && history < policy && policy < negative);
    assert_non_null(strstr(history, "mode: enforce"));
    assert_non_null(strstr(policy, "mode: testing"));
    assert_int_equal(store_stats(s).queued, 3);
    assert_int_equal(stored_later_lost(k), 0);
    end();
    close(peer);
}

static void what_waits_is_bounded(void **state)
{
    const size_t each = sizeof(ENFORCE) - 1;
    const unsigned count = CAP_STORED_LATER / each; /* more than there is room for */
    char name[32];
    (void)state;
    adopt();
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "d%u.test", i);
        put(now, LOOKUP_STS_POLICY, name, ENFORCE);
    }
    assert_in_range(stored_later_lost(k), 1, count - 1);
    assert_int_equal(store_stats(s).queued + stored_later_lost(k), count);
    end();
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_answers_at_once, begin),
        cmocka_unit_test_setup(what_takes_its_time, begin),
        cmocka_unit_test_setup(what_waits_is_bounded, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
