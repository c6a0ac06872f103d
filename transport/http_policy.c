/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address policy of HTTP requests. An IPv6 address that carries an IPv4 one is judged by the latter, so that
 * ::ffff:127.0.0.1 is the loopback that it leads to.
 */
#include "transport/http_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static const char loopback[] = "loopback";

static const struct {
	uint32_t network, mask;
	const char *kind;
} refused_v4[] = {
	{0x00000000, 0xff000000, "unspecified"},                                         /* RFC 1122 §3.2.1.3 */
	{0x7f000000, 0xff000000, loopback},      {0xa9fe0000, 0xffff0000, "link-local"}, /* RFC 3927 */
	{0xe0000000, 0xf0000000, "multicast"},   {0xf0000000, 0xf0000000, "reserved"},   /* with broadcast */
};

static const char *kind_v4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(refused_v4) / sizeof(refused_v4[0]); i++)
		if ((address & refused_v4[i].mask) == refused_v4[i].network)
			return refused_v4[i].kind;
	return NULL;
}

static const char *kind_v6(const struct in6_addr *address)
{
	uint32_t inner = 0;
	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return "unspecified";
	if (IN6_IS_ADDR_LOOPBACK(address))
		return loopback;
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return "link-local";
	if (IN6_IS_ADDR_MULTICAST(address))
		return "multicast";
	if (!IN6_IS_ADDR_V4MAPPED(address) && !IN6_IS_ADDR_V4COMPAT(address))
		return NULL;
	memcpy(&inner, address->s6_addr + 12, sizeof(inner));
	return kind_v4(ntohl(inner));
}

static const char *address_kind(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	if (addr->sa_family == AF_INET && len >= sizeof(v4)) {
		memcpy(&v4, addr, sizeof(v4));
		return kind_v4(ntohl(v4.sin_addr.s_addr));
	}
	if (addr->sa_family == AF_INET6 && len >= sizeof(v6)) {
		memcpy(&v6, addr, sizeof(v6));
		return kind_v6(&v6.sin6_addr);
	}
	return "unknown";
}

const char *http_address_refused(const struct sockaddr *addr, socklen_t len, bool allow_loopback)
{
	const char *kind = address_kind(addr, len);
	return kind == loopback && allow_loopback ? NULL : kind;
}

static bool parse_address(const char *host, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char plain[INET6_ADDRSTRLEN];
	size_t len = strlen(host);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return true;
	}
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof(plain))
		return false;
	memcpy(plain, host, len);
	plain[len] = '\0';
	if (inet_pton(AF_INET6, plain, &v6.sin6_addr) != 1)
		return false;
	memcpy(ret, &v6, sizeof(v6));
	*ret_len = sizeof(v6);
	return true;
}

bool http_host_is_address(const char *host)
{
	struct sockaddr_storage address = {0};
	socklen_t len = 0;
	return parse_address(host, &address, &len);
}

bool http_host_is_loopback(const char *host)
{
	struct sockaddr_storage address = {0};
	socklen_t len = 0;
	if (!parse_address(host, &address, &len))
		return false;
	return address_kind((const struct sockaddr *)&address, len) == loopback;
}

bool http_host_is_metadata(const char *host)
{
	static const char *const known[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254",
					    "fd00:ec2::23"};
	struct sockaddr_storage address = {0}, other = {0};
	socklen_t len = 0, other_len = 0;
	if (!parse_address(host, &address, &len))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		memset(&other, 0, sizeof(other));
		if (parse_address(known[i], &other, &other_len) && other_len == len &&
		    memcmp(&other, &address, len) == 0)
			return true;
	}
	return false;
}
