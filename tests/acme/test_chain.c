/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: parsed strictly, described, and each rule of acceptance broken once. */
#include "acme/chain.h"

#include "acme/openssl.h"
#include "base/limits.h"
#include "support_certificates.h"
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <string.h>

enum { NOW = 1795478400, DAY = 86400 };

/* A root, an intermediate and a leaf for a.example, *.a.example and 192.0.2.1; changed by a test before it is built. */
static struct {
	struct key *root_key, *middle_key, *leaf_key;
	struct certificate_spec root, middle, leaf;
	bool with_root;
	struct buf pem;
} lab;

static struct key *new_key(enum key_type type)
{
	struct error err = {0};
	struct key *key = key_generate(type, &err);
	CHECK_OK(key != NULL, err);
	return key;
}

static void lab_start(void)
{
	if (lab.root_key == NULL) {
		lab.root_key = new_key(KEY_TYPE_ECDSA_P256);
		lab.middle_key = new_key(KEY_TYPE_ECDSA_P384);
		lab.leaf_key = new_key(KEY_TYPE_ECDSA_P256);
	}
	lab.with_root = false;
	lab.root = (struct certificate_spec){.subject = "Test Root",
					     .ca = true,
					     .key = lab.root_key,
					     .not_before = NOW - DAY,
					     .not_after = NOW + DAY};
	lab.middle = lab.root;
	lab.middle.subject = "Test \x1b[2JIssuer";
	lab.middle.key = lab.middle_key;
	lab.middle.issuer_key = lab.root_key;
	lab.leaf = (struct certificate_spec){.names = "DNS:a.example,DNS:*.a.example,IP:192.0.2.1",
					     .key = lab.leaf_key,
					     .issuer_key = lab.middle_key,
					     .not_before = NOW - DAY,
					     .not_after = NOW + DAY};
}

/* The PEM of what the lab's specs say. */
static const char *lab_pem(void)
{
	X509 *root = make_certificate(&lab.root);
	lab.middle.issuer = root;
	X509 *middle = make_certificate(&lab.middle);
	lab.leaf.issuer = lab.leaf.issuer_key != NULL ? middle : NULL;
	X509 *leaf = make_certificate(&lab.leaf);
	buf_done(&lab.pem);
	buf_init(&lab.pem, 1 << 20);
	append_certificate(&lab.pem, leaf);
	append_certificate(&lab.pem, middle);
	if (lab.with_root)
		append_certificate(&lab.pem, root);
	X509_free(root);
	X509_free(middle);
	X509_free(leaf);
	return buf_cstr(&lab.pem);
}

static bool verify_at(const char *pem, const struct key *key, int64_t now, struct error *err)
{
	static const char *const names[] = {"192.0.2.1", "*.a.example", "a.example"};
	struct identifier identifiers[ARRAY_LEN(names)];
	struct error parse = {0};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK_OK(identifier_parse(names[i], &identifiers[i], &parse), parse);
	struct chain *chain = chain_parse(pem, strlen(pem), &parse);
	CHECK_OK(chain != NULL, parse);
	bool ok = chain_verify(chain, key, identifiers, ARRAY_LEN(names), now, err);
	chain_free(chain);
	return ok;
}

static void accept(void)
{
	struct error err = {0};
	CHECK_OK(verify_at(lab_pem(), lab.leaf_key, NOW, &err), err);
}

