/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool and its sinks by hand, for test_spool.py and test_deliver.py: a command a line on
 * standard input, an answer a line. An alert's body is {"n":NUMBER}, padded to the size that is
 * asked for.
 *
 *   open DIR SEGMENT QUOTA QUEUE        as struct spool_config
 *   redis NAME VERB KEY MAXLEN WHERE    a sink
 *   file NAME PATH
 *   deliver NAME KIND key=value ...     one of deliver/, as deliver_words.c reads it
 *   append FIRST COUNT SEVERITY PAD
 *   commit
 *   turn MS                             commits and turns all sinks for that long
 *   drain MS                            the same until all is delivered
 *   skip MS                             from now on the sinks' clock is so much ahead
 *   stats
 *   bench COUNT GROUP PAD               seconds for so many, in commits of GROUP
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver_words.h"
#include "store/store.h"

enum { WORDS = 24, SINKS = 4 };

static char *word[WORDS + 1];
static size_t words;
static char why[SPOOL_WHY], path[1024];
static struct spool *spool;
static struct {
    struct sink *sink;
    struct spool_reader *reader;
} out[SINKS];
static size_t sinks;
static nstime longest; /* turn of a sink, processor time */
static nstime ahead;   /* of the clock */

static int64_t number(size_t i)
{
    return i < words ? strtoll(word[i], NULL, 10) : 0;
}

static nstime sink_clock(void)
{
    return store_clock() + ahead;
}

static nstime cpu_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void say(bool good)
{
    printf("%s\n", good ? "ok" : why);
}

static void close_all(void)
{
    for (size_t i = 0; i < sinks; i++) {
        sink_close(out[i].sink);
        spool_reader_close(out[i].reader);
    }
    sinks = 0;
    spool_close(spool);
    spool = NULL;
}

static void do_open(void)
{
    const struct spool_config c = {.segment_bytes = (uint64_t)number(2),
                                   .quota_bytes = (uint64_t)number(3),
                                   .queue_bytes = (size_t)number(4)};
    close_all();
    snprintf(path, sizeof(path), "%s", word[1]);
    say(spool_open(&spool, path, &c, why) == 0);
}

static void add_sink(struct sink *s)
{
    bool good = s && sinks < SINKS &&
                spool_reader_open(&out[sinks].reader, path, word[1], spool, NULL, why) == 0;
    if (good)
        out[sinks++].sink = s;
    else
        sink_close(s);
    say(good);
}

static void do_redis(void)
{
    struct sink_redis_config c = {
        .where = word[5], .key = word[3], .maxlen = (uint64_t)number(4), .deadline = NS_PER_S / 2};
    snprintf(why, sizeof(why), "no such verb");
    add_sink(sink_redis_verb(word[2], &c.verb) ? sink_redis_new(&c, NULL, why) : NULL);
}

static void append(int64_t n, uint8_t severity, size_t pad)
{
    static char body[CAP_SPOOL_BODY];
    struct spool_record r = {.kind = SPOOL_ALERT, .severity = severity, .time = n};
    int len = snprintf(body, sizeof(body), "{\"n\":%" PRId64, n);
    size_t end = (size_t)len;
    for (; end < pad && end + 1 < sizeof(body); end++)
        body[end] = ' ';
    body[end++] = '}';
    r.body = span_of(body, end);
    spool_append(spool, &r);
}

static void do_append(void)
{
    for (int64_t i = 0; i < number(2); i++)
        append(number(1) + i, (uint8_t)number(3), (size_t)number(4));
    printf("ok\n");
}

static bool is_drained(void)
{
    bool all = true;
    for (size_t i = 0; i < sinks; i++)
        all &= spool_reader_stats(out[i].reader).committed >= spool_stats(spool).durable;
    return all && spool_stats(spool).queued == 0;
}

static void do_turns(bool drains)
{
    nstime until = store_clock() + number(1) * NS_PER_MS;
    while (store_clock() < until && !(drains && is_drained())) {
        size_t took = 0;
        spool_commit(spool, store_clock());
        for (size_t i = 0; i < sinks; i++) {
            nstime begun = cpu_clock(), spent;
            took += sink_turn(out[i].sink, out[i].reader, sink_clock());
            spent = cpu_clock() - begun;
            longest = spent > longest ? spent : longest;
        }
        if (took == 0)
            usleep(1000);
    }
    printf("%s\n", is_drained() ? "drained" : "behind");
}

static void do_skip(void)
{
    ahead += number(1) * NS_PER_MS;
    printf("ok\n");
}

static void do_bench(void)
{
    nstime begun = store_clock(), spent;
    for (int64_t i = 1; i <= number(1); i++) {
        append(i, 2, (size_t)number(3));
        if (i % number(2) == 0)
            spool_commit(spool, store_clock());
    }
    spool_commit(spool, store_clock());
    spent = store_clock() - begun;
    printf("%" PRId64 " us\n", (int64_t)(spent / NS_PER_US));
}

static void say_stats(void)
{
    struct spool_stats t = spool_stats(spool);
    uint64_t lost = 0;
    for (size_t i = 0; i < SPOOL_SEVERITIES; i++)
        lost += t.losses.lost[SPOOL_ALERT][i];
    printf("{\"state\":\"%s\",\"why\":\"%s\",\"durable\":%" PRIu64 ",\"queued\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"damaged\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"longest_us\":%" PRId64 ",\"sinks\":[",
           spool_state_text(spool_state(spool)), spool_why(spool), t.durable, t.queued, t.bytes,
           t.segments, lost, t.damaged, t.torn_bytes, (int64_t)(longest / NS_PER_US));
    for (size_t i = 0; i < sinks; i++)
        printf("%s{\"state\":\"%s\",\"why\":\"%s\",\"committed\":%" PRIu64 ",\"delivered\":%" PRIu64
               ",\"again\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
               i ? "," : "", sink_state_text(out[i].sink->state), out[i].sink->why,
               spool_reader_stats(out[i].reader).committed, out[i].sink->stats.delivered,
               out[i].sink->stats.again, out[i].sink->stats.refused);
    printf("]}\n");
}

static bool is(const char *name)
{
    return strcmp(word[0], name) == 0;
}

static void run(void)
{
    if (is("open"))
        do_open();
    else if (!spool)
        printf("closed\n");
    else if (is("redis") && words == 6)
        do_redis();
    else if (is("file") && words == 3)
        add_sink(sink_file_new(word[2], NULL, why));
    else if (is("deliver") && words >= 3)
        add_sink(deliver_words(word[2], word + 3, words - 3, why));
    else if (is("append"))
        do_append();
    else if (is("commit"))
        printf("%" PRIu64 "\n", spool_commit(spool, store_clock()));
    else if (is("turn") || is("drain"))
        do_turns(is("drain"));
    else if (is("skip"))
        do_skip();
    else if (is("stats"))
        say_stats();
    else if (is("bench") && number(2) > 0)
        do_bench();
    else
        printf("unknown\n");
}

int main(void)
{
    char line[4096];
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        char *rest = line;
        for (words = 0; words < WORDS && (word[words] = strsep(&rest, " \n")) != NULL;)
            words += word[words][0] != '\0';
        if (words > 0)
            run();
    }
    close_all();
    return 0;
}
