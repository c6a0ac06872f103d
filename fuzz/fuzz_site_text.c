/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says of its web server, and that one's config files: read within their bytes, which no NUL ends. */
#include "transport/site_rival.h"
#include "transport/site_text.h"

#include <stdlib.h>
#include <string.h>

static void look_for_rivals(const char *text, size_t size)
{
	char name[] = "example.com", wildcard[] = "*.example.com", *items[] = {name, wildcard};
	const struct str_list names = {.items = items, .len = 2};
	char what[SITE_RIVAL_MAX];

	for (int dialect = 0; dialect < SITE_DIALECTS; dialect++) {
		const struct site_claim claim = {(enum site_dialect)dialect, &names, 80, 443};
		if (site_rival_in_file(&claim, text, size, what) && strlen(what) >= sizeof(what))
			abort();
		if (site_rival_in_output(&claim, text, size, what) && strstr(what, "example.com on port ") == NULL)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site_facts facts = {0};
	char *text = malloc(size ? size : 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	if (site_version(text, size, "nginx/") > 999999999)
		abort();
	site_facts_read(text, size, &facts);
	look_for_rivals(text, size);
	free(text);
	return 0;
}
