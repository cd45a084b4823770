/* SPDX-License-Identifier: Apache-2.0 */
/* Captures written byte by byte for tests, good ones and bad ones, and a place to put them. */
#ifndef TESTS_UNIT_SENSOR_CAPFILE_H
#define TESTS_UNIT_SENSOR_CAPFILE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAP_MICRO 0xA1B2C3D4u
#define CAP_NANO  0xA1B23C4Du

struct capfile {
    uint8_t b[1 << 16];
    size_t n;
    int big_endian;
};

static inline void cap_put(struct capfile *f, const void *p, size_t n)
{
    if (n > sizeof(f->b) - f->n)
        abort();
    memcpy(f->b + f->n, p, n);
    f->n += n;
}

static inline void cap_u32(struct capfile *f, uint32_t v)
{
    uint8_t le[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    uint8_t be[4] = {le[3], le[2], le[1], le[0]};
    cap_put(f, f->big_endian ? be : le, 4);
}

static inline void cap_u16(struct capfile *f, uint16_t v)
{
    uint8_t le[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    uint8_t be[2] = {le[1], le[0]};
    cap_put(f, f->big_endian ? be : le, 2);
}

/* The file header (draft-ietf-opsawg-pcap section 4). */
static inline void cap_header(struct capfile *f, uint32_t magic, uint32_t snaplen, uint32_t link)
{
    cap_u32(f, magic);
    cap_u16(f, 2);
    cap_u16(f, 4);
    cap_u32(f, 0);
    cap_u32(f, 0);
    cap_u32(f, snaplen);
    cap_u32(f, link);
}

/* A packet record with `data` bytes of `fill` behind it, whatever the lengths say. */
static inline void cap_record(struct capfile *f, uint32_t sec, uint32_t frac, uint32_t caplen,
                              uint32_t len, size_t data, uint8_t fill)
{
    cap_u32(f, sec);
    cap_u32(f, frac);
    cap_u32(f, caplen);
    cap_u32(f, len);
    for (size_t i = 0; i < data; i++)
        cap_put(f, &fill, 1);
}

/* A file of good packets of 60 bytes at the given seconds; the first byte of each tells it. */
static inline void cap_seconds(struct capfile *f, const uint32_t *sec, size_t count, uint8_t fill)
{
    f->n = 0;
    f->big_endian = 0;
    cap_header(f, CAP_MICRO, 65535, 1);
    for (size_t i = 0; i < count; i++)
        cap_record(f, sec[i], 0, 60, 60, 60, fill);
}

/* A descriptor that reads these bytes. */
static inline int cap_fd(const void *data, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

struct capdir {
    char path[64];
};

static inline struct capdir capdir_make(void)
{
    struct capdir d = {"/tmp/stripwatch-test-XXXXXX"};
    if (!mkdtemp(d.path))
        abort();
    return d;
}

/* The path of a name in the directory; good until eight later calls. */
static inline const char *capdir_path(const struct capdir *d, const char *name)
{
    static char ring[8][256];
    static unsigned at;
    char *path = ring[at++ % 8];
    snprintf(path, sizeof(ring[0]), "%s/%s", d->path, name);
    return path;
}

static inline void capdir_write(const struct capdir *d, const char *name, const void *data,
                                size_t n)
{
    FILE *f = fopen(capdir_path(d, name), "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f))
        abort();
}

/* Only what was written here is in it. */
static inline void capdir_remove(const struct capdir *d)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -r '%s'", d->path);
    if (system(command) != 0)
        abort();
}

#endif
