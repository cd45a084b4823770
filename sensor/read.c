/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alert/eve_stats.h"
#include "base/text.h"
#include "dissect/dissect.h"
#include "report/summary.h"
#include "rules/garble.h"
#include "sensor/output.h"
#include "sensor/past.h"
#include "sensor/peers.h"
#include "sensor/progress.h"
#include "sensor/promises.h"
#include "sensor/suppress.h"
#include "sensor/timeline.h"

#define PORT_IMPLICIT_TLS 465  /* RFC 8314 */
#define PROGRESS_PACKETS  4096 /* packets between two looks at the clock; a power of two */
#define FILES_MANY        256  /* more inputs than this may overlap: ask for more descriptors */

enum { LINES_STANDARD, LINES_FILE, LINES_COUNT };

/* One run. */
struct reading {
    const struct cli *cli;
    struct inputs inputs;
    struct timeline *timeline;
    struct dissect *dissect;
    struct incidents *incidents;
    struct summary *summary; /* NULL: none is wanted */
    struct eve_options eve;
    const char **name; /* of the inputs, for eve */
    struct json *line;
    struct judgement *judgement;
    const struct judgement *telling; /* of the session that incidents are told of */
    struct garble_memory *memory;
    struct promises *promises;
    struct suppress *suppress;
    struct peers *peers;
    struct past *past;
    struct output lines[LINES_COUNT];
    struct progress progress;
    uint64_t packets;
    nstime newest;       /* latest packet time */
    uint32_t unreadable; /* arguments that could not even be looked at */
    bool failed;         /* output could not be written: stop */
};

/* --- messages --- */

struct shown {
    char text[1024];
};

/* File names may hold anything; the terminal must not. */
static const char *show(struct shown *to, const char *name)
{
    text_escape(to->text, sizeof(to->text), span_str(name));
    return to->text;
}

static void complain(struct reading *r, const char *name, const char *what)
{
    struct shown shown;
    progress_clear(&r->progress);
    fprintf(stderr, "stripwatch: %s: %s\n", show(&shown, name), what);
}

/* timeline_problem_fn */
static void on_problem(void *user, const struct timeline_problem *p)
{
    char text[640];
    if (p->trouble == TIMELINE_UNREADABLE)
        snprintf(text, sizeof(text), "%s", p->text);
    else
        snprintf(text, sizeof(text), "after packet %llu: %s", (unsigned long long)p->packet,
                 p->text);
    complain(user, p->name, text);
}

/* --- from sessions to lines --- */

static void write_line(struct reading *r)
{
    struct span text = json_end(r->line);
    for (int i = 0; i < LINES_COUNT; i++)
        if (output_write(&r->lines[i], text))
            r->failed = true;
}

/* incident_fn */
static void on_alert(void *user, const struct session *s, enum incident_outcome outcome,
                     const struct incident_alert *alert)
{
    struct reading *r = user;
    if (outcome == INCIDENT_ALERT && alert->severity < r->cli->min_severity)
        return;
    if (outcome == INCIDENT_STORM)
        eve_storm(r->line, s, alert, &r->eve);
    else if (alert->state == INCIDENT_CLOSED)
        eve_closed(r->line, alert, &r->eve);
    else
        eve_alert(r->line, s, r->telling, alert, &r->eve);
    write_line(r);
}

static enum role role_in(const struct reading *r, const struct flow_key *k)
{
    return role_of(&r->cli->roles, k->family, k->client, k->server, k->server_port);
}

static const char *role_name(const struct reading *r, const struct flow_key *k)
{
    enum role role = role_in(r, k);
    return role == ROLE_UNKNOWN ? NULL : role_text(role);
}

static void leave_out_below(struct judgement *j, enum severity least)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < j->finding_count; i++) {
        if (j->finding[i].severity < least)
            continue;
        if (kept != i)
            j->finding[kept] = j->finding[i];
        kept++;
    }
    j->finding_count = kept;
}

static void write_discovery(struct reading *r, const struct discovery *d,
                            enum incident_outcome outcome, const struct incident_alert *alert)
{
    dissect_hand_out(r->dissect); /* lines come in the order of time */
    if (outcome == INCIDENT_ALERT)
        eve_discovery(r->line, d, alert, &r->eve);
    else
        eve_discovery_storm(r->line, d, alert, &r->eve);
    write_line(r);
}

