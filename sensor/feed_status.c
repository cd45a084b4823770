/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/feed_status.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "sensor/nic.h"
#include "sensor/page.h"

#define TEXT 16384

static const char *const STAGE[] = {"away", "starting", "ready"};
_Static_assert(sizeof(STAGE) / sizeof(STAGE[0]) == CHILD_STAGE_COUNT, "one each");

/* --- hearing --- */

bool feed_status_judge(struct feed_status *s, struct span body)
{
    if (body.n != sizeof(s->judge) || body.p[0] != 0)
        return false;
    memcpy(&s->judge, body.p, sizeof(s->judge));
    if (s->judge.open > COVERAGE_MATTERS)
        s->judge.open = 0;
    return true;
}

void feed_status_process(struct feed_status *s, const struct child_message *m)
{
    size_t i = 0;
    if (m->order != CHILD_PROCESS || m->process >= PROCESS_COUNT || m->to < 0 ||
        m->to >= CHILD_STAGE_COUNT)
        return;
    while (i < s->processes &&
           (s->process[i].process != m->process || s->process[i].index != m->index))
        i++;
    if (i == FEED_STATUS_PROCESSES)
        return;
    s->process[i] = *m;
    s->processes += i == s->processes;
}

/* --- what both say --- */

static const char *state_of(const struct feed_facts *f)
{
    return f->watching ? "watching" : "no word of the judge";
}

/* Lines that an output has not got. */
static uint64_t waiting_of(const struct feed_facts *f)
{
    const struct spool_stats *s = &f->spool;
    return (s->durable > s->delivered ? s->durable - s->delivered : 0) + s->queued;
}

static const char *link_of(const struct told_interface *t)
{
    return nic_state_text(t->state < NIC_STATE_COUNT ? (enum nic_state)t->state : NIC_UNKNOWN);
}

static const char *vantage_of(const struct told_side *t)
{
    return vantage_text(t->vantage < VANTAGE_COUNT ? (enum vantage)t->vantage : VANTAGE_UNKNOWN);
}

/* Where it is from. */
static const char *source_of(const struct told_side *t)
{
    if (t->configured)
        return "configured";
    return t->vantage == VANTAGE_UNKNOWN ? "undecided" : "derived";
}

/* --- in words --- */

static char page_text[TEXT];
static struct page page = {.text = page_text, .room = sizeof(page_text)};

/* What does not fit is left out at a whole line. */
#define put(...) page_put(&page, __VA_ARGS__)

/* "": nothing is to be said. */
static const char *because(const char *why)
{
    static char text[4 * SINK_WHY + 4];
    char shown[4 * SINK_WHY];
    text_escape(shown, sizeof(shown), span_str(why));
    snprintf(text, sizeof(text), "%s%s", *why ? ": " : "", shown);
    return text;
}

static void put_processes(const struct feed_status *s)
{
    char since[TEXT_TIME];
    put("processes\n");
    for (size_t i = 0; i < s->processes; i++) {
        const struct child_message *m = &s->process[i];
        text_time(since, m->from);
        put("  %-6s %u  %s since %.19sZ, start %" PRIu64 "\n", process_text(m->process), m->index,
            STAGE[m->to], since, m->generation);
    }
}

static void put_interface(const char *name, const struct told_interface *t,
                          const struct told_side *v)
{
    char shown[64];
    text_escape(shown, sizeof(shown), span_str(name));
    put("  %-15s link %s, %" PRIu64 " packets, dropped %" PRIu64 " by the kernel and %" PRIu64
        " before it\n",
        shown, link_of(t), t->kernel_packets, t->kernel_drops, t->interface_drops);
    put("  %-15s vantage %s, %s", "", vantage_of(v), source_of(v));
    if (!v->configured)
        put(" (client's side: %u networks, server's side: %u)", v->client_side, v->server_side);
    put("\n");
}

