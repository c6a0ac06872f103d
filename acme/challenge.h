/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One challenge (RFC 8555 §7.1.5, §8), and what a solver is told about it.
 */
#ifndef ACME_CHALLENGE_H
#define ACME_CHALLENGE_H

#include "acme/persist.h"
#include "acme/port.h"

#include <jansson.h>

/* RFC 8555 §7.1.6. */
enum challenge_status {
	CHALLENGE_STATUS_PENDING,
	CHALLENGE_STATUS_PROCESSING,
	CHALLENGE_STATUS_VALID,
	CHALLENGE_STATUS_INVALID,
	CHALLENGE_STATUS_OTHER,
};

struct challenge {
	enum challenge_type type;
	enum challenge_status status;
	char type_name[64];           /* the CA's word, terminal-safe */
	char *url;                    /* NULL where the CA gave none */
	char *token;                  /* as received: see challenge_token_is_valid() */
	struct persist_offer persist; /* dns-persist-01; no issuers: malformed, */
	char malformed[128];          /* and why */
	struct error *error;          /* owned; NULL unless the challenge failed (§8: `error`) */
};

/* A challenge object. Of an unknown type only the name is read. ERROR_DATA otherwise. */
MUST_CHECK bool challenge_from_json(const json_t *object, struct challenge *ret, struct error *err);

void challenge_done(struct challenge *challenge);

/* §8.1, §11.3: base64url characters only, of a length that can hold 128 bits; nothing that a path could stumble over.
 */
bool challenge_token_is_valid(const char *token);

/* Whose challenges they are. Borrowed. */
struct challenge_context {
	const struct acme_directory *directory;
	const char *account_url; /* byte for byte as in Location */
	const char *thumbprint;  /* of the account's key (RFC 7638) */
};

/*
 * What the solver of CHALLENGE is told: the key authorization (§8.1), and for dns-01 and dns-account-01 name and value
 * (§8.4); for dns-persist-01 the record that must stand, ERROR_CA where the challenge asks for one that we must not
 * want. RET's strings and record are malloc'd: see challenge_task_done().
 */
MUST_CHECK bool challenge_task(const struct challenge *challenge, const struct identifier *identifier,
			       const struct challenge_context *context, struct acme_challenge_task *ret,
			       struct error *err);

void challenge_task_done(struct acme_challenge_task *task);

#endif
