/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/bpf.h"

void bpf_append(struct bpf *b, const struct sock_filter *code, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (b->count == CAP_BPF_CODE) {
            b->full = true;
            return;
        }
        b->code[b->count++] = code[i];
    }
}

static void put_jump(struct bpf *b, uint16_t test, uint32_t k, uint8_t yes, uint8_t no)
{
    const struct sock_filter i = {(uint16_t)(BPF_JMP | BPF_K | test), yes, no, k};
    bpf_append(b, &i, 1);
}

void bpf_put(struct bpf *b, uint16_t code, uint32_t k)
{
    const struct sock_filter i = {code, 0, 0, k};
    bpf_append(b, &i, 1);
}

void bpf_load(struct bpf *b, uint16_t size, uint32_t offset)
{
    bpf_put(b, (uint16_t)(BPF_LD | BPF_IND | size), offset);
}

void bpf_load_metadata(struct bpf *b, int32_t field)
{
    bpf_put(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + field));
}

void bpf_forward(struct bpf *b, uint32_t bytes)
{
    bpf_put(b, BPF_MISC | BPF_TXA, 0);
    bpf_put(b, BPF_ALU | BPF_ADD | BPF_K, bytes);
    bpf_put(b, BPF_MISC | BPF_TAX, 0);
}

void bpf_keep(struct bpf *b, uint32_t cell)
{
    bpf_put(b, BPF_ST, cell);
}

void bpf_recall(struct bpf *b, uint32_t cell)
{
    bpf_put(b, BPF_LD | BPF_MEM, cell);
}

bpf_label bpf_label_new(struct bpf *b)
{
    if (b->labels == CAP_BPF_LABELS) {
        b->full = true;
        return 0;
    }
    b->label[b->labels] = 0;
    return b->labels++;
}

void bpf_bind(struct bpf *b, bpf_label l)
{
    b->label[l] = b->count;
}

/* The label stands where the distance will. Its 32 bits reach everywhere, those of a test, with
 * eight, do not: tests jump over, or onto, one of these. */
void bpf_go(struct bpf *b, bpf_label l)
{
    bpf_put(b, BPF_JMP | BPF_JA, l);
}

void bpf_go_if(struct bpf *b, uint16_t test, uint32_t k, bpf_label l)
{
    put_jump(b, test, k, 0, 1);
    bpf_go(b, l);
}

void bpf_go_unless(struct bpf *b, uint16_t test, uint32_t k, bpf_label l)
{
    put_jump(b, test, k, 1, 0);
    bpf_go(b, l);
}

void bpf_go_if_any(struct bpf *b, const uint16_t *value, size_t count, bpf_label l)
{
    if (count == 0)
        return;
    for (size_t i = 0; i + 1 < count; i++)
        put_jump(b, BPF_JEQ, value[i], (uint8_t)(count - 1 - i), 0);
    bpf_go_if(b, BPF_JEQ, value[count - 1], l);
}

void bpf_resolve(struct bpf *b)
{
    for (uint16_t i = 0; i < b->count; i++)
        if (b->code[i].code == (BPF_JMP | BPF_JA))
            b->code[i].k = b->label[b->code[i].k] - i - 1U;
}
