/* SPDX-License-Identifier: Apache-2.0 */
/* docs/presets.md has the table as it is in the code, and every kind of server a row. */
#include "config/server_presets.h"

#include "base/buf.h"
#include "base/limits.h"
#include "config/schema.h"
#include "tests/support/test.h"

#include <stdio.h>

static void add_command(struct buf *row, const char *command)
{
	if (command != NULL)
		buf_printf(row, " `%s` |", command);
	else
		buf_str(row, " none |");
}

static void format_row(const char *name, const struct server_preset *preset, struct buf *row)
{
	buf_printf(row, "| `%s`%s |", name, str_equal(name, "custom") ? " (default)" : "");
	add_command(row, preset->test_command);
	add_command(row, preset->reload_command);
	if (preset->port == 0)
		buf_str(row, " none |");
	else if (str_equal(preset->starttls, "none"))
		buf_printf(row, " port %u |", (unsigned)preset->port);
	else
		buf_printf(row, " port %u, starttls %s |", (unsigned)preset->port, preset->starttls);
	if (preset->combined)
		buf_str(row, " `combined.pem` |\n");
	else if (preset->owner != NULL)
		buf_printf(row, " `owner: %s` |\n", preset->owner);
	else
		buf_str(row, " |\n");
}

TEST(the_documentation_has_each_preset_as_it_is)
{
	static char text[65536];
	FILE *docs = fopen(test_source_path("../docs/presets.md"), "r");
	CHECK(docs != NULL && fread(text, 1, sizeof(text) - 1, docs) > 0 && fclose(docs) == 0);
	const struct schema_key *key = schema_find("servers.*", "webserver");
	CHECK(key != NULL && key->words != NULL);
	for (const struct schema_word *word = key->words; word->word != NULL; word++) {
		struct buf row CLEANUP(buf_done);
		buf_init(&row, LIMIT_CONFIG_VALUE);
		format_row(word->word, server_preset((enum config_webserver)word->value), &row);
		CHECK_CONTAINS(text, buf_cstr(&row));
	}
}

TEST(every_preset_has_words_that_the_config_knows)
{
	const struct schema_key *key = schema_find("servers.*.verify", "starttls");
	const struct schema_key *webserver = schema_find("servers.*", "webserver");
	CHECK(key != NULL && webserver != NULL);
	for (const struct schema_word *word = webserver->words; word->word != NULL; word++)
		CHECK(schema_word_find(key->words, server_preset((enum config_webserver)word->value)->starttls) !=
		      NULL);
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		const char *starttls = server_port_starttls((uint16_t)port);
		CHECK(starttls == NULL || schema_word_find(key->words, starttls) != NULL);
	}
}

TEST_MAIN()
