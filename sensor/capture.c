/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dissect/frame.h"
#include "sensor/record.h"
#include "sensor/stream.h"

struct capture {
    struct stream *stream;
    pcap_t *pcap;
    struct record_source records; /* of a common file: they need libpcap at the seams only */
    struct packet packet;         /* the newest; its link and source are those of all */
    bool unsigned_seconds;        /* see packet_time() */
    uint64_t packets;
    capture_fn fn;
    void *user;
    bool stopped;
};

static const uint32_t MAGIC[] = {
    0xA1B2C3D4, /* microseconds */
    0xA1B23C4D, /* nanoseconds */
    0xA1B2CD34, /* the patched format of some old Linux distributions */
};
#define MAGIC_PCAPNG 0x0A0D0D0A /* a palindrome: the byte order stands later in the block */

static uint32_t magic_of(struct span head)
{
    return (uint32_t)head.p[0] << 24 | (uint32_t)head.p[1] << 16 | (uint32_t)head.p[2] << 8 |
           head.p[3];
}

static bool is_capture(struct span head)
{
    if (head.n < 4)
        return false;
    uint32_t magic = magic_of(head);
    for (size_t i = 0; i < sizeof(MAGIC) / sizeof(MAGIC[0]); i++)
        if (magic == MAGIC[i] || magic == __builtin_bswap32(MAGIC[i]))
            return true;
    return magic == MAGIC_PCAPNG;
}

/* libpcap counts in DLT_ numbers, which differ from those of the files for raw IP alone among the
 * link types that are read. */
static uint32_t link_of(pcap_t *pcap)
{
    int dlt = pcap_datalink(pcap);
    return dlt == DLT_RAW ? FRAME_RAW : (uint32_t)dlt;
}

/*
 * The seconds of a pcap file are an unsigned 32-bit number (draft-ietf-opsawg-pcap section 5) that
 * libpcap takes for a signed one: 2040 would be 1904. In pcapng they have 64 bits, and an offset
 * may make them anything; base/clock.h says how far we follow.
 */
static int64_t packet_seconds(const struct capture *c, const struct timeval *tv)
{
    if (c->unsigned_seconds)
        return (int64_t)(uint32_t)tv->tv_sec;
    if (tv->tv_sec > CLOCK_PACKET_S)
        return CLOCK_PACKET_S;
    return tv->tv_sec < -CLOCK_PACKET_S ? -CLOCK_PACKET_S : tv->tv_sec;
}

static nstime packet_time(const struct capture *c, const struct timeval *tv)
{
    int64_t ns = tv->tv_usec; /* nanoseconds: so it was opened */
    if (ns >= NS_PER_S || ns <= -NS_PER_S)
        ns %= NS_PER_S;
    return packet_seconds(c, tv) * NS_PER_S + ns;
}

static bool hand_on(struct capture *c)
{
    c->packets++;
    c->stopped = !c->fn(c->user, &c->packet);
    return !c->stopped;
}

static bool hand_on_from_pcap(struct capture *c, const struct pcap_pkthdr *h, const u_char *bytes)
{
    c->packet.time = packet_time(c, &h->ts);
    c->packet.bytes = span_of(bytes, h->caplen);
    c->packet.wire_len = h->len > h->caplen ? h->len : h->caplen;
    return hand_on(c);
}

/* pcap_handler */
static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
    struct capture *c = (struct capture *)(void *)user;
    if (!hand_on_from_pcap(c, h, bytes))
        pcap_breakloop(c->pcap);
}

/* Like pcap_loop(). */
static int loop_records(struct capture *c)
{
    struct pcap_pkthdr *h;
    const u_char *bytes;
    for (;;) {
        while (record_take(&c->records, &c->packet))
            if (!hand_on(c))
                return 0;
        int r = pcap_next_ex(c->pcap, &h, &bytes);
        if (r != 1)
            return r == PCAP_ERROR_BREAK ? 0 : r; /* so it tells the end of the file */
        if (!hand_on_from_pcap(c, h, bytes))
            return 0;
    }
}

int capture_run(struct capture *c, capture_fn fn, void *user)
{
    c->fn = fn;
    c->user = user;
    c->stopped = false;
    int r = c->records.stream ? loop_records(c) : pcap_loop(c->pcap, -1, on_packet, (u_char *)c);
    if (c->stopped)
        return 1;
    return r == 0 ? 0 : -1;
}

