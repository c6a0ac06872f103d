/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed DNS messages (TSIG, RFC 8945): a request is signed with a key that the server knows too, and its answer is
 * checked against it. Pure: the time is given. (libldns has a TSIG, but neither SHA-224 and SHA-384 nor a check of the
 * answer's time, and it says only yes or no.)
 */
#ifndef TRANSPORT_DNS_TSIG_H
#define TRANSPORT_DNS_TSIG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"

enum { DNS_TSIG_MAC_MAX = 64 };

/* RFC 8945 §3. */
enum { DNS_TSIG_BADSIG = 16, DNS_TSIG_BADKEY = 17, DNS_TSIG_BADTIME = 18, DNS_TSIG_BADTRUNC = 22 };

struct dns_tsig_algorithm;

struct dns_tsig_key {
	char name[256]; /* lower case, without the final dot */
	const struct dns_tsig_algorithm *algorithm;
	struct secret secret; /* the bytes */
};

void dns_tsig_key_done(struct dns_tsig_key *key);

/*
 * A key from its name, its algorithm ("hmac-sha256", "HMAC-SHA512", "sha512", "hmac-md5.sig-alg.reg.int") and its
 * secret in base64. ERROR_CONFIG saying which of the three is wrong, never what the secret is.
 */
MUST_CHECK bool dns_tsig_key_init(struct dns_tsig_key *ret, const char *name, const char *algorithm,
				  const struct secret *base64, struct error *err);

/* "hmac-sha256, hmac-sha512, …": those that are known, for messages. */
const char *dns_tsig_algorithm_names(void);
const char *dns_tsig_algorithm_name(const struct dns_tsig_key *key);

struct dns_tsig_mac {
	unsigned char bytes[DNS_TSIG_MAC_MAX];
	size_t len;
};

/* Sign MESSAGE at NOW (wall clock seconds): its TSIG record is appended. *RET is what the answer is checked against. */
MUST_CHECK bool dns_tsig_sign(const struct dns_tsig_key *key, int64_t now, struct buf *message,
			      struct dns_tsig_mac *ret, struct error *err);

/* What the TSIG record of an answer says. */
struct dns_tsig_verdict {
	bool signed_by_key;  /* with our key, for our request; its time fits unless `error` is BADTIME */
	int error;           /* the server's complaint (DNS_TSIG_…), 0: none or no TSIG record */
	int64_t server_time; /* by the server's clock, 0: not told */
};

/* Check the answer of LEN bytes to the request with MAC. An answer without TSIG is no failure. ERROR_DATA: malformed.
 */
MUST_CHECK bool dns_tsig_check(const struct dns_tsig_key *key, const struct dns_tsig_mac *mac, int64_t now,
			       const void *answer, size_t len, struct dns_tsig_verdict *ret, struct error *err);

#endif
