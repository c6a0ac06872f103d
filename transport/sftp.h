/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small SFTP version 3 client over an SSH channel: whole operations with one deadline, requests pipelined where that
 * saves round trips, which are what a deployment to a distant server takes its time for. Paths are the server's. Errors
 * are ERROR_REMOTE, naming the path, with the server's words; they carry no step. After a protocol error or a time-out
 * the connection is of no more use.
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

/* What is at PATH (to be set, borrowed), where that leads if it is a link, and what is there. */
struct sftp_sight {
	const char *path;
	struct sftp_entry itself;
	char *target;             /* of the link; NULL: it is none */
	struct sftp_entry beyond; /* what a reader gets; SFTP_OTHER also where the server does not let us look */
};

enum { SFTP_SIGHTS_MAX = 16, SFTP_FILES_MAX = 8 };

/* Look at COUNT paths, at most SFTP_SIGHTS_MAX, in one round trip. The sights are to be done with in any case. */
MUST_CHECK bool sftp_survey(struct sftp *sftp, struct sftp_sight *sights, size_t count, struct error *err);
void sftp_sights_done(struct sftp_sight *sights, size_t count);

/* The content of PATH into OUT (initialised; its maximum is the cap). Nothing there: *RET_FOUND false. */
MUST_CHECK bool sftp_read_file(struct sftp *sftp, const char *path, struct buf *out, bool *ret_found,
			       struct error *err);

/*
 * The same, and in *RET_ENTRY what it is that was read: of the open file, so that another one put at PATH meanwhile
 * does not pass for it.
 */
MUST_CHECK bool sftp_read_described(struct sftp *sftp, const char *path, struct buf *out, struct sftp_entry *ret_entry,
				    bool *ret_found, struct error *err);

/* Where the link PATH leads, malloc'd; NULL in *RET when there is nothing or no link at PATH. */
MUST_CHECK bool sftp_read_link(struct sftp *sftp, const char *path, char **ret, struct error *err);

/* A file's content and mode. Borrowed. */
struct sftp_file {
	const char *path;
	const void *data;
	size_t len;
	uint32_t mode;
};

/* Whether each of COUNT files, at most SFTP_FILES_MAX, is there with exactly its content. Modes are not looked at. */
MUST_CHECK bool sftp_files_hold(struct sftp *sftp, const struct sftp_file *files, size_t count, bool *ret,
				struct error *err);

/*
 * Create COUNT files, at most SFTP_FILES_MAX, none of which may exist, with 0600 before the first byte; write them,
 * read them back and compare, flush them to disk where the server can, give them OWNER, and then their modes. After a
 * failure any of them may be there.
 */
MUST_CHECK bool sftp_create_files(struct sftp *sftp, const struct sftp_file *files, size_t count,
				  struct sftp_owner owner, struct error *err);

/* The same for one. */
MUST_CHECK bool sftp_create_file(struct sftp *sftp, const char *path, const void *data, size_t len, uint32_t mode,
				 struct sftp_owner owner, struct error *err);

/* A symbolic link at PATH, which must not exist, leading to TARGET; read back, since servers disagree on the order. */
MUST_CHECK bool sftp_create_link(struct sftp *sftp, const char *path, const char *target, struct error *err);

/* The same; a file or link that is at PATH is removed before. */
MUST_CHECK bool sftp_renew_link(struct sftp *sftp, const char *path, const char *target, struct error *err);

/* A directory with mode 0755 and its missing parents. One that is there already stays as it is. */
MUST_CHECK bool sftp_create_directories(struct sftp *sftp, const char *path, struct error *err);

/*
 * A directory with one link in it, NAME, leading nowhere, at PATH in one instant: made at BESIDE, where nothing may be,
 * and renamed. Fails where there is anything at PATH but an empty directory; BESIDE may be left then.
 */
MUST_CHECK bool sftp_install_directory(struct sftp *sftp, const char *beside, const char *name, const char *path,
				       struct error *err);

/* OLD becomes NEW, replacing atomically what is there (posix-rename@openssh.com). */
MUST_CHECK bool sftp_replace(struct sftp *sftp, const char *old, const char *new, struct error *err);

/* Remove a file or link. Nothing there is no failure. */
MUST_CHECK bool sftp_remove(struct sftp *sftp, const char *path, struct error *err);

typedef bool sftp_is_ours(const char *name);

/*
 * Remove a directory and the files and links in it that IS_OURS says yes to. Fails where there are others, which stay:
 * whoever puts a link in the directory's place while this is done does not get root to remove what he likes. Of a link
 * to a directory it is the link that goes. Nothing there is no failure.
 */
MUST_CHECK bool sftp_remove_tree(struct sftp *sftp, const char *path, sftp_is_ours *is_ours, struct error *err);

/* Remove an empty directory. */
MUST_CHECK bool sftp_remove_directory(struct sftp *sftp, const char *path, struct error *err);

/* The names in a directory but "." and "..", at most LIMIT_REMOTE_NAMES. */
MUST_CHECK bool sftp_list(struct sftp *sftp, const char *path, struct str_list *ret, struct error *err);

/*
 * What the file system of PATH has left. *RET_KNOWN false (and success) where the server does not tell.
 */
MUST_CHECK bool sftp_measure(struct sftp *sftp, const char *path, struct sftp_space *ret, bool *ret_known,
			     struct error *err);

/*
 * Flush COUNT directories, at most SFTP_FILES_MAX, to disk. Where the server cannot, it is the server's loss: no
 * failure but of the connection.
 */
MUST_CHECK bool sftp_flush_directories(struct sftp *sftp, const char *const *paths, size_t count, struct error *err);

#endif
