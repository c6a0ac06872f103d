/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file is where below the state directory: the one place that joins names to paths. Nothing here touches a file.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "store/store.h"

enum layout_folder {
	LAYOUT_ARCHIVE,
	LAYOUT_LIVE,
	LAYOUT_RENEWAL,
	LAYOUT_ORDERS,
	LAYOUT_ACCOUNTS,
	LAYOUT_LOCKS,
	LAYOUT_REVOKED_KEYS,
	LAYOUT_PUBLISHED,
	LAYOUT_FOLDER_COUNT,
};

enum {
	LAYOUT_FILE_SIZE = 128,   /* a file's name: a name of 100 characters, a kind and an ending */
	LAYOUT_TARGET_SIZE = 160, /* "../archive/<name>/<N>" */
};

/* Below archive/<name>/: the generation that is being made. No name and no number begins with a dot. */
#define LAYOUT_STAGING ".next"

#define LAYOUT_CERT "cert.pem"
#define LAYOUT_CHAIN "chain.pem"
#define LAYOUT_FULLCHAIN "fullchain.pem"
#define LAYOUT_PRIVKEY "privkey.pem"
#define LAYOUT_REQUEST "request.pem" /* in the key's place where the key is not ours */
#define LAYOUT_ACCOUNT_KEY "key.pem"
#define LAYOUT_ACCOUNT_KEY_NEXT "key-next.pem"  /* of a rollover under way */
#define LAYOUT_ACCOUNT_KEY_FORMER "key-former-" /* and a number: put aside */

/* "archive", … */
const char *layout_folder_name(enum layout_folder folder);

/* ERROR_USAGE when NAME may not become a part of a path (name_is_valid). To be called before any other use of NAME. */
MUST_CHECK bool layout_check_name(const char *name, struct error *err);

/* The folder that holds the records of KIND, and the record's file name there (for accounts: in a folder NAME). */
enum layout_folder layout_record_folder(enum store_record kind);
void layout_record_file(enum store_record kind, const char *name, char ret[LAYOUT_FILE_SIZE]);

/* Whether ENTRY, found in the folder of KIND, is called as a record is; then it is cut down to the record's name. */
bool layout_record_name(enum store_record kind, char *entry);

/* "renewal/<name>.json": for messages. malloc'd. */
MUST_CHECK char *layout_record_path(enum store_record kind, const char *name, struct error *err);

/* "<kind>-<name>.lock". ERROR_INTERNAL for a kind that is none. */
MUST_CHECK bool layout_lock_file(const char *kind, const char *name, char ret[LAYOUT_FILE_SIZE], struct error *err);

/* The folder of generation NUMBER below archive/<name>/, and back: false for anything that is no generation. */
void layout_generation_folder(uint64_t number, char ret[LAYOUT_FILE_SIZE]);
MUST_CHECK bool layout_generation_parse(const char *folder, uint64_t *ret);

/* What live/<name> points to, and back: false when TARGET is no generation of NAME. */
void layout_link_target(const char *name, uint64_t number, char ret[LAYOUT_TARGET_SIZE]);
MUST_CHECK bool layout_link_parse(const char *target, const char *name, uint64_t *ret);

#endif
