/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts by hand. Each change is made under the account's lock: at the CA first, then in the record; only a new key
 * is written down before the CA hears of it.
 */
#include "service/accounts.h"

#include "acme/account.h"
#include "acme/account_orders.h"
#include "acme/caa.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/ca_presets.h"
#include "config/config.h"
#include "service/account.h"
#include "service/account_rollover.h"
#include "service/wanted.h"
#include "store/renewal.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "account";

void account_view_done(struct account_view *view)
{
	free(view->name);
	free(view->ca);
	free(view->ca_url);
	free(view->url);
	free(view->email);
	free(view->status);
	free(view->key_type);
	free(view->caa);
	free(view->error);
	*view = (struct account_view){0};
}

void account_list_done(struct account_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		account_view_done(&list->items[i]);
	free(list->items);
	*list = (struct account_list){0};
}

static bool fill_view(const char *name, const struct account_record *record, struct account_view *ret,
		      struct error *err)
{
	const struct ca_preset *preset = ca_preset_find_url(record->ca_url);
	const char *status = record->status != NULL ? record->status : record->url != NULL ? "valid" : "unregistered";
	ret->created_at = record->created_at;
	return str_set(&ret->name, name, err) && str_set(&ret->ca_url, record->ca_url, err) &&
	       str_set(&ret->ca, preset != NULL ? preset->name : record->ca_url, err) &&
	       str_set(&ret->url, record->url, err) && str_set(&ret->email, record->email, err) &&
	       str_set(&ret->status, status, err) && str_set(&ret->key_type, record->key_type, err);
}

/* --- Which account --- */

/* Whether RECORD is at the CA of --server or, without that, of CONFIG_CA (NULL: any). */
static bool is_at(const struct account_record *record, const char *ca_url)
{
	const struct ca_preset *preset = ca_preset_find_url(ca_url);
	return ca_url == NULL || str_equal(record->ca_url, ca_url) ||
	       (preset != NULL && ca_preset_find_url(record->ca_url) == preset);
}

static bool is_chosen(const struct account_choice *choice, const char *name, const struct account_record *record,
		      const char *ca_url)
{
	if (choice->name != NULL)
		return str_equal(choice->name, name) || str_equal(choice->name, record->url);
	return is_at(record, ca_url) && (choice->email == NULL || str_equal(choice->email, record->email));
}

/* Add to RET every stored account that CHOICE means at CA_URL (NULL: anywhere). */
static bool collect(struct service *service, const struct account_choice *choice, const char *ca_url,
		    struct account_list *ret, struct error *err)
{
	struct store *store = service_store(service);
	CLEANUP(str_list_done) struct str_list names = {0};

	if (!store_list_records(store, STORE_ACCOUNT, &names, err))
		return false;
	ret->items = calloc(names.len + 1, sizeof(*ret->items));
	if (ret->items == NULL)
		return error_oom(err);
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(account_record_done) struct account_record record = {0};
		struct error damaged = {0};
		bool found = false;
		if (!account_record_load(store, names.items[i], &record, &found, &damaged)) {
			/* Shown as what it is, and in nobody's way. */
			struct account_view *view = &ret->items[ret->count++];
			error_keep(&view->error, &damaged);
			if (!str_set(&view->name, names.items[i], err))
				return false;
			continue;
		}
		if (found && is_chosen(choice, names.items[i], &record, ca_url) &&
		    !fill_view(names.items[i], &record, &ret->items[ret->count++], err))
			return false;
	}
	return true;
}

static bool none_chosen(const struct service *service, const struct account_choice *choice, const char *ca_url,
			struct error *err)
{
	if (choice->name != NULL)
		(void)error_set(err, ERROR_USAGE, step, "no account is called \"%s\"", choice->name);
	else
		(void)error_set(err, ERROR_USAGE, step, "no account%s%s is stored in %s", ca_url != NULL ? " at " : "",
				ca_url != NULL ? ca_url : "", service_options(service)->state_dir);
	error_hint(err, "`certferry account show` lists those there are, `certferry account register` makes one");
	return false;
}

