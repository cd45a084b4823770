/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

#include "hello.h"
#include "layouts.h"

#include <stdio.h>

#define AS_NAME(id, name) [id] = (name),
const char *const family_name[FAMILY_COUNT] = {FAMILIES(AS_NAME)};
#undef AS_NAME

#define SAY(side, ...) talk_say(c->t, side, __VA_ARGS__, (const char *)NULL)

enum { SECOND = 1000000, MINUTE = 60 * SECOND };
static const uint64_t hour = UINT64_C(3600) * SECOND;

/* A connection in the making. */
struct call {
    struct world *w;
    const struct plan *p;
    struct client *client;
    struct server *server;
    struct talk *t;
    struct outcome out;
    bool screened; /* by postscreen: the real server is not met yet */
    bool in_clear; /* the client does not ask for TLS, whatever it usually does */
};

bool mail_upgrades(const struct client *c, uint64_t at)
{
    return c->kind <= C_PIPELINED || c->kind == C_SUBMISSION ||
           (c->kind == C_REPLACED && at < c->change_at);
}

static uint32_t below(struct call *c, uint32_t n)
{
    return rng_below(&c->t->rng, n);
}

static bool changed(const struct call *c)
{
    return c->p->at >= c->server->change_at;
}

/* --- addresses and the way between them --- */

static void lay_path(struct talk *t, const struct plan *p)
{
    const struct client *c = p->client;
    const struct server *s = p->server;
    uint32_t way = world_pair(c, s, 2);
    bool both_far = !c->own && !s->own;

    t->ipv6 = s->ipv6;
    memcpy(t->addr[CLIENT], c->addr[s->ipv6], 16);
    world_address(s, p->member, t->addr[SERVER]);
    t->port[CLIENT] = c->port;
    t->port[SERVER] = p->port;
    t->near = s->own && !c->own ? SERVER : CLIENT;
    t->rtt = 3000 + way % 150000 * (both_far ? 1 : way % 7) / 7;
    t->ttl[CLIENT] = (uint8_t)((c->number % 5 ? 64 : 128) - (t->near == CLIENT ? 2 : 5 + way % 15));
    t->ttl[SERVER] =
        (uint8_t)((s->number % 3 ? 64 : 255) - (t->near == SERVER ? 2 : 5 + way / 256 % 15));
    t->windows = c->kind == C_EXCHANGE;
    for (int side = 0; side < 2; side++) {
        memset(t->mac[side], 0, 6);
        t->mac[side][0] = 2;
        t->mac[side][3] = (uint8_t)(side + 1);
    }
    put16(t->mac[CLIENT] + 4, c->own ? c->net : 999); /* all that is far comes by one router */
    put16(t->mac[SERVER] + 4, s->own ? 500 : 999);
}

/* A port after the other, as most systems give them. */
static void next_port(struct client *c)
{
    c->port = (uint16_t)(c->port >= 60990 ? 32768 : c->port + 1 + c->number % 3);
}

/* --- the server's part --- */

static const struct layout *layout_now(struct call *c)
{
    const struct server *s = c->server;
    uint32_t which = 0;

    switch (s->kind) {
    case EXCHANGE:
        which = below(c, 2);
        break;
    case LAYOUTS:
        which = below(c, SERVER_LAYOUTS);
        break;
    case FARM:
        which = c->p->member == 1;
        break;
    case BALANCER:
        which = below(c, 10) < 3;
        break;
    case PER_CLIENT:
        which = world_pair(c->client, s, 3) % 5 == 0;
        break;
    case XCLIENT:
    case AUTH_SOME:
        which = world_pair(c->client, s, 3) % 3 == 0;
        break;
    case LOSES:
    case GAINS:
    case MOVES:
    case SIZES:
        which = changed(c);
        break;
    case POSTSCREEN:
        which = c->screened;
        break;
    default:
        break;
    }
    return &s->layout[which];
}

