/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look-up (policy/lookup.h) as one JSON object on a line: what crosses from the process that has
 * the network to the one that judges, what `policy refresh --json` prints, and what --policies
 * reads among the lines of policy/policy_json.h, of which it has all members:
 *
 *   {"domain":"alder.example","checked":"2026-11-21T00:00:00Z","sts":"policy","id":"2026",
 *    "body":"version: STSv1\n...","issuer":"Let's Encrypt","mx":{"dnssec":"secure","hosts":[
 *    {"host":"mx1.alder.example","preference":10,"address":"secure","base":"mx1.alder.example",
 *     "tlsa":"secure","records":["3 1 1 2fa4..."],"ttl":300,"at":["192.0.2.25"]}]}}
 *
 * `checked` tells the two apart. Beside these there may be `record`, what DNSSEC makes of the
 * _mta-sts record ("insecure" if it is not there), `status`, `type`, `plain` (true) and `why`,
 * `reports` ({"dnssec":"secure","count":1,"text":"v=TLSRPTv1;..."}), in `mx` the `expansion`, and
 * `alias`, true where a secure CNAME leads to addresses that are not signed, and
 * `unusable`, true where there are TLSA records and none that can be used. How many had no place is
 * said by `left_out` in `mx`, and by `records_left_out` and `at_left_out` of a host. Whoever reads
 * it does not trust who wrote it: each member is checked for type, length and range, and there is
 * no other. Of a TLSA record of matching type 0 the SHA-256 of its data stands there, as in
 * policy/routes.h.
 */
#ifndef POLICY_LOOKUP_JSON_H
#define POLICY_LOOKUP_JSON_H

#include "policy/lookup.h"

#define LOOKUP_JSON_WHY 160

/* Is the line one of these, by its `checked`? */
bool lookup_json_is(struct span line);

/* 0, or -1 with a reason (printable, one line). lookup_fini() follows in both cases. */
int lookup_json_read(struct span line, struct lookup *out, char why[LOOKUP_JSON_WHY]);

/* The line without its LF, on the heap; NULL: no memory, or a policy that is no UTF-8. */
char *lookup_json_text(const struct lookup *l);

#endif
