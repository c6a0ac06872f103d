/* SPDX-License-Identifier: Apache-2.0 */
/* The XML reader: whatever comes, paths and texts are whole strings, and a refusal is told as one. */
#include "base/limits.h"
#include "dns-providers/xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look(void *ctx, const char *path, const char *text, struct error *err)
{
	unsigned *count = ctx;
	if (path[0] == '\0' || strlen(path) > LIMIT_XML_PATH || strlen(text) > LIMIT_XML_TEXT)
		abort();
	if (++*count == 5000)
		return error_set(err, ERROR_DATA, NULL, "enough");
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	unsigned count = 0;
	bool ok = xml_read((const char *)data, size, "it", look, &count, &err);
	if (ok == error_is_set(&err) || (ok && count == 0))
		abort();
	return 0;
}
