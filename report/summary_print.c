/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "alert/eve.h"
#include "report/summary_state.h"
#include "report/typeset.h"

#define BAR_COLUMNS   20
#define LABEL_COLUMNS 20 /* with the blanks around it */
#define REASON_LINES  8
#define CHECK_LINES   5
#define FEW_LINES     3

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
    fprintf(p->out, "  %-*s", LABEL_COLUMNS - 2, text);
    ink_end(p);
}

static void say_moment(struct typeset_words *w, nstime t, bool with_date)
{
    char text[TEXT_TIME];
    text_time(text, t);
    if (with_date)
        typeset_say(w, "%.10s ", text);
    typeset_say(w, "%.8s", text + 11);
}

static void put_labelled(const struct sheet *p, const char *name, const struct typeset_words *w)
{
    label(p, name);
    typeset_hang(p->out, LABEL_COLUMNS, w->text, FEW_LINES);
    putc('\n', p->out);
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
    struct typeset_words w = {"", 0};
    ink(p, INK_BOLD);
    fputs("stripwatch  ", p->out);
    typeset_cut(p->out, run->input, TYPESET_WIDTH - 12);
    ink_end(p);
    typeset_say_number(&w, sum->sessions, "SMTP session in ", "SMTP sessions in ");
    typeset_say_number(&w, run->packets, "packet", "packets");
    if (sum->sessions) {
        typeset_say(&w, ", ");
        say_moment(&w, sum->first, true);
        typeset_say(&w, " to ");
        say_moment(&w, sum->last, !same_day(sum->first, sum->last));
        typeset_say(&w, " UTC");
    }
    putc('\n', p->out);
    typeset_wrap(p->out, "  ", w.text, FEW_LINES);
    putc('\n', p->out);
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

static const char *offer_text(const struct summary *sum)
{
    if (sum->offered.part)
        return "offered";
    if (sum->garbled)
        return "offer overwritten";
    return sum->offered.whole ? "not offered" : "offer not seen";
}

static const char *question_text(const struct summary *sum)
{
    if (sum->asked.part)
        return "asked for";
    return sum->asked.whole ? "not asked for" : "unknown whether asked for";
}

/* Of a single session shares say nothing. */
static void put_single(const struct sheet *p, const struct summary *sum)
{
    struct typeset_words w = {"", 0};
    enum verdict v = 0;
    while (sum->verdicts[v] == 0)
        v++;
    if (sum->implicit)
        typeset_say(&w, "from the first byte");
    else
        typeset_say(&w, "%s, %s", offer_text(sum), question_text(sum));
    typeset_say(&w, "; verdict: %s", verdict_text(v));
    put_labelled(p, sum->implicit ? "TLS" : "STARTTLS", &w);
}

static void put_clear(const struct sheet *p, const struct summary *sum)
{
    struct typeset_words w = {"", 0};
    if (sum->mails == 0 && sum->logins == 0) {
        typeset_say(&w, "no mail, no login");
    } else {
        typeset_say_number(&w, sum->mails, "mail in ", "mails in ");
        typeset_say_number(&w, sum->mail_sessions, "session, ", "sessions, ");
        typeset_say_number(&w, sum->logins, "accepted login", "accepted logins");
    }
    put_labelled(p, "in clear", &w);
}

/* As they should catch the eye. */
static const enum verdict VERDICT_ORDER[] = {
    VERDICT_DOWNGRADED,          VERDICT_EXPOSED, VERDICT_HELD,   VERDICT_ENCRYPTED,
    VERDICT_OPPORTUNISTIC_CLEAR, VERDICT_FAILED,  VERDICT_UNKNOWN};
_Static_assert(sizeof VERDICT_ORDER / sizeof VERDICT_ORDER[0] == VERDICT_COUNT, "each once");

static void put_verdicts(const struct sheet *p, const struct summary *sum)
{
    struct typeset_words w = {"", 0};
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        enum verdict v = VERDICT_ORDER[i];
        if (sum->verdicts[v] == 0)
            continue;
        typeset_say(&w, "%s", w.n ? ", " : "");
        typeset_say_number(&w, sum->verdicts[v], verdict_text(v), verdict_text(v));
    }
    put_labelled(p, "verdicts", &w);
}

