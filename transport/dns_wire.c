/* SPDX-License-Identifier: Apache-2.0 */
/* Names and records. c-ares expands names, compression and its loops included. */
#include "transport/dns_wire.h"

#include "base/escape.h"
#include "base/str.h"

#include <ares.h>
#include <string.h>

enum { LABEL_MAX = 63, WIRE_NAME_MAX = 255 };

bool dns_wire_malformed(struct error *err, const char *what)
{
	return error_set(err, ERROR_DATA, NULL, "malformed DNS answer: %s", what);
}

void dns_wire_init(struct dns_wire *message, const void *data, size_t len)
{
	*message = (struct dns_wire){.start = data, .len = len};
	reader_init(&message->reader, data, len);
}

static void free_ares_string(char **text)
{
	ares_free_string(*text);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool dns_wire_expand(const struct dns_wire *message, const unsigned char *at, char ret[DNS_WIRE_NAME_SIZE],
		     size_t *ret_len, struct error *err)
{
	CLEANUP(free_ares_string) char *text = NULL;
	long taken = 0;
	if (at >= message->start + message->len ||
	    ares_expand_name(at, message->start, (int)message->len, &text, &taken) != ARES_SUCCESS || taken <= 0)
		return dns_wire_malformed(err, "broken name");
	size_t len = strlen(text);
	if (len >= DNS_WIRE_NAME_SIZE)
		return dns_wire_malformed(err, "name too long");
	for (size_t i = 0; i <= len; i++)
		ret[i] = lower(text[i]);
	if (len == 0)
		memcpy(ret, ".", sizeof("."));
	*ret_len = (size_t)taken;
	return true;
}

bool dns_wire_name(struct dns_wire *message, char ret[DNS_WIRE_NAME_SIZE], struct error *err)
{
	size_t len = 0;
	if (message->reader.failed || !dns_wire_expand(message, message->reader.at, ret, &len, err))
		return dns_wire_malformed(err, "truncated");
	return reader_bytes(&message->reader, len) != NULL || dns_wire_malformed(err, "truncated");
}

bool dns_wire_record(struct dns_wire *message, struct dns_wire_record *ret, struct error *err)
{
	ret->start = message->reader.at;
	if (!dns_wire_name(message, ret->owner, err))
		return false;
	ret->type = reader_u16(&message->reader);
	ret->class = reader_u16(&message->reader);
	ret->ttl = reader_u32(&message->reader);
	ret->len = reader_u16(&message->reader);
	ret->data = reader_bytes(&message->reader, ret->len);
	return !message->reader.failed || dns_wire_malformed(err, "truncated");
}

bool dns_wire_put_name(struct buf *out, const char *name, struct error *err)
{
	char safe[DNS_WIRE_NAME_SIZE];
	const char *all = name;
	size_t total = 1;
	while (*name != '\0' && !str_equal(all, ".")) {
		size_t len = strcspn(name, ".");
		total += len + 1;
		if (len == 0 || len > LABEL_MAX || total > WIRE_NAME_MAX || memchr(name, '\\', len) != NULL)
			return error_set(err, ERROR_DNS, NULL, "%s is no name that DNS can have",
					 escape_str(safe, sizeof(safe), all));
		buf_u8(out, (uint8_t)len);
		for (size_t i = 0; i < len; i++)
			buf_char(out, lower(name[i]));
		name += len + (name[len] == '.');
	}
	buf_u8(out, 0);
	return true;
}
