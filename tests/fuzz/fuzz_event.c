/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of EVE that anybody may have written: what is read of a session is printable and complete,
 * what is broken says why, and the sum of the fates is the number of sessions.
 */
#include <stdlib.h>

#include "base/text.h"
#include "report/prevalence_render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct siphash_key key = {1, 2};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_printable(const char *text)
{
    struct span rest = span_str(text);
    for (size_t n; rest.n > 0; rest = span_from(rest, n))
        must((n = text_printable(rest)) > 0);
}

static void check_session(const struct event *e)
{
    must(e->family == 4 || e->family == 6);
    must(e->reply < EVENT_REPLY_COUNT && e->cause < CAUSE_COUNT);
    must(e->reply == EVENT_REPLY_WHOLE || e->states == 0);
    must_be_printable(e->vantage.host);
    must_be_printable(e->vantage.interface);
    must_be_printable(e->token);
}

static void render(struct prevalence *p, uint64_t sessions, FILE *to)
{
    const struct prevalence_counts *c = prevalence_counts(p);
    struct prevalence_run run = {.files = 1, .by = PREVALENCE_BY_NET};
    for (int i = 0; i < PREVALENCE_FATE_COUNT; i++)
        sessions -= c->fate[i];
    must(sessions == 0);
    must(prevalence_close(p, run.by, NULL) == 0);
    must(prevalence_print(p, &run, to) == 0);
    must(prevalence_json(p, &run, to) == 0);
    must(prevalence_csv(p, &run, to) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct prevalence *p = prevalence_new(&key);
    FILE *nowhere = fopen("/dev/null", "w");
    uint64_t sessions = 0;
    must(p && nowhere);
    while (in.n > 0) {
        size_t end = span_find(in, '\n');
        char why[EVENT_WHY] = "";
        struct event e;
        enum event_kind kind = event_read(span_first(in, end), &e, why);
        must((kind == EVENT_BROKEN) == (why[0] != '\0'));
        must_be_printable(why);
        if (kind == EVENT_SESSION) {
            check_session(&e);
            prevalence_add(p, &e);
            sessions++;
        }
        in = span_from(in, end + 1);
    }
    render(p, sessions, nowhere);
    fclose(nowhere);
    prevalence_free(p);
    return 0;
}
