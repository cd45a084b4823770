/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka against librdkafka's own mock cluster: three brokers in this process, read back by a
 * consumer. */
#include "deliver/deliver.h"

#include "../alert/spool_fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <time.h>

enum { PRODUCE = 0, PARTITIONS = 4, WAIT_S = 60 };

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct spool *spool;
static struct spool_reader *reader;
static struct sink *sink;
static char sink_error[SINK_WHY];
static uint64_t next;

static nstime mono(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void quiet(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)text;
}

static rd_kafka_conf_t *conf_with(const char *name, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[200];
    rd_kafka_conf_set_log_cb(conf, quiet);
    assert_int_equal(rd_kafka_conf_set(conf, name, value, text, sizeof(text)), RD_KAFKA_CONF_OK);
    return conf;
}

static int begin(void **state)
{
    char text[200];
    fault_none();
    if (dir_make(state) != 0)
        return -1;
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf_with("client.id", "mock"), text, sizeof(text));
    cluster = rd_kafka_mock_cluster_new(host, 3);
    rd_kafka_mock_topic_create(cluster, "eve", PARTITIONS, 3);
    spool = spool_at(&(struct spool_config){.disk = &fault_disk});
    reader = reader_of(spool, "kafka");
    sink = sink_kafka_new(
        &(struct sink_kafka_config){.brokers = rd_kafka_mock_cluster_bootstraps(cluster)}, NULL,
        sink_error);
    assert_non_null(sink);
    next = 1;
    return 0;
}

static int end(void **state)
{
    sink_close(sink);
    spool_reader_close(reader);
    spool_close(spool);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return dir_remove(state);
}

/* Ten connections, in turns. */
static void append(unsigned count)
{
    char body[200];
    for (unsigned i = 0; i < count; i++, next++) {
        int n = snprintf(body, sizeof(body), "{\"community_id\":\"1:c%u\",\"n\":%u}",
                         (unsigned)next % 10, (unsigned)next);
        const struct spool_record r = {
            .kind = SPOOL_ALERT, .severity = 3, .time = 1, .body = span_of(body, (size_t)n)};
        assert_int_equal(spool_append(spool, &r), next);
    }
    spool_commit(spool, 0);
}

static uint64_t committed(void)
{
    return spool_reader_stats(reader).committed;
}

static void turns(int ms)
{
    nstime until = mono() + ms * NS_PER_MS;
    while (mono() < until && committed() < next - 1) {
        struct pollfd p;
        if (sink_turn(sink, reader, mono()) == 0 && sink_poll(sink, &p))
            poll(&p, 1, 5);
    }
}

static void until_state(enum sink_state state)
{
    nstime until = mono() + WAIT_S * NS_PER_S;
    while (mono() < until && sink->state != state)
        turns(20);
    assert_int_equal(sink->state, state);
}

static void drained(void)
{
    turns(WAIT_S * 1000);
    assert_int_equal(committed(), next - 1);
}

static void brokers(bool up)
{
    for (int32_t id = 1; id <= 3; id++)
        if (up)
            rd_kafka_mock_broker_set_up(cluster, id);
        else
            rd_kafka_mock_broker_set_down(cluster, id);
}

/* Each number is there, those of one connection in one partition, and in their order when they are
 * seen first. Returns how many there are. */
static size_t check_topic(void)
{
    static uint8_t seen[100000];
    char text[200];
    rd_kafka_conf_t *conf =
        conf_with("bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    unsigned last[10] = {0}, n, kinds = 0;
    size_t all = 0, missing = next - 1;
    int32_t partition[10];
    rd_kafka_t *rk;
    memset(seen, 0, sizeof(seen));
    rd_kafka_conf_set(conf, "group.id", "test", NULL, 0);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    for (int32_t p = 0; p < PARTITIONS; p++)
        rd_kafka_topic_partition_list_add(list, "eve", p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, list);
    for (nstime until = mono() + WAIT_S * NS_PER_S; mono() < until && missing > 0;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (m && !m->err) {
            const char *at =
                strstr(memcpy(text, m->payload, m->len < 199 ? m->len : 199), "\"n\":");
            n = (unsigned)strtoul(at + 4, NULL, 10);
            assert_true(n > 0 && n < next && m->key_len == 4);
            kinds = n % 10;
            assert_int_equal(((const char *)m->key)[3], '0' + (int)kinds);
            assert_true(last[kinds] == 0 || partition[kinds] == m->partition);
            partition[kinds] = m->partition;
            assert_true(seen[n] || n > last[kinds]);
            last[kinds] = n > last[kinds] ? n : last[kinds];
            missing -= !seen[n];
            seen[n] = 1;
            all++;
        }
        if (m)
            rd_kafka_message_destroy(m);
    }
    assert_int_equal(missing, 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return all;
}

static void all_arrive(void **state)
{
    (void)state;
    append(5000);
    drained();
    assert_int_equal(sink->state, SINK_OK);
    assert_int_equal(sink->stats.delivered, 5000);
    assert_int_equal(check_topic(), 5000);
}

/* Down, up again, twice: memory is bounded by what may be in flight. */
static void brokers_away(void **state)
{
    (void)state;
    append(500);
    drained();
    for (int i = 0; i < 2; i++) {
        brokers(false);
        append(3000);
        until_state(SINK_AWAY);
        assert_true(committed() < next - 1);
        assert_int_equal(sink->ops->room(sink), 0);
        brokers(true);
        drained();
        assert_int_equal(sink->state, SINK_OK);
    }
    check_topic();
}

/* Answers that heal by themselves are librdkafka's, and nothing comes twice. */
static void passing_errors(void **state)
{
    (void)state;
    rd_kafka_mock_push_request_errors(
        cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    append(2000);
    drained();
    assert_int_equal(check_topic(), 2000);
}

static void no_rights(void **state)
{
    (void)state;
    rd_kafka_mock_push_request_errors(
        cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    append(300);
    until_state(SINK_BROKEN);
    assert_non_null(strstr(sink->why, "authoriz"));
    drained();
    assert_int_equal(sink->stats.refused, 0);
    check_topic();
}

/* Each answer takes 300 ms: what is in flight is bounded, and all of it arrives. */
static void slow(void **state)
{
    (void)state;
    for (int32_t id = 1; id <= 3; id++)
        rd_kafka_mock_broker_set_rtt(cluster, id, 300);
    append(2000);
    drained();
    assert_int_equal(check_topic(), 2000);
}

static void configs(void **state)
{
    struct sink_kafka_config c = {.brokers = ""};
    (void)state;
    assert_null(sink_kafka_new(&c, NULL, sink_error));
    c = (struct sink_kafka_config){.brokers = "x", .user = "a"};
    assert_null(sink_kafka_new(&c, NULL, sink_error));
    c = (struct sink_kafka_config){.brokers = "x", .uses_tls = true, .tls.ca_file = "/nowhere"};
    assert_null(sink_kafka_new(&c, NULL, sink_error));
    assert_non_null(strstr(sink_error, "/nowhere"));
    c = (struct sink_kafka_config){
        .brokers = "x", .user = "a", .password = "very-secret", .mechanism = "none"};
    assert_null(sink_kafka_new(&c, NULL, sink_error));
    assert_null(strstr(sink_error, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_arrive, begin, end),
        cmocka_unit_test_setup_teardown(brokers_away, begin, end),
        cmocka_unit_test_setup_teardown(passing_errors, begin, end),
        cmocka_unit_test_setup_teardown(no_rights, begin, end),
        cmocka_unit_test_setup_teardown(slow, begin, end),
        cmocka_unit_test_setup_teardown(configs, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
