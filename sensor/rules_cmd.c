/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rules_cmd.h"

#include <string.h>

#include "base/text.h"
#include "sensor/hint.h"

#define WRAP_COLUMN 80

static int list(FILE *to)
{
    fprintf(to, "%-28s%-9s%-9s%-9s%s\n", "RULE", "SID", "FAMILY", "EVIDENCE", "TITLE");
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        fprintf(to, "%-28s%-9u%-9s%-9s%s\n", r->name, r->sid, r->family, r->evidence, r->title);
    }
    return 0;
}

/* Words of `text` in lines up to WRAP_COLUMN, behind `indent` blanks. */
static void wrap(FILE *to, size_t indent, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column == 0 || column + 1 + n > WRAP_COLUMN) {
            fprintf(to, "%s%*s", column ? "\n" : "", (int)indent, "");
            column = indent;
        } else {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)n, text);
        column += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

static void section(FILE *to, const char *title, const char *text)
{
    fprintf(to, "\n%s\n", title);
    wrap(to, 2, text);
}

struct with_server {
    char text[512];
};

/* The step names the server and its port once; here there is none. */
static const char *next_step(const struct rule *r, struct with_server *to)
{
    const char *gap = strstr(r->next_step, "%s");
    if (!gap)
        return r->next_step;
    snprintf(to->text, sizeof(to->text), "%.*sSERVER:PORT%s", (int)(gap - r->next_step),
             r->next_step, gap + 2);
    return to->text;
}

static int explain(FILE *to, const struct rule *r)
{
    struct with_server step;
    fprintf(to, "%s (sid %u)\n", r->name, r->sid);
    wrap(to, 2, r->title);
    fprintf(to, "\nFamily      %s\nTechniques  %s\nNeeds       %s\nEvidence    %s\n", r->family,
            r->technique, r->needs, r->evidence);
    fprintf(to, "Severity    %s to %s when it stands alone\nATT&CK      %s\n",
            severity_text(r->floor), severity_text(r->ceiling), r->mitre);
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

static int markdown(FILE *to)
{
    fputs("# The rules\n\nMade by `stripwatch rules markdown`; the source is "
          "`rules/catalogue.def`.\n\n| rule | sid | family | technique | needs | evidence | "
          "severity alone |\n|---|---|---|---|---|---|---|\n",
          to);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_row((enum rule_id)i);
        fprintf(to, "| [%s](#%s) | %u | %s | %s | %s | %s | %s to %s |\n", r->name, r->name, r->sid,
                r->family, r->technique, r->needs, r->evidence, severity_text(r->floor),
                severity_text(r->ceiling));
    }
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
