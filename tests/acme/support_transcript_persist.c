/* SPDX-License-Identifier: Apache-2.0 */
/* Records are compared in a zone file's form, since that is what a user gets to see. */
#include "support_transcript_persist.h"

#include "acme/persist.h"
#include "tests/support/test.h"

#include <string.h>

static void check_record(const struct str_list *results, size_t index, const struct acme_challenge_task *task)
{
	static const char word[] = "record: ";
	CLEANUP(buf_done) struct buf value, line;
	struct error err = {0};
	buf_init(&value, 4096);
	buf_init(&line, 8192);

	CHECK(task->persist != NULL && task->token == NULL);
	CHECK_OK(persist_record(task->persist, 0, &value, &err), err);
	persist_zone_line(task->dns_name, buf_cstr(&value), &line);
	for (size_t i = 0; i < results->len; i++)
		if (str_starts(results->items[i], word) && index-- == 0) {
			CHECK_STR(buf_cstr(&line), results->items[i] + strlen(word));
			return;
		}
	test_fail(__FILE__, __LINE__, "a record that the script does not know: %s", buf_cstr(&line));
}

void transcript_check_task(const struct str_list *results, size_t index, const struct acme_challenge_task *task)
{
	if (task->type == CHALLENGE_DNS_PERSIST_01) {
		check_record(results, index, task);
		return;
	}
	CHECK_CONTAINS(task->key_authorization, task->token);
	CHECK_INT(strlen(task->dns_value), task->type == CHALLENGE_DNS_01 ? 43 : 0);
}
