/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts on their way to the spool: each is kept until it is on disk, and said again to a new feed.
 */
#include "sensor/unraised.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensor/told.h"

#define MOST 1024

struct desk_and_feed {
    struct unraised *u;
    struct message_out *out;
    struct message_in *in;
    int fd[2];
    struct told_line heard[MOST];
    char first[MOST]; /* letter of each line */
    size_t count;
};

static void on_line(void *user, const struct message_head *h, struct span body)
{
    struct desk_and_feed *d = user;
    assert_int_equal(h->type, MESSAGE_LINE);
    assert_true(body.n > sizeof(d->heard[0]) && d->count < MOST);
    memcpy(&d->heard[d->count], body.p, sizeof(d->heard[0]));
    d->first[d->count++] = (char)body.p[sizeof(d->heard[0])];
}

static void hear(struct desk_and_feed *d)
{
    d->count = 0;
    assert_true(message_flush(d->out));
    while (message_receive(d->in, on_line, d) > 0)
        ;
    assert_int_equal(message_malformed(d->in), 0);
}

static int set_up(void **state)
{
    struct desk_and_feed *d = calloc(1, sizeof(*d));
    assert_int_equal(message_pair(d->fd), 0);
    d->u = unraised_new();
    d->out = message_out_new(d->fd[0], PROCESS_JUDGE, 0, 1);
    d->in = message_in_new(d->fd[1], PROCESS_JUDGE, 0);
    *state = d;
    return d->u && d->out && d->in ? 0 : -1;
}

static int tear_down(void **state)
{
    struct desk_and_feed *d = *state;
    unraised_free(d->u);
    message_out_free(d->out);
    message_in_free(d->in);
    close(d->fd[0]);
    close(d->fd[1]);
    free(d);
    return 0;
}

static void tell(struct desk_and_feed *d, enum desk_line kind, const char *line)
{
    unraised_tell(d->u, d->out,
                  (struct desk_mark){.kind = kind, .severity = SEVERITY_HIGH, .sid = 1320700},
                  span_str(line));
}

static void an_alert_is_raised_when_it_is_on_disk(void **state)
{
    struct desk_and_feed *d = *state;
    tell(d, DESK_ALERT, "a");
    tell(d, DESK_ALERT, "b");
    hear(d);
    assert_int_equal(d->count, 2);
    assert_int_equal(d->heard[0].serial, 1);
    assert_int_equal(d->heard[1].serial, 2);
    assert_int_equal(unraised_raised(d->u), 0);
    assert_int_equal(unraised_count(d->u), 2);
    unraised_kept(d->u, 1);
    assert_int_equal(unraised_raised(d->u), 1);
    assert_int_equal(unraised_count(d->u), 1);
    unraised_kept(d->u, 2);
    unraised_kept(d->u, 2); /* said twice, counted once */
    assert_int_equal(unraised_raised(d->u), 2);
    assert_int_equal(unraised_count(d->u), 0);
}

static void only_alerts_are_waited_for(void **state)
{
    struct desk_and_feed *d = *state;
    tell(d, DESK_STATS, "s");
    tell(d, DESK_ALERT, "a");
    hear(d);
    assert_int_equal(d->count, 2);
    assert_int_equal(unraised_count(d->u), 1);
    unraised_kept(d->u, 2);
    assert_int_equal(unraised_raised(d->u), 1);
}

static void a_new_feed_hears_what_is_not_on_disk(void **state)
{
    struct desk_and_feed *d = *state;
    tell(d, DESK_ALERT, "a");
    tell(d, DESK_ALERT, "b");
    tell(d, DESK_ALERT, "c");
    hear(d);
    assert_int_equal(d->heard[2].again, 0);
    unraised_kept(d->u, 1);
    unraised_again(d->u, d->out, 2);
    hear(d);
    assert_int_equal(d->count, 2);
    assert_int_equal(d->first[0], 'b');
    assert_int_equal(d->first[1], 'c');
    assert_int_equal(d->heard[0].serial, 2);
    assert_int_equal(d->heard[0].again, 1);
    assert_int_equal(d->heard[0].feed, 2);
    unraised_kept(d->u, 3);
    assert_int_equal(unraised_raised(d->u), 3);
}

/* The feed takes nothing: what is beyond the message queue is kept, and beyond that it is lost. */
static void what_has_no_room_is_counted(void **state)
{
    static char line[60000];
    struct desk_and_feed *d = *state;
    uint64_t most = CAP_UNRAISED / (sizeof(line) - 1), told = most + 5;
    memset(line, 'x', sizeof(line) - 1);
    for (uint64_t i = 0; i < told; i++)
        tell(d, DESK_ALERT, line);
    assert_int_equal(unraised_count(d->u), most);
    assert_true(unraised_lost(d->u) <= told - most);
    unraised_kept(d->u, told); /* what was never sent cannot be on disk */
    assert_int_equal(unraised_raised(d->u) + unraised_count(d->u), most);
}

/* Lines of sessions take what they may have of socket and queue; alerts the rest, and there is no
 * room to say them all again. */
static void a_new_feed_hears_all_in_their_order(void **state)
{
    static char line[60000];
    static uint64_t serial[4 * MOST];
    struct desk_and_feed *d = *state;
    uint64_t sessions = CAP_MESSAGE_WAITING / 2 / (sizeof(line) - 1);
    uint64_t alerts = CAP_UNRAISED / (sizeof(line) - 1), heard = 0;
    memset(line, 'x', sizeof(line) - 1);
    for (uint64_t i = 0; i < sessions; i++)
        tell(d, DESK_SESSION, line);
    for (uint64_t i = 0; i < alerts; i++)
        tell(d, DESK_ALERT, line);
    unraised_again(d->u, d->out, 2);
    for (int quiet = 0; quiet < 3;) {
        hear(d);
        quiet = d->count > 0 ? 0 : quiet + 1;
        for (size_t i = 0; i < d->count; i++)
            if (d->heard[i].kind == DESK_ALERT && d->heard[i].again)
                serial[heard++] = d->heard[i].serial;
        unraised_retry(d->u, d->out);
    }
    assert_int_equal(heard, alerts);
    for (uint64_t i = 1; i < heard; i++)
        assert_int_equal(serial[i], serial[i - 1] + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_alert_is_raised_when_it_is_on_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_alerts_are_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_feed_hears_what_is_not_on_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_feed_hears_all_in_their_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
