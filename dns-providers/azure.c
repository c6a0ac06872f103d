/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure DNS: whole record sets, each with an etag, so that a write is refused where the set changed since it was read.
 * A zone is addressed by subscription, resource group and name; its id for us is the resource's.
 */
#include "dns-providers/azure.h"

#include "base/limits.h"
#include "dns-providers/azure_account.h"
#include "dns-providers/azure_message.h"
#include "dns-providers/common.h"
#include "dns-providers/recordset.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "api-version=2018-05-01"
#define GROUP_PATH "/providers/Microsoft.Network/dnsZones"

enum { WHAT_SIZE = 320, TTL_SECONDS = 60, PLACES = 5 };

/* certbot's way: "example.com:/subscriptions/S/resourceGroups/G". */
struct place {
	char *name;
	char *group_path;
};

struct dns_provider {
	struct azure_account account;
	struct provider_api api;
	char *base;
	char *subscription;
	char *group_path; /* "/subscriptions/S/resourceGroups/G"; NULL: all groups are looked through */
	struct place places[PLACES];
	size_t place_count;     /* more than none: only these zones are used */
	struct str_list listed; /* ids of the subscription's zones, which zones.lock guards */
	bool is_listed;
	struct provider_turns turns;
	struct provider_zones zones;
	struct provider_owners owners;
};

static const char PLACE_HELP[] = "NAME:/subscriptions/…/resourceGroups/…, as certbot-dns-azure has it";

static const struct dns_provider_key keys[] = {
	{"tenant_id", "AZURE_TENANT_ID,AZUREDNS_TENANTID", false, false, "the directory (tenant) of the application"},
	{"client_id", "AZURE_CLIENT_ID,AZUREDNS_APPID", false, false, "the application, or a user-assigned identity"},
	{"client_secret", "AZURE_CLIENT_SECRET,AZUREDNS_CLIENTSECRET", false, true, "the application's secret"},
	{"certificate_file", "AZURE_CLIENT_CERTIFICATE_PATH", false, false,
	 "instead of a secret: a PEM file with the application's certificate and its RSA key"},
	{"token_file", "AZURE_FEDERATED_TOKEN_FILE", false, false, "instead of a secret: workload identity's token"},
	{"subscription_id", "AZURE_SUBSCRIPTION_ID,AZUREDNS_SUBSCRIPTIONID", false, false,
	 "the one that has the zones"},
	{"resource_group", "AZURE_RESOURCE_GROUP", false, false, "of the zones, by default each of the subscription"},
	{"environment", "AZURE_ENVIRONMENT", false, false, "the cloud: public (default), usgovernment or china"},
	{"auth_method", "AZURE_AUTH_METHOD", false, false, "env (secret or certificate), wli or msi"},
	{"authority_host", "AZURE_AUTHORITY_HOST", false, false, "the login's address, by default the cloud's"},
	{"api_url", NULL, false, false, "the API's address, by default the cloud's"},
	{"sp_client_id", NULL, false, false, "client_id, as certbot-dns-azure has it"},
	{"sp_client_secret", NULL, false, true, "client_secret, as certbot-dns-azure has it"},
	{"sp_certificate_path", NULL, false, false, "certificate_file, as certbot-dns-azure has it"},
	{"msi_client_id", NULL, false, false, "a user-assigned identity, as certbot-dns-azure has it"},
	{"msi_system_assigned", NULL, false, false, "true: the machine's own identity, as certbot-dns-azure has it"},
	{"zone1", NULL, false, false, PLACE_HELP},
	{"zone2", NULL, false, false, PLACE_HELP},
	{"zone3", NULL, false, false, PLACE_HELP},
	{"zone4", NULL, false, false, PLACE_HELP},
	{"zone5", NULL, false, false, PLACE_HELP},
	{0},
};

static const char *const texts[] = {"certificate_file", "token_file", "sp_certificate_path", NULL};

#define ROLE                                                                                   \
	"give the identity the role DNS Zone Contributor on the zone; a new assignment takes " \
	"some minutes to take effect"

static const struct provider_hint hints[] = {
	{"AuthorizationFailed", ROLE, false},
	{"LinkedAuthorizationFailed", ROLE, false},
	{"SubscriptionNotFound", "check subscription_id, and that the identity may see it", false},
	{"ResourceGroupNotFound", "check resource_group: there is none of that name in the subscription", false},
	{"InvalidAuthenticationTokenTenant", "check tenant_id: the subscription belongs to another tenant", false},
	{"TooManyRequests", NULL, true},
	{0},
};

/* The instance. */

