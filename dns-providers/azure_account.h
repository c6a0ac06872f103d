/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are for Azure: an application with a secret, a certificate or a token of its platform (workload identity), or
 * the managed identity of the machine.
 * https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
#ifndef DNS_PROVIDERS_AZURE_ACCOUNT_H
#define DNS_PROVIDERS_AZURE_ACCOUNT_H

#include "dns-providers/jwt.h"
#include "dns-providers/oauth.h"

enum azure_kind { AZURE_SECRET, AZURE_CERTIFICATE, AZURE_WORKLOAD, AZURE_MANAGED };

/* A cloud that is apart from the others. */
struct azure_cloud {
	const char *names[4]; /* of the setting environment; ends with NULL */
	const char *login;
	const char *management; /* the API's address */
	const char *audience;   /* what a token is for */
};

struct azure_account {
	enum azure_kind kind;
	const struct azure_cloud *cloud;
	char source[160]; /* for messages: "the application 0000…" */
	char *client_id;  /* NULL: the machine's own managed identity */
	char *token_url;  /* of the login, or of the managed identity with its query */
	struct secret secret;
	struct jwt_key *key;
	struct buf thumbprint; /* of the key's certificate, "x5t#S256" */
	char *token_file;
	struct secret identity_header; /* what the managed identity's endpoint wants */
	struct oauth oauth;
	struct provider_api api; /* the token endpoint's */
};

/*
 * From the settings, the environment and the files that they name; nobody is asked. CLIENT may be NULL to check only.
 * Close it also when that fails.
 */
MUST_CHECK bool azure_account_open(const struct dns_provider_module *module, const struct dns_setting *settings,
				   size_t count, struct http_client *client, struct azure_account *ret,
				   struct error *err);
void azure_account_close(struct azure_account *account);

/* For struct provider_api; CTX is the account. */
bool azure_account_authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
			     struct provider_headers *ret, struct error *err);
void azure_account_renew(void *ctx, uint64_t mark);

/* The claims that a certificate's key signs: for AUDIENCE, of CLIENT_ID, with the random ID. */
MUST_CHECK bool azure_claims(const char *audience, const char *client_id, const char *id, int64_t now, struct buf *ret,
			     struct error *err);

#endif
