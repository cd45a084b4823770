/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kept_server.h"

#include "history/kept_doubt.h"
#include "history/vantages.h"

#define SAME_RESET 2 /* days: sensors that see the same server set up anew decide on their own */

/* How far a session came, and what that counts as. */
struct stage {
    char letter;
    bool offered, asked, upgraded;
};
static const struct stage STAGE[] = {
    {'c', false, false, false},
    {'o', true, false, false},
    {'s', true, true, false},
    {'u', true, true, true},
};
#define STAGES (sizeof(STAGE) / sizeof(STAGE[0]))

static const struct stage *stage_of(uint8_t letter)
{
    for (size_t i = 0; i < STAGES; i++)
        if (STAGE[i].letter == letter)
            return &STAGE[i];
    return NULL;
}

/* --- writing --- */

static void begin(struct keep *k, struct server *r, int32_t day)
{
    struct keep_text name;
    int32_t month = day - (int32_t)keep_day_of_month(day);
    keep_text_init(&name);
    keep_server_name(&name, r->family, r->address, r->port);
    keep_of(k, KEEP_SERVER, keep_text_span(&name), day);
    if (r->month != month) {
        r->month = month;
        r->novel = 0;
    }
}

/* What a reset clears stands under the day of the newest one. */
static void field_init(struct keep_text *f, const struct server *r)
{
    keep_text_init(f);
    if (r->reset == 0)
        return;
    keep_put_number(f, (uint64_t)r->reset, 1);
    keep_put(f, ":");
}

static void add_stage(struct keep *k, const struct server *r, char letter, int32_t day, int64_t by)
{
    struct keep_text f;
    field_init(&f, r);
    keep_put_bytes(&f, span_of(&letter, 1));
    keep_put_number(&f, keep_day_of_month(day), 2);
    keep_add(k, keep_text_span(&f), by);
}

static bool is_known(const struct server *r, uint32_t who)
{
    for (uint8_t i = 0; i < r->client_count; i++)
        if (r->client[i].who == who)
            return true;
    return false;
}

static void add_client(struct keep *k, const struct server *r, char what, uint32_t who)
{
    struct keep_text f;
    field_init(&f, r);
    keep_put(&f, "C");
    if (is_known(r, who)) {
        keep_put_bytes(&f, span_of(&what, 1));
        keep_put_hex(&f, who, 8);
    } else {
        keep_put(&f, "+");
    }
    keep_add_pair(k, keep_text_span(&f), 1);
}

/* Whoever shows something new every time does not fill the store. */
static bool may_add(struct server *r, uint32_t count)
{
    r->novel = (uint16_t)(r->novel + (count == 1 && r->novel < CAP_HISTORY_NOVEL));
    return r->novel < CAP_HISTORY_NOVEL;
}

/* Its words with a bar between them: a blank cannot stand in a field, and no server says a bar. */
static void add_layout(struct keep *k, const struct server *r, const struct observation *o)
{
    struct keep_text f;
    field_init(&f, r);
    keep_put(&f, "L");
    for (uint8_t i = 0; i < o->word_count; i++) {
        f.whole &= span_find(o->word[i], '|') == o->word[i].n && o->word[i].n > 0;
        keep_put(&f, i > 0 ? "|" : "");
        keep_put_bytes(&f, o->word[i]);
    }
    if (o->word_count > 0)
        keep_add(k, keep_text_span(&f), 1);
}

/* `digits`: hexadecimal ones; 0: decimal. */
static void add_kind(struct keep *k, struct server *r, const struct kinds *kinds, char letter,
                     uint64_t what, unsigned digits)
{
    struct keep_text f;
    if (what == 0 || !may_add(r, kinds_count(kinds, what)))
        return;
    keep_text_init(&f);
    keep_put_bytes(&f, span_of(&letter, 1));
    if (digits > 0)
        keep_put_hex(&f, what, digits);
    else
        keep_put_number(&f, what, 1);
    keep_add(k, keep_text_span(&f), 1);
}

