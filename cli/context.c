/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what commands need, from options, environment and config, in that order of precedence. */
#include "cli/context.h"

#include "acme/eab.h"
#include "base/limits.h"
#include "cli/output.h"
#include "config/ca_presets.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char DEFAULT_CONFIG[] = "/etc/certferry/certferry.yaml";
static const char DEFAULT_STATE_DIR[] = "/var/lib/certferry";

/* Whoever tells all processes of a group (timeout(1), service managers) may well tell us twice in a row. */
enum { AGAIN_MS = 500, EXIT_INTERRUPTED = 130 };

/* Signal handlers reach the run through these alone. */
static struct cancel *cancel_on_signal;
static _Atomic int64_t first_signal_ms;

/* He does not want to wait for it. What then is left behind is what a power cut would leave. */
static void end_at_once(void)
{
	static const char words[] = "\ncertferry: ended at once; the next run puts right what was begun\n";
	ssize_t written = write(STDERR_FILENO, words, sizeof(words) - 1);
	(void)written;
	_exit(EXIT_INTERRUPTED);
}

static void on_signal(int number)
{
	(void)number;
	int saved = errno;
	int64_t now = clock_monotonic_ms();
	if (!cancel_requested(cancel_on_signal))
		first_signal_ms = now;
	else if (now - first_signal_ms >= AGAIN_MS)
		end_at_once();
	cancel_request(cancel_on_signal);
	errno = saved;
}

static void watch_signals(struct cancel *cancel)
{
	struct sigaction action = {.sa_handler = on_signal};
	cancel_on_signal = cancel;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, /* old= */ NULL);
	(void)sigaction(SIGTERM, &action, /* old= */ NULL);
	(void)sigaction(SIGHUP, &action, /* old= */ NULL);
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return str_is_empty(value) ? NULL : value;
}

/* --- Config --- */

static size_t count_errors(const struct config_report *report)
{
	size_t count = 0;
	for (size_t i = 0; i < report->count; i++)
		count += report->issues[i].is_error;
	return count;
}

/* All of them, or without ERRORS only what is no error. */
static void log_issues(const struct config_report *report, const char *path, bool errors)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct config_issue *issue = &report->issues[i];
		if (issue->is_error && !errors)
			continue;
		enum log_level level = issue->is_error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
		const char *where = issue->path != NULL ? issue->path : "";
		log_write(level, "%s:%d:%d: %s%s%s", path, issue->position.line, issue->position.column, where,
			  where[0] != '\0' ? ": " : "", issue->message);
	}
}

static const char *config_path(const struct arguments *arguments)
{
	return option_value(arguments, OPTION_CONFIG, environment("CERTFERRY_CONFIG"));
}

struct config *context_read_config(const struct arguments *arguments, struct error *err)
{
	CLEANUP(config_report_done) struct config_report report = {0};
	const char *path = config_path(arguments);
	if (path == NULL)
		path = DEFAULT_CONFIG;

	CLEANUP(config_freep) struct config *config = config_load(path, &report, err);
	/* A failure tells a single error itself; of several, it says how many are listed before it. */
	size_t errors = count_errors(&report);
	log_issues(&report, path, errors > 1);
	if (errors > 1)
		error_reword(err, "%s: %zu errors, told above", path, errors);
	if (config == NULL || !service_check_providers(config, err))
		return NULL;
	return STEAL(config);
}

static bool open_config(struct context *context, const struct arguments *arguments, enum context_config need,
			struct error *err)
{
	if (need == CONTEXT_MAY_HAVE_CONFIG && config_path(arguments) == NULL && access(DEFAULT_CONFIG, F_OK) != 0)
		return true;
	context->config = context_read_config(arguments, err);
	if (context->config == NULL)
		return false;
	if (context->config->store_url != NULL)
		return error_set(err, ERROR_CONFIG, "config",
				 "%s: store: this version has no store but a folder (state_dir)",
				 context->config->path);
	return true;
}

/* --- Options --- */

/* The store remembers paths for later runs from elsewhere. */
static bool absolute_path(char **ret, const char *path, struct error *err)
{
	char resolved[PATH_MAX];
	if (path == NULL)
		return true;
	if (realpath(path, resolved) == NULL)
		return error_errno(err, ERROR_USAGE, "usage", errno, "%s", path);
	return str_set(ret, resolved, err);
}

static bool open_resolvers(struct context *context, const struct arguments *arguments, struct error *err)
{
	const char *from_environment = environment("CERTFERRY_RESOLVER");
	if (option_given(arguments, OPTION_RESOLVER))
		return str_list_copy(&context->resolvers, &arguments->values[OPTION_RESOLVER], err);
	while (from_environment != NULL) {
		const char *comma = strchr(from_environment, ',');
		size_t len = comma != NULL ? (size_t)(comma - from_environment) : strlen(from_environment);
		AUTO_FREE char *one = NULL;
		if (!str_set_n(&one, from_environment, len, err) ||
		    (len > 0 && !str_list_add(&context->resolvers, one, err)))
			return false;
		from_environment = comma != NULL ? comma + 1 : NULL;
	}
	return true;
}

static bool hint_known_cas(struct error *err)
{
	CLEANUP(buf_done) struct buf names;
	size_t count = 0;
	const struct ca_preset *presets = ca_presets(&count);
	buf_init(&names, ERROR_TEXT_MAX / 2);
	for (size_t i = 0; i < count; i++)
		if (presets[i].retired == NULL)
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", presets[i].name);
	error_hint(err, "known: %s (a server to deploy to is chosen by `deploy --to`)", buf_cstr(&names));
	return false;
}

