/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the profiles of a directory, and explains them where one is missing. */
#include "acme/profile.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

enum {
	TEXT_SHOWN = 160, /* of one profile's text in a hint; the whole list has to fit */
};

static bool add(struct acme_profiles *profiles, const char *name, const json_t *text, struct error *err)
{
	struct acme_profile *added = &profiles->items[profiles->count++];
	const char *words = json_string_value(text);
	return str_set(&added->name, name, err) && str_set(&added->text, words != NULL ? words : "", err);
}

static bool parse(json_t *object, struct acme_profiles *profiles, struct error *err)
{
	const char *name;
	json_t *text;
	size_t count = json_object_size(object);

	if (count == 0)
		return true;
	profiles->items = calloc(count < LIMIT_PROFILES ? count : LIMIT_PROFILES, sizeof(*profiles->items));
	if (profiles->items == NULL)
		return error_oom(err);
	json_object_foreach(object, name, text)
	{
		if (*name == '\0' || strlen(name) > LIMIT_PROFILE_NAME)
			continue;
		if (profiles->count == LIMIT_PROFILES) {
			profiles->more = true;
			break;
		}
		if (!add(profiles, name, text, err))
			return false;
	}
	return true;
}

bool acme_profiles_parse(const json_t *meta, struct acme_profiles *ret, struct error *err)
{
	CLEANUP(acme_profiles_done) struct acme_profiles profiles = {0};
	/* Not what the draft says it is: the CA lists none. An order needs no profile. */
	if (!parse(json_object_get(meta, "profiles"), &profiles, err))
		return false;
	*ret = profiles;
	profiles = (struct acme_profiles){0};
	return true;
}

void acme_profiles_done(struct acme_profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++) {
		free(profiles->items[i].name);
		free(profiles->items[i].text);
	}
	free(profiles->items);
	*profiles = (struct acme_profiles){0};
}

bool acme_profiles_have(const struct acme_profiles *profiles, const char *name)
{
	for (size_t i = 0; i < profiles->count; i++)
		if (str_equal(profiles->items[i].name, name))
			return true;
	return false;
}

void acme_profiles_hint(const struct acme_profiles *profiles, struct error *err)
{
	CLEANUP(buf_done) struct buf list;
	buf_init(&list, LIMIT_JSON_BODY);

	err->hint[0] = '\0';
	if (profiles->count == 0) {
		error_hint(err, "this CA lists no profiles: ask for none");
		return;
	}
	for (size_t i = 0; i < profiles->count; i++) {
		char name[LIMIT_PROFILE_NAME + 1], text[TEXT_SHOWN];
		escape_str(name, sizeof(name), profiles->items[i].name);
		escape_str(text, sizeof(text), profiles->items[i].text);
		buf_printf(&list, "%s%s", i > 0 ? "; " : "", name);
		if (text[0] != '\0')
			buf_printf(&list, " (%s)", text);
	}
	error_hint(err, "choose one of the CA's, or none: %s", buf_cstr(&list));
}

bool acme_profiles_check(const struct acme_profiles *profiles, const char *name, struct error *err)
{
	if (profiles->count == 0 || profiles->more || acme_profiles_have(profiles, name))
		return true;
	(void)error_set(err, ERROR_CA, NULL, "this CA does not offer the profile \"%s\"", name);
	acme_profiles_hint(profiles, err);
	return false;
}
