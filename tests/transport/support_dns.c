/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS server inside the test. One thread serves both its sockets; TCP connections are short. */
#include "support_dns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct dns_peer {
	int udp, tcp, stop;
	char text[64];
	dns_peer_handler *handler;
	void *ctx;
	pthread_t thread;
	atomic_uint queries;
};

static size_t put_u16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
	return 2;
}

/* Labels, never compressed. */
static size_t put_name(unsigned char *at, const char *name)
{
	size_t len = 0;
	while (*name != '\0') {
		size_t label = strcspn(name, ".");
		at[len++] = (unsigned char)label;
		memcpy(at + len, name, label);
		len += label;
		name += label + (name[label] == '.');
	}
	at[len++] = 0;
	return len;
}

void dns_reply_record(struct dns_reply *reply, int section, const char *owner, int type, const void *data, size_t len)
{
	unsigned char *at = reply->data + reply->len;
	if (reply->len + strlen(owner) + 16 + len > sizeof(reply->data))
		abort();
	at += put_name(at, owner);
	at += put_u16(at, (unsigned)type);
	at += put_u16(at, 1);
	at += put_u16(at, 0);
	at += put_u16(at, 60);
	at += put_u16(at, (unsigned)len);
	memcpy(at, data, len);
	reply->len = (size_t)(at + len - reply->data);
	reply->counts[section]++;
}

void dns_reply_address(struct dns_reply *reply, const char *owner, const char *address)
{
	unsigned char data[16];
	bool v4 = inet_pton(AF_INET, address, data) == 1;
	if (!v4 && inet_pton(AF_INET6, address, data) != 1)
		abort();
	dns_reply_record(reply, DNS_SECTION_ANSWER, owner, v4 ? 1 : 28, data, v4 ? 4 : 16);
}

void dns_reply_name(struct dns_reply *reply, const char *owner, int type, const char *name)
{
	unsigned char data[256];
	dns_reply_record(reply, DNS_SECTION_ANSWER, owner, type, data, put_name(data, name));
}

void dns_reply_txt(struct dns_reply *reply, const char *owner, const char *text)
{
	/* In strings of 20, so that joining is always needed for a real value. */
	unsigned char data[1024];
	size_t len = 0;
	do {
		size_t piece = strnlen(text, 20);
		data[len++] = (unsigned char)piece;
		memcpy(data + len, text, piece);
		len += piece;
		text += piece;
	} while (*text != '\0');
	dns_reply_record(reply, DNS_SECTION_ANSWER, owner, 16, data, len);
}

void dns_reply_soa(struct dns_reply *reply, int section, const char *owner)
{
	unsigned char data[64] = {0};
	size_t len = put_name(data, "ns");
	len += put_name(data + len, "root");
	dns_reply_record(reply, section, owner, 6, data, len + 20);
}

size_t dns_encode(const struct dns_reply *reply, uint16_t id, const char *name, int type, unsigned char *out,
		  size_t size)
{
	unsigned char *at = out;
	unsigned flags = 0x8000U | (reply->not_authoritative ? 0U : 0x0400U) | (reply->truncated ? 0x0200U : 0U) |
			 (unsigned)reply->rcode;
	if (size < 12 + 256 + 4 + reply->len)
		abort();
	at += put_u16(at, id);
	at += put_u16(at, flags);
	at += put_u16(at, 1);
	for (int i = 0; i < 3; i++)
		at += put_u16(at, reply->counts[i]);
	at += put_name(at, name);
	at += put_u16(at, (unsigned)type);
	at += put_u16(at, 1);
	memcpy(at, reply->data, reply->len);
	return (size_t)(at + reply->len - out);
}

/* 0: no answer. */
static size_t answer(struct dns_peer *peer, const unsigned char *query, size_t len, bool tcp, unsigned char *out,
		     size_t size)
{
	static _Thread_local struct dns_reply reply;
	char name[256];
	size_t at = 12, name_len = 0;
	if (len < 17)
		return 0;
	while (at < len && query[at] != 0 && at + 1U + query[at] < len) {
		if (name_len > 0)
			name[name_len++] = '.';
		for (size_t i = 0; i < query[at]; i++)
			name[name_len++] = (char)tolower(query[at + 1 + i]);
		at += 1U + query[at];
	}
	name[name_len] = '\0';
	struct dns_peer_query parsed = {.name = name,
					.type = query[at + 1] << 8 | query[at + 2],
					.tcp = tcp,
					.recurse = (query[2] & 1) != 0,
					.count = atomic_fetch_add(&peer->queries, 1) + 1};
	memset(&reply, 0, sizeof(reply));
	peer->handler(peer->ctx, &parsed, &reply);
	if (reply.silent)
		return 0;
	return dns_encode(&reply, (uint16_t)(query[0] << 8 | query[1]), name, parsed.type, out, size);
}