/* Any byte may be in a name: two hexadecimal digits behind a per cent sign for what cannot stand
 * in a field. */
static void put_name(struct keep_text *f, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool plain = c > ' ' && c <= '~' && c != '%';
        keep_put(f, plain ? "" : "%");
        if (plain)
            keep_put_bytes(f, span_of(&c, 1));
        else
            keep_put_hex(f, c, 2);
    }
}

static void add_vantage(struct keep *k, const struct server *r, bool made, struct span name)
{
    struct keep_text f;
    if (name.n == 0)
        return;
    field_init(&f, r);
    keep_put(&f, made ? "Vo" : "Vm");
    put_name(&f, span_first(name, CAP_HISTORY_VANTAGE));
    keep_add(k, keep_text_span(&f), 1);
}

static void add_issuer(struct keep *k, struct server *r, struct span issuer)
{
    struct keep_text f;
    uint64_t what = servers_issuer_digest(issuer);
    if (issuer.n == 0 || !may_add(r, kinds_count(&r->issuer, what)))
        return;
    keep_text_init(&f);
    keep_put(&f, "i");
    keep_put_hex(&f, what, 16);
    keep_put(&f, "/");
    put_name(&f, span_str(r->issuer_name));
    keep_add(k, keep_text_span(&f), 1);
}

/* How many there were, and each size that went beyond those before. */
static void add_flight(struct keep *k, struct server *r, uint32_t bytes)
{
    uint16_t size = bytes < UINT16_MAX ? (uint16_t)bytes : UINT16_MAX;
    struct keep_text f;
    if (size == 0)
        return;
    keep_add(k, span_str("F"), 1);
    bool wider = r->kept_most == 0 || size < r->kept_least || size > r->kept_most;
    if (!wider || !may_add(r, 1))
        return;
    r->kept_least = r->kept_most == 0 || size < r->kept_least ? size : r->kept_least;
    r->kept_most = size > r->kept_most ? size : r->kept_most;
    keep_text_init(&f);
    keep_put(&f, "f");
    keep_put_number(&f, size, 1);
    keep_add(k, keep_text_span(&f), 1);
}

/* How often it gave this reply; 0: that is not known of it. */
static uint32_t replies(const struct layouts *layouts, const struct server *r,
                        const struct observation *o)
{
    uint16_t number = layouts_find(layouts, o->word, o->word_count);
    for (size_t i = 0; number > 0 && i < BASELINE_LAYOUTS; i++)
        if (r->layout[i].number == number)
            return r->layout[i].count;
    return 0;
}

static void add_offer(struct keep *k, const struct layouts *layouts, struct server *r,
                      const struct observation *o, int32_t day)
{
    bool made = o->offer == OBSERVED_OFFER_MADE;
    bool tls = made && o->fate == OBSERVED_FATE_TLS;
    add_stage(k, r, !made ? 'c' : tls ? 'u' : o->asked ? 's' : 'o', day, 1);
    add_client(k, r, !made ? 'm' : tls ? 'u' : 'o', servers_client_digest(o));
    add_vantage(k, r, made, o->vantage);
    uint32_t same = replies(layouts, r, o);
    if (same > 0 && may_add(r, same))
        add_layout(k, r, o);
}

void kept_server_learn(struct keep *k, const struct layouts *layouts, struct server *r,
                       const struct observation *o)
{
    int32_t day = days_of(o->time);
    if (!k)
        return;
    begin(k, r, day);
    if (o->offer == OBSERVED_OFFER_MADE || o->offer == OBSERVED_OFFER_MISSING)
        add_offer(k, layouts, r, o, day);
    add_kind(k, r, &r->synack, 'y', o->synack, 8);
    if (o->fate != OBSERVED_FATE_TLS)
        return;
    add_kind(k, r, &r->version, 'v', o->tls_version, 0);
    add_kind(k, r, &r->spki, 'k', o->spki, 16);
    add_kind(k, r, &r->ja3s, 'j', o->ja3s, 16);
    add_issuer(k, r, o->issuer);
    add_flight(k, r, o->flight);
}

