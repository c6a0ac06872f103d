/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme-dns keeps the last two values of an account and has no deletion: a third one pushes out the first. So it is
 * remembered which of our values stand in the two places, and a value that is still needed is never pushed out. An
 * update that is repeated would take both places: it is repeated only where the other place is not ours.
 */
#include "dns-providers/acmedns.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/common.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 2, NAME_MAX_LEN = 255, WHAT_SIZE = 320, LISTED = 3 };

static const char TITLE[] = "acme-dns", PREFIX[] = "_acme-challenge.";

static const struct dns_provider_key keys[] = {
	{"storage", "ACME_DNS_STORAGE_PATH", false, false,
	 "file with the accounts by domain, as lego and acme-dns-client write it"},
	{"api_url", "ACME_DNS_API_BASE,ACMEDNS_BASE_URL", false, false,
	 "the server's address, where the storage does not tell it"},
	{"username", "ACMEDNS_USERNAME", false, true, "one account instead of a storage"},
	{"password", "ACMEDNS_PASSWORD", false, true, "its password"},
	{"subdomain", "ACMEDNS_SUBDOMAIN", false, false, "its subdomain"},
	{0},
};

/* What we wrote into an account's two places. */
struct place {
	char value[64]; /* empty: not ours */
	bool needed;    /* not removed yet */
};

struct places {
	pthread_mutex_t lock;       /* of what follows, and one update at a time */
	struct place items[PLACES]; /* the older one first */
	struct secret headers[2];
};

struct dns_provider {
	struct provider_api api; /* without headers: each account has its own */
	char *base;              /* or NULL: each account's */
	struct acmedns_accounts accounts;
	struct places *places; /* one for each account */
	char source[96];
	struct provider_turns turns;
};

/* --- Messages --- */

static void account_done(struct acmedns_account *account)
{
	free(account->domain);
	free(account->fulldomain);
	free(account->subdomain);
	free(account->server);
	secret_done(&account->username);
	secret_done(&account->password);
}

void acmedns_accounts_done(struct acmedns_accounts *accounts)
{
	for (size_t i = 0; i < accounts->count; i++)
		account_done(&accounts->items[i]);
	free(accounts->items);
	*accounts = (struct acmedns_accounts){0};
}

/* A domain name in lower case, without the final dot. */
static bool set_name(char **ret, const char *name, struct error *err)
{
	size_t len = strlen(name);
	if (!provider_name_is_valid(name) || name[0] == '.')
		return error_set(err, ERROR_DATA, NULL, "a name in it is none");
	if (name[len - 1] == '.')
		len--;
	if (!str_set_n(ret, name, len, err))
		return false;
	for (char *c = *ret; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	return true;
}

/* Goes into a header line: visible ASCII only. */
static bool set_credential(struct secret *ret, const char *text, struct error *err)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			return error_set(err, ERROR_DATA, NULL,
					 "a username or password has a blank or special character");
	}
	return text[0] == '\0' ? error_set(err, ERROR_DATA, NULL, "a username or password is empty")
			       : secret_set(ret, text, strlen(text), err);
}

static bool read_account(const char *domain, const json_t *object, struct acmedns_account *ret, struct error *err)
{
	const char *full = NULL, *sub = NULL, *user = NULL, *password = NULL, *server = NULL;
	return json_need_str(object, "fulldomain", NAME_MAX_LEN, &full, err) &&
	       json_need_str(object, "subdomain", NAME_MAX_LEN, &sub, err) &&
	       json_need_str(object, "username", NAME_MAX_LEN, &user, err) &&
	       json_need_str(object, "password", NAME_MAX_LEN, &password, err) &&
	       json_opt_str(object, "server_url", LIMIT_URL, &server, err) && set_name(&ret->domain, domain, err) &&
	       set_name(&ret->fulldomain, full, err) && set_name(&ret->subdomain, sub, err) &&
	       set_credential(&ret->username, user, err) && set_credential(&ret->password, password, err) &&
	       str_set(&ret->server, str_is_empty(server) ? NULL : server, err);
}

