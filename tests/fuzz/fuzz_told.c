/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes say to each other, when one of them belongs to an attacker: he who asks (fetch
 * hears it), he who answers, and he who sees packets (the judge hears both). An input is a row of
 * messages: a byte with the kind, two with the length, the high one first, and so many bytes; with
 * the kind's bit 7 the first of those are the head as well, whatever it says.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "policy/sts_txt.h"
#include "sensor/message.h"
#include "sensor/promises.h"
#include "sensor/wants.h"

enum { PIECE = 32768, RAW = 0x80, DAY_S = 86400, INPUTS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wants *wants;
static struct promises *promises;
static nstime now;
static unsigned served;

static void must(bool good)
{
    if (!good)
        abort();
}

/* --- who hears --- */

static void hear_ask(struct span body)
{
    struct told_ask a;
    struct domain d;
    if (!told_ask_read(body, &a, &d))
        return;
    must(d.n > 0 && domain_valid(domain_span(&d)) && !domain_numeric(domain_span(&d)));
    must(a.mx <= 1 && strlen(a.id) <= CAP_STS_ID);
    must(!a.id[0] || sts_txt_id_valid(span_str(a.id)));
}

static void on_found(void *user, const struct discovery *d)
{
    (void)user;
    must(d->domain.n > 0);
}

/* Only what was asked for counts, and once. */
static void hear_told(struct span body)
{
    static struct lookup l;
    struct eve_lookups before = wants_stats(wants), then;
    bool taken = wants_take(wants, now, body, &l);
    then = wants_stats(wants);
    must(then.answered == before.answered + taken && then.unasked == before.unasked + !taken);
    must(then.flying + taken == before.flying);
    if (!taken)
        return;
    must(strcmp(l.domain.text, "a.test") == 0 || strcmp(l.domain.text, "b.test") == 0);
    promises_lookup(promises, &l, now, on_found, NULL);
    lookup_fini(&l);
}

static void hear_sighting(struct span body)
{
    struct span rest = body;
    enum told_sighting kind = told_sighting_read(&rest);
    must(kind == TOLD_SIGHTING_COUNT || (body.n > 0 && body.p[0] == kind && rest.n == body.n - 1));
}

/* message_fn */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    enum process *from = user;
    must(h->sender == *from && h->index == 0 && body.n == h->size);
    must(h->type < MESSAGE_TYPE_COUNT && body.n <= message_most((enum message_type)h->type));
    if (h->type == MESSAGE_ASK)
        hear_ask(body);
    else if (h->type == MESSAGE_TOLD)
        hear_told(body);
    else if (h->type == MESSAGE_SIGHTING)
        hear_sighting(body);
}

/* --- who speaks --- */

static enum process speaker_of(uint8_t type)
{
    return type == MESSAGE_ASK    ? PROCESS_JUDGE
           : type == MESSAGE_TOLD ? PROCESS_FETCH
                                  : PROCESS_WATCH;
}

static struct line {
    int fd[2];
    struct message_in *in; /* NULL: not open yet */
} lines[PROCESS_COUNT];

static const struct line *line_of(enum process from)
{
    struct line *line = &lines[from];
    if (line->in)
        return line;
    must(message_pair(line->fd) == 0);
    line->in = message_in_new(line->fd[0], from, 0);
    must(line->in != NULL);
    return line;
}

/* One piece; what was in it is heard. */
static void say(uint8_t kind, struct span body)
{
    static uint8_t piece[sizeof(struct message_head) + PIECE];
    uint8_t type = kind & (RAW - 1);
    enum process from = speaker_of(type);
    const struct line *line = line_of(from);
    uint64_t malformed = message_malformed(line->in);
    struct message_head h = {
        .size = (uint32_t)body.n, .type = type, .sender = (uint8_t)from, .generation = 1};
    size_t n = kind & RAW ? 0 : sizeof(h);
    memcpy(piece, &h, n);
    if (body.n > 0)
        memcpy(piece + n, body.p, body.n);
    if (n + body.n > 0 && send(line->fd[1], piece, n + body.n, MSG_NOSIGNAL) > 0)
        must(message_receive(line->in, on_message, &from) == 1);
    must(message_malformed(line->in) <= malformed + 1);
}

static void on_problem(void *user, const char *name, unsigned line, const char *what)
{
    (void)user, (void)name, (void)line, (void)what;
}

static void begin(void)
{
    static const struct siphash_key key;
    static const struct role_config roles;
    static const struct wants_config c = {.mode = CONFIG_LOOKUPS_SEEN, .roles = &roles};
    struct told_ask a;
    struct domain d;
    if (served++ % INPUTS == 0) { /* what they know is of some inputs */
        wants_free(wants);
        promises_free(promises);
        now = 0;
        wants = wants_new(&c, &key);
        promises = promises_new(&key, on_problem, NULL);
    }
    must(wants && promises);
    now += 2 * DAY_S * NS_PER_S; /* whatever came of it before, it is time to ask again */
    for (const char *name = "a.test"; name; name = *name == 'a' ? "b.test" : NULL) {
        must(domain_read(span_str(name), &d));
        wants_add(wants, now, &d);
    }
    while (wants_next(wants, now, &a))
        must(a.mx == 1 && strlen(a.domain) == 6);
    must(wants_stats(wants).flying <= CAP_ASKING_FLIGHT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    begin();
    while (in.n >= 3) {
        uint8_t kind = in.p[0];
        size_t n = (size_t)in.p[1] << 8 | in.p[2];
        in = span_from(in, 3);
        n = n < PIECE ? n : PIECE;
        struct span body = span_first(in, n);
        say(kind, body);
        in = span_from(in, body.n);
    }
    return 0;
}
