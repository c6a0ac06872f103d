/* SPDX-License-Identifier: Apache-2.0 */
/* DNS questions to a server inside the test, and the message parser on what a hostile one may send. */
#include "transport/dns.h"

#include "base/limits.h"
#include "support_dns.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void handle(void *ctx, const struct dns_peer_query *query, struct dns_reply *reply)
{
	const char *name = query->name;
	(void)ctx;
	if (strcmp(name, "txt.test") == 0 && query->type == DNS_TYPE_TXT) {
		dns_reply_txt(reply, "TXT.test", "a-value-of-forty-three-characters-in-pieces");
		dns_reply_txt(reply, name, "second");
		dns_reply_txt(reply, "other.test", "not-asked-for");
	} else if (strcmp(name, "large.test") == 0) {
		reply->truncated = !query->tcp;
		if (query->tcp)
			for (int i = 0; i < 100; i++)
				dns_reply_txt(reply, name, "a-value-of-forty-three-characters-in-pieces");
	} else if (strcmp(name, "tcp-only.test") == 0) {
		reply->silent = !query->tcp;
		dns_reply_txt(reply, name, "over tcp");
	} else if (strcmp(name, "silent.test") == 0) {
		reply->silent = true;
	} else if (strcmp(name, "servfail.test") == 0) {
		reply->rcode = 2;
	} else if (strcmp(name, "refused.test") == 0) {
		reply->rcode = 5;
	} else if (strcmp(name, "chain.test") == 0) {
		/* Not in order, as some servers send them. */
		dns_reply_txt(reply, "end.test", "at the end");
		dns_reply_name(reply, "two.test", DNS_TYPE_CNAME, "end.test");
		dns_reply_name(reply, "chain.test", DNS_TYPE_CNAME, "Two.test");
	} else if (strcmp(name, "loop.test") == 0) {
		dns_reply_name(reply, "loop.test", DNS_TYPE_CNAME, "pool.test");
		dns_reply_name(reply, "pool.test", DNS_TYPE_CNAME, "loop.test");
	} else if (strcmp(name, "wrong.test") == 0) {
		dns_reply_txt(reply, "www.wrong.test", "of another name");
	} else if (strcmp(name, "host.test") == 0 && query->type == DNS_TYPE_A) {
		dns_reply_address(reply, name, "192.0.2.7");
	} else if (strcmp(name, "host.test") == 0 && query->type == DNS_TYPE_AAAA) {
		dns_reply_address(reply, name, "2001:db8::7");
	} else if (strcmp(name, "recursion.test") == 0) {
		dns_reply_txt(reply, name, query->recurse ? "desired" : "not desired");
		reply->not_authoritative = true;
	} else if (strcmp(name, "none.test") == 0) {
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "Test");
	} else {
		reply->rcode = 3;
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "test");
	}
}

static struct dns_peer *peer;
static struct dns_resolver *resolver;

static struct dns_resolver *resolver_of(const char *first, const char *second)
{
	struct str_list servers = {0};
	struct error err = {0};
	CHECK_OK(str_list_add(&servers, first, &err), err);
	if (second != NULL)
		CHECK_OK(str_list_add(&servers, second, &err), err);
	struct dns_resolver *made = dns_resolver_new(&servers, &err);
	CHECK_OK(made != NULL, err);
	str_list_done(&servers);
	return made;
}

static void start(void)
{
	peer = dns_peer_start("127.0.0.1", 0, handle, NULL);
	CHECK(peer != NULL);
	resolver = resolver_of(dns_peer_text(peer), NULL);
}

static void stop(void)
{
	dns_resolver_free(resolver);
	dns_peer_stop(peer);
}

static struct deadline soon(void)
{
	return deadline_in(20000, NULL);
}

static struct dns_answer ask(const char *name, enum dns_type type)
{
	struct dns_answer answer = {0};
	struct error err = {0};
	CHECK_OK(dns_query(resolver, name, type, soon(), &answer, &err), err);
	return answer;
}

