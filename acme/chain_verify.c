/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a downloaded chain may become live. A CA (or whoever poses as one) may send anything: a certificate for
 * another key, for other names, out of date. Each rule is a function of its own; the first one broken is the answer.
 */
#include "acme/chain.h"
#include "acme/openssl.h"
#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum {
	GRACE_BEFORE = 5 * 60, /* seconds that our clock may be behind the CA's */
	LEAST_LEFT = 60 * 60,  /* seconds: a certificate about to lapse is of no use */
	RSA_BITS_MIN = 2048,
	EC_BITS_MIN = 256,
};

static bool refuse(struct error *err, const char *reason)
{
	ERR_clear_error();
	return error_set(err, ERROR_CA, NULL, "%s", reason);
}

bool chain_matches_key(const struct chain *chain, const struct key *key, struct error *err)
{
	const X509 *leaf = sk_X509_value(chain->certificates, 0);
	if (X509_check_private_key(leaf, key->pkey) != 1)
		return refuse(err, "the certificate is for another key");
	return true;
}

static bool has_identifier(const struct identifier *list, size_t count, const struct identifier *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (identifier_equal(&list[i], wanted))
			return true;
	return false;
}

static bool verify_names(const struct chain *chain, const struct identifier *wanted, size_t wanted_count,
			 struct error *err)
{
	AUTO_FREE struct identifier *names = NULL;
	size_t count = 0;
	if (!chain_identifiers(chain, &names, &count, err))
		return error_attribute(err, ERROR_CA, NULL);
	for (size_t i = 0; i < wanted_count; i++)
		if (!has_identifier(names, count, &wanted[i]))
			return error_set(err, ERROR_CA, NULL, "the certificate lacks the name %s", wanted[i].value);
	for (size_t i = 0; i < count; i++)
		/* No CA adds names any more. One it did add would be served, and relied on, without anybody knowing. */
		if (!has_identifier(wanted, wanted_count, &names[i]))
			return error_set(err, ERROR_CA, NULL,
					 "the certificate holds the name %s, which was not ordered", names[i].value);
	return true;
}

static bool verify_dates(const struct chain *chain, int64_t now, struct error *err)
{
	struct chain_info info;
	char date[RFC3339_SIZE], today[RFC3339_SIZE];
	if (!chain_info(chain, &info, err))
		return error_attribute(err, ERROR_CA, NULL);
	rfc3339_format(now, today);
	if (info.not_before > now + GRACE_BEFORE)
		return error_set(err, ERROR_CA, NULL, "the certificate is valid only from %s on, and our clock says %s",
				 rfc3339_format(info.not_before, date), today);
	if (info.not_after < now + LEAST_LEFT)
		return error_set(err, ERROR_CA, NULL, "the certificate ends at %s, and our clock says %s",
				 rfc3339_format(info.not_after, date), today);
	return true;
}

/* RSA of 2048 bits, an EC curve of 256, or an Edwards curve. */
static bool key_is_strong(const X509 *certificate)
{
	EVP_PKEY *pkey = X509_get0_pubkey(certificate);
	if (pkey == NULL)
		return false;
	if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
		return EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN;
	if (EVP_PKEY_is_a(pkey, "EC"))
		return EVP_PKEY_get_bits(pkey) >= EC_BITS_MIN;
	return EVP_PKEY_is_a(pkey, "ED25519") || EVP_PKEY_is_a(pkey, "ED448");
}

/* An allow-list: SHA-2 and SHA-3, and the Edwards curves, which bring their own digest. */
static bool signature_is_strong(X509 *certificate)
{
	static const int digests[] = {NID_sha256, NID_sha384, NID_sha512, NID_sha3_256, NID_sha3_384, NID_sha3_512};
	int digest = NID_undef, algorithm = NID_undef;
	if (X509_get_signature_info(certificate, &digest, &algorithm, NULL, NULL) != 1)
		return false;
	if (algorithm == NID_ED25519 || algorithm == NID_ED448)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		if (digest == digests[i])
			return true;
	return false;
}

/* ISSUER issued and signed CHILD, and may issue. */
static bool verify_link(X509 *child, X509 *issuer, struct error *err)
{
	EVP_PKEY *pkey = X509_get0_pubkey(issuer);
	if (X509_check_ca(issuer) != 1)
		return refuse(err, "the chain holds an issuer that is no CA");
	if (X509_check_issued(issuer, child) != X509_V_OK)
		return refuse(err, "the chain is out of order: a certificate is not issued by the one behind it");
	if (pkey == NULL || X509_verify(child, pkey) != 1)
		return refuse(err, "the chain holds a certificate with a wrong signature");
	return true;
}

static bool verify_links(const struct chain *chain, struct error *err)
{
	int count = sk_X509_num(chain->certificates);
	if (X509_check_ca(sk_X509_value(chain->certificates, 0)) != 0)
		return refuse(err, "the first certificate is a CA's");
	for (int i = 0; i < count; i++) {
		X509 *certificate = sk_X509_value(chain->certificates, i);
		for (int j = 0; j < i; j++)
			if (X509_cmp(certificate, sk_X509_value(chain->certificates, j)) == 0)
				return refuse(err, "the chain holds a certificate twice");
		if (!key_is_strong(certificate))
			return refuse(err, "the chain holds a key that is too weak");
		/* Nobody relies on what a root signs about itself. */
		bool root = i > 0 && i == count - 1 && X509_self_signed(certificate, /* verify_signature= */ 0) == 1;
		if (!root && !signature_is_strong(certificate))
			return refuse(err, "the chain holds a signature with a weak digest");
		if (i > 0 && !verify_link(sk_X509_value(chain->certificates, i - 1), certificate, err))
			return false;
	}
	return true;
}

bool chain_verify(const struct chain *chain, const struct key *key, const struct identifier *identifiers, size_t count,
		  int64_t now, struct error *err)
{
	return chain_matches_key(chain, key, err) && verify_names(chain, identifiers, count, err) &&
	       verify_dates(chain, now, err) && verify_links(chain, err);
}
