/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/inflate.h"

#include <lz4.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

struct inflate {
    enum inflate_kind kind;
    bool between;      /* no member or frame is half read */
    bool padding;      /* zeros after the last gzip member: nothing may follow them */
    const char *error; /* of the library, or ours; NULL: none */
    z_stream gzip;
    ZSTD_DStream *zstd;
    LZ4F_dctx *lz4;
};

enum inflate_kind inflate_recognise(struct span head)
{
    if (head.n < 4)
        return INFLATE_NONE;
    uint32_t magic = (uint32_t)head.p[0] | (uint32_t)head.p[1] << 8 | (uint32_t)head.p[2] << 16 |
                     (uint32_t)head.p[3] << 24;
    if ((magic & 0xFFFFFF) == 0x088B1F) /* 08 is deflate, the only method there is */
        return INFLATE_GZIP;
    if (magic == LZ4F_MAGICNUMBER)
        return INFLATE_LZ4;
    /* A skippable frame in front is how pzstd begins; no LZ4 writer does so. */
    if (magic == ZSTD_MAGICNUMBER ||
        (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
        return INFLATE_ZSTD;
    return INFLATE_NONE;
}

static bool backend_init(struct inflate *d)
{
    switch (d->kind) {
    case INFLATE_GZIP:
        return inflateInit2(&d->gzip, MAX_WBITS + 16) == Z_OK; /* + 16: gzip headers only */
    case INFLATE_ZSTD:
        d->zstd = ZSTD_createDStream();
        return d->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax,
                                                               INFLATE_WINDOW_LOG));
    case INFLATE_LZ4:
        return !LZ4F_isError(LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION));
    default:
        return false;
    }
}

struct inflate *inflate_new(enum inflate_kind kind)
{
    struct inflate *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->kind = kind;
    d->between = true;
    if (!backend_init(d)) {
        inflate_free(d);
        return NULL;
    }
    return d;
}

/* Between two members gzip(1) allows zeros at the end (tapes) and nothing else. */
static int gzip_begin(struct inflate *d, struct span *in)
{
    while (in->n > 0 && in->p[0] == 0) {
        d->padding = true;
        *in = span_from(*in, 1);
    }
    if (in->n == 0)
        return 0;
    if (d->padding) {
        d->error = "bytes after the end of the compressed data";
        return -1;
    }
    d->between = inflateReset(&d->gzip) != Z_OK;
    return 0;
}

static int gzip_feed(struct inflate *d, struct span *in, uint8_t *out, size_t room, size_t *made)
{
    if (d->between && gzip_begin(d, in))
        return -1;
    if (d->between)
        return 0;
    uInt take = in->n > UINT32_MAX ? UINT32_MAX : (uInt)in->n;
    uInt give = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    d->gzip.next_in = (Bytef *)(uintptr_t)in->p; /* zlib wants it writable and does not write */
    d->gzip.avail_in = take;
    d->gzip.next_out = out;
    d->gzip.avail_out = give;
    int r = inflate(&d->gzip, Z_NO_FLUSH);
    *made = give - d->gzip.avail_out;
    *in = span_from(*in, take - d->gzip.avail_in);
    d->between = r == Z_STREAM_END;
    if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
        return 0;
    d->error = d->gzip.msg ? d->gzip.msg : zError(r);
    return -1;
}

static int zstd_feed(struct inflate *d, struct span *in, uint8_t *out, size_t room, size_t *made)
{
    ZSTD_inBuffer from = {in->p, in->n, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t r = ZSTD_decompressStream(d->zstd, &to, &from);
    *made = to.pos;
    *in = span_from(*in, from.pos);
    if (ZSTD_isError(r)) {
        d->error = ZSTD_getErrorName(r);
        return -1;
    }
    if (from.pos > 0 || to.pos > 0)
        d->between = r == 0;
    return 0;
}

static int lz4_feed(struct inflate *d, struct span *in, uint8_t *out, size_t room, size_t *made)
{
    size_t taken = in->n, given = room;
    size_t r = LZ4F_decompress(d->lz4, out, &given, in->p, &taken, NULL);
    if (LZ4F_isError(r)) { /* the counts are void then */
        d->error = LZ4F_getErrorName(r);
        return -1;
    }
    *made = given;
    *in = span_from(*in, taken);
    if (taken > 0 || given > 0)
        d->between = r == 0;
    return 0;
}

int inflate_feed(struct inflate *d, struct span *in, uint8_t *out, size_t room, size_t *made)
{
    *made = 0;
    if (d->error)
        return -1;
    switch (d->kind) {
    case INFLATE_GZIP:
        return gzip_feed(d, in, out, room, made);
    case INFLATE_ZSTD:
        return zstd_feed(d, in, out, room, made);
    default:
        return lz4_feed(d, in, out, room, made);
    }
}

bool inflate_complete(const struct inflate *d)
{
    return d->between;
}

const char *inflate_error(const struct inflate *d)
{
    return d->error ? d->error : "no error";
}

void inflate_free(struct inflate *d)
{
    if (!d)
        return;
    if (d->kind == INFLATE_GZIP)
        inflateEnd(&d->gzip);
    ZSTD_freeDStream(d->zstd);
    LZ4F_freeDecompressionContext(d->lz4);
    free(d);
}

const char *inflate_library(enum inflate_kind kind)
{
    switch (kind) {
    case INFLATE_GZIP:
        return zlibVersion();
    case INFLATE_ZSTD:
        return ZSTD_versionString();
    default:
        return LZ4_versionString();
    }
}
