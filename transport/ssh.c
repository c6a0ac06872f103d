/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH over libssh, in non-blocking mode throughout: each call is repeated while it says "again", and between two tries
 * link_wait() sleeps in poll() on the socket, the deadline and the cancellation. So nothing here can hang, which
 * libssh's own time-outs do not promise.
 */
#include "transport/ssh.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/host_addresses.h"
#include "transport/known_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	WAIT_SLICE_MS = 250,         /* libssh may hold bytes that poll() does not know of: look again this often */
	EXIT_DRAIN_MS = 250,         /* after a command's end, for output that is still on its way */
	USER_TIMEOUT_MS = 20 * 1000, /* unacknowledged data: the peer is gone */
	KEEPALIVE_SECONDS = 15,
	READ_CHUNK = 16 * 1024,
};

struct ssh_link {
	ssh_session session;
	char *host;
	int fd;
};

struct ssh_stream {
	struct ssh_link *link;
	ssh_channel channel;
	struct buf complaints; /* of the program behind it, as far as they fit */
};

/* What libssh may use: nothing with SHA-1, CBC, or RSA below 2048 bits; and no file but the given known_hosts. */
static const struct {
	enum ssh_options_e option;
	const char *value;
} fixed_options[] = {
	{SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
				   "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
				   "diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256"},
	{SSH_OPTIONS_HOSTKEYS, "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
			       "rsa-sha2-512,rsa-sha2-256"},
	{SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
					       "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"},
	{SSH_OPTIONS_CIPHERS_C_S, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,"
				  "aes256-ctr,aes192-ctr,aes128-ctr"},
	{SSH_OPTIONS_CIPHERS_S_C, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,"
				  "aes256-ctr,aes192-ctr,aes128-ctr"},
	{SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
			       "hmac-sha2-512"},
	{SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
			       "hmac-sha2-512"},
	{SSH_OPTIONS_COMPRESSION, "no"},
	{SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
};

static const struct {
	enum ssh_options_e option;
	int value;
} fixed_numbers[] = {
	{SSH_OPTIONS_STRICTHOSTKEYCHECK, 1}, {SSH_OPTIONS_RSA_MIN_SIZE, 2048}, {SSH_OPTIONS_PUBKEY_AUTH, 1},
	{SSH_OPTIONS_PASSWORD_AUTH, 0},      {SSH_OPTIONS_KBDINT_AUTH, 0},     {SSH_OPTIONS_GSSAPI_AUTH, 0},
};

/* libssh's last words as an error: they may quote the server. */
static bool fail(const struct ssh_link *link, enum error_category category, const char *what, struct error *err)
{
	const char *said = ssh_get_error(link->session);

	(void)error_set(err, category, NULL, "%s", what);
	err->transient = category == ERROR_NETWORK;
	error_said(err, said, strlen(said));
	return false;
}

static bool out_of_time(const struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err)
{
	if (cancel_requested(deadline.cancel))
		return deadline_check(deadline, NULL, err);
	(void)error_set(err, ERROR_TIMEOUT, NULL, "%s did not answer in time while %s", link->host, doing);
	err->transient = true;
	return false;
}

/* Sleep until the socket has something for libssh, a slice of time has gone, or nothing is left (an error). */
static bool link_wait(struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err)
{
	int64_t left = deadline_left_ms(deadline);
	struct pollfd fds[] = {
		{.fd = link->fd, .events = POLLIN},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};

	if (left == 0)
		return out_of_time(link, deadline, doing, err);
	if (!ssh_is_connected(link->session))
		return fail(link, ERROR_NETWORK, "the SSH connection was cut", err);
	if (ssh_get_poll_flags(link->session) & SSH_WRITE_PENDING)
		fds[0].events |= POLLOUT;
	(void)poll(fds, ARRAY_LEN(fds), left < WAIT_SLICE_MS ? (int)left : WAIT_SLICE_MS);
	return true;
}

/* ---- connecting ---- */

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

/* Each address gets an equal share of the time that is left, so that a dead first one leaves some for the next. */
static bool connect_socket(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
			   struct error *err)
{
	int failure = ETIMEDOUT;
	size_t count = 0;
	AUTO_FREE struct dns_address *addresses =
		host_addresses(target->host, target->port, &target->addresses, &count, err);

	if (addresses == NULL)
		return false;
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

static bool set_options(struct ssh_link *link, const struct ssh_target *target)
{
	ssh_session session = link->session;
	bool process_config = false;
	unsigned port = target->port;
	bool ok = ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &process_config) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_HOST, target->host) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_PORT, &port) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_USER, target->user) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, target->known_hosts) == SSH_OK &&
		  ssh_options_set(session, SSH_OPTIONS_FD, &link->fd) == SSH_OK;

	for (size_t i = 0; i < ARRAY_LEN(fixed_options); i++)
		ok = ok && ssh_options_set(session, fixed_options[i].option, fixed_options[i].value) == SSH_OK;
	for (size_t i = 0; i < ARRAY_LEN(fixed_numbers); i++)
		ok = ok && ssh_options_set(session, fixed_numbers[i].option, &fixed_numbers[i].value) == SSH_OK;
	if (ok && target->agent != NULL)
		ok = ssh_options_set(session, SSH_OPTIONS_IDENTITY_AGENT, target->agent) == SSH_OK;
	return ok;
}

