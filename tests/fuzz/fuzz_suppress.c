/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what the operator does not want to hear of, of any bytes: a line is added, passed over
 * or refused with a printable reason, and no line silences a finding after its last day. */
#include <stdlib.h>

#include "base/text.h"
#include "sensor/suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void on_ended(void *user, unsigned line, const char *what)
{
    (void)user;
    must(line > 0 && what[0] != '\0');
}

static void ask(struct suppress *list, nstime now, bool may)
{
    static struct judgement j;
    const struct session s = {.key = {.family = 4}, .now = now};

    j.finding_count = 1;
    for (enum rule_id rule = 0; rule < RULE_COUNT; rule++) {
        j.finding[0] = (struct finding){.rule = rule, .severity = SEVERITY_LOW};
        suppress_session(list, &s, &j);
        must(may || !j.finding[0].suppressed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct suppress *list = suppress_new(on_ended, NULL);
    struct span rest = span_of(data, size);
    char why[CAP_STS_REASON];
    unsigned number = 0, added = 0;

    must(list != NULL);
    while (rest.n > 0) {
        size_t end = span_find(rest, '\n');
        int rc = suppress_read(list, span_first(rest, end), ++number, why);
        must(rc >= -1 && rc <= 1 && (rc == -1) == (why[0] != '\0'));
        for (struct span left = span_str(why); left.n > 0;) {
            size_t character = text_printable(left);
            must(character > 0);
            left = span_from(left, character);
        }
        added += rc == 1;
        rest = span_from(rest, end + 1);
    }
    must(added <= CAP_SUPPRESSIONS);
    ask(list, 0, added > 0);
    ask(list, INT64_MAX, false);
    suppress_free(list);
    return 0;
}
