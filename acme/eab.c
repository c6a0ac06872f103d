/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External account binding: the one place where ACME signs with a MAC. It is an ordinary JWS whose signer is a MAC.
 */
#include "acme/eab.h"

#include "acme/jws.h"

#include <openssl/evp.h>

/* `sign` of struct acme_signer with a struct acme_eab as context: HS256, RFC 7518 §3.2. */
static bool sign_hs256(void *ctx, const void *data, size_t len, struct buf *ret, struct error *err)
{
	const struct acme_eab *eab = ctx;
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t mac_len = 0;
	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, eab->hmac_key, eab->hmac_key_len, data, len, mac, sizeof(mac),
		      &mac_len) == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "cannot compute the external account binding's MAC");
	buf_append(ret, mac, mac_len);
	return true;
}

bool eab_build(const struct acme_eab *eab, const char *jwk, const char *url, struct buf *ret, struct error *err)
{
	struct acme_eab context = *eab;
	const struct acme_signer mac = {.ctx = &context, .alg = "HS256", .sign = sign_hs256};
	const struct jws_header header = {.kid = eab->kid, .url = url};

	if (eab->hmac_key_len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "the external account's HMAC key is empty");
	return jws_build(&mac, &header, jwk, ret, err);
}