static bool exchange_keys(struct ssh_link *link, struct deadline deadline, struct error *err)
{
	int rc;

	ssh_set_blocking(link->session, 0);
	while ((rc = ssh_connect(link->session)) == SSH_AGAIN)
		if (!link_wait(link, deadline, "SSH keys were agreed on", err))
			return false;
	return rc == SSH_OK || fail(link, ERROR_NETWORK, "the SSH handshake failed", err);
}

/* ---- the host's key ---- */

struct host_key {
	char *base64;      /* libssh's allocation */
	const char *type;  /* static */
	char *fingerprint; /* "SHA256:…", libssh's allocation */
};

static void host_key_done(struct host_key *key)
{
	ssh_string_free_char(key->base64);
	ssh_string_free_char(key->fingerprint);
}

static bool get_host_key(struct ssh_link *link, struct host_key *ret, struct error *err)
{
	ssh_key key = NULL;
	unsigned char *hash = NULL;
	size_t hash_len = 0;

	if (ssh_get_server_publickey(link->session, &key) == SSH_OK) {
		ret->type = ssh_key_type_to_char(ssh_key_type(key));
		if (ssh_pki_export_pubkey_base64(key, &ret->base64) != SSH_OK)
			ret->base64 = NULL;
		if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &hash_len) == SSH_OK)
			ret->fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hash_len);
	}
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
	if (ret->type == NULL || ret->base64 == NULL || ret->fingerprint == NULL)
		return fail(link, ERROR_REMOTE, "cannot read the server's host key", err);
	return true;
}

/* The given file as our own parser sees it; a missing one knows nobody. */
static enum known_hosts_verdict ask_known_hosts(const char *path, const struct known_hosts_key *key, unsigned *ret_line)
{
	struct secret text CLEANUP(secret_done) = {0};
	struct error unreadable = {0};

	*ret_line = 0;
	if (!secret_read_file(&text, path, LIMIT_CONFIG_FILE, false, &unreadable)) {
		log_debug("%s: %s", path, unreadable.message);
		return KNOWN_HOSTS_UNKNOWN;
	}
	return known_hosts_check(text.data, text.len, key, ret_line);
}

static bool refuse_unknown(const struct ssh_target *target, const struct known_hosts_key *key, const char *fingerprint,
			   struct error *err)
{
	struct buf line CLEANUP(buf_done);

