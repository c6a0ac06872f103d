/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MAC goes over the message as it was before its TSIG record came, and over that record's own fields (RFC 8945
 * §4.3); for an answer the request's MAC stands in front (§5.3). The MAC must be whole: no server cuts it unasked.
 */
#include "transport/dns_tsig.h"

#include "base/limits.h"
#include "base/str.h"
#include "transport/dns_wire.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	TYPE_TSIG = 250,
	CLASS_ANY = 255,
	FUDGE_SECONDS = 300, /* the clocks may differ by: RFC 8945 §10 */
	HEADER_LEN = 12,
	COUNT_ADDITIONAL_AT = 10,
	SECTIONS = 3, /* behind the question */
	SECRET_MAX = 1024,
};

struct dns_tsig_algorithm {
	const char *name; /* as a domain name */
	const char *digest;
	const char *short_name;
};

static const struct dns_tsig_algorithm algorithms[] = {
	{"hmac-sha256", "SHA256", "sha256"}, {"hmac-sha512", "SHA512", "sha512"},
	{"hmac-sha384", "SHA384", "sha384"}, {"hmac-sha224", "SHA224", "sha224"},
	{"hmac-sha1", "SHA1", "sha1"},       {"hmac-md5.sig-alg.reg.int", "MD5", "md5"},
};

/* What stands in a TSIG record. */
struct tsig {
	char key[DNS_WIRE_NAME_SIZE];
	char algorithm[DNS_WIRE_NAME_SIZE];
	uint64_t time;
	uint16_t fudge;
	uint16_t error;
	uint16_t original_id;
	const unsigned char *mac, *other;
	size_t mac_len, other_len;
};

/* --- The key --- */

void dns_tsig_key_done(struct dns_tsig_key *key)
{
	if (key != NULL)
		secret_done(&key->secret);
}

const char *dns_tsig_algorithm_names(void)
{
	return "hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1, hmac-md5";
}

const char *dns_tsig_algorithm_name(const struct dns_tsig_key *key)
{
	return key->algorithm->name;
}

/* "HMAC-MD5" and "md5" for the long name, too. */
static const struct dns_tsig_algorithm *find_algorithm(const char *text)
{
	char name[64];
	size_t len = strnlen(text, sizeof(name));
	if (len == sizeof(name))
		return NULL;
	(void)snprintf(name, sizeof(name), "%s", text);
	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		const char *bare = strncasecmp(name, "hmac-", 5) == 0 ? name + 5 : name;
		if (str_equal_nocase(name, algorithms[i].name) || str_equal_nocase(bare, algorithms[i].short_name))
			return &algorithms[i];
	}
	return NULL;
}

/* Whole groups of four, "=" only at the end: OpenSSL's decoder takes more. */
static bool decode_secret(const struct secret *base64, struct secret *ret, struct error *err)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char bytes[SECRET_MAX];
	const char *text = base64->data != NULL ? base64->data : "";
	size_t digits = strspn(text, alphabet), padding = base64->len - digits;
	bool ok = false;

	if (digits > 0 && base64->len % 4 == 0 && base64->len < SECRET_MAX && padding <= 2 &&
	    strspn(text + digits, "=") == padding) {
		int len = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)base64->len);
		ok = len > 0 && secret_set(ret, bytes, (size_t)len - padding, err);
		OPENSSL_cleanse(bytes, sizeof(bytes));
	}
	if (!ok)
		error_hint(err, "it is what stands in quotes behind \"secret\" in the server's key file");
	return ok || error_set(err, ERROR_CONFIG, NULL, "the TSIG secret is no base64");
}

bool dns_tsig_key_init(struct dns_tsig_key *ret, const char *name, const char *algorithm, const struct secret *base64,
		       struct error *err)
{
	CLEANUP(buf_done) struct buf wire;
	CLEANUP(dns_tsig_key_done) struct dns_tsig_key key = {.algorithm = find_algorithm(algorithm)};
	struct error ignored = {0};
	size_t len = strlen(name);

	buf_init(&wire, DNS_WIRE_NAME_SIZE);
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(key.name) || !dns_wire_put_name(&wire, name, &ignored))
		return error_set(err, ERROR_CONFIG, NULL, "the TSIG key's name is not of the form of a domain name");
	for (size_t i = 0; i < len; i++)
		key.name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	if (key.algorithm == NULL) {
		error_hint(err, "known are %s", dns_tsig_algorithm_names());
		return error_set(err, ERROR_CONFIG, NULL, "unknown TSIG algorithm");
	}
	if (!decode_secret(base64, &key.secret, err))
		return false;
	*ret = key;
	key = (struct dns_tsig_key){0};
	return true;
}

