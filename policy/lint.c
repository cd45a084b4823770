/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"

static const char *const TEXT[] = {
    [LINT_BLANK_LINE] = "blank-line",
    [LINT_LEADING_SPACE] = "leading-space",
    [LINT_SPACE_BEFORE_COLON] = "space-before-colon",
    [LINT_BYTE_ORDER_MARK] = "byte-order-mark",
    [LINT_TRAILING_DOT] = "trailing-dot",
    [LINT_MAX_AGE_CLAMPED] = "max-age-clamped",
    [LINT_MAX_AGE_SHORT] = "max-age-short",
    [LINT_MIXED_LINE_ENDS] = "mixed-line-ends",
    [LINT_DUPLICATE_FIELD] = "duplicate-field",
    [LINT_DUPLICATE_MX] = "duplicate-mx",
    [LINT_NUMERIC_MX] = "numeric-mx",
    [LINT_MX_WITH_NONE] = "mx-with-none",
    [LINT_PLACEHOLDER_MX] = "placeholder-mx",
    [LINT_TOO_MANY_MX] = "too-many-mx",
    [LINT_TRAILING_SPACE] = "trailing-space",
    [LINT_SPACE_BEFORE_DELIMITER] = "space-before-delimiter",
    [LINT_EMPTY_FIELD] = "empty-field",
    [LINT_DUPLICATE_ID] = "duplicate-id",
    [LINT_OTHER_RECORDS] = "other-records",
    [LINT_SPLIT_STRINGS] = "split-strings",
};
_Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == LINT_COUNT, "a text for each lint");
_Static_assert(LINT_COUNT <= 32, "lints are kept as bits of 32");

const char *lint_text(enum lint l)
{
    return TEXT[l];
}
