/* SPDX-License-Identifier: Apache-2.0 */
#include "history/vantages.h"

static struct span cut(struct span name)
{
    const uint8_t *end = name.n > 0 ? memchr(name.p, '\0', name.n) : NULL;
    name = end ? span_first(name, (size_t)(end - name.p)) : name;
    return span_first(name, CAP_HISTORY_VANTAGE);
}

uint8_t vantages_number(struct vantages *v, struct span name)
{
    name = cut(name);
    for (uint8_t i = 0; i < v->count; i++)
        if (span_eq(name, span_str(v->name[i])))
            return (uint8_t)(i + 1);
    if (name.n == 0 || v->count == CAP_HISTORY_VANTAGES)
        return 0;
    memcpy(v->name[v->count], name.p, name.n);
    v->name[v->count][name.n] = '\0';
    return ++v->count;
}

uint8_t vantages_own(struct vantages *v, struct span name)
{
    uint8_t number = vantages_number(v, name);
    if (number > 0)
        v->own[number - 1] = true;
    return number;
}

const char *vantages_name(const struct vantages *v, uint8_t number)
{
    return v->name[number - 1];
}

bool vantages_save(const struct vantages *v, FILE *to)
{
    return fwrite(v, sizeof(*v), 1, to) == 1;
}

bool vantages_restore(struct vantages *v, FILE *from)
{
    bool good = fread(v, sizeof(*v), 1, from) == 1 && v->count <= CAP_HISTORY_VANTAGES;
    for (uint8_t i = 0; good && i < v->count; i++)
        good = memchr(v->name[i], '\0', sizeof(v->name[i])) != NULL;
    return good;
}
