/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/severity.h"

static const enum severity matrix[SEVERITY_ROW_COUNT][EFFECT_COUNT] = {
    [SEVERITY_ROW_E1_INNOCENT] = {[EFFECT_NOTHING] = SEVERITY_INFO,
                                  [EFFECT_HELD] = SEVERITY_LOW,
                                  [EFFECT_MAIL] = SEVERITY_LOW,
                                  [EFFECT_LOGIN] = SEVERITY_MEDIUM},
    [SEVERITY_ROW_E1] = {[EFFECT_NOTHING] = SEVERITY_LOW,
                         [EFFECT_HELD] = SEVERITY_LOW,
                         [EFFECT_MAIL] = SEVERITY_MEDIUM,
                         [EFFECT_LOGIN] = SEVERITY_HIGH},
    [SEVERITY_ROW_E2] = {[EFFECT_NOTHING] = SEVERITY_LOW,
                         [EFFECT_HELD] = SEVERITY_MEDIUM,
                         [EFFECT_MAIL] = SEVERITY_HIGH,
                         [EFFECT_LOGIN] = SEVERITY_HIGH},
    [SEVERITY_ROW_E3] = {[EFFECT_NOTHING] = SEVERITY_MEDIUM,
                         [EFFECT_HELD] = SEVERITY_HIGH,
                         [EFFECT_MAIL] = SEVERITY_HIGH,
                         [EFFECT_LOGIN] = SEVERITY_CRITICAL},
    [SEVERITY_ROW_E4_E5] = {[EFFECT_NOTHING] = SEVERITY_MEDIUM,
                            [EFFECT_HELD] = SEVERITY_HIGH,
                            [EFFECT_MAIL] = SEVERITY_CRITICAL,
                            [EFFECT_LOGIN] = SEVERITY_CRITICAL},
};

enum severity severity_of(enum severity_row row, enum effect effect)
{
    return matrix[row][effect];
}

enum severity severity_bound(enum severity v, enum severity floor, enum severity ceiling)
{
    if (v < floor)
        v = floor;
    return v > ceiling ? ceiling : v;
}
