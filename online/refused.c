/* SPDX-License-Identifier: Apache-2.0 */
#include "online/refused.h"

struct special {
    struct role_net net;
    const char *why;
};

/* The first that has an address says why, so what is within another comes before it. */
static const struct special SPECIAL[] = {
    {{4, 8, {0}}, "this network"},                     /* RFC 791 */
    {{4, 8, {10}}, "private"},                         /* RFC 1918 */
    {{4, 10, {100, 64}}, "carrier-grade NAT"},         /* RFC 6598 */
    {{4, 8, {127}}, "loopback"},                       /* RFC 1122 */
    {{4, 16, {169, 254}}, "link-local"},               /* RFC 3927; clouds tell secrets there */
    {{4, 12, {172, 16}}, "private"},                   /* RFC 1918 */
    {{4, 24, {192, 0, 0}}, "protocol assignments"},    /* RFC 6890 */
    {{4, 24, {192, 0, 2}}, "documentation"},           /* RFC 5737 */
    {{4, 24, {192, 31, 196}}, "AS112"},                /* RFC 7535 */
    {{4, 24, {192, 52, 193}}, "AMT"},                  /* RFC 7450 */
    {{4, 24, {192, 88, 99}}, "6to4 relay"},            /* RFC 7526 */
    {{4, 16, {192, 168}}, "private"},                  /* RFC 1918 */
    {{4, 24, {192, 175, 48}}, "AS112"},                /* RFC 7534 */
    {{4, 15, {198, 18}}, "benchmarking"},              /* RFC 2544 */
    {{4, 24, {198, 51, 100}}, "documentation"},        /* RFC 5737 */
    {{4, 24, {203, 0, 113}}, "documentation"},         /* RFC 5737 */
    {{4, 4, {224}}, "multicast"},                      /* RFC 5771 */
    {{4, 32, {255, 255, 255, 255}}, "broadcast"},      /* RFC 919 */
    {{4, 4, {240}}, "reserved"},                       /* RFC 1112 */
    {{6, 128, {0}}, "unspecified"},                    /* RFC 4291 */
    {{6, 128, {[15] = 1}}, "loopback"},                /* RFC 4291 */
    {{6, 96, {[10] = 0xFF, 0xFF}}, "IPv4-mapped"},     /* RFC 4291 */
    {{6, 96, {[8] = 0xFF, 0xFF}}, "IPv4-translated"},  /* RFC 2765 */
    {{6, 96, {0}}, "IPv4-compatible"},                 /* RFC 4291 */
    {{6, 96, {0, 0x64, 0xFF, 0x9B}}, "NAT64"},         /* RFC 6052 */
    {{6, 48, {0, 0x64, 0xFF, 0x9B, 0, 1}}, "NAT64"},   /* RFC 8215 */
    {{6, 64, {1}}, "discard"},                         /* RFC 6666 */
    {{6, 64, {1, [7] = 1}}, "dummy prefix"},           /* RFC 9780 */
    {{6, 32, {0x20, 1}}, "Teredo"},                    /* RFC 4380 */
    {{6, 48, {0x20, 1, 0, 2}}, "benchmarking"},        /* RFC 5180 */
    {{6, 28, {0x20, 1, 0, 0x10}}, "ORCHID"},           /* RFC 4843 */
    {{6, 28, {0x20, 1, 0, 0x20}}, "ORCHID"},           /* RFC 7343 */
    {{6, 28, {0x20, 1, 0, 0x30}}, "ORCHID"},           /* RFC 9374 */
    {{6, 23, {0x20, 1}}, "protocol assignments"},      /* RFC 2928 */
    {{6, 32, {0x20, 1, 0x0D, 0xB8}}, "documentation"}, /* RFC 3849 */
    {{6, 16, {0x20, 2}}, "6to4"},                      /* RFC 3056 */
    {{6, 48, {0x26, 0x20, 0, 0x4F, 0x80}}, "AS112"},   /* RFC 7534 */
    {{6, 16, {0x3F, 0xFE}}, "6bone"},                  /* RFC 3701 */
    {{6, 20, {0x3F, 0xFF}}, "documentation"},          /* RFC 9637 */
    {{6, 16, {0x5F}}, "SRv6"},                         /* RFC 9602 */
    {{6, 7, {0xFC}}, "private"},                       /* RFC 4193 */
    {{6, 10, {0xFE, 0x80}}, "link-local"},             /* RFC 4291 */
    {{6, 10, {0xFE, 0xC0}}, "site-local"},             /* RFC 3879 */
    {{6, 8, {0xFF}}, "multicast"},                     /* RFC 4291 */
};

