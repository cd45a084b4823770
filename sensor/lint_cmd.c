/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lint_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "policy/sts_policy.h"
#include "policy/sts_txt.h"
#include "policy/tlsrpt_txt.h"

#define TLSRPT_PREFIX "v=TLSRPT"

/* What is shown of a policy or a set of records. */
struct verdict_lines {
    bool strict, usable;
    const char *mode;        /* NULL: none, as in records */
    const struct span *list; /* mx patterns, or report addresses */
    uint32_t list_count;
    bool reports; /* the list has report addresses */
    bool has_max_age;
    uint32_t max_age;
    const char *id; /* NULL: none */
    uint32_t lints;
    const char *reason; /* "": none */
};

static void put_list(struct json *j, const char *key, const struct verdict_lines *v)
{
    json_array(j, key);
    for (uint32_t i = 0; i < v->list_count; i++)
        json_wire(j, NULL, v->list[i]);
    json_close(j);
}

static void put_text(struct json *j, const char *key, const char *text)
{
    if (text && *text)
        json_str(j, key, text);
    else
        json_null(j, key);
}

static void print_json(const struct verdict_lines *v, struct json *j, FILE *to)
{
    static const struct verdict_lines none;
    json_begin(j);
    json_bool(j, "strict", v->strict);
    json_bool(j, "usable", v->usable);
    put_text(j, "mode", v->mode);
    put_list(j, "mx", v->reports ? &none : v);
    if (v->has_max_age)
        json_uint(j, "max_age", v->max_age);
    else
        json_null(j, "max_age");
    put_text(j, "id", v->id);
    json_array(j, "lints");
    for (int i = 0; i < LINT_COUNT; i++)
        if (v->lints & lint_bit((enum lint)i))
            json_word(j, NULL, lint_text((enum lint)i));
    json_close(j);
    put_text(j, "reason", v->reason);
    if (v->reports)
        put_list(j, "rua", v);
    struct span line = json_end(j);
    fwrite(line.p, 1, line.n, to);
}

static void print_list(const struct verdict_lines *v, FILE *to)
{
    char shown[4 * CAP_DOMAIN_TEXT + 1];
    for (uint32_t i = 0; i < v->list_count; i++) {
        text_escape(shown, sizeof(shown), v->list[i]);
        fprintf(to, "%-8s%s\n", v->reports ? "rua" : "mx", shown);
    }
}

static void print_text(const struct verdict_lines *v, FILE *to)
{
    const char *between = "lints   ";
    fprintf(to, "strict  %s\nusable  %s\n", v->strict ? "yes" : "no", v->usable ? "yes" : "no");
    if (v->mode)
        fprintf(to, "mode    %s\n", v->mode);
    print_list(v, to);
    if (v->has_max_age)
        fprintf(to, "max_age %u s (%u days)\n", v->max_age, v->max_age / 86400);
    if (v->id && *v->id)
        fprintf(to, "id      %s\n", v->id);
    for (int i = 0; i < LINT_COUNT; i++) {
        if (!(v->lints & lint_bit((enum lint)i)))
            continue;
        fprintf(to, "%s%s", between, lint_text((enum lint)i));
        between = ", ";
    }
    if (v->lints)
        putc('\n', to);
    if (*v->reason)
        fprintf(to, "fault   %s\n", v->reason);
}

static enum policy_exit print(const struct cli *c, const struct verdict_lines *v, FILE *to)
{
    struct json *j = malloc(sizeof(*j));
    if (!j)
        return POLICY_TROUBLE;
    if (c->json)
        print_json(v, j, to);
    else
        print_text(v, to);
    free(j);
    return v->strict ? POLICY_STRICT : POLICY_FAULTY;
}

static enum policy_exit refuse(const char *what, const char *why)
{
    char shown[1024];
    text_escape(shown, sizeof(shown), span_str(what));
    fprintf(stderr, "stripwatch: policy lint: %s%s%s\n", shown, *shown ? ": " : "", why);
    return POLICY_TROUBLE;
}

/* --- a body --- */

/* One byte more than a policy may have shows that it has too many. */
static const char *read_body(const char *path, uint8_t *to, size_t room, size_t *n)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rbe");
    const char *why = NULL;
    if (!f)
        return strerror(errno);
    *n = fread(to, 1, room, f);
    if (ferror(f))
        why = strerror(errno);
    if (!standard)
        fclose(f);
    return why;
}

