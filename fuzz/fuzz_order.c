/* SPDX-License-Identifier: Apache-2.0 */
/* order_parse(), and the request built from the identifiers it found. */
#include "acme/order.h"
#include "base/buf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct order order;
	struct error err = {0};
	struct buf request;
	if (!order_parse((const char *)data, size, &order, &err)) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	buf_init(&request, 1 << 20);
	if (!order_is_for(&order, order.identifiers, order.identifier_count) ||
	    !order_request(order.identifiers, order.identifier_count, &(struct order_wishes){.profile = order.profile},
			   &request, &err))
		__builtin_trap();
	buf_done(&request);
	order_done(&order);
	return 0;
}
