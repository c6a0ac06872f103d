/* SPDX-License-Identifier: Apache-2.0 */
/* accounts/<name>/account.json. */
#include "store/account_record.h"

#include "base/identifier.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <string.h>

TEST(an_account_comes_back)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("accounts"), true, &err);
	struct account_record record CLEANUP(account_record_done) = {.created_at = 1790000000};
	struct account_record loaded CLEANUP(account_record_done) = {0};
	bool found = false;
	CHECK_OK(store != NULL, err);
	CHECK_OK(str_set(&record.ca_url, "https://ca.test/dir", &err), err);
	CHECK_OK(account_record_save(store, "ca.test-1", &record, &err), err);
	CHECK_OK(account_record_load(store, "ca.test-1", &loaded, &found, &err), err);
	CHECK(found && loaded.url == NULL && loaded.email == NULL);
	account_record_done(&loaded);
	CHECK_OK(str_set(&record.url, "https://ca.test/acct/1?x=%C3%A4", &err), err);
	CHECK_OK(str_set(&record.email, "a@example.com", &err), err);
	CHECK_OK(account_record_save(store, "ca.test-1", &record, &err), err);
	CHECK_OK(account_record_load(store, "ca.test-1", &loaded, &found, &err), err);
	CHECK_STR(loaded.ca_url, record.ca_url);
	CHECK_STR(loaded.url, record.url);
	CHECK_STR(loaded.email, record.email);
	CHECK_INT(loaded.created_at, 1790000000);
}

TEST(a_damaged_account_is_never_a_reason_to_register_again)
{
	static const char *const texts[] = {"",
					    "{\"version\":1",
					    "{\"version\":1}",
					    "{\"version\":9,\"ca_url\":\"x\"}",
					    "{\"version\":1,\"ca_url\":\"\"}",
					    "{\"version\":1,\"ca_url\":false}"};
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("damaged"), true, &err);
	CHECK_OK(store != NULL, err);
	CHECK_OK(store_write_record(store, STORE_ACCOUNT, "ca", "x", 1, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct account_record record CLEANUP(account_record_done) = {0};
		struct error failure = {0};
		bool found = false;
		spoil(scratch("damaged/accounts/ca/account.json"), texts[i], strlen(texts[i]));
		CHECK(!account_record_load(store, "ca", &record, &found, &failure));
		CHECK(!found);
		CHECK_INT(failure.category, ERROR_STORE);
		CHECK_CONTAINS(failure.message, "accounts/ca/account.json");
		CHECK(failure.hint[0] != '\0');
	}
}

TEST(names_tell_the_ca_and_differ_by_ca_and_contact)
{
	static const struct {
		const char *url;
		const char *start;
	} cases[] = {
		{"https://acme-v02.api.letsencrypt.org/directory", "acme-v02.api.letsencrypt.org-"},
		{"https://LOCALHOST:14000/dir", "localhost-"},
		{"https://[::1]:14000/dir", "ca-"},
		{"https://a..b/../../etc", "a.-b-"},
		{"", "ca-"},
		{"https://"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 "xxxx"},
	};
	struct error err = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *name AUTO_FREE = account_record_name(cases[i].url, NULL, &err);
		CHECK_OK(name != NULL, err);
		CHECK(name_is_valid(name));
		CHECK(str_starts(name, cases[i].start));
		char *same AUTO_FREE = account_record_name(cases[i].url, NULL, &err);
		CHECK_STR(same, name);
		char *contact AUTO_FREE = account_record_name(cases[i].url, "a@example.com", &err);
		CHECK(strcmp(contact, name) != 0);
	}
	char *one AUTO_FREE = account_record_name("https://ca.test/a", "b", &err);
	char *two AUTO_FREE = account_record_name("https://ca.test/", "ab", &err);
	CHECK(strcmp(one, two) != 0);
	/* Stored names must not change between versions. */
	char *fixed AUTO_FREE = account_record_name("https://ca.test/directory", "admin@example.com", &err);
	CHECK_STR(fixed, "ca.test-2dc1f9eb");
}

TEST_MAIN()
