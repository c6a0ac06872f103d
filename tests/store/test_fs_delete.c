/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of one certificate goes, and nothing of another. */
#include "store/store.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <sys/stat.h>
#include <unistd.h>

static struct store *fresh(const char *what)
{
	struct error err = {0};
	struct store *store = store_open(scratch(what), true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

/* NAME with a record and, for each of PAIRS, a generation. */
static void fill(struct store *store, const char *name, const struct pair *pairs, size_t count)
{
	struct error err = {0};
	uint64_t number = 0;
	CHECK_OK(store_write_record(store, STORE_RENEWAL, name, "{}", 2, &err), err);
	CHECK_OK(store_write_record(store, STORE_ORDER, name, "{}", 2, &err), err);
	for (size_t i = 0; i < count; i++) {
		CHECK_OK(store_stage_key(store, name, &pairs[i].key, &err), err);
		CHECK_OK(store_commit(store, name, pairs[i].cert, pairs[i].chain, pairs[i].fullchain, &number, &err),
			 err);
	}
	CHECK_INT(number, count);
}

TEST(everything_of_one_and_nothing_of_the_other)
{
	struct store *store = fresh("both");
	struct pair pairs[2];
	struct error err = {0};
	pair_init(&pairs[0], "one.test", 1);
	pair_init(&pairs[1], "one.test", 2);
	fill(store, "one.test", pairs, 2);
	fill(store, "one.test.other", pairs, 1);
	CHECK_OK(store_stage_key(store, "one.test", &pairs[0].key, &err), err); /* an order under way */

	CHECK_OK(store_delete_certificate(store, "one.test", &err), err);
	CHECK_INT(live_look(store_dir(store), "one.test"), LIVE_ABSENT);
	CHECK_INT(access(scratch("both/archive/one.test"), F_OK), -1);
	CHECK_INT(access(scratch("both/renewal/one.test.json"), F_OK), -1);
	CHECK_INT(access(scratch("both/orders/one.test.json"), F_OK), -1);
	CHECK_INT(live_look(store_dir(store), "one.test.other"), LIVE_MATCHES);
	CHECK_INT(access(scratch("both/renewal/one.test.other.json"), F_OK), 0);
	CHECK_OK(store_delete_certificate(store, "one.test", &err), err); /* gone already */
	store_close(store);
	pair_done(&pairs[0]);
	pair_done(&pairs[1]);
}

TEST(one_that_was_cut_off_is_finished)
{
	struct store *store = fresh("cut");
	struct pair pair;
	struct error err = {0};
	pair_init(&pair, "cut.test", 1);
	fill(store, "cut.test", &pair, 1);
	CHECK_INT(unlink(scratch("cut/live/cut.test")), 0);
	CHECK_INT(unlink(scratch("cut/archive/cut.test/1/privkey.pem")), 0);
	CHECK_OK(store_delete_certificate(store, "cut.test", &err), err);
	CHECK_INT(access(scratch("cut/archive/cut.test"), F_OK), -1);
	CHECK_INT(access(scratch("cut/renewal/cut.test.json"), F_OK), -1);
	store_close(store);
	pair_done(&pair);
}

TEST(what_is_not_ours_stops_it_before_the_record_goes)
{
	struct store *store = fresh("foreign");
	struct pair pair;
	struct error err = {0};
	pair_init(&pair, "foreign.test", 1);
	fill(store, "foreign.test", &pair, 1);
	CHECK_INT(mkdir(scratch("foreign/archive/foreign.test/1/by-hand"), 0700), 0);
	CHECK(!store_delete_certificate(store, "foreign.test", &err));
	CHECK_CONTAINS(err.message, "by-hand");
	CHECK_INT(access(scratch("foreign/renewal/foreign.test.json"), F_OK), 0);
	store_close(store);
	pair_done(&pair);
}

TEST(no_name_leads_elsewhere)
{
	struct store *store = fresh("names");
	struct error err = {0};
	CHECK(!store_delete_certificate(store, "../names", &err));
	CHECK_INT(access(scratch("names"), F_OK), 0);
	store_close(store);
}

TEST_MAIN()
