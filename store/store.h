/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where keys, certificates, accounts, orders in flight and locks live. The contract, written once above the backends
 * and checked by one test suite. Stage → verify → switch: a reader never sees a key that does not fit its certificate,
 * whatever crashed when.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"

#include <stdint.h>

struct store;

/*
 * Open the store in directory DIR; it and its folders are made (0700) when CREATE is set, and may be missing otherwise
 * (then everything reads as not found). Left-over temporary files of ours are swept. ERROR_STORE naming the path.
 */
MUST_CHECK struct store *store_open(const char *dir, bool create, struct error *err);
void store_close(struct store *store);
DEFINE_FREEP(store_closep, struct store, store_close)

const char *store_dir(const struct store *store);

/* --- Locks: the kernel's, released by death. A lock is held for a whole job; look again after you got it. --- */

struct store_lock;

/*
 * Lock KIND ("certificate", "account", "server", "listen", "hooks") NAME; waits until DEADLINE, then ERROR_BUSY naming
 * the holder's pid where known. Locks of threads of one process exclude each other too.
 */
MUST_CHECK struct store_lock *store_lock(struct store *store, const char *kind, const char *name,
					 struct deadline deadline, struct error *err);
void store_unlock(struct store_lock *lock);

/* The descriptor that holds it. A process that inherits it holds the lock too, for as long as it lives; -1: none can.
 */
int store_lock_descriptor(const struct store_lock *lock);
DEFINE_FREEP(store_unlockp, struct store_lock, store_unlock)

/* --- Generations: a key and its certificate, never changed once complete --- */

struct generation {
	uint64_t number; /* counts from 1 */
	char *path;      /* of its folder */
	char *cert;      /* PEM texts */
	char *chain;     /* may be empty */
	char *fullchain;
	struct secret privkey; /* empty where it is not ours: see REQUEST */
	char *request;         /* the certificate request (PEM) of somebody who kept the key; else NULL */
};

void generation_done(struct generation *generation);

/* The live generation of NAME. *RET_FOUND false (and success) when there is none. */
MUST_CHECK bool store_read_live(struct store *store, const char *name, struct generation *ret, bool *ret_found,
				struct error *err);

/* Only the number of the live generation and the path of the live folder, without reading any file of it. */
MUST_CHECK bool store_live_number(struct store *store, const char *name, uint64_t *ret_number, bool *ret_found,
				  struct error *err);

/* The numbers of NAME's complete generations, ascending: malloc'd, NULL when there are none. */
MUST_CHECK bool store_list_generations(struct store *store, const char *name, uint64_t **ret, size_t *ret_count,
				       struct error *err);

/* Generation NUMBER, checked: it reads whole and its key fits its certificate. *RET_FOUND false when there is none. */
MUST_CHECK bool store_read_generation(struct store *store, const char *name, uint64_t number, struct generation *ret,
				      bool *ret_found, struct error *err);

/* Make generation NUMBER live, by one rename, after that check. ERROR_STORE when there is none. */
MUST_CHECK bool store_make_live(struct store *store, const char *name, uint64_t number, struct error *err);

/* live/<name>, as configs and hooks know it. malloc'd. */
MUST_CHECK char *store_live_path(const struct store *store, const char *name, struct error *err);

/*
 * The private key of a certificate that is being ordered, kept (0600, fsync'd) before the order is placed so that a
 * crash after finalize loses nothing. Staging again replaces the earlier one.
 */
MUST_CHECK bool store_stage_key(struct store *store, const char *name, const struct secret *key_pem, struct error *err);
MUST_CHECK bool store_read_staged_key(struct store *store, const char *name, struct secret *ret, bool *ret_found,
				      struct error *err);

/*
 * The same for a certificate request (PEM) that somebody else made and whose key never comes here: the generation then
 * holds the request in the key's place, and its public key is what the certificate is checked against.
 */
MUST_CHECK bool store_stage_request(struct store *store, const char *name, const char *pem, struct error *err);
MUST_CHECK bool store_read_staged_request(struct store *store, const char *name, struct buf *ret, bool *ret_found,
					  struct error *err);
MUST_CHECK bool store_discard_staged(struct store *store, const char *name, struct error *err);

/*
 * Make the staged key (or request) and these PEM texts the next generation: written, fsync'd, read back, checked once
 * more (key fits certificate), made complete by one rename, then made live by one rename. *RET_NUMBER is the new
 * generation's. The staged key is gone afterwards. On failure the old generation stays live.
 */