/* TLS hides most certificates from a tap: what was not seen is neither good nor missing. */
static void put_certificates(const struct sheet *p, const struct summary *sum)
{
    static const char *const hidden[TLS_CERTIFICATES_COUNT] = {
        [TLS_CERTIFICATES_NONE] = "broken off",         [TLS_CERTIFICATES_TLS13] = "TLS 1.3",
        [TLS_CERTIFICATES_RESUMED] = "resumed",         [TLS_CERTIFICATES_ANONYMOUS] = "anonymous",
        [TLS_CERTIFICATES_GAP] = "lost in the capture", [TLS_CERTIFICATES_CAPPED] = "damaged"};
    struct typeset_words w = {"", 0};
    uint64_t all = 0, seen = sum->certificates[TLS_CERTIFICATES_SEEN];
    const char *between = "; hidden: ";
    for (int i = 0; i < TLS_CERTIFICATES_COUNT; i++)
        all += sum->certificates[i];
    if (all == 0)
        return;
    typeset_say(&w, "seen in ");
    typeset_say_number(&w, seen, "of ", "of ");
    typeset_say_number(&w, all, "handshake", "handshakes");
    if (seen) {
        typeset_say(&w, ", ");
        typeset_say_number(&w, sum->verified, "verified", "verified");
    }
    for (int i = 0; i < TLS_CERTIFICATES_COUNT; i++) {
        if (i == TLS_CERTIFICATES_SEEN || sum->certificates[i] == 0)
            continue;
        typeset_say(&w, "%s", between);
        typeset_say_number(&w, sum->certificates[i], hidden[i], hidden[i]);
        between = ", ";
    }
    put_labelled(p, "certificate", &w);
}

static void put_inputs(const struct sheet *p, const struct summary_run *run)
{
    struct typeset_words w = {"", 0};
    if (run->inputs_cut)
        typeset_say_number(&w, run->inputs_cut, "input cut short or unreadable",
                           "inputs cut short or unreadable");
    if (run->inputs_cut && run->inputs_skipped)
        typeset_say(&w, "; ");
    if (run->inputs_skipped)
        typeset_say_number(&w, run->inputs_skipped, "file skipped: not a capture",
                           "files skipped: not captures");
    if (w.n)
        put_labelled(p, "", &w);
}

static void put_coverage(const struct sheet *p, const struct summary *sum,
                         const struct summary_run *run)
{
    struct typeset_words w = {"", 0};
    typeset_say_number(&w, sum->seen_whole, "session whole, ", "sessions whole, ");
    typeset_say_number(&w, sum->seen_partly, "partly, ", "partly, ");
    typeset_say_number(&w, sum->seen_one_sided, "one-sided; ", "one-sided; ");
    if (sum->gaps == 0 && sum->missing_bytes == 0) {
        typeset_say(&w, "no gaps");
    } else {
        typeset_say_number(&w, sum->gaps, "gap, ", "gaps, ");
        typeset_say_number(&w, sum->missing_bytes, "byte missing", "bytes missing");
    }
    put_labelled(p, "coverage", &w);
    put_inputs(p, run);
}

/* Silence that was asked for is not to be taken for health. */
static void put_suppressed(const struct sheet *p, const struct summary *sum)
{
    struct typeset_words w = {"", 0};
    if (sum->suppressed == 0)
        return;
    typeset_say_number(&w, sum->suppressed, "finding, by the list of --suppress",
                       "findings, by the list of --suppress");
    put_labelled(p, "suppressed", &w);
}

static void put_shares(const struct sheet *p, const struct summary *sum)
{
    struct share encrypted = {sum->verdicts[VERDICT_ENCRYPTED], sum->sessions};
    if (sum->offered.whole || sum->implicit < sum->sessions)
        put_share(p, "STARTTLS offered", sum->offered);
    if (sum->asked.whole || sum->implicit < sum->sessions)
        put_share(p, "asked for", sum->asked);
    put_share(p, "encrypted", encrypted);
}

static void put_overview(const struct sheet *p, const struct summary *sum,
                         const struct summary_run *run)
{
    if (sum->sessions == 1)
        put_single(p, sum);
    else
        put_shares(p, sum);
    put_clear(p, sum);
    if (sum->sessions > 1)
        put_verdicts(p, sum);
    put_certificates(p, sum);
    put_coverage(p, sum, run);
    put_suppressed(p, sum);
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

static void say_address(struct typeset_words *w, uint8_t family, const uint8_t *address,
                        uint16_t port)
{
    char ip[TEXT_IP];
    text_ip(ip, family, address);
    typeset_say(w, family == 4 ? "%s:%u" : "[%s]:%u", ip, port);
}

static void put_where(const struct sheet *p, const struct record *r)
{
    const struct flow_key *k = &r->flow;
    struct typeset_words w = {"", 0};
    typeset_say(&w, "%s, confidence %s", rule_row(r->finding.rule)->name,
                confidence_text(r->finding.confidence));
    if (r->finding.retrospective)
        typeset_say(&w, ", judged again");
    if (r->sessions > 1) {
        typeset_say(&w, ", in ");
        typeset_say_number(&w, r->sessions, "session", r->domain.n ? "answers" : "sessions");
        if (r->flow.family != 0)
            typeset_say(&w, r->other_clients ? " of several clients" : " of one client");
    }
    typeset_wrap(p->out, "  ", w.text, FEW_LINES);
    w = (struct typeset_words){"", 0};
    say_moment(&w, r->first, true);
    if (k->family == 0) { /* we asked ourselves */
        typeset_wrap(p->out, "  ", w.text, FEW_LINES);
        return;
    }
    typeset_say(&w, "  ");
    say_address(&w, k->family, k->client, k->client_port);
    typeset_say(&w, " -> ");
    say_address(&w, k->family, k->server, k->server_port);
    typeset_say(&w, r->sessions > 1 ? "  (first)" : "");
    typeset_wrap(p->out, "  ", w.text, FEW_LINES);
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
    struct typeset_words w = {"", 0};
    typeset_say(&w, "%s", cause_text(f->cause));
    for (uint8_t i = 0; i < f->alternative_count; i++)
        typeset_say(&w, "%s%s", i ? ", " : "; or ", cause_text(f->alternatives[i]));
    typeset_wrap(p->out, "  cause: ", w.text, FEW_LINES);
}

static void put_record(const struct sheet *p, const struct record *r)
{
    const struct finding *f = &r->finding;
    put_title(p, f);
    put_where(p, r);
    typeset_wrap(p->out, "  ", f->reason, REASON_LINES);
    for (uint8_t i = 0; i < f->line_count; i++)
        put_line(p, &f->line[i]);
    put_causes(p, f);
    if (f->next_step[0])
        typeset_wrap(p->out, "  check: ", f->next_step, CHECK_LINES);
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
        struct typeset_words w = {"", 0};
        typeset_say_number(&w, unprinted, "more finding; --json has it all",
                           "more findings; --json has them all");
        fprintf(p->out, "... and %s\n\n", w.text);
    }
}

