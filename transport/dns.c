/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions over c-ares, in waves: a wave sends every open question once to one server each, over UDP or over TCP, with
 * one channel per server, and ends when all are answered or its time is up. The schedule of waves is ours, not
 * c-ares's, so that an answer is attributable and a server's RCODE is seen.
 */
#include "transport/dns.h"

#include "base/escape.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "base/log.h"

#include <ares.h>
#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CLASS_IN = 1,
	DNS_PORT = 53,
	EDNS_SIZE = 1232, /* the largest that is never fragmented: DNS flag day 2020 */
	SOCKETS_PER_CHANNEL = 4,
	GRACE_MS = 50, /* c-ares's own timeout ends a wave; ours only if that should not come */
};

struct wave_plan {
	bool tcp;
	int ms;
};

/* One server: TCP also helps where UDP is filtered, or an answer is too large for the path. */
static const struct wave_plan direct_plan[] = {{false, 1000}, {true, 1000}};

/* Each of the resolver's servers in turn: patient, since a recursive server may have to ask around first. */
static const struct wave_plan resolver_plan[] = {{false, 2000}, {false, 4000}, {true, 4000}};

struct dns_resolver {
	struct dns_address servers[LIMIT_DNS_NAMESERVERS];
	size_t count;
	atomic_size_t preferred; /* the last that answered */
};

/* A question on its way. */
struct asking {
	struct dns_question *question;
	const struct dns_address *server; /* in this wave */
	bool settled;                     /* no need to ask again */
	bool answered;                    /* something came back in this wave */
	bool timed_out;
};

static void set_text(struct dns_address *address)
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->addr;
	bool is_v4 = address->addr.ss_family == AF_INET;
	(void)inet_ntop(address->addr.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, host,
			sizeof(host));
	(void)snprintf(address->text, sizeof(address->text), is_v4 ? "%s:%u" : "[%s]:%u", host,
		       (unsigned)ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static bool set_address(struct dns_address *ret, int family, const char *host, uint16_t port)
{
	struct dns_address address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.addr;
	if (inet_pton(family, host, family == AF_INET ? (void *)&v4->sin_addr : &v6->sin6_addr) != 1)
		return false;
	if (family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		address.len = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		address.len = sizeof(*v6);
	}
	set_text(&address);
	*ret = address;
	return true;
}

bool dns_address_parse(const char *text, uint16_t port, struct dns_address *ret, struct error *err)
{
	char host[INET6_ADDRSTRLEN + 1] = "", safe[128];
	const char *port_text = NULL, *close = strchr(text, ']');
	size_t host_len = strlen(text), colons = 0;
	uint64_t number = port;
	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	if (text[0] == '[' && close != NULL) {
		host_len = (size_t)(close - text) - 1;
		port_text = close[1] == ':' ? close + 2 : NULL;
		if (port_text == NULL && close[1] != '\0')
			host_len = sizeof(host);
		text++;
	} else if (colons == 1) {
		host_len = (size_t)(strchr(text, ':') - text);
		port_text = text + host_len + 1;
	}
	if (host_len < sizeof(host))
		memcpy(host, text, host_len);
	if ((port_text == NULL || (parse_u64(port_text, strlen(port_text), UINT16_MAX, &number) && number > 0)) &&
	    (set_address(ret, AF_INET, host, (uint16_t)number) || set_address(ret, AF_INET6, host, (uint16_t)number)))
		return true;
	error_hint(err, "write ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT");
	return error_set(err, ERROR_USAGE, NULL, "\"%s\" is not the address of a DNS server",
			 escape_str(safe, sizeof(safe), text));
}

static int library_result;

static void library_init(void)
{
	library_result = ares_library_init(ARES_LIB_INIT_ALL);
}

static bool ares_failed(int status, struct error *err)
{
	if (status == ARES_ENOMEM)
		return error_oom(err);
	return error_set(err, ERROR_INTERNAL, NULL, "c-ares cannot start: %s", ares_strerror(status));
}

static bool start_library(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, library_init);
	return library_result == ARES_SUCCESS || ares_failed(library_result, err);
}

