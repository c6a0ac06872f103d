/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and errors. Whatever goes into a header later is checked to be visible ASCII here. */
#include "dns-providers/aws_message.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "dns-providers/xml.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 16 * 1024, SKEW_SECONDS = 60 };

static const char *const WHAT = "the answer";

void aws_keys_done(struct aws_keys *keys)
{
	if (keys == NULL)
		return;
	sigv4_key_done(&keys->key);
	keys->expires = 0;
	keys->source[0] = '\0';
}

static bool copy_secret(struct secret *ret, const struct secret *from, struct error *err)
{
	secret_done(ret);
	return from->len == 0 || secret_set(ret, from->data, from->len, err);
}

bool aws_keys_copy(struct aws_keys *ret, const struct aws_keys *keys, struct error *err)
{
	ret->expires = keys->expires;
	memcpy(ret->source, keys->source, sizeof(ret->source));
	return copy_secret(&ret->key.id, &keys->key.id, err) && copy_secret(&ret->key.secret, &keys->key.secret, err) &&
	       copy_secret(&ret->key.token, &keys->key.token, err);
}

/* Visible ASCII alone: it becomes part of a header. */
static bool take(struct secret *ret, const char *text, struct error *err)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~')
			return error_set(err, ERROR_DATA, NULL, "%s has a key with odd characters", WHAT);
	}
	return text[0] == '\0' || secret_set(ret, text, strlen(text), err);
}

static bool take_expiry(struct aws_keys *keys, const char *text, struct error *err)
{
	if (text == NULL || rfc3339_parse(text, strlen(text), &keys->expires))
		return true;
	return error_set(err, ERROR_DATA, NULL, "%s has a malformed date of expiry", WHAT);
}

static bool check_keys(const struct aws_keys *keys, struct error *err)
{
	if (keys->key.id.len > 0 && keys->key.secret.len > 0)
		return true;
	return error_set(err, ERROR_DATA, NULL, "%s has no keys", WHAT);
}

bool aws_read_keys_json(const char *text, size_t len, struct aws_keys *ret, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys keys = {0};
	const char *id = NULL, *secret = NULL, *token = "", *code = NULL, *expires = NULL;
	int64_t version = 1; /* a program's answer has one, and there is one so far */
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	char safe[128];

	if (root == NULL || !json_opt_str(root, "Code", KEY_MAX, &code, err) ||
	    !json_opt_int(root, "Version", 1, 1, &version, err))
		return false;
	if (code != NULL && !str_equal(code, "Success"))
		return error_set(err, ERROR_DATA, NULL, "%s is \"%s\"", WHAT, escape_str(safe, sizeof(safe), code));
	if (!json_need_str(root, "AccessKeyId", KEY_MAX, &id, err) ||
	    !json_need_str(root, "SecretAccessKey", KEY_MAX, &secret, err) ||
	    !json_opt_str(root, "Token", KEY_MAX, &token, err) ||
	    !json_opt_str(root, "SessionToken", KEY_MAX, &token, err) ||
	    !json_opt_str(root, "Expiration", KEY_MAX, &expires, err) || !take(&keys.key.id, id, err) ||
	    !take(&keys.key.secret, secret, err) || !take(&keys.key.token, token, err) ||
	    !take_expiry(&keys, expires, err) || !check_keys(&keys, err))
		return false;
	*ret = keys;
	keys = (struct aws_keys){0};
	return true;
}

static bool on_keys(void *ctx, const char *path, const char *text, struct error *err)
{
	struct aws_keys *keys = ctx;
	if (str_ends(path, "/Credentials/AccessKeyId"))
		return take(&keys->key.id, text, err);
	if (str_ends(path, "/Credentials/SecretAccessKey"))
		return take(&keys->key.secret, text, err);
	if (str_ends(path, "/Credentials/SessionToken"))
		return take(&keys->key.token, text, err);
	return !str_ends(path, "/Credentials/Expiration") || take_expiry(keys, text, err);
}

bool aws_read_keys_xml(const char *text, size_t len, struct aws_keys *ret, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys keys = {0};
	if (!xml_read(text, len, WHAT, on_keys, &keys, err) || !check_keys(&keys, err))
		return false;
	*ret = keys;
	keys = (struct aws_keys){0};
	return true;
}