static bool open_ca(struct context *context, const struct arguments *arguments, struct error *err)
{
	const char *server = option_value(arguments, OPTION_SERVER, /* fallback= */ NULL);
	const char *bundle = option_value(arguments, OPTION_CA_BUNDLE, environment("CERTFERRY_CA_BUNDLE"));

	if (!absolute_path(&context->ca_bundle, bundle, err))
		return false;
	if (server == NULL)
		return true;
	const struct ca_preset *preset = ca_preset_find(server);
	if (preset == NULL)
		preset = ca_preset_find_url(server);
	if (preset != NULL && preset->retired != NULL)
		return error_set(err, ERROR_USAGE, "usage", "--server: %s", preset->retired);
	if (str_starts(server, "https://") || str_starts(server, "http://"))
		return str_set(&context->ca_url, server, err);
	if (preset != NULL)
		return str_set(&context->ca_url, preset->url, err);
	error_set(err, ERROR_USAGE, "usage", "--server: \"%s\" is no known CA and no https:// URL", server);
	return hint_known_cas(err);
}

/* External account credentials for a new account. The key comes from a file that nobody else can read. */
static bool open_eab(struct context *context, const struct arguments *arguments, struct error *err)
{
	const char *file = option_value(arguments, OPTION_EAB_HMAC_KEY_FILE, /* fallback= */ NULL);
	const char *algorithm = option_value(arguments, OPTION_EAB_ALGORITHM, /* fallback= */ NULL);
	bool has_kid = option_given(arguments, OPTION_EAB_KID);

	if (has_kid != (file != NULL)) {
		error_set(err, ERROR_USAGE, "usage", "external account credentials are a key id and an HMAC key");
		error_hint(err, "--eab-kid ID --eab-hmac-key-file FILE; the key itself never stands on a command line");
		return false;
	}
	if (algorithm != NULL && (!has_kid || !eab_alg_is_known(algorithm))) {
		error_set(err, ERROR_USAGE, "usage",
			  "--eab-algorithm goes with --eab-kid, and is HS256, HS384 or HS512");
		return false;
	}
	if (file == NULL)
		return true;
	if (secret_read_file(&context->eab_hmac_key, file, LIMIT_KEY_FILE, /* private_only= */ true, err))
		return true;
	error_context(err, "usage", /* certificate= */ NULL, /* server= */ NULL);
	return false;
}

bool context_open(struct context *context, const struct arguments *arguments, const struct context_request *request,
		  struct error *err)
{
	uint64_t timeout = 0, lock_timeout = 0;
	enum { DAY = 24 * 3600 };

	*context = (struct context){.json = option_given(arguments, OPTION_JSON), .cancel = {.fd = -1}};
	if (context->json)
		context->form = OUTPUT_JSON;
	else if (option_given(arguments, OPTION_QUIET))
		context->form = OUTPUT_QUIET;
	if (!option_number(arguments, OPTION_TIMEOUT, DAY, 600, &timeout, err) ||
	    !option_number(arguments, OPTION_LOCK_TIMEOUT, DAY, 60, &lock_timeout, err) ||
	    !open_ca(context, arguments, err) || !open_eab(context, arguments, err) ||
	    !open_resolvers(context, arguments, err) || !open_config(context, arguments, request->config, err) ||
	    !cancel_init(&context->cancel, err))
		return false;
	watch_signals(&context->cancel);

	const char *fallback = DEFAULT_STATE_DIR;
	if (context->config != NULL && context->config->state_dir != NULL)
		fallback = context->config->state_dir;
	if (environment("CERTFERRY_STATE_DIR") != NULL)
		fallback = environment("CERTFERRY_STATE_DIR");
	if (!str_set(&context->state_dir, option_value(arguments, OPTION_STATE_DIR, fallback), err))
		return false;
	if (request->show_progress)
		context->live = live_progress_start(arguments, &context->cancel, &context->progress);

	const struct service_options options = {
		.config = context->config,
		.state_dir = context->state_dir,
		.create_store = request->create_store,
		.store_optional = request->store_optional,
		.ca_name = option_value(arguments, OPTION_SERVER, /* fallback= */ NULL),
		.ca_url = context->ca_url,
		.ca_bundle = context->ca_bundle,
		.resolvers = &context->resolvers,
		.certificate_timeout_ms = (int64_t)timeout * 1000,
		.lock_timeout_ms = (int64_t)lock_timeout * 1000,
		/* Whoever wrote a config that names a CA has chosen it and its terms; the log shows where they are. */
		.terms_agreed = request->terms_agreed || request->config == CONTEXT_NEEDS_CONFIG,
		.eab_kid = option_value(arguments, OPTION_EAB_KID, /* fallback= */ NULL),
		.eab_hmac_key = &context->eab_hmac_key,
		.eab_algorithm = option_value(arguments, OPTION_EAB_ALGORITHM, /* fallback= */ NULL),
		.eab_email_url = environment("CERTFERRY_ZEROSSL_EAB_URL"),
		.cancel = &context->cancel,
		.progress = context->live != NULL ? &context->progress : NULL,
	};
	context->service = service_open(&options, err);
	return context->service != NULL;
}

void context_close(struct context *context)
{
	live_progress_stop(context->live);
	service_close(context->service);
	config_free(context->config);
	secret_done(&context->eab_hmac_key);
	free(context->state_dir);
	free(context->ca_bundle);
	free(context->ca_url);
	str_list_done(&context->resolvers);
	/* The cancellation stays: a signal may still come until the process ends. */
}

int context_fail(const struct arguments *arguments, const struct error *err)
{
	log_failure(LOG_LEVEL_ERROR, err);
	if (option_given(arguments, OPTION_JSON))
		output_error_json(err);
	return error_exit_code(err);
}
