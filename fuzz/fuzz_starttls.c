/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says before TLS. The first byte chooses the protocol; the rest is what it says, a byte at a time and
 * all at once up to where the first verdict fell, which must be the same.
 */
#include "transport/starttls.h"

#include <stdint.h>
#include <stdlib.h>

/* Hears up to the end of one answer; *RET_AT is where that is. */
static enum starttls_next hear_answer(struct starttls *dialogue, const uint8_t *data, size_t size, size_t *ret_at)
{
	struct starttls whole = *dialogue;
	enum starttls_next next = STARTTLS_LISTEN;
	size_t at = 0;

	while (at < size && next == STARTTLS_LISTEN)
		next = starttls_hear(dialogue, &data[at++], 1);
	if (starttls_hear(&whole, data, at) != next)
		abort();
	if (dialogue->len > sizeof(dialogue->line) || (next == STARTTLS_REFUSED) != (dialogue->why != NULL))
		abort();
	*ret_at = at;
	return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct starttls dialogue;
	size_t len;

	if (size == 0)
		return 0;
	enum starttls_protocol protocol = (enum starttls_protocol)(data[0] % STARTTLS_PROTOCOLS);
	enum starttls_next next = starttls_begin(&dialogue, protocol, "example.com");
	data++;
	size--;
	while (size > 0 && (next == STARTTLS_LISTEN || next == STARTTLS_SAY)) {
		if (next == STARTTLS_SAY && (starttls_words(&dialogue, &len) == NULL || len == 0))
			abort();
		size_t at = 0;
		next = hear_answer(&dialogue, data, size, &at);
		data += at;
		size -= at;
	}
	return 0;
}
