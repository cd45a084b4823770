/* SPDX-License-Identifier: Apache-2.0 */
/* The sum over one session: what became of it, what the tap showed, how far TLS came. */
#ifndef RULES_VERDICT_H
#define RULES_VERDICT_H

#include "rules/view.h"

/* Needs the findings in `out`. */
enum verdict verdict_of(const struct view *v, const struct judgement *out);

enum visibility verdict_visibility(const struct view *v);

/* `stage`: where TLS died; NULL unless it did. */
enum handshake verdict_handshake(const struct view *v, const char **stage);

/* Needs `promise` in `out`. */
enum peer verdict_peer(const struct view *v, const struct judgement *out);

#endif
