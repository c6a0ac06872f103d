/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small SFTP version 3 client over an SSH channel: whole operations with one deadline, requests pipelined where that
 * saves round trips. Paths are the server's. Errors are ERROR_REMOTE, naming the path, with the server's words; they
 * carry no step. After a protocol error or a time-out the connection is of no more use.
 */
#ifndef TRANSPORT_SFTP_H
#define TRANSPORT_SFTP_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "transport/sftp_packet.h"

struct sftp;
struct ssh_link;

/*
 * Start SFTP on LINK, which must outlive it: the server's subsystem, or with COMMAND what that starts there. DEADLINE
 * holds for every operation until sftp_set_deadline().
 */
MUST_CHECK struct sftp *sftp_start(struct ssh_link *link, const char *command, struct deadline deadline,
				   struct error *err);
void sftp_stop(struct sftp *sftp); /* accepts NULL */
void sftp_set_deadline(struct sftp *sftp, struct deadline deadline);

/* False after a time-out, a cut connection or a reply that was none: then only sftp_stop() is left to do. */
bool sftp_usable(const struct sftp *sftp);
bool sftp_offers(const struct sftp *sftp, enum sftp_extension extension);

/* Who shall own a new file; -1: whoever the server makes its owner. */
struct sftp_owner {
	int64_t uid;
	int64_t gid;
};

/* What is at a path. */
enum sftp_kind { SFTP_ABSENT, SFTP_FILE, SFTP_DIRECTORY, SFTP_LINK, SFTP_OTHER };

struct sftp_entry {
	enum sftp_kind kind;
	uint32_t mode; /* permission bits */
	uint32_t uid;
	uint32_t gid;
	int64_t modified; /* wall clock seconds by the server's clock; 0: it does not say */
};

/* Look at PATH itself, or with FOLLOW at what it leads to. Nothing there is no failure: SFTP_ABSENT. */
MUST_CHECK bool sftp_look(struct sftp *sftp, const char *path, bool follow, struct sftp_entry *ret, struct error *err);

/* The content of PATH into OUT (initialised; its maximum is the cap). Nothing there: *RET_FOUND false. */
MUST_CHECK bool sftp_read_file(struct sftp *sftp, const char *path, struct buf *out, bool *ret_found,
			       struct error *err);

/* Where the link PATH leads, malloc'd; NULL in *RET when there is nothing or no link at PATH. */
MUST_CHECK bool sftp_read_link(struct sftp *sftp, const char *path, char **ret, struct error *err);

/*
 * Create PATH, which must not exist, with 0600 before its first byte; write LEN bytes, give it OWNER and MODE, flush it
 * to disk where the server can, read it back and compare.
 */
MUST_CHECK bool sftp_create_file(struct sftp *sftp, const char *path, const void *data, size_t len, uint32_t mode,
				 struct sftp_owner owner, struct error *err);

/* A symbolic link at PATH, which must not exist, leading to TARGET; read back, since servers disagree on the order. */
MUST_CHECK bool sftp_create_link(struct sftp *sftp, const char *path, const char *target, struct error *err);

/* A directory with mode 0755 and its missing parents. One that is there already stays as it is. */
MUST_CHECK bool sftp_create_directories(struct sftp *sftp, const char *path, struct error *err);

/* OLD becomes NEW, replacing atomically what is there (posix-rename@openssh.com). */
MUST_CHECK bool sftp_replace(struct sftp *sftp, const char *old, const char *new, struct error *err);

/* Remove a file or link. Nothing there is no failure. */
MUST_CHECK bool sftp_remove(struct sftp *sftp, const char *path, struct error *err);

/* Remove a directory and the files and links in it (not directories: it then fails). Nothing there is no failure. */
MUST_CHECK bool sftp_remove_tree(struct sftp *sftp, const char *path, struct error *err);

/* Remove an empty directory. */
MUST_CHECK bool sftp_remove_directory(struct sftp *sftp, const char *path, struct error *err);

/* The names in a directory but "." and "..", at most LIMIT_REMOTE_NAMES. */
MUST_CHECK bool sftp_list(struct sftp *sftp, const char *path, struct str_list *ret, struct error *err);

/*
 * What the file system of PATH has left. *RET_KNOWN false (and success) where the server does not tell.
 */
MUST_CHECK bool sftp_measure(struct sftp *sftp, const char *path, struct sftp_space *ret, bool *ret_known,
			     struct error *err);

/* Flush a directory to disk. Where the server cannot, it is the server's loss: no failure but of the connection. */
MUST_CHECK bool sftp_flush_directory(struct sftp *sftp, const char *path, struct error *err);

#endif
