/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_stats.h"

#include "alert/eve_parts.h"

struct counter {
    const char *name;
    size_t offset;
};

#define COUNTER(member)                                                                            \
    {                                                                                              \
#member, offsetof(struct dissect_counters, member)                                         \
    }

static const struct counter PACKETS[] = {
    COUNTER(packets),
    COUNTER(bytes),
    COUNTER(not_mail),
    COUNTER(not_ip),
    COUNTER(malformed_link),
    COUNTER(malformed_ip),
    COUNTER(malformed_tcp),
    COUNTER(unknown_link),
    COUNTER(vlan_deep),
    COUNTER(malformed_tunnel),
    COUNTER(tunnel_deep),
    COUNTER(fragments_dropped),
    COUNTER(fragments_held),
    COUNTER(no_flow),
    COUNTER(half_open),
    COUNTER(flow_capped),
    COUNTER(dns),
    COUNTER(processed),
    COUNTER(gre),
    COUNTER(erspan),
    COUNTER(vxlan),
    COUNTER(geneve),
    COUNTER(ipip),
    COUNTER(mpls),
    COUNTER(pppoe),
    COUNTER(vlan),
    COUNTER(qinq),
    COUNTER(ipv4),
    COUNTER(ipv6),
    COUNTER(tcp),
    COUNTER(bad_checksums),
    COUNTER(offloaded),
    COUNTER(duplicates),
    COUNTER(retransmits),
    COUNTER(reordered),
    COUNTER(to_client),
    COUNTER(gaps),
    COUNTER(gap_bytes),
    COUNTER(cut_packets),
};

static const struct counter FLOWS[] = {
    COUNTER(flows),
    COUNTER(flows_closed),
    COUNTER(flows_timeout),
    COUNTER(flows_evicted),
    COUNTER(flows_open),
    COUNTER(flows_packed),
    COUNTER(flows_unpacked),
    COUNTER(evicted_ended),
    COUNTER(evicted_decided),
    COUNTER(evicted_no_greeting),
    COUNTER(evicted_greeted),
    COUNTER(evicted_asked),
    COUNTER(evicted_suspect),
    COUNTER(sessions),
    COUNTER(half_open_overwritten),
    COUNTER(midstream),
    COUNTER(second_views),
    COUNTER(held_bytes),
    COUNTER(held_bytes_peak),
    COUNTER(held_refused),
    COUNTER(conflicting),
    COUNTER(evidence_evicted),
    COUNTER(false_ends),
};

static const struct counter DNS[] = {
    COUNTER(dns_messages),  COUNTER(dns_malformed), COUNTER(dns_unanswered),
    COUNTER(dns_forgotten), COUNTER(dns_dropped),
};

#define LOOKUP(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct eve_lookups, member)                                                 \
    }

static const struct counter LOOKUPS[] = {
    LOOKUP("wanted", wanted),   LOOKUP("spared", spared),     LOOKUP("dropped", dropped),
    LOOKUP("asked", asked),     LOOKUP("answered", answered), LOOKUP("failed", failed),
    LOOKUP("unasked", unasked), LOOKUP("waiting", waiting),   LOOKUP("flying", flying),
    LOOKUP("known", known),     LOOKUP("unkept", unkept),
};

static const struct counter FAILURES[] = {
    LOOKUP("dns", failures.dns),         LOOKUP("record", failures.record),
    LOOKUP("fetch", failures.fetch),     LOOKUP("webpki", failures.webpki),
    LOOKUP("invalid", failures.invalid), LOOKUP("refused", failures.refused),
    LOOKUP("busy", failures.busy),       LOOKUP("unanswered", failures.unanswered),
};

