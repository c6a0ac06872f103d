/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches base64url_decode() and base64url_encode(): a text that decodes is the only text of its bytes. */
#include "base/base64url.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf bytes CLEANUP(buf_done);
	struct buf text CLEANUP(buf_done);
	buf_init(&bytes, size + 1);
	buf_init(&text, 2 * size + 4);
	if (base64url_decode(&bytes, (const char *)data, size)) {
		base64url_encode(&text, bytes.data, bytes.len);
		if (text.failed || text.len != size || (size > 0 && memcmp(text.data, data, size) != 0))
			abort();
	}
	buf_reset(&bytes);
	buf_reset(&text);
	base64url_encode(&text, data, size);
	if (!base64url_decode(&bytes, text.data, text.len) || bytes.len != size ||
	    (size > 0 && memcmp(bytes.data, data, size) != 0))
		abort();
	return 0;
}
