/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process that judges reads from the one that looks at packets. Input: messages; of each
 * the first byte says which kind it is (tests/unit/sensor/wire_use.h), and it is one made by hand
 * with patches: two bytes of the place, the high one first, one of how many bytes follow, and
 * those. A patch of none cuts the message there or, behind its end, begins the next one. What is
 * accepted is handed to a desk, whose lines are JSON. A desk serves some inputs: to set one up
 * takes a hundred times longer than they do, and what a row of them does, one of many messages
 * does.
 */
#include "../unit/json_check.h"
#include "../unit/sensor/wire_use.h"

enum { HEADER = 3, INPUTS = 256 };

static struct wire_use use;
static unsigned served; /* by this desk */

static void expect(bool good)
{
    if (!good)
        abort();
}

static void on_line(struct span line)
{
    expect(line.n <= CAP_JSON_LINE && json_check(line.p, line.n));
}

/* Gives the bytes that it took of the input. */
static size_t patch(const uint8_t *data, size_t size, struct wire *message)
{
    size_t at = 0;
    while (size - at >= HEADER) {
        size_t place = (size_t)data[at] << 8 | data[at + 1], n = data[at + 2];
        at += HEADER;
        n = n < size - at ? n : size - at;
        if (n == 0 && place >= message->n)
            return at;
        if (n == 0)
            message->n = place;
        for (size_t i = 0; i < n && place + i < message->n; i++)
            message->p[place + i] = data[at + i];
        at += n;
    }
    return size;
}

/* In memory of exactly its size, so that a sanitizer sees a read behind it. */
static void judge_message(enum wire_kind kind, const struct wire *message)
{
    uint8_t *exact = malloc(message->n > 0 ? message->n : 1);
    expect(exact != NULL);
    if (message->n > 0)
        memcpy(exact, message->p, message->n);
    (void)wire_use(&use, kind, span_of(exact, message->n));
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct role_config roles;
    static struct wire_made made;
    static uint8_t bytes[WIRE_MOST];

    use.line = on_line;
    expect(served > 0 || wire_use_begin(&use, &roles));
    for (size_t at = 0; at < size;) {
        struct wire message = {.p = bytes, .room = sizeof(bytes)};
        enum wire_kind kind = (enum wire_kind)(data[at++] % WIRE_KIND_COUNT);
        wire_make(kind, &made, &message);
        expect(!message.full);
        at += patch(data + at, size - at, &message);
        judge_message(kind, &message);
    }
    served = (served + 1) % INPUTS;
    if (served == 0)
        wire_use_end(&use);
    return 0;
}
