/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load or register an account. The order of writes is what makes it safe: key, then record without URL, then the CA,
 * then the URL. RFC 8555 §7.3.1 answers a second newAccount with the same key by the account that exists.
 */
#include "service/account.h"

#include "acme/account.h"
#include "acme/problem.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/ca_presets.h"
#include "service/account_eab.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "account";

/* One account being opened, under its lock. */
struct opening {
	struct service *service;
	struct store *store;
	struct acme_session *session;
	const struct account_request *request;
	struct deadline deadline;
	struct account account;
	struct account_record record;
	bool created;
};

void account_done(struct account *account)
{
	if (account == NULL)
		return;
	free(account->name);
	free(account->url);
	key_free(account->key);
	*account = (struct account){0};
}

static void opening_done(struct opening *opening)
{
	account_done(&opening->account);
	account_record_done(&opening->record);
}

/* --- Which record --- */

/*
 * Records of one CA have names that begin alike. Adds to RET the names of those that may serve EMAIL or URL, and to
 * RET_ENDED those that would but are of no use any more.
 */
static bool collect(struct store *store, const char *ca_url, const char *email, const char *url, const char *made_name,
		    struct str_list *ret, struct str_list *ret_ended, struct error *err)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	const char *dash = strrchr(made_name, '-');
	size_t prefix = (size_t)(dash - made_name) + 1;

	if (!store_list_records(store, STORE_ACCOUNT, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(account_record_done) struct account_record record = {0};
		bool found = false;
		if (strncmp(names.items[i], made_name, prefix) != 0)
			continue;
		if (!account_record_load(store, names.items[i], &record, &found, err))
			return false;
		if (!found || !str_equal(record.ca_url, ca_url))
			continue;
		bool fits = url != NULL ? str_equal(record.url, url) : email == NULL || str_equal(record.email, email);
		if (fits && !str_list_add(record.status == NULL ? ret : ret_ended, names.items[i], err))
			return false;
	}
	return true;
}

bool account_find_name(struct store *store, const char *ca_url, const char *email, const char *url, char **ret_name,
		       bool *ret_found, struct error *err)
{
	CLEANUP(account_record_done) struct account_record record = {0};
	CLEANUP(str_list_done) struct str_list fitting = {0};
	CLEANUP(str_list_done) struct str_list ended = {0};
	CLEANUP(secret_done) struct secret key = {0};
	bool found = false;

	AUTO_FREE char *name = account_record_name(ca_url, email, err);
	if (name == NULL)
		return false;
	if (url == NULL) {
		/* The one made for this contact; its key alone is enough, see account_open(). */
		if (!account_record_load(store, name, &record, &found, err) ||
		    (!found && !store_read_account_key(store, name, &key, &found, err)))
			return false;
		if (found) {
			*ret_found = true;
			*ret_name = STEAL(name);
			return true;
		}
	}
	if (!collect(store, ca_url, email, url, name, &fitting, &ended, err))
		return false;
	/* Where all have ended, that is said; a new one is made only by an explicit act. */
	if (fitting.len == 0 && ended.len > 0 && !str_list_add(&fitting, ended.items[0], err))
		return false;
	if (fitting.len > 1 && email == NULL && url == NULL) {
		(void)error_set(err, ERROR_USAGE, step, "there are %zu accounts at %s", fitting.len, ca_url);
		error_hint(err, "say which by its contact: email in the config, or --email; `certferry account show` "
				"lists them");
		return false;
	}
	*ret_found = fitting.len > 0;
	*ret_name = NULL;
	return str_set(ret_name, fitting.len > 0 ? fitting.items[0] : name, err);
}

/* --- Registering --- */

/* A key for a new account, stored before anything else happens. */
static bool make_key(struct opening *opening, enum key_type type, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	CLEANUP(key_freep) struct key *key = key_generate(type, err);
	if (key == NULL || !key_to_pem(key, &pem, err) ||
	    !store_write_account_key(opening->store, opening->account.name, &pem, err) ||
	    !key_signer(key, &opening->account.signer, err))
		return false;
	key_free(opening->account.key);
	opening->account.key = STEAL(key);
	return true;
}

