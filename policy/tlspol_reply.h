/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What postfix-tlspol says when it is asked `JSON DOMAIN` (its versions since 1.8): one object,
 *
 *   {"version":"1.9","domain":"a.test","dane":{...},"mta-sts":{"policy":"secure match=...",
 *    "report":"policy_type=sts policy_domain=a.test mx_host_pattern=mx.a.test
 *     { policy_string = version: STSv1 } { policy_string = mode: enforce }
 * ...","time":0.2,"ttl":60}}
 *
 * The report has the lines of the policy, but for those with braces; it is empty unless the mode is
 * enforce.
 */
#ifndef POLICY_TLSPOL_REPLY_H
#define POLICY_TLSPOL_REPLY_H

#include "policy/policy_json.h"

/* 0; 1: it knows of no policy in mode enforce; -1 with a reason. `now`: when it was asked.
 * policy_json_fini() follows in all cases. */
int tlspol_reply_read(struct span line, nstime now, struct policy_json *out,
                      char why[POLICY_JSON_WHY]);

#endif
