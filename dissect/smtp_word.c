/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/smtp_word.h"

/* Told apart by length and first letter before anything is compared. */
static const struct {
    const char *word;
    size_t n;
    enum smtp_verb verb;
} verbs[] = {
#define VERB(word, verb)                                                                           \
    {                                                                                              \
        word, sizeof(word) - 1, verb                                                               \
    }
    VERB("EHLO", VERB_EHLO),         VERB("HELO", VERB_HELO),
    VERB("LHLO", VERB_LHLO),         VERB("MAIL", VERB_MAIL),
    VERB("RCPT", VERB_RCPT),         VERB("DATA", VERB_DATA),
    VERB("BDAT", VERB_BDAT),         VERB("RSET", VERB_RSET),
    VERB("NOOP", VERB_NOOP),         VERB("QUIT", VERB_QUIT),
    VERB("STARTTLS", VERB_STARTTLS), VERB("X-ANONYMOUSTLS", VERB_ANONYMOUSTLS),
    VERB("AUTH", VERB_AUTH),         VERB("X-EXPS", VERB_AUTH),
    VERB("XCLIENT", VERB_XCLIENT),   VERB("XFORWARD", VERB_XFORWARD),
    VERB("VRFY", VERB_OTHER),        VERB("EXPN", VERB_OTHER),
    VERB("HELP", VERB_OTHER),        VERB("ETRN", VERB_OTHER),
    VERB("TURN", VERB_OTHER),        VERB("ATRN", VERB_OTHER),
    VERB("SEND", VERB_OTHER),        VERB("SOML", VERB_OTHER),
    VERB("SAML", VERB_OTHER),        VERB("VERB", VERB_OTHER),
    VERB("ONEX", VERB_OTHER),        VERB("BURL", VERB_OTHER),
    VERB("XEXCH50", VERB_OTHER),     VERB("X-LINK2STATE", VERB_OTHER),
    VERB("XSHADOW", VERB_OTHER),     VERB("XPROXY", VERB_OTHER),
    VERB("XQDISCARD", VERB_OTHER),
#undef VERB
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span skip_blanks(struct span s)
{
    while (s.n && is_blank(s.p[0]))
        s = span_from(s, 1);
    return s;
}

struct span smtp_word_first(struct span line)
{
    size_t n = 0;

    while (n < line.n && !is_blank(line.p[n]))
        n++;
    return span_first(line, n);
}

enum smtp_verb smtp_word_verb(struct span line)
{
    struct span word = smtp_word_first(line);

    for (size_t i = 0; word.n && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verbs[i].n == word.n && span_upper(word.p[0]) == (uint8_t)verbs[i].word[0] &&
            span_eq_nocase(word, span_of(verbs[i].word, word.n)))
            return verbs[i].verb;
    return VERB_UNKNOWN;
}

struct smtp_reply_line smtp_word_reply(struct span line)
{
    struct smtp_reply_line out = {0, false, span_of(line.p, 0)};

    if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !span_is_digit(line.p[1]) ||
        !span_is_digit(line.p[2]))
        return out;
    if (line.n > 3 && line.p[3] != '-' && !is_blank(line.p[3]))
        return out;
    out.code = (int16_t)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0'));
    out.last = line.n == 3 || line.p[3] != '-';
    out.text = span_from(line, 4);
    return out;
}

/* Where the path ends: after its `>`, or at the first blank when there are no brackets. A quoted
 * local part may hold either (RFC 5321 section 4.1.2). */
static size_t path_end(struct span s)
{
    bool quoted = false;
    bool bracket = s.n && s.p[0] == '<';

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && quoted)
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && bracket && s.p[i] == '>')
            return i + 1;
        else if (!quoted && !bracket && is_blank(s.p[i]))
            return i;
    }
    return s.n;
}

/* What follows "MAIL FROM:" or "RCPT TO:"; clients put blanks round the colon that no RFC allows.
 */
static struct span after_colon(struct span line)
{
    return skip_blanks(span_from(line, span_find(line, ':') + 1));
}

struct span smtp_word_path(struct span line)
{
    struct span s = after_colon(line);

    s = span_first(s, path_end(s));
    if (s.n && s.p[0] == '<')
        s = span_from(s, 1);
    if (s.n && s.p[s.n - 1] == '>')
        s.n--;
    if (s.n && s.p[0] == '@' && span_find(s, ':') < s.n) /* source route, RFC 5321 appendix C */
        s = span_from(s, span_find(s, ':') + 1);
    return s;
}

bool smtp_word_has_param(struct span line, const char *name)
{
    struct span s = after_colon(line);

    s = skip_blanks(span_from(s, path_end(s)));
    while (s.n) {
        struct span word = smtp_word_first(s);
        if (span_eq_nocase(span_first(word, span_find(word, '=')), span_str(name)))
            return true;
        s = skip_blanks(span_from(s, word.n));
    }
    return false;
}

bool smtp_word_bdat(struct span line, uint64_t *size, bool *last)
{
    struct span s = skip_blanks(span_from(line, 4));
    struct span number = smtp_word_first(s);
    uint64_t v = 0;

    *size = 0;
    *last = span_eq_nocase(smtp_word_first(skip_blanks(span_from(s, number.n))), span_str("LAST"));
    if (number.n == 0)
        return false;
    for (size_t i = 0; i < number.n; i++) {
        uint8_t digit = (uint8_t)(number.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *size = v;
    return true;
}
