/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sensor/config_value.h"
#include "sensor/config_yaml.h"

#define SUFFIX ".yaml"
#define SHORT  ".yml"

/* A file on its way into a configuration. */
struct loading {
    struct config *c;
    struct config_faults *faults;
    const char *file;
    unsigned number;                   /* index + 1 in c->file */
    unsigned section[CONFIG_SECTIONS]; /* line; 0: not yet */
    unsigned key[CONFIG_KEY_COUNT];    /* likewise */
};

void config_load_fault(struct config_faults *f, const struct config_problem *problem)
{
    if (problem->warning) {
        f->fn(f->user, problem);
        return;
    }
    if (f->errors++ < CAP_CONFIG_PROBLEMS)
        f->fn(f->user, problem);
    else if (f->errors == CAP_CONFIG_PROBLEMS + 1)
        f->fn(f->user, &(struct config_problem){.file = problem->file,
                                                .key = "file",
                                                .text = "there is more: mend these first"});
}

/* --- nodes of a file --- */

static bool complain(const struct loading *l, const struct config_node *n, const char *text)
{
    config_load_fault(
        l->faults,
        &(struct config_problem){.file = l->file, .line = n->line, .key = n->path, .text = text});
    return false;
}

static bool complain_unknown(const struct loading *l, const struct config_node *n)
{
    char text[200], hint[160];
    config_key_hint(n->path, hint, sizeof(hint));
    snprintf(text, sizeof(text), "unknown key%s", hint);
    return complain(l, n, text);
}

/* Each is there once: which of two would count, nobody remembers. */
static bool is_first(const struct loading *l, const struct config_node *n, unsigned *line)
{
    char text[64];
    if (*line == 0) {
        *line = n->line;
        return true;
    }
    snprintf(text, sizeof(text), "is there twice, first in line %u", *line);
    return complain(l, n, text);
}

static bool enter_section(struct loading *l, const struct config_node *n)
{
    int section = config_key_section(n->path);
    if (section >= 0)
        return is_first(l, n, &l->section[section]);
    if (config_key_find(n->path) < CONFIG_KEY_COUNT)
        return complain(l, n, "has a section or a list where a value belongs");
    return complain_unknown(l, n);
}

static void take(struct loading *l, const struct config_node *n, const struct config_row *row)
{
    struct cli_why why;
    int rc = config_value_take(l->c, row, n->text, NULL, &why);
    if (rc == 0)
        return;
    config_load_fault(
        l->faults,
        &(struct config_problem){
            .file = l->file, .line = n->line, .key = n->path, .text = why.text, .warning = rc > 0});
}

/* The row of a value or a list that comes for the first time; NULL: complained of. */
static const struct config_row *begin_value(struct loading *l, const struct config_node *n)
{
    enum config_key key = config_key_find(n->path);
    if (key == CONFIG_KEY_COUNT) {
        if (config_key_section(n->path) >= 0)
            complain(l, n, "is a section: keys belong below it");
        else
            complain_unknown(l, n);
        return NULL;
    }
    if (!is_first(l, n, &l->key[key]))
        return NULL;
    l->c->origin[key] = (struct config_origin){l->number, n->line};
    return config_key_row(key);
}

static bool enter_list(struct loading *l, const struct config_node *n)
{
    const struct config_row *row = begin_value(l, n);
    if (!row)
        return false;
    if (!config_key_is_list(row))
        return complain(l, n, "takes one value, not a list");
    config_value_clear(l->c, row);
    return true;
}

static bool take_value(struct loading *l, const struct config_node *n)
{
    const struct config_row *row = begin_value(l, n);
    if (!row)
        return false;
    if (config_key_is_list(row)) {
        config_value_clear(l->c, row);
        if (row->type != CONFIG_STORES && span_find(n->text, ',') < n->text.n)
            return complain(l, n, "is one word with commas: a list is written [A, B]");
    }
    take(l, n, row);
    return true;
}

static bool take_item(struct loading *l, const struct config_node *n)
{
    take(l, n, config_key_row(config_key_find(n->path)));
    return true;
}

/* A section whose keys are all comments is as good as none. */
static bool take_nothing(struct loading *l, const struct config_node *n)
{
    int section = config_key_section(n->path);
    if (section >= 0)
        return is_first(l, n, &l->section[section]);
    if (config_key_find(n->path) == CONFIG_KEY_COUNT)
        return complain_unknown(l, n);
    return complain(l, n, "has no value (none is written '' or [])");
}

static bool on_node(void *user, const struct config_node *n)
{
    struct loading *l = user;
    if (l->faults->errors > CAP_CONFIG_PROBLEMS)
        return false; /* nobody is told what may have been meant */
    switch (n->kind) {
    case CONFIG_NODE_SECTION:
        return enter_section(l, n);
    case CONFIG_NODE_LIST:
        return enter_list(l, n);
    case CONFIG_NODE_ITEM:
        return take_item(l, n);
    case CONFIG_NODE_VALUE:
        return take_value(l, n);
    default:
        return take_nothing(l, n);
    }
}

