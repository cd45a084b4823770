/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_list.h"

#include "base/text.h"
#include "sensor/config_number.h"
#include "sensor/hint.h"

/* --- networks --- */

static int add_net(const char *item, struct role_nets *nets, struct cli_why *why)
{
    struct role_net net;
    char reason[160];
    struct cli_why what;
    if (role_net_parse(span_str(item), &net, what.text, sizeof(what.text))) {
        snprintf(reason, sizeof(reason), "is no network: %.120s", what.text);
        return cli_value_refuse(why, item, reason);
    }
    for (size_t i = 0; i < nets->count; i++)
        if (memcmp(&nets->net[i], &net, sizeof(net)) == 0)
            return cli_value_refuse(why, item, "is there twice");
    if (nets->count == ROLE_NETS)
        return cli_value_refuse(why, item, "is one network too many (256)");
    nets->net[nets->count++] = net;
    return 0;
}
_Static_assert(ROLE_NETS == 256, "the text above says so");

static void show_net(const struct role_net *net, char *dst, size_t cap)
{
    char address[TEXT_IP];
    text_ip(address, net->family, net->addr);
    snprintf(dst, cap, "%s/%u", address, net->bits);
}

/* --- ports --- */

static int add_port(const char *item, struct config_ports *ports, struct cli_why *why)
{
    static const struct config_row PORT = {.min = 1, .max = UINT16_MAX};
    uint32_t number;
    if (!config_number_read(span_str(item), &PORT, &number))
        return cli_value_refuse(why, item, "is not a port from 1 to 65535");
    for (uint8_t i = 0; i < ports->count; i++)
        if (ports->port[i] == number)
            return cli_value_refuse(why, item, "is there twice");
    if (ports->count == CAP_PORTS)
        return cli_value_refuse(why, item, "is one port too many (16)");
    ports->port[ports->count++] = (uint16_t)number;
    return 0;
}

/* --- interfaces --- */

static bool is_interface(struct span name)
{
    if (name.n == 0 || name.n >= CONFIG_INTERFACE || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!span_is_alpha(name.p[i]) && !span_is_digit(name.p[i]) &&
            !strchr("._:@-", (char)name.p[i]))
            return false;
    return true;
}

static bool read_vantage(struct span word, unsigned *out)
{
    for (*out = 0; CONFIG_KEY_VANTAGES[*out]; (*out)++)
        if (span_eq(word, span_str(CONFIG_KEY_VANTAGES[*out])))
            return true;
    return false;
}

static int add_interface(const char *item, struct config_interfaces *list, struct cli_why *why)
{
    struct span whole = span_str(item), name = span_first(whole, span_find(whole, '='));
    struct config_interface one = {.placed = name.n < whole.n};
    if (!is_interface(name))
        return cli_value_refuse(why, item, "is not the name of an interface");
    memcpy(one.name, name.p, name.n);
    if (one.placed && !read_vantage(span_from(whole, name.n + 1), &one.vantage))
        return cli_value_refuse(why, item,
                                "is not NAME=VANTAGE (client-side, server-side or unknown)");
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->one[i].name, one.name) == 0)
            return cli_value_refuse(why, item, "is there twice");
    if (list->count == CAP_INTERFACES)
        return cli_value_refuse(why, item, "is one interface too many (16)");
    list->one[list->count++] = one;
    return 0;
}
_Static_assert(CAP_INTERFACES == 16 && CAP_PORTS == 16, "the texts above say so");

/* --- kinds --- */

static int add_kind(const char *item, unsigned *kinds, struct cli_why *why)
{
    struct hint hint;
    char offer[32], reason[96];
    hint_init(&hint, item);
    for (unsigned i = 0; CONFIG_KEY_KINDS[i]; i++) {
        hint_offer(&hint, CONFIG_KEY_KINDS[i]);
        if (strcmp(item, CONFIG_KEY_KINDS[i]) != 0)
            continue;
        if (*kinds & 1u << i)
            return cli_value_refuse(why, item, "is there twice");
        *kinds |= 1u << i;
        return 0;
    }
    hint_text(&hint, "", offer, sizeof(offer));
    snprintf(reason, sizeof(reason), "is not smtp, tls, alert or stats%s", offer);
    return cli_value_refuse(why, item, reason);
}

/* --- any --- */

int config_list_add(const char *item, enum config_type type, void *list, struct cli_why *why)
{
    switch (type) {
    case CONFIG_NETS:
        return add_net(item, list, why);
    case CONFIG_PORTS:
        return add_port(item, list, why);
    case CONFIG_INTERFACES:
        return add_interface(item, list, why);
    default:
        return add_kind(item, list, why);
    }
}

void config_list_clear(enum config_type type, void *list)
{
    switch (type) {
    case CONFIG_NETS:
        ((struct role_nets *)list)->count = 0;
        break;
    case CONFIG_PORTS:
        ((struct config_ports *)list)->count = 0;
        break;
    case CONFIG_INTERFACES:
        ((struct config_interfaces *)list)->count = 0;
        break;
    default:
        *(unsigned *)list = 0;
    }
}

static bool item_interface(const struct config_interfaces *list, size_t i, char *dst, size_t cap)
{
    if (i >= list->count)
        return false;
    const struct config_interface *one = &list->one[i];
    snprintf(dst, cap, "%s%s%s", one->name, one->placed ? "=" : "",
             one->placed ? CONFIG_KEY_VANTAGES[one->vantage] : "");
    return true;
}

static bool item_kind(unsigned kinds, size_t i, char *dst, size_t cap)
{
    for (unsigned bit = 0; CONFIG_KEY_KINDS[bit]; bit++) {
        if (!(kinds & 1u << bit) || i-- > 0)
            continue;
        snprintf(dst, cap, "%s", CONFIG_KEY_KINDS[bit]);
        return true;
    }
    return false;
}

bool config_list_item(const void *list, enum config_type type, size_t i, char *dst, size_t cap)
{
    const struct role_nets *nets = list;
    const struct config_ports *ports = list;
    switch (type) {
    case CONFIG_NETS:
        if (i < nets->count)
            show_net(&nets->net[i], dst, cap);
        return i < nets->count;
    case CONFIG_PORTS:
        if (i < ports->count)
            snprintf(dst, cap, "%u", ports->port[i]);
        return i < ports->count;
    case CONFIG_INTERFACES:
        return item_interface(list, i, dst, cap);
    default:
        return item_kind(*(const unsigned *)list, i, dst, cap);
    }
}
