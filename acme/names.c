/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a certificate or a request, from OpenSSL's types to ours and back. */
#include "acme/openssl.h"
#include "base/limits.h"

#include <arpa/inet.h>
#include <string.h>

/* One name of a subjectAltName as an identifier; false, perhaps without ERR, for anything but DNS names and addresses.
 */
static bool read_name(const GENERAL_NAME *name, struct identifier *ret, struct error *err)
{
	int type = 0;
	char text[IDENTIFIER_MAX] = "";
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	if (type == GEN_DNS) {
		size_t len = (size_t)ASN1_STRING_length(value);
		if (len >= sizeof(text) || memchr(ASN1_STRING_get0_data(value), '\0', len) != NULL)
			return false;
		memcpy(text, ASN1_STRING_get0_data(value), len);
		return identifier_parse(text, ret, err) && ret->type == IDENTIFIER_DNS;
	}
	int len = type == GEN_IPADD ? ASN1_STRING_length(value) : 0;
	if ((len != 4 && len != 16) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text, sizeof(text)) == NULL)
		return false;
	return identifier_parse(text, ret, err);
}

bool names_to_identifiers(const GENERAL_NAMES *names, const char *what, struct identifier **ret, size_t *ret_count,
			  struct error *err)
{
	int count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
	struct error ignored = {0};

	if (count < 1 || count > LIMIT_IDENTIFIERS)
		return error_set(err, ERROR_DATA, NULL, "%s has no names, or too many", what);
	AUTO_FREE struct identifier *identifiers = calloc((size_t)count, sizeof(*identifiers));
	if (identifiers == NULL)
		return error_oom(err);
	for (int i = 0; i < count; i++)
		if (!read_name(sk_GENERAL_NAME_value(names, i), &identifiers[i], &ignored))
			return error_set(err, ERROR_DATA, NULL,
					 "%s holds a name that is neither a DNS name nor an address", what);
	*ret = STEAL(identifiers);
	*ret_count = (size_t)count;
	return true;
}

DEFINE_FREEP(name_freep, GENERAL_NAME, GENERAL_NAME_free)

/* RFC 8555 §7.4 for DNS names, RFC 8738 §3 for addresses: 4 or 16 octets, never text. */
static bool add_name(GENERAL_NAMES *names, const struct identifier *identifier, struct error *err)
{
	unsigned char address[16];
	const void *data = identifier->value;
	int len = (int)strlen(identifier->value);
	bool ip = identifier->type == IDENTIFIER_IP;

	if (ip) {
		bool v6 = strchr(identifier->value, ':') != NULL;
		if (inet_pton(v6 ? AF_INET6 : AF_INET, identifier->value, address) != 1)
			return error_set(err, ERROR_INTERNAL, NULL, "%s is no IP address", identifier->value);
		data = address;
		len = v6 ? 16 : 4;
	}

	CLEANUP(name_freep) GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (name == NULL || value == NULL || ASN1_STRING_set(value, data, len) != 1) {
		ASN1_STRING_free(value);
		return error_oom(err);
	}
	GENERAL_NAME_set0_value(name, ip ? GEN_IPADD : GEN_DNS, value);
	if (sk_GENERAL_NAME_push(names, name) == 0)
		return error_oom(err);
	name = NULL;
	return true;
}

GENERAL_NAMES *names_from_identifiers(const struct identifier *identifiers, size_t count, struct error *err)
{
	CLEANUP(names_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();

	if (names == NULL) {
		error_oom(err);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		if (!add_name(names, &identifiers[i], err))
			return NULL;
	return STEAL(names);
}
