/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hook runs when, and once. Pre and post hooks belong to the run: what ran is kept in a list, and each
 * certificate that needed it refers to the one result. Deploy hooks belong to a certificate's generation, and the
 * record says which of them have yet to run, so that neither a failure nor a crash loses one.
 */
#include "service/hooks.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config.h"
#include "service/backoff.h"
#include "service/hook.h"
#include "service/progress.h"
#include "service/schedule.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT = 300 };

/* A certificate that was tried. */
struct attempt {
	const struct renewal *wanted;
	struct certificate_result *result;
};

struct hook_run {
	struct service *service;
	struct run_result *results;
	char *base;           /* the state folder's absolute path: hooks run in / */
	pthread_mutex_t lock; /* one hook at a time; over what follows, and over what `results` has of hooks */
	struct attempt *attempts;
	size_t attempt_count;
	struct hook_list ran; /* pre and post hooks */
	const struct hook_result **outcomes;
};

struct hook_run *hooks_open(struct service *service, struct run_result *results, struct error *err)
{
	char base[PATH_MAX];
	struct hook_run *run = calloc(1, sizeof(*run));
	const char *dir = service_options(service)->state_dir;
	if (run == NULL) {
		error_oom(err);
		return NULL;
	}
	run->service = service;
	run->results = results;
	(void)pthread_mutex_init(&run->lock, /* attr= */ NULL);
	/* Where it is not there, neither are hooks in it. */
	if (str_set(&run->base, realpath(dir, base) != NULL ? base : dir, err))
		return run;
	hooks_close(run);
	return NULL;
}

void hooks_close(struct hook_run *run)
{
	if (run == NULL)
		return;
	hook_list_done(&run->ran);
	free(run->outcomes);
	free(run->attempts);
	free(run->base);
	(void)pthread_mutex_destroy(&run->lock);
	free(run);
}

static int64_t timeout_ms(const struct service *service)
{
	const struct config *config = service_options(service)->config;
	return (config != NULL ? config->renewal.hook_timeout : DEFAULT_TIMEOUT) * INT64_C(1000);
}

/* --- Which there are --- */

static const struct config_hooks *config_hooks_of(const struct service *service, const struct renewal *wanted)
{
	const struct config *config = service_options(service)->config;
	const struct config_domain *domain =
		config != NULL && wanted->from_config ? config_find_domain(config, wanted->name) : NULL;
	return domain != NULL ? &domain->hooks : NULL;
}

static const struct config_command *own_command(const struct config_hooks *hooks, enum hook_when when)
{
	if (hooks == NULL)
		return NULL;
	return when == HOOK_PRE ? &hooks->pre : when == HOOK_POST ? &hooks->post : &hooks->deploy;
}

static const char *own_line(const struct renewal *wanted, enum hook_when when)
{
	return when == HOOK_PRE ? wanted->pre_hook : when == HOOK_POST ? wanted->post_hook : wanted->deploy_hook;
}

/* The certificate's own: the config's, or what `issue` was given. */
static bool add_own(const struct service *service, const struct renewal *wanted, enum hook_when when,
		    struct hook_list *ret, struct error *err)
{
	static const char *const names[] = {
		[HOOK_PRE] = "pre_hook", [HOOK_DEPLOY] = "deploy_hook", [HOOK_POST] = "post_hook"};
	CLEANUP(str_list_done) struct str_list words = {0};
	const struct config_command *command = own_command(config_hooks_of(service, wanted), when);
	const char *line = own_line(wanted, when);

	if (command != NULL)
		return command->words.len == 0 ||
		       hook_list_add(ret, when, names[when], command->is_shell, &command->words, err);
	if (line == NULL || wanted->from_config)
		return true;
	return str_list_add(&words, line, err) &&
	       hook_list_add(ret, when, names[when], /* is_shell= */ true, &words, err);
}

/* The folder's first, then its own. */
static bool find_hooks(const struct hook_run *run, const struct renewal *wanted, enum hook_when when,
		       struct hook_list *ret, struct error *err)
{
	AUTO_FREE char *folder = str_format(err, "%s/renewal-hooks/%s", run->base, hook_when_name(when));
	return folder != NULL && hook_list_add_folder(ret, when, folder, err) &&
	       add_own(run->service, wanted, when, ret, err);
}

