/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes captures for measuring: the same mode, seed and size give the same bytes. Beside the
 * capture it can write the truth, one session a line: what it is and what a sensor has to say.
 *
 *   trafficgen -m MODE [-s SEED] [-b BYTES] [-n SESSIONS] [-o FILE] [-t TRUTH.tsv]
 *
 *   smtp      mail servers, most with TLS; 500 sessions open at once
 *   mixed     5 % of the bytes mail, the rest web, TLS and DNS in large packets
 *   flows     SESSIONS short sessions, all open at once
 *   trickle   every byte in a segment of its own
 *   synflood  SESSIONS single SYNs from random addresses, some true sessions among them
 *   plain     no TLS at all; a tenth garbled, a twentieth stripped
 *   servers   SESSIONS short sessions, each with a server of its own
 *   half-open, hole, ehlo, fragments
 *             SESSIONS hostile connections that stop after SYN/ACK, with a segment behind a hole,
 *             after EHLO, or that are first fragments alone, at 500,000 packets a second; 100
 *             garbled sessions of at most 5 s among them
 *
 * Servers that offer TLS, have none, are behind a rewriter or have a broken TLS are others each: no
 * server offers to a client and not a minute later, and a sensor that remembers would have to say
 * so. What is taken away here was so from the first session on, but for the victims of a flood,
 * which are sent to the servers that it is sent to.
 *
 * A session is small: its dialogue is made again from its seed whenever it has a packet to send.
 */
#include "frames.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

enum { OPEN_SESSIONS = 500, BACKGROUND_FLOWS = 512, MSS = 1460, STEPS = 64 };
enum { RECORD = 16384, RECORD_HEADER = 5 };
enum { VICTIMS = 100, VICTIMS_OPEN = 64, HOSTILE_OPEN = 512 };
enum { FLOOD_SECOND = 500000, PAUSE = 4 * FLOOD_SECOND }; /* packets */

enum mode {
    SMTP,
    MIXED,
    FLOWS,
    TRICKLE,
    SYNFLOOD,
    PLAIN,
    SERVERS,
    HALF_OPEN,
    HOLE,
    EHLO,
    FRAGMENTS,
    MODE_COUNT
};
static const char *const mode_name[MODE_COUNT] = {"smtp",     "mixed", "flows",    "trickle",
                                                  "synflood", "plain", "servers",  "half-open",
                                                  "hole",     "ehlo",  "fragments"};

enum class { TLS, CLEAR, NO_OFFER, GARBLED, MASKED, STRIPPED, REFUSED, LOGIN, PROBE, CLASS_COUNT };
static const struct {
    const char *name, *rule, *severity;
    uint8_t share[2]; /* in a thousand sessions / 4: with TLS, and in mode plain */
} class_row[CLASS_COUNT] = {
    [TLS] = {"tls", "-", "-", {193, 0}},
    [CLEAR] = {"clear", "-", "-", {15, 60}},
    [NO_OFFER] = {"no-offer", "-", "-", {22, 152}},
    [GARBLED] = {"garbled", "starttls-garbled", "medium", {4, 20}},
    [MASKED] = {"masked", "starttls-garbled", "low", {1, 5}},
    [STRIPPED] = {"stripped", "-", "-", {2, 13}},
    [REFUSED] = {"refused", "starttls-refused", "medium", {4, 0}},
    [LOGIN] = {"login", "auth-in-clear", "high", {2, 0}},
    [PROBE] = {"probe", "-", "-", {7, 0}},
};

enum { NETS_OF_A_KIND = 8 }; /* /24, of the servers of ends() */
enum server_kind { OFFERS, OFFERS_NOT, REWRITTEN, LETTERED, BROKEN };
static const uint8_t kind_of[CLASS_COUNT] = {[NO_OFFER] = OFFERS_NOT,
                                             [STRIPPED] = OFFERS_NOT,
                                             [GARBLED] = REWRITTEN,
                                             [MASKED] = LETTERED,
                                             [REFUSED] = BROKEN};

