/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (Castagnoli; RFC 3720 section 12.1): finds what a disk, a torn write or a bit did to our
 * own files. It guards against chance and against nobody who writes it himself. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/span.h"

/* Goes on from `crc`; 0 to begin. So the sum of two spans is crc32c(crc32c(0, a), b). */
uint32_t crc32c(uint32_t crc, struct span bytes);

#endif