static const struct counter LEFT_OUT[] = {
    LOOKUP("exchangers", left_out.exchangers),
    LOOKUP("records", left_out.records),
    LOOKUP("addresses", left_out.addresses),
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
_Static_assert((COUNT(PACKETS) + COUNT(FLOWS) + COUNT(DNS)) * sizeof(uint64_t) ==
                   sizeof(struct dissect_counters),
               "a counter that is not in the tables would be silence");
_Static_assert((COUNT(LOOKUPS) + COUNT(FAILURES) + COUNT(LEFT_OUT)) * sizeof(uint64_t) ==
                   sizeof(struct eve_lookups),
               "likewise");

static void put_rows(struct json *out, const struct counter *table, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        memcpy(&value, (const char *)from + table[i].offset, sizeof value);
        json_uint(out, table[i].name, value);
    }
}

static void put_table(struct json *out, const char *key, const struct counter *table, size_t n,
                      const void *from)
{
    json_object(out, key);
    put_rows(out, table, n, from);
    json_close(out);
}

/* The groups and names of Suricata 7. */
static void put_eve_groups(struct json *out, const struct dissect_counters *d)
{
    json_object(out, "decoder");
    json_uint(out, "pkts", d->packets);
    json_uint(out, "bytes", d->bytes);
    json_uint(out, "invalid",
              d->malformed_link + d->malformed_ip + d->malformed_tcp + d->malformed_tunnel);
    json_uint(out, "ipv4", d->ipv4);
    json_uint(out, "ipv6", d->ipv6);
    json_uint(out, "tcp", d->tcp);
    json_uint(out, "vlan", d->vlan);
    json_uint(out, "vlan_qinq", d->qinq);
    json_uint(out, "gre", d->gre + d->erspan);
    json_uint(out, "erspan", d->erspan);
    json_uint(out, "vxlan", d->vxlan);
    json_uint(out, "geneve", d->geneve);
    json_uint(out, "mpls", d->mpls);
    json_uint(out, "pppoe", d->pppoe);
    json_close(out);

    json_object(out, "tcp");
    json_uint(out, "sessions", d->flows);
    json_uint(out, "ssn_memcap_drop", d->flow_capped);
    json_uint(out, "midstream_pickups", d->midstream);
    json_uint(out, "invalid_checksum", d->bad_checksums);
    json_uint(out, "reassembly_gap", d->gaps);
    json_uint(out, "overlap", d->retransmits);
    json_uint(out, "segment_memcap_drop", d->held_refused);
    json_uint(out, "reassembly_memuse", d->held_bytes);
    json_close(out);

    json_object(out, "flow");
    json_uint(out, "total", d->flows);
    json_uint(out, "active", d->flows_open);
    json_uint(out, "tcp", d->flows);
    json_close(out);
}

static void put_judged(struct json *out, const struct incident_counters *c)
{
    json_object(out, "verdicts");
    for (enum verdict v = 0; v < VERDICT_COUNT; v++)
        json_uint(out, verdict_text(v), c->verdicts[v]);
    json_close(out);

    json_object(out, "findings");
    for (enum rule_id r = 0; r < RULE_COUNT; r++)
        json_uint(out, rule_row(r)->name, c->findings[r]);
    json_close(out);

    json_uint(out, "suppressed", c->suppressed);

    json_object(out, "incidents");
    json_uint(out, "opened", c->opened);
    json_uint(out, "ongoing", c->ongoing);
    json_uint(out, "closed", c->closed);
    json_uint(out, "absorbed", c->absorbed);
    json_uint(out, "evicted", c->evicted);
    json_uint(out, "held", c->held);
    json_uint(out, "storms", c->storms);
    json_close(out);

    json_object(out, "alerts");
    for (enum severity v = SEVERITY_LOW; v < SEVERITY_COUNT; v++)
        json_uint(out, severity_text(v), c->alerts[v]);
    json_close(out);
}

