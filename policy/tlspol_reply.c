/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tlspol_reply.h"

#include <jansson.h>
#include <stdio.h>

static int refuse(char why[POLICY_JSON_WHY], const char *what)
{
    snprintf(why, POLICY_JSON_WHY, "the answer of postfix-tlspol %s", what);
    return -1;
}

/* The lines between `{ policy_string = ` and ` }`, each with its line end. */
static int put_body(const char *report, struct policy_json *out, char why[POLICY_JSON_WHY])
{
    static const char before[] = "{ policy_string = ", behind[] = " }";
    FILE *to = open_memstream(&out->body, &out->body_n);
    if (!to)
        return refuse(why, "found no memory");
    for (const char *at = strstr(report, before); at; at = strstr(at, before)) {
        const char *line = at + sizeof(before) - 1, *end = strstr(line, behind);
        if (!end)
            break;
        fprintf(to, "%.*s\n", (int)(end - line), line);
        at = end;
    }
    if (fclose(to))
        return refuse(why, "found no memory");
    return out->body_n > 0 ? 0 : refuse(why, "has a report without a policy");
}

static int read_object(const json_t *reply, struct policy_json *out, char why[POLICY_JSON_WHY])
{
    const json_t *domain = json_object_get(reply, "domain");
    const json_t *report = json_object_get(json_object_get(reply, "mta-sts"), "report");
    if (!json_is_string(domain) ||
        !domain_read(span_of(json_string_value(domain), json_string_length(domain)), &out->domain))
        return refuse(why, "names no domain");
    if (!json_is_string(report))
        return refuse(why, "has no report of MTA-STS");
    if (json_string_length(report) == 0)
        return 1;
    return put_body(json_string_value(report), out, why);
}

int tlspol_reply_read(struct span line, nstime now, struct policy_json *out,
                      char why[POLICY_JSON_WHY])
{
    json_error_t error;
    int rc;
    *out = (struct policy_json){.fetched = now};
    json_t *reply = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &error);
    if (!reply)
        return refuse(why, "is no JSON");
    rc = read_object(reply, out, why);
    json_decref(reply);
    return rc;
}
