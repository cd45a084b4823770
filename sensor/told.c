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
