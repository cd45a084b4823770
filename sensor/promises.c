/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/promises.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "policy/expect.h"
#include "policy/field.h"
#include "policy/partner.h"
#include "policy/policy_json.h"
#include "policy/preload.h"

#define PORT_SMTP 25
#define CODE      4 /* bytes of "220 " */
#define SUFFIX    ".txt"
#define PATH_MOST 4096

struct promises {
    struct book *book;
    struct routes *routes;
    promises_problem_fn problem;
    void *user;
    struct sts_policy policy; /* of reading */
    const char *preload_path; /* borrowed; NULL: none */
    struct preload preload;
    bool preload_told;
};

struct promises *promises_new(const struct siphash_key *key, promises_problem_fn problem,
                              void *user)
{
    struct promises *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->book = book_new(key);
    p->routes = routes_new(key);
    p->problem = problem;
    p->user = user;
    if (p->book && p->routes)
        return p;
    promises_free(p);
    return NULL;
}

void promises_free(struct promises *p)
{
    if (!p)
        return;
    routes_free(p->routes);
    book_free(p->book);
    free(p);
}

uint64_t promises_count(const struct promises *p)
{
    return book_count(p->book);
}

/* --- loading --- */

static int complain(struct promises *p, const char *name, unsigned line, const char *what)
{
    p->problem(p->user, name, line, what);
    return -1;
}

/* Where a policy comes from, and when. */
struct origin {
    const char *name;
    unsigned line; /* 0: the whole file */
    const struct domain *domain;
    const char *id;
    nstime fetched;
};

static int add_body(struct promises *p, const struct origin *o, struct span body)
{
    struct sts_policy *s = &p->policy;
    struct book_policy b = {.source = EXPECTATION_MTA_STS, .from = o->fetched, .until = INT64_MAX};
    char text[CAP_STS_REASON + 64];
    sts_policy_read(body, s);
    if (!s->usable) {
        snprintf(text, sizeof(text), "the policy of %s cannot be used: %s", o->domain->text,
                 s->reason[0] ? s->reason : "an mx names an address, or there are too many");
        return complain(p, o->name, o->line, text);
    }
    b.mode = s->mode;
    b.strict = s->strict;
    b.max_age = s->max_age;
    b.mx = s->mx;
    b.mx_count = s->mx_count;
    if (o->fetched != INT64_MIN)
        b.until = o->fetched > INT64_MAX - s->max_age * NS_PER_S
                      ? INT64_MAX
                      : o->fetched + s->max_age * NS_PER_S;
    snprintf(b.id, sizeof(b.id), "%s", o->id);
    if (book_add(p->book, o->domain, &b) == BOOK_NO_MEMORY)
        return complain(p, o->name, o->line, strerror(ENOMEM));
    return 0;
}

static int add_line(struct promises *p, const char *path, unsigned number, struct span line)
{
    struct policy_json j;
    char why[POLICY_JSON_WHY];
    int rc = policy_json_read(line, &j, why);
    if (rc) {
        complain(p, path, number, why);
    } else {
        struct origin o = {path, number, &j.domain, j.id, j.fetched};
        rc = add_body(p, &o, span_of(j.body, j.body_n));
    }
    policy_json_fini(&j);
    return rc;
}

/* A bad line is told of and left out; the others count. */
static int add_lines(struct promises *p, const char *path, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0, added = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        number++;
        while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]))
            text.n--;
        if (text.n > 0 && add_line(p, path, number, text) == 0)
            added++;
    }
    free(line);
    return added > 0 ? 0 : complain(p, path, 0, "has no policy that can be used");
}

