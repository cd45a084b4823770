/* SPDX-License-Identifier: Apache-2.0 */
/* Those that need no library of the network: a file, standard output, Redis, a day's numbers. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alert/format.h"
#include "sensor/outlets.h"

/* At the first start somebody is there to hear that it cannot be; later it is tried again. */
static bool file_good(const struct outlets *o, const char *path)
{
    FILE *file = o->child->generation == 1 ? fopen(path, "ae") : NULL;
    if (o->child->generation > 1 || (file && fclose(file) == 0))
        return true;
    return outlets_fail(o, path, strerror(errno));
}

static bool open_file(struct outlets *o)
{
    const struct config *c = &o->child->config;
    struct sink_filter filter;
    char why[SINK_WHY] = "";
    return !c->output.file.path ||
           (outlets_filter(o, &c->output.file.told, FORMAT_FACILITY, &filter) &&
            file_good(o, c->output.file.path) &&
            outlets_add(o, "file", sink_file_new(c->output.file.path, &filter, why), why));
}

static bool open_stdout(struct outlets *o)
{
    const struct sink_filter filter = {0};
    char why[SINK_WHY] = "";
    return !config_to_stdout(&o->child->config) ||
           outlets_add(o, "stdout", sink_stdout_new(&filter, why), why);
}

static void put_escaped(FILE *to, const char *text)
{
    for (; *text; text++)
        fprintf(to, isalnum((unsigned char)*text) ? "%c" : "%%%02X", (unsigned char)*text);
}

/* As docs/redis.md has it. */
static char *redis_where(const struct config *c)
{
    char *where = NULL;
    size_t n;
    FILE *to = open_memstream(&where, &n);
    bool path = c->output.redis.address[0] == '/';
    if (!to)
        return NULL;
    fputs(path ? "redis+unix://" : "redis://", to);
    if (!path && c->output.redis.password.value[0]) {
        put_escaped(to, c->output.redis.user ? c->output.redis.user : "");
        fputs(":", to);
        put_escaped(to, c->output.redis.password.value);
        fputs("@", to);
    }
    fputs(c->output.redis.address, to);
    return fclose(to) ? NULL : where;
}

static bool open_redis(struct outlets *o)
{
    static const enum sink_redis_verb VERB[] = {SINK_LPUSH, SINK_RPUSH, SINK_PUBLISH, SINK_XADD};
    const struct config *c = &o->child->config;
    struct sink_filter filter;
    char why[SINK_WHY] = "out of memory";
    if (!c->output.redis.address)
        return true;
    if (!outlets_filter(o, &c->output.redis.told, FORMAT_FACILITY, &filter))
        return false;
    char *where = redis_where(c);
    const struct sink_redis_config redis = {.where = where,
                                            .verb = VERB[c->output.redis.mode],
                                            .key = c->output.redis.key,
                                            .maxlen = c->output.redis.maxlen};
    bool good = outlets_add(o, "redis", where ? sink_redis_new(&redis, &filter, why) : NULL, why);
    if (where)
        explicit_bzero(where, strlen(where));
    free(where);
    return good;
}

static bool open_daily(struct outlets *o)
{
    const struct config *c = &o->child->config;
    char why[SINK_WHY] = "";
    return !config_wants_daily(c) ||
           outlets_add(o, "daily", outlets_daily_new(o->spool, o->dir, c->sensor.name, why), why);
}

bool outlets_local(struct outlets *o)
{
    return open_file(o) && open_stdout(o) && open_redis(o) && open_daily(o);
}
