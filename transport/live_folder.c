/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are created by names that must be new, so that a link planted for them is refused and not followed. Where
 * anybody may rename and replace, that is not enough: another one's file would be served, kept and put back as ours.
 */
#include "transport/live_folder.h"

#include "base/log.h"

#include <string.h>

enum { OTHERS_MAY_WRITE = 02, STICKY = 01000 };

/* FOLDER and those that it is in, the nearest first, at most MAX. */
static bool list_ways(const char *folder, size_t max, struct str_list *ret, struct error *err)
{
	char *at AUTO_FREE = str_format(err, "%s", folder);

	if (at == NULL)
		return false;
	for (size_t len = strlen(at); len > 0 && ret->len < max;) {
		while (len > 1 && at[len - 1] == '/')
			len--;
		at[len] = '\0';
		if (!str_list_add(ret, at, err))
			return false;
		len--;
		while (len > 0 && at[len - 1] != '/')
			len--;
	}
	return true;
}

bool live_folder_judge_link(const struct sftp_sight *sight, struct error *err)
{
	uint32_t owner = sight->itself.uid;

	if (sight->itself.kind != SFTP_LINK || owner == 0 || sight->beyond.kind == SFTP_ABSENT ||
	    owner == sight->beyond.uid)
		return true;
	error_hint(err, "remove that link there, or make it root's (`chown -h root %s`) if it is meant", sight->path);
	return error_set(err, ERROR_REMOTE, NULL,
			 "%s is a link by user %u to a folder of user %u's: what goes there would go where somebody "
			 "else wants it",
			 sight->path, (unsigned)owner, (unsigned)sight->beyond.uid);
}

static bool judge_link(const struct sftp_sight *sight, bool nearest, struct error *err)
{
	(void)nearest;
	return live_folder_judge_link(sight, err);
}

/* In a sticky folder nobody renames what is another's: for the way there that will do. */
static bool judge(const struct sftp_sight *sight, bool nearest, struct error *err)
{
	const struct sftp_entry *entry = &sight->beyond;

	if (!live_folder_judge_link(sight, err))
		return false;
	if (entry->kind != SFTP_DIRECTORY || (entry->mode & OTHERS_MAY_WRITE) == 0 ||
	    (!nearest && (entry->mode & STICKY) != 0))
		return true;
	error_hint(err, "`chmod o-w %s` there, or choose another folder", sight->path);
	return error_set(err, ERROR_REMOTE, NULL, "anybody on the server may change what is in %s: its mode is %04o",
			 sight->path, (unsigned)entry->mode);
}

/* Each of FOLDER and those that it is in, at most MAX, must please JUDGE_WAY. */
static bool check_ways(struct sftp *sftp, const char *folder, size_t max,
		       bool (*judge_way)(const struct sftp_sight *, bool nearest, struct error *), struct error *err)
{
	struct str_list ways CLEANUP(str_list_done) = {0};
	struct sftp_sight sights[SFTP_SIGHTS_MAX] = {0};
	struct error untold = {0};

	if (!list_ways(folder, max, &ways, err))
		return false;
	for (size_t i = 0; i < ways.len; i++)
		sights[i].path = ways.items[i];
	bool told = sftp_survey(sftp, sights, ways.len, &untold);
	bool ok = told || sftp_usable(sftp);
	if (!ok)
		*err = untold;
	else if (!told)
		log_debug("%s: not known who may write there: %s", folder, untold.message);
	for (size_t i = 0; i < ways.len && told && ok; i++)
		ok = judge_way(&sights[i], /* nearest= */ i == 0, err);
	sftp_sights_done(sights, ways.len);
	return ok;
}

bool live_folder_check_links(struct sftp *sftp, const char *folder, size_t count, struct error *err)
{
	return check_ways(sftp, folder, count, judge_link, err);
}

bool live_folder_check(struct sftp *sftp, const char *folder, struct error *err)
{
	return check_ways(sftp, folder, SFTP_SIGHTS_MAX, judge, err);
}
