/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/refresh_cmd.h"

#include <stdlib.h>
#include <sys/random.h>

#include "policy/sts_policy.h"
#include "sensor/child.h"
#include "sensor/errand.h"
#include "sensor/policy_source.h"
#include "sensor/stored.h"

#define TURN_MS 100
#define A_DAY   86400u
#define DETAIL  (CAP_LOOKUP_TEXT + 160)

/* One command. */
struct refreshing {
    const struct cli *cli;
    FILE *to;
    struct errand *errand;
    struct wants *lookups;
    struct store *store; /* NULL: none is written */
    struct domain *domain;
    size_t count, room;
    struct sts_policy policy;
    refresh_fn fn; /* who is told instead; NULL: nobody */
    void *user;
    bool faulty; /* of one there is no policy */
    bool failed; /* the store */
};

/* --- messages --- */

static void say(const char *name, const char *what)
{
    fprintf(stderr, "stripwatch: %s: %s\n", name, what);
}

static enum policy_exit refuse(const char *what)
{
    fprintf(stderr, "stripwatch: policy: %s\nTry 'stripwatch policy --help'.\n", what);
    return POLICY_TROUBLE;
}

/* The problem of policy_source: `policy get` tells of the same source, and more. */
static void on_problem(void *user, const struct policy_place *at, const char *what)
{
    (void)user;
    say(at->name, what);
}

/* --- which --- */

static bool add(struct refreshing *r, const struct domain *d)
{
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct domain *more = realloc(r->domain, room * sizeof(*more));
        if (!more)
            return false;
        r->domain = more;
        r->room = room;
    }
    r->domain[r->count++] = *d;
    return true;
}

/* The record of policy_source */
static bool on_known(void *user, const struct policy_json *p, const struct policy_place *at)
{
    (void)at;
    return add(user, &p->domain);
}

static enum policy_exit find_domains(struct refreshing *r)
{
    const struct policy_source source = {.record = on_known, .problem = on_problem, .user = r};
    const struct cli *c = r->cli;
    struct domain d;
    for (size_t i = 1; i < c->operand_count; i++)
        if (!domain_read(span_str(c->operand[i]), &d) || domain_numeric(domain_span(&d)) ||
            !add(r, &d))
            return refuse("refresh: that is no domain name");
    if (r->count > 0)
        return POLICY_STRICT;
    if (!c->state)
        return refuse("refresh needs a DOMAIN, or --state WHERE with domains in it");
    return policy_source_state(&source, c->state) ? POLICY_TROUBLE : POLICY_STRICT;
}

/* --- what came of it --- */

static void describe_exchangers(const struct lookup *l, char *to, size_t room)
{
    unsigned dane = 0;
    int n = 0;
    for (uint8_t i = 0; i < l->items; i++)
        dane += l->item[i].has_tlsa && l->item[i].tlsa == LOOKUP_SECURE;
    if (l->asked_mx && dane > 0)
        n = snprintf(to, room, "; DANE at %u of %u", dane, l->items);
    if (l->items_left_out > 0)
        snprintf(to + n, room - (size_t)n, "; %u exchangers left out", l->items_left_out);
}

static void describe(struct refreshing *r, const struct lookup *l, char to[DETAIL])
{
    char exchangers[64] = "";
    describe_exchangers(l, exchangers, sizeof(exchangers));
    if (l->sts != LOOKUP_STS_POLICY) {
        snprintf(to, DETAIL, "%s%s", l->why, exchangers);
        return;
    }
    sts_policy_read(span_of(l->body, l->body_n), &r->policy);
    const char *mode = sts_mode_text(r->policy.mode);
    snprintf(to, DETAIL, "%s, %u mx, %u days, id %s%s", mode ? mode : "no mode", r->policy.mx_count,
             r->policy.max_age / A_DAY, l->id, exchangers);
}