/* What /etc/resolv.conf names, as c-ares reads it. */
static bool system_servers(struct dns_resolver *resolver, struct error *err)
{
	ares_channel channel = NULL;
	struct ares_addr_port_node *nodes = NULL;
	int status = ares_init(&channel);
	if (status != ARES_SUCCESS)
		return ares_failed(status, err);
	status = ares_get_servers_ports(channel, &nodes);
	for (const struct ares_addr_port_node *node = nodes;
	     status == ARES_SUCCESS && node != NULL && resolver->count < LIMIT_DNS_NAMESERVERS; node = node->next) {
		char host[INET6_ADDRSTRLEN] = "";
		(void)inet_ntop(node->family, &node->addr, host, sizeof(host));
		uint16_t port = node->udp_port > 0 ? (uint16_t)node->udp_port : DNS_PORT;
		if (set_address(&resolver->servers[resolver->count], node->family, host, port))
			resolver->count++;
	}
	ares_free_data(nodes);
	ares_destroy(channel);
	if (status != ARES_SUCCESS)
		return ares_failed(status, err);
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

static const char *rcode_text(int rcode, char out[32])
{
	static const char *const names[] = {
		[0] = "a truncated answer", [1] = "FORMERR", [2] = "SERVFAIL", [4] = "NOTIMP", [5] = "REFUSED",
	};
	if (rcode >= 0 && (size_t)rcode < ARRAY_LEN(names) && names[rcode] != NULL)
		return names[rcode];
	(void)snprintf(out, 32, "RCODE %d", rcode);
	return out;
}

/* The last word is kept: a later wave knows better than an earlier one. */
static struct error *fail(struct asking *asking)
{
	struct error *err = &asking->question->error;
	error_clear(err);
	err->transient = true;
	return err;
}

static void take_message(struct asking *asking, const unsigned char *message, size_t len)
{
	struct dns_question *question = asking->question;
	const char *server = asking->server->text;
	struct error failure = {0};
	char number[32];
	asking->answered = true;
	dns_answer_done(&question->answer);
	question->answer.outcome = DNS_NO_ANSWER;
	if (!dns_parse_message(message, len, question->name, question->type, &question->answer, &failure)) {
		(void)error_set(fail(asking), ERROR_DNS, NULL, "%s about %s: %s", server, question->name,
				failure.message);
	} else if (question->answer.outcome == DNS_NO_ANSWER) {
		(void)error_set(fail(asking), ERROR_DNS, NULL, "%s answers %s about %s", server,
				rcode_text(question->answer.rcode, number), question->name);
	} else {
		asking->settled = true;
		error_clear(&question->error);
	}
}

/* Called by c-ares once per question, during ares_destroy() at the latest. */
static void on_answer(void *arg, int status, int timeouts, unsigned char *message, int len)
{
	struct asking *asking = arg;
	struct dns_question *question = asking->question;
	(void)timeouts;
	if (message != NULL && len > 0) {
		take_message(asking, message, (size_t)len);
	} else if (status == ARES_ENOMEM) {
		(void)error_oom(fail(asking));
	} else if (status == ARES_EBADNAME || status == ARES_ENOTFOUND) {
		/* Refused before it was sent: a malformed name, or one that RFC 7686 keeps out of the DNS. */
		asking->answered = true;
		(void)error_set(fail(asking), ERROR_DNS, NULL, "%s cannot be looked up in the DNS", question->name);
	} else if (status == ARES_ECONNREFUSED) {
		(void)error_set(fail(asking), ERROR_DNS, NULL, "%s cannot be reached about %s", asking->server->text,
				question->name);
	} else {
		asking->timed_out = true;
		(void)error_set(fail(asking), ERROR_DNS, NULL, "%s does not answer about %s", asking->server->text,
				question->name);
	}
}

static int open_channel(const struct dns_address *server, bool recurse, const struct wave_plan *plan, ares_channel *ret)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN | ARES_FLAG_EDNS |
			 ARES_FLAG_NOCHECKRESP | (recurse ? 0 : ARES_FLAG_NORECURSE) |
			 (plan->tcp ? ARES_FLAG_USEVC : 0),
		.timeout = plan->ms,
		.tries = 1,
		.ednspsz = EDNS_SIZE,
	};
	struct ares_addr_port_node node = {.family = server->addr.ss_family};
	ares_channel channel = NULL;
	int status = ares_init_options(&channel, &options,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ);
	if (status != ARES_SUCCESS)
		return status;
	if (node.family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&server->addr;
		memcpy(&node.addr.addr4, &v4->sin_addr, sizeof(node.addr.addr4));
		node.udp_port = node.tcp_port = ntohs(v4->sin_port);
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&server->addr;
		memcpy(&node.addr.addr6, &v6->sin6_addr, sizeof(node.addr.addr6));
		node.udp_port = node.tcp_port = ntohs(v6->sin6_port);
	}
	status = ares_set_servers_ports(channel, &node);
	if (status == ARES_SUCCESS)
		*ret = channel;
	else
		ares_destroy(channel);
	return status;
}

