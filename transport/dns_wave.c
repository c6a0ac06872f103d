/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One wave of questions over c-ares: one channel for each server, one try over UDP or over TCP, all driven by one
 * poll() loop with the run's cancellation in it.
 */
#include "transport/dns_wave.h"

#include "base/escape.h"

#include <ares.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CLASS_IN = 1,
	EDNS_SIZE = 1232, /* the largest that is never fragmented: DNS flag day 2020 */
	SOCKETS_PER_CHANNEL = 4,
	GRACE_MS = 50, /* c-ares's own timeout ends a wave; ours only if that should not come */
};

bool dns_ares_failed(int status, struct error *err)
{
	if (status == ARES_ENOMEM)
		return error_oom(err);
	return error_set(err, ERROR_INTERNAL, NULL, "c-ares cannot start: %s", ares_strerror(status));
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
static void fail(struct dns_asking *asking, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct dns_asking *asking, const char *format, ...)
{
	struct dns_question *question = asking->question;
	char text[2 * sizeof(question->reason)];
	va_list args;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	(void)escape_str(question->reason, sizeof(question->reason), text);
}

static void take_message(struct dns_asking *asking, const unsigned char *message, size_t len)
{
	struct dns_question *question = asking->question;
	const char *server = asking->server->text;
	struct error failure = {0};
	char number[32];
	dns_answer_done(&question->answer);
	question->answer.outcome = DNS_NO_ANSWER;
	if (!dns_parse_message(message, len, question->name, question->type, &question->answer, &failure))
		fail(asking, "%s about %s: %s", server, question->name, failure.message);
	else if (question->answer.outcome == DNS_NO_ANSWER)
		fail(asking, "%s answers %s about %s", server, rcode_text(question->answer.rcode, number),
		     question->name);
	else
		asking->settled = true;
}

/* Called by c-ares once per question, during ares_destroy() at the latest. */
static void on_answer(void *arg, int status, int timeouts, unsigned char *message, int len)
{
	struct dns_asking *asking = arg;
	const char *name = asking->question->name, *server = asking->server->text;
	(void)timeouts;
	if (message != NULL && len > 0) {
		take_message(asking, message, (size_t)len);
	} else if (status == ARES_ECONNREFUSED || status == ARES_ECANCELLED) {
		/* Over TCP a server that was silent over UDP may also just hang up. */
		*asking->refused = true;
		fail(asking, asking->tcp ? "%s does not answer about %s" : "%s cannot be reached about %s", server,
		     name);
	} else if (status == ARES_ETIMEOUT || status == ARES_EDESTRUCTION) {
		asking->silent = true;
		fail(asking, "%s does not answer about %s", server, name);
	} else {
		/* Refused before it was sent: a malformed name, one that RFC 7686 keeps out of the DNS, no memory. */
		fail(asking, "%s cannot be asked about %s: %s", server, name, ares_strerror(status));
	}
}

static int open_channel(const struct dns_address *server, bool recurse, const struct dns_wave *wave, ares_channel *ret)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN | ARES_FLAG_EDNS |
			 ARES_FLAG_NOCHECKRESP | (recurse ? 0 : ARES_FLAG_NORECURSE) |
			 (wave->tcp ? ARES_FLAG_USEVC : 0),
		.timeout = wave->ms,
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

struct flight {
	ares_channel *channels;
	bool *refused;         /* per channel */
	size_t *socket_counts; /* in waits, per channel */
	size_t channel_count;
	struct pollfd *waits; /* the cancellation's first */
};

static void flight_done(struct flight *flight)
{
	for (size_t i = 0; i < flight->channel_count; i++)
		ares_destroy(flight->channels[i]); /* tells open questions, so they count as not answered */
	free(flight->channels);
	free(flight->refused);
	free(flight->socket_counts);
	free(flight->waits);
}

/* One channel for each run of open questions to the same server. */
static bool start_flight(struct flight *flight, struct dns_asking *askings, size_t count, const struct dns_wave *wave,
			 struct error *err)
{
	const struct dns_asking *before = NULL;
	flight->channels = calloc(count, sizeof(ares_channel));
	flight->refused = calloc(count, sizeof(*flight->refused));
	flight->socket_counts = calloc(count, sizeof(*flight->socket_counts));
	flight->waits = calloc(count * SOCKETS_PER_CHANNEL + 1, sizeof(*flight->waits));
	if (flight->channels == NULL || flight->refused == NULL || flight->socket_counts == NULL ||
	    flight->waits == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		struct dns_asking *asking = &askings[i];
		if (asking->settled)
			continue;
		asking->silent = false;
		asking->tcp = wave->tcp;
		if (before == NULL || before->server != asking->server ||
		    before->question->recurse != asking->question->recurse) {
			int status = open_channel(asking->server, asking->question->recurse, wave,
						  &flight->channels[flight->channel_count]);
			if (status != ARES_SUCCESS)
				return dns_ares_failed(status, err);
			flight->channel_count++;
		}
		before = asking;
		asking->refused = &flight->refused[flight->channel_count - 1];
		ares_query(flight->channels[flight->channel_count - 1], asking->question->name, CLASS_IN,
			   (int)asking->question->type, on_answer, asking);
	}
	return true;
}

/* Until no channel waits for anything, or UNTIL. */
static void drive(struct flight *flight, struct deadline until)
{
	struct pollfd *cancel = &flight->waits[0];
	cancel->fd = until.cancel != NULL && until.cancel->fd > STDERR_FILENO ? until.cancel->fd : -1;
	cancel->events = POLLIN;
	for (int64_t left; (left = deadline_left_ms(until)) > 0;) {
		size_t used = 1;
		int ms = left > INT_MAX ? INT_MAX : (int)left;
		for (size_t i = 0; i < flight->channel_count; i++) {
			/* The kernel tells a closed port once per socket, not once per question. */
			if (flight->refused[i])
				ares_cancel(flight->channels[i]);
			flight->socket_counts[i] = collect_sockets(flight->channels[i], &flight->waits[used], &ms);
			used += flight->socket_counts[i];
		}
		if (used == 1)
			return;
		if (poll(flight->waits, (nfds_t)used, ms) < 0)
			continue;
		used = 1;
		for (size_t i = 0; i < flight->channel_count; i++) {
			process(flight->channels[i], &flight->waits[used], flight->socket_counts[i]);
			used += flight->socket_counts[i];
		}
	}
}

bool dns_wave_run(struct dns_asking *askings, size_t count, const struct dns_wave *wave, struct deadline deadline,
		  struct error *err)
{
	CLEANUP(flight_done) struct flight flight = {0};
	if (!start_flight(&flight, askings, count, wave, err))
		return false;
	/* Twice, since c-ares gives a truncated answer another try over TCP by itself. */
	drive(&flight, deadline_within(deadline, 2 * wave->ms + GRACE_MS));
	return true;
}
