/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and errors of AWS's services. Keys may stand in a header, and an error's words on a terminal. */
#include "dns-providers/aws_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_header(const struct secret *value)
{
	for (size_t i = 0; i < value->len; i++)
		require(value->data[i] > ' ' && value->data[i] <= '~');
}

static void read_keys(bool (*read)(const char *, size_t, struct aws_keys *, struct error *), const char *text,
		      size_t size)
{
	struct aws_keys keys = {0};
	struct error err = {0};
	bool ok = read(text, size, &keys, &err);
	require(ok != error_is_set(&err) && ok == (keys.key.id.len > 0));
	check_header(&keys.key.id);
	check_header(&keys.key.secret);
	check_header(&keys.key.token);
	aws_keys_done(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response answer = {.status = 403};
	struct provider_failure failure = {0};
	struct error ignored = {0};

	read_keys(aws_read_keys_json, (const char *)data, size);
	read_keys(aws_read_keys_xml, (const char *)data, size);
	buf_init(&answer.body, size + 1);
	buf_append(&answer.body, data, size);
	require(http_response_add_header(&answer, "Date", 4, "Sun, 30 Aug 2015 12:36:00 GMT", 29, &ignored));
	if (aws_read_failure(&answer, &failure))
		require(failure.text[0] != '\0' && strchr(failure.text, '\n') == NULL &&
			failure.count <= PROVIDER_CODES_MAX);
	http_response_done(&answer);
	return 0;
}
