/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/matter.h"

#define HOUR (3600 * NS_PER_S)

/* Takes `n` of the lines that may be told; each comes back when those before it have, an hour
 * apart. */
static bool pay(struct matter *m, int64_t now, unsigned n)
{
    int64_t latest = now;
    unsigned ready = 0;
    for (unsigned i = 0; i < MATTER_BURST; i++) {
        ready += m->paid[i] <= now;
        latest = m->paid[i] > latest ? m->paid[i] : latest;
    }
    if (ready < n)
        return false;
    for (unsigned i = 0; i < MATTER_BURST && n > 0; i++)
        if (m->paid[i] <= now) {
            m->paid[i] = latest += HOUR;
            n--;
        }
    return true;
}

static enum matter_step tell_opening(struct matter *m, int64_t now, unsigned level)
{
    m->level = level;
    m->told = pay(m, now, 2);
    return m->told ? MATTER_OPENS : MATTER_NOTHING;
}

static enum matter_step while_open(struct matter *m, int64_t now, unsigned level, int64_t calm)
{
    if (!m->bad) {
        if (now - m->since < calm)
            return MATTER_NOTHING;
        m->open = false;
        return m->told ? MATTER_CLOSES : MATTER_NOTHING;
    }
    if (!m->told) { /* held back, and going on */
        enum matter_step step = tell_opening(m, now, level);
        m->held -= step == MATTER_OPENS;
        return step;
    }
    if (level <= m->level || !pay(m, now, 1))
        return MATTER_NOTHING;
    m->level = level;
    return MATTER_WORSENS;
}

enum matter_step matter_turn(struct matter *m, int64_t now, bool bad, unsigned level, int64_t wait,
                             int64_t calm)
{
    if (bad != m->bad) {
        m->bad = bad;
        m->since = now;
    }
    if (m->open)
        return while_open(m, now, level, calm);
    if (!bad || now - m->since < wait)
        return MATTER_NOTHING;
    m->open = true;
    enum matter_step step = tell_opening(m, now, level);
    m->held += step == MATTER_NOTHING;
    return step;
}
