/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates and their signatures as bytes; the MACs are made here a second time, from RFC 8945's words. That real servers
 * take them is tests/system/test_222_rfc2136.py.
 */
#include "transport/dns_update.h"

#include "tests/support/test.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char BASE64[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", RAW[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const int64_t NOW = 1764000000;

static bool make_key(struct dns_tsig_key *ret, const char *name, const char *algorithm, const char *base64,
		     struct error *err)
{
	struct secret secret = {0};
	CHECK(secret_set(&secret, base64, strlen(base64), err));
	bool ok = dns_tsig_key_init(ret, name, algorithm, &secret, err);
	secret_done(&secret);
	return ok;
}

TEST(keys_are_taken_as_people_write_them)
{
	static const char *const algorithms[][2] = {
		{"hmac-sha256", "hmac-sha256"}, {"HMAC-SHA512.", "hmac-sha512"},
		{"sha384", "hmac-sha384"},      {"hmac-sha224", "hmac-sha224"},
		{"HMAC-SHA1", "hmac-sha1"},     {"HMAC-MD5", "hmac-md5.sig-alg.reg.int"},
	};
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct dns_tsig_key key = {0};
		struct error err = {0};
		CHECK_OK(make_key(&key, "Acme.Example.", algorithms[i][0], BASE64, &err), err);
		CHECK_STR(key.name, "acme.example");
		CHECK_STR(dns_tsig_algorithm_name(&key), algorithms[i][1]);
		CHECK(key.secret.len == strlen(RAW) && memcmp(key.secret.data, RAW, key.secret.len) == 0);
		dns_tsig_key_done(&key);
	}
}

TEST(broken_keys_are_told_without_the_secret)
{
	static const struct {
		const char *name, *algorithm, *base64, *says;
	} cases[] = {
		{"", "hmac-sha256", BASE64, "name"},
		{"a..b", "hmac-sha256", BASE64, "name"},
		{"acme", "hmac-sha3", BASE64, "algorithm"},
		{"acme", "", BASE64, "algorithm"},
		{"acme", "hmac-sha256", "QUJD\nREVG", "base64"},
		{"acme", "hmac-sha256", "QUJDR", "base64"},
		{"acme", "hmac-sha256", "QUJ=RA==", "base64"},
		{"acme", "hmac-sha256", "====", "base64"},
		{"acme", "hmac-sha256", "QUJD-_==", "base64"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_tsig_key key = {0};
		struct error err = {0};
		CHECK(!make_key(&key, cases[i].name, cases[i].algorithm, cases[i].base64, &err));
		CHECK_INT(err.category, ERROR_CONFIG);
		CHECK_CONTAINS(err.message, cases[i].says);
		CHECK(strstr(err.message, cases[i].base64) == NULL);
	}
}

static void check_bytes(const struct buf *buf, const void *want, size_t len)
{
	CHECK_INT(buf->len, len);
	CHECK(buf->len == len && memcmp(buf->data, want, len) == 0);
}

TEST(an_update_adds_one_value_where_no_cname_stands)
{
	static const char want[] = "\0\7\x28\0\0\1\0\1\0\1\0\0"
				   "\7example\3com\0\0\6\0\1"
				   "\1a\7example\3com\0\0\5\0\xfe\0\0\0\0\0\0"
				   "\1a\7example\3com\0\0\x10\0\1\0\0\0\x3c\0\4\3-xy";
	const struct dns_update update = {
		.zone = "Example.com.", .name = "a.EXAMPLE.com", .value = "-xy", .adds = true, .ttl = 60};
	struct buf out;
	struct error err = {0};
	buf_init(&out, 512);
	CHECK_OK(dns_update_write(&update, 7, &out, &err), err);
	check_bytes(&out, want, sizeof(want) - 1);
	buf_done(&out);
}

TEST(an_update_removes_one_value_and_never_a_set)
{
	static const char want[] = "\0\7\x28\0\0\1\0\0\0\1\0\0"
				   "\7example\3com\0\0\6\0\1"
				   "\1a\7example\3com\0\0\x10\0\xfe\0\0\0\0\0\4\3-xy";
	const struct dns_update update = {.zone = "example.com", .name = "a.example.com", .value = "-xy", .ttl = 60};
	struct buf out;
	struct error err = {0};
	buf_init(&out, 512);
	CHECK_OK(dns_update_write(&update, 7, &out, &err), err);
	check_bytes(&out, want, sizeof(want) - 1);
	buf_done(&out);
}

TEST(a_long_value_is_cut_into_strings)
{
	char value[301];
	struct dns_update update = {.zone = "example.com", .name = "a.example.com", .value = value};
	struct buf out;
	struct error err = {0};
	memset(value, 'v', 300);
	value[300] = '\0';
	buf_init(&out, 1024);
	CHECK_OK(dns_update_write(&update, 7, &out, &err), err);
	CHECK(out.len > 303 && out.data[out.len - 46] == 45 && (unsigned char)out.data[out.len - 302] == 255);
	CHECK((unsigned char)out.data[out.len - 304] == 1 && (unsigned char)out.data[out.len - 303] == 302 - 256);
	buf_done(&out);
}

static void hmac(const struct buf *input, unsigned char ret[32])
{
	size_t len = 0;
	CHECK(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, RAW, strlen(RAW), (unsigned char *)input->data, input->len,
			ret, 32, &len) != NULL);
}

#define KEY_WIRE "\4acme\7example"
#define ALGORITHM_WIRE "\13hmac-sha256"

static void put(struct buf *out, const char *bytes, size_t len)
{
	buf_append(out, bytes, len);
}

static void put_time(struct buf *out, int64_t time)
{
	buf_u16(out, (uint16_t)(time >> 32));
	buf_u32(out, (uint32_t)time);
	buf_u16(out, 300);
}

