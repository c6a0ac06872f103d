/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP messages as values. A header is checked when it is kept, so that readers never meet a control character in one.
 */
#include "base/http_message.h"

#include "base/limits.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { HEADERS_FIRST = 8 };

const char *http_method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
	};
	return names[method];
}

void http_response_done(struct http_response *response)
{
	if (response == NULL)
		return;
	for (size_t i = 0; i < response->header_count; i++) {
		free(response->headers[i].name);
		free(response->headers[i].value);
	}
	free(response->headers);
	response->headers = NULL;
	response->header_count = 0;
	response->status = 0;
	buf_done(&response->body);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 9110 §5.6.2. */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return len > 0;
}

/* RFC 9110 §5.5: visible characters, spaces, tabs, and bytes above ASCII. */
static bool is_field_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static size_t headers_total(const struct http_response *response)
{
	size_t total = 0;
	for (size_t i = 0; i < response->header_count; i++)
		total += strlen(response->headers[i].name) + strlen(response->headers[i].value);
	return total;
}

static bool check_header(const struct http_response *response, const char *name, size_t name_len, const char *value,
			 size_t value_len, struct error *err)
{
	if (response->header_count >= LIMIT_HTTP_HEADER_COUNT)
		return error_set(err, ERROR_DATA, NULL, "the answer has more than %d headers", LIMIT_HTTP_HEADER_COUNT);
	if (name_len > LIMIT_HTTP_HEADER || value_len > LIMIT_HTTP_HEADER - name_len)
		return error_set(err, ERROR_DATA, NULL, "the answer has a header of more than %d bytes",
				 LIMIT_HTTP_HEADER);
	if (headers_total(response) + name_len + value_len > LIMIT_HTTP_HEADERS_TOTAL)
		return error_set(err, ERROR_DATA, NULL, "the answer has more than %d bytes of headers",
				 LIMIT_HTTP_HEADERS_TOTAL);
	if (!is_token(name, name_len) || !is_field_value(value, value_len))
		return error_set(err, ERROR_DATA, NULL, "the answer has a malformed header");
	return true;
}

/* Room for one more; the capacity follows from the count, as in a str_list. */
static bool headers_grow(struct http_response *response, struct error *err)
{
	size_t count = response->header_count, cap = HEADERS_FIRST;
	if (count > 0) {
		if (count < HEADERS_FIRST || (count & (count - 1)) != 0)
			return true;
		cap = count * 2;
	}
	struct http_header *headers = reallocarray(response->headers, cap, sizeof(*headers));
	if (headers == NULL)
		return error_oom(err);
	response->headers = headers;
	return true;
}

bool http_response_add_header(struct http_response *response, const char *name, size_t name_len, const char *value,
			      size_t value_len, struct error *err)
{
	char *name_copy AUTO_FREE = NULL, *value_copy AUTO_FREE = NULL;
	while (value_len > 0 && is_space(value[0])) {
		value++;
		value_len--;
	}
	while (value_len > 0 && is_space(value[value_len - 1]))
		value_len--;
	if (!check_header(response, name, name_len, value, value_len, err) ||
	    !str_set_n(&name_copy, name, name_len, err) || !str_set_n(&value_copy, value, value_len, err) ||
	    !headers_grow(response, err))
		return false;
	response->headers[response->header_count++] =
		(struct http_header){.name = STEAL(name_copy), .value = STEAL(value_copy)};
	return true;
}

const char *http_response_header(const struct http_response *response, const char *name, size_t index)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (str_equal_nocase(response->headers[i].name, name) && index-- == 0)
			return response->headers[i].value;
	return NULL;
}

bool http_response_is(const struct http_response *response, const char *type)
{
	const char *value = http_response_header(response, "Content-Type", 0);
	if (value == NULL)
		return false;
	size_t len = strcspn(value, ";");
	while (len > 0 && is_space(value[len - 1]))
		len--;
	return len == strlen(type) && strncasecmp(value, type, len) == 0;
}
