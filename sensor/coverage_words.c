/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/coverage_sight.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)

static const struct coverage_kind KINDS[] = {
    [COVERAGE_NO_MAIL] =
        {"no-mail", RULE_COVERAGE_LOST, 0, MINUTE, "Mail is seen again.",
         "Look at the mirror port or the tap that feeds this sensor, and at the counters of its "
         "interfaces (ip -s link). If packets arrive, check that mail still goes this way: its "
         "ports, the mail exchangers, a filter."},
    [COVERAGE_ONE_DIRECTION] =
        {"one-direction", RULE_COVERAGE_LOST, 0, 0, "Both directions are seen again.",
         "Check that the mirror port copies both directions (rx and tx), and that traffic has not "
         "moved to another path one way."},
    [COVERAGE_DROPS] =
        {"drops", RULE_COVERAGE_LOST, 0, 10 * MINUTE, "Packets are dropped no more.",
         "Give the capture more room or more workers, or a filter that passes mail alone; look at "
         "the load of the machine, and at a flood on the wire."},
    [COVERAGE_OVERLOAD] =
        {"overload", RULE_COVERAGE_LOST, 0, 10 * MINUTE, "All sessions are judged again.",
         "Look at the load of the machine, and at a flood of sessions on the wire: sessions that "
         "looked suspicious were among those that were not judged."},
    [COVERAGE_CLOCK_STEP] =
        {"clock-step", RULE_COVERAGE_LOST, 0, HOUR, "The clock has gone evenly since.",
         "Look at the service that sets the clock (chronyc tracking, timedatectl). Times of lines "
         "before and after the step do not compare, and what depends on the order of time may "
         "have been misjudged."},
    [COVERAGE_PROCESS_DEAD] =
        {"process-dead", RULE_COVERAGE_LOST, 0, HOUR, "All processes have worked since.",
         "Look in the log of the service why it ended. What crossed the wire meanwhile was not "
         "seen, and sessions of that time are told as begun in the middle."},
    [COVERAGE_INTERFACE_DOWN] =
        {"interface-down", RULE_COVERAGE_LOST, 10 * NS_PER_S, MINUTE, "All interfaces are up.",
         "Look at the interface (ip link) and its cable, and at the mirror port or the tap at its "
         "other end."},
    [COVERAGE_STORE_AWAY] =
        {"store-away", RULE_MEMORY_STALE, 10 * MINUTE, MINUTE, "The store is back.",
         "Check that the store is running and can be reached from this sensor. Until then it "
         "judges by what it had read, and what it learns is kept in memory."},
    [COVERAGE_SPOOL] =
        {"spool", RULE_MEMORY_STALE, 10 * NS_PER_S, MINUTE, "The spool has room and is written.",
         "Look at the disk that the spool is on, and at the receivers of alerts that have not "
         "taken what waits for them."},
};
_Static_assert(sizeof(KINDS) / sizeof(KINDS[0]) == COVERAGE_MATTER_COUNT, "a row each");

const struct coverage_kind *coverage_kind(enum coverage_matter m)
{
    return &KINDS[m];
}

/* --- parts of sentences --- */

struct words {
    char text[48];
};

