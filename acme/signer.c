/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key as a JWS signer: RS256, ES256, ES384 (RFC 7518 §3), EdDSA (RFC 8037 §3.1). OpenSSL gives ECDSA signatures as
 * DER; JOSE wants the two numbers at their full width.
 */
#include "acme/openssl.h"
#include "base/buf.h"
#include "base/str.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <string.h>

enum { SIGNATURE_MAX = 1024 }; /* RSA of 8192 bits */

DEFINE_FREEP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_FREEP(ecdsa_sig_freep, ECDSA_SIG, ECDSA_SIG_free)

bool ecdsa_der_to_raw(const unsigned char *der, size_t len, size_t width, struct buf *ret, struct error *err)
{
	unsigned char raw[2 * 66];
	const unsigned char *at = der;
	CLEANUP(ecdsa_sig_freep) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);

	if (signature == NULL || at != der + len || 2 * width > sizeof(raw) ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)width) != (int)width ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + width, (int)width) != (int)width)
		return openssl_error(err, "the ECDSA signature is malformed");
	buf_append(ret, raw, 2 * width);
	return true;
}

/* `sign` of struct acme_signer. */
static bool sign(void *ctx, const void *data, size_t len, struct buf *ret, struct error *err)
{
	const struct key *key = ctx;
	const EVP_MD *digest = key->type == KEY_TYPE_ECDSA_P384 ? EVP_sha384() : EVP_sha256();
	if (key->type == KEY_TYPE_ED25519)
		digest = NULL; /* it hashes by itself */
	CLEANUP(md_ctx_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char signature[SIGNATURE_MAX];
	size_t signature_len = sizeof(signature);

	if (md == NULL || EVP_DigestSignInit(md, NULL, digest, NULL, key->pkey) != 1 ||
	    EVP_DigestSign(md, signature, &signature_len, data, len) != 1)
		return openssl_error(err, "cannot sign");
	if (EVP_PKEY_is_a(key->pkey, "EC")) {
		size_t width = ((size_t)EVP_PKEY_get_bits(key->pkey) + 7) / 8;
		return ecdsa_der_to_raw(signature, signature_len, width, ret, err);
	}
	buf_append(ret, signature, signature_len);
	return true;
}

/* The first entry of an algorithm is the type to choose for it. */
static const struct {
	enum key_type type;
	const char *alg;
} algorithms[] = {
	{KEY_TYPE_ECDSA_P256, "ES256"}, {KEY_TYPE_ECDSA_P384, "ES384"}, {KEY_TYPE_RSA_2048, "RS256"},
	{KEY_TYPE_RSA_3072, "RS256"},   {KEY_TYPE_RSA_4096, "RS256"},   {KEY_TYPE_ED25519, "EdDSA"},
};

const char *key_type_algorithm(enum key_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].type == type)
			return algorithms[i].alg;
	return NULL;
}

bool key_type_for_algorithm(const char *alg, enum key_type *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (!str_equal(algorithms[i].alg, alg))
			continue;
		*ret = algorithms[i].type;
		return true;
	}
	return false;
}

bool key_signer(struct key *key, struct acme_signer *ret, struct error *err)
{
	const char *alg = key_type_algorithm(key->type);
	if (alg == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "the key has no JWS algorithm");
	*ret = (struct acme_signer){.ctx = key, .alg = alg, .jwk = key->jwk, .sign = sign};
	return true;
}
