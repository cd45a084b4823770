/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a file: sections, lists and values, each with its path and its line. The only door to
 * libyaml. Of YAML there is what a configuration needs: no anchors, aliases and tags, one document,
 * CAP_CONFIG_DEPTH levels, CAP_CONFIG_NODES words.
 */
#ifndef SENSOR_CONFIG_YAML_H
#define SENSOR_CONFIG_YAML_H

#include "base/span.h"

enum config_node_kind {
    CONFIG_NODE_SECTION, /* what follows has a longer path */
    CONFIG_NODE_LIST,    /* items follow */
    CONFIG_NODE_ITEM,
    CONFIG_NODE_VALUE,
    CONFIG_NODE_NOTHING, /* no value behind the colon, or null */
};

struct config_node {
    enum config_node_kind kind;
    const char *path; /* "output.redis.key", escaped; of an item that of its list */
    unsigned line;    /* from 1 on, of the key or the item */
    struct span text; /* of items and values: any bytes */
};

struct config_yaml_sink {
    void *user;
    /* Of a section or a list: whether to go on into it. */
    bool (*node)(void *user, const struct config_node *node);
    /* The file is no good as YAML, or as that part of it; this is the end of it. */
    void (*fault)(void *user, unsigned line, const char *path, const char *what);
};

/* 0, or -1 after a fault. `text` is UTF-8. */
int config_yaml_read(struct span text, const struct config_yaml_sink *sink);

/* "0.2.5" */
const char *config_yaml_library(void);

#endif
