/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renewal/<name>.json: how a certificate was issued, so that `renew` can do it again without the config, and what is
 * known of its state: when it is due, what failed last, and what each server was given and serves.
 */
#ifndef STORE_RENEWAL_H
#define STORE_RENEWAL_H

#include "base/error.h"
#include "base/identifier.h"
#include "base/terms.h"
#include "store/store.h"

/* Of renewal_server.placed, with its NUL. */
enum { RENEWAL_PLACED_SIZE = 17 };

/* One deployment's state, which outlives runs: what one server is to have, was given, and was seen to serve. */
struct renewal_server {
	char *name;
	uint64_t wanted; /* generation that the last try was to bring it; 0: none, or an older version's record */
	uint64_t pushed; /* generation it was given; 0: none yet */
	char placed[RENEWAL_PLACED_SIZE]; /* where that was put, and how (service/placement.h); empty: unknown */
	bool moved;                       /* not written: the config has another place for it by now */
	char served_sha256[65];           /* leaf seen in the last handshake that saw one; empty: none did */
	int64_t seen_at;                  /* when that was, wall clock seconds; 0: unknown */
	char result[16];     /* of the last try: "deployed", "unchanged", "rolled_back", "failed"; empty: none */
	int64_t last_try;    /* wall clock seconds, 0: never */
	unsigned failures;   /* in a row (pending.h says which count) */
	int64_t retry_at;    /* no try of the same generation before, unless asked for by hand; 0: at once */
	struct error *error; /* owned; of the last try; NULL when it worked */
};

/* A deploy hook that failed for the live generation and is tried again. */
struct renewal_hook {
	char *name; /* "deploy_hook": the certificate's own; else "deploy/FILE"; "deploy/": all of that folder */
	unsigned failures;
	int64_t last_try;
	int64_t retry_at;    /* our own back-off; 0: at the next run */
	struct error *error; /* owned; NULL: none is known */
};

/* What the issuing CA says about renewing the live certificate (RFC 9773). Zeroed: it was not asked yet. */
struct renewal_ari {
	char *id;           /* the certificate's, §4.1; "-": it has none; NULL: not looked at yet */
	int64_t start, end; /* the window it suggests; 0: none so far */
	char *explanation;  /* why, as the CA puts it; NULL: it does not say */
	int64_t next;       /* ask again from then on; 0: at once */
	unsigned failures;  /* to get an answer, in a row */
};

/* A CA that failed lately, while it was tried for this certificate. */
struct renewal_ca {
	char *url;         /* directory */
	unsigned failures; /* in a row, of the CA rather than of our names */
	int64_t since;     /* the first of them */
	int64_t retry_at;  /* it asked not to come back before; 0: it did not */
};

/* Tries that came to no end, and what is counted against the daily caps. Zeroed: none. */
struct renewal_tries {
	char *what;          /* what `failures` and the tries below are counted for; see backoff_know() */
	unsigned unfinished; /* begun, in a row, and neither done nor failed: the process died */
	int64_t begun_at;    /* the last of them */
	unsigned orders;     /* tries that may have placed one, since orders_since */
	int64_t orders_since;
	unsigned refusals; /* failed validations, since refusals_since */
	int64_t refusals_since;
	struct renewal_ca *cas;
	size_t ca_count;
};

