/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?": the nearest of several words to one that was mistyped. */
#ifndef SENSOR_HINT_H
#define SENSOR_HINT_H

#include <stddef.h>

struct hint {
    const char *word; /* as typed */
    const char *best; /* nearest so far; NULL: none is near */
    size_t distance;  /* edits between them */
};

void hint_init(struct hint *h, const char *word);

/* `candidate` is kept by reference. Of equally near ones the first wins. */
void hint_offer(struct hint *h, const char *candidate);

/* Writes " (did you mean PREFIXword?)" to dst, or nothing when no candidate was near. */
void hint_text(const struct hint *h, const char *prefix, char *dst, size_t cap);

#endif