static struct words time_words(int64_t ns)
{
    struct words w;
    int64_t s = ns / NS_PER_S;
    if (s < 120)
        snprintf(w.text, sizeof(w.text), "%" PRId64 " s", s);
    else if (s < 7200)
        snprintf(w.text, sizeof(w.text), "%" PRId64 " min", s / 60);
    else if (s < 172800)
        snprintf(w.text, sizeof(w.text), "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    else
        snprintf(w.text, sizeof(w.text), "%" PRId64 " days %" PRId64 " h", s / 86400,
                 s / 3600 % 24);
    return w;
}

/* Of `of`, which is not 0. */
static struct words share_words(uint64_t count, uint64_t of)
{
    struct words w;
    snprintf(w.text, sizeof(w.text), "%.1f %%", 100.0 * (double)count / (double)of);
    return w;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

__attribute__((format(printf, 2, 3))) static void say(char out[CAP_ALERT_TEXT], const char *format,
                                                      ...)
{
    size_t n = strlen(out);
    va_list args;
    if (n > 0 && n + 1 < CAP_ALERT_TEXT) {
        out[n++] = ' ';
        out[n] = '\0';
    }
    va_start(args, format);
    vsnprintf(out + n, CAP_ALERT_TEXT - n, format, args);
    va_end(args);
}

/* --- a reason each --- */

static void no_mail(const struct coverage_sight *s, char *out)
{
    struct words quiet = time_words(s->ms * NS_PER_MS);
    if (s->from_start)
        say(out, "No packet of mail was seen in the %s since the sensor began to look.",
            quiet.text);
    else
        say(out, "No packet of mail was seen for %s.", quiet.text);
    if (s->usual)
        say(out, "The longest usual gap here is %s.", time_words(s->usual).text);
    else if (!s->from_start)
        say(out, "What is usual here is not known yet.");
    if (s->others)
        say(out, "%" PRIu64 " other packet%s came in that time, so the wire is alive.", s->others,
            plural(s->others));
    else
        say(out, "No other packet came either.");
}

static void one_direction(const struct coverage_sight *s, char *out)
{
    bool client = strcmp(s->part, "to_server") == 0;
    say(out,
        "Of the newest %" PRIu64 " packets of mail sessions %" PRIu64
        " were sent by %s: that direction %s.",
        s->of, s->count, client ? "clients" : "servers",
        s->from_start ? "has not been seen since the sensor began to look" : "is gone");
    say(out, "What is said in it is not judged: of servers the offer of STARTTLS, of clients "
             "commands and mail.");
}

static void drops(const struct coverage_sight *s, char *out)
{
    say(out,
        "%" PRIu64 " of %" PRIu64 " packets (%s) of the last minute were dropped before they were "
        "looked at.",
        s->count, s->of, share_words(s->count, s->of).text);
    say(out, "Sessions have holes there, and what was in them is not judged.");
}

static void overload(const struct coverage_sight *s, char *out)
{
    say(out,
        "%" PRIu64 " message%s about sessions that are not calm found no room in the last minute: "
        "alerts may be missing.",
        s->count, plural(s->count));
}

static void clock_step(const struct coverage_sight *s, char *out)
{
    int64_t ms = s->ms < 0 ? -s->ms : s->ms;
    say(out, "The clock of this machine was set %s by %s (%" PRId64 ".%03" PRId64 " s).",
        s->ms < 0 ? "back" : "forward", time_words(ms * NS_PER_MS).text, ms / 1000, ms % 1000);
}

static void process_dead(const struct coverage_sight *s, char *out)
{
    say(out, "For %s within an hour a process that had died was not replaced yet, the newest %s.",
        time_words(s->ms * NS_PER_MS).text, s->part);
    say(out, "Packets of that time were not seen or not judged.");
}

static void interface_down(const struct coverage_sight *s, char *out)
{
    say(out, "%" PRIu64 " of %" PRIu64 " interface%s %s down.", s->count, s->of, plural(s->of),
        s->count == 1 ? "is" : "are");
    if (s->count == s->of)
        say(out, "The sensor sees nothing.");
}

static void store_away(const struct coverage_sight *s, char *out)
{
    say(out, "The store of what is usual has not been reached for %s.",
        time_words(s->ms * NS_PER_MS).text);
}

static void spool(const struct coverage_sight *s, char *out)
{
    if (s->degraded)
        say(out, "The spool of alerts cannot be written%s%s: alerts are kept in memory alone.",
            s->why[0] ? ": " : "", s->why);
    if (s->of)
        say(out, "%" PRIu64 " of its %" PRIu64 " bytes (%s) are in use.", s->count, s->of,
            share_words(s->count, s->of).text);
}

void coverage_reason(enum coverage_matter m, const struct coverage_sight *s,
                     char out[CAP_ALERT_TEXT])
{
    static void (*const SAY[])(const struct coverage_sight *, char *) = {
        [COVERAGE_NO_MAIL] = no_mail,
        [COVERAGE_ONE_DIRECTION] = one_direction,
        [COVERAGE_DROPS] = drops,
        [COVERAGE_OVERLOAD] = overload,
        [COVERAGE_CLOCK_STEP] = clock_step,
        [COVERAGE_PROCESS_DEAD] = process_dead,
        [COVERAGE_INTERFACE_DOWN] = interface_down,
        [COVERAGE_STORE_AWAY] = store_away,
        [COVERAGE_SPOOL] = spool,
    };
    _Static_assert(sizeof(SAY) / sizeof(SAY[0]) == COVERAGE_MATTER_COUNT, "one each");
    out[0] = '\0';
    SAY[m](s, out);
}

void coverage_over(enum coverage_matter m, int64_t lasted, char out[CAP_ALERT_TEXT])
{
    out[0] = '\0';
    say(out, "%s", KINDS[m].is_over);
    if (lasted > 0)
        say(out, "It lasted %s.", time_words(lasted).text);
}
