/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vendor says when it refuses: its codes, for tables of what to do, and one line for a person. One reader for
 * all the JSON forms that vendors use; pure and fuzzed.
 */
#ifndef DNS_PROVIDERS_FAILURE_H
#define DNS_PROVIDERS_FAILURE_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROVIDER_CODES_MAX = 16, PROVIDER_CODE_SIZE = 64 };

struct provider_failure {
	char codes[PROVIDER_CODES_MAX][PROVIDER_CODE_SIZE]; /* numbers as text, inner ones too, terminal-safe */
	size_t count;
	char text[ERROR_TEXT_MAX]; /* "6003: Invalid request headers (6111: Invalid format …); …", terminal-safe */
};

/*
 * A JSON object in one of these forms:
 *   {"success": false, "errors": [{"code", "message", "error_chain": [{"code", "message"}]}]}
 *   {"error": {"code", "message", "status", "errors": [{"reason"}], "details": [{"reason"}]}}
 *   {"error": "code", "error_description": "text"} or {"error": "text"}
 *   {"code", "message"} or {"id", "message"}
 * False when TEXT is none of them (an HTML page, a success): nothing is set then.
 */
MUST_CHECK bool provider_failure_read(const char *text, size_t len, struct provider_failure *ret);

bool provider_failure_has(const struct provider_failure *failure, const char *code);

/* CODE, made terminal-safe, is one of FAILURE's from now on, unless there are too many. */
void provider_failure_add(struct provider_failure *failure, const char *code);

#endif
