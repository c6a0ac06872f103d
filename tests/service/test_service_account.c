/* SPDX-License-Identifier: Apache-2.0 */
/* Which stored account serves whom. */
#include "service/account.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ca[] = "https://ca.test/directory";

static struct store *open_store(const char *name)
{
	struct error err = {0};
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", test_temp_dir(), name);
	struct store *store = store_open(path, true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

/* An account that was made for MADE_FOR and has CONTACT by now. */
static void add(struct store *store, const char *ca_url, const char *made_for, const char *contact, const char *url,
		const char *status)
{
	struct error err = {0};
	struct account_record record CLEANUP(account_record_done) = {.created_at = 1};
	AUTO_FREE char *name = account_record_name(ca_url, made_for, &err);
	CHECK_OK(name != NULL && str_set(&record.ca_url, ca_url, &err) && str_set(&record.email, contact, &err) &&
			 str_set(&record.url, url, &err) && str_set(&record.status, status, &err) &&
			 account_record_save(store, name, &record, &err),
		 err);
}

static void check(struct store *store, const char *email, const char *url, const char *want_made_for, bool want_found)
{
	struct error err = {0};
	char *name = NULL;
	bool found = !want_found;
	AUTO_FREE char *want = account_record_name(ca, want_made_for, &err);
	CHECK_OK(account_find_name(store, ca, email, url, &name, &found, &err), err);
	CHECK_STR(name, want);
	CHECK_INT(found, want_found);
	free(name);
}

TEST(each_contact_has_its_account)
{
	struct store *store CLEANUP(store_closep) = open_store("contacts");
	add(store, ca, "a@x.test", "a@x.test", "https://ca.test/1", NULL);
	add(store, "https://ca.test/other", "b@x.test", "b@x.test", "https://ca.test/2", NULL);
	check(store, "a@x.test", NULL, "a@x.test", true);
	check(store, "b@x.test", NULL, "b@x.test", false); /* that one is at another directory */
}

TEST(no_contact_means_the_only_one)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store("only");
	char *name = NULL;
	bool found = false;
	check(store, NULL, NULL, NULL, false);
	add(store, ca, "a@x.test", "a@x.test", "https://ca.test/1", NULL);
	check(store, NULL, NULL, "a@x.test", true);
	add(store, ca, "b@x.test", "b@x.test", "https://ca.test/2", NULL);
	CHECK(!account_find_name(store, ca, NULL, NULL, &name, &found, &err));
	CHECK_CONTAINS(err.message, "2 accounts");
	/* Its own, if there is one, comes before all. */
	add(store, ca, NULL, NULL, "https://ca.test/3", NULL);
	check(store, NULL, NULL, NULL, true);
}

TEST(a_changed_contact_is_followed)
{
	struct store *store CLEANUP(store_closep) = open_store("changed");
	add(store, ca, "old@x.test", "new@x.test", "https://ca.test/1", NULL);
	check(store, "new@x.test", NULL, "old@x.test", true);
	check(store, "old@x.test", NULL, "old@x.test", true);
}

TEST(an_ended_account_is_found_so_that_it_can_be_told)
{
	struct store *store CLEANUP(store_closep) = open_store("ended");
	add(store, ca, "a@x.test", "a@x.test", "https://ca.test/1", "deactivated");
	check(store, NULL, NULL, "a@x.test", true);
	add(store, ca, "b@x.test", "b@x.test", "https://ca.test/2", NULL);
	check(store, NULL, NULL, "b@x.test", true);
}

TEST(by_url)
{
	struct store *store CLEANUP(store_closep) = open_store("url");
	add(store, ca, "a@x.test", "a@x.test", "https://ca.test/1", NULL);
	add(store, ca, "b@x.test", "b@x.test", "https://ca.test/2", NULL);
	check(store, "a@x.test", "https://ca.test/2", "b@x.test", true);
	check(store, "a@x.test", "https://ca.test/9", "a@x.test", false);
}

TEST(no_two_accounts_have_one_key)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store("keys");
	struct key *key CLEANUP(key_freep) = key_generate(KEY_TYPE_ECDSA_P256, &err);
	struct key *other CLEANUP(key_freep) = key_generate(KEY_TYPE_ECDSA_P256, &err);
	struct secret pem CLEANUP(secret_done) = {0};
	AUTO_FREE char *name = account_record_name(ca, "a@x.test", &err);
	add(store, ca, "a@x.test", "a@x.test", "https://ca.test/1", NULL);
	CHECK_OK(key != NULL && other != NULL && key_to_pem(key, &pem, &err) &&
			 store_write_account_key(store, name, &pem, &err),
		 err);
	CHECK_OK(account_check_key_is_own(store, "somebody-else", other, &err), err);
	CHECK_OK(account_check_key_is_own(store, name, key, &err), err);
	CHECK(!account_check_key_is_own(store, "somebody-else", key, &err));
	CHECK_CONTAINS(err.message, name);
}

TEST_MAIN()
