/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody on this machine says at the gate, in any pieces: it has one answer, which later
 * bytes do not change, and that comes with the last byte that a request may have. */
#include <stdlib.h>

#include "base/caps.h"
#include "sensor/gate_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct gate_request *r)
{
    must(r->status == 200 || r->status == 400 || r->status == 404 || r->status == 405 ||
         r->status == 431 || r->status == 505);
    must(r->status != 200 || r->page < GATE_PAGE_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gate_request first, r;
    uint8_t *room = malloc(size > 0 ? size : 1); /* each ends at its end: no byte behind it */
    bool known = false;

    must(room != NULL);
    for (size_t n = 0; n <= size; n++) {
        uint8_t *bytes = room + size - n;
        if (n > 0)
            memcpy(bytes, data, n);
        bool whole = gate_request_parse(span_of(bytes, n), &r);
        must(whole || (!known && n < CAP_GATE_REQUEST));
        if (!whole)
            continue;
        check(&r);
        must(!known || (r.status == first.status && r.page == first.page && r.head == first.head));
        first = r;
        known = true;
    }
    free(room);
    return 0;
}
