/* SPDX-License-Identifier: Apache-2.0 */
/* The EHLO keywords that servers are known to print: rules/data/ehlo-keywords.tsv. */
#ifndef RULES_KEYWORDS_H
#define RULES_KEYWORDS_H

#include "base/span.h"

/* The first word of a line: up to the first blank or tab; empty when the line begins with one. */
struct span keywords_word(struct span line);

/* Is `word` the first word of the line, case ignored? `word` has no blank. */
bool keywords_first(struct span line, struct span word);

/* Is `word` in the table, case ignored? Of `AUTH=LOGIN` the part before the = counts. */
bool keywords_known(struct span word);

#endif