static bool read_place(const struct provider_setting *setting, struct dns_provider *ret, struct error *err)
{
	struct place *place = &ret->places[ret->place_count];
	const char *colon = strchr(setting->value.data, ':');
	struct error ignored = {0};
	if (colon != NULL && !str_set_n(&place->name, setting->value.data, (size_t)(colon - setting->value.data), err))
		return false;
	ret->place_count++;
	if (colon != NULL && provider_name_is_valid(place->name) &&
	    azure_group_path(colon + 1, &place->group_path, &ignored))
		return true;
	error_hint(err, "write it as example.com:/subscriptions/SUBSCRIPTION/resourceGroups/GROUP");
	return error_set(err, ERROR_CONFIG, NULL, "%s names no zone", setting->source);
}

static bool find_places(const struct dns_setting *settings, size_t count, struct dns_provider *ret, struct error *err)
{
	for (unsigned i = 1; i <= PLACES; i++) {
		CLEANUP(provider_setting_done) struct provider_setting place = {0};
		char key[8];
		(void)snprintf(key, sizeof(key), "zone%u", i);
		if (!provider_setting_find(&azure_module, settings, count, key, true, &place, err) ||
		    (place.value.data != NULL && !read_place(&place, ret, err)))
			return false;
	}
	return true;
}

/* Where the zones are. */
static bool find_scope(const struct dns_setting *settings, size_t count, struct dns_provider *ret, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting subscription = {0};
	CLEANUP(provider_setting_done) struct provider_setting group = {0};
	struct error ignored = {0};

	if (!find_places(settings, count, ret, err) ||
	    !provider_setting_find(&azure_module, settings, count, "subscription_id", true, &subscription, err) ||
	    !provider_setting_find(&azure_module, settings, count, "resource_group", true, &group, err))
		return false;
	if (subscription.value.data == NULL) {
		if (ret->place_count > 0)
			return true;
		error_hint(err, "set it in the config, or AZURE_SUBSCRIPTION_ID");
		return error_set(err, ERROR_CONFIG, NULL, "Azure DNS needs the setting \"subscription_id\"");
	}
	if (!provider_id_is_valid(subscription.value.data))
		return error_set(err, ERROR_CONFIG, NULL, "%s is no subscription's id", subscription.source);
	if (!str_set(&ret->subscription, subscription.value.data, err))
		return false;
	if (group.value.data == NULL)
		return true;
	AUTO_FREE char *path =
		str_format(err, "/subscriptions/%s/resourceGroups/%s", ret->subscription, group.value.data);
	if (path == NULL || strchr(group.value.data, '/') != NULL ||
	    !azure_group_path(path, &ret->group_path, &ignored))
		return error_set(err, ERROR_CONFIG, NULL, "%s is no resource group's name", group.source);
	return true;
}

static void azure_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	azure_account_close(&provider->account);
	provider_zones_done(&provider->zones);
	provider_turns_done(&provider->turns);
	provider_owners_done(&provider->owners);
	str_list_done(&provider->listed);
	for (size_t i = 0; i < provider->place_count; i++) {
		free(provider->places[i].name);
		free(provider->places[i].group_path);
	}
	free(provider->base);
	free(provider->subscription);
	free(provider->group_path);
	free(provider);
}

static struct dns_provider *azure_open(const struct dns_setting *settings, size_t count, struct http_client *client,
				       struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->zones);
	provider_turns_init(&provider->turns, azure_module.at_once);
	provider_owners_init(&provider->owners);
	provider->api = (struct provider_api){
		.title = azure_module.title,
		.request_id_header = "x-ms-request-id",
		.client = client,
		.turns = &provider->turns,
		.hints = hints,
		.authorize = azure_account_authorize,
		.renew = azure_account_renew,
		.ctx = &provider->account,
	};
	if (!azure_account_open(&azure_module, settings, count, client, &provider->account, err) ||
	    !find_scope(settings, count, provider, err) ||
	    !provider_setting_find(&azure_module, settings, count, "api_url", true, &url, err) ||
	    (url.value.data != NULL && !provider_check_url(&url, err)) ||
	    !provider_base_url(&url, provider->account.cloud->management, &provider->base, err)) {
		azure_close(provider);
		return NULL;
	}
	return provider;
}

/* Opening asks nobody, so it is the check. */
static bool azure_check(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err)
{
	struct dns_provider *provider = azure_open(settings, count, /* client= */ NULL, err);
	*ret_index = count;
	azure_close(provider);
	return provider != NULL;
}

