/* SPDX-License-Identifier: Apache-2.0 */
/* renewal/<name>.json. One table of fields serves reading, writing and releasing. */
#include "store/renewal.h"

#include "base/escape.h"
#include "base/limits.h"
#include "store/record.h"

#include <string.h>

#define STRING(member, limit)                                                                                     \
	{                                                                                                         \
		.key = #member, .type = RECORD_STRING, .offset = offsetof(struct renewal, member), .max = (limit) \
	}
#define OTHER(member, kind)                                                                \
	{                                                                                  \
		.key = #member, .type = (kind), .offset = offsetof(struct renewal, member) \
	}

enum {
	SHORT_TEXT = 256,
	SERVERS_MAX = LIMIT_JSON_ARRAY,
	SERVERS_SAID = 1024 * 1024, /* bytes that all servers together may have said: a part of LIMIT_STATE_FILE */
};

/* clang-format off */
static const struct record_field fields[] = {
	STRING(ca_url, LIMIT_URL),
	STRING(ca_name, LIMIT_URL),
	STRING(ca_bundle, LIMIT_PATH),
	STRING(account, LIMIT_URL),
	STRING(email, SHORT_TEXT),
	STRING(profile, SHORT_TEXT),
	STRING(webroot, LIMIT_PATH),
	STRING(dns_provider, SHORT_TEXT),
	STRING(dns_credentials, LIMIT_PATH),
	STRING(serial, SHORT_TEXT),
	STRING(issuer, SHORT_TEXT),
	STRING(fingerprint_sha256, SHORT_TEXT),
	OTHER(reuse_key, RECORD_FLAG),
	OTHER(from_config, RECORD_FLAG),
	OTHER(generation, RECORD_NUMBER),
	OTHER(not_before, RECORD_TIME),
	OTHER(not_after, RECORD_TIME),
	OTHER(renew_at, RECORD_TIME),
	OTHER(failures, RECORD_COUNT),
	OTHER(last_failure, RECORD_TIME),
	OTHER(retry_at, RECORD_TIME),
	OTHER(lifetime, RECORD_TIME),
	OTHER(pre_authorize, RECORD_FLAG),
	STRING(profile_issued, SHORT_TEXT),
	STRING(preferred_chain, SHORT_TEXT),
	STRING(listen, SHORT_TEXT),
	OTHER(rolled_back_from, RECORD_NUMBER),
	OTHER(revoked_generation, RECORD_NUMBER),
	OTHER(revoked_at, RECORD_TIME),
	STRING(revoked_reason, SHORT_TEXT),
	STRING(revoked_before, SHORT_TEXT),
	STRING(csr, LIMIT_JSON_STRING),
	STRING(pre_hook, LIMIT_HOOK_LINE),
	STRING(post_hook, LIMIT_HOOK_LINE),
	STRING(deploy_hook, LIMIT_HOOK_LINE),
	OTHER(deploy_hooks_due, RECORD_FLAG),
};
/* clang-format on */

#define INNER(name, member, kind, limit)                                                                  \
	{                                                                                                 \
		.key = (name), .type = (kind), .offset = offsetof(struct renewal, member), .max = (limit) \
	}

static const struct record_field timing_fields[] = {
	INNER("ari_id", ari.id, RECORD_STRING, SHORT_TEXT),
	INNER("ari_start", ari.start, RECORD_TIME, 0),
	INNER("ari_end", ari.end, RECORD_TIME, 0),
	INNER("ari_explanation", ari.explanation, RECORD_STRING, LIMIT_ARI_EXPLANATION),
	INNER("ari_next", ari.next, RECORD_TIME, 0),
	INNER("ari_failures", ari.failures, RECORD_COUNT, 0),
	INNER("tries_for", tries.what, RECORD_STRING, SHORT_TEXT),
	INNER("unfinished", tries.unfinished, RECORD_COUNT, 0),
	INNER("begun_at", tries.begun_at, RECORD_TIME, 0),
	INNER("orders", tries.orders, RECORD_COUNT, 0),
	INNER("orders_since", tries.orders_since, RECORD_TIME, 0),
	INNER("refusals", tries.refusals, RECORD_COUNT, 0),
	INNER("refusals_since", tries.refusals_since, RECORD_TIME, 0),
};

