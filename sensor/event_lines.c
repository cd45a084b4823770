/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define TOLD 20 /* broken lines that are told of one by one */

void event_lines_complain(const char *name, const char *what)
{
    char shown[300];
    text_escape(shown, sizeof(shown), span_str(name));
    fprintf(stderr, "stripwatch: %s: %s\n", shown, what);
}

static void tell_broken(struct event_lines *l, const char *name, uint64_t number, const char *why)
{
    char shown[300];
    l->broken++;
    text_escape(shown, sizeof(shown), span_str(name));
    if (l->broken <= TOLD)
        fprintf(stderr, "stripwatch: %s:%" PRIu64 ": %s\n", shown, number, why);
}

static void take_line(struct event_lines *l, const char *name, uint64_t number, struct span line)
{
    char why[EVENT_WHY] = "";
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0)
        return;
    l->lines++;
    if (!l->take(l->user, line, why))
        tell_broken(l, name, number, why);
}

/* The next line, without its end; the window then begins behind it. False: there is none. One that
 * does not fit into the window is cut off in pieces, of which the first has *whole false. */
struct cutter {
    struct stream *stream;
    bool inside; /* the window begins inside a line that did not fit */
};

static bool next_line(struct cutter *c, struct span *line, bool *whole)
{
    struct span at = stream_window(c->stream, 1);
    size_t end = span_find(at, '\n');
    for (size_t seen = at.n; end == at.n && at.n < CAP_EVENT_LINE; seen = at.n) {
        at = stream_window(c->stream, at.n + 1);
        if (at.n == seen)
            break;
        end = seen + span_find(span_from(at, seen), '\n');
    }
    *line = span_first(at, end);
    *whole = !c->inside && (end < at.n || at.n < CAP_EVENT_LINE);
    c->inside = end == at.n;
    *stream_ready(c->stream) = span_from(at, end + 1);
    return at.n > 0;
}

static void take_lines(struct event_lines *l, const char *name, struct stream *stream)
{
    struct cutter c = {.stream = stream};
    struct span line;
    bool whole, begun = true;
    for (uint64_t number = 1; next_line(&c, &line, &whole); number += begun) {
        if (whole) {
            take_line(l, name, number, line);
        } else if (begun) {
            l->lines++;
            tell_broken(l, name, number, "the line is longer than 1 MiB");
        }
        begun = !c.inside;
    }
}

int event_lines_open(const char *name)
{
    if (strcmp(name, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

void event_lines_read(struct event_lines *l, const char *name)
{
    int fd = event_lines_open(name);
    struct stream *stream = fd < 0 ? NULL : stream_open(fd, CAP_EVENT_LINE);
    if (!stream) {
        event_lines_complain(name, strerror(errno));
        l->unread++;
        return;
    }
    l->files++;
    take_lines(l, name, stream);
    if (stream_error(stream)) {
        event_lines_complain(name, stream_error(stream));
        l->unread++;
    }
    stream_close(stream);
}

void event_lines_close(const struct event_lines *l)
{
    if (l->broken > TOLD)
        fprintf(stderr, "stripwatch: and %" PRIu64 " more broken lines\n", l->broken - TOLD);
}
