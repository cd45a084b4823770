/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_lines.h"

#include <sys/random.h>

static void keep_handshake(struct tlsrpt_lines *t, const struct sighting *s)
{
    struct sighting_peer *peer = recent_keep(t->handshakes, &s->flow_id, sizeof(s->flow_id));
    if (peer)
        *peer = s->peer;
}

static void take_session(struct tlsrpt_lines *t, struct sighting *s)
{
    struct sighting_peer *peer = recent_find(t->handshakes, &s->flow_id, sizeof(s->flow_id));
    if (tlsrpt_own_is_in(t->own, s)) {
        sighting_join(s, peer);
        t->taken++;
        t->session(t->user, s);
    } else {
        t->elsewhere++;
    }
    if (peer)
        recent_forget(t->handshakes, peer);
}

/* event_lines.take */
static bool take_line(void *user, struct span line, char why[EVENT_WHY])
{
    struct tlsrpt_lines *t = user;
    struct sighting s;
    enum sighting_kind kind = sighting_read(line, &t->own->names, &s, why);
    t->live += s.live && kind != SIGHTING_BLIND;
    t->ordinary += s.live && s.ordinary;
    switch (kind) {
    case SIGHTING_SESSION:
        take_session(t, &s);
        return true;
    case SIGHTING_HANDSHAKE:
        keep_handshake(t, &s);
        return true;
    case SIGHTING_BLIND:
        if (t->blind)
            t->blind(t->user, s.second - s.blind, s.second);
        return true;
    case SIGHTING_OTHER:
        return true;
    default:
        return false;
    }
}

int tlsrpt_lines_read(struct tlsrpt_lines *t, const struct cli *cli)
{
    _Static_assert((int)SIGHTING_WHY == (int)EVENT_WHY, "one reason for both");
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        t->handshakes = recent_new(&key, CAP_HANDSHAKES, sizeof(struct sighting_peer));
    if (!t->handshakes) {
        fprintf(stderr, "stripwatch: report: out of memory\n");
        return -1;
    }
    t->lines = (struct event_lines){.take = take_line, .user = t};
    for (size_t i = 0; i < cli->operand_count; i++)
        event_lines_read(&t->lines, cli->operand[i]);
    event_lines_close(&t->lines);
    if (tlsrpt_lines_chosen(t))
        fprintf(stderr, "stripwatch: report: these lines are of sessions with findings alone; a "
                        "sensor writes one of each with privacy.log_sessions: all\n");
    recent_free(t->handshakes);
    t->handshakes = NULL;
    return 0;
}
