/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order object, RFC 8555 §7.1.3: building what is sent, parsing what comes back.
 */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "base/error.h"
#include "base/identifier.h"
#include "base/str.h"

/* RFC 8555 §7.1.6. */
enum order_status {
	ORDER_PENDING,
	ORDER_READY,
	ORDER_PROCESSING,
	ORDER_VALID,
	ORDER_INVALID,
	ORDER_OTHER, /* a status this version does not know: not final, so worth another look */
};

struct order {
	enum order_status status;
	int64_t expires; /* wall clock seconds; 0: not said. The order's, not the certificate's */
	struct identifier *identifiers;
	size_t identifier_count;
	struct str_list authorizations; /* URLs; may be empty once ready */
	char *finalize;                 /* NULL until there is one */
	char *certificate;              /* NULL until there is one */
	char *profile;                  /* as the CA echoes it; NULL: it does not */
	struct error error;             /* ERROR_NONE unless the CA gave the order up with a problem */
};

const char *order_status_name(enum order_status status);

/* What an order may ask for besides its names. Zeroed: nothing. */
struct order_wishes {
	const char *profile; /* draft-ietf-acme-profiles §4 */
	int64_t not_before;  /* §7.4: wall clock seconds; 0: the CA decides. Some CAs refuse either. */
	int64_t not_after;
	const char *replaces; /* RFC 9773 §5 */
};

/* §7.4: the payload of newOrder. Appended to RET. */
MUST_CHECK bool order_request(const struct identifier *identifiers, size_t count, const struct order_wishes *wishes,
			      struct buf *ret, struct error *err);

/* §7.4: the payload of finalize. Appended to RET. */
MUST_CHECK bool order_finalize_request(const void *csr_der, size_t len, struct buf *ret, struct error *err);

/* LEN bytes of TEXT as an order. Everything but the status may be missing. ERROR_DATA otherwise. */
MUST_CHECK bool order_parse(const char *text, size_t len, struct order *ret, struct error *err);

/* Whether the order is for exactly these identifiers, in any order (§7.4). */
bool order_is_for(const struct order *order, const struct identifier *identifiers, size_t count);

void order_done(struct order *order);

#endif
