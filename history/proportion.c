/* SPDX-License-Identifier: Apache-2.0 */
#include "history/proportion.h"

#include <math.h>

#define Z 1.959963984540054 /* of the normal distribution, 2.5 % beyond it */

double proportion_least(uint32_t hits, uint32_t n)
{
    if (n == 0)
        return 0;
    double p = (double)hits / n, zz = Z * Z;
    double centre = p + zz / (2.0 * n);
    double half = Z * sqrt(p * (1 - p) / n + zz / (4.0 * n * n));
    double least = (centre - half) / (1 + zz / n);
    return least > 0 ? least : 0;
}
