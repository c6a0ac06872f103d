/* SPDX-License-Identifier: Apache-2.0 */
/* Jump hosts as words: user, host and port taken apart. */
#include "config/jump.h"

#include "base/error.h"
#include "base/identifier.h"
#include "base/str.h"
#include "config/values.h"

#include <stdlib.h>
#include <string.h>

#define SCHEME "ssh://"

void jump_done(struct jump *jump)
{
	free(jump->user);
	free(jump->host);
	*jump = (struct jump){0};
}

/* "host", "host:port", "[v6]:port"; an IPv6 address without brackets has no port. */
static bool split_port(const char *text, size_t len, struct jump *ret, struct error *err)
{
	const char *close = text[0] == '[' ? memchr(text, ']', len) : NULL;
	const char *colon =
		memchr(close != NULL ? close : text, ':', len - (size_t)((close != NULL ? close : text) - text));
	uint64_t port = 0;

	if (close == NULL && colon != NULL && memchr(colon + 1, ':', len - (size_t)(colon + 1 - text)) != NULL)
		colon = NULL;
	size_t host_len = close != NULL ? (size_t)(close - text) - 1 : colon != NULL ? (size_t)(colon - text) : len;
	size_t after = close != NULL ? host_len + 2 : host_len;
	if (colon != NULL && (!parse_u64(colon + 1, len - (size_t)(colon + 1 - text), UINT16_MAX, &port) || port == 0))
		return error_set(err, ERROR_CONFIG, NULL, "its port is no number from 1 to 65535");
	if (colon == NULL ? after != len : (size_t)(colon - text) != after)
		return error_set(err, ERROR_CONFIG, NULL, "it is no [user@]host[:port]");
	ret->port = (uint16_t)port;
	return str_set_n(&ret->host, close != NULL ? text + 1 : text, host_len, err);
}

static bool read_one(const char *text, size_t len, struct jump *ret, struct error *err)
{
	if (len >= strlen(SCHEME) && strncmp(text, SCHEME, strlen(SCHEME)) == 0) {
		text += strlen(SCHEME);
		len -= strlen(SCHEME);
	}
	const char *at = memchr(text, '@', len);
	if (at != NULL) {
		if (!str_set_n(&ret->user, text, (size_t)(at - text), err) || !value_account(ret->user, err))
			return false;
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "a jump host is missing");
	return split_port(text, len, ret, err) &&
	       (host_is_valid(ret->host) ||
		error_set(err, ERROR_CONFIG, NULL, "it is no server, SSH host or [user@]host[:port]"));
}

bool jump_next(const char **list, struct jump *ret, struct error *err)
{
	struct jump jump CLEANUP(jump_done) = {0};
	size_t len = strcspn(*list, ",");

	if (!read_one(*list, len, &jump, err))
		return false;
	*list = (*list)[len] == ',' ? *list + len + 1 : NULL;
	*ret = jump;
	jump = (struct jump){0};
	return true;
}

bool value_jump(const char *text, struct error *err)
{
	for (const char *at = text; at != NULL;) {
		struct jump jump CLEANUP(jump_done) = {0};
		if (!jump_next(&at, &jump, err))
			return false;
	}
	return true;
}
