/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/import_cmd.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "policy/sts_policy.h"
#include "sensor/policy_source.h"
#include "sensor/refresh_cmd.h"
#include "sensor/stored.h"

/* One command. */
struct moving {
    FILE *to;
    struct store *store;         /* import; NULL: none */
    const struct domain *domain; /* get: of this one alone; NULL: all */
    struct sts_policy policy;
    nstime now;
    uint64_t moved;
    bool failed;
};

/* --- messages --- */

static void say(const char *name, const char *what)
{
    char shown[1024];
    text_escape(shown, sizeof(shown), span_str(name));
    fprintf(stderr, "stripwatch: %s: %s\n", shown, what);
}

/* The problem of policy_source */
static void on_problem(void *user, const struct policy_place *at, const char *what)
{
    char text[640];
    (void)user;
    if (at->line > 0)
        snprintf(text, sizeof(text), "line %u: %s", at->line, what);
    else
        snprintf(text, sizeof(text), "%s", what);
    say(at->name, text);
}

static enum policy_exit refuse(const char *what)
{
    fprintf(stderr, "stripwatch: policy: %s\nTry 'stripwatch policy --help'.\n", what);
    return POLICY_TROUBLE;
}

/* --- export and get --- */

/* The record of policy_source */
static bool on_export(void *user, const struct policy_json *p, const struct policy_place *at)
{
    struct moving *m = user;
    (void)at;
    if (m->domain && !span_eq(domain_span(&p->domain), domain_span(m->domain)))
        return true;
    char *line = policy_json_text(p);
    if (!line) {
        say(p->domain.text, "the body is no UTF-8: left out");
        return false;
    }
    fprintf(m->to, "%s\n", line);
    free(line);
    m->moved++;
    return true;
}

static enum policy_exit put_out(struct cli *c, struct moving *m)
{
    const struct policy_source source = {on_export, on_problem, m, NULL};
    enum policy_exit code = POLICY_STRICT;
    for (uint32_t i = 0; i < c->policies_count; i++)
        if (policy_source_read(&source, c->policies[i]))
            code = POLICY_TROUBLE;
    return code;
}

enum policy_exit export_cmd(struct cli *c, FILE *to)
{
    struct moving m = {.to = to};
    if (c->operand_count > 1)
        return refuse("export takes no names: get DOMAIN does");
    return c->policies_count > 0 ? put_out(c, &m) : refuse("export needs --policies WHERE");
}

enum policy_exit get_cmd(struct cli *c, FILE *to)
{
    struct domain d;
    struct moving m = {.to = to, .domain = &d};
    if (c->operand_count != 2 || (c->policies_count == 0) != c->online)
        return refuse("get needs one DOMAIN, and --policies WHERE or --online");
    if (!domain_read(span_str(c->operand[1]), &d))
        return refuse("get: that is no domain name");
    if (c->online)
        return get_online(c, &d, to);
    enum policy_exit code = put_out(c, &m);
    if (code == POLICY_STRICT && m.moved == 0) {
        say(d.text, "no policy is known");
        code = POLICY_FAULTY;
    }
    return code;
}

/* --- import --- */

static bool is_text(const struct policy_json *p)
{
    char *line = policy_json_text(p);
    bool text = line != NULL;
    free(line);
    return text;
}

static bool put(struct moving *m, const struct policy_json *p, nstime end)
{
    enum store_status status = stored_policy(m->store, store_put, p, end, m->now);
    if (status == STORE_OK)
        return true;
    if (status == STORE_WRONG && !is_text(p)) {
        say(p->domain.text, "the body is no UTF-8: left out");
        return false;
    }
    say(store_name(m->store), store_status_text(status));
    m->failed = true;
    return false;
}

/* The record of policy_source. What says nothing of its time was fetched now. */
static bool on_import(void *user, const struct policy_json *p, const struct policy_place *at)
{
    struct moving *m = user;
    struct policy_json copy = *p; /* borrows the body */
    char text[CAP_STS_REASON + 80];
    sts_policy_read(span_of(p->body, p->body_n), &m->policy);
    if (!m->policy.usable) {
        snprintf(text, sizeof(text), "the policy of %.40s cannot be used: %s", p->domain.text,
                 m->policy.reason[0] ? m->policy.reason : "an mx names an address");
        on_problem(NULL, at, text);
        return false;
    }
    if (copy.fetched == INT64_MIN)
        copy.fetched = m->now;
    nstime end = clock_add(copy.fetched, m->policy.max_age * NS_PER_S);
    if (!put(m, &copy, end))
        return false;
    m->moved++;
    return true;
}

static enum policy_exit take_in(struct cli *c, struct moving *m)
{
    const struct policy_source source = {on_import, on_problem, m, NULL};
    enum policy_exit code = POLICY_STRICT;
    for (size_t i = 1; i < c->operand_count && !m->failed; i++)
        if (policy_source_read(&source, c->operand[i]))
            code = POLICY_TROUBLE;
    fprintf(m->to, "%llu polic%s imported into %s\n", (unsigned long long)m->moved,
            m->moved == 1 ? "y" : "ies", store_name(m->store));
    return m->failed ? POLICY_TROUBLE : code;
}

enum policy_exit import_cmd(struct cli *c, FILE *to)
{
    struct moving m = {.to = to, .now = clock_of(time(NULL), 0)};
    char why[STORE_WHY];
    const char *warning;
    if (!c->state || c->operand_count < 2)
        return refuse("import needs --state WHERE and what to import");
    enum store_status status = store_open(&m.store, c->state, NULL, why);
    if (status != STORE_OK) {
        say(m.store ? store_name(m.store) : "--state", why);
        store_close(m.store);
        return POLICY_TROUBLE;
    }
    for (size_t i = 0; (warning = store_warning(m.store, i)); i++)
        say(store_name(m.store), warning);
    enum policy_exit code = take_in(c, &m);
    store_close(m.store);
    return code;
}
