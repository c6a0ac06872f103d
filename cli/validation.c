/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to validate, as a table: the option, its challenge, and what it cannot prove. */
#include "cli/validation.h"

#include "base/escape.h"
#include "base/listen_address.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static const struct way {
	enum option_id option;
	const char *usage;
	enum challenge_type challenge;
	bool by_dns; /* proves wildcards and no addresses; the others the reverse (RFC 8555 §8.3, RFC 8737 §3, 8738 §7)
		      */
} ways[] = {
	{OPTION_WEBROOT, "--webroot DIR", CHALLENGE_HTTP_01, false},
	{OPTION_STANDALONE, "--standalone [ADDR:]PORT", CHALLENGE_HTTP_01, false},
	{OPTION_ALPN, "--alpn [ADDR:]PORT", CHALLENGE_TLS_ALPN_01, false},
	{OPTION_DNS, "--dns PROVIDER", CHALLENGE_DNS_01, true},
	{OPTION_DNS_PERSIST, "--dns-persist", CHALLENGE_DNS_PERSIST_01, true},
};

static bool find_way(const struct arguments *arguments, const struct way **ret, struct error *err)
{
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (!option_given(arguments, ways[i].option))
			continue;
		if (*ret != NULL) {
			error_set(err, ERROR_USAGE, "usage", "%s and %s are two ways to validate", (*ret)->usage,
				  ways[i].usage);
			error_hint(err, "keep one of them");
			return false;
		}
		*ret = &ways[i];
	}
	if (*ret != NULL)
		return true;
	error_set(err, ERROR_USAGE, "usage", "one way to validate is needed");
	error_hint(
		err,
		"--webroot DIR, --standalone PORT, --alpn PORT, --dns PROVIDER [--credentials FILE], or --dns-persist");
	return false;
}

/* What is published through a DNS provider proves either of two challenges. */
static bool set_challenge(const struct arguments *arguments, const struct way *way, struct renewal *wanted,
			  struct error *err)
{
	const char *text = option_value(arguments, OPTION_CHALLENGE, /* fallback= */ NULL);

	wanted->challenge = way->challenge;
	if (text == NULL)
		return true;
	if (way->option != OPTION_DNS) {
		error_set(err, ERROR_USAGE, "usage", "--challenge goes with --dns");
		error_hint(err, "--dns PROVIDER --challenge dns-account-01");
		return false;
	}
	wanted->challenge = challenge_type_parse(text);
	if (wanted->challenge == CHALLENGE_DNS_01 || wanted->challenge == CHALLENGE_DNS_ACCOUNT_01)
		return true;
	error_set(err, ERROR_USAGE, "usage", "--challenge takes dns-01 or dns-account-01");
	error_hint(err, "without it, --dns validates by dns-01");
	return false;
}

static bool check_names(const struct way *way, const struct renewal *wanted, struct error *err)
{
	for (size_t i = 0; i < wanted->identifier_count; i++) {
		const struct identifier *identifier = &wanted->identifiers[i];
		if (!way->by_dns && identifier_is_wildcard(identifier)) {
			error_set(err, ERROR_USAGE, "usage", "the wildcard %s cannot be validated by %s",
				  identifier->value, challenge_type_name(way->challenge));
			error_hint(err, "wildcards need dns-01: use --dns PROVIDER instead of %s", way->usage);
			return false;
		}
		if (way->by_dns && identifier->type == IDENTIFIER_IP) {
			error_set(err, ERROR_USAGE, "usage", "the IP address %s cannot be validated by %s",
				  identifier->value, challenge_type_name(way->challenge));
			error_hint(err, "an address has no DNS record to be proven by: use --webroot DIR, "
					"--standalone PORT or --alpn PORT");
			return false;
		}
	}
	return true;
}

static bool set_listen(const struct arguments *arguments, const struct way *way, struct renewal *wanted,
		       struct error *err)
{
	const char *text = option_value(arguments, way->option, /* fallback= */ NULL);
	struct listen_address listen;
	char written[LISTEN_ADDRESS_SIZE], shown[ERROR_NAME_MAX];

	if (way->option != OPTION_STANDALONE && way->option != OPTION_ALPN)
		return true;
	if (listen_address_parse(text, &listen))
		return str_set(&wanted->listen, listen_address_format(&listen, written), err);
	error_set(err, ERROR_USAGE, "usage", "%s: \"%s\" is no port or address to listen on", way->usage,
		  escape_str(shown, sizeof(shown), text));
	error_hint(err, "for example %s, 127.0.0.1:8080 or [2001:db8::1]:8080",
		   way->option == OPTION_ALPN ? "443" : "80");
	return false;
}

/* Renewals run from elsewhere: paths are kept whole. */
static bool set_path(char **ret, const char *path, struct error *err)
{
	char resolved[PATH_MAX];
	if (path == NULL)
		return true;
	if (realpath(path, resolved) == NULL)
		return error_errno(err, ERROR_USAGE, "usage", errno, "%s", path);
	return str_set(ret, resolved, err);
}

bool validation_from_arguments(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	const char *provider = option_value(arguments, OPTION_DNS, /* fallback= */ NULL);
	const char *credentials = option_value(arguments, OPTION_CREDENTIALS, /* fallback= */ NULL);
	const struct way *way = NULL;

	if (!find_way(arguments, &way, err))
		return false;
	if (credentials != NULL && provider == NULL) {
		error_set(err, ERROR_USAGE, "usage", "--credentials goes with --dns");
		error_hint(err, "--dns PROVIDER --credentials FILE");
		return false;
	}
	return set_challenge(arguments, way, wanted, err) && check_names(way, wanted, err) &&
	       set_listen(arguments, way, wanted, err) &&
	       set_path(&wanted->webroot, option_value(arguments, OPTION_WEBROOT, /* fallback= */ NULL), err) &&
	       str_set(&wanted->dns_provider, provider, err) && set_path(&wanted->dns_credentials, credentials, err);
}
