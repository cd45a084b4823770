/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlsrpt_own.h"

#include <stdlib.h>

#include "base/text.h"
#include "sensor/config_cli.h"

#define PORT_MX 25

static int refuse(const char *what, struct span which)
{
    char shown[300];
    text_escape(shown, sizeof(shown), which);
    fprintf(stderr, which.n ? "stripwatch: report: %s: '%s'\n" : "stripwatch: report: %s%s\n", what,
            shown);
    return -1;
}

/* --- domains --- */

static int add_domain(struct tlsrpt_own *own, struct span name)
{
    struct domain d;
    if (!domain_read(name, &d) || domain_numeric(domain_span(&d)))
        return refuse("--own-domain: is no domain", name);
    if (tlsrpt_own_domain(own, name))
        return 0;
    if (own->names.count == CAP_OWN_DOMAINS)
        return refuse("--own-domain: there are more domains than can be kept", span_str(""));
    own->domain[own->names.count++] = d;
    return 0;
}

static int add_domains(struct tlsrpt_own *own, struct span list)
{
    for (size_t n; list.n > 0; list = span_from(list, n + 1)) {
        n = span_find(list, ',');
        if (add_domain(own, span_first(list, n)))
            return -1;
    }
    return 0;
}

static int by_name(const void *left, const void *right)
{
    const struct domain *a = left, *b = right;
    return strcmp(a->text, b->text);
}

static void sort(struct tlsrpt_own *own)
{
    qsort(own->domain, own->names.count, sizeof(own->domain[0]), by_name);
    for (size_t i = 0; i < own->names.count; i++)
        own->name[i] = domain_span(&own->domain[i]);
    own->names.name = own->name;
}

const struct domain *tlsrpt_own_domain(const struct tlsrpt_own *own, struct span name)
{
    struct domain d;
    if (!domain_read(name, &d))
        return NULL;
    for (size_t i = 0; i < own->names.count; i++)
        if (strcmp(own->domain[i].text, d.text) == 0)
            return &own->domain[i];
    return NULL;
}

/* --- networks --- */

static void add_nets(struct role_nets *nets, const struct role_nets *more)
{
    for (size_t i = 0; i < more->count && nets->count < ROLE_NETS; i++)
        nets->net[nets->count++] = more->net[i];
}

bool tlsrpt_own_has(const struct tlsrpt_own *own, const struct tlsrpt_host *h)
{
    return h->family != 0 && (role_nets_have(&own->roles.own_mx, h->family, h->address) ||
                              role_nets_have(&own->roles.local, h->family, h->address));
}

/* --- both --- */

/* What the configuration has beside the options. */
static int add_config(struct tlsrpt_own *own, const struct cli *cli)
{
    static struct config c;
    static struct config_cli from;
    int rc = 0;
    if (config_cli_read(&c, &from, cli))
        return -1;
    add_nets(&own->roles.own_mx, &c.sensor.roles.own_mx);
    add_nets(&own->roles.local, &c.sensor.roles.local);
    add_nets(&own->roles.smart_hosts, &c.sensor.roles.smart_hosts);
    for (size_t i = 0; i < c.policy.own_domains.count && rc == 0; i++)
        rc = add_domains(own, span_str(c.policy.own_domains.word[i]));
    if (!own->sensor[0] && c.sensor.name)
        snprintf(own->sensor, sizeof(own->sensor), "%s", c.sensor.name);
    config_fini(&c);
    return rc;
}

int tlsrpt_own_read(struct tlsrpt_own *own, const struct cli *cli)
{
    *own = (struct tlsrpt_own){.roles = cli->roles};
    if (cli->sensor_name)
        snprintf(own->sensor, sizeof(own->sensor), "%s", cli->sensor_name);
    for (size_t i = 0; i < cli->own_domain_count; i++)
        if (add_domains(own, span_str(cli->own_domain[i])))
            return -1;
    if ((cli->config_path || cli->setting_count > 0) && add_config(own, cli))
        return -1;
    sort(own);
    if (own->roles.own_mx.count + own->roles.local.count == 0)
        return refuse("which are your mail exchangers? --own-mx, --local-nets, or sensor.own_mx "
                      "in -c FILE",
                      span_str(""));
    return 0;
}

bool tlsrpt_own_is_in(const struct tlsrpt_own *own, const struct sighting *s)
{
    return s->port == PORT_MX && !s->implicit && s->client.family == s->server.family &&
           role_of(&own->roles, s->server.family, s->client.address, s->server.address, s->port) ==
               ROLE_MX_IN;
}
