/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of which autonomous system and country an address is, by files in MaxMind's format that the
 * operator has (GeoLite2, DB-IP Lite and others). The files are mapped and may be damaged: what
 * cannot be read in them is unknown, and counted.
 */
#ifndef REPORT_MMDB_H
#define REPORT_MMDB_H

#include <stdbool.h>
#include <stdint.h>

#define MMDB_WHY  512
#define MMDB_NAME 96 /* bytes of the name of an organisation, escaped */

enum mmdb_kind { MMDB_AS, MMDB_COUNTRY, MMDB_KIND_COUNT };

struct mmdb;

struct mmdb *mmdb_new(void); /* NULL: no memory */
void mmdb_free(struct mmdb *m);

/* 0, or -1 and a printable line that names the file. What a file has is told by its type. */
int mmdb_add(struct mmdb *m, const char *path, char why[MMDB_WHY]);
bool mmdb_has(const struct mmdb *m, enum mmdb_kind kind);

/* The address as in struct event. False: unknown. `name` is printable, or empty. */
bool mmdb_as(struct mmdb *m, uint8_t family, const uint8_t address[16], uint32_t *number,
             char name[MMDB_NAME]);
/* ISO 3166-1, two letters. */
bool mmdb_country(struct mmdb *m, uint8_t family, const uint8_t address[16], char code[3]);

/* Look-ups that met damage. */
uint64_t mmdb_damaged(const struct mmdb *m);

#endif