/* --- MAC --- */

static void put_time(struct buf *out, uint64_t time)
{
	buf_u16(out, (uint16_t)(time >> 32));
	buf_u32(out, (uint32_t)time);
}

/* The TSIG variables (RFC 8945 §4.3.3). */
static bool put_variables(const struct tsig *tsig, struct buf *out, struct error *err)
{
	if (!dns_wire_put_name(out, tsig->key, err))
		return false;
	buf_u16(out, CLASS_ANY);
	buf_u32(out, 0);
	if (!dns_wire_put_name(out, tsig->algorithm, err))
		return false;
	put_time(out, tsig->time);
	buf_u16(out, tsig->fudge);
	buf_u16(out, tsig->error);
	buf_u16(out, (uint16_t)tsig->other_len);
	buf_append(out, tsig->other, tsig->other_len);
	return true;
}

static bool make_mac(const struct dns_tsig_key *key, const struct buf *input, struct dns_tsig_mac *ret,
		     struct error *err)
{
	if (EVP_Q_mac(NULL, "HMAC", NULL, key->algorithm->digest, NULL, key->secret.data, key->secret.len,
		      (const unsigned char *)input->data, input->len, ret->bytes, sizeof(ret->bytes),
		      &ret->len) == NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "this OpenSSL cannot make %s", key->algorithm->name);
	return true;
}

static bool put_record(const struct tsig *tsig, const struct dns_tsig_mac *mac, struct buf *out, struct error *err)
{
	CLEANUP(buf_done) struct buf data;
	buf_init(&data, LIMIT_DNS_MESSAGE);
	if (!dns_wire_put_name(&data, tsig->algorithm, err) || !dns_wire_put_name(out, tsig->key, err))
		return false;
	put_time(&data, tsig->time);
	buf_u16(&data, tsig->fudge);
	buf_u16(&data, (uint16_t)mac->len);
	buf_append(&data, mac->bytes, mac->len);
	buf_u16(&data, tsig->original_id);
	buf_u16(&data, tsig->error);
	buf_u16(&data, (uint16_t)tsig->other_len);
	buf_append(&data, tsig->other, tsig->other_len);
	buf_u16(out, TYPE_TSIG);
	buf_u16(out, CLASS_ANY);
	buf_u32(out, 0);
	buf_u16(out, (uint16_t)data.len);
	buf_append(out, data.data, data.len);
	return buf_check(out, "DNS message", err);
}

/* One more record in the additional section, or one less. */
static void change_count(unsigned char *message, int by)
{
	unsigned count = (unsigned)message[COUNT_ADDITIONAL_AT] << 8 | message[COUNT_ADDITIONAL_AT + 1];
	count = (unsigned)((int)count + by);
	message[COUNT_ADDITIONAL_AT] = (unsigned char)(count >> 8);
	message[COUNT_ADDITIONAL_AT + 1] = (unsigned char)count;
}

bool dns_tsig_sign(const struct dns_tsig_key *key, int64_t now, struct buf *message, struct dns_tsig_mac *ret,
		   struct error *err)
{
	CLEANUP(buf_done) struct buf input;
	struct tsig tsig = {.time = (uint64_t)now, .fudge = FUDGE_SECONDS};

	buf_init(&input, LIMIT_DNS_MESSAGE);
	if (message->failed || message->len < HEADER_LEN)
		return error_set(err, ERROR_INTERNAL, NULL, "no DNS message to sign");
	(void)snprintf(tsig.key, sizeof(tsig.key), "%s", key->name);
	(void)snprintf(tsig.algorithm, sizeof(tsig.algorithm), "%s", key->algorithm->name);
	tsig.original_id = (uint16_t)((unsigned char)message->data[0] << 8 | (unsigned char)message->data[1]);
	buf_append(&input, message->data, message->len);
	if (!put_variables(&tsig, &input, err) || !buf_check(&input, "DNS message", err) ||
	    !make_mac(key, &input, ret, err) || !put_record(&tsig, ret, message, err))
		return false;
	change_count((unsigned char *)message->data, 1);
	return true;
}

/* --- Answers --- */

static bool read_tsig(const struct dns_wire *message, const struct dns_wire_record *record, struct tsig *ret,
		      struct error *err)
{
	struct reader reader;
	size_t name_len = 0;

