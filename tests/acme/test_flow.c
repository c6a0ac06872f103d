/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate from order to download, against a scripted CA: each test is tests/transcripts/<its name>.txt. */
#include "support_transcript.h"
#include "tests/support/test.h"

#include <string.h>

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(abandon)
TRANSCRIPT(abandon_done)
TRANSCRIPT(abandon_gone)
TRANSCRIPT(alternate_default_fits)
TRANSCRIPT(alternate_fails)
TRANSCRIPT(alternate_none_fits)
TRANSCRIPT(alternate_not_asked_for)
TRANSCRIPT(alternate_preferred)
TRANSCRIPT(alternate_too_many)
TRANSCRIPT(answers_without_nonces)
TRANSCRIPT(ari_end_before_start)
TRANSCRIPT(ari_future_window)
TRANSCRIPT(ari_html)
TRANSCRIPT(ari_leads_away)
TRANSCRIPT(ari_lost)
TRANSCRIPT(ari_not_found)
TRANSCRIPT(ari_not_offered)
TRANSCRIPT(ari_past_window)
TRANSCRIPT(ari_retry_after_a_billion)
TRANSCRIPT(ari_retry_after_garbled)
TRANSCRIPT(ari_server_error)
TRANSCRIPT(ari_slash)
TRANSCRIPT(ari_without_retry_after)
TRANSCRIPT(authorization_already_valid)
TRANSCRIPT(authorization_deactivated)
TRANSCRIPT(authorization_dead_twice)
TRANSCRIPT(authorization_expired)
TRANSCRIPT(authorization_revoked)
TRANSCRIPT(authorizations_null)
TRANSCRIPT(bad_csr)
TRANSCRIPT(bad_nonce_drops_the_pool)
TRANSCRIPT(bad_nonce_for_ever)
TRANSCRIPT(bad_nonce_side_by_side)
TRANSCRIPT(bad_nonce_three_times)
TRANSCRIPT(cancelled_while_polling)
TRANSCRIPT(certificate_with_userinfo)
TRANSCRIPT(challenge_answer_lost)
TRANSCRIPT(challenge_conflict)
TRANSCRIPT(challenge_post_lost)
TRANSCRIPT(challenge_type_missing)
TRANSCRIPT(clock_is_off)
TRANSCRIPT(directory_is_html)
TRANSCRIPT(directory_leads_away)
TRANSCRIPT(escape_sequences_in_detail)
TRANSCRIPT(failed_order_frees_the_rest)
TRANSCRIPT(finalize_500)
TRANSCRIPT(finalize_at_another_host)
TRANSCRIPT(finalize_lost)
TRANSCRIPT(foreign_authorization)
TRANSCRIPT(foreign_block_in_certificate)
TRANSCRIPT(hiccups_while_polling)
TRANSCRIPT(html_503)
TRANSCRIPT(new_nonce_without_nonce)
TRANSCRIPT(new_order_lost)
TRANSCRIPT(new_order_without_location)
TRANSCRIPT(nonces_side_by_side_fail)
TRANSCRIPT(not_after)
TRANSCRIPT(not_after_refused)
TRANSCRIPT(one_name_http01)
TRANSCRIPT(one_name_standalone)
TRANSCRIPT(cancelled_while_the_ca_has_not_asked)
TRANSCRIPT(order_born_processing)
TRANSCRIPT(order_born_ready)
TRANSCRIPT(order_born_valid)
TRANSCRIPT(order_expired_at_birth)
TRANSCRIPT(order_expires_while_waiting)
TRANSCRIPT(order_invalid_with_subproblems)
TRANSCRIPT(order_never_ready)
TRANSCRIPT(order_not_ready)
TRANSCRIPT(order_not_ready_yet)
TRANSCRIPT(overloaded_beyond_deadline)
TRANSCRIPT(pending_with_all_valid)
TRANSCRIPT(pending_without_authorizations)
TRANSCRIPT(persist_00)
TRANSCRIPT(persist_01_other_account)
TRANSCRIPT(persist_01_with_wildcard)
TRANSCRIPT(persist_02)
TRANSCRIPT(persist_02_foreign_issuer)
TRANSCRIPT(persist_02_other_issuer)
TRANSCRIPT(persist_02_without_prefix)
TRANSCRIPT(persist_malformed)
TRANSCRIPT(poll_limit)
TRANSCRIPT(polls_grow)
TRANSCRIPT(preauthorization)
TRANSCRIPT(preauthorization_fails)
TRANSCRIPT(preauthorization_not_offered)
TRANSCRIPT(preauthorization_refused)
TRANSCRIPT(present_fails)
TRANSCRIPT(problem_without_type)
TRANSCRIPT(processing_beyond_the_deadline)
TRANSCRIPT(processing_for_minutes)
TRANSCRIPT(processing_with_retry_after_seconds)
TRANSCRIPT(profile)
TRANSCRIPT(profile_changed)
TRANSCRIPT(profile_echoed)
TRANSCRIPT(profile_not_offered)
TRANSCRIPT(profile_refused)
TRANSCRIPT(profile_retired_at_finalize)
TRANSCRIPT(rate_limited)
TRANSCRIPT(redirect_on_post)
TRANSCRIPT(rejected_identifier)
TRANSCRIPT(replaces)
TRANSCRIPT(replaces_already_replaced)
TRANSCRIPT(replaces_conflict)
TRANSCRIPT(replaces_not_offered)
TRANSCRIPT(replaces_once)
TRANSCRIPT(replaces_other_account)
TRANSCRIPT(replaces_other_ca)
TRANSCRIPT(replaces_rate_limited)
TRANSCRIPT(resume_ca_down)
TRANSCRIPT(resume_dead_authorization)
TRANSCRIPT(resume_dead_frees_the_rest)
TRANSCRIPT(resume_expired)
TRANSCRIPT(resume_invalid)
TRANSCRIPT(resume_malformed)
TRANSCRIPT(resume_not_found)
TRANSCRIPT(resume_other_account)
TRANSCRIPT(resume_other_ca)
TRANSCRIPT(resume_other_names)
TRANSCRIPT(resume_pending)
TRANSCRIPT(resume_pending_answered)
TRANSCRIPT(resume_processing)
TRANSCRIPT(resume_ready)
TRANSCRIPT(resume_valid)
TRANSCRIPT(retry_after_absurd)
TRANSCRIPT(retry_after_beyond_deadline)
TRANSCRIPT(retry_after_garbled)
TRANSCRIPT(terms_have_changed)
TRANSCRIPT(token_with_a_path)
TRANSCRIPT(unknown_challenge_types)
TRANSCRIPT(unknown_order_status)
TRANSCRIPT(valid_before_certificate)
TRANSCRIPT(validation_failed)
TRANSCRIPT(wildcard_and_base_dns01)

