/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Cloud DNS: whole record sets, changed by compare and swap. Names have a final dot, values are quoted. A zone's
 * id for us is "PROJECT/MANAGED-ZONE", so that a later run finds it without asking.
 */
#include "dns-providers/google.h"

#include "base/http_message.h"
#include "base/limits.h"
#include "base/log.h"
#include "dns-providers/common.h"
#include "dns-providers/google_account.h"
#include "dns-providers/google_message.h"
#include "dns-providers/recordset.h"
#include "dns-providers/sigv4.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_URL "https://dns.googleapis.com"
#define CNAME_CONFLICT "cnameResourceRecordSetConflict"

enum { WHAT_SIZE = 320, TTL_SECONDS = 60 };

struct dns_provider {
	struct google_account account;
	struct provider_api api;
	char *base;
	char *project; /* NULL: asked for with the first zone, which zones.lock guards */
	char *zone;    /* the only managed zone to use; NULL: whichever fits */
	char *zone_apex;
	struct provider_turns turns;
	struct provider_zones zones;
	struct provider_owners owners;
};

static const struct dns_provider_key keys[] = {
	{"credentials_file", "GOOGLE_APPLICATION_CREDENTIALS", false, false,
	 "a service account's key file (JSON); without one the machine's own service account is used"},
	{"credentials", "GCE_SERVICE_ACCOUNT", false, true, "the same, the text itself"},
	{"project", "GCE_PROJECT,GOOGLE_CLOUD_PROJECT,CLOUDSDK_CORE_PROJECT", false, false,
	 "the project that has the zones, by default the service account's"},
	{"zone_id", "GCE_ZONE_ID", false, false, "the name of the managed zone: no other is used"},
	{"api_url", NULL, false, false, "the API's address, by default " API_URL},
	{0},
};

static const char *const texts[] = {"credentials_file", "credentials", NULL};

#define ROLE \
	"a role with dns.managedZones.list, dns.resourceRecordSets.* and dns.changes.create, such as roles/dns.admin"

static const struct provider_hint hints[] = {
	{"ACCESS_TOKEN_SCOPE_INSUFFICIENT",
	 "the machine's access scopes lack Cloud DNS: add ndev.clouddns.readwrite or cloud-platform to the instance",
	 false},
	{"insufficientPermissions",
	 "the machine's access scopes lack Cloud DNS: add ndev.clouddns.readwrite or cloud-platform to the instance",
	 false},
	{"SERVICE_DISABLED", "enable the Cloud DNS API in the project", false},
	{"accessNotConfigured", "enable the Cloud DNS API in the project", false},
	{CNAME_CONFLICT,
	 "a CNAME stands at this name, and nothing can stand beside it: delete it, or let it lead to a name of a zone "
	 "that can be written",
	 false},
	{"rateLimitExceeded", NULL, true},
	{"userRateLimitExceeded", NULL, true},
	{"quotaExceeded", NULL, true},
	{"forbidden", "give the account " ROLE, false},
	{"PERMISSION_DENIED", "give the account " ROLE, false},
	{0},
};

/* The instance. */

static bool find_settings(const struct dns_setting *settings, size_t count, struct provider_setting *project,
			  struct provider_setting *zone, struct provider_setting *url, struct error *err)
{
	if (!provider_setting_find(&google_module, settings, count, "project", true, project, err) ||
	    !provider_setting_find(&google_module, settings, count, "zone_id", true, zone, err) ||
	    !provider_setting_find(&google_module, settings, count, "api_url", true, url, err) ||
	    (url->value.data != NULL && !provider_check_url(url, err)))
		return false;
	if (project->value.data != NULL && !google_project_is_valid(project->value.data))
		return error_set(err, ERROR_CONFIG, NULL, "%s is no project's id", project->source);
	if (zone->value.data != NULL && !provider_id_is_valid(zone->value.data)) {
		error_hint(err, "it is the managed zone's name, as gcloud dns managed-zones list has it");
		return error_set(err, ERROR_CONFIG, NULL, "%s is no managed zone's name", zone->source);
	}
	return true;
}

static bool google_check(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting project = {0};
	CLEANUP(provider_setting_done) struct provider_setting zone = {0};
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	CLEANUP(google_credentials_done) struct google_credentials credentials = {0};
	char source[128];
	*ret_index = count;
	return find_settings(settings, count, &project, &zone, &url, err) &&
	       google_credentials_find(&google_module, settings, count, &credentials, source, err);
}

static void google_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	google_account_close(&provider->account);
	provider_zones_done(&provider->zones);
	provider_turns_done(&provider->turns);
	provider_owners_done(&provider->owners);
	free(provider->base);
	free(provider->project);
	free(provider->zone);
	free(provider->zone_apex);
	free(provider);
}

