/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 2136: a value is added to what is at the name, or removed from it, by the server itself; two hosts never disturb
 * each other. The zone is what the configured server says it is, not what a resolver sees. An answer counts only when
 * our key signed it.
 */
#include "dns-providers/rfc2136.h"

#include "base/identifier.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/common.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"
#include "transport/dns_update.h"
#include "transport/dns_zone.h"
#include "transport/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TTL_SECONDS = 60, DNS_PORT = 53, ADDRESSES_MAX = 8, SERVER_MS = 15 * 1000, CLOCK_MAX_SECONDS = 300 };

static const char TITLE[] = "RFC 2136";

static const struct dns_provider_key keys[] = {
	{"server", "DNSUPDATE_NAMESERVER,RFC2136_NAMESERVER,NSUPDATE_SERVER", true, false,
	 "the name server that takes the updates: ADDRESS, HOST, either with :PORT"},
	{"port", "NSUPDATE_SERVER_PORT", false, false, "its port, where server does not name one (53)"},
	{"tsig_key", "DNSUPDATE_TSIG_KEY,RFC2136_TSIG_KEY", false, false,
	 "the key's name; without a key the server must allow this host by its address"},
	{"tsig_secret", "DNSUPDATE_TSIG_SECRET,RFC2136_TSIG_SECRET", false, true, "the key's secret, in base64"},
	{"algorithm", "DNSUPDATE_TSIG_ALGORITHM,RFC2136_TSIG_ALGORITHM", false, false,
	 "hmac-sha256 (default), hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1 or hmac-md5"},
	{"sign_query", NULL, false, false, "true: look-ups at the server are signed too, for views chosen by the key"},
	{"zone", "NSUPDATE_ZONE", false, false, "the zone to update; without it the server is asked"},
	{"name", NULL, false, false, "the same as tsig_key, as certbot calls it"},
	{"secret", NULL, false, true, "the same as tsig_secret, as certbot calls it"},
	{0},
};

struct dns_provider {
	struct dns_resolver *resolver; /* for the server's name; NULL: made when it is needed */
	struct dns_resolver *own_resolver;
	char *host; /* as configured, without port */
	uint16_t port;
	char *zone; /* as configured; NULL: ask the server */
	bool has_key;
	bool sign_query;
	struct dns_tsig_key key;
	struct provider_turns turns;
};

/* --- Settings --- */

struct settings {
	struct provider_setting server, port, key, secret, algorithm, sign_query, zone;
	bool as_certbot; /* the key stands there in certbot's words */
};

static void settings_done(struct settings *settings)
{
	provider_setting_done(&settings->server);
	provider_setting_done(&settings->port);
	provider_setting_done(&settings->key);
	provider_setting_done(&settings->secret);
	provider_setting_done(&settings->algorithm);
	provider_setting_done(&settings->sign_query);
	provider_setting_done(&settings->zone);
}

static bool find_settings(const struct dns_setting *from, size_t count, struct settings *ret, struct error *err)
{
	ret->as_certbot = provider_setting_given(from, count, "name");
	const struct {
		const char *key;
		struct provider_setting *ret;
	} wanted[] = {
		{"server", &ret->server},
		{"port", &ret->port},
		{ret->as_certbot ? "name" : "tsig_key", &ret->key},
		{provider_setting_given(from, count, "secret") ? "secret" : "tsig_secret", &ret->secret},
		{"algorithm", &ret->algorithm},
		{"sign_query", &ret->sign_query},
		{"zone", &ret->zone},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!provider_setting_find(&rfc2136_module, from, count, wanted[i].key, /* environment= */ true,
					   wanted[i].ret, err))
			return false;
	}
	return true;
}