enum kind { STEP_FLAGS, STEP_TEXT, STEP_BODY, STEP_TLS };
struct step {
    uint8_t side; /* 0: client */
    uint8_t kind;
    uint8_t flags;
    uint32_t size;
    uint32_t at; /* in script.text */
};
struct script {
    struct step step[STEPS];
    int count;
    uint32_t used;
    char text[8192];
};
struct session {
    uint64_t seed;
    uint32_t number, offset, seq[2];
    uint16_t ident[2];
    uint8_t step, class, unacked, ipv6;
    uint8_t kind; /* of its server */
    bool alone;   /* nobody else has its server */
};
struct background {
    uint32_t number, seq[2];
    uint16_t ident;
};
struct options {
    enum mode mode;
    uint64_t seed, bytes, sessions;
    const char *out, *truth;
};

/* Lognormal: median 8 KiB, sigma 1.42, so the mean is about 22 KiB; drawn from its quantiles. */
static uint32_t mail_size(struct rng *r, enum mode mode)
{
    static const uint32_t quantile[17] = {300,   926,   1593,  2317,  3144,  4116,
                                          5285,  6716,  8192,  10480, 13420, 17380,
                                          22900, 31100, 44600, 72000, 260000};
    uint32_t at = rng_below(r, 16), low = quantile[at], size;

    size = low + rng_below(r, quantile[at + 1] - low);
    if (mode == FLOWS || mode == SYNFLOOD || mode >= SERVERS)
        return 200 + size % 300;
    return mode == TRICKLE ? 1000 + size % 4000 : size;
}

/* --- the dialogue --- */

static void add(struct script *s, int side, enum kind kind, uint8_t flags, uint32_t size,
                uint32_t at)
{
    s->step[s->count++] = (struct step){(uint8_t)side, (uint8_t)kind, flags, size, at};
}

__attribute__((format(printf, 3, 4))) static void say(struct script *s, int side,
                                                      const char *format, ...)
{
    uint32_t at = s->used;
    va_list args;

    va_start(args, format);
    s->used += (uint32_t)vsnprintf(s->text + at, sizeof s->text - at, format, args);
    va_end(args);
    add(s, side, STEP_TEXT, PSH | ACK, s->used - at, at);
}

/* Layouts of the common servers; @ is the line of STARTTLS, from which a class makes its own. */
static const struct {
    const char *banner, *reply;
} layout[] = {
    {"ESMTP Postfix",
     "250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n@250-ENHANCEDSTATUSCODES\r\n"
     "250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n"},
    {"ESMTP Exim 4.96 Sat, 21 Nov 2026 10:00:00 +0000",
     "250-SIZE 52428800\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-PIPECONNECT\r\n250-CHUNKING\r\n@"
     "250-PRDR\r\n250 HELP\r\n"},
    {"ESMTP Sendmail 8.17.1/8.17.1; Sat, 21 Nov 2026 10:00:00 GMT",
     "250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250-DSN\r\n"
     "250-ETRN\r\n@250-DELIVERBY\r\n250 HELP\r\n"},
    {"Microsoft ESMTP MAIL Service ready at Sat, 21 Nov 2026 10:00:00 +0000",
     "250-SIZE 37748736\r\n250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n@"
     "250-8BITMIME\r\n250-BINARYMIME\r\n250 CHUNKING\r\n"},
    {"ESMTP d2e1a72fcca58-gsmtp",
     "250-SIZE 157286400\r\n250-8BITMIME\r\n@250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n"
     "250-CHUNKING\r\n250 SMTPUTF8\r\n"},
};
enum { LAYOUTS = sizeof layout / sizeof layout[0] };

