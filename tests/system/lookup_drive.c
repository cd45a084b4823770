/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver and the look-ups by hand, for tests/system/test_resolve.py. Options, then a command
 * on each line of standard input:
 *
 *   ask NAME TYPE        one question; "answer NAME TYPE SECURITY ..." when it is answered
 *   look DOMAIN [ID]     one look-up; "lookup DOMAIN ...", lines of "mx ..." and "end DOMAIN"
 *   wait                 until all of them are answered, then "done"
 *   quit                 at once, whatever is in the air
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "online/lookup_run.h"

enum { OPTIONS = 16, LINE = 1024, QUESTIONS = 2048 };

/* A question that is in the air, or was. */
static struct asked {
    char name[LINE];
    unsigned type;
    bool flies;
} asked[QUESTIONS];

static struct resolve *resolver;
static struct lookup_run *run;
static unsigned flying;

static nstime clock_now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return clock_of(t.tv_sec, t.tv_nsec);
}

static void hex(struct span s)
{
    putchar(' ');
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", s.p[i]);
}

static void on_answer(void *user, const struct answer *a)
{
    struct asked *q = user;
    printf("answer %s %u %s%s%s canonical=%s ttl=%" PRIu32 " why=\"%s\" data", q->name, q->type,
           lookup_security_text(a->security), a->no_name ? " nxdomain" : "",
           a->aliased ? " aliased" : "", a->canonical.text, a->ttl, a->why);
    for (size_t i = 0; i < a->n; i++)
        hex(a->rdata[i]);
    printf("\n");
    q->flies = false;
    flying--;
}

static void on_lookup(void *user, const struct lookup *l)
{
    (void)user;
    printf("lookup %s sts=%s record=%s id=%s status=%d body=%zu mx=%s expansion=%s items=%u "
           "left_out=%u why=\"%s\"\n",
           l->domain.text, lookup_sts_text(l->sts), lookup_security_text(l->record), l->id,
           l->status, l->body_n, lookup_security_text(l->mx), l->expansion.text, l->items,
           l->items_left_out, l->why);
    for (uint8_t i = 0; i < l->items; i++) {
        const struct lookup_mx *m = &l->item[i];
        printf("mx %s %u address=%s tlsa=%s has=%d base=%s", m->host.text, m->preference,
               lookup_security_text(m->address), lookup_security_text(m->tlsa), m->has_tlsa,
               m->base.text);
        if (m->alias)
            printf(" alias");
        if (m->records_left_out > 0 || m->addresses_left_out > 0)
            printf(" left-out=%u,%u", m->records_left_out, m->addresses_left_out);
        printf(" records");
        for (uint8_t k = 0; k < m->records; k++) {
            struct tlsa t = route_tlsa_read(&m->record[k]);
            char text[160];
            tlsa_text(text, sizeof(text), &t);
            printf(" [%s]", text);
        }
        printf("\n");
    }
    printf("end %s\n", l->domain.text);
    flying--;
}

static void turn(void)
{
    struct pollfd p[LOOKUP_RUN_FDS + 1];
    int wait_ms = 100;
    size_t n = lookup_run_fds(run, p, &wait_ms);

    p[n] = (struct pollfd){.fd = resolve_fd(resolver), .events = POLLIN};
    poll(p, n + 1, wait_ms);
    lookup_run_turn(run, p, n, clock_now(CLOCK_MONOTONIC), clock_now(CLOCK_REALTIME));
    resolve_turn(resolver, clock_now(CLOCK_MONOTONIC));
}

static void ask(const char *name, const char *type)
{
    struct asked *q = asked;

    while (q->flies && q < asked + QUESTIONS - 1)
        q++;
    snprintf(q->name, sizeof(q->name), "%s", name);
    q->type = (unsigned)strtoul(type, NULL, 10);
    q->flies = resolve_ask(resolver, clock_now(CLOCK_MONOTONIC), name, q->type, on_answer, q);
    if (q->flies)
        flying++;
    else
        printf("refused %s\n", name);
}

static void look(const char *name, const char *id)
{
    struct domain d;

    if (domain_read(span_str(name), &d) && lookup_run_ask(run, &d, id, true, on_lookup, NULL))
        flying++;
    else
        printf("refused %s\n", name);
}

/* False: quit. */
static bool command(char *line)
{
    char *rest, *word = strtok_r(line, " \n", &rest);
    char *one = word ? strtok_r(NULL, " \n", &rest) : NULL;
    char *two = one ? strtok_r(NULL, " \n", &rest) : NULL;

    if (!word || strcmp(word, "quit") == 0)
        return false;
    if (strcmp(word, "ask") == 0 && two)
        ask(one, two);
    else if (strcmp(word, "look") == 0 && one)
        look(one, two ? two : "");
    else if (strcmp(word, "wait") == 0) {
        while (flying > 0)
            turn();
        printf("done\n");
    }
    fflush(stdout);
    return true;
}

static const char *forward[OPTIONS], *stub[OPTIONS];
static struct role_nets allowed;

static bool option(struct lookup_run_config *c, const char *name, const char *value)
{
    char why[128];

    if (strcmp(name, "-f") == 0 && c->resolve.forwards < OPTIONS)
        forward[c->resolve.forwards++] = value;
    else if (strcmp(name, "-s") == 0 && c->resolve.stubs < OPTIONS)
        stub[c->resolve.stubs++] = value;
    else if (strcmp(name, "-a") == 0)
        c->resolve.anchor_file = value;
    else if (strcmp(name, "-c") == 0)
        c->resolve.ca_file = c->https.ca_file = value;
    else if (strcmp(name, "-t") == 0)
        c->resolve.timeout = strtoll(value, NULL, 10) * NS_PER_MS;
    else if (strcmp(name, "-n") == 0)
        return role_nets_parse(&allowed, value, why, sizeof(why)) == 0;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct lookup_run_config c = {.resolve = {.forward = forward, .stub = stub},
                                  .allowed = &allowed};
    char why[RESOLVE_WHY], line[LINE];

    signal(SIGPIPE, SIG_IGN); /* the library's connections may break off */
    for (int i = 1; i + 1 < argc; i += 2)
        if (!option(&c, argv[i], argv[i + 1]))
            return 2;
    resolver = resolve_new(&c.resolve, why);
    run = resolver ? lookup_run_new(&c, why) : NULL;
    if (!run)
        printf("wrong %s\n", why);
    while (run && fgets(line, sizeof(line), stdin) && command(line))
        continue;
    lookup_run_free(run);
    resolve_free(resolver);
    return run ? 0 : 1;
}
