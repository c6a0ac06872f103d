/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of an account's orders, RFC 8555 §7.1.2.1. Not every CA has one.
 */
#ifndef ACME_ACCOUNT_ORDERS_H
#define ACME_ACCOUNT_ORDERS_H

#include "acme/session.h"
#include "base/str.h"

API_BEGIN

/* LEN bytes of TEXT as one page of the list, its order URLs added to RET (pure; fuzzed). ERROR_DATA otherwise. */
MUST_CHECK bool account_orders_parse(const char *text, size_t len, struct str_list *ret, struct error *err);

/*
 * Every page of the list at URL (of struct acme_account), following rel="next" up to LIMIT_ORDER_PAGES: the URLs in
 * *RET, unchecked, in the CA's order. *RET_MORE: there are further pages.
 */
MUST_CHECK bool acme_account_orders(struct acme_session *session, const struct acme_identity *account, const char *url,
				    struct deadline deadline, struct str_list *ret, bool *ret_more, struct error *err);

API_END

#endif
