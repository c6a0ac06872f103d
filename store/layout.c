/* SPDX-License-Identifier: Apache-2.0 */
/* Names to paths and back. Every name was checked against the allow-list first, so no path needs cleaning. */
#include "store/layout.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/identifier.h"

#include <stdio.h>
#include <string.h>

static const char *const folder_names[LAYOUT_FOLDER_COUNT] = {
	[LAYOUT_ARCHIVE] = "archive",           [LAYOUT_LIVE] = "live",
	[LAYOUT_RENEWAL] = "renewal",           [LAYOUT_ORDERS] = "orders",
	[LAYOUT_ACCOUNTS] = "accounts",         [LAYOUT_LOCKS] = "locks",
	[LAYOUT_REVOKED_KEYS] = "revoked-keys", [LAYOUT_PUBLISHED] = "published",
};

static const enum layout_folder record_folders[] = {
	[STORE_RENEWAL] = LAYOUT_RENEWAL,          [STORE_ORDER] = LAYOUT_ORDERS,
	[STORE_ACCOUNT] = LAYOUT_ACCOUNTS,         [STORE_PUBLISHED] = LAYOUT_PUBLISHED,
	[STORE_REVOKED_KEY] = LAYOUT_REVOKED_KEYS,
};

static const char *const lock_kinds[] = {"certificate", "account", "server", "listen", "hooks"};

static const char record_ending[] = ".json";

const char *layout_folder_name(enum layout_folder folder)
{
	return folder_names[folder];
}

bool layout_check_name(const char *name, struct error *err)
{
	char shown[ERROR_NAME_MAX];
	if (name_is_valid(name))
		return true;
	error_hint(err, "use up to 100 lower-case letters, digits, \".\", \"_\" and \"-\", beginning with a letter or "
			"digit, without \"..\"");
	return error_set(err, ERROR_USAGE, "store", "\"%s\" cannot be the name of something stored",
			 escape_str(shown, sizeof(shown), name != NULL ? name : ""));
}

enum layout_folder layout_record_folder(enum store_record kind)
{
	return record_folders[kind];
}

void layout_record_file(enum store_record kind, const char *name, char ret[LAYOUT_FILE_SIZE])
{
	(void)snprintf(ret, LAYOUT_FILE_SIZE, "%s%s", kind == STORE_ACCOUNT ? "account" : name, record_ending);
}

bool layout_record_name(enum store_record kind, char *entry)
{
	if (kind != STORE_ACCOUNT) {
		if (!str_ends(entry, record_ending))
			return false;
		entry[strlen(entry) - strlen(record_ending)] = '\0';
	}
	return name_is_valid(entry);
}

char *layout_record_path(enum store_record kind, const char *name, struct error *err)
{
	const char *folder = folder_names[record_folders[kind]];
	if (kind == STORE_ACCOUNT)
		return str_format(err, "%s/%s/account%s", folder, name, record_ending);
	return str_format(err, "%s/%s%s", folder, name, record_ending);
}

bool layout_lock_file(const char *kind, const char *name, char ret[LAYOUT_FILE_SIZE], struct error *err)
{
	bool known = false;
	for (size_t i = 0; i < ARRAY_LEN(lock_kinds); i++)
		known = known || str_equal(kind, lock_kinds[i]);
	if (!known)
		return error_set(err, ERROR_INTERNAL, "lock", "there is no lock of kind \"%s\"", kind);
	if (!layout_check_name(name, err))
		return false;
	(void)snprintf(ret, LAYOUT_FILE_SIZE, "%s-%s.lock", kind, name);
	return true;
}

void layout_generation_folder(uint64_t number, char ret[LAYOUT_FILE_SIZE])
{
	(void)snprintf(ret, LAYOUT_FILE_SIZE, "%llu", (unsigned long long)number);
}

bool layout_generation_parse(const char *folder, uint64_t *ret)
{
	/* No leading zero: a generation has one name. Below INT64_MAX, so that records can hold its successor. */
	return folder[0] != '0' && parse_u64(folder, strlen(folder), INT64_MAX - 1, ret);
}

static const char link_start[] = "../archive/";

void layout_link_target(const char *name, uint64_t number, char ret[LAYOUT_TARGET_SIZE])
{
	(void)snprintf(ret, LAYOUT_TARGET_SIZE, "%s%s/%llu", link_start, name, (unsigned long long)number);
}

bool layout_link_parse(const char *target, const char *name, uint64_t *ret)
{
	size_t name_len = strlen(name);
	if (!str_starts(target, link_start))
		return false;
	target += strlen(link_start);
	if (!str_starts(target, name) || target[name_len] != '/')
		return false;
	return layout_generation_parse(target + name_len + 1, ret);
}