/* A hundred names: reads and answers go out eight at a time, with nonces fetched side by side. */
TEST(hundred_names_side_by_side)
{
	enum { NAMES = 100, AT_ONCE = 8 };
	CLEANUP(buf_done) struct buf script, urls, names;
	buf_init(&script, 1 << 20);
	buf_init(&urls, 1 << 16);
	buf_init(&names, 1 << 16);

	buf_str(&script, "solver: http-01\nnames:");
	for (int i = 0; i < NAMES; i++) {
		buf_printf(&script, " n%d.example.org", i);
		buf_printf(&urls, "%s\"https://ca.example/authz/%d\"", i > 0 ? "," : "", i);
		buf_printf(&names, "%s{\"type\":\"dns\",\"value\":\"n%d.example.org\"}", i > 0 ? "," : "", i);
	}
	buf_printf(&script, "\n+ opening.part\n> POST /new-order\n> payload: {\"identifiers\":[%s]}\n",
		   buf_cstr(&names));
	buf_printf(&script,
		   "< 201\n< Location: https://ca.example/order/1\n"
		   "{\"status\":\"pending\",\"authorizations\":[%s],\"finalize\":\"https://ca.example/f\"}\n",
		   buf_cstr(&urls));
	/* One nonce came with the order; the other seven are fetched once and come back with every answer. */
	for (int i = 1; i < AT_ONCE; i++)
		buf_str(&script, "> HEAD /nonce\n< 200\n");
	for (int i = 0; i < NAMES; i++)
		buf_printf(&script,
			   "> POST /authz/%d\n< 200\n"
			   "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"n%d.example.org\"},"
			   "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca.example/chall/%d\","
			   "\"status\":\"pending\",\"token\":\"@{token}\"}]}\n",
			   i, i, i);
	for (int i = 0; i < NAMES; i++)
		buf_printf(&script, "> POST /chall/%d\n> payload: {}\n< 200\n{}\n", i);
	buf_str(&script, ". 50 ms\n> POST /order/1\n< 200\n"
			 "{\"status\":\"ready\",\"finalize\":\"https://ca.example/f\"}\n"
			 "> POST /f\n> payload: {\"csr\":\"@{csr}\"}\n< 200\n"
			 "{\"status\":\"valid\",\"certificate\":\"https://ca.example/cert/1\"}\n"
			 "> POST /cert/1\n< 200\n@{chain}\n= certificate: yes\n= cleanups: 1\n= requests: 213\n");
	CHECK_INT(transcript_run_text(buf_cstr(&script)), AT_ONCE);
}

TEST_MAIN()
