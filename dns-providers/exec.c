/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: a program does what other modules do by an API. A convention is one row of a table: its arguments for adding
 * and for removing, and the variables it has. Scripts are rarely made to run twice at once, so one instance runs one at
 * a time. What the program printed when it added is its handle for the value (certbot's CERTBOT_AUTH_OUTPUT).
 */
#include "dns-providers/exec.h"

#include "base/log.h"
#include "base/str.h"
#include "dns-providers/common.h"
#include "dns-providers/zones.h"
#include "transport/exec.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_SECONDS = 120,
	TIMEOUT_MAX = 24 * 3600,
	DELAY_MAX = 24 * 3600,
	HANDLE_MAX = 4096, /* of a program's output that it gets back */
	WORDS_MAX = 5,
};

static const char TITLE[] = "exec", PREFIX[] = "_acme-challenge.";

static const struct dns_provider_key keys[] = {
	{"convention", NULL, false, false,
	 "native (default), certbot, lego, lego-raw or dehydrated: how the program is called"},
	{"program", "EXEC_PATH", false, false, "absolute path of the program that adds and removes"},
	{"add", NULL, false, false, "absolute path of the program that adds, instead of program"},
	{"remove", NULL, false, false, "absolute path of the program that removes, instead of program"},
	{"timeout", NULL, false, false, "seconds that one call may take (120)"},
	{"propagation", NULL, false, false,
	 "check (default): every authoritative server is asked until it shows the value; none: they are not asked"},
	{"delay", NULL, false, false, "seconds to wait when that is done (0)"},
	{0},
};

/* A challenge that was announced: see provider.h. */
struct announced {
	char *name, *value;
	char *domain, *token, *key_authorization;
	size_t remaining;
};

/* What a call is made of. */
struct call {
	bool adds;
	const char *name; /* "_acme-challenge.www.example.com" */
	const char *value;
	const char *output;                /* of the addition; NULL: none */
	const struct announced *challenge; /* NULL: not known */
	char remaining[24];
};

/* Words of arguments and variables that stand for a part of the call. */
#define NAME "{name}"     /* the record's name */
#define FQDN "{fqdn}"     /* the same with the final dot */
#define DOMAIN "{domain}" /* without _acme-challenge. */
#define VALUE "{value}"
#define OUTPUT "{output}"
#define TOKEN "{token}" /* where it is not known, the name: hooks name files by it at most */
#define KEY_AUTHORIZATION "{keyauth}"
#define REMAINING "{remaining}"

static const struct convention {
	const char *name;
	const char *add[WORDS_MAX], *remove[WORDS_MAX];
	const char *const *environment; /* ends with NULL */
} conventions[] = {
	{"native", {"add", NAME, VALUE}, {"remove", NAME, VALUE}, NULL},
	{"certbot",
	 {NULL},
	 {NULL},
	 (const char *const[]){"CERTBOT_DOMAIN=" DOMAIN, "CERTBOT_IDENTIFIER=" DOMAIN, "CERTBOT_VALIDATION=" VALUE,
			       "CERTBOT_ALL_DOMAINS=" DOMAIN, "CERTBOT_ALL_IDENTIFIERS=" DOMAIN,
			       "CERTBOT_REMAINING_CHALLENGES=" REMAINING, "CERTBOT_AUTH_OUTPUT=" OUTPUT, NULL}},
	{"lego", {"present", FQDN, VALUE}, {"cleanup", FQDN, VALUE}, NULL},
	/* The program makes the value itself. */
	{"lego-raw",
	 {"present", "--", DOMAIN, TOKEN, KEY_AUTHORIZATION},
	 {"cleanup", "--", DOMAIN, TOKEN, KEY_AUTHORIZATION},
	 NULL},
	{"dehydrated", {"deploy_challenge", DOMAIN, TOKEN, VALUE}, {"clean_challenge", DOMAIN, TOKEN, VALUE}, NULL},
};

/* In every convention beside its own. */
static const char *const neutral[] = {
	"CERTFERRY_NAME=" NAME, "CERTFERRY_DOMAIN=" DOMAIN, "CERTFERRY_VALUE=" VALUE, "CERTFERRY_OUTPUT=" OUTPUT, NULL,
};

struct dns_provider {
	const struct convention *convention;
	char *add, *remove; /* remove NULL: nothing is to be done */
	int64_t timeout_ms;
	struct dns_propagation propagation;
	pthread_mutex_t lock; /* one call at a time; over what follows */
	struct announced *announced;
	size_t announced_count;
};

