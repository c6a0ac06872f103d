/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on. The last colon parts host and port; an IPv6 address therefore needs its brackets. */
#include "base/listen_address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* LEN bytes of TEXT as an address of FAMILY in canonical text. */
static bool parse_host(int family, const char *text, size_t len, char out[LISTEN_HOST_SIZE])
{
	unsigned char address[sizeof(struct in6_addr)];
	char host[LISTEN_HOST_SIZE];

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return inet_pton(family, host, address) == 1 && inet_ntop(family, address, out, LISTEN_HOST_SIZE) != NULL;
}

bool listen_address_parse(const char *text, struct listen_address *ret)
{
	const char *colon = strrchr(text, ':');
	const char *port = colon != NULL ? colon + 1 : text;
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	struct listen_address parsed = {0};
	uint64_t number = 0;

	if (!parse_u64(port, strlen(port), UINT16_MAX, &number) || number == 0)
		return false;
	parsed.port = (uint16_t)number;
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (bracketed ? !parse_host(AF_INET6, text + 1, len - 2, parsed.host)
		      : len > 0 && !parse_host(AF_INET, text, len, parsed.host))
		return false;
	*ret = parsed;
	return true;
}

const char *listen_address_format(const struct listen_address *address, char out[LISTEN_ADDRESS_SIZE])
{
	bool v6 = strchr(address->host, ':') != NULL;
	(void)snprintf(out, LISTEN_ADDRESS_SIZE, "%s%s%s:%u", v6 ? "[" : "", address->host, v6 ? "]" : "",
		       (unsigned)address->port);
	return out;
}
