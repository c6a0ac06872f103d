/* SPDX-License-Identifier: Apache-2.0 */
/* Writer and reader of each field stand side by side. */
#include "transport/courier_field.h"

#include "base/identifier.h"
#include "base/limits.h"
#include "transport/courier_message.h"

#include <arpa/inet.h>
#include <string.h>

static const char *const step_names[] = {
	"connect",
	"compare",
	"upload",
	"switch",
	"test",
	"reload",
	"verify",
	"roll-back",
	"publish",
	/* a rehearsal's */
	"jump",
	"resolve",
	"host-key",
	"login",
	"sftp",
	"owner",
	"directory",
	"copies",
	"webroot",
	"space",
};

void courier_put_text(struct buf *out, const char *text)
{
	buf_string(out, text, strlen(text));
}

/* A string that may be NULL. */
void courier_put_optional(struct buf *out, const char *text)
{
	buf_u8(out, text != NULL);
	if (text != NULL)
		courier_put_text(out, text);
}

char *courier_get_text(struct reader *reader, size_t max)
{
	return reader_cstring(reader, max);
}

char *courier_get_optional(struct reader *reader, size_t max)
{
	uint8_t there = reader_u8(reader);

	if (there > 1)
		reader->failed = true;
	return there == 1 ? reader_cstring(reader, max) : NULL;
}

bool courier_get_bool(struct reader *reader)
{
	uint8_t value = reader_u8(reader);

	if (value > 1)
		reader->failed = true;
	return value == 1;
}

void courier_get_secret_bytes(struct reader *reader, size_t max, struct secret *ret)
{
	struct error ignored = {0};
	size_t len;
	const unsigned char *data = reader_string(reader, max, &len);

	if (data == NULL || !secret_set(ret, data, len, &ignored))
		reader->failed = true;
}

/* The key is used as a C string by others: no NUL inside. */
void courier_get_secret(struct reader *reader, size_t max, struct secret *ret)
{
	courier_get_secret_bytes(reader, max, ret);
	if (!reader->failed && memchr(ret->data, '\0', ret->len) != NULL)
		reader->failed = true;
}

/* Lower-case hex of a SHA-256, or with MAY_BE_EMPTY nothing. */
void courier_get_fingerprint(struct reader *reader, bool may_be_empty, char ret[65])
{
	enum { HEX = 64 };
	size_t len;
	const char *text = (const char *)reader_string(reader, HEX, &len);

	ret[0] = '\0';
	if (text == NULL || (len == 0 && may_be_empty))
		return;
	if (len != HEX) {
		reader->failed = true;
		return;
	}
	memcpy(ret, text, HEX);
	ret[HEX] = '\0';
	if (strspn(ret, "0123456789abcdef") != HEX)
		reader->failed = true;
}

/* Addresses of a host, which stay text: nothing but what inet_pton() takes. */
void courier_put_addresses(struct buf *out, const struct str_list *addresses)
{
	size_t count = addresses->len < LIMIT_HOST_ADDRESSES ? addresses->len : LIMIT_HOST_ADDRESSES;

	buf_u8(out, (uint8_t)count);
	for (size_t i = 0; i < count; i++)
		courier_put_text(out, addresses->items[i]);
}

void courier_get_addresses(struct reader *reader, struct str_list *ret)
{
	size_t count = reader_u8(reader);
	unsigned char binary[sizeof(struct in6_addr)];
	struct error ignored = {0};

	if (count > LIMIT_HOST_ADDRESSES)
		reader->failed = true;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		char *address AUTO_FREE = courier_get_text(reader, INET6_ADDRSTRLEN);
		if (address == NULL ||
		    (inet_pton(AF_INET, address, binary) != 1 && inet_pton(AF_INET6, address, binary) != 1) ||
		    !str_list_add(ret, address, &ignored))
			reader->failed = true;
	}
}

enum starttls_protocol courier_get_starttls(struct reader *reader)
{
	uint8_t protocol = reader_u8(reader);

	if (protocol >= STARTTLS_PROTOCOLS)
		reader->failed = true;
	return reader->failed ? STARTTLS_NONE : (enum starttls_protocol)protocol;
}

/* ---- target ---- */

static void put_list(struct buf *out, const struct str_list *list)
{
	buf_u8(out, (uint8_t)list->len);
	for (size_t i = 0; i < list->len; i++)
		courier_put_text(out, list->items[i]);
}

static void get_list(struct reader *reader, size_t max, size_t max_count, struct str_list *ret)
{
	size_t count = reader_u8(reader);
	struct error ignored = {0};

	if (count > max_count)
		reader->failed = true;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		char *text AUTO_FREE = courier_get_text(reader, max);
		if (text == NULL || !str_list_add(ret, text, &ignored))
			reader->failed = true;
	}
}

static void get_identities(struct reader *reader, struct ssh_target *ret)
{
	size_t count = reader_u8(reader);

	if (count > LIMIT_SSH_KEYS)
		reader->failed = true;
	for (size_t i = 0; i < count && !reader->failed; i++)
		courier_get_secret(reader, LIMIT_KEY_FILE, ssh_target_next_identity(ret));
}

static void put_host(struct buf *out, const struct ssh_target *target)
{
	courier_put_text(out, target->server);
	courier_put_text(out, target->host);
	courier_put_addresses(out, &target->addresses);
	buf_u16(out, target->port);
	courier_put_text(out, target->user);
	buf_u8(out, (uint8_t)target->identity_count);
	for (size_t i = 0; i < target->identity_count; i++)
		buf_string(out, target->identities[i].data, target->identities[i].len);
	put_list(out, &target->certificates);
	courier_put_optional(out, target->agent);
	put_list(out, &target->known_hosts);
	buf_u8(out, target->sudo);
	courier_put_optional(out, target->sftp_server);
	courier_put_optional(out, target->host_key_alias);
}

