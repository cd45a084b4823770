/* SPDX-License-Identifier: Apache-2.0 */
/* The families of rules: each adds its findings to the judgement. */
#ifndef RULES_FAMILIES_H
#define RULES_FAMILIES_H

#include "rules/view.h"

void strip_judge(const struct view *v, struct judgement *out);    /* the EHLO exchange */
void greeting_judge(const struct view *v, struct judgement *out); /* the banner */
void refuse_judge(const struct view *v,
                  struct judgement *out); /* the STARTTLS command, its answer */
void inject_judge(const struct view *v, struct judgement *out);  /* text where none belongs */
void auth_judge(const struct view *v, struct judgement *out);    /* logins in clear */
void tls_judge(const struct view *v, struct judgement *out);     /* the handshake */
void cert_judge(const struct view *v, struct judgement *out);    /* the server's certificates */
void forge_judge(const struct view *v, struct judgement *out);   /* somebody else speaks */
void vantage_judge(const struct view *v, struct judgement *out); /* two places */
void usual_judge(const struct view *v, struct judgement *out);   /* what is unusual here */
void steer_judge(const struct view *v, struct judgement *out);   /* the way here */
void promise_judge(const struct view *v, struct judgement *out); /* promises made in the session */

/* Behind all of them: from where the tap stands some findings show less. */
void vantage_lower(enum vantage from, struct judgement *out);

#endif
