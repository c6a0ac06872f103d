/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is held while a token is got, since whoever else asks would get the same one. */
#include "dns-providers/oauth.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "dns-providers/sigv4.h"
#include "dns-providers/zones.h"

#include <string.h>

enum {
	TOKEN_MAX = 32 * 1024,
	SECONDS_DEFAULT = 300, /* where the answer does not say */
	EARLY_SECONDS = 120,   /* so long before it expires the next is got, or at half of its life */
};

static const char *const WHAT = "the answer with the access token";

void oauth_init(struct oauth *oauth,
		bool (*fetch)(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
			      struct error *err),
		void *ctx)
{
	*oauth = (struct oauth){.fetch = fetch, .ctx = ctx};
	(void)pthread_mutex_init(&oauth->lock, NULL);
}

void oauth_done(struct oauth *oauth)
{
	secret_done(&oauth->header);
	(void)pthread_mutex_destroy(&oauth->lock);
}

/* With the lock. */
static bool get_token(struct oauth *oauth, struct deadline deadline, struct error *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	int64_t seconds = 0;
	secret_done(&oauth->header);
	if (!oauth->fetch(oauth->ctx, deadline, &token, &seconds, err) ||
	    !provider_header("Authorization: Bearer ", &token, &oauth->header, err))
		return false;
	seconds -= seconds / 2 < EARLY_SECONDS ? seconds / 2 : EARLY_SECONDS;
	oauth->until_ms = clock_monotonic_ms() + seconds * 1000;
	oauth->mark++;
	return true;
}

bool oauth_authorize(struct oauth *oauth, struct deadline deadline, struct provider_headers *ret, struct error *err)
{
	if (!provider_lock(&oauth->lock, "authorize", deadline, err))
		return false;
	bool fresh = oauth->header.len > 0 && clock_monotonic_ms() < oauth->until_ms;
	bool ok = (fresh || get_token(oauth, deadline, err)) &&
		  secret_set(&ret->lines[ret->count], oauth->header.data, oauth->header.len, err);
	ret->mark = oauth->mark;
	(void)pthread_mutex_unlock(&oauth->lock);
	if (ok)
		ret->count++;
	return ok;
}

void oauth_renew(struct oauth *oauth, uint64_t mark)
{
	(void)pthread_mutex_lock(&oauth->lock);
	if (oauth->mark == mark)
		secret_done(&oauth->header);
	(void)pthread_mutex_unlock(&oauth->lock);
}

/* Member KEY, a number or a string of digits; *RET is left alone where it is neither. */
static void read_seconds(const json_t *root, const char *key, int64_t *ret)
{
	const json_t *value = json_object_get(root, key);
	const char *text = json_is_string(value) ? json_string_value(value) : NULL;
	uint64_t number = 0;
	if (text != NULL && parse_u64(text, strlen(text), INT64_MAX / 1000, &number))
		*ret = (int64_t)number;
	else if (json_is_integer(value))
		*ret = (int64_t)json_integer_value(value);
}

bool oauth_read_token(const char *text, size_t len, int64_t now, struct secret *ret_token, int64_t *ret_seconds,
		      struct error *err)
{
	const char *token = NULL;
	int64_t seconds = -1, at = -1;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);

	if (root == NULL || !json_need_str(root, "access_token", TOKEN_MAX, &token, err))
		return false;
	for (const char *c = token; *c != '\0' || c == token; c++) {
		if (*c <= ' ' || *c > '~')
			return error_set(err, ERROR_DATA, NULL, "%s holds none that can be sent", WHAT);
	}
	read_seconds(root, "expires_on", &at);
	if (at > now)
		seconds = at - now;
	read_seconds(root, "expires_in", &seconds);
	if (seconds < 0 || seconds > INT32_MAX)
		seconds = SECONDS_DEFAULT;
	*ret_seconds = seconds;
	return secret_set(ret_token, token, strlen(token), err);
}

bool oauth_ask(const struct provider_api *api, const struct provider_call *call, struct deadline deadline,
	       struct secret *ret_token, int64_t *ret_seconds, struct error *err)
{
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	if (!provider_ask(api, call, deadline, &answer, err))
		return false;
	return oauth_read_token(buf_cstr(&answer.body), answer.body.len, clock_wall(), ret_token, ret_seconds,
				&cause) ||
	       provider_failed(api, call, &cause, err);
}

void oauth_form_add(struct buf *form, const char *key, const char *value)
{
	buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", key);
	sigv4_encode(value, form);
}
