/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sensor/lookups.h"
#include "tests/unit/sensor/wire_use.h"

enum { LONG = 240 };

/* _mta-sts.X, X having LONG characters in labels of `letter`. */
static const char *long_name(char letter)
{
    static char name[sizeof("_mta-sts.") + LONG];
    size_t n = (size_t)snprintf(name, sizeof(name), "_mta-sts.");
    for (size_t i = 0; i < LONG; i++)
        name[n + i] = i % 60 == 59 ? '.' : letter;
    name[n + LONG - 1] = letter;
    name[n + LONG] = '\0';
    return name;
}

/* RFC 8461 section 3.1: what was seen of one domain's record says nothing of another's. */
static void long_names_are_told_apart(void **state)
{
    static const char txt[] = "\x0fv=STSv1; id=17;";
    const struct siphash_key key = {1, 2};
    struct wire_made *w = calloc(1, sizeof(*w));
    struct book *book = book_new(&key);
    struct routes *routes = routes_new(&key);
    struct exchangers *exchangers = exchangers_new(&key);
    struct lookups *lookups = lookups_new(&key, book, exchangers);
    struct discover *d =
        discover_new(&key, &(struct discover_aid){book, routes, exchangers, lookups});
    struct dns_sighting s = wire_made_dns(w, DNS_TXT, long_name('a'));
    struct discovery out;
    (void)state;
    s.answer_number = 1;
    struct dns_record *r = wire_add_record(&w->message, DNS_TXT, long_name('a'));
    r->text = wire_add_bytes(&w->message, txt, sizeof(txt) - 1);
    assert_true(discover_sighting(d, &s, &out));
    assert_int_equal(out.answer, DISCOVERY_RECORDS);
    assert_null(out.invalid);

    for (char letter = 'a'; letter <= 'b'; letter++) {
        s = wire_made_dns(w, DNS_TXT, long_name(letter));
        s.answer_number = 1;
        w->message.rcode = DNS_NXDOMAIN;
        s.time += NS_PER_S;
        assert_true(discover_sighting(d, &s, &out));
        assert_int_equal(out.domain.n, LONG);
        assert_int_equal(out.before != 0, letter == 'a');
    }
    discover_free(d);
    lookups_free(lookups);
    exchangers_free(exchangers);
    routes_free(routes);
    book_free(book);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_names_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
