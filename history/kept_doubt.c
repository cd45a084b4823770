/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kept_doubt.h"

#include "history/days.h"

#define LAST_APART (3 * 3600) /* seconds between two marks of the last miss */
#define OPEN_MOST  8          /* doubts of one kind, of as many sensors */

#define SECOND_DIGITS 8
#define HEAD          (2 + SECOND_DIGITS + 1) /* "D0", when it began, and a letter */
#define WHO_DIGITS    8
#define DIGEST_DIGITS 16

static uint64_t second_of(nstime t)
{
    return (uint64_t)clock_second(t);
}

static bool is_second(nstime t)
{
    return clock_second(t) >= 0 && clock_second(t) <= UINT32_MAX;
}

/* --- writing --- */

struct writing {
    struct keep *keep;
    uint64_t first;
    enum doubt_kind kind;
};

static struct writing begin(struct keep *k, const struct doubt *of, nstime now)
{
    struct keep_text name;
    keep_text_init(&name);
    keep_server_name(&name, of->family, of->server, of->port);
    keep_of(k, KEEP_SERVER, keep_text_span(&name), days_of(now));
    return (struct writing){k, second_of(of->first), of->kind};
}

static void field_init(struct keep_text *f, const struct writing *w, char letter)
{
    const char head[] = {KEPT_DOUBT, (char)('0' + w->kind)};
    keep_text_init(f);
    keep_put_bytes(f, span_of(head, sizeof(head)));
    keep_put_hex(f, w->first, SECOND_DIGITS);
    keep_put_bytes(f, span_of(&letter, 1));
}

/* `digits` of `value` behind the letter. */
static void add(const struct writing *w, char letter, uint64_t value, unsigned digits, int64_t by)
{
    struct keep_text f;
    if (by == 0)
        return;
    field_init(&f, w, letter);
    keep_put_hex(&f, value, digits);
    keep_add_pair(w->keep, keep_text_span(&f), by);
}

static void add_usual(const struct writing *w, const struct usual *u)
{
    struct keep_text f;
    field_init(&f, w, 'u');
    keep_put_hex(&f, u->of, 8);
    keep_put_hex(&f, u->did, 8);
    keep_put_hex(&f, u->clients, 8);
    keep_put_hex(&f, u->days, 2);
    keep_put_hex(&f, u->more_clients, 1);
    keep_put_hex(&f, (uint64_t)u->support, 1);
    keep_add_pair(w->keep, keep_text_span(&f), 1);
}

void kept_doubt_begin(struct keep *k, struct doubt *of)
{
    struct keep_text f;
    of->kept = k && !of->latent && is_second(of->first) && second_of(of->first) > 0;
    if (!of->kept)
        return;
    const struct writing w = begin(k, of, of->first);
    field_init(&f, &w, 'b');
    keep_put_hex(&f, of->group, DIGEST_DIGITS);
    keep_put_hex(&f, of->path, DIGEST_DIGITS);
    keep_add_pair(k, keep_text_span(&f), 1);
    add_usual(&w, &of->usual);
}

static void change_client(const struct writing *w, const struct doubt_client *before,
                          const struct doubt_client *after)
{
    struct keep_text f;
    if (before->who == 0) {
        field_init(&f, w, 'p');
        keep_put_hex(&f, after->who, WHO_DIGITS);
        keep_put_hex(&f, after->path, DIGEST_DIGITS);
        keep_add_pair(w->keep, keep_text_span(&f), 1);
    }
    add(w, 'm', after->who, WHO_DIGITS, after->missed - before->missed);
    add(w, 's', after->who, WHO_DIGITS, after->served - before->served);
    add(w, 'k', after->who, WHO_DIGITS, after->known - before->known);
    add(w, 'a', after->who, WHO_DIGITS, after->again - before->again);
}

static uint64_t mark_of(nstime last)
{
    return second_of(last) / LAST_APART * LAST_APART;
}

