/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks of deliver/ from words, for spool_drive: KIND, then key=value. */
#ifndef TESTS_DELIVER_WORDS_H
#define TESTS_DELIVER_WORDS_H

#include "deliver/deliver.h"

struct sink *deliver_words(const char *kind, char **words, size_t count, char why[SINK_WHY]);

#endif
