/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of the Redis cache of postfix-mta-sts-resolver (sts_policy_cache of its versions 1.0 to
 * 1.5): the key is the domain, the value a sorted set of one member, 16 bytes of a UUID and then
 *
 *   ["20260101T000000", {"mx": ["mx1.bob.example"], "version": "STSv1", "mode": "enforce",
 *    "max_age": 604800}]
 *
 * and the score is the Unix time of the last successful check. The body as it was served is not
 * kept there; it is put together again from its fields.
 */
#ifndef POLICY_RESOLVER_CACHE_H
#define POLICY_RESOLVER_CACHE_H

#include "policy/policy_json.h"

/* 0, or -1 with a reason. policy_json_fini() follows in both cases. */
int resolver_cache_read(struct span key, struct span member, double score, struct policy_json *out,
                        char why[POLICY_JSON_WHY]);

#endif
