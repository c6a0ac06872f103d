/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that config, engine, store and commands share, and their one table each: key types and challenge types.
 */
#ifndef BASE_TERMS_H
#define BASE_TERMS_H

#include "base/compiler.h"

#include <stdbool.h>

API_BEGIN

enum key_type {
	KEY_TYPE_ECDSA_P256,
	KEY_TYPE_ECDSA_P384,
	KEY_TYPE_RSA_2048,
	KEY_TYPE_RSA_3072,
	KEY_TYPE_RSA_4096,
	KEY_TYPE_ED25519, /* accounts only: no public CA certifies such a key */
};

enum challenge_type {
	CHALLENGE_HTTP_01,
	CHALLENGE_DNS_01,
	CHALLENGE_TLS_ALPN_01,
	CHALLENGE_DNS_ACCOUNT_01,
	CHALLENGE_DNS_PERSIST_01,
	CHALLENGE_UNKNOWN, /* a type of the CA's that this version does not know */
};

/* "ecdsa-p256", … */
const char *key_type_name(enum key_type type);
/* A certificate's key type; and an account's, which may be "ed25519" too. */
MUST_CHECK bool key_type_parse(const char *text, enum key_type *ret);
MUST_CHECK bool key_type_parse_account(const char *text, enum key_type *ret);

/* "http-01", …; "unknown". Parsing an unlisted word gives CHALLENGE_UNKNOWN. */
const char *challenge_type_name(enum challenge_type type);
enum challenge_type challenge_type_parse(const char *text);

/* Whether TYPE is proven by a DNS record: wildcards need that, and addresses have none (RFC 8555 §7.1.3, RFC 8738 §7).
 */
bool challenge_type_is_dns(enum challenge_type type);

/* How command line and config ask for TYPE, for an advice: "--dns PROVIDER (in the config dns_provider)"; NULL: not
 * yet. */
const char *challenge_type_usage(enum challenge_type type);

/* Why nobody can ask for must-staple: for messages, begins in lower case, no full stop. */
extern const char *const must_staple_reason;

API_END

#endif
