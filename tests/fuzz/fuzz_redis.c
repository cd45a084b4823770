/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a Redis server says. The first byte chooses what is asked of the store, the
 * rest are the server's answers: a byte FF ends what comes in one read. No answer may crash, hang
 * or be taken for more than it is: values only from bulk strings, no acknowledgement without one.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "store/store_redis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct later {
    struct store *store;
    bool told;
    unsigned unwritten; /* it had no room */
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void say_all(int peer, struct span in)
{
    while (in.n > 0) {
        struct span part = span_first(in, span_find(in, 0xFF));
        if (part.n > 0 && send(peer, part.p, part.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            break;
        in = span_from(in, part.n + 1);
    }
    shutdown(peer, SHUT_WR);
}

static bool take_value(void *user, struct span key, struct span value)
{
    (void)user;
    must(key.n > 0 && key.n <= CAP_STORE_KEY && value.n <= CAP_STORE_REPLY);
    return true;
}

static bool take_total(void *user, struct span field, int64_t total)
{
    (void)user, (void)total;
    must(field.n <= CAP_STORE_REPLY);
    return true;
}

static void take_one(void *user, size_t index, enum store_status status, struct span value)
{
    must(index == (*(size_t *)user)++);
    must(status == STORE_OK || value.n == 0);
}

/* Returns how many writes were waited for and told to be done. */
static uint64_t ask(struct store *s, uint8_t what)
{
    const struct store_delta d[] = {{span_str("count/a/d"), span_str("f"), 1},
                                    {span_str("count/b/d"), span_str("f"), -1}};
    const struct span keys[] = {span_str("policy/a"), span_str("policy/b"), span_str("policy/a")};
    struct store_value value = {0};
    uint64_t done = 0;
    size_t told = 0;

    if (what & 4)
        must(store_get(s, keys[0], 0, &value) == STORE_OK || value.n == 0);
    if (what & 8)
        store_totals(s, d[0].key, 0, take_total, NULL);
    if (what & 16)
        store_scan(s, span_str("policy/"), 0, take_value, NULL);
    if (what & 32)
        done += store_add(s, d, 2, span_str("id"), STORE_NEVER, 0) == STORE_OK;
    if (what & 64)
        store_get_many(s, keys, 3, 0, take_one, &told);
    if (what & 128)
        done += store_put(s, keys[1], span_str("v"), INT64_MAX, 0) == STORE_OK;
    must(told <= 3);
    store_value_fini(&value);
    return done;
}

/* A later read that is told may write. */
static void take_later(void *user, size_t index, enum store_status status, struct span value)
{
    struct later *later = user;
    must(index == 0 && !later->told && (status == STORE_OK || value.n == 0));
    later->told = true;
    if (store_put_later(later->store, span_str("policy/a"), value, STORE_NEVER, 0) != STORE_OK)
        later->unwritten = value.n > CAP_STORE_VALUE;
}

static void queue(struct store *s, uint8_t what, struct later *later)
{
    const struct store_delta d = {span_str("count/a/d"), span_str("f"), 1};

    if (what & 1) {
        must(store_put_later(s, span_str("policy/a"), span_str("1"), INT64_MAX, 0) == STORE_OK);
        must(store_put_later(s, span_str("policy/a"), span_str("2"), STORE_NEVER, 0) == STORE_OK);
    }
    if (what & 2)
        must(store_add_later(s, &d, 1, span_str("id2"), STORE_NEVER, 0) == STORE_OK);
    if (what & 1)
        must(store_get_later(s, span_str("policy/a"), 0, take_later, later) == STORE_OK);
    if (what & 3)
        store_tick(s, 0, NS_PER_S); /* sends them */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct where where = {.kind = WHERE_REDIS, .prefix = "p:"};
    const struct store_options o = {.deadline = NS_PER_S};
    struct store_stats stats;
    struct later reading = {0};
    uint64_t done, later;
    struct store *s;
    int fd[2];

    if (size < 1 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) != 0)
        return 0;
    if (data[0] % 7 == 0) {
        where.db = 1;
        where.password[0] = 'x';
    }
    s = store_redis_adopt(fd[0], &where, &o);
    must(s != NULL);
    reading.store = s;
    queue(s, data[0], &reading);
    say_all(fd[1], span_of(data + 1, size - 1));
    done = ask(s, data[0]);
    for (int i = 0; i < 20; i++)
        store_tick(s, 0, NS_PER_S);
    stats = store_stats(s);
    later = (data[0] & 1 ? 3u : 0u) + (data[0] & 2 ? 1u : 0u); /* the read, or what it writes */
    must(stats.acknowledged + stats.dropped + stats.queued == done + later - reading.unwritten);
    must(stats.queued > 0 || stats.queued_bytes == 0);
    store_close(s);
    close(fd[1]);
    return 0;
}
