/* SPDX-License-Identifier: Apache-2.0 */
/* Large mail exchangers that always offer STARTTLS (rules/data/known-offers.tsv, dated). */
#ifndef HISTORY_KNOWN_OFFERS_H
#define HISTORY_KNOWN_OFFERS_H

#include "base/span.h"

/* The suffix that covers the name of a server, as in the table, or NULL. */
const char *known_offers_suffix(struct span host);

#endif
