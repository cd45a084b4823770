/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists as the judge takes them. Input: records, each a byte for its kind, two for the length of
 * what follows, the high one first, and that. What was taken can be asked for, and is written and
 * taken again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "sensor/lists_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct siphash_key KEY = {3, 4};
static uint8_t bytes[LISTS_POLICY_MOST];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* suppress_ended_fn */
static void on_ended(void *user, unsigned line, const char *what)
{
    (void)user;
    (void)line;
    (void)what;
}

/* book_fn */
static bool again(void *user, const struct domain *d, const struct book_policy *p)
{
    size_t n = lists_put_policy(bytes, sizeof(bytes), d, p);
    must(n > 0);
    must(lists_take(user, LISTS_POLICY, span_of(bytes, n)) == LISTS_MORE);
    return true;
}

static void check(const struct lists_taken *taken)
{
    struct lists_begin begin;
    struct lists_taken copy;
    memset(&begin, 0, sizeof(begin));
    must(lists_taken_init(&copy, &KEY, on_ended, NULL));
    must(lists_take(&copy, LISTS_BEGIN, span_of(&begin, sizeof(begin))) == LISTS_MORE);
    book_each(taken->lists.book, again, &copy);
    must(book_count(copy.lists.book) == book_count(taken->lists.book));
    lists_taken_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size);
    struct lists_taken taken;
    enum lists_step step = LISTS_MORE;
    must(lists_taken_init(&taken, &KEY, on_ended, NULL));
    while (rest.n >= 3 && step == LISTS_MORE) {
        enum lists_record record = (enum lists_record)(rest.p[0] % LISTS_RECORD_COUNT);
        size_t n = (size_t)rest.p[1] << 8 | rest.p[2];
        rest = span_from(rest, 3);
        step = lists_take(&taken, record, span_first(rest, n < rest.n ? n : rest.n));
        rest = span_from(rest, n);
    }
    check(&taken);
    lists_taken_fini(&taken);
    return 0;
}