/* An answer to the request with REQUEST_MAC, signed at TIME with ERROR. */
static void make_answer(const struct dns_tsig_mac *request_mac, int64_t time, uint16_t error, size_t mac_len,
			struct buf *ret)
{
	static const char header[] = "\0\7\xa8\0\0\1\0\0\0\0\0\0\7example\3com\0\0\6\0\1";
	unsigned char mac[32];
	struct buf input;
	buf_init(&input, 4096);
	buf_u16(&input, (uint16_t)request_mac->len);
	buf_append(&input, request_mac->bytes, request_mac->len);
	put(&input, header, sizeof(header) - 1);
	put(&input, KEY_WIRE, sizeof(KEY_WIRE));
	put(&input, "\0\xff\0\0\0\0", 6);
	put(&input, ALGORITHM_WIRE, sizeof(ALGORITHM_WIRE));
	put_time(&input, time);
	buf_u16(&input, error);
	buf_u16(&input, 0);
	hmac(&input, mac);
	buf_done(&input);

	buf_init(ret, 4096);
	put(ret, header, sizeof(header) - 1);
	ret->data[11] = 1;
	put(ret, KEY_WIRE, sizeof(KEY_WIRE));
	put(ret, "\0\xfa\0\xff\0\0\0\0", 8);
	buf_u16(ret, (uint16_t)(sizeof(ALGORITHM_WIRE) + 16 + mac_len));
	put(ret, ALGORITHM_WIRE, sizeof(ALGORITHM_WIRE));
	put_time(ret, time);
	buf_u16(ret, (uint16_t)mac_len);
	buf_append(ret, mac, mac_len);
	buf_u16(ret, 7);
	buf_u16(ret, error);
	buf_u16(ret, 0);
}

/* Signed at NOW as a request; its MAC. */
static struct dns_tsig_mac sign_request(const struct dns_tsig_key *key)
{
	const struct dns_update update = {.zone = "example.com", .name = "a.example.com", .value = "x", .adds = true};
	struct dns_tsig_mac mac = {.len = 0};
	struct error err = {0};
	struct buf message;
	buf_init(&message, 4096);
	CHECK_OK(dns_update_write(&update, 7, &message, &err), err);
	size_t plain = message.len;
	CHECK_OK(dns_tsig_sign(key, NOW, &message, &mac, &err), err);
	CHECK_INT(message.data[11], 1);
	CHECK(message.len > plain && memcmp(message.data + plain, KEY_WIRE, sizeof(KEY_WIRE)) == 0);
	CHECK_INT(mac.len, 32);
	buf_done(&message);
	return mac;
}

TEST(an_answer_counts_only_when_our_key_signed_it_for_our_request)
{
	struct dns_tsig_key key = {0}, other = {0};
	struct dns_update_answer read;
	struct error err = {0};
	struct buf answer;
	CHECK_OK(make_key(&key, "acme.example", "hmac-sha256", BASE64, &err), err);
	CHECK_OK(make_key(&other, "acme.example", "hmac-sha256", "b3RoZXIga2V5IQ==", &err), err);
	struct dns_tsig_mac mac = sign_request(&key), elsewhere = sign_request(&other);

	make_answer(&mac, NOW + 100, 0, 32, &answer);
	CHECK_OK(dns_update_read(&key, &mac, NOW, answer.data, answer.len, &read, &err), err);
	CHECK(read.tsig.signed_by_key && read.rcode == 0 && read.tsig.error == 0);
	/* Another request's answer, another key, and a clock that is far away. */
	CHECK_OK(dns_update_read(&key, &elsewhere, NOW, answer.data, answer.len, &read, &err), err);
	CHECK(!read.tsig.signed_by_key);
	CHECK_OK(dns_update_read(&other, &mac, NOW, answer.data, answer.len, &read, &err), err);
	CHECK(!read.tsig.signed_by_key);
	CHECK_OK(dns_update_read(&key, &mac, NOW + 500, answer.data, answer.len, &read, &err), err);
	CHECK(!read.tsig.signed_by_key);
	/* Every bit of it counts but the id, which may be changed on the way. */
	for (size_t i = 2; i < answer.len; i++) {
		struct error ignored = {0};
		answer.data[i] = (char)(answer.data[i] ^ 1);
		CHECK(!dns_update_read(&key, &mac, NOW, answer.data, answer.len, &read, &ignored) ||
		      !read.tsig.signed_by_key);
		answer.data[i] = (char)(answer.data[i] ^ 1);
	}
	buf_done(&answer);
	/* A MAC that is cut. */
	make_answer(&mac, NOW, 0, 16, &answer);
	CHECK_OK(dns_update_read(&key, &mac, NOW, answer.data, answer.len, &read, &err), err);
	CHECK(!read.tsig.signed_by_key);
	buf_done(&answer);
	dns_tsig_key_done(&key);
	dns_tsig_key_done(&other);
}

TEST(a_wrong_clock_is_believed_only_when_it_is_signed)
{
	struct dns_tsig_key key = {0};
	struct dns_update_answer read;
	struct error err = {0};
	struct buf answer;
	CHECK_OK(make_key(&key, "acme.example", "hmac-sha256", BASE64, &err), err);
	struct dns_tsig_mac mac = sign_request(&key);
	make_answer(&mac, NOW + 7200, DNS_TSIG_BADTIME, 32, &answer);
	CHECK_OK(dns_update_read(&key, &mac, NOW, answer.data, answer.len, &read, &err), err);
	CHECK(read.tsig.signed_by_key && read.tsig.error == DNS_TSIG_BADTIME && read.tsig.server_time == NOW + 7200);
	buf_done(&answer);
	dns_tsig_key_done(&key);
}

TEST_MAIN()
