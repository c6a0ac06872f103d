/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones and the wait for publication. The authoritative servers listen on port 53 of addresses of 127.0.0.0/8, which
 * takes the privilege to bind there: those tests say so and are passed over without it.
 */
#include "transport/dns_zone.h"

#include "base/limits.h"
#include "support_dns.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char ns1[] = "127.77.0.1", ns2[] = "127.77.0.2", dead[] = "127.77.0.3";
static const char name[] = "_acme-challenge.www.zone.test", value[] = "the-value-that-is-expected-to-be-seen-there";

/* The recursive server: delegation of zone.test as DELEGATION says, everything else as the lab has it. */
struct lab {
	const char *const *servers; /* addresses of ns0.zone.test, ns1.zone.test, …; NULL: no NS records */
	atomic_int shows;           /* the resolver itself has the TXT record */
};

static void resolve(void *ctx, const struct dns_peer_query *query, struct dns_reply *reply)
{
	struct lab *lab = ctx;
	char server[32];
	if (strcmp(query->name, "alias.test") == 0 || strcmp(query->name, "hop.test") == 0) {
		if (query->type == DNS_TYPE_CNAME)
			dns_reply_name(reply, query->name, DNS_TYPE_CNAME,
				       query->name[0] == 'a' ? "hop.test" : "end.test");
	} else if (strcmp(query->name, "ring.test") == 0 || strcmp(query->name, "gnir.test") == 0) {
		dns_reply_name(reply, query->name, DNS_TYPE_CNAME, query->name[0] == 'r' ? "gnir.test" : "ring.test");
	} else if (query->name[0] == 'l' && query->name[1] >= '0' && query->name[1] <= '9') {
		(void)snprintf(server, sizeof(server), "l%c.test", query->name[1] + 1);
		if (query->name[1] < '9')
			dns_reply_name(reply, query->name, DNS_TYPE_CNAME, server);
	} else if (strstr(query->name, ".wild.test") != NULL || strcmp(query->name, "made.one.test") == 0) {
		if (query->type == DNS_TYPE_CNAME)
			dns_reply_name(reply, query->name, DNS_TYPE_CNAME, "end.test");
	} else if (strcmp(query->name, "elsewhere.zone.test") == 0 && query->type == DNS_TYPE_SOA) {
		dns_reply_name(reply, query->name, DNS_TYPE_CNAME, "x.other.test");
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "other.test");
	} else if (strcmp(query->name, "lost.zone.test") == 0) {
		reply->rcode = 2;
	} else if (strcmp(query->name, "zone.test") == 0 && query->type == DNS_TYPE_NS && lab->servers != NULL) {
		for (int i = 0; lab->servers[i] != NULL; i++) {
			(void)snprintf(server, sizeof(server), "ns%d.zone.test", i);
			dns_reply_name(reply, query->name, DNS_TYPE_NS, server);
		}
	} else if (strncmp(query->name, "ns", 2) == 0 && query->type == DNS_TYPE_A) {
		dns_reply_address(reply, query->name, lab->servers[query->name[2] - '0']);
	} else if (query->type == DNS_TYPE_TXT && atomic_load(&lab->shows)) {
		dns_reply_txt(reply, query->name, "beside");
		dns_reply_txt(reply, query->name, value);
		reply->not_authoritative = true;
	} else if (strstr(query->name, "zone.test") != NULL) {
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "zone.test");
	} else {
		/* As small laboratory servers do: an SOA that has nothing to do with the question. */
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "laboratory.invalid");
	}
}

static struct lab lab;
static struct dns_peer *recursive;
static struct dns_resolver *resolver;

static void start(const char *const *servers)
{
	struct str_list list = {0};
	struct error err = {0};
	lab.servers = servers;
	atomic_store(&lab.shows, 0);
	recursive = dns_peer_start("127.0.0.1", 0, resolve, &lab);
	CHECK(recursive != NULL);
	CHECK_OK(str_list_add(&list, dns_peer_text(recursive), &err), err);
	resolver = dns_resolver_new(&list, &err);
	CHECK_OK(resolver != NULL, err);
	str_list_done(&list);
}

static void stop(void)
{
	dns_resolver_free(resolver);
	dns_peer_stop(recursive);
}

static struct deadline soon(void)
{
	return deadline_in(20000, NULL);
}

/* Where FROM alone leads. */
static bool follow(const char *from, char (*ret)[256], struct error *err)
{
	return dns_follow_aliases(resolver, &from, 1, soon(), ret, err);
}