static const struct record_field ca_fields[] = {
	{.key = "url",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct renewal_ca, url),
	 .max = LIMIT_URL,
	 .needed = true},
	{.key = "failures", .type = RECORD_COUNT, .offset = offsetof(struct renewal_ca, failures)},
	{.key = "since", .type = RECORD_TIME, .offset = offsetof(struct renewal_ca, since)},
	{.key = "retry_at", .type = RECORD_TIME, .offset = offsetof(struct renewal_ca, retry_at)},
};

static const struct record_field hook_fields[] = {
	{.key = "name",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct renewal_hook, name),
	 .max = LIMIT_PATH,
	 .needed = true},
	{.key = "failures", .type = RECORD_COUNT, .offset = offsetof(struct renewal_hook, failures)},
	{.key = "last_try", .type = RECORD_TIME, .offset = offsetof(struct renewal_hook, last_try)},
	{.key = "retry_at", .type = RECORD_TIME, .offset = offsetof(struct renewal_hook, retry_at)},
};

#define SERVER_TEXT(member)                                                                             \
	{                                                                                               \
		.key = #member, .type = RECORD_TEXT, .offset = offsetof(struct renewal_server, member), \
		.max = sizeof(((struct renewal_server *)0)->member) - 1                                 \
	}

static const struct record_field server_fields[] = {
	{.key = "name",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct renewal_server, name),
	 .max = SHORT_TEXT,
	 .needed = true},
	{.key = "wanted", .type = RECORD_NUMBER, .offset = offsetof(struct renewal_server, wanted)},
	{.key = "pushed", .type = RECORD_NUMBER, .offset = offsetof(struct renewal_server, pushed)},
	{.key = "seen_at", .type = RECORD_TIME, .offset = offsetof(struct renewal_server, seen_at)},
	{.key = "last_try", .type = RECORD_TIME, .offset = offsetof(struct renewal_server, last_try)},
	{.key = "failures", .type = RECORD_COUNT, .offset = offsetof(struct renewal_server, failures)},
	{.key = "retry_at", .type = RECORD_TIME, .offset = offsetof(struct renewal_server, retry_at)},
	SERVER_TEXT(placed),
	SERVER_TEXT(served_sha256),
	SERVER_TEXT(result),
};

static void free_cas(struct renewal *renewal)
{
	for (size_t i = 0; i < renewal->tries.ca_count; i++)
		free(renewal->tries.cas[i].url);
	free(renewal->tries.cas);
	renewal->tries.cas = NULL;
	renewal->tries.ca_count = 0;
}

void renewal_forget_hooks(struct renewal *record)
{
	for (size_t i = 0; i < record->hook_count; i++) {
		free(record->hooks[i].name);
		free(record->hooks[i].error);
	}
	free(record->hooks);
	record->hooks = NULL;
	record->hook_count = 0;
	record->deploy_hooks_due = false;
}

void renewal_done(struct renewal *renewal)
{
	if (renewal == NULL)
		return;
	for (size_t i = 0; i < renewal->server_count; i++) {
		free(renewal->servers[i].name);
		free(renewal->servers[i].error);
	}
	free(renewal->servers);
	renewal_forget_hooks(renewal);
	free_cas(renewal);
	free(renewal->last_error);
	free(renewal->identifiers);
	free(renewal->name);
	record_free_fields(fields, ARRAY_LEN(fields), renewal);
	record_free_fields(timing_fields, ARRAY_LEN(timing_fields), renewal);
	*renewal = (struct renewal){0};
}

void renewal_ari_done(struct renewal_ari *ari)
{
	free(ari->id);
	free(ari->explanation);
	*ari = (struct renewal_ari){0};
}

/* --- Reading --- */

static bool read_error(const json_t *object, const char *key, struct error **ret, struct error *err)
{
	const json_t *error = NULL;
	if (!json_opt_object(object, key, &error, err))
		return false;
	if (error == NULL)
		return true;
	*ret = calloc(1, sizeof(**ret));
	return *ret != NULL ? error_record_read(error, *ret, err) : error_oom(err);
}

