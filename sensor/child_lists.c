/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the operator's lists anew, while the judge goes on with those it has: files that may be
 * long, stores that may not answer. Comes when it is called, and ends when all was said. What is
 * wrong with one list makes all of them void.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#include "sensor/child.h"
#include "sensor/lists_wire.h"
#include "sensor/policy_source.h"
#include "sensor/relay.h"
#include "store/store.h"

#define PATIENCE (30 * NS_PER_S) /* with a judge that takes nothing */
#define TURN_MS  200

struct reading {
    struct child *child;
    struct lists lists;
    struct suppress *suppress;
    struct message_out *judge;
    FILE *lines; /* of `suppress`, each behind its number and its length */
    char *text;
    size_t text_n;
    bool state; /* it was read */
    bool good;
};

/* lists_problem_fn, suppress_problem_fn */
static void on_problem(void *user, const char *name, unsigned line, const char *what)
{
    const struct reading *r = user;
    enum config_log_level level =
        r->child->index == CHILD_LISTS_STORES ? CONFIG_LOG_DEBUG : CONFIG_LOG_WARNING;
    if (line > 0)
        child_say(r->child, level, "%s:%u: %s", name, line, what);
    else
        child_say(r->child, level, "%s: %s", name, what);
}

/* suppress_line_fn */
static void on_line(void *user, struct span line, unsigned number)
{
    struct reading *r = user;
    uint32_t head[2] = {number, (uint32_t)line.n};
    fwrite(head, sizeof(head), 1, r->lines);
    fwrite(line.p, 1, line.n, r->lines);
}

/* --- reading --- */

/* One that answers at last is read the next time. */
static void read_state(struct reading *r, const char *state)
{
    if (!state)
        return;
    store_through(getenv(RELAY_VARIABLE));
    r->state = lists_add_state(&r->lists, state) == 0;
    if (!r->state)
        child_say(r->child, CONFIG_LOG_WARNING,
                  "policy.state cannot be read now: what it said before stays");
}

static bool read_policies(struct reading *r, bool stores_alone)
{
    const struct config *c = &r->child->config;
    bool good = true;
    for (size_t i = 0; i < c->policy.policies.count; i++) {
        const char *where = c->policy.policies.word[i];
        if (stores_alone && !policy_source_is_store(where))
            continue;
        if (lists_add_policies(&r->lists, where) == 0)
            continue;
        child_say(r->child, CONFIG_LOG_WARNING, "policies number %zu: nothing can be used of them",
                  i + 1);
        good = false;
    }
    return good || stores_alone;
}

static bool read_all(struct reading *r)
{
    const struct config *c = &r->child->config;
    bool stores_alone = r->child->index == CHILD_LISTS_STORES;
    bool good = read_policies(r, stores_alone);
    if (!stores_alone) {
        good = (!c->policy.preload || !lists_add_preload(&r->lists, c->policy.preload)) && good;
        good = (!c->policy.partners || !lists_add_partners(&r->lists, c->policy.partners)) && good;
        good = (!c->policy.suppress ||
                !suppress_load(r->suppress, c->policy.suppress, on_problem, on_line, r)) &&
               good;
    }
    read_state(r, c->policy.state);
    return fflush(r->lines) == 0 && good;
}

/* --- saying --- */

/* What waits for the judge is kept short; false: it takes nothing. */
static bool let_go(struct reading *r)
{
    nstime until = child_clock() + PATIENCE;
    struct pollfd wait = {.fd = CHILD_JUDGE, .events = POLLOUT};
    while (message_flush(r->judge) && message_waits(r->judge) && child_clock() < until) {
        poll(&wait, 1, TURN_MS);
        child_turn(r->child);
        if (r->child->stop)
            return false;
    }
    return !message_waits(r->judge);
}

