/* SPDX-License-Identifier: Apache-2.0 */
/* One small record per key, called by the digest of its public part: looking one up is opening one file. */
#include "store/revoked_key.h"

#include "base/base64url.h"
#include "base/limits.h"
#include "store/record.h"

#include <stdio.h>
#include <string.h>

enum { DIGEST = 32, NAME_SIZE = 2 * DIGEST + 1, WORD_MAX = 64 };

static const struct record_field fields[] = {
	{.key = "certificate",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct revoked_key, certificate),
	 .max = ERROR_NAME_MAX,
	 .needed = true},
	{.key = "reason", .type = RECORD_STRING, .offset = offsetof(struct revoked_key, reason), .max = WORD_MAX},
	{.key = "revoked_at", .type = RECORD_TIME, .offset = offsetof(struct revoked_key, revoked_at)},
};

void revoked_key_done(struct revoked_key *record)
{
	record_free_fields(fields, ARRAY_LEN(fields), record);
	*record = (struct revoked_key){0};
}

bool revoked_key_parse(const char *text, size_t len, const char *name, struct revoked_key *ret, struct error *err)
{
	struct error cause = {0};
	struct revoked_key record CLEANUP(revoked_key_done) = {0};
	json_t *root AUTO_JSON = record_read(text, len, &cause);
	if (root == NULL || !record_read_fields(root, fields, ARRAY_LEN(fields), &record, &cause))
		return record_damaged(STORE_REVOKED_KEY, name, &cause, err);
	*ret = record;
	record = (struct revoked_key){0};
	return true;
}

bool revoked_key_serialize(const struct revoked_key *record, struct buf *out, struct error *err)
{
	json_t *root AUTO_JSON = record_new(err);
	return root != NULL && record_write_fields(root, fields, ARRAY_LEN(fields), record, err) &&
	       json_write(root, /* pretty= */ true, out, err);
}

/* The record's name: the key's RFC 7638 digest in hexadecimal, which is a name where base64url is none. */
static bool name_of(const struct key *key, char ret[NAME_SIZE], struct error *err)
{
	char thumbprint[44];
	CLEANUP(buf_done) struct buf digest;
	buf_init(&digest, DIGEST);
	if (!jwk_thumbprint(key_jwk(key), thumbprint, err))
		return false;
	if (!base64url_decode(&digest, thumbprint, strlen(thumbprint)) || digest.len != DIGEST)
		return error_set(err, ERROR_INTERNAL, "store", "a key's digest has an odd length");
	for (size_t i = 0; i < DIGEST; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", (unsigned char)digest.data[i]);
	return true;
}

bool revoked_key_save(struct store *store, const struct key *key, const struct revoked_key *record, struct error *err)
{
	char name[NAME_SIZE];
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_STATE_FILE);
	return name_of(key, name, err) && revoked_key_serialize(record, &text, err) &&
	       store_write_record(store, STORE_REVOKED_KEY, name, buf_cstr(&text), text.len, err);
}

bool revoked_key_load(struct store *store, const struct key *key, struct revoked_key *ret, bool *ret_found,
		      struct error *err)
{
	char name[NAME_SIZE];
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!name_of(key, name, err) || !store_read_record(store, STORE_REVOKED_KEY, name, &text, &found, err))
		return false;
	if (found && !revoked_key_parse(buf_cstr(&text), text.len, name, ret, err)) {
		store_record_hint(store, STORE_REVOKED_KEY, name, err);
		return false;
	}
	*ret_found = found;
	return true;
}
