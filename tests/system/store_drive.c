/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store by hand: a command on each line of standard input, an answer on one of standard output.
 * tests/system/test_store.py drives it. `tick` is the packet loop: a turn of a budget of 1 ms, five
 * thousand times a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/caps.h"
#include "store/store.h"

enum { WORDS = 6 };

static struct store *s;
static struct store_value value;
static char *word[WORDS];
static size_t words;
static nstime longest_cpu;

static nstime now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct span arg(size_t i)
{
    return span_str(i < words ? word[i] : "");
}

static int64_t number(size_t i)
{
    return i < words ? strtoll(word[i], NULL, 10) : 0;
}

static nstime expiry(size_t i)
{
    return i < words ? now() + number(i) * NS_PER_S : STORE_NEVER;
}

static void say(enum store_status status)
{
    printf("%s\n", store_status_text(status));
}

static void do_open(void)
{
    const struct store_options o = {.deadline = number(2) * NS_PER_MS,
                                    .queue_bytes = (size_t)number(3)};
    char why[STORE_WHY];
    store_close(s);
    enum store_status status = store_open(&s, word[1], &o, why);
    printf("%s %s\n", store_status_text(status), why);
}

static void do_warnings(void)
{
    for (size_t i = 0; store_warning(s, i); i++)
        printf("%s%s", i ? " | " : "", store_warning(s, i));
    printf("\n");
}

static void do_get(void)
{
    enum store_status status = store_get(s, arg(1), now(), &value);
    printf("%s %.*s\n", store_status_text(status), (int)value.n, (const char *)value.p);
}

/* many PREFIX COUNT SIZE: later writes of that size. */
static void do_many(void)
{
    static char bytes[CAP_STORE_VALUE];
    char key[CAP_STORE_KEY];
    size_t n = (size_t)number(3);
    int64_t done = 0;
    memset(bytes, 'v', sizeof(bytes));
    for (int64_t i = 0; i < number(2); i++) {
        int len = snprintf(key, sizeof(key), "%s%" PRId64, word[1], i);
        done += store_put_later(s, span_of(key, (size_t)len), span_of(bytes, n), STORE_NEVER,
                                now()) == STORE_OK;
    }
    printf("%" PRId64 "\n", done);
}

static void do_add(bool later)
{
    const struct store_delta d = {arg(1), arg(2), number(3)};
    nstime expires = now() + 86400 * NS_PER_S;
    say(later ? store_add_later(s, &d, 1, arg(4), expires, now())
              : store_add(s, &d, 1, arg(4), expires, now()));
}

/* flush KEY FIELDS ID: one flush of many counters, later. */
static void do_flush(void)
{
    static struct store_delta d[CAP_STORE_DELTAS];
    static char field[CAP_STORE_DELTAS][16];
    size_t n = (size_t)number(2);
    for (size_t i = 0; i < n && i < CAP_STORE_DELTAS; i++) {
        snprintf(field[i], sizeof(field[i]), "f%zu", i);
        d[i] = (struct store_delta){arg(1), span_str(field[i]), 1};
    }
    say(store_add_later(s, d, n, arg(3), STORE_NEVER, now()));
}

static bool find_total(void *user, struct span field, int64_t total)
{
    if (span_eq(field, arg(2)))
        *(int64_t *)user = total;
    return true;
}

static void do_total(void)
{
    int64_t total = 0;
    enum store_status status = store_totals(s, arg(1), now(), find_total, &total);
    printf("%s %" PRId64 "\n", store_status_text(status), total);
}

static bool count_one(void *user, struct span key, struct span v)
{
    (void)key, (void)v;
    ++*(unsigned *)user;
    return true;
}

static void do_scan(void)
{
    unsigned count = 0;
    enum store_status status = store_scan(s, arg(1), now(), count_one, &count);
    printf("%s %u\n", store_status_text(status), count);
}

static nstime cpu_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* What a turn takes of the processor beside what it takes of the day: the machine may be busy. */
static void do_tick(void)
{
    nstime until = now() + number(1) * NS_PER_MS;
    enum store_status status = STORE_OK;
    while (now() < until) {
        nstime begun = cpu_clock(), took;
        status = store_tick(s, now(), NS_PER_MS);
        took = cpu_clock() - begun;
        longest_cpu = took > longest_cpu ? took : longest_cpu;
        usleep(200);
    }
    say(status);
}

static void do_stats(void)
{
    struct store_stats t = store_stats(s);
    printf("{\"away\":%s,\"queued\":%" PRIu64 ",\"queued_bytes\":%" PRIu64
           ",\"acknowledged\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"reconnects\":%" PRIu64 ",\"longest_us\":%" PRId64 ",\"cpu_us\":%" PRId64
           ",\"last_error\":\"%s\"}\n",
           t.away ? "true" : "false", t.queued, t.queued_bytes, t.acknowledged, t.dropped, t.wrong,
           t.reconnects, (int64_t)(t.longest_tick / NS_PER_US), (int64_t)(longest_cpu / NS_PER_US),
           t.last_error);
}

static bool is(const char *name)
{
    return strcmp(word[0], name) == 0;
}

static void run(void)
{
    if (is("open"))
        do_open();
    else if (!s)
        printf("closed\n");
    else if (is("warnings"))
        do_warnings();
    else if (is("get"))
        do_get();
    else if (is("put"))
        say(store_put(s, arg(1), arg(2), expiry(3), now()));
    else if (is("later"))
        say(store_put_later(s, arg(1), arg(2), expiry(3), now()));
    else if (is("remove"))
        say(store_remove(s, arg(1)));
    else if (is("many"))
        do_many();
    else if (is("add") || is("addlater"))
        do_add(is("addlater"));
    else if (is("flush"))
        do_flush();
    else if (is("total"))
        do_total();
    else if (is("scan"))
        do_scan();
    else if (is("tick"))
        do_tick();
    else if (is("drain"))
        say(store_drain(s, now(), number(1) * NS_PER_MS));
    else if (is("stats"))
        do_stats();
    else
        printf("unknown\n");
}

int main(void)
{
    char line[8192];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        char *rest = line;
        for (words = 0; words < WORDS && (word[words] = strsep(&rest, " \n")) != NULL;)
            words += word[words][0] != '\0';
        if (words > 0)
            run();
    }
    store_value_fini(&value);
    store_close(s);
    return 0;
}
