/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolver_cache.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/cached_body.h"
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

static int read_pair(struct span key, const json_t *pair, struct policy_json *out,
                     char why[POLICY_JSON_WHY])
{
    const json_t *id = json_array_get(pair, 0), *policy = json_array_get(pair, 1);
    const char *what;
    if (json_array_size(pair) != 2 || !json_is_string(id) || !json_is_object(policy))
        return refuse(why, key, "is no pair of an id and a policy");
    if (sts_txt_id_valid(span_of(json_string_value(id), json_string_length(id))))
        memcpy(out->id, json_string_value(id), json_string_length(id));
    if (!json_is_integer(json_object_get(policy, "max_age")))
        return refuse(why, key, "has no max_age");
    return cached_body(json_object_get(policy, "version"), json_object_get(policy, "mode"),
                       json_object_get(policy, "mx"),
                       json_integer_value(json_object_get(policy, "max_age")), out, &what)
               ? refuse(why, key, what)
               : 0;
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
