/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SFTP packets, batches and handles. Everything is a batch: requests with consecutive numbers are sent together and
 * their replies collected in any order, each number exactly once; a lone request is a batch of one.
 */
#include "transport/sftp_exchange.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/ssh.h"

#include <stdlib.h>
#include <string.h>

/* ---- packets in and out ---- */

static bool receive_packet(struct sftp *sftp, struct error *err)
{
	unsigned char head[4];

	if (!ssh_stream_read(sftp->stream, head, sizeof(head), sftp->deadline, err))
		return false;
	size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (len == 0 || len > LIMIT_SFTP_PACKET)
		return error_set(err, ERROR_REMOTE, NULL, "the SFTP server announced a packet of %zu bytes", len);
	char chunk[4096];
	buf_reset(&sftp->in);
	while (sftp->in.len < len) {
		size_t part = len - sftp->in.len < sizeof(chunk) ? len - sftp->in.len : sizeof(chunk);
		if (!ssh_stream_read(sftp->stream, chunk, part, sftp->deadline, err))
			return false;
		buf_append(&sftp->in, chunk, part);
	}
	return buf_check(&sftp->in, "SFTP packet", err);
}

static bool receive(struct sftp *sftp, struct error *err)
{
	sftp->broken = !receive_packet(sftp, err);
	return !sftp->broken;
}

static bool send_batch(struct sftp *sftp, struct error *err)
{
	if (sftp->broken)
		return error_set(err, ERROR_NETWORK, NULL, "the SFTP session broke earlier");
	bool ok = buf_check(&sftp->out, "SFTP request", err) &&
		  ssh_stream_write(sftp->stream, sftp->out.data, sftp->out.len, sftp->deadline, err);
	buf_reset(&sftp->out);
	sftp->broken = !ok;
	return ok;
}

/* The next reply, which must answer a request of this batch that has not been answered. */
static bool next_reply(struct sftp *sftp, struct sftp_reply *ret, unsigned *ret_index, struct error *err)
{
	if (!receive(sftp, err))
		return false;
	sftp->broken = true;
	if (!sftp_packet_parse(sftp->in.data, sftp->in.len, ret, err))
		return error_attribute(err, ERROR_REMOTE, NULL);
	uint32_t index = ret->id - sftp->first;
	if (index >= sftp->count || sftp->expected[index].answered)
		return error_set(err, ERROR_REMOTE, NULL, "the SFTP server answered a request that was not made");
	sftp->broken = false;
	sftp->expected[index].answered = true;
	*ret_index = index;
	return true;
}

bool sftp_each_reply(struct sftp *sftp, struct sftp_reply *ret, unsigned *ret_index, bool *ok, struct error *err)
{
	bool first = !sftp->sent;

	sftp->sent = true;
	if (first && !send_batch(sftp, err))
		return *ok = false;
	if (sftp->answered == sftp->count)
		return false;
	sftp->answered++;
	return next_reply(sftp, ret, ret_index, err) || (*ok = false);
}

/* "cannot VERB PATH: reason", with the server's own words. */
bool sftp_refused(const struct sftp_reply *reply, const char *verb, const char *path, struct error *err)
{
	char safe[512];

	escape_str(safe, sizeof(safe), path);
	if (reply->type != SFTP_STATUS || reply->status == SFTP_OK)
		return error_set(err, ERROR_REMOTE, NULL,
				 "cannot %s %s: the SFTP server gave a reply of the wrong kind", verb, safe);
	(void)error_set(err, ERROR_REMOTE, NULL, "cannot %s %s: %s", verb, safe, sftp_status_text(reply->status));
	if (reply->bytes != NULL)
		error_said(err, (const char *)reply->bytes, reply->len);
	if (reply->status == SFTP_PERMISSION_DENIED)
		error_hint(err,
			   "the user this server is deployed as needs the right to %s %s; `sudo: true` takes root's",
			   verb, safe);
	return false;
}

/* ---- building a batch ---- */

void sftp_batch_begin(struct sftp *sftp)
{
	sftp->first = sftp->next_id;
	sftp->count = 0;
	sftp->awaited = 0;
	sftp->answered = 0;
	sftp->sent = false;
	buf_reset(&sftp->out);
}

/* A request of this batch: its fields are appended to sftp->out, then sftp_packet_end(). */
size_t sftp_request(struct sftp *sftp, enum sftp_type type)
{
	sftp->expected[sftp->count++] = (struct sftp_expectation){0};
	return sftp_packet_begin(&sftp->out, type, sftp->next_id++);
}

void sftp_add_path(struct sftp *sftp, enum sftp_type type, const char *path)
{
	size_t start = sftp_request(sftp, type);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
}

void sftp_add_handle(struct sftp *sftp, enum sftp_type type, const struct sftp_handle *handle)
{
	size_t start = sftp_request(sftp, type);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_end(&sftp->out, start);
}

void sftp_add_attributes(struct sftp *sftp, enum sftp_type type, const char *path, const struct sftp_attributes *attrs)
{
	size_t start = sftp_request(sftp, type);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_attributes(&sftp->out, attrs);
	sftp_packet_end(&sftp->out, start);
}

/* OpenSSH, and with it everybody, has the target first, against the draft. */
void sftp_add_link(struct sftp *sftp, const char *path, const char *target)
{
	size_t start = sftp_request(sftp, SFTP_SYMLINK);
	buf_string(&sftp->out, target, strlen(target));
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
}