/* --- Settings --- */

static const struct convention *find_convention(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(conventions); i++) {
		if (str_equal(conventions[i].name, name))
			return &conventions[i];
	}
	return NULL;
}

/* KEY's text in *RET, NULL where it is nowhere. */
static bool find_text(const struct dns_setting *from, size_t count, const char *key, char **ret, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting setting = {0};
	return provider_setting_find(&exec_module, from, count, key, /* environment= */ true, &setting, err) &&
	       str_set(ret, setting.value.data, err);
}

static bool find_seconds(const struct dns_setting *from, size_t count, const char *key, uint64_t max, int64_t *ret_ms,
			 struct error *err)
{
	AUTO_FREE char *text = NULL;
	uint64_t seconds = 0;
	if (!find_text(from, count, key, &text, err))
		return false;
	if (text != NULL && !parse_u64(text, strlen(text), max, &seconds))
		return error_set(err, ERROR_CONFIG, NULL, "%s: the setting %s is no number of seconds up to %llu",
				 TITLE, key, (unsigned long long)max);
	if (text != NULL)
		*ret_ms = (int64_t)seconds * 1000;
	return true;
}

static bool find_programs(const struct dns_setting *from, size_t count, struct dns_provider *provider,
			  struct error *err)
{
	AUTO_FREE char *program = NULL;
	if (!find_text(from, count, "program", &program, err) || !find_text(from, count, "add", &provider->add, err) ||
	    !find_text(from, count, "remove", &provider->remove, err))
		return false;
	if ((program == NULL) == (provider->add == NULL) || (program != NULL && provider->remove != NULL)) {
		error_hint(err, "program: does both; add: and remove: are two programs");
		return error_set(err, ERROR_CONFIG, NULL, "%s needs either program, or add and remove", TITLE);
	}
	if (program != NULL && (!str_set(&provider->add, program, err) || !str_set(&provider->remove, program, err)))
		return false;
	return exec_check(provider->add, err) && (provider->remove == NULL || exec_check(provider->remove, err));
}

static bool take_settings(const struct dns_setting *from, size_t count, struct dns_provider *provider,
			  struct error *err)
{
	AUTO_FREE char *convention = NULL;
	AUTO_FREE char *propagation = NULL;

	provider->timeout_ms = (int64_t)TIMEOUT_SECONDS * 1000;
	if (!find_text(from, count, "convention", &convention, err) ||
	    !find_text(from, count, "propagation", &propagation, err) ||
	    !find_seconds(from, count, "timeout", TIMEOUT_MAX, &provider->timeout_ms, err) ||
	    !find_seconds(from, count, "delay", DELAY_MAX, &provider->propagation.delay_ms, err))
		return false;
	provider->convention = find_convention(convention != NULL ? convention : conventions[0].name);
	if (provider->convention == NULL)
		return error_set(err, ERROR_CONFIG, NULL,
				 "%s: the setting convention is native, certbot, lego, lego-raw or dehydrated", TITLE);
	provider->propagation.unchecked = str_equal(propagation, "none");
	if (propagation != NULL && !provider->propagation.unchecked && !str_equal(propagation, "check"))
		return error_set(err, ERROR_CONFIG, NULL, "%s: the setting propagation is check or none", TITLE);
	return find_programs(from, count, provider, err);
}

static void announced_done(struct announced *announced)
{
	free(announced->name);
	free(announced->value);
	free(announced->domain);
	free(announced->token);
	free(announced->key_authorization);
	*announced = (struct announced){0};
}

static void exec_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; i < provider->announced_count; i++)
		announced_done(&provider->announced[i]);
	free(provider->announced);
	(void)pthread_mutex_destroy(&provider->lock);
	free(provider->add);
	free(provider->remove);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, exec_close)

static struct dns_provider *exec_open(const struct dns_setting *from, size_t count, struct http_client *client,
				      struct error *err)
{
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));
	(void)client;
	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&provider->lock, NULL);
	return take_settings(from, count, provider, err) ? STEAL(provider) : NULL;
}

static bool exec_settings_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	*ret_index = count;
	CLEANUP(provider_closep) struct dns_provider *provider = exec_open(from, count, /* client= */ NULL, err);
	return provider != NULL;
}

