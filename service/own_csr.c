/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the user's takes the place of our key: everywhere else the two are handled alike. */
#include "service/own_csr.h"

#include "base/base64url.h"
#include "base/limits.h"

#include <string.h>

bool own_csr_remember(const struct csr *csr, struct renewal *renewal, struct error *err)
{
	size_t len = 0;
	const void *der = csr_der(csr, &len);
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_JSON_STRING);
	base64url_encode(&text, der, len);
	if (!buf_check(&text, "certificate request", err))
		return false;
	renewal->key_type = key_get_type(csr_key(csr));
	return str_set(&renewal->csr, buf_cstr(&text), err);
}

struct csr *own_csr_open(const struct renewal *wanted, struct error *err)
{
	CLEANUP(buf_done) struct buf der;
	buf_init(&der, LIMIT_CSR);
	struct csr *csr = NULL;
	if (base64url_decode(&der, wanted->csr, strlen(wanted->csr)))
		csr = csr_parse(der.data, der.len, err);
	else
		(void)error_set(err, ERROR_DATA, NULL, "the remembered certificate request is damaged");
	if (csr == NULL)
		(void)error_attribute(err, ERROR_STORE, "certificate-request");
	return csr;
}

static bool is_account_key(struct store *store, const char *account, const struct csr *csr, bool *ret,
			   struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	struct error unreadable = {0};
	bool found = false;

	*ret = false;
	if (!store_read_account_key(store, account, &pem, &found, err))
		return false;
	/* One that cannot be read is not the one this run uses. */
	CLEANUP(key_freep) struct key *key = found ? key_from_pem(&pem, &unreadable) : NULL;
	*ret = key != NULL && str_equal(key_jwk(key), key_jwk(csr_key(csr)));
	return true;
}

bool own_csr_check_accounts(struct store *store, const struct csr *csr, struct error *err)
{
	CLEANUP(str_list_done) struct str_list accounts = {0};
	if (!store_list_records(store, STORE_ACCOUNT, &accounts, err))
		return false;
	for (size_t i = 0; i < accounts.len; i++) {
		bool same = false;
		if (!is_account_key(store, accounts.items[i], csr, &same, err))
			return false;
		if (!same)
			continue;
		(void)error_set(err, ERROR_USAGE, "certificate-request",
				"the certificate request is for the key of the account %s", accounts.items[i]);
		error_hint(err, "a key serves one purpose (RFC 8555 section 11.1): make a new one for the certificate");
		return false;
	}
	return true;
}

bool own_csr_is_staged(struct store *store, const char *name, const struct csr *csr, bool *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf staged = {0}, pem;
	bool found = false;
	buf_init(&pem, LIMIT_KEY_FILE);
	if (!store_read_staged_request(store, name, &staged, &found, err) || !csr_to_pem(csr, &pem, err))
		return false;
	*ret = found && str_equal(buf_cstr(&staged), buf_cstr(&pem));
	return true;
}

bool own_csr_stage(struct store *store, const char *name, const struct csr *csr, struct error *err)
{
	CLEANUP(buf_done) struct buf pem;
	buf_init(&pem, LIMIT_KEY_FILE);
	return csr_to_pem(csr, &pem, err) && store_stage_request(store, name, buf_cstr(&pem), err);
}
