/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the classic packet filter (linux/filter.h), written as one writes them by hand. X
 * stands at the header that is looked at, so all loads from the packet are relative to X; jumps go
 * forward, to labels. A load beyond the captured bytes ends a program with 0.
 */
#ifndef SENSOR_BPF_H
#define SENSOR_BPF_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/caps.h"

struct bpf {
    struct sock_filter code[CAP_BPF_CODE];
    uint16_t count;
    uint16_t label[CAP_BPF_LABELS]; /* where each is bound */
    uint16_t labels;
    bool full; /* it had to be longer: not a program */
};

typedef uint16_t bpf_label;

static inline void bpf_init(struct bpf *b)
{
    b->count = 0;
    b->labels = 0;
    b->full = false;
}

void bpf_put(struct bpf *b, uint16_t code, uint32_t k);

/* A = bytes of the packet at X + offset; `size` is BPF_B, BPF_H or BPF_W. */
void bpf_load(struct bpf *b, uint16_t size, uint32_t offset);
void bpf_load_metadata(struct bpf *b, int32_t field); /* A = SKF_AD_... of the packet */
void bpf_forward(struct bpf *b, uint32_t bytes);      /* X += bytes; A is lost */

/* Scratch memory: sixteen words. */
void bpf_keep(struct bpf *b, uint32_t cell);   /* cell = A */
void bpf_recall(struct bpf *b, uint32_t cell); /* A = cell */

bpf_label bpf_label_new(struct bpf *b);
void bpf_bind(struct bpf *b, bpf_label l); /* here; all jumps to it are before */
void bpf_go(struct bpf *b, bpf_label l);
/* `test` is BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET of A and k. */
void bpf_go_if(struct bpf *b, uint16_t test, uint32_t k, bpf_label l);
void bpf_go_unless(struct bpf *b, uint16_t test, uint32_t k, bpf_label l);
/* When A is one of up to 200 values. */
void bpf_go_if_any(struct bpf *b, const uint16_t *value, size_t count, bpf_label l);

/* Makes the jumps so far what the kernel takes; once. Behind it comes what has none to labels. */
void bpf_resolve(struct bpf *b);
void bpf_append(struct bpf *b, const struct sock_filter *code, size_t count);

#endif
