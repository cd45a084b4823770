/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/timeline.h"

#include <stdlib.h>

#include "sensor/capture.h"

#define PEEK_BUFFER 4096 /* enough for the first packet of a file that is closed again */
#define LANES_FEW   64   /* so many open files may have large buffers */

/* A place on the timeline: equal times follow the order of the inputs. */
struct place {
    nstime time;
    uint32_t index; /* of the input */
};

struct lane {
    struct capture *capture; /* NULL: not open */
    struct packet head;      /* read, not yet handed on; its bytes are in the capture's buffer */
    struct place place;      /* latest time shown so far */
};

struct timeline {
    const struct inputs *inputs;
    struct lane *lane;    /* one for each input */
    struct place *coming; /* first packets of the inputs that have any, sorted */
    uint32_t coming_count, coming_at;
    uint32_t *heap; /* indices of open lanes, the earliest place on top */
    uint32_t heap_count;
    uint32_t *found; /* for each directory: files that were captures or told of */
    struct timeline_counts counts;
    uint64_t done_bytes; /* sizes of the inputs that were read to their end */
    uint64_t size;
    bool size_known;
    timeline_problem_fn tell;
    void *tell_user;
    timeline_packet_fn fn;
    void *user;
    struct lane *current; /* being run */
    struct place limit;   /* as far as it may go */
    bool stopped;
};

static bool before(struct place a, struct place b)
{
    return a.time != b.time ? a.time < b.time : a.index < b.index;
}

static const struct input *input_of(const struct timeline *t, const struct lane *l)
{
    return &t->inputs->item[l->place.index];
}

static void tell(struct timeline *t, enum timeline_trouble trouble, const char *name,
                 uint64_t packet, const char *text)
{
    if (trouble == TIMELINE_CUT)
        t->counts.cut++;
    else
        t->counts.unreadable++;
    struct timeline_problem p = {trouble, name, packet, text};
    t->tell(t->tell_user, &p);
}

/* --- the heap of open lanes --- */

static bool heap_before(const struct timeline *t, uint32_t a, uint32_t b)
{
    return before(t->lane[t->heap[a]].place, t->lane[t->heap[b]].place);
}

static void heap_swap(struct timeline *t, uint32_t a, uint32_t b)
{
    uint32_t keep = t->heap[a];
    t->heap[a] = t->heap[b];
    t->heap[b] = keep;
}

static void heap_push(struct timeline *t, uint32_t lane)
{
    uint32_t i = t->heap_count++;
    t->heap[i] = lane;
    for (; i > 0 && heap_before(t, i, (i - 1) / 2); i = (i - 1) / 2)
        heap_swap(t, i, (i - 1) / 2);
}

static struct lane *heap_pop(struct timeline *t)
{
    struct lane *top = &t->lane[t->heap[0]];
    t->heap[0] = t->heap[--t->heap_count];
    for (uint32_t i = 0, child; (child = 2 * i + 1) < t->heap_count; i = child) {
        if (child + 1 < t->heap_count && heap_before(t, child + 1, child))
            child++;
        if (!heap_before(t, child, i))
            break;
        heap_swap(t, i, child);
    }
    return top;
}

/* --- opening and closing --- */

static void lane_close(struct timeline *t, struct lane *l)
{
    capture_close(l->capture);
    l->capture = NULL;
    t->done_bytes += input_of(t, l)->size;
}

static void lane_damaged(struct timeline *t, struct lane *l)
{
    tell(t, TIMELINE_CUT, input_of(t, l)->name, capture_packets(l->capture),
         capture_damage(l->capture));
}

/* A file in a directory that is no capture is passed over; a named one is an error. */
static void lane_refused(struct timeline *t, struct lane *l, enum capture_status status,
                         const struct capture_error *why)
{
    const struct input *in = input_of(t, l);
    if (status == CAPTURE_FOREIGN && in->directory) {
        t->counts.skipped++;
        return;
    }
    if (in->directory)
        t->found[in->directory - 1]++;
    tell(t, TIMELINE_UNREADABLE, in->name, 0, why->text);
}

/* True when the first packet is in l->head. */
static bool lane_first(struct timeline *t, struct lane *l)
{
    int r = capture_next(l->capture, &l->head);
    if (r == 1) {
        l->place.time = l->head.time;
        return true;
    }
    if (r < 0)
        lane_damaged(t, l);
    lane_close(t, l);
    return false;
}

/* The first look at an input: is it a capture, and when does it begin? */
static void lane_peek(struct timeline *t, struct lane *l)
{
    const struct input *in = input_of(t, l);
    bool once = t->inputs->count == 1 || !in->again;
    struct capture_error why;
    enum capture_status status =
        capture_open(in->name, once ? CAPTURE_BUFFER : PEEK_BUFFER, &l->capture, &why);
    if (status != CAPTURE_OK) {
        lane_refused(t, l, status, &why);
        return;
    }
    capture_set_source(l->capture, l->place.index);
    t->counts.readable++;
    t->size += in->size;
    t->size_known = t->size_known && in->size > 0;
    if (in->directory)
        t->found[in->directory - 1]++;
    if (!lane_first(t, l))
        return;
    t->coming[t->coming_count++] = l->place;
    if (!once) {
        capture_close(l->capture);
        l->capture = NULL;
    }
}