TEST(txt_strings_are_joined_and_other_names_left_out)
{
	start();
	struct dns_answer answer = ask("txt.test", DNS_TYPE_TXT);
	CHECK_INT(answer.outcome, DNS_FOUND);
	CHECK_INT(answer.values.len, 2);
	CHECK_STR(answer.values.items[0], "a-value-of-forty-three-characters-in-pieces");
	CHECK_STR(answer.values.items[1], "second");
	CHECK(answer.authoritative && answer.alias[0] == '\0' && answer.zone[0] == '\0');
	dns_answer_done(&answer);
	answer = ask("wrong.test", DNS_TYPE_TXT);
	CHECK_INT(answer.outcome, DNS_NONE);
	dns_answer_done(&answer);
	answer = ask("TXT.Test.", DNS_TYPE_TXT);
	CHECK_INT(answer.values.len, 2);
	dns_answer_done(&answer);
	stop();
}

TEST(truncated_answer_is_asked_for_over_tcp)
{
	start();
	struct dns_answer answer = ask("large.test", DNS_TYPE_TXT);
	CHECK_INT(answer.values.len, 100);
	dns_answer_done(&answer);
	stop();
}

TEST(silence_over_udp_is_followed_by_tcp)
{
	struct dns_address address;
	struct dns_answer answer = {0};
	struct error err = {0};
	start();
	CHECK_OK(dns_address_parse(dns_peer_text(peer), 53, &address, &err), err);
	CHECK_OK(dns_query_server(&address, "tcp-only.test", DNS_TYPE_TXT, soon(), &answer, &err), err);
	CHECK_STR(answer.values.items[0], "over tcp");
	dns_answer_done(&answer);
	stop();
}

TEST(missing_names_and_types_are_answers)
{
	start();
	struct dns_answer answer = ask("nothing.test", DNS_TYPE_TXT);
	CHECK_INT(answer.outcome, DNS_NONE);
	CHECK_INT(answer.rcode, 3);
	CHECK_STR(answer.zone, "test");
	dns_answer_done(&answer);
	answer = ask("none.test", DNS_TYPE_TXT);
	CHECK_INT(answer.outcome, DNS_NONE);
	CHECK_INT(answer.rcode, 0);
	CHECK_STR(answer.zone, "test");
	dns_answer_done(&answer);
	stop();
}

TEST(refusals_are_no_answers_and_say_who)
{
	static const struct {
		const char *name, *text;
	} cases[] = {{"servfail.test", "SERVFAIL"}, {"refused.test", "REFUSED"}, {"loop.test", "circular"}};
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_answer answer = {0};
		struct error err = {0};
		int64_t before = clock_monotonic_ms();
		CHECK(!dns_query(resolver, cases[i].name, DNS_TYPE_TXT, soon(), &answer, &err));
		CHECK(clock_monotonic_ms() - before < 15000);
		CHECK_INT(err.category, ERROR_DNS);
		CHECK(err.transient);
		CHECK_CONTAINS(err.message, cases[i].text);
		CHECK_CONTAINS(err.message, dns_peer_text(peer));
		CHECK_CONTAINS(err.message, cases[i].name);
	}
	stop();
}

TEST(silence_ends_at_the_deadline)
{
	struct dns_answer answer = {0};
	struct error err = {0};
	start();
	int64_t before = clock_monotonic_ms();
	CHECK(!dns_query(resolver, "silent.test", DNS_TYPE_TXT, deadline_in(300, NULL), &answer, &err));
	int64_t took = clock_monotonic_ms() - before;
	CHECK(took >= 290 && took < 15000);
	CHECK_INT(err.category, ERROR_TIMEOUT);

	/* A single server is given up after about two seconds, whatever the deadline. */
	struct dns_address address;
	err = (struct error){0};
	CHECK_OK(dns_address_parse(dns_peer_text(peer), 53, &address, &err), err);
	before = clock_monotonic_ms();
	CHECK(!dns_query_server(&address, "silent.test", DNS_TYPE_TXT, soon(), &answer, &err));
	took = clock_monotonic_ms() - before;
	CHECK(took > 900 && took < 15000);
	CHECK_INT(err.category, ERROR_DNS);
	CHECK_CONTAINS(err.message, "does not answer");
	stop();
}

