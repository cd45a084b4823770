/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolver_cache.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/sts_txt.h"

#define UUID        16
#define SECONDS_MAX 9223372035.0 /* what nanoseconds in 64 bits can hold */

static int refuse(char why[POLICY_JSON_WHY], struct span key, const char *what)
{
    char shown[80];
    text_escape(shown, sizeof(shown), key);
    snprintf(why, POLICY_JSON_WHY, "the cached policy of '%s': %s", shown, what);
    return -1;
}

/* A text as it may stand in a line of a policy; NULL: it is none, or would end the line. */
static const char *word_of(const json_t *v)
{
    const char *text = json_string_value(v);
    return text && !text[strcspn(text, "\r\n")] ? text : NULL;
}

/* False: a field that cannot be written. */
static bool write_body(FILE *to, const json_t *policy)
{
    const json_t *item;
    const char *version = word_of(json_object_get(policy, "version"));
    const char *mode = word_of(json_object_get(policy, "mode"));
    size_t i;
    if (!version || !mode)
        return false;
    fprintf(to, "version: %s\nmode: %s\n", version, mode);
    json_array_foreach(json_object_get(policy, "mx"), i, item)
    {
        const char *pattern = word_of(item);
        if (!pattern)
            return false;
        fprintf(to, "mx: %s\n", pattern);
    }
    fprintf(to, "max_age: %lld\n",
            (long long)json_integer_value(json_object_get(policy, "max_age")));
    return true;
}

static int put_together(struct span key, const json_t *policy, struct policy_json *out,
                        char why[POLICY_JSON_WHY])
{
    FILE *to = open_memstream(&out->body, &out->body_n);
    if (!to)
        return refuse(why, key, "out of memory");
    bool written = write_body(to, policy);
    if (fclose(to))
        return refuse(why, key, "out of memory");
    return written ? 0 : refuse(why, key, "has a field that is no text of one line");
}

static int read_pair(struct span key, const json_t *pair, struct policy_json *out,
                     char why[POLICY_JSON_WHY])
{
    const json_t *id = json_array_get(pair, 0), *policy = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_string(id) || !json_is_object(policy))
        return refuse(why, key, "is no pair of an id and a policy");
    if (sts_txt_id_valid(span_of(json_string_value(id), json_string_length(id))))
        memcpy(out->id, json_string_value(id), json_string_length(id));
    if (!json_is_integer(json_object_get(policy, "max_age")))
        return refuse(why, key, "has no max_age");
    return put_together(key, policy, out, why);
}

int resolver_cache_read(struct span key, struct span member, double score, struct policy_json *out,
                        char why[POLICY_JSON_WHY])
{
    json_error_t error;
    int rc;
    *out = (struct policy_json){0};
    if (!domain_read(key, &out->domain))
        return refuse(why, key, "the key is no domain name");
    if (!(score >= 0 && score <= SECONDS_MAX))
        return refuse(why, key, "the score is no time");
    if (member.n <= UUID)
        return refuse(why, key, "is too short");
    out->fetched = (nstime)(score * (double)NS_PER_S);
    json_t *pair =
        json_loadb((const char *)member.p + UUID, member.n - UUID, JSON_REJECT_DUPLICATES, &error);
    if (!pair)
        return refuse(why, key, "is no JSON");
    rc = read_pair(key, pair, out, why);
    json_decref(pair);
    return rc;
}
