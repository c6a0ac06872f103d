/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain as a table of sources. A source says that it has nothing, or gives keys, or fails; it is only asked further
 * when it had nothing, so that a broken set-up is told and not passed over.
 */
#include "dns-providers/aws_credentials.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/aws_fetch.h"
#include "dns-providers/aws_process.h"
#include "dns-providers/aws_profile.h"
#include "dns-providers/zones.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REFRESH_SECONDS = 5 * 60, /* before they expire */
	PROFILES_DEEP = 8,        /* source_profile leads to source_profile */
};

#define CONTAINER_URL "http://169.254.170.2"
#define METADATA_URL "http://169.254.169.254"

struct aws_credentials {
	struct http_client *client;
	/* As configured. Without the environment for the keys, which are a source of their own. */
	struct provider_setting id, secret, token;
	struct provider_setting env_id, env_secret, env_token;
	struct provider_setting profile, role_arn, external_id, session_name, region, sts_url, metadata_url;
	char *sts_base;
	char *metadata_base;
	pthread_mutex_t lock; /* of what follows */
	bool fetched;
	struct aws_keys keys;
};

enum found { FOUND, FOUND_NOTHING, FOUND_BROKEN };

/* A run along the chain. */
struct search {
	struct aws_credentials *credentials;
	struct aws_services services;
	struct aws_profiles profiles;
	struct str_list visited;
	struct deadline deadline;
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return str_is_empty(value) ? NULL : value;
}

/* Keys as they stand somewhere, both or none. */
static enum found take_static(const char *id, const char *secret, const char *token, const char *source,
			      struct aws_keys *ret, struct error *err)
{
	if (id == NULL && secret == NULL)
		return FOUND_NOTHING;
	if (id == NULL || secret == NULL) {
		(void)error_set(err, ERROR_CONFIG, "credentials", "AWS: %s has the %s without the %s", source,
				id != NULL ? "access key id" : "secret access key",
				id != NULL ? "secret access key" : "access key id");
		return FOUND_BROKEN;
	}
	(void)snprintf(ret->source, sizeof(ret->source), "%s", source);
	bool ok = secret_set(&ret->key.id, id, strlen(id), err) &&
		  secret_set(&ret->key.secret, secret, strlen(secret), err) &&
		  (token == NULL || secret_set(&ret->key.token, token, strlen(token), err));
	return ok ? FOUND : FOUND_BROKEN;
}

static enum found from_config(struct search *search, struct aws_keys *ret, struct error *err)
{
	const struct aws_credentials *from = search->credentials;
	return take_static(from->id.value.data, from->secret.value.data, from->token.value.data, "the config", ret,
			   err);
}

static enum found from_environment(struct search *search, struct aws_keys *ret, struct error *err)
{
	const struct aws_credentials *from = search->credentials;
	return take_static(from->env_id.value.data, from->env_secret.value.data, from->env_token.value.data,
			   "the environment", ret, err);
}

static enum found from_web_identity(struct search *search, struct aws_keys *ret, struct error *err)
{
	const char *file = variable("AWS_WEB_IDENTITY_TOKEN_FILE"), *arn = variable("AWS_ROLE_ARN");
	const struct aws_role role = {.arn = arn, .session_name = search->credentials->session_name.value.data};
	if (file == NULL || arn == NULL)
		return FOUND_NOTHING;
	if (!aws_assume_role_with_token(&search->services, file, &role, search->deadline, ret, err))
		return FOUND_BROKEN;
	(void)snprintf(ret->source, sizeof(ret->source), "the web identity of $AWS_WEB_IDENTITY_TOKEN_FILE");
	return FOUND;
}

/* The token that goes with a container's request: of the environment, or of a file that is written anew now and then.
 */
static bool container_token(struct secret *ret, struct error *err)
{
	const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	if (file != NULL) {
		if (!secret_read_file(ret, file, LIMIT_CREDENTIAL_FILE, /* private_only= */ false, err))
			return false;
	} else if (token != NULL && !secret_set(ret, token, strlen(token), err)) {
		return false;
	}
	while (ret->len > 0 && (ret->data[ret->len - 1] == '\n' || ret->data[ret->len - 1] == '\r'))
		ret->data[--ret->len] = '\0';
	for (size_t i = 0; i < ret->len; i++) {
		if (ret->data[i] < ' ' || ret->data[i] > '~')
			return error_set(err, ERROR_CONFIG, "credentials",
					 "the container's authorization token has odd characters");
	}
	return true;
}

