/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An extra copy of a certificate's file at an exact path on a server: replaced by rename, put back by rename. Beside
 * it, under names with a leading dot (which servers that read whole directories pass over): the new content until it is
 * live, and what was there before until the new one is proven. The latter left over tells of a transaction cut off.
 */
#ifndef TRANSPORT_LIVE_COPY_H
#define TRANSPORT_LIVE_COPY_H

#include "base/error.h"
#include "transport/sftp.h"

/* The same verbs as live_dir.h has, in the same order. */
struct live_copy {
	char *path;
	char *fresh;      /* path of the new content */
	char *previous;   /* path of what was there before */
	const char *data; /* borrowed */
	size_t len;
	uint32_t mode;
	bool same;      /* nothing to do */
	bool staged;    /* fresh is there */
	bool unsettled; /* previous is there: from an earlier transaction, or since the switch of this one */
	bool outdated;  /* previous is there, of a transaction that came to its end: it counts for nothing */
};

/* Look at PATH: is it DATA, with MODE and OWNER? Sets `same` and `unsettled`. */
MUST_CHECK bool live_copy_inspect(struct sftp *sftp, const char *path, const char *data, size_t len, uint32_t mode,
				  struct sftp_owner owner, struct live_copy *ret, struct error *err);
void live_copy_done(struct live_copy *copy);

/*
 * The transaction that left previous there had come to its end, by what its journal says: it is nothing to go back to.
 */
void live_copy_outdate(struct live_copy *copy);

/* Remove what a transaction that was cut off was writing, as far as possible. What it had kept stays while it counts.
 */
void live_copy_sweep(struct sftp *sftp, const struct live_copy *copy);

/* Write the new content beside the path. */
MUST_CHECK bool live_copy_upload(struct sftp *sftp, struct live_copy *copy, struct sftp_owner owner, struct error *err);

/* Keep what is there, to be put back, where an earlier transaction has not kept it already. */
MUST_CHECK bool live_copy_keep(struct sftp *sftp, struct live_copy *copy, struct error *err);

/* Keep what is there, if that is not done, then replace it. */
MUST_CHECK bool live_copy_switch(struct sftp *sftp, struct live_copy *copy, struct error *err);

/* Whether what was kept can be put back: ERROR_REMOTE where something removed it. */
MUST_CHECK bool live_copy_check_previous(struct sftp *sftp, const struct live_copy *copy, struct error *err);

/* What was kept is there again. */
MUST_CHECK bool live_copy_switch_back(struct sftp *sftp, const struct live_copy *copy, struct error *err);

/* What was renamed to the path to disk: a power cut can no longer bring the content of before back. */
MUST_CHECK bool live_copy_flush(struct sftp *sftp, const struct live_copy *copy, struct error *err);

/*
 * The transaction is over, on disk too, and the path has what it should: remove what is left beside it, as far as
 * possible.
 */
void live_copy_settle(struct sftp *sftp, const struct live_copy *copy);

/* The transaction ended before the switch: remove the new content, as far as possible. */
void live_copy_abandon(struct sftp *sftp, const struct live_copy *copy);

#endif
