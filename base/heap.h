/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc that knows how much is out. What grows with the traffic comes from here, so that one
 * number can be held against the program's budget (dissect/lifetime.c). Not for threads.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

void *heap_alloc(size_t n);  /* NULL: no memory */
void *heap_zeroed(size_t n); /* likewise */
/* As realloc(): on failure `p` stays as it was. */
void *heap_resize(void *p, size_t n);
void heap_free(void *p); /* NULL is allowed */

size_t heap_size(void *p); /* of one piece, as heap_bytes() counts it; 0 for NULL */

/* Bytes that are out, with what the allocator rounds up to. */
size_t heap_bytes(void);

/* Bytes that malloc cuts its pieces from, whoever asked for them and whether in use or not; large
 * tables are apart. Takes the longer the more free pieces there are: not for each packet. */
size_t heap_whole(void);

#endif