TEST(aliases_are_followed)
{
	char target[1][256] = {""};
	struct error err = {0};
	start(NULL);
	CHECK_OK(follow("alias.test", target, &err), err);
	CHECK_STR(target[0], "end.test");
	CHECK_OK(follow("plain.test.", target, &err), err);
	CHECK_STR(target[0], "plain.test");
	CHECK(!follow("ring.test", target, &err));
	CHECK_INT(err.category, ERROR_DNS);
	CHECK_CONTAINS(err.message, "circle");
	/* l1 to l9: eight hops; l0 to l9: nine. */
	err = (struct error){0};
	CHECK_OK(follow("l1.test", target, &err), err);
	CHECK_STR(target[0], "l9.test");
	CHECK(!follow("l0.test", target, &err));
	CHECK_CONTAINS(err.message, "more than 8");
	err = (struct error){0};
	CHECK(!follow("lost.zone.test", target, &err));
	CHECK_CONTAINS(err.message, "SERVFAIL");
	CHECK_STR(target[0], "l9.test");
	stop();
}

/* More than go out at once, and some sooner at their end than others. */
TEST(many_aliases_are_followed_side_by_side)
{
	static const char *const kinds[] = {"alias.test", "plain.test", "l1.test", "l5.test"};
	static const char *const ends[] = {"end.test", "plain.test", "l9.test", "l9.test"};
	static char targets[200][256];
	const char *names[200];
	struct error err = {0};
	start(NULL);
	for (size_t i = 0; i < 200; i++)
		names[i] = kinds[i % 4];
	CHECK_OK(dns_follow_aliases(resolver, names, 200, soon(), targets, &err), err);
	for (size_t i = 0; i < 200; i++)
		CHECK_STR(targets[i], ends[i % 4]);
	/* One that leads nowhere fails all of them, and is named. */
	names[77] = "ring.test";
	CHECK(!dns_follow_aliases(resolver, names, 200, soon(), targets, &err));
	CHECK_CONTAINS(err.message, "ring.test");
	err = (struct error){0};
	CHECK_OK(dns_follow_aliases(resolver, names, 0, soon(), targets, &err), err);
	stop();
}

TEST(a_wildcards_alias_is_told_from_one_that_was_made)
{
	start(NULL);
	CHECK(dns_alias_is_wildcard(resolver, "_acme-challenge.wild.test", "end.test", soon()));
	CHECK(!dns_alias_is_wildcard(resolver, "_acme-challenge.wild.test", "other.test", soon()));
	CHECK(!dns_alias_is_wildcard(resolver, "made.one.test", "end.test", soon()));
	CHECK(!dns_alias_is_wildcard(resolver, "plain.test", "plain.test", soon()));
	CHECK(!dns_alias_is_wildcard(resolver, "test", "end.test", soon()));
	stop();
}

TEST(zones_are_found_by_their_soa)
{
	/* The SOA of a CNAME's target is not the name's. */
	static const char *const names[] = {name, "elsewhere.zone.test", "a.b.example", "lost.zone.test"};
	char zones[4][256] = {"", "", "left", "left"};
	struct error err = {0};
	start(NULL);
	CHECK_OK(dns_find_zones(resolver, names, 4, soon(), zones, &err), err);
	CHECK_STR(zones[0], "zone.test");
	CHECK_STR(zones[1], "zone.test");
	CHECK_STR(zones[2], "");
	CHECK_STR(zones[3], "");
	stop();
	CHECK(dns_name_is_within("a.zone.test", "zone.test") && dns_name_is_within("Zone.test", "zone.Test"));
	CHECK(!dns_name_is_within("azone.test", "zone.test") && !dns_name_is_within("test", "zone.test"));
	CHECK(!dns_name_is_within("test", "") && !dns_name_is_within("test", "."));
}

/* An authoritative server. */
struct authority {
	unsigned shows_after; /* queries */
	bool lame;            /* answers like a server that does not know the zone */
	bool refuses;
	bool silent;
};

static void answer(void *ctx, const struct dns_peer_query *query, struct dns_reply *reply)
{
	const struct authority *authority = ctx;
	reply->silent = authority->silent;
	reply->rcode = authority->refuses ? 5 : 0;
	reply->not_authoritative = authority->lame;
	if (authority->lame || authority->refuses || query->type != DNS_TYPE_TXT)
		return;
	if (query->count > authority->shows_after) {
		dns_reply_txt(reply, query->name, "somebody-else's");
		dns_reply_txt(reply, query->name, value);
	} else {
		reply->rcode = 3;
		dns_reply_soa(reply, DNS_SECTION_AUTHORITY, "zone.test");
	}
}