	buf_init(&line, ERROR_TEXT_MAX);
	known_hosts_line(key, &line);
	(void)error_set(err, ERROR_REMOTE, NULL, "the host key of %s port %u is not known: %s %s", target->host,
			(unsigned)target->port, key->type, fingerprint);
	error_hint(
		err,
		"compare the fingerprint with what `ssh-keygen -lf` says of the /etc/ssh/ssh_host_*_key.pub files on "
		"the server itself; if it is the same, add this line to %s: %s",
		target->known_hosts, buf_cstr(&line));
	return false;
}

static bool refuse_changed(const struct ssh_target *target, const struct known_hosts_key *key, const char *fingerprint,
			   struct error *err)
{
	struct buf line CLEANUP(buf_done);

	buf_init(&line, ERROR_TEXT_MAX);
	known_hosts_line(key, &line);
	(void)error_set(err, ERROR_REMOTE, NULL,
			"THE HOST KEY OF %s port %u HAS CHANGED: it is now %s %s. Somebody may be answering in its "
			"place; nothing was sent",
			target->host, (unsigned)target->port, key->type, fingerprint);
	error_hint(err,
		   "only if you know that the server was reinstalled or its key replaced: check the fingerprint on the "
		   "server itself (`ssh-keygen -lf`), remove its old lines from %s and add: %s",
		   target->known_hosts, buf_cstr(&line));
	return false;
}

static bool refuse_revoked(const struct ssh_target *target, const char *type, const char *fingerprint, unsigned line,
			   struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "the host key of %s port %u is revoked by %s line %u: %s %s",
			target->host, (unsigned)target->port, target->known_hosts, line, type, fingerprint);
	error_hint(err, "give the server a new host key; do not remove the @revoked line");
	return false;
}

/* Both parsers must agree that the key is good: ours, which honours @revoked, and libssh's. */
static bool check_host_key(struct ssh_link *link, const struct ssh_target *target, struct error *err)
{
	struct host_key host CLEANUP(host_key_done) = {0};
	unsigned line;

	if (!get_host_key(link, &host, err))
		return false;
	struct known_hosts_key key = {target->host, target->port, host.type, host.base64};
	switch (ask_known_hosts(target->known_hosts, &key, &line)) {
	case KNOWN_HOSTS_REVOKED:
		return refuse_revoked(target, host.type, host.fingerprint, line, err);
	case KNOWN_HOSTS_OTHER_KEY:
		return refuse_changed(target, &key, host.fingerprint, err);
	case KNOWN_HOSTS_UNKNOWN:
		return refuse_unknown(target, &key, host.fingerprint, err);
	case KNOWN_HOSTS_OK:
		break;
	}
	if (ssh_session_is_known_server(link->session) != SSH_KNOWN_HOSTS_OK)
		return refuse_unknown(target, &key, host.fingerprint, err);
	log_debug("%s: host key %s %s is known (%s line %u)", target->host, host.type, host.fingerprint,
		  target->known_hosts, line);
	return true;
}

/* ---- logging in ---- */

/* Whether TEXT is a private key under a passphrase: PEM says so, OpenSSH's form has a cipher that is not "none". */
static bool is_encrypted(const struct secret *identity)
{
	static const char unencrypted[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"; /* "openssh-key-v1", cipher "none" */

	if (strstr(identity->data, "BEGIN OPENSSH PRIVATE KEY") != NULL)
		return strstr(identity->data, unencrypted) == NULL;
	return strstr(identity->data, "ENCRYPTED") != NULL;
}

static bool import_identity(const struct ssh_target *target, ssh_key *ret, struct error *err)
{
	if (is_encrypted(&target->identity)) {
		(void)error_set(err, ERROR_CONFIG, NULL, "the SSH identity for %s@%s is protected by a passphrase",
				target->user, target->host);
		error_hint(err, "load it into an SSH agent and configure `agent`, or use a key without a passphrase");
		return false;
	}
	if (ssh_pki_import_privkey_base64(target->identity.data, NULL, NULL, NULL, ret) == SSH_OK)
		return true;
	(void)error_set(err, ERROR_CONFIG, NULL, "the SSH identity for %s@%s is no private key that can be read",
			target->user, target->host);
	error_hint(err, "give the private key file (not the .pub file), in OpenSSH or PEM form");
	return false;
}

static bool refused_login(const struct ssh_link *link, const struct ssh_target *target, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "the server does not let user %s in with %s", target->user,
			target->identity.len > 0 ? "this identity" : "any key of the agent");
	error_said(err, ssh_get_error(link->session), strlen(ssh_get_error(link->session)));
	error_hint(err, "is the public key in ~%s/.ssh/authorized_keys on %s?", target->user, target->host);
	return false;
}

