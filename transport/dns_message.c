/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a DNS message (RFC 1035 §4) says about one name and type. c-ares's parsers of whole replies are not
 * used, since they look neither at the owner of a record nor at the header. A record counts only at the asked name
 * or at the end of the CNAMEs that lead away from it, in whatever order they come.
 */
#include "transport/dns.h"

#include "base/buf.h"
#include "base/limits.h"
#include "transport/dns_wire.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	TYPE_OPT = 41,
	FLAG_AUTHORITATIVE = 0x0400,
	FLAG_TRUNCATED = 0x0200,
	RCODE_OK = 0,
	RCODE_NO_SUCH_NAME = 3,
	RECORDS_MAX = 4096, /* in one message: 64 KiB hold some 5000 of the smallest */
};

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTION_COUNT };

/* A name that is a record's whole data. */
static bool record_name(const struct dns_wire *message, const struct dns_wire_record *record,
			char ret[DNS_WIRE_NAME_SIZE], struct error *err)
{
	size_t len = 0;
	if (!dns_wire_expand(message, record->data, ret, &len, err))
		return false;
	return len == record->len || dns_wire_malformed(err, "broken name");
}

static bool add_address(const struct dns_wire_record *record, int family, struct str_list *values, struct error *err)
{
	char text[INET6_ADDRSTRLEN];
	if (record->len != (family == AF_INET ? 4U : 16U))
		return dns_wire_malformed(err, "broken address");
	(void)inet_ntop(family, record->data, text, sizeof(text));
	return str_list_add(values, text, err);
}

/* RFC 1035 §3.3.14: one or more character-strings, joined. One with a NUL inside can be nothing that we look for. */
static bool add_text(const struct dns_wire_record *record, struct str_list *values, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	struct reader strings;
	size_t count = 0;
	buf_init(&text, LIMIT_DNS_MESSAGE);
	reader_init(&strings, record->data, record->len);
	while (reader_left(&strings) > 0) {
		size_t len = reader_u8(&strings);
		const unsigned char *bytes = reader_bytes(&strings, len);
		if (bytes == NULL || ++count > LIMIT_DNS_TXT_STRINGS)
			return dns_wire_malformed(err, "broken TXT record");
		buf_append(&text, bytes, len);
	}
	if (!buf_check(&text, "TXT record", err))
		return false;
	if (strlen(buf_cstr(&text)) != text.len)
		return true;
	return str_list_add(values, buf_cstr(&text), err);
}

/* RFC 8659 §4.1: flags, the tag's length, the tag, and the rest is the value. */
static bool add_property(const struct dns_wire_record *record, struct str_list *values, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	struct reader reader;
	buf_init(&text, LIMIT_DNS_MESSAGE);
	reader_init(&reader, record->data, record->len);
	unsigned flags = reader_u8(&reader);
	size_t len = reader_u8(&reader);
	const unsigned char *tag = reader_bytes(&reader, len);
	if (tag == NULL || len == 0)
		return dns_wire_malformed(err, "broken CAA record");
	buf_printf(&text, "%u ", flags);
	for (size_t i = 0; i < len; i++) {
		bool upper = tag[i] >= 'A' && tag[i] <= 'Z', lower = tag[i] >= 'a' && tag[i] <= 'z';
		if (!upper && !lower && (tag[i] < '0' || tag[i] > '9'))
			return dns_wire_malformed(err, "broken CAA record");
		buf_char(&text, (char)(upper ? tag[i] - 'A' + 'a' : tag[i]));
	}
	buf_char(&text, ' ');
	len = reader_left(&reader);
	const unsigned char *value = reader_bytes(&reader, len);
	/* A NUL would end the text too early, and \1 is as wrong in every value. */
	for (size_t i = 0; i < len; i++)
		buf_char(&text, value[i] == '\0' ? '\1' : (char)value[i]);
	return buf_check(&text, "CAA record", err) && str_list_add(values, buf_cstr(&text), err);
}

static bool add_value(const struct dns_wire *message, const struct dns_wire_record *record, struct str_list *values,
		      struct error *err)
{
	char name[DNS_WIRE_NAME_SIZE];
	switch ((enum dns_type)record->type) {
	case DNS_TYPE_A:
		return add_address(record, AF_INET, values, err);
	case DNS_TYPE_AAAA:
		return add_address(record, AF_INET6, values, err);
	case DNS_TYPE_TXT:
		return add_text(record, values, err);
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
		return record_name(message, record, name, err) && str_list_add(values, name, err);
	case DNS_TYPE_SOA:
		return str_list_add(values, record->owner, err);
	case DNS_TYPE_CAA:
		return add_property(record, values, err);
	}
	return true;
}

/* Every record of a section, in order, to SEE. */
typedef bool see_record(const struct dns_wire *message, const struct dns_wire_record *record, enum section section,
			void *ctx, struct error *err);

static bool walk(struct dns_wire message, const uint16_t counts[SECTION_COUNT], see_record *see, void *ctx,
		 struct error *err)
{
	size_t total = 0;
	struct dns_wire_record record = {0};
	for (enum section section = SECTION_ANSWER; section < SECTION_COUNT; section++)
		for (uint16_t i = 0; i < counts[section]; i++) {
			if (++total > RECORDS_MAX)
				return dns_wire_malformed(err, "too many records");
			if (!dns_wire_record(&message, &record, err) || !see(&message, &record, section, ctx, err))
				return false;
		}
	return true;
}

