/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of DNS servers, as users write them. */
#include "transport/dns.h"

#include "base/escape.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct dns_address *address)
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->addr;
	bool is_v4 = address->addr.ss_family == AF_INET;
	(void)inet_ntop(address->addr.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, host,
			sizeof(host));
	(void)snprintf(address->text, sizeof(address->text), is_v4 ? "%s:%u" : "[%s]:%u", host,
		       (unsigned)ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static bool set_address(struct dns_address *ret, int family, const char *host, uint16_t port)
{
	struct dns_address address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.addr;
	if (inet_pton(family, host, family == AF_INET ? (void *)&v4->sin_addr : &v6->sin6_addr) != 1)
		return false;
	if (family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		address.len = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		address.len = sizeof(*v6);
	}
	set_text(&address);
	*ret = address;
	return true;
}

bool dns_address_parse(const char *text, uint16_t port, struct dns_address *ret, struct error *err)
{
	char host[INET6_ADDRSTRLEN + 1] = "", safe[128];
	const char *port_text = NULL, *close = strchr(text, ']');
	size_t host_len = strlen(text), colons = 0;
	uint64_t number = port;
	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	if (text[0] == '[' && close != NULL) {
		host_len = (size_t)(close - text) - 1;
		port_text = close[1] == ':' ? close + 2 : NULL;
		if (port_text == NULL && close[1] != '\0')
			host_len = sizeof(host);
		text++;
	} else if (colons == 1) {
		host_len = (size_t)(strchr(text, ':') - text);
		port_text = text + host_len + 1;
	}
	if (host_len < sizeof(host))
		memcpy(host, text, host_len);
	if ((port_text == NULL || (parse_u64(port_text, strlen(port_text), UINT16_MAX, &number) && number > 0)) &&
	    (set_address(ret, AF_INET, host, (uint16_t)number) || set_address(ret, AF_INET6, host, (uint16_t)number)))
		return true;
	error_hint(err, "write ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT");
	return error_set(err, ERROR_USAGE, NULL, "\"%s\" is not the address of a DNS server",
			 escape_str(safe, sizeof(safe), text));
}
