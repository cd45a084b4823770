/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of usual_judge(), in the order in which their findings stand. `v->usual` is there. */
#ifndef RULES_USUAL_PARTS_H
#define RULES_USUAL_PARTS_H

#include "rules/view.h"

void usual_replies(const struct view *v, struct judgement *out);  /* to EHLO and to STARTTLS */
void usual_sessions(const struct view *v, struct judgement *out); /* of the client and the sender */
void usual_peers(const struct view *v, struct judgement *out);    /* the path, TLS and TCP */
void usual_keywords(const struct view *v, struct judgement *out); /* other lines than STARTTLS */

/* Says less where another finding says the same: behind all others. */
void usual_proxies(const struct view *v, struct judgement *out);

/* An alert of an endpoint, between two that never had TLS, says why the attempt failed; then it is
 * told of once. */
bool usual_incompatible(const struct baseline *b, const struct usual_attempt *a);
void usual_excuse(struct finding *f, const struct baseline *b, const struct usual_attempt *a);

#endif
