/* SPDX-License-Identifier: Apache-2.0 */
/* One record for each certificate; a run that ends well leaves none. */
#include "service/journal.h"

void journal_init(struct journal *journal, struct service *service, const char *name)
{
	*journal = (struct journal){.service = service, .name = name};
}

void journal_done(struct journal *journal)
{
	published_record_done(&journal->record);
}

bool journal_save(struct journal *journal, struct error *err)
{
	return !journal->loaded ||
	       published_record_save(service_store(journal->service), journal->name, &journal->record, err);
}

/* What an earlier run left and could not be removed stays listed. */
static bool load(struct journal *journal, struct error *err)
{
	if (!journal->loaded)
		journal->loaded =
			published_record_load(service_store(journal->service), journal->name, &journal->record, err);
	return journal->loaded;
}

bool journal_add(struct journal *journal, const struct journal_entry *entry, struct error *err)
{
	if (!load(journal, err))
		return false;
	struct published_value *added = published_record_add(&journal->record, err);
	return added != NULL && str_set(&added->webroot, entry->webroot, err) &&
	       str_set(&added->provider, entry->provider, err) &&
	       str_set(&added->credentials, entry->credentials, err) && str_set(&added->zone_id, entry->zone_id, err) &&
	       str_set(&added->name, entry->name, err) && str_set(&added->value, entry->value, err);
}

static struct published_value *find(struct journal *journal, const char *name, const char *value)
{
	for (size_t i = journal->record.count; i > 0; i--) {
		struct published_value *known = &journal->record.values[i - 1];
		if (str_equal(known->name, name) && str_equal(known->value, value))
			return known;
	}
	return NULL;
}

bool journal_set_record(struct journal *journal, const char *name, const char *value, const char *handle,
			struct error *err)
{
	struct published_value *known = find(journal, name, value);
	return known == NULL || published_value_set_record(known, handle, err);
}

void journal_drop(struct journal *journal, const char *name, const char *value)
{
	struct published_value *known = find(journal, name, value);
	if (known != NULL)
		published_record_drop(&journal->record, (size_t)(known - journal->record.values));
}
