/* SPDX-License-Identifier: Apache-2.0 */
/* chain_parse() on PEM, and a round trip: what was taken is written, read and written again the same. */
#include "acme/chain.h"
#include "base/buf.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct buf first, second;
	struct chain_info info;
	struct identifier *names = NULL;
	size_t count = 0;
	struct chain *chain = chain_parse((const char *)data, size, &err);
	if (chain == NULL) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	if (!chain_info(chain, &info, &err))
		error_clear(&err);
	if (chain_identifiers(chain, &names, &count, &err))
		free(names);
	error_clear(&err);

	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	if (!chain_full_pem(chain, &first, &err))
		__builtin_trap();
	struct chain *again = chain_parse(first.data, first.len, &err);
	if (again == NULL || !chain_full_pem(again, &second, &err) || strcmp(buf_cstr(&first), buf_cstr(&second)) != 0)
		__builtin_trap();
	buf_done(&first);
	buf_done(&second);
	chain_free(chain);
	chain_free(again);
	return 0;
}