struct search {
	char name[DNS_WIRE_NAME_SIZE]; /* asked for, then where its CNAMEs lead */
	enum dns_type type;
	bool moved; /* a CNAME was followed in this pass */
	int hops;
	struct dns_answer *answer;
};

static bool see_alias(const struct dns_wire *message, const struct dns_wire_record *record, enum section section,
		      void *ctx, struct error *err)
{
	struct search *search = ctx;
	if (section != SECTION_ANSWER || record->class != DNS_CLASS_IN || record->type != DNS_TYPE_CNAME ||
	    !str_equal(record->owner, search->name))
		return true;
	if (++search->hops > LIMIT_DNS_CNAME_HOPS)
		return dns_wire_malformed(err, "too many or circular CNAMEs");
	search->moved = true;
	return record_name(message, record, search->name, err);
}

static bool see_value(const struct dns_wire *message, const struct dns_wire_record *record, enum section section,
		      void *ctx, struct error *err)
{
	struct search *search = ctx;
	struct dns_answer *answer = search->answer;
	if (section == SECTION_ADDITIONAL) {
		/* RFC 6891 §6.1.3: the upper bits of the RCODE. */
		if (record->type == TYPE_OPT)
			answer->rcode |= (int)(record->ttl >> 24) << 4;
		return true;
	}
	if (record->class != DNS_CLASS_IN)
		return true;
	if (record->type == DNS_TYPE_SOA && answer->zone[0] == '\0')
		memcpy(answer->zone, record->owner, sizeof(answer->zone));
	if (section != SECTION_ANSWER || record->type != (uint16_t)search->type ||
	    !str_equal(record->owner, search->name))
		return true;
	return add_value(message, record, &answer->values, err);
}

static bool check_question(struct dns_wire *message, unsigned count, const struct search *search, struct error *err)
{
	char name[DNS_WIRE_NAME_SIZE];
	if (count == 0)
		return true; /* some refusals come without it */
	if (count > 1 || !dns_wire_name(message, name, err))
		return dns_wire_malformed(err, "more than one question");
	uint16_t type = reader_u16(&message->reader), class = reader_u16(&message->reader);
	if (message->reader.failed)
		return dns_wire_malformed(err, "truncated");
	if (type != (uint16_t)search->type || class != DNS_CLASS_IN || !str_equal(name, search->name))
		return dns_wire_malformed(err, "it answers another question");
	return true;
}

static bool read_answer(struct dns_wire *message, struct search *search, struct error *err)
{
	struct dns_answer *answer = search->answer;
	uint16_t counts[SECTION_COUNT];
	(void)reader_u16(&message->reader); /* the id: matched by c-ares */
	uint16_t flags = reader_u16(&message->reader), questions = reader_u16(&message->reader);
	for (enum section section = SECTION_ANSWER; section < SECTION_COUNT; section++)
		counts[section] = reader_u16(&message->reader);
	if (message->reader.failed || (flags & DNS_FLAG_RESPONSE) == 0)
		return dns_wire_malformed(err, "no answer's header");
	answer->authoritative = (flags & FLAG_AUTHORITATIVE) != 0;
	answer->rcode = flags & DNS_MASK_RCODE;
	if (!check_question(message, questions, search, err))
		return false;

	if (search->type != DNS_TYPE_CNAME) {
		do {
			search->moved = false;
			if (!walk(*message, counts, see_alias, search, err))
				return false;
		} while (search->moved);
		if (search->hops > 0)
			memcpy(answer->alias, search->name, sizeof(answer->alias));
	}
	if (!walk(*message, counts, see_value, search, err))
		return false;
	if (search->type == DNS_TYPE_CNAME && answer->values.len > 0)
		memcpy(answer->alias, answer->values.items[0], strlen(answer->values.items[0]) + 1);

	/* Truncated even so: what is missing might be just what was asked for. */
	bool usable =
		(answer->rcode == RCODE_OK || answer->rcode == RCODE_NO_SUCH_NAME) && (flags & FLAG_TRUNCATED) == 0;
	answer->outcome = !usable ? DNS_NO_ANSWER : answer->values.len > 0 ? DNS_FOUND : DNS_NONE;
	return true;
}

bool dns_parse_message(const void *message, size_t len, const char *name, enum dns_type type, struct dns_answer *ret,
		       struct error *err)
{
	CLEANUP(dns_answer_done) struct dns_answer answer = {0};
	struct search search = {.type = type, .answer = &answer};
	struct dns_wire parsed;
	size_t name_len = strlen(name);
	if (name_len > 1 && name[name_len - 1] == '.')
		name_len--;
	if (len > LIMIT_DNS_MESSAGE || name_len == 0 || name_len >= DNS_WIRE_NAME_SIZE)
		return dns_wire_malformed(err, "too long");
	for (size_t i = 0; i < name_len; i++)
		search.name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	dns_wire_init(&parsed, message, len);
	if (!read_answer(&parsed, &search, err))
		return false;
	*ret = answer;
	answer = (struct dns_answer){0};
	return true;
}

void dns_answer_done(struct dns_answer *answer)
{
	str_list_done(&answer->values);
	*answer = (struct dns_answer){0};
}