static void refuse(const char *reason)
{
	struct error err = {0};
	CHECK(!verify_at(lab_pem(), lab.leaf_key, NOW, &err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_CONTAINS(err.message, reason);
}

TEST(good_chain)
{
	lab_start();
	accept();
	lab.with_root = true;
	accept();
}

TEST(root_may_sign_itself_with_an_old_digest)
{
	lab_start();
	lab.with_root = true;
	lab.root.digest = EVP_sha1();
	accept();
}

TEST(other_key)
{
	struct error err = {0};
	lab_start();
	CHECK(!verify_at(lab_pem(), lab.middle_key, NOW, &err));
	CHECK_CONTAINS(err.message, "another key");
}

TEST(names_must_be_exact)
{
	lab_start();
	lab.leaf.names = "DNS:a.example,IP:192.0.2.1";
	refuse("lacks the name *.a.example");
	lab.leaf.names = "DNS:a.example,DNS:*.a.example,DNS:192.0.2.1";
	refuse("neither a DNS name nor an address");
	lab.leaf.names = "DNS:A.Example,DNS:*.a.example,IP:192.0.2.1,DNS:evil.example";
	refuse("evil.example, which was not ordered");
	lab.leaf.names = "DNS:a.example,DNS:*.a.example,IP:192.0.2.1,email:root@a.example";
	refuse("neither a DNS name nor an address");
	lab.leaf.names = NULL;
	lab.leaf.subject = "a.example";
	refuse("no names");
}

TEST(name_case_does_not_matter)
{
	lab_start();
	lab.leaf.names = "DNS:A.Example,DNS:*.a.example,IP:192.0.2.1";
	accept();
}

TEST(dates)
{
	lab_start();
	lab.leaf.not_before = NOW + 299;
	accept();
	lab.leaf.not_before = NOW + 301;
	refuse("only from 2026-11-24T00:05:01Z on");
	lab.leaf.not_before = NOW - DAY;
	lab.leaf.not_after = NOW + 3601;
	accept();
	lab.leaf.not_after = NOW + 3599;
	refuse("ends at 2026-11-24T00:59:59Z");
}

TEST(leaf_that_is_a_ca)
{
	lab_start();
	lab.leaf.ca = true;
	refuse("first certificate is a CA's");
}

TEST(issuer_that_is_none)
{
	lab_start();
	lab.middle.ca = false;
	refuse("no CA");
}

TEST(wrong_signature)
{
	lab_start();
	struct key *other = new_key(KEY_TYPE_ECDSA_P384);
	lab.leaf.issuer_key = other;
	refuse("wrong signature");
	key_free(other);
}

TEST(out_of_order)
{
	struct error err = {0};
	struct buf pem;
	lab_start();
	lab.with_root = true;
	const char *text = lab_pem();
	const char *second = strstr(text + 1, "-----BEGIN"), *third = strstr(second + 1, "-----BEGIN");
	buf_init(&pem, 1 << 20);
	buf_append(&pem, text, (size_t)(second - text));
	buf_str(&pem, third);
	CHECK(!verify_at(buf_cstr(&pem), lab.leaf_key, NOW, &err));
	CHECK_CONTAINS(err.message, "out of order");
	error_clear(&err);
	/* The same certificate again behind itself. */
	buf_reset(&pem);
	buf_str(&pem, text);
	buf_str(&pem, third);
	CHECK(!verify_at(buf_cstr(&pem), lab.leaf_key, NOW, &err));
	CHECK(error_is_set(&err));
	buf_done(&pem);
}

/* Keys that key_generate() does not make. */
static void refuse_middle_key(EVP_PKEY *pkey)
{
	struct key weak = {.pkey = pkey, .type = KEY_TYPE_RSA_2048};
	CHECK(pkey != NULL);
	lab_start();
	lab.middle.key = &weak;
	lab.leaf.issuer_key = &weak;
	refuse("too weak");
	EVP_PKEY_free(pkey);
}

TEST(weak_key)
{
	refuse_middle_key(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024));
	refuse_middle_key(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-224"));
}

TEST(weak_digest)
{
	lab_start();
	lab.leaf.digest = EVP_sha1();
	refuse("weak digest");
	lab.leaf.digest = NULL;
	lab.middle.digest = EVP_sha1();
	refuse("weak digest");
}

static void refuse_pem(const char *pem, size_t len, const char *reason)
{
	struct error err = {0};
	CHECK(chain_parse(pem, len, &err) == NULL);
	CHECK_INT(err.category, ERROR_DATA);
	CHECK_CONTAINS(err.message, reason);
}

TEST(only_certificates_in_the_pem)
{
	struct buf pem;
	lab_start();
	const char *good = lab_pem();
	static const char *const intruders[] = {
		"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH\n-----END PRIVATE KEY-----\n",
		"-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
		"subject=a.example\n",
		"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(intruders); i++) {
		buf_init(&pem, 1 << 20);
		buf_str(&pem, good);
		buf_str(&pem, intruders[i]);
		refuse_pem(buf_cstr(&pem), pem.len, "the chain holds");
		buf_reset(&pem);
		buf_str(&pem, intruders[i]);
		buf_str(&pem, good);
		refuse_pem(buf_cstr(&pem), pem.len, "the chain holds");
		buf_done(&pem);
	}
	refuse_pem("", 0, "no certificate");
	refuse_pem("\n \n", 3, "no certificate");
	buf_init(&pem, 1 << 20);
	buf_str(&pem, good);
	buf_append(&pem, "\0x", 2);
	refuse_pem(buf_cstr(&pem), pem.len, "something else");
	buf_done(&pem);
}

TEST(line_ends_do_not_matter)
{
	struct error err = {0};
	struct buf pem, out;
	lab_start();
	const char *good = lab_pem();
	buf_init(&pem, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_str(&pem, "\r\n");
	for (const char *c = good; *c != '\0'; c++)
		buf_str(&pem, *c == '\n' ? "\r\n" : (const char[]){*c, '\0'});
	pem.len -= 2;
	struct chain *chain = chain_parse(buf_cstr(&pem), pem.len, &err);
	CHECK_OK(chain != NULL, err);
	CHECK_OK(chain_full_pem(chain, &out, &err), err);
	CHECK_STR(buf_cstr(&out), good);
	buf_reset(&out);
	CHECK_OK(chain_leaf_pem(chain, &out, &err) && chain_rest_pem(chain, &out, &err), err);
	CHECK_STR(buf_cstr(&out), good);
	chain_free(chain);
	buf_done(&pem);
	buf_done(&out);
}

TEST(certificate_cap)
{
	struct error err = {0};
	struct buf pem;
	lab_start();
	X509 *one = make_certificate(&lab.root);
	buf_init(&pem, 1 << 20);
	for (int i = 0; i < LIMIT_CHAIN_CERTIFICATES; i++)
		append_certificate(&pem, one);
	struct chain *chain = chain_parse(buf_cstr(&pem), pem.len, &err);
	CHECK_OK(chain != NULL, err);
	chain_free(chain);
	append_certificate(&pem, one);
	refuse_pem(buf_cstr(&pem), pem.len, "more than 10");
	buf_done(&pem);
	X509_free(one);
}

TEST(size_cap)
{
	struct error err = {0};
	struct buf pem;
	lab_start();
	buf_init(&pem, 1 << 20);
	buf_str(&pem, lab_pem());
	while (pem.len <= LIMIT_CHAIN_BODY)
		buf_char(&pem, '\n');
	CHECK(chain_parse(buf_cstr(&pem), pem.len, &err) == NULL);
	CHECK(error_is_set(&err));
	error_clear(&err);
	struct chain *chain = chain_parse(buf_cstr(&pem), LIMIT_CHAIN_BODY, &err);
	CHECK_OK(chain != NULL, err);
	chain_free(chain);
	buf_done(&pem);
}

TEST(description)
{
	struct error err = {0};
	struct chain_info info;
	struct identifier *names = NULL;
	size_t count = 0;
	lab_start();
	const char *pem = lab_pem();
	struct chain *chain = chain_parse(pem, strlen(pem), &err);
	CHECK_OK(chain != NULL && chain_info(chain, &info, &err), err);
	CHECK_STR(info.issuer, "Test \\x1b[2JIssuer");
	CHECK_INT(strlen(info.fingerprint_sha256), 64);
	CHECK_INT(strspn(info.serial, "0123456789abcdef"), strlen(info.serial));
	CHECK_INT(info.not_before, NOW - DAY);
	CHECK_INT(info.not_after, NOW + DAY);
	CHECK_OK(chain_identifiers(chain, &names, &count, &err), err);
	CHECK_INT(count, 3);
	CHECK_STR(names[1].value, "*.a.example");
	CHECK_STR(names[2].value, "192.0.2.1");
	CHECK_INT(names[2].type, IDENTIFIER_IP);
	free(names);
	chain_free(chain);
}

/* RFC 9773 appendix A: a serial whose first byte is zero, dates in the year 1. */
TEST(year_one)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
				  "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
				  "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
				  "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
				  "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
				  "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
				  "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
				  "-----END CERTIFICATE-----\n";
	struct error err = {0};
	struct chain_info info;
	struct chain *chain = chain_parse(pem, strlen(pem), &err);
	CHECK_OK(chain != NULL && chain_info(chain, &info, &err), err);
	CHECK_STR(info.serial, "87654321");
	CHECK_STR(info.issuer, "Example CA");
	CHECK_INT(info.not_after, -62135596800LL);
	chain_free(chain);
}

TEST(zz_release)
{
	key_free(lab.root_key);
	key_free(lab.middle_key);
	key_free(lab.leaf_key);
	buf_done(&lab.pem);
}

TEST_MAIN()