static void say_ehlo(struct script *s, uint32_t server, enum class class)
{
    static const char *const offer[CLASS_COUNT] = {
        [TLS] = "250-STARTTLS\r\n",
        [CLEAR] = "250-STARTTLS\r\n",
        [NO_OFFER] = "",
        [GARBLED] = "250-XXXXXXXX\r\n",
        [MASKED] = "250-XXXXXXXA\r\n",
        [STRIPPED] = "",
        [REFUSED] = "250-STARTTLS\r\n",
        [LOGIN] = "250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n",
        [PROBE] = "250-STARTTLS\r\n",
    };
    const char *reply = layout[server % LAYOUTS].reply, *slot = strchr(reply, '@');

    if (class == MASKED)
        say(s, 1, "220 ****************************************\r\n");
    else
        say(s, 1, "220 mx%" PRIu32 ".example.test %s\r\n", server, layout[server % LAYOUTS].banner);
    say(s, 0, "EHLO out.sender.test\r\n");
    say(s, 1, "250-mx%" PRIu32 ".example.test\r\n%.*s%s%s", server, (int)(slot - reply), reply,
        offer[class], slot + 1);
}

static void say_mail(struct script *s, struct rng *r, enum mode mode)
{
    uint32_t size = mail_size(r, mode), who = rng_below(r, 100000);
    bool bdat = rng_below(r, 5) == 0;

    say(s, 0, "MAIL FROM:<user%" PRIu32 "@sender.test>\r\n", who);
    say(s, 1, "250 2.1.0 Ok\r\n");
    say(s, 0, "RCPT TO:<user%" PRIu32 "@rcpt%" PRIu32 ".test>\r\n", who, who % 997);
    say(s, 1, "250 2.1.5 Ok\r\n");
    if (bdat) {
        say(s, 0, "BDAT %" PRIu32 " LAST\r\n", size);
    } else {
        say(s, 0, "DATA\r\n");
        say(s, 1, "354 End data with <CR><LF>.<CR><LF>\r\n");
    }
    add(s, 0, STEP_BODY, PSH | ACK, size, who);
    if (!bdat)
        say(s, 0, "\r\n.\r\n");
    say(s, 1, "250 2.0.0 Ok: queued as 4XbQ2k3v9zKp\r\n");
}

/* A handshake record: true headers and hello fields, one unknown extension over the rest. */
static void say_record(struct script *s, int side, uint8_t type, uint8_t message, uint32_t size)
{
    uint8_t *p = (uint8_t *)s->text + s->used;
    uint32_t fixed = message == 1 ? 45 : 42; /* message header, version, random, suites */

    p[0] = type;
    put16(p + 1, 0x0303);
    put16(p + 3, size);
    p += RECORD_HEADER;
    memcpy(p, type == 20 ? (const uint8_t *)"\1" : random_pool + s->used, size);
    if (message) {
        put32(p, size - 4);
        p[0] = message;
        put16(p + 4, 0x0303);
        memcpy(p + 38, message == 1 ? "\0\0\2\x13\2\1\0" : "\0\x13\2\0", fixed - 38);
        put16(p + fixed, size - fixed - 2);
        put16(p + fixed + 2, 0x0A0A); /* RFC 8701 */
        put16(p + fixed + 4, size - fixed - 6);
    }
    add(s, side, STEP_TEXT, PSH | ACK, RECORD_HEADER + size, s->used);
    s->used += RECORD_HEADER + size;
}

static void say_tls(struct script *s, struct rng *r, enum mode mode)
{
    bool small = mode == FLOWS || mode == SYNFLOOD || mode == SERVERS;
    uint32_t flight = small ? 900 : 1500 + rng_below(r, 2000), size = mail_size(r, mode);

    say_record(s, 0, 22, 1, 230);
    say_record(s, 1, 22, 2, 90);
    say_record(s, 1, 20, 0, 1);
    add(s, 1, STEP_TLS, PSH | ACK, flight, 0);
    say_record(s, 0, 20, 0, 1);
    add(s, 0, STEP_TLS, PSH | ACK, 74, 100);
    for (uint32_t i = 0; i < (small ? 1 : 4); i++) {
        add(s, 0, STEP_TLS, PSH | ACK, 60, 200);
        add(s, 1, STEP_TLS, PSH | ACK, i == 0 && !small ? 550 : 50, 300);
    }
    add(s, 0, STEP_TLS, PSH | ACK, size + 30, size);
    add(s, 1, STEP_TLS, PSH | ACK, 80, 400);
    add(s, 0, STEP_TLS, PSH | ACK, 31, 500);
}

