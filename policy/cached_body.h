/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's body, put together again from the fields that other programs keep of it. For the
 * readers of their caches alone. */
#ifndef POLICY_CACHED_BODY_H
#define POLICY_CACHED_BODY_H

#include "policy/policy_json.h"

struct json_t; /* jansson's */

/* `version` and `mode` are JSON strings, `mx` an array of them or absent, max_age in seconds. Fills
 * the body of `out`. 0, or -1 with a reason of a few words. */
int cached_body(const struct json_t *version, const struct json_t *mode, const struct json_t *mx,
                int64_t max_age, struct policy_json *out, const char **why);

#endif
