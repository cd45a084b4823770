/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/policy_source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "policy/lookup_json.h"
#include "policy/mta_cache.h"
#include "policy/resolver_cache.h"
#include "sensor/tlspol.h"
#include "store/foreign.h"
#include "store/store.h"

#define SUFFIX       ".txt"
#define PATH_MOST    4096
#define SQLITE_MAGIC "SQLite format 3" /* and a NUL: https://www.sqlite.org/fileformat2.html */

static int complain(const struct policy_source *to, const char *name, unsigned line,
                    const char *what)
{
    to->problem(to->user, &(struct policy_place){name, line}, what);
    return -1;
}

static int tell(const struct policy_source *to, const struct policy_json *p, const char *name,
                unsigned line)
{
    return to->record(to->user, p, &(struct policy_place){name, line}) ? 0 : -1;
}

/* --- lines of JSON --- */

/* What a look-up found is of use only where it is a policy, to those who want no look-ups. */
static int tell_lookup(const struct policy_source *to, const struct lookup *l, const char *name,
                       unsigned line, struct span text)
{
    struct policy_json j = {.domain = l->domain, .fetched = l->time, .body_n = l->body_n};
    if (to->lookup)
        return to->lookup(to->user, l, text) ? 0 : complain(to, name, line, strerror(ENOMEM));
    if (l->sts != LOOKUP_STS_POLICY)
        return -1;
    j.body = l->body;
    memcpy(j.id, l->id, sizeof(j.id));
    return tell(to, &j, name, line);
}

static int read_lookup(const struct policy_source *to, const char *name, unsigned number,
                       struct span text)
{
    char why[LOOKUP_JSON_WHY];
    struct lookup *l = malloc(sizeof(*l));
    int rc = -1;
    if (!l)
        return complain(to, name, number, strerror(ENOMEM));
    if (lookup_json_read(text, l, why))
        complain(to, name, number, why);
    else
        rc = tell_lookup(to, l, name, number, text);
    lookup_fini(l);
    free(l);
    return rc;
}

static int read_record(const struct policy_source *to, const char *name, unsigned number,
                       struct span text)
{
    struct policy_json j;
    char why[POLICY_JSON_WHY];
    if (lookup_json_is(text))
        return read_lookup(to, name, number, text);
    int rc = policy_json_read(text, &j, why) ? complain(to, name, number, why)
                                             : tell(to, &j, name, number);
    policy_json_fini(&j);
    return rc;
}

/* A bad line is told of and left out; the others count. */
static int read_lines(const struct policy_source *to, const char *path, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0, added = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        number++;
        while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]))
            text.n--;
        added += text.n > 0 && read_record(to, path, number, text) == 0;
    }
    free(line);
    return added > 0 ? 0 : complain(to, path, 0, "has no policy that can be used");
}

/* --- bodies --- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The file's name says whose policy it is. */
static int read_body(const struct policy_source *to, const char *path, FILE *f)
{
    const char *name = name_of(path);
    size_t n = strlen(name), suffix = strlen(SUFFIX);
    struct policy_json j = {.fetched = INT64_MIN};
    int rc;
    if (n <= suffix || strcmp(name + n - suffix, SUFFIX) != 0 ||
        !domain_read(span_of(name, n - suffix), &j.domain))
        return complain(to, path, 0, "is no policy record, and its name is not DOMAIN" SUFFIX);
    j.body = malloc(CAP_STS_BODY + 2); /* one byte more than a policy may have shows it */
    if (!j.body)
        return complain(to, path, 0, strerror(ENOMEM));
    j.body_n = fread(j.body, 1, CAP_STS_BODY + 1, f);
    j.body[j.body_n] = '\0';
    rc = ferror(f) ? complain(to, path, 0, strerror(errno)) : tell(to, &j, path, 0);
    policy_json_fini(&j);
    return rc;
}

/* Lines of JSON begin with a brace, and no policy does. Works on a pipe as well. */
static bool begins_json(FILE *f)
{
    int c = getc(f);
    if (c != EOF)
        ungetc(c, f);
    return c == '{';
}

static int read_file(const struct policy_source *to, const char *path)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return complain(to, path, 0, strerror(errno));
    int rc = begins_json(f) ? read_lines(to, path, f) : read_body(to, path, f);
    fclose(f);
    return rc;
}

