/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others write down of policies, the first byte choosing which: a record, a preload list,
 * lines of partners, an entry of the cache of postfix-mta-sts-resolver, maddy or chasquid, an
 * answer of postfix-tlspol. A record that is read can be written and read again to the same.
 */
#include <stdlib.h>

#include "policy/mta_cache.h"
#include "policy/partner.h"
#include "policy/preload.h"
#include "policy/resolver_cache.h"
#include "policy/tlspol_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct siphash_key key = {1, 2};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_and_read(const struct policy_json *p)
{
    struct policy_json again;
    char why[POLICY_JSON_WHY];
    char *text = policy_json_text(p);

    if (!text) /* the body of a cache's entry may be no UTF-8 */
        return;
    must(policy_json_read(span_str(text), &again, why) == 0);
    must(span_eq(domain_span(&again.domain), domain_span(&p->domain)));
    must(again.body_n == p->body_n && memcmp(again.body, p->body, p->body_n) == 0);
    must(strcmp(again.id, p->id) == 0);
    policy_json_fini(&again);
    free(text);
}

/* A file that may be any server's is read as the one it is taken for. */
static int read_file(struct span name, struct span in, struct policy_json *p,
                     char why[POLICY_JSON_WHY])
{
    struct domain d = {0};
    enum mta_cache_kind kind = mta_cache_kind(name, in, &d);

    return mta_cache_read(kind == MTA_CACHE_NONE ? MTA_CACHE_MADDY : kind, &d, in, INT64_MAX, p,
                          why);
}

static void try_record(struct span in, uint8_t kind)
{
    struct policy_json p;
    char why[POLICY_JSON_WHY] = "";
    int rc;

    if (kind == 'c')
        rc = resolver_cache_read(span_str("a.test"), in, 1e9, &p, why);
    else if (kind == 't')
        rc = tlspol_reply_read(in, NS_PER_S, &p, why);
    else if (kind == 'm' || kind == 'q')
        rc = read_file(span_str(kind == 'm' ? "a.test" : "pol:a.test"), in, &p, why);
    else
        rc = policy_json_read(in, &p, why);

    must((rc < 0) == (why[0] != '\0'));
    if (rc == 0)
        write_and_read(&p);
    policy_json_fini(&p);
}

static void try_partners(struct span in, struct book *b)
{
    char why[CAP_STS_REASON];

    while (in.n > 0) {
        size_t end = span_find(in, '\n');
        (void)partner_read(span_first(in, end), b, why);
        in = span_from(in, end + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct preload list;
    struct book *b = book_new(&key);

    if (size > 0) {
        uint8_t kind = data[0];
        in = span_from(in, 1);
        if (kind == 'l')
            must((preload_read(in, b, &list) == 0) || list.why[0]);
        else if (kind == 'p')
            try_partners(in, b);
        else
            try_record(in, kind);
    }
    book_free(b);
    return 0;
}
