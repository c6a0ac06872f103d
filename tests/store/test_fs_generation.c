/* SPDX-License-Identifier: Apache-2.0 */
/* Generations: staged, committed, live, recovered. */
#include "acme/csr.h"
#include "store/store.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "example.com";

static struct store *fresh(const char *what)
{
	struct error err = {0};
	struct store *store = store_open(scratch(what), true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static uint64_t commit(struct store *store, const struct pair *pair)
{
	struct error err = {0};
	uint64_t number = 0;
	CHECK_OK(store_stage_key(store, name, &pair->key, &err), err);
	CHECK_OK(store_commit(store, name, pair->cert, pair->chain, pair->fullchain, &number, &err), err);
	return number;
}

static void check_live(struct store *store, uint64_t number, const struct pair *pair)
{
	struct generation live CLEANUP(generation_done) = {0};
	struct error err = {0};
	uint64_t seen = 0;
	bool found = false;
	CHECK_OK(store_read_live(store, name, &live, &found, &err), err);
	CHECK(found);
	CHECK_INT(live.number, number);
	CHECK_STR(live.cert, pair->cert);
	CHECK_STR(live.chain, pair->chain);
	CHECK_STR(live.fullchain, pair->fullchain);
	CHECK(secret_equal(&live.privkey, &pair->key));
	CHECK_OK(store_live_number(store, name, &seen, &found, &err), err);
	CHECK_INT(seen, number);
	CHECK_INT(live_look(store_dir(store), name), LIVE_MATCHES);
	char want[PATH_MAX];
	(void)snprintf(want, sizeof(want), "%s/archive/%s/%d", store_dir(store), name, (int)number);
	CHECK_STR(live.path, want);
}

/* Nothing was recovered, or (WANT_CHANGE) something was; NUMBER is live now. ROLLBACK is on record. */
static void check_recover_after(struct store *store, struct store_rollback rollback, bool want_change,
				uint64_t want_number)
{
	struct error err = {0};
	uint64_t number = 99;
	bool recovered = !want_change;
	CHECK_OK(store_recover(store, name, &rollback, &number, &recovered, &err), err);
	CHECK_INT(recovered, want_change);
	CHECK_INT(number, want_number);
	CHECK_INT(live_number(store_dir(store), name), want_number);
}

static void check_recover(struct store *store, bool want_change, uint64_t want_number)
{
	check_recover_after(store, (struct store_rollback){0}, want_change, want_number);
}

static void relink(struct store *store, const char *target)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/live/%s", store_dir(store), name);
	(void)unlink(path);
	CHECK(target == NULL || symlink(target, path) == 0);
}

TEST(generations_are_counted_and_the_newest_is_live)
{
	struct store *store CLEANUP(store_closep) = fresh("counted");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done);
	struct error err = {0};
	char target[PATH_MAX];
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	CHECK_INT(commit(store, &first), 1);
	check_live(store, 1, &first);
	CHECK_INT(commit(store, &second), 2);
	check_live(store, 2, &second);
	char *path AUTO_FREE = store_live_path(store, name, &err);
	CHECK_STR(path, scratch("counted/live/example.com"));
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	CHECK(len > 0);
	target[len] = '\0';
	CHECK_STR(target, "../archive/example.com/2");
	check_recover(store, false, 2);
	CHECK_INT(count_entries(store_dir(store), ".next"), 0);
	CHECK_INT(count_entries(store_dir(store), ".tmp-"), 0);
}

TEST(the_key_is_private_and_certificates_are_public)
{
	static const struct {
		const char *file;
		unsigned mode;
	} files[] = {{"privkey.pem", 0600}, {"cert.pem", 0644}, {"chain.pem", 0644}, {"fullchain.pem", 0644}};
	mode_t before = umask(0777 & ~0700);
	struct store *store CLEANUP(store_closep) = fresh("modes");
	struct pair pair CLEANUP(pair_done);
	pair_init(&pair, name, 1);
	CHECK_INT(commit(store, &pair), 1);
	(void)umask(before);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct stat info;
		char path[64];
		(void)snprintf(path, sizeof(path), "modes/live/example.com/%s", files[i].file);
		CHECK(stat(scratch(path), &info) == 0);
		CHECK_INT(info.st_mode & 07777, files[i].mode);
	}
}

