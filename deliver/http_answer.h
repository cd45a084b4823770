/* SPDX-License-Identifier: Apache-2.0 */
/* What receivers over HTTP answer. Any bytes may come; what cannot be read is said so. */
#ifndef DELIVER_HTTP_ANSWER_H
#define DELIVER_HTTP_ANSWER_H

#include "alert/sink.h"

enum { HTTP_ANSWER_TEXT = 120 };

/* The items of a `_bulk` request, which were `sent`. */
struct http_bulk {
    size_t taken;               /* now: 200, 201 */
    size_t known;               /* 409: it is there already, by its _id */
    size_t refused;             /* for good, as 400: the document does not fit the mapping */
    size_t later;               /* 429 and 5xx: to be sent again */
    size_t first_later;         /* place of the first of those; `sent` when there is none */
    size_t taken_before;        /* taken and known in front of it */
    size_t refused_before;      /* and refused */
    char why[HTTP_ANSWER_TEXT]; /* of the first that was not taken, fit to be shown */
};

bool http_answer_bulk(struct span body, size_t sent, struct http_bulk *b);

/* {"text":"Success","code":0,"ackId":7}. False: it is none. Without an ackId: has_id is false. */
bool http_answer_hec(struct span body, bool *has_id, uint64_t *id);

/* {"acks":{"7":true}}: sets done[i] of each ids[i] that is true. False: it is none. */
bool http_answer_acks(struct span body, const uint64_t *ids, size_t n, bool *done);

/* A few words of an error's body, fit to be shown. */
void http_answer_words(struct span body, char to[HTTP_ANSWER_TEXT]);

#endif
