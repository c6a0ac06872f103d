/* SPDX-License-Identifier: Apache-2.0 */
/* Folders on a server that keys go to. */
#ifndef TRANSPORT_LIVE_FOLDER_H
#define TRANSPORT_LIVE_FOLDER_H

#include "base/error.h"
#include "transport/sftp.h"

/*
 * False, with what to do, where SIGHT is a link of somebody's who owns neither the machine nor the folder that it leads
 * to: others' folders are not to be written to because of it.
 */
MUST_CHECK bool live_folder_judge_link(const struct sftp_sight *sight, struct error *err);

/* The same of FOLDER (an absolute path) and those it is in, COUNT of them together. Costs one round trip. */
MUST_CHECK bool live_folder_check_links(struct sftp *sftp, const char *folder, size_t count, struct error *err);

/*
 * False, with what to do, where anybody on the server may change what is in FOLDER (an absolute path), or rename a
 * folder on the way to it, or somebody's link is on it, as above. Costs one round trip. What is not there, or not told,
 * is no failure; groups are the administrator's business: that of a user alone is no danger.
 */
MUST_CHECK bool live_folder_check(struct sftp *sftp, const char *folder, struct error *err);

#endif
