/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_update_read(): the answer to a signed update. Nothing that fuzzing makes can have our key's signature, whatever
 * its TSIG record says.
 */
#include "transport/dns_update.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dns_tsig_mac mac = {.len = 32};
	struct secret base64 = {0};
	struct dns_tsig_key key = {0};
	struct dns_update_answer answer;
	struct error err = {0};

	if (!secret_set(&base64, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", 36, &err) ||
	    !dns_tsig_key_init(&key, "acme.example", "hmac-sha256", &base64, &err))
		abort();
	bool ok = dns_update_read(&key, &mac, 1764000000, data, size, &answer, &err);
	if (ok == error_is_set(&err) || (ok && (answer.tsig.signed_by_key || answer.rcode < 0 || answer.rcode > 15)))
		abort();
	if (!ok && err.category != ERROR_DATA)
		abort();
	dns_tsig_key_done(&key);
	secret_done(&base64);
	return 0;
}
