/* SPDX-License-Identifier: Apache-2.0 */
#include "store/resp.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/caps.h"
#include "base/heap.h"

enum { ARGS = 8 };

struct resp_reader {
    redisReader *redis; /* of hiredis; its objects are ours */
    size_t elements;    /* of the reply that is being read */
    bool broken;        /* for good */
    const char *why;    /* it is */
};

/* --- objects, as hiredis asks for them --- */

static struct resp_reader *reader_of(const redisReadTask *task)
{
    return task->privdata;
}

void resp_free(struct resp *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        resp_free(r->child[i]); /* hiredis reads no deeper than seven */
    heap_free(r);
}

static void free_object(void *object)
{
    resp_free(object);
}

/* One allocation with `extra` bytes behind it; hung into its array. NULL stops the reader. */
static struct resp *object(const redisReadTask *task, enum resp_kind kind, size_t extra)
{
    struct resp_reader *reader = reader_of(task);
    struct resp *r;

    if (++reader->elements > CAP_STORE_ELEMENTS || extra > CAP_STORE_REPLY)
        return NULL;
    r = heap_zeroed(sizeof(*r) + extra);
    if (!r)
        return NULL;
    r->kind = kind;
    if (task->parent) {
        struct resp *parent = task->parent->obj;
        parent->child[parent->count++] = r;
    }
    return r;
}

static void *create_string(const redisReadTask *task, char *text, size_t n)
{
    enum resp_kind kind = task->type == REDIS_REPLY_ERROR    ? RESP_ERROR
                          : task->type == REDIS_REPLY_STATUS ? RESP_STATUS
                                                             : RESP_STRING;
    struct resp *r = object(task, kind, n);

    if (!r)
        return NULL;
    if (n > 0)
        memcpy(r + 1, text, n);
    r->text = span_of(r + 1, n);
    return r;
}

#if HIREDIS_MAJOR > 0
static void *create_array(const redisReadTask *task, size_t announced)
#else
static void *create_array(const redisReadTask *task, int announced)
#endif
{
    /* The place for children is made at once, so what is announced is counted before it comes. */
    size_t n = announced > 0 ? (size_t)announced : 0;
    struct resp_reader *reader = reader_of(task);
    struct resp *r;

    if (n > CAP_STORE_ELEMENTS -
                (reader->elements < CAP_STORE_ELEMENTS ? reader->elements : CAP_STORE_ELEMENTS))
        return NULL;
    r = object(task, RESP_ARRAY, n * sizeof(struct resp *));
    if (r)
        r->child = (struct resp **)(void *)(r + 1);
    return r;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct resp *r = object(task, RESP_INTEGER, 0);

    if (r)
        r->integer = value;
    return r;
}

static void *create_nil(const redisReadTask *task)
{
    return object(task, RESP_NIL, 0);
}

#if HIREDIS_MAJOR > 0
/* RESP3 is never asked for: such a reply breaks the stream. */
static void *create_double(const redisReadTask *task, double value, char *text, size_t n)
{
    (void)task, (void)value, (void)text, (void)n;
    return NULL;
}

static void *create_bool(const redisReadTask *task, int value)
{
    (void)task, (void)value;
    return NULL;
}
#endif

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#if HIREDIS_MAJOR > 0
    .createDouble = create_double,
    .createBool = create_bool,
#endif
    .freeObject = free_object,
};

/* --- the reader --- */

struct resp_reader *resp_reader_new(void)
{
    struct resp_reader *r = heap_zeroed(sizeof(*r));

    if (!r)
        return NULL;
    r->redis = redisReaderCreateWithFunctions(&functions);
    if (!r->redis) {
        heap_free(r);
        return NULL;
    }
    r->redis->privdata = r;
    return r;
}

void resp_reader_free(struct resp_reader *r)
{
    if (!r)
        return;
    redisReaderFree(r->redis);
    heap_free(r);
}

static int broken(struct resp_reader *r, const char *why)
{
    r->broken = true;
    r->why = why;
    return -1;
}

int resp_reader_feed(struct resp_reader *r, struct span bytes)
{
    if (r->broken)
        return -1;
    if (r->redis->len - r->redis->pos + bytes.n > CAP_STORE_REPLY)
        return broken(r, "the reply is too long");
    if (redisReaderFeed(r->redis, (const char *)bytes.p, bytes.n) != REDIS_OK)
        return broken(r, "no memory for the reply");
    return 0;
}

int resp_reader_next(struct resp_reader *r, struct resp **reply)
{
    void *got = NULL;

    *reply = NULL;
    if (r->broken)
        return -1;
    if (redisReaderGetReply(r->redis, &got) != REDIS_OK)
        return broken(r, r->redis->err == REDIS_ERR_PROTOCOL ? "the reply is not Redis protocol"
                                                             : "the reply has too many elements");
    if (!got)
        return 0;
    r->elements = 0;
    *reply = got;
    return 1;
}

const char *resp_reader_why(const struct resp_reader *r)
{
    return r->why ? r->why : "";
}

/* --- looking at a reply --- */

const struct resp *resp_child(const struct resp *reply, size_t i, enum resp_kind kind)
{
    if (!reply || reply->kind != RESP_ARRAY || i >= reply->count)
        return NULL;
    return reply->child[i]->kind == kind ? reply->child[i] : NULL;
}

bool resp_is_error(const struct resp *reply, const char *word)
{
    return reply && reply->kind == RESP_ERROR && span_starts_nocase(reply->text, span_str(word));
}

/* --- commands --- */

size_t resp_command(char **bytes, const struct span *args, size_t count)
{
    const char *text[ARGS];
    size_t length[ARGS];
    int n;

    *bytes = NULL;
    if (count > ARGS)
        return 0;
    for (size_t i = 0; i < count; i++) {
        text[i] = args[i].n > 0 ? (const char *)args[i].p : "";
        length[i] = args[i].n;
    }
    n = redisFormatCommandArgv(bytes, (int)count, text, length);
    return n > 0 ? (size_t)n : 0;
}

void resp_command_free(char *bytes)
{
    free(bytes); /* redisFormatCommandArgv() has it from malloc() */
}
