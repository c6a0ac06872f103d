/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TXT records at _validation-persist.<name>, one a line, as strangers may write them: parsed, judged, described. What
 * is taken is written again and must be understood as the same.
 */
#include "acme/issue_value.h"
#include "acme/persist.h"

#include <stdint.h>
#include <string.h>

static char issuer[] = "ca.example", uri[] = "https://ca.example/a/1";

static void write_again(const struct persist_record *record)
{
	char *issuers[] = {record->issuer}, *uris[] = {record->account_uri};
	const struct persist_expectation same = {
		.issuers = {issuers, 1}, .account_uris = {uris, 1}, .wildcard = record->wildcard};
	struct persist_record second = {0};
	struct error err = {0};
	struct buf text;
	buf_init(&text, 1 << 16);
	if (!persist_record(&same, record->until, &text, &err) ||
	    !persist_record_parse(buf_cstr(&text), text.len, &second, &err) ||
	    strcmp(second.account_uri, record->account_uri) != 0 || second.wildcard != record->wildcard ||
	    second.until != record->until)
		__builtin_trap();
	persist_record_done(&second);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *issuers[] = {issuer}, *uris[] = {uri};
	const struct persist_expectation wanted = {
		.issuers = {issuers, 1}, .account_uris = {uris, 1}, .wildcard = true};
	struct str_list values = {0};
	struct persist_finding finding;
	struct error err = {0};
	struct buf text;

	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end != NULL ? (size_t)(end - data) - at : size - at;
		struct persist_record record = {0};
		struct error refused = {0};
		char *copy = NULL;
		if (persist_record_parse((const char *)data + at, len, &record, &refused)) {
			/* What stands at a name and names nobody is passed over, and never written. */
			if (record.issuer[0] != '\0')
				write_again(&record);
			persist_record_done(&record);
		} else if (refused.category != ERROR_DATA) {
			__builtin_trap();
		}
		if (!str_set_n(&copy, (const char *)data + at, len, &err) || !str_list_add(&values, copy, &err))
			__builtin_trap();
		free(copy);
		at += len + 1;
	}
	if (!persist_judge(&wanted, &values, 1800000000, &finding, &err))
		__builtin_trap();
	buf_init(&text, 1 << 16);
	persist_describe(&finding, PERSIST_FORM_01, &text);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20)
			__builtin_trap();
	buf_done(&text);
	str_list_done(&values);
	return 0;
}
