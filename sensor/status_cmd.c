/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/status_cmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "history/days.h"
#include "history/history.h"
#include "history/keep.h"

#define PORT_SMTP 25
#define MONTHS    8 /* of which something is there at a time: four, and packets may say any time */
#define MONTH     7 /* bytes of YYYY-MM */
#define DAY       10

static const char *const SUPPORT[] = {
    [SUPPORT_NONE] = "none", [SUPPORT_THIN] = "thin", [SUPPORT_WELL] = "well"};

struct status {
    const struct cli *cli;
    FILE *to;
    struct store *store;
    struct keep *keep;
    struct history *history;
    struct json *line;
    struct baseline usual;

    uint8_t family, address[16];
    uint16_t port;
    struct keep_text name; /* of the server */

    char month[MONTHS][MONTH + 1]; /* the newest first */
    uint64_t count[MONTHS][KEEP_KIND_COUNT];
    size_t months;
};

static void complain(const char *name, const char *what)
{
    char shown[300];
    text_escape(shown, sizeof(shown), span_str(name));
    fprintf(stderr, "stripwatch: status: %s: %s\n", shown, what);
}

static int refuse(const char *what)
{
    fprintf(stderr, "stripwatch: status: %s\nTry 'stripwatch status --help'.\n", what);
    return STATUS_TROUBLE;
}

/* keep_wall_fn */
static nstime wall(void)
{
    return clock_of(time(NULL), 0);
}

/* --- which server --- */

/* ADDR, ADDR:PORT or [ADDR]:PORT; an address of IPv6 has colons of its own. */
static bool read_server(struct status *s, const char *text)
{
    char host[64] = "";
    size_t n = strlen(text);
    const char *end = strchr(text, ']'), *colon = strrchr(text, ':');
    bool bracket = text[0] == '[' && end;
    if (bracket)
        colon = end[1] == ':' ? end + 1 : NULL;
    else if (colon && strchr(text, ':') != colon)
        colon = NULL;
    if (bracket && end[1] != '\0' && !colon)
        return false;
    uint32_t port = PORT_SMTP;
    if (colon && (!keep_read_number(span_str(colon + 1), UINT16_MAX, &port) || port == 0))
        return false;
    const char *from = text + bracket, *to = bracket ? end : colon ? colon : text + n;
    if (to == from || (size_t)(to - from) >= sizeof(host))
        return false;
    memcpy(host, from, (size_t)(to - from));
    s->family = inet_pton(AF_INET, host, s->address) == 1    ? 4
                : inet_pton(AF_INET6, host, s->address) == 1 ? 6
                                                             : 0;
    s->port = (uint16_t)port;
    keep_text_init(&s->name);
    keep_server_name(&s->name, s->family, s->address, s->port);
    return s->family != 0 && (s->family == 6 || !bracket);
}

/* --- which months --- */

static size_t month_at(struct status *s, struct span month)
{
    size_t i = 0;
    while (i < s->months && memcmp(s->month[i], month.p, MONTH) > 0)
        i++;
    if (i < s->months && memcmp(s->month[i], month.p, MONTH) == 0)
        return i;
    if (i == MONTHS)
        return i;
    s->months += s->months < MONTHS;
    memmove(s->month[i + 1 < MONTHS ? i + 1 : i], s->month[i],
            (s->months - 1 - i) * sizeof(s->month[0]));
    memmove(s->count[i + 1 < MONTHS ? i + 1 : i], s->count[i],
            (s->months - 1 - i) * sizeof(s->count[0]));
    memcpy(s->month[i], month.p, MONTH);
    memset(s->count[i], 0, sizeof(s->count[0]));
    return i;
}

static bool is_date(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (i == 4 || i == 7 ? text.p[i] != '-' : !span_is_digit(text.p[i]))
            return false;
    return text.n == DAY;
}

struct counting {
    struct status *s;
    enum keep_kind kind;
};

/* store_each */
static bool on_key(void *user, struct span key, struct span value)
{
    struct counting *c = user;
    struct span date = span_from(key, key.n > DAY ? key.n - DAY : key.n);
    (void)value;
    if (!is_date(date))
        return true;
    size_t i = month_at(c->s, date);
    if (i < MONTHS)
        c->s->count[i][c->kind]++;
    return true;
}

static bool find_months(struct status *s, enum keep_kind kind, struct span name)
{
    struct counting c = {s, kind};
    struct keep_text prefix;
    keep_prefix(&prefix, kind, name);
    enum store_status status =
        store_scan_counters(s->store, keep_text_span(&prefix), wall(), on_key, &c);
    if (status == STORE_OK)
        return true;
    complain(store_name(s->store), store_stats(s->store).last_error);
    return false;
}

