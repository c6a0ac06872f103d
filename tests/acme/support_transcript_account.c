/* SPDX-License-Identifier: Apache-2.0 */
/* What transcripts about accounts and revocation run. */
#include "support_transcript_account.h"

#include "acme/account.h"
#include "acme/account_orders.h"
#include "acme/key.h"
#include "acme/keychange.h"
#include "acme/revoke.h"
#include "support_keys.h"
#include "support_transcript_ari.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 };

static bool run_register(struct acme_session *session, const struct acme_signer *signer, struct error *err)
{
	CLEANUP(str_list_done) struct str_list algorithms = {0};
	const struct acme_account_request request = {
		.email = transcript_setting("email"),
		.terms_agreed = transcript_setting("agree") != NULL,
		.only_return_existing = transcript_setting("existing") != NULL,
		.algorithms = &algorithms,
	};
	AUTO_FREE char *url = NULL;
	bool created = false;
	char got[256];
	bool ok = acme_account_register(session, signer, &request, transcript_deadline(), &url, &created, err);
	if (ok) {
		(void)snprintf(got, sizeof(got), "%s %s", url, created ? "created" : "known");
		CHECK_STR(got, transcript_result("account"));
	}
	if (transcript_result("algorithms") != NULL) {
		CLEANUP(buf_done) struct buf list;
		buf_init(&list, TEXT_MAX);
		for (size_t i = 0; i < algorithms.len; i++)
			buf_printf(&list, "%s%s", i > 0 ? " " : "", algorithms.items[i]);
		CHECK_STR(buf_cstr(&list), transcript_result("algorithms"));
	}
	return ok;
}

/* The contacts and status of ACCOUNT as "= account:" has them. */
static void check_account(const struct acme_account *account)
{
	CLEANUP(buf_done) struct buf got;
	buf_init(&got, TEXT_MAX);
	buf_str(&got, acme_account_status_name(account->status));
	for (size_t i = 0; i < account->contacts.len; i++)
		buf_printf(&got, " %s", account->contacts.items[i]);
	CHECK_STR(buf_cstr(&got), transcript_result("account"));
}

static bool run_find(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	AUTO_FREE char *url = NULL;
	bool ok = acme_account_find(session, account->signer, transcript_deadline(), &url, err);
	if (ok)
		CHECK_STR(url != NULL ? url : "none", transcript_result("account"));
	return ok;
}

static bool run_read(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	CLEANUP(acme_account_done) struct acme_account seen = {0};
	bool ok = acme_account_read(session, account, transcript_deadline(), &seen, err);
	if (ok)
		check_account(&seen);
	return ok;
}

static bool run_orders(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	CLEANUP(str_list_done) struct str_list orders = {0};
	CLEANUP(buf_done) struct buf got;
	bool more = false;
	buf_init(&got, TEXT_MAX);
	bool ok = acme_account_orders(session, account, "https://ca.example/orders/1", transcript_deadline(), &orders,
				      &more, err);
	for (size_t i = 0; i < orders.len; i++)
		buf_printf(&got, "%s%s", i > 0 ? " " : "", orders.items[i]);
	if (ok) {
		CHECK_STR(buf_cstr(&got), transcript_result("orders"));
		CHECK_INT(more, transcript_result("more") != NULL);
	}
	return ok;
}

static bool run_update(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	CLEANUP(acme_account_done) struct acme_account seen = {0};
	const struct acme_account_change change = {
		.email = transcript_setting("email"),
		.remove_contacts = transcript_setting("remove") != NULL,
		.terms_agreed = transcript_setting("agree") != NULL,
	};
	bool ok = acme_account_update(session, account, &change, transcript_deadline(), &seen, err);
	if (ok)
		check_account(&seen);
	return ok;
}

static bool run_deactivate(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	return acme_account_deactivate(session, account, transcript_deadline(), err);
}

static bool run_change_key(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	struct acme_signer new_key;
	struct key *key = vector_key(vector_short_x_pem);
	bool ok = key_signer(key, &new_key, err) &&
		  acme_account_change_key(session, account, &new_key, transcript_deadline(), err);
	key_free(key);
	return ok;
}

static bool run_revoke(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	struct acme_signer signer;
	struct error parse = {0};
	enum revocation_reason reason = REVOCATION_UNSPECIFIED;
	bool already = false, by_key = transcript_setting("certificate key") != NULL;
	struct key *key = vector_key(vector_short_x_pem);
	struct chain *chain = chain_parse(transcript_chain_pem, strlen(transcript_chain_pem), &parse);
	CHECK_OK(chain != NULL && key_signer(key, &signer, &parse), parse);
	if (transcript_setting("reason") != NULL)
		CHECK_OK(revocation_reason_parse(transcript_setting("reason"), &reason, &parse), parse);
	const struct acme_identity by = {.signer = &signer};
	bool ok = acme_revoke(session, by_key ? &by : account, chain, reason, transcript_deadline(), &already, err);
	if (ok)
		CHECK_STR(already ? "already" : "now", transcript_result("revoked"));
	chain_free(chain);
	key_free(key);
	return ok;
}

bool transcript_run_account(struct acme_session *session, const struct acme_signer *signer, const char *what,
			    struct error *err)
{
	static const struct {
		const char *name;
		bool (*run)(struct acme_session *session, const struct acme_identity *account, struct error *err);
	} table[] = {
		{"find", run_find},
		{"read", run_read},
		{"orders", run_orders},
		{"update", run_update},
		{"deactivate", run_deactivate},
		{"change key", run_change_key},
		{"revoke", run_revoke},
		{"renewal info", transcript_run_renewal_info},
	};
	const struct acme_identity account = {.signer = signer, .kid = "https://ca.example/acct/1"};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, what) == 0)
			return table[i].run(session, &account, err);
	return run_register(session, signer, err);
}