/* provider_ask(), and *RET_MISSING instead of an error where the very resource is not there (its parent is). */
static bool ask_for(struct dns_provider *provider, const struct provider_call *call, struct deadline deadline,
		    struct http_response *ret, bool *ret_missing, struct error *err)
{
	struct provider_failure failure = {0};
	struct error cause = {0};
	enum provider_result result = provider_call_api(&provider->api, call, deadline, ret, &failure, &cause);
	*ret_missing =
		result == PROVIDER_REFUSED && cause.http_status == 404 &&
		(provider_failure_has(&failure, "ResourceNotFound") || provider_failure_has(&failure, "NotFound"));
	if (result == PROVIDER_OK || *ret_missing)
		return true;
	*err = cause;
	return false;
}

/* Zones. */

static bool ask_in_group(struct dns_provider *provider, const char *group_path, const char *name,
			 struct deadline deadline, char **ret_id, struct buf *unusable, struct error *err)
{
	char what[WHAT_SIZE];
	bool missing = false, is_public = false;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *id = str_format(err, "%s" GROUP_PATH "/%s", group_path, name);
	AUTO_FREE char *url = str_format(err, "%s%s?" API_VERSION, provider->base, id != NULL ? id : "");
	const struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET, .url = url};

	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	if (id == NULL || url == NULL || !ask_for(provider, &call, deadline, &answer, &missing, err))
		return false;
	if (missing)
		return true;
	if (!azure_read_zone(buf_cstr(&answer.body), answer.body.len, name, &is_public, &cause))
		return provider_failed(&provider->api, &call, &cause, err);
	if (is_public)
		*ret_id = STEAL(id);
	else
		buf_str(unusable, "it is private");
	return true;
}

/* Once for the instance, however many names are looked for. */
static bool list_zones(struct dns_provider *provider, struct deadline deadline, struct error *err)
{
	struct provider_pages pages = {0};
	bool more = true;
	AUTO_FREE char *next = NULL;

	str_list_done(&provider->listed);
	while (provider_pages_next(&pages, provider->api.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		struct error cause = {0};
		AUTO_FREE char *first = str_format(
			err, "/subscriptions/%s/providers/Microsoft.Network/dnszones?" API_VERSION "&$top=100",
			provider->subscription);
		AUTO_FREE char *url = str_format(err, "%s%s", provider->base, next != NULL ? next : first);
		const struct provider_call call = {.step = "find-zone",
						   .what = "cannot list the subscription's zones",
						   .method = HTTP_GET,
						   .url = url};
		if (first == NULL || url == NULL || !provider_ask(&provider->api, &call, deadline, &answer, err))
			return false;
		if (!azure_read_zones(buf_cstr(&answer.body), answer.body.len, &provider->listed, &next, &cause))
			return provider_failed(&provider->api, &call, &cause, err);
		pages.more = next != NULL;
	}
	return !more;
}

static bool ask_listed(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		       struct buf *unusable, struct error *err)
{
	const char *found = NULL;
	provider->is_listed = provider->is_listed || list_zones(provider, deadline, err);
	if (!provider->is_listed)
		return false;
	for (size_t i = 0; i < provider->listed.len; i++) {
		const char *id = provider->listed.items[i];
		if (!str_equal_nocase(azure_zone_name(id), name))
			continue;
		if (found != NULL) {
			buf_str(unusable, "in more than one resource group: resource_group says which");
			return true;
		}
		found = id;
	}
	return str_set(ret_id, found, err);
}

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	if (provider->place_count == 0 && provider->group_path == NULL)
		return ask_listed(provider, name, deadline, ret_id, unusable, err);
	if (provider->place_count == 0)
		return ask_in_group(provider, provider->group_path, name, deadline, ret_id, unusable, err);
	for (size_t i = 0; i < provider->place_count; i++) {
		if (str_equal_nocase(provider->places[i].name, name))
			return ask_in_group(provider, provider->places[i].group_path, name, deadline, ret_id, unusable,
					    err);
	}
	return true;
}

static bool azure_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			    char **ret_zone, struct error *err)
{
	const struct provider_zone_search search = {
		.title = provider->api.title,
		.source = provider->account.source,
		.hint = "create the zone, or give the identity the role DNS Zone Contributor on it: what it may not "
			"see "
			"is as if it were not there",
		.unusable_hint = "create a public zone, or say by resource_group which one is meant",
		.ask = ask_zone,
	};
	return provider_zones_find(&provider->zones, &search, provider, name, deadline, ret_id, ret_zone, err);
}

/* Record sets. */