static bool read_terms(const json_t *root, struct renewal *ret, struct error *err)
{
	const char *key_type = NULL, *challenge = NULL;
	if (!json_need_str(root, "key_type", SHORT_TEXT, &key_type, err) ||
	    !json_need_str(root, "challenge", SHORT_TEXT, &challenge, err))
		return false;
	ret->challenge = challenge_type_parse(challenge);
	return key_type_parse(key_type, &ret->key_type) ||
	       error_set(err, ERROR_DATA, NULL, "\"key_type\" is none that is known");
}

static bool read_servers(const json_t *root, struct renewal *ret, struct error *err)
{
	const json_t *list = NULL;
	if (!json_opt_array(root, "servers", &list, err))
		return false;
	size_t count = json_array_size(list);
	if (count == 0)
		return true;
	ret->servers = calloc(count, sizeof(*ret->servers));
	if (ret->servers == NULL)
		return error_oom(err);
	ret->server_count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i);
		struct renewal_server *server = &ret->servers[i];
		if (!record_read_fields(entry, server_fields, ARRAY_LEN(server_fields), server, err) ||
		    !read_error(entry, "error", &server->error, err))
			return false;
	}
	return true;
}

static bool read_cas(const json_t *root, struct renewal *ret, struct error *err)
{
	const json_t *list = NULL;
	if (!json_opt_array(root, "cas", &list, err))
		return false;
	size_t count = json_array_size(list);
	if (count == 0)
		return true;
	ret->tries.cas = calloc(count, sizeof(*ret->tries.cas));
	if (ret->tries.cas == NULL)
		return error_oom(err);
	ret->tries.ca_count = count;
	for (size_t i = 0; i < count; i++)
		if (!record_read_fields(json_array_get(list, i), ca_fields, ARRAY_LEN(ca_fields), &ret->tries.cas[i],
					err))
			return false;
	return true;
}

static bool read_hooks(const json_t *root, struct renewal *ret, struct error *err)
{
	const json_t *list = NULL;
	if (!json_opt_array(root, "hooks", &list, err))
		return false;
	size_t count = json_array_size(list);
	if (count == 0)
		return true;
	ret->hooks = calloc(count, sizeof(*ret->hooks));
	if (ret->hooks == NULL)
		return error_oom(err);
	ret->hook_count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i);
		struct renewal_hook *hook = &ret->hooks[i];
		if (!record_read_fields(entry, hook_fields, ARRAY_LEN(hook_fields), hook, err) ||
		    !read_error(entry, "error", &hook->error, err))
			return false;
	}
	return true;
}

bool renewal_parse(const char *text, size_t len, const char *name, struct renewal *ret, struct error *err)
{
	struct error cause = {0};
	struct renewal renewal CLEANUP(renewal_done) = {0};
	json_t *root AUTO_JSON = record_read(text, len, &cause);
	if (root == NULL || !str_set(&renewal.name, name, &cause) ||
	    !record_read_names(root, &renewal.identifiers, &renewal.identifier_count, &cause) ||
	    !read_terms(root, &renewal, &cause) ||
	    !record_read_fields(root, fields, ARRAY_LEN(fields), &renewal, &cause) ||
	    !record_read_fields(root, timing_fields, ARRAY_LEN(timing_fields), &renewal, &cause) ||
	    !read_error(root, "last_error", &renewal.last_error, &cause) || !read_servers(root, &renewal, &cause) ||
	    !read_cas(root, &renewal, &cause) || !read_hooks(root, &renewal, &cause))
		return record_damaged(STORE_RENEWAL, name, &cause, err);
	*ret = renewal;
	renewal = (struct renewal){0};
	return true;
}

/* --- Writing --- */

static bool write_error(json_t *object, const char *key, const struct error *error, struct error *err)
{
	if (error == NULL || !error_is_set(error))
		return true;
	json_t *value = error_record_write(error, err);
	return value != NULL && record_set_new(object, key, value, err);
}

