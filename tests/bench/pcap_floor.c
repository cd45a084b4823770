/* SPDX-License-Identifier: Apache-2.0 */
/* The floor to measure against: a bare pcap_loop that counts packets and bytes. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>

struct count {
    uint64_t packets, bytes;
};

static void count_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct count *count = (struct count *)(void *)user;

    (void)bytes;
    count->packets++;
    count->bytes += header->caplen;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct count count = {0, 0};
    pcap_t *pcap = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;

    if (!pcap) {
        fprintf(stderr, "usage: pcap_floor FILE\n%s\n", error);
        return 2;
    }
    int done = pcap_loop(pcap, -1, count_packet, (u_char *)&count);
    if (done < 0)
        fprintf(stderr, "%s\n", pcap_geterr(pcap));
    pcap_close(pcap);
    printf("%" PRIu64 " packets, %" PRIu64 " bytes\n", count.packets, count.bytes);
    return done < 0 ? 1 : 0;
}
