/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

static const char HEX[] = "0123456789ABCDEF";

/* A bounded output. `mark` is the last whole character after which "..." still fits. */
struct sink {
    char *dst;
    size_t limit; /* bytes without the NUL */
    size_t len;
    size_t mark;
    bool full;
};

static size_t dots_at(const struct sink *s)
{
    return s->limit > 3 ? s->limit - 3 : 0;
}

static struct sink sink_open(char *dst, size_t cap)
{
    return (struct sink){dst, cap ? cap - 1 : 0, 0, 0, false};
}

/* n bytes of which each is a character. */
static void sink_plain(struct sink *s, const uint8_t *p, size_t n)
{
    size_t room = s->limit - s->len;
    size_t take = n < room ? n : room;
    if (s->full || n == 0)
        return;
    memcpy(s->dst + s->len, p, take);
    s->len += take;
    if (s->len <= dots_at(s))
        s->mark = s->len;
    else if (s->len - take <= dots_at(s))
        s->mark = dots_at(s);
    s->full = take < n;
}

/* n bytes that make one character, or one escape. */
static void sink_whole(struct sink *s, const char *p, size_t n)
{
    if (s->full || n > s->limit - s->len) {
        s->full = true;
        return;
    }
    memcpy(s->dst + s->len, p, n);
    s->len += n;
    if (s->len <= dots_at(s))
        s->mark = s->len;
}

static size_t sink_close(struct sink *s, size_t cap)
{
    if (cap == 0)
        return 0;
    if (s->full) {
        size_t dots = s->limit < 3 ? s->limit : 3;
        memcpy(s->dst + s->mark, "...", dots);
        s->len = s->mark + dots;
    }
    s->dst[s->len] = '\0';
    return s->len;
}

/* Well-formed UTF-8 (Unicode, table 3-7) of two bytes or more: its length and code point, or 0. */
static size_t utf8_decode(struct span s, uint32_t *cp)
{
    uint8_t c = s.p[0];
    size_t n = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    uint32_t v = c & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s.p[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | (s.p[i] & 0x3F);
    }
    if ((n == 3 && (v < 0x800 || (v >= 0xD800 && v <= 0xDFFF))) ||
        (n == 4 && (v < 0x10000 || v > 0x10FFFF)))
        return 0;
    *cp = v;
    return n;
}

/* Characters that show nothing, or make a line show something else. */
static bool is_unseen(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } RANGE[] = {
        {0x80, 0x9F},       /* C1 */
        {0xAD, 0xAD},       /* soft hyphen */
        {0x61C, 0x61C},     /* Arabic letter mark */
        {0x180E, 0x180E},   /* Mongolian vowel separator */
        {0x200B, 0x200F},   /* zero width, directional marks */
        {0x2028, 0x202E},   /* line and paragraph separator, bidirectional embedding */
        {0x2060, 0x206F},   /* word joiner ... bidirectional isolates */
        {0xE000, 0xF8FF},   /* private use */
        {0xFDD0, 0xFDEF},   /* noncharacters */
        {0xFEFF, 0xFEFF},   /* byte order mark */
        {0xFFF9, 0xFFFB},   /* interlinear annotation */
        {0xE0000, 0x10FFFF} /* tags, private use */
    };
    for (size_t i = 0; i < sizeof RANGE / sizeof RANGE[0]; i++)
        if (cp >= RANGE[i].first && cp <= RANGE[i].last)
            return true;
    return (cp & 0xFFFE) == 0xFFFE;
}

size_t text_printable(struct span s)
{
    uint32_t cp = 0;
    if (s.n == 0 || s.p[0] < 0x20 || s.p[0] == 0x7F)
        return 0;
    if (s.p[0] < 0x80)
        return 1;
    size_t n = utf8_decode(s, &cp);
    return n && !is_unseen(cp) ? n : 0;
}

bool text_is_utf8(struct span s)
{
    uint32_t cp = 0;

    while (s.n > 0) {
        size_t n = s.p[0] < 0x80 ? 1 : utf8_decode(s, &cp);
        if (n == 0)
            return false;
        s = span_from(s, n);
    }
    return true;
}

static size_t plain_run(struct span s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7F && s.p[n] != '\\')
        n++;
    return n;
}

static void escape_byte(struct sink *out, uint8_t c)
{
    const char text[4] = {'\\', 'x', HEX[c >> 4], HEX[c & 15]};
    sink_whole(out, text, sizeof text);
}

