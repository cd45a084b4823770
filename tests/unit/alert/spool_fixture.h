/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for a spool, a disk that fails as told, and records by number. */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/spool_reader.h"

static char spool_dir[64], spool_error[SPOOL_WHY];

/* --- the directory --- */

static inline int dir_make_at(const char *where)
{
    snprintf(spool_dir, sizeof(spool_dir), "%s/spool-test-XXXXXX", where);
    return mkdtemp(spool_dir) ? 0 : -1;
}

/* In memory where there is such a place: many thousand files. */
static int dir_make(void **state)
{
    (void)state;
    return dir_make_at(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline void dir_empty(const char *suffix)
{
    DIR *d = opendir(spool_dir);
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name), m = strlen(suffix);
        if (e->d_name[0] != '.' && n >= m && strcmp(e->d_name + n - m, suffix) == 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

static int dir_remove(void **state)
{
    (void)state;
    dir_empty("");
    return rmdir(spool_dir);
}

static inline const char *dir_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", spool_dir, name);
    return path;
}

static inline void file_put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static inline size_t file_get(const char *path, void *bytes, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, cap, f) : 0;
    if (f)
        fclose(f);
    return n;
}

/* Bytes of all segments, and how many there are. */
static inline uint64_t dir_bytes(size_t *segments)
{
    DIR *d = opendir(spool_dir);
    const struct dirent *e;
    struct stat st;
    uint64_t sum = 0;
    *segments = 0;
    while ((e = readdir(d)) != NULL)
        if (strstr(e->d_name, ".spool") && fstatat(dirfd(d), e->d_name, &st, 0) == 0) {
            sum += (uint64_t)st.st_size;
            ++*segments;
        }
    closedir(d);
    return sum;
}

/* --- a disk that fails --- */

/* Which calls fail, with which errno; 0: none. */
static struct {
    int open, write, sync, truncate, rename, remove;
    int64_t room; /* bytes that can still be written; negative: any number */
    unsigned writes, syncs;
} fault = {.room = -1};

static int fault_rc(int error)
{
    errno = error;
    return error ? -1 : 0;
}

static int fault_open(int dir, const char *name, int flags)
{
    return fault.open ? fault_rc(fault.open) : spool_disk_system.open(dir, name, flags);
}

static ssize_t fault_write(int fd, const void *bytes, size_t n)
{
    ssize_t got;
    fault.writes++;
    if (fault.write)
        return fault_rc(fault.write);
    if (fault.room == 0)
        return fault_rc(ENOSPC);
    if (fault.room > 0 && n > (size_t)fault.room)
        n = (size_t)fault.room;
    got = write(fd, bytes, n);
    if (fault.room > 0 && got > 0)
        fault.room -= got;
    return got;
}

/* Tests of the order of bytes need no real disk under them. */
static int fault_sync(int fd)
{
    (void)fd;
    fault.syncs++;
    return fault_rc(fault.sync);
}

static int fault_truncate(int fd, off_t size)
{
    return fault.truncate ? fault_rc(fault.truncate) : ftruncate(fd, size);
}

static int fault_rename(int dir, const char *from, const char *to)
{
    return fault.rename ? fault_rc(fault.rename) : spool_disk_system.rename(dir, from, to);
}

static int fault_remove(int dir, const char *name)
{
    return fault.remove ? fault_rc(fault.remove) : spool_disk_system.remove(dir, name);
}

static const struct spool_disk fault_disk = {fault_open,     fault_write,  fault_sync,  fault_sync,
                                             fault_truncate, fault_rename, fault_remove};

static inline void fault_none(void)
{
    memset(&fault, 0, sizeof(fault));
    fault.room = -1;
}

/* --- records --- */

/* The body says which one it is; `pad` more bytes. */
static inline uint64_t put_padded(struct spool *s, enum spool_kind kind, uint8_t severity,
                                  uint64_t number, size_t pad)
{
    static char body[CAP_SPOOL_BODY];
    struct spool_record r = {.kind = kind, .severity = severity, .time = (nstime)number};
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"n\":%06" PRIu64 "}", number);
    memset(body + n, ' ', pad);
    r.body = span_of(body, n + pad);
    return spool_append(s, &r);
}

enum { BODY = 12, RECORD = 36 + BODY }; /* {"n":000001} */

static inline uint64_t put_one(struct spool *s, enum spool_kind kind, uint8_t severity,
                               uint64_t number)
{
    return put_padded(s, kind, severity, number, 0);
}

static inline uint64_t number_of(const struct spool_record *r)
{
    char text[32] = {0};
    assert_true(r->body.n >= BODY);
    memcpy(text, r->body.p, BODY);
    assert_memory_equal(text, "{\"n\":", 5);
    return strtoull(text + 5, NULL, 10);
}

static inline struct spool *spool_at(const struct spool_config *c)
{
    struct spool *s;
    if (spool_open(&s, spool_dir, c, spool_error) != 0)
        fail_msg("%s", spool_error);
    return s;
}

static inline struct spool_reader *reader_of(struct spool *s, const char *name)
{
    struct spool_reader *r;
    if (spool_reader_open(&r, spool_dir, name, s, &fault_disk, spool_error) != 0)
        fail_msg("%s", spool_error);
    return r;
}

/* The numbers in the bodies of all that a new reader gets; its offset is removed again. */
static inline size_t read_all_of(const char *name, uint64_t *numbers, size_t most)
{
    struct spool_reader *r = reader_of(NULL, name);
    struct spool_record records[CAP_SPOOL_BATCH];
    size_t n, total = 0;
    while ((n = spool_reader_take(r, records, CAP_SPOOL_BATCH)) > 0)
        for (size_t i = 0; i < n; i++) {
            assert_true(total < most);
            assert_true(spool_record_is_sound(&records[i]));
            numbers[total++] = number_of(&records[i]);
        }
    spool_reader_close(r);
    char file[64];
    snprintf(file, sizeof(file), "%s.offset", name);
    unlink(dir_path(file));
    return total;
}

#endif
