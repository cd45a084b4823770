/* SPDX-License-Identifier: Apache-2.0 */
#include "report/summary.h"

#include <stdlib.h>

#include "alert/eve.h"
#include "report/typeset.h"

#define BAR_COLUMNS 20

/* All sessions in which one rule fired with one severity against one server. */
struct record {
    struct finding finding; /* of the first of them */
    struct flow_key flow;   /* likewise */
    nstime first;
    uint64_t sessions;
    uint64_t newest; /* serial of the newest: two findings of one session are one session */
    bool other_clients;
};

/* So many of those where it is known. */
struct share {
    uint64_t part, whole;
};

struct summary {
    uint64_t sessions;
    nstime first, last;
    struct share offered, asked;
    uint64_t implicit; /* TLS from the first byte: nothing to offer */
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t mails, mail_sessions, logins;
    uint64_t seen_whole, seen_partly, seen_one_sided;
    uint64_t gaps, missing_bytes;
    uint64_t left_out; /* findings above info that no record stands for */
    size_t record_count;
    struct record record[SUMMARY_RECORDS];
};

struct summary *summary_new(void)
{
    return calloc(1, sizeof(struct summary));
}

void summary_free(struct summary *sum)
{
    free(sum);
}

/* --- collecting --- */

static bool same_server(const struct flow_key *a, const struct flow_key *b)
{
    return a->family == b->family && a->server_port == b->server_port &&
           memcmp(a->server, b->server, sizeof a->server) == 0;
}

static struct record *record_find(struct summary *sum, const struct session *s,
                                  const struct finding *f)
{
    for (size_t i = 0; i < sum->record_count; i++) {
        struct record *r = &sum->record[i];
        if (r->finding.rule == f->rule && r->finding.severity == f->severity &&
            same_server(&r->flow, &s->key))
            return r;
    }
    return NULL;
}

/* Where a new record may stand: behind the last, or in place of the newest of the weakest. */
static struct record *record_place(struct summary *sum, const struct finding *f)
{
    struct record *weakest = &sum->record[0];
    if (sum->record_count < SUMMARY_RECORDS)
        return &sum->record[sum->record_count++];
    for (size_t i = 1; i < sum->record_count; i++)
        if (sum->record[i].finding.severity <= weakest->finding.severity)
            weakest = &sum->record[i];
    if (weakest->finding.severity >= f->severity)
        return NULL;
    sum->left_out += weakest->sessions;
    return weakest;
}

static void collect_finding(struct summary *sum, const struct session *s, const struct finding *f)
{
    struct record *r = record_find(sum, s, f);
    if (r == NULL) {
        r = record_place(sum, f);
        if (r)
            *r = (struct record){*f, s->key, f->time ? f->time : s->now, 1, s->serial, false};
        else
            sum->left_out++;
        return;
    }
    if (r->newest == s->serial)
        return;
    r->newest = s->serial;
    r->sessions++;
    if (memcmp(r->flow.client, s->key.client, sizeof r->flow.client) != 0)
        r->other_clients = true;
}

static void collect_coverage(struct summary *sum, const struct session *s,
                             const struct judgement *j)
{
    if (j->visibility == VISIBILITY_CLIENT || j->visibility == VISIBILITY_SERVER)
        sum->seen_one_sided++;
    else if (j->visibility == VISIBILITY_PARTIAL || s->midstream)
        sum->seen_partly++;
    else
        sum->seen_whole++;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        sum->gaps += s->gaps[d];
        sum->missing_bytes += s->gap_bytes[d] + s->cut_bytes[d];
    }
}

/* "Not seen" is not "no": the shares count only sessions that showed it. */
static void collect_upgrade(struct summary *sum, const struct session *s, const struct judgement *j)
{
    bool asked = s->upgrade != UPGRADE_NONE;
    if (s->implicit_tls) {
        sum->implicit++;
        return;
    }
    if (j->offered != OFFERED_UNKNOWN)
        sum->offered.whole++;
    if (j->offered == OFFERED_YES)
        sum->offered.part++;
    if (asked || (session_whole(s, SESSION_TO_SERVER) && !s->midstream))
        sum->asked.whole++;
    if (asked)
        sum->asked.part++;
}

