/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cached_body.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* A text as it may stand in a line of a policy; NULL: it is none, or would end the line. */
static const char *word_of(const json_t *v)
{
    const char *text = json_string_value(v);
    return text && !text[strcspn(text, "\r\n")] ? text : NULL;
}

/* False: a field that cannot be written. */
static bool write_body(FILE *to, const json_t *version, const json_t *mode, const json_t *mx,
                       int64_t max_age)
{
    const json_t *item;
    const char *first = word_of(version), *second = word_of(mode);
    size_t i;
    if (!first || !second)
        return false;
    fprintf(to, "version: %s\nmode: %s\n", first, second);
    json_array_foreach(mx, i, item)
    {
        const char *pattern = word_of(item);
        if (!pattern)
            return false;
        fprintf(to, "mx: %s\n", pattern);
    }
    fprintf(to, "max_age: %lld\n", (long long)max_age);
    return true;
}

int cached_body(const json_t *version, const json_t *mode, const json_t *mx, int64_t max_age,
                struct policy_json *out, const char **why)
{
    FILE *to = open_memstream(&out->body, &out->body_n);
    *why = "out of memory";
    if (!to)
        return -1;
    bool written = write_body(to, version, mode, mx, max_age);
    if (fclose(to))
        return -1;
    *why = "has a field that is no text of one line";
    return written ? 0 : -1;
}