static void *cancel_later(void *arg)
{
	(void)usleep(100 * 1000);
	cancel_request(arg);
	return NULL;
}

TEST(cancellation_wakes_at_once)
{
	struct cancel cancel;
	struct dns_answer answer = {0};
	struct error err = {0};
	pthread_t thread;
	start();
	CHECK_OK(cancel_init(&cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, &cancel) == 0);
	int64_t before = clock_monotonic_ms();
	CHECK(!dns_query(resolver, "silent.test", DNS_TYPE_TXT, deadline_in(20000, &cancel), &answer, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	(void)pthread_join(thread, NULL);
	cancel_done(&cancel);
	stop();
}

TEST(cname_chain_is_followed_inside_the_answer)
{
	start();
	struct dns_answer answer = ask("chain.test", DNS_TYPE_TXT);
	CHECK_INT(answer.values.len, 1);
	CHECK_STR(answer.values.items[0], "at the end");
	CHECK_STR(answer.alias, "end.test");
	dns_answer_done(&answer);
	answer = ask("chain.test", DNS_TYPE_CNAME);
	CHECK_STR(answer.values.items[0], "two.test");
	CHECK_STR(answer.alias, "two.test");
	dns_answer_done(&answer);
	stop();
}

TEST(recursion_is_desired_of_resolvers_only)
{
	struct dns_address address;
	struct error err = {0};
	start();
	struct dns_answer answer = ask("recursion.test", DNS_TYPE_TXT);
	CHECK_STR(answer.values.items[0], "desired");
	CHECK(!answer.authoritative);
	dns_answer_done(&answer);
	CHECK_OK(dns_address_parse(dns_peer_text(peer), 53, &address, &err), err);
	CHECK_OK(dns_query_server(&address, "recursion.test", DNS_TYPE_TXT, soon(), &answer, &err), err);
	CHECK_STR(answer.values.items[0], "not desired");
	dns_answer_done(&answer);
	stop();
}

TEST(addresses_of_both_families)
{
	struct str_list list = {0};
	struct error err = {0};
	start();
	CHECK_OK(dns_addresses(resolver, "host.test", soon(), &list, &err), err);
	CHECK_INT(list.len, 2);
	CHECK_STR(list.items[0], "2001:db8::7");
	CHECK_STR(list.items[1], "192.0.2.7");
	str_list_done(&list);
	unsigned asked = dns_peer_queries(peer);
	CHECK_OK(dns_addresses(resolver, "192.0.2.9", soon(), &list, &err), err);
	CHECK_STR(list.items[0], "192.0.2.9");
	str_list_done(&list);
	CHECK_OK(dns_addresses(resolver, "2001:db8::9", soon(), &list, &err), err);
	str_list_done(&list);
	CHECK_OK(dns_addresses(resolver, "localhost", soon(), &list, &err), err);
	CHECK(str_list_has(&list, "127.0.0.1") && str_list_has(&list, "::1"));
	str_list_done(&list);
	CHECK_INT(dns_peer_queries(peer), asked);
	CHECK(!dns_addresses(resolver, "nothing.test", soon(), &list, &err));
	CHECK_CONTAINS(err.message, "nothing.test has no address");
	err = (struct error){0};
	CHECK(!dns_addresses(resolver, "-x$(y)", soon(), &list, &err));
	stop();
}

TEST(next_server_is_asked_when_one_fails)
{
	start();
	/* Port 1: nobody there. Then the good one is remembered. */
	struct dns_resolver *two = resolver_of("127.0.0.1:1", dns_peer_text(peer));
	for (int i = 0; i < 2; i++) {
		struct dns_answer answer = {0};
		struct error err = {0};
		int64_t before = clock_monotonic_ms();
		CHECK_OK(dns_query(two, "txt.test", DNS_TYPE_TXT, soon(), &answer, &err), err);
		CHECK(clock_monotonic_ms() - before < 15000);
		CHECK_INT(answer.values.len, 2);
		dns_answer_done(&answer);
	}
	dns_resolver_free(two);
	stop();
}

TEST(questions_go_side_by_side)
{
	struct dns_question questions[40] = {0};
	struct dns_address address;
	struct error err = {0};
	start();
	CHECK_OK(dns_address_parse(dns_peer_text(peer), 53, &address, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		questions[i] = (struct dns_question){.server = i % 4 == 3 ? NULL : &address,
						     .name = i % 20 == 19 ? "silent.test" : "txt.test",
						     .type = DNS_TYPE_TXT};
	questions[19].server = questions[39].server = &address;
	int64_t before = clock_monotonic_ms();
	CHECK_OK(dns_ask(resolver, questions, ARRAY_LEN(questions), soon(), &err), err);
	CHECK(clock_monotonic_ms() - before < 4000);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		CHECK_INT(questions[i].answer.outcome, i % 20 == 19 ? DNS_NO_ANSWER : DNS_FOUND);
		dns_answer_done(&questions[i].answer);
	}
	CHECK_CONTAINS(questions[19].reason, "does not answer about silent.test");
	stop();
}

TEST(server_addresses)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1:53"},
		{"192.0.2.1:5353", "192.0.2.1:5353"},
		{"2001:db8::1", "[2001:db8::1]:53"},
		{"[2001:db8::1]", "[2001:db8::1]:53"},
		{"[2001:db8::1]:5300", "[2001:db8::1]:5300"},
		{"", NULL},
		{"dns.example", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:0", NULL},
		{"192.0.2.1:65536", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]x", NULL},
		{"[2001:db8::1]:x", NULL},
		{"[]", NULL},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_address address;
		struct error err = {0};
		bool ok = dns_address_parse(cases[i].text, 53, &address, &err);
		CHECK_INT(ok, cases[i].printed != NULL);
		if (ok)
			CHECK_STR(address.text, cases[i].printed);
		else
			CHECK_INT(err.category, ERROR_USAGE);
	}
	struct error err = {0};
	struct dns_resolver *system = dns_resolver_new(NULL, &err);
	CHECK_OK(system != NULL, err);
	size_t count = 0;
	CHECK(dns_resolver_servers(system, &count) != NULL && count > 0);
	dns_resolver_free(system);
}

/* What the parser says about a whole message. */
static bool parse(const struct dns_reply *reply, const char *question, const char *name, enum dns_type type,
		  struct dns_answer *ret)
{
	unsigned char message[20000];
	struct error err = {0};
	size_t len = dns_encode(reply, 7, question, (int)type, message, sizeof(message));
	bool ok = dns_parse_message(message, len, name, type, ret, &err);
	CHECK(ok || err.category == ERROR_DATA);
	return ok;
}

TEST(parser_refuses_malformed_messages)
{
	static struct dns_reply reply;
	struct dns_answer answer = {0};
	unsigned char message[20000];
	memset(&reply, 0, sizeof(reply));
	dns_reply_txt(&reply, "a.test", "value");
	CHECK(parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer));
	dns_answer_done(&answer);
	CHECK(!parse(&reply, "b.test", "a.test", DNS_TYPE_TXT, &answer));

	/* Cut anywhere, it is never accepted. */
	size_t len = dns_encode(&reply, 7, "a.test", DNS_TYPE_TXT, message, sizeof(message));
	for (size_t cut = 0; cut < len; cut++) {
		struct error err = {0};
		CHECK(!dns_parse_message(message, cut, "a.test", DNS_TYPE_TXT, &answer, &err));
		CHECK_INT(err.category, ERROR_DATA);
	}
	/* A query is no answer. */
	message[2] &= 0x7f;
	struct error err = {0};
	CHECK(!dns_parse_message(message, len, "a.test", DNS_TYPE_TXT, &answer, &err));
	/* A name that points to itself. */
	message[2] |= 0x80;
	size_t question_len = 12 + 8 + 4;
	message[question_len] = 0xc0;
	message[question_len + 1] = (unsigned char)question_len;
	err = (struct error){0};
	CHECK(!dns_parse_message(message, len, "a.test", DNS_TYPE_TXT, &answer, &err));
}

TEST(parser_refuses_broken_records)
{
	static struct dns_reply reply;
	struct dns_answer answer = {0};
	static const unsigned char txt[] = {9, 'x'}, empty[] = {3, 'a', 0, 'b'};
	memset(&reply, 0, sizeof(reply));
	dns_reply_record(&reply, DNS_SECTION_ANSWER, "a.test", DNS_TYPE_TXT, txt, sizeof(txt));
	CHECK(!parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer));
	memset(&reply, 0, sizeof(reply));
	dns_reply_record(&reply, DNS_SECTION_ANSWER, "a.test", DNS_TYPE_A, txt, sizeof(txt));
	CHECK(!parse(&reply, "a.test", "a.test", DNS_TYPE_A, &answer));
	memset(&reply, 0, sizeof(reply));
	dns_reply_record(&reply, DNS_SECTION_ANSWER, "a.test", DNS_TYPE_CNAME, txt, sizeof(txt));
	CHECK(!parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer));

	/* A NUL inside: not cut to what stands before it. */
	memset(&reply, 0, sizeof(reply));
	dns_reply_record(&reply, DNS_SECTION_ANSWER, "a.test", DNS_TYPE_TXT, empty, sizeof(empty));
	CHECK(parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer));
	CHECK_INT(answer.outcome, DNS_NONE);
	dns_answer_done(&answer);
}

