/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines and the end of an answer of a policy host: something is told, once, and printable.
 */
#include <stdlib.h>

#include "base/text.h"
#include "online/https_get.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool is_shown(const char *text)
{
    struct span s = span_str(text);

    for (size_t n = text_printable(s); n > 0; n = text_printable(s))
        s = span_from(s, n);
    return s.n == 0;
}

static void told(void *user, const struct https_result *r)
{
    unsigned *times = user;

    ++*times;
    must(r->sts == LOOKUP_STS_FETCH && r->why[0] && is_shown(r->why) && is_shown(r->type));
    must(!r->plain || span_starts_nocase(span_str(r->type), span_str("text/plain")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct https_config config;
    unsigned times = 0;
    struct https_get g = {.config = &config, .fn = told, .user = &times};
    struct span rest = span_of(data, size);

    while (rest.n > 0 && !g.over) {
        size_t n = span_find(rest, '\n') + 1;
        n = n < rest.n ? n : rest.n;
        char *line = malloc(n); /* exactly as many, for the sanitizer */
        must(line != NULL);
        memcpy(line, rest.p, n);
        must(https_header(line, 1, n, &g) == (g.over ? 0 : n));
        free(line);
        rest = span_from(rest, n);
    }
    must(g.headers <= CAP_HTTPS_HEADERS + 1 && !https_missed(&g) == (g.heard || g.over));
    https_finish(&g, 0);
    https_tell(&g);
    must(times == 1);
    return 0;
}