static bool log_in(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline, struct error *err)
{
	ssh_key key = NULL;
	int rc;

	if (target->identity.len == 0 && target->agent == NULL) {
		(void)error_set(err, ERROR_CONFIG, NULL, "there is neither an SSH identity nor an agent for %s@%s",
				target->user, target->host);
		error_hint(err, "configure `identity_file` or `agent` for this server");
		return false;
	}
	if (target->identity.len > 0 && !import_identity(target, &key, err))
		return false;
	do {
		rc = key != NULL ? ssh_userauth_publickey(link->session, NULL, key)
				 : ssh_userauth_agent(link->session, NULL);
	} while (rc == SSH_AUTH_AGAIN && link_wait(link, deadline, "logging in", err));
	ssh_key_free(key);
	if (rc == SSH_AUTH_AGAIN)
		return false;
	if (rc == SSH_AUTH_ERROR && !ssh_is_connected(link->session))
		return fail(link, ERROR_NETWORK, "the SSH connection was cut while logging in", err);
	return rc == SSH_AUTH_SUCCESS || refused_login(link, target, err);
}

struct ssh_link *ssh_link_open(const struct ssh_target *target, struct deadline deadline, struct error *err)
{
	struct ssh_link *link = calloc(1, sizeof(*link));

	if (link == NULL || (link->session = ssh_new()) == NULL) {
		free(link);
		(void)error_oom(err);
		return NULL;
	}
	link->fd = -1;
	if (!str_set(&link->host, target->host, err) || !connect_socket(link, target, deadline, err))
		goto failed;
	if (!set_options(link, target)) {
		(void)fail(link, ERROR_INTERNAL, "libssh refused an option", err);
		goto failed;
	}
	if (exchange_keys(link, deadline, err) && check_host_key(link, target, err) &&
	    log_in(link, target, deadline, err))
		return link;
failed:
	ssh_link_close(link);
	return NULL;
}

void ssh_link_close(struct ssh_link *link)
{
	if (link == NULL)
		return;
	ssh_disconnect(link->session);
	ssh_free(link->session);
	if (link->fd >= 0) /* libssh leaves a socket that it was given open */
		(void)close(link->fd);
	free(link->host);
	free(link);
}

bool ssh_link_alive(const struct ssh_link *link)
{
	return link != NULL && ssh_is_connected(link->session);
}

/* ---- channels ---- */

static bool open_channel(struct ssh_link *link, struct deadline deadline, ssh_channel *ret, struct error *err)
{
	ssh_channel channel = ssh_channel_new(link->session);
	int rc;

	if (channel == NULL)
		return error_oom(err);
	while ((rc = ssh_channel_open_session(channel)) == SSH_AGAIN)
		if (!link_wait(link, deadline, "a channel was opened", err))
			break;
	if (rc == SSH_OK) {
		*ret = channel;
		return true;
	}
	if (rc != SSH_AGAIN) {
		(void)fail(link, ERROR_REMOTE, "the server refused to open a channel", err);
		error_hint(err, "one connection needs two of them: does its sshd_config set MaxSessions lower?");
	}
	ssh_channel_free(channel);
	return false;
}

