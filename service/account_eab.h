/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External account credentials for a new account: from the command line, from the config, or, at a CA that gives them
 * for an e-mail address, fetched.
 */
#ifndef SERVICE_ACCOUNT_EAB_H
#define SERVICE_ACCOUNT_EAB_H

#include "acme/account.h"
#include "base/secret.h"
#include "service/service.h"

struct account_eab {
	bool given;
	struct acme_eab eab; /* borrows the rest */
	char *kid;
	struct secret hmac_key; /* decoded */
};

void account_eab_done(struct account_eab *eab);

/*
 * The credentials for a new account at CA_URL with contact EMAIL (may be NULL). None is fine (given is false) where the
 * CA wants none; otherwise ERROR_CONFIG with where to get them, for known CAs.
 */
MUST_CHECK bool account_eab_find(struct service *service, struct acme_session *session, const char *ca_url,
				 const char *email, struct deadline deadline, struct account_eab *ret,
				 struct error *err);

/* ZeroSSL's answer to an e-mail address (pure; fuzzed): key id, and the HMAC key as text. ERROR_CA otherwise. */
MUST_CHECK bool eab_email_parse(const char *text, size_t len, char **ret_kid, struct secret *ret_hmac_key,
				struct error *err);

/* The form that asks for them: "email=…", percent-encoded, appended to RET. */
MUST_CHECK bool eab_email_form(const char *email, struct buf *ret, struct error *err);

#endif
