/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's body, put together again from the fields that other programs keep of it. For the
 * readers of their caches alone. */
#ifndef POLICY_CACHED_BODY_H
#define POLICY_CACHED_BODY_H

#include <jansson.h>

#include "policy/policy_json.h"

/* `version` and `mode` are JSON strings, `mx` an array of them or absent, max_age in seconds. Fills
 * the body of `out`. 0, or -1 with a reason of a few words. */
int cached_body(const json_t *version, const json_t *mode, const json_t *mx, int64_t max_age,
                struct policy_json *out, const char **why);

#endif