static enum found from_container(struct search *search, struct aws_keys *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (relative == NULL && full == NULL)
		return FOUND_NOTHING;
	AUTO_FREE char *url = relative != NULL
				      ? str_format(err, CONTAINER_URL "%s%s", relative[0] == '/' ? "" : "/", relative)
				      : str_format(err, "%s", full);
	/* The HTTP client refuses http to anything but loopback and the metadata addresses. */
	if (url == NULL || !container_token(&token, err) ||
	    !aws_container_keys(&search->services, url, &token, search->deadline, ret, err))
		return FOUND_BROKEN;
	(void)snprintf(ret->source, sizeof(ret->source), "the container's role");
	return FOUND;
}

static enum found from_instance(struct search *search, struct aws_keys *ret, struct error *err)
{
	const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
	struct error cause = {0};
	if (disabled != NULL && str_equal_nocase(disabled, "true"))
		return FOUND_NOTHING;
	if (!aws_instance_keys(&search->services, search->deadline, ret, &cause)) {
		/* The last resort: most who get here forgot the keys, and are on no instance at all. */
		err->transient = cause.transient;
		error_hint(err, "%s%sset access_key_id and secret_access_key, or see docs/dns-providers.md", cause.hint,
			   cause.hint[0] != '\0' ? "; otherwise " : "");
		(void)error_set(err, cause.category, "credentials",
				"AWS: no credentials in the config, the environment or the shared files, and no "
				"container or instance that has any: %s",
				cause.message);
		return FOUND_BROKEN;
	}
	(void)snprintf(ret->source, sizeof(ret->source), "the instance's role");
	return FOUND;
}

/* Profiles. */

static enum found from_named_profile(struct search *search, const char *name, struct aws_keys *ret, struct error *err);

/* Whether the profile NAME has KEY, which nobody here can do: WHY. */
static bool refuse(const struct search *search, const char *name, const char *key, const char *why, struct error *err)
{
	if (aws_profiles_get(&search->profiles, name, key) == NULL)
		return false;
	error_hint(err, "give another profile, or keys in the config or the environment");
	(void)error_set(err, ERROR_CONFIG, "credentials", "AWS: the profile \"%s\" %s, which nobody can do here (%s)",
			name, why, key);
	return true;
}

static enum found from_credential_source(struct search *search, const char *name, const char *source,
					 struct aws_keys *ret, struct error *err)
{
	static const struct {
		const char *name;
		enum found (*get)(struct search *search, struct aws_keys *ret, struct error *err);
	} sources[] = {
		{"Environment", from_environment},
		{"EcsContainer", from_container},
		{"Ec2InstanceMetadata", from_instance},
	};
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (!str_equal_nocase(sources[i].name, source))
			continue;
		enum found found = sources[i].get(search, ret, err);
		if (found == FOUND_NOTHING) {
			(void)error_set(err, ERROR_CONFIG, "credentials",
					"AWS: the profile \"%s\" takes its keys from %s, which has none", name,
					sources[i].name);
			return FOUND_BROKEN;
		}
		return found;
	}
	(void)error_set(err, ERROR_CONFIG, "credentials", "AWS: the profile \"%s\" has an unknown credential_source",
			name);
	return FOUND_BROKEN;
}

static enum found profile_keys(struct search *search, const char *name, struct aws_keys *ret, struct error *err)
{
	const struct aws_profiles *profiles = &search->profiles;
	char source[sizeof(ret->source)];
	(void)snprintf(source, sizeof(source), "the profile \"%s\"", name);
	return take_static(aws_profiles_get(profiles, name, "aws_access_key_id"),
			   aws_profiles_get(profiles, name, "aws_secret_access_key"),
			   aws_profiles_get(profiles, name, "aws_session_token"), source, ret, err);
}