TEST(a_staged_key_waits_is_replaced_and_discarded)
{
	struct store *store CLEANUP(store_closep) = fresh("staged");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done);
	struct secret key CLEANUP(secret_done) = {0};
	struct error err = {0};
	uint64_t number = 0;
	bool found = true;
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	CHECK_OK(store_read_staged_key(store, name, &key, &found, &err), err);
	CHECK(!found);
	CHECK_OK(store_stage_key(store, name, &first.key, &err), err);
	CHECK_OK(store_stage_key(store, name, &second.key, &err), err);
	CHECK_OK(store_read_staged_key(store, name, &key, &found, &err), err);
	CHECK(found && secret_equal(&key, &second.key));
	CHECK_INT(live_look(store_dir(store), name), LIVE_ABSENT);
	CHECK_OK(store_discard_staged(store, name, &err), err);
	CHECK_OK(store_discard_staged(store, name, &err), err);
	CHECK_OK(store_read_staged_key(store, name, &key, &found, &err), err);
	CHECK(!found);
	CHECK(!store_commit(store, name, first.cert, first.chain, first.fullchain, &number, &err));
	CHECK_CONTAINS(err.message, "neither a key nor a request is staged for example.com");
}

TEST(certificates_of_another_key_never_become_live)
{
	struct store *store CLEANUP(store_closep) = fresh("foreign");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done);
	uint64_t number = 0;
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	CHECK_INT(commit(store, &first), 1);
	struct error err = {0};
	CHECK_OK(store_stage_key(store, name, &second.key, &err), err);
	/* Each of the two files that hold the leaf is looked at. */
	CHECK(!store_commit(store, name, first.cert, first.chain, second.fullchain, &number, &err));
	error_clear(&err);
	CHECK(!store_commit(store, name, second.cert, second.chain, first.fullchain, &number, &err));
	error_clear(&err);
	CHECK(!store_commit(store, name, "no PEM", "", second.fullchain, &number, &err));
	CHECK_INT(err.category, ERROR_STORE);
	check_live(store, 1, &first);
	/* The key is still staged, and the right certificate is still welcome. */
	error_clear(&err);
	CHECK_OK(store_commit(store, name, second.cert, second.chain, second.fullchain, &number, &err), err);
	check_live(store, 2, &second);
}

TEST(what_an_interrupted_commit_left_is_not_archived)
{
	struct store *store CLEANUP(store_closep) = fresh("leftover");
	struct pair pair CLEANUP(pair_done);
	struct error err = {0};
	uint64_t number = 0;
	pair_init(&pair, name, 1);
	CHECK_OK(store_stage_key(store, name, &pair.key, &err), err);
	spoil(scratch("leftover/archive/example.com/.next/.tmp-0123456789abcdef"), "half a key", 10);
	spoil(scratch("leftover/archive/example.com/.next/cert.pem"), "an older one", 12);
	CHECK_OK(store_commit(store, name, pair.cert, pair.chain, pair.fullchain, &number, &err), err);
	check_live(store, 1, &pair);
	CHECK_INT(count_entries(store_dir(store), ".tmp-"), 0);
}

TEST(recovery_makes_a_complete_newer_generation_live)
{
	struct store *store CLEANUP(store_closep) = fresh("recovered");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done);
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	check_recover(store, false, 0);
	(void)commit(store, &first);
	(void)commit(store, &second);
	/* As a crash between the two renames leaves it; reading by itself moves nothing. */
	relink(store, "../archive/example.com/1");
	check_live(store, 1, &first);
	check_recover(store, true, 2);
	check_live(store, 2, &second);
	check_recover(store, false, 2);
	/* The very first one. */
	relink(store, NULL);
	check_recover(store, true, 2);
}

TEST(recovery_passes_over_what_does_not_verify)
{
	struct store *store CLEANUP(store_closep) = fresh("unusable");
	struct pair pairs[4];
	for (int i = 0; i < 4; i++) {
		pair_init(&pairs[i], name, i + 1);
		CHECK_INT(commit(store, &pairs[i]), i + 1);
	}
	relink(store, "../archive/example.com/1");
	spoil(scratch("unusable/archive/example.com/4/privkey.pem"), pairs[0].key.data, pairs[0].key.len);
	CHECK(unlink(scratch("unusable/archive/example.com/3/fullchain.pem")) == 0);
	check_recover(store, true, 2);
	check_live(store, 2, &pairs[1]);
	check_recover(store, false, 2);
	/* A new one is numbered above all of them. */
	struct pair next CLEANUP(pair_done);
	pair_init(&next, name, 9);
	CHECK_INT(commit(store, &next), 5);
	for (int i = 0; i < 4; i++)
		pair_done(&pairs[i]);
}

