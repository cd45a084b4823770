/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/partner.h"

#include "policy/field.h"

#define MX "mx:"

static struct span next_word(struct span *rest)
{
    size_t n = 0;
    *rest = field_trim_front(*rest);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct span word = span_first(*rest, n);
    *rest = span_from(*rest, n);
    return word;
}

static int refuse(char why[CAP_STS_REASON], const char *what, struct span bytes)
{
    why[0] = '\0';
    field_reason(why, 0, what, bytes);
    return -1;
}

static int read_who(struct span who, struct domain *d, struct span *mx, char why[CAP_STS_REASON])
{
    bool wildcard, is_mx = span_starts_nocase(who, span_str(MX));
    *mx = is_mx ? span_from(who, strlen(MX)) : span_of(NULL, 0);
    struct span name = is_mx ? mx_pattern_base(*mx, &wildcard) : who;
    if (domain_read(name, d) && !domain_numeric(domain_span(d)))
        return 0;
    return refuse(why, is_mx ? "no pattern of a mail exchanger" : "no domain name", who);
}

/* "1.2" */
static bool read_version(struct span text, uint16_t *out)
{
    if (text.n != 3 || text.p[0] != '1' || text.p[1] != '.' || text.p[2] < '0' || text.p[2] > '3')
        return false;
    *out = (uint16_t)(0x0301 + (text.p[2] - '0'));
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(struct span text, uint8_t out[32])
{
    if (text.n != 64)
        return false;
    for (size_t i = 0; i < 64; i++) {
        int digit = hex_digit(text.p[i]);
        if (digit < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

/* The name of an organisation has blanks: it goes to the end of the line. */
static bool read_issuer(struct span text, char out[CAP_PARTNER_ISSUER + 1])
{
    while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    if (text.n == 0 || text.n > CAP_PARTNER_ISSUER)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool has_key(struct span word, const char *key, struct span *value)
{
    if (!span_starts_nocase(word, span_str(key)))
        return false;
    *value = span_from(word, strlen(key));
    return true;
}

/* What stands behind `tls`. */
static int read_demands(struct span rest, struct partner_demand *out, char why[CAP_STS_REASON])
{
    struct span value;
    for (struct span from = field_trim_front(rest), word; (word = next_word(&rest)).n > 0;
         from = field_trim_front(rest)) {
        if (has_key(word, "min=", &value)) {
            if (!read_version(value, &out->version))
                return refuse(why, "no version of TLS (1.0 to 1.3)", word);
        } else if (has_key(word, "spki=", &value)) {
            out->pinned = read_digest(value, out->spki);
            if (!out->pinned)
                return refuse(why, "no SHA-256 in hexadecimal digits", word);
        } else if (has_key(from, "issuer=", &value)) {
            return read_issuer(value, out->issuer) ? 0 : refuse(why, "no organisation", word);
        } else {
            return refuse(why, "unknown demand", word);
        }
    }
    return 0;
}

int partner_read(struct span line, struct book *book, char why[CAP_STS_REASON])
{
    struct span rest = span_first(line, span_find(line, '#')), mx;
    struct span who = next_word(&rest), what = next_word(&rest);
    struct partner_demand demand = {0};
    struct domain d;
    if (who.n == 0)
        return 0;
    if (read_who(who, &d, &mx, why))
        return -1;
    if (!span_eq(what, span_str("tls")))
        return refuse(why, what.n ? "unknown demand" : "says nothing of what the partner must do",
                      what);
    if (read_demands(rest, &demand, why))
        return -1;
    struct book_policy p = {.source = EXPECTATION_PARTNER,
                            .mode = STS_MODE_ENFORCE,
                            .strict = true,
                            .from = INT64_MIN,
                            .until = INT64_MAX,
                            .mx = &mx,
                            .mx_count = mx.n > 0,
                            .demand = &demand};
    if (book_add(book, &d, &p) == BOOK_NO_MEMORY)
        return refuse(why, "out of memory", span_of(NULL, 0));
    return 1;
}
