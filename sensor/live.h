/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets off the wire: libpcap's rings of AF_PACKET (TPACKET_V3), one for each interface, merged
 * by time. Beside sensor/capture.c this is the only place that knows libpcap.
 *
 * Opening takes CAP_NET_RAW; nothing after it does. All that live_poll(), live_fds(), live_now()
 * and live_stats() call of the kernel is
 *
 *     poll, getsockopt (SO_ERROR, PACKET_STATISTICS), lseek, read, clock_gettime
 *
 * and libpcap, when an interface goes down between its looks, getsockname and
 * ioctl(SIOCGIFFLAGS): where those are refused, nothing is lost. libpcap's own pcap_stats() opens
 * files of sysfs and is not used. live_close() adds munmap, setsockopt and close.
 *
 * An interface that goes down is `down` until it is up again: its socket and its ring stay, and so
 * do those of the others. One that is removed is `gone`: to open another of its name takes the
 * privilege again, so the process has to end and be started anew (live_lost()). In the meantime the
 * others go on.
 *
 * What is known of losses, and adds up at any time:
 *
 *     kernel_packets = kernel_drops + packets + waiting
 *
 * kernel_packets is what the filter let pass. How full a ring is in bytes the kernel does not say;
 * `waiting` packets and `ring_full` are what can be known. Nothing is dropped here. What the filter
 * does not let pass is counted by nobody.
 *
 * Tags: the kernel takes the outermost out of the frame and libpcap puts it back. `any` has link
 * type SLL, where all interfaces look like one, and which it was is not kept; with two tags or more
 * Linux since 6.11 tells the innermost type there and leaves the inner tags in, so such packets are
 * unreadable. Name the interfaces, and all is kept: `any` is for a first look.
 *
 * A group of processes (`fanout`) shares the packets of an interface by PACKET_FANOUT_CBPF: the
 * kernel runs filter_spread() and takes the rest by the number of members that have joined. Both
 * directions and all fragments come to the same. When one joins or leaves, connections move to
 * others: all members should start together.
 */
#ifndef SENSOR_LIVE_H
#define SENSOR_LIVE_H

#include <poll.h>

#include "dissect/dissect.h"
#include "sensor/filter.h"
#include "sensor/nic.h"

#define LIVE_WHY 512

struct live;

struct live_config {
    const char *name[CAP_INTERFACES]; /* of interfaces, or "any" */
    enum filter_direction direction[CAP_INTERFACES];
    uint8_t count;
    bool strict;       /* all of them have to be there; false: one is enough, the others are gone */
    bool promiscuous;  /* not on `any` */
    uint32_t snaplen;  /* bytes of a packet that are kept */
    uint32_t ring_mib; /* of each, 1 to CAP_LIVE_RING_MIB; with several interfaces it has to hold
                          CAP_LIVE_HOLD_MS of packets: 16 MiB at 2 Gbit/s of mail */
    uint16_t port[CAP_PORTS];
    uint8_t port_count;
    bool dns;               /* see dissect_config: what is not asked for is not let in */
    bool fetch;             /* costs: all that clients say to port 443 */
    const char *expression; /* pcap-filter(7), of the outermost packet; narrows what is let in,
                               never widens it. Tags are not in its way: `host` means tagged ones,
                               too. NULL: none */
    uint16_t fanout;        /* the group of the first interface; the next one has the next number,
                               which must be free in the network namespace. 0: none */
};

/* All of it counts from live_open(). */
struct live_stats {
    const char *name;
    enum nic_state state;
    nstime since;             /* when that state was noticed; CLOCK_REALTIME */
    uint64_t downs;           /* times it went down */
    uint64_t kernel_packets;  /* let pass by the filter */
    uint64_t kernel_drops;    /* of those: no room in the ring */
    uint64_t ring_full;       /* times that there was none */
    uint64_t interface_drops; /* before the filter: missed by the interface; not in the sum */
    uint64_t packets;         /* handed out */
    uint64_t bytes;           /* of those, as captured */
    uint64_t cut;             /* of those: longer than snaplen */
    uint64_t waiting;         /* in the ring */
    uint64_t ring_bytes;
    uint64_t errors; /* of libpcap, but for interfaces that are down */
};

struct live_counts {
    uint64_t disordered; /* packets handed out whose time is before that of an earlier one */
    uint64_t steps;      /* of the clock, by more than CAP_LIVE_STEP_MS */
    int64_t last_step;   /* nanoseconds; negative: backwards */
};

/* NULL: `why` says what could not be had, and of which interface. Copies what it needs of `c`, but
 * for the names, which it borrows. Takes a tenth of a second: what came before the filter was set
 * is let go. */
struct live *live_open(const struct live_config *c, char why[LIVE_WHY]);
void live_close(struct live *l);

/* Fills `fd` for poll(2): an entry for each interface, to be waited for (POLLIN) or left out (-1)
 * because a packet of it waits for earlier ones. Returns the number, and in *wait the milliseconds
 * after which live_poll() is due in any case. */
size_t live_fds(const struct live *l, struct pollfd fd[CAP_INTERFACES], int *wait);

typedef void (*live_fn)(void *user, const struct packet *p);

/* Up to `budget` packets to `fn`, valid during the call, in the order of time over all interfaces;
 * packet.source is the index of its interface in the configuration. A packet waits for earlier ones
 * of other interfaces for CAP_LIVE_HOLD_MS, and not longer, whatever the clock does. Never waits
 * itself. Returns how many. */
size_t live_poll(struct live *l, size_t budget, live_fn fn, void *user);

/* For dissect_pass(), as of the last live_poll(): packets of an earlier time are not to be expected
 * any more, unless the clock is set back. */
nstime live_now(const struct live *l);

size_t live_interfaces(const struct live *l);
void live_stats(struct live *l, size_t i, struct live_stats *out); /* at least once an hour */
struct live_counts live_counts(const struct live *l);

/* Some interface is gone (nic_present() says, outside the walls, when it is back). */
bool live_lost(const struct live *l);

#endif
