/* SPDX-License-Identifier: Apache-2.0 */
/* acme-dns's storage files and answers. What comes out can stand in a URL, a header and a message. */
#include "dns-providers/acmedns.h"
#include "dns-providers/common.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acmedns_accounts accounts = {0};
	struct error err = {0};
	const char *text = (const char *)data;

	if (acmedns_read_accounts(text, size, &accounts, &err) == error_is_set(&err))
		abort();
	for (size_t i = 0; i < accounts.count; i++) {
		const struct acmedns_account *account = &accounts.items[i];
		if (!provider_name_is_valid(account->fulldomain) || !provider_name_is_valid(account->subdomain) ||
		    strpbrk(account->username.data, "\r\n ") != NULL ||
		    strpbrk(account->password.data, "\r\n ") != NULL)
			abort();
	}
	acmedns_accounts_done(&accounts);
	error_clear(&err);
	if (acmedns_read_updated(text, size, "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", &err) == error_is_set(&err))
		abort();
	return 0;
}
