/* SPDX-License-Identifier: Apache-2.0 */
/* Lists what is stored and what is missing. */
#include "service/inventory.h"

#include "config/config.h"
#include "service/key_guard.h"

#include <stdlib.h>
#include <string.h>

const char *certificate_status_name(enum certificate_status status)
{
	static const char *const names[] = {
		[STATUS_VALID] = "valid",     [STATUS_DUE] = "due",         [STATUS_EXPIRED] = "expired",
		[STATUS_MISSING] = "missing", [STATUS_REVOKED] = "revoked", [STATUS_DAMAGED] = "damaged",
	};
	return names[status];
}

void inventory_done(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->count; i++) {
		served_free(inventory->entries[i].served, inventory->entries[i].record.server_count);
		renewal_done(&inventory->entries[i].record);
		free(inventory->entries[i].path);
		free(inventory->entries[i].error);
	}
	free(inventory->entries);
	*inventory = (struct inventory){0};
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool inventory_names(struct service *service, struct str_list *ret, struct error *err)
{
	const struct config *config = service_options(service)->config;
	CLEANUP(str_list_done) struct str_list names = {0};

	if (!store_list_records(service_store(service), STORE_RENEWAL, &names, err))
		return false;
	for (size_t i = 0; config != NULL && i < config->domain_count; i++) {
		if (!str_list_add(&names, config->domains[i].cert_name, err))
			return false;
	}
	if (names.len > 0)
		qsort(names.items, names.len, sizeof(*names.items), compare_names);
	for (size_t i = 0; i < names.len; i++) {
		if (i > 0 && str_equal(names.items[i], names.items[i - 1]))
			continue;
		if (!str_list_add(ret, names.items[i], err))
			return false;
	}
	return true;
}

static enum certificate_status status_of(const struct plan_item *item, int64_t now)
{
	if (item->error != NULL)
		return STATUS_DAMAGED;
	if (item->wanted.generation == 0)
		return STATUS_MISSING;
	if (is_live_revoked(&item->wanted))
		return STATUS_REVOKED;
	if (now >= item->wanted.not_after)
		return STATUS_EXPIRED;
	return item->action == PLAN_NONE ? STATUS_VALID : STATUS_DUE;
}

bool inventory_read(struct service *service, const struct str_list *names, struct inventory *ret, struct error *err)
{
	CLEANUP(str_list_done) struct str_list all = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(inventory_done) struct inventory inventory = {0};

	if (names->len == 0 && !inventory_names(service, &all, err))
		return false;
	const struct str_list *chosen = names->len > 0 ? names : &all;
	if (chosen->len == 0)
		return true;
	if (!plan_from_store(service, chosen, /* force= */ false, &plan, err))
		return false;
	inventory.entries = calloc(plan.count, sizeof(*inventory.entries));
	if (inventory.entries == NULL)
		return error_oom(err);
	for (size_t i = 0; i < plan.count; i++) {
		struct inventory_entry *entry = &inventory.entries[inventory.count++];
		entry->status = status_of(&plan.items[i], clock_wall());
		entry->record = plan.items[i].wanted;
		entry->error = STEAL(plan.items[i].error);
		plan.items[i].wanted = (struct renewal){0};
		if (entry->status != STATUS_MISSING && entry->status != STATUS_DAMAGED &&
		    (entry->path = store_live_path(service_store(service), entry->record.name, err)) == NULL)
			return false;
	}
	*ret = inventory;
	inventory = (struct inventory){0};
	return true;
}

bool inventory_look(struct service *service, struct inventory *inventory, struct error *err)
{
	AUTO_FREE struct served_question *questions =
		calloc(inventory->count ? inventory->count : 1, sizeof(*questions));
	size_t count = 0;

	if (questions == NULL)
		return error_oom(err);
	for (size_t i = 0; i < inventory->count; i++) {
		struct inventory_entry *entry = &inventory->entries[i];
		if (entry->record.server_count == 0 || entry->status == STATUS_DAMAGED)
			continue;
		entry->served = served_new(entry->record.server_count, SERVED_WANTED, err);
		if (entry->served == NULL)
			return false;
		questions[count++] = (struct served_question){&entry->record, entry->served};
	}
	return served_look(service, questions, count, err);
}
