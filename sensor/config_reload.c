/* SPDX-License-Identifier: Apache-2.0 */
/* Two configurations: what differs, and one in the place of the other. */
#include "sensor/config.h"

#include <stdlib.h>

#include "sensor/config_load.h"
#include "sensor/config_value.h"

#define CHANGED "(changed)"

/* On the heap; NULL: no memory. */
static char *shown(const struct config *c, const struct config_row *row)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return NULL;
    config_value_write(to, c, row);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

static void tell(const struct config *old, const struct config *new, enum config_key key,
                 config_change_fn change, void *user)
{
    const struct config_row *row = config_key_row(key);
    bool secret = row->type == CONFIG_SECRET_;
    char *before = secret ? NULL : shown(old, row), *after = secret ? NULL : shown(new, row);
    change(user, &(struct config_change){.key = key,
                                         .name = row->path,
                                         .old = before ? before : CHANGED,
                                         .new = after ? after : CHANGED,
                                         .reloadable = row->reloadable});
    free(before);
    free(after);
}

int config_diff(const struct config *old, const struct config *new, config_change_fn change,
                void *user)
{
    int n = 0;
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        if (config_value_eq(old, new, config_key_row(key)))
            continue;
        tell(old, new, key, change, user);
        n++;
    }
    return n;
}

/* What differs and must not: told as a fault of the file that says so now. */
static unsigned refuse_fixed(const struct config *old, const struct config *new,
                             struct config_faults *f)
{
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        const struct config_row *row = config_key_row(key);
        const struct config_origin *at = &new->origin[key];
        if (row->reloadable || config_value_eq(old, new, row))
            continue;
        config_load_fault(
            f, &(struct config_problem){.file = at->file ? new->file[at->file - 1] : NULL,
                                        .line = at->line,
                                        .key = row->path,
                                        .text = "cannot change while it is in use: restart"});
    }
    return f->errors;
}

int config_reread(struct config *next, const struct config *c, const struct config_source *from,
                  config_problem_fn problem, void *user)
{
    struct config_faults f = {.fn = problem, .user = user};
    if (config_read(next, from, problem, user))
        return -1;
    if (refuse_fixed(c, next, &f) == 0)
        return 0;
    config_fini(next);
    return -1;
}

int config_replace(struct config *c, struct config *next, config_change_fn change, void *user)
{
    int changes = config_diff(c, next, change, user);
    config_fini(c);
    *c = *next;
    return changes;
}
