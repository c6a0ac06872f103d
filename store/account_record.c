/* SPDX-License-Identifier: Apache-2.0 */
/* accounts/<name>/account.json. The key beside it is the account; the record can be had again with it. */
#include "store/account_record.h"

#include "base/error.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "store/record.h"

#include <string.h>

enum { HOST_MAX = 80, EMAIL_MAX = 256, WORD_MAX = 32 };

static const struct record_field fields[] = {
	{.key = "ca_url",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct account_record, ca_url),
	 .max = LIMIT_URL,
	 .needed = true},
	{.key = "email", .type = RECORD_STRING, .offset = offsetof(struct account_record, email), .max = EMAIL_MAX},
	{.key = "url", .type = RECORD_STRING, .offset = offsetof(struct account_record, url), .max = LIMIT_URL},
	{.key = "ca_bundle",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct account_record, ca_bundle),
	 .max = LIMIT_PATH},
	{.key = "status", .type = RECORD_STRING, .offset = offsetof(struct account_record, status), .max = WORD_MAX},
	{.key = "key_type",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct account_record, key_type),
	 .max = WORD_MAX},
	{.key = "created_at", .type = RECORD_TIME, .offset = offsetof(struct account_record, created_at)},
};

void account_record_done(struct account_record *record)
{
	if (record == NULL)
		return;
	record_free_fields(fields, ARRAY_LEN(fields), record);
	*record = (struct account_record){0};
}

/* FNV-1a, continued from HASH; the final NUL takes part, so that ("ab", "c") differs from ("a", "bc"). */
static uint64_t digest(uint64_t hash, const char *text)
{
	size_t len = strlen(text) + 1;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
	return hash;
}

/* The URL's host as a part of a name: what a name does not allow becomes "-". */
static void host_part(const char *url, char ret[HOST_MAX + 1])
{
	const char *host = strstr(url, "://");
	host = host != NULL ? host + 3 : url;
	size_t len = strcspn(host, ":/?#");
	if (len > HOST_MAX)
		len = HOST_MAX;
	for (size_t i = 0; i < len; i++) {
		char c = host[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bool allowed =
			(c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '.' && i > 0 && ret[i - 1] != '.');
		ret[i] = allowed ? c : '-';
	}
	ret[len] = '\0';
}

char *account_record_name(const char *ca_url, const char *email, struct error *err)
{
	char host[HOST_MAX + 1];
	uint64_t hash = digest(digest(0xcbf29ce484222325U, ca_url), email != NULL ? email : "");
	host_part(ca_url, host);
	/* Folded: both halves count. */
	unsigned short_hash = (unsigned)(hash >> 32) ^ (unsigned)hash;
	bool usable = name_is_valid(host);
	return str_format(err, "%s-%08x", usable ? host : "ca", short_hash);
}

bool account_record_parse(const char *text, size_t len, const char *name, struct account_record *ret, struct error *err)
{
	struct error cause = {0};
	struct account_record record CLEANUP(account_record_done) = {0};
	json_t *root AUTO_JSON = record_read(text, len, &cause);
	if (root == NULL || !record_read_fields(root, fields, ARRAY_LEN(fields), &record, &cause))
		return record_damaged(STORE_ACCOUNT, name, &cause, err);
	*ret = record;
	record = (struct account_record){0};
	return true;
}

bool account_record_serialize(const struct account_record *record, struct buf *out, struct error *err)
{
	json_t *root AUTO_JSON = record_new(err);
	return root != NULL && record_write_fields(root, fields, ARRAY_LEN(fields), record, err) &&
	       json_write(root, /* pretty= */ true, out, err);
}

bool account_record_load(struct store *store, const char *name, struct account_record *ret, bool *ret_found,
			 struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!store_read_record(store, STORE_ACCOUNT, name, &text, &found, err))
		return false;
	if (found && !account_record_parse(buf_cstr(&text), text.len, name, ret, err)) {
		store_record_hint(store, STORE_ACCOUNT, name, err);
		return false;
	}
	*ret_found = found;
	return true;
}

bool account_record_save(struct store *store, const char *name, const struct account_record *record, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_STATE_FILE);
	return account_record_serialize(record, &text, err) &&
	       store_write_record(store, STORE_ACCOUNT, name, buf_cstr(&text), text.len, err);
}