static bool is_body(const char *name)
{
    size_t n = strlen(name), suffix = strlen(SUFFIX);
    return n > suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

/* scandir(3)'s filter */
static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* At most CAP_STS_BODY bytes of a file, on the heap, and its state. NULL: it cannot be had. */
static char *read_regular(const char *path, size_t *n, struct stat *st)
{
    FILE *f;
    char *text;
    if (stat(path, st) || !S_ISREG(st->st_mode) ||
        !(f = fopen(path, "rbe"))) /* a pipe would wait */
        return NULL;
    text = malloc(CAP_STS_BODY);
    if (text)
        *n = fread(text, 1, CAP_STS_BODY, f);
    fclose(f);
    return text;
}

/* A file of another mail server's cache; what is none is passed over. */
static int read_cached(const struct policy_source *to, const char *path)
{
    struct domain domain;
    struct policy_json j;
    struct stat st;
    size_t n = 0;
    int rc = -1;
    char why[POLICY_JSON_WHY], *text = read_regular(path, &n, &st);
    enum mta_cache_kind kind =
        text ? mta_cache_kind(span_str(name_of(path)), span_of(text, n), &domain) : MTA_CACHE_NONE;
    if (kind != MTA_CACHE_NONE) {
        nstime changed = clock_of(st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        rc = mta_cache_read(kind, &domain, span_of(text, n), changed, &j, why)
                 ? complain(to, path, 0, why)
                 : tell(to, &j, path, 0);
        policy_json_fini(&j);
    }
    free(text);
    return rc;
}

static int read_directory(const struct policy_source *to, const char *path)
{
    struct dirent **entry;
    char file[PATH_MOST];
    int added = 0, n = scandir(path, &entry, is_visible, alphasort);
    if (n < 0)
        return complain(to, path, 0, strerror(errno));
    for (int i = 0; i < n; i++) {
        int length = snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof(file))
            complain(to, path, 0, strerror(ENAMETOOLONG));
        else if (is_body(entry[i]->d_name))
            added += read_file(to, file) == 0;
        else
            added += read_cached(to, file) == 0;
        free(entry[i]);
    }
    free(entry);
    return added > 0 ? 0
                     : complain(to, path, 0,
                                "has no DOMAIN" SUFFIX
                                " that can be used, and no policy of maddy or chasquid");
}

/* --- stores --- */

struct scan {
    const struct policy_source *to;
    const char *name;
    unsigned found; /* records, whether or not they were of use */
    unsigned added;
};

/* store_each */
static bool on_value(void *user, struct span key, struct span value)
{
    struct scan *s = user;
    (void)key; /* the record says whose it is */
    s->found++;
    s->added += read_record(s->to, s->name, 0, value) == 0;
    return true;
}

/* foreign_fn */
static bool on_foreign(void *user, struct span key, struct span member, double score)
{
    struct scan *s = user;
    struct policy_json j;
    char why[POLICY_JSON_WHY];
    s->found++;
    if (resolver_cache_read(key, member, score, &j, why))
        complain(s->to, s->name, 0, why);
    else
        s->added += tell(s->to, &j, s->name, 0) == 0;
    policy_json_fini(&j);
    return true;
}

static enum store_status scan_all(struct store *store, struct scan *s)
{
    nstime now = clock_of(time(NULL), 0);
    enum store_status status = store_scan(store, span_str("policy/"), now, on_value, s);
    if (status == STORE_OK)
        status = store_scan(store, span_str("history/"), now, on_value, s);
    if (status == STORE_OK && s->found == 0) /* nothing of ours: another program's cache? */
        status = foreign_scan(store, on_foreign, s);
    return status;
}

/* How many records there were of use; -1: it cannot be read, and why was told. */
static int64_t read_store(const struct policy_source *to, const char *where)
{
    struct store *store;
    char why[STORE_WHY];
    enum store_status status = store_open(&store, where, NULL, why);
    if (status != STORE_OK) {
        complain(to, store ? store_name(store) : "store", 0, *why ? why : "Redis does not answer");
        store_close(store);
        return -1;
    }
    struct scan s = {.to = to, .name = store_name(store)};
    status = scan_all(store, &s);
    if (status != STORE_OK)
        complain(to, s.name, 0, store_stats(store).last_error);
    else if (s.found == 0)
        complain(to, s.name, 0, "has no policy yet");
    store_close(store);
    return status == STORE_OK ? (int64_t)s.added : -1;
}

static bool is_sqlite(const char *path)
{
    char head[sizeof(SQLITE_MAGIC)] = "";
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) /* of a pipe, reading would take what is read */
        return false;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return false;
    size_t n = fread(head, 1, sizeof(head), f);
    fclose(f);
    return n == sizeof(head) && memcmp(head, SQLITE_MAGIC, sizeof(head)) == 0;
}

/* --- a running postfix-tlspol --- */

/* tlspol_fn */
static void on_answer(void *user, const struct policy_json *p)
{
    struct scan *s = user;
    s->found++;
    s->added += tell(s->to, p, s->name, 0) == 0;
}

static int ask_tlspol(const struct policy_source *to, const char *where)
{
    struct scan s = {.to = to, .name = where};
    char why[POLICY_JSON_WHY];
    if (tlspol_ask(where, on_answer, &s, why))
        return complain(to, where, 0, why);
    if (s.found == 0)
        return complain(to, where, 0, "knows of no policy in mode enforce");
    return s.added > 0 ? 0 : -1;
}

bool policy_source_is_store(const char *where)
{
    static const char *const scheme[] = {"redis:", "rediss:", "redis+unix:", "sqlite:"};
    for (size_t i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++)
        if (strncmp(where, scheme[i], strlen(scheme[i])) == 0)
            return true;
    return is_sqlite(where);
}

int policy_source_read(const struct policy_source *to, const char *where)
{
    struct stat st;
    if (tlspol_is_address(where))
        return ask_tlspol(to, where);
    if (policy_source_is_store(where))
        return read_store(to, where) > 0 ? 0 : -1;
    if (stat(where, &st))
        return complain(to, where, 0, strerror(errno));
    return S_ISDIR(st.st_mode) ? read_directory(to, where) : read_file(to, where);
}

int policy_source_state(const struct policy_source *to, const char *where)
{
    return read_store(to, where) < 0 ? -1 : 0;
}
