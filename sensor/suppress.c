/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/suppress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "policy/domain.h"
#include "policy/field.h"
#include "policy/policy_json.h"
#include "policy/role.h"

#define FROM      "from:"
#define DATE_TEXT 10 /* 2027-03-01 */
#define RULE_TEXT 40
#define DAY       (86400 * NS_PER_S)

enum about { ABOUT_EVERYTHING, ABOUT_SERVER, ABOUT_CLIENT, ABOUT_NAME };

struct entry {
    enum rule_id rule; /* RULE_COUNT: all */
    enum about about;
    struct role_net net;
    struct domain name;
    nstime end; /* the first moment at which it does not count */
    char last_day[DATE_TEXT + 1];
    unsigned line;
    bool told; /* that it ended */
};

struct suppress {
    suppress_ended_fn ended;
    void *user;
    size_t count;
    struct entry entry[CAP_SUPPRESSIONS];
};

/* What a finding may be known by. */
struct subject {
    const struct flow_key *key;
    struct span name[2];
    nstime time;
};

struct suppress *suppress_new(suppress_ended_fn ended, void *user)
{
    struct suppress *list = calloc(1, sizeof *list);
    if (!list)
        return NULL;
    list->ended = ended;
    list->user = user;
    return list;
}

void suppress_free(struct suppress *list)
{
    free(list);
}

/* --- reading --- */

static int refuse(char why[CAP_STS_REASON], const char *what, struct span bytes)
{
    why[0] = '\0';
    field_reason(why, 0, what, bytes);
    return -1;
}

static struct span next_word(struct span *rest)
{
    size_t n = 0;
    *rest = field_trim_front(*rest);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct span word = span_first(*rest, n);
    *rest = span_from(*rest, n);
    return word;
}

static bool is_any(struct span word)
{
    return span_eq(word, span_str("*"));
}

static bool read_rule(struct span word, enum rule_id *out)
{
    char name[RULE_TEXT];
    *out = RULE_COUNT;
    if (is_any(word))
        return true;
    if (word.n >= sizeof name || memchr(word.p, '\0', word.n))
        return false;
    memcpy(name, word.p, word.n);
    name[word.n] = '\0';
    *out = rule_by_name(name);
    return *out < RULE_COUNT;
}

/* A name has letters in its last label, an address has none or colons. */
static bool looks_like_net(struct span word)
{
    return span_find(word, ':') < word.n || span_find(word, '/') < word.n || domain_numeric(word);
}

static int read_about(struct span word, struct entry *e, char why[CAP_STS_REASON])
{
    bool from = span_starts_nocase(word, span_str(FROM));
    struct span rest = from ? span_from(word, strlen(FROM)) : word;
    e->about = from ? ABOUT_CLIENT : ABOUT_SERVER;
    if (from || looks_like_net(word))
        return role_net_parse(rest, &e->net, why, CAP_STS_REASON);
    e->about = is_any(word) ? ABOUT_EVERYTHING : ABOUT_NAME;
    if (e->about == ABOUT_NAME && !domain_read(word, &e->name))
        return refuse(why, "no address, network or name", word);
    return 0;
}

static bool has_form_of_date(struct span word)
{
    if (word.n != DATE_TEXT)
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (i == 4 || i == 7 ? word.p[i] != '-' : !span_is_digit(word.p[i]))
            return false;
    return true;
}

/* A day that there is: the 31st of February would be another one when written again. */
static bool read_date(struct span word, struct entry *e)
{
    char text[DATE_TEXT + 16], again[TEXT_TIME];
    nstime day;
    if (!has_form_of_date(word))
        return false;
    memcpy(e->last_day, word.p, DATE_TEXT);
    e->last_day[DATE_TEXT] = '\0';
    snprintf(text, sizeof text, "%sT00:00:00Z", e->last_day);
    if (!policy_json_time(span_str(text), &day))
        return false;
    text_time(again, day);
    e->end = clock_add(day, DAY);
    return memcmp(again, e->last_day, DATE_TEXT) == 0;
}

