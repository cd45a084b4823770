/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "report/tlsrpt_made.h"
#include "sensor/tlsrpt_lines.h"

#define DAY 86400LL

/* One run. */
struct writing {
    struct tlsrpt_own own;
    struct tlsrpt_made *made;
    struct tlsrpt_lines lines;
    FILE *to;
    int dir; /* -1: none, the reports go to `to` */
    uint64_t written, shared;
};

static enum report_exit trouble(const char *what, const char *why)
{
    char shown[300];
    text_escape(shown, sizeof(shown), span_str(what));
    fprintf(stderr, "stripwatch: %s%s%s\n", shown, *why ? ": " : "", why);
    return REPORT_TROUBLE;
}

/* tlsrpt_lines.session */
static void on_session(void *user, const struct sighting *s)
{
    struct writing *w = user;
    tlsrpt_made_add(w->made, s);
}

/* --- what is in no report --- */

static void tell(uint64_t n, const char *what)
{
    if (n > 0)
        fprintf(stderr, "stripwatch: report: %" PRIu64 " session%s in no count: %s\n", n,
                n == 1 ? "" : "s", what);
}

static void tell_beside(const struct writing *w)
{
    const struct tlsrpt_made_beside *b = tlsrpt_made_beside(w->made);
    tell(w->lines.elsewhere, "not from elsewhere to port 25 of your exchangers");
    tell(b->outcome[SIGHTING_UNKNOWN], "the tap did not show enough");
    tell(b->outcome[SIGHTING_UNASKED], "the client did not ask for TLS");
    tell(b->outcome[SIGHTING_NO_MAIL], "it did not come to EHLO");
    tell(b->foreign, "for other domains than yours");
    tell(b->shared, "TLS hides for which of your domains");
    tell(b->left_out, "there was no room");
}

static void tell_shared(const struct writing *w, const struct tlsrpt_made_day *d)
{
    char day[TEXT_TIME];
    text_time(day, clock_of(d->day * DAY, 0));
    fprintf(stderr,
            "stripwatch: report: %.10s %s: no report, for TLS hides which of your domains some "
            "sessions are for; where exchangers serve one domain alone, give this one\n",
            day, w->own.domain[d->own].text);
}

/* --- writing --- */

static bool put_text(int fd, const char *text)
{
    size_t n = strlen(text);
    for (ssize_t done; n > 0; text += done, n -= (size_t)done) {
        done = write(fd, text, n);
        if (done < 0 && errno == EINTR)
            done = 0;
        if (done < 0)
            return false;
    }
    return true;
}

/* RFC 8460 section 5.1: sender, domain, begin, end, and a word that it is no sender's. A file that
 * is there is replaced. */
static bool write_file(const struct writing *w, const struct tlsrpt_made_day *d, const char *text)
{
    char name[2 * CAP_DOMAIN_TEXT + 80];
    const char *domain = w->own.domain[d->own].text;
    snprintf(name, sizeof(name), "%s!%s!%lld!%lld!passive.json", domain, domain, d->day * DAY,
             d->day * DAY + DAY - 1);
    int fd = openat(w->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool done = fd >= 0 && put_text(fd, text) && put_text(fd, "\n");
    int error = errno;
    if (fd >= 0 && close(fd) && done) {
        error = errno;
        done = false;
    }
    if (!done)
        trouble(name, strerror(error));
    return done;
}

static bool write_report(struct writing *w, size_t number)
{
    struct tlsrpt_made_day d = tlsrpt_made_day(w->made, number);
    if (d.shared) {
        tell_shared(w, &d);
        w->shared++;
        return true;
    }
    if (d.empty)
        return true;
    char *text = tlsrpt_made_json(w->made, number);
    bool done = text != NULL;
    if (!text)
        trouble("report: out of memory", "");
    else if (w->dir >= 0)
        done = write_file(w, &d, text);
    else
        fprintf(w->to, "%s\n", text);
    free(text);
    w->written += done;
    return done;
}

static enum report_exit write_reports(struct writing *w)
{
    int64_t n = tlsrpt_made_close(w->made);
    if (n < 0)
        return trouble("report: out of memory", "");
    for (int64_t i = 0; i < n; i++)
        if (!write_report(w, (size_t)i))
            return REPORT_TROUBLE;
    if (fflush(w->to) || ferror(w->to))
        return trouble("standard output", strerror(errno));
    tell_beside(w);
    if (w->written == 0)
        fprintf(stderr, "stripwatch: report: there is nothing to report\n");
    bool whole = tlsrpt_lines_whole(&w->lines) && tlsrpt_made_beside(w->made)->left_out == 0;
    return whole && w->shared == 0 ? REPORT_DONE : REPORT_PARTLY;
}

static enum report_exit run(struct writing *w, const struct cli *c)
{
    w->lines = (struct tlsrpt_lines){.own = &w->own, .user = w, .session = on_session};
    if (tlsrpt_lines_read(&w->lines, c))
        return REPORT_TROUBLE;
    if (w->lines.lines.lines == w->lines.lines.broken)
        return trouble("report: there is no line of EVE in what was given", "");
    if (tlsrpt_lines_chosen(&w->lines))
        return trouble("report: their counts would be false, so there is no report", "");
    return write_reports(w);
}

static enum report_exit begin(struct writing *w, const struct cli *c)
{
    struct siphash_key key;
    if (tlsrpt_own_read(&w->own, c))
        return REPORT_TROUBLE;
    if (w->own.names.count == 0)
        return trouble("report: for which domains? --own-domain, or policy.own_domains in -c FILE",
                       "");
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        w->made = tlsrpt_made_new(&key, &w->own.names);
    if (!w->made)
        return trouble("report: out of memory", "");
    if (c->out_dir)
        w->dir = open(c->out_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->out_dir && w->dir < 0)
        return trouble(c->out_dir, strerror(errno));
    return run(w, c);
}

enum report_exit tlsrpt_cmd(const struct cli *c, FILE *to)
{
    static struct writing w;
    w = (struct writing){.to = to, .dir = -1};
    enum report_exit code = begin(&w, c);
    tlsrpt_made_free(w.made);
    if (w.dir >= 0)
        close(w.dir);
    return code;
}