static void on_fault(void *user, unsigned line, const char *path, const char *what)
{
    const struct loading *l = user;
    complain(l, &(struct config_node){.line = line, .path = path}, what);
}

/* --- bytes of a file --- */

static bool is_space(uint8_t c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

/* What cannot be seen could make a file read otherwise than it looks. */
static bool check_bytes(const struct loading *l, struct span text)
{
    unsigned line = 1;
    char what[64];
    while (text.n > 0) {
        size_t n = is_space(text.p[0]) ? 1 : text_printable(text);
        if (n == 0) {
            snprintf(what, sizeof(what), "byte 0x%02X is not printable UTF-8", text.p[0]);
            return complain(l, &(struct config_node){.line = line, .path = "syntax"}, what);
        }
        line += text.p[0] == '\n';
        text = span_from(text, n);
    }
    return true;
}

static bool begin_file(struct loading *l)
{
    const struct config_node whole = {.path = "file"};
    if (l->c->file_count == CAP_CONFIG_FILES)
        return complain(l, &whole, "is one file too many (64)");
    char *copy = strdup(l->file);
    if (!copy)
        return complain(l, &whole, "out of memory");
    l->c->file[l->c->file_count++] = copy;
    l->number = (unsigned)l->c->file_count;
    return true;
}
_Static_assert(CAP_CONFIG_FILES == 64, "the text above says so");

void config_load_bytes(struct config *c, const char *name, struct span text,
                       struct config_faults *f)
{
    struct loading l = {.c = c, .faults = f, .file = name};
    const struct config_yaml_sink sink = {&l, on_node, on_fault};
    if (span_starts_nocase(text, span_str("\xEF\xBB\xBF"))) /* as some editors begin a file */
        text = span_from(text, 3);
    if (begin_file(&l) && check_bytes(&l, text))
        config_yaml_read(text, &sink);
}

/* --- files --- */

static void complain_file(struct config_faults *f, const char *path, const char *text, bool warning)
{
    config_load_fault(
        f, &(struct config_problem){.file = path, .key = "file", .text = text, .warning = warning});
}

/* The bytes, one more than the cap at most; NULL: errno says why. */
static uint8_t *read_bytes(int fd, size_t *n)
{
    uint8_t *bytes = malloc(CAP_CONFIG_BYTES + 1);
    ssize_t got = 1;
    for (*n = 0; bytes && got > 0 && *n <= CAP_CONFIG_BYTES; *n += (size_t)got) {
        if ((got = read(fd, bytes + *n, CAP_CONFIG_BYTES + 1 - *n)) < 0) {
            free(bytes);
            return NULL;
        }
    }
    return bytes;
}

static void load_open(struct config *c, const char *path, int fd, struct config_faults *f)
{
    struct stat about;
    uint8_t *bytes;
    size_t n;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode)) {
        complain_file(f, path, "is not a file", false);
        return;
    }
    if (about.st_mode & S_IWOTH)
        complain_file(f, path, "everybody may write to it (chmod o-w)", true);
    if (!(bytes = read_bytes(fd, &n)))
        complain_file(f, path, strerror(errno), false);
    else if (n > CAP_CONFIG_BYTES)
        complain_file(f, path, "is longer than 256 KiB", false);
    else
        config_load_bytes(c, path, span_of(bytes, n), f);
    free(bytes);
}
_Static_assert(CAP_CONFIG_BYTES == 256 * 1024, "the text above says so");

void config_load_file(struct config *c, const char *path, struct config_faults *f)
{
    /* A pipe without a writer must not keep us waiting. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char text[128];
    if (fd < 0) {
        snprintf(text, sizeof(text), "cannot be read: %s", strerror(errno));
        complain_file(f, path, text, false);
        return;
    }
    load_open(c, path, fd, f);
    close(fd);
}

/* --- directories --- */

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

static int is_wanted(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return name[0] != '.' && (ends_in(name, SUFFIX) || ends_in(name, SHORT));
}

/* By bytes: the order must not depend on a locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_entry(struct config *c, const char *dir, const char *name, struct config_faults *f)
{
    char path[CONFIG_PATH];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (n >= CONFIG_PATH)
        complain_file(f, dir, "has a file with too long a path", false);
    else if (ends_in(name, SHORT))
        complain_file(f, path, "is not read: its name does not end in .yaml", true);
    else
        config_load_file(c, path, f);
}

void config_load_files(struct config *c, const char *path, bool optional, struct config_faults *f)
{
    struct dirent **entry;
    char text[128];
    int n = scandir(path, &entry, is_wanted, by_name);
    if (n < 0 && !(optional && errno == ENOENT)) {
        snprintf(text, sizeof(text), "cannot be read: %s", strerror(errno));
        complain_file(f, path, text, false);
    }
    for (int i = 0; i < n; i++) {
        load_entry(c, path, entry[i]->d_name, f);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
}
