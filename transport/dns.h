/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS queries over c-ares, which only dns.c includes. A resolver is a list of recursive servers (the system's unless
 * given); authoritative servers are asked one at a time so that an answer is attributable.
 */
#ifndef TRANSPORT_DNS_H
#define TRANSPORT_DNS_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct dns_resolver;

/* SERVERS: "ADDR", "ADDR:PORT", "[ADDR6]:PORT"; none: what the system uses. ERROR_USAGE for a malformed one. */
MUST_CHECK struct dns_resolver *dns_resolver_new(const struct str_list *servers, struct error *err);
void dns_resolver_free(struct dns_resolver *resolver);
DEFINE_FREEP(dns_resolver_freep, struct dns_resolver, dns_resolver_free)

struct dns_address {
	struct sockaddr_storage addr;
	socklen_t len;
	char text[INET6_ADDRSTRLEN + 8]; /* "192.0.2.1:53", "[2001:db8::1]:53" */
};

enum dns_outcome {
	DNS_FOUND,     /* answered with at least one record of the type */
	DNS_NONE,      /* answered: the name or the type does not exist */
	DNS_NO_ANSWER, /* no usable answer (timeout, SERVFAIL, REFUSED); error says which */
};

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28
};

/* Answers as text: addresses printed, TXT strings joined, names lower-cased without the final dot, SOA: its owner. */
struct dns_answer {
	enum dns_outcome outcome;
	bool authoritative;
	int rcode;              /* DNS RCODE of the answer, 0 where none came */
	struct str_list values; /* of the asked type at the asked name (or at the end of its CNAMEs) */
	char alias[256];        /* where the name's CNAME leads, when the answer has one; else empty */
	char zone[256];         /* owner of an SOA in the answer or authority section; else empty */
};

void dns_answer_done(struct dns_answer *answer);

/* Ask the resolver's servers (recursion desired), UDP then TCP. False only for DNS_NO_ANSWER. */
MUST_CHECK bool dns_query(struct dns_resolver *resolver, const char *name, enum dns_type type, struct deadline deadline,
			  struct dns_answer *ret, struct error *err);

/* Ask exactly the server at ADDRESS without recursion. False only for DNS_NO_ANSWER. */
MUST_CHECK bool dns_query_server(const struct dns_address *address, const char *name, enum dns_type type,
				 struct deadline deadline, struct dns_answer *ret, struct error *err);

/* Parse one DNS message (pure; fuzzed): the answer to (NAME, TYPE). ERROR_DATA when malformed. */
MUST_CHECK bool dns_parse_message(const void *message, size_t len, const char *name, enum dns_type type,
				  struct dns_answer *ret, struct error *err);

/* All addresses of HOST, IPv6 and IPv4, through the resolver, as text without port. At least one on success. */
MUST_CHECK bool dns_addresses(struct dns_resolver *resolver, const char *host, struct deadline deadline,
			      struct str_list *ret, struct error *err);

#endif
