/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolvers, and the schedule of questions: whom to ask when, and for how long. The schedule is ours and not c-ares's,
 * so that an answer is attributable and a server's RCODE is seen. How one wave of questions goes out: dns_wave.c.
 */
#include "transport/dns.h"

#include "base/identifier.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/dns_wave.h"

#include <ares.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_PORT = 53, RCODE_REFUSED = 5 };

/* One server: TCP also helps where UDP is filtered, or an answer is too large for the path. */
static const struct dns_wave direct_plan[] = {{false, 1000}, {true, 1000}};

/* Each of the resolver's servers in turn: patient, since a recursive server may have to ask around first. */
static const struct dns_wave resolver_plan[] = {{false, 2000}, {false, 4000}, {true, 4000}};

struct dns_resolver {
	struct dns_address servers[LIMIT_DNS_NAMESERVERS];
	size_t count;
	atomic_size_t preferred; /* the last that answered */
};

static int library_result;

static void library_init(void)
{
	library_result = ares_library_init(ARES_LIB_INIT_ALL);
}

static bool start_library(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, library_init);
	return library_result == ARES_SUCCESS || dns_ares_failed(library_result, err);
}

/* What /etc/resolv.conf names, as c-ares reads it. */
static bool system_servers(struct dns_resolver *resolver, struct error *err)
{
	ares_channel channel = NULL;
	struct ares_addr_port_node *nodes = NULL;
	int status = ares_init(&channel);
	if (status != ARES_SUCCESS)
		return dns_ares_failed(status, err);
	status = ares_get_servers_ports(channel, &nodes);
	for (const struct ares_addr_port_node *node = nodes;
	     status == ARES_SUCCESS && node != NULL && resolver->count < LIMIT_DNS_NAMESERVERS; node = node->next) {
		char host[INET6_ADDRSTRLEN] = "";
		(void)inet_ntop(node->family, &node->addr, host, sizeof(host));
		uint16_t port = node->udp_port > 0 ? (uint16_t)node->udp_port : DNS_PORT;
		if (!dns_address_parse(host, port, &resolver->servers[resolver->count++], err))
			status = ARES_EBADSTR;
	}
	ares_free_data(nodes);
	ares_destroy(channel);
	if (status != ARES_SUCCESS)
		return dns_ares_failed(status, err);
	return resolver->count > 0 || error_set(err, ERROR_CONFIG, NULL, "the system has no DNS server configured");
}

struct dns_resolver *dns_resolver_new(const struct str_list *servers, struct error *err)
{
	CLEANUP(dns_resolver_freep) struct dns_resolver *resolver = calloc(1, sizeof(*resolver));
	size_t count = servers == NULL ? 0 : servers->len;
	if (resolver == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	if (count > LIMIT_DNS_NAMESERVERS) {
		(void)error_set(err, ERROR_USAGE, NULL, "more than %d DNS servers", LIMIT_DNS_NAMESERVERS);
		return NULL;
	}
	if (!start_library(err) || (count == 0 && !system_servers(resolver, err)))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!dns_address_parse(servers->items[i], DNS_PORT, &resolver->servers[resolver->count++], err))
			return NULL;
	return STEAL(resolver);
}

void dns_resolver_free(struct dns_resolver *resolver)
{
	free(resolver);
}

const struct dns_address *dns_resolver_servers(const struct dns_resolver *resolver, size_t *ret_count)
{
	*ret_count = resolver->count;
	return resolver->servers;
}

static size_t open_count(const struct dns_asking *askings, size_t count)
{
	size_t open = 0;
	for (size_t i = 0; i < count; i++)
		open += !askings[i].settled;
	return open;
}

static bool ask_servers(struct dns_asking *askings, size_t count, struct deadline deadline, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		askings[i].server = askings[i].question->server;
	for (size_t wave = 0; wave < ARRAY_LEN(direct_plan) && open_count(askings, count) > 0; wave++) {
		if (!dns_wave_run(askings, count, &direct_plan[wave], deadline, err) ||
		    !deadline_check(deadline, NULL, err))
			return false;
		/* A refusal is an answer, if not a useful one; so is a closed port. Silence may be a lost packet. */
		for (size_t i = 0; i < count; i++)
			askings[i].settled = askings[i].settled || !askings[i].silent;
	}
	return true;
}

static bool ask_resolver(struct dns_resolver *resolver, struct dns_asking *askings, size_t count,
			 struct deadline deadline, struct error *err)
{
	size_t first = atomic_load(&resolver->preferred);
	for (size_t wave = 0; wave < ARRAY_LEN(resolver_plan); wave++) {
		bool silence = false;
		for (size_t i = 0; i < resolver->count && open_count(askings, count) > 0; i++) {
			size_t index = (first + i) % resolver->count;
			for (size_t j = 0; j < count; j++) {
				askings[j].server = &resolver->servers[index];
				askings[j].question->recurse = true;
			}
			if (!dns_wave_run(askings, count, &resolver_plan[wave], deadline, err) ||
			    !deadline_check(deadline, NULL, err))
				return false;
			for (size_t j = 0; j < count; j++)
				silence = silence || (!askings[j].settled && askings[j].silent);
			if (open_count(askings, count) == 0)
				atomic_store(&resolver->preferred, index);
		}
		if (!silence)
			break;
	}
	return true;
}

