/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches rfc3339_parse(), http_date_parse() and retry_after_parse(): what was read is written and read again equal. */
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t day = 24 * 3600, first = -62167219200, last = 253402300799;
	char out[RFC3339_SIZE];
	int64_t wall = 0, again = 0;
	/* An offset may lead a day out of the years that can be written. */
	if (rfc3339_parse((const char *)data, size, &wall)) {
		if (wall < first - day || wall > last + day)
			abort();
		(void)rfc3339_format(wall, out);
		if (!rfc3339_parse(out, strlen(out), &again) || (wall >= first && wall <= last && again != wall))
			abort();
	}
	if (http_date_parse((const char *)data, size, &wall)) {
		if (wall < first || wall > last + 1)
			abort();
		(void)rfc3339_format(wall, out);
		if (!rfc3339_parse(out, strlen(out), &again) || (wall <= last && again != wall))
			abort();
	}
	char *text AUTO_FREE = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (retry_after_parse(text, 784111777, &wall) && wall < 0)
		abort();
	return 0;
}
