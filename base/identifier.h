/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, checked at the edge against allow-lists: what a certificate is for (DNS names and IP addresses), what a
 * certificate or server is called here, and hosts to connect to. After this no raw name travels further.
 */
#ifndef BASE_IDENTIFIER_H
#define BASE_IDENTIFIER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

API_BEGIN

struct error;

enum identifier_type { IDENTIFIER_DNS, IDENTIFIER_IP };

enum { IDENTIFIER_MAX = 254 }; /* 253 characters and the NUL */

/* An ACME identifier (RFC 8555 §7.1.3, RFC 8738 §3) in canonical form. A plain value: copy it. */
struct identifier {
	enum identifier_type type;
	char value[IDENTIFIER_MAX]; /* lower-case A-labels, "*." kept; an address as inet_ntop prints it */
};

/*
 * TEXT as an identifier: an IPv4 or IPv6 address, else a DNS name in A-label form (LDH labels of 1 to 63, at most 253
 * in all, "*." only leftmost, a final dot dropped, lower-cased). At least two labels are needed. ERROR_USAGE otherwise,
 * with a reason; names with characters outside ASCII get the hint to write their A-label form.
 */
MUST_CHECK bool identifier_parse(const char *text, struct identifier *ret, struct error *err);

bool identifier_equal(const struct identifier *a, const struct identifier *b);
bool identifier_is_wildcard(const struct identifier *identifier);

/* The value without a leading "*.": the authorization's and the challenge's name. Borrowed. */
const char *identifier_base(const struct identifier *identifier);

/* "dns" or "ip". */
const char *identifier_type_name(enum identifier_type type);

/*
 * The SNI by which a CA asks for IDENTIFIER's tls-alpn-01 certificate: the DNS name (RFC 8737 §3); for an address its
 * reverse name, "1.2.0.192.in-addr.arpa" or 32 nibbles below "ip6.arpa" (RFC 8738 §6). Returns OUT.
 */
const char *identifier_server_name(const struct identifier *identifier, char out[IDENTIFIER_MAX]);

/*
 * What the certificate whose first name is IDENTIFIER is called unless it is told otherwise: the name without "*."; an
 * IPv6 address with "-" for ":" ("2001-db8--1", and "0--1" for "::1", since no name begins with "-"). A DNS name may be
 * longer than name_is_valid() allows. Returns OUT.
 */
const char *identifier_certificate_name(const struct identifier *identifier, char out[IDENTIFIER_MAX]);

/*
 * What a certificate or a server may be called: ^[a-z0-9][a-z0-9._-]{0,99}$ without "..". An IPv6 address as it is
 * written is therefore no certificate name.
 */
bool name_is_valid(const char *name);

/* A host to connect to: a DNS name (one label is enough) or an address; no leading "-", nothing a shell would see. */
bool host_is_valid(const char *host);

API_END

#endif
