/* SPDX-License-Identifier: Apache-2.0 */
/* From files and settings into a struct config; every fault is told with its place. */
#ifndef SENSOR_CONFIG_LOAD_H
#define SENSOR_CONFIG_LOAD_H

#include "sensor/config.h"

/* Who is told, and of how many it was. */
struct config_faults {
    config_problem_fn fn;
    void *user;
    unsigned errors; /* more than CAP_CONFIG_PROBLEMS are counted and not told */
};

void config_load_fault(struct config_faults *f, const struct config_problem *problem);

/* Each adds to f->errors where something is wrong, and goes on. */
void config_load_bytes(struct config *c, const char *name, struct span text,
                       struct config_faults *f);
void config_load_file(struct config *c, const char *path, struct config_faults *f);
/* `optional`: it is no fault that there is no such directory. */
void config_load_files(struct config *c, const char *path, bool optional, struct config_faults *f);
void config_load_setting(struct config *c, const struct config_setting *s, const char *here,
                         struct config_faults *f);

#endif