static const struct chain *chain_now(struct call *c)
{
    struct server *s = c->server;
    bool moving = s->kind == RENEWS || s->kind == MIGRATES;
    int after = changed(c) && (moving || s->kind == UPGRADES || s->kind == MOVES);
    int issuer = (int)(s->number % (moving ? CHAIN_ISSUERS : CHAIN_SELF_SIGNED + 1));

    if (s->kind == MIGRATES && after)
        issuer = (issuer + 1) % CHAIN_ISSUERS;
    if (!s->chain[after])
        s->chain[after] = chain_make(s->name, s->number * 2 + (uint32_t)after, issuer,
                                     (int64_t)(c->w->begin / SECOND));
    return s->chain[after];
}

static int stack_now(const struct call *c)
{
    return c->server->stack[c->server->kind == UPGRADES && changed(c)];
}

/* Certificate trouble: for eight hours nobody gets TLS. */
static bool troubled(const struct call *c)
{
    return c->server->kind == TROUBLE && changed(c) && c->p->at < c->server->change_at + 8 * hour;
}

static void greet(struct call *c, const struct layout *l)
{
    if (c->screened) {
        SAY(SERVER, "220-", c->server->name, l->banner, "\r\n");
        talk_wait(c->t, 6 * SECOND);
    }
    if (c->server->kind == TARPIT)
        talk_wait(c->t, (2 + below(c, 6)) * (uint64_t)SECOND);
    SAY(SERVER, "220 ", c->server->name, l->banner, "\r\n");
}

/* What stands where STARTTLS stood; null: nothing. */
static const char *replaced(struct call *c, char word[16])
{
    static const char *const plausible[] = {"MAILSYNC", "ROUTEMAP", "XDELIVER",
                                            "TRANSMIT", "FASTPATH", "RELAYMAP"};

    switch (c->p->family) {
    case REMOVED:
        return NULL;
    case GARBLED_X:
        return "XXXXXXXX";
    case GARBLED_WORD:
        return plausible[below(c, 6)];
    case GARBLED_NEAR:
        return "starttlz";
    case BLANKED:
        return "        ";
    case GARBLED_LETTERS:
        for (int i = 0; i < 8; i++)
            word[i] = (char)('A' + below(c, 26));
        return word;
    default:
        return "STARTTLS";
    }
}

/* The reply to EHLO; true if it lets the client ask for TLS. */
static bool reply_ehlo(struct call *c, const struct layout *l)
{
    char word[16] = "";
    const char *offer = replaced(c, word);
    int last = c->p->family == COLLAPSED ? 0 : l->count - 1;
    char text[4096];
    size_t used = 0;

    if (last && last == l->slot && !offer)
        last--;
    for (int i = 0; i <= last; i++) {
        const char *line = i && i == l->slot ? offer : l->line[i];
        if (!line)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "250%c%s%s\r\n",
                                 i == last ? ' ' : '-', i ? "" : c->server->name, line);
        if (c->server->kind == TARPIT) {
            SAY(SERVER, text);
            talk_wait(c->t, SECOND + below(c, SECOND));
            used = 0;
        }
    }
    if (used)
        SAY(SERVER, text);
    bool offered = l->slot && last && offer && !strcmp(offer, "STARTTLS");
    c->out.offered = offered                                                ? 'y'
                     : c->p->family >= GARBLED_X && c->p->family <= BLANKED ? '-'
                                                                            : 'n';
    return offered;
}

/* --- the client's part --- */

static const char *own_name(const struct call *c)
{
    bool later = (c->client->kind == C_REPLACED && c->p->at >= c->client->change_at) ||
                 (c->client->kind == C_TWO_NAMES && c->in_clear);

    return later ? c->client->later : c->client->name;
}

static void quit(struct call *c)
{
    SAY(CLIENT, "QUIT\r\n");
    SAY(SERVER, "221 2.0.0 Bye\r\n");
    talk_close(c->t, c->server->number % 2 ? SERVER : CLIENT);
}

static void come_again(struct call *c, uint64_t after, bool in_clear)
{
    c->out.again = true;
    c->out.next = *c->p;
    c->out.next.at = c->t->now + after;
    c->out.next.retried = true;
    c->out.next.in_clear = in_clear;
}

