/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/told.h"

#include "policy/sts_txt.h"

enum told_sighting told_sighting_read(struct span *body)
{
    enum told_sighting kind = TOLD_SIGHTING_COUNT;
    if (body->n > 0 && body->p[0] < TOLD_SIGHTING_COUNT)
        kind = (enum told_sighting)body->p[0];
    *body = span_from(*body, 1);
    return kind;
}

static bool has_end(const char *text, size_t n)
{
    return memchr(text, 0, n) != NULL;
}

bool told_ask_read(struct span body, struct told_ask *to, struct domain *d)
{
    if (body.n != sizeof(*to))
        return false;
    memcpy(to, body.p, sizeof(*to));
    return has_end(to->domain, sizeof(to->domain)) && has_end(to->id, sizeof(to->id)) &&
           to->mx <= 1 && domain_read(span_str(to->domain), d) && !domain_numeric(domain_span(d)) &&
           (!to->id[0] || sts_txt_id_valid(span_str(to->id)));
}

bool told_feed_read(struct span body, struct told_feed *to)
{
    if (body.n != sizeof(*to))
        return false;
    memcpy(to, body.p, sizeof(*to));
    to->why[TOLD_TEXT - 1] = '\0';
    return true;
}

/* --- sums --- */

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_interface(struct told_interface *to, const struct told_interface *t, bool first)
{
    to->kernel_packets += t->kernel_packets;
    to->kernel_drops += t->kernel_drops;
    to->interface_drops += first ? t->interface_drops : 0;
    to->state = t->state > to->state ? t->state : to->state;
}

static void add_shared(struct told_watch *to, const struct told_watch *t)
{
    to->interface_drops += t->interface_drops;
    to->steps += t->steps;
    to->step = t->step ? t->step : to->step;
}

void told_watch_add(struct told_watch *to, const struct told_watch *t, uint16_t index)
{
    uint64_t *sum = (uint64_t *)&to->dissect;
    const uint64_t *one = (const uint64_t *)&t->dissect;
    _Static_assert(sizeof(to->dissect) % sizeof(*sum) == 0, "counters and nothing else");
    for (size_t i = 0; i < sizeof(to->dissect) / sizeof(*sum); i++)
        sum[i] += one[i];
    to->kernel_packets += t->kernel_packets;
    to->kernel_drops += t->kernel_drops;
    to->shed += t->shed;
    to->shed_urgent += t->shed_urgent;
    if (index == 0)
        add_shared(to, t);
    to->interfaces = more(to->interfaces, t->interfaces);
    to->down = more(to->down, t->down);
    for (size_t i = 0; i < CAP_INTERFACES; i++)
        add_interface(&to->interface[i], &t->interface[i], index == 0);
    to->newest = t->newest > to->newest ? t->newest : to->newest;
    to->mail = t->mail > to->mail ? t->mail : to->mail;
}