/* Have COMMAND run in CHANNEL; *RET_REFUSED where the server does not do that. */
static bool request_command(struct ssh_link *link, ssh_channel channel, const char *command, struct deadline deadline,
			    bool *ret_refused, struct error *err)
{
	int rc;

	while ((rc = ssh_channel_request_exec(channel, command)) == SSH_AGAIN)
		if (!link_wait(link, deadline, "a command was started", err))
			return false;
	if (rc != SSH_OK && !ssh_is_connected(link->session))
		return fail(link, ERROR_NETWORK, "the SSH connection was cut while a command was started", err);
	*ret_refused = rc != SSH_OK;
	return true;
}

static bool start_program(struct ssh_link *link, ssh_channel channel, const char *command, struct deadline deadline,
			  struct error *err)
{
	bool refused = false;

	if (!request_command(link, channel, command, deadline, &refused, err))
		return false;
	if (!refused)
		return true;
	(void)fail(link, ERROR_REMOTE, "the server refused to run the command that starts SFTP", err);
	error_hint(err, "this account must be allowed to run commands (see ForceCommand and command= restrictions)");
	return false;
}

static bool request_sftp(struct ssh_link *link, ssh_channel channel, struct deadline deadline, struct error *err)
{
	int rc;

	while ((rc = ssh_channel_request_subsystem(channel, "sftp")) == SSH_AGAIN)
		if (!link_wait(link, deadline, "SFTP was started", err))
			return false;
	if (rc == SSH_OK)
		return true;
	(void)fail(link, ERROR_REMOTE, "the server refused to start SFTP", err);
	error_hint(err, "its sshd_config needs a line such as `Subsystem sftp internal-sftp`");
	return false;
}

struct ssh_stream *ssh_stream_open(struct ssh_link *link, const char *command, struct deadline deadline,
				   struct error *err)
{
	struct ssh_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	stream->link = link;
	buf_init(&stream->complaints, ERROR_SAID_MAX);
	if (open_channel(link, deadline, &stream->channel, err) &&
	    (command != NULL ? start_program(link, stream->channel, command, deadline, err)
			     : request_sftp(link, stream->channel, deadline, err)))
		return stream;
	ssh_stream_close(stream);
	return NULL;
}

void ssh_stream_close(struct ssh_stream *stream)
{
	if (stream == NULL)
		return;
	if (stream->channel != NULL)
		ssh_channel_free(stream->channel);
	buf_done(&stream->complaints);
	free(stream);
}

bool ssh_stream_write(struct ssh_stream *stream, const void *data, size_t len, struct deadline deadline,
		      struct error *err)
{
	const char *at = data;

	while (len > 0) {
		int written = ssh_channel_write(stream->channel, at, len > READ_CHUNK ? READ_CHUNK : (uint32_t)len);
		if (written < 0)
			return fail(stream->link, ERROR_NETWORK, "the SSH connection was cut while sending", err);
		at += written;
		len -= (size_t)written;
		if (written == 0 && !link_wait(stream->link, deadline, "data was sent to it", err))
			return false;
	}
	return true;
}

/* Take what CHANNEL has of one of its outputs now into OUTPUT; what does not fit is dropped. False when it is broken.
 */
static bool take_output(ssh_channel channel, bool is_stderr, struct buf *output)
{
	char chunk[READ_CHUNK];
	int got;

	while ((got = ssh_channel_read_nonblocking(channel, chunk, sizeof(chunk), is_stderr)) > 0) {
		size_t room = output->max - output->len;
		buf_append(output, chunk, (size_t)got < room ? (size_t)got : room);
	}
	return got == 0 || got == SSH_AGAIN || got == SSH_EOF;
}

static bool stream_ended(struct ssh_stream *stream, struct error *err)
{
	(void)take_output(stream->channel, /* is_stderr= */ true, &stream->complaints);
	(void)error_set(err, ERROR_NETWORK, NULL, "the server ended the SFTP session");
	err->transient = true;
	error_said(err, buf_cstr(&stream->complaints), stream->complaints.len);
	return false;
}

