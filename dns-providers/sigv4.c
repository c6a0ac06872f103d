/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4: a canonical request is hashed, the hash is put into a string with time and scope, and that is
 * authenticated with a key derived for day, region and service.
 */
#include "dns-providers/sigv4.h"

#include "base/limits.h"
#include "base/str.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH_SIZE = 32, HEX_SIZE = 2 * HASH_SIZE + 1, DATE_SIZE = sizeof("20150830T123600Z") };

void sigv4_key_done(struct sigv4_key *key)
{
	secret_done(&key->id);
	secret_done(&key->secret);
	secret_done(&key->token);
}

void sigv4_headers_done(struct sigv4_headers *headers)
{
	secret_done(&headers->authorization);
	secret_done(&headers->date);
	secret_done(&headers->token);
}

static void to_hex(const unsigned char *bytes, char ret[HEX_SIZE])
{
	for (size_t i = 0; i < HASH_SIZE; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static bool hash_hex(const void *data, size_t len, char ret[HEX_SIZE], struct error *err)
{
	unsigned char hash[HASH_SIZE];
	if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return error_set(err, ERROR_INTERNAL, NULL, "SHA-256 failed");
	to_hex(hash, ret);
	return true;
}

static bool hmac(const void *key, size_t key_len, const char *text, size_t len, unsigned char ret[HASH_SIZE],
		 struct error *err)
{
	unsigned size = 0;
	if (HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, len, ret, &size) == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "HMAC failed");
	return true;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-_.~", c) != NULL);
}

static void encode(const char *text, bool keep_slash, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (is_unreserved(*text) || (keep_slash && *text == '/'))
			buf_char(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

void sigv4_encode(const char *text, struct buf *out)
{
	encode(text, /* keep_slash= */ false, out);
}

static void format_time(int64_t wall, char ret[DATE_SIZE])
{
	struct tm parts = {0};
	time_t when = (time_t)wall;
	(void)gmtime_r(&when, &parts);
	if (strftime(ret, DATE_SIZE, "%Y%m%dT%H%M%SZ", &parts) == 0)
		ret[0] = '\0';
}

static int compare(const void *a, const void *b)
{
	const char *left = *(char *const *)a, *right = *(char *const *)b;
	return strcmp(left, right);
}

/* The parameters sorted by name and then value; one without "=" gets it. */
static bool add_query(const char *query, struct buf *out, struct error *err)
{
	CLEANUP(str_list_done) struct str_list list = {0};
	while (*query != '\0') {
		size_t len = strcspn(query, "&");
		bool bare = memchr(query, '=', len) == NULL;
		AUTO_FREE char *parameter = str_format(err, "%.*s%s", (int)len, query, bare ? "=" : "");
		if (parameter == NULL || !str_list_add(&list, parameter, err))
			return false;
		query += len + (query[len] == '&');
	}
	if (list.len > 1)
		qsort(list.items, list.len, sizeof(*list.items), compare);
	for (size_t i = 0; i < list.len; i++)
		buf_printf(out, "%s%s", i > 0 ? "&" : "", list.items[i]);
	return true;
}

static void add_signed_headers(const struct sigv4_request *request, bool has_token, struct buf *out)
{
	buf_printf(out, "%shost;x-amz-date%s", request->content_type != NULL ? "content-type;" : "",
		   has_token ? ";x-amz-security-token" : "");
}

bool sigv4_canonical(const struct sigv4_request *request, const struct secret *token, int64_t wall, struct buf *out,
		     struct error *err)
{
	char date[DATE_SIZE], body_hash[HEX_SIZE];
	bool has_token = token != NULL && token->len > 0;

	format_time(wall, date);
	if (!hash_hex(request->body != NULL ? request->body : "", request->body_len, body_hash, err))
		return false;
	buf_printf(out, "%s\n", request->method);
	/* The URL's path is encoded already; every service but S3 wants it encoded once more. */
	encode(request->path[0] != '\0' ? request->path : "/", /* keep_slash= */ true, out);
	buf_char(out, '\n');
	if (!add_query(request->query, out, err))
		return false;
	buf_char(out, '\n');
	if (request->content_type != NULL)
		buf_printf(out, "content-type:%s\n", request->content_type);
	buf_printf(out, "host:%s\nx-amz-date:%s\n", request->host, date);
	if (has_token) {
		buf_str(out, "x-amz-security-token:");
		buf_append(out, token->data, token->len);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	add_signed_headers(request, has_token, out);
	buf_printf(out, "\n%s", body_hash);
	return buf_check(out, "request to sign", err);
}

/* The key derived for day, region and service. */
static bool signing_key(const struct sigv4_key *key, const struct sigv4_scope *scope, const char *date,
			unsigned char ret[HASH_SIZE], struct error *err)
{
	CLEANUP(buf_done) struct buf first;
	unsigned char day[HASH_SIZE], region[HASH_SIZE], service[HASH_SIZE];

	buf_init(&first, LIMIT_CREDENTIAL_FILE);
	buf_str(&first, "AWS4");
	buf_append(&first, key->secret.data, key->secret.len);
	bool ok = buf_check(&first, "key", err) && hmac(first.data, first.len, date, 8, day, err) &&
		  hmac(day, HASH_SIZE, scope->region, strlen(scope->region), region, err) &&
		  hmac(region, HASH_SIZE, scope->service, strlen(scope->service), service, err) &&
		  hmac(service, HASH_SIZE, "aws4_request", strlen("aws4_request"), ret, err);
	OPENSSL_cleanse(day, sizeof(day));
	OPENSSL_cleanse(region, sizeof(region));
	OPENSSL_cleanse(service, sizeof(service));
	return ok;
}

/* The signature of REQUEST, in hexadecimal digits; the scope as it stands beside it. */
static bool signature(const struct sigv4_request *request, const struct sigv4_key *key, const struct sigv4_scope *scope,
		      const char *date, const char *scope_text, char ret[HEX_SIZE], struct error *err)
{
	CLEANUP(buf_done) struct buf canonical;
	CLEANUP(buf_done) struct buf to_sign;
	char request_hash[HEX_SIZE];
	unsigned char derived[HASH_SIZE], mac[HASH_SIZE];

	buf_init(&canonical, LIMIT_PROVIDER_BODY);
	buf_init(&to_sign, LIMIT_URL);
	if (!sigv4_canonical(request, &key->token, scope->time, &canonical, err) ||
	    !hash_hex(canonical.data, canonical.len, request_hash, err))
		return false;
	buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope_text, request_hash);
	bool ok = buf_check(&to_sign, "string to sign", err) && signing_key(key, scope, date, derived, err) &&
		  hmac(derived, HASH_SIZE, to_sign.data, to_sign.len, mac, err);
	OPENSSL_cleanse(derived, sizeof(derived));
	if (ok)
		to_hex(mac, ret);
	return ok;
}

static bool take_line(struct secret *ret, const char *name, const void *value, size_t len, struct error *err)
{
	CLEANUP(buf_done) struct buf line;
	buf_init(&line, LIMIT_CREDENTIAL_FILE);
	buf_str(&line, name);
	buf_append(&line, value, len);
	return buf_check(&line, "header", err) && secret_set(ret, line.data, line.len, err);
}

bool sigv4_sign(const struct sigv4_request *request, const struct sigv4_key *key, const struct sigv4_scope *scope,
		struct sigv4_headers *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf line = {0};
	char date[DATE_SIZE], signed_hex[HEX_SIZE];
	bool has_token = key->token.len > 0;

	format_time(scope->time, date);
	AUTO_FREE char *scope_text = str_format(err, "%.8s/%s/%s/aws4_request", date, scope->region, scope->service);
	if (scope_text == NULL || !signature(request, key, scope, date, scope_text, signed_hex, err))
		return false;
	buf_init(&line, LIMIT_CREDENTIAL_FILE);
	buf_str(&line, "AWS4-HMAC-SHA256 Credential=");
	buf_append(&line, key->id.data, key->id.len);
	buf_printf(&line, "/%s, SignedHeaders=", scope_text);
	add_signed_headers(request, has_token, &line);
	buf_printf(&line, ", Signature=%s", signed_hex);
	return buf_check(&line, "header", err) &&
	       take_line(&ret->authorization, "Authorization: ", line.data, line.len, err) &&
	       take_line(&ret->date, "X-Amz-Date: ", date, strlen(date), err) &&
	       (!has_token || take_line(&ret->token, "X-Amz-Security-Token: ", key->token.data, key->token.len, err));
}