static struct dns_provider *google_open(const struct dns_setting *settings, size_t count, struct http_client *client,
					struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting project = {0};
	CLEANUP(provider_setting_done) struct provider_setting zone = {0};
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->zones);
	provider_turns_init(&provider->turns, google_module.at_once);
	provider_owners_init(&provider->owners);
	provider->api = (struct provider_api){
		.title = google_module.title,
		.client = client,
		.turns = &provider->turns,
		.hints = hints,
		.authorize = google_account_authorize,
		.renew = google_account_renew,
		.ctx = &provider->account,
	};
	if (!google_account_open(&google_module, settings, count, client, &provider->account, err) ||
	    !find_settings(settings, count, &project, &zone, &url, err) ||
	    !str_set(&provider->project, project.value.data, err) || !str_set(&provider->zone, zone.value.data, err) ||
	    !provider_base_url(&url, API_URL, &provider->base, err)) {
		google_close(provider);
		return NULL;
	}
	return provider;
}

/* Zones. */

static bool need_project(struct dns_provider *provider, struct deadline deadline, struct error *err)
{
	struct error cause = {0};
	const struct provider_call call = {.step = "find-zone", .what = "cannot look for zones"};
	return provider->project != NULL ||
	       google_account_project(&provider->account, deadline, &provider->project, &cause) ||
	       provider_failed(&provider->api, &call, &cause, err);
}

/* The one zone of the settings, whatever its name: asked for once. */
static bool ask_only_zone(struct dns_provider *provider, const char *name, struct deadline deadline,
			  struct google_zones *ret, struct error *err)
{
	CLEANUP(http_response_done) struct http_response answer = {0};
	CLEANUP(google_zones_done) struct google_zones read;
	struct error cause = {0};
	char what[WHAT_SIZE];
	AUTO_FREE char *url = str_format(err, "%s/dns/v1/projects/%s/managedZones/%s", provider->base,
					 provider->project, provider->zone);
	const struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET, .url = url};

	google_zones_init(&read);
	(void)snprintf(what, sizeof(what), "cannot use the managed zone %s", provider->zone);
	if (provider->zone_apex == NULL) {
		if (url == NULL || !provider_ask(&provider->api, &call, deadline, &answer, err))
			return false;
		if (!google_read_zone(buf_cstr(&answer.body), answer.body.len, &provider->zone_apex, &read, &cause) ||
		    (read.unusable.len > 0 && !error_set(&cause, ERROR_DNS, NULL, "%s", buf_cstr(&read.unusable))))
			return provider_failed(&provider->api, &call, &cause, err);
	}
	return !str_equal_nocase(provider->zone_apex, name) || str_list_add_once(&ret->usable, provider->zone, err);
}

static bool ask_zones_named(struct dns_provider *provider, const char *name, struct deadline deadline,
			    struct google_zones *ret, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_pages pages = {0};
	bool more = true;
	AUTO_FREE char *token = NULL;
	AUTO_FREE char *canonical = str_format(err, "%s.", name);

	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	while (canonical != NULL && provider_pages_next(&pages, provider->api.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		CLEANUP(buf_done) struct buf url;
		struct error cause = {0};
		buf_init(&url, LIMIT_URL);
		buf_printf(&url, "%s/dns/v1/projects/%s/managedZones?dnsName=%s", provider->base, provider->project,
			   canonical);
		if (token != NULL)
			oauth_form_add(&url, "pageToken", token);
		const struct provider_call call = {
			.step = "find-zone", .what = what, .method = HTTP_GET, .url = buf_cstr(&url)};
		if (!buf_check(&url, "URL", err) || !provider_ask(&provider->api, &call, deadline, &answer, err))
			return false;
		if (!google_read_zones(buf_cstr(&answer.body), answer.body.len, canonical, ret, &token, &cause))
			return provider_failed(&provider->api, &call, &cause, err);
		pages.more = token != NULL;
	}
	return canonical != NULL && !more;
}

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	CLEANUP(google_zones_done) struct google_zones found;
	google_zones_init(&found);
	if (!need_project(provider, deadline, err) ||
	    !(provider->zone != NULL ? ask_only_zone : ask_zones_named)(provider, name, deadline, &found, err))
		return false;
	if (found.usable.len == 1) {
		*ret_id = str_format(err, "%s/%s", provider->project, found.usable.items[0]);
		return *ret_id != NULL;
	}
	if (found.usable.len > 1)
		buf_printf(unusable, "more than once (%s, %s): zone_id says which", found.usable.items[0],
			   found.usable.items[1]);
	else if (found.unusable.len > 0)
		buf_str(unusable, buf_cstr(&found.unusable));
	return true;
}

static bool google_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			     char **ret_zone, struct error *err)
{
	const struct provider_zone_search search = {
		.title = provider->api.title,
		.source = provider->account.source,
		.hint = "create a public zone in Cloud DNS, or set project to the one that has it",
		.unusable_hint = "create a public zone, or say by zone_id which one is meant",
		.ask = ask_zone,
	};
	return provider_zones_find(&provider->zones, &search, provider, name, deadline, ret_id, ret_zone, err);
}

/* Record sets. */