/* Errors. */

struct reading {
	struct provider_failure failure;
	struct buf messages;
	bool is_error;
};

static bool on_error(void *ctx, const char *path, const char *text, struct error *err)
{
	struct reading *reading = ctx;
	char safe[1024];
	(void)err;
	if (str_equal(path, "ErrorResponse/Error/Code") || str_equal(path, "InvalidChangeBatch")) {
		reading->is_error = true;
		provider_failure_add(&reading->failure, path[0] == 'E' ? text : path);
	} else if (str_equal(path, "ErrorResponse/Error/Message") || str_equal(path, "InvalidChangeBatch/Message") ||
		   str_equal(path, "InvalidChangeBatch/Messages/Message")) {
		buf_printf(&reading->messages, "%s%s", reading->messages.len > 0 ? "; " : "",
			   escape_str(safe, sizeof(safe), text));
	}
	return true;
}

/* Signatures hold for minutes only: what AWS's clock says then is worth a word. */
static void add_clock(const struct http_response *answer, struct reading *reading)
{
	static const char *const codes[] = {"SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
					    "InvalidSignatureException"};
	const char *date = http_response_header(answer, "Date", 0);
	int64_t theirs = 0;
	bool concerns = false;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		concerns = concerns || provider_failure_has(&reading->failure, codes[i]);
	if (!concerns || date == NULL || !http_date_parse(date, strlen(date), &theirs))
		return;
	int64_t ahead = clock_wall() - theirs;
	if (ahead > -SKEW_SECONDS && ahead < SKEW_SECONDS)
		return;
	provider_failure_add(&reading->failure, "ClockSkew");
	buf_printf(&reading->messages, " (this host's clock is %lld s %s AWS's)",
		   (long long)(ahead > 0 ? ahead : -ahead), ahead > 0 ? "ahead of" : "behind");
}

bool aws_read_failure(const struct http_response *answer, struct provider_failure *ret)
{
	struct reading reading = {0};
	struct error ignored = {0};
	buf_init(&reading.messages, LIMIT_PROVIDER_BODY);
	bool read = xml_read(buf_cstr(&answer->body), answer->body.len, WHAT, on_error, &reading, &ignored) &&
		    reading.is_error;
	if (read) {
		add_clock(answer, &reading);
		(void)snprintf(reading.failure.text, sizeof(reading.failure.text), "%s: %s",
			       reading.failure.count > 0 ? reading.failure.codes[0] : "no code",
			       buf_cstr(&reading.messages));
		*ret = reading.failure;
	}
	buf_done(&reading.messages);
	return read;
}

/* Signing. */

bool aws_sign_call(const struct provider_call *call, const struct sigv4_key *key, const char *region,
		   const char *service, struct provider_headers *ret, struct error *err)
{
	CLEANUP(sigv4_headers_done) struct sigv4_headers headers = {0};
	const char *host = strstr(call->url, "://");
	if (host == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "a URL without a host");
	host += 3;
	size_t host_len = strcspn(host, "/?"), path_len = strcspn(host + host_len, "?");
	AUTO_FREE char *host_text = str_format(err, "%.*s", (int)host_len, host);
	AUTO_FREE char *path = str_format(err, "%.*s", (int)path_len, host + host_len);
	if (host_text == NULL || path == NULL)
		return false;
	const char *query = host + host_len + path_len;
	const struct sigv4_request request = {
		.method = http_method_name(call->method),
		.host = host_text,
		.path = path,
		.query = query[0] == '?' ? query + 1 : "",
		.content_type = call->body != NULL ? call->content_type : NULL,
		.body = call->body != NULL ? buf_cstr(call->body) : NULL,
		.body_len = call->body != NULL ? call->body->len : 0,
	};
	const struct sigv4_scope scope = {.region = region, .service = service, .time = clock_wall()};
	if (!sigv4_sign(&request, key, &scope, &headers, err))
		return false;
	ret->lines[ret->count++] = headers.authorization;
	ret->lines[ret->count++] = headers.date;
	if (headers.token.len > 0)
		ret->lines[ret->count++] = headers.token;
	headers = (struct sigv4_headers){0};
	return true;
}
