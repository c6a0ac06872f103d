/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses given, or asked of the system, as one list. */
#include "transport/host_addresses.h"

#include "base/escape.h"
#include "base/limits.h"
#include "transport/system_resolver.h"

#include <stdlib.h>
#include <string.h>

static bool take_given(const struct str_list *given, uint16_t port, struct dns_address *ret, size_t *ret_count,
		       struct error *err)
{
	for (size_t i = 0; i < given->len && *ret_count < LIMIT_HOST_ADDRESSES; i++)
		if (!dns_address_parse(given->items[i], port, &ret[(*ret_count)++], err))
			return false;
	return true;
}

static bool ask_system(const char *host, uint16_t port, struct deadline deadline, struct dns_address *ret,
		       size_t *ret_count, struct error *err)
{
	char safe[ERROR_NAME_MAX];
	struct addrinfo *found = system_resolver_ask(host, deadline, err);

	if (found == NULL)
		return false;
	for (const struct addrinfo *at = found; at != NULL && *ret_count < LIMIT_HOST_ADDRESSES; at = at->ai_next) {
		struct dns_address *address = &ret[*ret_count];
		if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
			continue;
		memcpy(&address->addr, at->ai_addr, at->ai_addrlen);
		address->len = at->ai_addrlen;
		if (at->ai_family == AF_INET)
			((struct sockaddr_in *)&address->addr)->sin_port = htons(port);
		else
			((struct sockaddr_in6 *)&address->addr)->sin6_port = htons(port);
		(*ret_count)++;
	}
	freeaddrinfo(found);
	return *ret_count > 0 ||
	       error_set(err, ERROR_NETWORK, NULL, "%s has no address", escape_str(safe, sizeof(safe), host));
}

struct dns_address *host_addresses(const char *host, uint16_t port, const struct str_list *addresses,
				   struct deadline deadline, size_t *ret_count, struct error *err)
{
	bool given = addresses != NULL && addresses->len > 0;
	AUTO_FREE struct dns_address *list = calloc(LIMIT_HOST_ADDRESSES, sizeof(*list));

	*ret_count = 0;
	if (list == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	if (given ? !take_given(addresses, port, list, ret_count, err)
		  : !ask_system(host, port, deadline, list, ret_count, err))
		return NULL;
	return STEAL(list);
}