static void say_rest(struct script *s, struct rng *r, enum class class, enum mode mode)
{
    if (class == TLS || class == REFUSED) {
        say(s, 0, "STARTTLS\r\n");
        say(s, 1,
            class == TLS ? "220 2.0.0 Ready to start TLS\r\n"
                         : "454 4.7.0 TLS not available due to local problem\r\n");
    }
    if (class == TLS) {
        say_tls(s, r, mode);
        return;
    }
    if (class == LOGIN) {
        say(s, 0, "AUTH PLAIN AGRvcm90aHkAcmFpbmJvdy1zZWNyZXQ=\r\n");
        say(s, 1, "235 2.7.0 Authentication successful\r\n");
    }
    if (class != PROBE)
        say_mail(s, r, mode);
    say(s, 0, "QUIT\r\n");
    say(s, 1, "221 2.0.0 Bye\r\n");
}

static const struct script *script_of(const struct session *s, enum mode mode)
{
    static struct script script;
    static uint64_t made_for;
    struct rng r = {s->seed};

    if (script.count && made_for == s->seed)
        return &script;
    made_for = s->seed;
    script.count = 0;
    script.used = 0;
    add(&script, 0, STEP_FLAGS, SYN, 0, 0);
    add(&script, 1, STEP_FLAGS, SYN | ACK, 0, 0);
    add(&script, 0, STEP_FLAGS, ACK, 0, 0);
    say_ehlo(&script, s->number % 2003, s->class);
    say_rest(&script, &r, s->class, mode);
    add(&script, 0, STEP_FLAGS, FIN | ACK, 0, 0);
    add(&script, 1, STEP_FLAGS, FIN | ACK, 0, 0);
    add(&script, 0, STEP_FLAGS, ACK, 0, 0);
    return &script;
}

/* --- sessions --- */

static enum class class_of(struct rng *r, enum mode mode) {
    int draw = (int)rng_below(r, 250);

    for (int c = 0; c < CLASS_COUNT;
         c++) if ((draw -= class_row[c].share[mode == PLAIN]) < 0) return (enum class)c;
    return TLS;
}

static void session_ends(const struct session *s, uint8_t addr[2][16], uint16_t port[2])
{
    uint8_t *net = addr[1] + (s->ipv6 ? 14 : 2);

    ends(s->number, s->ipv6, addr, port);
    *net = (uint8_t)(*net + s->kind * NETS_OF_A_KIND);
    if (s->alone)
        put32(addr[1], UINT32_C(0x14000001) + s->number);
}

static void truth_write(const struct session *s, FILE *truth)
{
    uint8_t addr[2][16];
    uint16_t port[2];

    session_ends(s, addr, port);
    fprintf(truth, "%" PRIu32, s->number);
    for (int side = 0; side < 2; side++) {
        const uint8_t *a = addr[side];
        if (s->ipv6)
            fprintf(truth, "\t2001:db8:%x::%x:%x\t%u", a[5], a[12] << 8 | a[13], a[14] << 8 | a[15],
                    port[side]);
        else
            fprintf(truth, "\t%u.%u.%u.%u\t%u", a[0], a[1], a[2], a[3], port[side]);
    }
    fprintf(truth, "\t%s\t%s\t%s\n", class_row[s->class].name, class_row[s->class].rule,
            class_row[s->class].severity);
}

static struct session session_begin(struct rng *rng, enum mode mode, uint32_t number, FILE *truth)
{
    struct session s = {.seed = rng_next(rng), .number = number};

    s.class = mode >= HALF_OPEN ? GARBLED : (uint8_t)class_of(rng, mode);
    s.alone = mode == SERVERS;
    s.kind = mode >= HALF_OPEN ? OFFERS : kind_of[s.class];
    s.ipv6 = (mode == SMTP || mode == PLAIN) && rng_below(rng, 10) == 0;
    s.seq[0] = (uint32_t)rng_next(rng);
    s.seq[1] = (uint32_t)rng_next(rng);
    if (truth)
        truth_write(&s, truth);
    return s;
}

