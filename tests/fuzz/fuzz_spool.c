/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment of a spool. What the walk finds is written out the same, its numbers
 * ascend, and nothing overlaps. A spool opened over the file has exactly those records, and goes on
 * behind them; opened once more, nothing has changed. The bytes are tried as the file of a reader's
 * offset as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alert/spool_offset.h"
#include "alert/spool_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], file[128];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

static void remove_all(void)
{
    static const char *const NAMES[] = {"00000000000000000001.spool", "r.offset"};

    for (size_t i = 0; i < 2; i++) {
        snprintf(file, sizeof(file), "%s/%s", dir, NAMES[i]);
        unlink(file);
    }
}

static void remove_dir(void)
{
    remove_all();
    rmdir(dir);
}

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), "%s/fuzz-spool-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(dir) != NULL);
    atexit(remove_dir);
}

static void put_file(struct span bytes)
{
    int fd;

    remove_all();
    snprintf(file, sizeof(file), "%s/00000000000000000001.spool", dir);
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

/* Returns how many records there are. */
static size_t walk(struct span bytes, uint64_t *last)
{
    static uint8_t copy[SPOOL_HEADER + CAP_SPOOL_BODY];
    struct spool_scan scan = {.rest = bytes};
    struct spool_record r;
    size_t n = 0, end = 0;

    for (*last = 0; spool_scan_next(&scan, &r); n++) {
        size_t at = (size_t)(r.body.p - bytes.p) - SPOOL_HEADER;
        must(r.seq > *last && at >= end + scan.skipped);
        end = bytes.n - scan.rest.n;
        must(at + spool_record_size(&r) == end);
        spool_record_write(copy, &r);
        must(memcmp(copy, bytes.p + at, spool_record_size(&r)) == 0);
        *last = r.seq;
    }
    must(scan.rest.n <= bytes.n);
    return n;
}

/* Opens it, and reads all of it. */
static void check(size_t records, uint64_t last, const struct spool_disk *disk)
{
    struct spool_record r[CAP_SPOOL_BATCH];
    struct spool_reader *reader;
    char why[SPOOL_WHY];
    struct spool *s;
    size_t n, all = 0;

    must(spool_open(&s, dir, &(struct spool_config){.disk = disk}, why) == 0);
    must(spool_stats(s).durable == last);
    must(spool_reader_open(&reader, dir, "r", s, disk, why) == 0);
    while ((n = spool_reader_take(reader, r, CAP_SPOOL_BATCH)) > 0)
        all += n;
    must(all == records && spool_reader_position(reader) == last);
    spool_reader_close(reader);
    spool_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spool_disk disk = spool_disk_system;
    const struct span bytes = span_of(data, size);
    uint64_t last;
    size_t records;

    if (!dir[0])
        make_dir();
    disk.sync = disk.sync_dir = no_sync;
    (void)spool_offset_parse(bytes);
    put_file(bytes);
    records = walk(bytes, &last);
    check(records, last, &disk);
    check(records, last, &disk);
    return 0;
}