static struct dns_peer *authority_start(const char *address, struct authority *authority)
{
	struct dns_peer *peer = dns_peer_start(address, 53, answer, authority);
	if (peer == NULL)
		printf("passed over: port 53 of %s cannot be bound here\n", address);
	return peer;
}

struct seen {
	size_t calls, ready, total;
	char troubles[1024]; /* of the last round */
};

static void see(void *ctx, const struct dns_server_state *servers, size_t count)
{
	struct seen *seen = ctx;
	seen->calls++;
	seen->ready = 0;
	seen->total = count;
	seen->troubles[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		seen->ready += servers[i].ready;
		CHECK(servers[i].ready == (servers[i].trouble[0] == '\0'));
		(void)strncat(seen->troubles, servers[i].trouble, sizeof(seen->troubles) - strlen(seen->troubles) - 1);
	}
}

static bool wait_for(int64_t ms, struct seen *seen, struct error *err)
{
	/* The name twice: apex and wildcard share it. */
	const struct dns_expectation expectations[] = {{.name = name, .value = value}, {.name = name, .value = value}};
	*seen = (struct seen){0};
	return dns_wait_published(resolver, expectations, 2, deadline_in(ms, NULL), see, seen, err);
}

TEST(every_authoritative_server_must_show_the_value)
{
	static const char *const servers[] = {ns1, ns2, NULL};
	struct authority fast = {0}, lagging = {.shows_after = 2};
	struct seen seen;
	struct error err = {0};
	struct dns_peer *one = authority_start(ns1, &fast), *two = authority_start(ns2, &lagging);
	if (one != NULL && two != NULL) {
		start(servers);
		int64_t before = clock_monotonic_ms();
		CHECK_OK(wait_for(20000, &seen, &err), err);
		int64_t took = clock_monotonic_ms() - before;
		CHECK(took >= 1400 && took < 15000); /* rounds at 0, 0.5 and 1.5 s */
		CHECK_INT(seen.calls, 3);
		CHECK(seen.ready == 2 && seen.total == 2);
		CHECK_INT(dns_peer_queries(one), 1);
		stop();
	}
	dns_peer_stop(one);
	dns_peer_stop(two);
}

TEST(first_round_is_immediate)
{
	static const char *const servers[] = {ns1, NULL};
	struct authority fast = {0};
	struct seen seen;
	struct error err = {0};
	struct dns_peer *one = authority_start(ns1, &fast);
	if (one != NULL) {
		/* A busy machine may be slow some of the times. */
		bool immediate = false;
		for (int i = 0; i < 5 && !immediate; i++) {
			start(servers);
			int64_t before = clock_monotonic_ms();
			CHECK_OK(wait_for(20000, &seen, &err), err);
			immediate = clock_monotonic_ms() - before < 400;
			stop();
		}
		CHECK(immediate);
	}
	dns_peer_stop(one);
}

TEST(unreachable_lame_and_silent_servers_are_done_without)
{
	static const char *const servers[] = {ns1, ns2, dead, NULL};
	struct authority fast = {0};
	struct authority bad[] = {{.lame = true}, {.refuses = true}, {.silent = true}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct seen seen;
		struct error err = {0};
		struct dns_peer *one = authority_start(ns1, &fast), *two = authority_start(ns2, &bad[i]);
		if (one != NULL && two != NULL) {
			start(servers);
			int64_t before = clock_monotonic_ms();
			CHECK_OK(wait_for(20000, &seen, &err), err);
			CHECK(clock_monotonic_ms() - before < 15000);
			CHECK_INT(seen.calls, 2);
			CHECK(seen.ready == 1 && seen.total == 3);
			CHECK_CONTAINS(seen.troubles, "127.77.0.2");
			CHECK_CONTAINS(seen.troubles, "127.77.0.3");
			stop();
		}
		dns_peer_stop(one);
		dns_peer_stop(two);
	}
}

TEST(timeout_names_server_and_value)
{
	static const char *const servers[] = {ns1, ns2, NULL};
	struct authority fast = {0}, never = {.shows_after = 1000000};
	struct seen seen;
	struct error err = {0};
	struct dns_peer *one = authority_start(ns1, &fast), *two = authority_start(ns2, &never);
	if (one != NULL && two != NULL) {
		start(servers);
		CHECK(!wait_for(3000, &seen, &err));
		CHECK_INT(err.category, ERROR_DNS);
		CHECK(err.transient);
		CHECK_CONTAINS(err.message, "ns1.zone.test (127.77.0.2:53) does not show the value");
		CHECK_CONTAINS(err.message, value);
		CHECK_CONTAINS(err.message, name);
		CHECK(err.hint[0] != '\0');
		stop();
	}
	dns_peer_stop(one);
	dns_peer_stop(two);
}