static void exec_propagation(const struct dns_provider *provider, struct dns_propagation *ret)
{
	*ret = provider->propagation;
}

/* --- Calls --- */

/* What WORD stands for; NULL: it is no such word. */
static const char *meaning(const struct call *call, const char *word)
{
	const struct announced *challenge = call->challenge;
	const char *name = call->name;
	if (str_equal(word, NAME))
		return name;
	if (str_equal(word, DOMAIN) && challenge != NULL)
		return challenge->domain;
	if (str_equal(word, TOKEN))
		return challenge != NULL ? challenge->token : name;
	if (str_equal(word, KEY_AUTHORIZATION))
		return challenge != NULL ? challenge->key_authorization : NULL;
	if (str_equal(word, REMAINING))
		return call->remaining;
	if (str_equal(word, DOMAIN))
		return str_starts(name, PREFIX) ? name + strlen(PREFIX) : name;
	if (str_equal(word, VALUE))
		return call->value;
	if (str_equal(word, OUTPUT))
		return call->output != NULL ? call->output : "";
	return NULL;
}

/* PATTERN, "word" or "VARIABLE={word}", made into text. */
static bool expand(const struct call *call, const char *pattern, struct str_list *list, struct error *err)
{
	const char *word = strchr(pattern, '{');
	const char *text = word != NULL ? meaning(call, word) : NULL;
	AUTO_FREE char *made = NULL;
	if (word == NULL)
		made = str_format(err, "%s", pattern);
	else if (str_equal(word, FQDN))
		made = str_format(err, "%.*s%s.", (int)(word - pattern), pattern, call->name);
	else
		made = str_format(err, "%.*s%s", (int)(word - pattern), pattern, text != NULL ? text : "");
	return made != NULL && str_list_add(list, made, err);
}

/* CERTBOT_AUTH_OUTPUT is there only when something is removed, as with certbot. */
static bool expand_variables(const struct call *call, const char *const *patterns, struct str_list *list,
			     struct error *err)
{
	for (; patterns != NULL && *patterns != NULL; patterns++) {
		if (call->adds && str_ends(*patterns, OUTPUT))
			continue;
		if (!expand(call, *patterns, list, err))
			return false;
	}
	return true;
}

/* Its output, without what cannot be in a variable, as the handle. */
static bool take_output(const struct buf *out, char **ret, struct error *err)
{
	size_t len = out->len < HANDLE_MAX ? out->len : HANDLE_MAX;
	const char *data = buf_cstr(out);
	while (len > 0 && strchr(" \t\r\n", data[len - 1]) != NULL)
		len--;
	len = strnlen(data, len);
	return len == 0 || str_set_n(ret, data, len, err);
}

/* Called with the lock. NULL: nobody announced it. */
static struct announced *find_announced(struct dns_provider *provider, const char *name, const char *value)
{
	for (size_t i = 0; i < provider->announced_count; i++) {
		struct announced *known = &provider->announced[i];
		if (str_equal(known->name, name) && str_equal(known->value, value))
			return known;
	}
	return NULL;
}

/* Called with the lock. */
static bool keep(struct dns_provider *provider, struct announced *take_entry, struct error *err)
{
	struct announced *list = reallocarray(provider->announced, provider->announced_count + 1, sizeof(*list));
	if (list == NULL)
		return error_oom(err);
	provider->announced = list;
	list[provider->announced_count++] = *take_entry;
	*take_entry = (struct announced){0};
	return true;
}

static bool exec_announce(struct dns_provider *provider, const char *name, const char *value,
			  const struct dns_challenge *challenge, struct error *err)
{
	struct announced entry = {.remaining = challenge->remaining};
	(void)pthread_mutex_lock(&provider->lock);
	bool ok = find_announced(provider, name, value) != NULL ||
		  (str_set(&entry.name, name, err) && str_set(&entry.value, value, err) &&
		   str_set(&entry.domain, challenge->domain, err) && str_set(&entry.token, challenge->token, err) &&
		   str_set(&entry.key_authorization, challenge->key_authorization, err) && keep(provider, &entry, err));
	(void)pthread_mutex_unlock(&provider->lock);
	announced_done(&entry);
	return ok;
}

