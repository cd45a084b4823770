/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes as a capture file, compressed or not: what comes out of it is within its own limits. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dissect/frame.h"
#include "sensor/capture.h"

#define PACKETS_MAX 10000 /* a compressed file of nothing but zeros has no end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static bool on_packet(void *user, const struct packet *p)
{
    unsigned *count = user;
    if (p->wire_len < p->bytes.n || !frame_link_known(p->link))
        abort();
    for (size_t i = 0; i < p->bytes.n; i++)
        sink ^= p->bytes.p[i];
    return ++*count < PACKETS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture *c;
    struct capture_error why;
    unsigned count = 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    if (capture_open_fd(fd, 4096, &c, &why) != CAPTURE_OK) {
        if (why.text[0] == '\0')
            abort();
        return 0;
    }
    int r = capture_run(c, on_packet, &count);
    if (capture_packets(c) != count || (r < 0 && capture_damage(c)[0] == '\0'))
        abort();
    capture_close(c);
    return 0;
}
