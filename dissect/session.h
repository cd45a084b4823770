/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of one SMTP session, and nothing but facts: what was offered, asked and answered, what
 * went in clear, and what the tap did not show. dissect/ fills the record packet by packet, hands
 * it out at each milestone, and releases it after SESSION_CLOSED. Readers (rules, alert, report)
 * borrow it for the length of the call and change nothing in it but `memo`, `learnt` and `known`.
 *
 * "Not seen" is not "absent": every fact about something missing is to be read together with
 * `seen`, `gap_bytes`, `cut_bytes`, `midstream` and `ehlo.state`.
 *
 * Stream offsets count the bytes of one direction from its first byte after the SYN (offset 0).
 * In a session picked up in mid-stream they count from the first byte that was seen.
 */
#ifndef DISSECT_SESSION_H
#define DISSECT_SESSION_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"
#include "dissect/frame.h"
#include "dissect/syn_print.h"
#include "dissect/tls_facts.h"

enum session_dir { SESSION_TO_SERVER, SESSION_TO_CLIENT, SESSION_DIR_COUNT };

/* When a session is handed out. Later milestones see everything the earlier ones saw. */
enum session_milestone {
    SESSION_EHLO_DONE,       /* the reply to EHLO (or HELO) is complete or known to be damaged */
    SESSION_UPGRADE_DECIDED, /* STARTTLS was refused, or TLS carries data, or it came to nothing */
    SESSION_CLEAR_CONTENT,   /* the first mail text, or an accepted login, crossed in clear */
    SESSION_ENDING, /* TLS was asked for and did not come about yet, and one side says that it is
                       over: the session may stay open for a minute, and its client be back at once
                     */
    SESSION_CLOSED, /* closed, timed out, evicted or the input ended; last call */
    SESSION_MILESTONE_COUNT
};

enum session_close {
    SESSION_OPEN,
    SESSION_FIN,     /* both sides closed */
    SESSION_RST,     /* reset by either side */
    SESSION_TIMEOUT, /* idle in packet time */
    SESSION_EVICTED, /* the slab was full */
    SESSION_REUSED,  /* a new SYN took the 4-tuple over */
    SESSION_INPUT_END,
    SESSION_CLOSE_COUNT
};

/* Bytes in the session's text pool; read with session_text(). */
struct text {
    uint16_t off;
    uint16_t len;
};

/* Who talks to whom. The client opened the connection (or, without a SYN, holds the other port).
 * There is no hole in it, so that two are compared as bytes. */
struct flow_key {
    uint8_t client[16]; /* network byte order; IPv4 in the first four bytes, rest zero */
    uint8_t server[16];
    uint16_t client_port; /* host byte order */
    uint16_t server_port;
    uint16_t tunnel; /* frame.carried: what anybody can send from afar, in a tunnel, meets no
                        connection but those in tunnels of the same kinds; 0: in none */
    uint8_t family;  /* 4 or 6 */
    uint8_t view;    /* 1: the second place where one connection is seen; else 0 */
};

enum ehlo_state {
    EHLO_NONE,     /* no EHLO reply was seen (HELO only, refused, not captured) */
    EHLO_COMPLETE, /* every line of a 250 reply was read */
    EHLO_GAP,      /* packets inside it are missing */
    EHLO_CUT,      /* bytes inside it were cut by the snap length, or a cap was hit */
    EHLO_STATE_COUNT
};

/* One line of an EHLO reply as received, without code, separator and line end. */
struct ehlo_line {
    struct text text;  /* first CAP_KEYWORD_TEXT bytes */
    uint16_t word_len; /* length of the first word in `text`; 0 for a line that begins blank */
    uint16_t line_len; /* whole length of the line's text on the wire */
    uint32_t offset;   /* stream offset of the line's first byte (its code) */
};

/*
 * What the server's plaintext said about TLS. It stands in a struct of its own because two
 * conflicting copies of the same bytes are two of these: one for each reading of the stream.
 */
