/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's mock cluster as a process, for test_feed.py: kafka_mock TOPIC prints the brokers'
 * addresses, then each line that arrives there. It ends with its standard input.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BROKERS = 3, PARTITIONS = 4 };

static void quiet(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)text;
}

static rd_kafka_t *make(rd_kafka_type_t type, const char *brokers)
{
    char text[200] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, quiet);
    if (brokers)
        (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
    (void)rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof(text));
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));
    if (!rk) {
        fprintf(stderr, "kafka_mock: %s\n", text);
        exit(1);
    }
    return rk;
}

static void assign(rd_kafka_t *reader, const char *topic)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, all);
    rd_kafka_topic_partition_list_destroy(all);
}

static bool goes_on(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&in, 1, 0) == 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    rd_kafka_t *host = make(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, BROKERS);
    rd_kafka_mock_topic_create(cluster, argv[1], PARTITIONS, BROKERS);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    printf("%s\n", brokers);
    fflush(stdout);
    rd_kafka_t *reader = make(RD_KAFKA_CONSUMER, brokers);
    assign(reader, argv[1]);
    while (goes_on()) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, 200);
        if (m && !m->err) {
            fwrite(m->payload, 1, m->len, stdout);
            putchar('\n');
            fflush(stdout);
        }
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_destroy(reader);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}