bool acmedns_read_accounts(const char *text, size_t len, struct acmedns_accounts *ret, struct error *err)
{
	CLEANUP(acmedns_accounts_done) struct acmedns_accounts accounts = {0};
	json_t *root AUTO_JSON = json_read(text, len, "the storage", err);
	const char *domain = NULL;
	json_t *object = NULL;

	if (root == NULL)
		return false;
	if (!json_is_object(root))
		return error_set(err, ERROR_DATA, NULL, "the storage is no object of accounts");
	accounts.items = calloc(json_object_size(root) + 1, sizeof(*accounts.items));
	if (accounts.items == NULL)
		return error_oom(err);
	json_object_foreach(root, domain, object)
	{
		if (!read_account(domain, object, &accounts.items[accounts.count++], err))
			return false;
	}
	*ret = accounts;
	accounts = (struct acmedns_accounts){0};
	return true;
}

bool acmedns_read_updated(const char *text, size_t len, const char *value, struct error *err)
{
	const char *txt = NULL;
	json_t *root AUTO_JSON = json_read(text, len, "the API's answer", err);
	if (root == NULL || !json_need_str(root, "txt", NAME_MAX_LEN, &txt, err))
		return false;
	return str_equal(txt, value) || error_set(err, ERROR_DATA, NULL, "the API's answer names another value");
}

/* --- Settings --- */

struct settings {
	struct provider_setting storage, url, username, password, subdomain;
};

static void settings_done(struct settings *settings)
{
	provider_setting_done(&settings->storage);
	provider_setting_done(&settings->url);
	provider_setting_done(&settings->username);
	provider_setting_done(&settings->password);
	provider_setting_done(&settings->subdomain);
}

static bool find_settings(const struct dns_setting *from, size_t count, struct settings *ret, struct error *err)
{
	bool one = provider_setting_given(from, count, "username");
	const struct {
		const char *key;
		bool environment;
		struct provider_setting *ret;
	} wanted[] = {
		{"storage", !one, &ret->storage},     {"api_url", true, &ret->url},
		{"username", true, &ret->username},   {"password", true, &ret->password},
		{"subdomain", true, &ret->subdomain},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!provider_setting_find(&acmedns_module, from, count, wanted[i].key, wanted[i].environment,
					   wanted[i].ret, err))
			return false;
	}
	return ret->url.value.data == NULL || provider_check_url(&ret->url, err);
}

static bool take_one(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	struct error cause = {0};
	provider->accounts.items = calloc(1, sizeof(*provider->accounts.items));
	if (provider->accounts.items == NULL)
		return error_oom(err);
	struct acmedns_account *account = &provider->accounts.items[provider->accounts.count++];
	(void)snprintf(provider->source, sizeof(provider->source), "%s", settings->username.source);
	if (set_name(&account->subdomain, settings->subdomain.value.data, &cause) &&
	    set_credential(&account->username, settings->username.value.data, &cause) &&
	    set_credential(&account->password, settings->password.value.data, &cause))
		return true;
	return error_set(err, ERROR_CONFIG, NULL, "%s: %s", TITLE, cause.message);
}

static bool take_storage(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	struct error cause = {0};
	const char *path = settings->storage.value.data;
	(void)snprintf(provider->source, sizeof(provider->source), "%s", settings->storage.source);
	if (!secret_read_file(&text, path, LIMIT_STATE_FILE, /* private_only= */ true, err))
		return false;
	if (!acmedns_read_accounts(text.data, text.len, &provider->accounts, &cause))
		return error_set(err, ERROR_CONFIG, NULL, "%s: %s: %s", TITLE, path, cause.message);
	return provider->accounts.count > 0 ||
	       error_set(err, ERROR_CONFIG, NULL, "%s: %s holds no account", TITLE, path);
}

static bool check_servers(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	if (settings->url.value.data != NULL)
		return provider_base_url(&settings->url, "", &provider->base, err);
	for (size_t i = 0; i < provider->accounts.count; i++) {
		const struct acmedns_account *account = &provider->accounts.items[i];
		CLEANUP(provider_setting_done)
		struct provider_setting url = {.source = "server_url in the storage"};
		if (account->server == NULL)
			return error_set(err, ERROR_CONFIG, NULL, "%s needs the setting \"api_url\" (%s)", TITLE,
					 keys[1].help);
		if (!secret_set(&url.value, account->server, strlen(account->server), err) ||
		    !provider_check_url(&url, err))
			return false;
	}
	return true;
}

static bool take_settings(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	bool whole = settings->username.value.data != NULL && settings->password.value.data != NULL &&
		     settings->subdomain.value.data != NULL;
	if (settings->storage.value.data == NULL && !whole) {
		error_hint(err, "register by a client of acme-dns, and name the file that it wrote");
		return error_set(err, ERROR_CONFIG, NULL,
				 "%s needs the setting \"storage\", or username, password and subdomain", TITLE);
	}
	return (settings->storage.value.data != NULL ? take_storage(settings, provider, err)
						     : take_one(settings, provider, err)) &&
	       check_servers(settings, provider, err);
}

