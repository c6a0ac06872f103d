/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URL parser for what a CA hands us. It accepts less than RFC 3986 on purpose: where two readers of one URL could
 * disagree about its host (user information, backslashes, percent signs in the authority) it refuses.
 */
#include "acme/url.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <string.h>

static const char path_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				      "-._~:/?[]@!$&'()*+,;=%";
static const char host_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
static const char ipv6_characters[] = "ABCDEFabcdef0123456789:.";

static bool refuse(const char *text, const char *reason, struct error *err)
{
	char safe[256];
	return error_set(err, ERROR_DATA, NULL, "the URL \"%s\" %s", escape_str(safe, sizeof(safe), text), reason);
}

/* The host at AT: its length, 0 when it is malformed. */
static size_t host_length(const char *at)
{
	if (*at != '[')
		return strspn(at, host_characters);
	size_t len = strspn(at + 1, ipv6_characters);
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr parsed;
	if (len == 0 || len >= sizeof(address) || at[1 + len] != ']')
		return 0;
	memcpy(address, at + 1, len);
	return inet_pton(AF_INET6, address, &parsed) == 1 ? len + 2 : 0;
}

static bool parse_port(const char *at, size_t len, uint16_t *ret)
{
	uint64_t port = 0;
	if (!parse_u64(at, len, UINT16_MAX, &port) || port == 0)
		return false;
	*ret = (uint16_t)port;
	return true;
}

bool acme_url_parse(const char *text, struct acme_url *ret, struct error *err)
{
	struct acme_url url = {0};
	const char *at = text;

	if (strnlen(text, LIMIT_URL + 1) > LIMIT_URL)
		return refuse(text, "is too long", err);
	if (str_starts(text, "https://")) {
		url.secure = true;
		at += strlen("https://");
	} else if (str_starts(text, "http://")) {
		at += strlen("http://");
	} else {
		return refuse(text, "does not start with https://", err);
	}

	size_t authority_len = strcspn(at, "/?#");
	if (memchr(at, '@', authority_len) != NULL)
		return refuse(text, "holds a user name", err);
	size_t host_len = host_length(at);
	if (host_len == 0 || host_len >= sizeof(url.host))
		return refuse(text, "has no valid host", err);
	for (size_t i = 0; i < host_len; i++)
		url.host[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] - 'A' + 'a' : at[i]);

	url.port = url.secure ? 443 : 80;
	if (at[host_len] == ':') {
		const char *port = at + host_len + 1;
		if (!parse_port(port, authority_len - host_len - 1, &url.port))
			return refuse(text, "has no valid port", err);
	} else if (host_len != authority_len) {
		return refuse(text, "has no valid host", err);
	}

	at += authority_len;
	if (strspn(at, path_characters) != strlen(at))
		return refuse(text, "holds a fragment, or characters that a URL cannot have", err);
	*ret = url;
	return true;
}

/* How much of BASE stays in front of TARGET (RFC 3986 §5.2.2). */
static size_t kept_of_base(const char *base, const char *target, size_t len)
{
	const char *authority = strstr(base, "://") + strlen("://");
	const char *path = authority + strcspn(authority, "/?");
	if (len >= 2 && target[0] == '/' && target[1] == '/')
		return (size_t)(strchr(base, ':') + 1 - base);
	if (len >= 1 && target[0] == '/')
		return (size_t)(path - base);
	size_t path_len = strcspn(path, "?");
	if (len >= 1 && target[0] == '?')
		return (size_t)(path - base) + path_len;
	while (path_len > 0 && path[path_len - 1] != '/')
		path_len--;
	return (size_t)(path - base) + path_len;
}

char *acme_url_resolve(const char *base, const char *target, size_t len, struct error *err)
{
	AUTO_FREE char *text = NULL;
	if (len > LIMIT_URL) {
		(void)error_set(err, ERROR_DATA, NULL, "a link is too long");
		return NULL;
	}
	if (!str_set_n(&text, target, len, err))
		return NULL;
	if (str_starts(text, "https://") || str_starts(text, "http://"))
		return STEAL(text);
	/* Another scheme, nothing at all, or what only a normalized path could follow: the server would see other
	 * bytes. */
	if (len == 0 || memchr(text, ':', strcspn(text, "/?")) != NULL || text[0] == '.' ||
	    strstr(text, "/./") != NULL || strstr(text, "/../") != NULL || str_ends(text, "/..")) {
		(void)refuse(text, "cannot be followed", err);
		return NULL;
	}
	size_t kept = kept_of_base(base, text, len);
	/* A base without any path ends at its authority. */
	const char *slash = kept > 0 && base[kept - 1] != '/' && text[0] != '/' && text[0] != '?' ? "/" : "";
	return str_format(err, "%.*s%s%s", (int)kept, base, slash, text);
}

bool acme_url_same_origin(const struct acme_url *a, const struct acme_url *b)
{
	return a->secure == b->secure && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool acme_url_is_loopback(const struct acme_url *url)
{
	struct in_addr address;
	if (inet_pton(AF_INET, url->host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	/* The brackets hold a valid address here; only ::1 in its canonical form counts. */
	return strcmp(url->host, "[::1]") == 0;
}
