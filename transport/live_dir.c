/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory behind a certificate's live files. Everything a reader can see changes by one rename: names are made as
 * links through `current` first (leading nowhere, or to the same content as before), and then only `current` moves.
 */
#include "transport/live_dir.h"

#include "base/buf.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/live_folder.h"
#include "transport/live_keep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL ".certferry-previous"
#define JOURNAL_NONE "none"
#define TEMPORARY ".certferry-link"
#define GENERATIONS "generations/"

static char *path_in(const struct live_dir *live, const char *name, struct error *err)
{
	return str_format(err, "%s/%s", live->home, name);
}

/* "generations/<name>": what `current` and the journal may lead to. A server's word is not taken for a path. */
static bool is_generation(const char *target)
{
	return str_starts(target, GENERATIONS) && name_is_valid(target + strlen(GENERATIONS));
}

/* What a generation of ours holds. */
static bool is_live_file(const char *name)
{
	static const char *const names[] = {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "combined.pem"};
	static_assert(ARRAY_LEN(names) == LIVE_FILES_MAX, "all of them");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

static bool remove_generation(struct sftp *sftp, const char *path, struct error *err)
{
	return sftp_remove_tree(sftp, path, is_live_file, err);
}

/* The name NAME of home becomes a link to TARGET in one instant, whatever it was. */
static bool point(struct sftp *sftp, const struct live_dir *live, const char *name, const char *target,
		  struct error *err)
{
	char *temporary AUTO_FREE = path_in(live, TEMPORARY, err);
	char *path AUTO_FREE = path_in(live, name, err);

	return temporary != NULL && path != NULL && sftp_renew_link(sftp, temporary, target, err) &&
	       sftp_replace(sftp, temporary, path, err);
}

/* ---- looking ---- */

/* A folder, or not there yet. A link to another certificate's would have that one's generations pruned. */
static bool inspect_above(const struct sftp_sight *above, struct error *err)
{
	if (above->itself.kind == SFTP_ABSENT || above->itself.kind == SFTP_DIRECTORY)
		return true;
	(void)error_set(err, ERROR_REMOTE, NULL, "%s is there, but is not a folder of certferry's", above->path);
	error_hint(err, "move it away, or give this server another `dir`");
	return false;
}

static bool inspect_current(struct live_dir *live, struct sftp_sight *current, struct error *err)
{
	if (current->itself.kind == SFTP_ABSENT)
		return true;
	live->current = STEAL(current->target);
	if (live->current != NULL && is_generation(live->current))
		return true;
	(void)error_set(err, ERROR_REMOTE, NULL, "%s is there, but is not a link of certferry's", current->path);
	error_hint(err, "move it away, or give this server another `dir`");
	return false;
}

/* The journal of a transaction that was cut off tells what was good before it. */
static bool inspect_journal(struct sftp *sftp, struct live_dir *live, const struct sftp_sight *journal,
			    const struct sftp_sight *current, struct error *err)
{
	/* A link that leads nowhere is nothing to go back to. */
	const char *now = current->beyond.kind != SFTP_ABSENT ? live->current : NULL;
	const char *target = journal->target;
	struct sftp_entry entry = {.kind = SFTP_ABSENT};

	live->unsettled = target != NULL;
	if (str_equal(target, JOURNAL_NONE))
		return true;
	if (is_generation(target != NULL ? target : "")) {
		char *previous AUTO_FREE = path_in(live, target, err);
		if (previous == NULL || !sftp_look(sftp, previous, true, &entry, err))
			return false;
	}
	return str_set(&live->previous, entry.kind == SFTP_DIRECTORY ? target : now, err);
}

bool live_dir_inspect(struct sftp *sftp, const char *home, struct live_dir *ret, struct error *err)
{
	enum { HOME, ABOVE, CURRENT, PREVIOUS, SIGHTS };
	struct live_dir live CLEANUP(live_dir_done) = {0};
	struct sftp_sight sights[SIGHTS] = {0};
	bool ok = false;

	if (!str_set(&live.home, home, err))
		return false;
	char *above AUTO_FREE = path_in(&live, "generations", err);
	char *current AUTO_FREE = path_in(&live, "current", err);
	char *journal AUTO_FREE = path_in(&live, JOURNAL, err);
	if (above != NULL && current != NULL && journal != NULL) {
		sights[HOME].path = home;
		sights[ABOVE].path = above;
		sights[CURRENT].path = current;
		sights[PREVIOUS].path = journal;
		ok = sftp_survey(sftp, sights, SIGHTS, err) && live_folder_judge_link(&sights[HOME], err) &&
		     inspect_above(&sights[ABOVE], err) && inspect_current(&live, &sights[CURRENT], err) &&
		     inspect_journal(sftp, &live, &sights[PREVIOUS], &sights[CURRENT], err);
		sftp_sights_done(sights, SIGHTS);
	}
	if (!ok)
		return false;
	*ret = live;
	live = (struct live_dir){0};
	return true;
}

void live_dir_done(struct live_dir *live)
{
	free(live->home);
	free(live->current);
	free(live->previous);
	free(live->fresh);
	*live = (struct live_dir){0};
}

/* The names that readers use, as they are now. */
struct names {
	char *paths[LIVE_FILES_MAX];
	struct sftp_sight sights[LIVE_FILES_MAX];
	bool ours[LIVE_FILES_MAX]; /* a link of ours, wherever it ends */
	size_t count;
};

static void names_done(struct names *names)
{
	sftp_sights_done(names->sights, names->count);
	for (size_t i = 0; i < names->count; i++)
		free(names->paths[i]);
}

static bool look_at_names(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			  struct names *ret, struct error *err)
{
	for (ret->count = 0; ret->count < files->count; ret->count++) {
		ret->paths[ret->count] = path_in(live, files->list[ret->count].name, err);
		ret->sights[ret->count] = (struct sftp_sight){.path = ret->paths[ret->count]};
		if (ret->paths[ret->count] == NULL)
			return false;
	}
	if (!sftp_survey(sftp, ret->sights, ret->count, err))
		return false;
	for (size_t i = 0; i < ret->count; i++) {
		char *want AUTO_FREE = str_format(err, "current/%s", files->list[i].name);
		if (want == NULL)
			return false;
		ret->ours[i] = str_equal(ret->sights[i].target, want);
	}
	return true;
}

static bool owner_is(const struct sftp_entry *entry, struct sftp_owner owner)
{
	return (owner.uid < 0 || entry->uid == (uint32_t)owner.uid) &&
	       (owner.gid < 0 || entry->gid == (uint32_t)owner.gid);
}

bool live_dir_holds(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
		    struct sftp_owner owner, bool *ret, struct error *err)
{
	struct names names CLEANUP(names_done) = {0};
	struct sftp_file wanted[LIVE_FILES_MAX];

	*ret = false;
	if (live->current == NULL)
		return true;
	if (!look_at_names(sftp, live, files, &names, err))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		const struct live_file *file = &files->list[i];
		const struct sftp_entry *entry = &names.sights[i].beyond;
		if (!names.ours[i] || entry->kind != SFTP_FILE || entry->mode != file->mode || !owner_is(entry, owner))
			return true;
		wanted[i] = (struct sftp_file){names.paths[i], file->data, file->len, file->mode};
	}
	return sftp_files_hold(sftp, wanted, files->count, ret, err);
}