static void judge_discovery(struct reading *r, const struct discovery *d)
{
    struct incident_alert alert;
    struct finding f;
    if (!discovery_judge(d, &f))
        return;
    suppress_discovery(r->suppress, d, &f);
    enum incident_outcome outcome = incident_discovery(r->incidents, d, &f, &alert);
    if (outcome == INCIDENT_STORM ||
        (outcome == INCIDENT_ALERT && f.severity >= r->cli->min_severity))
        write_discovery(r, d, outcome, &alert);
    if (r->summary && f.severity >= r->cli->min_severity)
        summary_discovery(r->summary, d, &f);
}

/* dissect_dns_fn */
static void on_dns(void *user, const struct dns_sighting *s)
{
    struct reading *r = user;
    struct discovery d;
    if (promises_dns(r->promises, s, &d))
        judge_discovery(r, &d);
}

/* dissect_fetch_fn */
static void on_fetch(void *user, const struct fetch_sighting *s)
{
    struct reading *r = user;
    struct discovery d;
    if (promises_fetch(r->promises, s, &d))
        judge_discovery(r, &d);
}

static bool wants_lines(const struct reading *r)
{
    return r->cli->json || r->cli->out_path;
}

/* All that a session is judged with; valid until the next one is. */
struct grounds {
    struct expectations expected;
    struct past_aid known;
    struct judge_aid aid;
};

static void find_grounds(struct reading *r, const struct session *s, struct grounds *g)
{
    const struct certificate *certificate = peers_certificate(s);
    bool promised = promises_expect(r->promises, s, role_in(r, &s->key), &g->expected) != NULL;
    if (promised)
        promises_match(r->promises, s, certificate, &g->expected);
    g->known = (struct past_aid){certificate, promised ? &g->expected : NULL};
    g->aid = (struct judge_aid){.memory = r->memory,
                                .usual = past_recall(r->past, s, &g->known),
                                .expected = g->known.expected,
                                .sender_checks = promises_checks(r->promises, s),
                                .certificate = certificate,
                                .own_authorities = r->cli->ca_file != NULL};
}

/* A session in TLS may last for hours, and what it says of its server counts from now on. */
static void learn_upgrade(struct reading *r, struct session *s)
{
    struct grounds g;
    bool calm = judge_calm(s);
    if (!s->tls_complete)
        return;
    find_grounds(r, s, &g);
    if (!calm)
        judge(s, SESSION_UPGRADE_DECIDED, &g.aid, r->judgement);
    past_upgraded(r->past, s, calm ? NULL : r->judgement);
}

/* dissect_tls_fn */
static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    struct reading *r = user;
    peers_meet(r->peers, s, t);
    if (wants_lines(r)) {
        const struct eve_peer peer = peers_describe(r->peers, s);
        eve_tls(r->line, s, t, &peer, &r->eve);
        write_line(r);
    }
    learn_upgrade(r, s);
}

static void write_closed(struct reading *r, struct session *s)
{
    if (eve_wants(s)) {
        eve_session(r->line, s, r->judgement, role_name(r, &s->key), &r->eve);
        write_line(r);
    }
    past_learn(r->past, s, r->judgement);
    if (r->summary) {
        leave_out_below(r->judgement, r->cli->min_severity);
        summary_session(r->summary, s, r->judgement);
    }
    peers_leave(s);
}

/* dissect_fn */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct reading *r = user;
    struct grounds g;
    if (m != SESSION_CLOSED && m != SESSION_ENDING && judge_calm(s))
        return;
    find_grounds(r, s, &g);
    if (m == SESSION_ENDING) {
        past_ending(r->past, s);
        return;
    }
    judge(s, m, &g.aid, r->judgement);
    if (m != SESSION_CLOSED) {
        if (r->judgement->finding_count == 0 || r->judgement->finding[0].severity == SEVERITY_INFO)
            return;
        dissect_hand_out(r->dissect); /* lines come in the order of time */
        find_grounds(r, s, &g);
        judge(s, m, &g.aid, r->judgement);
    }
    suppress_session(r->suppress, s, r->judgement);
    r->telling = r->judgement;
    incident_judge(r->incidents, s, m, r->judgement);
    if (m == SESSION_CLOSED)
        write_closed(r, s);
}