static bool keep_one(void *user, const struct packet *p)
{
    *(struct packet *)user = *p;
    return false;
}

int capture_next(struct capture *c, struct packet *out)
{
    return capture_run(c, keep_one, out);
}

static enum capture_status fail(struct capture *c, enum capture_status status,
                                struct capture_error *error, const char *text)
{
    snprintf(error->text, sizeof(error->text), "%s", text);
    capture_close(c);
    return status;
}

/* Neither an empty file nor a damaged one is foreign: its owner wants to know which it is. */
static enum capture_status check_head(struct capture *c, struct capture_error *error)
{
    struct span head = stream_peek(c->stream);
    const char *damage = stream_error(c->stream);
    if (is_capture(head))
        return CAPTURE_OK;
    if (damage)
        return fail(c, CAPTURE_DAMAGED, error, damage);
    if (head.n == 0)
        return fail(c, CAPTURE_FOREIGN, error, "is empty");
    return fail(c, CAPTURE_FOREIGN, error, "is not a capture (pcap or pcapng)");
}

static enum capture_status open_pcap(struct capture *c, struct capture_error *error)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    uint8_t magic[4] = {0};
    struct span head = span_of(magic, stream_peek(c->stream).n);
    memcpy(magic, stream_peek(c->stream).p, head.n);
    c->unsigned_seconds = magic_of(head) != MAGIC_PCAPNG;
    if (record_plain(head))
        stream_share(c->stream);
    c->pcap = pcap_fopen_offline_with_tstamp_precision(stream_file(c->stream),
                                                       PCAP_TSTAMP_PRECISION_NANO, text);
    if (!c->pcap) {
        const char *damage = stream_error(c->stream);
        return fail(c, CAPTURE_DAMAGED, error, damage ? damage : text);
    }
    uint32_t link = c->packet.link = link_of(c->pcap);
    if (pcap_major_version(c->pcap) == 2 && pcap_minor_version(c->pcap) == 4)
        c->records = record_source(c->stream, head, pcap_snapshot(c->pcap));
    if (frame_link_known(link))
        return CAPTURE_OK;
    const char *name = pcap_datalink_val_to_description(pcap_datalink(c->pcap));
    snprintf(text, sizeof(text), "link type %u (%s) cannot be read", link, name ? name : "unknown");
    return fail(c, CAPTURE_DAMAGED, error, text);
}

enum capture_status capture_open_fd(int fd, size_t buffer, struct capture **out,
                                    struct capture_error *error)
{
    *out = NULL;
    struct capture *c = calloc(1, sizeof(*c));
    if (!c) {
        close(fd);
        return fail(NULL, CAPTURE_UNREADABLE, error, strerror(ENOMEM));
    }
    c->stream = stream_open(fd, buffer);
    if (!c->stream)
        return fail(c, CAPTURE_UNREADABLE, error, strerror(errno));
    enum capture_status status = check_head(c, error);
    if (status != CAPTURE_OK)
        return status;
    status = open_pcap(c, error);
    if (status == CAPTURE_OK)
        *out = c;
    return status;
}

enum capture_status capture_open(const char *path, size_t buffer, struct capture **out,
                                 struct capture_error *error)
{
    *out = NULL;
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(NULL, CAPTURE_UNREADABLE, error, strerror(errno));
    return capture_open_fd(fd, buffer, out, error);
}

void capture_set_source(struct capture *c, uint32_t source)
{
    c->packet.source = source;
}

uint32_t capture_link(const struct capture *c)
{
    return c->packet.link;
}

const char *capture_damage(const struct capture *c)
{
    const char *damage = stream_error(c->stream);
    return damage ? damage : pcap_geterr(c->pcap);
}

uint64_t capture_packets(const struct capture *c)
{
    return c->packets;
}

uint64_t capture_position(const struct capture *c)
{
    return stream_position(c->stream);
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    if (c->pcap) {
        pcap_close(c->pcap);
        stream_file_closed(c->stream);
    }
    stream_close(c->stream);
    free(c);
}

const char *capture_library(void)
{
    return pcap_lib_version();
}
