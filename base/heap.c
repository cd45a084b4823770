/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OVERHEAD sizeof(size_t) /* of glibc before each piece */
#define GRAIN    16             /* sizes that glibc gives differ by this */
#define SMALL    2048           /* the largest piece that is kept for the next one of its size */
#define KEPT     (1u << 20)     /* bytes, of all sizes: some 250 sessions come and go at a time */

/* A sanitizer is to see each piece come and go. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS false
#elif defined(__has_feature)
#define KEEPS !(__has_feature(address_sanitizer) || __has_feature(memory_sanitizer))
#else
#define KEEPS true
#endif

/*
 * Sessions come and go by the thousand, and glibc gives the piece that was freed longest ago: cold
 * memory. The newest freed ones are still in the caches.
 */
struct kept {
    struct kept *next;
};

static size_t out;
static struct kept *kept[SMALL / GRAIN + 1];
static size_t kept_bytes;

size_t heap_size(void *p)
{
    return p ? malloc_usable_size(p) + OVERHEAD : 0;
}

/* As glibc rounds: with its word before the piece. */
static size_t size_for(size_t n)
{
    return n < 3 * OVERHEAD ? 4 * OVERHEAD : (n + OVERHEAD + GRAIN - 1) / GRAIN * GRAIN;
}

static void *take_kept(size_t n)
{
    size_t size = n <= SMALL ? size_for(n) : SIZE_MAX;
    struct kept *k = size <= SMALL ? kept[size / GRAIN] : NULL;

    if (!k)
        return NULL;
    kept[size / GRAIN] = k->next;
    kept_bytes -= size;
    out += size;
    return k;
}

void *heap_alloc(size_t n)
{
    void *p = take_kept(n);

    if (p)
        return p;
    p = malloc(n);
    out += heap_size(p);
    return p;
}

void *heap_zeroed(size_t n)
{
    void *p = take_kept(n);

    if (p)
        return memset(p, 0, n);
    p = calloc(1, n);
    out += heap_size(p);
    return p;
}

void *heap_resize(void *p, size_t n)
{
    size_t before;
    void *q;

    if (!p)
        return heap_alloc(n);
    before = heap_size(p);
    q = realloc(p, n);
    if (q)
        out += heap_size(q) - before;
    return q;
}

void heap_free(void *p)
{
    size_t size = heap_size(p);

    out -= size;
    if (!KEEPS || !p || size > SMALL || kept_bytes + size > KEPT) {
        free(p);
        return;
    }
    *(struct kept *)p = (struct kept){kept[size / GRAIN]};
    kept[size / GRAIN] = p;
    kept_bytes += size;
}

size_t heap_bytes(void)
{
    return out;
}

size_t heap_whole(void)
{
    return KEEPS ? mallinfo2().arena : 0; /* a sanitizer's memory is not glibc's */
}
