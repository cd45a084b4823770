/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/text.h"
#include "report/prevalence_render.h"
#include "report/typeset.h"

#define PRINTED 20 /* of each list; --json and --csv have them all */

static const char *const PLACE_HELP[] = {
    [PREVALENCE_FAR] = "seen on the way to single servers",
    [PREVALENCE_NEAR_BY] = "seen with most servers of a vantage: probably a box of its own network",
    [PREVALENCE_FEW] = "from vantages that met less than 5 servers that day: cannot be told",
};
_Static_assert(sizeof(PLACE_HELP) / sizeof(PLACE_HELP[0]) == PREVALENCE_PLACE_COUNT, "a text each");

/* --- numbers --- */

/* 12345 -> 1.23; in hundredths of a per cent, as a rare thing needs them. */
struct percent {
    char text[16];
};

static struct percent percent_of(uint32_t millionths)
{
    struct percent p;
    uint32_t hundredths = (millionths + 50) / 100;
    snprintf(p.text, sizeof(p.text), "%" PRIu32 ".%02" PRIu32, hundredths / 100, hundredths % 100);
    return p;
}

struct range {
    char text[48];
};

static struct range range_of(const struct interval *i)
{
    struct range r = {""};
    if (i->method != INTERVAL_NONE)
        snprintf(r.text, sizeof(r.text), "%s to %s%s", percent_of(i->low).text,
                 percent_of(i->high).text, i->method == INTERVAL_WILSON ? " *" : "");
    return r;
}

struct share {
    char text[24];
};

static struct share share_of(const struct interval *i)
{
    struct share s = {"-"};
    if (i->method != INTERVAL_NONE)
        snprintf(s.text, sizeof(s.text), "%s %%", percent_of(i->share).text);
    return s;
}

/* --- what was read --- */

static void print_words(FILE *out, const char *lead, const struct typeset_words *w)
{
    typeset_wrap(out, lead, w->text, 4);
}

static void print_input(const struct prevalence_run *run, FILE *out)
{
    struct typeset_words w = {"", 0};
    typeset_say_number(&w, run->files, "file", "files");
    typeset_say(&w, ", ");
    typeset_say_number(&w, run->lines, "line", "lines");
    if (run->broken) {
        typeset_say(&w, "; ");
        typeset_say_number(&w, run->broken, "line was", "lines were");
        typeset_say(&w, " broken");
    }
    print_words(out, "stripwatch report  ", &w);
}

static void say_unknown(struct typeset_words *w, const struct prevalence_counts *c)
{
    const char *between = "; ";
    typeset_say_number(w, c->fate[PREVALENCE_UNKNOWN], "session", "sessions");
    for (int i = EVENT_REPLY_WHOLE + 1; i < EVENT_REPLY_COUNT; i++) {
        char count[TYPESET_COUNT];
        if (c->unknown[i] == 0)
            continue;
        typeset_say(w, "%s%s %s", between, prevalence_reply_text((enum event_reply)i),
                    typeset_count(count, c->unknown[i]));
        between = ", ";
    }
    typeset_say(w, "; nothing else is known of ");
    typeset_say_number(w, c->unknown_days, "server-day", "server-days");
}

static void print_counts(const struct prevalence_counts *c, FILE *out)
{
    struct typeset_words counted = {"", 0}, unknown = {"", 0}, others = {"", 0}, lost = {"", 0};
    typeset_say_number(&counted, c->fate[PREVALENCE_COUNTED], "session", "sessions");
    typeset_say(&counted, " on port 25 with a whole reply to EHLO, at ");
    typeset_say_number(&counted, c->vantages, "vantage", "vantages");
    print_words(out, "  counted           ", &counted);
    if (c->fate[PREVALENCE_UNKNOWN]) {
        say_unknown(&unknown, c);
        print_words(out, "  unknown           ", &unknown);
    }
    if (c->fate[PREVALENCE_OTHER_PORT] + c->fate[PREVALENCE_HANDED_IN]) {
        typeset_say_number(&others, c->fate[PREVALENCE_OTHER_PORT], "session", "sessions");
        typeset_say(&others, " on other ports, ");
        typeset_say_number(&others, c->fate[PREVALENCE_HANDED_IN], "session", "sessions");
        typeset_say(&others, " of users or inside the own network");
        print_words(out, "  not looked at     ", &others);
    }
    if (c->fate[PREVALENCE_LEFT_OUT] + c->texts_left_out) {
        typeset_say_number(&lost, c->fate[PREVALENCE_LEFT_OUT], "session", "sessions");
        typeset_say(&lost, " and the garble strings of ");
        typeset_say_number(&lost, c->texts_left_out, "session", "sessions");
        typeset_say(&lost, ": there are more than are kept, so this report is not complete");
        print_words(out, "  left out          ", &lost);
    }
}

/* --- places --- */

static void print_sum(const struct prevalence_sum sum[PREVALENCE_BASE_COUNT], FILE *out)
{
    char count[TYPESET_COUNT];
    fprintf(out, "\n  %-9s %9s  %8s  %-18s  %8s  %s\n", "", "server-", "share", "95 % interval",
            "of those", "95 % interval");
    fprintf(out, "  %-9s %9s  %8s  %-18s  %8s\n", "", "days", "", "", "with TLS");
    for (int s = 0; s < PREVALENCE_STATE_COUNT; s++) {
        const struct interval *all = &sum[PREVALENCE_OF_ALL].share[s];
        const struct interval *tls = &sum[PREVALENCE_OF_TLS].share[s];
        fprintf(out, "  %-9s %9s  %8s  %-18s  %8s  %s\n",
                prevalence_state_text((enum prevalence_state)s), typeset_count(count, all->count),
                share_of(all).text, range_of(all).text, share_of(tls).text, range_of(tls).text);
    }
}

