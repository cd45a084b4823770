/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The low-level calls: deprecated since OpenSSL 3.0 and there for good reason. The first digest by
 * EVP reads a configuration file and loads every algorithm of the default provider, which costs
 * more than a thousand sessions, and each one takes twice the time of the sixty bytes it hashes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

_Static_assert(MD5_DIGEST_LENGTH == 16 && SHA_DIGEST_LENGTH == 20 && SHA256_DIGEST_LENGTH == 32,
               "as digest.h has them");

int digest_md5(struct span in, uint8_t out[16])
{
    MD5_CTX c;
    memset(out, 0, MD5_DIGEST_LENGTH);
    if (MD5_Init(&c) == 1 && MD5_Update(&c, in.p, in.n) == 1 && MD5_Final(out, &c) == 1)
        return 0;
    return -1;
}

int digest_sha1(struct span in, uint8_t out[20])
{
    SHA_CTX c;
    memset(out, 0, SHA_DIGEST_LENGTH);
    if (SHA1_Init(&c) == 1 && SHA1_Update(&c, in.p, in.n) == 1 && SHA1_Final(out, &c) == 1)
        return 0;
    return -1;
}

int digest_sha256(struct span in, uint8_t out[32])
{
    SHA256_CTX c;
    memset(out, 0, SHA256_DIGEST_LENGTH);
    if (SHA256_Init(&c) == 1 && SHA256_Update(&c, in.p, in.n) == 1 && SHA256_Final(out, &c) == 1)
        return 0;
    return -1;
}
