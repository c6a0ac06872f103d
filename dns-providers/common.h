/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all DNS providers have in common: finding a setting (config, then environment), a call with retries, error texts
 * that begin with the vendor's name, and pages of a listing. Beside it: zones.h (the zone of a name), records.h and
 * recordset.h (adding and removing without disturbing others), failure.h (what a refusal says), turns.h (how fast a
 * vendor is asked).
 */
#ifndef DNS_PROVIDERS_COMMON_H
#define DNS_PROVIDERS_COMMON_H

#include "base/http_message.h"
#include "dns-providers/failure.h"
#include "dns-providers/provider.h"

#include <stdint.h>

struct http_client;
struct provider_turns;

/* One setting's value and where it came from: "api_token in the config", "$CF_Token". Empty: it is nowhere. */
struct provider_setting {
	struct secret value;
	char source[96];
};

void provider_setting_done(struct provider_setting *setting);

/*
 * MODULE's setting KEY: from SETTINGS, else (with ENVIRONMENT) from the key's variables, each also as VARIABLE_FILE, a
 * file's path. Quotes, blanks and line ends around it are dropped. ERROR_CONFIG, naming the source and never the value,
 * when something else than visible ASCII is left, but for the module's texts. A setting that is nowhere is no failure.
 */
MUST_CHECK bool provider_setting_find(const struct dns_provider_module *module, const struct dns_setting *settings,
				      size_t count, const char *key, bool environment, struct provider_setting *ret,
				      struct error *err);

/* An API's address in a setting: https, or http to a loopback literal; no user, query or fragment. ERROR_CONFIG. */
MUST_CHECK bool provider_check_url(const struct provider_setting *setting, struct error *err);

/* SETTINGS have KEY themselves, whatever the environment has. */
bool provider_setting_given(const struct dns_setting *settings, size_t count, const char *key);

/* The header line NAME (with its ": ") and VALUE, into RET. */
MUST_CHECK bool provider_header(const char *name, const struct secret *value, struct secret *ret, struct error *err);

/* URL without its final "/"s, or BY_DEFAULT when the setting is nowhere. malloc'd in *RET. */
MUST_CHECK bool provider_base_url(const struct provider_setting *url, const char *by_default, char **ret,
				  struct error *err);

/* What to do about a code that the vendor refuses with. Tables of these end with a NULL code. */
struct provider_hint {
	const char *code;
	const char *hint; /* NULL: none, but see `passes` */
	bool passes;      /* it passes by itself, as 429 does, and nothing was done */
};

struct provider_call;

enum { PROVIDER_HEADERS_MAX = 6 };

/* The credentials of one request. Wiped and reused by provider_send(). */
struct provider_headers {
	struct secret lines[PROVIDER_HEADERS_MAX]; /* whole "Name: value" lines */
	size_t count;
	uint64_t mark; /* authorize's own, for renew: which of its credentials these are */
};

/* One vendor's API for one instance. Everything is borrowed. */
struct provider_api {
	const char *title;             /* the prefix of its error texts */
	const char *request_id_header; /* of its answers, for the error text; NULL: none */
	const char *reset_header;      /* of a 429 without Retry-After: when it ends, seconds since 1970; NULL: none */
	const char *accept;            /* NULL: application/json */
	struct http_client *client;
	struct provider_turns *turns; /* NULL: none is kept */
	const struct secret *headers; /* whole "Name: value" lines with the credentials */
	size_t header_count;
	const struct provider_hint *hints; /* NULL: none */

	/*
	 * Instead of `headers`, for what is different for each request: a signature, a token that expires. Called
	 * before each try; whatever it tried itself is not tried again when it fails. NULL: none.
	 */
	bool (*authorize)(void *ctx, const struct provider_call *call, struct deadline deadline,
			  struct provider_headers *ret, struct error *err);

	/* The credentials marked MARK were refused (401): authorize is to find new ones. Once per call. NULL: none. */
	void (*renew)(void *ctx, uint64_t mark);
	void *ctx; /* for authorize and renew */

	/* What an answer that is no success says. NULL: its body is JSON as provider_failure_read() takes it. */
	bool (*read_failure)(const struct http_response *answer, struct provider_failure *ret);
};

struct provider_call {
	const char *step; /* static string for errors: "find-zone" */
	const char *what; /* borrowed, for errors: "cannot add the TXT record at NAME" */
	enum http_method method;
	const char *url;
	const struct buf *body;   /* the request's; NULL: none */
	const char *content_type; /* of the body; NULL: application/json */
	const char *header;       /* one more whole "Name: value" line, no secret; NULL: none */
	const char *also_fine;    /* a refusal with this code is what was wanted ("gone already"); NULL: none */
	bool creates;             /* not to be sent again when its answer is lost: ask first what came of it */
	bool metadata; /* to an address that answers this machine alone: http is allowed, tried twice, short time-outs
			*/
	bool slow;     /* metadata: it asks somebody else before it answers, so it is given some seconds */
};

/*
 * Send CALL. Throttling (429) and, unless it creates something, network failures and 408, 500, 502, 503, 504 are tried
 * again a few times, with exponential back-off or as long as Retry-After asks, within DEADLINE. True with any answer,
 * a refusal too. False when there is none; *RET_LOST then tells whether the vendor may have done it all the same.
 */
MUST_CHECK bool provider_send(const struct provider_api *api, const struct provider_call *call,
			      struct deadline deadline, struct http_response *ret, bool *ret_lost, struct error *err);

/* What came of a call. */
enum provider_result {
	PROVIDER_OK,      /* 2xx, or `also_fine` */
	PROVIDER_REFUSED, /* the vendor said no */
	PROVIDER_LOST,    /* no answer, and it may have been done */
	PROVIDER_FAILED,  /* no answer, and nothing was done */
};

/*
 * provider_send(), and whatever is no success becomes an error with the vendor's words and the hint for its code.
 * RET_FAILURE, unless NULL, tells what a refusal said. RET (zeroed) has the answer when it is PROVIDER_OK.
 */
enum provider_result provider_call_api(const struct provider_api *api, const struct provider_call *call,
				       struct deadline deadline, struct http_response *ret,
				       struct provider_failure *ret_failure, struct error *err);

/* As provider_call_api(), and true when it is PROVIDER_OK. */
MUST_CHECK bool provider_ask(const struct provider_api *api, const struct provider_call *call, struct deadline deadline,
			     struct http_response *ret, struct error *err);

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

/* Wait a random time of at most LONGEST_MS. False as deadline_sleep(). */
MUST_CHECK bool provider_jitter(int64_t longest_ms, const char *step, struct deadline deadline, struct error *err);

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
