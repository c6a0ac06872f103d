/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command that works on certificates opens first: log, cancellation, config, store, progress.
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "config/config.h"
#include "service/service.h"

struct context {
	bool json;
	enum output_form form; /* of results */
	struct cancel cancel;
	struct config *config; /* NULL: none */
	char *state_dir;
	char *ca_bundle;
	char *ca_url;
	struct secret eab_hmac_key;
	struct str_list resolvers;
	struct live_progress *live;
	struct progress progress;
	struct service *service;
};

enum context_config {
	CONTEXT_NEEDS_CONFIG,
	CONTEXT_MAY_HAVE_CONFIG, /* read when it is named, or when the default one is there */
};

struct context_request {
	enum context_config config;
	bool create_store;
	bool store_optional; /* where it cannot be made, go on without */
	bool terms_agreed;
	bool show_progress;
};

/* Open it all. Warnings about the config are logged here. */
MUST_CHECK bool context_open(struct context *context, const struct arguments *arguments,
			     const struct context_request *request, struct error *err);
void context_close(struct context *context);

/* Only the config, its findings logged: for `config check`. */
MUST_CHECK struct config *context_read_config(const struct arguments *arguments, struct error *err);

/* Print ERR on stderr (or as a JSON document on stdout with --json) and return its exit code. */
int context_fail(const struct arguments *arguments, const struct error *err);

#endif
