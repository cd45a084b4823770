/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of a receiver over HTTP: counts that fit what was sent, and words that
 * are fit to be shown. */
#include <stdlib.h>

#include "base/text.h"
#include "deliver/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_words(const char *text)
{
    struct span s = span_str(text);
    size_t n;

    for (; s.n > 0; s = span_from(s, n)) {
        n = text_printable(s);
        must(n > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span body = span_of(data, size);
    const uint64_t ids[] = {0, 7, UINT64_MAX};
    bool done[3] = {0}, has_id;
    char words[HTTP_ANSWER_TEXT];
    struct http_bulk b;
    uint64_t id;

    for (size_t sent = 1; sent < 5; sent++) {
        if (!http_answer_bulk(body, sent, &b))
            continue;
        must(b.taken + b.known + b.refused + b.later == sent);
        must(b.first_later <= sent && (b.later > 0) == (b.first_later < sent));
        must(b.taken_before + b.refused_before == b.first_later);
        check_words(b.why);
    }
    if (!http_answer_hec(body, &has_id, &id))
        must(!has_id);
    (void)http_answer_acks(body, ids, 3, done);
    http_answer_words(body, words);
    check_words(words);
    return 0;
}
