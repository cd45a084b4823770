/* SPDX-License-Identifier: Apache-2.0 */
#include "report/typeset.h"

#include <stdarg.h>

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

size_t typeset_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += begins_character(*text);
    return n;
}

/* Prints n bytes. */
static void put(FILE *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        putc(c < 0x20 || c == 0x7F ? '?' : c, out);
    }
}

/* Bytes of the first `columns` characters. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t i = 0;
    for (; text[i]; i++)
        if (begins_character(text[i]) && columns-- == 0)
            break;
    return i;
}

void typeset_cut(FILE *out, const char *text, size_t columns)
{
    if (typeset_columns(text) <= columns) {
        put(out, text, strlen(text));
        return;
    }
    put(out, text, bytes_of(text, columns > 3 ? columns - 3 : 0));
    fputs("...", out);
}

/* A command between backticks is there to be copied: not begun on a line on which it cannot end. */
static size_t before_command(const char *text, size_t n)
{
    size_t begin = n;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '`')
            begin = begin == n ? i : n;
    return begin > 0 && begin < n && strchr(text + n, '`') ? begin : n;
}

/* Bytes that go on a line of `columns`: up to the last blank that fits, or cut inside a word. */
static size_t line_bytes(const char *text, size_t columns)
{
    size_t most = bytes_of(text, columns);
    size_t n = most;
    while (n > 0 && text[most] != ' ' && text[n - 1] != ' ')
        n--;
    return n ? before_command(text, n) : most;
}

void typeset_hang(FILE *out, size_t column, const char *text, int lines)
{
    size_t columns = TYPESET_WIDTH - column;
    while (lines > 1 && typeset_columns(text) > columns) {
        size_t n = line_bytes(text, columns);
        size_t shown = n;
        while (shown > 0 && text[shown - 1] == ' ')
            shown--;
        put(out, text, shown);
        text += n;
        text += strspn(text, " ");
        fprintf(out, "\n%*s", (int)column, "");
        lines--;
    }
    typeset_cut(out, text, columns);
}

void typeset_wrap(FILE *out, const char *lead, const char *text, int lines)
{
    fputs(lead, out);
    typeset_hang(out, typeset_columns(lead), text, lines);
    putc('\n', out);
}

const char *typeset_count(char dst[TYPESET_COUNT], uint64_t n)
{
    char digits[TEXT_UINT];
    size_t len = text_uint(digits, n);
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            dst[at++] = ',';
        dst[at++] = digits[i];
    }
    dst[at] = '\0';
    return dst;
}

void typeset_say(struct typeset_words *w, const char *format, ...)
{
    size_t room = sizeof w->text - w->n;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text + w->n, room, format, args);
    va_end(args);
    if (n > 0)
        w->n += (size_t)n < room ? (size_t)n : room - 1;
}

void typeset_say_number(struct typeset_words *w, uint64_t n, const char *one, const char *many)
{
    char text[TYPESET_COUNT];
    typeset_say(w, "%s %s", typeset_count(text, n), n == 1 ? one : many);
}
