/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 (JA3), SHA-1 (community-id) and SHA-256 (our ids, JA4) by OpenSSL. None of them guards a
 * secret: others have fixed what these names are made with. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/span.h"

/* All return 0, or -1 when the library refuses (no provider, no memory); out is then zeroed. */
int digest_md5(struct span in, uint8_t out[16]);
int digest_sha1(struct span in, uint8_t out[20]);
int digest_sha256(struct span in, uint8_t out[32]);

#endif
