/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as JSON Web Keys. The text is written by hand, not by a JSON library, because its bytes are hashed: the
 * members must stand in RFC 7638 §3 order without white space, and coordinates must keep their leading zeros.
 */
#include "acme/jwk.h"

#include "acme/openssl.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "base/str.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

enum { NUMBER_MAX = 1024 }; /* bytes of the largest number: an RSA modulus of 8192 bits */

/* Append `"NAME":"base64url(number)"`: WIDTH bytes with leading zeros, or with WIDTH 0 the shortest form. */
static bool append_number(struct buf *out, const char *name, EVP_PKEY *pkey, const char *param, int width,
			  struct error *err)
{
	CLEANUP(bignum_freep) BIGNUM *number = NULL;
	unsigned char bytes[NUMBER_MAX];

	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1)
		return openssl_error(err, "cannot read the public key");
	int len = BN_num_bytes(number);
	if (width == 0)
		width = len;
	if (width > NUMBER_MAX || BN_bn2binpad(number, bytes, width) != width)
		return openssl_error(err, "the public key is too large");
	buf_printf(out, "\"%s\":\"", name);
	base64url_encode(out, bytes, (size_t)width);
	buf_char(out, '"');
	return true;
}

/* RFC 7518 §6.2.1: crv, kty, x, y, the coordinates as long as the field. */
static bool append_ec(struct buf *out, EVP_PKEY *pkey, struct error *err)
{
	int bits = EVP_PKEY_get_bits(pkey);
	int width = (bits + 7) / 8;
	buf_printf(out, "{\"crv\":\"P-%d\",\"kty\":\"EC\",", bits);
	if (!append_number(out, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, width, err))
		return false;
	buf_char(out, ',');
	if (!append_number(out, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width, err))
		return false;
	buf_char(out, '}');
	return true;
}

/* RFC 8037 §2: crv, kty, x, the public key's 32 bytes. */
static bool append_okp(struct buf *out, EVP_PKEY *pkey, struct error *err)
{
	unsigned char bytes[32];
	size_t len = sizeof(bytes);
	if (EVP_PKEY_get_raw_public_key(pkey, bytes, &len) != 1 || len != sizeof(bytes))
		return openssl_error(err, "cannot read the public key");
	buf_str(out, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
	base64url_encode(out, bytes, len);
	buf_str(out, "\"}");
	return true;
}

/* RFC 7518 §6.3.1: e, kty, n, both numbers without leading zero bytes. */
static bool append_rsa(struct buf *out, EVP_PKEY *pkey, struct error *err)
{
	buf_char(out, '{');
	if (!append_number(out, "e", pkey, OSSL_PKEY_PARAM_RSA_E, /* width= */ 0, err))
		return false;
	buf_str(out, ",\"kty\":\"RSA\",");
	if (!append_number(out, "n", pkey, OSSL_PKEY_PARAM_RSA_N, /* width= */ 0, err))
		return false;
	buf_char(out, '}');
	return true;
}

char *jwk_from_key(EVP_PKEY *pkey, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, 4096);
	bool ok = EVP_PKEY_is_a(pkey, "EC")        ? append_ec(&text, pkey, err)
		  : EVP_PKEY_is_a(pkey, "ED25519") ? append_okp(&text, pkey, err)
						   : append_rsa(&text, pkey, err);
	return ok ? buf_take(&text, "public key", err) : NULL;
}

bool sha256_digest(const void *data, size_t len, unsigned char ret[SHA256_SIZE], struct error *err)
{
	return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) == 1 ||
	       openssl_error(err, "cannot compute a SHA-256 digest");
}

bool sha256_base64url(const char *text, char ret[SHA256_BASE64URL_SIZE], struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	CLEANUP(buf_done) struct buf encoded;
	buf_init(&encoded, SHA256_BASE64URL_SIZE);

	if (!sha256_digest(text, strlen(text), digest, err))
		return false;
	base64url_encode(&encoded, digest, sizeof(digest));
	if (!buf_check(&encoded, "digest", err))
		return false;
	memcpy(ret, encoded.data, SHA256_BASE64URL_SIZE);
	return true;
}

bool jwk_thumbprint(const char *jwk, char ret[44], struct error *err)
{
	return sha256_base64url(jwk, ret, err);
}
