/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/pack.h"

#include "base/heap.h"

_Static_assert(sizeof(struct flow) % 8 == 0 && sizeof(struct session) % 8 == 0,
               "sparse_pack() takes whole words");

#define KEY_ROOM 64 /* a group of words: the first one, which has the key */
_Static_assert(offsetof(struct flow, key) + sizeof(struct flow_key) <= KEY_ROOM &&
                   offsetof(struct flow, key) == 0,
               "the key is more than a group");

static size_t put(uint8_t *to, const void *from, size_t n)
{
    if (n)
        memcpy(to, from, n);
    return n;
}

/* What can be told from something else becomes zero, or small; done twice, it is undone. */
static void fold_flow(struct flow *f)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        f->dir[d].next ^= f->dir[d].base;
        f->dir[d].acked ^= f->dir[d].base;
    }
}

static void fold_session(struct session *s, nstime touched)
{
    s->first ^= touched;
    s->last ^= touched;
    s->now ^= touched;
}

/* Most lines follow one upon the other, and are kept whole. */
static void predict(const struct ehlo_line *before, struct ehlo_line *out)
{
    *out = (struct ehlo_line){
        .text.off = (uint16_t)(before->text.off + before->text.len),
        .offset = before->offset + before->line_len + 6, /* code, separator, CR and LF */
    };
}

static struct ehlo_line differ(const struct ehlo_line *a, const struct ehlo_line *guess)
{
    struct ehlo_line out = *a;

    out.text.off = (uint16_t)(out.text.off - guess->text.off);
    out.offset -= guess->offset;
    out.line_len = (uint16_t)(out.line_len - out.text.len);
    return out;
}

static struct ehlo_line add(const struct ehlo_line *difference, const struct ehlo_line *guess)
{
    struct ehlo_line out = *difference;

    out.text.off = (uint16_t)(out.text.off + guess->text.off);
    out.offset += guess->offset;
    out.line_len = (uint16_t)(out.line_len + out.text.len);
    return out;
}

/* Lines as words: an even number of them. */
static size_t lines_size(uint8_t count)
{
    return (count + (count & 1u)) * sizeof(struct ehlo_line);
}

static size_t pack_lines(const struct smtp_reading *r, uint8_t *to)
{
    struct ehlo_line image[CAP_REPLY_LINES + 1], guess = {0};

    memset(image, 0, lines_size(r->line_count));
    for (uint8_t i = 0; i < r->line_count; i++) {
        image[i] = differ(&r->line[i], &guess);
        predict(&r->line[i], &guess);
    }
    return sparse_pack(to, image, lines_size(r->line_count));
}

/* Of the pool: from the first to the last line behind the greeting; empty when there is none. */
static struct span reply_of(const struct session *s)
{
    const struct smtp_reading *r = &s->reading;
    struct text first, last;

    if (r->line_count < 2)
        return span_of(NULL, 0);
    first = r->line[1].text;
    last = r->line[r->line_count - 1].text;
    if (last.off + last.len <= first.off)
        return span_of(NULL, 0);
    return span_of(s->pool + first.off, (size_t)(last.off + last.len - first.off));
}

static size_t pack_session(const struct session *s, nstime touched, uint8_t *to, struct span *reply)
{
    struct session image = *s;
    size_t n, head;

    image.key = (struct flow_key){0}; /* the flow has it */
    image.serial = 0;
    image.reading.line = NULL;
    image.rcpt = NULL;
    image.rcpt_domain = NULL;
    image.pool = NULL;
    image.other = NULL;
    image.handshake = NULL;
    image.peer = NULL;
    image.memo = NULL;
    fold_session(&image, touched);
    *reply = reply_of(s);
    n = sparse_pack(to, &image, sizeof(image));
    n += pack_lines(&s->reading, to + n);
    n += put(to + n, s->rcpt, s->rcpt_count * sizeof(*s->rcpt));
    n += put(to + n, s->rcpt_domain, s->rcpt_domain_count * sizeof(*s->rcpt_domain));
    head = reply->n ? (size_t)(reply->p - s->pool) : s->pool_used;
    n += put(to + n, s->pool, head);
    if (reply->n)
        n += put(to + n, reply->p + reply->n, s->pool_used - head - reply->n);
    return n;
}

