/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are for Google: a service account's key, a user's refresh token, or whatever the metadata server of the
 * machine says; and the project that goes with it.
 * https://cloud.google.com/docs/authentication/application-default-credentials
 */
#ifndef DNS_PROVIDERS_GOOGLE_ACCOUNT_H
#define DNS_PROVIDERS_GOOGLE_ACCOUNT_H

#include "dns-providers/jwt.h"
#include "dns-providers/oauth.h"

enum google_kind { GOOGLE_METADATA, GOOGLE_SERVICE_ACCOUNT, GOOGLE_USER };

/* A credentials file. */
struct google_credentials {
	enum google_kind kind;
	char *token_url;
	char *project; /* NULL: it does not say */
	/* A service account's. */
	struct jwt_key *key;
	char *key_id;
	char *email;
	/* A user's. */
	char *client_id;
	struct secret client_secret;
	struct secret refresh_token;
	char *quota_project; /* NULL: none */
};

void google_credentials_done(struct google_credentials *credentials);

/* A key file of "type" service_account or authorized_user, pure and fuzzed. ERROR_CONFIG naming SOURCE, no secret. */
MUST_CHECK bool google_credentials_read(const char *text, size_t len, const char *source,
					struct google_credentials *ret, struct error *err);

/* The claims that a service account signs (https://developers.google.com/identity/protocols/oauth2/service-account). */
MUST_CHECK bool google_claims(const struct google_credentials *credentials, int64_t now, struct buf *ret,
			      struct error *err);

struct google_account {
	struct google_credentials credentials;
	char source[128]; /* for messages: "the setting credentials_file" */
	struct oauth oauth;
	struct provider_api api; /* the token endpoint's, or the metadata server's */
	char *metadata_url;
	struct secret flavor; /* the header that the metadata server wants */
};

/* Only the settings and files are read. Close it also when that fails. */
MUST_CHECK bool google_account_open(const struct dns_provider_module *module, const struct dns_setting *settings,
				    size_t count, struct http_client *client, struct google_account *ret,
				    struct error *err);
void google_account_close(struct google_account *account);

/* The credentials file that the settings, the environment or gcloud's folder name; without one RET says "metadata". */
MUST_CHECK bool google_credentials_find(const struct dns_provider_module *module, const struct dns_setting *settings,
					size_t count, struct google_credentials *ret, char source[128],
					struct error *err);

/* For struct provider_api; CTX is the account. */
bool google_account_authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
			      struct provider_headers *ret, struct error *err);
void google_account_renew(void *ctx, uint64_t mark);

/* The project of the credentials, else of the machine. malloc'd in *RET. */
MUST_CHECK bool google_account_project(struct google_account *account, struct deadline deadline, char **ret,
				       struct error *err);

/* A project's id as it may stand in a URL: also "example.com:project". */
bool google_project_is_valid(const char *project);

#endif
