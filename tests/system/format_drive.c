/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of EVE on standard input to one format, for tests/system/test_formats.py:
 *
 *   format_drive FORMAT [--reason] [--facility N]
 *
 * A line each way: one that the format does not carry gives "- not carried", a broken one "-
 * broken".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/format.h"

static void drive(enum format format, const struct format_options *o)
{
    static struct format_out out;
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        enum format_result result = format_line(format, span_of(line, (size_t)n), o, &out);
        if (result == FORMAT_OK)
            fwrite(out.line.p, 1, out.line.n, stdout);
        else
            puts(result == FORMAT_BROKEN ? "- broken" : "- not carried");
    }
    free(line);
}

int main(int argc, char **argv)
{
    struct format_options o = format_options_default();
    enum format format = argc > 1 ? format_by_name(argv[1]) : FORMAT_COUNT;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--reason") == 0)
            o.reason_only = true;
        else if (strcmp(argv[i], "--facility") == 0 && i + 1 < argc)
            o.facility = (uint8_t)strtoul(argv[++i], NULL, 10);
    }
    if (format == FORMAT_COUNT) {
        fputs("usage: format_drive FORMAT [--reason] [--facility N]\n", stderr);
        return 2;
    }
    drive(format, &o);
    return 0;
}