struct smtp_reading {
    enum ehlo_state ehlo;
    int16_t ehlo_code;        /* of the last EHLO before the upgrade; 0: none seen */
    uint8_t line_count;       /* kept in line[]; line[0] is the greeting (RFC 5321 4.1.1.1) */
    bool lines_capped;        /* more than CAP_REPLY_LINES */
    struct ehlo_line *line;   /* at most CAP_REPLY_LINES */
    uint32_t ehlo_offset;     /* of the reply, to client */
    int16_t refused_code;     /* an EHLO answered by other than 250; 0: none */
    struct text refused_text; /* its first line, code included */
    uint32_t refused_offset;

    int16_t upgrade_code;     /* reply to STARTTLS (or X-ANONYMOUSTLS); 0: no reply seen */
    struct text upgrade_text; /* its first line, code included */
    uint32_t upgrade_offset;  /* of that reply, to client */
    nstime upgrade_time;      /* of its first packet */
};

enum hello_verb { HELLO_NONE, HELLO_HELO, HELLO_EHLO, HELLO_LHLO, HELLO_VERB_COUNT };
enum upgrade_kind { UPGRADE_NONE, UPGRADE_STARTTLS, UPGRADE_ANONYMOUSTLS, UPGRADE_KIND_COUNT };

/* What kind of bytes stood in a place where only one kind belongs. */
enum byte_kind { BYTES_NONE, BYTES_TLS, BYTES_CLEAR, BYTE_KIND_COUNT };

/* How far the TLS handshake came, read off record and handshake types alone. */
enum tls_stage {
    TLS_STAGE_NONE,
    TLS_STAGE_CLIENT_HELLO,
    TLS_STAGE_SERVER_HELLO,
    TLS_STAGE_CERTIFICATE, /* the server's was seen */
    TLS_STAGE_FINISHED,    /* protected records that only a good handshake allows */
    TLS_STAGE_COUNT
};

/* The end of a ServerHello's random that says: I can do better (RFC 8446 section 4.1.3). */
enum tls_sentinel {
    TLS_SENTINEL_NONE,
    TLS_SENTINEL_12, /* by who selects TLS 1.2 and knows 1.3 */
    TLS_SENTINEL_11  /* by who selects less and knows 1.2 or more */
};

enum { TLS_VERSION_SSL3 = 0x0300, TLS_VERSION_12 = 0x0303, TLS_VERSION_13 = 0x0304 };

enum auth_state { AUTH_NONE, AUTH_OFFERED, AUTH_TRIED, AUTH_ACCEPTED, AUTH_STATE_COUNT };

/* A command line whose verb is in no table. Its text may be a secret that lost its place: no one
 * may print it unless it is a mask or a near miss of a known verb. */
struct odd_command {
    struct text text;   /* first 16 bytes of the line */
    uint16_t line_len;  /* bytes without the line end */
    uint16_t word_len;  /* of the first word */
    uint32_t offset;    /* to server */
    int16_t reply_code; /* 0: no reply seen */
    bool before_hello;  /* no EHLO or HELO had been answered by 250 yet */
    bool follows_ehlo;  /* the first command after the EHLO reply */
};

/* Why a receiver cannot have taken a copy of some bytes, or why the copy looks foreign. */
enum copy_mark {
    COPY_CHECKSUM = 1,    /* its checksum is wrong where this direction's are right */
    COPY_IP_CHECKSUM = 2, /* that of its IPv4 header */
    COPY_TIMESTAMP = 4,   /* older than what was received (PAWS, RFC 7323 section 5) */
    COPY_MD5 = 8,         /* signed (RFC 2385) in a connection that is not */
    COPY_ACK = 16,        /* acknowledges what was never sent */
    COPY_NO_ACK = 32,     /* has no ACK flag (RFC 9293 section 3.10.7.4) */
    COPY_WINDOW = 64,     /* far outside any window */
    COPY_TTL = 128        /* came another way; it may have arrived all the same */
};
#define COPY_DROPPED (COPY_TTL - 1)

enum tamper_kind { TAMPER_SEGMENTS, TAMPER_RESET, TAMPER_HANDSHAKE, TAMPER_KIND_COUNT };

/* A sign that somebody else speaks on this connection. */
struct tamper {
    enum tamper_kind kind;
    enum session_dir dir;
    uint32_t offset;  /* stream offset */
    uint8_t marks[2]; /* enum copy_mark: of what was read, of the other copy */
    uint8_t ttl[2];   /* likewise; 0: unknown */
    bool urgent;      /* one copy alone, of which the receiver may have taken out the urgent byte */
    struct text first; /* the line as it was read; empty where it may hold a secret */
    struct text second;
};