MUST_CHECK bool store_commit(struct store *store, const char *name, const char *cert, const char *chain,
			     const char *fullchain, uint64_t *ret_number, struct error *err);

/* A rollback on purpose: generation TO is to be live, and those up to FROM are not. Zeroed: there was none. */
struct store_rollback {
	uint64_t to;
	uint64_t from;
};

/*
 * After a crash between those two renames, a complete generation is there that is not live. Make the newest one that
 * verifies (key fits certificate) live when its number is above the live one's and above ROLLBACK's `from`, or when the
 * live one is gone (then ROLLBACK's `to` comes before the newest); nothing needs ordering then. *RET_RECOVERED tells
 * whether something was switched, *RET_NUMBER is the live generation's number afterwards (0: none). Reading moves
 * nothing by itself: the caller does this under the certificate's lock, before it places an order.
 */
MUST_CHECK bool store_recover(struct store *store, const char *name, const struct store_rollback *rollback,
			      uint64_t *ret_number, bool *ret_recovered, struct error *err);

/*
 * Remove everything of NAME: the live link, then its generations with their keys, its order, its record at last. Gone
 * already is success. Under the certificate's lock.
 */
MUST_CHECK bool store_delete_certificate(struct store *store, const char *name, struct error *err);

/* --- Records: JSON documents, one writer at a time, replaced atomically --- */

enum store_record {
	STORE_RENEWAL,     /* renewal/<name>.json: how it was issued and its state (renewal.h) */
	STORE_ORDER,       /* orders/<name>.json: an order in flight (order_record.h) */
	STORE_ACCOUNT,     /* accounts/<name>/account.json (account_record.h) */
	STORE_PUBLISHED,   /* published/<name>.json: TXT values that stand in DNS (published_record.h) */
	STORE_REVOKED_KEY, /* revoked-keys/<sha-256>.json: a key that others may have (revoked_key.h) */
};

/*
 * The record's text, to be released with buf_done(); RET needs no initializing. *RET_FOUND false (and success) when
 * there is none. An empty or unreadable file is ERROR_STORE with advice, never "not found".
 */
MUST_CHECK bool store_read_record(struct store *store, enum store_record kind, const char *name, struct buf *ret,
				  bool *ret_found, struct error *err);
MUST_CHECK bool store_write_record(struct store *store, enum store_record kind, const char *name, const char *text,
				   size_t len, struct error *err);
/* Gone already is success. */
MUST_CHECK bool store_delete_record(struct store *store, enum store_record kind, const char *name, struct error *err);
/* Sorted names of the records of KIND. */
MUST_CHECK bool store_list_records(struct store *store, enum store_record kind, struct str_list *ret,
				   struct error *err);

/* The record's path, for messages and advice. malloc'd. */
MUST_CHECK char *store_record_path(const struct store *store, enum store_record kind, const char *name,
				   struct error *err);

/* What to do about NAME's damaged record; when ERR has no advice yet and is about the record's content. */
void store_record_hint(const struct store *store, enum store_record kind, const char *name, struct error *err);

/* accounts/<name>/key.pem, 0600. */
MUST_CHECK bool store_read_account_key(struct store *store, const char *name, struct secret *ret, bool *ret_found,
				       struct error *err);
MUST_CHECK bool store_write_account_key(struct store *store, const char *name, const struct secret *key_pem,
					struct error *err);

/*
 * A rollover: the next key is kept beside the one in force (fsync'd) before the CA hears of it. Which of the two the CA
 * knows after a crash, only the CA can tell; then the next one replaces the other (one rename), or is put aside.
 */
MUST_CHECK bool store_stage_account_key(struct store *store, const char *name, const struct secret *key_pem,
					struct error *err);
MUST_CHECK bool store_read_staged_account_key(struct store *store, const char *name, struct secret *ret,
					      bool *ret_found, struct error *err);
MUST_CHECK bool store_commit_account_key(struct store *store, const char *name, struct error *err);
/* As key-former-<N>.pem: no key is ever lost. */
MUST_CHECK bool store_discard_account_key(struct store *store, const char *name, struct error *err);

/* Put the key in force aside: its account is of no use any more, and a new one gets a new key. */
MUST_CHECK bool store_retire_account_key(struct store *store, const char *name, struct error *err);

#endif
