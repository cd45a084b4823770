/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of one line of our output, written from RFC 8259 (JSON) and Unicode table 3-7
 * (UTF-8) and from nothing in base/: json_check() says whether it is one object and one line feed,
 * with no control character, no ill-formed UTF-8 and no key twice in an object. json_check_string()
 * decodes a JSON string, and json_check_wire() turns the \xHH text back into wire bytes.
 */
#ifndef TESTS_UNIT_JSON_CHECK_H
#define TESTS_UNIT_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_CHECK_KEYS 128

struct json_reader {
    const uint8_t *p, *end;
    int depth;
};

static inline bool json_utf8_tail(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xBF)
            return false;
    return true;
}

/* Bytes of the well-formed character at p, or 0. */
static inline size_t json_utf8(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);
    if (left >= 1 && p[0] <= 0x7F)
        return 1;
    if (left >= 2 && p[0] >= 0xC2 && p[0] <= 0xDF)
        return json_utf8_tail(p + 1, 1) ? 2 : 0;
    if (left >= 3 && p[0] >= 0xE0 && p[0] <= 0xEF) {
        bool second = p[0] == 0xE0   ? p[1] >= 0xA0 && p[1] <= 0xBF
                      : p[0] == 0xED ? p[1] >= 0x80 && p[1] <= 0x9F
                                     : json_utf8_tail(p + 1, 1);
        return second && json_utf8_tail(p + 2, 1) ? 3 : 0;
    }
    if (left >= 4 && p[0] >= 0xF0 && p[0] <= 0xF4) {
        bool second = p[0] == 0xF0   ? p[1] >= 0x90 && p[1] <= 0xBF
                      : p[0] == 0xF4 ? p[1] >= 0x80 && p[1] <= 0x8F
                                     : json_utf8_tail(p + 1, 1);
        return second && json_utf8_tail(p + 2, 2) ? 4 : 0;
    }
    return 0;
}

static inline bool json_take(struct json_reader *r, char c)
{
    if (r->p >= r->end || *r->p != (uint8_t)c)
        return false;
    r->p++;
    return true;
}

static inline bool json_read_escape(struct json_reader *r)
{
    if (r->p >= r->end)
        return false;
    uint8_t c = *r->p++;
    if (c == 'u') {
        for (int i = 0; i < 4; i++, r->p++)
            if (r->p >= r->end || *r->p == 0 || !strchr("0123456789abcdefABCDEF", *r->p))
                return false;
        return true;
    }
    return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
}

static inline bool json_read_string(struct json_reader *r)
{
    if (!json_take(r, '"'))
        return false;
    while (r->p < r->end && *r->p != '"') {
        size_t n = json_utf8(r->p, r->end);
        if (n == 0 || *r->p < 0x20)
            return false;
        bool escape = *r->p == '\\';
        r->p += n;
        if (escape && !json_read_escape(r))
            return false;
    }
    return json_take(r, '"');
}

static inline bool json_read_digits(struct json_reader *r)
{
    const uint8_t *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

static inline bool json_read_number(struct json_reader *r)
{
    json_take(r, '-');
    if (!json_take(r, '0') && !json_read_digits(r))
        return false;
    return !json_take(r, '.') || json_read_digits(r);
}

static inline bool json_read_word(struct json_reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    return true;
}

static inline bool json_read_value(struct json_reader *r);

static inline bool json_read_array(struct json_reader *r)
{
    if (!json_take(r, '['))
        return false;
    if (json_take(r, ']'))
        return true;
    do {
        if (!json_read_value(r))
            return false;
    } while (json_take(r, ','));
    return json_take(r, ']');
}

static inline bool json_read_object(struct json_reader *r)
{
    const uint8_t *key[JSON_CHECK_KEYS];
    size_t len[JSON_CHECK_KEYS], n = 0;
    if (!json_take(r, '{'))
        return false;
    if (json_take(r, '}'))
        return true;
    do {
        key[n] = r->p;
        if (!json_read_string(r))
            return false;
        len[n] = (size_t)(r->p - key[n]);
        for (size_t i = 0; i < n; i++)
            if (len[i] == len[n] && memcmp(key[i], key[n], len[n]) == 0)
                return false;
        n += n + 1 < JSON_CHECK_KEYS;
        if (!json_take(r, ':') || !json_read_value(r))
            return false;
    } while (json_take(r, ','));
    return json_take(r, '}');
}

static inline bool json_read_value(struct json_reader *r)
{
    bool ok;
    if (r->p >= r->end || r->depth >= 100)
        return false;
    r->depth++;
    switch (*r->p) {
    case '{':
        ok = json_read_object(r);
        break;
    case '[':
        ok = json_read_array(r);
        break;
    case '"':
        ok = json_read_string(r);
        break;
    case 't':
        ok = json_read_word(r, "true");
        break;
    case 'f':
        ok = json_read_word(r, "false");
        break;
    default: /* null is not ours: unknown means absent */
        ok = json_read_number(r);
        break;
    }
    r->depth--;
    return ok;
}

static inline bool json_check(const void *line, size_t n)
{
    struct json_reader r = {line, (const uint8_t *)line + n, 0};
    return json_read_object(&r) && json_take(&r, '\n') && r.p == r.end;
}

/* Decodes the JSON string that begins at `p` (its opening quote) into dst; its length. Only the
 * escapes that our writer uses: \" and \\. */
static inline size_t json_check_string(char *dst, const char *p)
{
    size_t n = 0;
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        dst[n++] = *p;
    }
    dst[n] = '\0';
    return n;
}

/* \xHH and \\ back to bytes: the round trip that OUTPUT.md promises. */
static inline size_t json_check_wire(uint8_t *dst, const char *text, size_t n)
{
    static const char HEX[] = "0123456789ABCDEF";
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\' && i + 1 < n && text[i + 1] == '\\') {
            dst[out++] = '\\';
            i++;
        } else if (text[i] == '\\' && i + 3 < n && text[i + 1] == 'x') {
            const char *high = memchr(HEX, text[i + 2], 16), *low = memchr(HEX, text[i + 3], 16);
            dst[out++] = (uint8_t)(high && low ? (high - HEX) << 4 | (low - HEX) : 0);
            i += 3;
        } else {
            dst[out++] = (uint8_t)text[i];
        }
    }
    return out;
}

#endif