static void say_part(struct typeset_words *w, uint64_t n, const char *one, const char *many)
{
    if (n) {
        typeset_say(w, "; ");
        typeset_say_number(w, n, one, many);
    }
}

/* "the session was downgraded", "all 5 sessions were downgraded", "1 of 5 sessions was ..." */
static void say_of(struct typeset_words *w, uint64_t part, uint64_t whole, const char *what)
{
    char n[TYPESET_COUNT], of[TYPESET_COUNT];
    typeset_count(n, part);
    typeset_count(of, whole);
    if (whole == 1)
        typeset_say(w, "the session was %s", what);
    else if (part == whole)
        typeset_say(w, "all %s sessions were %s", of, what);
    else
        typeset_say(w, "%s of %s sessions %s %s", n, of, part == 1 ? "was" : "were", what);
}

/* What is said where nothing was downgraded, exposed or, of a single session, held back. */
static void say_relief(struct typeset_words *w, const struct summary *sum)
{
    bool single = sum->sessions == 1;
    if (sum->verdicts[VERDICT_UNKNOWN] == sum->sessions)
        typeset_say(w, "the capture does not show enough to judge %s",
                    single ? "the session" : "any of the sessions");
    else if (sum->record_count)
        typeset_say(w, "%s downgraded", single ? "the session was not" : "no session was");
    else
        typeset_say(w, "no sign that STARTTLS was taken from %s",
                    single ? "the session" : "any session");
    if (sum->record_count)
        typeset_say(w, ", but look at the finding%s above", sum->record_count == 1 ? "" : "s");
}

static void say_verdict(struct typeset_words *w, const struct summary *sum)
{
    uint64_t downgraded = sum->verdicts[VERDICT_DOWNGRADED];
    uint64_t exposed = sum->verdicts[VERDICT_EXPOSED];
    uint64_t held = sum->verdicts[VERDICT_HELD];
    uint64_t unknown = sum->verdicts[VERDICT_UNKNOWN];
    if (sum->sessions == 0)
        typeset_say(w, sum->record_count ? "no SMTP session was seen, but look at what DNS said"
                                         : "no SMTP session was seen");
    else if (downgraded || exposed)
        say_of(w, downgraded ? downgraded : exposed, sum->sessions,
               downgraded ? "downgraded" : "exposed");
    else if (held == 1 && sum->sessions == 1)
        say_of(w, 1, 1, "held back by its sender");
    else
        say_relief(w, sum);
    if (downgraded)
        say_part(w, exposed, "was exposed", "were exposed");
    if (sum->sessions > 1)
        say_part(w, held, "was held back by its sender", "were held back by their senders");
    if (unknown < sum->sessions)
        say_part(w, unknown, "could not be judged", "could not be judged");
}

static enum ink verdict_ink(const struct summary *sum)
{
    if (sum->verdicts[VERDICT_DOWNGRADED] || sum->verdicts[VERDICT_EXPOSED])
        return INK_RED;
    if (sum->record_count || sum->verdicts[VERDICT_UNKNOWN] == sum->sessions)
        return INK_YELLOW;
    return INK_GREEN;
}

static void put_bottom_line(const struct sheet *p, const struct summary *sum)
{
    struct typeset_words w = {"", 0};
    say_verdict(&w, sum);
    typeset_say(&w, ".");
    ink(p, verdict_ink(sum));
    fputs("Verdict: ", p->out);
    typeset_hang(p->out, strlen("Verdict: "), w.text, FEW_LINES);
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
