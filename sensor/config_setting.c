/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the command line into a struct config. */
#include "sensor/config_load.h"

#include <stdio.h>

#include "base/text.h"
#include "sensor/config_value.h"

static int set(struct config *c, const struct config_setting *s, const char *here,
               struct cli_why *why)
{
    const struct config_row *row = config_key_row(s->key);
    if (config_key_is_list(row) && !s->more)
        config_value_clear(c, row);
    c->origin[s->key] = (struct config_origin){0, 0};
    return s->item ? config_value_take(c, row, span_str(s->text), here, why)
                   : config_value_take_all(c, row, s->text, here, why);
}

/* KEY=VALUE: which key? CONFIG_KEY_COUNT: `why` says what is wrong. */
static enum config_key key_of(const char *text, char name[CAP_CONFIG_KEY], struct cli_why *why)
{
    char hint[160];
    size_t n = strcspn(text, "=");
    text_escape(name, CAP_CONFIG_KEY, n > 0 ? span_of(text, n) : span_str("''"));
    enum config_key key = config_key_find(name);
    if (text[n] != '=')
        snprintf(why->text, sizeof(why->text), "is not KEY=VALUE");
    else if (key < CONFIG_KEY_COUNT)
        return key;
    else if (config_key_section(name) >= 0)
        snprintf(why->text, sizeof(why->text), "is a section: keys belong below it");
    else {
        config_key_hint(name, hint, sizeof(hint));
        snprintf(why->text, sizeof(why->text), "unknown key%s", hint);
    }
    return CONFIG_KEY_COUNT;
}

void config_load_setting(struct config *c, const struct config_setting *s, const char *here,
                         struct config_faults *f)
{
    char name[CAP_CONFIG_KEY], from[64];
    struct config_setting one = *s;
    struct cli_why why = {""};
    struct config_problem p = {.file = from, .key = name};
    int rc = -1;
    snprintf(from, sizeof(from), "--%s", s->option ? s->option : "set");
    if (!s->option && (one.key = key_of(s->text, name, &why)) < CONFIG_KEY_COUNT)
        one.text = s->text + strcspn(s->text, "=") + 1;
    if (one.key < CONFIG_KEY_COUNT) {
        p.key = config_key_row(one.key)->path;
        rc = set(c, &one, here, &why);
    }
    if (rc == 0)
        return;
    p.text = why.text;
    p.warning = rc > 0;
    config_load_fault(f, &p);
}
