/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes what is stored, and nothing else. */
#include "service/delete.h"

#include "store/store.h"

static const char step[] = "delete";

bool delete_check(struct service *service, const char *name, struct error *err)
{
	CLEANUP(buf_done) struct buf record = {0};
	bool recorded = false, live = false;
	uint64_t number = 0;

	if (!store_read_record(service_store(service), STORE_RENEWAL, name, &record, &recorded, err) ||
	    !store_live_number(service_store(service), name, &number, &live, err))
		return false;
	if (recorded || live)
		return true;
	error_set(err, ERROR_USAGE, step, "no stored certificate is called \"%s\"", name);
	error_hint(err, "`certferry list` shows what is stored");
	return false;
}

bool delete_certificate(struct service *service, const char *name, struct error *err)
{
	const struct service_options *options = service_options(service);
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "certificate", name,
					     service_deadline(service, options->lock_timeout_ms), err);
	if (lock != NULL && store_delete_certificate(service_store(service), name, err))
		return true;
	error_context(err, step, name, /* server= */ NULL);
	return false;
}