/* past_again_fn: told of apart from its line, which is never revised. */
static void on_again(void *user, struct session *s, struct judgement *j, bool told)
{
    struct reading *r = user;
    suppress_session(r->suppress, s, j);
    r->telling = j;
    incident_again(r->incidents, s, told, j);
}

static void write_stats(struct reading *r)
{
    struct dissect_counters counters = dissect_counters(r->dissect);
    eve_stats(r->line, r->newest, &counters, incident_counters(r->incidents), &r->eve);
    write_line(r);
}

/* timeline_packet_fn */
static bool on_packet(void *user, const struct packet *p)
{
    struct reading *r = user;
    if (p->time > r->newest || r->packets == 0)
        r->newest = p->time;
    dissect_packet(r->dissect, p);
    if (r->cli->state)
        past_pass(r->past, r->newest);
    if ((++r->packets & (PROGRESS_PACKETS - 1)) == 0)
        progress_update(&r->progress, timeline_position(r->timeline), timeline_size(r->timeline));
    return !r->failed;
}

/* --- setting up --- */

static int open_outputs(struct reading *r)
{
    char text[320];
    if (r->cli->json)
        output_open_standard(&r->lines[LINES_STANDARD]);
    if (!r->cli->out_path)
        return 0;
    int error =
        output_open_file(&r->lines[LINES_FILE], r->cli->out_path, r->cli->append, &r->inputs);
    if (!error)
        return 0;
    snprintf(text, sizeof(text), "cannot be written: %s",
             error == EEXIST ? "it is one of the captures to read" : strerror(error));
    complain(r, r->cli->out_path, text);
    return -1;
}

static void configure_ports(const struct cli *cli, struct dissect_config *c)
{
    if (cli->port_count == 0)
        return;
    memcpy(c->port, cli->port, sizeof(c->port));
    c->port_count = cli->port_count;
    c->implicit_port = 0;
    for (uint8_t i = 0; i < cli->port_count; i++)
        if (cli->port[i] == PORT_IMPLICIT_TLS)
            c->implicit_port = PORT_IMPLICIT_TLS;
}

static bool open_dissect(struct reading *r)
{
    struct dissect_config c;
    dissect_config_default(&c);
    configure_ports(r->cli, &c);
    c.max_flows = r->cli->max_flows;
    c.memory = (size_t)(r->cli->memory - CAP_MEMORY_REST) << 20;
    c.unpacked = c.memory / CAP_UNPACKED_PART;
    c.keep_addresses = r->cli->show_addresses;
    c.dns = on_dns;
    c.fetch = on_fetch;
    c.tls = on_tls;
    if (getrandom(&c.key, sizeof(c.key), 0) != (ssize_t)sizeof(c.key))
        return false;
    r->dissect = dissect_new(&c, on_session, r);
    r->memory = garble_memory_new(&c.key);
    r->past = past_new(&c.key, on_again, r);
    return r->dissect && r->memory && r->past;
}

static bool open_past(struct reading *r)
{
    struct siphash_key key;
    char why[PAST_WHY] = "";
    if (!r->cli->state)
        return true;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
        past_keep(r->past, r->cli->state, r->cli->sensor_name, &key, why) == 0)
        return true;
    complain(r, "--state", why);
    return false;
}

/* promises_problem_fn */
static void on_list_problem(void *user, const char *name, unsigned line, const char *what)
{
    char text[640];
    if (line > 0)
        snprintf(text, sizeof(text), "line %u: %s", line, what);
    else
        snprintf(text, sizeof(text), "%s", what);
    complain(user, name, text);
}

/* A source of which nothing can be used would leave every broken promise unseen: that is refused.
 */
