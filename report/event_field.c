/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_field.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"

struct span event_text(const struct json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

struct span event_member(const struct json_t *object, const char *key)
{
    return event_text(json_object_get(object, key));
}

/* --- texts --- */

/* Room for one more and for the NUL; else the text ends in dots. */
static bool append(char *dst, size_t cap, size_t *n, const char *part, size_t len)
{
    if (*n + len + sizeof("...") > cap) {
        memcpy(dst + *n, "...", sizeof("..."));
        return false;
    }
    memcpy(dst + *n, part, len);
    dst[ *n += len] = '\0';
    return true;
}

void event_tame(char *dst, size_t cap, struct span text)
{
    size_t n = 0;
    dst[0] = '\0';
    for (size_t step; text.n > 0; text = span_from(text, step)) {
        char hex[8];
        step = text_printable(text);
        bool odd = step == 0;
        if (odd)
            snprintf(hex, sizeof(hex), "\\x%02X", text.p[step++]);
        if (!append(dst, cap, &n, odd ? hex : (const char *)text.p, odd ? 4 : step))
            return;
    }
}

/* --- time --- */

static bool digits(struct span *at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= at->n || !span_is_digit(at->p[i]))
            return false;
        *out = *out * 10 + (at->p[i] - '0');
    }
    *at = span_from(*at, n);
    return true;
}

static bool letter(struct span *at, char c)
{
    if (at->n == 0 || at->p[0] != (uint8_t)c)
        return false;
    *at = span_from(*at, 1);
    return true;
}

struct moment {
    int year, month, day, hour, minute, second, offset; /* the last in seconds east of UTC */
};

static bool read_offset(struct span *at, int *seconds)
{
    int hours, minutes, sign = letter(at, '-') ? -1 : 1;
    if (letter(at, 'Z') && at->n == 0) {
        *seconds = 0;
        return true;
    }
    if (sign > 0 && !letter(at, '+'))
        return false;
    if (!digits(at, 2, &hours))
        return false;
    (void)letter(at, ':');
    if (!digits(at, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return at->n == 0 && hours < 24 && minutes < 60;
}

/* EVE has .uuuuuu+0000; Suricata writes the offset of its place, and some reporters none. */
static bool read_moment(struct span at, struct moment *m, bool *zoned)
{
    bool ok = digits(&at, 4, &m->year) && letter(&at, '-') && digits(&at, 2, &m->month) &&
              letter(&at, '-') && digits(&at, 2, &m->day) && letter(&at, 'T') &&
              digits(&at, 2, &m->hour) && letter(&at, ':') && digits(&at, 2, &m->minute) &&
              letter(&at, ':') && digits(&at, 2, &m->second);
    if (ok && letter(&at, '.'))
        while (at.n > 0 && span_is_digit(at.p[0]))
            at = span_from(at, 1);
    *zoned = at.n > 0;
    m->offset = 0;
    return ok && (!*zoned || read_offset(&at, &m->offset)) && m->year > 0 && m->month >= 1 &&
           m->month <= 12 && m->day >= 1 && m->day <= 31 && m->hour < 24 && m->minute < 60 &&
           m->second < 61;
}

/* Days since 1970-01-01; years count from March, so that the leap day is the last of its year. */
static int32_t day_number(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

bool event_time(struct span text, int64_t *second, bool *zoned)
{
    struct moment m;
    if (!read_moment(text, &m, zoned))
        return false;
    *second = day_number(m.year, m.month, m.day) * 86400LL + m.hour * 3600LL + m.minute * 60LL +
              m.second - m.offset;
    return true;
}

int32_t event_day(int64_t second)
{
    return (int32_t)(second / 86400 - (second % 86400 < 0));
}

/* --- addresses --- */

bool event_address(struct span text, uint8_t *family, uint8_t address[16])
{
    char copy[TEXT_IP];
    *family = 0;
    memset(address, 0, 16);
    if (text.n == 0 || text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, address) == 1)
        *family = 4;
    else if (inet_pton(AF_INET6, copy, address) == 1)
        *family = 6;
    return *family != 0;
}

bool event_address_plain(struct span text, uint8_t *family, uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (!event_address(text, family, address))
        return false;
    if (*family == 6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
        *family = 4;
        memmove(address, address + 12, 4);
        memset(address + 4, 0, 12);
    }
    return true;
}
