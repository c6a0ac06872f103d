/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches http01_parse_request(): a token lies inside the request and has its alphabet; more bytes never undo a
 * verdict. */
#include "base/limits.h"
#include "transport/http01_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *text = (const char *)data;
	struct http01_request request = http01_parse_request(text, size);

	if ((request.verdict == HTTP01_TOKEN) != (request.token != NULL))
		abort();
	if (request.token != NULL &&
	    (request.token < text || request.token_len == 0 || request.token_len > LIMIT_TOKEN_MAX ||
	     request.token_len > size - (size_t)(request.token - text)))
		abort();
	for (size_t i = 0; i < request.token_len; i++)
		if (memchr(alphabet, request.token[i], sizeof(alphabet) - 1) == NULL)
			abort();
	for (size_t len = size > 64 ? size - 64 : 0; len < size; len++) {
		struct http01_request before = http01_parse_request(text, len);
		if (before.verdict != HTTP01_INCOMPLETE && before.verdict != request.verdict)
			abort();
	}
	return 0;
}