void kept_server_miss(struct keep *k, struct server *r, const struct observation *o)
{
    if (!k)
        return;
    begin(k, r, days_of(o->time));
    add_client(k, r, 'm', servers_client_digest(o));
}

void kept_server_misses(struct keep *k, struct server *r, nstime t, uint32_t n)
{
    int32_t day = days_of(t);
    if (!k)
        return;
    begin(k, r, day);
    add_stage(k, r, 'c', day, n);
}

void kept_server_reset(struct keep *k, struct server *r, nstime t)
{
    struct keep_text f;
    int32_t day = days_of(t);
    if (!k || day < 0)
        return;
    begin(k, r, day);
    r->reset = day;
    keep_text_init(&f);
    keep_put(&f, "R");
    keep_put_number(&f, keep_day_of_month(day), 2);
    keep_add(k, keep_text_span(&f), 1);
}

/* Those of earlier days go by the mark, those of this day by its number. */
void kept_server_forgive(struct keep *k, struct server *r, nstime t)
{
    int32_t day = days_of(t);
    if (!k)
        return;
    begin(k, r, day);
    add_stage(k, r, 'p', day,
              (int64_t)days_on(&r->days, day, DAY_COMPLETE) -
                  (int64_t)days_on(&r->days, day, DAY_OFFERED));
}

/* --- reading --- */

/* A field that a reset clears: the day of the reset that it comes after, and what it says. */
static struct span split(struct span text, uint32_t *reset)
{
    size_t colon = span_find(span_first(text, 11), ':');
    *reset = 0;
    if (text.n == 0 || !span_is_digit(text.p[0]) || colon >= text.n ||
        !keep_read_number(span_first(text, colon), INT32_MAX, reset))
        return text;
    return span_from(text, colon + 1);
}

struct reading {
    struct server *r;
    struct layouts *layouts;
    struct vantages *vantages;
    struct kept kept;
    uint32_t reset;    /* day of the newest one; 0: none */
    int32_t forgiven;  /* day up to which misses are; INT32_MIN: none */
    uint32_t pardoned; /* misses of that day */
    uint32_t best;     /* count of the issuer whose name was taken */
    bool best_newer;
    int32_t missed; /* last day on which the offer was missed; INT32_MIN: none */
};

static bool counts(const struct reading *of, uint32_t reset)
{
    return reset + SAME_RESET >= of->reset;
}

/* Days first: what the counts mean depends on them. */
static void read_marks(struct reading *of)
{
    for (size_t i = 0; i < of->kept.count; i++) {
        const struct kept_field *f = &of->kept.field[i];
        uint32_t reset;
        int32_t day;
        struct span text = split(f->text, &reset);
        if (text.n > 0 && text.p[0] == 'R' && keep_read_day(f, span_from(text, 1), &day))
            reset = (uint32_t)day;
        of->reset = reset > of->reset ? reset : of->reset;
    }
    for (size_t i = 0; i < of->kept.count; i++) {
        const struct kept_field *f = &of->kept.field[i];
        uint32_t reset;
        int32_t day;
        struct span text = split(f->text, &reset);
        if (text.n == 0 || text.p[0] != 'p' || !counts(of, reset) ||
            !keep_read_day(f, span_from(text, 1), &day) || day < of->forgiven)
            continue;
        of->pardoned = keep_count(f->total, UINT16_MAX) + (day == of->forgiven ? of->pardoned : 0);
        of->forgiven = day;
    }
}