/* "HOST", "HOST:PORT", "[V6]:PORT", and an IPv6 address alone. */
static bool take_server(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	const char *text = settings->server.value.data, *port = settings->port.value.data;
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL, *colon = strrchr(text, ':');
	size_t len = strlen(text);
	uint64_t number = DNS_PORT;

	if (close != NULL && (close[1] == ':' || close[1] == '\0')) {
		port = close[1] == ':' ? close + 2 : port;
		len = (size_t)(close - text) - 1;
		text++;
	} else if (colon != NULL && colon == strchr(text, ':')) {
		port = colon + 1;
		len = (size_t)(colon - text);
	}
	if (!str_set_n(&provider->host, text, len, err))
		return false;
	if ((port != NULL && (!parse_u64(port, strlen(port), UINT16_MAX, &number) || number == 0)) ||
	    !host_is_valid(provider->host))
		return error_set(err, ERROR_CONFIG, NULL, "%s: %s is no name server's address", TITLE,
				 settings->server.source);
	provider->port = (uint16_t)number;
	return true;
}

static bool take_key(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	const char *algorithm = settings->algorithm.value.data;
	struct error cause = {0};

	if (settings->key.value.data == NULL && settings->secret.value.data == NULL)
		return true;
	if (settings->key.value.data == NULL || settings->secret.value.data == NULL)
		return error_set(err, ERROR_CONFIG, NULL, "%s: tsig_key and tsig_secret belong together; %s is missing",
				 TITLE, settings->key.value.data == NULL ? "tsig_key" : "tsig_secret");
	/* What certbot's file leaves out means there what it means to certbot. */
	if (algorithm == NULL)
		algorithm = settings->as_certbot ? "hmac-md5" : "hmac-sha256";
	if (!dns_tsig_key_init(&provider->key, settings->key.value.data, algorithm, &settings->secret.value, &cause)) {
		error_hint(err, "%s", cause.hint);
		return error_set(err, cause.category, NULL, "%s: %s", TITLE, cause.message);
	}
	provider->has_key = true;
	return true;
}

static bool take_settings(const struct settings *settings, struct dns_provider *provider, struct error *err)
{
	const char *sign = settings->sign_query.value.data != NULL ? settings->sign_query.value.data : "false";
	const char *zone = settings->zone.value.data;
	size_t len = zone != NULL ? strlen(zone) : 0;

	if (len > 0 && zone[len - 1] == '.')
		len--;
	if (zone != NULL && (!provider_name_is_valid(zone) || !str_set_n(&provider->zone, zone, len, err)))
		return error_set(err, ERROR_CONFIG, NULL, "%s: %s is no zone's name", TITLE, settings->zone.source);
	provider->sign_query = str_equal_nocase(sign, "true") || str_equal_nocase(sign, "yes");
	if (!provider->sign_query && !str_equal_nocase(sign, "false") && !str_equal_nocase(sign, "no"))
		return error_set(err, ERROR_CONFIG, NULL, "%s: %s is true or false", TITLE,
				 settings->sign_query.source);
	if (!take_server(settings, provider, err) || !take_key(settings, provider, err))
		return false;
	return provider->has_key || !provider->sign_query ||
	       error_set(err, ERROR_CONFIG, NULL, "%s: sign_query needs tsig_key and tsig_secret", TITLE);
}

static void rfc2136_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	dns_resolver_free(provider->own_resolver);
	dns_tsig_key_done(&provider->key);
	provider_turns_done(&provider->turns);
	free(provider->host);
	free(provider->zone);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, rfc2136_close)

static struct dns_provider *rfc2136_open(const struct dns_setting *from, size_t count, struct http_client *client,
					 struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_turns_init(&provider->turns, rfc2136_module.at_once);
	if (!find_settings(from, count, &settings, err) || !take_settings(&settings, provider, err))
		return NULL;
	provider->resolver = client != NULL ? http_client_resolver(client) : NULL;
	if (provider->resolver == NULL && client != NULL) {
		provider->own_resolver = dns_resolver_new(/* servers= */ NULL, err);
		provider->resolver = provider->own_resolver;
		if (provider->resolver == NULL)
			return NULL;
	}
	if (provider->has_key && str_starts(dns_tsig_algorithm_name(&provider->key), "hmac-md5"))
		log_warning("%s: the key %s is used with hmac-md5, which nobody should trust any more", TITLE,
			    provider->key.name);
	return STEAL(provider);
}

