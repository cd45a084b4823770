/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between processes: what was sent comes in its order, and what nobody of ours would send
 * is counted and goes no further. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/caps.h"
#include "sensor/message.h"

static unsigned heard;
static uint8_t newest[64];

static void on_message(void *user, const struct message_head *h, struct span body)
{
    (void)user;
    heard++;
    assert_true(h->type < MESSAGE_TYPE_COUNT && body.n <= message_most((enum message_type)h->type));
    memcpy(newest, body.p, body.n < sizeof(newest) ? body.n : sizeof(newest));
}

static void what_is_put_arrives(void **state)
{
    int fd[2];
    (void)state;
    assert_int_equal(message_pair(fd), 0);
    struct message_out *out = message_out_new(fd[0], PROCESS_WATCH, 3, 7);
    struct message_in *in = message_in_new(fd[1], PROCESS_WATCH, 3);
    heard = 0;
    assert_true(message_put(out, MESSAGE_SESSION, span_str("one"), true));
    assert_true(message_put(out, MESSAGE_STATE, span_of(NULL, 0), true));
    assert_true(message_put(out, MESSAGE_SESSION, span_str("two"), false));
    assert_true(message_flush(out) && !message_waits(out));
    assert_int_equal(message_receive(in, on_message, NULL), 1);
    assert_int_equal(heard, 3);
    assert_memory_equal(newest, "two", 3);
    assert_int_equal(message_receive(in, on_message, NULL), 0);
    message_out_free(out);
    close(fd[0]);
    assert_int_equal(message_receive(in, on_message, NULL), -1);
    assert_int_equal(message_malformed(in), 0);
    message_in_free(in);
    close(fd[1]);
}

static void refuse(const struct message_head *h, size_t behind)
{
    int fd[2];
    static uint8_t bytes[65536];
    assert_true(behind <= sizeof(bytes) - sizeof(*h));
    assert_int_equal(message_pair(fd), 0);
    struct message_in *in = message_in_new(fd[1], PROCESS_WATCH, 0);
    memcpy(bytes, h, sizeof(*h));
    heard = 0;
    assert_true(send(fd[0], bytes, sizeof(*h) + behind, 0) > 0);
    assert_int_equal(message_receive(in, on_message, NULL), 1);
    assert_int_equal(heard, 0);
    assert_int_equal(message_malformed(in), 1);
    message_in_free(in);
    close(fd[0]);
    close(fd[1]);
}

static void what_nobody_sends_is_refused(void **state)
{
    const struct message_head good = {
        .size = 8, .type = MESSAGE_SESSION, .sender = PROCESS_WATCH, .generation = 1};
    struct message_head h = good;
    (void)state;
    h.type = MESSAGE_TYPE_COUNT;
    refuse(&h, 8);
    h = good;
    h.sender = PROCESS_JUDGE; /* a watch that speaks for the judge */
    refuse(&h, 8);
    h = good;
    h.index = 1; /* or for another watch */
    refuse(&h, 8);
    h = good;
    h.type = MESSAGE_LINE; /* or says what is not its own to say */
    refuse(&h, 8);
    h = good;
    h.size = 9; /* more than there is */
    refuse(&h, 8);
    h = good;
    h.type = MESSAGE_TOLD; /* what fetch alone may say */
    refuse(&h, 8);
    h = good;
    h.type = MESSAGE_SIGHTING; /* more than one of its kind may have */
    h.size = message_most(MESSAGE_SIGHTING) + 1;
    refuse(&h, h.size);
    refuse(&good, 0); /* an end within it */
}

/* The longest line about a domain is one message, which the kernel takes. */
static void the_longest_line_arrives(void **state)
{
    static uint8_t line[CAP_LOOKUP_LINE + 1];
    int fd[2];
    (void)state;
    memset(line, 'x', sizeof(line));
    assert_int_equal(message_pair(fd), 0);
    struct message_out *out = message_out_new(fd[0], PROCESS_FETCH, 0, 1);
    struct message_in *in = message_in_new(fd[1], PROCESS_FETCH, 0);
    heard = 0;
    assert_false(message_put(out, MESSAGE_TOLD, span_of(line, sizeof(line)), true));
    assert_true(message_put(out, MESSAGE_TOLD, span_of(line, CAP_LOOKUP_LINE), true));
    assert_true(message_flush(out) && !message_waits(out));
    assert_int_equal(message_receive(in, on_message, NULL), 1);
    assert_int_equal(heard, 1);
    assert_memory_equal(newest, line, sizeof(newest));
    assert_int_equal(message_malformed(in), 0);
    message_out_free(out);
    message_in_free(in);
    close(fd[0]);
    close(fd[1]);
}

/* Nobody listens: what waits is bounded, and half of the room is for what is urgent. */
static void what_waits_is_bounded(void **state)
{
    static uint8_t body[65536];
    int fd[2];
    size_t calm = 0, urgent = 0;
    (void)state;
    assert_int_equal(message_pair(fd), 0);
    struct message_out *out = message_out_new(fd[0], PROCESS_WATCH, 0, 1);
    while (message_put(out, MESSAGE_SESSION, span_of(body, sizeof(body)), false))
        calm++;
    while (message_put(out, MESSAGE_SESSION, span_of(body, sizeof(body)), true))
        urgent++;
    size_t half = CAP_MESSAGE_WAITING / 2 / sizeof(body);
    assert_true(calm >= half - 1 && urgent >= half - 2 && urgent <= half);
    assert_int_equal(message_lost(out, false), 1);
    assert_int_equal(message_lost(out, true), 1);
    message_out_free(out);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_arrives),
        cmocka_unit_test(what_nobody_sends_is_refused),
        cmocka_unit_test(the_longest_line_arrives),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
