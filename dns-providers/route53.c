/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route 53: the unit is the record set, and a batch of changes applies as a whole or not at all. DELETE of what was
 * read and CREATE of what shall be is therefore a compare and swap; UPSERT, which replaces whatever is there, is not
 * used.
 */
#include "dns-providers/route53.h"

#include "base/limits.h"
#include "base/log.h"
#include "dns-providers/aws_credentials.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT_SIZE = 320, TTL_SECONDS = 60 };

struct dns_provider {
	struct provider_api api;
	struct aws_credentials *credentials;
	char *base;
	const char *region; /* that requests are signed for */
	char *zone_id;      /* as configured; NULL: look it up */
	struct provider_turns turns;
	struct provider_zones found;
	struct provider_owners owners;
};

static const struct dns_provider_key keys[] = {
	{"access_key_id", "AWS_ACCESS_KEY_ID", false, true, "with secret_access_key, an access key"},
	{"secret_access_key", "AWS_SECRET_ACCESS_KEY", false, true, "the secret of access_key_id"},
	{"session_token", "AWS_SESSION_TOKEN", false, true, "goes with a temporary access key"},
	{"profile", "AWS_PROFILE,AWS_DEFAULT_PROFILE", false, false,
	 "a profile of ~/.aws/config and ~/.aws/credentials"},
	{"role_arn", "AWS_ASSUME_ROLE_ARN", false, false, "a role to take on with the keys found"},
	{"external_id", "AWS_EXTERNAL_ID", false, false, "what the role's owner wants to hear"},
	{"role_session_name", "AWS_ROLE_SESSION_NAME", false, false, "the session's name in AWS's logs"},
	{"region", "AWS_REGION,AWS_DEFAULT_REGION", false, false,
	 "of STS; one of China or GovCloud chooses the Route 53 there"},
	{"hosted_zone_id", "AWS_HOSTED_ZONE_ID", false, false, "the zone's id: no zone is looked up then"},
	{"api_url", "AWS_ENDPOINT_URL_ROUTE_53,AWS_ENDPOINT_URL", false, false, "the API's address"},
	{"sts_url", "AWS_ENDPOINT_URL_STS,AWS_ENDPOINT_URL", false, false, "the address of STS"},
	{"metadata_url", "AWS_EC2_METADATA_SERVICE_ENDPOINT", false, false, "the address of the instance's metadata"},
	{0},
};

#define POLICY "grant what the policy in docs/dns-providers.md has"

static const struct provider_hint hints[] = {
	{"ClockSkew", "set this host's clock; signatures are good for five minutes", false},
	{"AccessDenied", POLICY, false},
	{"AccessDeniedException", POLICY, false},
	{"NoSuchHostedZone", "check hosted_zone_id", false},
	{"InvalidClientTokenId", "check the access key: AWS does not know it", false},
	{"UnrecognizedClientException", "check the access key: AWS does not know it", false},
	{"SignatureDoesNotMatch", "check the secret access key", false},
	{"ExpiredToken", "the session token has expired: get a new one", false},
	{"Throttling", NULL, true},
	{"ThrottlingException", NULL, true},
	{"PriorRequestNotComplete", NULL, true},
	{0},
};

/* The instance. */

/* Where Route 53 lives in the partition of a region, and what it is signed for there. */
static void choose_endpoint(struct dns_provider *provider, const char **ret_url)
{
	static const struct {
		const char *prefix, *url, *region;
	} partitions[] = {
		{"cn-", "https://route53.amazonaws.com.cn", "cn-northwest-1"},
		{"us-gov-", "https://route53.us-gov.amazonaws.com", "us-gov-west-1"},
		{"", "https://route53.amazonaws.com", "us-east-1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
		if (!str_starts(aws_credentials_region(provider->credentials), partitions[i].prefix))
			continue;
		*ret_url = partitions[i].url;
		provider->region = partitions[i].region;
		return;
	}
}

static void route53_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	aws_credentials_free(provider->credentials);
	provider_zones_done(&provider->found);
	provider_turns_done(&provider->turns);
	provider_owners_done(&provider->owners);
	free(provider->base);
	free(provider->zone_id);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, route53_close)

static bool authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
		      struct provider_headers *ret, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys current = {0};
	const struct dns_provider *provider = ctx;
	return aws_credentials_get(provider->credentials, deadline, &current, err) &&
	       aws_sign_call(call, &current.key, provider->region, "route53", ret, err);
}

