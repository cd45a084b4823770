/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/http_answer.h"

#include <jansson.h>

#include "base/text.h"

static json_t *parse(struct span body)
{
    return json_loadb((const char *)body.p, body.n, 0, NULL);
}

static void show(char to[HTTP_ANSWER_TEXT], const json_t *error)
{
    const json_t *type = json_object_get(error, "type");
    const char *text = json_string_value(type ? type : error);

    text_escape(to, HTTP_ANSWER_TEXT, span_str(text ? text : "no reason given"));
}

static bool is_later(json_int_t status)
{
    return status == 429 || status == 408 || status >= 500;
}

static void count(struct http_bulk *b, size_t at, size_t sent, const json_t *item)
{
    json_int_t status = json_integer_value(json_object_get(item, "status"));
    bool is_good = status == 200 || status == 201, is_known = status == 409;
    bool before = b->first_later == sent;

    b->taken += is_good;
    b->known += is_known;
    b->taken_before += before && (is_good || is_known);
    if (is_good || is_known)
        return;
    if (!b->why[0])
        show(b->why, json_object_get(item, "error"));
    if (is_later(status) || status < 400) {
        b->later++;
        b->first_later = before ? at : b->first_later;
    } else {
        b->refused++;
        b->refused_before += before;
    }
}

static bool count_items(const json_t *items, size_t sent, struct http_bulk *b)
{
    if (json_array_size(items) != sent)
        return false;
    for (size_t i = 0; i < sent; i++)
        count(b, i, sent, json_object_get(json_array_get(items, i), "create"));
    return true;
}

bool http_answer_bulk(struct span body, size_t sent, struct http_bulk *b)
{
    json_t *all = parse(body);
    const json_t *errors = json_object_get(all, "errors");
    bool good = json_is_boolean(errors);

    *b = (struct http_bulk){.first_later = sent};
    if (good && json_is_false(errors))
        b->taken = b->taken_before = sent;
    else if (good)
        good = count_items(json_object_get(all, "items"), sent, b);
    json_decref(all);
    return good;
}

bool http_answer_hec(struct span body, bool *has_id, uint64_t *id)
{
    json_t *all = parse(body);
    const json_t *code = json_object_get(all, "code"), *ack = json_object_get(all, "ackId");
    bool good = json_is_integer(code) && json_integer_value(code) == 0;

    *has_id = good && json_is_integer(ack) && json_integer_value(ack) >= 0;
    *id = *has_id ? (uint64_t)json_integer_value(ack) : 0;
    json_decref(all);
    return good;
}

bool http_answer_acks(struct span body, const uint64_t *ids, size_t n, bool *done)
{
    json_t *all = parse(body);
    const json_t *acks = json_object_get(all, "acks");
    bool good = json_is_object(acks);
    char key[TEXT_UINT];

    for (size_t i = 0; good && i < n; i++) {
        text_uint(key, ids[i]);
        done[i] |= json_is_true(json_object_get(acks, key));
    }
    json_decref(all);
    return good;
}

void http_answer_words(struct span body, char to[HTTP_ANSWER_TEXT])
{
    json_t *all = parse(body);
    const json_t *error = json_object_get(all, "error"), *text = json_object_get(all, "text");

    to[0] = '\0';
    if (json_is_object(error) || json_is_string(error))
        show(to, error);
    else if (json_is_string(text))
        show(to, text);
    json_decref(all);
}
