/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents: the first byte chooses how the answer is labelled; nothing unsafe may reach the error. */
#include "acme/problem.h"
#include "base/limits.h"

#include <stdint.h>
#include <string.h>

static void add(struct http_response *response, const char *name, const char *value)
{
	struct error err = {0};
	if (!http_response_add_header(response, name, strlen(name), value, strlen(value), &err))
		__builtin_trap();
}

static void check_safe(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 && *text != '\n')
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {400, 403, 429, 503};
	struct http_response response = {0};
	struct error err = {0};
	if (size == 0)
		return 0;
	response.status = statuses[data[0] & 3];
	add(&response, "Content-Type", data[0] & 4 ? "text/html" : "application/problem+json");
	if (data[0] & 8)
		add(&response, "Link", "<https://ca.example/terms>;rel=\"terms-of-service\"");
	buf_init(&response.body, LIMIT_JSON_BODY);
	buf_append(&response.body, data + 1, size - 1);
	if (acme_problem_from_response(&response, "https://ca.example/", "fuzz", 0, &err) || !error_is_set(&err))
		__builtin_trap();
	check_safe(err.message);
	check_safe(err.said);
	check_safe(err.hint);
	check_safe(err.type);
	http_response_done(&response);
	return 0;
}