static void put_coverage(const struct told_judge *j, nstime now)
{
    put("coverage    %s\n", j->open > 0 ? "" : "no gap is open");
    for (uint32_t i = 0; i < j->open; i++) {
        nstime lasts = clock_since(now, j->gap[i].since);
        const char *what = coverage_text(j->gap[i].what);
        put("  %s for %lld s\n", what ? what : "unknown", (long long)(lasts / NS_PER_S));
    }
    put("  %" PRIu64 " ends of processes, nobody looked for %.3f s, %" PRIu64
        " messages were shed\n",
        j->live.restarts, (double)j->live.gap_ms / 1000, j->live.shed + j->live.shed_urgent);
}

static void put_outputs(const struct outlets *o)
{
    put("outputs\n");
    for (size_t i = 0; i < o->count; i++) {
        const struct sink *s = o->one[i].sink;
        put("  %-10s %s%s; delivered %" PRIu64 ", again %" PRIu64 ", filtered %" PRIu64
            ", refused %" PRIu64 "\n",
            o->one[i].name, sink_state_text(s->state), because(s->state == SINK_OK ? "" : s->why),
            s->stats.delivered, s->stats.again, s->stats.filtered, s->stats.refused);
    }
}

static void put_spool(const struct feed_facts *f, const struct told_judge *j)
{
    put("spool       %s%s\n", spool_state_text(f->state), because(f->why));
    put("  %" PRIu64 " lines on disk, %" PRIu64 " waiting, %" PRIu64 " lost, %" PRIu64
        " of %" PRIu64 " MiB\n",
        f->spool.written, waiting_of(f), j->live.lost, f->spool.bytes >> 20,
        (uint64_t)f->config->output.spool.quota);
}

struct span feed_status_text(const struct feed_status *s, const struct feed_facts *f)
{
    const struct told_judge *j = &s->judge;
    const struct config_interfaces *list = &f->config->capture.interfaces;
    page.n = 0;
    put("state       %s\n", state_of(f));
    put_processes(s);
    put("interfaces\n");
    for (size_t i = 0; i < list->count && i < CAP_INTERFACES; i++)
        put_interface(list->one[i].name, &j->sum.interface[i], &j->side[i]);
    put("sessions    %" PRIu64 ", %" PRIu64 " open; alerts on disk %" PRIu64
        ", waiting for it %" PRIu64 "\n",
        j->sum.dissect.sessions, j->sum.dissect.flows_open, j->live.raised, j->live.unraised);
    put_coverage(j, f->now);
    put_spool(f, j);
    put_outputs(f->outlets);
    put("look-ups    asked %" PRIu64 ", answered %" PRIu64 ", failed %" PRIu64 ", waiting %" PRIu64
        ", dropped %" PRIu64 "\n",
        j->live.lookups.asked, j->live.lookups.answered, j->live.lookups.failed,
        j->live.lookups.waiting, j->live.lookups.dropped);
    put("lists       policies %" PRIu64 ", suppressions %" PRIu64 "%s\n", j->policies,
        j->suppressions, j->store_away ? "; the state's store is away" : "");
    return span_of(page.text, page.n);
}

/* --- as JSON --- */

static void json_processes(struct json *j, const struct feed_status *s)
{
    json_array(j, "processes");
    for (size_t i = 0; i < s->processes; i++) {
        const struct child_message *m = &s->process[i];
        json_object(j, NULL);
        json_word(j, "process", process_text(m->process));
        json_uint(j, "index", m->index);
        json_word(j, "state", STAGE[m->to]);
        json_time(j, "since", m->from);
        json_uint(j, "start", m->generation);
        json_close(j);
    }
    json_close(j);
}

static void json_interface(struct json *j, const char *name, const struct told_interface *t,
                           const struct told_side *v)
{
    json_object(j, NULL);
    json_wire(j, "name", span_str(name));
    json_word(j, "link", link_of(t));
    json_uint(j, "packets", t->kernel_packets);
    json_uint(j, "kernel_drops", t->kernel_drops);
    json_uint(j, "interface_drops", t->interface_drops);
    json_word(j, "vantage", vantage_of(v));
    json_word(j, "vantage_from", source_of(v));
    json_uint(j, "client_side_networks", v->client_side);
    json_uint(j, "server_side_networks", v->server_side);
    json_close(j);
}