bool hooks_may_disturb(const struct service *service, const struct renewal *wanted)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	struct error ignored = {0};
	return !add_own(service, wanted, HOOK_PRE, &list, &ignored) || list.count > 0;
}

bool hooks_has_deploy(struct hook_run *run, const struct renewal *wanted)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	struct error ignored = {0};
	return !find_hooks(run, wanted, HOOK_DEPLOY, &list, &ignored) || list.count > 0;
}

/* --- Running one --- */

static void log_output(const char *label, const char *output)
{
	for (const char *line = output; line != NULL && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		log_debug("%s: %.*s", label, (int)len, line);
		line += len + (line[len] == '\n' ? 1 : 0);
	}
}

/* A new entry of the results for HOOK; NULL is told. */
static struct hook_result *add_result(struct hook_run *run, const struct hook *hook)
{
	struct error lost = {0};
	struct hook_result *result = run_result_add_hook(run->results, &lost);
	if (result != NULL) {
		result->when = hook->when;
		if (str_set(&result->hook, hook->text, &lost))
			return result;
	}
	log_failure(LOG_LEVEL_WARNING, &lost);
	return NULL;
}

/* CERTIFICATE: a deploy hook's; else NULL. */
static void run_hook(struct hook_run *run, const struct hook *hook, const char *certificate,
		     const struct str_list *environment, struct deadline deadline, struct hook_result *ret)
{
	const struct progress *progress = service_options(run->service)->progress;
	struct error err = {0};
	char label[ERROR_NAME_MAX], what[ERROR_NAME_MAX];

	(void)snprintf(label, sizeof(label), "%s hook", hook_when_name(hook->when));
	(void)snprintf(what, sizeof(what), "%s%s%s", certificate != NULL ? label : hook->text,
		       certificate != NULL ? " " : "", certificate != NULL ? hook->text : "");
	const char *who = certificate != NULL ? certificate : label;
	progress_step(progress, who, what, "running");
	bool ok = hook_exec(hook, environment, deadline, &ret->output, &err);
	error_context(&err, /* step= */ NULL, certificate, /* server= */ NULL);
	ret->outcome = ok ? HOOK_DONE : err.category == ERROR_CANCELLED ? HOOK_PENDING : HOOK_FAILED;
	error_keep(&ret->error, ok ? NULL : &err);
	log_output(who, ret->output);
	progress_finished(progress, who, what, hook_outcome_name(ret->outcome), ret->error);
}

static bool add_variable(struct str_list *list, const char *name, const char *value, struct error *err)
{
	AUTO_FREE char *text = str_format(err, "%s=%s", name, value);
	return text != NULL && str_list_add(list, text, err);
}

/* Names of one certificate behind those in OUT; false when they do not fit. */
static bool append_domains(const struct renewal *wanted, struct buf *out)
{
	for (size_t i = 0; i < wanted->identifier_count; i++)
		buf_printf(out, "%s%s", out->len > 0 ? " " : "", wanted->identifiers[i].value);
	return !out->failed;
}

/* --- Pre and post hooks --- */

static const struct hook_result *find_ran(const struct hook_run *run, const struct hook *hook)
{
	for (size_t i = 0; i < run->ran.count; i++)
		if (hook_is_same(&run->ran.items[i], hook))
			return run->outcomes[i];
	return NULL;
}

static bool keep_ran(struct hook_run *run, const struct hook *hook, const struct hook_result *outcome,
		     struct error *err)
{
	const struct hook_result **outcomes = reallocarray(run->outcomes, run->ran.count + 1, sizeof(*outcomes));
	if (outcomes == NULL)
		return error_oom(err);
	run->outcomes = outcomes;
	outcomes[run->ran.count] = outcome;
	return hook_list_add(&run->ran, hook->when, hook->name, hook->is_shell, &hook->words, err);
}

