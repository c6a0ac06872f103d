/* SPDX-License-Identifier: Apache-2.0 */
/* published/<name>.json: parsed, written, parsed and written again: both texts must be the same. */
#include "base/error.h"
#include "base/limits.h"
#include "store/published_record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct published_record first CLEANUP(published_record_done) = {0};
	struct published_record second CLEANUP(published_record_done) = {0};
	struct buf once CLEANUP(buf_done) = {0};
	struct buf twice CLEANUP(buf_done) = {0};
	struct error err = {0};
	if (size > LIMIT_STATE_FILE || !published_record_parse((const char *)data, size, "example.com", &first, &err))
		return 0;
	buf_init(&once, 2 * LIMIT_STATE_FILE);
	buf_init(&twice, 2 * LIMIT_STATE_FILE);
	if (!published_record_serialize(&first, &once, &err) ||
	    !published_record_parse(once.data, once.len, "example.com", &second, &err) ||
	    !published_record_serialize(&second, &twice, &err))
		abort();
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
	return 0;
}
