/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which mail servers print their EHLO keywords (rules/data/ehlo-layouts.tsv), and
 * whether a line stands where the server would have printed STARTTLS. Rewriters that keep lengths
 * and line count leave the neighbours as they were: the slot survives whatever is written into it.
 */
#ifndef RULES_LAYOUT_H
#define RULES_LAYOUT_H

#include "base/span.h"

/* How the lines of a reply, one of them in question, go with the known layout that fits best. */
struct layout_fit {
    const char *name;  /* of the layout; NULL: the other lines are of none that is known */
    bool slot;         /* the line can stand for STARTTLS, with known lines before and after it */
    bool elsewhere;    /* its length would do as well for another member in that place (masks) */
    bool home;         /* it is a member itself, and stands in its own place */
    bool named;        /* the banner names the layout's software */
    bool rival;        /* the banner names another layout's software */
    uint8_t strangers; /* with slot: other lines that are no members, nor masks of one */
    uint8_t missing;   /* with slot: members that are usual and are not there */
};

/*
 * `line` are the keyword lines (greeting excluded) as received, `candidate` the one in question.
 * Masked lines other than the candidate are wildcards of their length. `software` is what
 * layout_software() said of the banner.
 */
struct layout_fit layout_fit(const struct span *line, size_t count, size_t candidate,
                             const char *software);

/* The known software that a greeting banner names: a layout's name, or NULL. */
const char *layout_software(struct span banner);

#endif