int suppress_read(struct suppress *list, struct span line, unsigned number,
                  char why[CAP_STS_REASON])
{
    struct span rest = field_trim(span_first(line, span_find(line, '#')));
    struct span rule = next_word(&rest), about = next_word(&rest), until = next_word(&rest);
    struct entry e = {.line = number};
    why[0] = '\0';
    if (rule.n == 0)
        return 0;
    if (!read_rule(rule, &e.rule))
        return refuse(why, "no rule of that name", rule);
    if (about.n == 0)
        return refuse(why, "does not say what it is about", about);
    if (read_about(about, &e, why))
        return -1;
    if (e.rule == RULE_COUNT && e.about == ABOUT_EVERYTHING)
        return refuse(why, "would suppress everything", span_of(NULL, 0));
    if (!read_date(until, &e))
        return refuse(why, until.n ? "no last day (YYYY-MM-DD)" : "has no last day", until);
    if (field_trim(rest).n == 0)
        return refuse(why, "gives no reason", rest);
    if (list->count == CAP_SUPPRESSIONS)
        return refuse(why, "is one entry too many", span_of(NULL, 0));
    list->entry[list->count++] = e;
    return 1;
}

static bool read_lines(struct suppress *list, FILE *f, const char *path,
                       suppress_problem_fn problem, suppress_line_fn added, void *user)
{
    char why[CAP_STS_REASON], *line = NULL;
    size_t room = 0;
    bool good = true;
    unsigned number = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        int rc = suppress_read(list, text, ++number, why);
        if (rc < 0)
            problem(user, path, number, why);
        else if (rc > 0 && added)
            added(user, text, number);
        good = good && rc >= 0;
    }
    if (ferror(f))
        problem(user, path, 0, strerror(errno));
    good = good && !ferror(f);
    free(line);
    return good;
}

int suppress_load(struct suppress *list, const char *path, suppress_problem_fn problem,
                  suppress_line_fn added, void *user)
{
    FILE *f = fopen(path, "rbe");
    if (!f) {
        problem(user, path, 0, strerror(errno));
        return -1;
    }
    bool good = read_lines(list, f, path, problem, added, user);
    fclose(f);
    return good ? 0 : -1;
}

size_t suppress_count(const struct suppress *list)
{
    return list->count;
}

/* --- asking --- */

static bool is_about(const struct entry *e, const struct subject *s)
{
    struct span name = domain_span(&e->name);
    switch (e->about) {
    case ABOUT_SERVER:
        return role_net_has(&e->net, s->key->family, s->key->server);
    case ABOUT_CLIENT:
        return role_net_has(&e->net, s->key->family, s->key->client);
    case ABOUT_NAME:
        return span_eq_nocase(name, s->name[0]) || span_eq_nocase(name, s->name[1]);
    default:
        return true;
    }
}

static void tell_ended(struct suppress *list, struct entry *e)
{
    char what[80];
    if (e->told)
        return;
    e->told = true;
    snprintf(what, sizeof what, "counted until %s and suppresses no more", e->last_day);
    list->ended(list->user, e->line, what);
}

static bool is_unwanted(struct suppress *list, const struct finding *f, const struct subject *s)
{
    bool unwanted = false;
    for (size_t i = 0; i < list->count; i++) {
        struct entry *e = &list->entry[i];
        if ((e->rule != RULE_COUNT && e->rule != f->rule) || !is_about(e, s))
            continue;
        if (s->time < e->end)
            unwanted = true;
        else
            tell_ended(list, e);
    }
    return unwanted;
}

/* The domain of a promise says something of what breaks promises alone: others may name any. */
static bool is_promise(enum rule_id rule)
{
    return strcmp(rule_row(rule)->family, "promise") == 0;
}

void suppress_session(struct suppress *list, const struct session *s, struct judgement *j)
{
    if (list->count == 0)
        return;
    for (uint8_t i = 0; i < j->finding_count; i++) {
        struct finding *f = &j->finding[i];
        struct subject subject = {
            .key = &s->key, .name = {span_str(f->subject_name)}, .time = s->now};
        if (j->promise && is_promise(f->rule))
            subject.name[1] = domain_span(&j->promise->domain);
        f->suppressed = f->severity > SEVERITY_INFO && is_unwanted(list, f, &subject);
    }
}

void suppress_discovery(struct suppress *list, const struct discovery *d, struct finding *f)
{
    const struct subject subject = {
        .key = &d->key, .name = {domain_span(&d->domain), domain_span(&d->host)}, .time = d->time};
    f->suppressed = f->severity > SEVERITY_INFO && is_unwanted(list, f, &subject);
}
