/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a directory. Everything but the three URLs that an order needs may be absent, and unknown members are passed
 * over: some CAs put a random one in to keep clients honest.
 */
#include "acme/directory.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

static bool need_url(const json_t *object, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	return json_need_str(object, key, LIMIT_URL, &text, err) && str_set(ret, text, err);
}

static bool opt_url(const json_t *object, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	return json_opt_str(object, key, LIMIT_URL, &text, err) && str_set(ret, text, err);
}

static bool parse_meta(const json_t *meta, struct acme_directory *ret, struct error *err)
{
	return opt_url(meta, "termsOfService", &ret->terms_of_service, err) &&
	       opt_url(meta, "website", &ret->website, err) &&
	       json_opt_bool(meta, "externalAccountRequired", &ret->external_account_required, err) &&
	       acme_profiles_parse(meta, &ret->profiles, err);
}

bool directory_parse(const char *text, size_t len, struct acme_directory *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_read(text, len, "directory", err);
	const json_t *meta = NULL;
	CLEANUP(directory_done) struct acme_directory directory = {0};

	if (root == NULL)
		return false;
	if (!need_url(root, "newNonce", &directory.new_nonce, err) ||
	    !need_url(root, "newAccount", &directory.new_account, err) ||
	    !need_url(root, "newOrder", &directory.new_order, err) ||
	    !opt_url(root, "newAuthz", &directory.new_authz, err) ||
	    !opt_url(root, "revokeCert", &directory.revoke_cert, err) ||
	    !opt_url(root, "keyChange", &directory.key_change, err) ||
	    !opt_url(root, "renewalInfo", &directory.renewal_info, err) || !json_opt_object(root, "meta", &meta, err) ||
	    (meta != NULL && !parse_meta(meta, &directory, err)))
		return false;

	*ret = directory;
	directory = (struct acme_directory){0};
	return true;
}

void directory_done(struct acme_directory *directory)
{
	free(directory->url);
	free(directory->new_nonce);
	free(directory->new_account);
	free(directory->new_order);
	free(directory->new_authz);
	free(directory->revoke_cert);
	free(directory->key_change);
	free(directory->renewal_info);
	free(directory->terms_of_service);
	free(directory->website);
	acme_profiles_done(&directory->profiles);
	*directory = (struct acme_directory){0};
}
