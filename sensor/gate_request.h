/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody asks at the gate: a request of HTTP/1.0 or 1.1 (RFC 9112) for one of three pages.
 */
#ifndef SENSOR_GATE_REQUEST_H
#define SENSOR_GATE_REQUEST_H

#include "base/span.h"

enum gate_page { GATE_METRICS, GATE_HEALTHZ, GATE_READYZ, GATE_PAGE_COUNT };

struct gate_request {
    unsigned status;     /* 200, or why not: 400, 404, 405, 431, 505 */
    enum gate_page page; /* of 200 */
    bool head;           /* HEAD: the answer has no body */
};

/* The bytes that have come so far. False: there are more to come. `out` is filled when it is true,
 * which it is at CAP_GATE_REQUEST bytes at the latest. */
bool gate_request_parse(struct span bytes, struct gate_request *out);

#endif
