/* SPDX-License-Identifier: Apache-2.0 */
#include "service/placement.h"

#include "tests/support/test.h"

#include <string.h>

static struct config_copy copies[] = {{"combined", "/etc/one.pem"}, {"privkey", "/etc/two.pem"}};

static struct config_server ours(void)
{
	return (struct config_server){
		.name = "web-1",
		.host = "192.0.2.1",
		.port = 22,
		.dir = "/etc/letsencrypt/live",
		.group = "ssl-cert",
		.key_mode = 0640,
		.copies = copies,
		.copy_count = 1,
	};
}

static bool is_as_before(const struct config_server *changed)
{
	const struct config_server before = ours();
	char one[RENEWAL_PLACED_SIZE], other[RENEWAL_PLACED_SIZE];
	placement_of(&before, one);
	placement_of(changed, other);
	CHECK_INT(strlen(one), RENEWAL_PLACED_SIZE - 1);
	return strcmp(one, other) == 0;
}

TEST(whatever_moves_the_files_is_another_place)
{
	struct config_server changed[8];
	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		changed[i] = ours();
	changed[0].host = "192.0.2.2";
	changed[1].port = 2222;
	changed[2].dir = "/etc/tls";
	changed[3].owner = "ssl-cert";
	changed[4].group = NULL;
	changed[5].key_mode = 0600;
	changed[6].copy_count = 2;
	changed[7].combined = true;
	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		CHECK(!is_as_before(&changed[i]));
}

TEST(how_it_is_reached_and_reloaded_is_not)
{
	struct config_server changed = ours();
	changed.user = "deploy";
	changed.reload_command = "true";
	changed.timeout = 1;
	CHECK(is_as_before(&changed));
}

TEST(a_record_that_does_not_say_is_believed)
{
	struct config_server server = ours();
	struct config config = {.servers = &server, .server_count = 1};
	struct renewal_server entries[3] = {{.name = "web-1"}, {.name = "web-1"}, {.name = "gone"}};
	struct renewal wanted = {.servers = entries, .server_count = ARRAY_LEN(entries)};

	memcpy(entries[1].placed, "0123456789abcdef", RENEWAL_PLACED_SIZE);
	memcpy(entries[2].placed, "0123456789abcdef", RENEWAL_PLACED_SIZE);
	placement_compare(&config, &wanted);
	CHECK(!entries[0].moved && entries[1].moved && !entries[2].moved);
	placement_of(&server, entries[1].placed);
	placement_compare(&config, &wanted);
	CHECK(!entries[1].moved);
	placement_compare(NULL, &wanted);
}

TEST_MAIN()