static enum policy_exit lint_body(const struct cli *c, FILE *to, uint8_t *body,
                                  struct sts_policy *p)
{
    size_t n;
    const char *why = read_body(c->policy_file, body, CAP_STS_BODY + 1, &n);
    if (why)
        return refuse(c->policy_file, why);
    sts_policy_read(span_of(body, n), p);
    struct verdict_lines v = {
        .strict = p->strict,
        .usable = p->usable,
        .mode = sts_mode_text(p->mode),
        .list = p->mx,
        .list_count = p->mx_count,
        .has_max_age = p->has_max_age,
        .max_age = p->max_age,
        .lints = p->lints,
        .reason = p->reason,
    };
    return print(c, &v, to);
}

static enum policy_exit lint_file(const struct cli *c, FILE *to)
{
    uint8_t *body = malloc(CAP_STS_BODY + 1);
    struct sts_policy *p = malloc(sizeof(*p));
    enum policy_exit code = POLICY_TROUBLE;
    if (body && p)
        code = lint_body(c, to, body, p);
    else
        refuse("", strerror(ENOMEM));
    free(p);
    free(body);
    return code;
}

/* --- records --- */

/* The records of the command line, the strings of each joined without a space. */
struct record_set {
    struct txt_record *record;
    size_t count;
    char *text; /* of all */
};

static bool gather(const struct cli *c, struct record_set *set)
{
    size_t bytes = 1, at = 0;
    for (size_t i = 0; i < c->string_count; i++)
        bytes += strlen(c->string[i].text);
    set->record = calloc(c->string_count + 1, sizeof(*set->record));
    set->text = malloc(bytes);
    if (!set->record || !set->text)
        return false;
    for (size_t i = 0; i < c->string_count; i++) {
        size_t n = strlen(c->string[i].text);
        bool more = i > 0 && c->string[i].record == c->string[i - 1].record;
        memcpy(set->text + at, c->string[i].text, n);
        if (!more)
            set->record[set->count++] = (struct txt_record){span_of(set->text + at, 0), false};
        struct txt_record *r = &set->record[set->count - 1];
        r->text.n += n;
        r->split = more;
        at += n;
    }
    return true;
}

static enum policy_exit lint_sts(const struct cli *c, FILE *to, const struct record_set *set)
{
    struct sts_txt t;
    sts_txt_read(set->record, set->count, &t);
    struct verdict_lines v = {
        .strict = t.strict, .usable = t.usable, .id = t.id, .lints = t.lints, .reason = t.reason};
    return print(c, &v, to);
}

static enum policy_exit lint_tlsrpt(const struct cli *c, FILE *to, const struct record_set *set)
{
    struct tlsrpt_txt t;
    tlsrpt_txt_read(set->record, set->count, &t);
    struct verdict_lines v = {.strict = t.strict,
                              .usable = t.usable,
                              .list = t.rua,
                              .list_count = t.rua_count,
                              .reports = true,
                              .lints = t.lints,
                              .reason = t.reason};
    return print(c, &v, to);
}

/* Which of two names they stand at shows in them; a set that shows nothing is none of either. */
static bool says_tlsrpt(const struct record_set *set)
{
    struct span prefix = span_str(TLSRPT_PREFIX);
    for (size_t i = 0; i < set->count; i++)
        if (span_eq(span_first(set->record[i].text, prefix.n), prefix))
            return true;
    return false;
}

static enum policy_exit lint_records(const struct cli *c, FILE *to)
{
    struct record_set set = {0};
    enum policy_exit code = POLICY_TROUBLE;
    if (!gather(c, &set))
        refuse("", strerror(ENOMEM));
    else if (says_tlsrpt(&set))
        code = lint_tlsrpt(c, to, &set);
    else
        code = lint_sts(c, to, &set);
    free(set.record);
    free(set.text);
    return code;
}

enum policy_exit lint_cmd(struct cli *c, FILE *to)
{
    if (c->operand_count > 1)
        return refuse(c->operand[1], "is neither a --file nor a record after --txt");
    if (!c->policy_file == !c->txt)
        return refuse("", "needs a --file, or records after --txt, and not both");
    return c->txt ? lint_records(c, to) : lint_file(c, to);
}
