/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all DNS providers have in common: finding a setting (config, then environment), a JSON call with retries, error
 * texts that begin with the vendor's name, and pages of a listing.
 */
#ifndef DNS_PROVIDERS_COMMON_H
#define DNS_PROVIDERS_COMMON_H

#include "base/http_message.h"
#include "dns-providers/provider.h"

#include <stdint.h>

struct http_client;

/* One setting's value and where it came from: "api_token in the config", "$CF_Token". Empty: it is nowhere. */
struct provider_setting {
	struct secret value;
	char source[96];
};

void provider_setting_done(struct provider_setting *setting);

/*
 * MODULE's setting KEY: from SETTINGS, else (with ENVIRONMENT) from the key's variables, each also as VARIABLE_FILE, a
 * file's path. Quotes, blanks and line ends around it are dropped. ERROR_CONFIG, naming the source and never the value,
 * when something else than visible ASCII is left. A setting that is nowhere is no failure.
 */
MUST_CHECK bool provider_setting_find(const struct dns_provider_module *module, const struct dns_setting *settings,
				      size_t count, const char *key, bool environment, struct provider_setting *ret,
				      struct error *err);

/* An API's address in a setting: https, or http to a loopback literal; no user, query or fragment. ERROR_CONFIG. */
MUST_CHECK bool provider_check_url(const struct provider_setting *setting, struct error *err);

/* One vendor's API for one instance. Everything is borrowed. */
struct provider_api {
	const char *title;             /* the prefix of its error texts */
	const char *request_id_header; /* of its answers, for the error text; NULL: none */
	struct http_client *client;
	const struct secret *headers; /* whole "Name: value" lines with the credentials */
	size_t header_count;
};

struct provider_call {
	const char *step; /* static string for errors: "find-zone" */
	const char *what; /* borrowed, for errors: "cannot add the TXT record at NAME" */
	enum http_method method;
	const char *url;
	const struct buf *json; /* the request's body; NULL: none */
	bool creates;           /* not to be sent again when its answer is lost: ask first what came of it */
};

/*
 * Send CALL. Throttling (429) and, unless it creates something, network failures and 408, 500, 502, 503, 504 are tried
 * again a few times, with exponential back-off or as long as Retry-After asks, within DEADLINE. True with any answer,
 * a refusal too. False when there is none; *RET_LOST then tells whether the vendor may have done it all the same.
 */
MUST_CHECK bool provider_send(const struct provider_api *api, const struct provider_call *call,
			      struct deadline deadline, struct http_response *ret, bool *ret_lost, struct error *err);

/*
 * The vendor refused CALL by ANSWER; SAID is what its error envelope says, or NULL where the body is none. Sets
 * ERROR_DNS with status, request id, whether and when trying again makes sense. Returns false.
 */
bool provider_refused(const struct provider_api *api, const struct provider_call *call,
		      const struct http_response *answer, const char *said, struct error *err);

/* CAUSE, a failure below the vendor's API, becomes ERR with the vendor's name and what was tried. Returns false. */
bool provider_failed(const struct provider_api *api, const struct provider_call *call, const struct error *cause,
		     struct error *err);

/* Wait before try number ATTEMPT (from 1): a random time up to 0.5 s, then 1 s, 2 s … False as deadline_sleep(). */
MUST_CHECK bool provider_pause(unsigned attempt, const char *step, struct deadline deadline, struct error *err);

/* A vendor's identifier that may stand in a URL: letters, digits, "-" and "_", at most 64. */
bool provider_id_is_valid(const char *id);

/* A record's or zone's name that may stand in a URL as it is: letters, digits, "-", "_" and ".". */
bool provider_name_is_valid(const char *name);

/* Walks a listing: `for (pages = {0}; provider_pages_next(&pages, …, err);)`, each turn reading page `page`. */
struct provider_pages {
	unsigned page; /* the current one, counted from 1 */
	bool more;     /* set by the reader of a page: another one follows */
};

/* *RET_MORE: there is a page to read now. False, as ERROR_DNS, beyond LIMIT_PROVIDER_PAGES. */
MUST_CHECK bool provider_pages_next(struct provider_pages *pages, const char *title, bool *ret_more, struct error *err);

#endif
