/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a zone by DNS itself (RFC 2136), one TXT value at a time, signed or not. Adding a value that is there and
 * removing one that is not are no failures to a server, so that a message may be repeated.
 */
#ifndef TRANSPORT_DNS_UPDATE_H
#define TRANSPORT_DNS_UPDATE_H

#include "transport/dns.h"
#include "transport/dns_tsig.h"

/* RCODEs that updates are refused with (RFC 2136 §2.2). */
enum {
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_YXRRSET = 7, /* here: a CNAME stands at the name */
	DNS_RCODE_NOTAUTH = 9,
	DNS_RCODE_NOTZONE = 10,
};

struct dns_update {
	const char *zone;
	const char *name;
	const char *value; /* cut into strings of 255 bytes */
	bool adds;         /* else it removes exactly this value */
	uint32_t ttl;      /* of a value that is added */
};

/* The message (pure): that no CNAME stands at the name is its prerequisite, since TXT beside one is silently ignored.
 */
MUST_CHECK bool dns_update_write(const struct dns_update *update, uint16_t id, struct buf *out, struct error *err);

/* What a server said. */
struct dns_update_answer {
	int rcode;
	struct dns_tsig_verdict tsig;
};

/* LEN bytes as the answer to an update signed with KEY and MAC; KEY NULL: unsigned (pure; fuzzed). ERROR_DATA. */
MUST_CHECK bool dns_update_read(const struct dns_tsig_key *key, const struct dns_tsig_mac *mac, int64_t now,
				const void *answer, size_t len, struct dns_update_answer *ret, struct error *err);

/* Send UPDATE to SERVER, signed with KEY unless it is NULL. True with any answer. */
MUST_CHECK bool dns_update_send(const struct dns_address *server, const struct dns_tsig_key *key,
				const struct dns_update *update, struct deadline deadline,
				struct dns_update_answer *ret, struct error *err);

/*
 * Ask SERVER without recursion, signed with KEY: for servers whose view depends on the key. False as
 * dns_query_server(), and for an answer that KEY did not sign.
 */
MUST_CHECK bool dns_query_signed(const struct dns_address *server, const struct dns_tsig_key *key, const char *name,
				 enum dns_type type, struct deadline deadline, struct dns_answer *ret,
				 struct error *err);

#endif