static bool save_record(struct opening *opening, struct error *err)
{
	const char *type = opening->account.key != NULL ? key_type_name(key_get_type(opening->account.key)) : NULL;
	return str_set(&opening->record.key_type, type, err) &&
	       account_record_save(opening->store, opening->account.name, &opening->record, err);
}

/* What known CAs want although their directories do not say so. */
static bool check_contact(const struct account_request *request, const struct ca_preset *preset, struct error *err)
{
	if (preset == NULL || !preset->needs_contact || request->email != NULL)
		return true;
	(void)error_set(err, ERROR_CONFIG, step, "%s accepts new accounts only with an e-mail address", preset->title);
	error_hint(err, "give one: email in the config, or --email");
	return false;
}

/* Ask the CA for an account; ALGORITHMS gets what it takes instead of ours. */
static bool ask(struct opening *opening, const struct account_eab *eab, struct str_list *algorithms, struct error *err)
{
	const struct acme_account_request request = {
		.email = opening->record.email,
		.terms_agreed = service_options(opening->service)->terms_agreed,
		.eab = eab->given ? &eab->eab : NULL,
		.algorithms = algorithms,
	};
	return acme_account_register(opening->session, &opening->account.signer, &request, opening->deadline,
				     &opening->record.url, &opening->created, err);
}

/* RFC 8555 §6.2: another key, of a kind the CA says it takes. Nobody has heard of the first one. */
static bool ask_with_other_key(struct opening *opening, const struct account_eab *eab,
			       const struct str_list *algorithms, struct error *err)
{
	for (size_t i = 0; i < algorithms->len; i++) {
		enum key_type type = KEY_TYPE_ECDSA_P256;
		if (!key_type_for_algorithm(algorithms->items[i], &type) || type == key_get_type(opening->account.key))
			continue;
		log_info("the CA takes no %s account key: using %s instead",
			 key_type_name(key_get_type(opening->account.key)), key_type_name(type));
		error_clear(err);
		return make_key(opening, type, err) && save_record(opening, err) &&
		       ask(opening, eab, /* algorithms= */ NULL, err);
	}
	return false;
}

/* Another contact makes another account. Whoever only meant to change the address should know how. */
static void tell_others(struct opening *opening)
{
	CLEANUP(str_list_done) struct str_list fitting = {0};
	CLEANUP(str_list_done) struct str_list ended = {0};
	struct error ignored = {0};
	if (!collect(opening->store, opening->record.ca_url, /* email= */ NULL, /* url= */ NULL, opening->account.name,
		     &fitting, &ended, &ignored) ||
	    fitting.len < 2)
		return;
	log_warning(
		"there are %zu accounts at %s now, one for each contact; `certferry account update --email` changes "
		"the contact of one instead",
		fitting.len, opening->record.ca_url);
}

static void tell_registered(struct opening *opening)
{
	struct error ignored = {0};
	const struct acme_directory *directory = acme_session_directory(opening->session, opening->deadline, &ignored);
	const char *terms = directory != NULL ? directory->terms_of_service : NULL;
	if (!opening->created)
		return;
	log_info("registered an account at %s%s%s", opening->record.ca_url, terms != NULL ? "; its terms: " : "",
		 terms != NULL ? terms : "");
	tell_others(opening);
}

/* The CA refused the key itself, which therefore is nobody's: the next try makes another one. */
static bool forget_refused_key(struct opening *opening, struct error *err)
{
	struct error ignored = {0};
	if (!acme_problem_is(err->type, "badPublicKey") && !acme_problem_is(err->type, "badSignatureAlgorithm"))
		return false;
	if (!store_retire_account_key(opening->store, opening->account.name, &ignored) ||
	    !store_delete_record(opening->store, STORE_ACCOUNT, opening->account.name, &ignored))
		log_failure(LOG_LEVEL_WARNING, &ignored);
	return false;
}

/* A new account with the key at hand. */
/*
 * Runs make few accounts: whoever finds a way to make one in each, by a script or a lost folder, stops here. Asked for
 * by hand (`account register`), it is the operator's own decision.
 */
