/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers really serve, now: TLS handshakes with those whose verification is on. Nothing is written down.
 */
#ifndef SERVICE_SERVED_H
#define SERVICE_SERVED_H

#include "service/service.h"
#include "store/renewal.h"

enum served_state {
	SERVED_UNASKED, /* nobody wants to know, or its verification is off */
	SERVED_WANTED,  /* to be asked */
	SERVED_LIVE,    /* the live certificate */
	SERVED_OTHER,
	SERVED_UNSEEN, /* no handshake came about */
};

/* One certificate on one server. */
struct served {
	enum served_state state;
	char fingerprint_sha256[65]; /* of the leaf that was seen; empty: none */
	int64_t not_after;           /* of that leaf, wall clock seconds; 0: none */
	struct error *error;         /* owned; why it could not be seen; else NULL */
};

/* A certificate, and what is asked of its servers: ANSWERS has record->server_count entries. */
struct served_question {
	const struct renewal *record;
	struct served *answers;
};

/* COUNT answers in STATE, malloc'd; NULL and ERR. And their end; accepts NULL. */
MUST_CHECK struct served *served_new(size_t count, enum served_state state, struct error *err);
void served_free(struct served *answers, size_t count);

/*
 * Answer every entry that is SERVED_WANTED: many at once, LIMIT_LOOK_MS each, one handshake for each distinct address,
 * port and name; where the verification goes through jump hosts, this does too, by one login for all the servers
 * behind the same ones. A server that cannot be seen is an answer. False when nothing could be asked.
 */
MUST_CHECK bool served_look(struct service *service, const struct served_question *questions, size_t count,
			    struct error *err);

/* "serves another certificate (SHA-256 …, until 2026-11-24)": what a server of SERVED_OTHER does. Returns OUT. */
enum { SERVED_TEXT = 160 };
const char *served_text(const struct served *served, char out[SERVED_TEXT]);

#endif