/* What the profile NAME has without a role: keys, else a program that prints some. */
static enum found profile_own(struct search *search, const char *name, struct aws_keys *ret, struct error *err)
{
	const char *process = aws_profiles_get(&search->profiles, name, "credential_process");
	enum found found = profile_keys(search, name, ret, err);
	if (found != FOUND_NOTHING)
		return found;
	if (process != NULL)
		return aws_process_keys(name, process, search->deadline, ret, err) ? FOUND : FOUND_BROKEN;
	if (refuse(search, name, "sso_session", "signs in through a browser", err) ||
	    refuse(search, name, "sso_start_url", "signs in through a browser", err))
		return FOUND_BROKEN;
	return FOUND_NOTHING;
}

/* The keys with which the profile NAME takes on its role. */
static enum found role_source(struct search *search, const char *name, struct aws_keys *ret, struct error *err)
{
	const char *source_profile = aws_profiles_get(&search->profiles, name, "source_profile");
	const char *source = aws_profiles_get(&search->profiles, name, "credential_source");
	if (source_profile == NULL && source != NULL)
		return from_credential_source(search, name, source, ret, err);
	if (source_profile == NULL) {
		(void)error_set(err, ERROR_CONFIG, "credentials",
				"AWS: the profile \"%s\" has a role_arn without source_profile or credential_source",
				name);
		return FOUND_BROKEN;
	}
	/* A profile may be its own source, with its own keys. */
	enum found found = str_equal(source_profile, name) ? profile_own(search, name, ret, err)
							   : from_named_profile(search, source_profile, ret, err);
	if (found == FOUND_NOTHING) {
		(void)error_set(err, ERROR_CONFIG, "credentials",
				"AWS: the profile \"%s\", the source of \"%s\", has no credentials", source_profile,
				name);
		return FOUND_BROKEN;
	}
	return found;
}

static enum found profile_role(struct search *search, const char *name, const char *arn, struct aws_keys *ret,
			       struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys base = {0};
	const struct aws_profiles *profiles = &search->profiles;
	const struct aws_role role = {
		.arn = arn,
		.session_name = aws_profiles_get(profiles, name, "role_session_name"),
		.external_id = aws_profiles_get(profiles, name, "external_id"),
		.duration = aws_profiles_get(profiles, name, "duration_seconds"),
	};
	const char *token_file = aws_profiles_get(profiles, name, "web_identity_token_file");
	if (refuse(search, name, "mfa_serial", "asks for a one-time password", err))
		return FOUND_BROKEN;
	if (token_file != NULL) {
		if (!aws_assume_role_with_token(&search->services, token_file, &role, search->deadline, ret, err))
			return FOUND_BROKEN;
	} else if (role_source(search, name, &base, err) != FOUND ||
		   !aws_assume_role(&search->services, &base.key, &role, search->deadline, ret, err)) {
		return FOUND_BROKEN;
	}
	(void)snprintf(ret->source, sizeof(ret->source), "the role of the profile \"%s\"", name);
	return FOUND;
}

static enum found from_named_profile(struct search *search, const char *name, struct aws_keys *ret, struct error *err)
{
	const char *arn = aws_profiles_get(&search->profiles, name, "role_arn");
	if (!aws_profiles_has(&search->profiles, name)) {
		error_hint(err, "see ~/.aws/config and ~/.aws/credentials, or what $AWS_CONFIG_FILE and "
				"$AWS_SHARED_CREDENTIALS_FILE name");
		(void)error_set(err, ERROR_CONFIG, "credentials", "AWS: there is no profile \"%s\"", name);
		return FOUND_BROKEN;
	}
	if (str_list_has(&search->visited, name) || search->visited.len == PROFILES_DEEP) {
		(void)error_set(err, ERROR_CONFIG, "credentials",
				"AWS: the source_profile of \"%s\" leads back to itself, or too far",
				search->visited.items[0]);
		return FOUND_BROKEN;
	}
	if (!str_list_add(&search->visited, name, err))
		return FOUND_BROKEN;
	return arn != NULL ? profile_role(search, name, arn, ret, err) : profile_own(search, name, ret, err);
}

static bool read_shared_file(struct search *search, const char *name, const char *by_default, bool is_config,
			     struct error *err)
{
	const char *path = variable(name), *home = variable("HOME");
	AUTO_FREE char *usual = home != NULL ? str_format(err, "%s/.aws/%s", home, by_default) : NULL;
	if (path == NULL)
		path = usual;
	return path == NULL || aws_profiles_read(&search->profiles, path, is_config, err);
}

