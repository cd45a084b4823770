/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a memory is worth in a finding, and how its numbers are said: for the rules that compare
 * with what is usual (rules/usual*.c).
 */
#ifndef RULES_WEIGHT_H
#define RULES_WEIGHT_H

#include "history/baseline.h"
#include "rules/finding.h"
#include "rules/severity.h"

/* Row E2 of the matrix, by how well the memory is supported. */
enum severity weight_of(const struct usual *u, enum effect effect);

/* Evidence, effect, severity and confidence of a finding that history alone makes. */
void weight_rate(struct finding *f, const struct usual *u, enum effect effect);

/* Adds the evidence of history to a finding that has its own. */
void weight_lift(struct finding *f, const struct usual *u, enum severity to);

/* What the offers of this server, or of its owner, are worth as a memory. */
const struct usual *weight_offers_of(const struct baseline *b);

/* The finding of that rule; NULL: there is none. */
struct finding *weight_found(struct judgement *out, enum rule_id id);

/* A finding says that the handshake, or the asking for it, came to nothing. */
bool weight_handshake_failed(const struct judgement *out);

/* Is it known that others are served, so that it is no change of the server? What was found of one
 * path says nothing of another: there it begins anew. */
bool weight_told_apart(const struct doubt_view *d);

/* How often the server offered STARTTLS, `but`; how the doubt stands; how often the sender took an
 * offer, `but`. */
void weight_say_offers(struct finding *f, const struct session *s, const struct usual *u,
                       const char *but);
void weight_say_doubt(struct finding *f, const struct doubt_view *d, const char *served);
void weight_say_upgrades(struct finding *f, const struct baseline *b, const char *but);

#endif
