/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of policy/audit.h. */
#ifndef POLICY_AUDIT_LIST_H
#define POLICY_AUDIT_LIST_H

#include "policy/audit.h"
#include "policy/sts_policy.h"

/* Appends an item; `host`: NULL, of the domain. */
void audit_put(struct audit *a, const char *name, const struct domain *host, enum audit_grade grade,
               const char *form, ...) __attribute__((format(printf, 5, 6)));

/* _mta-sts record, policy host, policy. `p`: read from the body; NULL: there is none. */
void audit_sts(const struct lookup *l, const struct sts_policy *p, struct audit *a);

/* Mail exchangers: DNSSEC, patterns, DANE. Likewise. */
void audit_mx(const struct lookup *l, const struct sts_policy *p, struct audit *a);

#endif
