/* SPDX-License-Identifier: Apache-2.0 */
/* A session from its beginning to its end, and what runs in it: streams and commands. */
#include "transport/ssh.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"
#include "transport/ssh_link.h"
#include "transport/ssh_tunnel.h"

#include <libssh/callbacks.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_DRAIN_MS = 250, /* after a command's end, for output that is still on its way */
	READ_CHUNK = 16 * 1024,
};

struct ssh_stream {
	struct ssh_link *link;
	ssh_channel channel;
	struct buf complaints; /* of the program behind it, as far as they fit */
};

static void end_session(struct ssh_link *link)
{
	if (link->session != NULL) {
		ssh_disconnect(link->session);
		ssh_free(link->session);
	}
	if (link->fd >= 0) /* libssh leaves a socket that it was given open */
		(void)close(link->fd);
	link->session = NULL;
	link->fd = -1;
}

bool ssh_link_renew(struct ssh_link *link, struct error *err)
{
	end_session(link);
	link->session = ssh_new();
	return link->session != NULL || error_oom(err);
}

static char *name_of(const struct ssh_target *target, struct error *err)
{
	if (str_equal(target->server, target->host))
		return str_format(err, "%s port %u", target->host, (unsigned)target->port);
	return str_format(err, "%s (%s port %u)", target->server, target->host, (unsigned)target->port);
}

/* A session that is not connected yet. */
static struct ssh_link *link_new(const struct ssh_target *target, struct error *err)
{
	struct ssh_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	link->fd = -1;
	if (ssh_link_renew(link, err) && str_set(&link->host, target->host, err) &&
	    (link->name = name_of(target, err)) != NULL)
		return link;
	ssh_link_close(link);
	return NULL;
}