/* --- The instance --- */

static void acmedns_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; provider->places != NULL && i < provider->accounts.count; i++) {
		secret_done(&provider->places[i].headers[0]);
		secret_done(&provider->places[i].headers[1]);
		(void)pthread_mutex_destroy(&provider->places[i].lock);
	}
	free(provider->places);
	acmedns_accounts_done(&provider->accounts);
	provider_turns_done(&provider->turns);
	free(provider->base);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, acmedns_close)

static bool make_headers(struct dns_provider *provider, struct error *err)
{
	provider->places = calloc(provider->accounts.count, sizeof(*provider->places));
	if (provider->places == NULL)
		return error_oom(err);
	for (size_t i = 0; i < provider->accounts.count; i++) {
		struct secret *headers = provider->places[i].headers;
		(void)pthread_mutex_init(&provider->places[i].lock, NULL);
		if (!provider_header("X-Api-User: ", &provider->accounts.items[i].username, &headers[0], err) ||
		    !provider_header("X-Api-Key: ", &provider->accounts.items[i].password, &headers[1], err))
			return false;
	}
	return true;
}

static struct dns_provider *acmedns_open(const struct dns_setting *from, size_t count, struct http_client *client,
					 struct error *err)
{
	static const struct provider_hint hints[] = {
		{"forbidden",
		 "the account's username and password, or the address of this host, which the account's allowfrom has "
		 "to "
		 "list",
		 false},
		{"bad_subdomain", "check the account's subdomain", false},
		{0},
	};
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_turns_init(&provider->turns, acmedns_module.at_once);
	provider->api =
		(struct provider_api){.title = TITLE, .client = client, .turns = &provider->turns, .hints = hints};
	if (!find_settings(from, count, &settings, err) || !take_settings(&settings, provider, err) ||
	    !make_headers(provider, err))
		return NULL;
	return STEAL(provider);
}

static bool acmedns_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	*ret_index = count;
	CLEANUP(provider_closep) struct dns_provider *provider = acmedns_open(from, count, /* client= */ NULL, err);
	return provider != NULL;
}

/* --- Names --- */

/* NAME is what ACCOUNT may write. */
static bool is_name_of(const struct acmedns_account *account, const char *name)
{
	size_t len = strlen(account->subdomain);
	if (account->fulldomain != NULL)
		return str_equal_nocase(account->fulldomain, name);
	return strncmp(account->subdomain, name, len) == 0 && name[len] == '.';
}

static bool find_account(const struct dns_provider *provider, const char *name, size_t *ret)
{
	for (*ret = 0; *ret < provider->accounts.count; ++*ret) {
		if (is_name_of(&provider->accounts.items[*ret], name))
			return true;
	}
	return false;
}

/* NAME is where the CNAMEs ended, and no account may write there. */
static bool no_account(const struct dns_provider *provider, const char *name, struct error *err)
{
	CLEANUP(buf_done) struct buf targets;
	const char *domain = str_starts(name, PREFIX) ? name + strlen(PREFIX) : NULL;
	size_t listed = 0;

	buf_init(&targets, ERROR_TEXT_MAX);
	err->absent = true;
	for (size_t i = 0; i < provider->accounts.count; i++) {
		const struct acmedns_account *account = &provider->accounts.items[i];
		if (domain != NULL && account->fulldomain != NULL && str_equal_nocase(account->domain, domain)) {
			error_hint(err, "create the record: %s. CNAME %s.", name, account->fulldomain);
			return error_set(err, ERROR_DNS, "find-zone", "%s: %s is no CNAME to the account's name yet",
					 TITLE, name);
		}
		if (listed < LISTED)
			buf_printf(&targets, "%s%s", listed++ > 0 ? ", " : "",
				   account->fulldomain != NULL ? account->fulldomain : account->subdomain);
	}
	error_hint(err, "the CNAME at _acme-challenge of the domain has to lead to its account's name (%s%s)",
		   buf_cstr(&targets), provider->accounts.count > LISTED ? ", …" : "");
	return error_set(err, ERROR_DNS, "find-zone", "%s: no account of %s may write %s", TITLE, provider->source,
			 name);
}

