/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS server inside the test, UDP and TCP, with an encoder of its own; a handler decides every answer. */
#ifndef TESTS_TRANSPORT_SUPPORT_DNS_H
#define TESTS_TRANSPORT_SUPPORT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DNS_SECTION_ANSWER, DNS_SECTION_AUTHORITY, DNS_SECTION_ADDITIONAL };

struct dns_reply {
	unsigned char data[16384];
	size_t len;
	uint16_t counts[3];
	int rcode;
	bool not_authoritative;
	bool truncated;
	bool silent; /* no answer at all */
};

/* Append a record; sections must be filled in order. */
void dns_reply_record(struct dns_reply *reply, int section, const char *owner, int type, const void *data, size_t len);
void dns_reply_address(struct dns_reply *reply, const char *owner, const char *address);
void dns_reply_name(struct dns_reply *reply, const char *owner, int type, const char *name); /* NS, CNAME */
void dns_reply_txt(struct dns_reply *reply, const char *owner, const char *text);
void dns_reply_soa(struct dns_reply *reply, int section, const char *owner);

struct dns_peer_query {
	const char *name; /* lower-case, no final dot; the root is "" */
	int type;
	bool tcp;
	bool recurse;
	unsigned count; /* of all queries to this server so far, from 1 */
};

typedef void dns_peer_handler(void *ctx, const struct dns_peer_query *query, struct dns_reply *reply);

/* PORT 0: any. NULL when the address cannot be bound. The handler runs on the server's thread. */
struct dns_peer *dns_peer_start(const char *address, uint16_t port, dns_peer_handler *handler, void *ctx);
void dns_peer_stop(struct dns_peer *peer);
const char *dns_peer_text(const struct dns_peer *peer); /* "127.0.0.1:12345" */
unsigned dns_peer_queries(const struct dns_peer *peer);

/* The message with which a handler's REPLY answers a question; returns its length. */
size_t dns_encode(const struct dns_reply *reply, uint16_t id, const char *name, int type, unsigned char *out,
		  size_t size);

#endif
