/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: one request, signed by the account or by the certificate's key.
 */
#include "acme/revoke.h"

#include "acme/problem.h"
#include "base/base64url.h"
#include "base/limits.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

static const char step[] = "revoke";

enum { REASON_MAX = 10, FOR_CAS = 2, NOT_IN_USE = 7 };

static const char *const reasons[REASON_MAX + 1] = {
	[REVOCATION_UNSPECIFIED] = "unspecified",
	[REVOCATION_KEY_COMPROMISE] = "keyCompromise",
	[FOR_CAS] = "cACompromise",
	[REVOCATION_AFFILIATION_CHANGED] = "affiliationChanged",
	[REVOCATION_SUPERSEDED] = "superseded",
	[REVOCATION_CESSATION_OF_OPERATION] = "cessationOfOperation",
	[REVOCATION_CERTIFICATE_HOLD] = "certificateHold",
	[REVOCATION_REMOVE_FROM_CRL] = "removeFromCRL",
	[REVOCATION_PRIVILEGE_WITHDRAWN] = "privilegeWithdrawn",
	[REVOCATION_AA_COMPROMISE] = "aACompromise",
};

const char *revocation_reason_name(enum revocation_reason reason)
{
	return (unsigned)reason <= REASON_MAX ? reasons[reason] : NULL;
}

/* Equal but for case, hyphens and underscores. */
static bool is_reason(const char *text, const char *name)
{
	for (; *text != '\0'; text++) {
		if (*text == '-' || *text == '_')
			continue;
		if (tolower((unsigned char)*text) != tolower((unsigned char)*name))
			return false;
		name++;
	}
	return *name == '\0';
}

bool revocation_reason_parse(const char *text, enum revocation_reason *ret, struct error *err)
{
	static const char advice[] = "keyCompromise (1) when somebody else may have the key, superseded (4) when it "
				     "was replaced, cessationOfOperation (5) when the name is given up, or "
				     "unspecified (0)";
	uint64_t number = REASON_MAX + 1;

	if (!parse_u64(text, strlen(text), REASON_MAX, &number))
		for (number = 0; number <= REASON_MAX; number++)
			if (reasons[number] != NULL && is_reason(text, reasons[number]))
				break;
	if (number <= REASON_MAX && number != FOR_CAS && number != NOT_IN_USE) {
		*ret = (enum revocation_reason)number;
		return true;
	}
	if (number == FOR_CAS)
		(void)error_set(err, ERROR_USAGE, "usage", "the reason cACompromise (2) is for CAs only");
	else if (number == NOT_IN_USE)
		(void)error_set(err, ERROR_USAGE, "usage", "7 is not in use as a reason");
	else
		(void)error_set(err, ERROR_USAGE, "usage", "\"%s\" is no reason for revoking", text);
	error_hint(err, "%s", advice);
	return false;
}

bool revoke_is_account_refused(const struct error *err)
{
	return acme_problem_is(err->type, "unauthorized") || acme_problem_is(err->type, "accountDoesNotExist");
}

static bool build(const struct chain *chain, enum revocation_reason reason, struct buf *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf der;
	buf_init(&der, LIMIT_CHAIN_BODY);
	if (!chain_leaf_der(chain, &der, err))
		return false;
	buf_str(ret, "{\"certificate\":\"");
	base64url_encode(ret, der.data, der.len);
	buf_str(ret, "\"");
	/* 0 means the same as none, and X.509 prefers none. */
	if (reason != REVOCATION_UNSPECIFIED)
		buf_printf(ret, ",\"reason\":%d", (int)reason);
	buf_str(ret, "}");
	return buf_check(ret, "revocation request", err);
}

bool acme_revoke(struct acme_session *session, const struct acme_identity *signed_by, const struct chain *chain,
		 enum revocation_reason reason, struct deadline deadline, bool *ret_already, struct error *err)
{
	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	struct error failure = {0};
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	*ret_already = false;
	if (directory == NULL)
		return false;
	if (directory->revoke_cert == NULL)
		return error_set(err, ERROR_CA, step, "this CA cannot revoke by ACME");
	if (!build(chain, reason, &payload, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	CLEANUP(acme_post_done)
	struct acme_post post = {
		.url = directory->revoke_cert,
		.payload = buf_cstr(&payload),
		.repeatable = true, /* the second time it is alreadyRevoked */
	};
	if (acme_session_post(session, signed_by, &post, 1, step, deadline, &failure))
		return true;
	if (acme_problem_is(failure.type, "alreadyRevoked")) {
		*ret_already = true;
		return true;
	}
	if (acme_problem_is(failure.type, "badRevocationReason")) {
		failure.hint[0] = '\0';
		error_hint(&failure,
			   "the CA does not take the reason %s: most take unspecified, keyCompromise, superseded and "
			   "cessationOfOperation",
			   revocation_reason_name(reason));
	} else if (revoke_is_account_refused(&failure)) {
		failure.hint[0] = '\0';
		error_hint(&failure, "%s",
			   signed_by->kid != NULL ? "the certificate's own key may revoke it: --with-certificate-key"
						  : "the CA did not accept the certificate's key either: see its "
						    "website for other ways");
	}
	*err = failure;
	return false;
}