/* The last moment of a month. */
static nstime end_of(const char month[MONTH + 1])
{
    uint32_t year = 0, number = 0;
    keep_read_number(span_of(month, 4), UINT16_MAX, &year);
    keep_read_number(span_of(month + 5, 2), 99, &number);
    struct tm t = {.tm_year = (int)year - 1900, .tm_mon = (int)number, .tm_mday = 1};
    return clock_of(timegm(&t) - 1, 0);
}

/* --- how much --- */

static void print_months(const struct status *s)
{
    fprintf(s->to, s->months > 0 ? "%-9s %9s %9s %9s %9s\n" : "Nothing is remembered.\n", "MONTH",
            "SERVERS", "SENDERS", "FARMS", "PAIRS");
    for (size_t i = 0; i < s->months; i++) {
        fprintf(s->to, "%-9s", s->month[i]);
        for (unsigned kind = 0; kind < KEEP_KIND_COUNT; kind++)
            fprintf(s->to, " %9llu", (unsigned long long)s->count[i][kind]);
        fputc('\n', s->to);
    }
}

static void put_line(const struct status *s)
{
    struct span text = json_end(s->line);
    fwrite(text.p, 1, text.n, s->to);
}

static void json_months(const struct status *s)
{
    static const char *const WORD[] = {"servers", "senders", "farms", "pairs"};
    _Static_assert(sizeof(WORD) / sizeof(WORD[0]) == KEEP_KIND_COUNT, "a word for each kind");
    json_begin(s->line);
    json_array(s->line, "months");
    for (size_t i = 0; i < s->months; i++) {
        json_object(s->line, NULL);
        json_word(s->line, "month", s->month[i]);
        for (unsigned kind = 0; kind < KEEP_KIND_COUNT; kind++)
            json_uint(s->line, WORD[kind], s->count[i][kind]);
        json_close(s->line);
    }
    put_line(s);
}

static int show_all(struct status *s)
{
    for (unsigned kind = 0; kind < KEEP_KIND_COUNT; kind++)
        if (!find_months(s, (enum keep_kind)kind, span_of(NULL, 0)))
            return STATUS_TROUBLE;
    if (s->cli->json)
        json_months(s);
    else
        print_months(s);
    return STATUS_DONE;
}

/* --- one server --- */

