/* SPDX-License-Identifier: Apache-2.0 */
/* A credential_process line: whatever stands there, its words are no longer than it is. */
#include "base/str.h"
#include "dns-providers/aws_process.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	CLEANUP(str_list_done) struct str_list words = {0};
	AUTO_FREE char *line = str_format(&err, "%.*s", (int)(size < 4096 ? size : 4096), (const char *)data);
	size_t total = 0;

	if (line == NULL || !aws_process_split(line, &words, &err))
		return 0;
	for (size_t i = 0; i < words.len; i++)
		total += strlen(words.items[i]);
	if (words.len == 0 || total > strlen(line))
		abort();
	return 0;
}
