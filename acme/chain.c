/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate chains between PEM and OpenSSL's types. The PEM is read by a strict scanner first, because OpenSSL's own
 * reader skips over what it does not look for, and what it would skip may be a private key (RFC 8555 §11.4).
 */
#include "acme/chain.h"

#include "acme/openssl.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/limits.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
static const char end_line[] = "-----END CERTIFICATE-----";
static const char base64_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n";

DEFINE_FREEP(x509_freep, X509, X509_free)

/* One certificate from its block's text; its DER must hold nothing else and encode to itself again. */
static X509 *parse_block(const char *text, size_t len, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(text, (int)len);
	CLEANUP(x509_freep) X509 *certificate = NULL;
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL, *again = NULL;
	long der_len = 0;
	bool same = false;

	if (bio != NULL && PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
		const unsigned char *at = der;
		certificate = d2i_X509(NULL, &at, der_len);
		int again_len = certificate != NULL ? i2d_X509(certificate, &again) : -1;
		same = again_len == der_len && memcmp(again, der, (size_t)der_len) == 0;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	OPENSSL_free(again);
	ERR_clear_error();
	if (!same) {
		(void)error_set(err, ERROR_DATA, NULL, "the chain holds a malformed certificate");
		return NULL;
	}
	return STEAL(certificate);
}

/*
 * The next block of the text from *AT to END: RFC 8555 §9.1 has certificate blocks and line ends, nothing between.
 * *RET is its start, NULL at the end of the text; *AT moves behind it.
 */
static bool next_block(const char **at, const char *end, const char **ret, struct error *err)
{
	const char *start = *at + strspn(*at, " \t\r\n");
	*ret = NULL;
	if (start == end)
		return true;
	if (strncmp(start, begin_line, strlen(begin_line)) != 0)
		return error_set(err, ERROR_DATA, NULL,
				 "the chain holds something else than certificates (RFC 8555 section 11.4)");
	const char *body = start + strlen(begin_line);
	const char *tail = body + strspn(body, base64_characters);
	if (strncmp(tail, end_line, strlen(end_line)) != 0)
		return error_set(err, ERROR_DATA, NULL, "the chain holds a malformed certificate block");
	*ret = start;
	*at = tail + strlen(end_line);
	return true;
}

struct chain *chain_parse(const char *pem, size_t len, struct error *err)
{
	CLEANUP(chain_freep) struct chain *chain = calloc(1, sizeof(*chain));
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_CHAIN_BODY);
	buf_append(&text, pem, len);

	if (chain == NULL || (chain->certificates = sk_X509_new_null()) == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	if (!buf_check(&text, "certificate chain", err))
		return NULL;
	/* strspn() and strncmp() below stop at a NUL, so one inside the text reads as something else than its end. */
	const char *at = buf_cstr(&text), *end = at + text.len, *block = NULL;
	while (next_block(&at, end, &block, err)) {
		if (block == NULL && sk_X509_num(chain->certificates) == 0) {
			(void)error_set(err, ERROR_DATA, NULL, "the chain holds no certificate");
			return NULL;
		}
		if (block == NULL)
			return STEAL(chain);
		if (sk_X509_num(chain->certificates) == LIMIT_CHAIN_CERTIFICATES) {
			(void)error_set(err, ERROR_DATA, NULL, "the chain holds more than %d certificates",
					LIMIT_CHAIN_CERTIFICATES);
			return NULL;
		}
		X509 *certificate = parse_block(block, (size_t)(at - block), err);
		if (certificate == NULL)
			return NULL;
		if (sk_X509_push(chain->certificates, certificate) == 0) {
			X509_free(certificate);
			(void)error_oom(err);
			return NULL;
		}
	}
	return NULL;
}

void chain_free(struct chain *chain)
{
	if (chain == NULL)
		return;
	sk_X509_pop_free(chain->certificates, X509_free);
	free(chain);
}

static bool time_to_wall(const ASN1_TIME *time, int64_t *ret)
{
	struct tm parts;
	if (ASN1_TIME_to_tm(time, &parts) != 1)
		return false;
	*ret = (int64_t)timegm(&parts);
	return true;
}

/* Lower-case hex of LEN bytes into OUT of SIZE. */
static bool hex_text(const unsigned char *data, size_t len, char *out, size_t size)
{
	size_t out_len = 0;
	if (OPENSSL_buf2hexstr_ex(out, size, &out_len, data, len, '\0') != 1)
		return false;
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	return true;
}

/* The issuer's common name, else its whole name on one line. */
static void issuer_text(const X509 *leaf, char *out, size_t size)
{
	const X509_NAME *issuer = X509_get_issuer_name(leaf);
	int at = X509_NAME_get_index_by_NID(issuer, NID_commonName, -1);
	unsigned char *utf8 = NULL;

	if (at >= 0) {
		int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, at)));
		if (len >= 0)
			escape_text(out, size, (const char *)utf8, (size_t)len, /* keep_lines= */ false);
		OPENSSL_free(utf8);
		if (len >= 0)
			return;
	}
	char whole[512];
	escape_str(out, size, X509_NAME_oneline(issuer, whole, sizeof(whole)) != NULL ? whole : "");
}