static void print(struct refreshing *r, const struct lookup *l, struct span line)
{
    char detail[DETAIL];
    if (r->cli->json) {
        fwrite(line.p, 1, line.n, r->to);
        putc('\n', r->to);
        return;
    }
    describe(r, l, detail);
    fprintf(r->to, "%-32s %-8s %s\n", l->domain.text, lookup_sts_text(l->sts), detail);
}

/* refresh_fn */
static void print_policy(void *user, const struct lookup *l)
{
    const struct refreshing *r = user;
    struct policy_json p = {
        .domain = l->domain, .fetched = l->time, .body = l->body, .body_n = l->body_n};
    memcpy(p.id, l->id, sizeof(p.id));
    char *line = l->sts == LOOKUP_STS_POLICY ? policy_json_text(&p) : NULL;
    if (line)
        fprintf(r->to, "%s\n", line);
    else
        fprintf(stderr, "stripwatch: %s: no policy: %s%s%s\n", l->domain.text,
                lookup_sts_text(l->sts), *l->why ? ": " : "", l->why);
    free(line);
}

/* errand_fn */
static void on_found(void *user, const struct lookup *l, struct span line)
{
    struct refreshing *r = user;
    r->faulty |= l->sts != LOOKUP_STS_POLICY;
    if (r->fn)
        r->fn(r->user, l);
    else
        print(r, l, line);
    if (!r->store || r->failed)
        return;
    enum store_status status = stored_lookup(r->store, store_put, l, child_wall());
    if (status == STORE_OK)
        return;
    say(store_name(r->store), store_status_text(status));
    r->failed = true;
}

/* --- the run --- */

static bool open_lookups(struct refreshing *r)
{
    static const struct role_config nowhere;
    static const struct wants_config config = {.mode = CONFIG_LOOKUPS_SEEN, .roles = &nowhere};
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
        (r->lookups = wants_new(&config, &key)))
        return true;
    say("policy", "out of memory");
    return false;
}

/* No more at a time than there is room for. */
static bool look_up(struct refreshing *r)
{
    for (size_t i = 0; i < r->count; i++) {
        while (wants_stats(r->lookups).waiting >= CAP_ASKING_QUEUE / 2)
            if (!errand_turn(r->errand, r->lookups, TURN_MS, on_found, r))
                return false;
        wants_add(r->lookups, child_clock(), &r->domain[i]);
    }
    return errand_finish(r->errand, r->lookups, on_found, r);
}

static enum policy_exit run(struct refreshing *r)
{
    if (!open_lookups(r) || !(r->errand = errand_new(r->cli)) || !look_up(r) || r->failed)
        return POLICY_TROUBLE;
    return r->faulty ? POLICY_FAULTY : POLICY_STRICT;
}

static void fini(struct refreshing *r)
{
    errand_free(r->errand);
    wants_free(r->lookups);
    store_close(r->store);
    free(r->domain);
}

static bool open_store(struct refreshing *r)
{
    char why[STORE_WHY];
    if (!r->cli->state || store_open(&r->store, r->cli->state, NULL, why) == STORE_OK)
        return true;
    say(r->store ? store_name(r->store) : "--state", why);
    return false;
}

enum policy_exit refresh_cmd(struct cli *c, FILE *to)
{
    struct refreshing r = {.cli = c, .to = to};
    enum policy_exit code = find_domains(&r);
    if (code == POLICY_STRICT)
        code = open_store(&r) ? run(&r) : POLICY_TROUBLE;
    fini(&r);
    return code;
}

enum policy_exit get_online(const struct cli *c, const struct domain *d, FILE *to)
{
    struct refreshing r = {.cli = c, .to = to, .fn = print_policy, .user = &r};
    enum policy_exit code = add(&r, d) ? run(&r) : POLICY_TROUBLE;
    fini(&r);
    return code;
}

bool refresh_one(const struct cli *c, const struct domain *d, refresh_fn fn, void *user)
{
    struct refreshing r = {.cli = c, .fn = fn, .user = user};
    bool good = add(&r, d) && run(&r) != POLICY_TROUBLE;
    fini(&r);
    return good;
}
