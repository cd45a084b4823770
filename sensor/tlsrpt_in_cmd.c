/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_in_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sensor/tlsrpt_files.h"
#include "sensor/tlsrpt_found.h"
#include "sensor/tlsrpt_lines.h"

/* One run. */
struct joining {
    struct tlsrpt_own own;
    struct border *border;
    struct tlsrpt_lines lines;
    uint64_t reports, problems, unread; /* as struct tlsrpt_files has them */
    struct tlsrpt_found found;
    bool whole;                  /* nothing of what the border saw got lost */
    struct tlsrpt_report report; /* that is being read */
    struct domain domain;        /* of the policy */
    bool about_us;
};

static enum report_exit trouble(const char *what)
{
    fprintf(stderr, "stripwatch: report: %s\n", what);
    return REPORT_TROUBLE;
}

/* --- what the border saw --- */

static void on_session(void *user, const struct sighting *s)
{
    struct joining *j = user;
    border_add(j->border, s);
}

static void on_blind(void *user, int64_t begin, int64_t end)
{
    struct joining *j = user;
    border_blind(j->border, begin, end);
}

/* --- what was reported --- */

static void on_report(void *user, const struct tlsrpt_report *r)
{
    struct joining *j = user;
    j->report = *r;
}

static void on_policy(void *user, const struct tlsrpt_policy *p)
{
    struct joining *j = user;
    bool valid = domain_read(span_str(p->domain), &j->domain);
    j->about_us = valid && (j->own.names.count == 0 ||
                            tlsrpt_own_domain(&j->own, span_str(p->domain)) != NULL);
    j->found.successes += j->about_us ? p->successes : 0;
    j->found.foreign += !j->about_us;
}

static void on_failure(void *user, const struct tlsrpt_failure *f)
{
    struct joining *j = user;
    if (!j->about_us)
        return;
    bool ours = tlsrpt_own_has(&j->own, &f->receiver);
    struct tlsrpt_match m = tlsrpt_match(j->border, &j->report, f, ours, j->whole);
    tlsrpt_found_add(&j->found, &j->domain, &j->report, f, &m);
}

static void read_reports(struct joining *j, const struct cli *c)
{
    const struct tlsrpt_reader to = {
        .user = j, .report = on_report, .policy = on_policy, .failure = on_failure};
    struct tlsrpt_files files = {.to = &to};
    for (size_t i = 0; i < c->tlsrpt_in_count; i++)
        tlsrpt_files_read(&files, c->tlsrpt_in[i]);
    j->reports = files.reports;
    j->problems = files.problems;
    j->unread = files.unread;
}

/* --- the whole --- */

static enum report_exit conclude(struct joining *j, const struct cli *c, FILE *to)
{
    const struct tlsrpt_found_input in = {
        .reports = j->reports, .sessions = j->lines.taken, .elsewhere = j->lines.elsewhere};
    bool partly = j->unread > 0 || j->problems > 0 || !j->whole || j->found.left_out > 0;
    if (!c->json)
        tlsrpt_found_print(&j->found, &in, to);
    else if (tlsrpt_found_json(&j->found, j->own.sensor[0] ? j->own.sensor : NULL, to))
        return trouble("out of memory");
    if (fflush(to) || ferror(to)) {
        fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
        return REPORT_TROUBLE;
    }
    if (j->found.count > 0)
        return REPORT_FOUND;
    return partly ? REPORT_PARTLY : REPORT_DONE;
}

static enum report_exit run(struct joining *j, const struct cli *c, FILE *to)
{
    struct siphash_key key;
    if (tlsrpt_own_read(&j->own, c))
        return REPORT_TROUBLE;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        j->border = border_new(&key);
    if (!j->border)
        return trouble("out of memory");
    j->lines =
        (struct tlsrpt_lines){.own = &j->own, .user = j, .session = on_session, .blind = on_blind};
    if (tlsrpt_lines_read(&j->lines, c))
        return REPORT_TROUBLE;
    if (j->lines.lines.lines == j->lines.lines.broken)
        return trouble("there is no line of EVE in what was given");
    j->whole = tlsrpt_lines_whole(&j->lines);
    read_reports(j, c);
    if (j->reports == 0)
        return trouble("there is no report by TLSRPT in what was given");
    return conclude(j, c, to);
}

enum report_exit tlsrpt_in_cmd(const struct cli *c, FILE *to)
{
    static struct joining j;
    j = (struct joining){.whole = true};
    enum report_exit code = run(&j, c, to);
    tlsrpt_found_fini(&j.found);
    border_free(j.border);
    return code;
}