/* What about a segment of the dialogue was unlike those before it and after it in its direction. */
enum path_break {
    BREAK_TTL = 1,    /* it had come over another number of hops */
    BREAK_LINK = 2,   /* from other MAC addresses, or with other tags */
    BREAK_OPTIONS = 4 /* without the timestamps that every segment must have (RFC 7323 3.2) */
};

/* Everything below that counts, counts plaintext only: TLS hides the rest. */
struct session {
    /* who, when, where */
    struct flow_key key;
    uint64_t flow_id; /* joins the lines of one flow; below 2^53; same for the same input */
    uint64_t serial;  /* order of first packets, from 0 */
    uint16_t vlan[CAP_VLAN_DEPTH]; /* outermost first, of the first packet */
    uint8_t vlan_count;
    struct frame_tunnel tunnel[CAP_TUNNEL_DEPTH]; /* likewise */
    uint8_t tunnel_count;
    uint32_t source; /* index of the input (file) of the newest packet */
    nstime first;    /* first packet */
    nstime last;     /* newest packet */
    nstime now;      /* of the packet that caused the call; never runs backwards in a session */
    enum session_close closed;

    /* what the tap showed, by direction */
    bool syn_seen; /* the client's SYN */
    bool synack_seen;
    bool midstream; /* picked up without any handshake */
    bool isn_known; /* server_isn is the server's initial sequence number */
    uint32_t server_isn;
    struct syn_print synack; /* of the first one; not known where it came while another connection
                                held the 4-tuple */
    bool seen[SESSION_DIR_COUNT]; /* any packet of this direction */
    uint64_t packets[SESSION_DIR_COUNT];
    uint64_t wire_bytes[SESSION_DIR_COUNT]; /* whole frames */
    uint64_t bytes[SESSION_DIR_COUNT];      /* payload delivered in order */
    uint64_t gap_bytes[SESSION_DIR_COUNT];  /* never captured */
    uint64_t cut_bytes[SESSION_DIR_COUNT];  /* cut by the snap length */
    uint32_t gaps[SESSION_DIR_COUNT];
    uint32_t duplicates[SESSION_DIR_COUNT]; /* SPAN copies of one packet */
    uint32_t retransmits[SESSION_DIR_COUNT];
    uint32_t reordered[SESSION_DIR_COUNT];
    uint32_t bad_checksums[SESSION_DIR_COUNT];
    uint32_t good_checksums[SESSION_DIR_COUNT];
    uint8_t tcp_flags[SESSION_DIR_COUNT]; /* OR of all flags */
    bool fin[SESSION_DIR_COUNT];          /* FIN reached in order */
    bool rst[SESSION_DIR_COUNT];
    nstime rtt_floor;        /* smallest time from a client byte to its answer; 0: none */
    nstime answer_floor;     /* the same, of all but the STARTTLS command */
    uint32_t answer_samples; /* of that */
    uint32_t syn_wait; /* microseconds from the client's SYN to its answer, and from that to the
                          client's acknowledgement: which of the ends is near; 0: not known */
    uint32_t synack_wait;

    /* the dialogue */
    bool implicit_tls;     /* port 465: TLS from the first byte */
    uint8_t proxy_version; /* PROXY protocol before the banner: 1, 2, or 0 */
    int16_t banner_code;   /* 0: none seen */
    struct text banner;    /* first line, code included */
    uint32_t banner_offset;
    bool early_talker;        /* the client spoke before it had the banner */
    enum hello_verb hello;    /* the last one sent before the upgrade */
    bool helo_accepted;       /* a HELO was answered by 250 */
    struct text helo;         /* its argument, first word */
    uint32_t ehlo_count;      /* EHLO commands in clear */
    uint32_t ehlo_cmd_offset; /* of the last one before the upgrade, to server */

    struct smtp_reading reading; /* of the bytes as delivered */