static void session_frame(struct session *s, int side, uint8_t flags, size_t payload,
                          uint8_t *frame, struct rng *rng)
{
    uint8_t addr[2][16];
    uint16_t port[2];

    session_ends(s, addr, port);
    struct tcp t = {.src = addr[side],
                    .dst = addr[!side],
                    .seq = s->seq[side],
                    .ack = flags & ACK ? s->seq[!side] : 0,
                    .sport = port[side],
                    .dport = port[!side],
                    .ident = s->ident[side]++,
                    .flags = flags,
                    .ipv6 = s->ipv6 != 0};
    wire_send(frame, tcp_frame(frame, &t, payload), rng);
    s->seq[side] += (uint32_t)payload + ((flags & (SYN | FIN)) != 0);
    s->unacked = payload ? (uint8_t)(s->unacked + 1) : 0;
}

/* The bytes of a TLS step: records of full length and the rest in a last one. */
static void tls_fill(uint8_t *out, const struct step *step, uint32_t offset, uint32_t size)
{
    const uint32_t whole = RECORD + RECORD_HEADER;

    memcpy(out, random_pool + (step->at + offset) % POOL, size);
    for (uint32_t at = offset / whole * whole; at < offset + size; at += whole) {
        uint32_t left = step->size - at;
        uint8_t head[RECORD_HEADER] = {23, 3, 3};
        put16(head + 3, (left < whole ? left : whole) - RECORD_HEADER);
        for (uint32_t i = 0; i < RECORD_HEADER; i++)
            if (at + i >= offset && at + i < offset + size)
                out[at + i - offset] = head[i];
    }
}

/* Sends one packet; false when the session has ended. */
static bool session_packet(struct session *s, enum mode mode, struct rng *rng)
{
    static uint8_t frame[FRAME];
    const struct script *script = script_of(s, mode);
    const struct step *step = &script->step[s->step];
    uint8_t *payload = payload_of(frame, s->ipv6);
    uint32_t left = step->size - s->offset, mss = mode == TRICKLE ? 1 : MSS;
    uint32_t size = left < mss ? left : mss;

    if (s->unacked >= 2 && s->offset && mode != TRICKLE) {
        session_frame(s, !step->side, ACK, 0, frame, rng);
        return true;
    }
    if (step->kind == STEP_TEXT)
        memcpy(payload, script->text + step->at + s->offset, size);
    else if (step->kind == STEP_BODY)
        memcpy(payload, mail_pool + (step->at + s->offset) % POOL, size);
    else if (step->kind == STEP_TLS)
        tls_fill(payload, step, s->offset, size);
    session_frame(s, step->side, step->flags, size, frame, rng);
    s->offset += size;
    if (s->offset == step->size) {
        s->step++;
        s->offset = 0;
    }
    return s->step < script->count;
}

/* --- what is not mail --- */

static void dns_packet(struct rng *rng)
{
    uint8_t frame[512] = "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00", addr[2][16];
    size_t size = 30 + rng_below(rng, 200);
    uint16_t port[2];
    uint8_t *udp = frame + ETHERNET + IPV4;

    ends(rng_below(rng, 100000), false, addr, port);
    put_ip(frame + ETHERNET, false, addr[0], addr[1], (uint16_t)size, 17, 0, UDP + size);
    put16(udp, port[0]);
    put16(udp + 2, 53);
    put16(udp + 4, (uint32_t)(UDP + size));
    memcpy(udp + UDP, random_pool + rng_below(rng, POOL), size);
    wire_send(frame, ETHERNET + IPV4 + UDP + size, rng);
}