size_t pack_flow(const struct flow *f, bool silent, uint8_t *to, struct pack_kept *kept)
{
    struct flow image = *f;
    size_t n = 1;

    *kept = (struct pack_kept){.other = f->session->other,
                               .handshake = f->session->handshake,
                               .peer = f->session->peer,
                               .memo = f->session->memo,
                               .evidence = f->evidence,
                               .held = {f->dir[0].held, f->dir[1].held}};
    image.index = 0;
    image.closing = false;
    image.waiting = false;
    image.session = NULL;
    image.smtp = NULL;
    image.evidence = NULL;
    image.age = image.wait = (struct flow_link){0, 0};
    image.pass.last ^= f->touched;
    image.queued = 0;
    image.touched = 0;
    fold_flow(&image);
    if (silent)
        memset(image.recent, 0, sizeof(image.recent));
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        image.dir[d].held = NULL;
    to[0] = f->smtp != NULL;
    n += sparse_pack(to + n, &image, sizeof(image));
    n += pack_session(f->session, f->touched, to + n, &kept->reply);
    return f->smtp ? n + smtp_pack(f->smtp, to + n, kept->line) : n;
}

void pack_release(struct flow *f)
{
    struct session *s = f->session;

    s->other = NULL;
    s->handshake = NULL;
    s->peer = NULL;
    s->memo = NULL;
    session_free(s);
    if (f->smtp)
        smtp_pack_release(f->smtp);
    f->session = NULL;
    f->smtp = NULL;
    f->evidence = NULL;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        f->dir[d].held = NULL;
}

struct flow_key pack_key(const uint8_t *from)
{
    uint64_t front[KEY_ROOM / sizeof(uint64_t)];
    struct flow_key key;

    (void)sparse_unpack(from + 1, front, sizeof(front));
    memcpy(&key, front, sizeof(key));
    return key;
}

/* A list of session_list_room(), of `count` entries of `size` bytes; NULL for none or no memory. */
static void *get_list(const uint8_t **from, size_t count, size_t size, bool *ok)
{
    void *list = count ? heap_alloc(session_list_places(count) * size) : NULL;

    if (list)
        memcpy(list, *from, count * size);
    *ok &= list || count == 0;
    *from += count * size;
    return list;
}

static struct ehlo_line *get_lines(const uint8_t **from, uint8_t count, bool *ok)
{
    struct ehlo_line image[CAP_REPLY_LINES + 1], guess = {0};
    struct ehlo_line *list = count ? heap_alloc(session_list_places(count) * sizeof(*list)) : NULL;

    *ok &= list || count == 0;
    *from += sparse_unpack(*from, image, lines_size(count));
    for (uint8_t i = 0; list && i < count; i++) {
        list[i] = add(&image[i], &guess);
        predict(&list[i], &guess);
    }
    return list;
}

static uint8_t *get_pool(const uint8_t **from, const struct session *s, struct span reply, bool *ok)
{
    uint8_t *pool = s->pool_size ? heap_alloc(s->pool_size) : NULL;
    size_t head = reply.n ? s->reading.line[1].text.off : s->pool_used;

    *ok &= pool || !s->pool_size;
    if (!pool)
        return NULL;
    *from += put(pool, *from, head);
    (void)put(pool + head, reply.p, reply.n);
    *from += put(pool + head + reply.n, *from, s->pool_used - head - reply.n);
    return pool;
}

static struct session *restore_session(const uint8_t **from, const struct pack_kept *kept,
                                       nstime touched)
{
    struct session *s = heap_alloc(sizeof(*s));
    bool ok = true;

    if (!s)
        return NULL;
    *from += sparse_unpack(*from, s, sizeof(*s));
    fold_session(s, touched);
    s->reading.line = get_lines(from, s->reading.line_count, &ok);
    s->rcpt = get_list(from, s->rcpt_count, sizeof(*s->rcpt), &ok);
    s->rcpt_domain = get_list(from, s->rcpt_domain_count, sizeof(*s->rcpt_domain), &ok);
    if (ok)
        s->pool = get_pool(from, s, kept->reply, &ok);
    if (!ok) {
        session_free(s);
        return NULL;
    }
    s->other = kept->other;
    s->handshake = kept->handshake;
    s->peer = kept->peer;
    s->memo = kept->memo;
    return s;
}

bool pack_restore(const uint8_t *from, const struct pack_kept *kept, nstime touched,
                  uint64_t serial, struct flow *f)
{
    bool has_reader = *from++;
    struct flow image;
    struct session *s;
    struct smtp *m = NULL;

    from += sparse_unpack(from, &image, sizeof(image));
    s = restore_session(&from, kept, touched);
    if (!s)
        return false;
    if (has_reader && !(m = smtp_restore(from, kept->line, s))) {
        s->other = NULL;
        s->handshake = NULL;
        s->peer = NULL;
        s->memo = NULL;
        session_free(s);
        return false;
    }
    fold_flow(&image);
    s->key = image.key;
    s->serial = serial;
    image.index = f->index;
    image.age = f->age;
    image.queued = f->queued;
    image.touched = touched;
    image.pass.last ^= touched;
    image.session = s;
    image.smtp = m;
    image.evidence = kept->evidence;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        image.dir[d].held = kept->held[d];
    *f = image;
    return true;
}
