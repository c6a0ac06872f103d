/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored, for `list` and `show`: records, what the config wants that is not there yet, and what servers serve.
 */
#ifndef SERVICE_INVENTORY_H
#define SERVICE_INVENTORY_H

#include "service/plan.h"

enum certificate_status { STATUS_VALID, STATUS_DUE, STATUS_EXPIRED, STATUS_MISSING, STATUS_REVOKED, STATUS_DAMAGED };

/* "valid", "due", "expired", "missing", "revoked", "damaged". */
const char *certificate_status_name(enum certificate_status status);

struct inventory_entry {
	struct renewal record;
	enum certificate_status status;
	struct error *error;   /* owned; why its record cannot be read: no more is known of it. NULL unless damaged */
	char *path;            /* live folder; NULL when missing */
	struct served *served; /* what each of its servers serves; NULL: not looked at */
};

struct inventory {
	struct inventory_entry *entries; /* sorted by name */
	size_t count;
};

void inventory_done(struct inventory *inventory);

/* The names of everything stored or wanted by the config, sorted, each once, added to RET. */
MUST_CHECK bool inventory_names(struct service *service, struct str_list *ret, struct error *err);

/*
 * Everything stored or wanted by the config, or those called NAMES (ERROR_USAGE naming one that is neither). A damaged
 * record is an entry as the others are.
 */
MUST_CHECK bool inventory_read(struct service *service, const struct str_list *names, struct inventory *ret,
			       struct error *err);

/* See what is really served by every server of every certificate: handshakes, where their verification is on. */
MUST_CHECK bool inventory_look(struct service *service, struct inventory *inventory, struct error *err);

#endif
