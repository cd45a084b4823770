/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Redis protocol (RESP2): commands to bytes, bytes to replies. hiredis reads and writes it, and
 * resp.c alone includes hiredis. Whatever a server sends, a reply is a small tree or the stream is
 * broken: elements, bytes and depth are bounded.
 */
#ifndef STORE_RESP_H
#define STORE_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum resp_kind { RESP_NIL, RESP_STATUS, RESP_ERROR, RESP_INTEGER, RESP_STRING, RESP_ARRAY };

struct resp {
    enum resp_kind kind;
    int64_t integer;     /* RESP_INTEGER */
    struct span text;    /* RESP_STATUS, RESP_ERROR, RESP_STRING: any bytes, not terminated */
    size_t count;        /* RESP_ARRAY */
    struct resp **child; /* RESP_ARRAY: none of them is NULL */
};

struct resp_reader;

struct resp_reader *resp_reader_new(void); /* NULL: no memory */
void resp_reader_free(struct resp_reader *r);

/* -1: the stream is broken for good, resp_reader_why() says how. */
int resp_reader_feed(struct resp_reader *r, struct span bytes);

/* 1: a reply, to be freed by the caller; 0: needs more bytes; -1: broken. */
int resp_reader_next(struct resp_reader *r, struct resp **reply);
const char *resp_reader_why(const struct resp_reader *r);

void resp_free(struct resp *reply); /* NULL is allowed */

/* Child `i` of an array when it is of that kind, or NULL. `reply` may be NULL. */
const struct resp *resp_child(const struct resp *reply, size_t i, enum resp_kind kind);

/* Does an error begin with this word? Likewise for NULL: no. */
bool resp_is_error(const struct resp *reply, const char *word);

/* The bytes of a command in *bytes, to be freed by resp_command_free(). Returns how many, or 0
 * without memory. */
size_t resp_command(char **bytes, const struct span *args, size_t count);
void resp_command_free(char *bytes);

#endif
