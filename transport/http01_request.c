/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request line, field by field. Bytes that no request line has end it at once, so that whoever speaks TLS to this
 * port need not be waited for.
 */
#include "transport/http01_request.h"

#include "base/limits.h"

#include <string.h>

static const char PREFIX[] = "/.well-known/acme-challenge/";

struct text {
	const char *at;
	size_t len;
};

static bool equals(struct text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* What stands before the next BYTE; *REST is what stands behind it. False when there is none. */
static bool split(struct text *rest, char byte, struct text *ret)
{
	const char *end = memchr(rest->at, byte, rest->len);
	if (end == NULL)
		return false;
	*ret = (struct text){rest->at, (size_t)(end - rest->at)};
	rest->len -= ret->len + 1;
	rest->at = end + 1;
	return true;
}

static bool is_graphic(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return true;
}

static bool is_method(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 'A' || text.at[i] > 'Z')
			return false;
	return text.len > 0;
}

static bool is_token(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alnum && c != '-' && c != '_')
			return false;
	}
	return text.len > 0 && text.len <= LIMIT_TOKEN_MAX;
}

/* Whether the header lines of HEAD are all there: an empty line ends them. */
static bool is_complete(struct text head)
{
	struct text line;
	while (split(&head, '\n', &line))
		if (line.len == 0 || equals(line, "\r"))
			return true;
	return false;
}

/* RFC 9112 §3.2.1 and §3.2.2: "/path", or "http://authority/path" as for a proxy. */
static bool take_path(struct text *target)
{
	static const char scheme[] = "http://";
	struct text rest = *target;

	if (rest.len > 0 && rest.at[0] == '/')
		return true;
	if (rest.len <= strlen(scheme) || memcmp(rest.at, scheme, strlen(scheme)) != 0)
		return false;
	rest.at += strlen(scheme);
	rest.len -= strlen(scheme);
	const char *slash = memchr(rest.at, '/', rest.len);
	*target = slash != NULL ? (struct text){slash, rest.len - (size_t)(slash - rest.at)} : (struct text){"/", 1};
	return true;
}

static struct http01_request judge(struct text line)
{
	static const struct http01_request malformed = {.verdict = HTTP01_MALFORMED};
	struct text method, target;

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (!is_graphic(line) || !split(&line, ' ', &method) || !is_method(method) || !split(&line, ' ', &target) ||
	    (!equals(line, "HTTP/1.1") && !equals(line, "HTTP/1.0")) || !take_path(&target))
		return malformed;
	struct http01_request request = {.verdict = HTTP01_OTHER, .head = equals(method, "HEAD")};
	if (!request.head && !equals(method, "GET")) {
		request.verdict = HTTP01_METHOD;
		return request;
	}
	if (target.len <= strlen(PREFIX) || memcmp(target.at, PREFIX, strlen(PREFIX)) != 0)
		return request;
	struct text token = {target.at + strlen(PREFIX), target.len - strlen(PREFIX)};
	if (!is_token(token))
		return request;
	request.verdict = HTTP01_TOKEN;
	request.token = token.at;
	request.token_len = token.len;
	return request;
}

struct http01_request http01_parse_request(const char *data, size_t len)
{
	struct text rest = {data, len}, line;

	/* §2.2: empty lines before a request are passed over. */
	while (rest.len > 0 && (rest.at[0] == '\r' || rest.at[0] == '\n')) {
		rest.at++;
		rest.len--;
	}
	struct text begun = rest;
	if (!split(&rest, '\n', &line)) {
		if (begun.len > 0 && begun.at[begun.len - 1] == '\r')
			begun.len--;
		return (struct http01_request){.verdict = is_graphic(begun) ? HTTP01_INCOMPLETE : HTTP01_MALFORMED};
	}
	struct http01_request request = judge(line);
	if (request.verdict != HTTP01_MALFORMED && !is_complete(rest))
		return (struct http01_request){.verdict = HTTP01_INCOMPLETE};
	return request;
}
