/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/session.h"

#include "base/heap.h"
#include "base/siphash.h"
#include "dissect/tls.h"

#define FIRST 16 /* places of a list that has its first entry */

struct session *session_new(void)
{
    return heap_zeroed(sizeof(struct session));
}

void session_clear(struct session *s)
{
    if (s->other) {
        session_clear(s->other);
        heap_free(s->other);
    }
    heap_free(s->reading.line);
    heap_free(s->rcpt);
    heap_free(s->rcpt_domain);
    heap_free(s->pool);
    tls_free(s->handshake);
    s->handshake = NULL;
    s->other = NULL;
    s->reading.line = NULL;
    s->rcpt = NULL;
    s->rcpt_domain = NULL;
    s->pool = NULL;
}

void session_free(struct session *s)
{
    if (s)
        session_clear(s);
    heap_free(s);
}

/* A list is full when it has 0, 16, 32, 64 ... entries. */
size_t session_list_places(size_t count)
{
    size_t places = FIRST;

    while (places < count)
        places *= 2;
    return places;
}

void *session_list_room(void *list, size_t count, size_t size)
{
    if (count > 0 && count < session_list_places(count))
        return list;
    return heap_resize(list, session_list_places(count + 1) * size);
}

struct tamper *session_tamper(struct session *s, enum tamper_kind kind)
{
    unsigned told = 0;

    for (uint8_t i = 0; i < s->tamper_count; i++)
        told += s->tamper[i].kind == kind;
    if (told == (kind == TAMPER_SEGMENTS ? CAP_CONFLICTS : 1))
        return NULL;
    s->tamper[s->tamper_count] = (struct tamper){.kind = kind};
    return &s->tamper[s->tamper_count++];
}

_Static_assert(CAP_TAMPER == CAP_CONFLICTS + TAMPER_KIND_COUNT - 1, "each kind has its places");

uint64_t session_flow_id(const struct flow_key *k, nstime first)
{
    static const struct siphash_key fixed = {0, 0}; /* an id, not a table: the same for every run */
    uint8_t bytes[46];
    size_t n = 44;

    memcpy(bytes, k->client, 16);
    memcpy(bytes + 16, k->server, 16);
    memcpy(bytes + 32, &k->client_port, 2);
    memcpy(bytes + 34, &k->server_port, 2);
    memcpy(bytes + 36, &first, 8);
    if (k->tunnel) { /* else as ever, for whoever joins lines of then and now */
        memcpy(bytes + n, &k->tunnel, 2);
        n += 2;
    }
    return siphash(&fixed, bytes, n) & ((UINT64_C(1) << 53) - 1);
}