/* ---- generations ---- */

/* "generations/LABEL", or LABEL.2, LABEL.3: of three names one is neither live nor what we may have to go back to. */
static char *free_generation(const struct live_dir *live, const char *label, struct error *err)
{
	for (unsigned number = 1;; number++) {
		char *name = number == 1 ? str_format(err, GENERATIONS "%s", label)
					 : str_format(err, GENERATIONS "%s.%u", label, number);
		if (name == NULL || (!str_equal(name, live->current) && !str_equal(name, live->previous)))
			return name;
		free(name);
	}
}

/* An empty directory for a generation: what an unfinished one left behind is removed first. */
static bool create_generation(struct sftp *sftp, const struct live_dir *live, const char *generation, struct error *err)
{
	char *path AUTO_FREE = path_in(live, generation, err);

	return path != NULL && remove_generation(sftp, path, err) && sftp_create_directories(sftp, path, err);
}

static bool flush_generation(struct sftp *sftp, const struct live_dir *live, const char *generation, struct error *err)
{
	char *path AUTO_FREE = path_in(live, generation, err);
	char *above AUTO_FREE = path_in(live, GENERATIONS, err);
	const char *both[] = {path, above};

	return path != NULL && above != NULL && sftp_flush_directories(sftp, both, ARRAY_LEN(both), err);
}