static bool rfc2136_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));
	*ret_index = count;
	if (provider == NULL)
		return error_oom(err);
	provider_turns_init(&provider->turns, rfc2136_module.at_once);
	return find_settings(from, count, &settings, err) && take_settings(&settings, provider, err);
}

/* --- The server --- */

struct servers {
	struct dns_address items[ADDRESSES_MAX];
	size_t count;
};

static bool find_servers(const struct dns_provider *provider, struct deadline deadline, struct servers *ret,
			 struct error *err)
{
	CLEANUP(str_list_done) struct str_list texts = {0};
	if (!dns_addresses(provider->resolver, provider->host, deadline, &texts, err))
		return false;
	for (size_t i = 0; i < texts.len && ret->count < ADDRESSES_MAX; i++) {
		if (!dns_address_parse(texts.items[i], provider->port, &ret->items[ret->count++], err))
			return false;
	}
	return true;
}

/* CAUSE, with the provider's name before it. */
static bool failed(const char *step, const char *what, const struct error *cause, struct error *err)
{
	err->transient = cause->transient;
	if (cause->hint[0] != '\0')
		error_hint(err, "%s", cause->hint);
	return error_set(err, cause->category, step, "%s: %s: %s", TITLE, what, cause->message);
}

static bool ask(const struct dns_provider *provider, const struct dns_address *server, const char *name,
		enum dns_type type, struct deadline deadline, struct dns_answer *ret, struct error *err)
{
	struct deadline patience = deadline_within(deadline, SERVER_MS);
	if (provider->sign_query)
		return dns_query_signed(server, &provider->key, name, type, patience, ret, err);
	return dns_query_server(server, name, type, patience, ret, err);
}

static const char *parent_of(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot != NULL ? dot + 1 : NULL;
}

/* *RET_ZONE: the zone that SERVER says NAME is in, where it has authority over it; else empty, and CAUSE says why. */
static bool ask_zone(const struct dns_provider *provider, const struct dns_address *server, const char *name,
		     struct deadline deadline, char ret_zone[256], struct error *cause, struct error *err)
{
	ret_zone[0] = '\0';
	/* From the full name, since it may be delegated itself; at a CNAME the answer tells no zone. */
	for (const char *at = name; at != NULL && ret_zone[0] == '\0'; at = parent_of(at)) {
		CLEANUP(dns_answer_done) struct dns_answer answer = {0};
		struct error failure = {0};
		if (!ask(provider, server, at, DNS_TYPE_SOA, deadline, &answer, &failure)) {
			if (deadline_left_ms(deadline) == 0) {
				*err = failure;
				return false;
			}
			*cause = failure;
			return true;
		}
		if (answer.authoritative && dns_name_is_within(name, answer.zone))
			memcpy(ret_zone, answer.zone, sizeof(answer.zone));
		if (!answer.authoritative && answer.alias[0] == '\0') {
			error_clear(cause);
			cause->absent = true;
			(void)error_set(cause, ERROR_DNS, NULL, "%s has no authority over %s", server->text, at);
			return true;
		}
	}
	return true;
}

static bool rfc2136_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			      char **ret_zone, struct error *err)
{
	struct servers servers = {.count = 0};
	struct error cause = {0};
	char zone[256] = "";
	AUTO_FREE char *id = NULL;

	if (provider->zone != NULL) {
		if (!dns_name_is_within(name, provider->zone)) {
			err->absent = true;
			return error_set(err, ERROR_DNS, "find-zone", "%s: %s is not in the configured zone %s", TITLE,
					 name, provider->zone);
		}
		(void)snprintf(zone, sizeof(zone), "%s", provider->zone);
	} else if (!find_servers(provider, deadline, &servers, &cause)) {
		return failed("find-zone", "cannot find the server", &cause, err);
	}
	for (size_t i = 0; i < servers.count && zone[0] == '\0' && !cause.absent; i++) {
		if (!ask_zone(provider, &servers.items[i], name, deadline, zone, &cause, err))
			return false;
	}
	if (zone[0] == '\0') {
		err->absent = cause.absent || !error_is_set(&cause); /* else it could not be asked */
		error_hint(err, "%s",
			   cause.transient
				   ? "is server right, up, and reachable from here over UDP and TCP?"
				   : "is server the primary server of the zone? sign_query: true helps where what "
				     "it shows depends on the key; zone: names the zone without asking");
		return error_set(err, ERROR_DNS, "find-zone", "%s: the server tells no zone that holds %s: %s", TITLE,
				 name, cause.message);
	}
	if (!str_set(&id, zone, err) || !str_set(ret_zone, zone, err))
		return false;
	*ret_id = STEAL(id);
	return true;
}

