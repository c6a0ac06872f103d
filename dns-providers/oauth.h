/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens (RFC 6749): got once for all threads, kept until shortly before they expire, and got anew once when the
 * API refuses one.
 */
#ifndef DNS_PROVIDERS_OAUTH_H
#define DNS_PROVIDERS_OAUTH_H

#include "base/buf.h"
#include "dns-providers/common.h"

#include <pthread.h>

struct oauth {
	pthread_mutex_t lock;
	struct secret header; /* "Authorization: Bearer …"; empty: there is none now */
	int64_t until_ms;     /* monotonic: when to get the next */
	uint64_t mark;        /* how many there were */

	/* A token and for how many seconds it is good. */
	bool (*fetch)(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
		      struct error *err);
	void *ctx;
};

void oauth_init(struct oauth *oauth,
		bool (*fetch)(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
			      struct error *err),
		void *ctx);
void oauth_done(struct oauth *oauth);

/* An API's authorize (common.h): the header with the token, which is got first where that is needed. */
MUST_CHECK bool oauth_authorize(struct oauth *oauth, struct deadline deadline, struct provider_headers *ret,
				struct error *err);

/* An API's renew. A token that another thread has got meanwhile stays. */
void oauth_renew(struct oauth *oauth, uint64_t mark);

/* Send CALL to a token endpoint and read its answer. */
MUST_CHECK bool oauth_ask(const struct provider_api *api, const struct provider_call *call, struct deadline deadline,
			  struct secret *ret_token, int64_t *ret_seconds, struct error *err);

/*
 * A token endpoint's answer (RFC 6749 §5.1), pure and fuzzed: ERROR_DATA. The token is visible ASCII. The seconds stand
 * in expires_in, as a number or, with some vendors, as a string; or in expires_on as seconds since 1970.
 */
MUST_CHECK bool oauth_read_token(const char *text, size_t len, int64_t now, struct secret *ret_token,
				 int64_t *ret_seconds, struct error *err);

/* KEY=VALUE of a form (application/x-www-form-urlencoded), with "&" before it where something stands there already. */
void oauth_form_add(struct buf *form, const char *key, const char *value);

#endif
