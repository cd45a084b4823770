/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/line.h"

#include <jansson.h>
#include <stdio.h>

#include "base/digest.h"

static void copy(char *to, size_t room, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && strlen(text) < room)
        memcpy(to, text, strlen(text) + 1);
}

/* Facts of an alert are lists of texts (docs/json.md). */
static void copy_fact(char *to, size_t room, const json_t *metadata, const char *key)
{
    copy(to, room, json_array_get(json_object_get(metadata, key), 0));
}

static void make_id(char id[33], struct span eve)
{
    uint8_t hash[32];

    digest_sha256(eve, hash);
    for (int i = 0; i < 16; i++)
        snprintf(id + 2 * i, 3, "%02x", hash[i]);
}

static bool is_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-");

    return n > 0 && !text[n];
}

void line_read(struct span eve, struct line *l)
{
    json_t *all = json_loadb((const char *)eve.p, eve.n, 0, NULL);
    const json_t *metadata = json_object_get(json_object_get(all, "alert"), "metadata");

    *l = (struct line){0};
    copy(l->timestamp, sizeof(l->timestamp), json_object_get(all, "timestamp"));
    copy(l->host, sizeof(l->host), json_object_get(all, "host"));
    copy(l->type, sizeof(l->type), json_object_get(all, "event_type"));
    copy(l->community, sizeof(l->community), json_object_get(all, "community_id"));
    copy_fact(l->id, sizeof(l->id), metadata, "alert_id");
    copy_fact(l->incident, sizeof(l->incident), metadata, "incident");
    copy_fact(l->rule, sizeof(l->rule), metadata, "rule");
    copy_fact(l->level, sizeof(l->level), metadata, "severity");
    if (!is_id(l->id))
        make_id(l->id, eve);
    json_decref(all);
}
