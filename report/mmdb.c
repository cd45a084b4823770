/* SPDX-License-Identifier: Apache-2.0 */
#include "report/mmdb.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/text.h"

struct mmdb {
    MMDB_s file[CAP_MMDB];
    enum mmdb_kind kind[CAP_MMDB];
    int count;
    uint64_t damaged;
};

/* What the type of a file says of what is in it: "GeoLite2-ASN", "DBIP-Country-Lite". */
static const struct {
    const char *part;
    enum mmdb_kind kind;
} TYPE[] = {
    {"ASN", MMDB_AS},       {"ISP", MMDB_AS},           {"Country", MMDB_COUNTRY},
    {"City", MMDB_COUNTRY}, {"Location", MMDB_COUNTRY}, {"Enterprise", MMDB_COUNTRY},
};

struct mmdb *mmdb_new(void)
{
    return calloc(1, sizeof(struct mmdb));
}

void mmdb_free(struct mmdb *m)
{
    for (int i = 0; m && i < m->count; i++)
        MMDB_close(&m->file[i]);
    free(m);
}

static int refuse(char why[MMDB_WHY], const char *path, const char *what)
{
    char shown[300];
    text_escape(shown, sizeof(shown), span_str(path));
    snprintf(why, MMDB_WHY, "%s: %s", shown, what);
    return -1;
}

static enum mmdb_kind kind_of(const char *type)
{
    struct span text = span_str(type);
    for (size_t i = 0; i < sizeof(TYPE) / sizeof(TYPE[0]); i++)
        if (span_search_nocase(text, span_str(TYPE[i].part)) < text.n)
            return TYPE[i].kind;
    return MMDB_KIND_COUNT;
}

int mmdb_add(struct mmdb *m, const char *path, char why[MMDB_WHY])
{
    char type[64], text[300];
    if (m->count == CAP_MMDB)
        return refuse(why, path, "is one file too many");
    MMDB_s *file = &m->file[m->count];
    errno = 0;
    int error = MMDB_open(path, MMDB_MODE_MMAP, file);
    if (error != MMDB_SUCCESS) {
        bool system = error == MMDB_FILE_OPEN_ERROR || error == MMDB_IO_ERROR;
        snprintf(text, sizeof(text), "is no usable MaxMind DB: %s",
                 system && errno ? strerror(errno) : MMDB_strerror(error));
        return refuse(why, path, text);
    }
    m->kind[m->count] = kind_of(file->metadata.database_type);
    if (m->kind[m->count] == MMDB_KIND_COUNT) {
        text_escape(type, sizeof(type), span_str(file->metadata.database_type));
        snprintf(text, sizeof(text), "is of type '%s', which is not known to tell AS or country",
                 type);
        MMDB_close(file);
        return refuse(why, path, text);
    }
    m->count++;
    return 0;
}

bool mmdb_has(const struct mmdb *m, enum mmdb_kind kind)
{
    for (int i = 0; i < m->count; i++)
        if (m->kind[i] == kind)
            return true;
    return false;
}

uint64_t mmdb_damaged(const struct mmdb *m)
{
    return m->damaged;
}

/* --- looking up --- */

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union any_address address_of(uint8_t family, const uint8_t address[16])
{
    union any_address a = {.any = {.sa_family = family == 4 ? AF_INET : AF_INET6}};
    if (family == 4)
        memcpy(&a.v4.sin_addr, address, 4);
    else
        memcpy(&a.v6.sin6_addr, address, 16);
    return a;
}

/* A file of IPv4 alone has nothing to say of IPv6: no damage. */
static bool find(struct mmdb *m, int i, const union any_address *a, MMDB_entry_s *entry)
{
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&m->file[i], &a->any, &error);
    if (error == MMDB_SUCCESS) {
        *entry = found.entry;
        return found.found_entry;
    }
    m->damaged += error != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR;
    return false;
}

/* Something that is not there is no damage; something else than it must be is. */
static bool value_of(struct mmdb *m, MMDB_entry_s *entry, const char *const *path, uint32_t type,
                     MMDB_entry_data_s *out)
{
    int error = MMDB_aget_value(entry, out, path);
    if (error == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR)
        return false;
    if (error == MMDB_SUCCESS && out->has_data && out->type == type)
        return true;
    m->damaged++;
    return false;
}

bool mmdb_as(struct mmdb *m, uint8_t family, const uint8_t address[16], uint32_t *number,
             char name[MMDB_NAME])
{
    static const char *const NUMBER[] = {"autonomous_system_number", NULL};
    static const char *const ORGANISATION[] = {"autonomous_system_organization", NULL};
    union any_address a = address_of(family, address);
    MMDB_entry_data_s data;
    MMDB_entry_s entry;
    name[0] = '\0';
    for (int i = 0; i < m->count; i++) {
        if (m->kind[i] != MMDB_AS || !find(m, i, &a, &entry) ||
            !value_of(m, &entry, NUMBER, MMDB_DATA_TYPE_UINT32, &data))
            continue;
        *number = data.uint32;
        if (value_of(m, &entry, ORGANISATION, MMDB_DATA_TYPE_UTF8_STRING, &data))
            text_escape(name, MMDB_NAME, span_of(data.utf8_string, data.data_size));
        return true;
    }
    return false;
}

bool mmdb_country(struct mmdb *m, uint8_t family, const uint8_t address[16], char code[3])
{
    static const char *const CODE[] = {"country", "iso_code", NULL};
    union any_address a = address_of(family, address);
    MMDB_entry_data_s data;
    MMDB_entry_s entry;
    for (int i = 0; i < m->count; i++) {
        if (m->kind[i] != MMDB_COUNTRY || !find(m, i, &a, &entry) ||
            !value_of(m, &entry, CODE, MMDB_DATA_TYPE_UTF8_STRING, &data))
            continue;
        struct span text = span_of(data.utf8_string, data.data_size);
        if (text.n != 2 || !span_is_alpha(text.p[0]) || !span_is_alpha(text.p[1])) {
            m->damaged++;
            continue;
        }
        memcpy(code, text.p, 2);
        code[2] = '\0';
        return true;
    }
    return false;
}
