/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is unusual about a session: held against the memory of its server, sender, pair and path
 * (history/baseline.h). Evidence E2. How heavy it is goes by how well the memory is supported:
 * well, the row of the matrix; thinly, two steps down, at least low. Every reason has its numbers.
 */
#ifndef RULES_USUAL_H
#define RULES_USUAL_H

#include "rules/view.h"

/* The line in the slot of STARTTLS of a known reply of this server, whatever it spells: then the
 * offer counts as garbled. Before any rule. */
void usual_read(struct view *v);

/* A session that is to be judged again by what came to be known since. */
struct usual_late {
    struct flow_key key;
    uint64_t flow_id;
    uint64_t serial;
    uint16_t vlan[CAP_VLAN_DEPTH];
    uint8_t vlan_count;
    uint32_t source;
    nstime first, last;
    uint32_t server_isn;
    bool isn_known;
    bool refused_ehlo;
    uint32_t reply_offset; /* of the EHLO reply, to client */
    uint32_t upgrade_offset;
    uint32_t mail_offset; /* to server */
    int16_t upgrade_code;
    enum effect effect;
    enum severity told; /* the heaviest finding that it had */
    uint32_t mails;
};

/* What is kept for it. */
struct usual_late usual_keep(const struct session *s, const struct judgement *j);

/* Judges it: `s` is made up of what was kept, for whoever tells of it. False: there is nothing that
 * would not have been said. */
bool usual_again(const struct usual_late *late, const struct baseline *b, bool upgrade,
                 struct session *s, struct judgement *out);

/* The same when a handshake of the same two, `failed`, turned out to have been prevented
 * before the session in clear began. */
bool usual_fell_back(const struct usual_late *late, const struct baseline *b,
                     const struct usual_attempt *failed, struct session *s, struct judgement *out);

/* The same when its sender has sent in clear `sessions` times in a row and not been back to TLS;
 * `sure`: that is no chance. */
bool usual_stopped(const struct usual_late *late, const struct baseline *b, uint32_t sessions,
                   bool sure, struct session *s, struct judgement *out);

#endif