static bool say(struct reading *r, enum lists_record record, const void *body, size_t n)
{
    static uint8_t bytes[CAP_LOOKUP_LINE];
    if (n >= sizeof(bytes))
        return false;
    bytes[0] = (uint8_t)record;
    if (n > 0)
        memcpy(bytes + 1, body, n);
    return message_put(r->judge, MESSAGE_TOLD, span_of(bytes, n + 1), true) && let_go(r);
}

/* book_fn */
static bool say_policy(void *user, const struct domain *d, const struct book_policy *p)
{
    static uint8_t bytes[LISTS_POLICY_MOST];
    struct reading *r = user;
    size_t n = lists_put_policy(bytes, sizeof(bytes), d, p);
    r->good = n > 0 && say(r, LISTS_POLICY, bytes, n);
    return r->good;
}

static bool say_lookups(struct reading *r)
{
    bool good = true;
    for (size_t i = 0; i < r->lists.lookups && good; i++)
        good = say(r, LISTS_LOOKUP, r->lists.lookup[i].line, r->lists.lookup[i].n);
    return good;
}

static bool say_suppressions(struct reading *r)
{
    struct span rest = span_of(r->text, r->text_n);
    uint32_t head[2];
    bool good = true;
    while (rest.n > 0 && good) {
        uint8_t line[sizeof(head[0]) + CAP_LOOKUP_LINE / 2];
        memcpy(head, rest.p, sizeof(head));
        rest = span_from(rest, sizeof(head));
        good = head[1] <= sizeof(line) - sizeof(head[0]);
        if (!good)
            break;
        memcpy(line, &head[0], sizeof(head[0]));
        memcpy(line + sizeof(head[0]), rest.p, head[1]);
        good = say(r, LISTS_SUPPRESS, line, sizeof(head[0]) + head[1]);
        rest = span_from(rest, head[1]);
    }
    return good;
}

static bool say_all(struct reading *r)
{
    struct lists_begin begin;
    memset(&begin, 0, sizeof(begin));
    begin.whole = r->child->index != CHILD_LISTS_STORES;
    begin.state = r->state;
    begin.preload = r->lists.preload_path != NULL;
    begin.preload_from = r->lists.preload.from;
    begin.preload_until = r->lists.preload.until;
    r->good = say(r, LISTS_BEGIN, &begin, sizeof(begin));
    if (r->good)
        book_each(r->lists.book, say_policy, r);
    return r->good && say_lookups(r) && say_suppressions(r) && say(r, LISTS_END, NULL, 0);
}

/* --- setting up --- */

/* suppress_ended_fn: nothing is suppressed here. */
static void on_ended(void *user, unsigned line, const char *what)
{
    (void)user;
    (void)line;
    (void)what;
}

static bool open_all(struct reading *r)
{
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return false;
    bool good = lists_init(&r->lists, &key, on_problem, r);
    r->suppress = suppress_new(on_ended, NULL);
    r->lines = open_memstream(&r->text, &r->text_n);
    r->judge = message_out_new(CHILD_JUDGE, PROCESS_LISTS, 0, r->child->generation);
    return good && r->suppress && r->lines && r->judge;
}

static void fini(struct reading *r)
{
    lists_fini(&r->lists);
    suppress_free(r->suppress);
    message_out_free(r->judge);
    if (r->lines)
        fclose(r->lines);
    free(r->text);
}

int child_lists(struct child *c)
{
    const struct sandbox walls = {0};
    char why[SANDBOX_WHY];
    struct reading r = {.child = c};
    int code = CHILD_FAILED;
    if (!open_all(&r))
        child_say(c, CONFIG_LOG_ERROR, "%s", strerror(ENOMEM));
    else if (!sandbox_drop(c->config.process.user, c->config.process.group, why))
        child_say(c, CONFIG_LOG_ERROR, "%s", why);
    else if (!read_all(&r))
        code = CHILD_CANNOT;
    else if (child_ready(c, &walls) && (c->index == CHILD_LISTS_TRY || say_all(&r)))
        code = 0;
    fini(&r);
    return code;
}