void courier_put_target(struct buf *out, const struct ssh_target *target)
{
	put_host(out, target);
	buf_u8(out, (uint8_t)target->hop_count);
	for (size_t i = 0; i < target->hop_count; i++)
		put_host(out, &target->hops[i]);
}

static void get_host(struct reader *reader, struct ssh_target *ret)
{
	ret->server = courier_get_text(reader, ERROR_NAME_MAX);
	ret->host = courier_get_text(reader, IDENTIFIER_MAX);
	courier_get_addresses(reader, &ret->addresses);
	ret->port = reader_u16(reader);
	ret->user = courier_get_text(reader, ERROR_NAME_MAX);
	get_identities(reader, ret);
	get_list(reader, LIMIT_KEY_FILE, LIMIT_SSH_CERTIFICATES, &ret->certificates);
	ret->agent = courier_get_optional(reader, LIMIT_PATH);
	get_list(reader, LIMIT_PATH, 2 * LIMIT_KNOWN_HOSTS_FILES, &ret->known_hosts);
	ret->sudo = courier_get_bool(reader);
	ret->sftp_server = courier_get_optional(reader, LIMIT_PATH);
	ret->host_key_alias = courier_get_optional(reader, IDENTIFIER_MAX);
}

void courier_get_target(struct reader *reader, struct ssh_target *ret)
{
	get_host(reader, ret);
	size_t count = reader_u8(reader);
	if (count > LIMIT_SSH_HOPS)
		reader->failed = true;
	if (count == 0 || reader->failed)
		return;
	ret->hops = calloc(count, sizeof(ret->hops[0]));
	if (ret->hops == NULL)
		reader->failed = true;
	for (; ret->hop_count < count && !reader->failed; ret->hop_count++)
		get_host(reader, &ret->hops[ret->hop_count]);
}

/* It becomes part of a command line. */
bool courier_is_plain_path(const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";

	return path[0] == '/' && path[strspn(path, allowed)] == '\0';
}

/* NULL, or why it must not be connected to. */
static const char *why_bad_host(const struct ssh_target *target)
{
	if (!host_is_valid(target->host))
		return "the host's name is not valid";
	if (target->port == 0)
		return "the port is 0";
	if (target->user[0] == '\0' || target->known_hosts.len == 0 || target->known_hosts.items[0][0] == '\0')
		return "user or known_hosts file is missing";
	if (target->sftp_server != NULL && !courier_is_plain_path(target->sftp_server))
		return "the SFTP server's path is not valid";
	if (target->host_key_alias != NULL && !host_is_valid(target->host_key_alias))
		return "the host key's alias is not valid";
	return NULL;
}

const char *courier_why_unreachable(const struct ssh_target *target)
{
	const char *reason = why_bad_host(target);
	for (size_t i = 0; reason == NULL && i < target->hop_count; i++)
		reason = why_bad_host(&target->hops[i]);
	return reason;
}

/* ---- lists ---- */

/* COUNT of entries of at least one byte each: no allocation beyond what the message can hold. */
size_t courier_get_count(struct reader *reader, size_t max)
{
	size_t count = reader_u32(reader);

	if (count > max || count > reader_left(reader))
		reader->failed = true;
	return reader->failed ? 0 : count;
}

/* ---- step ---- */

const char *courier_decode_step(const void *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(step_names); i++)
		if (len == strlen(step_names[i]) && memcmp(text, step_names[i], len) == 0)
			return step_names[i];
	return NULL;
}

/* ---- errors ---- */

void courier_put_error(struct buf *out, const struct error *err)
{
	buf_u8(out, (uint8_t)err->category);
	buf_u8(out, err->transient);
	courier_put_text(out, err->step != NULL ? err->step : "");
	courier_put_text(out, err->certificate);
	courier_put_text(out, err->server);
	courier_put_text(out, err->message);
	courier_put_text(out, err->said);
	courier_put_text(out, err->hint);
}

/* Fields pass through the error's own functions, so that a courier gone bad cannot smuggle anything to a terminal. */
void courier_get_error(struct reader *reader, struct error *ret)
{
	uint8_t category = reader_u8(reader);
	bool transient = courier_get_bool(reader);
	size_t len;
	const unsigned char *step_text = reader_string(reader, ERROR_NAME_MAX, &len);
	const char *step = step_text != NULL ? courier_decode_step(step_text, len) : NULL;
	char *certificate AUTO_FREE = courier_get_text(reader, ERROR_NAME_MAX);
	char *server AUTO_FREE = courier_get_text(reader, ERROR_NAME_MAX);
	char *message AUTO_FREE = courier_get_text(reader, ERROR_TEXT_MAX);
	char *said AUTO_FREE = courier_get_text(reader, ERROR_SAID_MAX);
	char *hint AUTO_FREE = courier_get_text(reader, ERROR_TEXT_MAX);

	if (category > ERROR_INTERNAL)
		reader->failed = true;
	if (reader->failed || category == ERROR_NONE)
		return;
	(void)error_set(ret, (enum error_category)category, step, "%s", message);
	ret->transient = transient;
	error_context(ret, NULL, certificate[0] != '\0' ? certificate : NULL, server[0] != '\0' ? server : NULL);
	error_said(ret, said, strlen(said));
	if (hint[0] != '\0')
		error_hint(ret, "%s", hint);
}
