/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the state of a day: what is read is written out, and read again as the same. */
#include <stdlib.h>

#include "alert/daily.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct daily d, again;
    static char text[DAILY_TEXT];
    size_t n;

    if (!daily_load(&d, span_of(data, size))) {
        must(d.alerts == 0 && d.rules == 0);
        return 0;
    }
    n = daily_save(&d, text);
    must(n < DAILY_TEXT && daily_load(&again, span_of(text, n)));
    must(memcmp(&d, &again, sizeof(d)) == 0);
    must(daily_line(&d, 0, "sensor", text, sizeof(text)) > 0);
    return 0;
}