static bool create_files(struct sftp *sftp, const struct live_dir *live, const char *generation,
			 const struct live_files *files, struct sftp_owner owner, struct error *err)
{
	char *paths[LIVE_FILES_MAX] = {0};
	struct sftp_file wanted[LIVE_FILES_MAX];
	bool ok = true;

	for (size_t i = 0; i < files->count && ok; i++) {
		const struct live_file *file = &files->list[i];
		paths[i] = str_format(err, "%s/%s/%s", live->home, generation, file->name);
		wanted[i] = (struct sftp_file){paths[i], file->data, file->len, file->mode};
		ok = paths[i] != NULL;
	}
	ok = ok && sftp_create_files(sftp, wanted, files->count, owner, err);
	for (size_t i = 0; i < files->count; i++)
		free(paths[i]);
	return ok;
}

bool live_dir_upload(struct sftp *sftp, struct live_dir *live, const char *label, const struct live_files *files,
		     struct sftp_owner owner, struct error *err)
{
	live->fresh = free_generation(live, label, err);
	return live->fresh != NULL && live_folder_check(sftp, live->home, err) &&
	       create_generation(sftp, live, live->fresh, err) &&
	       create_files(sftp, live, live->fresh, files, owner, err) &&
	       flush_generation(sftp, live, live->fresh, err);
}

/* ---- taking over ---- */

/* A copy of what NAME leads to. Leads nowhere: no copy. */
static bool copy_name(struct sftp *sftp, const struct live_dir *live, const char *name, const char *generation,
		      struct error *err)
{
	char *from AUTO_FREE = path_in(live, name, err);
	char *to AUTO_FREE = str_format(err, "%s/%s/%s", live->home, generation, name);
	bool found;

	return from != NULL && to != NULL && live_keep(sftp, from, to, &found, err);
}

/* What readers see now becomes a generation of its own, and the live one: nothing changes for names that are links. */
static bool take_snapshot(struct sftp *sftp, struct live_dir *live, const struct live_files *files, struct error *err)
{
	char *generation AUTO_FREE = free_generation(live, "0", err);

	if (generation == NULL || !create_generation(sftp, live, generation, err))
		return false;
	for (size_t i = 0; i < files->count; i++)
		if (!copy_name(sftp, live, files->list[i].name, generation, err))
			return false;
	return flush_generation(sftp, live, generation, err) && point(sftp, live, "current", generation, err) &&
	       str_set(&live->current, generation, err) && str_set(&live->previous, generation, err);
}

bool live_dir_take_over(struct sftp *sftp, struct live_dir *live, const struct live_files *files, struct error *err)
{
	struct names names CLEANUP(names_done) = {0};
	bool foreign[LIVE_FILES_MAX] = {false};
	bool any = false;

	if (!look_at_names(sftp, live, files, &names, err))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		enum sftp_kind beyond = names.sights[i].beyond.kind;
		if (beyond != SFTP_ABSENT && beyond != SFTP_FILE)
			return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no file", names.paths[i]);
		foreign[i] = names.sights[i].itself.kind != SFTP_ABSENT && !names.ours[i];
		any = any || foreign[i];
	}
	if (!any)
		return true;
	if (!take_snapshot(sftp, live, files, err))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		char *target AUTO_FREE = str_format(err, "current/%s", files->list[i].name);
		if (target == NULL || (foreign[i] && !point(sftp, live, files->list[i].name, target, err)))
			return false;
	}
	return true;
}

/* ---- switching ---- */

/* Names that are missing: where `current` has no such file yet they lead nowhere, which a reader cannot tell. */
static bool complete_names(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			   struct error *err)
{
	struct names names CLEANUP(names_done) = {0};

	if (!look_at_names(sftp, live, files, &names, err))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		char *target AUTO_FREE = str_format(err, "current/%s", files->list[i].name);
		if (target == NULL || (names.sights[i].itself.kind == SFTP_ABSENT &&
				       !sftp_create_link(sftp, names.paths[i], target, err)))
			return false;
	}
	return true;
}

static bool flush_home(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	const char *home = live->home;
	return sftp_flush_directories(sftp, &home, 1, err);
}

static bool begin_journal(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	return point(sftp, live, JOURNAL, live->previous != NULL ? live->previous : JOURNAL_NONE, err);
}

bool live_dir_mark(struct sftp *sftp, struct live_dir *live, struct error *err)
{
	if (live->unsettled)
		return true;
	live->unsettled = true;
	return begin_journal(sftp, live, err) && flush_home(sftp, live, err);
}

