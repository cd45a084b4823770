/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_found.h"

#include <inttypes.h>
#include <stdlib.h>

#include "alert/eve.h"
#include "report/typeset.h"

#define SHOWN 50 /* findings that a person is told of one by one */

/* All of it enters the order, and equal ones are one. */
struct tlsrpt_finding {
    struct tlsrpt_report report;
    struct domain domain;
    struct tlsrpt_failure failure;
    struct tlsrpt_match match;
};

void tlsrpt_found_fini(struct tlsrpt_found *f)
{
    free(f->finding);
    f->finding = NULL;
}

/* --- adding --- */

static void add_why(struct tlsrpt_found *f, const char *why)
{
    size_t i = 0;
    while (i < TLSRPT_FOUND_WHYS - 1 && f->why[i] && strcmp(f->why[i], why) != 0)
        i++;
    f->why[i] = why;
    f->untold[i]++;
}

static bool grow(struct tlsrpt_found *f)
{
    size_t room = f->room ? 2 * f->room : 64;
    struct tlsrpt_finding *more = realloc(f->finding, room * sizeof(*more));
    if (!more)
        return false;
    f->finding = more;
    f->room = room;
    return true;
}

void tlsrpt_found_add(struct tlsrpt_found *f, const struct domain *domain,
                      const struct tlsrpt_report *r, const struct tlsrpt_failure *failure,
                      const struct tlsrpt_match *m)
{
    f->word[m->word]++;
    if (m->word == TLSRPT_UNTOLD)
        add_why(f, m->why);
    if (!tlsrpt_word_is_finding(m->word))
        return;
    if (f->count == CAP_TLSRPT_FOUND || (f->count == f->room && !grow(f))) {
        f->left_out++;
        return;
    }
    f->finding[f->count++] = (struct tlsrpt_finding){*r, *domain, *failure, *m};
}

/* --- order --- */

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int cmp(const void *left, const void *right)
{
    const struct tlsrpt_finding *a = left, *b = right;
    const int step[] = {
        by_number((uint64_t)a->report.end, (uint64_t)b->report.end),
        by_number((uint64_t)a->report.begin, (uint64_t)b->report.begin),
        strcmp(a->domain.text, b->domain.text),
        strcmp(a->report.organization, b->report.organization),
        strcmp(a->report.id, b->report.id),
        strcmp(a->failure.word, b->failure.word),
        tlsrpt_host_cmp(&a->failure.sender, &b->failure.sender),
        tlsrpt_host_cmp(&a->failure.receiver, &b->failure.receiver),
        strcmp(a->failure.mx, b->failure.mx),
        by_number(a->failure.sessions, b->failure.sessions),
    };
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
        if (step[i] != 0)
            return step[i];
    return 0;
}

/* A report that came twice says what it says once. */
static void sort(struct tlsrpt_found *f)
{
    size_t kept = 0;
    if (f->count > 0)
        qsort(f->finding, f->count, sizeof(f->finding[0]), cmp);
    for (size_t i = 0; i < f->count; i++)
        if (kept == 0 || cmp(&f->finding[kept - 1], &f->finding[i]) != 0)
            f->finding[kept++] = f->finding[i];
    f->count = kept;
}

/* --- judging --- */

static struct discovery_host host_of(const struct tlsrpt_host *h)
{
    struct discovery_host out = {.family = h->family};
    memcpy(out.address, h->address, sizeof(out.address));
    return out;
}

static struct discovery_report report_of(const struct tlsrpt_finding *g)
{
    static const enum discovery_differs DIFFERS[] = {
        [TLSRPT_ELSEWHERE] = DISCOVERY_ELSEWHERE,
        [TLSRPT_NEVER_HERE] = DISCOVERY_NEVER_HERE,
        [TLSRPT_OFFERED] = DISCOVERY_OFFERED,
    };
    const struct tlsrpt_failure *f = &g->failure;
    bool known = f->result < TLSRPT_RESULT_COUNT;
    return (struct discovery_report){
        .differs = DIFFERS[g->match.word],
        .organization = g->report.organization,
        .id = g->report.id,
        .begin = clock_of(g->report.begin, 0),
        .end = clock_of(g->report.end, 0),
        .result = f->word,
        .tlsrpt = known ? tlsrpt_result_text(f->result) : NULL,
        .mx = f->mx,
        .sender = host_of(&f->sender),
        .receiver = host_of(&f->receiver),
        .sessions = f->sessions,
        .came = g->match.came.sessions,
        .offered = g->match.came.offered,
        .unasked = g->match.came.unasked,
        .clear = g->match.came.clear,
    };
}

static struct discovery discovery_of(const struct tlsrpt_finding *g,
                                     const struct discovery_report *r)
{
    return (struct discovery){.kind = DISCOVERY_REPORT,
                              .answer = DISCOVERY_RECORDS,
                              .own = true,
                              .time = r->begin,
                              .now = r->end,
                              .type = "",
                              .domain = g->domain,
                              .report = r};
}

/* --- for people --- */

