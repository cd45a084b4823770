/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#define POLYNOMIAL 0x82F63B78u /* bits reversed */

enum { LANES = 8 };

/* table[k][b]: what byte b does to the sum when k bytes follow it. */
static uint32_t table[LANES][256];

static void make_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (size_t k = 1; k < LANES; k++)
        for (size_t b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xFF];
}

static uint32_t eight(uint32_t crc, const uint8_t *p)
{
    uint32_t low =
        (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

    low ^= crc;
    return table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
           table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
}

uint32_t crc32c(uint32_t crc, struct span bytes)
{
    size_t i = 0;

    if (table[0][1] == 0)
        make_table();
    crc = ~crc;
    for (; i + LANES <= bytes.n; i += LANES)
        crc = eight(crc, bytes.p + i);
    for (; i < bytes.n; i++)
        crc = crc >> 8 ^ table[0][(crc ^ bytes.p[i]) & 0xFF];
    return ~crc;
}
