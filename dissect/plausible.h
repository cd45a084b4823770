/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would the receiver take this segment? Checksums where the direction's are right, PAWS (RFC 7323
 * section 5), TCP-MD5 (RFC 2385), acknowledgements of what was never sent, no ACK flag (RFC 9293
 * section 3.10.7.4), sequence numbers far outside of any window; and hop counts unlike the others,
 * which prove nothing alone.
 */
#ifndef DISSECT_PLAUSIBLE_H
#define DISSECT_PLAUSIBLE_H

#include "dissect/dissect_state.h"

#define PLAUSIBLE_AHEAD 65535 /* bytes: nobody sends more commands or replies at a time */

/* Why it will not: enum copy_mark. Asked while the dialogue is in clear, and of late copies of it;
 * counts the session's checksums. */
uint8_t plausible_marks(struct flow *f, const struct arrival *a);

/* Takes what later segments are measured against from one that the receiver takes. */
void plausible_learn(struct flow *f, const struct arrival *a);

#endif
