/* SPDX-License-Identifier: Apache-2.0 */
/* What is live now, kept as a copy under another name: to be put back, or to become a generation of its own. */
#ifndef TRANSPORT_LIVE_KEEP_H
#define TRANSPORT_LIVE_KEEP_H

#include "base/error.h"
#include "transport/sftp.h"

/*
 * Create the file TO, which must not exist, with the content of the file FROM; with its mode and its owner, as far as
 * the server lets us. A group that is not the one before gets no more than everybody. Nothing there: *RET_FOUND false,
 * and nothing is created.
 */
MUST_CHECK bool live_keep(struct sftp *sftp, const char *from, const char *to, bool *ret_found, struct error *err);

#endif
