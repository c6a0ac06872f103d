/* SPDX-License-Identifier: Apache-2.0 */
/* vhost: a modern virtual host for a certificate on a server, printed or installed. */
#include "base/log.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output_json.h"
#include "service/vhost.h"

#include <stdio.h>

static bool read_request(const struct arguments *arguments, struct vhost_request *ret, struct error *err)
{
	enum { SERVER, NAME, WORDS };
	if (arguments->names.len != WORDS) {
		error_hint(err, "certferry vhost web-1 example.com --install");
		return error_set(err, ERROR_USAGE, "usage",
				 "vhost takes the name of a server and that of a certificate");
	}
	*ret = (struct vhost_request){
		.server = arguments->names.items[SERVER],
		.name = arguments->names.items[NAME],
		.upstreams = &arguments->values[OPTION_UPSTREAM],
		.upstream_ca = option_value(arguments, OPTION_UPSTREAM_CA, /* fallback= */ NULL),
		.install = option_given(arguments, OPTION_INSTALL),
		.force = option_given(arguments, OPTION_FORCE),
	};
	if (!ret->force || ret->install)
		return true;
	return error_set(err, ERROR_USAGE, "usage", "--force goes with --install: it replaces what is there");
}

static const char *result_word(const struct vhost_result *result)
{
	if (!result->installed)
		return "printed";
	return result->result == PUSH_DEPLOYED ? "installed" : push_result_name(result->result);
}

static bool print_json(const struct vhost_request *request, const struct vhost_result *result, struct error *err)
{
	json_t *object = json_object(), *notes = json_array();
	for (size_t i = 0; i < result->notes.len; i++)
		(void)json_array_append_new(notes, json_string(result->notes.items[i]));
	output_set_str(object, "server", request->server);
	output_set_str(object, "name", request->name);
	output_set_str(object, "webserver", result->webserver);
	output_set_str(object, "result", result_word(result));
	output_set_str(object, "path", result->path);
	output_set_str(object, "link", result->link);
	output_set_str(object, "text", result->installed ? NULL : result->text);
	(void)json_object_set_new(object, "notes", notes);
	(void)json_object_set_new(object, "error", output_error_object(result->error));
	return output_json(object, err);
}

static void print_text(const struct vhost_request *request, const struct vhost_result *result)
{
	if (!result->installed)
		fputs(result->text, stdout);
	else if (result->error == NULL)
		printf("%s on %s: %s, %s%s%s\n", request->name, request->server, result_word(result), result->path,
		       result->link != NULL ? ", linked from " : "", result->link != NULL ? result->link : "");
}

static int run(const struct arguments *arguments)
{
	const struct context_request opening = {.config = CONTEXT_NEEDS_CONFIG,
						.create_store = option_given(arguments, OPTION_INSTALL),
						.show_progress = option_given(arguments, OPTION_INSTALL)};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(vhost_result_done) struct vhost_result result = {0};
	struct vhost_request request = {0};
	struct error err = {0};

	if (!read_request(arguments, &request, &err) || !context_open(&context, arguments, &opening, &err) ||
	    !vhost_make(context.service, &request, &result, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	for (size_t i = 0; i < result.notes.len; i++)
		log_warning("%s", result.notes.items[i]);
	if (context.form == OUTPUT_JSON && !print_json(&request, &result, &err))
		return context_fail(arguments, &err);
	if (context.form == OUTPUT_TEXT || (context.form == OUTPUT_QUIET && !result.installed))
		print_text(&request, &result);
	if (result.error == NULL)
		return 0;
	(void)fflush(stdout);
	log_failure(LOG_LEVEL_ERROR, result.error);
	return error_exit_code(result.error);
}

const struct command command_vhost = {
	.name = "vhost",
	.synopsis = "SERVER NAME [--upstream URL]... [--install]",
	.summary = "a modern TLS virtual host for a certificate, printed or installed",
	.details = "For nginx, Apache and HAProxy, as servers.SERVER.webserver says: TLS 1.2 and 1.3, HSTS, and a\n"
		   "redirect from http that lets the CA's questions through. Without --upstream it serves the\n"
		   "certificate's webroot. Printed, it is what every version takes; --install asks the server what it\n"
		   "has, finds the folder of sites, and refuses where another site has one of the names.",
	.options =
		(const struct option_spec[]){
			{OPTION_UPSTREAM, "upstream", 0, "URL",
			 "pass requests on: http://HOST:PORT, https, or unix:/PATH of a socket; repeatable: spread "
			 "over them"},
			{OPTION_UPSTREAM_CA, "upstream-ca", 0, "FILE|none",
			 "https upstreams are verified by this file on the server; none: not verified"},
			{OPTION_INSTALL, "install", 0, NULL,
			 "write it on the server, test, reload; undone when that fails"},
			{OPTION_FORCE, "force", 0, NULL, "with --install: replace a file of other content"},
			{0},
		},
	.run = run,
};