static bool read_stage(struct reading *of, const struct kept_field *f, struct span text)
{
    const struct stage *stage = stage_of(text.p[0]);
    struct days *days = &of->r->days;
    int32_t day;
    if (!stage || !keep_read_day(f, span_from(text, 1), &day))
        return false;
    uint32_t n = keep_count(f->total, UINT16_MAX);
    if (!stage->offered && day < of->forgiven)
        n = 0;
    if (!stage->offered && day == of->forgiven)
        n -= n < of->pardoned ? n : of->pardoned;
    if (n == 0)
        return true;
    if (!stage->offered && day > of->missed)
        of->missed = day;
    days_add(days, day, DAY_COMPLETE, n);
    if (stage->offered)
        days_add(days, day, DAY_OFFERED, n);
    if (stage->asked)
        days_add(days, day, DAY_ASKED, n);
    if (stage->upgraded)
        days_add(days, day, DAY_UPGRADED, n);
    return true;
}

static struct server_client *client_at(struct server *r, uint32_t who)
{
    for (uint8_t i = 0; i < r->client_count; i++)
        if (r->client[i].who == who)
            return &r->client[i];
    if (r->client_count == CAP_HISTORY_CLIENTS) {
        r->more_clients = true;
        return NULL;
    }
    r->client[r->client_count].who = who;
    return &r->client[r->client_count++];
}