/* Servers that put off who comes for the first time. */
static bool put_off(struct call *c)
{
    if (c->p->family || c->p->retried)
        return false;
    return c->screened || (c->server->kind == GREYLIST && c->client->kind != C_CALLOUT &&
                           world_first_met(c->w, c->client, c->server));
}

static void body(struct call *c)
{
    static const char text[] =
        "The quick brown fox jumps over the lazy dog, and next week we meet about the plan.\r\n"
        "Please find the letter of the invoice attached; a second one goes out tomorrow at ten.\r\n";
    uint32_t lines = 2 + below(c, 6);

    SAY(CLIENT, "Message-ID: <made@sender.test>\r\nSubject: the plan\r\n\r\n", text,
        lines > 3 ? text : "", lines > 5 ? text : "", ".\r\n");
}

static void one_mail_in_turns(struct call *c, const char *to)
{
    SAY(CLIENT, "MAIL FROM:<news@", own_name(c), ">\r\n");
    SAY(SERVER, "250 2.1.0 Ok\r\n");
    SAY(CLIENT, "RCPT TO:<someone@", to, ">\r\n");
    SAY(SERVER, "250 2.1.5 Ok\r\n");
    if (c->client->kind == C_EXCHANGE) {
        SAY(CLIENT, "BDAT 46 LAST\r\nSubject: the plan\r\n\r\nWe meet at ten o'clock.\r\n");
    } else {
        SAY(CLIENT, "DATA\r\n");
        SAY(SERVER, "354 End data with <CR><LF>.<CR><LF>\r\n");
        body(c);
    }
    SAY(SERVER, "250 2.0.0 Ok: queued as 4XbQ2k3v9zKp\r\n");
}