static void background_packet(struct background *b, struct rng *rng)
{
    static uint8_t frame[FRAME];
    uint32_t draw = rng_below(rng, 100);
    uint8_t addr[2][16];
    uint16_t port[2];
    int side = draw < 62;
    size_t size = side ? MSS : 0;

    if (draw >= 95) {
        dns_packet(rng);
        return;
    }
    ends(UINT32_C(70000000) + b->number * 30011, false, addr, port);
    port[1] = b->number % 3 ? 443 : 80;
    struct tcp t = {.src = addr[side],
                    .dst = addr[!side],
                    .seq = b->seq[side],
                    .ack = b->seq[!side],
                    .sport = port[side],
                    .dport = port[!side],
                    .ident = b->ident++,
                    .flags = ACK};
    memcpy(payload_of(frame, false), random_pool + b->seq[side] % POOL, size);
    wire_send(frame, tcp_frame(frame, &t, size), rng);
    b->seq[side] += (uint32_t)size;
}

static void lone_syn(struct rng *rng)
{
    static uint8_t frame[FRAME];
    uint64_t luck = rng_next(rng);
    uint8_t src[4], dst[4];

    put32(src, (uint32_t)luck | 1);
    put32(dst, UINT32_C(0xC6336401) + rng_below(rng, 200));
    struct tcp t = {
        .src = src, .dst = dst, .seq = (uint32_t)rng_next(rng), .dport = 25, .flags = SYN};
    t.sport = (uint16_t)(1024 + (luck >> 32) % 60000);
    wire_send(frame, tcp_frame(frame, &t, 0), rng);
}

/* --- modes --- */

static bool goes_on(const struct options *o, uint32_t sessions)
{
    return o->mode == SERVERS ? sessions < o->sessions : wire.bytes < o->bytes;
}

/* A window of open sessions, of which one after the other sends a few packets. */
static void windowed(const struct options *o, struct rng *rng, FILE *truth)
{
    static struct session open[OPEN_SESSIONS];
    static struct background flow[BACKGROUND_FLOWS];
    uint32_t number = 0, count = 0;
    uint32_t window = o->mode == SMTP || o->mode == PLAIN ? OPEN_SESSIONS : OPEN_SESSIONS / 10;

    for (uint32_t i = 0; i < BACKGROUND_FLOWS; i++)
        flow[i].number = i;
    while (count || goes_on(o, number)) {
        while (count < window && goes_on(o, number))
            open[count++] = session_begin(rng, o->mode, number++, truth);
        if (!count)
            break;
        uint32_t at = rng_below(rng, count);
        bool more = true;
        for (uint32_t burst = 1 + rng_below(rng, 4); more && burst; burst--)
            more = session_packet(&open[at], o->mode, rng);
        if (!more)
            open[at] = open[--count];
        for (int i = 0; o->mode == MIXED && i < 33 && wire.bytes < o->bytes; i++)
            background_packet(&flow[rng_below(rng, BACKGROUND_FLOWS)], rng);
    }
}

/* All sessions open at once: each in turn sends one packet, until all have ended. */
static void all_at_once(const struct options *o, struct rng *rng, FILE *truth)
{
    size_t left = o->sessions;
    struct session *open = calloc(left, sizeof *open);

    if (!open) {
        perror("trafficgen");
        exit(1);
    }
    for (size_t i = 0; i < left; i++)
        open[i] = session_begin(rng, o->mode, (uint32_t)i, truth);
    while (left) {
        size_t kept = 0;
        for (size_t i = 0; i < left; i++)
            if (session_packet(&open[i], o->mode, rng))
                open[kept++] = open[i];
        left = kept;
    }
    free(open);
}

static void synflood(const struct options *o, struct rng *rng, FILE *truth)
{
    struct session s = session_begin(rng, o->mode, 0, truth);
    uint32_t number = 1;

    for (uint64_t i = 0; i < o->sessions; i++) {
        lone_syn(rng);
        if (i % 64 == 0 && !session_packet(&s, o->mode, rng))
            s = session_begin(rng, o->mode, number++, truth);
    }
    while (session_packet(&s, o->mode, rng))
        ;
}

/* --- floods --- */

struct hostile { /* a connection that its maker leaves alone */
    uint8_t addr[2][16];
    uint16_t port[2];
    uint32_t seq[2];
    uint32_t number;
    uint8_t step;
};

