/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificate requests strictly: what is not understood whole is not sent to a CA under somebody's account. */
#include "acme/csr.h"

#include "acme/openssl.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

struct csr {
	X509_REQ *request;
	struct key *key;
	struct identifier *identifiers;
	size_t identifier_count;
	unsigned char *der;
	size_t der_len;
};

DEFINE_FREEP(bytes_freep, unsigned char, OPENSSL_free)

static inline void extensions_freep(STACK_OF(X509_EXTENSION) * *extensions)
{
	sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

static bool refuse(struct error *err, const char *reason)
{
	ERR_clear_error();
	return error_set(err, ERROR_DATA, NULL, "%s", reason);
}

/* ---- From bytes to DER. ---- */

/* The end of the one block that begins at TEXT; NULL when it is none. */
static const char *block_end(const char *text)
{
	static const char *const labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};
	static const char base64_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n";
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		char begin[64], end[64];
		(void)snprintf(begin, sizeof(begin), "-----BEGIN %s-----", labels[i]);
		(void)snprintf(end, sizeof(end), "-----END %s-----", labels[i]);
		if (!str_starts(text, begin))
			continue;
		const char *tail = text + strlen(begin);
		tail += strspn(tail, base64_characters);
		return str_starts(tail, end) ? tail + strlen(end) : NULL;
	}
	return NULL;
}

static bool pem_to_der(const char *text, size_t len, struct csr *csr, struct error *err)
{
	static const char white[] = " \t\r\n";
	char *name = NULL, *header = NULL;
	long der_len = 0;
	const char *start = text + strspn(text, white);
	const char *end = block_end(start);

	if (strstr(text, "PRIVATE KEY-----") != NULL)
		return refuse(err, "the file also holds a private key: it belongs nowhere but with its owner");
	if (end == NULL || end + strspn(end, white) != text + len)
		return refuse(err, "the file is not one certificate request in PEM or DER and nothing else");
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(start, (int)(end - start));
	bool ok = bio != NULL && PEM_read_bio(bio, &name, &header, &csr->der, &der_len) == 1;
	OPENSSL_free(name);
	OPENSSL_free(header);
	if (!ok)
		return refuse(err, "the certificate request's PEM block is damaged");
	csr->der_len = (size_t)der_len;
	return true;
}

static bool to_der(const void *data, size_t len, struct csr *csr, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	enum { DER_SEQUENCE = 0x30 };
	buf_init(&text, LIMIT_KEY_FILE);

	if (len == 0)
		return refuse(err, "the file is empty");
	if (len > LIMIT_KEY_FILE)
		return refuse(err, "the file is too large for a certificate request");
	if (*(const unsigned char *)data != DER_SEQUENCE) {
		buf_append(&text, data, len);
		if (!buf_check(&text, "certificate request", err) || !pem_to_der(buf_cstr(&text), text.len, csr, err))
			return false;
	} else {
		csr->der = OPENSSL_memdup(data, len);
		csr->der_len = len;
		if (csr->der == NULL)
			return error_oom(err);
	}
	return csr->der_len <= LIMIT_CSR || refuse(err, "the certificate request is too large");
}

/* ---- From DER to what it says. ---- */

static bool decode(struct csr *csr, struct error *err)
{
	const unsigned char *at = csr->der;
	CLEANUP(bytes_freep) unsigned char *again = NULL;

	csr->request = d2i_X509_REQ(NULL, &at, (long)csr->der_len);
	int again_len = csr->request != NULL ? i2d_X509_REQ(csr->request, &again) : -1;
	if (again_len < 0 || (size_t)again_len != csr->der_len || memcmp(again, csr->der, csr->der_len) != 0)
		return refuse(err, "the certificate request is malformed");
	return true;
}

static bool read_key(struct csr *csr, struct error *err)
{
	EVP_PKEY *pkey = X509_REQ_get_pubkey(csr->request);
	if (pkey == NULL)
		return refuse(err, "the certificate request's public key cannot be read");
	csr->key = key_from_public(pkey, err);
	if (csr->key == NULL)
		return false;
	if (key_get_type(csr->key) == KEY_TYPE_ED25519)
		return refuse(err, "the certificate request's key is neither an EC nor an RSA key");
	return true;
}

static bool check_signature(const struct csr *csr, struct error *err)
{
	int digest = NID_undef, algorithm = NID_undef;
	bool known = OBJ_find_sigid_algs(X509_REQ_get_signature_nid(csr->request), &digest, &algorithm) == 1;
	if (!known || (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512))
		return refuse(err, "the certificate request is not signed with SHA-256, SHA-384 or SHA-512");
	if (X509_REQ_verify(csr->request, csr->key->pkey) != 1)
		return refuse(err, "the certificate request's own signature is wrong");
	return true;
}

