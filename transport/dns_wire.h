/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of DNS messages (RFC 1035 §4.1): names and records read in wire order with a cursor that cannot overrun,
 * and names written. For dns*.c alone.
 */
#ifndef TRANSPORT_DNS_WIRE_H
#define TRANSPORT_DNS_WIRE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"

enum { DNS_WIRE_NAME_SIZE = 256, DNS_CLASS_IN = 1, DNS_FLAG_RESPONSE = 0x8000, DNS_MASK_RCODE = 0x000f };

/* A message and how far it was read. A copy is a bookmark. */
struct dns_wire {
	const unsigned char *start;
	size_t len;
	struct reader reader;
};

struct dns_wire_record {
	const unsigned char *start; /* where it begins */
	char owner[DNS_WIRE_NAME_SIZE];
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	const unsigned char *data;
	size_t len;
};

void dns_wire_init(struct dns_wire *message, const void *data, size_t len);

/* The name at AT, lower-cased, without final dot, the root as "."; *RET_LEN is what it takes up there. ERROR_DATA. */
MUST_CHECK bool dns_wire_expand(const struct dns_wire *message, const unsigned char *at, char ret[DNS_WIRE_NAME_SIZE],
				size_t *ret_len, struct error *err);

/* The next name, the next record. ERROR_DATA. */
MUST_CHECK bool dns_wire_name(struct dns_wire *message, char ret[DNS_WIRE_NAME_SIZE], struct error *err);
MUST_CHECK bool dns_wire_record(struct dns_wire *message, struct dns_wire_record *ret, struct error *err);

/* NAME, plain labels with or without the final dot, uncompressed and in lower case (RFC 4034 §6.2). ERROR_DNS. */
MUST_CHECK bool dns_wire_put_name(struct buf *out, const char *name, struct error *err);

/* "malformed DNS answer: WHAT". Returns false. */
bool dns_wire_malformed(struct error *err, const char *what);

#endif
