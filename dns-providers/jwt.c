/* SPDX-License-Identifier: Apache-2.0 */
/* header "." claims "." signature, each in base64url. */
#include "dns-providers/jwt.h"

#include "base/base64url.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_MIN = 2048, BITS_MAX = 8192, HASH_SIZE = 32 };

struct jwt_key {
	EVP_PKEY *pkey;
};

DEFINE_FREEP(bio_freep, BIO, BIO_free_all)
DEFINE_FREEP(x509_freep, X509, X509_free)
DEFINE_FREEP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

static bool failed(struct error *err, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERROR_INTERNAL, NULL, "%s failed", what);
}

/* A key with a password is refused, instead of asking a terminal for it. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf, (void)size, (void)writing, (void)ctx;
	return -1;
}

void jwt_key_free(struct jwt_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

struct jwt_key *jwt_key_read(const char *pem, size_t len, const char *source, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	CLEANUP(jwt_key_freep) struct jwt_key *key = calloc(1, sizeof(*key));

	if (bio == NULL || key == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	ERR_clear_error();
	if (key->pkey == NULL) {
		error_hint(err, "it has to be PEM, without a password: -----BEGIN PRIVATE KEY-----");
		(void)error_set(err, ERROR_CONFIG, NULL, "%s holds no private key that can be read", source);
		return NULL;
	}
	int bits = EVP_PKEY_get_bits(key->pkey);
	if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA || bits < BITS_MIN || bits > BITS_MAX) {
		(void)error_set(err, ERROR_CONFIG, NULL, "%s: the key is no RSA key of %d to %d bits", source, BITS_MIN,
				BITS_MAX);
		return NULL;
	}
	return STEAL(key);
}

static bool add_part(struct buf *out, json_t *part, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_CREDENTIAL_FILE);
	if (part == NULL)
		return error_oom(err);
	if (!json_write(part, /* pretty= */ false, &text, err) || !buf_check(&text, "token", err))
		return false;
	base64url_encode(out, text.data, text.len);
	return true;
}

/* The signature of SIGNED, in base64url, appended to OUT. */
static bool add_signature(const struct jwt_key *key, enum jwt_algorithm algorithm, const struct buf *to_sign,
			  struct buf *out, struct error *err)
{
	unsigned char signature[BITS_MAX / 8];
	size_t size = sizeof(signature);
	EVP_PKEY_CTX *padding = NULL; /* the context's */
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestSignInit(ctx, &padding, EVP_sha256(), NULL, key->pkey) != 1)
		return failed(err, "signing a token");
	if (algorithm == JWT_PS256 && (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) != 1 ||
				       EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) != 1))
		return failed(err, "signing a token");
	if (EVP_DigestSign(ctx, signature, &size, (const unsigned char *)to_sign->data, to_sign->len) != 1)
		return failed(err, "signing a token");
	base64url_encode(out, signature, size);
	return true;
}

bool jwt_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, const char *name, const char *id,
	      const char *claims, struct secret *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf signature;
	CLEANUP(buf_done) struct buf token;
	json_t *header AUTO_JSON =
		json_pack("{s:s, s:s}", "alg", algorithm == JWT_PS256 ? "PS256" : "RS256", "typ", "JWT");

	buf_init(&token, LIMIT_CREDENTIAL_FILE);
	buf_init(&signature, LIMIT_CREDENTIAL_FILE);
	if (name != NULL && json_object_set_new(header, name, json_string(id)) != 0)
		return error_oom(err);
	if (!add_part(&token, header, err))
		return false;
	buf_char(&token, '.');
	base64url_encode(&token, claims, strlen(claims));
	if (!buf_check(&token, "token", err) || !add_signature(key, algorithm, &token, &signature, err))
		return false;
	buf_char(&token, '.');
	buf_append(&token, signature.data, signature.len);
	return buf_check(&token, "token", err) && secret_set(ret, token.data, token.len, err);
}

bool jwt_thumbprint(const struct jwt_key *key, const char *pem, size_t len, const char *source, struct buf *ret,
		    struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	unsigned char hash[HASH_SIZE];
	unsigned size = 0;

	if (bio == NULL)
		return error_oom(err);
	for (;;) {
		CLEANUP(x509_freep) X509 *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		ERR_clear_error();
		if (cert == NULL)
			return error_set(err, ERROR_CONFIG, NULL, "%s holds no certificate for its key", source);
		if (X509_check_private_key(cert, key->pkey) != 1)
			continue;
		if (X509_digest(cert, EVP_sha256(), hash, &size) != 1)
			return failed(err, "hashing a certificate");
		base64url_encode(ret, hash, size);
		return buf_check(ret, "thumbprint", err);
	}
}
