/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <malloc.h>
#include <stdlib.h>

#define OVERHEAD sizeof(size_t) /* of glibc before each piece */

static size_t out;

size_t heap_size(void *p)
{
    return p ? malloc_usable_size(p) + OVERHEAD : 0;
}

void *heap_alloc(size_t n)
{
    void *p = malloc(n);

    out += heap_size(p);
    return p;
}

void *heap_zeroed(size_t n)
{
    void *p = calloc(1, n);

    out += heap_size(p);
    return p;
}

void *heap_resize(void *p, size_t n)
{
    size_t before = heap_size(p);
    void *q = realloc(p, n);

    if (q)
        out += heap_size(q) - before;
    return q;
}

void heap_free(void *p)
{
    out -= heap_size(p);
    free(p);
}

size_t heap_bytes(void)
{
    return out;
}

size_t heap_whole(void)
{
    return mallinfo2().arena;
}
