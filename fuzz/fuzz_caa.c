/* SPDX-License-Identifier: Apache-2.0 */
/* CAA sets as strangers may write them, a record a line ("FLAGS TAG VALUE"): judged and shown, never unsafe. */
#include "acme/caa.h"
#include "base/limits.h"

#include <stdint.h>
#include <string.h>

static char identity[] = "ca.example";

static void check_safe(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *identities[] = {identity};
	const struct str_list list = {identities, 1};
	struct caa_question question = {&list, "https://ca.example/a/1", CHALLENGE_HTTP_01, false};
	struct str_list records = {0};
	struct error err = {0};
	struct buf shown;

	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end != NULL ? (size_t)(end - data) - at : size - at;
		char *copy = NULL;
		if (!str_set_n(&copy, (const char *)data + at, len, &err) || !str_list_add(&records, copy, &err))
			__builtin_trap();
		free(copy);
		at += len + 1;
	}
	for (int wildcard = 0; wildcard <= 1; wildcard++) {
		struct caa_finding finding;
		question.wildcard = wildcard != 0;
		if (!caa_judge(&records, &question, &finding, &err))
			__builtin_trap();
		/* Who is refused is told why, and how to mend it. */
		if (finding.allowed != (finding.reason[0] == '\0') || finding.allowed != (finding.fix[0] == '\0'))
			__builtin_trap();
		check_safe(finding.reason);
		check_safe(finding.critical);
		check_safe(finding.fix);
	}
	buf_init(&shown, LIMIT_DNS_MESSAGE);
	caa_show(&records, &shown);
	check_safe(buf_cstr(&shown));
	buf_done(&shown);
	str_list_done(&records);
	return 0;
}
