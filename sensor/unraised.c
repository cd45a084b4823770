/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/unraised.h"

#include <stdlib.h>

#include "sensor/told.h"

struct kept {
    struct kept *next;
    struct told_line head;
    bool sent; /* else there was no room for it yet */
    size_t n;
    uint8_t line[];
};

struct unraised {
    struct kept *first, **end; /* by serial */
    uint64_t unsent;
    size_t bytes;
    uint64_t serial, count, raised, lost;
    uint64_t feed; /* generation of the one that hears them; 0: not known yet */
    uint8_t body[CAP_MESSAGE_LINE];
};

struct unraised *unraised_new(void)
{
    struct unraised *u = calloc(1, sizeof(*u));
    if (u)
        u->end = &u->first;
    return u;
}

static void drop(struct unraised *u, struct kept **at)
{
    struct kept *k = *at;
    *at = k->next;
    if (!k->next)
        u->end = at;
    u->bytes -= k->n;
    u->count--;
    u->unsent -= !k->sent;
    free(k);
}

void unraised_free(struct unraised *u)
{
    while (u && u->first)
        drop(u, &u->first);
    free(u);
}

static bool put(struct unraised *u, struct message_out *feed, const struct told_line *head,
                struct span line)
{
    if (line.n > sizeof(u->body) - sizeof(*head))
        return false;
    memcpy(u->body, head, sizeof(*head));
    memcpy(u->body + sizeof(*head), line.p, line.n);
    return message_put(feed, MESSAGE_LINE, span_of(u->body, sizeof(*head) + line.n),
                       head->kind == DESK_ALERT);
}

static struct kept *keep(struct unraised *u, const struct told_line *head, struct span line)
{
    struct kept *k = u->bytes + line.n <= CAP_UNRAISED ? malloc(sizeof(*k) + line.n) : NULL;
    if (!k)
        return NULL;
    k->next = NULL;
    k->head = *head;
    k->sent = false;
    k->n = line.n;
    memcpy(k->line, line.p, line.n);
    *u->end = k;
    u->end = &k->next;
    u->bytes += line.n;
    u->count++;
    u->unsent++;
    return k;
}

static bool send_kept(struct unraised *u, struct message_out *feed, struct kept *k)
{
    k->head.feed = u->feed;
    bool sent = put(u, feed, &k->head, span_of(k->line, k->n));
    if (sent && !k->sent)
        u->unsent--;
    k->sent = k->sent || sent;
    return sent;
}

void unraised_tell(struct unraised *u, struct message_out *feed, struct desk_mark mark,
                   struct span line)
{
    const struct told_line head = {.serial = ++u->serial,
                                   .kind = (uint8_t)mark.kind,
                                   .severity = (uint8_t)mark.severity,
                                   .rule = mark.sid};
    struct kept *k = mark.kind == DESK_ALERT ? keep(u, &head, line) : NULL;
    if (k && u->unsent == 1) /* else those before it go first (unraised_retry) */
        send_kept(u, feed, k);
    else if (!k && !put(u, feed, &head, line) && mark.kind == DESK_ALERT)
        u->lost++;
}

void unraised_retry(struct unraised *u, struct message_out *feed)
{
    for (struct kept *k = u->first; k && u->unsent > 0; k = k->next)
        if (!k->sent && !send_kept(u, feed, k))
            return;
}

void unraised_kept(struct unraised *u, uint64_t serial)
{
    for (struct kept **at = &u->first; *at && (*at)->head.serial <= serial;) {
        if (!(*at)->sent) {
            at = &(*at)->next;
            continue;
        }
        drop(u, at);
        u->raised++;
    }
}

void unraised_first(struct unraised *u, uint64_t generation)
{
    u->feed = generation;
}

void unraised_again(struct unraised *u, struct message_out *feed, uint64_t generation)
{
    u->feed = generation;
    for (struct kept *k = u->first; k; k = k->next) {
        k->head.again = 1;
        u->unsent += k->sent;
        k->sent = false;
    }
    unraised_retry(u, feed);
}

uint64_t unraised_raised(const struct unraised *u)
{
    return u->raised;
}

uint64_t unraised_count(const struct unraised *u)
{
    return u->count;
}

uint64_t unraised_lost(const struct unraised *u)
{
    return u->lost;
}
