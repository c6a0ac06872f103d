/* SPDX-License-Identifier: Apache-2.0 */
/* The list of an account's orders against a scripted CA: each TRANSCRIPT is tests/transcripts/<its name>.txt. */
#include "acme/account_orders.h"

#include "base/limits.h"
#include "support_transcript.h"
#include "tests/support/test.h"

#include <string.h>

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(orders_at_another_host)
TRANSCRIPT(orders_of_an_account)

/* A list that never ends is read up to its limit. */
TEST(endless_pages)
{
	CLEANUP(buf_done) struct buf script;
	buf_init(&script, 1 << 20);
	buf_str(&script, "run: orders\n+ opening.part\n");
	for (int i = 0; i < LIMIT_ORDER_PAGES; i++)
		buf_str(&script, "> POST /orders/1\n< 200\n< Link: </orders/1>;rel=\"next\"\n{}\n");
	buf_str(&script, "= orders:\n= more: yes\n");
	(void)transcript_run_text(buf_cstr(&script));
}

static void refuse(const char *text)
{
	struct error err = {0};
	CLEANUP(str_list_done) struct str_list orders = {0};
	CHECK(!account_orders_parse(text, strlen(text), &orders, &err));
	CHECK_INT(err.category, ERROR_DATA);
}

TEST(what_is_no_list)
{
	refuse("");
	refuse("<html>");
	refuse("{\"orders\":[1]}");
	refuse("{\"orders\":{}}");
}

TEST_MAIN()
