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
	CHECK_OK(str_set(&record.status, "deactivated", &err) && str_set(&record.key_type, "rsa-2048", &err), err);
	CHECK_OK(account_record_save(store, "ca.test-1", &record, &err), err);
	CHECK_OK(account_record_load(store, "ca.test-1", &loaded, &found, &err), err);
	CHECK_STR(loaded.status, "deactivated");
	CHECK_STR(loaded.key_type, "rsa-2048");
	CHECK_STR(loaded.ca_url, record.ca_url);
	CHECK_STR(loaded.url, record.url);
	CHECK_STR(loaded.email, record.email);
	CHECK_INT(loaded.created_at, 1790000000);
}

static void check_key(bool (*read)(struct store *store, const char *name, struct secret *ret, bool *ret_found,
				   struct error *err),
		      struct store *store, const char *want)
{
	struct error err = {0};
	struct secret got CLEANUP(secret_done) = {0};
	bool found = false;
	CHECK_OK(read(store, "ca", &got, &found, &err), err);
	CHECK_INT(found, want != NULL);
	if (want != NULL)
		CHECK_STR(got.data, want);
}

static void set(struct secret *secret, const char *text)
{
	struct error err = {0};
	CHECK_OK(secret_set(secret, text, strlen(text), &err), err);
}

static void check_file(const char *path, const char *want)
{
	struct error err = {0};
	struct secret got CLEANUP(secret_done) = {0};
	CHECK_OK(secret_read_file(&got, scratch(path), 1024, true, &err), err);
	CHECK_STR(got.data, want);
}

/* A rollover: both keys are there until one of them is chosen, and none is ever lost. */
TEST(the_next_key_lies_beside_the_one_in_force)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("rollover"), true, &err);
	struct secret key CLEANUP(secret_done) = {0};
	CHECK_OK(store != NULL, err);
	set(&key, "first");
	CHECK_OK(store_write_account_key(store, "ca", &key, &err), err);
	check_key(store_read_staged_account_key, store, NULL);
	set(&key, "second");
	CHECK_OK(store_stage_account_key(store, "ca", &key, &err), err);
	check_key(store_read_account_key, store, "first");
	check_key(store_read_staged_account_key, store, "second");
	CHECK_OK(store_discard_account_key(store, "ca", &err), err);
	check_key(store_read_account_key, store, "first");
	check_key(store_read_staged_account_key, store, NULL);
	set(&key, "third");
	CHECK_OK(store_stage_account_key(store, "ca", &key, &err) && store_commit_account_key(store, "ca", &err), err);
	check_key(store_read_account_key, store, "third");
	check_key(store_read_staged_account_key, store, NULL);
	CHECK_OK(store_retire_account_key(store, "ca", &err), err);
	check_key(store_read_account_key, store, NULL);
	check_file("rollover/accounts/ca/key-former-1.pem", "second");
	check_file("rollover/accounts/ca/key-former-2.pem", "third");
	CHECK(!store_commit_account_key(store, "ca", &err));
	CHECK_INT(err.category, ERROR_STORE);
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
