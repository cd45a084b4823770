/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hellos of any bytes, and their prints. Input: a byte, odd for a server's, and the message without
 * its header. An object that remembers all earlier hellos and one that remembers hardly any, by
 * another hash, must say the same.
 */
#include <stdlib.h>

#include "base/caps.h"
#include "dissect/tls_print.h"

static void expect(bool good)
{
    if (!good)
        abort();
}

/* Every extension lies in the list, one behind the other. */
static void check_extensions(struct span extensions)
{
    struct cursor list = cursor_of(extensions);
    const uint8_t *end = extensions.p;
    struct span data, found;
    uint16_t type;

    while (tls_extension_next(&list, &type, &data)) {
        expect(data.p == end + 4 && data.p + data.n <= extensions.p + extensions.n);
        expect(tls_extension(extensions, type, &found) && found.p <= data.p);
        end = data.p + data.n;
    }
}

static void check_text(struct span text, const char *hash)
{
    expect(strlen(hash) == 32 && strspn(hash, "0123456789abcdef") == 32);
    expect(text.n > 0 && text.p[text.n] == '\0');
    expect(strspn((const char *)text.p, "0123456789-,") == text.n);
}

static void check_ja4(const char *ja4)
{
    expect(strlen(ja4) == 36 && ja4[0] == 't' && ja4[10] == '_' && ja4[23] == '_');
    expect(ja4[3] == 'd' || ja4[3] == 'i');
    for (int i = 0; i < 10; i++)
        expect(span_is_alpha((uint8_t)ja4[i]) || span_is_digit((uint8_t)ja4[i]));
    expect(strspn(ja4 + 11, "0123456789abcdef") == 12 &&
           strspn(ja4 + 24, "0123456789abcdef") == 12);
}

static void check_client(struct tls_prints *known, struct tls_prints *fresh,
                         const struct tls_client_hello *h)
{
    const struct tls_client_print *a = tls_prints_client(known, h);
    const struct tls_client_print *b = tls_prints_client(fresh, h);

    expect((a != NULL) == (h->suites.n + h->extensions.n <= CAP_TLS_HELLO));
    expect((a != NULL) == (b != NULL));
    if (!a)
        return;
    check_text(a->ja3_text, a->ja3);
    check_ja4(a->ja4);
    expect(span_eq(a->ja3_text, b->ja3_text));
    expect(strcmp(a->ja3, b->ja3) == 0 && strcmp(a->ja4, b->ja4) == 0);
}

static void check_server(struct tls_prints *known, struct tls_prints *fresh,
                         const struct tls_server_hello *h)
{
    const struct tls_server_print *a = tls_prints_server(known, h);
    const struct tls_server_print *b = tls_prints_server(fresh, h);

    expect((a != NULL) == (h->extensions.n <= CAP_TLS_HELLO));
    expect((a != NULL) == (b != NULL));
    if (!a)
        return;
    check_text(a->ja3s_text, a->ja3s);
    expect(span_eq(a->ja3s_text, b->ja3s_text) && strcmp(a->ja3s, b->ja3s) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made anew for every sixteenth input: a table for each takes twenty times as long as its use. */
static struct tls_prints *forgetful(void)
{
    static const struct siphash_key key = {7, 11};
    static struct tls_prints *fresh;
    static unsigned inputs;

    if (inputs++ % 16 == 0) {
        tls_prints_free(fresh);
        fresh = tls_prints_new(&key);
    }
    return fresh;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct siphash_key key;
    static struct tls_prints *known;
    struct tls_prints *fresh = forgetful();
    struct span body = span_from(span_of(data, size), 1);
    struct tls_client_hello client;
    struct tls_server_hello server;

    if (!known)
        known = tls_prints_new(&key);
    if (size == 0 || !known || !fresh)
        return 0;
    if (!(data[0] & 1) && tls_client_hello_read(body, &client)) {
        check_extensions(client.extensions);
        check_client(known, fresh, &client);
    }
    if (data[0] & 1 && tls_server_hello_read(body, &server)) {
        check_extensions(server.extensions);
        check_server(known, fresh, &server);
    }
    return 0;
}
