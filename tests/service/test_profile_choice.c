/* SPDX-License-Identifier: Apache-2.0 */
#include "service/profile_choice.h"

#include "acme/session.h"
#include "tests/support/test.h"

#include <string.h>

static struct identifier names[] = {{IDENTIFIER_DNS, "example.com"}, {IDENTIFIER_IP, "192.0.2.1"}};
static char lets_encrypt[] = "https://acme-staging-v02.api.letsencrypt.org/directory", other[] = "https://ca.test/dir";
static char classic[] = "classic", shortlived[] = "shortlived", empty[] = "";

static struct renewal wanted(size_t name_count, char *ca_url, char *profile)
{
	return (struct renewal){
		.identifiers = names, .identifier_count = name_count, .ca_url = ca_url, .profile = profile};
}

TEST(an_address_chooses_the_short_lived_profile)
{
	struct acme_profile list[] = {{classic, empty}, {shortlived, empty}};
	struct acme_directory listed = {.profiles = {list, 2, false}}, none = {0};
	char reason[512];

	struct renewal renewal = wanted(2, other, NULL);
	CHECK_STR(profile_choice(&renewal, &listed, reason), "shortlived");
	CHECK_CONTAINS(reason, "\"shortlived\" was chosen because of the IP address 192.0.2.1");
	CHECK_STR(profile_choice(&renewal, &none, reason), NULL);
	CHECK_STR(reason, "");
	renewal = wanted(2, lets_encrypt, NULL);
	CHECK_STR(profile_choice(&renewal, &none, reason), "shortlived");
}

TEST(otherwise_the_user_decides)
{
	struct acme_profile list[] = {{classic, empty}, {shortlived, empty}};
	struct acme_directory listed = {.profiles = {list, 2, false}};
	char reason[512];

	struct renewal renewal = wanted(2, lets_encrypt, classic);
	CHECK_STR(profile_choice(&renewal, &listed, reason), "classic");
	CHECK_STR(reason, "");
	renewal = wanted(1, lets_encrypt, NULL);
	CHECK_STR(profile_choice(&renewal, &listed, reason), NULL);
	CHECK_STR(reason, "");
}

TEST_MAIN()
