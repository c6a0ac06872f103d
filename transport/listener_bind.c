/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binds. IPv6 sockets never take IPv4 along: two sockets behave the same on every machine, and each family's failure is
 * seen by itself.
 */
#include "transport/listener_bind.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static bool set_address(int family, const char *host, uint16_t port, union socket_address *ret, socklen_t *ret_len)
{
	bool everywhere = host[0] == '\0';

	*ret = (union socket_address){0};
	if (family == AF_INET6) {
		ret->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		*ret_len = sizeof(ret->v6);
		return everywhere || inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1;
	}
	ret->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	*ret_len = sizeof(ret->v4);
	return everywhere || inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
}

/* A listening socket, or -1 with errno. */
static int bind_one(const union socket_address *address, socklen_t len)
{
	const int on = 1;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Of the server before us only connections in TIME_WAIT are left; a listener's port is not had by this. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address->any, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	int failure = errno;
	(void)close(fd);
	errno = failure;
	return -1;
}

uint16_t listener_bound_port(int socket)
{
	union socket_address address = {0};
	socklen_t len = sizeof(address);

	if (getsockname(socket, &address.any, &len) != 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* ---- sockets from systemd: sd_listen_fds(3) without its library ---- */

/* Whether FD listens on WANTED's port, for its host or for all: what the unit says counts where WANTED says nothing. */
static bool serves(int fd, const struct listen_address *wanted)
{
	union socket_address address = {0};
	socklen_t len = sizeof(address);
	int listening = 0;
	socklen_t listening_len = sizeof(listening);
	char host[INET6_ADDRSTRLEN] = "";

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) != 0 || listening == 0 ||
	    getsockname(fd, &address.any, &len) != 0)
		return false;
	bool v6 = address.any.sa_family == AF_INET6;
	if (!v6 && address.any.sa_family != AF_INET)
		return false;
	if (inet_ntop(address.any.sa_family, v6 ? (const void *)&address.v6.sin6_addr : &address.v4.sin_addr, host,
		      sizeof(host)) == NULL)
		return false;
	return listener_bound_port(fd) == wanted->port &&
	       (wanted->host[0] == '\0' || str_equal(host, wanted->host) || str_equal(host, v6 ? "::" : "0.0.0.0"));
}

static size_t take_passed(const struct listen_address *address, int ret[LISTENER_SOCKETS])
{
	enum { FIRST_FD = 3, PASSED_MAX = 64 };
	const char *pid = getenv("LISTEN_PID"), *number = getenv("LISTEN_FDS");
	uint64_t for_pid = 0, passed = 0;
	size_t count = 0;

	if (pid == NULL || number == NULL || !parse_u64(pid, strlen(pid), INT32_MAX, &for_pid) ||
	    for_pid != (uint64_t)getpid() || !parse_u64(number, strlen(number), PASSED_MAX, &passed))
		return 0;
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)passed && count < LISTENER_SOCKETS; fd++) {
		if (!serves(fd, address))
			continue;
		/* A copy: the port stays open between two certificates. */
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)passed);
		if (copy < 0)
			continue;
		(void)fcntl(copy, F_SETFL, O_NONBLOCK);
		ret[count++] = copy;
	}
	return count;
}

/* ---- failures ---- */

static bool in_use(const struct listen_address *address, const char *instead, struct error *err)
{
	char holder[160], text[LISTEN_ADDRESS_SIZE], ours[32];

	(void)port_holder(address->port, holder, sizeof(holder));
	(void)listen_address_format(address, text);
	if (holder[0] == '\0')
		(void)error_set(err, ERROR_CONFIG, NULL, "cannot listen on %s: the port is in use", text);
	else
		(void)error_set(err, ERROR_CONFIG, NULL, "cannot listen on %s: %s has the port", text, holder);
	(void)snprintf(ours, sizeof(ours), "(process %d)", (int)getpid());
	if (str_ends(holder, ours))
		error_hint(err,
			   "another certificate of this run listens on that port by another address: let both have the "
			   "same one");
	error_hint(err, "%s; or listen on a free port to which the CA's requests to port %u are forwarded", instead,
		   (unsigned)address->port);
	return false;
}

static bool not_allowed(const struct listen_address *address, struct error *err)
{
	char text[LISTEN_ADDRESS_SIZE];

	(void)error_set(err, ERROR_CONFIG, NULL, "cannot listen on %s: this user may not take a port below 1024",
			listen_address_format(address, text));
	error_hint(err,
		   "run as root; or allow it once: `setcap cap_net_bind_service=+ep` on the certferry binary, or in a "
		   "systemd unit AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit for port %u; or listen on "
		   "a port above 1023 to which port %u is forwarded",
		   (unsigned)address->port, (unsigned)address->port);
	return false;
}

static bool failed(const struct listen_address *address, const char *instead, int failure, struct error *err)
{
	char text[LISTEN_ADDRESS_SIZE];

	if (failure == EADDRINUSE)
		return in_use(address, instead, err);
	if (failure == EACCES || failure == EPERM)
		return not_allowed(address, err);
	(void)error_errno(err, ERROR_CONFIG, NULL, failure, "cannot listen on %s",
			  listen_address_format(address, text));
	if (failure == EADDRNOTAVAIL)
		error_hint(err, "%s is no address of this machine; \":%u\" listens on all that it has", address->host,
			   (unsigned)address->port);
	return false;
}

bool listener_bind(const struct listen_address *address, const char *instead, int ret[LISTENER_SOCKETS],
		   size_t *ret_count, struct error *err)
{
	static const int families[] = {AF_INET6, AF_INET};
	bool everywhere = address->host[0] == '\0';
	size_t count = take_passed(address, ret);
	bool passed = count > 0;
	uint16_t port = address->port;
	int absent = EAFNOSUPPORT;

	for (size_t i = 0; !passed && i < ARRAY_LEN(families); i++) {
		union socket_address where;
		socklen_t len = 0;
		if (!set_address(families[i], address->host, port, &where, &len))
			continue;
		int fd = bind_one(&where, len);
		if (fd >= 0) {
			ret[count++] = fd;
			port = listener_bound_port(fd);
			continue;
		}
		absent = errno;
		/* A family that this machine does not have is not missed. */
		if (everywhere && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
			continue;
		for (size_t j = 0; j < count; j++)
			(void)close(ret[j]);
		return failed(address, instead, absent, err);
	}
	*ret_count = count;
	return count > 0 || failed(address, instead, absent, err);
}
