/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/host_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/caps.h"
#include "base/span.h"

/* From malloc(): what is left to a thread is no longer ours to count. */
struct host_lookup {
    char host[CAP_DELIVER_HOST + 1], port[6];
    struct addrinfo hints;
    struct gaicb ask;
    bool is_asking;
};

struct host_lookup *host_lookup_new(const char *host, const char *port, int kind)
{
    struct host_lookup *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    snprintf(l->host, sizeof(l->host), "%s", host);
    snprintf(l->port, sizeof(l->port), "%s", port);
    l->hints = (struct addrinfo){.ai_socktype = kind, .ai_flags = AI_NUMERICSERV};
    l->ask = (struct gaicb){.ar_name = l->host, .ar_service = l->port, .ar_request = &l->hints};
    return l;
}

void host_lookup_free(struct host_lookup *l)
{
    if (!l)
        return;
    if (l->is_asking && gai_error(&l->ask) == EAI_INPROGRESS && gai_cancel(&l->ask) != EAI_CANCELED)
        return;
    if (l->is_asking && l->ask.ar_result)
        freeaddrinfo(l->ask.ar_result);
    free(l);
}

static int answer(int rc, const char **why)
{
    *why = gai_strerror(rc);
    return rc == 0 ? 1 : -1;
}

int host_lookup_step(struct host_lookup *l, struct addrinfo **found, const char **why)
{
    struct addrinfo numeric = l->hints;
    struct gaicb *list[] = {&l->ask};
    int rc;

    numeric.ai_flags |= AI_NUMERICHOST;
    if (!l->is_asking && getaddrinfo(l->host, l->port, &numeric, found) == 0)
        return 1;
    if (!l->is_asking) {
        l->ask.ar_result = NULL;
        rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
        if (rc != 0)
            return answer(rc, why);
        l->is_asking = true;
    }
    rc = gai_error(&l->ask);
    if (rc == EAI_INPROGRESS)
        return 0;
    l->is_asking = false;
    *found = rc == 0 ? l->ask.ar_result : NULL;
    l->ask.ar_result = NULL;
    return answer(rc, why);
}
