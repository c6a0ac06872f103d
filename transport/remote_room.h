/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is room for files on a server. SFTP says of a full disk no more than "Failure": it has to be asked. */
#ifndef TRANSPORT_REMOTE_ROOM_H
#define TRANSPORT_REMOTE_ROOM_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sftp;
struct sftp_space;

/* The directory at PATH, or where there is none (*RET_THERE false) the nearest one above. */
MUST_CHECK bool remote_nearest_directory(struct sftp *sftp, const char *path, char **ret, bool *ret_there,
					 struct error *err);

/*
 * Whether DIRECTORY's file system can be written to and has at least NEEDED bytes, and room for another file: an error
 * that says what it lacks otherwise. Without *RET_KNOWN the server does not tell.
 */
MUST_CHECK bool remote_has_room(struct sftp *sftp, const char *directory, uint64_t needed, struct sftp_space *ret,
				bool *ret_known, struct error *err);

/*
 * The server refused, as ERR says, to write something at PATH. If it is for want of room there, ERR says so too, and
 * what to do THEN: true.
 */
bool remote_blame_room(struct sftp *sftp, const char *path, const char *then, struct error *err);

#endif