/* Every byte of a character that is not shown is escaped, so no half of it is read as another. */
static size_t escape_hidden(struct sink *out, struct span s)
{
    uint32_t cp = 0;
    size_t n = s.p[0] >= 0x80 ? utf8_decode(s, &cp) : 1;
    n = n ? n : 1;
    for (size_t i = 0; i < n; i++)
        escape_byte(out, s.p[i]);
    return n;
}

static void escape(struct sink *out, struct span wire)
{
    size_t i = 0;
    while (i < wire.n && !out->full) {
        struct span rest = span_from(wire, i);
        size_t run = plain_run(rest);
        if (run) {
            sink_plain(out, rest.p, run);
            i += run;
            continue;
        }
        size_t n = text_printable(rest);
        if (rest.p[0] == '\\')
            sink_whole(out, "\\\\", 2);
        else if (n)
            sink_whole(out, (const char *)rest.p, n);
        else
            n = escape_hidden(out, rest);
        i += n;
    }
}

size_t text_escape(char *dst, size_t cap, struct span wire)
{
    struct sink out = sink_open(dst, cap);
    escape(&out, wire);
    return sink_close(&out, cap);
}

/*
 * Where the quoted string ends that a quote at `from` opens. The answer holds for every escaped
 * quote inside it too, and is kept: a line of escaped quotes costs one pass and not one per quote.
 */
struct quoted {
    size_t from, close; /* close: index of the closing quote, or the line's length */
};

static size_t quote_close(struct quoted *q, struct span wire, size_t from)
{
    if (from >= q->from && from < q->close)
        return q->close;
    size_t i = from + 1;
    while (i < wire.n && wire.p[i] != '"')
        i += wire.p[i] == '\\' ? 2 : 1;
    *q = (struct quoted){from, i < wire.n ? i : wire.n};
    return q->close;
}

static bool is_delimiter(uint8_t c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '<':
    case '>':
    case '(':
    case ')':
    case ',':
    case ':':
    case ';':
        return true;
    default:
        return false;
    }
}

/* End of the run that begins at `from`; *at becomes the index of its last @ outside quotes, or
 * stays when there is none. */
static size_t run_end(struct quoted *q, struct span wire, size_t from, size_t *at)
{
    size_t i = from;
    while (i < wire.n && !is_delimiter(wire.p[i])) {
        if (wire.p[i] == '"') {
            size_t close = quote_close(q, wire, i);
            if (close + 1 >= wire.n || wire.p[close + 1] != '@')
                break;
            i = close + 1;
            continue;
        }
        if (wire.p[i] == '@')
            *at = i;
        i++;
    }
    return i;
}

size_t text_mask(char *dst, size_t cap, struct span wire)
{
    struct sink out = sink_open(dst, cap);
    struct quoted q = {0, 0};
    size_t i = 0;
    while (i < wire.n && !out.full) {
        size_t at = i;
        size_t end = run_end(&q, wire, i, &at);
        end = end > i ? end : i + 1; /* a delimiter, or a quote that opens no address */
        if (at > i)
            sink_whole(&out, "*", 1);
        escape(&out, span_of(wire.p + at, end - at));
        i = end;
    }
    return sink_close(&out, cap);
}

size_t text_mask_address(char *dst, size_t cap, struct span address)
{
    struct sink out = sink_open(dst, cap);
    size_t at = address.n;
    while (at > 0 && address.p[at - 1] != '@')
        at--;
    if (address.n == 0)
        sink_whole(&out, "<>", 2);
    else
        sink_whole(&out, "*", 1);
    if (at > 0)
        escape(&out, span_from(address, at - 1));
    return sink_close(&out, cap);
}

