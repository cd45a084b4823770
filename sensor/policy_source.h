/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where policies come from, whatever it is: a directory of DOMAIN.txt bodies, or of the entries
 * that maddy or chasquid keep, one such body, a file of policy_json and lookup_json lines, or a
 * store (store/store.h), in Redis also the cache that postfix-mta-sts-resolver keeps, or a
 * postfix-tlspol that is asked (sensor/tlspol.h). Read once and whole; nothing is written there.
 */
#ifndef SENSOR_POLICY_SOURCE_H
#define SENSOR_POLICY_SOURCE_H

#include "policy/lookup.h"
#include "policy/policy_json.h"

/* Where a record stood. */
struct policy_place {
    const char *name; /* the file or the store, without secrets; as given otherwise */
    unsigned line;    /* of the file; 0: the whole of it */
};

struct policy_source {
    /* A record; `fetched` is INT64_MIN where the source does not say. Returns whether it was of
     * use. */
    bool (*record)(void *user, const struct policy_json *p, const struct policy_place *at);
    /* What its owner should know; `what` is printable. */
    void (*problem)(void *user, const struct policy_place *at, const char *what);
    void *user;
    /* A look-up (policy/lookup_json.h) and its line; NULL: its policy is a record, fetched when it
     * was looked up. */
    bool (*lookup)(void *user, const struct lookup *l, struct span line);
};

/* 0, or -1 when there was no record of use; why was told. */
int policy_source_read(const struct policy_source *to, const char *where);

/* The records of a store, made if it is an SQLite file that is not there. 0 also when it has none;
 * -1: it cannot be read. */
int policy_source_state(const struct policy_source *to, const char *where);

/* Does it name a store, rather than a file or directory of policies? */
bool policy_source_is_store(const char *where);

#endif