void summary_session(struct summary *sum, const struct session *s, const struct judgement *j)
{
    if (!eve_wants(s))
        return;
    if (sum->sessions == 0 || s->first < sum->first)
        sum->first = s->first;
    if (sum->sessions == 0 || s->last > sum->last)
        sum->last = s->last;
    sum->sessions++;
    sum->verdicts[j->verdict]++;
    sum->mails += s->mails;
    sum->mail_sessions += s->mails > 0;
    sum->logins += s->auth == AUTH_ACCEPTED;
    collect_upgrade(sum, s, j);
    collect_coverage(sum, s, j);
    for (uint8_t i = 0; i < j->finding_count; i++)
        if (j->finding[i].severity > SEVERITY_INFO)
            collect_finding(sum, s, &j->finding[i]);
}

/* --- printing --- */

enum ink { INK_RED, INK_YELLOW, INK_CYAN, INK_GREEN, INK_BOLD, INK_DIM };

/* One sheet: where to, and whether in colour. */
struct sheet {
    FILE *out;
    bool colour;
};

static void ink(const struct sheet *p, enum ink colour)
{
    static const char *const CODE[] = {"\033[1;31m", "\033[33m", "\033[36m",
                                       "\033[32m",   "\033[1m",  "\033[2m"};
    if (p->colour)
        fputs(CODE[colour], p->out);
}

static void ink_end(const struct sheet *p)
{
    if (p->colour)
        fputs("\033[0m", p->out);
}

static void label(const struct sheet *p, const char *text)
{
    ink(p, INK_DIM);
    fprintf(p->out, "  %-18s", text);
    ink_end(p);
}

static void put_number(const struct sheet *p, uint64_t n, const char *one, const char *many)
{
    char text[TYPESET_COUNT];
    fprintf(p->out, "%s %s", typeset_count(text, n), n == 1 ? one : many);
}

static void put_moment(const struct sheet *p, nstime t, bool with_date)
{
    char text[TEXT_TIME];
    text_time(text, t);
    if (with_date)
        fprintf(p->out, "%.10s ", text);
    fprintf(p->out, "%.8s", text + 11);
}

static bool same_day(nstime a, nstime b)
{
    char x[TEXT_TIME], y[TEXT_TIME];
    text_time(x, a);
    text_time(y, b);
    return memcmp(x, y, 10) == 0;
}

static void put_head(const struct sheet *p, const struct summary *sum,
                     const struct summary_run *run)
{
    ink(p, INK_BOLD);
    fputs("stripwatch  ", p->out);
    typeset_cut(p->out, run->input, TYPESET_WIDTH - 12);
    ink_end(p);
    fputs("\n  ", p->out);
    put_number(p, sum->sessions, "SMTP session", "SMTP sessions");
    fputs(" in ", p->out);
    put_number(p, run->packets, "packet", "packets");
    if (sum->sessions) {
        fputs(", ", p->out);
        put_moment(p, sum->first, true);
        fputs(" to ", p->out);
        put_moment(p, sum->last, !same_day(sum->first, sum->last));
        fputs(" UTC", p->out);
    }
    fputs("\n\n", p->out);
}

static void put_share(const struct sheet *p, const char *name, struct share s)
{
    char part[TYPESET_COUNT], whole[TYPESET_COUNT];
    label(p, name);
    if (s.whole == 0) {
        fputs("not seen in any session\n", p->out);
        return;
    }
    /* Rounded down, so that 100% is all of them. */
    unsigned percent = (unsigned)((double)s.part * 100 / (double)s.whole);
    unsigned bar = percent * BAR_COLUMNS / 100;
    fprintf(p->out, "%u%%%*s", percent, percent < 10 ? 4 : percent < 100 ? 3 : 2, "");
    ink(p, INK_GREEN);
    for (unsigned i = 0; i < BAR_COLUMNS; i++)
        putc(i < bar ? '#' : '.', p->out);
    ink_end(p);
    fprintf(p->out, "  %s of %s\n", typeset_count(part, s.part), typeset_count(whole, s.whole));
}

static void put_clear(const struct sheet *p, const struct summary *sum)
{
    label(p, "in clear");
    if (sum->mails == 0 && sum->logins == 0) {
        fputs("no mail, no login\n", p->out);
        return;
    }
    put_number(p, sum->mails, "mail", "mails");
    fputs(" in ", p->out);
    put_number(p, sum->mail_sessions, "session, ", "sessions, ");
    put_number(p, sum->logins, "accepted login\n", "accepted logins\n");
}