static bool prepare(const struct dns_provider *provider, const struct call *call, struct str_list *arguments,
		    struct str_list *environment, struct error *err)
{
	const char *const *words = call->adds ? provider->convention->add : provider->convention->remove;
	for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++) {
		if (str_equal(words[i], KEY_AUTHORIZATION) && call->challenge == NULL)
			return error_set(err, ERROR_DNS, NULL,
					 "%s: the challenge of the value %s at %s is not known any more", TITLE,
					 call->value, call->name);
		if (!expand(call, words[i], arguments, err))
			return false;
	}
	return str_list_add(environment, call->adds ? "CERTFERRY_ACTION=add" : "CERTFERRY_ACTION=remove", err) &&
	       expand_variables(call, neutral, environment, err) &&
	       expand_variables(call, provider->convention->environment, environment, err);
}

/* With the lock. */
static bool run_locked(struct dns_provider *provider, const char *program, struct call *call, struct deadline deadline,
		       struct exec_result *ret, struct error *err)
{
	CLEANUP(str_list_done) struct str_list arguments = {0};
	CLEANUP(str_list_done) struct str_list environment = {0};
	const struct exec_request request = {.program = program, .arguments = &arguments, .environment = &environment};
	struct announced *known = find_announced(provider, call->name, call->value);

	call->challenge = known;
	(void)snprintf(call->remaining, sizeof(call->remaining), "%zu", known != NULL ? known->remaining : 0);
	if (!prepare(provider, call, &arguments, &environment, err) ||
	    !exec_run(&request, deadline_within(deadline, provider->timeout_ms), ret, err))
		return false;
	if (!call->adds && known != NULL && ret->ending == EXEC_EXITED && ret->code == 0) {
		announced_done(known);
		*known = provider->announced[--provider->announced_count];
	}
	return true;
}

static bool run_call(struct dns_provider *provider, const char *program, struct call *call, struct deadline deadline,
		     char **ret_output, struct error *err)
{
	const char *step = call->adds ? "add-record" : "remove-record";
	CLEANUP(exec_result_done) struct exec_result result = {0};

	if (!provider_lock(&provider->lock, step, deadline, err))
		return false;
	bool ran = run_locked(provider, program, call, deadline, &result, err);
	(void)pthread_mutex_unlock(&provider->lock);
	if (!ran) {
		error_context(err, step, /* certificate= */ NULL, /* server= */ NULL);
		return false;
	}
	if (result.ending == EXEC_EXITED && result.code == 0)
		return ret_output == NULL || take_output(&result.out.kept, ret_output, err);
	error_hint(err,
		   call->adds ? "it was to add the TXT record %s with the value %s"
			      : "remove the TXT record %s with the value %s by hand",
		   call->name, call->value);
	return exec_failed(program, &result, ERROR_DNS, step, err);
}

/* The program knows its zones. */
static bool exec_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			   char **ret_zone, struct error *err)
{
	AUTO_FREE char *id = NULL;
	(void)provider;
	(void)deadline;
	if (!provider_name_is_valid(name))
		return error_set(err, ERROR_DNS, "find-zone", "%s: not a name that a program is given", TITLE);
	if (!str_set(&id, name, err) || !str_set(ret_zone, name, err))
		return false;
	*ret_id = STEAL(id);
	return true;
}

static bool exec_takes_any_name(const struct dns_provider *provider)
{
	(void)provider;
	return true;
}

static bool exec_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			 struct deadline deadline, char **ret_record, struct error *err)
{
	struct call call = {.adds = true, .name = name, .value = value};
	(void)zone_id;
	return run_call(provider, provider->add, &call, deadline, ret_record, err);
}

static bool exec_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			    const char *record, struct deadline deadline, struct error *err)
{
	struct call call = {.name = name, .value = value, .output = record};
	(void)zone_id;
	if (provider->remove != NULL)
		return run_call(provider, provider->remove, &call, deadline, /* ret_output= */ NULL, err);
	log_debug("%s: no program removes the TXT record %s", TITLE, name);
	return true;
}

const struct dns_provider_module exec_module = {
	.name = "exec",
	.title = TITLE,
	.url = "docs/dns-exec.md",
	.keys = keys,
	.at_once = 1, /* programs are not made for more */
	.check = exec_settings_check,
	.open = exec_open,
	.close = exec_close,
	.find_zone = exec_find_zone,
	.takes_any_name = exec_takes_any_name,
	.add_txt = exec_add_txt,
	.remove_txt = exec_remove_txt,
	.announce = exec_announce,
	.propagation = exec_propagation,
};
