/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys: generated, read from PEM and written to it. What is accepted is what ACME CAs take for accounts and
 * certificates; anything else is refused when it is read, not when the CA complains.
 */
#include "acme/openssl.h"
#include "base/str.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

/* Takes PKEY over, whatever comes of it. */
static struct key *key_wrap(EVP_PKEY *take_pkey, enum key_type type, struct error *err)
{
	CLEANUP(key_freep) struct key *key = calloc(1, sizeof(*key));
	if (key == NULL) {
		EVP_PKEY_free(take_pkey);
		(void)error_oom(err);
		return NULL;
	}
	key->pkey = take_pkey;
	key->type = type;
	key->jwk = jwk_from_key(key->pkey, err);
	return key->jwk != NULL ? STEAL(key) : NULL;
}

struct key *key_generate(enum key_type type, struct error *err)
{
	EVP_PKEY *pkey = NULL;
	switch (type) {
	case KEY_TYPE_ECDSA_P256:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		break;
	case KEY_TYPE_ECDSA_P384:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
		break;
	case KEY_TYPE_RSA_2048:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
		break;
	case KEY_TYPE_RSA_3072:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)3072);
		break;
	case KEY_TYPE_RSA_4096:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)4096);
		break;
	case KEY_TYPE_ED25519:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	if (pkey == NULL) {
		(void)openssl_error(err, "cannot generate a key");
		return NULL;
	}
	return key_wrap(pkey, type, err);
}

/* Which of our types PKEY is; ERROR_DATA when no CA would take it. */
static bool classify(EVP_PKEY *pkey, enum key_type *ret, struct error *err)
{
	int bits = EVP_PKEY_get_bits(pkey);
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
			return error_set(err, ERROR_DATA, NULL, "an RSA key of %d bits is not supported (%d to %d are)",
					 bits, RSA_BITS_MIN, RSA_BITS_MAX);
		*ret = bits >= 4096 ? KEY_TYPE_RSA_4096 : bits >= 3072 ? KEY_TYPE_RSA_3072 : KEY_TYPE_RSA_2048;
		return true;
	}
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*ret = KEY_TYPE_ED25519;
		return true;
	}
	if (!EVP_PKEY_is_a(pkey, "EC"))
		return error_set(err, ERROR_DATA, NULL, "the key is neither an EC, an RSA nor an Ed25519 key");

	char group[64] = "";
	(void)EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
	if (str_equal(group, "prime256v1")) {
		*ret = KEY_TYPE_ECDSA_P256;
		return true;
	}
	if (str_equal(group, "secp384r1")) {
		*ret = KEY_TYPE_ECDSA_P384;
		return true;
	}
	ERR_clear_error();
	return error_set(err, ERROR_DATA, NULL, "the EC key's curve is neither P-256 nor P-384");
}

struct key *key_from_public(EVP_PKEY *take_pkey, struct error *err)
{
	enum key_type type = KEY_TYPE_ECDSA_P256;
	if (!classify(take_pkey, &type, err)) {
		EVP_PKEY_free(take_pkey);
		return NULL;
	}
	return key_wrap(take_pkey, type, err);
}

struct key *key_from_pem(const struct secret *pem, struct error *err)
{
	if (pem->data == NULL || pem->len > INT32_MAX) {
		(void)error_set(err, ERROR_DATA, NULL, "there is no private key");
		return NULL;
	}
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, openssl_no_password, NULL);
	ERR_clear_error(); /* its reasons name decoders, not what is wrong */
	if (pkey == NULL) {
		if (memmem(pem->data, pem->len, "ENCRYPTED", strlen("ENCRYPTED")) != NULL) {
			(void)error_set(err, ERROR_DATA, NULL, "the private key is encrypted with a passphrase");
			error_hint(err, "decrypt it with \"openssl pkey -in KEY -out KEY.new\"");
		} else {
			(void)error_set(err, ERROR_DATA, NULL, "no private key could be read from the PEM text");
		}
		return NULL;
	}
	enum key_type type = KEY_TYPE_ECDSA_P256;
	if (!classify(pkey, &type, err))
		return NULL;
	return key_wrap(STEAL(pkey), type, err);
}

bool key_to_pem(const struct key *key, struct secret *ret, struct error *err)
{
	/* The secure heap, so that the text never lies in ordinary memory. */
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return openssl_error(err, "cannot write the private key");
	long len = BIO_get_mem_data(bio, &text);
	if (len <= 0)
		return openssl_error(err, "cannot write the private key");
	return secret_set(ret, text, (size_t)len, err);
}

void key_free(struct key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key->jwk);
	free(key);
}

const char *key_jwk(const struct key *key)
{
	return key->jwk;
}

enum key_type key_get_type(const struct key *key)
{
	return key->type;
}
