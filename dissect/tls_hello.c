/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_hello.h"

#include "base/cursor.h"

#define RANDOM     32
#define SESSION_ID 32 /* at most */

enum { NAME_HOST = 0 };

bool tls_client_hello_read(struct span body, struct tls_client_hello *out)
{
    struct cursor c = cursor_of(body);

    out->version = cursor_u16(&c);
    out->random = cursor_span(&c, RANDOM);
    out->session_id = cursor_span(&c, cursor_u8(&c));
    out->suites = cursor_span(&c, cursor_u16(&c));
    out->compression = cursor_span(&c, cursor_u8(&c));
    out->extensions = span_of(NULL, 0);
    if (c.bad || out->session_id.n > SESSION_ID || out->suites.n < 2 || out->suites.n % 2 ||
        out->compression.n == 0)
        return false;
    if (c.left == 0) /* those before TLS 1.2 need not have any */
        return true;
    out->extensions = cursor_span(&c, cursor_u16(&c));
    return !c.bad && c.left == 0;
}

bool tls_extension(struct span extensions, uint16_t type, struct span *data)
{
    struct cursor c = cursor_of(extensions);

    while (c.left > 0) {
        uint16_t of = cursor_u16(&c);
        *data = cursor_span(&c, cursor_u16(&c));
        if (c.bad)
            return false;
        if (of == type)
            return true;
    }
    return false;
}

struct span tls_server_name(struct span data)
{
    struct cursor c = cursor_of(data);
    struct cursor list = cursor_of(cursor_span(&c, cursor_u16(&c)));

    while (list.left > 0) {
        uint8_t type = cursor_u8(&list);
        struct span name = cursor_span(&list, cursor_u16(&list));
        if (!list.bad && type == NAME_HOST)
            return name;
    }
    return span_of(NULL, 0);
}
