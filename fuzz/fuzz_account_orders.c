/* SPDX-License-Identifier: Apache-2.0 */
/* account_orders_parse(): one page of an account's orders. */
#include "acme/account_orders.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str_list orders = {0};
	struct error err = {0};
	if (!account_orders_parse((const char *)data, size, &orders, &err) && !error_is_set(&err))
		__builtin_trap();
	str_list_done(&orders);
	return 0;
}
