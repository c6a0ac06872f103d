/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of shared words. */
#include "base/terms.h"

#include "base/str.h"

static const char *const key_types[] = {
	[KEY_TYPE_ECDSA_P256] = "ecdsa-p256", [KEY_TYPE_ECDSA_P384] = "ecdsa-p384", [KEY_TYPE_RSA_2048] = "rsa-2048",
	[KEY_TYPE_RSA_3072] = "rsa-3072",     [KEY_TYPE_RSA_4096] = "rsa-4096",     [KEY_TYPE_ED25519] = "ed25519",
};

static const char *const challenge_types[] = {
	[CHALLENGE_HTTP_01] = "http-01",
	[CHALLENGE_DNS_01] = "dns-01",
	[CHALLENGE_TLS_ALPN_01] = "tls-alpn-01",
	[CHALLENGE_DNS_ACCOUNT_01] = "dns-account-01",
	[CHALLENGE_DNS_PERSIST_01] = "dns-persist-01",
};

static const char *const challenge_usages[] = {
	[CHALLENGE_HTTP_01] = "--webroot DIR or --standalone 80 (in the config webroot, or challenge: {type: http-01, "
			      "listen: \":80\"})",
	[CHALLENGE_DNS_01] = "--dns PROVIDER (in the config dns_provider)",
	[CHALLENGE_DNS_ACCOUNT_01] = "--dns PROVIDER --challenge dns-account-01 (in the config challenge: {type: "
				     "dns-account-01, provider: …})",
	[CHALLENGE_TLS_ALPN_01] = "--alpn 443 (in the config challenge: tls-alpn-01)",
	[CHALLENGE_DNS_PERSIST_01] = "--dns-persist (in the config challenge: dns-persist-01)",
	[CHALLENGE_UNKNOWN] = NULL,
};

const char *key_type_name(enum key_type type)
{
	return key_types[type];
}

bool key_type_parse_account(const char *text, enum key_type *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(key_types); i++)
		if (str_equal(key_types[i], text)) {
			*ret = (enum key_type)i;
			return true;
		}
	return false;
}

bool key_type_parse(const char *text, enum key_type *ret)
{
	enum key_type type;
	if (!key_type_parse_account(text, &type) || type == KEY_TYPE_ED25519)
		return false;
	*ret = type;
	return true;
}

const char *challenge_type_name(enum challenge_type type)
{
	return type < ARRAY_LEN(challenge_types) ? challenge_types[type] : "unknown";
}

enum challenge_type challenge_type_parse(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(challenge_types); i++)
		if (str_equal(challenge_types[i], text))
			return (enum challenge_type)i;
	return CHALLENGE_UNKNOWN;
}

bool challenge_type_is_dns(enum challenge_type type)
{
	return type == CHALLENGE_DNS_01 || type == CHALLENGE_DNS_ACCOUNT_01 || type == CHALLENGE_DNS_PERSIST_01;
}

const char *challenge_type_usage(enum challenge_type type)
{
	return challenge_usages[type];
}

const char *const must_staple_reason =
	"Let's Encrypt has ended OCSP (its certificates name no responder since 2025-05-07), "
	"and a must-staple certificate without an OCSP answer is refused by browsers";
