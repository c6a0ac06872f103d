/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External account binding: the one place where ACME signs with a MAC. It is an ordinary JWS whose signer is a MAC.
 */
#include "acme/eab.h"

#include "acme/jws.h"
#include "base/base64url.h"
#include "base/limits.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <string.h>

/* RFC 7518 §3.2; the first is the default. */
static const struct {
	const char *alg, *digest;
} algorithms[] = {{"HS256", "SHA256"}, {"HS384", "SHA384"}, {"HS512", "SHA512"}};

static const char *digest_of(const char *alg)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (str_equal(algorithms[i].alg, alg))
			return algorithms[i].digest;
	return NULL;
}

bool eab_alg_is_known(const char *name)
{
	return digest_of(name) != NULL;
}

/* `sign` of struct acme_signer with a struct acme_eab as context. */
static bool sign(void *ctx, const void *data, size_t len, struct buf *ret, struct error *err)
{
	const struct acme_eab *eab = ctx;
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t mac_len = 0;
	if (EVP_Q_mac(NULL, "HMAC", NULL, digest_of(eab->alg), NULL, eab->hmac_key, eab->hmac_key_len, data, len, mac,
		      sizeof(mac), &mac_len) == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "cannot compute the external account binding's MAC");
	buf_append(ret, mac, mac_len);
	return true;
}

bool eab_build(const struct acme_eab *eab, const char *jwk, const char *url, struct buf *ret, struct error *err)
{
	struct acme_eab context = *eab;
	if (context.alg == NULL)
		context.alg = algorithms[0].alg;
	const struct acme_signer mac = {.ctx = &context, .alg = context.alg, .sign = sign};
	const struct jws_header header = {.kid = eab->kid, .url = url};

	if (!eab_alg_is_known(context.alg))
		return error_set(err, ERROR_CONFIG, NULL,
				 "the external account's algorithm is none of HS256, HS384, "
				 "HS512");
	if (str_is_empty(eab->kid))
		return error_set(err, ERROR_CONFIG, NULL, "the external account's key id is empty");
	if (eab->hmac_key_len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "the external account's HMAC key is empty");
	return jws_build(&mac, &header, jwk, ret, err);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool eab_key_decode(const struct secret *text, struct secret *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf plain, decoded;
	const char *at = text->data;
	size_t len = text->len;
	buf_init(&plain, LIMIT_KEY_FILE);
	buf_init(&decoded, LIMIT_KEY_FILE);

	for (; len > 0 && is_space(at[0]); at++)
		len--;
	while (len > 0 && is_space(at[len - 1]))
		len--;
	while (len > 0 && at[len - 1] == '=')
		len--;
	if (len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "the external account's HMAC key is empty");
	for (size_t i = 0; i < len; i++)
		buf_char(&plain, at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i]);
	if (!buf_check(&plain, "HMAC key", err))
		return false;
	if (!base64url_decode(&decoded, plain.data, plain.len) || decoded.len == 0) {
		(void)error_set(err, ERROR_CONFIG, NULL, "the external account's HMAC key is not base64url");
		error_hint(err, "give it exactly as the CA shows it; it is not the key id");
		return false;
	}
	return buf_check(&decoded, "HMAC key", err) && secret_set(ret, decoded.data, decoded.len, err);
}
