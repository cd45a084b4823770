/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_number.h"

#include <stdio.h>

#define DIGITS 10 /* of the largest number */
#define NAMES  4  /* of a unit */

struct measure {
    char name[4];  /* as written behind a number */
    uint32_t each; /* in the unit of the row; 0: there are no more */
};

static const struct unit {
    const char *called; /* in messages */
    struct measure measure[NAMES];
} UNIT[] = {
    [CONFIG_UNIT_NONE] = {"", {{"", 1}}},
    [CONFIG_UNIT_BYTES] = {" bytes", {{"", 1}, {"KiB", 1024}}},
    [CONFIG_UNIT_MIB] = {" MiB", {{"MiB", 1}, {"GiB", 1024}, {"TiB", 1048576}}},
    [CONFIG_UNIT_SECONDS] = {" s", {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}}},
    [CONFIG_UNIT_DAYS] = {" d", {{"d", 1}}},
    [CONFIG_UNIT_PERCENT] = {" %", {{"%", 1}}},
};
_Static_assert(sizeof(UNIT) / sizeof(UNIT[0]) == CONFIG_UNIT_COUNT, "a row for each unit");

static size_t digits_of(struct span text)
{
    size_t n = 0;
    while (n < text.n && span_is_digit(text.p[n]))
        n++;
    return n;
}

/* 0: there is no unit of that name. None named is the first. */
static uint32_t each_of(const struct unit *unit, struct span name)
{
    for (int i = 0; i < NAMES && unit->measure[i].each; i++)
        if (name.n == 0 || span_eq(name, span_str(unit->measure[i].name)))
            return unit->measure[i].each;
    return 0;
}

bool config_number_read(struct span text, const struct config_row *row, uint32_t *out)
{
    size_t n = digits_of(text);
    struct span name = span_from(text, n);
    uint64_t value = 0;
    if (n == 0 || n > DIGITS || (n > 1 && text.p[0] == '0'))
        return false;
    if (name.n > 1 && name.p[0] == ' ')
        name = span_from(name, 1);
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    uint32_t each = each_of(&UNIT[row->unit], name);
    value *= each;
    *out = (uint32_t)value;
    return each > 0 && value >= row->min && value <= row->max;
}

size_t config_number_write(char *dst, size_t cap, enum config_unit unit, uint32_t value)
{
    const struct measure *m = UNIT[unit].measure;
    const char *name = m[0].name;
    uint32_t each = 1;
    for (int i = 1; i < NAMES && m[i].each > 0; i++) {
        if (value == 0 || value % m[i].each != 0)
            continue;
        each = m[i].each;
        name = m[i].name;
    }
    return (size_t)snprintf(dst, cap, "%u%s%s", value / each, *name ? " " : "", name);
}

void config_number_allowed(char *dst, size_t cap, const struct config_row *row)
{
    const struct unit *unit = &UNIT[row->unit];
    char more[32] = "";
    size_t n = 0;
    for (int i = 1; i < NAMES && unit->measure[i].each; i++)
        n += (size_t)snprintf(more + n, sizeof(more) - n, "%s%s", i > 1 ? ", " : "; ",
                              unit->measure[i].name);
    snprintf(dst, cap, "%u to %u%s%s", row->min, row->max, unit->called, more);
}