static bool open_promises(struct reading *r)
{
    struct siphash_key key;
    const struct cli *c = r->cli;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        !(r->promises = promises_new(&key, on_list_problem, r))) {
        complain(r, "promises", strerror(ENOMEM));
        return false;
    }
    promises_believe(r->promises, &c->resolvers);
    for (uint32_t i = 0; i < c->policies_count; i++)
        if (promises_add_policies(r->promises, c->policies[i]))
            return false;
    return (!c->state || !promises_add_state(r->promises, c->state)) &&
           (!c->preload || !promises_add_preload(r->promises, c->preload)) &&
           (!c->partners || !promises_add_partners(r->promises, c->partners));
}

/* suppress_ended_fn */
static void on_suppress_ended(void *user, unsigned line, const char *what)
{
    struct reading *r = user;
    on_list_problem(r, r->cli->suppress, line, what);
}

/* A line that is not understood may be one that somebody relies on: that is refused. */
static bool read_suppress(struct reading *r, FILE *f)
{
    char why[CAP_STS_REASON], *line = NULL;
    const char *path = r->cli->suppress;
    size_t room = 0;
    bool good = true;
    unsigned number = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        if (suppress_read(r->suppress, text, ++number, why) < 0) {
            on_list_problem(r, path, number, why);
            good = false;
        }
    }
    if (ferror(f)) {
        complain(r, path, strerror(errno));
        good = false;
    }
    free(line);
    return good;
}

static bool open_suppress(struct reading *r)
{
    r->suppress = suppress_new(on_suppress_ended, r);
    if (!r->suppress) {
        complain(r, "suppress", strerror(ENOMEM));
        return false;
    }
    if (!r->cli->suppress)
        return true;
    FILE *f = fopen(r->cli->suppress, "rbe");
    if (!f) {
        complain(r, r->cli->suppress, strerror(errno));
        return false;
    }
    bool good = read_suppress(r, f);
    fclose(f);
    return good;
}

/* Authorities that were named must be there; those of the system are read when they are needed. */
static bool open_peers(struct reading *r)
{
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        !(r->peers = peers_new(&key, r->cli->ca_file))) {
        complain(r, "certificates", strerror(ENOMEM));
        return false;
    }
    if (!r->cli->ca_file || peers_load(r->peers))
        return true;
    complain(r, r->cli->ca_file, "no certificate of an authority can be read from it");
    return false;
}

static bool open_eve(struct reading *r)
{
    r->name = calloc(r->inputs.count + 1u, sizeof(*r->name));
    if (!r->name)
        return false;
    for (uint32_t i = 0; i < r->inputs.count; i++)
        r->name[i] = r->inputs.item[i].name;
    r->eve = (struct eve_options){
        .sensor = r->cli->sensor_name,
        .pcap_filename = r->name,
        .pcap_count = r->inputs.count,
        .community_id_seed = r->cli->community_id_seed,
        .show_addresses = r->cli->show_addresses,
    };
    return true;
}

static bool open_judge(struct reading *r)
{
    struct siphash_key key;
    r->line = malloc(sizeof(*r->line));
    r->judgement = malloc(sizeof(*r->judgement));
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        r->incidents = incident_new(&key, r->cli->sensor_name, on_alert, r);
    bool summary = !r->cli->json && !r->cli->quiet;
    if (summary && !(r->summary = summary_new()))
        return false;
    return r->line && r->judgement && r->incidents && open_eve(r) && open_dissect(r);
}