TEST(parser_limits)
{
	static struct dns_reply reply;
	static unsigned char strings[LIMIT_DNS_TXT_STRINGS + 1];
	struct dns_answer answer = {0};
	char name[32], next[32];
	for (int hops = LIMIT_DNS_CNAME_HOPS; hops <= LIMIT_DNS_CNAME_HOPS + 1; hops++) {
		memset(&reply, 0, sizeof(reply));
		for (int i = 0; i < hops; i++) {
			(void)snprintf(name, sizeof(name), "%d.test", i);
			(void)snprintf(next, sizeof(next), "%d.test", i + 1);
			dns_reply_name(&reply, name, DNS_TYPE_CNAME, next);
		}
		CHECK_INT(parse(&reply, "0.test", "0.test", DNS_TYPE_TXT, &answer), hops == LIMIT_DNS_CNAME_HOPS);
	}
	CHECK_STR(answer.alias, "8.test");
	dns_answer_done(&answer);
	for (size_t count = LIMIT_DNS_TXT_STRINGS; count <= LIMIT_DNS_TXT_STRINGS + 1; count++) {
		memset(&reply, 0, sizeof(reply));
		dns_reply_record(&reply, DNS_SECTION_ANSWER, "a.test", DNS_TYPE_TXT, strings, count);
		CHECK_INT(parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer), count == LIMIT_DNS_TXT_STRINGS);
	}
	dns_answer_done(&answer);
	memset(&reply, 0, sizeof(reply));
	reply.truncated = true;
	CHECK(parse(&reply, "a.test", "a.test", DNS_TYPE_TXT, &answer));
	CHECK_INT(answer.outcome, DNS_NO_ANSWER);
	dns_answer_done(&answer);
}

TEST_MAIN()
