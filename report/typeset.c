/* SPDX-License-Identifier: Apache-2.0 */
#include "report/typeset.h"

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

/* Bytes that go on a line of `columns`: up to the last blank that fits, or cut inside a word. */
static size_t line_bytes(const char *text, size_t columns)
{
    size_t most = bytes_of(text, columns);
    size_t n = most;
    if (text[most] == '\0' || text[most] == ' ')
        return most;
    while (n > 0 && text[n - 1] != ' ')
        n--;
    return n ? n : most;
}

void typeset_wrap(FILE *out, const char *lead, const char *text, int lines)
{
    size_t indent = typeset_columns(lead);
    size_t columns = TYPESET_WIDTH - indent;
    fputs(lead, out);
    while (lines > 1 && typeset_columns(text) > columns) {
        size_t n = line_bytes(text, columns);
        size_t shown = n;
        while (shown > 0 && text[shown - 1] == ' ')
            shown--;
        put(out, text, shown);
        text += n;
        text += strspn(text, " ");
        fprintf(out, "\n%*s", (int)indent, "");
        lines--;
    }
    typeset_cut(out, text, columns);
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