struct renewal {
	char *name;
	struct identifier *identifiers;
	size_t identifier_count;
	enum key_type key_type;
	bool reuse_key;
	char *csr;       /* base64url of a request (DER) whose key is not ours; NULL: we make key and request */
	char *ca_url;    /* directory */
	char *ca_name;   /* as the user called it */
	char *ca_bundle; /* NULL: none */
	char *account;   /* URL of the account it was ordered with */
	char *email;
	char *profile;         /* asked for by the user; NULL: none */
	char *profile_issued;  /* the live certificate's, as far as the CA told or we asked; NULL: unknown */
	char *preferred_chain; /* NULL: the CA's default chain */
	bool pre_authorize;    /* names before the order (RFC 8555 §7.4.1) */
	int64_t lifetime;      /* seconds that certificates are ordered for; 0: the CA decides */
	enum challenge_type challenge;
	char *webroot;
	char *listen;          /* http-01 and tls-alpn-01 by a responder of our own: ":80"; NULL: none */
	char *dns_provider;    /* type of the provider */
	char *dns_credentials; /* file with its settings, for certificates without a config; NULL: the config has them
				*/
	char *pre_hook, *post_hook, *deploy_hook; /* shell lines, for certificates without a config; NULL: none */
	bool from_config;                         /* the config describes it; else `issue` did */
	uint64_t generation;                      /* live when this was written */
	int64_t not_before, not_after;
	char *serial, *issuer, *fingerprint_sha256;
	int64_t renew_at; /* drawn once, kept while what it was drawn from is the same; 0: not issued yet */
	struct renewal_ari ari;
	unsigned failures; /* in a row */
	int64_t last_failure;
	int64_t retry_at;         /* our own back-off: no try before; 0: none */
	struct error *last_error; /* owned; NULL: none */
	struct renewal_tries tries;
	uint64_t rolled_back_from;   /* `generation` is live on purpose, the ones up to this are not; 0: no rollback */
	uint64_t revoked_generation; /* the generation that was revoked, 0: none; it counts while that one is live, or
					is to be again */
	int64_t revoked_at;
	char *revoked_reason; /* "keyCompromise", … */
	char *revoked_before; /* generations that were revoked before that one: "1,4"; NULL: none */
	struct renewal_server *servers;
	size_t server_count;
	bool deploy_hooks_due;      /* all of them, for the live generation */
	struct renewal_hook *hooks; /* else those that failed */
	size_t hook_count;
};

void renewal_done(struct renewal *renewal);
void renewal_ari_done(struct renewal_ari *ari);

/* Where RECORD's tries are counted is TO's from then on: failures, what they were, and all of `tries`. A copy. */
MUST_CHECK bool renewal_copy_tries(struct renewal *to, const struct renewal *from, struct error *err);

/* Nothing was tried in vain. What counts against the daily caps stays. */
void renewal_forget_failures(struct renewal *record);

/* No deploy hook waits to be run (again). */
void renewal_forget_hooks(struct renewal *record);

/* The deploy hook called NAME waits; added empty when there is none. NULL with ERR when out of memory. Borrowed. */
MUST_CHECK struct renewal_hook *renewal_hook(struct renewal *record, const char *name, struct error *err);

/* The same, or NULL. */
const struct renewal_hook *renewal_find_hook(const struct renewal *record, const char *name);

/* The entry of the CA at URL, added empty when there is none; NULL with ERR when out of memory. Borrowed. */
MUST_CHECK struct renewal_ca *renewal_ca(struct renewal *record, const char *url, struct error *err);

/* The same, or NULL. */
const struct renewal_ca *renewal_find_ca(const struct renewal *record, const char *url);

/* JSON text to struct (pure; fuzzed). ERROR_STORE naming NAME's record when damaged or of an unknown version. */
MUST_CHECK bool renewal_parse(const char *text, size_t len, const char *name, struct renewal *ret, struct error *err);
MUST_CHECK bool renewal_serialize(const struct renewal *renewal, struct buf *out, struct error *err);

/* Through the store. *RET_FOUND false (and success) when there is no record. */
MUST_CHECK bool renewal_load(struct store *store, const char *name, struct renewal *ret, bool *ret_found,
			     struct error *err);
MUST_CHECK bool renewal_save(struct store *store, const struct renewal *renewal, struct error *err);

/* What NAME's record says of a rollback, for store_recover(). Zeroed where it says nothing. */
MUST_CHECK bool renewal_load_rollback(struct store *store, const char *name, struct store_rollback *ret,
				      struct error *err);

/* The server's entry, added empty when there is none; NULL with ERR when out of memory. Borrowed. */
MUST_CHECK struct renewal_server *renewal_server(struct renewal *renewal, const char *name, struct error *err);

#endif