bool ssh_stream_read(struct ssh_stream *stream, void *ret, size_t len, struct deadline deadline, struct error *err)
{
	char *at = ret;

	while (len > 0) {
		int got = ssh_channel_read_nonblocking(stream->channel, at, (uint32_t)len, 0);
		if (got == SSH_EOF || (got == 0 && ssh_channel_is_closed(stream->channel)))
			return stream_ended(stream, err);
		if (got < 0 && got != SSH_AGAIN)
			return fail(stream->link, ERROR_NETWORK, "the SSH connection was cut", err);
		if (got > 0) {
			at += got;
			len -= (size_t)got;
			continue;
		}
		/* Left unread, complaints would fill the channel's window. */
		(void)take_output(stream->channel, /* is_stderr= */ true, &stream->complaints);
		if (!link_wait(stream->link, deadline, "its answer was awaited", err))
			return false;
	}
	return true;
}

/* ---- commands ---- */

static void note_status(ssh_session session, ssh_channel channel, int status, void *ctx)
{
	struct ssh_exit *ret = ctx;
	(void)session;
	(void)channel;
	ret->status = status;
	ret->known = true;
}

static void note_signal(ssh_session session, ssh_channel channel, const char *name, int core, const char *message,
			const char *language, void *ctx)
{
	struct ssh_exit *ret = ctx;
	(void)session;
	(void)channel;
	(void)core;
	(void)message;
	(void)language;
	ret->status = -1;
	ret->known = true;
	escape_str(ret->signal, sizeof(ret->signal), name != NULL ? name : "?");
}

/* Take what both outputs have now. False at the end of the channel. */
static bool drain(ssh_channel channel, struct buf *output)
{
	bool open = take_output(channel, /* is_stderr= */ false, output);

	open = take_output(channel, /* is_stderr= */ true, output) && open;
	return open && !ssh_channel_is_eof(channel) && !ssh_channel_is_closed(channel);
}

/* Until the command's end is known, and then a moment for the rest of its output. */
static bool await_exit(struct ssh_link *link, ssh_channel channel, struct deadline deadline, struct buf *output,
		       struct ssh_exit *exit_state, struct error *err)
{
	struct deadline rest = deadline;
	bool ended = false;
	struct error quiet = {0};

	for (;;) {
		/* Once both outputs are at their end, reads take in no packets any more; this call does. */
		(void)ssh_channel_get_exit_status(channel);
		bool open = drain(channel, output);
		if (exit_state->known && !ended) {
			ended = true;
			rest = deadline_within(deadline, EXIT_DRAIN_MS);
		}
		if (ended && (!open || deadline_left_ms(rest) == 0))
			return true;
		if (ssh_channel_is_closed(channel) || !ssh_is_connected(link->session))
			return ended || ssh_is_connected(link->session) ||
			       fail(link, ERROR_NETWORK, "the SSH connection was cut while a command ran", err);
		if (!link_wait(link, rest, "a command ran", ended ? &quiet : err))
			return ended;
	}
}

bool ssh_link_run(struct ssh_link *link, const char *command, struct deadline deadline, struct buf *output,
		  struct ssh_exit *ret, struct error *err)
{
	struct ssh_exit exit_state = {.status = -1};
	struct ssh_channel_callbacks_struct callbacks = {
		.userdata = &exit_state,
		.channel_exit_status_function = note_status,
		.channel_exit_signal_function = note_signal,
	};
	ssh_channel channel = NULL;
	bool ok = false;

	ssh_callbacks_init(&callbacks);
	if (!open_channel(link, deadline, &channel, err))
		return false;
	if (ssh_set_channel_callbacks(channel, &callbacks) != SSH_OK) {
		(void)error_oom(err);
		goto done;
	}
	if (!request_command(link, channel, command, deadline, &exit_state.refused, err))
		goto done;
	if (!exit_state.refused)
		(void)ssh_channel_send_eof(channel);
	ok = exit_state.refused || await_exit(link, channel, deadline, output, &exit_state, err);
	if (ok)
		*ret = exit_state;
done:
	ssh_remove_channel_callbacks(channel, &callbacks);
	ssh_channel_free(channel);
	return ok;
}
