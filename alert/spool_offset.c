/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_offset.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/crc32c.h"
#include "base/cursor.h"

#define MAGIC  0x53574F31u /* "SWO1" */
#define SUFFIX ".offset"

enum { CRC_AT = 20, USED = 24, FILE_NAME = CAP_SPOOL_NAME + sizeof(SUFFIX) };

bool spool_offset_is_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if (!span_is_alpha((uint8_t)name[i]) && !span_is_digit((uint8_t)name[i]) &&
            name[i] != '-' && name[i] != '_')
            return false;
    return n > 0 && n <= CAP_SPOOL_NAME;
}

static void file_name(char text[FILE_NAME], const char *name)
{
    snprintf(text, FILE_NAME, "%.*s" SUFFIX, CAP_SPOOL_NAME, name);
}

static uint64_t take_u64(struct cursor *c)
{
    uint64_t high = cursor_u32(c);
    return high << 32 | cursor_u32(c);
}

static bool parse_slot(struct span slot, struct spool_offset *o)
{
    struct cursor c = cursor_of(slot);
    uint32_t magic = cursor_u32(&c), crc;

    o->writes = take_u64(&c);
    o->seq = take_u64(&c);
    crc = cursor_u32(&c);
    return !c.bad && magic == MAGIC && crc == crc32c(0, span_first(slot, CRC_AT));
}

struct spool_offset spool_offset_parse(struct span file)
{
    struct spool_offset best = {0}, o;

    for (size_t at = 0; at < SPOOL_OFFSET_FILE; at += SPOOL_OFFSET_SLOT)
        if (parse_slot(span_from(file, at), &o) && o.writes > best.writes)
            best = o;
    return best;
}

bool spool_offset_read(int dir, const char *name, struct spool_offset *o)
{
    uint8_t bytes[SPOOL_OFFSET_FILE];
    char file[FILE_NAME];
    ssize_t n;
    int fd;

    file_name(file, name);
    *o = (struct spool_offset){0};
    fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    n = pread(fd, bytes, sizeof(bytes), 0);
    close(fd);
    *o = spool_offset_parse(span_of(bytes, n > 0 ? (size_t)n : 0));
    return true;
}

static void put(uint8_t *p, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *p++ = (uint8_t)(value >> 8 * bytes);
}

static int write_slot(int fd, const struct spool_offset *o, const struct spool_disk *disk)
{
    uint8_t slot[USED];

    put(slot, MAGIC, 4);
    put(slot + 4, o->writes, 8);
    put(slot + 12, o->seq, 8);
    put(slot + CRC_AT, crc32c(0, span_of(slot, CRC_AT)), 4);
    if (lseek(fd, (off_t)(o->writes % 2) * SPOOL_OFFSET_SLOT, SEEK_SET) < 0 ||
        disk->write(fd, slot, sizeof(slot)) != (ssize_t)sizeof(slot))
        return -1;
    return disk->sync(fd);
}

int spool_offset_write(int dir, const char *name, struct spool_offset *o,
                       const struct spool_disk *disk)
{
    struct spool_offset next = {o->seq, o->writes + 1};
    char file[FILE_NAME];
    int fd, rc;

    file_name(file, name);
    fd = disk->open(dir, file, O_WRONLY | O_CREAT);
    if (fd < 0)
        return -1;
    rc = write_slot(fd, &next, disk);
    close(fd);
    if (rc == 0 && o->writes == 0)
        rc = disk->sync_dir(dir); /* the file is new */
    if (rc == 0)
        *o = next;
    return rc;
}

static bool name_of(const char *file, char name[FILE_NAME])
{
    size_t n = strlen(file), suffix = sizeof(SUFFIX) - 1;

    if (n <= suffix || n - suffix > CAP_SPOOL_NAME || strcmp(file + n - suffix, SUFFIX) != 0)
        return false;
    memcpy(name, file, n - suffix);
    name[n - suffix] = '\0';
    return spool_offset_is_name(name);
}

int spool_offset_each(int dir, spool_offset_fn *fn, void *user)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    struct spool_offset o;
    char name[FILE_NAME];

    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((e = readdir(d)) != NULL)
        if (name_of(e->d_name, name) && spool_offset_read(dir, name, &o))
            fn(user, name, &o);
    closedir(d);
    return 0;
}

int spool_offset_remove(int dir, const char *name, const struct spool_disk *disk)
{
    char file[FILE_NAME];

    file_name(file, name);
    return disk->remove(dir, file);
}