TEST(a_damaged_live_generation_is_an_error_and_recovery_goes_back_only_from_nothing)
{
	struct store *store CLEANUP(store_closep) = fresh("dangling");
	struct generation live CLEANUP(generation_done) = {0};
	struct pair pair CLEANUP(pair_done);
	struct error err = {0};
	bool found = false;
	pair_init(&pair, name, 1);
	(void)commit(store, &pair);
	relink(store, "../archive/example.com/7");
	CHECK(!store_read_live(store, name, &live, &found, &err));
	CHECK_INT(err.category, ERROR_STORE);
	CHECK_CONTAINS(err.message, "generation 7, which is missing");
	CHECK_CONTAINS(err.hint, "--force");
	check_recover(store, true, 1);

	error_clear(&err);
	spoil(scratch("dangling/archive/example.com/1/privkey.pem"), "", 0);
	CHECK(!store_read_live(store, name, &live, &found, &err));
	CHECK_CONTAINS(err.message, "privkey.pem is damaged");

	/* A link that went missing entirely does not reuse numbers. */
	relink(store, "../archive/example.com/7");
	struct pair next CLEANUP(pair_done);
	pair_init(&next, name, 2);
	CHECK_INT(commit(store, &next), 8);
}

TEST(a_live_entry_that_is_not_ours_is_refused_and_kept)
{
	static const char *const targets[] = {"/etc", "../archive/other.test/1", "../archive/example.com/01",
					      "../archive/example.com/1/", "../archive/example.com/x"};
	struct store *store CLEANUP(store_closep) = fresh("alien");
	struct generation live CLEANUP(generation_done) = {0};
	struct pair pair CLEANUP(pair_done);
	uint64_t number = 0;
	bool found = false;
	pair_init(&pair, name, 1);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct error err = {0};
		relink(store, targets[i]);
		CHECK(!store_read_live(store, name, &live, &found, &err));
		CHECK_CONTAINS(err.message, "live/example.com is not a link");
	}
	struct error err = {0};
	relink(store, NULL);
	CHECK(mkdir(scratch("alien/live/example.com"), 0700) == 0);
	CHECK_OK(store_stage_key(store, name, &pair.key, &err), err);
	CHECK(!store_commit(store, name, pair.cert, pair.chain, pair.fullchain, &number, &err));
	CHECK_CONTAINS(err.message, "live/example.com is not a link");
}

static void make_live(struct store *store, uint64_t number)
{
	struct error err = {0};
	CHECK_OK(store_make_live(store, name, number, &err), err);
	CHECK_INT(live_number(store_dir(store), name), number);
}

TEST(an_earlier_generation_is_made_live_and_stays_so)
{
	struct store *store CLEANUP(store_closep) = fresh("rollback");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done), third CLEANUP(pair_done);
	const struct store_rollback done = {.to = 1, .from = 2};
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	pair_init(&third, name, 3);
	CHECK_INT(commit(store, &first), 1);
	CHECK_INT(commit(store, &second), 2);
	make_live(store, 1);
	check_live(store, 1, &first);
	check_recover_after(store, done, false, 1);

	/* Where the link is gone it is the one that was meant; where that is damaged too, the newest. */
	relink(store, NULL);
	check_recover_after(store, done, true, 1);
	relink(store, NULL);
	check_recover_after(store, (struct store_rollback){.to = 7, .from = 9}, true, 2);
	make_live(store, 1);

	/* One issued since then is wanted, also when its own switch was cut off. */
	CHECK_INT(commit(store, &third), 3);
	make_live(store, 1);
	check_recover_after(store, done, true, 3);
	check_live(store, 3, &third);
}

TEST(generations_are_listed_in_their_order)
{
	struct store *store CLEANUP(store_closep) = fresh("listed");
	struct pair pair CLEANUP(pair_done);
	struct error err = {0};
	uint64_t *numbers = NULL;
	size_t count = 9;
	CHECK_OK(store_list_generations(store, name, &numbers, &count, &err), err);
	CHECK(numbers == NULL && count == 0);
	pair_init(&pair, name, 1);
	for (uint64_t number = 1; number <= 11; number++)
		CHECK_INT(commit(store, &pair), number);
	CHECK_OK(store_stage_key(store, name, &pair.key, &err), err);
	CHECK_OK(store_list_generations(store, name, &numbers, &count, &err), err);
	CHECK_INT(count, 11);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(numbers[i], i + 1);
	free(numbers);
}

