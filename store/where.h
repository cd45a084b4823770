/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a store is, taken apart: `memory:`, a path, or the address of a Redis server. A password
 * comes with the address or from a file; it is never part of a name or of an error.
 */
#ifndef STORE_WHERE_H
#define STORE_WHERE_H

#include <stdbool.h>
#include <stddef.h>

enum where_kind { WHERE_MEMORY, WHERE_SQLITE, WHERE_REDIS, WHERE_REDIS_UNIX };

enum {
    WHERE_TEXT = 256, /* user, host, prefix */
    WHERE_PATH = 1024,
    WHERE_PASSWORD = 512,
    STORE_NAME = WHERE_PATH + 64,
};

struct where {
    enum where_kind kind;
    char path[WHERE_PATH];         /* of the file or the socket */
    char host[WHERE_TEXT];         /* name or address, without brackets */
    char port[6];                  /* decimal */
    unsigned db;                   /* Redis database */
    char user[WHERE_TEXT];         /* of the ACL; "" for the default user */
    char password[WHERE_PASSWORD]; /* "" for none */
    char prefix[WHERE_TEXT];       /* before every key in Redis */
};

/* 0, or -1 with a text in `why` that is fit to be shown: no secret, nothing unescaped. */
int where_parse(struct where *w, const char *text, char *why, size_t cap);

/* "redis://mail.example:6379/2": the address without user, password and options. */
void where_name(const struct where *w, char name[STORE_NAME]);

#endif