static void print_finding(const struct tlsrpt_finding *g, FILE *to)
{
    struct finding f;
    char lead[80];
    const struct discovery_report r = report_of(g);
    const struct discovery d = discovery_of(g, &r);
    if (!discovery_judge(&d, &f))
        return;
    fprintf(to, "\n%s  %s  %s\n", severity_text(f.severity), rule_row(f.rule)->name,
            g->domain.text);
    snprintf(lead, sizeof(lead), "  seen   ");
    typeset_wrap(to, lead, f.reason, 12);
    snprintf(lead, sizeof(lead), "  check  ");
    typeset_wrap(to, lead, f.next_step, 6);
}

static void print_words(const struct tlsrpt_found *f, FILE *to)
{
    static const char *const TEXT[TLSRPT_WORD_COUNT] = {
        [TLSRPT_ELSEWHERE] = "at an address that is none of ours: mx-spoofed",
        [TLSRPT_NEVER_HERE] = "of a sender that never came: mx-spoofed",
        [TLSRPT_OFFERED] = "without STARTTLS, which we had offered: path-rewrites",
        [TLSRPT_AGREES] = "without STARTTLS, and so the border saw it",
        [TLSRPT_CAME] = "of senders that came; of the failure the border cannot tell",
        [TLSRPT_BEFORE] = "before anybody was connected to",
        [TLSRPT_NOTHING] = "of no session",
        [TLSRPT_UNTOLD] = "of which nothing can be told:",
    };
    char count[TYPESET_COUNT];
    fprintf(to, "\nreported failures\n");
    for (int i = 0; i < TLSRPT_WORD_COUNT; i++)
        if (f->word[i] > 0)
            fprintf(to, "  %8s  %s\n", typeset_count(count, f->word[i]), TEXT[i]);
    for (int i = 0; i < TLSRPT_FOUND_WHYS && f->why[i]; i++)
        fprintf(to, "  %8s    %s\n", typeset_count(count, f->untold[i]), f->why[i]);
}

static void print_head(const struct tlsrpt_found *f, const struct tlsrpt_found_input *in, FILE *to)
{
    char text[TYPESET_COUNT];
    fprintf(to, "stripwatch report  %s", typeset_count(text, in->reports));
    fprintf(to, " report%s by TLSRPT", in->reports == 1 ? "" : "s");
    fprintf(to, ", %s", typeset_count(text, in->sessions));
    fprintf(to, " session%s at our exchangers\n", in->sessions == 1 ? "" : "s");
    fprintf(to, "  %s", typeset_count(text, f->successes));
    fprintf(to, " session%s went well, as senders report\n", f->successes == 1 ? "" : "s");
    if (in->elsewhere > 0)
        fprintf(to, "  %s lines are of other sessions\n", typeset_count(text, in->elsewhere));
    if (f->foreign > 0)
        fprintf(to, "  %s policies are not of your domains\n", typeset_count(text, f->foreign));
}

void tlsrpt_found_print(struct tlsrpt_found *f, const struct tlsrpt_found_input *in, FILE *to)
{
    uint64_t failures = 0;
    sort(f);
    print_head(f, in, to);
    for (size_t i = 0; i < f->count && i < SHOWN; i++)
        print_finding(&f->finding[i], to);
    if (f->count > SHOWN)
        fprintf(to, "\nand %zu findings more\n", f->count - SHOWN);
    for (int i = 0; i < TLSRPT_WORD_COUNT; i++)
        failures += f->word[i];
    if (failures > 0)
        print_words(f, to);
    if (f->left_out > 0)
        fprintf(to, "\n%" PRIu64 " findings had no room\n", f->left_out);
}

/* --- lines of EVE --- */

/* What is told of by sessions does not happen here. */
static void no_session(void *user, const struct session *s, enum incident_outcome outcome,
                       const struct incident_alert *a)
{
    (void)user;
    (void)s;
    (void)outcome;
    (void)a;
}

static void write_alert(struct incidents *in, const struct tlsrpt_finding *g,
                        const struct eve_options *o, struct json *line, FILE *to)
{
    struct finding f;
    struct incident_alert alert;
    const struct discovery_report r = report_of(g);
    const struct discovery d = discovery_of(g, &r);
    if (!discovery_judge(&d, &f))
        return;
    enum incident_outcome outcome = incident_discovery(in, &d, &f, &alert);
    if (outcome == INCIDENT_SILENT)
        return;
    if (outcome == INCIDENT_ALERT)
        eve_discovery(line, &d, &alert, o);
    else
        eve_discovery_storm(line, &d, &alert, o);
    struct span text = json_end(line);
    fwrite(text.p, 1, text.n, to);
}

int tlsrpt_found_json(struct tlsrpt_found *f, const char *sensor, FILE *to)
{
    static const struct siphash_key key; /* of sessions, of which there are none */
    const struct eve_options options = {.sensor = sensor};
    struct incidents *in = incident_new(&key, sensor, no_session, NULL);
    struct json *line = malloc(sizeof(*line));
    sort(f);
    for (size_t i = 0; in && line && i < f->count; i++)
        write_alert(in, &f->finding[i], &options, line, to);
    int rc = in && line ? 0 : -1;
    incident_free(in);
    free(line);
    return rc;
}
