/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/garble.h"

#include <stdlib.h>

#include "base/caps.h"
#include "rules/keywords.h"
#include "rules/layout.h"
#include "rules/middlebox.h"

#define WORD 8 /* letters of STARTTLS */
#define NEAR 2 /* edits that still make a near miss */
#define LONG (WORD + NEAR)

static const char starttls[] = "STARTTLS";

/* --- near misses --- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, or swap two neighbours. */
static size_t distance(struct span a, struct span b)
{
    size_t row[3][LONG + 1] = {{0}};
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *up = row[(i + 2) % 3], *twice = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            uint8_t x = span_upper(a.p[i - 1]), y = span_upper(b.p[j - 1]);
            now[j] = least(least(up[j], now[j - 1]) + 1, up[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == span_upper(b.p[j - 2]) && y == span_upper(a.p[i - 2]))
                now[j] = least(now[j], twice[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

/* Letters of `a` that `b` has as well, each as often as both have it. So many at most are right. */
static size_t in_common(struct span a, struct span b)
{
    uint8_t have[256] = {0};
    size_t n = 0;
    for (size_t i = 0; i < b.n; i++)
        have[span_upper(b.p[i])]++;
    for (size_t i = 0; i < a.n; i++) {
        uint8_t *left = &have[span_upper(a.p[i])];
        n += *left > 0;
        *left = (uint8_t)(*left - (*left > 0));
    }
    return n;
}

size_t garble_in_place(struct span a, struct span b)
{
    size_t n = 0;
    for (size_t i = 0; i < a.n && i < b.n; i++)
        n += span_upper(a.p[i]) == span_upper(b.p[i]);
    return n;
}

bool garble_near(struct span text, struct span word)
{
    if (text.n == 0 || word.n > LONG || text.n > word.n + NEAR || text.n + NEAR < word.n ||
        text.n > LONG || span_eq_nocase(text, word))
        return false;
    if (text.n == word.n && 2 * garble_in_place(text, word) >= word.n)
        return true;
    return in_common(text, word) + NEAR >= word.n && distance(text, word) <= NEAR;
}

/* STARTTLS after a leading blank is no keyword to any client, so it is a near miss as well. */
static bool near_starttls(struct span line)
{
    struct span want = span_str(starttls), text = line;
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = span_from(text, 1);
    struct span word = keywords_word(text);
    if (span_eq_nocase(word, want))
        return text.n < line.n;
    return (garble_near(word, want) || garble_near(text, want)) && !keywords_known(word);
}

/* --- words that no one would spell --- */

/* Digits and letters, and what real keywords have besides: 263.net, AUTH=LOGIN, X_PIPE_CONNECT. */
static bool keyword_byte(uint8_t c)
{
    return span_is_alpha(c) || span_is_digit(c) || c == '.' || c == '_' || c == '=' || c == '-';
}

/* Letters of one case, or Capitalised, or CamelCase of two parts with three letters and more. */
static bool regular_case(struct span w)
{
    size_t upper = 0, lower = 0, humps = 0, part = 0;
    for (size_t i = 0; i < w.n; i++) {
        bool small = w.p[i] >= 'a' && w.p[i] <= 'z';
        if (!span_is_alpha(w.p[i]))
            continue;
        upper += !small;
        lower += small;
        if (!small && lower > 0) {
            if (part < 3)
                return false;
            humps++;
            part = 0;
        }
        part++;
    }
    if (upper == 0 || lower == 0)
        return true;
    return w.p[0] >= 'A' && w.p[0] <= 'Z' && upper == humps + 1 && humps <= 1 && part >= 3;
}

static size_t digit_runs(struct span w)
{
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++)
        n += span_is_digit(w.p[i]) && (i == 0 || !span_is_digit(w.p[i - 1]));
    return n;
}

/* 8BITMIME, SMTPUTF8, XEXCH50, UTF8SMTP: one number, short unless it ends the word. */
static bool regular_digits(struct span w)
{
    size_t digits = 0, at_end = 0;
    for (size_t i = 0; i < w.n; i++) {
        digits += span_is_digit(w.p[i]);
        at_end = span_is_digit(w.p[i]) ? at_end + 1 : 0;
    }
    if (digits == 0)
        return true;
    if (digits == w.n || digit_runs(w) > 1)
        return false;
    return digits <= 2 || (digits == at_end && digits <= 4);
}

/* Longest run of consonants. */
static size_t consonants(struct span w, bool y_is_one)
{
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < w.n; i++) {
        uint8_t c = span_upper(w.p[i]);
        bool vowel = c == 'A' || c == 'E' || c == 'I' || c == 'O' || c == 'U';
        run = span_is_alpha(c) && !vowel && (c != 'Y' || y_is_one) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static size_t rare_letters(struct span w)
{
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++) {
        uint8_t c = span_upper(w.p[i]);
        n += c == 'J' || c == 'Q' || c == 'X' || c == 'Z';
    }
    return n;
}

/* A lower-case word among upper-case ones is odd already: less is asked of its letters. */
static bool pronounceable(struct span w, bool odd_case)
{
    if (consonants(w, false) >= 6 || rare_letters(w) >= 3)
        return false;
    return !odd_case || consonants(w, true) < 4 || rare_letters(w) < 2;
}

static bool has_lower(struct span w)
{
    for (size_t i = 0; i < w.n; i++)
        if (w.p[i] >= 'a' && w.p[i] <= 'z')
            return true;
    return false;
}

/* `w` has eight bytes; vendors put X or X- before their words, so that is left out. */
static bool ill_spelt(struct span w, bool uppercase)
{
    if (w.p[0] == 'X')
        w = span_from(w, w.p[1] == '-' ? 2 : 1);
    if (!span_is_alpha(w.p[w.n - 1]) && !span_is_digit(w.p[w.n - 1]))
        return true;
    return !regular_case(w) || !regular_digits(w) || !pronounceable(w, uppercase && has_lower(w));
}

enum garble_kind garble_classify(struct span line, bool uppercase)
{
    if (near_starttls(line))
        return GARBLE_NEAR_MISS;
    struct span word = keywords_word(line);
    if (line.n != WORD || (word.n > 0 && keywords_known(word)))
        return GARBLE_NONE;
    if (middlebox_mask(line) != MIDDLEBOX_MASK_NONE)
        return GARBLE_MASK;
    for (size_t i = 0; i < word.n; i++)
        if (!keyword_byte(word.p[i]))
            return GARBLE_BINARY;
    return word.n == WORD && ill_spelt(word, uppercase) ? GARBLE_ILL_SPELT : GARBLE_NONE;
}

/* --- one line among the others --- */

struct reply {
    const struct span *line;
    size_t count;                      /* at most CAP_REPLY_LINES */
    const char *software;              /* what the banner names, or NULL */
    bool cisco;                        /* asterisks for a banner */
    struct span word[CAP_REPLY_LINES]; /* the first of each line */
    bool lower[CAP_REPLY_LINES];       /* has it a small letter? */
    size_t lowers;
    enum garble_kind kind[CAP_REPLY_LINES];
    size_t kinds[GARBLE_KIND_COUNT];
};

static bool offers(const struct reply *r, const char *keyword)
{
    for (size_t i = 0; i < r->count; i++)
        if (keywords_first(r->line[i], span_str(keyword)))
            return true;
    return false;
}

/* RFC 4954 has all mechanisms on one line. Servers say AUTH twice all the same: once as old clients
 * want it (AUTH=), or once for each way of logging in. */
static bool is_auth(struct span word)
{
    return span_eq_nocase(span_first(word, span_find(word, '=')), span_str("AUTH"));
}

static bool repeated(const struct reply *r, size_t line)
{
    if (is_auth(r->word[line]))
        return false;
    for (size_t i = 0; i < r->count; i++)
        if (i != line && span_eq_nocase(r->word[i], r->word[line]))
            return true;
    return false;
}

static bool is_one_auth_of_two(const struct reply *r, size_t line)
{
    bool another = false;
    for (size_t i = 0; i < r->count; i++)
        another |= i != line && is_auth(r->word[i]);
    return another && is_auth(r->word[line]);
}

static bool others_upper(const struct reply *r, size_t line)
{
    return r->count > 1 && r->lowers == r->lower[line];
}

/* A keyword that is known elsewhere must have a better reason to stand here: another server may
 * print the same words in a like order. */
static bool foreign(const struct reply *r, size_t i, const struct layout_fit *fit)
{
    if (!keywords_known(r->word[i]) || repeated(r, i))
        return true;
    return r->line[i].n == WORD && fit->named && !fit->home && !is_one_auth_of_two(r, i);
}

/* The slot alone: nothing else in the reply may be out of place. */
static bool slot_alone(const struct reply *r, size_t i, const struct layout_fit *fit)
{
    bool mask = middlebox_mask(r->line[i]) != MIDDLEBOX_MASK_NONE;
    return fit->slot && fit->strangers == 0 && !fit->rival && !(mask && fit->elsewhere) &&
           foreign(r, i, fit);
}

/* RFC 3030 section 2: BINARYMIME needs CHUNKING; Exchange offers both. */
static bool is_chunking(const struct reply *r, const struct garble *g)
{
    return g->cisco && r->kinds[GARBLE_MASK] == 1 && offers(r, "BINARYMIME") &&
           !offers(r, "CHUNKING");
}

/* The line as a candidate, with how much speaks for it; 0: nothing. */
static int weigh(const struct reply *r, size_t i, enum garble_kind kind, struct garble *g)
{
    static const int by_kind[GARBLE_KIND_COUNT] = {[GARBLE_NEAR_MISS] = 60,
                                                   [GARBLE_MASK] = 50,
                                                   [GARBLE_BINARY] = 40,
                                                   [GARBLE_ILL_SPELT] = 30,
                                                   [GARBLE_SLOT] = 90};
    bool mask = kind == GARBLE_MASK;
    enum middlebox_mask how = middlebox_mask(r->line[i]);
    struct layout_fit fit = layout_fit(r->line, r->count, i, r->software);
    bool slot = fit.slot && !(mask && fit.elsewhere);
    if (kind == GARBLE_NONE && slot_alone(r, i, &fit))
        kind = GARBLE_SLOT;
    *g = (struct garble){.kind = kind, .line = i, .layout = slot ? fit.name : NULL};
    g->cisco = mask && (r->cisco || how == MIDDLEBOX_MASK_LETTERED);
    g->crowd = r->kinds[kind] > 1;
    g->maybe_chunking = mask && !slot && !(offers(r, "CHUNKING") && offers(r, "SMTPUTF8"));
    if (slot)
        return by_kind[kind] + (by_kind[kind] ? 100 : 0);
    if (mask && (is_chunking(r, g) || (g->cisco && fit.elsewhere && !fit.slot)))
        return 0;
    if (kind == GARBLE_ILL_SPELT && (g->crowd || fit.name))
        return 0;
    return by_kind[kind] + (fit.slot ? 9 - (int)least(fit.missing, 8) : 0);
}

/* Greeting lines of one word are rare, so the text is what follows `220 ` or `220-`. */
static struct span after_code(struct span banner)
{
    return span_from(banner, 4);
}

static struct garble judge_reply(struct reply *r)
{
    struct garble best = {.kind = GARBLE_NONE};
    int weight = 0;
    for (size_t i = 0; i < r->count; i++) {
        r->word[i] = keywords_word(r->line[i]);
        r->lower[i] = has_lower(r->word[i]);
        r->lowers += r->lower[i];
    }
    for (size_t i = 0; i < r->count; i++) {
        r->kind[i] = garble_classify(r->line[i], others_upper(r, i));
        r->kinds[r->kind[i]]++;
    }
    for (size_t i = 0; i < r->count; i++) {
        struct garble g;
        if (r->kind[i] == GARBLE_NONE && r->line[i].n != WORD && keywords_known(r->word[i]) &&
            !repeated(r, i))
            continue;
        int w = weigh(r, i, r->kind[i], &g);
        if (w > weight) {
            weight = w;
            best = g;
        }
    }
    return best;
}

/* --- servers say the same to everyone --- */

#define REPLIES 256  /* pairs of distinct replies; a newer one takes the place of the older */
#define BANNERS 4096 /* most servers put their name into it */
#define LATELY  4096 /* sessions that are open at once, nearly all of them */

struct garble_memory {
    struct siphash_key key;
    struct {
        uint64_t print; /* of the reply; 0: empty */
        struct garble garble;
    } at[REPLIES][2]; /* the newer one first */
    struct {
        uint64_t mark; /* of the caller's; 0: empty */
        struct garble garble;
    } lately[LATELY];
    struct {
        uint64_t print; /* of the text; 0: empty */
        const char *software;
        bool cisco;
    } banner[BANNERS];
};

struct garble_memory *garble_memory_new(const struct siphash_key *key)
{
    struct garble_memory *m = calloc(1, sizeof(*m));
    if (m)
        m->key = *key;
    return m;
}

/* Marks are of the caller's making: their low bits may be all alike. */
static size_t lately_of(uint64_t mark)
{
    return (size_t)(mark * UINT64_C(0x9e3779b97f4a7c15) >> 32) % LATELY;
}

const struct garble *garble_recall(const struct garble_memory *m, uint64_t mark)
{
    size_t slot = lately_of(mark);
    return m && m->lately[slot].mark == mark ? &m->lately[slot].garble : NULL;
}

void garble_remember(struct garble_memory *m, uint64_t mark, const struct garble *g)
{
    if (!m)
        return;
    size_t slot = lately_of(mark);
    m->lately[slot].mark = mark;
    m->lately[slot].garble = *g;
}

void garble_memory_free(struct garble_memory *m)
{
    free(m);
}

/* All that judge_reply() goes by. The key is secret, so nobody can make two replies alike. */
static uint64_t print_of(const struct garble_memory *m, const struct reply *r)
{
    uint64_t print = r->cisco ? 2 : 0;
    if (r->software)
        print ^= siphash(&m->key, r->software, strlen(r->software));
    for (size_t i = 0; i < r->count; i++)
        print = (print << 7 | print >> 57) ^ siphash(&m->key, r->line[i].p, r->line[i].n);
    return print | 1;
}

static void judge_banner(struct reply *r, struct span banner)
{
    r->software = layout_software(banner);
    r->cisco = middlebox_match("banner", after_code(banner)) != NULL;
}

static void recall_banner(struct garble_memory *m, struct reply *r, struct span banner)
{
    uint64_t print = siphash(&m->key, banner.p, banner.n) | 1;
    size_t slot = (size_t)(print >> 32) % BANNERS;
    if (m->banner[slot].print != print) {
        judge_banner(r, banner);
        m->banner[slot].print = print;
        m->banner[slot].software = r->software;
        m->banner[slot].cisco = r->cisco;
    }
    r->software = m->banner[slot].software;
    r->cisco = m->banner[slot].cisco;
}

struct garble garble_judge(struct garble_memory *m, const struct span *line, size_t count,
                           struct span banner)
{
    struct reply r; /* as large as a page: the most of it is written when it is wanted */
    r.line = line;
    r.count = count < CAP_REPLY_LINES ? count : CAP_REPLY_LINES;
    r.lowers = 0;
    memset(r.kinds, 0, sizeof(r.kinds));
    if (!m) {
        judge_banner(&r, banner);
        return judge_reply(&r);
    }
    recall_banner(m, &r, banner);
    uint64_t print = print_of(m, &r);
    size_t slot = (size_t)(print >> 32) % REPLIES;
    if (m->at[slot][0].print == print)
        return m->at[slot][0].garble;
    if (m->at[slot][1].print == print)
        return m->at[slot][1].garble;
    m->at[slot][1] = m->at[slot][0];
    m->at[slot][0].garble = judge_reply(&r);
    m->at[slot][0].print = print;
    return m->at[slot][0].garble;
}
