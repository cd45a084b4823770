/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/backoff.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/caps.h"

#define FIRST (100 * NS_PER_MS)

void backoff_init(struct backoff *b)
{
    *b = (struct backoff){0};
    if (getrandom(&b->luck, sizeof(b->luck), GRND_NONBLOCK) != (ssize_t)sizeof(b->luck))
        b->luck = (uint64_t)getpid(); /* it spreads the load; it guards nothing */
}

/* splitmix64 */
static uint64_t roll(struct backoff *b)
{
    uint64_t z = b->luck += 0x9E3779B97F4A7C15ULL;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

void backoff_fail(struct backoff *b, nstime now)
{
    nstime most = FIRST, limit = CAP_DELIVER_BACKOFF_S * NS_PER_S;

    for (unsigned i = 0; i < b->failures && most < limit; i++)
        most *= 2;
    most = most < limit ? most : limit;
    b->failures++;
    b->until = now + most / 2 + (nstime)(roll(b) % (uint64_t)(most / 2));
}

void backoff_hold(struct backoff *b, nstime until)
{
    b->until = b->until > until ? b->until : until;
}

void backoff_good(struct backoff *b)
{
    b->failures = 0;
    b->until = 0;
}