	if (record->class != CLASS_ANY || record->ttl != 0 ||
	    !dns_wire_expand(message, record->data, ret->algorithm, &name_len, err) || name_len > record->len)
		return dns_wire_malformed(err, "broken TSIG record");
	memcpy(ret->key, record->owner, sizeof(ret->key));
	reader_init(&reader, record->data + name_len, record->len - name_len);
	ret->time = (uint64_t)reader_u16(&reader) << 32;
	ret->time |= reader_u32(&reader);
	ret->fudge = reader_u16(&reader);
	ret->mac_len = reader_u16(&reader);
	ret->mac = reader_bytes(&reader, ret->mac_len);
	ret->original_id = reader_u16(&reader);
	ret->error = reader_u16(&reader);
	ret->other_len = reader_u16(&reader);
	ret->other = reader_bytes(&reader, ret->other_len);
	return reader_finished(&reader) || dns_wire_malformed(err, "broken TSIG record");
}

/* *RET_FOUND: the last record of the message is a TSIG; anywhere else it may not be. */
static bool find_tsig(const void *answer, size_t len, struct dns_wire_record *ret, struct tsig *ret_tsig,
		      bool *ret_found, struct error *err)
{
	struct dns_wire message;
	char name[DNS_WIRE_NAME_SIZE];
	size_t records = 0;

	dns_wire_init(&message, answer, len);
	(void)reader_u16(&message.reader);
	(void)reader_u16(&message.reader);
	uint16_t questions = reader_u16(&message.reader);
	for (int i = 0; i < SECTIONS; i++)
		records += reader_u16(&message.reader);
	for (uint16_t i = 0; i < questions; i++) {
		if (!dns_wire_name(&message, name, err))
			return false;
		(void)reader_u32(&message.reader);
	}
	*ret_found = false;
	for (size_t i = 0; i < records; i++) {
		if (*ret_found)
			return dns_wire_malformed(err, "a record behind the TSIG");
		if (!dns_wire_record(&message, ret, err))
			return false;
		*ret_found = ret->type == TYPE_TSIG;
	}
	if (message.reader.failed)
		return dns_wire_malformed(err, "truncated");
	return !*ret_found || read_tsig(&message, ret, ret_tsig, err);
}

static int64_t time_of(const struct tsig *tsig)
{
	struct reader reader;
	if (tsig->error != DNS_TSIG_BADTIME || tsig->other_len != 6)
		return (int64_t)tsig->time;
	/* RFC 8945 §5.2.3: the server's own clock. */
	reader_init(&reader, tsig->other, tsig->other_len);
	uint64_t high = reader_u16(&reader);
	return (int64_t)(high << 32 | reader_u32(&reader));
}

bool dns_tsig_check(const struct dns_tsig_key *key, const struct dns_tsig_mac *mac, int64_t now, const void *answer,
		    size_t len, struct dns_tsig_verdict *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf input;
	struct dns_wire_record record = {0};
	struct tsig tsig = {0};
	struct dns_tsig_mac expected = {.len = 0};
	bool found = false;

	buf_init(&input, 2 * LIMIT_DNS_MESSAGE);
	*ret = (struct dns_tsig_verdict){0};
	if (!find_tsig(answer, len, &record, &tsig, &found, err) || !found)
		return error_is_set(err) ? false : true;
	ret->error = tsig.error;
	ret->server_time = time_of(&tsig);
	if (!str_equal(tsig.key, key->name) || !str_equal(tsig.algorithm, key->algorithm->name))
		return true;
	buf_u16(&input, (uint16_t)mac->len);
	buf_append(&input, mac->bytes, mac->len);
	size_t body = (size_t)(record.start - (const unsigned char *)answer), at = input.len;
	buf_append(&input, answer, body);
	if (!buf_check(&input, "DNS message", err))
		return false;
	input.data[at] = (char)(tsig.original_id >> 8);
	input.data[at + 1] = (char)tsig.original_id;
	change_count((unsigned char *)input.data + at, -1);
	if (!put_variables(&tsig, &input, err) || !buf_check(&input, "DNS message", err) ||
	    !make_mac(key, &input, &expected, err))
		return false;
	int64_t apart = (int64_t)tsig.time > now ? (int64_t)tsig.time - now : now - (int64_t)tsig.time;
	ret->signed_by_key = tsig.mac_len == expected.len &&
			     CRYPTO_memcmp(tsig.mac, expected.bytes, expected.len) == 0 &&
			     (apart <= tsig.fudge || tsig.error == DNS_TSIG_BADTIME);
	return true;
}