TEST(laboratory_without_delegation_asks_the_resolver)
{
	static const char *const nobody[] = {dead, NULL};
	static const char *const *const labs[] = {NULL, nobody};
	for (size_t i = 0; i < ARRAY_LEN(labs); i++) {
		struct seen seen;
		struct error err = {0};
		start(labs[i]);
		atomic_store(&lab.shows, 1);
		int64_t before = clock_monotonic_ms();
		CHECK_OK(wait_for(20000, &seen, &err), err);
		CHECK(clock_monotonic_ms() - before < 15000);
		CHECK(seen.calls == 1 && seen.ready == 1 && seen.total == 1);

		/* No SOA of its own either. */
		const struct dns_expectation other[] = {{.name = "_acme-challenge.example", .value = value}};
		CHECK_OK(dns_wait_published(resolver, other, 1, soon(), NULL, NULL, &err), err);
		atomic_store(&lab.shows, 0);
		CHECK(!wait_for(300, &seen, &err));
		CHECK_INT(err.category, ERROR_DNS);
		CHECK_CONTAINS(err.message, dns_peer_text(recursive));
		stop();
	}
}

struct look {
	size_t asked, most;
	bool fits;
};

static bool look_at(void *ctx, const struct str_list *values)
{
	struct look *look = ctx;
	look->asked++;
	if (values->len > look->most)
		look->most = values->len;
	return look->fits;
}

static bool check(struct look *look, bool *ret_published, struct error *err)
{
	struct look second = {.fits = true};
	const struct dns_expectation expectations[] = {
		{.name = name, .fits = look_at, .ctx = look},
		{.name = name, .fits = look_at, .ctx = &second},
	};
	bool ok = dns_check_published(resolver, expectations, 2, soon(), ret_published, err);
	/* Each expectation sees what each server shows, whatever became of the others. */
	CHECK_INT(second.asked, look->asked);
	return ok;
}

TEST(what_stands_is_looked_at_once)
{
	static const char *const servers[] = {ns1, ns2, dead, NULL};
	struct authority fast = {0}, never = {.shows_after = 1000000};
	struct dns_peer *one = authority_start(ns1, &fast), *two = authority_start(ns2, &never);
	if (one != NULL && two != NULL) {
		struct look look = {.fits = true};
		struct error err = {0};
		bool published = false;
		start(servers);
		/* Two of three answer, which is enough; each is asked once. */
		CHECK_OK(check(&look, &published, &err), err);
		CHECK(published && look.asked == 2 && look.most == 2);
		CHECK_INT(dns_peer_queries(one), 1);
		look = (struct look){.fits = false};
		CHECK_OK(check(&look, &published, &err), err);
		CHECK(!published && look.asked == 2);
		stop();
	}
	dns_peer_stop(one);
	dns_peer_stop(two);
}

TEST(what_stands_where_nobody_answers)
{
	struct look look = {.fits = true};
	struct error err = {0};
	bool published = false;
	start(NULL);
	atomic_store(&lab.shows, 1);
	CHECK_OK(check(&look, &published, &err), err);
	CHECK(published && look.asked == 1 && look.most == 2);
	dns_peer_stop(recursive);
	recursive = NULL;
	look = (struct look){.fits = true};
	CHECK(!check(&look, &published, &err));
	CHECK_INT(err.category, ERROR_DNS);
	CHECK(err.transient && look.asked == 0);
	CHECK_CONTAINS(err.message, "cannot read the TXT records");
	stop();
}

static void *cancel_later(void *arg)
{
	(void)usleep(100 * 1000);
	cancel_request(arg);
	return NULL;
}

TEST(cancellation_ends_the_wait)
{
	const struct dns_expectation expectation = {.name = name, .value = value};
	struct cancel cancel;
	struct error err = {0};
	pthread_t thread;
	start(NULL);
	CHECK_OK(cancel_init(&cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, &cancel) == 0);
	int64_t before = clock_monotonic_ms();
	CHECK(!dns_wait_published(resolver, &expectation, 1, deadline_in(20000, &cancel), NULL, NULL, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	(void)pthread_join(thread, NULL);
	cancel_done(&cancel);
	stop();
}

TEST_MAIN()
