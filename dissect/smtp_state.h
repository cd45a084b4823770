/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's inside, shared by dissect/smtp*.c and by no one else. */
#ifndef DISSECT_SMTP_STATE_H
#define DISSECT_SMTP_STATE_H

#include "dissect/smtp.h"
#include "dissect/smtp_line.h"
#include "dissect/smtp_word.h"
#include "dissect/tls_record.h"

enum side {
    SIDE_START,   /* client only: nothing read yet, PROXY protocol possible */
    SIDE_LINES,   /* commands, or replies */
    SIDE_SKIP,    /* the rest of a line that began like TLS and was none */
    SIDE_WAIT,    /* client: DATA was sent, its answer decides what comes next */
    SIDE_GUESS,   /* client: the answer will not come; the next line decides */
    SIDE_CONTENT, /* client: message text up to the final dot */
    SIDE_CHUNK,   /* client: BDAT octets */
    SIDE_AUTH,    /* client: one answer to a challenge */
    SIDE_ADRIFT,  /* client: after a gap or a mid-stream start, until a reply gives the place */
    SIDE_TLS,     /* records */
    SIDE_OPAQUE   /* no more reading */
};

struct pending {
    uint8_t verb;    /* enum smtp_verb */
    uint8_t odd;     /* index into session.odd + 1; 0: none */
    uint32_t offset; /* of the command's first byte */
    uint32_t end;    /* stream offset behind its line end */
    nstime time;
};

struct queue {
    struct pending *item; /* ring; heap, grows up to CAP_PENDING_COMMANDS */
    uint16_t size, head, count;
};

/* What a reply answers. */
enum reply_kind { REPLY_NONE, REPLY_BANNER, REPLY_MATCHED, REPLY_UNMATCHED };

struct reply {
    enum reply_kind kind; /* NONE: no reply is open */
    int16_t code;
    uint32_t offset;
    uint32_t acked;
    nstime time;
    struct pending to; /* when MATCHED */
    bool collecting;   /* its lines go to session.reading */
};

enum dot_state { DOT_TEXT, DOT_CR, DOT_LINE, DOT_DOT, DOT_DOT_CR };

struct smtp {
    struct session *s;
    bool keep_addresses;
    enum side side[SESSION_DIR_COUNT];
    struct smtp_line_buffer line[SESSION_DIR_COUNT];
    struct tls_record_reader tls[SESSION_DIR_COUNT];
    uint32_t next[SESSION_DIR_COUNT]; /* stream offset behind the last byte read */
    struct queue queue;
    struct reply reply;
    unsigned events;

    bool banner_done;  /* the banner was read, or is known to be lost */
    bool step_lost;    /* a gap: pair by code, not by count */
    bool ehlo_damaged; /* a gap fell between an EHLO and the end of its reply */
    bool ehlo_cut;
    enum smtp_verb last_verb;
    bool auth_open;                        /* AUTH without an outcome yet */
    uint32_t upgrade_end;                  /* client offset behind the STARTTLS line */
    uint32_t upgrade_heard;                /* what the client had heard when it sent STARTTLS */
    enum side tls_from[SESSION_DIR_COUNT]; /* where a side was when a byte looked like TLS */
    uint32_t tls_heard[SESSION_DIR_COUNT]; /* what it had heard then */
    bool tls_gap[SESSION_DIR_COUNT];       /* bytes between records were lost */
    bool tls_begun[SESSION_DIR_COUNT];     /* a record came that is no mere warning */
    uint64_t chunk_left;                   /* BDAT octets to skip */
    bool chunk_last;
    enum dot_state dot;
    uint8_t tail[4]; /* the newest bytes of the message text */
    bool in_message;
    uint8_t proxy[16]; /* PROXY v2 header being collected */
    uint8_t proxy_have;
    uint32_t proxy_left;
    bool client_lost; /* bytes of the client were lost since STARTTLS, or before the first record */
    bool drift_fresh; /* nothing was read since the drift began */
    bool drift_over;  /* a reply came: what the client says after hearing it is a command */
    bool drift_from_start;   /* it was the banner: all that the client says is */
    uint32_t drift_end;      /* server offset behind that reply */
    uint32_t client_app;     /* client's application data records longer than an alert */
    uint32_t client_app_end; /* client offset behind the first of them */
    uint32_t server_app_ack; /* `acked` at the server's first application data record */
    uint32_t server_app;
};

/* smtp_queue.c */
void smtp_queue_push(struct smtp *m, const struct pending *p);
bool smtp_queue_front(const struct smtp *m, struct pending *out);
void smtp_queue_pop(struct smtp *m);
void smtp_queue_clear(struct smtp *m);
bool smtp_queue_has(const struct smtp *m, enum smtp_verb verb);
/* Lets go of commands until one fits the code (after a gap); false: none does. */
bool smtp_queue_seek(struct smtp *m, int16_t code, uint32_t acked);

/* smtp_text.c */
struct text smtp_text_address(struct smtp *m, struct span path);
void smtp_text_recipient(struct smtp *m, struct span path);

/* smtp_command.c, smtp_reply.c, smtp_content.c, smtp_upgrade.c */
void smtp_command_line(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c,
                       uint32_t end);
/* After a gap: everything the client had heard answered is answered. */
void smtp_find_step(struct smtp *m, const struct smtp_chunk *c);
void smtp_reply_line(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c);
void smtp_reply_gap(struct smtp *m, bool cut);
void smtp_reply_abandon(struct smtp *m); /* the end of an open reply lay in a gap */
size_t smtp_content_feed(struct smtp *m, struct span in);
/* Uses all of `in`, which is not empty, unless the text may end there. */
bool smtp_content_pass(struct smtp *m, struct span in);
/* The first line of a text as a whole line; true: it is the final dot. */
bool smtp_content_line(struct smtp *m, const struct smtp_line *l);
/* The text so far ends with a dot alone on its line, whatever the line ends are made of. */
bool smtp_content_at_dot(const struct smtp *m);
size_t smtp_content_chunk(struct smtp *m, struct span in);
void smtp_content_begin(struct smtp *m);
void smtp_content_end(struct smtp *m);
void smtp_upgrade_lost(struct smtp *m, enum session_dir d); /* bytes of its handshake, if any */
bool smtp_upgrade_reads(const struct smtp *m, enum session_dir d); /* the body of the record */
size_t smtp_upgrade_records(struct smtp *m, const struct smtp_chunk *c, struct span in,
                            uint32_t offset);
void smtp_upgrade_bytes(struct smtp *m, const struct smtp_chunk *c, uint32_t offset,
                        enum byte_kind kind, struct span line);

#endif