static bool take_zone_id(struct dns_provider *provider, const struct provider_setting *setting, struct error *err)
{
	static const char prefix[] = "/hostedzone/";
	const char *id = setting->value.data;
	if (id == NULL)
		return true;
	if (str_starts(id, prefix))
		id += strlen(prefix);
	if (!provider_id_is_valid(id))
		return error_set(err, ERROR_CONFIG, NULL, "Route 53: %s is no id of a hosted zone", setting->source);
	return str_set(&provider->zone_id, id, err);
}

static struct dns_provider *route53_open(const struct dns_setting *settings, size_t count, struct http_client *client,
					 struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	CLEANUP(provider_setting_done) struct provider_setting zone = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));
	const char *by_default = NULL;

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->found);
	provider_turns_init(&provider->turns, route53_module.at_once);
	provider_owners_init(&provider->owners);
	provider->api = (struct provider_api){
		.title = route53_module.title,
		.request_id_header = "x-amzn-requestid",
		.accept = "text/xml",
		.client = client,
		.turns = &provider->turns,
		.hints = hints,
		.authorize = authorize,
		.ctx = provider,
		.read_failure = aws_read_failure,
	};
	provider->credentials = aws_credentials_new(&route53_module, settings, count, client, err);
	if (provider->credentials == NULL)
		return NULL;
	choose_endpoint(provider, &by_default);
	if (!provider_setting_find(&route53_module, settings, count, "api_url", true, &url, err) ||
	    (url.value.data != NULL && !provider_check_url(&url, err)) ||
	    !provider_base_url(&url, by_default, &provider->base, err) ||
	    !provider_setting_find(&route53_module, settings, count, "hosted_zone_id", true, &zone, err) ||
	    !take_zone_id(provider, &zone, err))
		return NULL;
	return STEAL(provider);
}

static bool route53_check(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err)
{
	*ret_index = count;
	if (provider_setting_given(settings, count, "access_key_id") !=
	    provider_setting_given(settings, count, "secret_access_key"))
		return error_set(err, ERROR_CONFIG, NULL, "Route 53: access_key_id and secret_access_key go together");
	/* Opening asks nobody. */
	CLEANUP(provider_closep) struct dns_provider *provider = route53_open(settings, count, NULL, err);
	return provider != NULL;
}

/* Calls. */

/* PATH below the API's address. Temporary keys that AWS calls expired are fetched anew, once. */
static enum provider_result call_api(struct dns_provider *provider, struct provider_call *call, const char *path,
				     struct deadline deadline, struct http_response *ret,
				     struct provider_failure *ret_failure, struct error *err)
{
	AUTO_FREE char *url = str_format(err, "%s/2013-04-01%s", provider->base, path);
	if (url == NULL)
		return PROVIDER_FAILED;
	call->url = url;
	for (bool again = false;; again = true) {
		struct error cause = {0};
		enum provider_result result =
			provider_call_api(&provider->api, call, deadline, ret, ret_failure, &cause);
		if (result == PROVIDER_REFUSED && !again && provider_failure_has(ret_failure, "ExpiredToken")) {
			aws_credentials_forget(provider->credentials);
			continue;
		}
		call->url = NULL;
		if (result != PROVIDER_OK)
			*err = cause;
		return result;
	}
}

static bool ask(struct dns_provider *provider, struct provider_call *call, const char *path, struct deadline deadline,
		struct http_response *ret, struct error *err)
{
	struct provider_failure failure = {0};
	return call_api(provider, call, path, deadline, ret, &failure, err) == PROVIDER_OK;
}

/* Zones. */

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct route53_zones zones = {0};
	struct error cause = {0};
	AUTO_FREE char *path = str_format(err, "/hostedzonesbyname?dnsname=%s&maxitems=100", name);

	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	if (path == NULL || !ask(provider, &call, path, deadline, &answer, err))
		return false;
	if (!route53_read_zones(buf_cstr(&answer.body), answer.body.len, name, &zones, &cause))
		return provider_failed(&provider->api, &call, &cause, err);
	if (zones.public_count > 1) {
		error_hint(err, "set hosted_zone_id to the one that the domain is delegated to");
		return error_set(err, ERROR_DNS, "find-zone", "Route 53: %zu public zones are called %s",
				 zones.public_count, name);
	}
	if (zones.public_count == 0 && zones.private_count > 0)
		buf_str(unusable, "it is private");
	return zones.public_count == 0 || str_set(ret_id, zones.id, err);
}

static bool route53_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			      char **ret_zone, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys current = {0};
	AUTO_FREE char *id = NULL;

	if (provider->zone_id != NULL) {
		/* Its name is not asked for, since the policy may not allow it; it is only for messages. */
		if (!str_set(&id, provider->zone_id, err) || !str_set(ret_zone, provider->zone_id, err))
			return false;
		*ret_id = STEAL(id);
		return true;
	}
	if (!aws_credentials_get(provider->credentials, deadline, &current, err))
		return false;
	const struct provider_zone_search search = {
		.title = provider->api.title,
		.source = current.source,
		.hint = "use the account that has the zone, or set hosted_zone_id",
		.unusable_hint = "a CA sees public zones only; where this is wanted, set hosted_zone_id",
		.ask = ask_zone,
	};
	return provider_zones_find(&provider->found, &search, provider, name, deadline, ret_id, ret_zone, err);
}

