/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/report_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "report/prevalence_render.h"
#include "sensor/stream.h"

#define TOLD 20 /* broken lines that are told of one by one */

struct report {
    struct prevalence *prevalence;
    struct mmdb *mmdb;
    struct prevalence_run run;
    uint64_t unread; /* files that could not be read, or not to their end */
};

static void complain(const char *name, const char *what)
{
    char shown[300];
    text_escape(shown, sizeof(shown), span_str(name));
    fprintf(stderr, "stripwatch: %s: %s\n", shown, what);
}

/* --- lines --- */

static void tell_broken(struct report *r, const char *name, uint64_t number, const char *why)
{
    char shown[300];
    r->run.broken++;
    text_escape(shown, sizeof(shown), span_str(name));
    if (r->run.broken <= TOLD)
        fprintf(stderr, "stripwatch: %s:%" PRIu64 ": %s\n", shown, number, why);
}

static void take_line(struct report *r, const char *name, uint64_t number, struct span line)
{
    char why[EVENT_WHY];
    struct event e;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0)
        return;
    r->run.lines++;
    switch (event_read(line, &e, why)) {
    case EVENT_SESSION:
        prevalence_add(r->prevalence, &e);
        break;
    case EVENT_OTHER:
        r->run.other++;
        break;
    default:
        tell_broken(r, name, number, why);
    }
}

/* The next line, without its end; the window then begins behind it. False: there is none. One that
 * does not fit into the window is cut off in pieces, of which the first has *whole false. */
struct lines {
    struct stream *stream;
    bool inside; /* the window begins inside a line that did not fit */
};

static bool next_line(struct lines *l, struct span *line, bool *whole)
{
    struct span at = stream_window(l->stream, 1);
    size_t end = span_find(at, '\n');
    for (size_t seen = at.n; end == at.n && at.n < CAP_EVENT_LINE; seen = at.n) {
        at = stream_window(l->stream, at.n + 1);
        if (at.n == seen)
            break;
        end = seen + span_find(span_from(at, seen), '\n');
    }
    *line = span_first(at, end);
    *whole = !l->inside && (end < at.n || at.n < CAP_EVENT_LINE);
    l->inside = end == at.n;
    *stream_ready(l->stream) = span_from(at, end + 1);
    return at.n > 0;
}

static void take_lines(struct report *r, const char *name, struct stream *stream)
{
    struct lines l = {.stream = stream};
    struct span line;
    bool whole, begun = true;
    for (uint64_t number = 1; next_line(&l, &line, &whole); number += begun) {
        if (whole) {
            take_line(r, name, number, line);
        } else if (begun) {
            r->run.lines++;
            tell_broken(r, name, number, "the line is longer than 1 MiB");
        }
        begun = !l.inside;
    }
}

static int open_input(const char *name)
{
    if (strcmp(name, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static void read_input(struct report *r, const char *name)
{
    int fd = open_input(name);
    struct stream *stream = fd < 0 ? NULL : stream_open(fd, CAP_EVENT_LINE);
    if (!stream) {
        complain(name, strerror(errno));
        r->unread++;
        return;
    }
    r->run.files++;
    take_lines(r, name, stream);
    if (stream_error(stream)) {
        complain(name, stream_error(stream));
        r->unread++;
    }
    stream_close(stream);
}

/* --- the report --- */

static int render(struct report *r, const struct cli *c, FILE *to)
{
    if (c->json)
        return prevalence_json(r->prevalence, &r->run, to);
    if (c->csv)
        return prevalence_csv(r->prevalence, &r->run, to);
    return prevalence_print(r->prevalence, &r->run, to);
}

static enum report_exit conclude(struct report *r, FILE *to)
{
    if (r->run.broken > TOLD)
        fprintf(stderr, "stripwatch: and %" PRIu64 " more broken lines\n", r->run.broken - TOLD);
    if (mmdb_damaged(r->mmdb)) {
        fprintf(stderr, "stripwatch: --mmdb: %" PRIu64 " look-ups met damaged data\n",
                mmdb_damaged(r->mmdb));
        r->unread++;
    }
    if (fflush(to) || ferror(to)) {
        fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
        return REPORT_TROUBLE;
    }
    return r->unread || r->run.broken ? REPORT_PARTLY : REPORT_DONE;
}

static enum report_exit out_of_memory(void)
{
    fprintf(stderr, "stripwatch: report: out of memory\n");
    return REPORT_TROUBLE;
}

static enum report_exit measure(struct report *r, const struct cli *c, FILE *to)
{
    for (size_t i = 0; i < c->operand_count; i++)
        read_input(r, c->operand[i]);
    if (r->run.lines == r->run.broken) {
        fprintf(stderr, "stripwatch: report: there is no line of EVE in what was given\n");
        return REPORT_TROUBLE;
    }
    if (prevalence_close(r->prevalence, c->by, r->mmdb) || render(r, c, to))
        return out_of_memory();
    return conclude(r, to);
}

/* 0, or -1 when what is needed is not there: told. */
static int open_mmdb(struct report *r, const struct cli *c)
{
    char why[MMDB_WHY];
    for (uint32_t i = 0; i < c->mmdb_count; i++) {
        if (mmdb_add(r->mmdb, c->mmdb[i], why)) {
            fprintf(stderr, "stripwatch: --mmdb: %s\n", why);
            return -1;
        }
    }
    bool system = c->by == PREVALENCE_BY_AS, country = c->by == PREVALENCE_BY_COUNTRY;
    if ((!system && !country) || mmdb_has(r->mmdb, system ? MMDB_AS : MMDB_COUNTRY))
        return 0;
    fprintf(stderr, "stripwatch: report: --by %s needs --mmdb FILE, a file that tells the %s\n",
            prevalence_by_text(c->by), system ? "AS (GeoLite2-ASN)" : "country (GeoLite2-Country)");
    return -1;
}

enum report_exit report_cmd(struct cli *c, FILE *to)
{
    struct siphash_key key;
    struct report r = {.mmdb = mmdb_new(), .run.by = c->by};
    enum report_exit code = REPORT_TROUBLE;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        r.prevalence = prevalence_new(&key);
    if (!r.mmdb || !r.prevalence)
        code = out_of_memory();
    else if (open_mmdb(&r, c) == 0)
        code = measure(&r, c, to);
    prevalence_free(r.prevalence);
    mmdb_free(r.mmdb);
    return code;
}
