/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <openssl/evp.h>

/*
 * The one context and its algorithms live as long as the thread: fetching an algorithm costs more
 * than hashing the sixty bytes that we hash.
 */
static _Thread_local struct {
    EVP_MD_CTX *context;
    EVP_MD *sha1;
    EVP_MD *sha256;
} kept;

static int digest(EVP_MD **algorithm, const char *name, struct span in, uint8_t *out, size_t out_n)
{
    memset(out, 0, out_n);
    if (kept.context == NULL)
        kept.context = EVP_MD_CTX_new();
    if (*algorithm == NULL)
        *algorithm = EVP_MD_fetch(NULL, name, NULL);
    if (kept.context == NULL || *algorithm == NULL)
        return -1;
    if (EVP_DigestInit_ex2(kept.context, *algorithm, NULL) != 1 ||
        EVP_DigestUpdate(kept.context, in.p, in.n) != 1 ||
        EVP_DigestFinal_ex(kept.context, out, NULL) != 1) {
        memset(out, 0, out_n);
        return -1;
    }
    return 0;
}

int digest_sha1(struct span in, uint8_t out[20])
{
    return digest(&kept.sha1, "SHA1", in, out, 20);
}

int digest_sha256(struct span in, uint8_t out[32])
{
    return digest(&kept.sha256, "SHA256", in, out, 32);
}