static enum found from_files(struct search *search, struct aws_keys *ret, struct error *err)
{
	const char *wanted = search->credentials->profile.value.data;
	if (!aws_profiles_has(&search->profiles, wanted != NULL ? wanted : "default") && wanted == NULL)
		return FOUND_NOTHING;
	enum found found = from_named_profile(search, wanted != NULL ? wanted : "default", ret, err);
	if (found == FOUND_NOTHING && wanted != NULL) {
		(void)error_set(err, ERROR_CONFIG, "credentials", "AWS: the profile \"%s\" has no credentials", wanted);
		return FOUND_BROKEN;
	}
	return found;
}

/* The chain. */

static void search_done(struct search *search)
{
	aws_profiles_done(&search->profiles);
	str_list_done(&search->visited);
}

static const struct source {
	const char *name;
	enum found (*get)(struct search *search, struct aws_keys *ret, struct error *err);
} sources[] = {
	{"the config", from_config},      {"the environment", from_environment}, {"a web identity", from_web_identity},
	{"the shared files", from_files}, {"the container", from_container},     {"the instance", from_instance},
};

/* The first source that has something. */
static bool run_chain(struct search *search, struct aws_keys *ret, struct error *err)
{
	/* A profile that somebody asked for in the config comes before what the environment happens to have. */
	bool profile_given = str_starts(search->credentials->profile.source, "the setting");
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (profile_given && (sources[i].get == from_environment || sources[i].get == from_web_identity))
			continue;
		enum found found = sources[i].get(search, ret, err);
		if (found != FOUND_NOTHING)
			return found == FOUND;
	}
	return error_set(err, ERROR_CONFIG, "credentials",
			 "AWS: no credentials: neither in the config nor in the environment nor in the shared files");
}

/* On top of what was found: the role that is asked for beside it. */
static bool take_role(struct search *search, struct aws_keys *keys, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys role_keys = {0};
	const struct aws_credentials *from = search->credentials;
	const struct aws_role role = {
		.arn = from->role_arn.value.data,
		.external_id = from->external_id.value.data,
		.session_name = from->session_name.value.data,
	};
	if (role.arn == NULL)
		return true;
	if (!aws_assume_role(&search->services, &keys->key, &role, search->deadline, &role_keys, err))
		return false;
	(void)snprintf(role_keys.source, sizeof(role_keys.source), "%.120s, then the role %.100s", keys->source,
		       role.arn);
	aws_keys_done(keys);
	*keys = role_keys;
	role_keys = (struct aws_keys){0};
	return true;
}

static bool fetch(struct aws_credentials *credentials, struct deadline deadline, struct error *err)
{
	CLEANUP(aws_keys_done) struct aws_keys keys = {0};
	CLEANUP(search_done)
	struct search search = {
		.credentials = credentials,
		.services =
			{
				.client = credentials->client,
				.sts_url = credentials->sts_base,
				.region = aws_credentials_region(credentials),
				.metadata_url = credentials->metadata_base,
			},
		.deadline = deadline,
	};
	/* Read each time: somebody may have put new keys there. */
	if (credentials->id.value.data == NULL &&
	    (!read_shared_file(&search, "AWS_SHARED_CREDENTIALS_FILE", "credentials", /* is_config= */ false, err) ||
	     !read_shared_file(&search, "AWS_CONFIG_FILE", "config", /* is_config= */ true, err)))
		return false;
	if (!run_chain(&search, &keys, err) || !take_role(&search, &keys, err))
		return false;
	log_debug("AWS: using keys of %s", keys.source);
	aws_keys_done(&credentials->keys);
	credentials->keys = keys;
	credentials->fetched = true;
	keys = (struct aws_keys){0};
	return true;
}

static bool are_good(const struct aws_credentials *credentials)
{
	const struct aws_keys *keys = &credentials->keys;
	return credentials->fetched && (keys->expires == 0 || keys->expires - REFRESH_SECONDS > clock_wall());
}

