/* SPDX-License-Identifier: Apache-2.0 */
/* The data of DNS records as an answer has them, one record at a time: names in it are whole. */
#ifndef ONLINE_RDATA_H
#define ONLINE_RDATA_H

#include "policy/domain.h"
#include "policy/txt_record.h"

/* A name that is all of `s`. False: it is none, or none of a host; the root is `n` 0 and true. */
bool rdata_name(struct span s, struct domain *out);

/* MX (RFC 1035 section 3.3.9). `host` n 0: the root, a null MX (RFC 7505). */
bool rdata_mx(struct span rdata, uint16_t *preference, struct domain *host);

/* TXT: its character-strings joined, at most rdata.n bytes. False: it breaks off. `split`: they are
 * several. */
bool rdata_txt(struct span rdata, uint8_t *to, size_t *n, bool *split);

/* All of an answer, but those that break off. One piece of memory for free(), and the texts are
 * in it; NULL: no memory. */
struct txt_record *rdata_txts(const struct span *rdata, size_t n, size_t *count);

#endif
