/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rules_cmd.h"

#include <string.h>

#include "base/text.h"
#include "report/typeset.h"
#include "rules/severity.h"
#include "sensor/hint.h"
#include "sensor/legend.h"

#define TEXT_LINES 12 /* of a paragraph, at most */

static const char *const HEADING[] = {
    [LEGEND_FAMILY] = "Family",     [LEGEND_TECHNIQUE] = "Technique", [LEGEND_NEED] = "Needs",
    [LEGEND_EVIDENCE] = "Evidence", [LEGEND_ATTACK] = "ATT&CK",
};
_Static_assert(sizeof(HEADING) / sizeof(HEADING[0]) == LEGEND_KIND_COUNT, "a heading for each");

/* --- list --- */

/* Columns that hold all of their texts, and two blanks. */
struct widths {
    int name, family, evidence;
};

static int wider(int width, const char *text)
{
    int n = (int)strlen(text) + 2;
    return n > width ? n : width;
}

static struct widths widths_of_all(void)
{
    struct widths w = {wider(0, "RULE"), wider(0, "FAMILY"), wider(0, "EVIDENCE")};
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        w.name = wider(w.name, r->name);
        w.family = wider(w.family, r->family);
        w.evidence = wider(w.evidence, r->evidence);
    }
    return w;
}

static int list(FILE *to)
{
    struct widths w = widths_of_all();
    fprintf(to, "%-*s%-9s%-*s%-*s%s\n", w.name, "RULE", "SID", w.family, "FAMILY", w.evidence,
            "EVIDENCE", "TITLE");
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        fprintf(to, "%-*s%-9u%-*s%-*s%s\n", w.name, r->name, r->sid, w.family, r->family,
                w.evidence, r->evidence, r->title);
    }
    return 0;
}

/* --- explain --- */

static void section(FILE *to, const char *title, const char *text)
{
    fprintf(to, "\n%s\n", title);
    typeset_wrap(to, "  ", text, TEXT_LINES);
}

struct with_server {
    char text[512];
};

static const char *place_of(const struct rule *r)
{
    if (strcmp(r->family, "discovery") == 0)
        return "DOMAIN";
    return strcmp(r->family, "sensor") == 0 ? "SENSOR" : "SERVER:PORT";
}

/* The step names the server and its port once, or what stands for them; here there is none. */
static const char *next_step(const struct rule *r, struct with_server *to)
{
    const char *gap = strstr(r->next_step, "%s");
    if (!gap)
        return r->next_step;
    snprintf(to->text, sizeof(to->text), "%.*s%s%s", (int)(gap - r->next_step), r->next_step,
             place_of(r), gap + 2);
    return to->text;
}

struct severities {
    char text[32];
};

static struct severities severities_of(const struct rule *r)
{
    struct severities s;
    if (r->floor == r->ceiling)
        snprintf(s.text, sizeof(s.text), "%s", severity_text(r->floor));
    else
        snprintf(s.text, sizeof(s.text), "%s to %s", severity_text(r->floor),
                 severity_text(r->ceiling));
    return s;
}

/* The signs that the rule has of one kind, each with what it means. */
static void explain_signs(FILE *to, enum legend_kind kind, const struct rule *r)
{
    const char *heading = HEADING[kind];
    const struct legend *row;
    for (size_t i = 0; (row = legend_row(kind, i)); i++) {
        struct typeset_words lead = {"", 0}, text = {"", 0};
        if (!legend_has(kind, r, row->sign))
            continue;
        typeset_say(&lead, "%-11s%-11s", heading, row->sign);
        typeset_say(&text, "%s", row->text);
        typeset_wrap(to, lead.text, text.text, TEXT_LINES);
        heading = "";
    }
}

static int explain(FILE *to, const struct rule *r)
{
    struct with_server step;
    fprintf(to, "%s (sid %u)\n", r->name, r->sid);
    typeset_wrap(to, "  ", r->title, TEXT_LINES);
    putc('\n', to);
    for (unsigned kind = 0; kind < LEGEND_KIND_COUNT; kind++)
        explain_signs(to, (enum legend_kind)kind, r);
    fprintf(to, "%-11s%s%s\n", "Severity", severities_of(r).text,
            r->floor == r->ceiling ? "" : ", by evidence and effect");
    section(to, "What is observed", r->what);
    section(to, "What looks like it and is not", r->lookalikes);
    section(to, "How to confirm it", next_step(r, &step));
    return 0;
}

static int explain_by_name(struct cli *c, FILE *to)
{
    char name[120], offer[64];
    struct hint hint;
    if (c->operand_count != 2) {
        snprintf(c->error, sizeof(c->error), "rules explain: takes the name of one rule");
        return -1;
    }
    enum rule_id id = rule_by_name(c->operand[1]);
    if (id < RULE_COUNT)
        return explain(to, rule_row(id));
    hint_init(&hint, c->operand[1]);
    for (unsigned i = 0; i < RULE_COUNT; i++)
        hint_offer(&hint, rule_row((enum rule_id)i)->name);
    hint_text(&hint, "", offer, sizeof(offer));
    text_escape(name, sizeof(name), span_str(c->operand[1]));
    snprintf(c->error, sizeof(c->error), "rules explain: unknown rule '%s'%s", name, offer);
    return -1;
}

/* --- markdown --- */

static void page_table(FILE *to)
{
    fputs("| rule | sid | family | technique | needs | evidence | severity |\n"
          "|---|---|---|---|---|---|---|\n",
          to);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        fprintf(to, "| [%s](#%s) | %u | %s | %s | %s | %s | %s |\n", r->name, r->name, r->sid,
                r->family, r->technique, r->needs, r->evidence, severities_of(r).text);
    }
}