bool aws_credentials_get(struct aws_credentials *credentials, struct deadline deadline, struct aws_keys *ret,
			 struct error *err)
{
	if (!provider_lock(&credentials->lock, "credentials", deadline, err))
		return false;
	bool ok = (are_good(credentials) || fetch(credentials, deadline, err)) &&
		  aws_keys_copy(ret, &credentials->keys, err);
	(void)pthread_mutex_unlock(&credentials->lock);
	return ok;
}

void aws_credentials_forget(struct aws_credentials *credentials)
{
	(void)pthread_mutex_lock(&credentials->lock);
	credentials->fetched = false;
	(void)pthread_mutex_unlock(&credentials->lock);
}

const char *aws_credentials_region(const struct aws_credentials *credentials)
{
	return credentials->region.value.data != NULL ? credentials->region.value.data : "us-east-1";
}

static bool find_settings(struct aws_credentials *ret, const struct dns_provider_module *module,
			  const struct dns_setting *settings, size_t count, struct error *err)
{
	const struct {
		const char *key;
		bool environment;
		struct provider_setting *ret;
	} wanted[] = {
		{"access_key_id", false, &ret->id},
		{"secret_access_key", false, &ret->secret},
		{"session_token", false, &ret->token},
		{"profile", true, &ret->profile},
		{"role_arn", true, &ret->role_arn},
		{"external_id", true, &ret->external_id},
		{"role_session_name", true, &ret->session_name},
		{"region", true, &ret->region},
		{"sts_url", true, &ret->sts_url},
		{"metadata_url", true, &ret->metadata_url},
	};
	const struct {
		const char *key;
		struct provider_setting *ret;
	} environment[] = {
		{"access_key_id", &ret->env_id},
		{"secret_access_key", &ret->env_secret},
		{"session_token", &ret->env_token},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!provider_setting_find(module, settings, count, wanted[i].key, wanted[i].environment, wanted[i].ret,
					   err))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(environment); i++) {
		if (!provider_setting_find(module, /* settings= */ NULL, 0, environment[i].key, /* environment= */ true,
					   environment[i].ret, err))
			return false;
	}
	return (ret->sts_url.value.data == NULL || provider_check_url(&ret->sts_url, err)) &&
	       (!str_starts(ret->metadata_url.source, "the setting") || provider_check_url(&ret->metadata_url, err));
}

static bool set_bases(struct aws_credentials *credentials, struct error *err)
{
	const char *region = aws_credentials_region(credentials);
	if (!provider_name_is_valid(region))
		return error_set(err, ERROR_CONFIG, NULL, "AWS: %s is no region", credentials->region.source);
	AUTO_FREE char *usual =
		str_format(err, "https://sts.%s.amazonaws.com%s", region, str_starts(region, "cn-") ? ".cn" : "");
	return usual != NULL && provider_base_url(&credentials->sts_url, usual, &credentials->sts_base, err) &&
	       provider_base_url(&credentials->metadata_url, METADATA_URL, &credentials->metadata_base, err);
}

struct aws_credentials *aws_credentials_new(const struct dns_provider_module *module,
					    const struct dns_setting *settings, size_t count,
					    struct http_client *client, struct error *err)
{
	struct aws_credentials *credentials = calloc(1, sizeof(*credentials));
	if (credentials == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	credentials->client = client;
	(void)pthread_mutex_init(&credentials->lock, NULL);
	if (!find_settings(credentials, module, settings, count, err) || !set_bases(credentials, err)) {
		aws_credentials_free(credentials);
		return NULL;
	}
	return credentials;
}

void aws_credentials_free(struct aws_credentials *credentials)
{
	if (credentials == NULL)
		return;
	struct provider_setting *const all[] = {
		&credentials->id,           &credentials->secret,       &credentials->token,   &credentials->env_id,
		&credentials->env_secret,   &credentials->env_token,    &credentials->profile, &credentials->role_arn,
		&credentials->external_id,  &credentials->session_name, &credentials->region,  &credentials->sts_url,
		&credentials->metadata_url,
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		provider_setting_done(all[i]);
	aws_keys_done(&credentials->keys);
	free(credentials->sts_base);
	free(credentials->metadata_base);
	(void)pthread_mutex_destroy(&credentials->lock);
	free(credentials);
}
