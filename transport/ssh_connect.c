/* SPDX-License-Identifier: Apache-2.0 */
/* From a host's name to a session with agreed keys; and how a session waits and fails. */
#include "transport/ssh_link.h"

#include "base/limits.h"
#include "transport/host_addresses.h"
#include "transport/ssh_tunnel.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	WAIT_SLICE_MS = 250,         /* libssh may hold bytes that poll() does not know of: look again this often */
	USER_TIMEOUT_MS = 20 * 1000, /* unacknowledged data: the peer is gone */
	KEEPALIVE_SECONDS = 15,      /* of silence, as while a command runs: then the peer is asked, */
	KEEPALIVE_AGAIN = 5,         /* and again, until USER_TIMEOUT_MS are over */
	TURNED_AWAY_FIRST_MS = 250,  /* before the second attempt; twice as long before each further one, and up to */
	TURNED_AWAY_TIMES = 6,       /* double of that by chance: 8 to 16 seconds in all */
};

/* What libssh may use: nothing with SHA-1, CBC, or RSA below 2048 bits; and no file of its own choice. */
static const struct {
	enum ssh_options_e option;
	const char *value;
} fixed_options[] = {
	{SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
				   "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
				   "diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256"},
	{SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
	 "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
	 "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
	 "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519,ecdsa-sha2-nistp256,"
	 "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"},
	{SSH_OPTIONS_CIPHERS_C_S, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,"
				  "aes256-ctr,aes192-ctr,aes128-ctr"},
	{SSH_OPTIONS_CIPHERS_S_C, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,"
				  "aes256-ctr,aes192-ctr,aes128-ctr"},
	{SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
			       "hmac-sha2-512"},
	{SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
			       "hmac-sha2-512"},
	{SSH_OPTIONS_COMPRESSION, "no"},
	/* Which of ours is the one to be looked at is set when it is known. */
	{SSH_OPTIONS_KNOWNHOSTS, "/dev/null"},
	{SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
};

static const struct {
	enum ssh_options_e option;
	int value;
} fixed_numbers[] = {
	{SSH_OPTIONS_STRICTHOSTKEYCHECK, 1}, {SSH_OPTIONS_RSA_MIN_SIZE, 2048}, {SSH_OPTIONS_PUBKEY_AUTH, 1},
	{SSH_OPTIONS_PASSWORD_AUTH, 0},      {SSH_OPTIONS_KBDINT_AUTH, 0},     {SSH_OPTIONS_GSSAPI_AUTH, 0},
};

bool ssh_link_fail(const struct ssh_link *link, enum error_category category, const char *what, struct error *err)
{
	const char *said = ssh_get_error(link->session);

	(void)error_set(err, category, NULL, "%s", what);
	err->transient = category == ERROR_NETWORK;
	error_said(err, said, strlen(said));
	if (category == ERROR_NETWORK && link->tunnel != NULL)
		error_hint(err, "it goes through the jump host %s, whose connection may be what was cut",
			   ssh_tunnel_name(link->tunnel));
	return false;
}

bool ssh_link_out_of_time(const struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err)
{
	if (cancel_requested(deadline.cancel))
		return deadline_check(deadline, NULL, err);
	(void)error_set(err, ERROR_TIMEOUT, NULL, "%s did not answer in time while %s", link->name, doing);
	err->transient = true;
	if (link->tunnel != NULL)
		error_hint(err, "it goes through the jump host %s, which may be the one that fell silent",
			   ssh_tunnel_name(link->tunnel));
	return false;
}

bool ssh_link_wait(struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err)
{
	int64_t left = deadline_left_ms(deadline);
	struct pollfd fds[] = {
		{.fd = link->fd, .events = POLLIN},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};

	if (left == 0)
		return ssh_link_out_of_time(link, deadline, doing, err);
	if (!ssh_is_connected(link->session))
		return ssh_link_fail(link, ERROR_NETWORK, "the SSH connection was cut", err);
	if (ssh_get_poll_flags(link->session) & SSH_WRITE_PENDING)
		fds[0].events |= POLLOUT;
	(void)poll(fds, ARRAY_LEN(fds), left < WAIT_SLICE_MS ? (int)left : WAIT_SLICE_MS);
	return true;
}

static bool wait_connected(int fd, struct deadline deadline, int *ret_errno)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = POLLOUT},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};
	socklen_t len = sizeof(*ret_errno);
	int ready;

	do {
		ready = poll(fds, ARRAY_LEN(fds), (int)deadline_left_ms(deadline));
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0 || fds[0].revents == 0) {
		*ret_errno = ETIMEDOUT;
		return false;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_errno, &len) == 0 && *ret_errno == 0;
}

