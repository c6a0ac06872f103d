/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS #12, put together bag by bag. Salts and initialization vector are not drawn but derived from the private key and
 * the leaf (as RFC 6979 derives its numbers): nobody without the key can tell them from random ones, they differ from
 * certificate to certificate, and the same file can be made again.
 */
#include "acme/pkcs12.h"

#include "acme/openssl.h"
#include "base/buf.h"
#include "base/limits.h"

#include <openssl/pkcs12.h>
#include <string.h>

enum { ITERATIONS = 10 * 1000 /* as Java's keytool has it */, SALT_SIZE = 16, IV_SIZE = 16, DERIVED_SIZE = 32 };

DEFINE_FREEP(key_info_freep, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
DEFINE_FREEP(algorithm_freep, X509_ALGOR, X509_ALGOR_free)
DEFINE_FREEP(shrouded_freep, X509_SIG, X509_SIG_free)
DEFINE_FREEP(bag_freep, PKCS12_SAFEBAG, PKCS12_SAFEBAG_free)
DEFINE_FREEP(pkcs12_freep, PKCS12, PKCS12_free)

static void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void free_safes(STACK_OF(PKCS7) * safes)
{
	sk_PKCS7_pop_free(safes, PKCS7_free);
}

DEFINE_FREEP(bags_freep, STACK_OF(PKCS12_SAFEBAG), free_bags)
DEFINE_FREEP(safes_freep, STACK_OF(PKCS7), free_safes)

static bool failed(struct error *err)
{
	return openssl_error(err, "cannot make the PKCS #12 file");
}

/* What is not drawn: HMAC-SHA256, by the private key, over USE and the LEAF's digest. */
static bool derive(const PKCS8_PRIV_KEY_INFO *info, const X509 *leaf, const char *use, unsigned char ret[DERIVED_SIZE],
		   struct error *err)
{
	unsigned char message[EVP_MAX_MD_SIZE + 64], *der = NULL;
	unsigned digest_len = 0;
	size_t use_len = strlen(use), len = 0;
	int der_len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	bool ok = der_len > 0 && use_len <= sizeof(message) - EVP_MAX_MD_SIZE;

	if (ok) {
		memcpy(message, use, use_len);
		ok = X509_digest(leaf, EVP_sha256(), message + use_len, &digest_len) == 1 &&
		     EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, der, (size_t)der_len, message, use_len + digest_len,
			       ret, DERIVED_SIZE, &len) != NULL &&
		     len == DERIVED_SIZE;
	}
	OPENSSL_clear_free(der, der_len > 0 ? (size_t)der_len : 0);
	return ok || failed(err);
}

/* NAME and what ties key and leaf together, which every reader looks for. */
static bool tag(PKCS12_SAFEBAG *bag, const X509 *leaf, const char *name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return X509_digest(leaf, EVP_sha256(), digest, &len) == 1 && PKCS12_add_friendlyname_utf8(bag, name, -1) == 1 &&
	       PKCS12_add_localkeyid(bag, digest, (int)len) == 1;
}

static bool push(STACK_OF(PKCS12_SAFEBAG) * bags, PKCS12_SAFEBAG *take_bag)
{
	if (take_bag != NULL && sk_PKCS12_SAFEBAG_push(bags, take_bag) > 0)
		return true;
	PKCS12_SAFEBAG_free(take_bag);
	return false;
}

static bool add_certificates(STACK_OF(PKCS12_SAFEBAG) * bags, const struct chain *chain, const char *name,
			     struct error *err)
{
	for (int i = 0; i < sk_X509_num(chain->certificates); i++) {
		X509 *certificate = sk_X509_value(chain->certificates, i);
		CLEANUP(bag_freep) PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(certificate);
		if (bag == NULL || (i == 0 && !tag(bag, certificate, name)) || !push(bags, STEAL(bag)))
			return failed(err);
	}
	return true;
}

static bool add_key(STACK_OF(PKCS12_SAFEBAG) * bags, PKCS8_PRIV_KEY_INFO *info, const X509 *leaf, const char *name,
		    const struct secret *password, struct error *err)
{
	unsigned char salt[DERIVED_SIZE], iv[DERIVED_SIZE];

	if (!derive(info, leaf, "certferry PKCS #12 key salt", salt, err) ||
	    !derive(info, leaf, "certferry PKCS #12 key IV", iv, err))
		return false;
	CLEANUP(algorithm_freep)
	X509_ALGOR *algorithm =
		PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), ITERATIONS, salt, SALT_SIZE, iv, NID_hmacWithSHA256);
	if (algorithm == NULL)
		return failed(err);
	CLEANUP(shrouded_freep)
	X509_SIG *shrouded = PKCS8_set0_pbe(password->data, (int)password->len, info, algorithm);
	if (shrouded == NULL)
		return failed(err);
	algorithm = NULL; /* the shrouded key's */
	CLEANUP(bag_freep) PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create0_pkcs8(shrouded);
	if (bag == NULL)
		return failed(err);
	shrouded = NULL; /* the bag's */
	return (tag(bag, leaf, name) && push(bags, STEAL(bag))) || failed(err);
}

static bool encode(PKCS12 *pkcs12, struct secret *ret, struct error *err)
{
	unsigned char *der = NULL;
	int len = i2d_PKCS12(pkcs12, &der);
	bool ok = len > 0 ? secret_set(ret, der, (size_t)len, err) : failed(err);

	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	return ok;
}

bool pkcs12_make(const struct key *key, const struct chain *chain, const char *name, const struct secret *password,
		 struct secret *ret, struct error *err)
{
	unsigned char salt[DERIVED_SIZE];
	const X509 *leaf = sk_X509_value(chain->certificates, 0);
	CLEANUP(key_info_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	CLEANUP(bags_freep) STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	CLEANUP(safes_freep) STACK_OF(PKCS7) *safes = NULL;

	if (info == NULL || bags == NULL || password->data == NULL || password->len > LIMIT_CREDENTIAL_FILE)
		return failed(err);
	if (!add_certificates(bags, chain, name, err) || !add_key(bags, info, leaf, name, password, err) ||
	    !derive(info, leaf, "certferry PKCS #12 MAC salt", salt, err))
		return false;
	if (PKCS12_add_safe(&safes, bags, /* unencrypted: */ -1, 0, NULL) != 1)
		return failed(err);
	CLEANUP(pkcs12_freep) PKCS12 *pkcs12 = PKCS12_add_safes(safes, 0);
	if (pkcs12 == NULL ||
	    PKCS12_set_mac(pkcs12, password->data, (int)password->len, salt, SALT_SIZE, ITERATIONS, EVP_sha256()) != 1)
		return failed(err);
	return encode(pkcs12, ret, err);
}