/* The hooks of one kind that WANTED has, each unless it ran before. */
static bool run_shared(struct hook_run *run, const struct attempt *attempt, enum hook_when when,
		       const struct str_list *environment, struct deadline deadline, struct error *err)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	if (!find_hooks(run, attempt->wanted, when, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct hook_result *outcome = find_ran(run, &list.items[i]);
		if (outcome == NULL) {
			struct hook_result *added = add_result(run, &list.items[i]);
			if (added == NULL)
				return error_oom(err);
			run_hook(run, &list.items[i], /* certificate= */ NULL, environment, deadline, added);
			outcome = added;
			if (!keep_ran(run, &list.items[i], outcome, err))
				return false;
		}
		if (!certificate_result_add_hook(attempt->result, outcome, err))
			return false;
	}
	return true;
}

static bool before_locked(struct hook_run *run, const struct renewal *wanted, struct certificate_result *result,
			  struct error *err)
{
	CLEANUP(str_list_done) struct str_list environment = {0};
	struct attempt *attempts = reallocarray(run->attempts, run->attempt_count + 1, sizeof(*attempts));
	if (attempts == NULL)
		return error_oom(err);
	run->attempts = attempts;
	struct attempt *attempt = &attempts[run->attempt_count++];
	*attempt = (struct attempt){.wanted = wanted, .result = result};
	return add_variable(&environment, "CERTFERRY_HOOK", "pre", err) &&
	       run_shared(run, attempt, HOOK_PRE, &environment,
			  service_deadline(run->service, timeout_ms(run->service)), err);
}

bool hooks_before(struct hook_run *run, const struct renewal *wanted, struct certificate_result *result,
		  struct error *err)
{
	(void)pthread_mutex_lock(&run->lock);
	bool ok = before_locked(run, wanted, result, err);
	(void)pthread_mutex_unlock(&run->lock);
	return ok && deadline_check(service_deadline(run->service, timeout_ms(run->service)), "pre-hook", err);
}

/* The names of the certificates that were tried and (did not) succeed. */
static bool add_tried(const struct hook_run *run, const char *name, bool succeeded, struct str_list *ret,
		      struct error *err)
{
	CLEANUP(buf_done) struct buf domains;
	buf_init(&domains, LIMIT_HOOK_DOMAINS);
	for (size_t i = 0; i < run->attempt_count; i++) {
		size_t before = domains.len;
		bool failed = run->attempts[i].result->action == RESULT_FAILED;
		if (failed == succeeded || append_domains(run->attempts[i].wanted, &domains))
			continue;
		log_warning("%s holds the first %zu bytes of names only", name, before);
		break;
	}
	return add_variable(ret, name, buf_cstr(&domains), err);
}

static bool after_locked(struct hook_run *run, struct error *err)
{
	CLEANUP(str_list_done) struct str_list environment = {0};
	if (!add_variable(&environment, "CERTFERRY_HOOK", "post", err) ||
	    !add_tried(run, "RENEWED_DOMAINS", /* succeeded= */ true, &environment, err) ||
	    !add_tried(run, "FAILED_DOMAINS", /* succeeded= */ false, &environment, err))
		return false;
	/* What a pre hook stopped has to be started again, whatever the user's patience: each hook gets its time. */
	for (size_t i = 0; i < run->attempt_count; i++)
		if (!run_shared(run, &run->attempts[i], HOOK_POST, &environment,
				deadline_in(timeout_ms(run->service), /* cancel= */ NULL), err))
			return false;
	return true;
}

void hooks_after(struct hook_run *run)
{
	struct error err = {0};
	(void)pthread_mutex_lock(&run->lock);
	if (!after_locked(run, &err))
		log_failure(LOG_LEVEL_ERROR, &err);
	(void)pthread_mutex_unlock(&run->lock);
}

/* --- Deploy hooks --- */

static bool is_due(const struct renewal *record)
{
	return record->generation > 0 && (record->deploy_hooks_due || record->hook_count > 0);
}

static bool deploy_environment(const struct hook_run *run, const struct renewal *wanted, struct str_list *ret,
			       struct error *err)
{
	CLEANUP(buf_done) struct buf domains;
	AUTO_FREE char *lineage = str_format(err, "%s/live/%s", run->base, wanted->name);
	buf_init(&domains, LIMIT_HOOK_DOMAINS);
	if (!append_domains(wanted, &domains))
		log_warning("%s: RENEWED_DOMAINS holds the first %zu bytes of names only", wanted->name, domains.len);
	return lineage != NULL && add_variable(ret, "CERTFERRY_HOOK", "deploy", err) &&
	       add_variable(ret, "CERTFERRY_CERT_NAME", wanted->name, err) &&
	       add_variable(ret, "RENEWED_LINEAGE", lineage, err) &&
	       add_variable(ret, "RENEWED_DOMAINS", buf_cstr(&domains), err);
}