static void page_legend(FILE *to, enum legend_kind kind)
{
    const struct legend *row;
    fprintf(to, "\n| %s | meaning |\n|---|---|\n", HEADING[kind]);
    for (size_t i = 0; (row = legend_row(kind, i)); i++)
        fprintf(to, "| %s | %s |\n", row->sign, row->text);
}

/* Names of the rules that tell of a broken promise. */
static void page_promises(FILE *to)
{
    const char *between = "";
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        if (!legend_has(LEGEND_EVIDENCE, r, "E3"))
            continue;
        fprintf(to, "%s`%s`", between, r->name);
        between = ", ";
    }
}

static void page_severity(FILE *to)
{
    static const char *const ROW[] = {
        [SEVERITY_ROW_E1_INNOCENT] = "E1, and an innocent cause is likely",
        [SEVERITY_ROW_E1] = "E1",
        [SEVERITY_ROW_E2] = "E2",
        [SEVERITY_ROW_E3] = "E3",
        [SEVERITY_ROW_E4_E5] = "E4, E5",
    };
    _Static_assert(sizeof(ROW) / sizeof(ROW[0]) == SEVERITY_ROW_COUNT, "a text for each row");
    static const char *const COLUMN[] = {
        [EFFECT_NOTHING] = "nothing went in clear",
        [EFFECT_HELD] = "the sender held its mail back",
        [EFFECT_MAIL] = "mail in clear",
        [EFFECT_LOGIN] = "accepted login in clear",
    };
    _Static_assert(sizeof(COLUMN) / sizeof(COLUMN[0]) == EFFECT_COUNT, "a text for each column");
    fputs("\n| |", to);
    for (unsigned e = 0; e < EFFECT_COUNT; e++)
        fprintf(to, " %s |", COLUMN[e]);
    fputs("\n|---|---|---|---|---|\n", to);
    for (unsigned row = 0; row < SEVERITY_ROW_COUNT; row++) {
        fprintf(to, "| %s |", ROW[row]);
        for (unsigned e = 0; e < EFFECT_COUNT; e++)
            fprintf(to, " %s |",
                    severity_text(severity_of((enum severity_row)row, (enum effect)e)));
        putc('\n', to);
    }
}

static void page_key(FILE *to)
{
    fputs("\n## How to read the table\n\n"
          "**Severity.** Computed from the evidence and from what happened:\n",
          to);
    page_severity(to);
    fputs("\nThe column *severity* is the range that a rule keeps to. Where an innocent "
          "case fits better, such as a scanner, a finding is lower than this table has it; its "
          "text then says so. `info` is never an alert.\n\n"
          "**Evidence.** What a rule can rest on:\n",
          to);
    page_legend(to, LEGEND_EVIDENCE);
    fputs("\nE2 rests on what was seen before the session, by the time of the packets: of its "
          "server, the server's owner, the sender, the two of them, and the path. Such a memory is "
          "well supported by 20 sessions of three clients, or 20 of one pair, if four of five did "
          "so at least (the lower bound of Wilson's interval, 95 %); then the table holds. By two "
          "sessions and more it is supported thinly: two steps down, but not below low, with low "
          "confidence. A server that misses what it had is low in the first session, because it "
          "may have been set up anew; when others are served as before, the session is judged "
          "again (`judged: retrospective`). A rule that lists E2 beside E1 yields E1 where nothing "
          "is remembered. E3 comes from ",
          to);
    page_promises(to);
    fputs(".\n\n**Needs.** What a rule must know to reach all of its evidence: H comes with the "
          "sessions, P where policies are given (`--policies`), D where DNS is in the capture:\n",
          to);
    page_legend(to, LEGEND_NEED);
    fputs("\n**Families.**\n", to);
    page_legend(to, LEGEND_FAMILY);
    fputs("\n**Techniques.** What is done to the session, or what is left undone:\n", to);
    page_legend(to, LEGEND_TECHNIQUE);
    fputs("\n**ATT&CK.** The technique of MITRE ATT&CK that is nearest:\n", to);
    page_legend(to, LEGEND_ATTACK);
}

static int markdown(FILE *to)
{
    fputs("# The rules\n\nMade by `stripwatch rules markdown`; the source is "
          "`rules/catalogue.def`.\n\n",
          to);
    page_table(to);
    page_key(to);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        struct with_server step;
        fprintf(to, "\n## %s\n\n%s.\n\n**Observed.** %s\n\n**Look-alikes.** %s\n\n", r->name,
                r->title, r->what, r->lookalikes);
        fprintf(to, "**To confirm.** %s\n\nATT&CK %s.\n", next_step(r, &step), r->mitre);
    }
    return 0;
}

int rules_cmd(struct cli *c, FILE *to)
{
    char word[120];
    const char *what = c->operand_count > 0 ? c->operand[0] : "list";
    if (strcmp(what, "explain") == 0)
        return explain_by_name(c, to);
    bool table = strcmp(what, "list") == 0, page = strcmp(what, "markdown") == 0;
    if ((table || page) && c->operand_count <= 1)
        return page ? markdown(to) : list(to);
    if (table || page)
        snprintf(c->error, sizeof(c->error), "rules %s: takes no arguments", what);
    else {
        text_escape(word, sizeof(word), span_str(what));
        snprintf(c->error, sizeof(c->error), "rules: '%s' is not list, explain or markdown", word);
    }
    return -1;
}