/* --- What servers say --- */

static const char *rcode_name(int rcode, char out[32])
{
	static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
					    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
	if (rcode >= 0 && (size_t)rcode < ARRAY_LEN(names))
		return names[rcode];
	(void)snprintf(out, 32, "RCODE %d", rcode);
	return out;
}

/* The answer is about our signature. */
static bool tsig_refused(const struct dns_provider *provider, const char *step, const struct dns_update_answer *answer,
			 const char *server, struct error *err)
{
	const char *key = provider->key.name, *algorithm = dns_tsig_algorithm_name(&provider->key);
	int64_t apart = answer->tsig.server_time - clock_wall();

	switch (answer->tsig.error) {
	case DNS_TSIG_BADSIG:
		error_hint(err, "tsig_secret or algorithm is not what the server has for this key");
		return error_set(err, ERROR_DNS, step,
				 "%s: %s does not accept the signature (BADSIG) by the key %s, %s", TITLE, server, key,
				 algorithm);
	case DNS_TSIG_BADKEY:
		error_hint(err,
			   "the server has no such key with this algorithm; Knot says the same when it has, and no acl "
			   "lets it update this name");
		return error_set(err, ERROR_DNS, step, "%s: %s does not accept the key %s, %s (BADKEY)", TITLE, server,
				 key, algorithm);
	case DNS_TSIG_BADTIME:
		error_hint(err, "set the clocks of both hosts right; they may differ by %d seconds", CLOCK_MAX_SECONDS);
		return error_set(err, ERROR_DNS, step,
				 "%s: %s does not accept the time of the signature (BADTIME): its clock is %" PRId64
				 " seconds %s ours",
				 TITLE, server, apart < 0 ? -apart : apart, apart < 0 ? "behind" : "ahead of");
	case DNS_TSIG_BADTRUNC:
		return error_set(err, ERROR_DNS, step, "%s: %s wants a longer signature (BADTRUNC)", TITLE, server);
	default:
		return error_set(err, ERROR_DNS, step, "%s: %s refuses the signature by the key %s (TSIG error %d)",
				 TITLE, server, key, answer->tsig.error);
	}
}

static bool update_refused(const struct dns_provider *provider, const char *step, const struct dns_update *update,
			   const struct dns_update_answer *answer, const char *server, struct error *err)
{
	static const struct {
		int rcode;
		const char *hint;
	} hints[] = {
		{DNS_RCODE_REFUSED, "let the key update this name: update-policy or allow-update in BIND, an acl with "
				    "action: update in Knot; is the server the primary one?"},
		{DNS_RCODE_NOTAUTH, "is server the primary server of the zone, and does it want a key?"},
		{DNS_RCODE_NOTZONE, "the zone and the name do not fit: check zone:"},
		{DNS_RCODE_NOTIMP, "dynamic updates are off at this server"},
		{DNS_RCODE_SERVFAIL, "the server's log tells why: a zone that is frozen, or a folder that it cannot "
				     "write its journal to"},
		{DNS_RCODE_YXRRSET, "a CNAME stands at the name, and a TXT record cannot stand beside it"},
	};
	char number[32];
	err->transient = answer->rcode == DNS_RCODE_SERVFAIL;
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		if (hints[i].rcode == answer->rcode)
			error_hint(err, "%s", hints[i].hint);
	}
	return error_set(err, ERROR_DNS, step, "%s: %s refuses to change %s in the zone %s%s%s: %s", TITLE, server,
			 update->name, update->zone, provider->has_key ? " with the key " : " without a key",
			 provider->has_key ? provider->key.name : "", rcode_name(answer->rcode, number));
}

