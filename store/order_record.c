/* SPDX-License-Identifier: Apache-2.0 */
/* orders/<name>.json. */
#include "store/order_record.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/record.h"

static const struct record_field fields[] = {
	{.key = "url", .type = RECORD_STRING, .offset = offsetof(struct order_record, url), .max = LIMIT_URL},
	{.key = "ca_url",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct order_record, ca_url),
	 .max = LIMIT_URL,
	 .needed = true},
	{.key = "account", .type = RECORD_STRING, .offset = offsetof(struct order_record, account), .max = LIMIT_URL},
	{.key = "profile",
	 .type = RECORD_STRING,
	 .offset = offsetof(struct order_record, profile),
	 .max = LIMIT_PROFILE_NAME},
	{.key = "lifetime", .type = RECORD_TIME, .offset = offsetof(struct order_record, lifetime)},
	{.key = "placed_at", .type = RECORD_TIME, .offset = offsetof(struct order_record, placed_at)},
};

void order_record_done(struct order_record *record)
{
	if (record == NULL)
		return;
	free(record->identifiers);
	record_free_fields(fields, ARRAY_LEN(fields), record);
	*record = (struct order_record){0};
}

bool order_record_parse(const char *text, size_t len, const char *name, struct order_record *ret, struct error *err)
{
	struct error cause = {0};
	struct order_record record CLEANUP(order_record_done) = {0};
	json_t *root AUTO_JSON = record_read(text, len, &cause);
	if (root == NULL || !record_read_names(root, &record.identifiers, &record.identifier_count, &cause) ||
	    !record_read_fields(root, fields, ARRAY_LEN(fields), &record, &cause))
		return record_damaged(STORE_ORDER, name, &cause, err);
	*ret = record;
	record = (struct order_record){0};
	return true;
}

bool order_record_serialize(const struct order_record *record, struct buf *out, struct error *err)
{
	json_t *root AUTO_JSON = record_new(err);
	return root != NULL && record_write_names(root, record->identifiers, record->identifier_count, err) &&
	       record_write_fields(root, fields, ARRAY_LEN(fields), record, err) &&
	       json_write(root, /* pretty= */ true, out, err);
}

bool order_record_load(struct store *store, const char *name, struct order_record *ret, bool *ret_found,
		       struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!store_read_record(store, STORE_ORDER, name, &text, &found, err))
		return false;
	if (found && !order_record_parse(buf_cstr(&text), text.len, name, ret, err)) {
		store_record_hint(store, STORE_ORDER, name, err);
		return false;
	}
	*ret_found = found;
	return true;
}

bool order_record_save(struct store *store, const char *name, const struct order_record *record, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_STATE_FILE);
	return order_record_serialize(record, &text, err) &&
	       store_write_record(store, STORE_ORDER, name, buf_cstr(&text), text.len, err);
}
