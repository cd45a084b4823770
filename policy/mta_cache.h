/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the directories in which two mail servers keep MTA-STS policies, a file for each
 * domain:
 *
 *   maddy (go-mtasts)   DOMAIN       {"FetchTime":"2026-11-21T00:00:00Z","ID":"2026",
 *                                     "Policy":{"Mode":"enforce","MaxAge":86400,"MX":["mx.test"]}}
 *   chasquid            pol:DOMAIN   {"version":"STSv1","mode":"enforce","mx":["mx.test"],
 *                                     "max_age":86400000000000}
 *
 * chasquid counts max_age in nanoseconds and has the policy's end for the file's time of change.
 * The body as it was served is in neither; it is put together again from its fields.
 */
#ifndef POLICY_MTA_CACHE_H
#define POLICY_MTA_CACHE_H

#include "policy/policy_json.h"

enum mta_cache_kind { MTA_CACHE_NONE, MTA_CACHE_MADDY, MTA_CACHE_CHASQUID };

/* By the file's name, and for what may be maddy's also by what is in it. `domain` is filled. */
enum mta_cache_kind mta_cache_kind(struct span name, struct span text, struct domain *domain);

/* `changed`: of the file. 0, or -1 with a reason. policy_json_fini() follows in both cases. */
int mta_cache_read(enum mta_cache_kind kind, const struct domain *domain, struct span text,
                   nstime changed, struct policy_json *out, char why[POLICY_JSON_WHY]);

#endif
