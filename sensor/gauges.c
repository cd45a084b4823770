/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/gauges.h"

#include <inttypes.h>
#include <stdio.h>

#include "rules/precedence.h"
#include "sensor/page.h"

#define PREFIX "stripwatch_"

static char page_text[CAP_MESSAGE_STATE];
static struct page page = {.text = page_text, .room = sizeof(page_text)};

/* What does not fit is left out at a whole line. */
#define put(...) page_put(&page, __VA_ARGS__)

/* --- values that are as they were counted --- */

enum kind { COUNTER, GAUGE };

static void head(const char *name, enum kind kind, const char *help)
{
    put("# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
        kind == COUNTER ? "counter" : "gauge");
}

/* A row a series; those of one name stand together, and the first has its help. */
struct row {
    const char *name;
    const char *label; /* KEY="VALUE"; NULL: none */
    size_t offset;
    enum kind kind;
    const char *help;
};

#define OF_SUM(member)  offsetof(struct told_watch, member)
#define OF_LIVE(member) offsetof(struct eve_live, member)
#define OF_INC(member)  offsetof(struct incident_counters, member)
#define OF_KEPT(member) offsetof(struct told_feed, member)
#define OF_ASK(member)  offsetof(struct eve_live, lookups.member)
#define OF_PAST(member) offsetof(struct history_counters, member)
#define FATE(member)                                                                               \
    {                                                                                              \
        "packet_fates_total", "fate=\"" #member "\"", OF_SUM(dissect.member), COUNTER,             \
            "Packets by what became of them."                                                      \
    }
#define EVICTED(class)                                                                             \
    {                                                                                              \
        "flows_evicted_total", "class=\"" #class "\"", OF_SUM(dissect.evicted_##class), COUNTER,   \
            "Flows given up for want of memory, by how far they had come."                         \
    }
#define REMEMBERED(kind)                                                                           \
    {                                                                                              \
        "history_entries", "kind=\"" #kind "\"", OF_PAST(kind), GAUGE,                             \
            "What is remembered now of past sessions."                                             \
    }
#define FORGOTTEN(kind)                                                                            \
    {                                                                                              \
        "history_evicted_total", "kind=\"" #kind "\"", OF_PAST(evicted.kind), COUNTER,             \
            "What gave way to others in the memory of past sessions."                              \
    }

#define FAILURE(member)                                                                            \
    {                                                                                              \
        "lookups_failed_total", "reason=\"" #member "\"", OF_ASK(failures.member), COUNTER,        \
            "Look-ups of which it could not be found out what the domain has, by why not."         \
    }
#define LEFT_OUT(member)                                                                           \
    {                                                                                              \
        "lookups_left_out_total", "what=\"" #member "\"", OF_ASK(left_out.member), COUNTER,        \
            "Of answers what had no place, because there was too much of it."                      \
    }

static const struct row FROM_SUM[] = {
    {"packets_total", NULL, OF_SUM(dissect.packets), COUNTER, "Packets that were looked at."},
    {"bytes_total", NULL, OF_SUM(dissect.bytes), COUNTER, "Their bytes on the wire."},
    FATE(processed),
    FATE(not_mail),
    FATE(not_ip),
    FATE(malformed_link),
    FATE(malformed_ip),
    FATE(malformed_tcp),
    FATE(unknown_link),
    FATE(vlan_deep),
    FATE(fragments_dropped),
    FATE(no_flow),
    FATE(half_open),
    FATE(flow_capped),
    FATE(dns),
    {"to_client_packets_total", NULL, OF_SUM(dissect.to_client), COUNTER,
     "Of the processed packets those that servers sent."},
    {"fragments_held", NULL, OF_SUM(dissect.fragments_held), GAUGE,
     "Fragments that wait for others, or were put together."},
    {"capture_packets_total", NULL, OF_SUM(kernel_packets), COUNTER,
     "Packets that reached the sockets."},
    {"capture_drops_total", "where=\"kernel\"", OF_SUM(kernel_drops), COUNTER,
     "Packets dropped before they were looked at."},
    {"capture_drops_total", "where=\"interface\"", OF_SUM(interface_drops), COUNTER, NULL},
    {"interfaces", NULL, OF_SUM(interfaces), GAUGE, "Interfaces that are listened at."},
    {"interfaces_down", NULL, OF_SUM(down), GAUGE, "Those of them that are down."},
    {"clock_steps_total", NULL, OF_SUM(steps), COUNTER, "Steps of the clock of the wall."},
    {"flows_total", NULL, OF_SUM(dissect.flows), COUNTER, "Connections of mail."},
    {"flows_active", NULL, OF_SUM(dissect.flows_open), GAUGE, "Connections that are open."},
    EVICTED(ended),
    EVICTED(decided),
    EVICTED(no_greeting),
    EVICTED(greeted),
    EVICTED(asked),
    EVICTED(suspect),
    {"flows_midstream_total", NULL, OF_SUM(dissect.midstream), COUNTER,
     "Connections whose beginning was not seen."},
    {"reassembly_gaps_total", NULL, OF_SUM(dissect.gaps), COUNTER, "Holes in streams."},
    {"reassembly_gap_bytes_total", NULL, OF_SUM(dissect.gap_bytes), COUNTER, "Their bytes."},
    {"reassembly_held_bytes", NULL, OF_SUM(dissect.held_bytes), GAUGE,
     "Bytes that wait for those before them."},
    {"dns_messages_total", NULL, OF_SUM(dissect.dns_messages), COUNTER,
     "Messages of DNS that were read."},
    {"dns_unanswered_total", NULL, OF_SUM(dissect.dns_unanswered), COUNTER,
     "Queries of DNS without an answer."},
};