/* The set's address. ZONE_ID comes back from our own files: nothing else may get into a URL. */
static char *set_url(const struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct error *err)
{
	AUTO_FREE char *relative = NULL;
	const char *zone = azure_zone_name(zone_id);
	if (zone == NULL || !provider_name_is_valid(name)) {
		(void)error_set(err, ERROR_DNS, step, "%s: malformed zone or record name", provider->api.title);
		return NULL;
	}
	if (!provider_relative_name(name, zone, &relative, err))
		return NULL;
	return str_format(err, "%s%s/TXT/%s?" API_VERSION, provider->base, zone_id, relative);
}

static bool read_set(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err)
{
	char what[WHAT_SIZE];
	bool missing = false;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *url = set_url(provider, step, zone_id, name, err);
	const struct provider_call call = {.step = step, .what = what, .method = HTTP_GET, .url = url};

	(void)snprintf(what, sizeof(what), "cannot read the TXT records at %s", name);
	if (url == NULL || !ask_for(provider, &call, deadline, &answer, &missing, err))
		return false;
	return missing || azure_read_set(buf_cstr(&answer.body), answer.body.len, ret, &cause) ||
	       provider_failed(&provider->api, &call, &cause, err);
}

/* What a refused write means. 409: another operation on the zone, or a CNAME in the way. */
static enum provider_written judge(const struct provider_failure *failure, struct error *err)
{
	if (strstr(failure->text, "CNAME") != NULL) {
		error_hint(err,
			   "a CNAME stands at this name, and nothing can stand beside it: delete it, or let it lead "
			   "to a name of a zone that can be written");
		return PROVIDER_WRITTEN_NOT;
	}
	return err->http_status == 412 || err->http_status == 409 ? PROVIDER_WRITE_CONFLICT : PROVIDER_WRITTEN_NOT;
}

static enum provider_written send_write(struct dns_provider *provider, const struct provider_call *call,
					struct deadline deadline, struct error *err)
{
	CLEANUP(http_response_done) struct http_response answer = {0};
	CLEANUP(provider_set_done) struct provider_set written = {0};
	struct provider_failure failure = {0};
	struct error cause = {0};
	enum provider_result result = provider_call_api(&provider->api, call, deadline, &answer, &failure, err);

	if (result == PROVIDER_REFUSED)
		return judge(&failure, err);
	if (result != PROVIDER_OK)
		return PROVIDER_WRITTEN_NOT;
	if (call->method == HTTP_DELETE || azure_read_set(buf_cstr(&answer.body), answer.body.len, &written, &cause))
		return PROVIDER_WRITTEN;
	(void)provider_failed(&provider->api, call, &cause, err);
	return PROVIDER_WRITTEN_NOT;
}

static enum provider_written write_set(struct dns_provider *provider, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(buf_done) struct buf body;
	/* TTL and metadata stay as they are; an emptied set was not: nothing but metadata was in it, and that stays
	 * too. */
	const struct provider_set whole = {.values = next->values, .ttl = next->ttl, .extra = was->extra};
	AUTO_FREE char *url = set_url(provider, step, zone_id, name, err);
	AUTO_FREE char *header = was->version != NULL ? str_format(err, "If-Match: %s", was->version)
						      : str_format(err, "If-None-Match: *");
	/* Sent again when its answer is lost: had it been done, the condition does not hold any more. */
	struct provider_call call = {.step = step, .what = what, .method = HTTP_DELETE, .url = url, .header = header};

	(void)snprintf(what, sizeof(what), "cannot change the TXT records at %s", name);
	buf_init(&body, LIMIT_JSON_BODY);
	if (next->values.len > 0) {
		call.method = HTTP_PUT;
		call.body = &body;
		if (!azure_write_set(&whole, &body, err))
			return PROVIDER_WRITTEN_NOT;
	}
	return url != NULL && header != NULL ? send_write(provider, &call, deadline, err) : PROVIDER_WRITTEN_NOT;
}

static const struct provider_sets sets = {
	.before = "[\"",
	.after = "\"]",
	.ttl = TTL_SECONDS,
	.guesses = false,
	.read = read_set,
	.write = write_set,
};

static bool azure_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			  struct deadline deadline, char **ret_record, struct error *err)
{
	(void)ret_record;
	return provider_sets_add(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

static bool azure_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			     const char *record, struct deadline deadline, struct error *err)
{
	(void)record;
	return provider_sets_remove(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

const struct dns_provider_module azure_module = {
	.name = "azure",
	.title = "Azure DNS",
	.url = "https://learn.microsoft.com/en-us/azure/dns/dns-protect-zones-recordsets",
	.keys = keys,
	.at_once = 4,
	.texts = texts,
	.check = azure_check,
	.open = azure_open,
	.close = azure_close,
	.find_zone = azure_find_zone,
	.add_txt = azure_add_txt,
	.remove_txt = azure_remove_txt,
};
