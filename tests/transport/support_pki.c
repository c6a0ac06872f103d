/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for servers inside tests, made with OpenSSL directly: nothing of ours vouches for itself. */
#include "support_pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int ok, const char *what)
{
	if (ok == 1)
		return;
	fprintf(stderr, "test certificate: %s failed\n", what);
	abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

SSL_CTX *pki_server_context(long not_after)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *certificate = X509_new();
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	must(key != NULL && certificate != NULL && context != NULL, "allocation");
	must(X509_set_version(certificate, X509_VERSION_3), "version");
	must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), "serial");
	must(ASN1_TIME_set(X509_getm_notBefore(certificate), 1577836800) != NULL, "notBefore");
	must(ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) != NULL, "notAfter");
	X509_NAME *name = X509_get_subject_name(certificate);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0), "CN");
	must(X509_set_issuer_name(certificate, name), "issuer");
	must(X509_set_pubkey(certificate, key), "public key");
	add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, NID_subject_alt_name, "DNS:localhost,DNS:ca.test,IP:127.0.0.1,IP:::1");
	must((X509_sign(certificate, key, EVP_sha256()) > 0), "signature");
	must(SSL_CTX_use_certificate(context, certificate), "certificate");
	must(SSL_CTX_use_PrivateKey(context, key), "key");
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

void pki_write_certificate(SSL_CTX *context, const char *path)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && PEM_write_X509(file, SSL_CTX_get0_certificate(context)) == 1, path);
	must(fclose(file) == 0, path);
}

void pki_fingerprint(SSL_CTX *context, char out[65])
{
	unsigned char digest[32];
	unsigned len = 0;
	must(X509_digest(SSL_CTX_get0_certificate(context), EVP_sha256(), digest, &len), "digest");
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
