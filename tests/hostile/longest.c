/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long does one packet keep the program? Reads a capture some times over and times each packet
 * by itself; of its times the shortest counts, for in the others somebody else had the processor.
 *
 *   longest [-r ROUNDS] FILE...
 *
 * Prints for each file the longest packet, its number, and what one in ten thousand takes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "tests/hostile/whole_way.h"

static struct whole_way way;

struct times {
    uint32_t *ns; /* by packet */
    size_t count, size;
};

static bool note(struct times *t, size_t packet, uint64_t took)
{
    uint32_t ns = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;

    if (packet == t->size) {
        size_t size = t->size ? 2 * t->size : 1 << 16;
        uint32_t *more = realloc(t->ns, size * sizeof(*more));
        if (!more)
            return false;
        t->ns = more;
        t->size = size;
    }
    if (packet == t->count) {
        t->ns[t->count++] = ns;
    } else if (ns < t->ns[packet]) {
        t->ns[packet] = ns;
    }
    return true;
}

static bool read_once(const char *path, struct times *t)
{
    struct capture_error error;
    struct dissect_config c;
    struct capture *capture;
    struct dissect *d;
    struct packet p;
    bool good = true;

    if (capture_open(path, CAPTURE_BUFFER, &capture, &error) != CAPTURE_OK) {
        fprintf(stderr, "longest: %s: %s\n", path, error.text);
        return false;
    }
    good = whole_way_init(&way, &c);
    way.memory = garble_memory_new(&c.key);
    d = good ? dissect_new(&c, whole_way_session, &way) : NULL;
    for (size_t i = 0; good && d && capture_next(capture, &p) == 1; i++) {
        uint64_t from = whole_way_clock();
        dissect_packet(d, &p);
        good = note(t, i, whole_way_clock() - from);
    }
    if (d)
        dissect_finish(d);
    good = good && d && whole_way_accounted(d);
    dissect_free(d);
    garble_memory_free(way.memory);
    whole_way_fini(&way);
    capture_close(capture);
    return good;
}

static int descending(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x < *y) - (*x > *y);
}

static bool measure(const char *path, long rounds)
{
    struct times t = {0};
    bool good = true;
    size_t at = 0;

    for (long i = 0; good && i < rounds; i++)
        good = read_once(path, &t);
    for (size_t i = 0; i < t.count; i++)
        if (t.ns[i] > t.ns[at])
            at = i;
    if (good && t.count) {
        uint32_t longest = t.ns[at];
        qsort(t.ns, t.count, sizeof(*t.ns), descending);
        printf("%s: %zu packets, the longest %.3f ms (packet %zu), one in 10,000 %.3f ms\n", path,
               t.count, longest / 1e6, at + 1, t.ns[t.count / 10000] / 1e6);
    }
    free(t.ns);
    return good;
}

int main(int argc, char **argv)
{
    long rounds = 5;
    bool good = true;

    for (int option; (option = getopt(argc, argv, "r:")) != -1;) {
        if (option != 'r' || (rounds = strtol(optarg, NULL, 10)) < 1) {
            fputs("usage: longest [-r ROUNDS] FILE...\n", stderr);
            return 2;
        }
    }
    for (int i = optind; i < argc; i++)
        good &= measure(argv[i], rounds);
    return good ? 0 : 1;
}