/* The sockets of CHANNEL into WAITS; shortens *MS to when it next wants to be called. Returns how many; 0: idle. */
static size_t collect_sockets(ares_channel channel, struct pollfd *waits, int *ms)
{
	ares_socket_t sockets[SOCKETS_PER_CHANNEL] = {0};
	struct timeval next = {0};
	size_t count = 0;
	int bits = ares_getsock(channel, sockets, SOCKETS_PER_CHANNEL);
	for (unsigned i = 0; i < SOCKETS_PER_CHANNEL; i++) {
		unsigned readable = ARES_GETSOCK_READABLE((unsigned)bits, i);
		unsigned writable = ARES_GETSOCK_WRITABLE((unsigned)bits, i);
		if (readable == 0 && writable == 0)
			break;
		waits[count].fd = sockets[i];
		waits[count].revents = 0;
		waits[count++].events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
	}
	if (ares_timeout(channel, NULL, &next) != NULL) {
		int64_t next_ms = (int64_t)next.tv_sec * 1000 + next.tv_usec / 1000 + 1;
		if (next_ms < *ms)
			*ms = (int)next_ms;
	}
	return count;
}

static void process(ares_channel channel, const struct pollfd *waits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool failed = (waits[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
		bool readable = (waits[i].events & POLLIN) != 0 && (failed || (waits[i].revents & POLLIN) != 0);
		bool writable = (waits[i].events & POLLOUT) != 0 && (failed || (waits[i].revents & POLLOUT) != 0);
		if (readable || writable)
			ares_process_fd(channel, readable ? waits[i].fd : ARES_SOCKET_BAD,
					writable ? waits[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
}

struct wave {
	ares_channel *channels;
	size_t *socket_counts; /* in waits, per channel */
	size_t channel_count;
	struct pollfd *waits; /* the cancellation's first */
};

static void wave_done(struct wave *wave)
{
	for (size_t i = 0; i < wave->channel_count; i++)
		ares_destroy(wave->channels[i]); /* tells open questions, so they count as not answered */
	free(wave->channels);
	free(wave->socket_counts);
	free(wave->waits);
}

/* One channel for each run of open questions to the same server. */
static bool start_wave(struct wave *wave, struct asking *askings, size_t count, const struct wave_plan *plan,
		       struct error *err)
{
	const struct asking *before = NULL;
	wave->channels = calloc(count, sizeof(ares_channel));
	wave->socket_counts = calloc(count, sizeof(*wave->socket_counts));
	wave->waits = calloc(count * SOCKETS_PER_CHANNEL + 1, sizeof(*wave->waits));
	if (wave->channels == NULL || wave->socket_counts == NULL || wave->waits == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		struct asking *asking = &askings[i];
		if (asking->settled)
			continue;
		asking->answered = asking->timed_out = false;
		if (before == NULL || before->server != asking->server ||
		    before->question->recurse != asking->question->recurse) {
			int status = open_channel(asking->server, asking->question->recurse, plan,
						  &wave->channels[wave->channel_count]);
			if (status != ARES_SUCCESS)
				return ares_failed(status, err);
			wave->channel_count++;
		}
		before = asking;
		ares_query(wave->channels[wave->channel_count - 1], asking->question->name, CLASS_IN,
			   (int)asking->question->type, on_answer, asking);
	}
	return true;
}

/* Until no channel waits for anything, or UNTIL. */
static void drive(struct wave *wave, struct deadline until)
{
	struct pollfd *cancel = &wave->waits[0];
	cancel->fd = until.cancel != NULL && until.cancel->fd > STDERR_FILENO ? until.cancel->fd : -1;
	cancel->events = POLLIN;
	for (int64_t left; (left = deadline_left_ms(until)) > 0;) {
		size_t used = 1;
		int ms = left > INT_MAX ? INT_MAX : (int)left;
		for (size_t i = 0; i < wave->channel_count; i++) {
			wave->socket_counts[i] = collect_sockets(wave->channels[i], &wave->waits[used], &ms);
			used += wave->socket_counts[i];
		}
		if (used == 1)
			return;
		if (poll(wave->waits, (nfds_t)used, ms) < 0)
			continue;
		used = 1;
		for (size_t i = 0; i < wave->channel_count; i++) {
			process(wave->channels[i], &wave->waits[used], wave->socket_counts[i]);
			used += wave->socket_counts[i];
		}
	}
}

static bool run_wave(struct asking *askings, size_t count, const struct wave_plan *plan, struct deadline deadline,
		     struct error *err)
{
	CLEANUP(wave_done) struct wave wave = {0};
	if (!start_wave(&wave, askings, count, plan, err))
		return false;
	/* Twice, since c-ares gives a truncated answer another try over TCP by itself. */
	drive(&wave, deadline_within(deadline, 2 * plan->ms + GRACE_MS));
	return true;
}

static size_t open_count(const struct asking *askings, size_t count)
{
	size_t open = 0;
	for (size_t i = 0; i < count; i++)
		open += !askings[i].settled;
	return open;
}

static bool ask_servers(struct asking *askings, size_t count, struct deadline deadline, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		askings[i].server = askings[i].question->server;
	for (size_t wave = 0; wave < ARRAY_LEN(direct_plan) && open_count(askings, count) > 0; wave++) {
		if (!run_wave(askings, count, &direct_plan[wave], deadline, err) ||
		    !deadline_check(deadline, NULL, err))
			return false;
		/* A refusal is an answer, if not a useful one; so is a closed port. Silence may be a lost packet. */
		for (size_t i = 0; i < count; i++)
			askings[i].settled = askings[i].settled || !askings[i].timed_out;
	}
	return true;
}

static bool ask_resolver(struct dns_resolver *resolver, struct asking *askings, size_t count, struct deadline deadline,
			 struct error *err)
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
			if (!run_wave(askings, count, &resolver_plan[wave], deadline, err) ||
			    !deadline_check(deadline, NULL, err))
				return false;
			for (size_t j = 0; j < count; j++)
				silence = silence || (!askings[j].settled && askings[j].timed_out);
			if (open_count(askings, count) == 0)
				atomic_store(&resolver->preferred, index);
		}
		if (!silence)
			break;
	}
	return true;
}

static void trace(const struct asking *askings, size_t count)
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
	struct asking *askings AUTO_FREE = calloc(count + 1, sizeof(*askings));
	size_t direct = 0, recursive = count;
	if (askings == NULL)
		return error_oom(err);
	if (!start_library(err) || !deadline_check(deadline, NULL, err))
		return false;
	/* Those with a server from the front, the others from the back. */
	for (size_t i = 0; i < count; i++) {
		dns_answer_done(&questions[i].answer);
		questions[i].answer.outcome = DNS_NO_ANSWER;
		error_clear(&questions[i].error);
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
		if (!error_is_set(err))
			*err = question->error;
		return false;
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
	*ret_known = true;
	if (set_address(&address, AF_INET, host, 0) || set_address(&address, AF_INET6, host, 0))
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
	struct error *failure = NULL;
	bool fine = dns_ask(resolver, questions, ARRAY_LEN(questions), deadline, err);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		for (size_t j = 0; fine && j < questions[i].answer.values.len; j++)
			fine = str_list_add_once(list, questions[i].answer.values.items[j], err);
		if (questions[i].answer.outcome == DNS_NO_ANSWER)
			failure = &questions[i].error;
		dns_answer_done(&questions[i].answer);
	}
	if (!fine || list->len > 0)
		return fine;
	if (failure != NULL && !error_is_set(err))
		*err = *failure;
	return error_set(err, ERROR_DNS, NULL, "%s has no address", host);
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
	str_list_done(ret);
	*ret = list;
	list = (struct str_list){0};
	return true;
}
