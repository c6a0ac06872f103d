/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: its URL, taken apart by libcurl's own parser, so that what is checked is what is used. */
#include "transport/http_target.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"
#include "transport/http_policy.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 300 };

void http_target_done(struct http_target *target)
{
	curl_free(target->url);
	curl_free(target->scheme);
	curl_free(target->host);
	curl_free(target->port);
	*target = (struct http_target){0};
}

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

static CURLUcode take_apart(const char *base, const char *text, struct http_target *target)
{
	CLEANUP(url_cleanup) CURLU *url = curl_url();
	CURLUcode code = url == NULL ? CURLUE_OUT_OF_MEMORY : CURLUE_OK;
	if (code == CURLUE_OK && base != NULL)
		code = curl_url_set(url, CURLUPART_URL, base, CURLU_DISALLOW_USER);
	if (code == CURLUE_OK)
		code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (code == CURLUE_OK && base != NULL) {
		/* A fragment of a Location means nothing to us (RFC 9110 §10.2.2). */
		code = curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	} else if (code == CURLUE_OK) {
		char *fragment = NULL;
		if (curl_url_get(url, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
			code = CURLUE_BAD_FRAGMENT;
		curl_free(fragment);
	}
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_URL, &target->url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, &target->scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_HOST, &target->host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_PORT, &target->port, CURLU_DEFAULT_PORT);
	return code;
}

bool http_target_parse(const char *base, const char *url, bool metadata, struct http_target *ret, struct error *err)
{
	CLEANUP(http_target_done) struct http_target target = {0};
	char safe[NAME_SIZE];
	if (strlen(url) > LIMIT_URL)
		return error_set(err, ERROR_NETWORK, NULL, "the URL is longer than %d bytes: %s", LIMIT_URL,
				 escape_str(safe, sizeof(safe), url));
	CURLUcode code = take_apart(base, url, &target);
	if (code == CURLUE_OUT_OF_MEMORY)
		return error_oom(err);
	if (code != CURLUE_OK)
		return error_set(err, ERROR_NETWORK, NULL, "malformed URL %s (%s)", escape_str(safe, sizeof(safe), url),
				 curl_url_strerror(code));
	if (!str_equal(target.scheme, "https") &&
	    !(str_equal(target.scheme, "http") &&
	      (http_host_is_loopback(target.host) || (metadata && http_host_is_metadata(target.host)))))
		return error_set(err, ERROR_NETWORK, NULL,
				 "%s is refused: only https is allowed, or http to a literal loopback address",
				 escape_str(safe, sizeof(safe), url));
	*ret = target;
	target = (struct http_target){0};
	return true;
}

bool http_target_same_origin(const struct http_target *a, const struct http_target *b)
{
	return str_equal(a->scheme, b->scheme) && str_equal_nocase(a->host, b->host) && str_equal(a->port, b->port);
}

const char *http_target_name(const struct http_target *target, char *out, size_t size)
{
	char name[NAME_SIZE];
	bool usual = str_equal(target->port, str_equal(target->scheme, "http") ? "80" : "443");
	(void)snprintf(name, sizeof(name), "%s%s%s", target->host, usual ? "" : ":", usual ? "" : target->port);
	return escape_str(out, size, name);
}