/* The file's name says whose policy it is. */
static int add_single(struct promises *p, const char *path, FILE *f)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t n = strlen(name), suffix = strlen(SUFFIX);
    struct domain d;
    uint8_t *body;
    int rc;
    if (n <= suffix || strcmp(name + n - suffix, SUFFIX) != 0 ||
        !domain_read(span_of(name, n - suffix), &d))
        return complain(p, path, 0, "is no policy record, and its name is not DOMAIN" SUFFIX);
    body = malloc(CAP_STS_BODY + 1);
    if (!body)
        return complain(p, path, 0, strerror(ENOMEM));
    size_t got = fread(body, 1, CAP_STS_BODY + 1, f);
    struct origin o = {path, 0, &d, "", INT64_MIN};
    rc = ferror(f) ? complain(p, path, 0, strerror(errno)) : add_body(p, &o, span_of(body, got));
    free(body);
    return rc;
}

/* Lines of JSON begin with a brace, and no policy does. */
static bool begins_json(FILE *f)
{
    int c;
    do
        c = getc(f);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    rewind(f);
    return c == '{';
}

static int add_file(struct promises *p, const char *path)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return complain(p, path, 0, strerror(errno));
    int rc = begins_json(f) ? add_lines(p, path, f) : add_single(p, path, f);
    fclose(f);
    return rc;
}

/* scandir(3)'s filter */
static int is_body(const struct dirent *e)
{
    size_t n = strlen(e->d_name), suffix = strlen(SUFFIX);
    return e->d_name[0] != '.' && n > suffix && strcmp(e->d_name + n - suffix, SUFFIX) == 0;
}

static int add_directory(struct promises *p, const char *path)
{
    struct dirent **entry;
    char file[PATH_MOST];
    int added = 0, n = scandir(path, &entry, is_body, alphasort);
    if (n < 0)
        return complain(p, path, 0, strerror(errno));
    for (int i = 0; i < n; i++) {
        int length = snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
        if (length > 0 && (size_t)length < sizeof(file) && add_file(p, file) == 0)
            added++;
        free(entry[i]);
    }
    free(entry);
    return added > 0 ? 0 : complain(p, path, 0, "has no DOMAIN" SUFFIX " that can be used");
}

int promises_add_policies(struct promises *p, const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return complain(p, path, 0, strerror(errno));
    return S_ISDIR(st.st_mode) ? add_directory(p, path) : add_file(p, path);
}

static char *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rbe");
    char *text = NULL;
    size_t room = 0;
    ssize_t got = f ? getdelim(&text, &room, '\0', f) : -1; /* JSON has no NUL */
    if (f) {
        int error = ferror(f) ? errno : 0;
        fclose(f);
        errno = error;
    }
    *n = got > 0 ? (size_t)got : 0;
    return text;
}

int promises_add_preload(struct promises *p, const char *path)
{
    char text[PRELOAD_WHY + 80];
    size_t n;
    errno = 0;
    char *json = read_whole(path, &n);
    if (errno)
        complain(p, path, 0, strerror(errno));
    else if (preload_read(span_of(json, n), p->book, &p->preload))
        complain(p, path, 0, p->preload.why);
    else
        p->preload_path = path;
    free(json);
    if (!p->preload_path)
        return -1;
    if (p->preload.left_out > 0) {
        snprintf(text, sizeof(text), "%u of %u entries cannot be used, the first: %s",
                 p->preload.left_out, p->preload.left_out + p->preload.added, p->preload.why);
        complain(p, path, 0, text);
    }
    return 0;
}

int promises_add_partners(struct promises *p, const char *path)
{
    char why[CAP_STS_REASON], *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int rc = 0;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return complain(p, path, 0, strerror(errno));
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        number++;
        while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        if (partner_read(text, p->book, why) < 0)
            rc = complain(p, path, number, why);
    }
    if (ferror(f))
        rc = complain(p, path, 0, strerror(errno));
    free(line);
    fclose(f);
    return rc;
}

/* --- DNS on the tap --- */

static bool name_in(const struct dns_message *m, uint16_t name, struct domain *to)
{
    return domain_read(span_str(dns_text(m, name)), to);
}

/* The addresses of an answer are those of the name that was asked for, whatever CNAMEs lie between;
 * those beside it are their owner's. */
