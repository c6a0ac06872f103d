/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the profile. */
#include "service/profile_choice.h"

#include "acme/session.h"

#include <stdio.h>
#include <string.h>

/* Let's Encrypt issues for addresses under this profile only, listed or not; others took the name over. */
static const char shortlived[] = "shortlived";
static const char *const lets_encrypt[] = {
	"https://acme-v02.api.letsencrypt.org/",
	"https://acme-staging-v02.api.letsencrypt.org/",
};

static bool is_lets_encrypt(const char *url)
{
	for (size_t i = 0; i < ARRAY_LEN(lets_encrypt); i++)
		if (str_starts(url, lets_encrypt[i]))
			return true;
	return false;
}

static const struct identifier *first_address(const struct renewal *wanted)
{
	for (size_t i = 0; i < wanted->identifier_count; i++)
		if (wanted->identifiers[i].type == IDENTIFIER_IP)
			return &wanted->identifiers[i];
	return NULL;
}

const char *profile_choice(const struct renewal *wanted, const struct acme_directory *directory, char ret_reason[512])
{
	const struct identifier *address = first_address(wanted);

	ret_reason[0] = '\0';
	if (wanted->profile != NULL || address == NULL)
		return wanted->profile;
	if (!acme_profiles_have(&directory->profiles, shortlived) && !is_lets_encrypt(wanted->ca_url))
		return NULL;
	(void)snprintf(ret_reason, 512, "the profile \"%s\" was chosen because of the IP address %s", shortlived,
		       address->value);
	return shortlived;
}