/* Ten thousand files may be open at a time if all of them begin before the first one ends. */
static void ask_for_descriptors(const struct inputs *inputs)
{
    struct rlimit limit;
    if (inputs->count <= FILES_MANY || getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* False when there is nothing to read. */
static bool open_inputs(struct reading *r)
{
    for (size_t i = 0; i < r->cli->operand_count; i++) {
        int error = inputs_add(&r->inputs, r->cli->operand[i]);
        if (!error)
            continue;
        r->unreadable++;
        complain(r, r->cli->operand[i], strerror(error));
    }
    ask_for_descriptors(&r->inputs);
    r->timeline = timeline_new(&r->inputs, on_problem, r);
    if (!r->timeline) {
        complain(r, "input", strerror(ENOMEM));
        return false;
    }
    timeline_prepare(r->timeline);
    return timeline_counts(r->timeline).readable > 0;
}

/* --- closing --- */

static void tell_skipped(struct reading *r)
{
    uint32_t skipped = timeline_counts(r->timeline).skipped;
    if (skipped > 0 && !r->summary && !r->cli->quiet) /* the summary says it itself */
        fprintf(stderr, "stripwatch: %u file%s in directories passed over: no capture\n", skipped,
                skipped == 1 ? "" : "s");
}

static bool wants_colour(const struct cli *c)
{
    const char *no = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    if (c->colour == CLI_COLOUR_AUTO)
        return isatty(STDOUT_FILENO) && !(no && *no);
    return c->colour == CLI_COLOUR_ALWAYS;
}

/* Lines of output on the same terminal would run into it. */
static bool wants_progress(const struct cli *c)
{
    return !c->quiet && isatty(STDERR_FILENO) && !(c->json && isatty(STDOUT_FILENO));
}

static void print_summary(struct reading *r)
{
    struct shown name;
    struct timeline_counts counts = timeline_counts(r->timeline);
    uint32_t files = counts.readable + counts.unreadable + r->unreadable;
    if (!r->summary)
        return;
    if (r->inputs.count == 1)
        show(&name, r->name[0]);
    else
        snprintf(name.text, sizeof(name.text), "%u file%s", files, files == 1 ? "" : "s");
    struct summary_run run = {
        .input = name.text,
        .packets = r->packets,
        .inputs_cut = counts.cut + counts.unreadable + r->unreadable,
        .inputs_skipped = counts.skipped,
        .colour = wants_colour(r->cli),
    };
    output_open_standard(&r->lines[LINES_STANDARD]);
    summary_print(r->summary, &run, stdout);
}

static void close_outputs(struct reading *r)
{
    for (int i = 0; i < LINES_COUNT; i++) {
        int error = output_close(&r->lines[i]);
        if (!error)
            continue;
        r->failed = true;
        complain(r, r->lines[i].name, strerror(error));
    }
}

static enum read_exit exit_code(const struct reading *r)
{
    struct timeline_counts counts = timeline_counts(r->timeline);
    bool partial = r->unreadable + counts.unreadable + counts.cut > 0;
    bool alert = r->cli->fail_on < SEVERITY_COUNT &&
                 incident_counters(r->incidents)->worst >= r->cli->fail_on;
    if (r->failed)
        return READ_USAGE;
    if (r->cli->exit_zero)
        return READ_CLEAN;
    return alert ? READ_ALERT : partial ? READ_PARTIAL : READ_CLEAN;
}

static void reading_fini(struct reading *r)
{
    for (int i = 0; i < LINES_COUNT; i++)
        output_close(&r->lines[i]);
    dissect_free(r->dissect);
    incident_free(r->incidents);
    summary_free(r->summary);
    timeline_free(r->timeline);
    inputs_fini(&r->inputs);
    free(r->name);
    free(r->line);
    free(r->judgement);
    garble_memory_free(r->memory);
    past_free(r->past);
    promises_free(r->promises);
    suppress_free(r->suppress);
    peers_free(r->peers);
}

static void finish_past(struct reading *r)
{
    char why[PAST_WHY];
    if (!past_finish(r->past, why))
        complain(r, "--state", why);
}

static enum read_exit run(struct reading *r)
{
    if (!open_suppress(r) || !open_promises(r) || !open_peers(r) || !open_inputs(r))
        return READ_USAGE;
    if (!open_judge(r)) {
        complain(r, "start", strerror(ENOMEM));
        return READ_USAGE;
    }
    if (!open_past(r) || open_outputs(r))
        return READ_USAGE;
    progress_init(&r->progress, wants_progress(r->cli));
    timeline_run(r->timeline, on_packet, r);
    dissect_finish(r->dissect);
    finish_past(r);
    write_stats(r);
    progress_clear(&r->progress);
    print_summary(r);
    close_outputs(r);
    tell_skipped(r);
    return exit_code(r);
}

enum read_exit read_cmd(const struct cli *c)
{
    struct reading r = {.cli = c};
    enum read_exit code = run(&r);
    reading_fini(&r);
    return code;
}
