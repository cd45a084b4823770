/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns_name.h"

#include "base/caps.h"

enum { HEADER = 12, WIRE_MOST = 255, POINTER = 0xc0, LABEL_MOST = 63 };

/* On its way through one name. */
struct walk {
    struct span message;
    size_t at;     /* next octet */
    size_t began;  /* where the run of labels began that is being read */
    size_t behind; /* the name in its place: behind its first pointer; 0: none yet */
    size_t wire;   /* octets without compression */
    unsigned jumps;
};

enum step { STEP_LABEL, STEP_POINTER, STEP_END, STEP_CUT, STEP_MALFORMED };

/* Takes one label, the end or a pointer; of a label, `label` is its bytes. */
static enum step take(struct walk *w, struct span *label)
{
    struct span rest = span_from(w->message, w->at);

    if (rest.n == 0)
        return STEP_CUT;
    if (rest.p[0] >= POINTER)
        return rest.n > 1 ? STEP_POINTER : STEP_CUT;
    if (rest.p[0] > LABEL_MOST) /* RFC 6891 section 5: the other two types are not used */
        return STEP_MALFORMED;
    w->wire += 1u + rest.p[0];
    if (w->wire > WIRE_MOST)
        return STEP_MALFORMED;
    if (rest.n - 1 < rest.p[0])
        return STEP_CUT;
    *label = span_of(rest.p + 1, rest.p[0]);
    w->at += 1u + rest.p[0];
    return label->n ? STEP_LABEL : STEP_END;
}

static bool points_back(const struct walk *w, size_t *target)
{
    *target = (w->message.p[w->at] & 0x3fu) << 8 | w->message.p[w->at + 1];
    return *target >= HEADER && *target < w->began;
}

static bool follow(struct walk *w)
{
    size_t target;

    if (!points_back(w, &target) || ++w->jumps > CAP_DNS_JUMPS)
        return false;
    if (w->behind == 0)
        w->behind = w->at + 2;
    w->at = w->began = target;
    return true;
}

static char *put_byte(char *to, uint8_t c)
{
    if (span_is_alpha(c) || span_is_digit(c) || c == '-' || c == '_') {
        *to++ = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        return to;
    }
    *to++ = '\\';
    *to++ = (char)('0' + c / 100);
    *to++ = (char)('0' + c / 10 % 10);
    *to++ = (char)('0' + c % 10);
    return to;
}

static char *put_label(char *to, bool first, struct span label)
{
    if (!first)
        *to++ = '.';
    for (size_t i = 0; i < label.n; i++)
        to = put_byte(to, label.p[i]);
    return to;
}

static enum dns_result result_of(enum step s)
{
    return s == STEP_END ? DNS_OK : s == STEP_CUT ? DNS_CUT : DNS_MALFORMED;
}

enum dns_result dns_name_read(struct span message, size_t *at, char to[DNS_NAME_TEXT])
{
    struct walk w = {.message = message, .at = *at, .began = *at};
    struct span label;
    char *end = to;
    enum step s;

    while ((s = take(&w, &label)) == STEP_LABEL || s == STEP_POINTER) {
        if (s == STEP_LABEL)
            end = put_label(end, end == to, label);
        else if (!follow(&w))
            return DNS_MALFORMED;
    }
    if (s != STEP_END)
        return result_of(s);
    if (end == to)
        *end++ = '.';
    *end = '\0';
    *at = w.behind ? w.behind : w.at;
    return DNS_OK;
}

enum dns_result dns_name_skip(struct span message, size_t *at)
{
    struct walk w = {.message = message, .at = *at, .began = *at};
    struct span label;
    size_t target;
    enum step s;

    do
        s = take(&w, &label);
    while (s == STEP_LABEL);
    if (s == STEP_POINTER) {
        if (!points_back(&w, &target))
            return DNS_MALFORMED;
        w.at += 2;
        s = STEP_END;
    }
    if (s == STEP_END)
        *at = w.at;
    return result_of(s);
}
