/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates for the store's tests. */
#include "tests/store/support_pair.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "cannot make a certificate for the test: %s\n", what);
	exit(99);
}

static char *take_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);
	need(text != NULL, "memory");
	BIO_free(bio);
	return text;
}

static char *make_cert(EVP_PKEY *key, const char *dns, long serial)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();
	BIO *bio = BIO_new(BIO_s_mem());
	need(cert && name && names && general && value && bio, "memory");
	need(ASN1_STRING_set(value, dns, -1) == 1, "name");
	GENERAL_NAME_set0_value(general, GEN_DNS, value);
	need(sk_GENERAL_NAME_push(names, general) == 1, "names");
	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)dns, -1, -1, 0) == 1, "CN");
	need(X509_set_version(cert, X509_VERSION_3) == 1 &&
		     ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1 &&
		     X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
		     X509_gmtime_adj(X509_getm_notAfter(cert), 90L * 86400) != NULL &&
		     X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, name) == 1 &&
		     X509_set_pubkey(cert, key) == 1 &&
		     X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
		     X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_bio_X509(bio, cert) == 1,
	     "certificate");
	GENERAL_NAMES_free(names);
	X509_NAME_free(name);
	X509_free(cert);
	return take_text(bio);
}

void pair_init(struct pair *pair, const char *dns, long serial)
{
	struct error err = {0};
	EVP_PKEY *key = EVP_EC_gen("P-256"), *issuer = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	need(key != NULL && issuer != NULL && bio != NULL, "key");
	need(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, "key");
	char *pem = take_text(bio);
	*pair = (struct pair){0};
	need(secret_set(&pair->key, pem, strlen(pem), &err), "secret");
	free(pem);
	pair->cert = make_cert(key, dns, serial);
	pair->chain = serial % 2 == 0 ? strdup("") : make_cert(issuer, "issuer.test", serial);
	need(asprintf(&pair->fullchain, "%s%s", pair->cert, pair->chain) > 0, "memory");
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer);
}

void pair_done(struct pair *pair)
{
	secret_done(&pair->key);
	free(pair->cert);
	free(pair->chain);
	free(pair->fullchain);
	*pair = (struct pair){0};
}

static FILE *open_live(const char *dir, const char *name, const char *file)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/live/%s/%s", dir, name, file);
	return fopen(path, "re");
}

static bool cert_fits(FILE *file, EVP_PKEY *key)
{
	X509 *cert = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	bool fits = cert != NULL && X509_check_private_key(cert, key) == 1;
	X509_free(cert);
	if (file != NULL)
		(void)fclose(file);
	return fits;
}

enum live_state live_look(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat info;
	(void)snprintf(path, sizeof(path), "%s/live/%s", dir, name);
	if (lstat(path, &info) != 0)
		return LIVE_ABSENT;
	FILE *file = open_live(dir, name, "privkey.pem");
	EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (file != NULL)
		(void)fclose(file);
	bool fits = key != NULL && cert_fits(open_live(dir, name, "cert.pem"), key) &&
		    cert_fits(open_live(dir, name, "fullchain.pem"), key);
	EVP_PKEY_free(key);
	file = open_live(dir, name, "chain.pem");
	if (file == NULL)
		return LIVE_BROKEN;
	(void)fclose(file);
	return fits ? LIVE_MATCHES : LIVE_BROKEN;
}

uint64_t live_number(const char *dir, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/live/%s", dir, name);
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return 0;
	target[len] = '\0';
	return strtoull(strrchr(target, '/') + 1, NULL, 10);
}

const char *scratch(const char *what)
{
	static char paths[8][PATH_MAX];
	static size_t next;
	char *path = paths[next++ % 8];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", test_temp_dir(), what);
	return path;
}

static const char *counted_prefix;
static int counted;

static int count_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	counted += strncmp(path + where->base, counted_prefix, strlen(counted_prefix)) == 0;
	return 0;
}

int count_entries(const char *dir, const char *prefix)
{
	counted_prefix = prefix;
	counted = 0;
	(void)nftw(dir, count_one, 16, FTW_PHYS);
	return counted;
}

void spoil(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, text, len) == (ssize_t)len);
	CHECK(close(fd) == 0);
}
