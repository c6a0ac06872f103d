/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_parse_message(), through c-ares's name expansion. The first byte chooses the type asked for; the name is one that
 * the corpus answers. What must hold: an accepted answer is consistent, a refused one leaves nothing behind.
 */
#include "transport/dns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_TYPE_A,   DNS_TYPE_NS,   DNS_TYPE_CNAME, DNS_TYPE_SOA,
					      DNS_TYPE_TXT, DNS_TYPE_AAAA, DNS_TYPE_CAA};
	struct dns_answer answer = {0};
	struct error err = {0};
	if (size == 0)
		return 0;
	enum dns_type type = types[data[0] % ARRAY_LEN(types)];
	if (!dns_parse_message(data + 1, size - 1, "a.test", type, &answer, &err)) {
		if (err.category != ERROR_DATA || answer.values.items != NULL)
			abort();
		return 0;
	}
	if ((answer.outcome == DNS_FOUND) != (answer.outcome != DNS_NO_ANSWER && answer.values.len > 0))
		abort();
	if (strnlen(answer.alias, sizeof(answer.alias)) == sizeof(answer.alias) ||
	    strnlen(answer.zone, sizeof(answer.zone)) == sizeof(answer.zone))
		abort();
	dns_answer_done(&answer);
	return 0;
}