static bool has_name(const struct csr *csr, const struct identifier *wanted)
{
	for (size_t i = 0; i < csr->identifier_count; i++)
		if (identifier_equal(&csr->identifiers[i], wanted))
			return true;
	return false;
}

/* RFC 8555 §7.4: the names of the order. Those of one name twice would not be a set. */
static bool read_names(struct csr *csr, struct error *err)
{
	CLEANUP(extensions_freep) STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(csr->request);
	CLEANUP(names_freep)
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	AUTO_FREE struct identifier *all = NULL;
	size_t count = 0;

	ERR_clear_error();
	if (X509v3_get_ext_by_NID(extensions, NID_tlsfeature, -1) >= 0) {
		(void)refuse(err, "the certificate request asks for must-staple (the TLS feature extension)");
		error_hint(err, "%s; make the request without it", must_staple_reason);
		return false;
	}
	if (names == NULL) {
		(void)refuse(err, "the certificate request has no subjectAltName");
		error_hint(err, "openssl req -new … -addext \"subjectAltName=DNS:example.com,DNS:www.example.com\"");
		return false;
	}
	if (!names_to_identifiers(names, "the certificate request", &all, &count, err))
		return false;
	csr->identifiers = calloc(count, sizeof(*csr->identifiers));
	if (csr->identifiers == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		if (!has_name(csr, &all[i]))
			csr->identifiers[csr->identifier_count++] = all[i];
	return true;
}

/* A common name, where there is one, repeats one of the DNS names: CAs refuse any other. */
static bool check_common_names(const struct csr *csr, struct error *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(csr->request);
	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
		CLEANUP(bytes_freep) unsigned char *text = NULL;
		struct identifier name;
		struct error ignored = {0};
		char safe[IDENTIFIER_MAX];
		int len = ASN1_STRING_to_UTF8(&text, value);
		ERR_clear_error();
		if (len > 0 && strlen((const char *)text) == (size_t)len &&
		    identifier_parse((const char *)text, &name, &ignored) && name.type == IDENTIFIER_DNS &&
		    has_name(csr, &name))
			continue;
		(void)error_set(err, ERROR_DATA, NULL,
				"the certificate request's common name \"%s\" is not one of its DNS names",
				len > 0 ? escape_text(safe, sizeof(safe), (const char *)text, (size_t)len, false) : "");
		error_hint(err, "leave the subject empty, or repeat a name of the subjectAltName there");
		return false;
	}
	return true;
}

struct csr *csr_parse(const void *data, size_t len, struct error *err)
{
	CLEANUP(csr_freep) struct csr *csr = calloc(1, sizeof(*csr));
	if (csr == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	ERR_clear_error();
	return to_der(data, len, csr, err) && decode(csr, err) && read_key(csr, err) && check_signature(csr, err) &&
			       read_names(csr, err) && check_common_names(csr, err)
		       ? STEAL(csr)
		       : NULL;
}

void csr_free(struct csr *csr)
{
	if (csr == NULL)
		return;
	X509_REQ_free(csr->request);
	key_free(csr->key);
	free(csr->identifiers);
	OPENSSL_free(csr->der);
	free(csr);
}

const struct identifier *csr_identifiers(const struct csr *csr, size_t *ret_count)
{
	*ret_count = csr->identifier_count;
	return csr->identifiers;
}

const struct key *csr_key(const struct csr *csr)
{
	return csr->key;
}

struct key *csr_copy_key(const struct csr *csr, struct error *err)
{
	EVP_PKEY *pkey = X509_REQ_get_pubkey(csr->request);
	if (pkey == NULL) {
		(void)openssl_error(err, "cannot read the certificate request's key");
		return NULL;
	}
	return key_from_public(pkey, err);
}

const void *csr_der(const struct csr *csr, size_t *ret_len)
{
	*ret_len = csr->der_len;
	return csr->der;
}

bool csr_to_pem(const struct csr *csr, struct buf *ret, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	if (bio == NULL || PEM_write_bio_X509_REQ(bio, csr->request) != 1)
		return openssl_error(err, "cannot write the certificate request");
	long len = BIO_get_mem_data(bio, &text);
	buf_append(ret, text, (size_t)len);
	return buf_check(ret, "certificate request", err);
}
