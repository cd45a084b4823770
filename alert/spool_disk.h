/* SPDX-License-Identifier: Apache-2.0 */
/* The calls by which the spool changes its directory, in one table: tests put a disk there that is
 * full, read-only or broken. All of them as their namesakes of POSIX, errno included. */
#ifndef ALERT_SPOOL_DISK_H
#define ALERT_SPOOL_DISK_H

#include <sys/types.h>

struct spool_disk {
    int (*open)(int dir, const char *name, int flags);
    ssize_t (*write)(int fd, const void *bytes, size_t n);
    int (*sync)(int fd);     /* fdatasync */
    int (*sync_dir)(int fd); /* fsync */
    int (*truncate)(int fd, off_t size);
    int (*rename)(int dir, const char *from, const char *to);
    int (*remove)(int dir, const char *name);
};

extern const struct spool_disk spool_disk_system;

#endif