/* KNOWN is held back: what failed last, and until when. */
static void set_held(const struct renewal_hook *known, const struct renewal *wanted, struct hook_result *ret)
{
	char until[RFC3339_SIZE];
	struct error err = {0};
	(void)error_set(&err, ERROR_CONFIG, "deploy-hook", "%s is held back until %s after %u failures in a row",
			ret->hook, rfc3339_format(known->retry_at, until), known->failures);
	err.retry_at = known->retry_at;
	if (known->error != NULL)
		error_said(&err, known->error->message, strlen(known->error->message));
	if (wanted->from_config)
		error_hint(&err, "the next run after that time tries again; `certferry deploy %s` tries now",
			   wanted->name);
	else
		error_hint(&err, "the next run after that time tries again");
	error_context(&err, /* step= */ NULL, wanted->name, /* server= */ NULL);
	ret->outcome = HOOK_PENDING;
	error_keep(&ret->error, &err);
}

/* What OUTCOME leaves to be done, into LEFT. KNOWN: what was on record; NULL: nothing had failed. */
static bool keep_waiting(const struct hook *hook, const struct renewal_hook *known, const struct hook_result *outcome,
			 struct renewal *left, struct error *err)
{
	if (outcome->outcome == HOOK_DONE)
		return true;
	struct renewal_hook *entry = renewal_hook(left, hook->name, err);
	if (entry == NULL)
		return false;
	if (known != NULL) {
		entry->failures = known->failures;
		entry->last_try = known->last_try;
		entry->retry_at = known->retry_at;
		error_keep(&entry->error, known->error);
	}
	if (outcome->outcome == HOOK_PENDING)
		return true;
	if (entry->failures < UINT32_MAX)
		entry->failures++;
	int64_t delay = backoff_delay_ours(entry->failures, schedule_random());
	entry->last_try = clock_wall();
	entry->retry_at = delay > 0 ? entry->last_try + delay : 0;
	error_keep(&entry->error, outcome->error);
	return true;
}

/* The entry that makes HOOK due; NULL: none. What a refused folder holds is due when it is accepted again. */
static const struct renewal_hook *find_known(const struct renewal *wanted, const struct hook *hook)
{
	const struct renewal_hook *known = renewal_find_hook(wanted, hook->name);
	if (known != NULL || strchr(hook->name, '/') == NULL)
		return known;
	if (hook->refused == NULL)
		return renewal_find_hook(wanted, "deploy/");
	for (size_t i = 0; i < wanted->hook_count; i++)
		if (strchr(wanted->hooks[i].name, '/') != NULL)
			return &wanted->hooks[i];
	return NULL;
}

static bool is_held(const struct renewal_hook *known, bool by_hand)
{
	int64_t now = clock_wall();
	return known != NULL && !by_hand && known->last_try <= now && known->retry_at > now &&
	       schedule_is_sane(known->retry_at, now);
}

/* What the record says is due. LEFT gets what still is afterwards. */
static bool run_due(struct hook_run *run, const struct renewal *wanted, bool by_hand, struct certificate_result *result,
		    struct renewal *left, struct error *err)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	CLEANUP(str_list_done) struct str_list environment = {0};
	if (!find_hooks(run, wanted, HOOK_DEPLOY, &list, err) || !deploy_environment(run, wanted, &environment, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct hook *hook = &list.items[i];
		const struct renewal_hook *known = find_known(wanted, hook);
		if (!wanted->deploy_hooks_due && known == NULL)
			continue;
		struct hook_result *outcome = add_result(run, hook);
		if (outcome == NULL)
			return error_oom(err);
		if (is_held(known, by_hand))
			set_held(known, wanted, outcome);
		else
			run_hook(run, hook, wanted->name, &environment,
				 service_deadline(run->service, timeout_ms(run->service)), outcome);
		if (outcome->error != NULL)
			error_hint(outcome->error, "the next run tries it again%s%s%s",
				   wanted->from_config ? "; `certferry deploy " : "",
				   wanted->from_config ? wanted->name : "", wanted->from_config ? "` does now" : "");
		if (!certificate_result_add_hook(result, outcome, err) ||
		    !keep_waiting(hook, known, outcome, left, err))
			return false;
	}
	return true;
}

