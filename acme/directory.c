/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a directory. Everything but the three URLs that an order needs may be absent, and unknown members are passed
 * over: some CAs put a random one in to keep clients honest.
 */
#include "acme/directory.h"

#include "acme/issue_value.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

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

/* caaIdentities (RFC 8555 §7.1.1): what is no name is passed over. */
static bool parse_identities(const json_t *meta, struct str_list *ret, struct error *err)
{
	const json_t *list = json_object_get(meta, "caaIdentities");
	for (size_t i = 0; i < json_array_size(list) && ret->len < LIMIT_CAA_IDENTITIES; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (name != NULL && issuer_name_is_valid(name) && !str_list_add_once(ret, name, err))
			return false;
	}
	return true;
}

/*
 * What a CA of dns-persist-01 -02 says beforehand. A list that is not as the draft has it counts as none (§3.2), so
 * that a mistake there costs no other challenge.
 */
static bool parse_persist(const json_t *meta, struct acme_directory *ret, struct error *err)
{
	const json_t *list = json_object_get(meta, "issuerDomainNames");
	const char *prefix = json_string_value(json_object_get(meta, "accountHashPrefix"));
	size_t count = json_array_size(list);

	if (prefix != NULL && *prefix != '\0' && strlen(prefix) <= LIMIT_URL && issue_value_is_valid(prefix) &&
	    !str_set(&ret->account_hash_prefix, prefix, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (count > LIMIT_PERSIST_ISSUERS || name == NULL || !issuer_name_is_valid(name)) {
			str_list_done(&ret->issuer_names);
			return true;
		}
		if (!str_list_add_once(&ret->issuer_names, name, err))
			return false;
	}
	return true;
}

static bool parse_meta(const json_t *meta, struct acme_directory *ret, struct error *err)
{
	return opt_url(meta, "termsOfService", &ret->terms_of_service, err) &&
	       opt_url(meta, "website", &ret->website, err) &&
	       json_opt_bool(meta, "externalAccountRequired", &ret->external_account_required, err) &&
	       acme_profiles_parse(meta, &ret->profiles, err) && parse_identities(meta, &ret->caa_identities, err) &&
	       parse_persist(meta, ret, err);
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
	str_list_done(&directory->caa_identities);
	str_list_done(&directory->issuer_names);
	free(directory->account_hash_prefix);
	*directory = (struct acme_directory){0};
}
