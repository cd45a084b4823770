/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a finding: its reason, next step and evidence lines, out of the facts. */
#ifndef RULES_WORDING_H
#define RULES_WORDING_H

#include "rules/view.h"

/* Adds a sentence to the reason; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) void wording_say(struct finding *f, const char *format, ...);

/* Wire bytes ready to be shown inside a sentence. */
struct wording_bytes {
    char text[128];
};
struct wording_bytes wording_bytes(struct span wire);

/* An address, the server's, as inside a sentence. */
struct wording_bytes wording_address(uint8_t family, const uint8_t address[16]);
struct wording_bytes wording_server(const struct session *s);

/* Adds what came of it: how the client fared with TLS (unless the finding is about that), and what
 * crossed in clear. */
void wording_effect(struct finding *f, const struct view *v);

/* Fills next_step from the rule's row and the server's address, or another name for the place. */
void wording_next_step(struct finding *f, const struct session *s);
void wording_next_step_at(struct finding *f, const char *where);

/* Adds a line of evidence: `prefix` and `wire`, as the peers would have seen them. At most two. */
void wording_line(struct finding *f, enum session_dir dir, uint32_t offset, const char *prefix,
                  struct span wire, const char *note);

/* The line i of the EHLO reply, with its code. */
void wording_ehlo_line(struct finding *f, const struct view *v, size_t i, const char *note);

/* The line that shows the effect: MAIL or AUTH in clear. None when nothing crossed. */
void wording_effect_line(struct finding *f, const struct view *v);

#endif
