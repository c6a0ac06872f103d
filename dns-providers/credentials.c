/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials files: "key = value" lines of ours, or a certbot ini, whose keys carry the plugin's prefix. A line that
 * is not understood is named by its number alone: what stands there may be a secret.
 */
#include "dns-providers/registry.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIALS_DOCUMENT "credentials"

enum { KEY_MAX = 64 };

/* One line of the file, and where it is. */
struct line {
	const char *text;
	size_t len;
	const char *path;
	unsigned number;
};

void dns_credentials_done(struct dns_credentials *credentials)
{
	if (credentials == NULL)
		return;
	for (size_t i = 0; i < credentials->count; i++) {
		free(credentials->keys[i]);
		secret_done(&credentials->values[i]);
	}
	free(credentials->keys);
	free(credentials->values);
	*credentials = (struct dns_credentials){0};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
	while (*len > 0 && is_blank(**text)) {
		(*text)++;
		(*len)--;
	}
}

static bool bad_line(const struct line *line, const char *reason, struct error *err)
{
	return error_set(err, ERROR_CONFIG, NULL, "%s:%u: %s", line->path, line->number, reason);
}

/* The module's own key for TEXT as it stands in the file: "api_token", "dns_cloudflare_api_token". */
static bool find_key(const struct dns_provider_module *module, const struct line *line, const char *text, size_t len,
		     char ret[KEY_MAX], struct error *err)
{
	char key[KEY_MAX], prefix[KEY_MAX];
	const char *nearest = NULL;

	if (len == 0 || len >= sizeof(key))
		return bad_line(line, "no key is left of \"=\"", err);
	memcpy(key, text, len);
	key[len] = '\0';
	(void)snprintf(prefix, sizeof(prefix), "dns_%s_", module->name);
	const char *name = str_starts(key, prefix) ? key + strlen(prefix) : key;
	if (!dns_provider_key_known(module, name, &nearest)) {
		error_hint(err, "see %s", module->url);
		if (nearest != NULL)
			return error_set(err, ERROR_CONFIG, NULL, "%s:%u: unknown key; did you mean \"%s\"?",
					 line->path, line->number, nearest);
		return bad_line(line, "a key that this provider does not have", err);
	}
	(void)snprintf(ret, KEY_MAX, "%s", name);
	return true;
}

/* Without the quotes around it, when both are there. */
static bool take_value(const struct line *line, const char *text, size_t len, struct secret *ret, struct error *err)
{
	if (len > 0 && (text[0] == '"' || text[0] == '\'')) {
		if (len < 2 || text[len - 1] != text[0])
			return bad_line(line, "a quote is opened and not closed", err);
		text++;
		len -= 2;
	}
	if (len == 0)
		return bad_line(line, "the value is empty", err);
	return secret_set(ret, text, len, err);
}

static bool add(struct dns_credentials *credentials, const char *key, struct secret *take_secret, struct error *err)
{
	size_t count = credentials->count + 1;
	char **keys = reallocarray(credentials->keys, count, sizeof(*keys));
	if (keys == NULL)
		return error_oom(err);
	credentials->keys = keys;
	struct secret *values = reallocarray(credentials->values, count, sizeof(*values));
	if (values == NULL)
		return error_oom(err);
	credentials->values = values;
	keys[credentials->count] = NULL;
	if (!str_set(&keys[credentials->count], key, err))
		return false;
	values[credentials->count] = *take_secret;
	*take_secret = (struct secret){0};
	credentials->count = count;
	return true;
}

static bool parse_line(const struct dns_provider_module *module, const struct line *line,
		       struct dns_credentials *credentials, struct error *err)
{
	CLEANUP(secret_done) struct secret value = {0};
	char name[KEY_MAX];
	const char *key = line->text;
	size_t len = line->len;

	trim(&key, &len);
	if (len == 0 || key[0] == '#' || key[0] == ';')
		return true;
	if (memchr(key, '\0', len) != NULL)
		return bad_line(line, "a NUL byte", err);
	const char *equals = memchr(key, '=', len);
	if (equals == NULL)
		return bad_line(line, "not of the form \"key = value\"", err);
	const char *text = equals + 1;
	size_t text_len = len - (size_t)(text - key);
	len = (size_t)(equals - key);
	trim(&key, &len);
	trim(&text, &text_len);
	if (!find_key(module, line, key, len, name, err))
		return false;
	for (size_t i = 0; i < credentials->count; i++) {
		if (str_equal(credentials->keys[i], name))
			return error_set(err, ERROR_CONFIG, NULL, "%s:%u: %s is given twice", line->path, line->number,
					 name);
	}
	return take_value(line, text, text_len, &value, err) && add(credentials, name, &value, err);
}

/* The key file of a vendor that has one, as its console gives it: the setting "credentials" as a whole. */
static bool take_document(const struct dns_provider_module *module, const char *text, size_t len,
			  struct dns_credentials *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret value = {0};
	CLEANUP(dns_credentials_done) struct dns_credentials credentials = {0};
	if (!secret_set(&value, text, len, err) || !add(&credentials, CREDENTIALS_DOCUMENT, &value, err))
		return false;
	log_debug("%s: the credentials file is a document", module->title);
	*ret = credentials;
	credentials = (struct dns_credentials){0};
	return true;
}

static bool is_document(const struct dns_provider_module *module, const char *text, size_t len)
{
	const char *nearest = NULL;
	while (len > 0 && (is_blank(*text) || *text == '\n')) {
		text++;
		len--;
	}
	return len > 0 && *text == '{' && dns_provider_key_known(module, CREDENTIALS_DOCUMENT, &nearest);
}

bool dns_credentials_parse(const struct dns_provider_module *module, const char *text, size_t len, const char *path,
			   struct dns_credentials *ret, struct error *err)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	CLEANUP(dns_credentials_done) struct dns_credentials credentials = {0};
	struct line line = {.path = path};

	if (len > LIMIT_CREDENTIAL_FILE)
		return error_set(err, ERROR_CONFIG, NULL, "%s is larger than %d bytes", path, LIMIT_CREDENTIAL_FILE);
	if (len >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (is_document(module, text, len))
		return take_document(module, text, len, ret, err);
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		line.text = text;
		line.len = end != NULL ? (size_t)(end - text) : len;
		line.number++;
		if (!parse_line(module, &line, &credentials, err))
			return false;
		size_t used = line.len + (end != NULL);
		text += used;
		len -= used;
	}
	if (credentials.count == 0)
		return error_set(err, ERROR_CONFIG, NULL, "%s holds no credentials for %s", path, module->title);
	*ret = credentials;
	credentials = (struct dns_credentials){0};
	return true;
}

bool dns_credentials_read(const struct dns_provider_module *module, const char *path, struct dns_credentials *ret,
			  struct error *err)
{
	CLEANUP(secret_done) struct secret content = {0};
	return secret_read_file(&content, path, LIMIT_CREDENTIAL_FILE, /* private_only= */ true, err) &&
	       dns_credentials_parse(module, content.data, content.len, path, ret, err);
}
