/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's own list of partners: who must use TLS, whatever they publish. One a line:
 *
 *   # what stands behind a hash is a comment
 *   partner.example            tls
 *   mx:*.partner-mail.example  tls min=1.2
 *   bank.example               tls min=1.2 spki=9f86d081884c7d65...
 *   shop.example               tls issuer=Example Trust Services
 *
 * A domain stands for its recipients, `mx:` for a mail exchanger, the asterisk being one label.
 * `min=` is the least version, `spki=` the SHA-256 of the key of any certificate of the chain (as
 * `spki_sha256` of the output), `issuer=` the organisation that issued the server's own; it goes to
 * the end of the line. A certificate that cannot be seen breaks nothing.
 */
#ifndef POLICY_PARTNER_H
#define POLICY_PARTNER_H

#include "policy/book.h"

/* `line` without its end. 1: added; 0: blank or a comment; -1: `why` says what is wrong. */
int partner_read(struct span line, struct book *book, char why[CAP_STS_REASON]);

#endif