/* The words of many servers that failed are cut, so that the record of all of them can be read again. */
static bool write_server_error(json_t *entry, const struct error *error, size_t server_count, struct error *err)
{
	size_t room = SERVERS_SAID / server_count;
	struct error cut;
	if (error == NULL || strlen(error->said) < room)
		return write_error(entry, "error", error, err);
	cut = *error;
	(void)escape_ends(cut.said, room, error->said, strlen(error->said), /* left_out= */ 0);
	return write_error(entry, "error", &cut, err);
}

static bool write_servers(json_t *root, const struct renewal *renewal, struct error *err)
{
	json_t *list AUTO_JSON = json_array();
	if (renewal->server_count == 0)
		return true;
	if (renewal->server_count > SERVERS_MAX)
		return error_set(err, ERROR_INTERNAL, "store", "%zu servers of one certificate are more than %d",
				 renewal->server_count, SERVERS_MAX);
	for (size_t i = 0; i < renewal->server_count; i++) {
		const struct renewal_server *server = &renewal->servers[i];
		json_t *entry AUTO_JSON = json_object();
		if (!record_write_fields(entry, server_fields, ARRAY_LEN(server_fields), server, err) ||
		    !write_server_error(entry, server->error, renewal->server_count, err))
			return false;
		if (json_array_append_new(list, STEAL(entry)) != 0)
			return error_oom(err);
	}
	return record_set_new(root, "servers", STEAL(list), err);
}

static bool write_cas(json_t *root, const struct renewal *renewal, struct error *err)
{
	json_t *list AUTO_JSON = json_array();
	for (size_t i = 0; i < renewal->tries.ca_count; i++) {
		json_t *entry AUTO_JSON = json_object();
		if (!record_write_fields(entry, ca_fields, ARRAY_LEN(ca_fields), &renewal->tries.cas[i], err))
			return false;
		if (json_array_append_new(list, STEAL(entry)) != 0)
			return error_oom(err);
	}
	return renewal->tries.ca_count == 0 || record_set_new(root, "cas", STEAL(list), err);
}

static bool write_hooks(json_t *root, const struct renewal *renewal, struct error *err)
{
	json_t *list AUTO_JSON = json_array();
	for (size_t i = 0; i < renewal->hook_count; i++) {
		json_t *entry AUTO_JSON = json_object();
		if (!record_write_fields(entry, hook_fields, ARRAY_LEN(hook_fields), &renewal->hooks[i], err) ||
		    !write_error(entry, "error", renewal->hooks[i].error, err))
			return false;
		if (json_array_append_new(list, STEAL(entry)) != 0)
			return error_oom(err);
	}
	return renewal->hook_count == 0 || record_set_new(root, "hooks", STEAL(list), err);
}

bool renewal_serialize(const struct renewal *renewal, struct buf *out, struct error *err)
{
	json_t *root AUTO_JSON = record_new(err);
	return root != NULL && record_write_names(root, renewal->identifiers, renewal->identifier_count, err) &&
	       record_set_str(root, "key_type", key_type_name(renewal->key_type), SHORT_TEXT, err) &&
	       record_set_str(root, "challenge", challenge_type_name(renewal->challenge), SHORT_TEXT, err) &&
	       record_write_fields(root, fields, ARRAY_LEN(fields), renewal, err) &&
	       record_write_fields(root, timing_fields, ARRAY_LEN(timing_fields), renewal, err) &&
	       write_error(root, "last_error", renewal->last_error, err) && write_servers(root, renewal, err) &&
	       write_cas(root, renewal, err) && write_hooks(root, renewal, err) &&
	       json_write(root, /* pretty= */ true, out, err);
}

/* --- Through the store --- */

bool renewal_load(struct store *store, const char *name, struct renewal *ret, bool *ret_found, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!store_read_record(store, STORE_RENEWAL, name, &text, &found, err))
		return false;
	if (found && !renewal_parse(buf_cstr(&text), text.len, name, ret, err)) {
		store_record_hint(store, STORE_RENEWAL, name, err);
		return false;
	}
	*ret_found = found;
	return true;
}

bool renewal_load_rollback(struct store *store, const char *name, struct store_rollback *ret, struct error *err)
{
	CLEANUP(renewal_done) struct renewal record = {0};
	bool found = false;
	if (!renewal_load(store, name, &record, &found, err))
		return false;
	*ret = (struct store_rollback){0};
	if (found && record.rolled_back_from != 0)
		*ret = (struct store_rollback){.to = record.generation, .from = record.rolled_back_from};
	return true;
}

