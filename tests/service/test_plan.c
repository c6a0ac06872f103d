/* SPDX-License-Identifier: Apache-2.0 */
#include "service/plan.h"

#include "tests/support/test.h"

#include <string.h>

static struct identifier one[] = {{IDENTIFIER_DNS, "example.com"}};
static struct identifier two[] = {{IDENTIFIER_DNS, "www.example.com"}, {IDENTIFIER_DNS, "example.com"}};
static struct identifier two_turned[] = {{IDENTIFIER_DNS, "example.com"}, {IDENTIFIER_DNS, "www.example.com"}};

static char ca_a[] = "https://a.example/dir", ca_b[] = "https://b.example/dir";

/* A certificate valid from 0 to 1000, due at 700. */
static struct renewal stored_certificate(void)
{
	return (struct renewal){
		.identifiers = two,
		.identifier_count = 2,
		.key_type = KEY_TYPE_ECDSA_P256,
		.ca_url = ca_a,
		.ca_name = ca_a,
		.generation = 3,
		.not_after = 1000,
		.renew_at = 700,
	};
}

static enum plan_action decide(const struct renewal *wanted, const struct renewal *stored, int64_t now, bool force,
			       const char *reason_part)
{
	char reason[256];
	enum plan_action action = plan_decide(wanted, stored, now, force, reason);
	CHECK_CONTAINS(reason, reason_part);
	return action;
}

TEST(nothing_stored_is_issued)
{
	struct renewal wanted = stored_certificate();
	CHECK_INT(decide(&wanted, NULL, 0, false, "no certificate yet"), PLAN_ISSUE);
	wanted.generation = 0;
	struct renewal stored = wanted;
	CHECK_INT(decide(&wanted, &stored, 0, false, "no certificate yet"), PLAN_ISSUE);
}

TEST(valid_is_left_alone_until_it_is_due)
{
	struct renewal wanted = stored_certificate(), stored = stored_certificate();
	CHECK_INT(decide(&wanted, &stored, 699, false, "renews on 1970-01-01T00:11:40Z"), PLAN_NONE);
	CHECK_INT(decide(&wanted, &stored, 700, false, "due since"), PLAN_RENEW);
	CHECK_INT(decide(&wanted, &stored, 1000, false, "expired on"), PLAN_RENEW);
	CHECK_INT(decide(&wanted, &stored, 1, true, "forced"), PLAN_RENEW);
}

TEST(after_a_rollback_it_is_due_by_its_own_dates_alone)
{
	struct renewal wanted = stored_certificate(), stored = stored_certificate();
	wanted.rolled_back_from = stored.rolled_back_from = 5;
	CHECK_INT(decide(&wanted, &stored, 699, false, "valid, rolled back from generation 5, renews on"), PLAN_NONE);
	CHECK_INT(decide(&wanted, &stored, 700, false, "due since"), PLAN_RENEW);
}

TEST(a_revoked_certificate_is_due)
{
	static char reason[] = "keyCompromise";
	struct renewal wanted = stored_certificate(), stored = stored_certificate();
	wanted.revoked_generation = 3;
	wanted.revoked_at = 86400;
	wanted.revoked_reason = reason;
	CHECK_INT(decide(&wanted, &stored, 1, false, "revoked on 1970-01-02 (keyCompromise)"), PLAN_RENEW);
	/* Its successor is not. */
	wanted.generation = 4;
	CHECK_INT(decide(&wanted, &stored, 1, false, "valid"), PLAN_NONE);
}

TEST(the_order_of_names_is_no_change)
{
	struct renewal wanted = stored_certificate(), stored = stored_certificate();
	wanted.identifiers = two_turned;
	CHECK_INT(decide(&wanted, &stored, 1, false, "valid"), PLAN_NONE);
}