static bool judge(const struct dns_provider *provider, const char *step, const struct dns_update *update,
		  const struct dns_update_answer *answer, const char *server, struct error *err)
{
	/* BADSIG and BADKEY cannot be signed; that they may be forged only makes us fail. */
	if (provider->has_key && answer->tsig.error != 0)
		return tsig_refused(provider, step, answer, server, err);
	if (answer->rcode != 0)
		return update_refused(provider, step, update, answer, server, err);
	if (!provider->has_key || answer->tsig.signed_by_key)
		return true;
	error_hint(err, "somebody between may have answered in its place; whether it was done is not known");
	return error_set(err, ERROR_DNS, step, "%s: the answer of %s is not signed by the key %s", TITLE, server,
			 provider->key.name);
}

/* --- Records --- */

/* At the server's addresses in turn, until one answers. */
static bool send_update(struct dns_provider *provider, const char *step, const struct dns_update *update,
			struct deadline deadline, struct dns_address *ret_server, struct error *err)
{
	struct servers servers = {.count = 0};
	struct error cause = {0};

	if (!find_servers(provider, deadline, &servers, &cause))
		return failed(step, "cannot find the server", &cause, err);
	for (size_t i = 0; i < servers.count; i++) {
		struct dns_update_answer answer;
		error_clear(&cause);
		if (!provider_turns_take(&provider->turns, step, deadline, err))
			return false;
		bool sent = dns_update_send(&servers.items[i], provider->has_key ? &provider->key : NULL, update,
					    deadline_within(deadline, SERVER_MS), &answer, &cause);
		provider_turns_end(&provider->turns);
		if (sent) {
			*ret_server = servers.items[i];
			return judge(provider, step, update, &answer, servers.items[i].text, err);
		}
		if (cause.category == ERROR_CANCELLED)
			break;
	}
	return failed(step, "cannot send the update", &cause, err);
}

/* What the server took for granted and did not do is found out here, not after minutes of waiting. */
static bool read_back(const struct dns_provider *provider, const struct dns_address *server,
		      const struct dns_update *update, struct deadline deadline, struct error *err)
{
	CLEANUP(dns_answer_done) struct dns_answer answer = {0};
	struct error ignored = {0};
	if (!ask(provider, server, update->name, DNS_TYPE_TXT, deadline, &answer, &ignored) || !answer.authoritative ||
	    str_list_has(&answer.values, update->value))
		return true;
	error_hint(err, "the server's log may tell why; a name that is delegated away shows nothing of its own");
	return error_set(err, ERROR_DNS, "add-record", "%s: %s accepts the value at %s and does not show it", TITLE,
			 server->text, update->name);
}

static bool rfc2136_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			    struct deadline deadline, char **ret_record, struct error *err)
{
	const struct dns_update update = {
		.zone = zone_id, .name = name, .value = value, .adds = true, .ttl = TTL_SECONDS};
	struct dns_address server;
	(void)ret_record;
	return send_update(provider, "add-record", &update, deadline, &server, err) &&
	       read_back(provider, &server, &update, deadline, err);
}

static bool rfc2136_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			       const char *record, struct deadline deadline, struct error *err)
{
	const struct dns_update update = {.zone = zone_id, .name = name, .value = value};
	struct dns_address server;
	(void)record;
	return send_update(provider, "remove-record", &update, deadline, &server, err);
}

const struct dns_provider_module rfc2136_module = {
	.name = "rfc2136",
	.title = TITLE,
	.url = "https://www.rfc-editor.org/rfc/rfc2136",
	.keys = keys,
	.at_once = 4,
	.check = rfc2136_check,
	.open = rfc2136_open,
	.close = rfc2136_close,
	.find_zone = rfc2136_find_zone,
	.add_txt = rfc2136_add_txt,
	.remove_txt = rfc2136_remove_txt,
};