bool renewal_save(struct store *store, const struct renewal *renewal, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_STATE_FILE);
	return renewal_serialize(renewal, &text, err) &&
	       store_write_record(store, STORE_RENEWAL, renewal->name, buf_cstr(&text), text.len, err);
}

/* --- Tries --- */

const struct renewal_ca *renewal_find_ca(const struct renewal *record, const char *url)
{
	for (size_t i = 0; i < record->tries.ca_count; i++)
		if (str_equal(record->tries.cas[i].url, url))
			return &record->tries.cas[i];
	return NULL;
}

struct renewal_ca *renewal_ca(struct renewal *record, const char *url, struct error *err)
{
	struct renewal_tries *tries = &record->tries;
	for (size_t i = 0; i < tries->ca_count; i++)
		if (str_equal(tries->cas[i].url, url))
			return &tries->cas[i];
	struct renewal_ca *cas = reallocarray(tries->cas, tries->ca_count + 1, sizeof(*cas));
	if (cas == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	tries->cas = cas;
	cas[tries->ca_count] = (struct renewal_ca){0};
	if (!str_set(&cas[tries->ca_count].url, url, err))
		return NULL;
	return &cas[tries->ca_count++];
}

void renewal_forget_failures(struct renewal *record)
{
	record->failures = 0;
	record->last_failure = 0;
	record->retry_at = 0;
	record->tries.unfinished = 0;
	record->tries.begun_at = 0;
	free_cas(record);
	error_keep(&record->last_error, /* err= */ NULL);
}

bool renewal_copy_tries(struct renewal *to, const struct renewal *from, struct error *err)
{
	AUTO_FREE char *what = NULL;
	if (to == from)
		return true;
	if (!str_set(&what, from->tries.what, err))
		return false;
	renewal_forget_failures(to);
	free(to->tries.what);
	to->tries = from->tries;
	to->tries.what = STEAL(what);
	to->tries.cas = NULL;
	to->tries.ca_count = 0;
	to->failures = from->failures;
	to->last_failure = from->last_failure;
	to->retry_at = from->retry_at;
	error_keep(&to->last_error, from->last_error);
	for (size_t i = 0; i < from->tries.ca_count; i++) {
		struct renewal_ca *ca = renewal_ca(to, from->tries.cas[i].url, err);
		if (ca == NULL)
			return false;
		ca->failures = from->tries.cas[i].failures;
		ca->since = from->tries.cas[i].since;
		ca->retry_at = from->tries.cas[i].retry_at;
	}
	return true;
}

const struct renewal_hook *renewal_find_hook(const struct renewal *record, const char *name)
{
	for (size_t i = 0; i < record->hook_count; i++)
		if (str_equal(record->hooks[i].name, name))
			return &record->hooks[i];
	return NULL;
}

struct renewal_hook *renewal_hook(struct renewal *record, const char *name, struct error *err)
{
	for (size_t i = 0; i < record->hook_count; i++)
		if (str_equal(record->hooks[i].name, name))
			return &record->hooks[i];
	struct renewal_hook *hooks = reallocarray(record->hooks, record->hook_count + 1, sizeof(*hooks));
	if (hooks == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	record->hooks = hooks;
	hooks[record->hook_count] = (struct renewal_hook){0};
	if (!str_set(&hooks[record->hook_count].name, name, err))
		return NULL;
	return &hooks[record->hook_count++];
}

struct renewal_server *renewal_server(struct renewal *renewal, const char *name, struct error *err)
{
	for (size_t i = 0; i < renewal->server_count; i++)
		if (str_equal(renewal->servers[i].name, name))
			return &renewal->servers[i];
	struct renewal_server *servers =
		reallocarray(renewal->servers, renewal->server_count + 1, sizeof(*renewal->servers));
	if (servers == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	renewal->servers = servers;
	struct renewal_server *server = &servers[renewal->server_count];
	*server = (struct renewal_server){0};
	if (!str_set(&server->name, name, err))
		return NULL;
	renewal->server_count++;
	return server;
}
