/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/ids.h"

#include "base/digest.h"
#include "base/text.h"

/* The text that is hashed. A sensor name is the only part without a length of its own, and it is
 * cut where the buffer ends. */
struct serial {
    char text[512];
    size_t n;
};

static void put(struct serial *t, const char *word, char end)
{
    size_t room = sizeof t->text - 1 - t->n;
    size_t n = strlen(word);
    n = n < room ? n : room;
    memcpy(t->text + t->n, word, n);
    t->n += n;
    t->text[t->n] = end;
    t->n += t->n < sizeof t->text - 1;
}

static void put_uint(struct serial *t, uint64_t value, char end)
{
    char text[TEXT_UINT];
    text_uint(text, value);
    put(t, text, end);
}

static void put_endpoint(struct serial *t, uint8_t family, const uint8_t *address, uint16_t port,
                         char end)
{
    char ip[TEXT_IP];
    text_ip(ip, family, address);
    put(t, ip, ' ');
    put_uint(t, port, end);
}

static void put_tuple(struct serial *t, const char *proto, const struct flow_key *k)
{
    int order = memcmp(k->client, k->server, sizeof k->client);
    bool client_first = order < 0 || (order == 0 && k->client_port <= k->server_port);
    put(t, proto, ' ');
    if (client_first)
        put_endpoint(t, k->family, k->client, k->client_port, ' ');
    put_endpoint(t, k->family, k->server, k->server_port, client_first ? '\n' : ' ');
    if (!client_first)
        put_endpoint(t, k->family, k->client, k->client_port, '\n');
}

static void put_flow(struct serial *t, const struct session *s)
{
    put_tuple(t, "tcp", &s->key);
    if (s->isn_known)
        put_uint(t, s->server_isn, '\n');
    else
        put(t, "-", '\n');
}

static int finish(const struct serial *t, char out[IDS_TEXT])
{
    static const char HEX[] = "0123456789abcdef";
    uint8_t hash[32];
    int result = digest_sha256(span_of(t->text, t->n), hash);
    for (size_t i = 0; i < 16; i++) {
        out[2 * i] = HEX[hash[i] >> 4];
        out[2 * i + 1] = HEX[hash[i] & 15];
    }
    out[32] = '\0';
    return result;
}

int ids_finding(const struct session *s, const struct finding *f, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put(&t, "stripwatch-finding-1", '\n');
    put(&t, rule_row(f->rule)->name, '\n');
    put_flow(&t, s);
    put(&t, f->dir == SESSION_TO_CLIENT ? "to_client" : "to_server", ' ');
    put_uint(&t, f->offset, '\n');
    return finish(&t, out);
}

int ids_incident(const struct session *s, const struct finding *opened_by, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put(&t, "stripwatch-incident-1", '\n');
    put(&t, rule_row(opened_by->rule)->name, '\n');
    put_flow(&t, s);
    if (opened_by->subject != SUBJECT_SERVER)
        put(&t, subject_text(opened_by->subject), '\n');
    return finish(&t, out);
}

static void put_discovery(struct serial *t, const char *head, const struct discovery *d,
                          enum rule_id rule)
{
    put(t, head, '\n');
    put(t, rule_row(rule)->name, '\n');
    if (d->kind == DISCOVERY_REPORT)
        put(t, "report", '\n');
    else if (d->own)
        put(t, "lookup", '\n');
    else
        put_tuple(t, d->tcp ? "tcp" : "udp", &d->key);
    put_uint(t, (uint64_t)(d->asked ? d->asked : d->time), '\n');
    put(t, d->domain.n ? d->domain.text : d->host.text, '\n');
}

static void put_host(struct serial *t, const struct discovery_host *h)
{
    char ip[TEXT_IP] = "-";
    if (h->family)
        text_ip(ip, h->family, h->address);
    put(t, ip, '\n');
}

/* Without the texts of the report, which may be long. */
static void put_report(struct serial *t, const struct discovery_report *r)
{
    put_host(t, &r->sender);
    put_host(t, &r->receiver);
    put(t, r->tlsrpt ? r->tlsrpt : "-", '\n');
}

int ids_discovery_finding(const struct discovery *d, enum rule_id rule, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put_discovery(&t, "stripwatch-finding-1", d, rule);
    if (d->kind == DISCOVERY_REPORT)
        put_report(&t, d->report);
    else
        put_uint(&t, d->id, '\n');
    return finish(&t, out);
}

int ids_discovery_incident(const struct discovery *d, enum rule_id rule, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put_discovery(&t, "stripwatch-incident-1", d, rule);
    return finish(&t, out);
}

static int of_sensor(const char *head, enum rule_id rule, const char *what, const char *sensor,
                     nstime began, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put(&t, head, '\n');
    put(&t, rule_row(rule)->name, '\n');
    put(&t, what, '\n');
    put(&t, sensor ? sensor : "-", '\n');
    put_uint(&t, (uint64_t)began, '\n');
    return finish(&t, out);
}

int ids_sensor_finding(enum rule_id rule, const char *what, const char *sensor, nstime began,
                       char out[IDS_TEXT])
{
    return of_sensor("stripwatch-finding-1", rule, what, sensor, began, out);
}

int ids_sensor_incident(enum rule_id rule, const char *what, const char *sensor, nstime began,
                        char out[IDS_TEXT])
{
    return of_sensor("stripwatch-incident-1", rule, what, sensor, began, out);
}

int ids_alert(const char *incident, uint32_t update, const char *sensor, char out[IDS_TEXT])
{
    struct serial t = {.n = 0};
    put(&t, "stripwatch-alert-1", '\n');
    put(&t, incident, '\n');
    put_uint(&t, update, '\n');
    put(&t, sensor ? sensor : "-", '\n');
    return finish(&t, out);
}