bool live_dir_switch(struct sftp *sftp, struct live_dir *live, const struct live_files *files, struct error *err)
{
	return begin_journal(sftp, live, err) && complete_names(sftp, live, files, err) &&
	       flush_home(sftp, live, err) && point(sftp, live, "current", live->fresh, err) &&
	       flush_home(sftp, live, err);
}

bool live_dir_moved(const struct live_dir *live)
{
	return live->fresh != NULL || live->unsettled;
}

static bool remove_current(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	char *path AUTO_FREE = path_in(live, "current", err);
	return path != NULL && sftp_remove(sftp, path, err);
}

/* Whether NAME is a link to TARGET. */
static bool leads_to(struct sftp *sftp, const struct live_dir *live, const char *name, const char *target, bool *ret,
		     struct error *err)
{
	char *found AUTO_FREE = NULL;
	char *path AUTO_FREE = path_in(live, name, err);

	if (path == NULL || !sftp_read_link(sftp, path, &found, err))
		return false;
	*ret = found != NULL && str_equal(found, target);
	return true;
}

/* A full disk must not keep us from going back: without room for another link the journal, which is one, is taken. */
static bool point_back(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	char *journal AUTO_FREE = path_in(live, JOURNAL, err);
	char *current AUTO_FREE = path_in(live, "current", err);
	struct error refused = {0};
	bool there = false;

	if (journal == NULL || current == NULL || !leads_to(sftp, live, "current", live->previous, &there, err))
		return false;
	if (there || point(sftp, live, "current", live->previous, &refused))
		return true;
	if (!sftp_usable(sftp) || !leads_to(sftp, live, JOURNAL, live->previous, &there, err) || !there) {
		*err = refused;
		return false;
	}
	return sftp_replace(sftp, journal, current, err);
}

/* The number a generation's name begins with; false for names that are not of ours. */
static bool generation_number(const char *name, uint64_t *ret)
{
	return name_is_valid(name) && parse_u64(name, strspn(name, "0123456789"), UINT64_MAX, ret);
}

/* Whether GENERATION has all that it had when it was made. Of a snapshot we cannot know more than that it is there. */
static bool is_whole(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
		     const char *generation, bool *ret, struct error *err)
{
	enum { ALWAYS = LIVE_FILES_MAX - 1 }; /* combined.pem may be wanted only now */
	uint64_t number = 0;
	bool snapshot = generation_number(generation + strlen(GENERATIONS), &number) && number == 0;

	*ret = true;
	for (size_t i = 0; i < ALWAYS && *ret; i++) {
		char *path AUTO_FREE =
			snapshot ? path_in(live, generation, err)
				 : str_format(err, "%s/%s/%s", live->home, generation, files->list[i].name);
		struct sftp_entry entry;
		if (path == NULL || !sftp_look(sftp, path, /* follow= */ true, &entry, err))
			return false;
		*ret = entry.kind != SFTP_ABSENT;
	}
	return true;
}

/* Nothing to go back to: what is there instead, and what to do. */
static bool previous_is_gone(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			     struct error *err)
{
	const char *now = live->fresh != NULL ? live->fresh : live->current;
	bool whole = false;

	if (now != NULL && !is_whole(sftp, live, files, now, &whole, err))
		return false;
	(void)error_set(err, ERROR_REMOTE, NULL, "something has removed the previous files meanwhile: %s/%s",
			live->home, live->previous);
	if (whole)
		error_hint(
			err,
			"the new files stay there, key and certificate matching, but unproven; find out what removes "
			"files there (these commands?), then `certferry deploy` tests and loads them");
	else
		error_hint(
			err,
			"the new files are gone too: that server has only what it has loaded, until it is restarted; "
			"find out what removes files there (these commands?), then `certferry deploy` brings them "
			"again");
	return false;
}

bool live_dir_check_previous(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			     struct error *err)
{
	bool whole = true;

	if (live->previous != NULL && !is_whole(sftp, live, files, live->previous, &whole, err))
		return false;
	return whole || previous_is_gone(sftp, live, files, err);
}

bool live_dir_switch_back(struct sftp *sftp, const struct live_dir *live, const struct live_files *files,
			  struct error *err)
{
	struct names names CLEANUP(names_done) = {0};
	bool ok = live->previous != NULL ? point_back(sftp, live, err) : remove_current(sftp, live, err);

