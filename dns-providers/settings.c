/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One setting of a provider, from the config or the environment. People paste credentials with quotes, blanks and line
 * ends around them; what is left must be visible ASCII, so that nothing can be slipped into a header.
 */
#include "base/limits.h"
#include "base/str.h"
#include "dns-providers/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void provider_setting_done(struct provider_setting *setting)
{
	if (setting == NULL)
		return;
	secret_done(&setting->value);
	setting->source[0] = '\0';
}

static bool is_around(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What may stand inside of a setting. */
enum inside { VISIBLE_ASCII, ANY_TEXT };

/* TEXT without what is around it, into RET. */
static bool take_clean(const char *text, size_t len, const char *source, enum inside inside,
		       struct provider_setting *ret, struct error *err)
{
	while (len > 0 && is_around(text[len - 1]))
		len--;
	while (len > 0 && is_around(text[0])) {
		text++;
		len--;
	}
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
		text++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		if (inside == ANY_TEXT ? text[i] == '\0' : text[i] <= ' ' || text[i] > '~')
			return error_set(err, ERROR_CONFIG, NULL, "%s has a blank or a special character inside",
					 source);
	}
	if (len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "%s is empty", source);
	(void)snprintf(ret->source, sizeof(ret->source), "%s", source);
	return secret_set(&ret->value, text, len, err);
}

/* The variable NAME of LEN characters, or the file that NAME_FILE names. */
static bool find_variable(const char *name, size_t len, enum inside inside, struct provider_setting *ret,
			  struct error *err)
{
	CLEANUP(secret_done) struct secret content = {0};
	char variable[64], source[sizeof(ret->source)];

	(void)snprintf(variable, sizeof(variable), "%.*s", (int)len, name);
	(void)snprintf(source, sizeof(source), "$%s", variable);
	const char *value = getenv(variable);
	if (!str_is_empty(value))
		return take_clean(value, strlen(value), source, inside, ret, err);
	(void)snprintf(variable, sizeof(variable), "%.*s_FILE", (int)len, name);
	(void)snprintf(source, sizeof(source), "the file of $%s", variable);
	const char *path = getenv(variable);
	if (str_is_empty(path))
		return true;
	return secret_read_file(&content, path, LIMIT_CREDENTIAL_FILE, /* private_only= */ true, err) &&
	       take_clean(content.data, content.len, source, inside, ret, err);
}

static enum inside may_be_inside(const struct dns_provider_module *module, const char *key)
{
	for (const char *const *text = module->texts; text != NULL && *text != NULL; text++) {
		if (str_equal(*text, key))
			return ANY_TEXT;
	}
	return VISIBLE_ASCII;
}

static const struct dns_provider_key *find_key(const struct dns_provider_module *module, const char *key)
{
	for (const struct dns_provider_key *known = module->keys; known->name != NULL; known++) {
		if (str_equal(known->name, key))
			return known;
	}
	return NULL;
}

bool provider_setting_find(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
			   const char *key, bool environment, struct provider_setting *ret, struct error *err)
{
	const struct dns_provider_key *known = find_key(module, key);
	enum inside inside = may_be_inside(module, key);
	char source[sizeof(ret->source)];

	for (size_t i = 0; i < count; i++) {
		if (!str_equal(settings[i].key, key))
			continue;
		(void)snprintf(source, sizeof(source), "the setting %s", key);
		return take_clean(settings[i].value->data ? settings[i].value->data : "", settings[i].value->len,
				  source, inside, ret, err);
	}
	const char *name = environment && known != NULL ? known->environment : NULL;
	while (name != NULL && ret->value.data == NULL) {
		size_t len = strcspn(name, ",");
		if (!find_variable(name, len, inside, ret, err))
			return false;
		name = name[len] == ',' ? name + len + 1 : NULL;
	}
	return true;
}

bool provider_setting_given(const struct dns_setting *settings, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(settings[i].key, key))
			return true;
	}
	return false;
}

bool provider_header(const char *name, const struct secret *value, struct secret *ret, struct error *err)
{
	size_t name_len = strlen(name);
	if (!secret_reserve(ret, name_len + value->len, err))
		return false;
	memcpy(ret->data, name, name_len);
	memcpy(ret->data + name_len, value->data, value->len);
	return true;
}

bool provider_base_url(const struct provider_setting *url, const char *by_default, char **ret, struct error *err)
{
	if (!str_set(ret, url->value.data != NULL ? url->value.data : by_default, err))
		return false;
	for (size_t len = strlen(*ret); len > 0 && (*ret)[len - 1] == '/'; len--)
		(*ret)[len - 1] = '\0';
	return true;
}
