/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon Route 53, API of 2013-04-01: https://docs.aws.amazon.com/Route53/latest/APIReference/ */
#ifndef DNS_PROVIDERS_ROUTE53_H
#define DNS_PROVIDERS_ROUTE53_H

#include "dns-providers/common.h"
#include "dns-providers/recordset.h"

extern const struct dns_provider_module route53_module;

enum { ROUTE53_ID_MAX = 33 };

/* The zones of one name. */
struct route53_zones {
	char id[ROUTE53_ID_MAX]; /* of the first public one, without "/hostedzone/" */
	size_t public_count;
	size_t private_count;
};

/* Readers and the writer of its XML, pure and fuzzed; readers fail with ERROR_DATA. A listing: those called NAME count.
 */
MUST_CHECK bool route53_read_zones(const char *text, size_t len, const char *name, struct route53_zones *ret,
				   struct error *err);

/* A listing that begins at NAME: the plain TXT set at NAME, empty where there is none. *RET_ROUTED: it is one of
 * several that are chosen by a routing policy. */
MUST_CHECK bool route53_read_set(const char *text, size_t len, const char *name, struct provider_set *ret,
				 bool *ret_routed, struct error *err);

/* The answer to a batch. */
MUST_CHECK bool route53_read_change(const char *text, size_t len, struct error *err);

/* A batch that applies as a whole or not at all: NEXT takes the place of WAS. */
MUST_CHECK bool route53_write_batch(const char *name, const struct provider_set *was, const struct provider_set *next,
				    struct buf *out, struct error *err);

#endif
