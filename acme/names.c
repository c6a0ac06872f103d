/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a certificate or a request, from OpenSSL's types to ours. */
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