static const struct role_net GLOBAL = {6, 3, {0x20}}; /* RFC 4291 section 2.4 */

static const char *special(uint8_t family, const uint8_t address[16])
{
    for (size_t i = 0; i < sizeof(SPECIAL) / sizeof(SPECIAL[0]); i++)
        if (role_net_has(&SPECIAL[i].net, family, address))
            return SPECIAL[i].why;
    if (family == 4 || role_net_has(&GLOBAL, family, address))
        return NULL;
    return "not handed out";
}

/* --- IPv4 in IPv6 --- */

/* Where the four bytes stand in addresses of a net. */
struct embedding {
    struct role_net net;
    uint8_t at[4];
    uint8_t flip; /* the bytes are the complement of what is meant */
};

static const struct embedding EMBEDDING[] = {
    {{6, 96, {[10] = 0xFF, 0xFF}}, {12, 13, 14, 15}, 0},
    {{6, 96, {[8] = 0xFF, 0xFF}}, {12, 13, 14, 15}, 0},
    {{6, 96, {0}}, {12, 13, 14, 15}, 0},
    {{6, 96, {0, 0x64, 0xFF, 0x9B}}, {12, 13, 14, 15}, 0},
    {{6, 48, {0, 0x64, 0xFF, 0x9B, 0, 1}}, {6, 7, 9, 10}, 0},    /* RFC 6052 section 2.2, of /48 */
    {{6, 48, {0, 0x64, 0xFF, 0x9B, 0, 1}}, {12, 13, 14, 15}, 0}, /* a /96 cut from it */
    {{6, 16, {0x20, 2}}, {2, 3, 4, 5}, 0},
    {{6, 32, {0x20, 1}}, {12, 13, 14, 15}, 0xFF}, /* RFC 4380 section 4: the client */
};

/* RFC 5214 section 6.1: the interface identifier is [02]00:5efe and an IPv4 address, whatever the
 * net. */
static bool is_isatap(const uint8_t address[16])
{
    static const uint8_t MARK[] = {0, 0, 0x5E, 0xFE};

    return (address[8] & 0xFD) == MARK[0] && memcmp(address + 9, MARK + 1, 3) == 0;
}

static const char *judge_within(const uint8_t address[16], const struct embedding *e,
                                const struct role_nets *allowed)
{
    uint8_t inner[16] = {0};

    for (size_t i = 0; i < 4; i++)
        inner[i] = address[e->at[i]] ^ e->flip;
    return refused(4, inner, allowed);
}

static const char *embedded(const uint8_t address[16], const struct role_nets *allowed)
{
    static const struct embedding ISATAP = {{6, 0, {0}}, {12, 13, 14, 15}, 0};
    const char *why = NULL;

    for (size_t i = 0; i < sizeof(EMBEDDING) / sizeof(EMBEDDING[0]); i++)
        if (!why && role_net_has(&EMBEDDING[i].net, 6, address))
            why = judge_within(address, &EMBEDDING[i], allowed);
    if (!why && is_isatap(address))
        why = judge_within(address, &ISATAP, allowed);
    return why;
}

const char *refused(uint8_t family, const uint8_t address[16], const struct role_nets *allowed)
{
    bool let = allowed && role_nets_have(allowed, family, address);
    const char *why = let ? NULL : special(family, address);

    if (family != 4 && family != 6)
        return "no address";
    return !why && family == 6 ? embedded(address, allowed) : why;
}
