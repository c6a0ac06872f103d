/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS queries over c-ares, which only dns.c and its parts (dns_wave.c, dns_message.c) include. A resolver is a list of
 * recursive servers (the system's unless given); every question goes to one server at a time, so that an answer is
 * attributable.
 */
#ifndef TRANSPORT_DNS_H
#define TRANSPORT_DNS_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

struct dns_resolver;

/* SERVERS: "ADDR", "ADDR:PORT", "[ADDR6]:PORT"; none: what the system uses. ERROR_USAGE for a malformed one. */
MUST_CHECK struct dns_resolver *dns_resolver_new(const struct str_list *servers, struct error *err);
void dns_resolver_free(struct dns_resolver *resolver);
DEFINE_FREEP(dns_resolver_freep, struct dns_resolver, dns_resolver_free)

struct dns_address {
	struct sockaddr_storage addr;
	socklen_t len;
	char text[INET6_ADDRSTRLEN + 8]; /* as in a message: "192.0.2.1:53", "[2001:db8::1]:53" */
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
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_CAA = 257
};

/*
 * Answers as text: addresses printed, TXT strings joined, names lower-cased without the final dot, SOA: its owner, CAA:
 * "FLAGS TAG VALUE" with the tag in lower case and \1 for each NUL in the value.
 */
struct dns_answer {
	enum dns_outcome outcome;
	bool authoritative;
	int rcode;              /* DNS RCODE of the answer, 0 where none came */
	struct str_list values; /* of the asked type at the asked name (or at the end of its CNAMEs) */
	char alias[256];        /* where the name's CNAME leads, when the answer has one; else empty */
	char zone[256];         /* owner of an SOA in the answer or authority section ("." the root's); else empty */
};

void dns_answer_done(struct dns_answer *answer);

/* One of several questions that are asked side by side. */
struct dns_question {
	const struct dns_address *server; /* borrowed; NULL: the resolver's servers, one after the other */
	const char *name;                 /* borrowed */
	enum dns_type type;
	bool recurse;                /* recursion desired; always so without a server */
	struct dns_answer answer;    /* owned by whoever owns the question */
	char reason[ERROR_NAME_MAX]; /* one sentence: why not, when answer.outcome is DNS_NO_ANSWER */
};

/*
 * Ask COUNT questions side by side, UDP then TCP. A server that says nothing costs some two seconds, however many do;
 * questions to one server should stand together, they then share a socket. RESOLVER may be NULL where every question
 * has its server. False only when cancelled or past DEADLINE; questions answered until then keep their answers.
 */
MUST_CHECK bool dns_ask(struct dns_resolver *resolver, struct dns_question *questions, size_t count,
			struct deadline deadline, struct error *err);

/* The resolver's servers; borrowed. */
const struct dns_address *dns_resolver_servers(const struct dns_resolver *resolver, size_t *ret_count);

/* TEXT, an address with PORT unless it names another one, as an address. */
MUST_CHECK bool dns_address_parse(const char *text, uint16_t port, struct dns_address *ret, struct error *err);

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