void eve_lost(struct json *out, nstime now, uint64_t alerts, uint64_t others,
              const struct eve_options *o)
{
    json_begin(out);
    json_time(out, "timestamp", now);
    json_word(out, "event_type", "stats");
    if (o->sensor)
        json_str(out, "host", o->sensor);
    json_object(out, "stats");
    json_object(out, "stripwatch");
    json_object(out, "lost");
    json_uint(out, "alerts", alerts);
    json_uint(out, "others", others);
    json_close(out);
    json_close(out);
    json_close(out);
}

static void put_capture(struct json *out, const struct eve_live *live)
{
    json_object(out, "capture");
    json_uint(out, "kernel_packets", live->kernel_packets);
    json_uint(out, "kernel_drops", live->kernel_drops);
    json_uint(out, "kernel_ifdrops", live->interface_drops);
    json_close(out);
}

static void put_live(struct json *out, const struct eve_live *live, const struct eve_options *o)
{
    json_object(out, "live");
    json_uint(out, "shed", live->shed);
    json_uint(out, "shed_urgent", live->shed_urgent);
    json_uint(out, "malformed_messages", live->malformed_messages);
    json_uint(out, "restarts", live->restarts);
    json_uint(out, "gap_ms", live->gap_ms);
    json_uint(out, "raised", live->raised);
    json_uint(out, "unraised", live->unraised);
    json_uint(out, "lost", live->lost);
    json_array(out, "interfaces");
    for (uint32_t i = 0; i < o->interface_count; i++) {
        const char *vantage = eve_vantage(o, i);
        json_object(out, NULL);
        json_wire(out, "in_iface", span_str(o->interface[i]));
        json_word(out, "vantage", vantage ? vantage : "unknown");
        json_close(out);
    }
    json_close(out);
    json_close(out);
}

static void put_history(struct json *out, const struct history_counters *h)
{
    json_object(out, "history");
    json_uint(out, "servers", h->servers);
    json_uint(out, "senders", h->senders);
    json_uint(out, "doubts", h->doubts);
    json_uint(out, "stops", h->stops);
    json_object(out, "evicted");
    json_uint(out, "servers", h->evicted.servers);
    json_uint(out, "senders", h->evicted.senders);
    json_uint(out, "farms", h->evicted.farms);
    json_uint(out, "pairs", h->evicted.pairs);
    json_uint(out, "knocks", h->evicted.knocks);
    json_uint(out, "paths", h->evicted.paths);
    json_uint(out, "doubts", h->evicted.doubts);
    json_uint(out, "stops", h->evicted.stops);
    json_close(out);
    json_uint(out, "layouts_refused", h->layouts_refused);
    json_close(out);
}

static void put_lookups(struct json *out, const struct eve_lookups *l)
{
    json_object(out, "lookups");
    put_rows(out, LOOKUPS, COUNT(LOOKUPS), l);
    put_table(out, "failures", FAILURES, COUNT(FAILURES), l);
    put_table(out, "left_out", LEFT_OUT, COUNT(LEFT_OUT), l);
    json_close(out);
}

void eve_stats(struct json *out, nstime now, const struct dissect_counters *d,
               const struct incident_counters *c, const struct history_counters *h,
               const struct eve_live *live, const struct eve_options *o)
{
    json_begin(out);
    json_time(out, "timestamp", now);
    json_word(out, "event_type", "stats");
    if (o->sensor)
        json_str(out, "host", o->sensor);
    if (o->interface && o->interface_count == 1)
        json_str(out, "in_iface", o->interface[0]);
    json_object(out, "stats");
    if (live)
        put_capture(out, live);
    put_eve_groups(out, d);
    json_object(out, "stripwatch");
    put_table(out, "packets", PACKETS, COUNT(PACKETS), d);
    put_table(out, "flows", FLOWS, COUNT(FLOWS), d);
    put_table(out, "dns", DNS, COUNT(DNS), d);
    json_uint(out, "sessions_closed", c->sessions);
    put_judged(out, c);
    put_history(out, h);
    if (live) {
        put_live(out, live, o);
        put_lookups(out, &live->lookups);
    }
    json_close(out);
    json_close(out);
}
