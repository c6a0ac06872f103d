/* SPDX-License-Identifier: Apache-2.0 */
/* Updates and signed queries: written here, carried by dns_exchange.c, signed by dns_tsig.c. */
#include "transport/dns_update.h"

#include "base/escape.h"
#include "base/limits.h"
#include "transport/dns_exchange.h"
#include "transport/dns_wire.h"

#include <string.h>
#include <sys/random.h>

enum {
	OPCODE_UPDATE = 5 << 11,
	MASK_OPCODE = 15 << 11,
	CLASS_NONE = 254,
	STRING_MAX = 255, /* of a TXT record: RFC 1035 §3.3.14 */
	VALUE_MAX = 8192,
};

static bool make_id(uint16_t *ret, struct error *err)
{
	return getrandom(ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret) ||
	       error_set(err, ERROR_INTERNAL, NULL, "no random bytes");
}

static void put_header(struct buf *out, uint16_t id, uint16_t flags, uint16_t prerequisites, uint16_t updates)
{
	buf_u16(out, id);
	buf_u16(out, flags);
	buf_u16(out, 1); /* the zone, or the question */
	buf_u16(out, prerequisites);
	buf_u16(out, updates);
	buf_u16(out, 0);
}

bool dns_update_write(const struct dns_update *update, uint16_t id, struct buf *out, struct error *err)
{
	size_t len = strlen(update->value);
	if (len > VALUE_MAX)
		return error_set(err, ERROR_INTERNAL, NULL, "a TXT value of more than %d bytes", VALUE_MAX);
	put_header(out, id, OPCODE_UPDATE, update->adds ? 1 : 0, 1);
	if (!dns_wire_put_name(out, update->zone, err))
		return false;
	buf_u16(out, DNS_TYPE_SOA);
	buf_u16(out, DNS_CLASS_IN);
	if (update->adds) {
		/* RFC 2136 §2.4.3: no such set exists. */
		if (!dns_wire_put_name(out, update->name, err))
			return false;
		buf_u16(out, DNS_TYPE_CNAME);
		buf_u16(out, CLASS_NONE);
		buf_u32(out, 0);
		buf_u16(out, 0);
	}
	/* RFC 2136 §2.5.1: added to a set; §2.5.4: removed from it. */
	if (!dns_wire_put_name(out, update->name, err))
		return false;
	buf_u16(out, DNS_TYPE_TXT);
	buf_u16(out, update->adds ? DNS_CLASS_IN : CLASS_NONE);
	buf_u32(out, update->adds ? update->ttl : 0);
	size_t strings = len == 0 ? 1 : (len + STRING_MAX - 1) / STRING_MAX;
	buf_u16(out, (uint16_t)(len + strings));
	for (size_t at = 0; strings > 0; strings--, at += STRING_MAX) {
		size_t part = len - at < STRING_MAX ? len - at : STRING_MAX;
		buf_u8(out, (uint8_t)part);
		buf_append(out, update->value + at, part);
	}
	return buf_check(out, "DNS update", err);
}

bool dns_update_read(const struct dns_tsig_key *key, const struct dns_tsig_mac *mac, int64_t now, const void *answer,
		     size_t len, struct dns_update_answer *ret, struct error *err)
{
	struct reader reader;
	*ret = (struct dns_update_answer){0};
	reader_init(&reader, answer, len);
	(void)reader_u16(&reader); /* the id: matched by dns_exchange() */
	uint16_t flags = reader_u16(&reader);
	if (reader.failed || len > LIMIT_DNS_MESSAGE || (flags & DNS_FLAG_RESPONSE) == 0 ||
	    (flags & MASK_OPCODE) != OPCODE_UPDATE)
		return dns_wire_malformed(err, "it answers no update");
	ret->rcode = flags & DNS_MASK_RCODE;
	return key == NULL || dns_tsig_check(key, mac, now, answer, len, &ret->tsig, err);
}

bool dns_update_send(const struct dns_address *server, const struct dns_tsig_key *key, const struct dns_update *update,
		     struct deadline deadline, struct dns_update_answer *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf message;
	CLEANUP(buf_done) struct buf answer;
	struct dns_tsig_mac mac = {.len = 0};
	struct error malformed = {0};
	uint16_t id = 0;

	buf_init(&message, LIMIT_DNS_MESSAGE);
	buf_init(&answer, LIMIT_DNS_MESSAGE);
	if (!make_id(&id, err) || !dns_update_write(update, id, &message, err) ||
	    (key != NULL && !dns_tsig_sign(key, clock_wall(), &message, &mac, err)) ||
	    !dns_exchange(server, message.data, message.len, deadline, &answer, err))
		return false;
	return dns_update_read(key, &mac, clock_wall(), answer.data, answer.len, ret, &malformed) ||
	       error_set(err, ERROR_DNS, NULL, "%s: %s", server->text, malformed.message);
}

bool dns_query_signed(const struct dns_address *server, const struct dns_tsig_key *key, const char *name,
		      enum dns_type type, struct deadline deadline, struct dns_answer *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf message;
	CLEANUP(buf_done) struct buf answer;
	struct dns_tsig_mac mac = {.len = 0};
	struct dns_tsig_verdict verdict = {0};
	struct error malformed = {0};
	char safe[DNS_WIRE_NAME_SIZE];
	uint16_t id = 0;

	buf_init(&message, LIMIT_DNS_MESSAGE);
	buf_init(&answer, LIMIT_DNS_MESSAGE);
	if (!make_id(&id, err))
		return false;
	put_header(&message, id, 0, 0, 0);
	if (!dns_wire_put_name(&message, name, err))
		return false;
	buf_u16(&message, (uint16_t)type);
	buf_u16(&message, DNS_CLASS_IN);
	if (!dns_tsig_sign(key, clock_wall(), &message, &mac, err) ||
	    !dns_exchange(server, message.data, message.len, deadline, &answer, err))
		return false;
	if (!dns_tsig_check(key, &mac, clock_wall(), answer.data, answer.len, &verdict, &malformed) ||
	    !dns_parse_message(answer.data, answer.len, name, type, ret, &malformed))
		return error_set(err, ERROR_DNS, NULL, "%s: %s", server->text, malformed.message);
	if (!verdict.signed_by_key) {
		dns_answer_done(ret);
		return error_set(err, ERROR_DNS, NULL, "%s does not sign its answer about %s with the key %s",
				 server->text, escape_str(safe, sizeof(safe), name), key->name);
	}
	if (ret->outcome != DNS_NO_ANSWER)
		return true;
	err->absent = ret->rcode == DNS_RCODE_REFUSED; /* the key is good: the server has no such zone for it */
	error_set(err, ERROR_DNS, NULL, "%s answers RCODE %d about %s", server->text, ret->rcode,
		  escape_str(safe, sizeof(safe), name));
	dns_answer_done(ret);
	return false;
}
