/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mta_cache.h"

#include <jansson.h>
#include <stdio.h>

#include "policy/cached_body.h"
#include "policy/sts_txt.h"

static const char prefix[] = "pol:";

enum mta_cache_kind mta_cache_kind(struct span name, struct span text, struct domain *domain)
{
    size_t n = sizeof(prefix) - 1;
    json_error_t error;
    if (name.n > n && memcmp(name.p, prefix, n) == 0)
        return domain_read(span_from(name, n), domain) ? MTA_CACHE_CHASQUID : MTA_CACHE_NONE;
    if (!domain_read(name, domain) || text.n == 0 || text.p[0] != '{')
        return MTA_CACHE_NONE;
    json_t *entry = json_loadb((const char *)text.p, text.n, 0, &error);
    bool ours = json_object_get(entry, "FetchTime") && json_object_get(entry, "Policy");
    json_decref(entry);
    return ours ? MTA_CACHE_MADDY : MTA_CACHE_NONE;
}

static int read_maddy(const json_t *entry, struct policy_json *out, const char **why)
{
    const json_t *policy = json_object_get(entry, "Policy"), *id = json_object_get(entry, "ID");
    const json_t *time = json_object_get(entry, "FetchTime");
    const json_t *age = json_object_get(policy, "MaxAge");
    *why = "has no FetchTime that is a time";
    if (!json_is_string(time) ||
        !policy_json_time(span_of(json_string_value(time), json_string_length(time)),
                          &out->fetched))
        return -1;
    if (json_is_string(id) &&
        sts_txt_id_valid(span_of(json_string_value(id), json_string_length(id))))
        memcpy(out->id, json_string_value(id), json_string_length(id));
    *why = "has no MaxAge";
    if (!json_is_integer(age))
        return -1;
    json_t *version = json_string("STSv1"); /* what it keeps has been found to be that */
    int rc = cached_body(version, json_object_get(policy, "Mode"), json_object_get(policy, "MX"),
                         json_integer_value(age), out, why);
    json_decref(version);
    return rc;
}

static int read_chasquid(const json_t *entry, nstime changed, struct policy_json *out,
                         const char **why)
{
    const json_t *age = json_object_get(entry, "max_age");
    *why = "has no max_age";
    if (!json_is_integer(age) || json_integer_value(age) < 0)
        return -1;
    *why = "ends before it begins";
    if (changed < json_integer_value(age))
        return -1;
    out->fetched = changed - json_integer_value(age);
    return cached_body(json_object_get(entry, "version"), json_object_get(entry, "mode"),
                       json_object_get(entry, "mx"), json_integer_value(age) / NS_PER_S, out, why);
}

int mta_cache_read(enum mta_cache_kind kind, const struct domain *domain, struct span text,
                   nstime changed, struct policy_json *out, char why[POLICY_JSON_WHY])
{
    const char *what = "is no JSON object";
    json_error_t error;
    int rc = -1;
    *out = (struct policy_json){.domain = *domain, .fetched = INT64_MIN};
    json_t *entry = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(entry))
        rc = kind == MTA_CACHE_MADDY ? read_maddy(entry, out, &what)
                                     : read_chasquid(entry, changed, out, &what);
    json_decref(entry);
    if (rc)
        snprintf(why, POLICY_JSON_WHY, "the cached policy of %.80s %s", domain->text, what);
    return rc;
}
