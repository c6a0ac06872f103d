/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare's JSON, API v4, as pure functions: requests built, answers parsed. Every answer is an envelope of success,
 * errors (code, message and perhaps an inner chain) and result. Fuzzed. Readers fail with ERROR_DATA.
 */
#ifndef DNS_PROVIDERS_CLOUDFLARE_MESSAGE_H
#define DNS_PROVIDERS_CLOUDFLARE_MESSAGE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "dns-providers/common.h"

#include <stdint.h>

enum {
	CLOUDFLARE_NO_ROUTE = 7000,
	CLOUDFLARE_BAD_ROUTE = 7003,
	CLOUDFLARE_BAD_KEY_FORMAT = 6103,
	CLOUDFLARE_BAD_TOKEN_FORMAT = 6111,
	CLOUDFLARE_UNKNOWN_KEY = 9103,
	CLOUDFLARE_INVALID_TOKEN = 9109,
	CLOUDFLARE_NOT_ALLOWED = 10000,
	CLOUDFLARE_UNKNOWN_RECORD = 81044,
	CLOUDFLARE_RECORD_EXISTS = 81057,
	CLOUDFLARE_RECORD_IDENTICAL = 81058,
};

enum { CLOUDFLARE_ID_MAX = 65, CLOUDFLARE_CODES_MAX = 16 };

/* Why the API refused: every code, inner ones too, and all of it as text. */
struct cloudflare_failure {
	int64_t codes[CLOUDFLARE_CODES_MAX];
	size_t count;
	char text[ERROR_TEXT_MAX]; /* "6003: Invalid request headers (6111: Invalid format …); …", terminal-safe */
};

/* The zones of one name. */
struct cloudflare_zones {
	char id[CLOUDFLARE_ID_MAX]; /* of the first active one */
	size_t active;              /* how many are active */
	char status[32];            /* of the first one that is not, terminal-safe; else empty */
	bool partial;               /* the active one is served by other name servers ("CNAME set-up") */
};

/* The body of a record's creation: TXT, VALUE in quotes. */
MUST_CHECK bool cloudflare_write_record(const char *name, const char *value, struct buf *out, struct error *err);

/* An envelope with success false. False when TEXT is none (an HTML page, a success): nothing is set then. */
MUST_CHECK bool cloudflare_read_failure(const char *text, size_t len, struct cloudflare_failure *ret);

bool cloudflare_failure_has(const struct cloudflare_failure *failure, int64_t code);

/* A listing of zones; only those called exactly NAME count. */
MUST_CHECK bool cloudflare_read_zones(const char *text, size_t len, const char *name, struct cloudflare_zones *ret,
				      struct error *err);

/* One page of records: the ids of the TXT records at NAME with VALUE, quoted or not, are added to IDS. */
MUST_CHECK bool cloudflare_read_records(const char *text, size_t len, const char *name, const char *value,
					struct str_list *ids, struct provider_pages *pages, struct error *err);

/* The answer to a creation: the new record's id. */
MUST_CHECK bool cloudflare_read_created(const char *text, size_t len, char ret_id[CLOUDFLARE_ID_MAX],
					struct error *err);

#endif
