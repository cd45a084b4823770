/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a configuration as text: for a file, for a comparison, for a message. */
#include "sensor/config_list.h"
#include "sensor/config_number.h"
#include "sensor/config_value.h"

#include <stdio.h>

#define ITEM 128 /* bytes of the longest item that is no text */

static const void *member(const struct config *c, const struct config_row *row)
{
    return (const char *)c + row->at;
}

/* The one quotation of YAML in which no byte but the quote means anything. */
static void write_quoted(FILE *to, const char *text)
{
    putc('\'', to);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', to);
        putc(*text, to);
    }
    putc('\'', to);
}

static void write_words(FILE *to, const struct config_words *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", to);
        write_quoted(to, list->word[i]);
    }
}

static void write_items(FILE *to, const void *list, enum config_type type)
{
    char item[ITEM];
    bool quoted = type == CONFIG_NETS || type == CONFIG_INTERFACES; /* they may have colons */
    for (size_t i = 0; config_list_item(list, type, i, item, sizeof(item)); i++) {
        fputs(i > 0 ? ", " : "", to);
        if (quoted)
            write_quoted(to, item);
        else
            fputs(item, to);
    }
}

static void write_list(FILE *to, const void *list, enum config_type type)
{
    putc('[', to);
    if (config_key_has_words(type))
        write_words(to, list);
    else
        write_items(to, list, type);
    putc(']', to);
}

static const char *text_of(const struct config *c, const struct config_row *row)
{
    const void *at = member(c, row);
    const char *text =
        row->type == CONFIG_SECRET_ ? ((const struct config_secret *)at)->from : *(char *const *)at;
    return text ? text : "";
}

void config_value_write(FILE *to, const struct config *c, const struct config_row *row)
{
    const void *at = member(c, row);
    char text[64];
    if (config_key_is_list(row)) {
        write_list(to, at, row->type);
        return;
    }
    switch (row->type) {
    case CONFIG_BOOLEAN:
        fputs(*(const bool *)at ? "true" : "false", to);
        break;
    case CONFIG_NUMBER:
        config_number_write(text, sizeof(text), row->unit, *(const uint32_t *)at);
        fputs(text, to);
        break;
    case CONFIG_CHOICE:
        fputs(row->words[*(const unsigned *)at - row->first], to);
        break;
    default:
        write_quoted(to, text_of(c, row));
    }
}

bool config_value_given(const struct config *c, const struct config_row *row)
{
    const void *at = member(c, row);
    char item[ITEM];
    if (config_key_has_words(row->type))
        return ((const struct config_words *)at)->count > 0;
    if (config_key_is_list(row))
        return config_list_item(at, row->type, 0, item, sizeof(item));
    return row->type <= CONFIG_CHOICE || text_of(c, row)[0] != '\0';
}

static bool words_eq(const struct config_words *a, const struct config_words *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (strcmp(a->word[i], b->word[i]) != 0)
            return false;
    return a->count == b->count;
}

static bool items_eq(const void *a, const void *b, enum config_type type)
{
    char one[ITEM], other[ITEM];
    for (size_t i = 0;; i++) {
        bool has = config_list_item(a, type, i, one, sizeof(one));
        if (has != config_list_item(b, type, i, other, sizeof(other)))
            return false;
        if (!has || strcmp(one, other) != 0)
            return !has;
    }
}

bool config_value_eq(const struct config *a, const struct config *b, const struct config_row *row)
{
    const void *x = member(a, row), *y = member(b, row);
    const struct config_secret *one = x, *other = y;
    switch (row->type) {
    case CONFIG_BOOLEAN:
        return *(const bool *)x == *(const bool *)y;
    case CONFIG_NUMBER:
    case CONFIG_CHOICE:
        return *(const uint32_t *)x == *(const uint32_t *)y;
    case CONFIG_STORES:
    case CONFIG_DOMAINS:
    case CONFIG_RULES:
    case CONFIG_FORWARDS:
    case CONFIG_STUBS:
        return words_eq(x, y);
    case CONFIG_SECRET_:
        if (strcmp(one->value, other->value) != 0)
            return false;
        break;
    default:
        if (config_key_is_list(row))
            return items_eq(x, y, row->type);
    }
    return strcmp(text_of(a, row), text_of(b, row)) == 0;
}

static void join_words(char *dst, size_t cap, const char *const *words)
{
    size_t n = 0;
    for (size_t i = 0; words[i] && n < cap; i++)
        n += (size_t)snprintf(dst + n, cap - n, "%s%s",
                              i == 0         ? ""
                              : words[i + 1] ? ", "
                                             : " or ",
                              words[i]);
}

void config_value_allowed(char *dst, size_t cap, const struct config_row *row)
{
    static const char *const TYPE[CONFIG_TYPE_COUNT] = {
        [CONFIG_BOOLEAN] = "true or false",
        [CONFIG_TEXT] = "text",
        [CONFIG_PATH_] = "absolute path",
        [CONFIG_INPUT] = "absolute path of what can be read",
        [CONFIG_STORE] = "store",
        [CONFIG_REDIS] = "address, or path of a socket",
        [CONFIG_HOST] = "HOST, HOST:PORT or [ADDRESS]:PORT",
        [CONFIG_URL] = "https://... or http://...",
        [CONFIG_LISTEN] = "loopback address and port",
        [CONFIG_SOCKET] = "absolute path",
        [CONFIG_ACCOUNT] = "name",
        [CONFIG_SECRET_] = "absolute path, or credential:NAME",
        [CONFIG_STORES] = "list of absolute paths and stores",
        [CONFIG_DOMAINS] = "list of domains",
        [CONFIG_RULES] = "list of rules",
        [CONFIG_FORWARDS] = "list of ADDRESS[@PORT][#NAME]",
        [CONFIG_STUBS] = "list of ZONE=ADDRESS[@PORT]",
        [CONFIG_NETS] = "list of networks",
        [CONFIG_PORTS] = "list of ports",
        [CONFIG_INTERFACES] = "list of interfaces",
        [CONFIG_KINDS] = "list of smtp, tls, alert, stats",
    };
    if (row->type == CONFIG_NUMBER)
        config_number_allowed(dst, cap, row);
    else if (row->type == CONFIG_CHOICE)
        join_words(dst, cap, row->words);
    else
        snprintf(dst, cap, "%s", TYPE[row->type]);
}