void kept_doubt_change(struct keep *k, const struct doubt *before, const struct doubt *after,
                       nstime now)
{
    static const struct doubt_client nobody;
    if (!k || !after->kept || !is_second(now))
        return;
    const struct writing w = begin(k, after, now);
    add(&w, 'M', 0, 0, (int64_t)after->misses - before->misses);
    add(&w, 'S', 0, 0, (int64_t)after->served - before->served);
    add(&w, 'c', 0, 0, (int64_t)after->clean - before->clean);
    for (uint8_t i = 0; i < after->client_count; i++)
        change_client(&w, i < before->client_count ? &before->client[i] : &nobody,
                      &after->client[i]);
    for (uint8_t i = before->turns; i < after->turns; i++)
        add(&w, 'q', after->turn_path[i], DIGEST_DIGITS, 1);
    if (before->served == 0 && after->served > 0) {
        add(&w, 'f', second_of(after->served_first), SECOND_DIGITS, 1);
        add(&w, 'F', 0, 0, after->missed_first);
    }
    add(&w, 'w', 0, 0, after->many_paths - before->many_paths);
    if (after->last > 0 && (before->last <= 0 || mark_of(before->last) != mark_of(after->last)))
        add(&w, 'l', mark_of(after->last), SECOND_DIGITS, 1);
}

void kept_doubt_turn(struct keep *k, const struct doubt *of, enum doubt_state to, nstime now)
{
    if (!k || !of->kept || !is_second(now) || of->state == to)
        return;
    const struct writing w = begin(k, of, now);
    add(&w, 'T', (uint64_t)to, 1, 1);
}

void kept_doubt_end(struct keep *k, const struct doubt *of, nstime now)
{
    struct keep_text f;
    nstime last = of->last > of->first ? of->last : of->first;
    if (!k || !of->kept || !is_second(last) || !is_second(now))
        return;
    const struct writing w = begin(k, of, now);
    const char head[] = {KEPT_DOUBT, (char)('0' + w.kind), 'E'};
    keep_text_init(&f);
    keep_put_bytes(&f, span_of(head, sizeof(head)));
    keep_put_hex(&f, second_of(last), SECOND_DIGITS);
    keep_add_pair(k, keep_text_span(&f), 1);
}

/* --- reading --- */

struct reading {
    enum doubt_kind kind;
    uint64_t ended;
    uint64_t open[OPEN_MOST]; /* the earliest is the doubt's */
    size_t count;
};

/* "D0E", and a second. */
static bool read_end(struct span text, uint64_t *second)
{
    return text.n == 3 + SECOND_DIGITS && text.p[2] == 'E' &&
           keep_read_hex(span_from(text, 3), SECOND_DIGITS, second);
}

/* Digits behind the letter of each field; 0xff: none has that letter. */
static size_t digits_of(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return 2 * DIGEST_DIGITS;
    case 'u':
        return 28;
    case 'p':
        return WHO_DIGITS + DIGEST_DIGITS;
    case 'm':
    case 's':
    case 'k':
    case 'a':
        return WHO_DIGITS;
    case 'q':
        return DIGEST_DIGITS;
    case 'f':
    case 'l':
        return SECOND_DIGITS;
    case 'T':
        return 1;
    case 'M':
    case 'S':
    case 'c':
    case 'F':
    case 'w':
        return 0;
    default:
        return SIZE_MAX;
    }
}

static bool is_hex(struct span text)
{
    uint64_t value;
    return keep_read_hex(text, text.n, &value);
}

static uint64_t number_at(struct span text, size_t at, size_t digits)
{
    uint64_t value = 0;
    keep_read_hex(span_first(span_from(text, at), digits), digits, &value);
    return value;
}

