/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL says when it fails, as an error of ours; and the answer to its question for a password. */
#include "acme/openssl.h"

#include "base/escape.h"

#include <openssl/err.h>

bool openssl_error(struct error *err, const char *sentence)
{
	char reason[256] = "";
	char safe[256];
	unsigned long code = ERR_peek_last_error();
	if (code != 0)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	if (reason[0] == '\0')
		return error_set(err, ERROR_INTERNAL, NULL, "%s", sentence);
	return error_set(err, ERROR_INTERNAL, NULL, "%s: %s", sentence, escape_str(safe, sizeof(safe), reason));
}

int openssl_no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}
