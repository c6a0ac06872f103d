/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renames as a lock. Nothing here removes another's lock: between the look at it and its removal it could have become a
 * third one's. Each step has one winner, and whoever does not win looks again.
 */
#include "transport/live_lock.h"

#include "base/escape.h"
#include "transport/sftp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	LOOK_AGAIN_MS = 250,
	TRIES = 3,                         /* of what is refused while nobody is seen to be faster */
	HASH_LEN = 16,                     /* of a turn's name; as long is what makes it unlike all others */
	HOLDER_AT = HASH_LEN + 1 + 16 + 1, /* where the holder's name is, for people */
	TURN_MAX = HOLDER_AT + 160 + 1,    /* file systems take 255 */
};

static const char SLASH = '|'; /* in a turn's name */

/* What is in place now. */
struct found {
	char *turn;       /* NULL: nobody has it */
	int64_t modified; /* when it was taken, by the server's clock; 0: that is not known */
	bool unfinished;  /* one of ours that did not get there */
	bool emptied;     /* whoever had it let go, and did not get to remove the folder */
};

static void found_done(struct found *found)
{
	free(found->turn);
	*found = (struct found){0};
}

/* ---- names ---- */

static char *folder_path(const char *home, struct error *err)
{
	return str_format(err, "%s/.certferry-lock", home);
}

/* FNV-1a: holders are to be told apart, against nobody's will. */
static uint64_t hash(const char *text)
{
	uint64_t value = 14695981039346656037U;

	for (; *text != '\0'; text++)
		value = (value ^ (unsigned char)*text) * 1099511628211U;
	return value;
}

/* Where HOLDER's folder is made. It is alone with that name. */
static char *beside_path(const char *home, const char *holder, struct error *err)
{
	return str_format(err, "%s/.certferry-lock-%016llx", home, (unsigned long long)hash(holder));
}

static bool is_of(const char *turn, const char *holder)
{
	char prefix[HASH_LEN + 1];

	(void)snprintf(prefix, sizeof(prefix), "%016llx", (unsigned long long)hash(holder));
	return str_starts(turn, prefix);
}

/* What name_turn() makes, whoever's. */
static bool is_turn(const char *name)
{
	static const char hex[] = "0123456789abcdef";
	return strspn(name, hex) == HASH_LEN && name[HASH_LEN] == '-' && strspn(name + HASH_LEN + 1, hex) == HASH_LEN &&
	       name[HOLDER_AT - 1] == '-';
}

/* A name that no turn before it had. */
static bool name_turn(const char *holder, char ret[TURN_MAX], struct error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(err, ERROR_INTERNAL, NULL, "no random numbers");
	(void)snprintf(ret, TURN_MAX, "%016llx-%016llx-%s", (unsigned long long)hash(holder),
		       (unsigned long long)number, holder);
	for (char *at = ret; *at != '\0'; at++) {
		if (*at == '/')
			*at = SLASH;
		else if ((unsigned char)*at <= ' ' || (unsigned char)*at > '~')
			*at = '_';
	}
	return true;
}

/* ---- looking ---- */

static bool not_ours(const char *folder, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "%s is there, but is not a folder of certferry's", folder);
	error_hint(err, "remove it there");
	return false;
}

/* The folder was there a moment ago. Gone: *RET_GONE, and no failure. */
static bool list_turns(struct sftp *sftp, const char *folder, struct str_list *ret, bool *ret_gone, struct error *err)
{
	struct error unlisted = {0};
	struct sftp_entry entry;

	*ret_gone = false;
	if (sftp_list(sftp, folder, ret, &unlisted))
		return true;
	if (sftp_usable(sftp) && !sftp_look(sftp, folder, false, &entry, err))
		return false;
	*ret_gone = sftp_usable(sftp) && entry.kind == SFTP_ABSENT;
	if (!*ret_gone)
		*err = unlisted;
	return *ret_gone;
}

/*
 * The name before the time: a turn is as old as its folder was afterwards, or was passed over already, and then its
 * name is gone.
 */
static bool look(struct sftp *sftp, const char *home, const char *holder, struct found *ret, struct error *err)
{
	struct str_list turns CLEANUP(str_list_done) = {0};
	char *folder AUTO_FREE = folder_path(home, err);
	char *beside AUTO_FREE = beside_path(home, holder, err);
	struct sftp_sight sights[] = {{.path = folder}, {.path = beside}};
	struct sftp_entry entry;
	bool gone;

	*ret = (struct found){0};
	bool seen = folder != NULL && beside != NULL && sftp_survey(sftp, sights, ARRAY_LEN(sights), err);
	sftp_sights_done(sights, ARRAY_LEN(sights));
	if (!seen)
		return false;
	ret->unfinished = sights[1].itself.kind != SFTP_ABSENT;
	if (sights[0].itself.kind == SFTP_ABSENT)
		return true;
	if (sights[0].itself.kind != SFTP_DIRECTORY)
		return not_ours(folder, err);
	if (!list_turns(sftp, folder, &turns, &gone, err))
		return false;
	ret->emptied = !gone && turns.len == 0;
	if (gone || turns.len == 0)
		return true;
	if (!sftp_look(sftp, folder, false, &entry, err) || !str_set(&ret->turn, turns.items[0], err))
		return false;
	ret->modified = entry.modified;
	return true;
}

bool live_lock_is_left_over(struct sftp *sftp, const char *home, const char *holder, bool *ret, struct error *err)
{
	struct found found CLEANUP(found_done) = {0};

	if (!look(sftp, home, holder, &found, err))
		return false;
	*ret = found.unfinished || found.emptied || (found.turn != NULL && is_of(found.turn, holder));
	return true;
}

