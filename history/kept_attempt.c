/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kept_attempt.h"

#include "history/days.h"

#define APART      (1800 * NS_PER_S) /* attempts of one kind that are kept */
#define LOOK_APART (3 * 3600 * NS_PER_S)

#define TIME_DIGITS 16
#define FLOW_DIGITS 14 /* an identity has 53 bits */
#define FLOW_MOST   ((1ull << 53) - 1)

static size_t kind_of(const struct attempt *t)
{
    return t->held ? OBSERVED_FATE_ALERT + 1u : t->fate;
}

static void begin(struct keep_text *f, const struct kept_pair *p, const char *letter, nstime time)
{
    keep_of(p->keep, KEEP_PAIR, p->name, days_of(time));
    keep_text_init(f);
    keep_put(f, letter);
    keep_put_hex(f, (uint64_t)time, TIME_DIGITS);
}

static void add(const struct kept_pair *p, const struct attempt *t, int64_t by)
{
    struct keep_text f;
    const char fate = (char)('0' + t->fate);
    begin(&f, p, t->held ? "h" : "f", t->time);
    keep_put_bytes(&f, span_of(&fate, 1));
    keep_put_hex(&f, t->flow_id, FLOW_DIGITS);
    for (uint8_t i = 0; i < p->address_n; i++)
        keep_put_hex(&f, t->server[i], 2);
    keep_add(p->keep, keep_text_span(&f), by);
}

static bool is_near(nstime newest, nstime time, int64_t apart)
{
    int64_t since = clock_since(time, newest);
    return newest != 0 && since >= 0 && since < apart;
}

/* Who tries for ever does not fill the store. */
static bool may_add(const struct kept_pair *p, nstime time)
{
    struct kept_attempts *known = p->known;
    int32_t day = days_of(time);
    if (!keep_same_period(p->keep, known->day, day))
        known->fields = 0;
    known->day = day;
    if (known->fields >= CAP_HISTORY_TRIED)
        return false;
    known->fields++;
    return true;
}

void kept_attempt_add(const struct kept_pair *p, struct attempt *t)
{
    nstime *newest = &p->known->newest[kind_of(t)];
    if (!p->keep || t->time <= 0 || t->flow_id > FLOW_MOST || is_near(*newest, t->time, APART) ||
        !may_add(p, t->time))
        return;
    t->kept = true;
    *newest = t->time;
    add(p, t, 1);
}

void kept_attempt_change(const struct kept_pair *p, const struct attempt *from,
                         const struct attempt *to)
{
    if (!p->keep || !from->kept || (from->fate == to->fate && from->held == to->held))
        return;
    if (p->known->newest[kind_of(from)] == from->time)
        p->known->newest[kind_of(from)] = 0;
    kept_attempt_known(p, to);
    add(p, from, -1);
    add(p, to, 1);
}

void kept_attempt_looked(const struct kept_pair *p, nstime time)
{
    struct keep_text f;
    if (!p->keep || time <= 0 || is_near(p->known->looked, time, LOOK_APART) || !may_add(p, time))
        return;
    p->known->looked = time;
    begin(&f, p, "l", time);
    keep_add(p->keep, keep_text_span(&f), 1);
}

void kept_attempt_over(const struct kept_pair *p)
{
    struct keep_text f;
    nstime newest = 0;
    for (size_t i = 0; i < KEPT_ATTEMPT_KINDS; i++) {
        newest = p->known->newest[i] > newest ? p->known->newest[i] : newest;
        p->known->newest[i] = 0;
    }
    if (!p->keep || newest == 0)
        return;
    begin(&f, p, "e", newest);
    keep_add(p->keep, keep_text_span(&f), 1);
}

/* --- reading --- */

static bool read_time(struct span text, nstime *out)
{
    uint64_t time;
    bool good = keep_read_hex(text, TIME_DIGITS, &time) && time > 0 && time <= INT64_MAX;
    *out = good ? (nstime)time : 0;
    return good;
}

static bool read_address(struct span text, uint8_t n, uint8_t address[16])
{
    uint64_t byte;
    if (text.n != 2u * n)
        return false;
    for (uint8_t i = 0; i < n; i++) {
        if (!keep_read_hex(span_first(span_from(text, 2u * i), 2), 2, &byte))
            return false;
        address[i] = (uint8_t)byte;
    }
    return true;
}

bool kept_attempt_read(const struct kept_pair *p, const struct kept_field *f,
                       struct kept_attempt *out)
{
    uint8_t letter = f->text.p[0];
    struct span rest = span_from(f->text, 1 + TIME_DIGITS);
    struct attempt *t = &out->attempt;
    *out = (struct kept_attempt){.what = letter == 'l' ? KEPT_LOOK : KEPT_OVER};
    if (!read_time(span_first(span_from(f->text, 1), TIME_DIGITS), &t->time))
        return false;
    if (letter == 'l' || letter == 'e')
        return rest.n == 0;
    out->what = KEPT_ATTEMPT;
    t->held = letter == 'h';
    if ((letter != 'f' && letter != 'h') || rest.n == 0 || rest.p[0] < '0' ||
        rest.p[0] > '0' + OBSERVED_FATE_ALERT)
        return false;
    t->fate = (uint8_t)(rest.p[0] - '0');
    rest = span_from(rest, 1);
    return keep_read_hex(span_first(rest, FLOW_DIGITS), FLOW_DIGITS, &t->flow_id) &&
           t->flow_id <= FLOW_MOST &&
           read_address(span_from(rest, FLOW_DIGITS), p->address_n, t->server);
}

void kept_attempt_known(const struct kept_pair *p, const struct attempt *t)
{
    nstime *newest = &p->known->newest[kind_of(t)];
    *newest = t->time > *newest ? t->time : *newest;
}
