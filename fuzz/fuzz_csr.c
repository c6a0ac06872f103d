/* SPDX-License-Identifier: Apache-2.0 */
/* csr_parse() on PEM or DER, and a round trip: what was taken is written as PEM and read again the same. */
#include "acme/csr.h"
#include "base/buf.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct buf pem;
	size_t count = 0, len = 0, again_len = 0;
	struct csr *csr = csr_parse(data, size, &err);
	if (csr == NULL) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	const struct identifier *names = csr_identifiers(csr, &count);
	if (count == 0 || names[0].value[0] == '\0' || key_jwk(csr_key(csr)) == NULL)
		__builtin_trap();

	buf_init(&pem, 1 << 20);
	if (!csr_to_pem(csr, &pem, &err))
		__builtin_trap();
	struct csr *again = csr_parse(pem.data, pem.len, &err);
	if (again == NULL)
		__builtin_trap();
	const void *der = csr_der(csr, &len), *again_der = csr_der(again, &again_len);
	if (len != again_len || memcmp(der, again_der, len) != 0)
		__builtin_trap();
	buf_done(&pem);
	csr_free(csr);
	csr_free(again);
	return 0;
}