/* 00 to 99: numbers are written two digits at a time. */
static const char PAIR[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";
_Static_assert(sizeof PAIR == 2 * 100 + 1, "a pair each");

static void put_pair(char *dst, uint32_t value)
{
    memcpy(dst, PAIR + (size_t)value * 2, 2);
}

size_t text_uint(char dst[TEXT_UINT], uint64_t value)
{
    char digits[TEXT_UINT];
    size_t i = sizeof digits;
    for (; value >= 100; value /= 100) {
        i -= 2;
        put_pair(digits + i, (uint32_t)(value % 100));
    }
    put_pair(digits + i - 2, (uint32_t)value); /* its zero is left out below ten */
    i -= value >= 10 ? 2 : 1;
    size_t n = sizeof digits - i;
    memcpy(dst, digits + i, n);
    dst[n] = '\0';
    return n;
}

static char *put_octet(char *dst, uint8_t value)
{
    unsigned rest = value % 100u;
    if (value >= 100)
        *dst++ = (char)('0' + value / 100);
    if (value >= 10)
        *dst++ = (char)('0' + rest / 10);
    *dst++ = (char)('0' + rest % 10);
    return dst;
}

static size_t put_ip4(char *dst, const uint8_t a[4])
{
    char *at = put_octet(dst, a[0]);
    for (int i = 1; i < 4; i++) {
        *at++ = '.';
        at = put_octet(at, a[i]);
    }
    return (size_t)(at - dst);
}

/* RFC 5952 section 4.2.3: the longest run of zero groups, the first of equals, never one alone. */
static int longest_zeros(const uint16_t g[8], int *length)
{
    int best = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && g[i + n] == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

static size_t put_group(char *dst, uint16_t g)
{
    size_t n = 0;
    for (int shift = 12; shift >= 0; shift -= 4)
        if (n || g >> shift || shift == 0)
            dst[n++] = (char)(HEX[g >> shift & 15] | 0x20); /* lower case; digits have the bit */
    return n;
}

static size_t put_ip6(char *dst, const uint8_t a[16])
{
    uint16_t g[8];
    int zeros;
    size_t n = 0;
    for (int i = 0; i < 8; i++)
        g[i] = (uint16_t)(a[2 * i] << 8 | a[2 * i + 1]);
    int gap = longest_zeros(g, &zeros);
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            memcpy(dst + n, "::", 2);
            n += 2;
            i += zeros - 1;
            continue;
        }
        if (i && i != gap + zeros)
            dst[n++] = ':';
        n += put_group(dst + n, g[i]);
    }
    return n;
}

size_t text_ip(char dst[TEXT_IP], uint8_t family, const uint8_t address[16])
{
    static const uint8_t MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};
    size_t n = 0;
    if (family == 4) {
        n = put_ip4(dst, address);
    } else if (memcmp(address, MAPPED, sizeof MAPPED) == 0) { /* RFC 5952 section 5 */
        memcpy(dst, "::ffff:", 7);
        n = 7 + put_ip4(dst + 7, address + 12);
    } else {
        n = put_ip6(dst, address);
    }
    dst[n] = '\0';
    return n;
}

/* Days since 1970-01-01 to the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
static void put_date(char *dst, int64_t days)
{
    int64_t z = days + 719468; /* since 0000-03-01: positive */
    uint32_t era = (uint32_t)(z / 146097);
    uint32_t doe = (uint32_t)(z % 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t month = (5 * doy + 2) / 153; /* 0: March */
    uint32_t year = yoe + era * 400 + (month >= 10 ? 1 : 0);
    put_pair(dst, year / 100);
    put_pair(dst + 2, year % 100);
    put_pair(dst + 5, month < 10 ? month + 3 : month - 9);
    put_pair(dst + 8, doy - (153 * month + 2) / 5 + 1);
}

size_t text_time(char dst[TEXT_TIME], nstime t)
{
    const int64_t day_us = 86400LL * 1000000;
    int64_t us = t / NS_PER_US - (t % NS_PER_US < 0);
    int64_t days = us / day_us - (us % day_us < 0);
    uint64_t rest = (uint64_t)(us - days * day_us);
    uint32_t seconds = (uint32_t)(rest / 1000000), micros = (uint32_t)(rest % 1000000);
    memcpy(dst, "0000-00-00T00:00:00.000000+0000", TEXT_TIME);
    put_date(dst, days);
    put_pair(dst + 11, seconds / 3600);
    put_pair(dst + 14, seconds / 60 % 60);
    put_pair(dst + 17, seconds % 60);
    put_pair(dst + 20, micros / 10000);
    put_pair(dst + 22, micros / 100 % 100);
    put_pair(dst + 24, micros % 100);
    return TEXT_TIME - 1;
}

bool text_seconds(char dst[TEXT_SECONDS], int64_t seconds)
{
    const int64_t first = -62135596800, last = 253402300799;
    int64_t days;
    uint32_t rest;
    if (seconds < first || seconds > last)
        return false;
    days = seconds / 86400 - (seconds % 86400 < 0);
    rest = (uint32_t)(seconds - days * 86400);
    memcpy(dst, "0000-00-00T00:00:00", TEXT_SECONDS);
    put_date(dst, days);
    put_pair(dst + 11, rest / 3600);
    put_pair(dst + 14, rest / 60 % 60);
    put_pair(dst + 17, rest % 60);
    return true;
}