	/* Names the previous generation does not have were not there before: none is left leading nowhere. */
	ok = ok && look_at_names(sftp, live, files, &names, err);
	for (size_t i = 0; i < files->count && ok; i++)
		ok = names.sights[i].beyond.kind != SFTP_ABSENT || names.sights[i].itself.kind == SFTP_ABSENT ||
		     sftp_remove(sftp, names.paths[i], err);
	return ok && flush_home(sftp, live, err);
}

/* ---- the end ---- */

static bool end_journal(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	char *path AUTO_FREE = path_in(live, JOURNAL, err);
	return path != NULL && sftp_remove(sftp, path, err);
}

static int newest_first(const void *a, const void *b)
{
	uint64_t number_a = 0, number_b = 0;
	const char *name_a, *name_b;

	memcpy(&name_a, a, sizeof(name_a));
	memcpy(&name_b, b, sizeof(name_b));
	if (!generation_number(name_a, &number_a) || !generation_number(name_b, &number_b) || number_a == number_b)
		return strcmp(name_b, name_a);
	return number_a < number_b ? 1 : -1;
}

static bool prune(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	const char *now = live->fresh != NULL ? live->fresh : live->current;
	char *above AUTO_FREE = path_in(live, "generations", err);
	size_t kept = 1; /* the live one, wherever it stands in the order */
	uint64_t number;
	bool ok = true; /* one that cannot be removed does not keep the others */

	if (above == NULL || !sftp_list(sftp, above, &names, err))
		return false;
	qsort(names.items, names.len, sizeof(names.items[0]), newest_first);
	for (size_t i = 0; i < names.len; i++) {
		char *path AUTO_FREE = str_format(err, "%s/%s", above, names.items[i]);
		if (path == NULL)
			return false;
		if (!generation_number(names.items[i], &number) || str_equal(names.items[i], now + strlen(GENERATIONS)))
			continue;
		if (kept++ >= LIVE_GENERATIONS_KEPT)
			ok = remove_generation(sftp, path, err) && ok;
	}
	return ok;
}

static bool sweep(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	char *link AUTO_FREE = path_in(live, TEMPORARY, err);
	char *above AUTO_FREE = path_in(live, "generations", err);
	struct sftp_entry entry;
	bool ok = true;

	if (link == NULL || above == NULL || !sftp_remove(sftp, link, err) ||
	    !sftp_look(sftp, above, false, &entry, err))
		return false;
	if (entry.kind != SFTP_DIRECTORY)
		return true;
	if (!sftp_list(sftp, above, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		char *generation AUTO_FREE = str_format(err, GENERATIONS "%s", names.items[i]);
		char *path AUTO_FREE = str_format(err, "%s/%s", above, names.items[i]);
		uint64_t number;
		if (generation == NULL || path == NULL)
			return false;
		if (!generation_number(names.items[i], &number) || str_equal(generation, live->current) ||
		    str_equal(generation, live->previous))
			continue;
		ok = remove_generation(sftp, path, err) && ok;
	}
	return ok;
}

void live_dir_sweep(struct sftp *sftp, const struct live_dir *live)
{
	struct error err = {0};

	if (!sweep(sftp, live, &err))
		log_debug("%s: not swept: %s", live->home, err.message);
}

bool live_dir_settle(struct sftp *sftp, const struct live_dir *live, struct error *err)
{
	return !live_dir_moved(live) || (end_journal(sftp, live, err) && flush_home(sftp, live, err));
}

void live_dir_prune(struct sftp *sftp, const struct live_dir *live)
{
	struct error err = {0};

	if (live_dir_moved(live) && !prune(sftp, live, &err))
		log_debug("%s: not tidied up: %s", live->home, err.message);
}

void live_dir_abandon(struct sftp *sftp, const struct live_dir *live, bool put_back)
{
	struct error err = {0};
	char *fresh AUTO_FREE = live->fresh != NULL ? path_in(live, live->fresh, &err) : NULL;

	if (!live_dir_moved(live))
		return;
	if ((put_back && !end_journal(sftp, live, &err)) || (fresh != NULL && !remove_generation(sftp, fresh, &err)))
		log_debug("%s: not tidied up: %s", live->home, err.message);
}

void live_dir_vanish(struct sftp *sftp, const struct live_dir *live)
{
	struct error err = {0};
	char *above AUTO_FREE = path_in(live, "generations", &err);

	if (live->previous == NULL && above != NULL && sftp_remove_directory(sftp, above, &err) &&
	    sftp_remove_directory(sftp, live->home, &err))
		log_debug("%s: removed, nothing was there before", live->home);
}
