/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/timeline.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/sensor/capfile.h"

/* What came out: "source:second" for each packet, and the problems. */
struct record {
    char order[4096];
    char problems[2048];
    unsigned packets;
    unsigned stop_at; /* 0: never */
    unsigned files_open;
};

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static bool on_packet(void *user, const struct packet *p)
{
    struct record *r = user;
    char one[32];
    snprintf(one, sizeof(one), "%u:%lld ", p->source, (long long)(p->time / NS_PER_S));
    if (strlen(r->order) + strlen(one) < sizeof(r->order))
        strcat(r->order, one);
    for (size_t i = 0; i < p->bytes.n; i++) /* still the bytes of this packet's file */
        assert_int_equal(p->bytes.p[i], 'A' + p->source % 26);
    unsigned now = open_descriptors();
    if (now > r->files_open)
        r->files_open = now;
    return ++r->packets != r->stop_at;
}

static void on_problem(void *user, const struct timeline_problem *p)
{
    struct record *r = user;
    char one[512];
    const char *base = strrchr(p->name, '/');
    snprintf(one, sizeof(one), "%s %u after %llu\n", base ? base + 1 : p->name,
             (unsigned)p->trouble, (unsigned long long)p->packet);
    strcat(r->problems, one);
    assert_true(strlen(p->text) > 0);
}

static struct capfile file;

static void write_capture(const struct capdir *dir, const char *name, unsigned index,
                          const uint32_t *sec, size_t count)
{
    cap_seconds(&file, sec, count, (uint8_t)('A' + index % 26));
    capdir_write(dir, name, file.b, file.n);
}

static struct timeline_counts run(struct inputs *in, struct record *r)
{
    struct timeline *t = timeline_new(in, on_problem, r);
    timeline_prepare(t);
    timeline_run(t, on_packet, r);
    struct timeline_counts counts = timeline_counts(t);
    timeline_free(t);
    inputs_fini(in);
    return counts;
}

#define SECONDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4

static void overlapping_files_are_merged(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    write_capture(&dir, "a", 0, SECONDS(10, 20, 30, 40));
    write_capture(&dir, "b", 1, SECONDS(5, 25, 26, 41));
    write_capture(&dir, "c", 2, SECONDS(22));
    inputs_add(&in, dir.path);
    struct timeline_counts counts = run(&in, &r);
    assert_string_equal(r.order, "1:5 0:10 0:20 2:22 1:25 1:26 0:30 0:40 1:41 ");
    assert_int_equal(counts.readable, 3);
    assert_string_equal(r.problems, "");
    capdir_remove(&dir);
}

static void equal_times_follow_the_arguments(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    write_capture(&dir, "z", 0, SECONDS(1, 2, 2));
    write_capture(&dir, "a", 1, SECONDS(1, 2, 3));
    inputs_add(&in, capdir_path(&dir, "z"));
    inputs_add(&in, capdir_path(&dir, "a"));
    run(&in, &r);
    assert_string_equal(r.order, "0:1 1:1 0:2 0:2 1:2 1:3 ");
    capdir_remove(&dir);
}

/* The order inside a file is the order on the wire; a step back does not pull it forward. */
static void times_that_run_back_stay_in_file_order(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    write_capture(&dir, "a", 0, SECONDS(10, 30, 12, 31));
    write_capture(&dir, "b", 1, SECONDS(11, 29, 32));
    inputs_add(&in, dir.path);
    run(&in, &r);
    assert_string_equal(r.order, "0:10 1:11 1:29 0:30 0:12 0:31 1:32 ");
    capdir_remove(&dir);
}

static void rotated_files_need_few_descriptors(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    for (uint32_t i = 0; i < 200; i++) { /* named against the order of their times */
        char name[16];
        snprintf(name, sizeof(name), "%03u", 199 - i);
        write_capture(&dir, name, 199 - i, SECONDS(10 * i, 10 * i + 9));
    }
    inputs_add(&in, dir.path);
    unsigned before = open_descriptors();
    struct timeline_counts counts = run(&in, &r);
    assert_int_equal(counts.readable, 200);
    assert_int_equal(r.packets, 400);
    assert_true(r.files_open <= before + 1);
    assert_ptr_equal(strstr(r.order, "199:0 199:9 198:10 198:19 197:20 "), r.order);
    capdir_remove(&dir);
}

