/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the RFCs' examples and of our own vectors. */
#ifndef TESTS_ACME_SUPPORT_KEYS_H
#define TESTS_ACME_SUPPORT_KEYS_H

#include "acme/key.h"

extern const char vector_ec_pem[]; /* RFC 7515 A.3 */
extern const char vector_ec_traditional_pem[];
extern const char vector_ec_encrypted_pem[];
extern const char vector_rsa_pem[];         /* RFC 7515 A.2 */
extern const char vector_short_x_pem[];     /* x begins with a zero byte */
extern const char vector_short_y_pem[];     /* y begins with a zero byte */
extern const char vector_ed_pem[];          /* RFC 8037 A.1 */
extern const char vector_p521_public_pem[]; /* RFC 7515 A.4, the public part; y begins with a zero byte */
extern const char vector_p521_pem[];
extern const char vector_rsa_1024_pem[];
extern const char vector_rfc7638_jwk[]; /* RFC 7638 section 3.1 */

/* The key in PEM, which must be good; the caller frees it. */
struct key *vector_key(const char *pem);

#endif
