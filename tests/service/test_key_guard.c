/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that must not become a certificate's: the account's, and those that others may have. */
#include "service/key_guard.h"

#include "store/revoked_key.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct store *open_store(const char *name)
{
	struct error err = {0};
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", test_temp_dir(), name);
	struct store *store = store_open(path, true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static struct key *new_key(void)
{
	struct error err = {0};
	struct key *key = key_generate(KEY_TYPE_ECDSA_P256, &err);
	CHECK_OK(key != NULL, err);
	return key;
}

TEST(an_account_key_is_no_certificate_key)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store("account");
	struct key *account CLEANUP(key_freep) = new_key();
	struct key *other CLEANUP(key_freep) = new_key();
	struct acme_signer signer;
	CHECK_OK(key_signer(account, &signer, &err), err);
	CHECK_OK(key_guard(store, other, &signer, &err), err);
	CHECK(!key_guard(store, account, &signer, &err));
	CHECK_CONTAINS(err.message, "account's key");
}

TEST(a_compromised_key_is_refused)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store("revoked");
	struct key *account CLEANUP(key_freep) = new_key();
	struct key *key CLEANUP(key_freep) = new_key();
	struct revoked_key record CLEANUP(revoked_key_done) = {.revoked_at = 86400};
	struct acme_signer signer;
	CHECK_OK(key_signer(account, &signer, &err), err);
	CHECK_OK(str_set(&record.certificate, "example.com", &err) && revoked_key_save(store, key, &record, &err), err);
	CHECK(!key_guard(store, key, &signer, &err));
	CHECK_CONTAINS(err.message, "example.com");
	CHECK_CONTAINS(err.message, "1970-01-02");
}

TEST(only_the_revoked_generation_is_revoked)
{
	CHECK(!is_live_revoked(&(struct renewal){0}));
	CHECK(is_live_revoked(&(struct renewal){.generation = 2, .revoked_generation = 2}));
	CHECK(!is_live_revoked(&(struct renewal){.generation = 3, .revoked_generation = 2}));
}

TEST(every_revocation_is_remembered)
{
	struct renewal renewal CLEANUP(renewal_done) = {.generation = 1};
	struct error err = {0};
	CHECK(!is_generation_revoked(&renewal, 0) && !is_generation_revoked(&renewal, 1));
	for (uint64_t number = 1; number <= 12; number += number == 1 ? 10 : 1)
		CHECK_OK(note_revocation(&renewal, number, 86400, "superseded", &err), err);
	CHECK_OK(note_revocation(&renewal, 12, 86401, "keyCompromise", &err), err); /* told again */
	CHECK_STR(renewal.revoked_before, "1,11");
	CHECK_INT(renewal.revoked_at, 86401);
	CHECK(is_generation_revoked(&renewal, 1) && is_generation_revoked(&renewal, 11));
	CHECK(is_generation_revoked(&renewal, 12) && is_live_revoked(&renewal));
	CHECK(!is_generation_revoked(&renewal, 2) && !is_generation_revoked(&renewal, 111));

	for (uint64_t number = 100000; number < 100200; number++)
		CHECK_OK(note_revocation(&renewal, number, 86400, "superseded", &err), err);
	CHECK(strlen(renewal.revoked_before) <= 200);
	CHECK(is_generation_revoked(&renewal, 100198) && !is_generation_revoked(&renewal, 1));
}

TEST_MAIN()
