/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's shared files: ~/.aws/credentials with [name], ~/.aws/config with [profile name]. Their parser is fuzzed. What
 * stands in a profile is not interpreted here.
 */
#ifndef DNS_PROVIDERS_AWS_PROFILE_H
#define DNS_PROVIDERS_AWS_PROFILE_H

#include "base/compiler.h"
#include "base/error.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct aws_profile_entry {
	char *profile;
	char *key;
	struct secret value;
};

/* What both files say, the credentials file first. */
struct aws_profiles {
	struct aws_profile_entry *entries;
	size_t count;
};

void aws_profiles_done(struct aws_profiles *profiles);

/*
 * Add what one file says; IS_CONFIG: its sections are "[profile name]" and "[default]", others are passed over. Lines
 * that begin with a blank continue a nested setting of other services and are passed over too. ERROR_CONFIG with PATH
 * and line, and never what stands there.
 */
MUST_CHECK bool aws_profiles_parse(struct aws_profiles *profiles, const char *text, size_t len, const char *path,
				   bool is_config, struct error *err);

/* The same from a file; one that does not exist adds nothing. */
MUST_CHECK bool aws_profiles_read(struct aws_profiles *profiles, const char *path, bool is_config, struct error *err);

/* NULL when it is not there. Borrowed, NUL-terminated. */
const char *aws_profiles_get(const struct aws_profiles *profiles, const char *profile, const char *key);

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile);

#endif