static const struct row FROM_LIVE[] = {
    {"sessions_shed_total", "kind=\"calm\"", OF_LIVE(shed), COUNTER,
     "Messages about sessions that were not judged for want of room."},
    {"sessions_shed_total", "kind=\"urgent\"", OF_LIVE(shed_urgent), COUNTER, NULL},
    {"malformed_messages_total", NULL, OF_LIVE(malformed_messages), COUNTER,
     "Messages between processes that were not as they must be."},
    {"process_restarts_total", NULL, OF_LIVE(restarts), COUNTER,
     "Processes that had died and were replaced."},
    {"alerts_stored_total", NULL, OF_LIVE(raised), COUNTER, "Alert lines that are on disk."},
    {"alerts_waiting", NULL, OF_LIVE(unraised), GAUGE, "Alert lines that are not on disk yet."},
    {"lines_lost_total", NULL, OF_LIVE(lost), COUNTER,
     "Lines that were given up for want of room."},
};

static const struct row FROM_LOOKUPS[] = {
    {"lookups_wanted_total", NULL, OF_ASK(wanted), COUNTER,
     "Times that mail or the configuration wanted a domain looked up."},
    {"lookups_spared_total", NULL, OF_ASK(spared), COUNTER,
     "Of those: it waited already, or was known well enough."},
    {"lookups_dropped_total", NULL, OF_ASK(dropped), COUNTER,
     "Of those: there was no place in the queue."},
    {"lookups_asked_total", NULL, OF_ASK(asked), COUNTER, "Domains that were looked up."},
    {"lookups_answered_total", NULL, OF_ASK(answered), COUNTER,
     "Look-ups that have ended, those that failed included."},
    FAILURE(dns),
    FAILURE(record),
    FAILURE(fetch),
    FAILURE(webpki),
    FAILURE(invalid),
    FAILURE(refused),
    FAILURE(busy),
    FAILURE(unanswered),
    LEFT_OUT(exchangers),
    LEFT_OUT(records),
    LEFT_OUT(addresses),
    {"lookups_unkept_total", NULL, OF_ASK(unkept), COUNTER,
     "Look-ups of which the store does not know, because they had no room on their way there."},
    {"lookups_unasked_total", NULL, OF_ASK(unasked), COUNTER,
     "Answers that nobody had asked for, or that made no sense."},
    {"lookups_waiting", NULL, OF_ASK(waiting), GAUGE, "Domains in the queue."},
    {"lookups_in_flight", NULL, OF_ASK(flying), GAUGE, "Domains that are being looked up."},
    {"lookups_known", NULL, OF_ASK(known), GAUGE,
     "Domains of which it is known when to ask again."},
};

static const struct row FROM_INCIDENTS[] = {
    {"alerts_suppressed_total", NULL, OF_INC(suppressed), COUNTER,
     "Findings that the operator does not want to hear of."},
    {"incidents_opened_total", NULL, OF_INC(opened), COUNTER, "Incidents that were told."},
    {"incidents_closed_total", NULL, OF_INC(closed), COUNTER, "Incidents that are over."},
    {"incidents_ongoing", NULL, OF_INC(ongoing), GAUGE, "Incidents that go on."},
    {"incidents_held", NULL, OF_INC(held), GAUGE, "Incidents held back in a storm of alerts."},
    {"alert_storms_total", NULL, OF_INC(storms), COUNTER, "Hours in which any was held back."},
};

static const struct row FROM_PAST[] = {
    REMEMBERED(servers),
    REMEMBERED(senders),
    REMEMBERED(doubts),
    REMEMBERED(stops),
    FORGOTTEN(servers),
    FORGOTTEN(senders),
    FORGOTTEN(farms),
    FORGOTTEN(pairs),
    FORGOTTEN(knocks),
    FORGOTTEN(paths),
    FORGOTTEN(doubts),
    FORGOTTEN(stops),
    {"history_layouts_refused_total", NULL, OF_PAST(layouts_refused), COUNTER,
     "Replies to EHLO that found no room in the memory."},
};