/* As they should catch the eye. */
static const enum verdict VERDICT_ORDER[] = {
    VERDICT_DOWNGRADED,          VERDICT_EXPOSED, VERDICT_HELD,   VERDICT_ENCRYPTED,
    VERDICT_OPPORTUNISTIC_CLEAR, VERDICT_FAILED,  VERDICT_UNKNOWN};
_Static_assert(sizeof VERDICT_ORDER / sizeof VERDICT_ORDER[0] == VERDICT_COUNT, "each once");

static void put_verdicts(const struct sheet *p, const struct summary *sum)
{
    const char *between = "";
    label(p, "verdicts");
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        enum verdict v = VERDICT_ORDER[i];
        if (sum->verdicts[v] == 0)
            continue;
        fputs(between, p->out);
        put_number(p, sum->verdicts[v], verdict_text(v), verdict_text(v));
        between = ", ";
    }
    putc('\n', p->out);
}

static void put_coverage(const struct sheet *p, const struct summary *sum,
                         const struct summary_run *run)
{
    label(p, "coverage");
    fputs("saw ", p->out);
    put_number(p, sum->seen_whole, "session whole, ", "sessions whole, ");
    put_number(p, sum->seen_partly, "partly, ", "partly, ");
    put_number(p, sum->seen_one_sided, "one-sided; ", "one-sided; ");
    if (sum->gaps == 0 && sum->missing_bytes == 0)
        fputs("no gaps\n", p->out);
    else {
        put_number(p, sum->gaps, "gap, ", "gaps, ");
        put_number(p, sum->missing_bytes, "byte missing\n", "bytes missing\n");
    }
    if (run->inputs_cut || run->inputs_skipped) {
        label(p, "");
        put_number(p, run->inputs_cut, "input cut short or unreadable, ",
                   "inputs cut short or unreadable, ");
        put_number(p, run->inputs_skipped, "file skipped: not a capture\n",
                   "files skipped: not captures\n");
    }
}

static void put_overview(const struct sheet *p, const struct summary *sum,
                         const struct summary_run *run)
{
    struct share encrypted = {sum->verdicts[VERDICT_ENCRYPTED], sum->sessions};
    if (sum->offered.whole || sum->implicit < sum->sessions)
        put_share(p, "STARTTLS offered", sum->offered);
    if (sum->asked.whole || sum->implicit < sum->sessions)
        put_share(p, "asked for", sum->asked);
    put_share(p, "encrypted", encrypted);
    put_clear(p, sum);
    put_verdicts(p, sum);
    put_coverage(p, sum, run);
    putc('\n', p->out);
}

static enum ink severity_ink(enum severity v)
{
    return v >= SEVERITY_HIGH ? INK_RED : v == SEVERITY_MEDIUM ? INK_YELLOW : INK_CYAN;
}

static void put_title(const struct sheet *p, const struct finding *f)
{
    char word[16];
    size_t n = 0;
    for (const char *c = severity_text(f->severity); *c && n < sizeof word - 1; c++)
        word[n++] = (char)span_upper((uint8_t)*c);
    word[n] = '\0';
    ink(p, severity_ink(f->severity));
    fprintf(p->out, "%-8s", word);
    ink_end(p);
    fputs("  ", p->out);
    ink(p, INK_BOLD);
    typeset_cut(p->out, rule_row(f->rule)->title, TYPESET_WIDTH - 10);
    ink_end(p);
    putc('\n', p->out);
}

static void put_address(const struct sheet *p, uint8_t family, const uint8_t *address,
                        uint16_t port)
{
    char ip[TEXT_IP];
    text_ip(ip, family, address);
    fprintf(p->out, family == 4 ? "%s:%u" : "[%s]:%u", ip, port);
}

static void put_where(const struct sheet *p, const struct record *r)
{
    const struct flow_key *k = &r->flow;
    fprintf(p->out, "  %s, confidence %s\n  ", rule_row(r->finding.rule)->name,
            confidence_text(r->finding.confidence));
    put_moment(p, r->first, true);
    fputs("  ", p->out);
    put_address(p, k->family, k->client, k->client_port);
    fputs(" -> ", p->out);
    put_address(p, k->family, k->server, k->server_port);
    if (r->sessions > 1) {
        fputs("  (+ ", p->out);
        put_number(p, r->sessions - 1, "session", "sessions");
        fputs(r->other_clients ? ", other clients too)" : ")", p->out);
    }
    putc('\n', p->out);
}

