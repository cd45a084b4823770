/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/audit_cmd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "policy/audit.h"
#include "report/typeset.h"
#include "sensor/refresh_cmd.h"
#include "sensor/status_cmd.h"

#define TEXT_LINES 8 /* of an item */

/* One command. */
struct auditing {
    const struct cli *cli;
    FILE *to;
    struct audit audit;
    bool failed;
};

static enum policy_exit refuse(const char *what)
{
    fprintf(stderr, "stripwatch: policy: %s\nTry 'stripwatch policy --help'.\n", what);
    return POLICY_TROUBLE;
}

/* --- the list --- */

static void print_text(const struct auditing *a, const struct lookup *l)
{
    char lead[64];
    fprintf(a->to, "%s\n", l->domain.text);
    for (size_t i = 0; i < a->audit.count; i++) {
        const struct audit_item *item = &a->audit.item[i];
        char text[AUDIT_TEXT + CAP_DOMAIN_TEXT + 4];
        snprintf(lead, sizeof(lead), "  %-8s%-13s ", audit_grade_text(item->grade), item->name);
        snprintf(text, sizeof(text), "%s%s%s", item->host.text, item->host.n > 0 ? ": " : "",
                 item->text);
        typeset_wrap(a->to, lead, text, TEXT_LINES);
    }
}

static void print_json(struct auditing *a, const struct lookup *l)
{
    struct json *j = malloc(sizeof(*j));
    if (!j) {
        a->failed = true;
        return;
    }
    json_begin(j);
    json_str(j, "domain", l->domain.text);
    json_word(j, "worst", audit_grade_text(a->audit.worst));
    json_array(j, "items");
    for (size_t i = 0; i < a->audit.count; i++) {
        const struct audit_item *item = &a->audit.item[i];
        json_object(j, NULL);
        json_word(j, "name", item->name);
        if (item->host.n > 0)
            json_str(j, "host", item->host.text);
        json_word(j, "grade", audit_grade_text(item->grade));
        json_str(j, "text", item->text);
        json_close(j);
    }
    json_close(j);
    struct span line = json_end(j);
    fwrite(line.p, 1, line.n, a->to);
    free(j);
}

/* --- the tap --- */

/* What `status --server` says of each address. */
static void print_seen(struct auditing *a, const struct lookup_mx *m)
{
    char address[TEXT_IP], server[TEXT_IP + 2];
    for (uint8_t i = 0; i < m->addresses; i++) {
        text_ip(address, m->at[i].family, m->at[i].bytes);
        snprintf(server, sizeof(server), m->at[i].family == 6 ? "[%s]" : "%s", address);
        struct cli status = {
            .command = CLI_STATUS, .state = a->cli->state, .server = server, .json = a->cli->json};
        if (!a->cli->json)
            fprintf(a->to, "\nseen of %s:\n", m->host.text);
        fflush(a->to);
        a->failed |= status_cmd(&status, a->to) == POLICY_TROUBLE;
    }
}

/* refresh_fn */
static void on_found(void *user, const struct lookup *l)
{
    struct auditing *a = user;
    audit(l, &a->audit);
    if (a->cli->json)
        print_json(a, l);
    else
        print_text(a, l);
    for (uint8_t i = 0; a->cli->state && i < l->items; i++)
        print_seen(a, &l->item[i]);
}

enum policy_exit audit_cmd(struct cli *c, FILE *to)
{
    struct auditing a = {.cli = c, .to = to};
    struct domain d;
    if (c->operand_count != 2)
        return refuse("audit needs one DOMAIN");
    if (!domain_read(span_str(c->operand[1]), &d) || domain_numeric(domain_span(&d)))
        return refuse("audit: that is no domain name");
    if (!refresh_one(c, &d, on_found, &a) || a.failed)
        return POLICY_TROUBLE;
    return a.audit.worst > AUDIT_OK ? POLICY_FAULTY : POLICY_STRICT;
}