/* ".../projects/P/managedZones/Z" of ZONE_ID, which comes back from our own files: nothing else may get into a URL. */
static char *zone_url(const struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		      struct error *err)
{
	AUTO_FREE char *project = NULL;
	const char *slash = strchr(zone_id, '/');
	if (slash == NULL || !str_set_n(&project, zone_id, (size_t)(slash - zone_id), err) ||
	    !google_project_is_valid(project) || !provider_id_is_valid(slash + 1) || !provider_name_is_valid(name)) {
		(void)error_set(err, ERROR_DNS, step, "%s: malformed zone or record name", provider->api.title);
		return NULL;
	}
	return str_format(err, "%s/dns/v1/projects/%s/managedZones/%s", provider->base, project, slash + 1);
}

static bool read_set(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_pages pages = {0};
	bool more = true;
	AUTO_FREE char *token = NULL;
	AUTO_FREE char *zone = zone_url(provider, step, zone_id, name, err);
	AUTO_FREE char *canonical = str_format(err, "%s.", name);

	(void)snprintf(what, sizeof(what), "cannot read the TXT records at %s", name);
	while (zone != NULL && canonical != NULL && provider_pages_next(&pages, provider->api.title, &more, err) &&
	       more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		CLEANUP(buf_done) struct buf url;
		struct error cause = {0};
		buf_init(&url, LIMIT_URL);
		buf_printf(&url, "%s/rrsets?name=%s&type=TXT", zone, canonical);
		if (token != NULL)
			oauth_form_add(&url, "pageToken", token);
		const struct provider_call call = {
			.step = step, .what = what, .method = HTTP_GET, .url = buf_cstr(&url)};
		if (!buf_check(&url, "URL", err) || !provider_ask(&provider->api, &call, deadline, &answer, err))
			return false;
		if (!google_read_set(buf_cstr(&answer.body), answer.body.len, canonical, ret, &token, &cause))
			return provider_failed(&provider->api, &call, &cause, err);
		pages.more = token != NULL;
	}
	return zone != NULL && canonical != NULL && !more;
}

/* Whether a refusal says that the set is not as it was believed to be. */
static bool is_conflict(const struct provider_failure *failure, long status)
{
	if (provider_failure_has(failure, CNAME_CONFLICT))
		return false;
	/* 404: what was to be deleted is not there; a zone that is gone is told by the next read. */
	return status == 409 || status == 412 || status == 404;
}

static enum provider_written write_set(struct dns_provider *provider, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE], id[64], status[32];
	CLEANUP(buf_done) struct buf body;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct provider_failure failure = {0};
	struct error cause = {0};
	AUTO_FREE char *zone = zone_url(provider, step, zone_id, name, err);
	AUTO_FREE char *canonical = str_format(err, "%s.", name);
	AUTO_FREE char *url = str_format(err, "%s/changes", zone != NULL ? zone : "");
	/* Sent again when its answer is lost: had it been done, what it deletes is not there any more. */
	const struct provider_call call = {.step = step, .what = what, .method = HTTP_POST, .url = url, .body = &body};

	(void)snprintf(what, sizeof(what), "cannot change the TXT records at %s", name);
	buf_init(&body, LIMIT_JSON_BODY);
	if (zone == NULL || canonical == NULL || url == NULL || !google_write_change(canonical, was, next, &body, err))
		return PROVIDER_WRITTEN_NOT;
	enum provider_result result = provider_call_api(&provider->api, &call, deadline, &answer, &failure, err);
	if (result == PROVIDER_OK) {
		/* "done" is no more than that the name servers were told: what they have is asked of them. */
		if (!google_read_change(buf_cstr(&answer.body), answer.body.len, id, status, &cause)) {
			(void)provider_failed(&provider->api, &call, &cause, err);
			return PROVIDER_WRITTEN_NOT;
		}
		log_debug("%s: change %s at %s is %s", provider->api.title, id, name, status);
		return PROVIDER_WRITTEN;
	}
	return result == PROVIDER_REFUSED && is_conflict(&failure, err->http_status) ? PROVIDER_WRITE_CONFLICT
										     : PROVIDER_WRITTEN_NOT;
}

static const struct provider_sets sets = {
	.before = "\"",
	.after = "\"",
	.ttl = TTL_SECONDS,
	.guesses = true,
	.read = read_set,
	.write = write_set,
};

static bool google_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			   struct deadline deadline, char **ret_record, struct error *err)
{
	(void)ret_record;
	return provider_sets_add(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

static bool google_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			      const char *record, struct deadline deadline, struct error *err)
{
	(void)record;
	return provider_sets_remove(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

const struct dns_provider_module google_module = {
	.name = "google",
	.title = "Google Cloud DNS",
	.url = "https://cloud.google.com/dns/docs/access-control",
	.keys = keys,
	.at_once = 4,
	.texts = texts,
	.check = google_check,
	.open = google_open,
	.close = google_close,
	.find_zone = google_find_zone,
	.add_txt = google_add_txt,
	.remove_txt = google_remove_txt,
};
