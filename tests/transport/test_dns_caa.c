/* SPDX-License-Identifier: Apache-2.0 */
/* Which CAA set holds for a name: the climb, CNAMEs, servers that do not tell. */
#include "transport/dns_caa.h"

#include "support_dns.h"
#include "tests/support/test.h"

#include <stdatomic.h>
#include <string.h>

/* RFC 8659 §4.1. */
static void reply_caa(struct dns_reply *reply, const char *owner, uint8_t flags, const char *tag, const char *value)
{
	unsigned char data[512];
	size_t tag_len = strlen(tag), value_len = strlen(value);
	data[0] = flags;
	data[1] = (unsigned char)tag_len;
	memcpy(data + 2, tag, tag_len);
	memcpy(data + 2 + tag_len, value, value_len);
	dns_reply_record(reply, DNS_SECTION_ANSWER, owner, DNS_TYPE_CAA, data, 2 + tag_len + value_len);
}

static void resolve(void *ctx, const struct dns_peer_query *query, struct dns_reply *reply)
{
	atomic_int *asked = ctx;
	atomic_fetch_add(asked, 1);
	if (query->type != DNS_TYPE_CAA)
		return;
	if (strcmp(query->name, "zone.test") == 0) {
		reply_caa(reply, query->name, 0, "issue", "ca.example; accounturi=https://ca.example/1");
		reply_caa(reply, query->name, 128, "IssueWild", ";");
	} else if (strcmp(query->name, "alias.zone.test") == 0) {
		dns_reply_name(reply, query->name, DNS_TYPE_CNAME, "target.elsewhere.test");
		reply_caa(reply, "target.elsewhere.test", 0, "issue", "other.example");
	} else if (strcmp(query->name, "empty.zone.test") == 0) {
		dns_reply_name(reply, query->name, DNS_TYPE_CNAME, "bare.elsewhere.test");
	} else if (strcmp(query->name, "elsewhere.test") == 0) {
		reply_caa(reply, query->name, 0, "issue", "not.followed.example");
	} else if (strcmp(query->name, "lost.test") == 0) {
		reply->rcode = 2;
	} else if (strcmp(query->name, "broken.test") == 0) {
		dns_reply_record(reply, DNS_SECTION_ANSWER, query->name, DNS_TYPE_CAA, "\0\x20issue", 7);
	}
}

static atomic_int asked;
static struct dns_peer *peer;
static struct dns_resolver *resolver;

static void start(void)
{
	CLEANUP(str_list_done) struct str_list list = {0};
	struct error err = {0};
	atomic_store(&asked, 0);
	peer = dns_peer_start("127.0.0.1", 0, resolve, &asked);
	CHECK(peer != NULL);
	CHECK_OK(str_list_add(&list, dns_peer_text(peer), &err), err);
	resolver = dns_resolver_new(&list, &err);
	CHECK_OK(resolver != NULL, err);
}

static void stop(void)
{
	dns_resolver_free(resolver);
	dns_peer_stop(peer);
}

TEST(the_nearest_set_holds)
{
	struct dns_caa sets[] = {
		{.name = "www.a.zone.test"}, {.name = "zone.test"},      {.name = "alias.zone.test"},
		{.name = "empty.zone.test"}, {.name = "nobody.example"},
	};
	struct error err = {0};
	start();
	CHECK_OK(dns_find_caa(resolver, sets, ARRAY_LEN(sets), deadline_in(10000, NULL), &err), err);
	for (size_t i = 0; i < 2; i++) {
		CHECK(sets[i].known);
		CHECK_STR(sets[i].owner, "zone.test");
		CHECK_INT(sets[i].records.len, 2);
		CHECK_STR(sets[i].records.items[0], "0 issue ca.example; accounturi=https://ca.example/1");
		CHECK_STR(sets[i].records.items[1], "128 issuewild ;");
	}
	CHECK_STR(sets[2].owner, "alias.zone.test");
	CHECK_STR(sets[2].records.items[0], "0 issue other.example");
	/* The target has none; what is above the target is not asked, what is above the name is. */
	CHECK_STR(sets[3].owner, "zone.test");
	CHECK(sets[4].known && sets[4].records.len == 0 && sets[4].owner[0] == '\0');
	/* www.a, a, zone, test, alias, empty, nobody, example: each once. */
	CHECK_INT(atomic_load(&asked), 8);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		dns_caa_done(&sets[i]);
	stop();
}

TEST(what_does_not_answer_is_not_known)
{
	struct dns_caa sets[] = {{.name = "www.lost.test"}, {.name = "broken.test"}, {.name = "www.zone.test"}};
	struct error err = {0};
	start();
	CHECK_OK(dns_find_caa(resolver, sets, ARRAY_LEN(sets), deadline_in(30000, NULL), &err), err);
	CHECK(!sets[0].known);
	CHECK_CONTAINS(sets[0].reason, "SERVFAIL");
	CHECK(!sets[1].known);
	CHECK(sets[1].reason[0] != '\0');
	CHECK(sets[2].known && sets[2].records.len == 2);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		dns_caa_done(&sets[i]);
	stop();
}

TEST(out_of_time)
{
	struct dns_caa set = {.name = "www.zone.test"};
	struct error err = {0};
	start();
	CHECK(!dns_find_caa(resolver, &set, 1, deadline_in(0, NULL), &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK(!set.known);
	CHECK_STR(set.reason, "no answer in time");
	stop();
}

TEST_MAIN()
