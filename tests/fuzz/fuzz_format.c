/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that anybody may have written, in every format: what comes out is one line of printable
 * characters, within its bounds, and the same each time. Other formats never take what EVE refuses.
 */
#include <stdlib.h>

#include "alert/format.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct format_out one, two;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_a_line(struct span line)
{
    must(line.n > 1 && line.n <= CAP_FORMAT_LINE && line.p[line.n - 1] == '\n');
    struct span rest = span_first(line, line.n - 1);
    for (size_t n; rest.n > 0; rest = span_from(rest, n))
        must((n = text_printable(rest)) > 0);
}

static void render(enum format format, struct span in, const struct format_options *o,
                   enum format_result eve)
{
    enum format_result result = format_line(format, in, o, &one);
    must(result == format_line(format, in, o, &two));
    must((result == FORMAT_BROKEN) == (eve == FORMAT_BROKEN));
    must((result == FORMAT_OK) == (one.line.n > 0));
    if (result != FORMAT_OK)
        return;
    must_be_a_line(one.line);
    must(span_eq(one.line, two.line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct format_options o = format_options_default();
    enum format_result eve = format_line(FORMAT_EVE, in, NULL, &one);
    for (int f = 0; f < FORMAT_COUNT; f++)
        render((enum format)f, in, NULL, eve);
    o.facility = (uint8_t)size;
    o.reason_only = true;
    o.hostname = "tap";
    render(FORMAT_RFC5424, in, &o, eve);
    return 0;
}