bool kept_doubt_check(const struct kept_field *f, bool *begins)
{
    struct span text = f->text;
    uint64_t second;
    *begins = false;
    if (text.n < 2 || text.p[0] != KEPT_DOUBT || text.p[1] < '0' ||
        text.p[1] >= '0' + DOUBT_KIND_COUNT)
        return false;
    if (read_end(text, &second))
        return true;
    if (text.n < HEAD ||
        !keep_read_hex(span_first(span_from(text, 2), SECOND_DIGITS), SECOND_DIGITS, &second))
        return false;
    *begins = text.p[HEAD - 1] == 'b';
    return second > 0 && text.n - HEAD == digits_of(text.p[HEAD - 1]) &&
           is_hex(span_from(text, HEAD));
}

static bool is_of(const struct kept_field *f, enum doubt_kind kind)
{
    bool begins;
    return f->total != 0 && f->text.p[0] == KEPT_DOUBT && kept_doubt_check(f, &begins) &&
           f->text.p[1] == '0' + kind;
}

/* Which are open? What began up to the newest end is over, whoever saw it. */
static void find_open(struct reading *r, const struct kept *kept)
{
    uint64_t second;
    for (size_t i = 0; i < kept->count; i++)
        if (is_of(&kept->field[i], r->kind) && read_end(kept->field[i].text, &second) &&
            second > r->ended)
            r->ended = second;
    for (size_t i = 0; i < kept->count && r->count < OPEN_MOST; i++) {
        const struct kept_field *f = &kept->field[i];
        if (!is_of(f, r->kind) || read_end(f->text, &second) || f->text.p[HEAD - 1] != 'b')
            continue;
        second = number_at(f->text, 2, SECOND_DIGITS);
        if (second > r->ended && f->total > 0)
            r->open[r->count++] = second;
    }
}

static bool is_open(const struct reading *r, uint64_t second)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->open[i] == second)
            return true;
    return false;
}

static struct doubt_client *client_at(struct doubt *of, uint32_t who)
{
    for (uint8_t i = 0; i < of->client_count; i++)
        if (of->client[i].who == who)
            return &of->client[i];
    if (of->client_count == DOUBT_CLIENTS || who == 0)
        return NULL;
    of->client[of->client_count].who = who;
    return &of->client[of->client_count++];
}

static uint16_t sum_16(uint16_t a, uint32_t b)
{
    return a + b < UINT16_MAX ? (uint16_t)(a + b) : UINT16_MAX;
}

static uint32_t sum_32(uint32_t a, uint32_t b)
{
    return b < UINT32_MAX - a ? a + b : UINT32_MAX;
}

static void read_client(struct doubt *of, uint8_t letter, struct span rest, int64_t total)
{
    struct doubt_client *c = client_at(of, (uint32_t)number_at(rest, 0, WHO_DIGITS));
    uint32_t n = keep_count(total, UINT16_MAX);
    if (!c)
        return;
    if (letter == 'p')
        c->path = number_at(rest, WHO_DIGITS, DIGEST_DIGITS);
    else if (letter == 'm')
        c->missed = sum_16(c->missed, n);
    else if (letter == 's')
        c->served = sum_16(c->served, n);
    else if (letter == 'k')
        c->known |= n > 0;
    else
        c->again |= n > 0;
}

/* Of several sensors the earliest doubt says what was usual. */
static void read_usual(struct usual *u, struct span rest)
{
    u->of = (uint32_t)number_at(rest, 0, 8);
    u->did = (uint32_t)number_at(rest, 8, 8);
    u->did = u->did < u->of ? u->did : u->of;
    u->clients = (uint32_t)number_at(rest, 16, 8);
    u->clients = u->clients < CAP_HISTORY_CLIENTS ? u->clients : CAP_HISTORY_CLIENTS;
    u->days = (uint32_t)number_at(rest, 24, 2);
    u->days = u->days < DAYS_KEPT ? u->days : DAYS_KEPT;
    u->more_clients = number_at(rest, 26, 1) != 0;
    uint64_t support = number_at(rest, 27, 1);
    enum support most = u->did < 2                       ? SUPPORT_NONE
                        : u->of < BASELINE_WELL_SESSIONS ? SUPPORT_THIN
                                                         : SUPPORT_WELL;
    u->support = support < most ? (enum support)support : most;
}

