/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sensor/event_lines.h"

#define TOLD 20 /* problems of one file that are told of one by one */

/* One file. */
struct file {
    const char *name;
    uint64_t problems;
};

static void on_problem(void *user, const char *where, const char *why)
{
    struct file *f = user;
    char text[400];
    snprintf(text, sizeof(text), "%s%s%s", where, *where ? ": " : "", why);
    if (f->problems++ < TOLD)
        event_lines_complain(f->name, text);
}

/* The members of a reader, with `problem` and `user` of ours: the callers' are within. */
struct relay {
    const struct tlsrpt_reader *to;
    struct file file;
};

static void on_report(void *user, const struct tlsrpt_report *r)
{
    struct relay *relay = user;
    relay->to->report(relay->to->user, r);
}

static void on_policy(void *user, const struct tlsrpt_policy *p)
{
    struct relay *relay = user;
    relay->to->policy(relay->to->user, p);
}

static void on_failure(void *user, const struct tlsrpt_failure *failure)
{
    struct relay *relay = user;
    relay->to->failure(relay->to->user, failure);
}

static void on_wrong(void *user, const char *where, const char *why)
{
    struct relay *relay = user;
    on_problem(&relay->file, where, why);
}

static void read_text(struct tlsrpt_files *f, const char *name, struct span text)
{
    struct relay relay = {.to = f->to, .file = {.name = name}};
    const struct tlsrpt_reader reader = {&relay, on_report, on_policy, on_failure, on_wrong};
    int rc = tlsrpt_read(text, &reader);
    f->reports += rc == 0;
    f->unread += rc != 0;
    f->problems += relay.file.problems;
    if (relay.file.problems > TOLD) {
        char more[64];
        snprintf(more, sizeof(more), "and %" PRIu64 " more", relay.file.problems - TOLD);
        event_lines_complain(name, more);
    }
}

static const char *read_stream(struct tlsrpt_files *f, const char *name, struct stream *stream)
{
    struct span text = stream_window(stream, CAP_TLSRPT_BYTES + 1);
    if (stream_error(stream))
        return stream_error(stream);
    if (text.n > CAP_TLSRPT_BYTES)
        return "is larger than 4 MiB, and no report is";
    read_text(f, name, text);
    return NULL;
}

static void read_file(struct tlsrpt_files *f, const char *name)
{
    int fd = event_lines_open(name);
    struct stream *stream = fd < 0 ? NULL : stream_open(fd, CAP_TLSRPT_BYTES + 1);
    const char *why = stream ? read_stream(f, name, stream) : strerror(errno);
    if (why) {
        event_lines_complain(name, why);
        f->unread++;
    }
    if (stream)
        stream_close(stream);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_entry(struct tlsrpt_files *f, const char *dir, const char *name)
{
    struct stat st;
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
        event_lines_complain(name, strerror(ENAMETOOLONG));
        f->unread++;
    } else if (stat(path, &st) || S_ISREG(st.st_mode)) {
        read_file(f, path); /* which tells why, where there is none */
    }
}

static void read_directory(struct tlsrpt_files *f, const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, is_visible, alphasort);
    if (n < 0) {
        event_lines_complain(path, strerror(errno));
        f->unread++;
        return;
    }
    for (int i = 0; i < n; i++) {
        if (i < CAP_TLSRPT_FILES)
            read_entry(f, path, entry[i]->d_name);
        free(entry[i]);
    }
    if (n > CAP_TLSRPT_FILES) {
        event_lines_complain(path, "has more files than are looked at");
        f->unread++;
    }
    free(entry);
}

void tlsrpt_files_read(struct tlsrpt_files *f, const char *path)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        read_directory(f, path);
    else
        read_file(f, path);
}