/* ---- taking ---- */

/* Into the place where nobody's is. Fails where somebody was faster. */
static bool move_in(struct sftp *sftp, const char *home, const char *folder, const char *holder, const char *turn,
		    bool unfinished, struct error *err)
{
	char *beside AUTO_FREE = beside_path(home, holder, err);

	return beside != NULL && (!unfinished || sftp_remove_tree(sftp, beside, is_turn, err)) &&
	       sftp_install_directory(sftp, beside, turn, folder, err);
}

/* From the turn BEFORE. Fails where somebody was faster, or its holder has let go. */
static bool pass_over(struct sftp *sftp, const char *folder, const char *before, const char *turn, struct error *err)
{
	char *old AUTO_FREE = str_format(err, "%s/%s", folder, before);
	char *fresh AUTO_FREE = str_format(err, "%s/%s", folder, turn);

	return old != NULL && fresh != NULL && sftp_replace(sftp, old, fresh, err);
}

static bool held_by_another(const char *folder, const char *turn, struct error *err)
{
	char safe[256];

	escape_str(safe, sizeof(safe), strlen(turn) > HOLDER_AT ? turn + HOLDER_AT : turn);
	for (char *at = safe; *at != '\0'; at++)
		*at = *at == SLASH ? '/' : *at;
	(void)error_set(err, ERROR_BUSY, NULL, "another certferry (%s) is at work there", safe);
	err->transient = true;
	error_hint(
		err,
		"try again when it is done; its lock counts for nothing once it is older than a deployment may take. "
		"If that certferry is gone for good, remove the folder %s there",
		folder);
	return false;
}

/* One that wants the lock of HOME. */
struct taker {
	struct sftp *sftp;
	const char *home, *holder;
	int64_t stale_ms;
	char turn[TURN_MAX];
	bool compared; /* the clocks */
	int64_t ahead; /* seconds that the server's is ahead of ours */
};

/* A lock is as old as the server's clock says, which may be hours off: that is seen by a link that is made for it. */
static bool compare_clocks(struct taker *taker, struct error *err)
{
	char *beside AUTO_FREE = beside_path(taker->home, taker->holder, err);
	char *link AUTO_FREE = beside != NULL ? str_format(err, "%s.now", beside) : NULL;
	struct sftp_entry entry;

	if (taker->compared)
		return true;
	if (link == NULL || !sftp_renew_link(taker->sftp, link, "-", err) ||
	    !sftp_look(taker->sftp, link, false, &entry, err) || !sftp_remove(taker->sftp, link, err))
		return false;
	taker->compared = true;
	taker->ahead = entry.modified > 0 ? entry.modified - clock_wall() : 0;
	return true;
}

static bool is_stale(const struct taker *taker, const struct found *found)
{
	return found->modified > 0 && clock_wall() + taker->ahead - found->modified > taker->stale_ms / 1000;
}

/*
 * One look, and a try where there is something to try. Not taken: another has it, or REFUSED says why it could not be
 * taken: mostly that another was faster.
 */
static bool try_lock(struct taker *taker, struct live_lock *lock, struct found *ret_found, struct error *refused,
		     struct error *err)
{
	struct sftp *sftp = taker->sftp;

	if (!look(sftp, taker->home, taker->holder, ret_found, err))
		return false;
	if (ret_found->turn == NULL) {
		if (move_in(sftp, taker->home, lock->folder, taker->holder, taker->turn, ret_found->unfinished,
			    refused))
			return str_set(&lock->turn, taker->turn, err);
		return true;
	}
	bool ours = is_of(ret_found->turn, taker->holder);
	lock->waited = lock->waited || !ours;
	if (!ours && !compare_clocks(taker, err))
		return false;
	if ((ours || is_stale(taker, ret_found)) &&
	    pass_over(sftp, lock->folder, ret_found->turn, taker->turn, refused)) {
		lock->left_over = true;
		return str_set(&lock->turn, taker->turn, err);
	}
	return true;
}

bool live_lock_take(struct sftp *sftp, const char *home, const char *holder, int64_t stale_ms, struct deadline deadline,
		    struct live_lock *ret, struct error *err)
{
	struct live_lock lock CLEANUP(live_lock_done) = {.folder = folder_path(home, err)};
	struct taker taker = {.sftp = sftp, .home = home, .holder = holder, .stale_ms = stale_ms};
	unsigned refusals = 0; /* in a row */

	if (lock.folder == NULL || !name_turn(holder, taker.turn, err))
		return false;
	while (lock.turn == NULL) {
		struct found found CLEANUP(found_done) = {0};
		struct error refused = {0}, over = {0};
		if (!try_lock(&taker, &lock, &found, &refused, err))
			return false;
		refusals = error_is_set(&refused) ? refusals + 1 : 0;
		if (refusals == TRIES || (refusals > 0 && !sftp_usable(sftp))) {
			*err = refused;
			return false;
		}
		if (lock.turn == NULL && !deadline_sleep(deadline, LOOK_AGAIN_MS, NULL, &over))
			return held_by_another(lock.folder, found.turn != NULL ? found.turn : "", err);
	}
	*ret = lock;
	lock = (struct live_lock){0};
	return true;
}

bool live_lock_release(struct sftp *sftp, struct live_lock *lock, struct error *err)
{
	char *link AUTO_FREE = str_format(err, "%s/%s", lock->folder, lock->turn);
	bool ok = link != NULL && sftp_remove(sftp, link, err) && sftp_remove_directory(sftp, lock->folder, err);

	live_lock_done(lock);
	return ok;
}

void live_lock_done(struct live_lock *lock)
{
	free(lock->folder);
	free(lock->turn);
	*lock = (struct live_lock){0};
}