/* LEFT's hooks are TO's. */
static void move_hooks(struct renewal *left, struct renewal *to)
{
	renewal_forget_hooks(to);
	to->hooks = left->hooks;
	to->hook_count = left->hook_count;
	left->hooks = NULL;
	left->hook_count = 0;
}

/*
 * Whether RECORD's generation is another one than WANTED's because another run made it live, a newer one or by a
 * rollback. Where WANTED's own is live, a killed run has not written that down, and nothing was superseded.
 */
static bool is_superseded(struct hook_run *run, const struct renewal *wanted, const struct renewal *record, bool *ret,
			  struct error *err)
{
	uint64_t live = 0;
	bool linked = false;
	*ret = false;
	if (record->generation == wanted->generation)
		return true;
	if (!store_live_number(service_store(run->service), wanted->name, &live, &linked, err))
		return false;
	*ret = !linked || live != wanted->generation;
	return true;
}

/* Under the certificate's lock, as everybody who writes the record. */
static bool remember(struct hook_run *run, struct renewal *wanted, struct renewal *left, struct error *err)
{
	struct store *store = service_store(run->service);
	struct deadline deadline = deadline_in(service_options(run->service)->lock_timeout_ms, /* cancel= */ NULL);
	CLEANUP(renewal_done) struct renewal record = {0};
	bool found = false, superseded = false;

	CLEANUP(store_unlockp) struct store_lock *lock = store_lock(store, "certificate", wanted->name, deadline, err);
	if (lock == NULL || !renewal_load(store, wanted->name, &record, &found, err) ||
	    (found && !is_superseded(run, wanted, &record, &superseded, err)))
		return false;
	if (found && record.generation == wanted->generation) {
		move_hooks(left, &record);
		return renewal_save(store, &record, err);
	}
	/* Another generation's hooks are its own run's. */
	if (superseded)
		return true;
	move_hooks(left, wanted);
	return renewal_save(store, wanted, err);
}

/* Another run may have been here since the record was read. */
static bool look_again(struct hook_run *run, struct renewal *wanted, struct error *err)
{
	CLEANUP(renewal_done) struct renewal record = {0};
	bool found = false, superseded = false;
	if (!renewal_load(service_store(run->service), wanted->name, &record, &found, err) ||
	    (found && !is_superseded(run, wanted, &record, &superseded, err)))
		return false;
	if (superseded) {
		renewal_forget_hooks(wanted);
	} else if (found && record.generation == wanted->generation) {
		bool due = record.deploy_hooks_due;
		move_hooks(&record, wanted);
		wanted->deploy_hooks_due = due;
	}
	return true;
}

static bool deploy_locked(struct hook_run *run, struct renewal *wanted, bool by_hand, struct certificate_result *result,
			  struct error *err)
{
	CLEANUP(renewal_done) struct renewal left = {0};
	if (!look_again(run, wanted, err))
		return false;
	if (!is_due(wanted))
		return true;
	(void)pthread_mutex_lock(&run->lock);
	bool ok = run_due(run, wanted, by_hand, result, &left, err);
	(void)pthread_mutex_unlock(&run->lock);
	return ok && remember(run, wanted, &left, err);
}

void hooks_deploy(struct hook_run *run, struct plan_item *item, bool by_hand, struct certificate_result *result)
{
	struct renewal *wanted = &item->wanted;
	struct deadline at_once = deadline_in(0, /* cancel= */ NULL);
	struct error err = {0};

	if (item->error != NULL || !is_due(wanted))
		return;
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(run->service), "hooks", wanted->name, at_once, &err);
	if (lock == NULL && err.category == ERROR_BUSY) {
		log_debug("%s: another run is at its deploy hooks", wanted->name);
		return;
	}
	if (lock == NULL || !deploy_locked(run, wanted, by_hand, result, &err)) {
		error_context(&err, "deploy-hook", wanted->name, /* server= */ NULL);
		log_failure(LOG_LEVEL_ERROR, &err);
	}
	/* Not a second time in this run. */
	renewal_forget_hooks(wanted);
}