static bool acmedns_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			      char **ret_zone, struct error *err)
{
	AUTO_FREE char *id = NULL;
	size_t index = 0;
	(void)deadline;
	if (!find_account(provider, name, &index))
		return no_account(provider, name, err);
	const char *dot = strchr(name, '.');
	if (!str_set(&id, provider->accounts.items[index].subdomain, err) ||
	    !str_set(ret_zone, dot != NULL ? dot + 1 : name, err))
		return false;
	*ret_id = STEAL(id);
	return true;
}

/* --- Values --- */

static bool send_update(struct dns_provider *provider, size_t index, const char *name, const char *value, bool once,
			struct deadline deadline, struct error *err)
{
	const struct acmedns_account *account = &provider->accounts.items[index];
	char what[WHAT_SIZE];
	CLEANUP(buf_done) struct buf body;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct provider_api api = provider->api;
	struct error cause = {0};
	json_t *update AUTO_JSON = json_pack("{s:s, s:s}", "subdomain", account->subdomain, "txt", value);
	AUTO_FREE char *url = str_format(err, "%s/update", provider->base != NULL ? provider->base : account->server);
	struct provider_call call = {
		.step = "add-record",
		.what = what,
		.method = HTTP_POST,
		.url = url,
		.body = &body,
		.creates = once,
	};

	buf_init(&body, LIMIT_JSON_BODY);
	api.headers = provider->places[index].headers;
	api.header_count = ARRAY_LEN(provider->places[index].headers);
	(void)snprintf(what, sizeof(what), "cannot set the value at %s", name);
	if (update == NULL)
		return error_oom(err);
	if (url == NULL || !json_write(update, /* pretty= */ false, &body, err) || !buf_check(&body, "update", err) ||
	    !provider_ask(&api, &call, deadline, &answer, err))
		return false;
	return acmedns_read_updated(buf_cstr(&answer.body), answer.body.len, value, &cause) ||
	       provider_failed(&api, &call, &cause, err);
}

/* Called with the lock. */
static bool add_locked(struct dns_provider *provider, size_t index, const char *name, const char *value,
		       struct deadline deadline, struct error *err)
{
	struct place *places = provider->places[index].items;
	for (size_t i = 0; i < PLACES; i++) {
		if (str_equal(places[i].value, value)) {
			places[i].needed = true;
			return true;
		}
	}
	if (places[0].needed) {
		error_hint(err,
			   "register an account for each name: one holds the two values of a name and its wildcard");
		err->transient = true;
		return error_set(err, ERROR_DNS, "add-record",
				 "%s: the two values that the account of %s can hold are both still needed", TITLE,
				 name);
	}
	if (!send_update(provider, index, name, value, /* once= */ places[1].needed, deadline, err))
		return false;
	places[0] = places[1];
	places[1] = (struct place){.needed = true};
	(void)snprintf(places[1].value, sizeof(places[1].value), "%s", value);
	return true;
}

static bool acmedns_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			    struct deadline deadline, char **ret_record, struct error *err)
{
	size_t index = 0;
	(void)zone_id;
	(void)ret_record;
	if (!find_account(provider, name, &index))
		return no_account(provider, name, err);
	pthread_mutex_t *lock = &provider->places[index].lock;
	if (!provider_lock(lock, "add-record", deadline, err))
		return false;
	bool added = add_locked(provider, index, name, value, deadline, err);
	(void)pthread_mutex_unlock(lock);
	return added;
}

/* There is no deletion: the value stays until two others came. */
static bool acmedns_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			       const char *record, struct deadline deadline, struct error *err)
{
	size_t index = 0;
	(void)zone_id;
	(void)record;
	if (!find_account(provider, name, &index))
		return true;
	pthread_mutex_t *lock = &provider->places[index].lock;
	if (!provider_lock(lock, "remove-record", deadline, err))
		return false;
	for (size_t i = 0; i < PLACES; i++) {
		if (str_equal(provider->places[index].items[i].value, value))
			provider->places[index].items[i].needed = false;
	}
	(void)pthread_mutex_unlock(lock);
	return true;
}

const struct dns_provider_module acmedns_module = {
	.name = "acme-dns",
	.title = TITLE,
	.url = "https://github.com/joohoi/acme-dns",
	.keys = keys,
	.at_once = 4,
	.check = acmedns_check,
	.open = acmedns_open,
	.close = acmedns_close,
	.find_zone = acmedns_find_zone,
	.add_txt = acmedns_add_txt,
	.remove_txt = acmedns_remove_txt,
};
