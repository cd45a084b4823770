/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES 32768 /* more would drive sessions out of the caches */

static void use(struct output *o, FILE *file, const char *name)
{
    *o = (struct output){.file = file, .name = name, .buffer = malloc(BUFFER_BYTES)};
    if (o->buffer) /* glibc takes a size only together with a buffer */
        setvbuf(file, o->buffer, _IOFBF, BUFFER_BYTES);
    __fsetlocking(file, FSETLOCKING_BYCALLER);
}

void output_open_standard(struct output *o)
{
    use(o, stdout, "standard output");
}

/* A capture given by mistake as the file to write must survive: compared before it is truncated. */
static bool is_input(int fd, const struct inputs *inputs)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return false;
    for (uint32_t i = 0; i < inputs->count; i++)
        if (inputs->item[i].device == st.st_dev && inputs->item[i].inode == st.st_ino)
            return true;
    return false;
}

static int truncate_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return errno;
    return S_ISREG(st.st_mode) && ftruncate(fd, 0) ? errno : 0;
}

int output_open_file(struct output *o, const char *path, bool append, const struct inputs *inputs)
{
    int mode = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : 0);
    int fd = open(path, mode, 0640); /* who may read it: it names people's servers */
    if (fd < 0)
        return errno;
    int error = is_input(fd, inputs) ? EEXIST : 0;
    if (!error && !append)
        error = truncate_file(fd);
    FILE *file = error ? NULL : fdopen(fd, append ? "a" : "w");
    if (!file) {
        error = error ? error : errno;
        close(fd);
        return error;
    }
    use(o, file, path);
    return 0;
}

int output_render(struct output *o, enum format format)
{
    if (!o->file || format == FORMAT_EVE)
        return 0;
    o->format = format;
    o->rendered = malloc(sizeof(*o->rendered));
    return o->rendered ? 0 : ENOMEM;
}

static int fail(struct output *o)
{
    if (!o->error)
        o->error = errno ? errno : EIO;
    return -1;
}

static int write_bytes(struct output *o, struct span bytes)
{
    errno = 0;
    return fwrite_unlocked(bytes.p, 1, bytes.n, o->file) == bytes.n ? 0 : fail(o);
}

int output_write(struct output *o, struct span line)
{
    if (!o->file)
        return 0;
    if (o->error)
        return -1;
    if (!o->rendered)
        return write_bytes(o, line);
    errno = ENOMEM; /* a line of our own is not broken */
    switch (format_line(o->format, line, NULL, o->rendered)) {
    case FORMAT_OK:
        return write_bytes(o, o->rendered->line);
    case FORMAT_NOT_CARRIED:
        return 0;
    default:
        return fail(o);
    }
}

int output_close(struct output *o)
{
    if (!o->file)
        return o->error;
    bool bad = ferror(o->file) != 0; /* the summary is printed past output_write() */
    errno = 0;
    if (fclose(o->file) || bad)
        fail(o);
    o->file = NULL;
    free(o->buffer);
    free(o->rendered);
    o->buffer = NULL;
    o->rendered = NULL;
    return o->error;
}
