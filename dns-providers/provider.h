/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of a DNS provider: find the zone, add one TXT value, remove one TXT value. Providers know zones and
 * records, not challenges. Adding never disturbs other values at the name; removing removes exactly ours and is silent
 * when it is gone; both are safe to repeat. A new provider is one file and one line in registry.c.
 */
#ifndef DNS_PROVIDERS_PROVIDER_H
#define DNS_PROVIDERS_PROVIDER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <stddef.h>

struct http_client;
struct dns_provider;

/* One credential or option a provider takes. */
struct dns_provider_key {
	const char *name;        /* in the config and in a credentials file: "api_token" */
	const char *environment; /* variables tried in turn when the config has none, comma-separated; NULL: none */
	bool required;
	bool is_secret;
	const char *help; /* one line for docs and messages */
};

struct dns_setting {
	const char *key;
	const struct secret *value;
};

/* How it is known that a published value can be seen. */
struct dns_propagation {
	bool unchecked;   /* no server is asked */
	int64_t delay_ms; /* and then this time is let pass, 0: none */
};

/* The challenge that a value answers. Borrowed. */
struct dns_challenge {
	const char *domain; /* as the certificate names it, without "*." */
	const char *token;
	const char *key_authorization; /* the value is its digest */
	size_t remaining;              /* how many values of this certificate follow */
};

/* What the module for one vendor is: a const table entry. */
struct dns_provider_module {
	const char *name;                    /* "cloudflare" */
	const char *title;                   /* "Cloudflare", the prefix of its error texts */
	const char *url;                     /* the vendor's documentation */
	const struct dns_provider_key *keys; /* ends with a NULL name */

	/*
	 * How many requests may be in flight at once, in all of a run, and so how many values are added or removed side
	 * by side; well within what the vendor allows. 1: one value after the other, in their order.
	 */
	unsigned at_once;

	/* Keys whose values are documents or paths, with anything but NUL inside. Ends with NULL. NULL: none. */
	const char *const *texts;

	/*
	 * What the keys' table cannot say (one of two credentials is needed, a value has the wrong form): ERROR_CONFIG,
	 * and *RET_INDEX set to the offending setting where it is one. Asks nobody. NULL: nothing more to check.
	 */
	bool (*check)(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err);

	/* Make an instance from checked settings. CLIENT is borrowed. NULL with ERR on failure. */
	struct dns_provider *(*open)(const struct dns_setting *settings, size_t count, struct http_client *client,
				     struct error *err);
	void (*close)(struct dns_provider *provider);

	/*
	 * The vendor's zone that holds NAME, by longest match: *RET is its id for the vendor (opaque, malloc'd),
	 * *RET_ZONE its apex (malloc'd). Thread-safe; the instance caches what it found. ERROR_DNS naming what was
	 * tried; the error is `absent` where the vendor can be asked and has no such zone.
	 */
	bool (*find_zone)(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			  char **ret_zone, struct error *err);

	/*
	 * Whether find_zone of this instance takes any name without asking: the zone is given by its id, or a program
	 * knows its zones. NULL: never.
	 */
	bool (*takes_any_name)(const struct dns_provider *provider);

	/*
	 * A TXT record VALUE at NAME exists afterwards; *RET_RECORD is the vendor's handle for it (malloc'd; may be
	 * NULL). VALUE is visible ASCII and spaces, without quotes and backslashes; beyond 255 bytes it is cut into
	 * several strings of the one record.
	 */
	bool (*add_txt)(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			struct deadline deadline, char **ret_record, struct error *err);

	/* No TXT record VALUE at NAME exists afterwards. RECORD is add_txt's handle, or NULL when it was lost. */
	bool (*remove_txt)(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			   const char *record, struct deadline deadline, struct error *err);

	/*
	 * Told before add_txt which challenge VALUE at NAME answers, for modules that pass it on to programs. NULL: not
	 * wanted. A module must do without where it is not told.
	 */
	bool (*announce)(struct dns_provider *provider, const char *name, const char *value,
			 const struct dns_challenge *challenge, struct error *err);

	/* What the settings say of the wait for publication. NULL: nothing, every server is asked. */
	void (*propagation)(const struct dns_provider *provider, struct dns_propagation *ret);
};

#endif
