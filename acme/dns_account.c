/* SPDX-License-Identifier: Apache-2.0 */
/* The label. Ten bytes are sixteen characters of base32 (RFC 4648 §6) without padding, so none is written. */
#include "acme/dns_account.h"

#include "acme/jwk.h"

#include <string.h>

enum { HASHED_BYTES = 10 };

bool dns_account_label(const char *account_url, char ret[DNS_ACCOUNT_LABEL_SIZE], struct error *err)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char digest[SHA256_SIZE];
	unsigned bits = 0, have = 0;
	size_t len = 0;

	if (!sha256_digest(account_url, strlen(account_url), digest, err))
		return false;
	ret[len++] = '_';
	for (size_t i = 0; i < HASHED_BYTES; i++) {
		bits = bits << 8 | digest[i];
		for (have += 8; have >= 5; have -= 5)
			ret[len++] = alphabet[bits >> (have - 5) & 31];
	}
	ret[len] = '\0';
	return true;
}
