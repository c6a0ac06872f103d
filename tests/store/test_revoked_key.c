/* SPDX-License-Identifier: Apache-2.0 */
/* revoked-keys/: a key that others may have is recognized again, and only that key. */
#include "store/revoked_key.h"

#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <string.h>

TEST(a_revoked_key_is_recognized)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("revoked"), true, &err);
	struct key *bad CLEANUP(key_freep) = key_generate(KEY_TYPE_ECDSA_P256, &err);
	struct key *good CLEANUP(key_freep) = key_generate(KEY_TYPE_ECDSA_P256, &err);
	struct revoked_key record CLEANUP(revoked_key_done) = {.revoked_at = 1790000000};
	struct revoked_key loaded CLEANUP(revoked_key_done) = {0};
	bool found = true;
	CHECK_OK(store != NULL && bad != NULL && good != NULL, err);
	CHECK_OK(revoked_key_load(store, bad, &loaded, &found, &err), err);
	CHECK(!found);
	CHECK_OK(str_set(&record.certificate, "example.com", &err) && str_set(&record.reason, "keyCompromise", &err),
		 err);
	CHECK_OK(revoked_key_save(store, bad, &record, &err), err);
	CHECK_OK(revoked_key_load(store, good, &loaded, &found, &err), err);
	CHECK(!found);
	CHECK_OK(revoked_key_load(store, bad, &loaded, &found, &err), err);
	CHECK(found);
	CHECK_STR(loaded.certificate, "example.com");
	CHECK_STR(loaded.reason, "keyCompromise");
	CHECK_INT(loaded.revoked_at, 1790000000);
}

TEST(a_damaged_record_is_not_taken_for_none)
{
	static const char *const texts[] = {"{}", "{\"version\":1}", "{\"version\":1,\"certificate\":7}", "x"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct error err = {0};
		struct revoked_key record = {0};
		CHECK(!revoked_key_parse(texts[i], strlen(texts[i]), "0a", &record, &err));
		CHECK_INT(err.category, ERROR_STORE);
		CHECK_CONTAINS(err.message, "revoked-keys/0a.json");
	}
}

TEST_MAIN()
