/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, and how it is searched: by name, by section, and for what somebody may have
 * meant. */
#ifndef SENSOR_CONFIG_KEY_H
#define SENSOR_CONFIG_KEY_H

#include "sensor/config.h"

enum config_type {
    CONFIG_BOOLEAN,
    CONFIG_NUMBER,
    CONFIG_CHOICE,     /* one of some words */
    CONFIG_TEXT,       /* any printable words */
    CONFIG_PATH_,      /* of what may not be there yet */
    CONFIG_INPUT,      /* path of what must be readable now */
    CONFIG_STORE,      /* store/where.h */
    CONFIG_REDIS,      /* address of a Redis */
    CONFIG_HOST,       /* of a host, with a port or without */
    CONFIG_URL,        /* of HTTP */
    CONFIG_LISTEN,     /* address of this machine and port */
    CONFIG_SOCKET,     /* path of a local socket */
    CONFIG_ACCOUNT,    /* a user or a group */
    CONFIG_SECRET_,    /* a file with a password, or a credential */
    CONFIG_STORES,     /* lists from here on; of words: */
    CONFIG_DOMAINS,    /* names */
    CONFIG_RULES,      /* names of rules */
    CONFIG_FORWARDS,   /* ADDRESS[@PORT][#NAME] */
    CONFIG_STUBS,      /* ZONE=ADDRESS[@PORT] */
    CONFIG_NETS,       /* networks; of the others from here on */
    CONFIG_PORTS,      /* of TCP */
    CONFIG_INTERFACES, /* with their vantage */
    CONFIG_KINDS,      /* kinds of lines */
    CONFIG_TYPE_COUNT
};

enum config_unit {
    CONFIG_UNIT_NONE,
    CONFIG_UNIT_BYTES,
    CONFIG_UNIT_MIB,
    CONFIG_UNIT_SECONDS,
    CONFIG_UNIT_DAYS,
    CONFIG_UNIT_PERCENT,
    CONFIG_UNIT_COUNT
};

struct config_row {
    const char *path;         /* "output.redis.key" */
    const char *standard;     /* the default, as --set takes it; NULL: none */
    const char *help;         /* what it is, in a line or two */
    const char *const *words; /* of a choice, NULL behind the last */
    size_t at;                /* offset in struct config */
    enum config_type type;
    enum config_unit unit;
    uint32_t min, max; /* of numbers; max: bytes of a text */
    unsigned first;    /* value of the first of `words` */
    bool reloadable;
};

const struct config_row *config_key_row(enum config_key key);

/* The last part of a row's path. */
const char *config_key_leaf(const struct config_row *row);
bool config_key_is_list(const struct config_row *row);
bool config_key_has_words(enum config_type type); /* it is a struct config_words */

/* CONFIG_KEY_COUNT: there is none of that name. */
enum config_key config_key_find(const char *path);

/* Sections, "output.redis": an index from 0 on, or -1. */
#define CONFIG_SECTIONS 21
int config_key_section(const char *path);
const char *config_key_section_help(const char *path);

/* " (did you mean 'capture.snaplen'?)" or nothing, for a name that config_key_find() and
 * config_key_section() do not know. */
void config_key_hint(const char *path, char *dst, size_t cap);

/* Names of the values that enumerations have, NULL behind the last. */
extern const char *const CONFIG_KEY_KINDS[];
extern const char *const CONFIG_KEY_VANTAGES[];

#endif
