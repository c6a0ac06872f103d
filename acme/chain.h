/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate chains: parsed strictly from PEM, checked before one may become live, and described.
 */
#ifndef ACME_CHAIN_H
#define ACME_CHAIN_H

#include "acme/key.h"

API_BEGIN

struct chain;

/*
 * PEM text as a chain: 1 to LIMIT_CHAIN_CERTIFICATES CERTIFICATE blocks and nothing else (any other "-----BEGIN", a
 * private key above all, refuses the whole: RFC 8555 §11.4), each re-encoding to the same DER. ERROR_DATA otherwise.
 */
MUST_CHECK struct chain *chain_parse(const char *pem, size_t len, struct error *err);
void chain_free(struct chain *chain);
DEFINE_FREEP(chain_freep, struct chain, chain_free)

/*
 * May this chain become live? KEY's public key is the leaf's; the leaf's names are exactly IDENTIFIERS (a missing or
 * extra one fails); in date at NOW with 5 minutes of grace before and 1 hour left after; the leaf is no CA, each next
 * one is a CA, issued and signed the one before it, none repeats; keys at least RSA 2048 or P-256, signatures with
 * SHA-2 or SHA-3 (but for what a root at the end signs about itself). ERROR_CA with the reason otherwise. (security:
 * SSL-5)
 */
MUST_CHECK bool chain_verify(const struct chain *chain, const struct key *key, const struct identifier *identifiers,
			     size_t count, int64_t now, struct error *err);

/* Only the first of those: KEY belongs to the leaf. For what is stored already. */
MUST_CHECK bool chain_matches_key(const struct chain *chain, const struct key *key, struct error *err);

enum { CHAIN_NAME_SIZE = 256 };

/*
 * Who is to certify the chain's last certificate: its issuer's common name, else its whole name; terminal-safe. The
 * root itself is normally absent (RFC 8555 §9.1).
 */
void chain_top_issuer(const struct chain *chain, char ret[CHAIN_NAME_SIZE]);

struct chain_info {
	char serial[64];             /* lower-case hex without separators */
	char issuer[256];            /* the issuer's common name, else its whole name; terminal-safe */
	char fingerprint_sha256[65]; /* of the leaf's DER, lower-case hex */
	int64_t not_before;          /* wall clock seconds */
	int64_t not_after;
};

MUST_CHECK bool chain_info(const struct chain *chain, struct chain_info *ret, struct error *err);

/* The leaf's names: malloc'd array of *RET_COUNT identifiers. ERROR_DATA when one is neither a DNS name nor an address.
 */
MUST_CHECK bool chain_identifiers(const struct chain *chain, struct identifier **ret, size_t *ret_count,
				  struct error *err);

/* The leaf's DER, appended to RET. */
MUST_CHECK bool chain_leaf_der(const struct chain *chain, struct buf *ret, struct error *err);

/* Re-encoded PEM: the leaf alone, the rest alone (maybe empty), all of it. Appended to RET. */
MUST_CHECK bool chain_leaf_pem(const struct chain *chain, struct buf *ret, struct error *err);
MUST_CHECK bool chain_rest_pem(const struct chain *chain, struct buf *ret, struct error *err);
MUST_CHECK bool chain_full_pem(const struct chain *chain, struct buf *ret, struct error *err);

API_END

#endif
