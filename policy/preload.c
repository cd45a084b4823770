/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/preload.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/policy_json.h"

#define VERSION "0.1"

struct reader {
    struct book *book;
    struct preload *out;
    const json_t *aliases;
};

static int refuse(struct preload *out, const char *what, const char *detail)
{
    char shown[100];
    text_escape(shown, sizeof(shown), span_str(detail));
    if (!out->why[0])
        snprintf(out->why, sizeof(out->why), *shown ? "%s: %s" : "%s%s", what, shown);
    return -1;
}

/* An ISO time, or seconds as the older lists have them. */
static bool read_time(const json_t *list, const char *key, nstime *out)
{
    const json_t *v = json_object_get(list, key);
    if (json_is_string(v))
        return policy_json_time(span_str(json_string_value(v)), out);
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        json_integer_value(v) > INT64_MAX / NS_PER_S)
        return false;
    *out = (nstime)json_integer_value(v) * NS_PER_S;
    return true;
}

/* A host name, or a suffix that begins with a dot. */
static bool pattern_valid(struct span mx)
{
    bool wildcard;
    struct span base = mx_pattern_base(mx, &wildcard);
    return domain_valid(base) && !domain_numeric(base);
}

static int read_patterns(const json_t *mxs, struct span *to, uint32_t *count)
{
    size_t i;
    const json_t *mx;
    *count = 0;
    json_array_foreach(mxs, i, mx)
    {
        struct span text = json_is_string(mx) ? span_str(json_string_value(mx)) : span_of(NULL, 0);
        if (*count == CAP_STS_MX || !pattern_valid(text))
            return -1;
        to[(*count)++] = text;
    }
    return *count > 0 ? 0 : -1;
}

static int add_policy(struct reader *r, const char *name, const json_t *policy)
{
    struct span mx[CAP_STS_MX];
    struct book_policy p = {.source = EXPECTATION_PRELOAD,
                            .strict = true,
                            .from = r->out->from,
                            .until = r->out->until,
                            .mx = mx};
    const char *mode = json_string_value(json_object_get(policy, "mode"));
    struct domain d;
    p.mode = mode ? sts_mode_read(span_str(mode)) : STS_MODE_UNKNOWN;
    if (!domain_read(span_str(name), &d))
        return refuse(r->out, "no domain name", name);
    if (p.mode != STS_MODE_ENFORCE && p.mode != STS_MODE_TESTING)
        return refuse(r->out, "the mode is neither enforce nor testing", name);
    if (read_patterns(json_object_get(policy, "mxs"), mx, &p.mx_count))
        return refuse(r->out, "no mxs, or one that is no host name", name);
    if (book_add(r->book, &d, &p) == BOOK_NO_MEMORY)
        return refuse(r->out, "out of memory", "");
    return 0;
}

static int add_entry(struct reader *r, const char *name, const json_t *entry)
{
    const json_t *alias = json_object_get(entry, "policy-alias");
    const json_t *policy = entry;
    if (alias)
        policy =
            json_is_string(alias) ? json_object_get(r->aliases, json_string_value(alias)) : NULL;
    if (!json_is_object(policy))
        return refuse(r->out, alias ? "an alias that is not there" : "no policy", name);
    return add_policy(r, name, policy);
}

static int read_list(json_t *list, struct book *book, struct preload *out)
{
    struct reader r = {book, out, json_object_get(list, "policy-aliases")};
    json_t *policies = json_object_get(list, "policies"), *entry;
    const char *version = json_string_value(json_object_get(list, "version")), *name;
    if (!version || strcmp(version, VERSION) != 0)
        return refuse(out, "the version is not " VERSION, version ? version : "");
    if (!read_time(list, "timestamp", &out->from))
        return refuse(out, "\"timestamp\" is no time", "");
    if (!read_time(list, "expires", &out->until) || out->until <= out->from)
        return refuse(out, "\"expires\" is no time after \"timestamp\"", "");
    if (!json_is_object(policies))
        return refuse(out, "there are no \"policies\"", "");
    json_object_foreach(policies, name, entry)
    {
        if (add_entry(&r, name, entry))
            out->left_out++;
        else
            out->added++;
    }
    return 0;
}

int preload_read(struct span json, struct book *book, struct preload *out)
{
    json_error_t error;
    *out = (struct preload){0};
    json_t *list = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &error);
    int rc = -1;
    if (!list)
        refuse(out, "no JSON", error.text);
    else if (!json_is_object(list))
        refuse(out, "no JSON object", "");
    else
        rc = read_list(list, book, out);
    json_decref(list);
    return rc;
}