void chain_top_issuer(const struct chain *chain, char ret[CHAIN_NAME_SIZE])
{
	int count = sk_X509_num(chain->certificates);
	issuer_text(sk_X509_value(chain->certificates, count - 1), ret, CHAIN_NAME_SIZE);
}

bool chain_info(const struct chain *chain, struct chain_info *ret, struct error *err)
{
	const X509 *leaf = sk_X509_value(chain->certificates, 0);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	struct chain_info info = {0};

	issuer_text(leaf, info.issuer, sizeof(info.issuer));
	if (X509_digest(leaf, EVP_sha256(), digest, &digest_len) != 1 ||
	    !hex_text(digest, digest_len, info.fingerprint_sha256, sizeof(info.fingerprint_sha256)))
		return openssl_error(err, "cannot compute the certificate's fingerprint");
	if (!hex_text(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), info.serial,
		      sizeof(info.serial)) ||
	    !time_to_wall(X509_get0_notBefore(leaf), &info.not_before) ||
	    !time_to_wall(X509_get0_notAfter(leaf), &info.not_after)) {
		ERR_clear_error();
		return error_set(err, ERROR_DATA, NULL, "the certificate's serial number or dates cannot be read");
	}
	*ret = info;
	return true;
}

bool chain_identifiers(const struct chain *chain, struct identifier **ret, size_t *ret_count, struct error *err)
{
	const X509 *leaf = sk_X509_value(chain->certificates, 0);
	CLEANUP(names_freep) GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	ERR_clear_error();
	return names_to_identifiers(names, "the certificate", ret, ret_count, err);
}

/* Certificates FROM (inclusive) to TO (exclusive), as PEM. */
static bool append_pem(const struct chain *chain, int from, int to, struct buf *ret, struct error *err)
{
	for (int i = from; i < to; i++) {
		CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
		char *text = NULL;
		if (bio == NULL || PEM_write_bio_X509(bio, sk_X509_value(chain->certificates, i)) != 1)
			return openssl_error(err, "cannot write a certificate");
		long len = BIO_get_mem_data(bio, &text);
		buf_append(ret, text, (size_t)len);
	}
	return buf_check(ret, "certificate chain", err);
}

bool chain_leaf_der(const struct chain *chain, struct buf *ret, struct error *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509(sk_X509_value(chain->certificates, 0), &der);
	if (len <= 0)
		return openssl_error(err, "cannot encode a certificate");
	buf_append(ret, der, (size_t)len);
	OPENSSL_free(der);
	return buf_check(ret, "certificate", err);
}

bool chain_leaf_pem(const struct chain *chain, struct buf *ret, struct error *err)
{
	return append_pem(chain, 0, 1, ret, err);
}

bool chain_rest_pem(const struct chain *chain, struct buf *ret, struct error *err)
{
	return append_pem(chain, 1, sk_X509_num(chain->certificates), ret, err);
}

bool chain_full_pem(const struct chain *chain, struct buf *ret, struct error *err)
{
	return append_pem(chain, 0, sk_X509_num(chain->certificates), ret, err);
}