void sftp_add_rename(struct sftp *sftp, const char *old, const char *new)
{
	static const char name[] = "posix-rename@openssh.com";
	size_t start = sftp_request(sftp, SFTP_EXTENDED);

	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, old, strlen(old));
	buf_string(&sftp->out, new, strlen(new));
	sftp_packet_end(&sftp->out, start);
}

void sftp_add_flush(struct sftp *sftp, const struct sftp_handle *handle)
{
	static const char name[] = "fsync@openssh.com";
	size_t start = sftp_request(sftp, SFTP_EXTENDED);
	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_end(&sftp->out, start);
}

void sftp_expect(struct sftp *sftp, const char *verb, const char *path)
{
	sftp->expected[sftp->count - 1].verb = verb;
	sftp->expected[sftp->count - 1].path = path;
}

/* Send the batch and collect all its replies; the first that is not as expected becomes the error. */
bool sftp_batch_run(struct sftp *sftp, const char *verb, const char *path, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		const struct sftp_expectation *want = &sftp->expected[index];
		const char *name = want->path != NULL ? want->path : path;
		if (reply.type == SFTP_DATA && want->data != NULL) {
			if (reply.len == want->len && memcmp(reply.bytes, want->data, want->len) == 0)
				continue;
			ok = error_set(err, ERROR_REMOTE, NULL, "%s reads back differently from what was written",
				       name);
		} else if (reply.type != SFTP_STATUS || want->data != NULL ||
			   (reply.status != SFTP_OK && !want->optional)) {
			ok = sftp_refused(&reply, want->verb != NULL ? want->verb : verb, name, err);
		}
	}
	return ok;
}

/* One request on its way, its one reply of whatever kind. */
bool sftp_ask(struct sftp *sftp, struct sftp_reply *ret, struct error *err)
{
	unsigned index;
	return send_batch(sftp, err) && next_reply(sftp, ret, &index, err);
}

bool sftp_is_absent(const struct sftp_reply *reply)
{
	return reply->type == SFTP_STATUS && reply->status == SFTP_NO_SUCH_FILE;
}

/* ---- session ---- */

struct sftp *sftp_start(struct ssh_link *link, const char *command, struct deadline deadline, struct error *err)
{
	enum { VERSION = 3 };
	struct sftp *sftp = calloc(1, sizeof(*sftp));

	if (sftp == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	sftp->deadline = deadline;
	buf_init(&sftp->out, 2 * (size_t)LIMIT_REMOTE_FILE);
	buf_init(&sftp->in, LIMIT_SFTP_PACKET);
	sftp->stream = ssh_stream_open(link, command, deadline, err);
	if (sftp->stream == NULL)
		goto failed;
	sftp_packet_end(&sftp->out, sftp_packet_begin(&sftp->out, SFTP_INIT, VERSION));
	if (!send_batch(sftp, err) || !receive(sftp, err))
		goto failed;
	if (sftp_packet_parse_version(sftp->in.data, sftp->in.len, &sftp->extensions, err))
		return sftp;
	(void)error_attribute(err, ERROR_REMOTE, NULL);
	error_hint(err, "does the account's shell print something at login, or is SFTP not set up for it?");
failed:
	sftp_stop(sftp);
	return NULL;
}

void sftp_stop(struct sftp *sftp)
{
	if (sftp == NULL)
		return;
	ssh_stream_close(sftp->stream);
	buf_done(&sftp->out);
	buf_done(&sftp->in);
	free(sftp);
}

void sftp_set_deadline(struct sftp *sftp, struct deadline deadline)
{
	sftp->deadline = deadline;
}

bool sftp_usable(const struct sftp *sftp)
{
	return !sftp->broken;
}

bool sftp_offers(const struct sftp *sftp, enum sftp_extension extension)
{
	return (sftp->extensions & (unsigned)extension) != 0;
}

/* ---- handles ---- */

bool sftp_keep_handle(const struct sftp_reply *reply, struct sftp_handle *ret)
{
	if (reply->type != SFTP_HANDLE || reply->len > sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, reply->bytes, reply->len);
	ret->len = reply->len;
	return true;
}

void sftp_add_open(struct sftp *sftp, const char *path, uint32_t flags, const struct sftp_attributes *attrs)
{
	size_t start = sftp_request(sftp, SFTP_OPEN);
	buf_string(&sftp->out, path, strlen(path));
	buf_u32(&sftp->out, flags);
	sftp_packet_attributes(&sftp->out, attrs);
	sftp_packet_end(&sftp->out, start);
}

static bool close_handle(struct sftp *sftp, const struct sftp_handle *handle, const char *path, struct error *err)
{
	sftp_batch_begin(sftp);
	sftp_add_handle(sftp, SFTP_CLOSE, handle);
	return sftp_batch_run(sftp, "close", path, err);
}

/* Close after the operation ended as OK says; where the server itself refused it, the connection is still good. */
bool sftp_finish_handle(struct sftp *sftp, const struct sftp_handle *handle, const char *path, bool ok,
			struct error *err)
{
	struct error ignored = {0};

	if (ok)
		return close_handle(sftp, handle, path, err);
	if (!sftp->broken && !close_handle(sftp, handle, path, &ignored))
		log_debug("%s: not closed: %s", path, ignored.message);
	return false;
}