TEST(a_generation_that_is_missing_or_damaged_is_not_made_live)
{
	struct store *store CLEANUP(store_closep) = fresh("unfit");
	struct pair first CLEANUP(pair_done), second CLEANUP(pair_done);
	struct generation read CLEANUP(generation_done) = {0};
	struct error err = {0};
	bool found = true;
	pair_init(&first, name, 1);
	pair_init(&second, name, 2);
	CHECK_INT(commit(store, &first), 1);
	CHECK_INT(commit(store, &second), 2);

	CHECK_OK(store_read_generation(store, name, 3, &read, &found, &err), err);
	CHECK(!found);
	CHECK(!store_make_live(store, name, 3, &err));
	CHECK_CONTAINS(err.message, "no generation 3");

	spoil(scratch("unfit/archive/example.com/1/privkey.pem"), second.key.data, second.key.len);
	error_clear(&err);
	CHECK(!store_make_live(store, name, 1, &err));
	CHECK_INT(err.category, ERROR_STORE);
	CHECK_CONTAINS(err.message, "another key");
	CHECK_INT(live_number(store_dir(store), name), 2);
}

/* The request (PEM) that the owner of PAIR's key would bring. */
static void make_request(const struct pair *pair, struct buf *ret)
{
	struct error err = {0};
	struct identifier identifier;
	struct buf der CLEANUP(buf_done);
	struct key *key CLEANUP(key_freep) = key_from_pem(&pair->key, &err);
	buf_init(&der, 4096);
	buf_init(ret, 4096);
	CHECK_OK(key != NULL && identifier_parse(name, &identifier, &err) &&
			 key_make_csr(key, &identifier, 1, &der, &err),
		 err);
	struct csr *csr CLEANUP(csr_freep) = csr_parse(der.data, der.len, &err);
	CHECK_OK(csr != NULL && csr_to_pem(csr, ret, &err), err);
}

TEST(a_request_takes_the_place_of_a_key_that_is_not_ours)
{
	struct store *store CLEANUP(store_closep) = fresh("own-csr");
	struct pair pair CLEANUP(pair_done);
	struct buf request CLEANUP(buf_done), staged CLEANUP(buf_done) = {0};
	struct secret key CLEANUP(secret_done) = {0};
	struct generation live CLEANUP(generation_done) = {0};
	struct error err = {0};
	uint64_t number = 0;
	bool found = false;
	pair_init(&pair, name, 1);
	make_request(&pair, &request);

	/* Whatever was staged before gives way. */
	CHECK_OK(store_stage_key(store, name, &pair.key, &err), err);
	CHECK_OK(store_stage_request(store, name, buf_cstr(&request), &err), err);
	CHECK_OK(store_read_staged_key(store, name, &key, &found, &err), err);
	CHECK(!found);
	CHECK_OK(store_read_staged_request(store, name, &staged, &found, &err), err);
	CHECK(found);
	CHECK_STR(buf_cstr(&staged), buf_cstr(&request));

	CHECK_OK(store_commit(store, name, pair.cert, pair.chain, pair.fullchain, &number, &err), err);
	CHECK_OK(store_read_live(store, name, &live, &found, &err), err);
	CHECK(found && live.privkey.len == 0);
	CHECK_STR(live.request, buf_cstr(&request));
	CHECK_INT(count_entries(store_dir(store), "privkey"), 0);

	/* Recovery needs no key either. */
	relink(store, NULL);
	check_recover(store, true, 1);
	/* The next one may be ours again. */
	CHECK_INT(commit(store, &pair), 2);
	check_live(store, 2, &pair);
	CHECK_INT(count_entries(store_dir(store), "request"), 1);
}

TEST(a_certificate_of_another_key_than_the_requests_is_refused)
{
	struct store *store CLEANUP(store_closep) = fresh("other-csr");
	struct pair pair CLEANUP(pair_done), other CLEANUP(pair_done);
	struct buf request CLEANUP(buf_done);
	struct error err = {0};
	uint64_t number = 0;
	pair_init(&pair, name, 1);
	pair_init(&other, name, 3);
	make_request(&other, &request);
	CHECK_OK(store_stage_request(store, name, buf_cstr(&request), &err), err);
	CHECK(!store_commit(store, name, pair.cert, pair.chain, pair.fullchain, &number, &err));
	CHECK_CONTAINS(err.message, "another key");
	CHECK_INT(live_number(store_dir(store), name), 0);
}

TEST_MAIN()