static void json_interfaces(struct json *j, const struct feed_status *s,
                            const struct config_interfaces *list)
{
    json_array(j, "interfaces");
    for (size_t i = 0; i < list->count && i < CAP_INTERFACES; i++)
        json_interface(j, list->one[i].name, &s->judge.sum.interface[i], &s->judge.side[i]);
    json_close(j);
}

static void json_coverage(struct json *j, const struct told_judge *t)
{
    json_object(j, "coverage");
    json_array(j, "open");
    for (uint32_t i = 0; i < t->open; i++) {
        const char *what = coverage_text(t->gap[i].what);
        json_object(j, NULL);
        json_word(j, "what", what ? what : "unknown");
        json_time(j, "since", t->gap[i].since);
        json_close(j);
    }
    json_close(j);
    json_uint(j, "restarts", t->live.restarts);
    json_uint(j, "gap_ms", t->live.gap_ms);
    json_uint(j, "shed", t->live.shed);
    json_uint(j, "shed_urgent", t->live.shed_urgent);
    json_close(j);
}

static void json_spool(struct json *j, const struct feed_facts *f, const struct told_judge *t)
{
    json_object(j, "spool");
    json_str(j, "state", spool_state_text(f->state));
    if (*f->why)
        json_wire(j, "why", span_str(f->why));
    json_uint(j, "written", f->spool.written);
    json_uint(j, "waiting", waiting_of(f));
    json_uint(j, "lost", t->live.lost);
    json_uint(j, "bytes", f->spool.bytes);
    json_close(j);
}

static void json_outputs(struct json *j, const struct outlets *o)
{
    json_array(j, "outputs");
    for (size_t i = 0; i < o->count; i++) {
        const struct sink *s = o->one[i].sink;
        json_object(j, NULL);
        json_str(j, "name", o->one[i].name);
        json_str(j, "state", sink_state_text(s->state));
        if (s->state != SINK_OK)
            json_wire(j, "why", span_str(s->why));
        json_uint(j, "delivered", s->stats.delivered);
        json_uint(j, "again", s->stats.again);
        json_uint(j, "filtered", s->stats.filtered);
        json_uint(j, "refused", s->stats.refused);
        json_close(j);
    }
    json_close(j);
}

static void json_lookups(struct json *j, const struct told_judge *t)
{
    json_object(j, "lookups");
    json_uint(j, "wanted", t->live.lookups.wanted);
    json_uint(j, "asked", t->live.lookups.asked);
    json_uint(j, "answered", t->live.lookups.answered);
    json_uint(j, "failed", t->live.lookups.failed);
    json_uint(j, "waiting", t->live.lookups.waiting);
    json_uint(j, "dropped", t->live.lookups.dropped);
    json_close(j);
}

struct span feed_status_json(const struct feed_status *s, const struct feed_facts *f)
{
    static struct json j;
    const struct told_judge *t = &s->judge;
    json_begin(&j);
    json_str(&j, "state", f->watching ? "watching" : "waiting");
    json_time(&j, "time", f->now);
    json_processes(&j, s);
    json_interfaces(&j, s, &f->config->capture.interfaces);
    json_uint(&j, "sessions", t->sum.dissect.sessions);
    json_uint(&j, "flows_open", t->sum.dissect.flows_open);
    json_uint(&j, "alerts", t->live.raised);
    json_uint(&j, "alerts_waiting", t->live.unraised);
    json_coverage(&j, t);
    json_spool(&j, f, t);
    json_outputs(&j, f->outlets);
    json_lookups(&j, t);
    json_object(&j, "lists");
    json_uint(&j, "policies", t->policies);
    json_uint(&j, "suppressions", t->suppressions);
    json_close(&j);
    json_bool(&j, "store_away", t->store_away != 0);
    return json_end(&j);
}