static const struct row FROM_KEPT[] = {
    {"sink_queue_depth", NULL, OF_KEPT(waiting), GAUGE, "Lines that wait for a receiver."},
};

static const struct row SPOOL[] = {
    {"spool_bytes", NULL, OF_KEPT(bytes), GAUGE, "Bytes of the spool on disk."},
    {"spool_limit_bytes", NULL, OF_KEPT(cap), GAUGE, "Bytes that the spool may have."},
};

#define ROWS(table, from) put_rows(table, sizeof(table) / sizeof((table)[0]), from)

static void put_rows(const struct row *row, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &row[i];
        uint64_t value;
        memcpy(&value, (const char *)from + r->offset, sizeof(value));
        if (i == 0 || strcmp(r->name, row[i - 1].name) != 0)
            head(r->name, r->kind, r->help);
        if (r->label)
            put(PREFIX "%s{%s} %" PRIu64 "\n", r->name, r->label, value);
        else
            put(PREFIX "%s %" PRIu64 "\n", r->name, value);
    }
}

/* --- others --- */

static void put_label(const char *name, const char *key, const char *value, uint64_t count)
{
    put(PREFIX "%s{%s=\"%s\"} %" PRIu64 "\n", name, key, value, count);
}

static void put_judged(const struct incident_counters *inc)
{
    head("smtp_sessions_total", COUNTER, "Sessions that have ended, by verdict.");
    for (enum verdict v = 0; v < VERDICT_COUNT; v++)
        put_label("smtp_sessions_total", "verdict", verdict_text(v), inc->verdicts[v]);
    head("findings_total", COUNTER, "Findings by rule, info included.");
    for (enum rule_id r = 0; r < RULE_COUNT; r++)
        if (rule_group(r) != RULE_GROUP_SENSOR) /* no finding of a session: the numbers here are */
            put_label("findings_total", "rule", rule_row(r)->name, inc->findings[r]);
    head("alerts_total", COUNTER, "Alert lines about sessions and DNS, by severity.");
    for (enum severity v = SEVERITY_LOW; v < SEVERITY_COUNT; v++)
        put_label("alerts_total", "severity", severity_text(v), inc->alerts[v]);
}

static void put_seconds(const char *name, enum kind kind, uint64_t ms, const char *help)
{
    head(name, kind, help);
    put(PREFIX "%s %" PRIu64 ".%03" PRIu64 "\n", name, ms / 1000, ms % 1000);
}

/* A time that is not known, or before 1970, has no series. */
static void put_time(const char *name, nstime t, const char *help)
{
    if (t > 0)
        put_seconds(name, GAUGE, (uint64_t)(t / NS_PER_MS), help);
}

static void put_spool(nstime now, const struct told_feed *kept)
{
    int64_t age = kept->oldest > 0 ? clock_since(now, kept->oldest) / NS_PER_MS : 0;
    put_seconds("sink_oldest_event_seconds", GAUGE, age > 0 ? (uint64_t)age : 0,
                "Age of the line that has waited longest for a receiver.");
    head("spool_degraded", GAUGE, "1 while the spool cannot be written.");
    put(PREFIX "spool_degraded %d\n", kept->degraded != 0);
    if (kept->cap > 0)
        ROWS(SPOOL, kept);
}

struct span gauges_write(nstime now, const struct told_watch *sum, const struct eve_live *live,
                         const struct incident_counters *inc, const struct history_counters *past,
                         const struct told_feed *kept)
{
    page.n = 0;
    head("build_info", GAUGE, "What runs here; always 1.");
    put(PREFIX "build_info{version=\"" STRIPWATCH_VERSION "\"} 1\n");
    put_time("updated_timestamp_seconds", now, "When these numbers were written.");
    put_time("last_packet_timestamp_seconds", sum->newest, "Time of the newest packet.");
    put_time("last_mail_timestamp_seconds", sum->mail, "Time of the newest packet of mail.");
    ROWS(FROM_SUM, sum);
    ROWS(FROM_LIVE, live);
    put_seconds("blind_seconds_total", COUNTER, live->gap_ms,
                "How long nobody looked, because a process had died.");
    ROWS(FROM_LOOKUPS, live);
    put_judged(inc);
    ROWS(FROM_INCIDENTS, inc);
    ROWS(FROM_PAST, past);
    ROWS(FROM_KEPT, kept);
    put_spool(now, kept);
    return span_of(page.text, page.n);
}
