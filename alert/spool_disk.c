/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MODE = 0640 };

static int open_file(int dir, const char *name, int flags)
{
    return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, MODE);
}

static int rename_file(int dir, const char *from, const char *to)
{
    return renameat(dir, from, dir, to);
}

static int remove_file(int dir, const char *name)
{
    return unlinkat(dir, name, 0);
}

const struct spool_disk spool_disk_system = {
    .open = open_file,
    .write = write,
    .sync = fdatasync,
    .sync_dir = fsync,
    .truncate = ftruncate,
    .rename = rename_file,
    .remove = remove_file,
};
