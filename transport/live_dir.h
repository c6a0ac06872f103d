/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate's directory on a server, over SFTP:
 *
 *	<home>/generations/<G>/{cert,chain,fullchain,privkey}.pem
 *	<home>/current -> generations/<G>                             the atomic switch
 *	<home>/{cert,chain,fullchain,privkey}.pem -> current/…        what servers read (some: combined.pem too)
 *	<home>/.certferry-previous -> generations/<P>, or none        a transaction is under way: P is what to go back
 *to
 *
 * The last is the journal: it is there from before `current` moves until the new files are proven (or put back), so
 * that a later run knows of a transaction that was cut off, and what was good before it.
 */
#ifndef TRANSPORT_LIVE_DIR_H
#define TRANSPORT_LIVE_DIR_H

#include "base/error.h"
#include "transport/sftp.h"

enum { LIVE_FILES_MAX = 5, LIVE_GENERATIONS_KEPT = 3 };

/* One of the files as it shall be. Borrowed. */
struct live_file {
	const char *name; /* "cert.pem" */
	const char *data;
	size_t len;
	uint32_t mode;
};

struct live_files {
	struct live_file list[LIVE_FILES_MAX];
	size_t count;
};

/* What is there, and what this transaction made. Paths of generations are relative to home. */
struct live_dir {
	char *home;
	char *current;  /* where `current` leads; NULL: nowhere */
	char *previous; /* what to go back to; NULL: nothing was there */
	char *fresh;    /* the generation uploaded by this transaction; NULL: none */
	bool unsettled; /* an earlier transaction was cut off before its end */
};

/* Remove what a transaction that was cut off left: all but the live generation and the one to go back to. As far as
 * possible. */
void live_dir_sweep(struct sftp *sftp, const struct live_dir *live);

/* Look at HOME. Fails where `current` is there and not ours. */
MUST_CHECK bool live_dir_inspect(struct sftp *sftp, const char *home, struct live_dir *ret, struct error *err);
void live_dir_done(struct live_dir *live);

/* Whether the names are our links and lead to exactly FILES, with their modes and OWNER. */
MUST_CHECK bool live_dir_holds(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			       struct sftp_owner owner, bool *ret, struct error *err);

/* Write FILES as a new generation called LABEL (or LABEL.2, .3: never over one that is live). Nobody reads it yet. */
MUST_CHECK bool live_dir_upload(struct sftp *sftp, struct live_dir *live, const char *label,
				const struct live_files *files, struct sftp_owner owner, struct error *err);

/*
 * Bring a directory with plain files or foreign links (certbot's) into our form without changing what a reader sees at
 * any instant: what the names lead to is copied to a generation 0, then each name becomes a link.
 */
MUST_CHECK bool live_dir_take_over(struct sftp *sftp, struct live_dir *live, const struct live_files *files,
				   struct error *err);

/* Begin the journal of a transaction that changes nothing here, but copies elsewhere. */
MUST_CHECK bool live_dir_mark(struct sftp *sftp, struct live_dir *live, struct error *err);

/* The uploaded generation becomes the live one, all its files in one instant. */
MUST_CHECK bool live_dir_switch(struct sftp *sftp, struct live_dir *live, const struct live_files *files,
				struct error *err);

/* Whether there is something to go back from. */
bool live_dir_moved(const struct live_dir *live);

/*
 * Whether the previous generation can be gone back to: ERROR_REMOTE where something removed it, or a file of it. Then
 * what is live had better stay.
 */
MUST_CHECK bool live_dir_check_previous(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
					struct error *err);

/* The previous generation live again; where there was none, no names. Can be repeated. */
MUST_CHECK bool live_dir_switch_back(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
				     struct error *err);

/*
 * The transaction's files are good: end the journal, on disk too. From that instant on nothing of before is gone back
 * to, copies' either.
 */
MUST_CHECK bool live_dir_settle(struct sftp *sftp, const struct live_dir *live, struct error *err);

/* And remove the oldest generations, as far as possible. */
void live_dir_prune(struct sftp *sftp, const struct live_dir *live);

/*
 * The transaction is over and its files are not live: remove them, as far as possible. The journal ends only if the
 * previous files were put back; before the switch it tells of an earlier transaction, or is not there.
 */
void live_dir_abandon(struct sftp *sftp, const struct live_dir *live, bool put_back);

/* Directories that were made for a first deployment are empty after it was abandoned: remove them. Others stay. */
void live_dir_vanish(struct sftp *sftp, const struct live_dir *live);

#endif