static const char *tls_name(uint16_t version)
{
    static const char *const NAME[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
    return version >= 0x0300 && version <= 0x0304 ? NAME[version - 0x0300] : "another version";
}

/* What a missing offer would be told as: rules/usual.c. */
static const char *foresee(const struct baseline *b)
{
    if (b->offer.did == 0)
        return "nothing: it never offered STARTTLS";
    if (b->mixed)
        return "nothing: it offers STARTTLS to some sessions and not to others";
    if (b->offer.support == SUPPORT_NONE)
        return "nothing: too little is known";
    if (b->offer.support == SUPPORT_THIN)
        return "starttls-removed, low";
    return "starttls-removed: low, and by what crossed in clear once it is known that others are "
           "served as before";
}

static void print_usual(const struct status *s, const char *what, const struct usual *u)
{
    fprintf(s->to, "%-13s %u of %u sessions, %u%s client%s, %u day%s: support %s\n", what, u->did,
            u->of, u->clients, u->more_clients ? " or more" : "", u->clients == 1 ? "" : "s",
            u->days, u->days == 1 ? "" : "s", SUPPORT[u->support]);
}

static void print_layout(const struct status *s, const struct usual_layout *l)
{
    char shown[4 * LAYOUT_TEXT];
    text_escape(shown, sizeof(shown), l->known.text);
    fprintf(s->to, "%-13s %u times: %s", "reply", l->count, shown);
    if (l->known.slot >= 0)
        fprintf(s->to, " (STARTTLS is word %d)", l->known.slot + 1);
    fputc('\n', s->to);
}

static void print_kinds(const struct status *s)
{
    const struct baseline *b = &s->usual;
    const struct {
        const char *name;
        const struct usual_kind *kind;
    } row[] = {
        {"keys", &b->spki}, {"issuers", &b->issuer}, {"JA3S", &b->ja3s}, {"SYN/ACK", &b->synack}};
    char shown[4 * CAP_HISTORY_ISSUER];
    if (b->version.seen > 0)
        fprintf(s->to, "%-13s %s in %u of %u\n", "TLS version", tls_name(b->version_usual),
                b->version_count, b->version.seen);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (row[i].kind->seen > 0)
            fprintf(s->to, "%-13s %u kind%s in %u sessions\n", row[i].name, row[i].kind->kinds,
                    row[i].kind->kinds == 1 ? "" : "s", row[i].kind->seen);
    if (!b->issuer_usual)
        return;
    text_escape(shown, sizeof(shown), span_str(b->issuer_usual));
    fprintf(s->to, "%-13s %s\n", "issued by", shown);
}

static void print_vantages(const struct status *s)
{
    for (uint8_t i = 0; i < s->usual.vantage_count; i++) {
        const struct usual_vantage *v = &s->usual.vantage[i];
        char shown[4 * CAP_HISTORY_VANTAGE + 1], first[TEXT_TIME], last[TEXT_TIME];
        text_escape(shown, sizeof(shown), span_str(v->name));
        text_time(first, days_begin(v->first));
        text_time(last, days_begin(v->last));
        fprintf(s->to, "%-13s %s: offered in %u of %u sessions, %.*s to %.*s\n", "seen from", shown,
                v->did, v->of, DAY, first, DAY, last);
    }
}

static void print_server(const struct status *s, const char *day)
{
    const struct baseline *b = &s->usual;
    fprintf(s->to, "%s, as of %.*s\n", s->name.text, DAY, day);
    print_usual(s, "offered", &b->offer);
    if (b->upgrade.of > 0)
        print_usual(s, "came to TLS", &b->upgrade);
    for (uint8_t i = 0; i < b->layout_count; i++)
        print_layout(s, &b->layout[i]);
    print_kinds(s);
    print_vantages(s);
    fprintf(s->to, "%-13s %s\n", "if it lacked", foresee(b));
}

static void json_usual(struct json *j, const char *key, const struct usual *u)
{
    json_object(j, key);
    json_uint(j, "of", u->of);
    json_uint(j, "did", u->did);
    json_uint(j, "clients", u->clients);
    json_bool(j, "more_clients", u->more_clients);
    json_uint(j, "days", u->days);
    json_word(j, "support", SUPPORT[u->support]);
    json_close(j);
}

static void json_layouts(struct json *j, const struct baseline *b)
{
    json_array(j, "replies");
    for (uint8_t i = 0; i < b->layout_count; i++) {
        const struct usual_layout *l = &b->layout[i];
        json_object(j, NULL);
        json_wire(j, "words", l->known.text);
        json_uint(j, "count", l->count);
        if (l->known.slot >= 0)
            json_int(j, "starttls", l->known.slot + 1);
        json_close(j);
    }
    json_close(j);
}

static void json_vantages(struct json *j, const struct baseline *b)
{
    json_array(j, "seen_from");
    for (uint8_t i = 0; i < b->vantage_count; i++) {
        const struct usual_vantage *v = &b->vantage[i];
        json_object(j, NULL);
        json_wire(j, "tap", span_str(v->name));
        json_uint(j, "of", v->of);
        json_uint(j, "did", v->did);
        json_time(j, "first", days_begin(v->first));
        json_time(j, "last", days_begin(v->last));
        json_close(j);
    }
    json_close(j);
}

static void json_server(const struct status *s, nstime now)
{
    const struct baseline *b = &s->usual;
    struct json *j = s->line;
    json_begin(j);
    json_str(j, "server", s->name.text);
    json_time(j, "as_of", now);
    json_usual(j, "offer", &b->offer);
    json_usual(j, "upgrade", &b->upgrade);
    json_bool(j, "mixed", b->mixed);
    json_layouts(j, b);
    if (b->version.seen > 0)
        json_word(j, "tls_version", tls_name(b->version_usual));
    json_uint(j, "keys", b->spki.kinds);
    json_uint(j, "issuers", b->issuer.kinds);
    if (b->issuer_usual)
        json_wire(j, "issuer", span_str(b->issuer_usual));
    if (b->vantage_count > 0)
        json_vantages(j, b);
    json_str(j, "if_missing", foresee(b));
    put_line(s);
}

static int unknown(const struct status *s)
{
    fprintf(s->to, "Nothing is remembered of %s.\n", s->name.text);
    return STATUS_UNKNOWN;
}

static int show_server(struct status *s)
{
    char day[TEXT_TIME];
    if (!find_months(s, KEEP_SERVER, keep_text_span(&s->name)))
        return STATUS_TROUBLE;
    if (s->months == 0)
        return unknown(s);
    nstime now = history_newest(s->history, s->family, s->address, s->port, end_of(s->month[0]));
    if (!history_server(s->history, s->family, s->address, s->port, now, &s->usual))
        return unknown(s);
    text_time(day, now);
    if (s->cli->json)
        json_server(s, now);
    else
        print_server(s, day);
    return STATUS_DONE;
}

struct dates {
    char date[KEEP_PAIR_MOST][DAY];
    size_t count;
};

/* store_each */
static bool on_pairs(void *user, struct span key, struct span value)
{
    struct dates *d = user;
    struct span date = span_from(key, key.n > DAY ? key.n - DAY : key.n);
    (void)value;
    if (is_date(date))
        memcpy(d->date[d->count++], date.p, DAY);
    return d->count < KEEP_PAIR_MOST;
}

/* Whom it met stands apart. */
static bool forget_pairs(struct status *s)
{
    static struct dates d;
    struct keep_text key;
    keep_pairs_prefix(&key, KEEP_SERVER, keep_text_span(&s->name));
    enum store_status status =
        store_scan_counters(s->store, keep_text_span(&key), wall(), on_pairs, &d);
    for (size_t i = 0; status == STORE_OK && i < d.count; i++) {
        keep_pairs_prefix(&key, KEEP_SERVER, keep_text_span(&s->name));
        keep_put_bytes(&key, span_of(d.date[i], DAY));
        status = store_clear(s->store, keep_text_span(&key));
    }
    if (status != STORE_OK)
        complain(store_name(s->store), store_stats(s->store).last_error);
    return status == STORE_OK;
}

static int forget_server(struct status *s)
{
    struct keep_text key;
    if (!find_months(s, KEEP_SERVER, keep_text_span(&s->name)))
        return STATUS_TROUBLE;
    if (s->months == 0)
        return unknown(s);
    if (!forget_pairs(s))
        return STATUS_TROUBLE;
    for (size_t i = 0; i < s->months; i++) {
        keep_prefix(&key, KEEP_SERVER, keep_text_span(&s->name));
        keep_put(&key, s->month[i]);
        keep_put(&key, "-01");
        if (store_clear(s->store, keep_text_span(&key)) == STORE_OK)
            continue;
        complain(store_name(s->store), store_stats(s->store).last_error);
        return STATUS_TROUBLE;
    }
    fprintf(s->to, "%s is forgotten. Sensors that run now remember it until they end.\n",
            s->name.text);
    return STATUS_DONE;
}

/* --- the command --- */

/* history_turn_fn: nothing is judged here. */
static void on_turn(void *user, const struct history_turn *t)
{
    (void)user, (void)t;
}

static bool open_all(struct status *s)
{
    struct siphash_key key;
    char why[STORE_WHY];
    enum store_status status = store_open(&s->store, s->cli->state, NULL, why);
    if (status != STORE_OK) {
        complain(s->store ? store_name(s->store) : "--state",
                 *why ? why : store_status_text(status));
        return false;
    }
    s->line = malloc(sizeof(*s->line));
    if (s->line && getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
        (s->history = history_new(&key, on_turn, NULL)) &&
        (s->keep = keep_new(s->store, NULL, &key, wall))) {
        history_keep(s->history, s->keep);
        return true;
    }
    complain("memory", strerror(ENOMEM));
    return false;
}

/* A descriptor, or -1 with errno. */
static int reach(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 5};
    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
                   connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* What a sensor that is running says of itself. */
static int ask_sensor(const struct status *s)
{
    const char *question = s->cli->json ? "status json\n" : "status\n";
    const char *path = s->cli->control;
    char answer[4096];
    ssize_t n = -1;
    int fd = reach(path);
    if (fd >= 0 && send(fd, question, strlen(question), MSG_NOSIGNAL) > 0)
        while ((n = recv(fd, answer, sizeof(answer), 0)) > 0)
            fwrite(answer, 1, (size_t)n, s->to);
    if (n < 0)
        complain(path, errno == EAGAIN ? "nobody answers" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return n < 0 ? STATUS_TROUBLE : 0;
}

static int run(struct status *s)
{
    const struct cli *c = s->cli;
    if (c->control)
        return ask_sensor(s);
    if (!c->state)
        return refuse("of what? --control PATH, or --state WHERE");
    if (c->forget && !c->server)
        return refuse("forget whom? --server ADDR[:PORT]");
    if (c->server && !read_server(s, c->server))
        return refuse("--server is no ADDR, ADDR:PORT or [ADDR]:PORT");
    if (!open_all(s))
        return STATUS_TROUBLE;
    if (!c->server)
        return show_all(s);
    return c->forget ? forget_server(s) : show_server(s);
}

int status_cmd(struct cli *c, FILE *to)
{
    struct status s = {.cli = c, .to = to};
    int code = run(&s);
    history_free(s.history);
    keep_free(s.keep);
    store_close(s.store);
    free(s.line);
    if (fflush(to) == 0 && !ferror(to))
        return code;
    fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
    return STATUS_TROUBLE;
}
