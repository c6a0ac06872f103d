/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `certferry account` does: list the stored accounts, make one, change its contact or key, end it.
 */
#ifndef SERVICE_ACCOUNTS_H
#define SERVICE_ACCOUNTS_H

#include "base/terms.h"
#include "service/service.h"

#include <stdbool.h>
#include <stddef.h>

/* One account, as stored, and as the CA shows it where it was asked. */
struct account_view {
	char *name; /* of its record */
	char *ca;   /* a known CA's name, else the directory URL */
	char *ca_url;
	char *url;    /* NULL: not registered yet */
	char *email;  /* NULL: none */
	char *status; /* "valid", "deactivated", "revoked", "unregistered"; "unknown" */
	char *key_type;
	int64_t created_at;
	bool has_orders; /* asked, and the CA lists the account's orders */
	size_t orders;
	bool asked; /* the CA was, just now */
	char *caa;  /* asked: the CAA property that lets this account alone issue, `0 issue "…"`; NULL: unknown */
	const char *action;  /* what was done: "registered", "unchanged", …; NULL: only shown */
	struct error *error; /* owned; it could not be read or asked; NULL: fine */
};

void account_view_done(struct account_view *view);

struct account_list {
	struct account_view *items;
	size_t count;
};

void account_list_done(struct account_list *list);

/* Which account: by its record's name or URL (NAME), else by CA and contact. */
struct account_choice {
	const char *name;  /* NULL: by the rest */
	const char *email; /* NULL: whichever there is */
};

/*
 * Every stored account, or those CHOICE and the service's --server leave. With ASK each CA is asked for its account's
 * status and contact; an account for which that fails has its error. Takes no lock.
 */
MUST_CHECK bool accounts_show(struct service *service, const struct account_choice *choice, bool ask,
			      struct account_list *ret, struct error *err);

/*
 * Make the account for EMAIL (NULL: none) at the CA of --server, the config or Let's Encrypt. One that is stored and
 * that the CA still knows stays ("unchanged"); one that is of no use any more is replaced. KEY_TYPE NULL: the default.
 */
MUST_CHECK bool accounts_register(struct service *service, const char *email, const enum key_type *key_type,
				  struct account_view *ret, struct error *err);

/* Another contact (EMAIL), none (REMOVE_EMAIL), or agreement to changed terms (the service's terms_agreed). */
MUST_CHECK bool accounts_update(struct service *service, const struct account_choice *choice, const char *email,
				bool remove_email, struct account_view *ret, struct error *err);

/* A new key, of the same type unless KEY_TYPE says otherwise. The old one is kept until the new one is proven. */
MUST_CHECK bool accounts_rotate_key(struct service *service, const struct account_choice *choice,
				    const enum key_type *key_type, struct account_view *ret, struct error *err);

/* The one account that CHOICE means, as stored: to ask for confirmation before accounts_deactivate(). */
MUST_CHECK bool accounts_find(struct service *service, const struct account_choice *choice, struct account_view *ret,
			      struct error *err);

/* For good. */
MUST_CHECK bool accounts_deactivate(struct service *service, const struct account_choice *choice,
				    struct account_view *ret, struct error *err);

#endif
