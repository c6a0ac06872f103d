/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of AWS's documentation and signing test suite, and one of a Route 53 request. */
#include "dns-providers/sigv4.h"
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { TIME = 1440938160 /* 20150830T123600Z */ };

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define VANILLA "\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY

static const char UPSERT[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<ChangeResourceRecordSetsRequest "
	"xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>"
	"<Change><Action>UPSERT</Action><ResourceRecordSet><Name>_acme-challenge.example.com.</Name><Type>TXT</Type>"
	"<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>\"LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo\"</Value>"
	"</ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>"
	"</ChangeResourceRecordSetsRequest>";

static const struct vector {
	const char *service;
	struct sigv4_request request;
	const char *canonical, *hash, *signature;
} vectors[] = {
	{"iam",
	 {"GET", "iam.amazonaws.com", "/", "Action=ListUsers&Version=2010-05-08",
	  "application/x-www-form-urlencoded; charset=utf-8", NULL, 0},
	 "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
	 "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n" EMPTY,
	 "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
	 "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	{"service",
	 {"GET", "example.amazonaws.com", "/", "", NULL, NULL, 0},
	 "GET\n/" VANILLA,
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"service",
	 {"GET", "example.amazonaws.com", "/", "Param2=value2&Param1=value1", NULL, NULL, 0},
	 "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
	 "host;x-amz-date\n" EMPTY,
	 "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
	 "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"service",
	 {"POST", "example.amazonaws.com", "/", "", NULL, NULL, 0},
	 "POST\n/" VANILLA,
	 "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87",
	 "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"service",
	 {"POST", "example.amazonaws.com", "/", "", "application/x-www-form-urlencoded", "Param1=value1", 13},
	 "POST\n/\n\ncontent-type:application/x-www-form-urlencoded\nhost:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
	 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	 "42a5e5bb34198acb3e84da4f085bb7927f2bc277ca766e6d19c73c2154021281",
	 "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	{"route53",
	 {"POST", "route53.amazonaws.com", "/2013-04-01/hostedzone/Z1PA6795UKMFR9/rrset", "", "application/xml", UPSERT,
	  sizeof(UPSERT) - 1},
	 "POST\n/2013-04-01/hostedzone/Z1PA6795UKMFR9/rrset\n\ncontent-type:application/xml\n"
	 "host:route53.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
	 "a6ef7491785e08dcfcb287298e358fa6d5f779384f417ea552a760d52e6cb762",
	 "54358c5553f2dacc77668efdf06beb6b526245eca9b193bd91d2970785790650",
	 "10360523f674a59e777b38100de471563f3204063808276ecf125787a3341104"},
};

static void make_key(struct sigv4_key *key)
{
	static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
	struct error err = {0};
	*key = (struct sigv4_key){0};
	CHECK_OK(secret_set(&key->id, "AKIDEXAMPLE", 11, &err), err);
	CHECK_OK(secret_set(&key->secret, secret, strlen(secret), &err), err);
}

static void check_signature(const struct vector *vector, const struct sigv4_key *key)
{
	struct sigv4_headers headers = {0};
	struct error err = {0};
	const struct sigv4_scope scope = {"us-east-1", vector->service, TIME};
	CHECK_OK(sigv4_sign(&vector->request, key, &scope, &headers, &err), err);
	CHECK_STR(headers.date.data, "X-Amz-Date: 20150830T123600Z");
	const char *at = strstr(headers.authorization.data, "Signature=");
	CHECK(at != NULL);
	CHECK_STR(at + strlen("Signature="), vector->signature);
	sigv4_headers_done(&headers);
}

TEST(published_vectors)
{
	struct sigv4_key key;
	make_key(&key);
	CHECK_INT(sizeof(UPSERT) - 1, 483);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf canonical;
		struct error err = {0};
		unsigned char hash[32];
		char hex[65] = "";
		buf_init(&canonical, 4096);
		CHECK_OK(sigv4_canonical(&vectors[i].request, NULL, TIME, &canonical, &err), err);
		CHECK_STR(buf_cstr(&canonical), vectors[i].canonical);
		CHECK(EVP_Digest(canonical.data, canonical.len, hash, NULL, EVP_sha256(), NULL) == 1);
		for (size_t j = 0; j < sizeof(hash); j++)
			(void)snprintf(hex + 2 * j, 3, "%02x", hash[j]);
		CHECK_STR(hex, vectors[i].hash);
		check_signature(&vectors[i], &key);
		buf_done(&canonical);
	}
	sigv4_key_done(&key);
}

TEST(the_authorization_header_is_whole)
{
	struct sigv4_key key;
	struct sigv4_headers headers = {0};
	struct error err = {0};
	const struct sigv4_scope scope = {"us-east-1", "iam", TIME};
	make_key(&key);
	CHECK_OK(sigv4_sign(&vectors[0].request, &key, &scope, &headers, &err), err);
	CHECK_STR(headers.authorization.data,
		  "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
		  "SignedHeaders=content-type;host;x-amz-date, "
		  "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	CHECK(headers.token.data == NULL);
	sigv4_headers_done(&headers);
	sigv4_key_done(&key);
}

TEST(a_sessions_token_is_signed)
{
	/* post-sts-header-before of the signing test suite. */
	static const char token[] =
		"AQoDYXdzEPT//////////"
		"wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YU"
		"uwthAx7mSEI/qkPpKPi/"
		"kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQ"
		"cHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
		"scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/"
		"oLxBA==";
	struct sigv4_key key;
	struct vector vector = vectors[3];
	struct error err = {0};
	make_key(&key);
	CHECK_OK(secret_set(&key.token, token, strlen(token), &err), err);
	vector.signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
	check_signature(&vector, &key);
	sigv4_key_done(&key);
}

TEST(paths_are_encoded_once_more_and_queries_sorted_by_name_then_value)
{
	const struct sigv4_request request = {"GET", "h", "/a%20b/c", "b=2&a=2&a&a=1&%7E=x", NULL, NULL, 0};
	struct buf canonical;
	struct error err = {0};
	buf_init(&canonical, 4096);
	CHECK_OK(sigv4_canonical(&request, NULL, TIME, &canonical, &err), err);
	CHECK_CONTAINS(buf_cstr(&canonical), "GET\n/a%2520b/c\n%7E=x&a=&a=1&a=2&b=2\nhost:h\n");
	buf_reset(&canonical);
	sigv4_encode("a b/c~d+*\xc3\xa4", &canonical);
	CHECK_STR(buf_cstr(&canonical), "a%20b%2Fc~d%2B%2A%C3%A4");
	buf_done(&canonical);
}

TEST_MAIN()
