/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a buffer that ends right before a page nobody may read: a parser that looks one byte
 * too far dies at once, with or without a sanitizer. Copies of zero bytes work as well.
 */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Lies right before the copy, so that guard_free() needs no length. */
struct guard_head {
    void *map;
    size_t map_len;
};

static inline uint8_t *guard_copy(const void *data, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (n + sizeof(struct guard_head) + page - 1) / page * page;
    struct guard_head head = {NULL, usable + page};

    head.map = mmap(NULL, head.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (head.map == MAP_FAILED)
        abort();
    uint8_t *end = (uint8_t *)head.map + usable;
    if (mprotect(end, page, PROT_NONE) != 0)
        abort();
    if (n > 0)
        memcpy(end - n, data, n);
    memcpy(end - n - sizeof(head), &head, sizeof(head));
    return end - n;
}

static inline void guard_free(uint8_t *copy)
{
    struct guard_head head;

    memcpy(&head, copy - sizeof(head), sizeof(head));
    if (munmap(head.map, head.map_len) != 0)
        abort();
}

#endif