static bool route53_takes_any_name(const struct dns_provider *provider)
{
	return provider->zone_id != NULL;
}

/* Record sets. */

static bool read_set(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {.step = step, .what = what, .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	bool routed = false;
	AUTO_FREE char *path = str_format(err, "/hostedzone/%s/rrset?maxitems=1&name=%s.&type=TXT", zone_id, name);

	(void)snprintf(what, sizeof(what), "cannot read the TXT records at %s", name);
	if (path == NULL || !ask(provider, &call, path, deadline, &answer, err))
		return false;
	if (!route53_read_set(buf_cstr(&answer.body), answer.body.len, name, ret, &routed, &cause))
		return provider_failed(&provider->api, &call, &cause, err);
	if (routed) {
		error_hint(err, "remove that set, or let a CNAME at this name lead elsewhere");
		return error_set(
			err, ERROR_DNS, step,
			"Route 53: the TXT records at %s follow a routing policy (weighted, latency, …), beside "
			"which no plain value can stand",
			name);
	}
	return true;
}

/* Whether a refusal says that what we believed was wrong, not that what we want is. */
static bool is_conflict(const struct provider_failure *failure)
{
	static const char *const texts[] = {"but it already exists", "not found", "do not match"};
	if (!provider_failure_has(failure, "InvalidChangeBatch"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strstr(failure->text, texts[i]) != NULL)
			return true;
	}
	return false;
}

static enum provider_written write_set(struct dns_provider *provider, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(buf_done) struct buf body;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct provider_failure failure = {0};
	struct error cause = {0};
	/* Sent again when its answer is lost: a batch that was done conflicts then. */
	struct provider_call call = {
		.step = step,
		.what = what,
		.method = HTTP_POST,
		.body = &body,
		.content_type = "text/xml",
	};
	AUTO_FREE char *path = str_format(err, "/hostedzone/%s/rrset/", zone_id);

	(void)snprintf(what, sizeof(what), "cannot change the TXT records at %s", name);
	buf_init(&body, LIMIT_PROVIDER_BODY);
	if (path == NULL || !route53_write_batch(name, was, next, &body, err))
		return PROVIDER_WRITTEN_NOT;
	enum provider_result result = call_api(provider, &call, path, deadline, &answer, &failure, err);
	if (result == PROVIDER_OK && route53_read_change(buf_cstr(&answer.body), answer.body.len, &cause))
		return PROVIDER_WRITTEN;
	if (result == PROVIDER_OK)
		(void)provider_failed(&provider->api, &call, &cause, err);
	return result == PROVIDER_REFUSED && is_conflict(&failure) ? PROVIDER_WRITE_CONFLICT : PROVIDER_WRITTEN_NOT;
}

static const struct provider_sets sets = {
	.before = "\"",
	.after = "\"",
	.ttl = TTL_SECONDS,
	.guesses = true,
	.read = read_set,
	.write = write_set,
};

/* Both come back from our own files: nothing else than they may get into a URL. */
static bool check_target(const char *step, const char *zone_id, const char *name, struct error *err)
{
	if (provider_id_is_valid(zone_id) && provider_name_is_valid(name))
		return true;
	return error_set(err, ERROR_DNS, step, "Route 53: malformed zone id or record name");
}

static bool route53_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			    struct deadline deadline, char **ret_record, struct error *err)
{
	(void)ret_record;
	return check_target("add-record", zone_id, name, err) &&
	       provider_sets_add(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

static bool route53_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			       const char *record, struct deadline deadline, struct error *err)
{
	(void)record;
	return check_target("remove-record", zone_id, name, err) &&
	       provider_sets_remove(&sets, &provider->owners, provider, zone_id, name, value, deadline, err);
}

const struct dns_provider_module route53_module = {
	.name = "route53",
	.title = "Route 53",
	.url = "https://docs.aws.amazon.com/Route53/latest/APIReference/requests-authentication.html",
	.keys = keys,
	.at_once = 2, /* ten in a second, and changes of one zone that overlap may be refused */
	.check = route53_check,
	.open = route53_open,
	.close = route53_close,
	.find_zone = route53_find_zone,
	.takes_any_name = route53_takes_any_name,
	.add_txt = route53_add_txt,
	.remove_txt = route53_remove_txt,
};