static void hostile_begin(struct hostile *h, uint32_t number, struct rng *rng)
{
    memset(h, 0, sizeof *h);
    put32(h->addr[0], (uint32_t)rng_next(rng) | 1);
    put32(h->addr[1], UINT32_C(0xC6336401) + rng_below(rng, 2003));
    h->port[0] = (uint16_t)(1024 + rng_below(rng, 60000));
    h->port[1] = 25;
    h->seq[0] = (uint32_t)rng_next(rng);
    h->seq[1] = (uint32_t)rng_next(rng);
    h->number = number;
}

static void hostile_send(struct hostile *h, int side, uint8_t flags, const char *text,
                         struct rng *rng)
{
    static uint8_t frame[FRAME];
    size_t size = strlen(text);
    struct tcp t = {.src = h->addr[side],
                    .dst = h->addr[!side],
                    .seq = h->seq[side],
                    .ack = flags & ACK ? h->seq[!side] : 0,
                    .sport = h->port[side],
                    .dport = h->port[!side],
                    .flags = flags};

    memcpy(payload_of(frame, false), text, size);
    wire_send(frame, tcp_frame(frame, &t, size), rng);
    h->seq[side] += (uint32_t)size + ((flags & SYN) != 0);
}

/* The first fragment of a datagram whose rest never comes. */
static void hostile_fragment(struct hostile *h, struct rng *rng)
{
    static uint8_t frame[FRAME];
    struct tcp t = {.src = h->addr[0],
                    .dst = h->addr[1],
                    .seq = h->seq[0],
                    .ack = h->seq[1],
                    .sport = h->port[0],
                    .dport = h->port[1],
                    .ident = (uint16_t)h->number,
                    .flags = ACK};
    uint8_t *ip = frame + ETHERNET;
    size_t size = tcp_frame(frame, &t, 60);

    put16(ip + 6, 0x2000); /* more fragments */
    put16(ip + 10, 0);
    put_checksum(ip + 10, sum16(ip, IPV4));
    wire_send(frame, size, rng);
}

/* Sends one packet; false: that was all. Every other one of mode ehlo has its answer as well. */
static bool hostile_packet(struct hostile *h, enum mode mode, struct rng *rng)
{
    char text[400];

    if (mode == FRAGMENTS) {
        hostile_fragment(h, rng);
        return false;
    }
    switch (h->step++) {
    case 0:
        hostile_send(h, 0, SYN, "", rng);
        return true;
    case 1:
        hostile_send(h, 1, SYN | ACK, "", rng);
        return mode != HALF_OPEN;
    case 2:
        hostile_send(h, 0, ACK, "", rng);
        return true;
    case 3:
        if (mode == HOLE)
            h->seq[1] += 100;
        snprintf(text, sizeof text, "220 mail%" PRIu32 ".example.test ESMTP %s\r\n", h->number,
                 layout[h->number % LAYOUTS].banner);
        hostile_send(h, 1, PSH | ACK, text, rng);
        return mode != HOLE;
    case 4:
        snprintf(text, sizeof text, "EHLO host%" PRIu32 ".sender.test\r\n", h->number);
        hostile_send(h, 0, PSH | ACK, text, rng);
        return h->number % 2;
    default:
        snprintf(text, sizeof text,
                 "250-mail%" PRIu32 ".example.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n"
                 "250-ETRN\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"
                 "250 DSN\r\n",
                 h->number);
        hostile_send(h, 1, PSH | ACK, text, rng);
        return false;
    }
}

struct victim {
    struct session s;
    uint64_t at; /* the packet of the flood before which it sends its next one */
};

/* Most go on every fifth of a second; each pauses once for 4 s, some before the greeting, some
 * before the reply to EHLO, some later. */
static void victims_go_on(struct victim *open, uint32_t *count, enum mode mode, uint64_t now,
                          struct rng *rng)
{
    for (uint32_t i = 0; i < *count;) {
        struct victim *v = &open[i];
        if (v->at > now) {
            i++;
            continue;
        }
        if (!session_packet(&v->s, mode, rng)) {
            *v = open[--*count];
            continue;
        }
        v->at = now + FLOOD_SECOND / 25;
        if (v->s.step == 1 + v->s.number % 8)
            v->at = now + PAUSE;
        i++;
    }
}