/* The bytes, and what to see in them: beside them where there is room, else below. */
static void put_line(const struct sheet *p, const struct evidence_line *line)
{
    const size_t room = TYPESET_WIDTH - 7;
    size_t columns = typeset_columns(line->text);
    columns = columns < room ? columns : room;
    fprintf(p->out, "    %s ", line->dir == SESSION_TO_CLIENT ? "S:" : "C:");
    ink(p, INK_BOLD);
    typeset_cut(p->out, line->text, room);
    ink_end(p);
    if (line->note[0]) {
        fputs(columns + 4 + typeset_columns(line->note) <= room ? "  <- " : "\n       ^ ", p->out);
        typeset_cut(p->out, line->note, room - 4);
    }
    putc('\n', p->out);
}

static void put_causes(const struct sheet *p, const struct finding *f)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%s", cause_text(f->cause));
    for (uint8_t i = 0; i < f->alternative_count && n > 0 && (size_t)n < sizeof text; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", i ? ", " : "; or ",
                      cause_text(f->alternatives[i]));
    typeset_wrap(p->out, "  cause: ", text, 2);
}

static void put_record(const struct sheet *p, const struct record *r)
{
    const struct finding *f = &r->finding;
    put_title(p, f);
    put_where(p, r);
    typeset_wrap(p->out, "  ", f->reason, 5);
    for (uint8_t i = 0; i < f->line_count; i++)
        put_line(p, &f->line[i]);
    put_causes(p, f);
    if (f->next_step[0])
        typeset_wrap(p->out, "  check: ", f->next_step, 2);
    putc('\n', p->out);
}

static int stronger_first(const void *a, const void *b)
{
    const struct record *x = *(const struct record *const *)a;
    const struct record *y = *(const struct record *const *)b;
    if (x->finding.severity != y->finding.severity)
        return x->finding.severity > y->finding.severity ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void put_records(const struct sheet *p, const struct summary *sum)
{
    const struct record *order[SUMMARY_RECORDS];
    size_t n = sum->record_count;
    uint64_t unprinted = sum->left_out;
    for (size_t i = 0; i < n; i++)
        order[i] = &sum->record[i];
    qsort(order, n, sizeof order[0], stronger_first);
    for (size_t i = 0; i < n && i < SUMMARY_PRINTED; i++)
        put_record(p, order[i]);
    for (size_t i = SUMMARY_PRINTED; i < n; i++)
        unprinted += order[i]->sessions;
    if (unprinted) {
        fputs("... and ", p->out);
        put_number(p, unprinted, "more finding; --json has it all\n\n",
                   "more findings; --json has them all\n\n");
    }
}

static void put_part(const struct sheet *p, uint64_t n, const char *one, const char *many)
{
    if (n) {
        fputs("; ", p->out);
        put_number(p, n, one, many);
    }
}

static void put_bottom_line(const struct sheet *p, const struct summary *sum)
{
    uint64_t downgraded = sum->verdicts[VERDICT_DOWNGRADED];
    uint64_t exposed = sum->verdicts[VERDICT_EXPOSED];
    uint64_t n = downgraded ? downgraded : exposed;
    char part[TYPESET_COUNT], whole[TYPESET_COUNT];
    ink(p, n ? INK_RED : sum->record_count ? INK_YELLOW : INK_GREEN);
    fputs("Verdict: ", p->out);
    if (sum->sessions == 0)
        fputs("no SMTP session was seen", p->out);
    else if (n)
        fprintf(p->out, "%s of %s sessions %s %s", typeset_count(part, n),
                typeset_count(whole, sum->sessions), n == 1 ? "was" : "were",
                downgraded ? "downgraded" : "exposed");
    else if (sum->record_count)
        fputs("no session was downgraded, but the findings above deserve a look", p->out);
    else
        fputs("no sign that STARTTLS was taken from any session", p->out);
    if (downgraded)
        put_part(p, exposed, "was exposed", "were exposed");
    put_part(p, sum->verdicts[VERDICT_HELD], "was held back by its sender",
             "were held back by their senders");
    put_part(p, sum->verdicts[VERDICT_UNKNOWN], "could not be judged", "could not be judged");
    fputs(".", p->out);
    ink_end(p);
    putc('\n', p->out);
}

void summary_print(const struct summary *sum, const struct summary_run *run, FILE *out)
{
    struct sheet p = {out, run->colour};
    put_head(&p, sum, run);
    if (sum->sessions)
        put_overview(&p, sum, run);
    put_records(&p, sum);
    put_bottom_line(&p, sum);
}
