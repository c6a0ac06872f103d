/* SPDX-License-Identifier: Apache-2.0 */
/* Key authorizations and dns-01 values of the vectors; tokens that must not get through. */
#include "acme/challenge.h"

#include "acme/session.h"
#include "tests/support/test.h"

#include <string.h>

static char token[] = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

static struct acme_challenge_task task_for(const char *name, enum challenge_type type, const char *thumbprint)
{
	struct error err = {0};
	struct identifier identifier;
	struct acme_challenge_task task;
	const struct challenge challenge = {.type = type, .token = token};
	const struct challenge_context context = {
		.account_url = "https://example.com/acme/acct/ExampleAccount",
		.thumbprint = thumbprint,
	};
	CHECK_OK(identifier_parse(name, &identifier, &err), err);
	CHECK_OK(challenge_task(&challenge, &identifier, &context, &task, &err), err);
	return task;
}

TEST(dns01_of_the_vectors)
{
	static const char *const cases[][2] = {
		{"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "_cC5rvB9vM8qzT3MTBcTeVpQwtbNypBXyQnE4fhM9QQ"},
		{"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "TsRKynps8WR2t_mg14_-b9KAPI5z6dVS6CzKil2SuXU"},
		{"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "n3rztfDtTAOtlye7bRdUvjki3axVOyRSzxwYAVFuQag"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct acme_challenge_task task = task_for("*.example.org", CHALLENGE_DNS_01, cases[i][0]);
		CHECK_STR(task.dns_name, "_acme-challenge.example.org");
		CHECK_STR(task.dns_value, cases[i][1]);
		CHECK_STR(task.identifier.value, "*.example.org");
		challenge_task_done(&task);
	}
}

/* The same value as dns-01's, below the account's label; a wildcard has its base name's. */
TEST(dns_account01_of_the_draft)
{
	static const char *const names[] = {"example.org", "*.example.org"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct acme_challenge_task task =
			task_for(names[i], CHALLENGE_DNS_ACCOUNT_01, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
		CHECK_STR(task.dns_name, "_ujmmovf2vn55tgye._acme-challenge.example.org");
		CHECK_STR(task.dns_value, "_cC5rvB9vM8qzT3MTBcTeVpQwtbNypBXyQnE4fhM9QQ");
		challenge_task_done(&task);
	}
}

TEST(http01_key_authorization)
{
	struct acme_challenge_task task =
		task_for("example.org", CHALLENGE_HTTP_01, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
	CHECK_STR(task.token, token);
	CHECK_STR(task.key_authorization,
		  "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
	CHECK_STR(task.dns_name, "");
	CHECK_STR(task.dns_value, "");
	challenge_task_done(&task);
}

TEST(key_authorizations_of_the_vectors_for_names_and_addresses)
{
	static const char *const thumbprints[] = {
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
	};
	static const char *const names[] = {"example.org", "192.0.2.1", "2001:db8::1"};
	for (size_t i = 0; i < ARRAY_LEN(thumbprints); i++) {
		struct acme_challenge_task task = task_for(names[i], CHALLENGE_TLS_ALPN_01, thumbprints[i]);
		CHECK_CONTAINS(task.key_authorization, "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.");
		CHECK_STR(task.key_authorization + sizeof("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"),
			  thumbprints[i]);
		CHECK_STR(task.identifier.value, names[i]);
		CHECK_STR(task.dns_name, "");
		challenge_task_done(&task);
	}
}

static char authority[] = "authority.example", ours[] = "https://example.com/acme/acct/ExampleAccount";

TEST(dns_persist01_has_a_record_and_no_token)
{
	char *issuers[] = {authority};
	const struct acme_directory directory = {0};
	const struct challenge_context context = {.directory = &directory, .account_url = ours, .thumbprint = "t"};
	struct challenge challenge = {
		.type = CHALLENGE_DNS_PERSIST_01,
		.persist = {.form = PERSIST_FORM_01, .issuers = {issuers, 1}, .account_uri = ours},
	};
	struct acme_challenge_task task;
	struct identifier identifier;
	struct error err = {0};
	CHECK_OK(identifier_parse("*.example.org", &identifier, &err), err);
	CHECK_OK(challenge_task(&challenge, &identifier, &context, &task, &err), err);
	CHECK_STR(task.dns_name, "_validation-persist.example.org");
	CHECK(task.token == NULL && task.key_authorization == NULL);
	CHECK_STR(task.persist->account_uris.items[0], ours);
	CHECK(task.persist->wildcard);
	challenge_task_done(&task);
	challenge.persist.account_uri = authority;
	CHECK(!challenge_task(&challenge, &identifier, &context, &task, &err));
	CHECK_INT(err.category, ERROR_CA);
}

TEST(tokens)
{
	char text[140];
	memset(text, 'a', sizeof(text));
	text[128] = '\0';
	CHECK(challenge_token_is_valid(text));
	text[128] = 'a';
	text[129] = '\0';
	CHECK(!challenge_token_is_valid(text));
	text[16] = '\0';
	CHECK(challenge_token_is_valid(text));
	text[15] = '\0';
	CHECK(!challenge_token_is_valid(text));
	CHECK(challenge_token_is_valid(token));
	CHECK(!challenge_token_is_valid("../../../../../../etc/passwd"));
	CHECK(!challenge_token_is_valid("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0="));
	CHECK(!challenge_token_is_valid("LoqXcYV8q5ONbJQx\n"));
	CHECK(!challenge_token_is_valid(""));
	CHECK(!challenge_token_is_valid(NULL));
}

TEST_MAIN()