    enum upgrade_kind upgrade; /* what the client asked for */
    uint32_t upgrade_asks;
    uint32_t upgrade_cmd_offset; /* of the last STARTTLS, to server */
    nstime upgrade_cmd_time;
    bool upgrade_param;          /* STARTTLS came with a parameter (RFC 3207: has none) */
    bool upgrade_accepted;       /* answered by 220 */
    enum byte_kind early_client; /* bytes between STARTTLS and the server's answer */
    uint32_t early_client_offset;
    struct text early_client_verb; /* first word when it is a verb we know, else empty */
    enum byte_kind early_server;   /* bytes after the 220 that no client byte asked for */
    uint32_t early_server_offset;
    struct text early_server_text; /* first line */
    enum byte_kind client_after;   /* what the client sent after the 220 */
    uint32_t client_after_offset;
    enum byte_kind server_after; /* what the server answered to that */
    uint32_t server_after_offset;
    struct text server_after_text; /* first line, when clear */
    bool ehlo_after;               /* a second EHLO in clear after the 220 */

    /* TLS by its record headers */
    enum tls_stage tls_stage;
    uint16_t tls_newest;  /* version that the ClientHello offers at most; 0: it was not read */
    uint16_t tls_version; /* that the server selected; 0: its hello was not read */
    uint16_t tls_suite;   /* likewise */
    uint8_t tls_sentinel; /* enum tls_sentinel, of the server's hello */
    struct tls_facts tls; /* of the handshake */
    struct text sni;      /* the name that the client asks for, as sent (RFC 6066 section 3) */
    bool tls_complete;    /* TLS carried data both ways (or the way we can see) */
    uint32_t tls_records[SESSION_DIR_COUNT];
    uint8_t tls_alert_level[SESSION_DIR_COUNT]; /* plaintext alert; 0: none */
    uint8_t tls_alert[SESSION_DIR_COUNT];       /* its description (RFC 8446 section 6) */
    bool clear_in_tls[SESSION_DIR_COUNT];       /* text where a record must begin */
    uint32_t clear_in_tls_offset[SESSION_DIR_COUNT];
    bool clear_in_tls_bye[SESSION_DIR_COUNT]; /* it begins as a last word does: QUIT, 221, 421 */

    /* mail in clear */
    uint32_t mails;      /* messages whose text crossed, at least in part */
    uint64_t mail_bytes; /* of text */
    uint32_t mail_commands;
    uint32_t mail_accepted; /* MAIL answered by 250 */
    uint32_t mail_offset;   /* of the first MAIL, to server */
    struct text mail_from;  /* of the first transaction; masked unless addresses are shown */
    bool mail_from_null;    /* <> */
    uint32_t rcpt_commands;
    uint32_t rcpt_accepted;
    uint8_t rcpt_count;       /* kept */
    struct text *rcpt;        /* masked unless addresses are shown; at most CAP_RECIPIENTS */
    struct text *rcpt_domain; /* distinct, lower case; likewise */
    uint8_t rcpt_domain_count;
    bool requiretls; /* MAIL with REQUIRETLS (RFC 8689) in clear */
    uint32_t requiretls_offset;
    bool requiretls_accepted;
    bool smtputf8;
    int16_t demand_code; /* a command refused because TLS must come first (RFC 3207: 530) */
    struct text demand_text;
    uint32_t demand_offset; /* to client */
    bool quit;

    /* logins in clear */
    enum auth_state auth;
    uint32_t auth_offset; /* of the AUTH command that counts, to server */
    uint32_t auth_tries;
    struct text auth_mechanism; /* upper case, of the AUTH command that counts */
    int16_t auth_code;          /* its outcome; 0: not seen */
    uint32_t auth_reply_offset; /* to client, of the reply that says so */

    /* oddities */
    uint8_t odd_count;
    struct odd_command odd[CAP_ODD_COMMANDS];
    uint32_t unsolicited;        /* replies that no command asked for */
    uint32_t unsolicited_offset; /* to client */
    int16_t unsolicited_code;
    bool code_421;
    bool xclient, xforward;
    uint32_t bare_lf[SESSION_DIR_COUNT];
    uint32_t bare_cr[SESSION_DIR_COUNT];
    uint32_t nul_bytes[SESSION_DIR_COUNT];
    uint32_t long_lines[SESSION_DIR_COUNT]; /* cut at their cap */
    bool step_lost;    /* commands and replies could not be matched all the way */
    bool not_smtp;     /* the port carried something else */
    bool ending;       /* SESSION_ENDING was handed out */
    uint32_t caps_hit; /* any cap of this session */