static int connect_address(const struct dns_address *address, struct deadline deadline, int *ret_errno)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECONDS},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_AGAIN},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
	};
	int fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*ret_errno = errno;
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) /* each only helps to notice a dead peer sooner */
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
	if (connect(fd, (const struct sockaddr *)&address->addr, address->len) == 0)
		return fd;
	*ret_errno = errno;
	if (errno == EINPROGRESS && wait_connected(fd, deadline, ret_errno))
		return fd;
	close(fd);
	return -1;
}

static void tell_addresses(const struct ssh_link *link, const struct dns_address *addresses, size_t count)
{
	struct buf text CLEANUP(buf_done);
	char address[INET6_ADDRSTRLEN];

	buf_init(&text, LIMIT_HOST_ADDRESSES * (size_t)INET6_ADDRSTRLEN);
	for (size_t i = 0; i < count; i++)
		if (getnameinfo((const struct sockaddr *)&addresses[i].addr, addresses[i].len, address, sizeof(address),
				/* serv= */ NULL, 0, NI_NUMERICHOST) == 0)
			buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", address);
	ssh_link_tell(link, "resolve", "%s", buf_cstr(&text));
}

/* Each address gets an equal share of the time that is left, so that a dead first one leaves some for the next. */
static bool connect_socket(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
			   struct error *err)
{
	int failure = ETIMEDOUT;
	size_t count = 0;
	AUTO_FREE struct dns_address *addresses =
		host_addresses(target->host, target->port, &target->addresses, deadline, &count, err);

	if (addresses == NULL)
		return false;
	if (!link->resolved)
		tell_addresses(link, addresses, count);
	for (size_t i = 0; i < count && link->fd < 0; i++) {
		int64_t share = deadline_left_ms(deadline) / (int64_t)(count - i);
		link->fd = connect_address(&addresses[i], deadline_within(deadline, share), &failure);
	}
	if (link->fd >= 0)
		return true;
	if (cancel_requested(deadline.cancel))
		return deadline_check(deadline, NULL, err);
	(void)error_errno(err, ERROR_NETWORK, NULL, failure, "cannot connect to %s port %u", link->host,
			  (unsigned)target->port);
	err->transient = true;
	error_hint(err, "check that the server is up and that its SSH server listens there");
	return false;
}

/* Types of host keys, and the algorithms that go with each. */
static const char *const key_types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
					"ecdsa-sha2-nistp521", "ssh-rsa"};
static const char *const key_algorithms[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
					     "ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256"};

/* The types that TARGET's host is known by, as bits. */
static unsigned known_types(const struct ssh_target *target)
{
	unsigned found = 0;

	for (size_t i = 0; i < target->known_hosts.len; i++) {
		struct secret text CLEANUP(secret_done) = {0};
		struct error missing = {0};
		if (secret_read_file(&text, target->known_hosts.items[i], LIMIT_CONFIG_FILE, false, &missing))
			found |= known_hosts_types(text.data, text.len, ssh_target_known_name(target),
						   ssh_target_known_port(target), key_types, ARRAY_LEN(key_types));
	}
	return found;
}

/* As ssh(1): a server that has several keys is asked for one that is known first. */
static bool order_host_keys(struct ssh_link *link, const struct ssh_target *target)
{
	unsigned known = known_types(target);
	struct buf list CLEANUP(buf_done);

	buf_init(&list, LIMIT_PATH);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_LEN(key_types); i++)
			if (((known >> i) & 1) == (round == 0))
				buf_printf(&list, "%s%s", list.len > 0 ? "," : "", key_algorithms[i]);
	return ssh_options_set(link->session, SSH_OPTIONS_HOSTKEYS, buf_cstr(&list)) == SSH_OK;
}