TEST(what_the_config_changed_is_renewed_and_said)
{
	struct renewal wanted = stored_certificate(), stored = stored_certificate();
	wanted.identifiers = one;
	wanted.identifier_count = 1;
	CHECK_INT(decide(&wanted, &stored, 1, false, "names changed"), PLAN_RENEW);

	wanted = stored_certificate();
	wanted.key_type = KEY_TYPE_RSA_2048;
	CHECK_INT(decide(&wanted, &stored, 1, false, "from ecdsa-p256 to rsa-2048"), PLAN_RENEW);

	wanted = stored_certificate();
	wanted.ca_url = wanted.ca_name = ca_b;
	CHECK_INT(decide(&wanted, &stored, 1, false, "the CA changed"), PLAN_RENEW);

	char request[] = "MAD_";
	wanted = stored_certificate();
	wanted.csr = request;
	CHECK_INT(decide(&wanted, &stored, 1, false, "that of a certificate request"), PLAN_RENEW);
	stored.csr = request;
	CHECK_INT(decide(&wanted, &stored, 1, false, "valid"), PLAN_NONE);
	wanted.csr = NULL;
	CHECK_INT(decide(&wanted, &stored, 1, false, "the key is to be ours"), PLAN_RENEW);
	stored.csr = NULL;

	/* What was chosen by itself is no change, nor is writing it down. */
	char by_itself[] = "shortlived";
	wanted = stored_certificate();
	stored.profile_issued = by_itself;
	CHECK_INT(decide(&wanted, &stored, 1, false, "valid"), PLAN_NONE);
	wanted.profile = by_itself;
	CHECK_INT(decide(&wanted, &stored, 1, false, "valid"), PLAN_NONE);
	stored.profile_issued = NULL;

	char shortlived[] = "shortlived";
	wanted = stored_certificate();
	wanted.profile = shortlived;
	CHECK_INT(decide(&wanted, &stored, 1, false, "from the CA's default to shortlived"), PLAN_RENEW);
}

TEST(a_server_is_due_until_it_has_the_live_generation)
{
	const char *reason = NULL;
	struct renewal wanted = stored_certificate();
	struct renewal_server server = {0};
	CHECK(plan_server_due(&wanted, &server, &reason));
	CHECK_STR(reason, "never deployed");

	server = (struct renewal_server){.pushed = 2, .last_try = 5, .result = "deployed"};
	CHECK(plan_server_due(&wanted, &server, &reason));
	CHECK_STR(reason, "has an older generation");

	/* After a rollback. */
	server.pushed = 4;
	CHECK(plan_server_due(&wanted, &server, &reason));
	CHECK_STR(reason, "has a newer generation");

	server.pushed = 3;
	CHECK(!plan_server_due(&wanted, &server, &reason));
	memcpy(server.result, "rolled_back", sizeof("rolled_back"));
	CHECK(plan_server_due(&wanted, &server, &reason));
}

TEST(a_server_that_serves_another_certificate_is_due_whatever_its_record_says)
{
	char reason[256];
	struct renewal_server server = {.pushed = 3, .last_try = 5, .result = "deployed"};
	struct served served = {.state = SERVED_OTHER, .fingerprint_sha256 = "ab12", .not_after = 86400};
	struct plan_item item = {.wanted = stored_certificate(), .served = &served};
	item.wanted.servers = &server;
	item.wanted.server_count = 1;
	CHECK(plan_item_server_due(&item, 0, reason));
	CHECK_STR(reason, "serves another certificate (SHA-256 ab12, until 1970-01-02)");
	served.state = SERVED_LIVE;
	CHECK(!plan_item_server_due(&item, 0, reason));
	/* What cannot be seen proves nothing. */
	served.state = SERVED_UNSEEN;
	CHECK(!plan_item_server_due(&item, 0, reason));
	item.served = NULL;
	CHECK(!plan_item_server_due(&item, 0, reason));
	CHECK_STR(reason, "has the live generation");
	/* What the record says comes first. */
	server.pushed = 2;
	served.state = SERVED_OTHER;
	item.served = &served;
	CHECK(plan_item_server_due(&item, 0, reason));
	CHECK_STR(reason, "has an older generation");
}

TEST_MAIN()
