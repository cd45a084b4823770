/* SPDX-License-Identifier: Apache-2.0 */
/* From what is known of a session to what was promised for it. */
#ifndef POLICY_EXPECT_H
#define POLICY_EXPECT_H

#include "policy/book.h"
#include "policy/routes.h"

/* What binds a session to domains and names; all borrowed for the call. */
struct expect_query {
    nstime time;                    /* of the packets */
    const struct domain *recipient; /* domains of RCPT TO, in clear */
    size_t recipient_count;
    const struct route *route; /* domains that DNS led to this server, or its name */
    size_t route_count;
    const struct domain *sni;      /* the server's name by the client's word; NULL: none */
    const struct domain *greeting; /* the server's name by its own word; NULL: none */
};

/*
 * All that is promised at that time, the strictest first: of a policy that ends before the packets,
 * or has the mode none, nothing is expected. MTA-STS goes before a list (STARTTLS Everywhere,
 * RULES.md). A name binds only where nothing else
 * does, the client's before the server's.
 */
void expect_session(const struct book *b, const struct expect_query *q, struct expectations *out);

#endif
