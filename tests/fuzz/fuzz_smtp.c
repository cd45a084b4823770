/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMTP reader, differential: the same dialogue fed whole and in small pieces, by the
 * short way where it may, must give the same facts. Input: turns, each a byte of flags (bit 0
 * direction, bit 1 not heard, bits 2-3 a gap), a length byte and that many bytes.
 */
#include "../unit/talk.h"

static size_t read_turns(const uint8_t *p, size_t n, struct turn *out, size_t max)
{
    size_t count = 0;

    while (n >= 2 && count < max) {
        size_t len = p[1] < n - 2 ? p[1] : n - 2;
        enum talk_kind kind = (p[0] & 12) == 12 ? (p[0] & 16 ? TALK_CUT : TALK_GAP)
                                                : (p[0] & 2 ? TALK_DEAF : TALK_BYTES);
        if (len)
            out[count++] =
                (struct turn){(enum session_dir)(p[0] & 1), (const char *)p + 2, len, kind};
        p += 2 + len;
        n -= 2 + len;
    }
    return count;
}

static char *facts(const struct turn *t, size_t n, size_t piece, bool pass)
{
    struct talk k;
    char *text;

    talk_begin(&k);
    k.pass = pass;
    talk_all(&k, t, n, piece);
    text = session_text_of(&k.s);
    talk_end(&k);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct turn turns[256];
    size_t n = read_turns(data, size, turns, 256);
    char *whole = facts(turns, n, SIZE_MAX, false);
    char *split = facts(turns, n, 1 + size % 16, true);

    if (strcmp(whole, split) != 0)
        abort();
    free(whole);
    free(split);
    return 0;
}