static void flood(const struct options *o, struct rng *rng, FILE *truth)
{
    static struct hostile open[HOSTILE_OPEN];
    static struct victim victim[VICTIMS_OPEN];
    uint32_t begun = 0, victims = 0, numbers = 0;

    for (uint32_t i = 0; i < HOSTILE_OPEN; i++)
        hostile_begin(&open[i], begun++, rng);
    for (uint64_t packet = 0; begun < o->sessions || victims; packet++) {
        struct hostile *h = &open[rng_below(rng, HOSTILE_OPEN)];
        if (!hostile_packet(h, o->mode, rng))
            hostile_begin(h, begun++, rng);
        if (begun * (uint64_t)VICTIMS / o->sessions >= numbers && numbers < VICTIMS &&
            victims < VICTIMS_OPEN) {
            victim[victims].s = session_begin(rng, o->mode, numbers++, truth);
            victim[victims++].at = packet;
        }
        victims_go_on(victim, &victims, o->mode, packet, rng);
    }
}

static void generate(const struct options *o, FILE *truth)
{
    static const uint32_t header[6] = {0xA1B2C3D4, 4 << 16 | 2, 0, 0, 65535, 1};
    struct rng rng = {o->seed};

    wire.time = UINT64_C(1795255200) * 1000000; /* 2026-11-21 10:00 UTC */
    wire.noise = o->mode == SMTP || o->mode == PLAIN;
    wire.pace = o->mode >= HALF_OPEN ? 1000000 / FLOOD_SECOND : 0;
    fwrite(header, sizeof header, 1, wire.out);
    pools_fill();
    if (o->mode == FLOWS)
        all_at_once(o, &rng, truth);
    else if (o->mode == SYNFLOOD)
        synflood(o, &rng, truth);
    else if (o->mode >= HALF_OPEN)
        flood(o, &rng, truth);
    else
        windowed(o, &rng, truth);
    wire_flush();
}

static void usage(void)
{
    fputs(
        "usage: trafficgen -m smtp|mixed|flows|trickle|synflood|plain|servers|half-open|hole|ehlo|"
        "fragments "
        "[-s SEED] [-b BYTES] [-n SESSIONS] [-o FILE] [-t TRUTH]\n",
        stderr);
    exit(2);
}

static enum mode mode_of(const char *name)
{
    for (int i = 0; i < MODE_COUNT; i++)
        if (!strcmp(name, mode_name[i]))
            return (enum mode)i;
    usage();
    return MODE_COUNT;
}

static struct options options_of(int argc, char **argv)
{
    struct options o = {MODE_COUNT, 1, UINT64_C(300) << 20, 100000, NULL, NULL};

    for (int c; (c = getopt(argc, argv, "m:s:b:n:o:t:")) != -1;) {
        switch (c) {
        case 'm':
            o.mode = mode_of(optarg);
            break;
        case 's':
            o.seed = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            o.bytes = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            o.sessions = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            o.out = optarg;
            break;
        case 't':
            o.truth = optarg;
            break;
        default:
            usage();
        }
    }
    if (o.mode == MODE_COUNT || optind != argc || !o.sessions)
        usage();
    return o;
}

static FILE *opened(const char *path, FILE *otherwise)
{
    FILE *f = path ? fopen(path, "wb") : otherwise;

    if (path && !f) {
        perror(path);
        exit(1);
    }
    return f;
}

int main(int argc, char **argv)
{
    struct options o = options_of(argc, argv);
    FILE *truth = opened(o.truth, NULL);

    wire.out = opened(o.out, stdout);
    setvbuf(wire.out, NULL, _IOFBF, 1 << 20);
    generate(&o, truth);
    if (fclose(wire.out) || (truth && fclose(truth))) {
        perror("trafficgen");
        return 1;
    }
    fprintf(stderr, "%" PRIu64 " packets, %" PRIu64 " bytes\n", wire.packets, wire.bytes);
    return 0;
}
