/* SPDX-License-Identifier: Apache-2.0 */
/* Line by line; a profile without a single setting still exists. */
#include "dns-providers/aws_profile.h"

#include "base/limits.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 256, ENTRIES_MAX = 10000 };

/* Where the parser is. */
struct place {
	const char *path;
	unsigned line;
	bool is_config;
	char profile[NAME_SIZE]; /* empty: in a section that is no profile, or before the first */
};

static void entry_done(struct aws_profile_entry *entry)
{
	free(entry->profile);
	free(entry->key);
	secret_done(&entry->value);
}

void aws_profiles_done(struct aws_profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++)
		entry_done(&profiles->entries[i]);
	free(profiles->entries);
	*profiles = (struct aws_profiles){0};
}

const char *aws_profiles_get(const struct aws_profiles *profiles, const char *profile, const char *key)
{
	for (size_t i = 0; i < profiles->count; i++) {
		const struct aws_profile_entry *entry = &profiles->entries[i];
		if (str_equal(entry->profile, profile) && str_equal(entry->key, key) && entry->value.len > 0)
			return entry->value.data;
	}
	return NULL;
}

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile)
{
	for (size_t i = 0; i < profiles->count; i++) {
		if (str_equal(profiles->entries[i].profile, profile))
			return true;
	}
	return false;
}

static bool bad(const struct place *place, const char *why, struct error *err)
{
	return error_set(err, ERROR_CONFIG, NULL, "%s:%u: %s", place->path, place->line, why);
}

static bool add(struct aws_profiles *profiles, const struct place *place, const char *key, size_t key_len,
		const char *value, size_t value_len, struct error *err)
{
	struct aws_profile_entry entry = {0};
	struct aws_profile_entry *entries = NULL;
	if (profiles->count == ENTRIES_MAX)
		return bad(place, "too many settings", err);
	if (str_set(&entry.profile, place->profile, err) && str_set_n(&entry.key, key, key_len, err) &&
	    (value_len == 0 || secret_set(&entry.value, value, value_len, err)))
		entries = reallocarray(profiles->entries, profiles->count + 1, sizeof(*entries));
	if (entries == NULL) {
		entry_done(&entry);
		return error_is_set(err) ? false : error_oom(err);
	}
	profiles->entries = entries;
	entries[profiles->count++] = entry;
	return true;
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

/* "[name]", "[profile name]" */
static bool open_section(struct aws_profiles *profiles, struct place *place, const char *text, size_t len,
			 struct error *err)
{
	static const char prefix[] = "profile";
	const char *end = memchr(text, ']', len);
	if (end == NULL)
		return bad(place, "a section's name without \"]\"", err);
	len = (size_t)(end - text) - 1;
	text++;
	trim(&text, &len);
	place->profile[0] = '\0';
	bool named =
		len > strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0 && is_blank(text[strlen(prefix)]);
	bool is_default = len == strlen("default") && memcmp(text, "default", len) == 0;
	if (place->is_config && !named && !is_default)
		return true;
	if (place->is_config && named) {
		text += strlen(prefix);
		len -= strlen(prefix);
		trim(&text, &len);
	}
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= NAME_SIZE || memchr(text, '\0', len) != NULL)
		return bad(place, "a profile's name is empty or too long", err);
	memcpy(place->profile, text, len);
	place->profile[len] = '\0';
	/* It exists now, even if nothing stands in it. */
	return aws_profiles_has(profiles, place->profile) || add(profiles, place, "", 0, "", 0, err);
}

static bool parse_line(struct aws_profiles *profiles, struct place *place, const char *text, size_t len,
		       struct error *err)
{
	bool continues = len > 0 && is_blank(text[0]) && text[0] != '\r';
	trim(&text, &len);
	if (len == 0 || text[0] == '#' || text[0] == ';' || continues)
		return true;
	if (memchr(text, '\0', len) != NULL)
		return bad(place, "a NUL byte", err);
	if (text[0] == '[')
		return open_section(profiles, place, text, len, err);
	const char *equals = memchr(text, '=', len);
	if (equals == NULL)
		return bad(place, "neither a section nor of the form \"key = value\"", err);
	if (place->profile[0] == '\0')
		return true;
	const char *value = equals + 1;
	size_t key_len = (size_t)(equals - text), value_len = len - key_len - 1;
	trim(&text, &key_len);
	trim(&value, &value_len);
	return add(profiles, place, text, key_len, value, value_len, err);
}

bool aws_profiles_parse(struct aws_profiles *profiles, const char *text, size_t len, const char *path, bool is_config,
			struct error *err)
{
	struct place place = {.path = path, .is_config = is_config};
	if (len > LIMIT_CREDENTIAL_FILE)
		return error_set(err, ERROR_CONFIG, NULL, "%s is larger than %d bytes", path, LIMIT_CREDENTIAL_FILE);
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end != NULL ? (size_t)(end - text) : len;
		place.line++;
		if (!parse_line(profiles, &place, text, line_len, err))
			return false;
		line_len += end != NULL;
		text += line_len;
		len -= line_len;
	}
	return true;
}

bool aws_profiles_read(struct aws_profiles *profiles, const char *path, bool is_config, struct error *err)
{
	CLEANUP(secret_done) struct secret content = {0};
	if (access(path, F_OK) != 0)
		return true;
	/* The config file may be readable by others, and often is; it need not hold secrets. */
	return secret_read_file(&content, path, LIMIT_CREDENTIAL_FILE, /* private_only= */ !is_config, err) &&
	       aws_profiles_parse(profiles, content.data != NULL ? content.data : "", content.len, path, is_config,
				  err);
}