static void serve_tcp(struct dns_peer *peer)
{
	unsigned char query[600], out[20000];
	struct timeval limit = {.tv_sec = 2};
	int fd = accept4(peer->tcp, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (recv(fd, query, 2, MSG_WAITALL) == 2) {
		size_t len = (size_t)(query[0] << 8 | query[1]);
		if (len > sizeof(query) || recv(fd, query, len, MSG_WAITALL) != (ssize_t)len)
			break;
		size_t out_len = answer(peer, query, len, true, out + 2, sizeof(out) - 2);
		(void)put_u16(out, (unsigned)out_len);
		if (out_len == 0 || send(fd, out, out_len + 2, MSG_NOSIGNAL) < 0)
			break;
	}
	(void)close(fd);
}

static void *serve(void *arg)
{
	struct dns_peer *peer = arg;
	struct pollfd waits[] = {{.fd = peer->stop, .events = POLLIN},
				 {.fd = peer->udp, .events = POLLIN},
				 {.fd = peer->tcp, .events = POLLIN}};
	while (poll(waits, 3, -1) >= 0 && waits[0].revents == 0) {
		unsigned char query[600], out[20000];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		if (waits[2].revents != 0)
			serve_tcp(peer);
		if (waits[1].revents == 0)
			continue;
		ssize_t len = recvfrom(peer->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &from_len);
		size_t out_len = len > 0 ? answer(peer, query, (size_t)len, false, out, sizeof(out)) : 0;
		if (out_len > 0)
			(void)sendto(peer->udp, out, out_len, 0, (struct sockaddr *)&from, from_len);
	}
	return NULL;
}

static void release(struct dns_peer *peer)
{
	(void)close(peer->udp);
	(void)close(peer->tcp);
	(void)close(peer->stop);
	free(peer);
}

/* Both sockets of PEER at WHERE, whose port is filled in where it was 0. */
static bool listen_at(struct dns_peer *peer, struct sockaddr_in *where)
{
	socklen_t len = sizeof(*where);
	int on = 1;
	peer->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	peer->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(peer->tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(peer->udp, (struct sockaddr *)where, sizeof(*where)) == 0 &&
	    getsockname(peer->udp, (struct sockaddr *)where, &len) == 0 &&
	    bind(peer->tcp, (struct sockaddr *)where, sizeof(*where)) == 0 && listen(peer->tcp, 16) == 0)
		return true;
	(void)close(peer->udp);
	(void)close(peer->tcp);
	return false;
}

struct dns_peer *dns_peer_start(const char *address, uint16_t port, dns_peer_handler *handler, void *ctx)
{
	enum { ATTEMPTS = 50 }; /* a port that is free for UDP may be somebody's for TCP */
	struct dns_peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_in where = {.sin_family = AF_INET};
	bool listening = false;
	if (peer == NULL || inet_pton(AF_INET, address, &where.sin_addr) != 1)
		abort();
	for (int i = 0; i < (port == 0 ? ATTEMPTS : 1) && !listening; i++) {
		where.sin_port = htons(port);
		listening = listen_at(peer, &where);
	}
	if (!listening) {
		free(peer);
		return NULL;
	}
	peer->handler = handler;
	peer->ctx = ctx;
	peer->stop = eventfd(0, EFD_CLOEXEC);
	(void)snprintf(peer->text, sizeof(peer->text), "%s:%u", address, (unsigned)ntohs(where.sin_port));
	if (pthread_create(&peer->thread, NULL, serve, peer) != 0)
		abort();
	return peer;
}

void dns_peer_stop(struct dns_peer *peer)
{
	static const uint64_t one = 1;
	if (peer == NULL)
		return;
	if (write(peer->stop, &one, sizeof(one)) < 0)
		abort();
	(void)pthread_join(peer->thread, NULL);
	release(peer);
}

const char *dns_peer_text(const struct dns_peer *peer)
{
	return peer->text;
}

unsigned dns_peer_queries(const struct dns_peer *peer)
{
	return atomic_load(&peer->queries);
}