static void print_place(enum prevalence_place place, const struct prevalence_group *g, FILE *out)
{
    const struct prevalence_sum *all = &g->sum[PREVALENCE_OF_ALL];
    struct typeset_words w = {"", 0};
    char lead[8];
    if (all->days == 0)
        return;
    typeset_say_number(&w, all->days, "server-day", "server-days");
    typeset_say(&w, " of ");
    typeset_say_number(&w, all->servers, "server", "servers");
    typeset_say(&w, " in ");
    typeset_say_number(&w, g->sessions, "session", "sessions");
    typeset_say(&w, ", %s", PLACE_HELP[place]);
    snprintf(lead, sizeof(lead), "%-6s", prevalence_place_text(place));
    putc('\n', out);
    print_words(out, lead, &w);
    print_sum(g->sum, out);
}

static void print_near(const struct prevalence *p, FILE *out)
{
    uint32_t n = prevalence_boxes(p);
    char day[PREVALENCE_DAY];
    if (n)
        fputs("\nnear, by vantage (host, interface) and day:\n", out);
    for (uint32_t i = 0; i < n && i < PRINTED; i++) {
        struct prevalence_box box = prevalence_box(p, i);
        char line[sizeof(struct event_vantage) + 80];
        prevalence_day_text(day, box.day);
        snprintf(line, sizeof(line), "%s  %" PRIu32 " of %" PRIu32 " servers affected  %s %s", day,
                 box.affected, box.servers, box.vantage->host, box.vantage->interface);
        fputs("  ", out);
        typeset_cut(out, line, TYPESET_WIDTH - 2);
        putc('\n', out);
    }
}

/* --- lists --- */

static void print_more(uint32_t n, FILE *out)
{
    char count[TYPESET_COUNT];
    if (n > PRINTED)
        fprintf(out, "  and %s more: --json and --csv have them all\n",
                typeset_count(count, n - PRINTED));
}

static void print_group(const struct prevalence_group *g, FILE *out)
{
    const struct prevalence_sum *all = &g->sum[PREVALENCE_OF_ALL];
    const struct interval *affected = &g->sum[PREVALENCE_OF_TLS].share[PREVALENCE_AFFECTED];
    char label[sizeof(g->label) + sizeof(g->name) + 1], days[TYPESET_COUNT], count[TYPESET_COUNT];
    snprintf(label, sizeof(label), "%s %s", g->label, g->name);
    size_t used = typeset_columns(label) < 28 ? typeset_columns(label) : 28;
    fputs("  ", out);
    typeset_cut(out, label, 28);
    fprintf(out, "%*s %9s %9s  %8s  %s\n", (int)(28 - used), "", typeset_count(days, all->days),
            typeset_count(count, affected->count), share_of(affected).text,
            range_of(affected).text);
}

static int print_groups(struct prevalence *p, enum prevalence_place place, enum prevalence_by by,
                        FILE *out)
{
    uint32_t n = prevalence_groups(p, place);
    struct prevalence_group g;
    if (n == 0)
        return 0;
    fprintf(out, "\n%s, by %s\n  %-28s %9s %9s  %8s  %s\n", prevalence_place_text(place),
            prevalence_by_text(by), "", "server-", "affected", "of those", "95 % interval");
    fprintf(out, "  %-28s %9s %9s  %8s\n", "", "days", "", "with TLS");
    for (uint32_t i = 0; i < n && i < PRINTED; i++) {
        if (prevalence_group(p, place, i, &g))
            return -1;
        print_group(&g, out);
    }
    print_more(n, out);
    return 0;
}

static void print_garbles(const struct prevalence *p, FILE *out)
{
    uint32_t n = prevalence_garbles(p);
    if (n == 0)
        return;
    fprintf(out, "\nin the place of STARTTLS\n  %11s %9s  %-5s %s\n", "server-days", "servers", "",
            "cause");
    for (uint32_t i = 0; i < n && i < PRINTED; i++) {
        struct prevalence_garble g = prevalence_garble(p, i);
        char days[TYPESET_COUNT], servers[TYPESET_COUNT];
        char text[CAP_GARBLE_TEXT + 2];
        snprintf(text, sizeof(text), "\"%s\"", g.text);
        fprintf(out, "  %11s %9s  %-5s %-23s ", typeset_count(days, g.days),
                typeset_count(servers, g.servers), prevalence_place_text(g.place),
                cause_text(g.cause));
        typeset_cut(out, text, TYPESET_WIDTH - 55);
        putc('\n', out);
    }
    print_more(n, out);
}

static void print_note(FILE *out)
{
    struct typeset_words w = {"", 0};
    typeset_say(
        &w,
        "95 %% intervals by bootstrap over servers; * by Wilson with the number of servers, "
        "where less than %d have it or less than %d lack it. affected: garbled, removed or "
        "refused. docs/prevalence.md has the definitions.",
        INTERVAL_FEW, INTERVAL_FEW);
    putc('\n', out);
    print_words(out, "", &w);
}

int prevalence_print(struct prevalence *p, const struct prevalence_run *run, FILE *out)
{
    int rc = 0;
    print_input(run, out);
    print_counts(prevalence_counts(p), out);
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++)
        print_place((enum prevalence_place)i, prevalence_total(p, (enum prevalence_place)i), out);
    print_near(p, out);
    print_more(prevalence_boxes(p), out);
    for (int i = 0; rc == 0 && i < PREVALENCE_PLACE_COUNT; i++)
        rc = print_groups(p, (enum prevalence_place)i, run->by, out);
    print_garbles(p, out);
    print_note(out);
    return rc;
}