void ssh_link_tell(const struct ssh_link *link, const char *part, const char *format, ...)
{
	char text[512], safe[512];
	va_list args;

	if (link->watch == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	link->watch->done(link->watch->ctx, part, escape_str(safe, sizeof(safe), text));
}

/* One host on the way, or the last one: connected and logged in, through TAKE_VIA unless that is NULL. */
static struct ssh_link *open_one(const struct ssh_target *target, struct ssh_link *take_via,
				 const struct ssh_watch *watch, struct deadline deadline, struct error *err)
{
	struct ssh_link *link = link_new(target, err);

	if (link == NULL) {
		ssh_link_close(take_via);
		return NULL;
	}
	link->watch = watch;
	if (ssh_link_connect(link, target, take_via, deadline, err) && ssh_link_check_host(link, target, err) &&
	    ssh_link_log_in(link, target, deadline, err)) {
		link->watch = NULL;
		return link;
	}
	ssh_link_close(link);
	return NULL;
}

/* CAUSE happened at a jump host, which is no server of the certificate's: the message says so. */
static void name_hop(const struct ssh_target *hop, const struct error *cause, struct error *err)
{
	*err = *cause;
	error_reword(err, "at the jump host %s (%s port %u) on the way there: %s", hop->server, hop->host,
		     (unsigned)hop->port, cause->message);
}

/* The last of TARGET's jump hosts in *RET, NULL where there is none. */
static bool open_hops(const struct ssh_target *target, const struct ssh_watch *watch, struct deadline deadline,
		      struct ssh_link **ret, struct error *err)
{
	struct ssh_link *via = NULL;
	for (size_t i = 0; i < target->hop_count; i++) {
		struct error cause = {0};
		via = open_one(&target->hops[i], via, /* watch= */ NULL, deadline, &cause);
		if (via == NULL) {
			name_hop(&target->hops[i], &cause, err);
			return false;
		}
		via->watch = watch;
		ssh_link_tell(via, "jump", "logged in to %s as user %s", target->hops[i].server, target->hops[i].user);
		via->watch = NULL;
	}
	*ret = via;
	return true;
}

struct ssh_link *ssh_link_open_watched(const struct ssh_target *target, const struct ssh_watch *watch,
				       struct deadline deadline, struct error *err)
{
	struct ssh_link *via = NULL;

	return open_hops(target, watch, deadline, &via, err) ? open_one(target, via, watch, deadline, err) : NULL;
}

struct ssh_link *ssh_link_open(const struct ssh_target *target, struct deadline deadline, struct error *err)
{
	return ssh_link_open_watched(target, /* watch= */ NULL, deadline, err);
}

bool ssh_host_key_look(const struct ssh_target *target, struct deadline deadline, struct ssh_host_key *ret,
		       struct error *err)
{
	struct ssh_host_key key CLEANUP(ssh_host_key_done) = {0};
	struct ssh_link *via = NULL;

	if (!open_hops(target, /* watch= */ NULL, deadline, &via, err))
		return false;
	struct ssh_link *link = link_new(target, err);
	if (link == NULL) {
		ssh_link_close(via);
		return false;
	}
	bool ok = ssh_link_connect(link, target, via, deadline, err) && ssh_link_read_host_key(link, target, &key, err);
	ssh_link_close(link);
	if (!ok)
		return false;
	*ret = key;
	key = (struct ssh_host_key){0};
	return true;
}

void ssh_link_close(struct ssh_link *link)
{
	if (link == NULL)
		return;
	end_session(link);
	ssh_tunnel_close(link->tunnel); // NOLINT(misc-no-recursion): once per jump host
	free(link->host);
	free(link->name);
	free(link);
}

struct ssh_tunnel *ssh_tunnel_to(const struct ssh_target *target, struct deadline deadline, struct error *err)
{
	struct ssh_link *via = NULL;

	if (!open_hops(target, /* watch= */ NULL, deadline, &via, err))
		return NULL;
	return ssh_tunnel_start(via, err);
}

bool ssh_link_dial(struct ssh_link *link, const char *host, uint16_t port, struct deadline deadline, int *ret_fd,
		   struct error *err)
{
	if (link == NULL || link->tunnel == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "there is no jump host to connect through");
	return ssh_tunnel_dial(link->tunnel, host, port, deadline, ret_fd, err);
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
		if (!ssh_link_wait(link, deadline, "a channel was opened", err))
			break;
	if (rc == SSH_OK) {
		*ret = channel;
		return true;
	}
	if (rc != SSH_AGAIN && ssh_is_connected(link->session)) {
		(void)ssh_link_fail(link, ERROR_REMOTE, "the server refused to open a channel", err);
		error_hint(err, "one connection needs two of them: does its sshd_config set MaxSessions lower?");
	} else if (rc != SSH_AGAIN) {
		(void)ssh_link_fail(link, ERROR_NETWORK, "the SSH connection was cut when a channel was opened", err);
		error_hint(err,
			   "if that happens at each login, the sshd's own log says why: a ChrootDirectory, for one, "
			   "must be root's, and nobody else may write to it or to what is above it");
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
		if (!ssh_link_wait(link, deadline, "a command was started", err))
			return false;
	if (rc != SSH_OK && !ssh_is_connected(link->session))
		return ssh_link_fail(link, ERROR_NETWORK, "the SSH connection was cut while a command was started",
				     err);
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
	(void)ssh_link_fail(link, ERROR_REMOTE, "the server refused to run the command that starts SFTP", err);
	error_hint(err, "this account must be allowed to run commands (see ForceCommand and command= restrictions)");
	return false;
}

static bool request_sftp(struct ssh_link *link, ssh_channel channel, struct deadline deadline, struct error *err)
{
	int rc;

	while ((rc = ssh_channel_request_subsystem(channel, "sftp")) == SSH_AGAIN)
		if (!ssh_link_wait(link, deadline, "SFTP was started", err))
			return false;
	if (rc == SSH_OK)
		return true;
	(void)ssh_link_fail(link, ERROR_REMOTE, "the server refused to start SFTP", err);
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
			return ssh_link_fail(stream->link, ERROR_NETWORK, "the SSH connection was cut while sending",
					     err);
		at += written;
		len -= (size_t)written;
		if (written == 0 && !ssh_link_wait(stream->link, deadline, "data was sent to it", err))
			return false;
	}
	return true;
}

/* What came of the program's other output; what does not fit is dropped. Once: it may come without end. */
static void take_complaints(struct ssh_stream *stream)
{
	char chunk[4096]; /* a courier has little memory */
	size_t room = stream->complaints.max - stream->complaints.len;
	int got = ssh_channel_read_nonblocking(stream->channel, chunk, sizeof(chunk), /* is_stderr= */ 1);

	if (got > 0)
		buf_append(&stream->complaints, chunk, (size_t)got < room ? (size_t)got : room);
}

static bool stream_ended(struct ssh_stream *stream, struct error *err)
{
	take_complaints(stream);
	(void)error_set(err, ERROR_NETWORK, NULL, "the server ended the SFTP session");
	err->transient = true;
	error_said(err, buf_cstr(&stream->complaints), stream->complaints.len);
	return false;
}

bool ssh_stream_read(struct ssh_stream *stream, void *ret, size_t len, struct deadline deadline, struct error *err)
{
	char *at = ret;

	while (len > 0) {
		/*
		 * Left unread, complaints would fill the channel's window. Each read takes in whatever has come: the
		 * one for the answer must be the last before waiting, or an answer that came with the other is slept
		 * on.
		 */
		take_complaints(stream);
		int got = ssh_channel_read_nonblocking(stream->channel, at, (uint32_t)len, 0);
		if (got == SSH_EOF || (got == 0 && ssh_channel_is_closed(stream->channel)))
			return stream_ended(stream, err);
		if (got < 0 && got != SSH_AGAIN)
			return ssh_link_fail(stream->link, ERROR_NETWORK, "the SSH connection was cut", err);
		if (got > 0) {
			at += got;
			len -= (size_t)got;
			continue;
		}
		if (!ssh_link_wait(stream->link, deadline, "its answer was awaited", err))
			return false;
	}
	return true;
}

/* ---- commands ---- */

/* A command that runs, as libssh tells of it. */
struct running {
	struct excerpt *output;
	struct ssh_exit exit;
};

static int note_output(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *ctx)
{
	struct running *running = ctx;
	(void)session;
	(void)channel;
	(void)is_stderr;
	excerpt_add(running->output, data, len);
	return (int)len;
}

static void note_status(ssh_session session, ssh_channel channel, int status, void *ctx)
{
	struct running *running = ctx;
	(void)session;
	(void)channel;
	running->exit.status = status;
	running->exit.known = true;
}

static void note_signal(ssh_session session, ssh_channel channel, const char *name, int core, const char *message,
			const char *language, void *ctx)
{
	struct running *running = ctx;
	(void)session;
	(void)channel;
	(void)core;
	(void)message;
	(void)language;
	running->exit.status = -1;
	running->exit.known = true;
	escape_str(running->exit.signal, sizeof(running->exit.signal), name != NULL ? name : "?");
}

/*
 * Until the command's end is known, and then a moment for the rest of its output. That arrives by callback: two reads,
 * one for each output, would each take in the other's, and the second one's would be slept on.
 */
static bool await_exit(struct ssh_link *link, ssh_channel channel, struct deadline deadline,
		       const struct running *running, struct error *err)
{
	struct deadline rest = deadline;
	bool ended = false;
	struct error quiet = {0};

	for (;;) {
		/* Both take in what has come: the one until the status is known, the other until the output's end. */
		(void)ssh_channel_get_exit_status(channel);
		(void)ssh_channel_poll(channel, /* is_stderr= */ 0);
		if (running->exit.known && !ended) {
			ended = true;
			rest = deadline_within(deadline, EXIT_DRAIN_MS);
		}
		bool closed = ssh_channel_is_eof(channel) || ssh_channel_is_closed(channel);
		if (ended && (closed || deadline_left_ms(rest) == 0))
			return true;
		if (ssh_channel_is_closed(channel) || !ssh_is_connected(link->session))
			return ended || ssh_is_connected(link->session) ||
			       ssh_link_fail(link, ERROR_NETWORK, "the SSH connection was cut while a command ran",
					     err);
		if (!ssh_link_wait(link, rest, "a command ran", ended ? &quiet : err))
			return ended;
	}
}

/*
 * Nobody waits for the command any more. Closing the channel would end nothing; RFC 4254 section 6.9 has a request for
 * it, which gets no answer but the command's end.
 */
static void end_command(struct ssh_link *link, ssh_channel channel, const struct running *running)
{
	static const struct {
		const char *signal;
		int64_t ms;
	} ways[] = {{"TERM", SSH_END_TERM_MS}, {"KILL", SSH_END_KILL_MS}};
	struct error ignored = {0};

	for (size_t i = 0; i < ARRAY_LEN(ways) && !running->exit.known && ssh_is_connected(link->session); i++) {
		if (ssh_channel_request_send_signal(channel, ways[i].signal) != SSH_OK ||
		    await_exit(link, channel, deadline_in(ways[i].ms, NULL), running, &ignored))
			return;
	}
}

bool ssh_link_run(struct ssh_link *link, const char *command, struct deadline deadline, struct excerpt *output,
		  struct ssh_exit *ret, struct error *err)
{
	struct running running = {.output = output, .exit = {.status = -1}};
	struct ssh_channel_callbacks_struct callbacks = {
		.userdata = &running,
		.channel_data_function = note_output,
		.channel_exit_status_function = note_status,
		.channel_exit_signal_function = note_signal,
	};
	ssh_channel channel = NULL;
	bool ok = false;

	ssh_callbacks_init(&callbacks);
	*ret = running.exit;
	if (!open_channel(link, deadline, &channel, err))
		return false;
	if (ssh_set_channel_callbacks(channel, &callbacks) != SSH_OK) {
		(void)error_oom(err);
		goto done;
	}
	if (!request_command(link, channel, command, deadline, &running.exit.refused, err))
		goto done;
	if (!running.exit.refused)
		(void)ssh_channel_send_eof(channel);
	ok = running.exit.refused || await_exit(link, channel, deadline, &running, err);
	if (!ok)
		end_command(link, channel, &running);
done:
	*ret = running.exit;
	ssh_remove_channel_callbacks(channel, &callbacks);
	ssh_channel_free(channel);
	return ok;
}