/* Opens what lane_peek() closed. The file may have changed or gone since. */
static bool lane_reopen(struct timeline *t, struct lane *l)
{
    struct capture_error why;
    size_t buffer = t->heap_count < LANES_FEW ? CAPTURE_BUFFER : CAPTURE_BUFFER / 16;
    if (capture_open(input_of(t, l)->name, buffer, &l->capture, &why) != CAPTURE_OK) {
        tell(t, TIMELINE_UNREADABLE, input_of(t, l)->name, 0, why.text);
        return false;
    }
    capture_set_source(l->capture, l->place.index);
    return lane_first(t, l);
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return before(*x, *y) ? -1 : before(*y, *x);
}

void timeline_prepare(struct timeline *t)
{
    for (uint32_t i = 0; i < t->inputs->count; i++)
        lane_peek(t, &t->lane[i]);
    for (uint32_t i = 0; i < t->inputs->directory_count; i++)
        if (t->found[i] == 0)
            tell(t, TIMELINE_UNREADABLE, t->inputs->directory[i], 0,
                 "no capture in this directory");
    qsort(t->coming, t->coming_count, sizeof(*t->coming), by_place);
}

/* --- running --- */

/* Brings every lane into the heap that begins before the earliest open one. */
static void open_due(struct timeline *t)
{
    while (t->coming_at < t->coming_count) {
        struct place next = t->coming[t->coming_at];
        if (t->heap_count > 0 && before(t->lane[t->heap[0]].place, next))
            return;
        t->coming_at++;
        struct lane *l = &t->lane[next.index];
        if (l->capture || lane_reopen(t, l))
            heap_push(t, next.index);
    }
}

/* Where another lane has its turn. */
static struct place limit_of(const struct timeline *t)
{
    struct place limit = {INT64_MAX, UINT32_MAX};
    if (t->heap_count > 0)
        limit = t->lane[t->heap[0]].place;
    if (t->coming_at < t->coming_count && before(t->coming[t->coming_at], limit))
        limit = t->coming[t->coming_at];
    return limit;
}

static bool on_packet(void *user, const struct packet *p)
{
    struct timeline *t = user;
    struct lane *l = t->current;
    if (p->time > l->place.time)
        l->place.time = p->time;
    if (before(t->limit, l->place)) {
        l->head = *p;
        return false;
    }
    t->stopped = !t->fn(t->user, p);
    return !t->stopped;
}

/* Like capture_run(). The last lane, which most runs have alone, needs nobody in between. */
static int run_on(struct timeline *t, struct lane *l)
{
    if (t->limit.time != INT64_MAX)
        return capture_run(l->capture, on_packet, t);
    int r = capture_run(l->capture, t->fn, t->user);
    t->stopped = r == 1;
    return r;
}

/* Hands on the head of the earliest lane and whatever follows it before any other lane. */
static void run_lane(struct timeline *t, struct lane *l)
{
    t->current = l;
    t->limit = limit_of(t);
    t->stopped = !t->fn(t->user, &l->head);
    int r = t->stopped ? 0 : run_on(t, l);
    if (r == 1 && !t->stopped) {
        heap_push(t, l->place.index);
        return;
    }
    if (r < 0)
        lane_damaged(t, l);
    lane_close(t, l);
}

void timeline_run(struct timeline *t, timeline_packet_fn fn, void *user)
{
    t->fn = fn;
    t->user = user;
    while (!t->stopped) {
        open_due(t);
        if (t->heap_count == 0)
            break;
        run_lane(t, heap_pop(t));
    }
    t->current = NULL;
}

/* --- life --- */

struct timeline *timeline_new(const struct inputs *inputs, timeline_problem_fn fn, void *user)
{
    struct timeline *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    size_t n = inputs->count ? inputs->count : 1;
    size_t directories = inputs->directory_count ? inputs->directory_count : 1;
    *t = (struct timeline){.inputs = inputs, .tell = fn, .tell_user = user, .size_known = true};
    t->lane = calloc(n, sizeof(*t->lane));
    t->coming = calloc(n, sizeof(*t->coming));
    t->heap = calloc(n, sizeof(*t->heap));
    t->found = calloc(directories, sizeof(*t->found));
    if (!t->lane || !t->coming || !t->heap || !t->found) {
        timeline_free(t);
        return NULL;
    }
    for (uint32_t i = 0; i < inputs->count; i++)
        t->lane[i].place.index = i;
    return t;
}

struct timeline_counts timeline_counts(const struct timeline *t)
{
    return t->counts;
}

uint64_t timeline_position(const struct timeline *t)
{
    uint64_t sum = t->done_bytes;
    for (uint32_t i = 0; i < t->heap_count; i++)
        sum += capture_position(t->lane[t->heap[i]].capture);
    if (t->current && t->current->capture)
        sum += capture_position(t->current->capture);
    return sum;
}

uint64_t timeline_size(const struct timeline *t)
{
    return t->size_known ? t->size : 0;
}

void timeline_free(struct timeline *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->lane && i < t->inputs->count; i++)
        capture_close(t->lane[i].capture);
    free(t->lane);
    free(t->coming);
    free(t->heap);
    free(t->found);
    free(t);
}
