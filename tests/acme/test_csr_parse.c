/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that somebody else made, as openssl and others write them: fuzz/corpus/csr/ holds them. */
#include "acme/csr.h"

#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static size_t read_case(const char *name, char *ret, size_t size)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "../fuzz/corpus/csr/%s", name);
	FILE *file = fopen(test_source_path(path), "rb");
	if (file == NULL)
		test_fail(__FILE__, __LINE__, "no file %s", path);
	size_t len = fread(ret, 1, size, file);
	(void)fclose(file);
	return len;
}

static struct csr *parse(const char *name, struct error *err)
{
	static char text[65536];
	size_t len = read_case(name, text, sizeof(text));
	return csr_parse(text, len, err);
}

static void check_taken(const char *name, enum key_type type, const char *names)
{
	struct error err = {0};
	struct buf got;
	size_t count = 0;
	struct csr *csr = parse(name, &err);
	CHECK_OK(csr != NULL, err);
	buf_init(&got, 4096);
	const struct identifier *identifiers = csr_identifiers(csr, &count);
	for (size_t i = 0; i < count; i++)
		buf_printf(&got, "%s%s", i > 0 ? " " : "", identifiers[i].value);
	CHECK_STR(buf_cstr(&got), names);
	CHECK_INT(key_get_type(csr_key(csr)), type);
	buf_done(&got);
	csr_free(csr);
}

TEST(taken)
{
	static const char three[] = "example.com www.example.com 192.0.2.1";
	check_taken("good_p256.pem", KEY_TYPE_ECDSA_P256, three);
	check_taken("good_p256.der", KEY_TYPE_ECDSA_P256, three);
	check_taken("good_p384.pem", KEY_TYPE_ECDSA_P384, three);
	check_taken("good_rsa_with_cn.pem", KEY_TYPE_RSA_2048, three);
	check_taken("new_label.pem", KEY_TYPE_ECDSA_P256, three);
	check_taken("crlf.pem", KEY_TYPE_ECDSA_P256, three);
	check_taken("more_extensions.pem", KEY_TYPE_ECDSA_P256, three);
	check_taken("wildcard.pem", KEY_TYPE_ECDSA_P256, "*.example.com example.com");
	check_taken("same_name_thrice.pem", KEY_TYPE_ECDSA_P256, "a.example");
}

TEST(refused_with_the_reason)
{
	static const struct {
		const char *name, *message, *hint;
	} cases[] = {
		{"must_staple.pem", "asks for must-staple", "2025-05-07"},
		{"no_san.pem", "has no subjectAltName", "-addext"},
		{"cn_elsewhere.pem", "common name \"other.example\" is not one of its DNS names",
		 "leave the subject empty"},
		{"cn_is_an_address.pem", "common name \"192.0.2.1\" is not one of its DNS names", ""},
		{"wrong_signature.der", "own signature is wrong", ""},
		{"sha1.pem", "not signed with SHA-256", ""},
		{"rsa1024.pem", "RSA key of 1024 bits", ""},
		{"p521.pem", "neither P-256 nor P-384", ""},
		{"ed25519.pem", "neither an EC nor an RSA key", ""},
		{"email_name.pem", "neither a DNS name nor an address", ""},
		{"uri_name.pem", "neither a DNS name nor an address", ""},
		{"embedded_nul.der", "own signature is wrong", ""},
		{"with_key.pem", "also holds a private key", ""},
		{"two.pem", "not one certificate request", ""},
		{"with_text.pem", "not one certificate request", ""},
		{"empty_block.pem", "PEM block is damaged", ""},
		{"trailing.der", "malformed", ""},
		{"truncated.der", "malformed", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		if (parse(cases[i].name, &err) != NULL)
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i].name);
		CHECK_INT(err.category, ERROR_DATA);
		CHECK_CONTAINS(err.message, cases[i].message);
		CHECK_CONTAINS(err.hint, cases[i].hint);
	}
}

TEST(no_request_at_all)
{
	static char large[LIMIT_KEY_FILE + 1];
	struct error err = {0};
	CHECK(csr_parse("", 0, &err) == NULL);
	CHECK_CONTAINS(err.message, "empty");
	error_clear(&err);
	CHECK(csr_parse("hello\n", 6, &err) == NULL);
	CHECK_CONTAINS(err.message, "not one certificate request");
	error_clear(&err);
	memset(large, '\n', sizeof(large));
	CHECK(csr_parse(large, sizeof(large), &err) == NULL);
	CHECK_CONTAINS(err.message, "too large");
	error_clear(&err);
	large[0] = 0x30;
	CHECK(csr_parse(large, LIMIT_CSR + 1, &err) == NULL);
	CHECK_CONTAINS(err.message, "too large");
}

/* Only the public part is known: whatever needs the private one fails. */
TEST(its_key_cannot_sign)
{
	struct error err = {0};
	struct secret pem = {0};
	struct acme_signer signer;
	struct buf out;
	struct csr *csr = parse("good_p256.pem", &err);
	CHECK_OK(csr != NULL, err);
	CHECK(!key_to_pem(csr_key(csr), &pem, &err));
	error_clear(&err);
	buf_init(&out, 4096);
	struct key *key = (struct key *)(uintptr_t)csr_key(csr); // NOLINT(performance-no-int-to-ptr)
	CHECK(!key_signer(key, &signer, &err) || !signer.sign(signer.ctx, "x", 1, &out, &err));
	buf_done(&out);
	csr_free(csr);
}

TEST_MAIN()
