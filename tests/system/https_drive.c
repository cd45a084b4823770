/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies over HTTPS by hand, for tests/system/test_https.py: https_drive CA PORT FIRST-BYTE-MS
 * WHOLE-MS ALLOWED ("-": none). Each line of standard input, DOMAIN ADDRESS,..., is a fetch; all
 * are begun at once. `leave MS` ends it all after that time, whatever is under way. Each result is
 * a line of words between tabs: domain, outcome, status, bytes of the body, plain or not, content
 * type, issuer, why, and the body's beginning.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "online/https.h"

enum { MOST = 256 };

static struct https *h;
static struct domain domain[MOST];
static int64_t left = -1; /* ms until all ends; -1: when all is told */
static unsigned waited_for;

static nstime now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return clock_of(t.tv_sec, t.tv_nsec);
}

static void tell(void *user, const struct https_result *r)
{
    const struct domain *d = user;
    char begin[200];
    text_escape(begin, sizeof(begin), span_first(r->body, 64));
    printf("%s\t%s\t%d\t%zu\t%s\t%s\t%s\t%s\t%s\n", d->text, lookup_sts_text(r->sts), r->status,
           r->body.n, r->plain ? "plain" : "other", r->type, r->issuer, r->why, begin);
    fflush(stdout);
    waited_for--;
}

static size_t read_addresses(char *list, struct https_address *to, size_t most)
{
    size_t n = 0;
    char *state = NULL;
    for (char *a = strtok_r(list, ",\n", &state); a && n < most;
         a = strtok_r(NULL, ",\n", &state)) {
        to[n] = (struct https_address){.family = strchr(a, ':') ? 6 : 4};
        if (inet_pton(to[n].family == 6 ? AF_INET6 : AF_INET, a, to[n].address) == 1)
            n++;
    }
    return n;
}

static void ask(struct domain *d, char *line)
{
    struct https_address a[2 * CAP_HTTPS_ADDRESSES];
    char *blank = strchr(line, ' ');
    size_t n = blank ? read_addresses(blank + 1, a, 2 * CAP_HTTPS_ADDRESSES) : 0;
    if (domain_read(span_first(span_str(line), strcspn(line, " \n")), d) &&
        https_get(h, d, a, n, tell, d))
        waited_for++;
    else
        printf("%s\tfull\n", d->text);
}

static void read_all(void)
{
    char line[1024];
    for (unsigned i = 0; i < MOST && fgets(line, sizeof(line), stdin); i++)
        if (strncmp(line, "leave ", 6) == 0)
            left = strtoll(line + 6, NULL, 10);
        else
            ask(&domain[i], line);
}

/* Returns the longest turn, in microseconds. */
static nstime turn(void)
{
    struct pollfd p[HTTPS_FDS];
    nstime longest = 0, until = left < 0 ? INT64_MAX : now() + left * NS_PER_MS;
    while (waited_for > 0 && now() < until) {
        int wait = left < 0 ? -1 : 5;
        size_t n = https_fds(h, p, HTTPS_FDS, &wait);
        poll(p, n, wait);
        nstime began = now();
        https_turn(h, p, n);
        if (now() - began > longest)
            longest = now() - began;
    }
    return longest / NS_PER_US;
}

int main(int argc, char **argv)
{
    static struct role_nets allowed;
    char why[HTTPS_WHY];
    if (argc != 6 ||
        (strcmp(argv[5], "-") != 0 && role_nets_parse(&allowed, argv[5], why, sizeof(why)) != 0))
        return 2;
    const struct https_config c = {
        .ca_file = strcmp(argv[1], "-") == 0 ? NULL : argv[1],
        .port = (uint16_t)strtoul(argv[2], NULL, 10),
        .first_byte = strtoll(argv[3], NULL, 10) * NS_PER_MS,
        .whole = strtoll(argv[4], NULL, 10) * NS_PER_MS,
        .agent = "stripwatch",
        .allowed = &allowed,
    };
    h = https_new(&c, why);
    if (!h) {
        printf("%s\n", why);
        return 1;
    }
    read_all();
    fprintf(stderr, "longest turn: %lld us\n", (long long)turn());
    https_free(h);
    return 0;
}