    /* somebody else */
    struct tamper tamper[CAP_TAMPER];
    uint8_t tamper_count;       /* kept */
    uint32_t conflicts;         /* copies whose bytes differed */
    uint32_t conflicts_of_twin; /* of those: seen at the place of the twin */
    uint32_t damaged;           /* of those: a wrong checksum explains it */
    bool either_taken;          /* of one at least the receiver could have taken either copy */
    uint8_t breaks; /* enum path_break, of the first such segment; it counts when `breaks_ended` */
    bool breaks_ended; /* later segments of its direction were as usual again */
    bool breaks_often; /* so many were unusual that nothing is usual */
    enum session_dir break_dir;
    uint32_t break_offset;
    uint8_t break_ttl[2];    /* the usual one, that segment's */
    uint64_t unacknowledged; /* bytes of the client that were read here, and that the server had not
                                acknowledged when the session ended: it may not have them */
    uint64_t unseen;         /* bytes of the server that came last, and that the client acknowledged
                                but the tap never saw: an alert, say */
    uint32_t odd_resets;     /* RSTs that the receiver cannot have taken */
    uint32_t resets_outlived; /* RSTs after which their sender went on */
    bool evidence_evicted;    /* the dialogue was not kept whole: a late copy may go unnoticed */
    struct session *other; /* the dialogue with the other copies in place; NULL: there are none */
    struct session *twin;  /* the connection as it was seen at a second place, whole or not; during
                              the call alone; NULL: at one place only */
    bool has_mac;
    uint8_t mac[SESSION_DIR_COUNT][6]; /* of the client's side of the link, of the server's */
    uint8_t ttl[SESSION_DIR_COUNT];    /* of the first packet of each direction; 0: none */

    /* texts */
    uint8_t *pool;
    uint16_t pool_used;
    uint16_t pool_size;

    struct tls *handshake; /* what is kept of it until it was told of (dissect/tls.h); or NULL */

    void *peer;  /* what is thought of both sides' hellos and certificates; of who is told of the
                    handshake, and freed by it at SESSION_CLOSED */
    void *memo;  /* the judge's own; freed by it at SESSION_CLOSED */
    bool learnt; /* the memory's own: it was told of this session */
    bool known;  /* likewise: and had seen before what the server shows in it */
};

struct session *session_new(void);     /* zeroed; NULL: no memory */
void session_free(struct session *s);  /* with all that it owns */
void session_clear(struct session *s); /* lets go of what it owns */
/* A place for one more sign of this kind, zeroed but for the kind; NULL: enough were told. */
struct tamper *session_tamper(struct session *s, enum tamper_kind kind);

/* What joins the lines of a flow whose first packet came then: below 2^53, for JSON. */
uint64_t session_flow_id(const struct flow_key *k, nstime first);

/* Room for one more entry in a list of `count` entries of `size` bytes: the list, perhaps moved, or
 * NULL, and then it is as it was. */
void *session_list_room(void *list, size_t count, size_t size);
size_t session_list_places(size_t count); /* of such a list */

static inline struct span session_text(const struct session *s, struct text t)
{
    return t.len ? span_of(s->pool + t.off, t.len) : span_of(NULL, 0);
}

/* When the handshake was, for the dates of certificates: its first packet; where that was not seen,
 * the first data inside, and else now. */
static inline nstime session_handshake_time(const struct session *s)
{
    if (s->tls.begin)
        return s->tls.begin;
    return s->tls.end ? s->tls.end : s->now;
}

/* Did the tap lose anything of this direction? */
static inline bool session_whole(const struct session *s, enum session_dir d)
{
    return s->seen[d] && s->gap_bytes[d] == 0 && s->cut_bytes[d] == 0;
}

/* Or of what the client heard, to its very end? */
static inline bool session_heard(const struct session *s)
{
    return session_whole(s, SESSION_TO_CLIENT) && s->unseen == 0;
}

#endif