static void one_mail_piped(struct call *c, const char *to)
{
    SAY(CLIENT, "MAIL FROM:<news@", own_name(c), ">\r\nRCPT TO:<someone@", to, ">\r\nDATA\r\n");
    SAY(SERVER, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    body(c);
    SAY(SERVER, "250 2.0.0 Ok: queued as 4XbQ2k3v9zKp\r\n");
}

static void mail_in_clear(struct call *c, bool piped)
{
    const char *to = strchr(c->server->name, '.') + 1;

    if (put_off(c)) {
        SAY(CLIENT, "MAIL FROM:<news@", own_name(c), ">\r\n");
        SAY(SERVER, "250 2.1.0 Ok\r\n");
        SAY(CLIENT, "RCPT TO:<someone@", to, ">\r\n");
        SAY(SERVER, c->screened ? "450 4.3.2 Service currently unavailable\r\n"
                                : "451 4.7.1 Greylisting in action, please come back later\r\n");
        come_again(c, 5 * MINUTE + below(c, 25 * MINUTE), c->in_clear);
        quit(c);
        return;
    }
    for (int i = c->client->kind == C_BULK ? 3 : 1; i; i--)
        if (piped && c->client->kind == C_PIPELINED)
            one_mail_piped(c, to);
        else
            one_mail_in_turns(c, to);
    quit(c);
}

/* MAIL with the null sender, RCPT, and no message. */
static void callout(struct call *c)
{
    SAY(CLIENT, "MAIL FROM:<>\r\n");
    SAY(SERVER, "250 2.1.0 Ok\r\n");
    SAY(CLIENT, "RCPT TO:<someone@", strchr(c->server->name, '.') + 1, ">\r\n");
    SAY(SERVER, below(c, 2) ? "250 2.1.5 Ok\r\n" : "550 5.1.1 User unknown\r\n");
    quit(c);
}

static void mail_in_tls(struct call *c)
{
    bool delivers = c->client->kind != C_CALLOUT && !put_off(c);
    int mails = c->client->kind == C_BULK ? 3 : 1;

    hello_data(c->t, CLIENT, 40 + below(c, 20));
    hello_data(c->t, SERVER, 200 + below(c, 150));
    for (; mails; mails--) {
        hello_data(c->t, CLIENT, 60 + below(c, 80));
        hello_data(c->t, SERVER, 30 + below(c, 80));
        if (!delivers)
            break;
        hello_data(c->t, CLIENT, 500 + below(c, 1400));
        hello_data(c->t, SERVER, 50 + below(c, 20));
    }
    hello_data(c->t, CLIENT, 6);
    hello_data(c->t, SERVER, 30);
    talk_close(c->t, CLIENT);
    if (!delivers && c->client->kind != C_CALLOUT)
        come_again(c, 5 * MINUTE + below(c, 25 * MINUTE), false);
}

/* --- the upgrade --- */

static bool incompatible(const struct call *c)
{
    return c->client->kind == C_INCOMPATIBLE && world_pair(c->client, c->server, 4) % 3 == 0;
}

/* The server waits in vain, until whoever took the ClientHello ends the connection, or the server
 * does; or the client gives up first, and then the server. */
static void unheard(struct call *c)
{
    uint32_t way = below(c, 3);

    if (way == 2) {
        talk_away(c->t, CLIENT, 200 + below(c, 400));
        talk_wait(c->t, (10 + below(c, 50)) * (uint64_t)SECOND);
        talk_flags(c->t, CLIENT, FIN | ACK);
        talk_flags(c->t, SERVER, ACK);
    }
    talk_wait(c->t, (10 + below(c, 290)) * (uint64_t)SECOND);
    if (way == 0)
        talk_flags(c->t, CLIENT, RST | ACK);
    else if (way == 1)
        talk_close(c->t, SERVER);
    else
        talk_flags(c->t, SERVER, FIN | ACK);
}

/* An attacked handshake; the client comes back in clear, after 50 ms to ten minutes. */
static void killed(struct call *c)
{
    static const uint32_t most[] = {SECOND, 10 * SECOND, MINUTE, 10 * MINUTE};

    switch (c->p->family) {
    case HELLO_SILENCE:
        talk_again(c->t, CLIENT, 4);
        talk_wait(c->t, (5 + below(c, 40)) * (uint64_t)SECOND);
        talk_flags(c->t, CLIENT, FIN | ACK);
        break;
    case HELLO_TEXT:
        SAY(SERVER, "454 4.7.0 TLS not available due to temporary reason\r\n");
        talk_close(c->t, CLIENT);
        break;
    case HELLO_UNHEARD:
        unheard(c);
        break;
    case CLIENT_RESET:
        talk_flags(c->t, CLIENT, RST | ACK);
        break;
    default:
        talk_flags(c->t, SERVER, RST | ACK);
        break;
    }
    c->out.tls = 'n';
    come_again(c, 50000 + below(c, most[below(c, 4)] - 50000), true);
}

static void handshake(struct call *c)
{
    struct handshake h = {.client = c->client->stack,
                          .server = stack_now(c),
                          .name = c->server->name,
                          .chain = chain_now(c)};

    h.resumed = !hello_is13(h.client, h.server) && !c->p->family && c->server->clean > 5 &&
                below(c, 5) == 0;
    if (c->p->family != HELLO_UNHEARD)
        hello_client(c->t, &h);
    if (c->p->family) {
        killed(c);
        return;
    }
    if (incompatible(c)) {
        hello_alert(c->t, SERVER, world_pair(c->client, c->server, 5) % 2 ? 40 : 70);
        talk_close(c->t, SERVER);
        c->out.tls = 'n';
        come_again(c, 100000 + below(c, 3 * SECOND), true);
        return;
    }
    hello_finish(c->t, &h);
    if (c->client->kind == C_TLS_SCANNER) {
        hello_alert(c->t, CLIENT, 0);
        c->out.tls = '-';
        talk_close(c->t, CLIENT);
        return;
    }
    c->out.tls = 'y';
    mail_in_tls(c);
}

/* What the server says to STARTTLS, or is made to say. */
static const char *answer_starttls(struct call *c)
{
    switch (c->p->family) {
    case REFUSED_454:
        return "454 4.7.0 TLS not available due to temporary reason\r\n";
    case REFUSED_50X:
        return below(c, 2) ? "502 5.5.1 Command not implemented\r\n"
                           : "501 5.5.4 Syntax error in parameters\r\n";
    case FALSE_OK:
        return below(c, 2) ? "250 2.0.0 Ok\r\n" : "200 Ok\r\n";
    default:
        return troubled(c) ? "454 4.7.0 TLS not available due to local problem\r\n"
                           : "220 2.0.0 Ready to start TLS\r\n";
    }
}

static void upgrade(struct call *c)
{
    SAY(CLIENT, "STARTTLS\r\n");
    if (c->p->family == STARTTLS_RESET || (c->p->family == CLIENT_RESET && below(c, 2))) {
        killed(c);
        return;
    }
    const char *answer = answer_starttls(c);
    SAY(SERVER, answer);
    if (!strncmp(answer, "220", 3))
        handshake(c);
    else
        mail_in_clear(c, true);
}

/* What arrives of a word whose letters were changed on the way: a mask, or another word. */
static const char *overwritten(struct call *c, const char *word, char out[16])
{
    size_t size = strlen(word);
    uint32_t way = below(c, 3);

    memset(out, way ? 'X' : 'x', size);
    out[size] = '\0';
    return out;
}

static const char *another_word(struct call *c, char out[16])
{
    static const char *const seen[] = {"STARTFOO", "S7ARTTLS", "STARTTLX", "QWZPLKRT"};

    if (below(c, 2))
        return seen[below(c, 4)];
    for (int i = 0; i < 8; i++)
        out[i] = (char)('A' + below(c, 26));
    out[8] = '\0';
    return out;
}

static const char *refusal(struct call *c)
{
    return below(c, 2) ? "500 5.5.1 Command unrecognized\r\n"
                       : "502 5.5.2 Error: command not recognized\r\n";
}

/* STARTTLS, as it arrives. */
static void command_garbled(struct call *c)
{
    char word[16];

    SAY(CLIENT,
        c->p->family == COMMAND_X ? overwritten(c, "STARTTLS", word) : another_word(c, word),
        "\r\n");
    SAY(SERVER, refusal(c));
    mail_in_clear(c, true);
}

/* --- whole sessions --- */

/* Decided once: by its habit of the day, and for this server. */
static bool goes_in_clear(struct call *c)
{
    switch (c->client->kind) {
    case C_SOMETIMES:
        return below(c, 25) == 0;
    case C_TWO_NAMES:
        return below(c, 20) == 0;
    case C_LEAVES_OUT:
        return c->server == c->client->left_out && c->p->at >= c->client->change_at;
    default:
        return false;
    }
}

static bool asks_for_tls(const struct call *c)
{
    if (c->in_clear)
        return false;
    return mail_upgrades(c->client, c->p->at) || c->client->kind == C_TLS_SCANNER ||
           c->client->kind == C_CALLOUT || c->client->kind == C_INCOMPATIBLE ||
           c->client->kind == C_CUT_OFF || c->client->kind == C_SOMETIMES ||
           c->client->kind == C_TWO_NAMES || c->client->kind == C_LEAVES_OUT;
}

static void old_fashioned(struct call *c, const char *refusal)
{
    if (refusal) {
        SAY(CLIENT, "EHLO ", own_name(c), "\r\n");
        SAY(SERVER, refusal);
    }
    SAY(CLIENT, "HELO ", own_name(c), "\r\n");
    SAY(SERVER, "250 ", c->server->name, "\r\n");
    if (c->client->kind == C_SCANNER || c->client->kind == C_TLS_SCANNER)
        quit(c);
    else if (c->client->kind == C_CALLOUT || c->client->kind == C_CLEAR_CALLOUT)
        callout(c);
    else
        mail_in_clear(c, false);
}

/* EHLO as it arrives: masked, or with one letter changed; then HELO. */
static void ehlo_garbled(struct call *c)
{
    static const char *const near[] = {"EHLX", "EXLO", "EHPO", "XHLO"};
    char word[16];

    SAY(CLIENT, below(c, 3) ? overwritten(c, "EHLO", word) : near[below(c, 4)], " ", own_name(c),
        "\r\n");
    SAY(SERVER, refusal(c));
    old_fashioned(c, NULL);
}

static void bot(struct call *c)
{
    SAY(CLIENT, "HELO ", own_name(c), "\r\n");
    SAY(SERVER, "250 ", c->server->name, "\r\n");
    SAY(CLIENT, "MAIL FROM:<win@", own_name(c), ">\r\n");
    SAY(SERVER, "250 2.1.0 Ok\r\n");
    SAY(CLIENT, "RCPT TO:<someone@", strchr(c->server->name, '.') + 1, ">\r\n");
    SAY(SERVER, "554 5.7.1 Service unavailable; client host blocked\r\n");
    talk_flags(c->t, CLIENT, RST | ACK);
}

static void converse(struct call *c, const struct layout *l)
{
    SAY(CLIENT, "EHLO ", own_name(c), "\r\n");
    bool offered = reply_ehlo(c, l);

    if (c->p->family == OFFER_UNHEARD)
        mail_in_clear(c, true);
    else if (c->p->family == COMMAND_X || c->p->family == COMMAND_WORD)
        command_garbled(c);
    else if (offered && asks_for_tls(c))
        upgrade(c);
    else if (c->client->kind == C_SCANNER || c->client->kind == C_TLS_SCANNER)
        quit(c);
    else if (c->client->kind == C_CALLOUT || c->client->kind == C_CLEAR_CALLOUT)
        callout(c);
    else
        mail_in_clear(c, true);
}

/* 421 at the greeting, or behind it; the client comes back later. */
static bool turned_away(struct call *c, const struct layout *l)
{
    uint32_t luck = below(c, 100);

    if (c->server->kind != LIMITS || c->p->family || c->p->retried || luck >= 6)
        return false;
    if (luck < 3) {
        SAY(SERVER, "421 4.7.0 ", c->server->name, " Too many connections\r\n");
    } else {
        greet(c, l);
        SAY(CLIENT, "EHLO ", own_name(c), "\r\n");
        SAY(SERVER, "421 4.7.0 ", c->server->name, " Error: rate limit\r\n");
    }
    talk_close(c->t, SERVER);
    come_again(c, MINUTE + below(c, 10 * MINUTE), c->in_clear);
    return true;
}

static void whole(struct call *c)
{
    const struct layout *l = layout_now(c);

    talk_open(c->t);
    if (turned_away(c, l))
        return;
    greet(c, l);
    if (c->client->kind == C_PROBE)
        talk_close(c->t, CLIENT);
    else if (c->client->kind == C_BOT)
        bot(c);
    else if (c->server->kind == HELO_ONLY)
        old_fashioned(c, "502 5.5.1 Unimplemented\r\n");
    else if (c->p->family == EHLO_REFUSED)
        old_fashioned(c, below(c, 2) ? "500 5.5.1 Command unrecognized\r\n"
                                     : "502 5.5.2 Command not recognized\r\n");
    else if (c->p->family == EHLO_UNHEARD)
        old_fashioned(c, NULL);
    else if (c->p->family == EHLO_GARBLED)
        ehlo_garbled(c);
    else
        converse(c, l);
}

/* The line breaks: what was sent last and not acknowledged comes again and again, or nothing. */
static void break_off(struct call *c)
{
    uint16_t left = (uint16_t)(5 + below(c, c->t->count - 5U));

    c->t->now = c->t->packet[left - 1].at;
    talk_cut(c->t, left);
    if (c->t->packet[left - 1].size && below(c, 2))
        talk_again(c->t, c->t->packet[left - 1].side, 3);
    c->out = (struct outcome){.offered = '-', .tls = '-'};
}

struct outcome mail_make(struct world *w, const struct plan *p, struct talk *t)
{
    struct call c = {.w = w, .p = p, .client = p->client, .server = p->server, .t = t};

    c.out = (struct outcome){.offered = '-', .tls = 'n'};
    next_port(p->client);
    lay_path(t, p);
    talk_begin(t, p->at, rng_next(&w->rng));
    c.screened = p->server->kind == POSTSCREEN && !p->family && !p->retried &&
                 p->client->kind != C_PROBE && p->client->kind != C_BOT &&
                 world_first_met(w, p->client, p->server);
    c.in_clear = p->in_clear || (!p->family && goes_in_clear(&c));
    whole(&c);
    if (p->client->kind == C_CUT_OFF && !p->family && below(&c, 6) == 0)
        break_off(&c);
    return c.out;
}