static void trace(const struct dns_asking *askings, size_t count)
{
	static const char *const outcomes[] = {
		[DNS_FOUND] = "found", [DNS_NONE] = "none", [DNS_NO_ANSWER] = "no answer"};
	for (size_t i = 0; i < count && log_enabled(LOG_LEVEL_TRACE); i++) {
		const struct dns_question *question = askings[i].question;
		log_trace("dns %s type %d at %s: %s, %zu records", question->name, (int)question->type,
			  askings[i].server == NULL ? "-" : askings[i].server->text, outcomes[question->answer.outcome],
			  question->answer.values.len);
	}
}

bool dns_ask(struct dns_resolver *resolver, struct dns_question *questions, size_t count, struct deadline deadline,
	     struct error *err)
{
	struct dns_asking *askings AUTO_FREE = calloc(count + 1, sizeof(*askings));
	size_t direct = 0, recursive = count;
	if (askings == NULL)
		return error_oom(err);
	if (!start_library(err) || !deadline_check(deadline, NULL, err))
		return false;
	/* Those with a server from the front, the others from the back. */
	for (size_t i = 0; i < count; i++) {
		dns_answer_done(&questions[i].answer);
		questions[i].answer.outcome = DNS_NO_ANSWER;
		questions[i].reason[0] = '\0';
		askings[questions[i].server != NULL ? direct++ : --recursive].question = &questions[i];
	}
	bool done =
		(direct == 0 || ask_servers(askings, direct, deadline, err)) &&
		(recursive == count || ask_resolver(resolver, askings + recursive, count - recursive, deadline, err));
	trace(askings, count);
	return done;
}

static void question_done(struct dns_question *question)
{
	dns_answer_done(&question->answer);
}

static bool ask_one(struct dns_resolver *resolver, struct dns_question *question, struct deadline deadline,
		    struct dns_answer *ret, struct error *err)
{
	if (!dns_ask(resolver, question, 1, deadline, err))
		return false;
	if (question->answer.outcome == DNS_NO_ANSWER) {
		err->transient = err->transient || !error_is_set(err);
		err->absent = question->answer.rcode == RCODE_REFUSED; /* as a server does about zones of others */
		return error_set(err, ERROR_DNS, NULL, "%s", question->reason);
	}
	*ret = question->answer;
	question->answer = (struct dns_answer){0};
	return true;
}

bool dns_query(struct dns_resolver *resolver, const char *name, enum dns_type type, struct deadline deadline,
	       struct dns_answer *ret, struct error *err)
{
	CLEANUP(question_done) struct dns_question question = {.name = name, .type = type};
	return ask_one(resolver, &question, deadline, ret, err);
}

bool dns_query_server(const struct dns_address *address, const char *name, enum dns_type type, struct deadline deadline,
		      struct dns_answer *ret, struct error *err)
{
	CLEANUP(question_done) struct dns_question question = {.server = address, .name = name, .type = type};
	return ask_one(NULL, &question, deadline, ret, err);
}

/* An address, or "localhost" and what is below it (RFC 6761 §6.3): nobody is asked. */
static bool known_address(const char *host, struct str_list *list, bool *ret_known, struct error *err)
{
	struct dns_address address;
	struct error ignored = {0};
	*ret_known = true;
	if (dns_address_parse(host, DNS_PORT, &address, &ignored))
		return str_list_add(list, host, err);
	if (str_equal_nocase(host, "localhost") || str_ends(host, ".localhost"))
		return str_list_add(list, "::1", err) && str_list_add(list, "127.0.0.1", err);
	*ret_known = false;
	return true;
}

static bool ask_addresses(struct dns_resolver *resolver, const char *host, struct deadline deadline,
			  struct str_list *list, struct error *err)
{
	struct dns_question questions[] = {{.name = host, .type = DNS_TYPE_AAAA}, {.name = host, .type = DNS_TYPE_A}};
	const char *failure = NULL;
	bool fine = dns_ask(resolver, questions, ARRAY_LEN(questions), deadline, err);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		for (size_t j = 0; fine && j < questions[i].answer.values.len; j++)
			fine = str_list_add_once(list, questions[i].answer.values.items[j], err);
		if (questions[i].answer.outcome == DNS_NO_ANSWER)
			failure = questions[i].reason;
		dns_answer_done(&questions[i].answer);
	}
	if (!fine || list->len > 0)
		return fine;
	if (failure == NULL)
		return error_set(err, ERROR_DNS, NULL, "%s has no address", host);
	err->transient = true;
	return error_set(err, ERROR_DNS, NULL, "%s", failure);
}

bool dns_addresses(struct dns_resolver *resolver, const char *host, struct deadline deadline, struct str_list *ret,
		   struct error *err)
{
	CLEANUP(str_list_done) struct str_list list = {0};
	bool known = false;
	if (!host_is_valid(host))
		return error_set(err, ERROR_DNS, NULL, "malformed host name");
	if (!known_address(host, &list, &known, err) ||
	    (!known && !ask_addresses(resolver, host, deadline, &list, err)))
		return false;
	*ret = list;
	list = (struct str_list){0};
	return true;
}
