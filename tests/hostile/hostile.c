/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures that are damaged in every way there is, one after the other, in one process, from the
 * reader of the file to the line of output.
 *
 *   hostile [-e EVERY] cuts|flips|nomem FILE...
 *
 *   cuts   each file ends after each of its bytes
 *   flips  each bit of each file is turned over
 *   nomem  each of the first ALLOCATIONS requests for memory is refused, one in a run
 *
 * EVERY takes each EVERYth of them. A fault is one of the sanitizers', or packets that were lost
 * track of. Prints the number of runs and the longest one; ends with 'N passed, N failed', a file
 * being one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "tests/hostile/whole_way.h"

enum { FILE_MOST = 32768, ALLOCATIONS = 2000, SLOW_MS = 50 };

static struct whole_way whole;
static uint64_t runs, slow, longest_ns, allocations, refuse_at;

/* --- memory that is refused --- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool refused(void)
{
    return ++allocations == refuse_at;
}

void *__wrap_malloc(size_t n)
{
    return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return refused() ? NULL : __real_realloc(p, n);
}

/* --- one run --- */

/* What cannot be opened is told of by the reader, and that is an end as good as any. */
static bool read_all(int fd)
{
    struct capture_error error;
    struct dissect_config c;
    struct capture *capture;
    struct dissect *d;
    struct packet p;
    bool good = true, ready = whole_way_init(&whole, &c);

    c.max_flows = 64; /* tables that are made for each run */
    c.half_open = 64;
    c.dns_queries = 64;
    d = ready ? dissect_new(&c, whole_way_session, &whole) : NULL;
    if (d && capture_open_fd(dup(fd), CAPTURE_BUFFER, &capture, &error) == CAPTURE_OK) {
        while (capture_next(capture, &p) == 1)
            dissect_packet(d, &p);
        dissect_finish(d);
        good = whole_way_accounted(d);
        capture_close(capture);
    }
    dissect_free(d);
    whole_way_fini(&whole);
    return good;
}

static bool run(int fd)
{
    uint64_t from, took;
    bool good;

    lseek(fd, 0, SEEK_SET);
    from = whole_way_clock();
    good = read_all(fd);
    took = whole_way_clock() - from;
    longest_ns = took > longest_ns ? took : longest_ns;
    slow += took > SLOW_MS * UINT64_C(1000000);
    runs++;
    return good;
}

/* --- every one --- */

static bool put(int fd, const uint8_t *bytes, size_t n)
{
    return ftruncate(fd, (off_t)n) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n;
}

static bool cuts(int fd, const uint8_t *bytes, size_t n, size_t every)
{
    bool good = put(fd, bytes, n);

    for (size_t at = n; at-- > 0;)
        if (at % every == 0)
            good = ftruncate(fd, (off_t)at) == 0 && run(fd) && good;
    return good;
}

static bool flips(int fd, const uint8_t *bytes, size_t n, size_t every)
{
    bool good = put(fd, bytes, n);

    for (size_t bit = 0; bit < 8 * n; bit += every) {
        uint8_t turned = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        good = pwrite(fd, &turned, 1, (off_t)(bit / 8)) == 1 && run(fd) && good;
        good = pwrite(fd, &bytes[bit / 8], 1, (off_t)(bit / 8)) == 1 && good;
    }
    return good;
}

static bool nomem(int fd, const uint8_t *bytes, size_t n, size_t every)
{
    bool good = put(fd, bytes, n);

    for (uint64_t at = 1; at <= ALLOCATIONS; at += every) {
        allocations = 0;
        refuse_at = at;
        good = run(fd) && good;
        refuse_at = 0;
        if (allocations < at) /* the run asked for no more */
            break;
    }
    return good;
}

static size_t load(const char *path, uint8_t *bytes)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, FILE_MOST + 1, f) : 0;

    if (!f)
        fprintf(stderr, "hostile: %s: %s\n", path, strerror(errno));
    else
        fclose(f);
    return n;
}

static int usage(void)
{
    fputs("usage: hostile [-e EVERY] cuts|flips|nomem FILE...\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*all)(int fd, const uint8_t *bytes, size_t n, size_t every);
    } way[] = {{"cuts", cuts}, {"flips", flips}, {"nomem", nomem}};
    static uint8_t bytes[FILE_MOST + 1];
    unsigned passed = 0, failed = 0, which = 0;
    size_t every = 1;
    int fd = memfd_create("hostile", 0);

    for (int c; (c = getopt(argc, argv, "e:")) != -1;) {
        if (c != 'e' || (every = strtoul(optarg, NULL, 10)) == 0)
            return usage();
    }
    while (optind < argc && which < 3 && strcmp(argv[optind], way[which].name) != 0)
        which++;
    if (optind >= argc || which == 3 || fd < 0)
        return usage();
    for (int i = optind + 1; i < argc; i++) {
        size_t n = load(argv[i], bytes);
        if (n == 0 || n > FILE_MOST)
            continue;
        bool good = way[which].all(fd, bytes, n, every);
        passed += good;
        failed += !good;
        if (!good)
            printf("FAIL %s of %s\n", way[which].name, argv[i]);
    }
    printf("%" PRIu64 " runs, the longest %.1f ms, %" PRIu64 " longer than %d ms\n", runs,
           (double)longest_ns / 1e6, slow, SLOW_MS);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