static bool set_options(struct ssh_link *link, const struct ssh_target *target)
{
	ssh_session session = link->session;
	bool process_config = false;
	unsigned port = ssh_target_known_port(target); /* it is connected already: what follows is for known_hosts */
	bool ok = ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &process_config) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_HOST, ssh_target_known_name(target)) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_PORT, &port) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_USER, target->user) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_FD, &link->fd) == SSH_OK;

	for (size_t i = 0; i < ARRAY_LEN(fixed_options); i++)
		ok = ok && ssh_options_set(session, fixed_options[i].option, fixed_options[i].value) == SSH_OK;
	for (size_t i = 0; i < ARRAY_LEN(fixed_numbers); i++)
		ok = ok && ssh_options_set(session, fixed_numbers[i].option, &fixed_numbers[i].value) == SSH_OK;
	if (ok && target->agent != NULL)
		ok = ssh_options_set(session, SSH_OPTIONS_IDENTITY_AGENT, target->agent) == SSH_OK;
	return ok && order_host_keys(link, target);
}

/* How OpenSSH turns people away while too many are logging in: the connection ends before it has said who it is. */
static bool is_turned_away(const struct ssh_link *link)
{
	return ssh_get_serverbanner(link->session) == NULL && !ssh_is_connected(link->session);
}

static bool exchange_keys(struct ssh_link *link, struct deadline deadline, bool *ret_turned_away, struct error *err)
{
	int rc;

	ssh_set_blocking(link->session, 0);
	while ((rc = ssh_connect(link->session)) == SSH_AGAIN)
		if (!ssh_link_wait(link, deadline, "SSH keys were agreed on", err))
			return false;
	*ret_turned_away = rc != SSH_OK && is_turned_away(link);
	if (rc != SSH_OK)
		return ssh_link_fail(link, ERROR_NETWORK, "the SSH handshake failed", err);
	const char *banner = ssh_get_serverbanner(link->session);
	ssh_link_tell(link, "connect", "%s", banner != NULL ? banner : "");
	return true;
}

/* Once: a socket to TARGET, and keys. */
static bool try_to_connect(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
			   bool *ret_turned_away, struct error *err)
{
	bool connected = link->tunnel != NULL
				 ? ssh_tunnel_dial(link->tunnel, target->host, target->port, deadline, &link->fd, err)
				 : connect_socket(link, target, deadline, err);
	if (!connected)
		return false;
	if (link->tunnel != NULL && !link->resolved)
		ssh_link_tell(link, "resolve", "%s, looked up by the jump host", target->host);
	link->resolved = true;
	if (!set_options(link, target))
		return ssh_link_fail(link, ERROR_INTERNAL, "libssh refused an option", err);
	return exchange_keys(link, deadline, ret_turned_away, err);
}

static bool turned_away(const struct ssh_link *link, int times, struct deadline deadline, const struct error *cause,
			struct error *err)
{
	if (cancel_requested(deadline.cancel))
		return deadline_check(deadline, NULL, err);
	(void)error_set(err, ERROR_NETWORK, NULL, "%s closes the connection before it says anything (tried %d times)",
			link->name, times);
	err->transient = true;
	error_said(err, cause->said, strlen(cause->said));
	error_hint(err, "is that an SSH server? One that has too many logins under way (MaxStartups), or that blocks "
			"addresses (PerSourcePenalties, fail2ban), does this: see its log; `parallel` says how many "
			"servers are deployed to at once");
	return false;
}

/* A moment, longer each time and never the same for everybody who was turned away with us. */
static bool pause_before(int attempt, struct deadline deadline)
{
	struct error ended = {0};
	unsigned char chance = 0;
	int64_t ms = (int64_t)TURNED_AWAY_FIRST_MS << (attempt - 1);

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		chance = (unsigned char)clock_monotonic_ms();
	return deadline_sleep(deadline, ms + ms * chance / UINT8_MAX, NULL, &ended);
}

bool ssh_link_connect(struct ssh_link *link, const struct ssh_target *target, struct ssh_link *take_via,
		      struct deadline deadline, struct error *err)
{
	if (take_via != NULL && (link->tunnel = ssh_tunnel_start(take_via, err)) == NULL)
		return false;
	for (int attempt = 1;; attempt++) {
		struct error cause = {0};
		bool away = false;
		if (try_to_connect(link, target, deadline, &away, &cause))
			return true;
		if (away && attempt < TURNED_AWAY_TIMES && pause_before(attempt, deadline)) {
			if (!ssh_link_renew(link, err))
				return false;
			continue;
		}
		if (away)
			return turned_away(link, attempt, deadline, &cause, err);
		*err = cause;
		return false;
	}
}