static void damage_is_told_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    write_capture(&dir, "a", 0, SECONDS(1, 3, 5));
    capdir_write(&dir, "a", file.b, file.n - 1);
    write_capture(&dir, "b", 1, SECONDS(2, 4, 6));
    cap_seconds(&file, SECONDS(1), 'C');
    capdir_write(&dir, "c", file.b, 24 + 15); /* not even one packet */
    capdir_write(&dir, "d", file.b, 20);      /* not even a header */
    capdir_write(&dir, "e", "text", 4);
    capdir_write(&dir, "f", "", 0);
    cap_seconds(&file, NULL, 0, 'G');
    capdir_write(&dir, "g", file.b, file.n); /* a good one without packets */
    inputs_add(&in, dir.path);
    struct timeline_counts counts = run(&in, &r);
    assert_string_equal(r.order, "0:1 1:2 0:3 1:4 1:6 ");
    assert_string_equal(r.problems, "c 1 after 0\nd 0 after 0\na 1 after 2\n");
    assert_int_equal(counts.readable, 4);
    assert_int_equal(counts.unreadable, 1);
    assert_int_equal(counts.cut, 2);
    assert_int_equal(counts.skipped, 2);
    capdir_remove(&dir);
}

static void a_directory_without_captures_is_an_error(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    capdir_write(&dir, "e", "text", 4);
    inputs_add(&in, dir.path);
    struct timeline_counts counts = run(&in, &r);
    assert_int_equal(counts.unreadable, 1);
    assert_int_equal(counts.skipped, 1);
    assert_non_null(strstr(r.problems, "stripwatch-test-"));
    capdir_remove(&dir);
}

static void named_files_must_be_captures(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    capdir_write(&dir, "text", "text", 4);
    write_capture(&dir, "b", 1, SECONDS(2, 4, 6));
    inputs_add(&in, capdir_path(&dir, "text"));
    inputs_add(&in, capdir_path(&dir, "b"));
    struct timeline_counts counts = run(&in, &r);
    assert_string_equal(r.problems, "text 0 after 0\n");
    assert_string_equal(r.order, "1:2 1:4 1:6 ");
    assert_int_equal(counts.unreadable, 1);
    capdir_remove(&dir);
}

static void a_fifo_is_opened_once(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    mkfifo(capdir_path(&dir, "fifo"), 0600);
    write_capture(&dir, "b", 1, SECONDS(2, 4, 6));
    cap_seconds(&file, SECONDS(1, 5), 'A');
    pid_t writer = fork();
    if (writer == 0) {
        int fd = open(capdir_path(&dir, "fifo"), O_WRONLY);
        _exit(write(fd, file.b, file.n) == (ssize_t)file.n ? 0 : 1);
    }
    inputs_add(&in, capdir_path(&dir, "fifo"));
    inputs_add(&in, capdir_path(&dir, "b"));
    run(&in, &r);
    assert_string_equal(r.order, "0:1 1:2 1:4 0:5 1:6 ");
    capdir_remove(&dir);
}

static void the_reader_may_stop_anywhere(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    write_capture(&dir, "a", 0, SECONDS(1, 3, 5));
    write_capture(&dir, "b", 1, SECONDS(2, 4, 6));
    for (unsigned stop = 1; stop <= 6; stop++) {
        struct inputs in = {0};
        struct record r = {.stop_at = stop};
        inputs_add(&in, dir.path);
        run(&in, &r);
        assert_int_equal(r.packets, stop);
    }
    capdir_remove(&dir);
}

static void a_file_may_go_between_the_two_looks(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    write_capture(&dir, "a", 0, SECONDS(1, 3, 5));
    write_capture(&dir, "b", 1, SECONDS(2, 4, 6));
    inputs_add(&in, dir.path);
    struct timeline *t = timeline_new(&in, on_problem, &r);
    timeline_prepare(t);
    assert_int_equal(timeline_size(t), 2 * (24 + 3 * 76));
    unlink(capdir_path(&dir, "a"));
    timeline_run(t, on_packet, &r);
    assert_string_equal(r.order, "1:2 1:4 1:6 ");
    assert_string_equal(r.problems, "a 0 after 0\n");
    timeline_free(t);
    inputs_fini(&in);
    capdir_remove(&dir);
}

static void no_input_is_no_packets(void **state)
{
    (void)state;
    struct inputs in = {0};
    struct record r = {.files_open = 0};
    run(&in, &r);
    assert_int_equal(r.packets, 0);
    timeline_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_files_are_merged),
        cmocka_unit_test(equal_times_follow_the_arguments),
        cmocka_unit_test(times_that_run_back_stay_in_file_order),
        cmocka_unit_test(rotated_files_need_few_descriptors),
        cmocka_unit_test(damage_is_told_and_the_rest_goes_on),
        cmocka_unit_test(a_directory_without_captures_is_an_error),
        cmocka_unit_test(named_files_must_be_captures),
        cmocka_unit_test(a_fifo_is_opened_once),
        cmocka_unit_test(the_reader_may_stop_anywhere),
        cmocka_unit_test(a_file_may_go_between_the_two_looks),
        cmocka_unit_test(no_input_is_no_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