static bool several_chosen(const struct account_list *list, struct error *err)
{
	CLEANUP(buf_done) struct buf names;
	buf_init(&names, ERROR_TEXT_MAX / 2);
	for (size_t i = 0; i < list->count; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", list->items[i].name);
	(void)error_set(err, ERROR_USAGE, step, "%zu accounts are meant", list->count);
	error_hint(err, "name the one: %s", names.failed ? "`certferry account show` lists them" : buf_cstr(&names));
	return false;
}

/* The CA that the command line or the config names; NULL: neither does. */
static const char *chosen_ca(const struct service *service)
{
	const struct service_options *options = service_options(service);
	if (options->ca_url != NULL)
		return options->ca_url;
	return options->config != NULL ? options->config->cas[0].url : NULL;
}

bool accounts_find(struct service *service, const struct account_choice *choice, struct account_view *ret,
		   struct error *err)
{
	const char *ca_url = chosen_ca(service);
	CLEANUP(account_list_done) struct account_list list = {0};

	if (!collect(service, choice, ca_url, &list, err))
		return false;
	if (list.count == 0)
		return none_chosen(service, choice, ca_url, err);
	if (list.count > 1)
		return several_chosen(&list, err);
	if (list.items[0].error != NULL) {
		*err = *list.items[0].error;
		return false;
	}
	*ret = list.items[0];
	list.items[0] = (struct account_view){0};
	return true;
}

/* --- Working on one --- */

/* One account under its lock, its record and key at hand. */
struct work {
	struct service *service;
	struct store *store;
	struct store_lock *lock;
	struct deadline deadline;
	struct acme_session *session;
	struct account_record record;
	struct key *key;
	struct acme_signer signer;
	struct acme_identity identity; /* borrows from the record */
	const char *name;              /* borrowed */
};

static void work_done(struct work *work)
{
	store_unlock(work->lock);
	account_record_done(&work->record);
	key_free(work->key);
}

/* The trust anchors for RECORD's CA: the command line's, else those it was registered with. */
static bool open_session(struct service *service, const struct account_record *record, struct acme_session **ret,
			 struct error *err)
{
	const struct service_options *options = service_options(service);
	CLEANUP(renewal_done) struct renewal at = {0};
	return str_set(&at.ca_url, record->ca_url, err) && str_set(&at.email, record->email, err) &&
	       str_set(&at.ca_bundle, options->ca_bundle != NULL ? options->ca_bundle : record->ca_bundle, err) &&
	       service_session(service, &at, ret, err);
}

static bool work_open(struct service *service, const char *name, struct work *work, struct error *err)
{
	const struct service_options *options = service_options(service);
	bool found = false;

	work->service = service;
	work->store = service_store(service);
	work->name = name;
	work->deadline = service_deadline(service, options->certificate_timeout_ms);
	work->lock = store_lock(work->store, "account", name, deadline_within(work->deadline, options->lock_timeout_ms),
				err);
	if (work->lock == NULL || !account_record_load(work->store, name, &work->record, &found, err))
		return false;
	if (!found || work->record.url == NULL) {
		(void)error_set(err, ERROR_USAGE, step, "the account %s is not registered yet", name);
		error_hint(err, "`certferry account register` does that");
		return false;
	}
	if (work->record.status != NULL) {
		(void)error_set(err, ERROR_USAGE, step, "the account %s is %s", work->record.url, work->record.status);
		error_hint(err, "`certferry account register` makes a new one");
		return false;
	}
	if (!open_session(service, &work->record, &work->session, err) ||
	    !account_open_key(work->store, work->session, name, &work->record, work->deadline, &work->key, err))
		return false;
	if (work->key == NULL)
		return error_set(err, ERROR_STORE, step, "the key of account %s is missing from the store", name);
	work->identity = (struct acme_identity){.signer = &work->signer, .kid = work->record.url};
	return key_signer(work->key, &work->signer, err);
}

static bool work_save(struct work *work, struct account_view *ret, const char *action, struct error *err)
{
	ret->action = action;
	return account_record_save(work->store, work->name, &work->record, err) &&
	       fill_view(work->name, &work->record, ret, err);
}

/* --- Showing --- */

/* Not every CA has a list, and one that cannot be read is no reason to doubt the account. */
static void count_orders(const struct work *work, const struct acme_account *seen, struct account_view *view)
{
	CLEANUP(str_list_done) struct str_list orders = {0};
	struct error failure = {0};
	bool more = false;
	if (seen->orders == NULL)
		return;
	if (!acme_account_orders(work->session, &work->identity, seen->orders, work->deadline, &orders, &more,
				 &failure)) {
		log_debug("the account's orders cannot be read: %s", failure.message);
		return;
	}
	view->has_orders = true;
	view->orders = orders.len;
}

/* RFC 8657 §3: for names that only this account is to get certificates for. */
static bool set_caa(const struct work *work, struct account_view *view, struct error *err)
{
	const struct acme_directory *directory = acme_session_directory(work->session, work->deadline, err);
	CLEANUP(buf_done) struct buf property;
	buf_init(&property, LIMIT_ISSUE_VALUE);
	if (directory == NULL || directory->caa_identities.len == 0)
		return directory != NULL;
	caa_property(directory->caa_identities.items[0], work->identity.kid, CHALLENGE_UNKNOWN, /* wildcard= */ false,
		     &property);
	return buf_check(&property, "CAA record", err) && str_set(&view->caa, buf_cstr(&property), err);
}

static bool ask_ca(struct service *service, const char *name, struct account_view *view, struct error *err)
{
	CLEANUP(work_done) struct work work = {0};
	CLEANUP(acme_account_done) struct acme_account seen = {0};

	if (!work_open(service, name, &work, err) ||
	    !acme_account_read(work.session, &work.identity, work.deadline, &seen, err))
		return false;
	view->asked = true;
	count_orders(&work, &seen, view);
	if (!set_caa(&work, view, err))
		return false;
	/* CAs that keep no contacts show none: then the stored one stands. */
	if (seen.contacts.len > 0 && str_starts(seen.contacts.items[0], "mailto:") &&
	    !str_set(&view->email, seen.contacts.items[0] + strlen("mailto:"), err))
		return false;
	return str_set(&view->status, acme_account_status_name(seen.status), err);
}

bool accounts_show(struct service *service, const struct account_choice *choice, bool ask, struct account_list *ret,
		   struct error *err)
{
	CLEANUP(account_list_done) struct account_list list = {0};

	/* The config's CA does not narrow what is shown: whoever looks wants to see everything. */
	if (!collect(service, choice, service_options(service)->ca_url, &list, err))
		return false;
	if (list.count == 0 && choice->name != NULL)
		return none_chosen(service, choice, /* ca_url= */ NULL, err);
	for (size_t i = 0; ask && i < list.count; i++) {
		struct account_view *view = &list.items[i];
		struct error failure = {0};
		if (view->error == NULL && str_equal(view->status, "valid") &&
		    !ask_ca(service, view->name, view, &failure)) {
			if (failure.category == ERROR_CANCELLED) {
				*err = failure;
				return false;
			}
			error_keep(&view->error, &failure);
			if (!str_set(&view->status, "unknown", err))
				return false;
		}
	}
	*ret = list;
	list = (struct account_list){0};
	return true;
}

/* --- Changing --- */

bool accounts_register(struct service *service, const char *email, const enum key_type *key_type,
		       struct account_view *ret, struct error *err)
{
	CLEANUP(renewal_done) struct renewal at = {0};
	CLEANUP(account_done) struct account account = {0};
	CLEANUP(account_record_done) struct account_record record = {0};
	struct acme_session *session = NULL;
	bool created = false, found = false;

	if (!wanted_set_ca(service, &at, err) || !str_set(&at.email, email, err) ||
	    !service_session(service, &at, &session, err))
		return false;
	const struct account_request request = {
		.ca_url = at.ca_url,
		.ca_bundle = at.ca_bundle,
		.email = email,
		.may_register = true,
		.anew = true,
		.key_type = key_type,
	};
	struct deadline deadline = service_deadline(service, service_options(service)->certificate_timeout_ms);
	if (!account_open(service, session, &request, deadline, &account, &created, err) ||
	    !account_record_load(service_store(service), account.name, &record, &found, err))
		return false;
	ret->action = created ? "registered" : "unchanged";
	return fill_view(account.name, &record, ret, err);
}

/* Two accounts with one contact could not be told apart. */
static bool check_contact_is_free(struct work *work, const char *email, struct error *err)
{
	AUTO_FREE char *name = NULL;
	bool found = false;
	if (!account_find_name(work->store, work->record.ca_url, email, /* url= */ NULL, &name, &found, err))
		return false;
	if (!found || str_equal(name, work->name))
		return true;
	(void)error_set(err, ERROR_USAGE, step, "the account %s has the contact %s already", name, email);
	error_hint(err, "deactivate one of the two, or choose another address");
	return false;
}

bool accounts_update(struct service *service, const struct account_choice *choice, const char *email, bool remove_email,
		     struct account_view *ret, struct error *err)
{
	CLEANUP(account_view_done) struct account_view view = {0};
	CLEANUP(work_done) struct work work = {0};
	CLEANUP(acme_account_done) struct acme_account seen = {0};
	const struct acme_account_change change = {
		.email = email,
		.remove_contacts = remove_email,
		.terms_agreed = service_options(service)->terms_agreed,
	};
	if (!accounts_find(service, choice, &view, err) || !work_open(service, view.name, &work, err) ||
	    (email != NULL && !check_contact_is_free(&work, email, err)) ||
	    !acme_account_update(work.session, &work.identity, &change, work.deadline, &seen, err))
		return false;
	if ((email != NULL || remove_email) && !str_set(&work.record.email, email, err))
		return false;
	return work_save(&work, ret, "updated", err);
}

/* The account URL stays, and with it CAA's accounturi; some forms of dns-persist-01 records name the key. */
static void tell_persistent_records(const struct work *work)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	struct error ignored = {0};
	if (!store_list_records(work->store, STORE_RENEWAL, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(renewal_done) struct renewal renewal = {0};
		bool found = false;
		if (renewal_load(work->store, names.items[i], &renewal, &found, &ignored) && found &&
		    renewal.challenge == CHALLENGE_DNS_PERSIST_01 && str_equal(renewal.account, work->record.url))
			log_warning("%s: publish its dns-persist-01 record anew, it may name the account's former key",
				    names.items[i]);
	}
}

bool accounts_rotate_key(struct service *service, const struct account_choice *choice, const enum key_type *key_type,
			 struct account_view *ret, struct error *err)
{
	CLEANUP(account_view_done) struct account_view view = {0};
	CLEANUP(work_done) struct work work = {0};

	if (!accounts_find(service, choice, &view, err) || !work_open(service, view.name, &work, err))
		return false;
	enum key_type type = key_type != NULL ? *key_type : key_get_type(work.key);
	if (!account_rollover(work.store, work.session, work.name, &work.identity, type, work.deadline, err) ||
	    !str_set(&work.record.key_type, key_type_name(type), err) || !work_save(&work, ret, "rotated", err))
		return false;
	tell_persistent_records(&work);
	return true;
}

bool accounts_deactivate(struct service *service, const struct account_choice *choice, struct account_view *ret,
			 struct error *err)
{
	CLEANUP(account_view_done) struct account_view view = {0};
	CLEANUP(work_done) struct work work = {0};

	return accounts_find(service, choice, &view, err) && work_open(service, view.name, &work, err) &&
	       acme_account_deactivate(work.session, &work.identity, work.deadline, err) &&
	       str_set(&work.record.status, acme_account_status_name(ACME_ACCOUNT_DEACTIVATED), err) &&
	       work_save(&work, ret, "deactivated", err);
}