static nstime time_at(struct span rest)
{
    return clock_of((int64_t)number_at(rest, 0, SECOND_DIGITS), 0);
}

static void read_turn(struct doubt *of, uint64_t path)
{
    for (uint8_t i = 0; i < of->turns; i++)
        if (of->turn_path[i] == path)
            return;
    if (of->turns < DOUBT_TURNS)
        of->turn_path[of->turns++] = path;
}

static void read_state(struct doubt *of, uint64_t state)
{
    bool lasts = state == DOUBT_SELECTIVE || state == DOUBT_PATH || state == DOUBT_UNDECIDED ||
                 (state == DOUBT_RECONFIGURED && of->kind == DOUBT_OF_UPGRADE);
    if (lasts && state > of->state) /* each of them comes behind the lesser ones */
        of->state = (enum doubt_state)state;
}

static void read_number(struct doubt *of, uint8_t letter, int64_t total)
{
    uint32_t n = keep_count(total, UINT32_MAX);
    if (letter == 'M')
        of->misses = sum_32(of->misses, n);
    else if (letter == 'S')
        of->served = sum_32(of->served, n);
    else if (letter == 'c')
        of->clean = sum_32(of->clean, keep_count(total, UINT16_MAX));
    else if (letter == 'F')
        of->missed_first = n < DOUBT_CLIENTS ? n : DOUBT_CLIENTS;
    else
        of->many_paths |= n > 0;
}

static void read_field(struct doubt *of, const struct kept_field *f, bool earliest)
{
    uint8_t letter = f->text.p[HEAD - 1];
    struct span rest = span_from(f->text, HEAD);
    switch (letter) {
    case 'b':
        of->group = earliest ? number_at(rest, 0, DIGEST_DIGITS) : of->group;
        of->path = earliest ? number_at(rest, DIGEST_DIGITS, DIGEST_DIGITS) : of->path;
        break;
    case 'u':
        if (earliest)
            read_usual(&of->usual, rest);
        break;
    case 'q':
        read_turn(of, number_at(rest, 0, DIGEST_DIGITS));
        break;
    case 'f':
        of->served_first = time_at(rest);
        break;
    case 'l':
        of->last = time_at(rest) > of->last ? time_at(rest) : of->last;
        break;
    case 'T':
        read_state(of, number_at(rest, 0, 1));
        break;
    case 'p':
    case 'm':
    case 's':
    case 'k':
    case 'a':
        read_client(of, letter, rest, f->total);
        break;
    default:
        read_number(of, letter, f->total);
    }
}

static uint64_t earliest_of(const struct reading *r)
{
    uint64_t first = r->open[0];
    for (size_t i = 1; i < r->count; i++)
        first = r->open[i] < first ? r->open[i] : first;
    return first;
}

bool kept_doubt_load(struct keep *k, struct doubt *of, nstime now)
{
    struct reading r = {.kind = of->kind};
    struct keep_text name;
    struct kept kept;
    uint64_t second;
    keep_text_init(&name);
    keep_server_name(&name, of->family, of->server, of->port);
    if (!keep_load(k, KEEP_SERVER, keep_text_span(&name), days_of(now), &kept))
        return false;
    find_open(&r, &kept);
    if (r.count == 0)
        return false;
    uint64_t first = earliest_of(&r);
    of->first = of->last = clock_of((int64_t)first, 0);
    of->state = DOUBT_OPEN;
    of->kept = true;
    for (size_t i = 0; i < kept.count; i++) {
        const struct kept_field *f = &kept.field[i];
        if (!is_of(f, of->kind) || read_end(f->text, &second))
            continue;
        second = number_at(f->text, 2, SECOND_DIGITS);
        if (is_open(&r, second))
            read_field(of, f, second == first);
    }
    of->clean = of->clean < of->served ? of->clean : of->served;
    return of->misses > 0;
}
