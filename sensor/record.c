/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"

#define HEADER  16    /* seconds, fraction, captured length, length */
#define LONGEST 65535 /* well below where libpcap calls a record damaged */

struct record_source record_source(FILE *file, struct span head, int snaplen)
{
    struct record_source none = {0}, r = {.file = file};
    uint32_t magic = 0;
    if (head.n != sizeof(magic) || snaplen <= 0)
        return none;
    memcpy(&magic, head.p, sizeof(magic));
    r.tick = magic == 0xA1B2C3D4 ? 1000 : 1;
    r.longest = snaplen < LONGEST ? (uint32_t)snaplen : LONGEST;
    return magic == 0xA1B2C3D4 || magic == 0xA1B23C4D ? r : none;
}

/* As gnulib's freadptr() and freadseek() do it. */
static struct span buffered(FILE *file)
{
    return span_of(file->_IO_read_ptr, (size_t)(file->_IO_read_end - file->_IO_read_ptr));
}

static void skip(FILE *file, size_t n)
{
    file->_IO_read_ptr += n;
}

bool record_take(const struct record_source *r, struct packet *p)
{
    uint32_t seconds, fraction, captured, length;
    struct span at = buffered(r->file);
    if (at.n < HEADER)
        return false;
    memcpy(&seconds, at.p, 4);
    memcpy(&fraction, at.p + 4, 4);
    memcpy(&captured, at.p + 8, 4);
    memcpy(&length, at.p + 12, 4);
    if (captured > at.n - HEADER || captured > r->longest)
        return false;
    uint64_t ns = (uint64_t)fraction * r->tick;
    if (ns >= NS_PER_S)
        return false;
    p->time = (nstime)seconds * NS_PER_S + (nstime)ns;
    p->bytes = span_of(at.p + HEADER, captured);
    p->wire_len = length > captured ? length : captured;
    skip(r->file, HEADER + captured);
    return true;
}