static void learn_address(struct promises *p, const struct dns_sighting *s,
                          const struct dns_record *rr)
{
    const struct dns_message *m = s->message;
    uint16_t owner = rr->section == DNS_ANSWER ? m->question.name : rr->owner;
    struct domain host;
    if (name_in(m, owner, &host))
        routes_add_address(p->routes, s->time, &host, rr->type == DNS_A ? 4 : 6, rr->address,
                           rr->ttl);
}

static void learn_mx(struct promises *p, const struct dns_sighting *s, const struct dns_record *rr)
{
    struct domain domain, exchange;
    if (s->message->question.type == DNS_MX &&
        name_in(s->message, s->message->question.name, &domain) &&
        name_in(s->message, rr->mx.exchange, &exchange)) /* a null MX names none (RFC 7505) */
        routes_add_mx(p->routes, s->time, &domain, &exchange, rr->ttl);
}

/* Without MX the domain is its own exchanger (RFC 5321 section 5.1). */
static void learn_no_mx(struct promises *p, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    struct domain domain;
    if (m->question.type == DNS_MX && m->has_soa && name_in(m, m->question.name, &domain))
        routes_add_mx(p->routes, s->time, &domain, &domain, m->negative_ttl);
}

void promises_dns(struct promises *p, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    bool mx = false;
    if (s->kind != DNS_SIGHTING_ANSWER || s->bad_checksum || m->rcode != DNS_NOERROR ||
        !m->has_question)
        return;
    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *rr = &m->record[i];
        if (rr->class != DNS_CLASS_IN)
            continue;
        if (rr->type == DNS_A || rr->type == DNS_AAAA)
            learn_address(p, s, rr);
        if (rr->type == DNS_MX && rr->section == DNS_ANSWER)
            learn_mx(p, s, rr);
        mx |= rr->type == DNS_MX;
    }
    if (!mx)
        learn_no_mx(p, s);
}

/* --- asking --- */

static size_t recipients(const struct session *s, struct domain *to)
{
    size_t n = 0;
    for (uint8_t i = 0; i < s->rcpt_domain_count; i++)
        n += domain_read(session_text(s, s->rcpt_domain[i]), &to[n]);
    return n;
}

/* The first word behind the code of the greeting (RFC 5321 section 4.2). */
static bool greeting(const struct session *s, struct domain *to)
{
    struct span text = field_trim_front(span_from(session_text(s, s->banner), CODE));
    size_t end = 0;
    while (end < text.n && text.p[end] > ' ')
        end++;
    return domain_read(span_first(text, end), to) && strchr(to->text, '.');
}

/* Policies speak of mail between servers, and not of the operator's own hops. */
static bool concerns(const struct session *s, enum role role)
{
    return s->key.server_port == PORT_SMTP && role != ROLE_SUBMISSION && role != ROLE_INTERNAL;
}

/* A list past its date, or not yet in force, accuses nobody, and its owner should know. */
static void check_preload(struct promises *p, nstime t)
{
    char from[TEXT_TIME], until[TEXT_TIME], text[128];
    if (!p->preload_path || p->preload_told || (t >= p->preload.from && t < p->preload.until))
        return;
    p->preload_told = true;
    text_time(from, p->preload.from);
    text_time(until, p->preload.until);
    snprintf(text, sizeof(text), "holds from %.10s to %.10s, and not for these packets", from,
             until);
    complain(p, p->preload_path, 0, text);
}

const struct expectations *promises_expect(struct promises *p, const struct session *s,
                                           enum role role, struct expectations *to)
{
    struct domain recipient[CAP_RECIPIENTS], name;
    struct route route[CAP_ROUTES_TO];
    if (book_count(p->book) == 0 || !concerns(s, role))
        return NULL;
    check_preload(p, s->first);
    struct expect_query q = {
        .time = s->first,
        .recipient = recipient,
        .recipient_count = recipients(s, recipient),
        .route = route,
        .route_count =
            routes_to(p->routes, s->first, s->key.family, s->key.server, route, CAP_ROUTES_TO),
        .greeting = greeting(s, &name) ? &name : NULL,
    };
    expect_session(p->book, &q, to);
    return to->count > 0 ? to : NULL;
}
