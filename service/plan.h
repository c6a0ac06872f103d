/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due and why: the config (or the memory of how things were issued) compared with the store. Reads a record per
 * certificate and nothing else: no key, no network.
 */
#ifndef SERVICE_PLAN_H
#define SERVICE_PLAN_H

#include "service/served.h"
#include "service/service.h"
#include "store/renewal.h"

#include <stddef.h>

struct config_domain;

enum plan_action { PLAN_NONE, PLAN_ISSUE, PLAN_RENEW };

struct plan_item {
	struct renewal wanted; /* how to issue it, and its state as stored */
	enum plan_action action;
	char reason[256];
	struct error *error;   /* owned; the record could not be read: nothing can be done for this one. NULL: fine */
	struct served *served; /* owned; what each of wanted's servers serves; NULL: not looked at (plan_look) */
};

struct plan {
	struct plan_item *items;
	size_t count;
};

void plan_done(struct plan *plan);

/* Every domain of the config, or those called NAMES (ERROR_USAGE naming one that is not there). */
MUST_CHECK bool plan_from_config(struct service *service, const struct str_list *names, bool force, struct plan *ret,
				 struct error *err);

/* Every stored certificate, or those called NAMES; as the config describes it where the config has it. */
MUST_CHECK bool plan_from_store(struct service *service, const struct str_list *names, bool force, struct plan *ret,
				struct error *err);

/* The one certificate TAKE_WANTED describes (its state fields are filled from the store). Takes it over on success. */
MUST_CHECK bool plan_one(struct service *service, struct renewal *take_wanted, bool force, struct plan *ret,
			 struct error *err);

/*
 * The decision itself, pure: WANTED (its state fields are those stored; renew_at 0: never issued) against STORED, how
 * the live one was issued (NULL: no record). REASON gets a sentence.
 */
enum plan_action plan_decide(const struct renewal *wanted, const struct renewal *stored, int64_t now, bool force,
			     char reason[256]);

/*
 * Fill WANTED's state fields anew from the store: used under the certificate's lock, when another run may have been
 * here. *RET_STORED gets the record (zeroed when there is none); a live generation newer than the record is read and
 * adopted.
 */
MUST_CHECK bool plan_refresh(struct service *service, struct renewal *wanted, struct renewal *ret_stored,
			     struct error *err);

/*
 * See what is really served by the servers that have the live generation by their records; those of a certificate that
 * is to be issued get another one anyway. Handshakes with each of them, or nothing at all where there are none.
 */
MUST_CHECK bool plan_look(struct service *service, struct plan *plan, struct error *err);

/* Whether SERVER still needs the live generation, and why ("never deployed", "rolled back last time", …). */
bool plan_server_due(const struct renewal *wanted, const struct renewal_server *server, const char **ret_reason);

/* What SERVER has, in a word: "deployed", "pending", "failed", "rolled_back". Static. */
const char *plan_server_status(const struct renewal *wanted, const struct renewal_server *server);

/* The same of ITEM's server number INDEX, by its record and by what it was seen to serve. REASON gets a sentence. */
bool plan_item_server_due(const struct plan_item *item, size_t index, char reason[256]);

#endif