static bool is_within_daily_cap(struct opening *opening, struct error *err)
{
	enum { DAY = 24 * 3600 };
	CLEANUP(str_list_done) struct str_list names = {0};
	unsigned made = 0;

	if (opening->request->anew)
		return true;
	if (!store_list_records(opening->store, STORE_ACCOUNT, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(account_record_done) struct account_record other = {0};
		bool found = false;
		if (str_equal(names.items[i], opening->account.name))
			continue;
		if (!account_record_load(opening->store, names.items[i], &other, &found, err))
			return false;
		int64_t age = clock_wall() - other.created_at;
		made += found && other.url != NULL && str_equal(other.ca_url, opening->request->ca_url) && age >= 0 &&
			age < DAY;
	}
	if (made < LIMIT_ACCOUNTS_PER_DAY)
		return true;
	(void)error_set(err, ERROR_CONFIG, "account", "%u accounts were made at %s within a day: no more by themselves",
			made, opening->request->ca_url);
	error_hint(err, "use one contact for all certificates, or make the account by `certferry account register`");
	return false;
}

static bool register_account(struct opening *opening, struct error *err)
{
	const struct account_request *request = opening->request;
	const struct ca_preset *preset = ca_preset_find_url(request->ca_url);
	CLEANUP(account_eab_done) struct account_eab eab = {0};
	CLEANUP(str_list_done) struct str_list algorithms = {0};

	if (!is_within_daily_cap(opening, err) || !check_contact(request, preset, err) ||
	    !account_check_key_is_own(opening->store, opening->account.name, opening->account.key, err) ||
	    !save_record(opening, err) ||
	    !account_eab_find(opening->service, opening->session, request->ca_url, request->email, opening->deadline,
			      &eab, err))
		return false;
	if (!ask(opening, &eab, &algorithms, err) &&
	    (request->key_type != NULL || !ask_with_other_key(opening, &eab, &algorithms, err)))
		return forget_refused_key(opening, err);
	/* Before anything else can fail: external credentials may be good for this one account only. */
	if (!save_record(opening, err))
		return false;
	tell_registered(opening);
	return true;
}

/* --- Opening --- */

static bool no_account(const struct opening *opening, struct error *err)
{
	(void)error_set(err, ERROR_CONFIG, step, "no account at %s is stored", opening->request->ca_url);
	error_hint(err, "`certferry account register` makes one, `certferry account show` lists those there are");
	return false;
}

static bool is_deactivated(const struct opening *opening, struct error *err)
{
	(void)error_set(err, ERROR_CONFIG, step, "the account %s was deactivated", opening->record.url);
	error_hint(err, "`certferry account register` makes a new one");
	return false;
}

/* The account is of no use any more and the operator wants another one: with another key (RFC 8555 §11.1). */
static bool start_anew(struct opening *opening, struct error *err)
{
	const char *url = opening->record.url;
	log_info("%s is given up for a new account; its key is kept%s",
		 url != NULL ? url : "an account that was never registered",
		 url != NULL ? "; CAA records with its accounturi have to be changed" : "");
	key_free(opening->account.key);
	opening->account.key = NULL;
	if (!str_set(&opening->record.url, NULL, err) || !str_set(&opening->record.status, NULL, err))
		return false;
	opening->record.created_at = clock_wall();
	return save_record(opening, err) && store_retire_account_key(opening->store, opening->account.name, err);
}

/* For `account register`: is the stored account still good? Otherwise it makes way for a new one. */
static bool look_whether_good(struct opening *opening, struct error *err)
{
	struct error failure = {0};
	AUTO_FREE char *url = NULL;

	if (opening->record.status != NULL)
		return start_anew(opening, err);
	if (acme_account_find(opening->session, &opening->account.signer, opening->deadline, &url, &failure))
		return url == NULL ? start_anew(opening, err)
				   : str_set(&opening->record.url, url, err) && save_record(opening, err);
	if (failure.category == ERROR_CA && !failure.transient)
		return start_anew(opening, err); /* deactivated or revoked: the CA says so in one way or another */
	*err = failure;
	return false;
}

/* There is a key and no URL: an earlier run was interrupted, or the record was lost. The CA may know the account. */
static bool recover(struct opening *opening, struct error *err)
{
	struct error failure = {0};
	if (!acme_account_find(opening->session, &opening->account.signer, opening->deadline, &opening->record.url,
			       &failure)) {
		if (opening->request->anew && failure.category == ERROR_CA && !failure.transient)
			return start_anew(opening, err);
		*err = failure;
		return false;
	}
	if (opening->record.url == NULL)
		return true;
	log_info("found the account %s again by its key", opening->record.url);
	return save_record(opening, err);
}

static bool load_record(struct opening *opening, struct error *err)
{
	const struct account_request *request = opening->request;
	struct account_record *record = &opening->record;
	bool found = false;
	if (!account_record_load(opening->store, opening->account.name, record, &found, err))
		return false;
	if (found)
		return record->status == NULL || request->anew || is_deactivated(opening, err);
	record->created_at = clock_wall();
	return str_set(&record->ca_url, request->ca_url, err) && str_set(&record->ca_bundle, request->ca_bundle, err) &&
	       str_set(&record->email, request->email, err);
}

static bool missing_key(const struct opening *opening, struct error *err)
{
	const char *name = opening->account.name;
	(void)error_set(err, ERROR_STORE, step, "the key of account %s is missing from the store", name);
	error_hint(err,
		   "restore %s/accounts/%s/key.pem from a backup; or, to start with a new account, remove that folder",
		   store_dir(opening->store), name);
	return false;
}

/* The key for a new account: the one an earlier try left, if it is of the kind that is asked for. */
static bool choose_key(struct opening *opening, struct error *err)
{
	const enum key_type *asked = opening->request->key_type;
	const struct key *key = opening->account.key;
	if (key != NULL && (asked == NULL || key_get_type(key) == *asked))
		return true;
	if (key != NULL && !store_retire_account_key(opening->store, opening->account.name, err))
		return false;
	return make_key(opening, asked != NULL ? *asked : KEY_TYPE_ECDSA_P256, err);
}

static bool open_locked(struct opening *opening, struct error *err)
{
	const struct account_request *request = opening->request;
	struct account *account = &opening->account;

	if (!load_record(opening, err) || !account_open_key(opening->store, opening->session, account->name,
							    &opening->record, opening->deadline, &account->key, err))
		return false;
	if (account->key == NULL && opening->record.url != NULL)
		return missing_key(opening, err);
	if (account->key != NULL && !key_signer(account->key, &account->signer, err))
		return false;
	if (account->key != NULL && opening->record.url == NULL && !recover(opening, err))
		return false;
	if (account->key != NULL && opening->record.url != NULL && request->anew && !look_whether_good(opening, err))
		return false;
	if (opening->record.url != NULL)
		return true;
	if (!request->may_register)
		return no_account(opening, err);
	if (!choose_key(opening, err))
		return false;
	return register_account(opening, err);
}

bool account_open(struct service *service, struct acme_session *session, const struct account_request *request,
		  struct deadline deadline, struct account *ret, bool *ret_created, struct error *err)
{
	CLEANUP(opening_done)
	struct opening opening = {
		.service = service,
		.store = service_store(service),
		.session = session,
		.request = request,
		.deadline = deadline,
	};
	bool found = false;

	if (!account_find_name(opening.store, request->ca_url, request->email, request->url, &opening.account.name,
			       &found, err))
		return false;
	if (!found && !request->may_register)
		return no_account(&opening, err);
	struct deadline lock_deadline = deadline_within(deadline, service_options(service)->lock_timeout_ms);
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(opening.store, "account", opening.account.name, lock_deadline, err);
	if (lock == NULL || !open_locked(&opening, err))
		return false;

	opening.account.url = STEAL(opening.record.url);
	if (ret_created != NULL)
		*ret_created = opening.created;
	*ret = opening.account;
	opening.account = (struct account){0};
	return true;
}