static void count_by(uint16_t *n, uint32_t by)
{
    uint32_t sum = *n + by;
    *n = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

static bool read_client(struct reading *of, const struct kept_field *f, struct span text)
{
    uint32_t n = keep_count(f->total, UINT16_MAX);
    uint64_t who;
    if (text.n == 2 && text.p[1] == '+') {
        of->r->more_clients |= n > 0;
        return true;
    }
    if (text.n != 10 || !memchr("mou", text.p[1], 3) ||
        !keep_read_hex(span_from(text, 2), 8, &who) || who == 0)
        return false;
    struct server_client *c = n > 0 ? client_at(of->r, (uint32_t)who) : NULL;
    if (!c)
        return true;
    if (c->offered + c->missed == 0 || days_over(c->day, f->first, 1))
        c->day = (uint16_t)f->first;
    count_by(text.p[1] == 'm' ? &c->missed : &c->offered, n);
    if (text.p[1] == 'u')
        count_by(&c->upgraded, n);
    return true;
}

/* Of the newer month, or more often seen. */
static bool outdoes(uint32_t count, int32_t day, uint32_t other_count, int32_t other_day)
{
    return day > other_day || (day == other_day && count > other_count);
}

static void sum_up(uint32_t *count, uint32_t by)
{
    *count = *count + by < *count ? UINT32_MAX : *count + by;
}

static bool read_layout(struct reading *of, const struct kept_field *f, struct span text)
{
    char words[KEEP_FIELD];
    struct server *r = of->r;
    size_t place = 0, n = text.n - 1;
    uint32_t count = keep_count(f->total, UINT32_MAX);
    words[0] = ' ';
    for (size_t i = 1; i <= n; i++) {
        words[i] = text.p[i] == '|' ? ' ' : (char)text.p[i];
        if (words[i] == ' ' && words[i - 1] == ' ')
            return false; /* a word is missing */
    }
    if (words[n] == ' ')
        return false;
    uint16_t number = count > 0 ? layouts_read(of->layouts, span_of(words + 1, n)) : 0;
    for (size_t i = 0; number > 0 && i < BASELINE_LAYOUTS; i++) {
        if (r->layout[i].number == number) {
            sum_up(&r->layout[i].count, count);
            r->layout[i].day = f->first > r->layout[i].day ? f->first : r->layout[i].day;
            return true;
        }
        if (r->layout[place].number != 0 &&
            (r->layout[i].number == 0 || outdoes(r->layout[place].count, r->layout[place].day,
                                                 r->layout[i].count, r->layout[i].day)))
            place = i;
    }
    if (number == 0 || (r->layout[place].number != 0 &&
                        outdoes(r->layout[place].count, r->layout[place].day, count, f->first)))
        return true;
    r->layout[place].number = number;
    r->layout[place].count = count;
    r->layout[place].day = f->first;
    return true;
}

static bool read_kind(const struct kept_field *f, struct kinds *kinds, struct span text,
                      size_t digits)
{
    uint32_t number = 0, count = keep_count(f->total, UINT32_MAX);
    uint64_t what = 0;
    bool good = digits > 0 ? keep_read_hex(text, digits, &what)
                           : keep_read_number(text, UINT16_MAX, &number);
    what |= number;
    if (good && what && count > 0)
        kinds_put(kinds, what, count, f->first);
    return good && what;
}

/* The name as it was before put_name(). */
static bool read_name(struct span text, char name[CAP_HISTORY_ISSUER + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; n++) {
        uint64_t byte = text.p[i];
        bool coded = byte == '%';
        if (n == CAP_HISTORY_ISSUER ||
            (coded && !keep_read_hex(span_first(span_from(text, i + 1), 2), 2, &byte)) || byte == 0)
            return false;
        name[n] = (char)byte;
        i += coded ? 3 : 1;
    }
    name[n] = '\0';
    return n > 0;
}

/* Behind the most frequent of the newer month stands who issues now, as far as can be said. */
static bool read_issuer(struct reading *of, const struct kept_field *f, struct span text)
{
    char name[CAP_HISTORY_ISSUER + 1];
    uint32_t count = keep_count(f->total, UINT32_MAX);
    if (text.n < 18 || text.p[16] != '/' || !read_name(span_from(text, 17), name) ||
        !read_kind(f, &of->r->issuer, span_first(text, 16), 16))
        return false;
    if ((f->newer && !of->best_newer && count > 0) ||
        (f->newer == of->best_newer && count > of->best)) {
        of->best = count;
        of->best_newer = f->newer;
        memcpy(of->r->issuer_name, name, sizeof(name));
    }
    return true;
}

/* "o" and "m", with the name; an empty one if it is none. */
static bool read_vantage(struct span text, char name[CAP_HISTORY_ISSUER + 1])
{
    return text.n > 1 && (text.p[0] == 'o' || text.p[0] == 'm') &&
           read_name(span_from(text, 1), name);
}

static bool read_place(struct reading *of, const struct kept_field *f, struct span text)
{
    char name[CAP_HISTORY_ISSUER + 1];
    uint32_t n = keep_count(f->total, UINT32_MAX);
    if (!read_vantage(text, name))
        return false;
    if (n > 0)
        servers_place(of->r, vantages_number(of->vantages, span_str(name)), n,
                      text.p[0] == 'o' ? n : 0, f->first, f->first);
    return true;
}

static bool read_flight(struct reading *of, const struct kept_field *f, struct span text)
{
    struct server *r = of->r;
    uint32_t size;
    if (text.n == 0 || !keep_read_number(text, UINT16_MAX, &size) || size == 0)
        return false;
    if (f->total > 0 && (r->flight_least == 0 || size < r->flight_least))
        r->flight_least = (uint16_t)size;
    if (f->total > 0 && size > r->flight_most)
        r->flight_most = (uint16_t)size;
    return true;
}

/* doubts_load() reads them. */
static bool read_doubt(struct server *r, const struct kept_field *f)
{
    bool begins, good = kept_doubt_check(f, &begins);
    r->doubted |= good;
    r->doubts = (uint8_t)(r->doubts + (begins && good && r->doubts < UINT8_MAX));
    return good;
}

static bool read_field(struct reading *of, const struct kept_field *f)
{
    uint32_t reset;
    int32_t day;
    struct span text = split(f->text, &reset), rest = span_from(text, 1);
    struct server *r = of->r;
    if (text.n == 0)
        return false;
    switch (text.p[0]) {
    case 'c':
    case 'o':
    case 's':
    case 'u':
        return !counts(of, reset) || read_stage(of, f, text);
    case 'C':
        return !counts(of, reset) || read_client(of, f, text);
    case 'L':
        return !counts(of, reset) || read_layout(of, f, text);
    case 'V':
        return !counts(of, reset) || read_place(of, f, rest);
    case 'v':
        return read_kind(f, &r->version, rest, 0);
    case 'k':
        return read_kind(f, &r->spki, rest, 16);
    case 'j':
        return read_kind(f, &r->ja3s, rest, 16);
    case 'y':
        return read_kind(f, &r->synack, rest, 8);
    case 'i':
        return read_issuer(of, f, rest);
    case 'f':
        return read_flight(of, f, rest);
    case 'F':
        sum_up(&r->flights, keep_count(f->total, UINT32_MAX));
        return rest.n == 0;
    case KEPT_DOUBT:
        return read_doubt(r, f);
    case 'R':
    case 'p':
        return keep_read_day(f, rest, &day);
    default:
        return false;
    }
}

/* Offers in a row, at least: those of the days behind the last miss. */
static uint32_t run_of(const struct reading *of)
{
    const struct days *days = &of->r->days;
    uint32_t run = 0;
    for (int32_t back = 0; back < DAYS_KEPT; back++) {
        int32_t day = days->newest - back;
        if (day <= of->missed)
            break;
        run += days_on(days, day, DAY_OFFERED);
    }
    return run;
}

static void clear(struct server *r)
{
    struct server fresh = {.family = r->family, .port = r->port};
    memcpy(fresh.address, r->address, sizeof(fresh.address));
    *r = fresh;
}

bool kept_server_load(struct keep *k, struct layouts *layouts, struct vantages *vantages,
                      struct server *r, nstime t)
{
    struct reading of = {.r = r,
                         .layouts = layouts,
                         .vantages = vantages,
                         .forgiven = INT32_MIN,
                         .missed = INT32_MIN};
    struct keep_text name;
    int32_t day = days_of(t);
    keep_text_init(&name);
    keep_server_name(&name, r->family, r->address, r->port);
    if (!keep_load(k, KEEP_SERVER, keep_text_span(&name), day, &of.kept))
        return false;
    clear(r);
    read_marks(&of);
    for (size_t i = 0; i < of.kept.count; i++) {
        bool counts = of.kept.field[i].newer && of.kept.field[i].text.p[0] != KEPT_DOUBT;
        r->novel = (uint16_t)(r->novel + (counts && r->novel < CAP_HISTORY_NOVEL));
        if (!read_field(&of, &of.kept.field[i]))
            keep_pass_over(k);
    }
    r->month = day - (int32_t)keep_day_of_month(day);
    r->reset = (int32_t)of.reset;
    r->kept_least = r->flight_least;
    r->kept_most = r->flight_most;
    r->run = run_of(&of);
    r->loaded = true;
    return true;
}

static bool is_own(const struct vantages *v, const char *name)
{
    for (uint8_t i = 0; i < v->count; i++)
        if (v->own[i] && strcmp(v->name[i], name) == 0)
            return true;
    return false;
}

bool kept_server_elsewhere(struct keep *k, const struct vantages *vantages, const struct server *r,
                           nstime t, uint64_t *offers)
{
    char text[CAP_HISTORY_ISSUER + 1];
    struct keep_text name;
    struct kept kept;
    *offers = 0;
    keep_text_init(&name);
    keep_server_name(&name, r->family, r->address, r->port);
    if (!keep_load(k, KEEP_SERVER, keep_text_span(&name), days_of(t), &kept))
        return false;
    for (size_t i = 0; i < kept.count; i++) {
        uint32_t reset;
        struct span field = split(kept.field[i].text, &reset), rest = span_from(field, 1);
        if (field.n > 1 && field.p[0] == 'V' && rest.p[0] == 'o' && read_vantage(rest, text) &&
            !is_own(vantages, text))
            *offers += keep_count(kept.field[i].total, UINT32_MAX);
    }
    return *offers > 0;
}
