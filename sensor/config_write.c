/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations as files, and the table of keys as documentation. */
#include "sensor/config.h"

#include "base/text.h"
#include "sensor/cli.h"
#include "sensor/config_value.h"

#define INDENT  2
#define COLUMNS 78 /* of a comment */

/* Bytes of the path before the last dot. */
static size_t section_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

static unsigned depth_of(const char *path)
{
    unsigned n = 0;
    for (; *path; path++)
        n += *path == '.';
    return n;
}

static void indent(FILE *to, unsigned depth)
{
    fprintf(to, "%*s", (int)depth * INDENT, "");
}

static void open_section(FILE *to, const char *path, bool explained)
{
    if (explained && depth_of(path) == 0)
        putc('\n', to);
    if (explained) {
        indent(to, depth_of(path));
        fprintf(to, "# %s\n", config_key_section_help(path));
    }
    indent(to, depth_of(path));
    fprintf(to, "%s:\n", path + (depth_of(path) ? section_length(path) + 1 : 0));
}

/* Opens the sections of `path` that the key before it was not in. */
static void open_sections(FILE *to, const char *before, const char *path, bool explained)
{
    char name[CAP_CONFIG_KEY];
    for (const char *dot = path; (dot = strchr(dot, '.')); dot++) {
        size_t n = (size_t)(dot - path);
        if (strncmp(before, path, n + 1) == 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        open_section(to, name, explained);
    }
}

void config_write(FILE *to, const struct config *c)
{
    const char *before = "";
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        const struct config_row *row = config_key_row(key);
        if (!row->standard && !config_value_given(c, row))
            continue;
        open_sections(to, before, row->path, false);
        before = row->path;
        indent(to, depth_of(row->path));
        fprintf(to, "%s: ", config_key_leaf(row));
        config_value_write(to, c, row);
        putc('\n', to);
    }
}

/* --- the default file --- */

/* Broken at blanks, each line a comment. */
static void write_wrapped(FILE *to, unsigned depth, const char *text)
{
    size_t room = COLUMNS - depth * INDENT - strlen("# ");
    while (*text) {
        size_t n = strlen(text);
        if (n > room)
            for (n = room; n > 0 && text[n] != ' '; n--)
                ;
        if (n == 0)
            n = strcspn(text, " ");
        indent(to, depth);
        fprintf(to, "# %.*s\n", (int)n, text);
        text += n;
        text += *text == ' ';
    }
}

static void write_comment(FILE *to, const struct config_row *row)
{
    char allowed[128], text[400];
    config_value_allowed(allowed, sizeof(allowed), row);
    snprintf(text, sizeof(text), "%s (%s%s)", row->help, allowed,
             row->reloadable ? "" : "; restart");
    write_wrapped(to, depth_of(row->path), text);
}

static void write_default_key(FILE *to, const struct config *c, const struct config_row *row)
{
    write_comment(to, row);
    indent(to, depth_of(row->path));
    fprintf(to, "%s%s: ", row->standard ? "" : "#", config_key_leaf(row));
    config_value_write(to, c, row);
    putc('\n', to);
}

void config_write_default(FILE *to)
{
    const char *before = "";
    struct config c;
    fputs("# Configuration of stripwatch: every key with its default. docs/configuration.md\n"
          "# explains it; `stripwatch check -c FILE` tells whether a file is right. Files\n"
          "# conf.d/*.yaml beside this one are read after it, in the order of their names.\n"
          "# \"restart\": a reload (SIGHUP) does not change it.\n",
          to);
    if (config_init(&c))
        return;
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        const struct config_row *row = config_key_row(key);
        if (strncmp(before, row->path, section_length(row->path) + 1) == 0)
            putc('\n', to);
        open_sections(to, before, row->path, true);
        before = row->path;
        write_default_key(to, &c, row);
    }
    config_fini(&c);
}

/* --- documentation --- */

static void write_table_row(FILE *to, const struct config *c, enum config_key key)
{
    const struct config_row *row = config_key_row(key);
    const char *option = cli_option_of(key);
    char allowed[128];
    config_value_allowed(allowed, sizeof(allowed), row);
    fprintf(to, "| `%s` | %s | ", row->path, allowed);
    if (row->standard) {
        putc('`', to);
        config_value_write(to, c, row);
        putc('`', to);
    }
    fprintf(to, " | %s | %s%s%s | %s |\n", row->reloadable ? "yes" : "no", option ? "`--" : "",
            option ? option : "", option ? "`" : "", row->help);
}

void config_write_table(FILE *to)
{
    struct config c;
    fputs("| key | value | default | reload | option | what it is |\n|---|---|---|---|---|---|\n",
          to);
    if (config_init(&c))
        return;
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++)
        write_table_row(to, &c, key);
    config_fini(&c);
}

void config_problem_print(FILE *to, const struct config_problem *p)
{
    char name[CONFIG_PATH * 2];
    if (p->file) {
        text_escape(name, sizeof(name), span_str(p->file));
        fprintf(to, "%s:", name);
    }
    if (p->line > 0)
        fprintf(to, "%u:", p->line);
    fprintf(to, "%s%s: %s%s\n", p->file ? " " : "", p->key, p->warning ? "warning: " : "", p->text);
}
