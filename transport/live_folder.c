/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are created by names that must be new, so that a link planted for them is refused and not followed. Where
 * anybody may rename and replace, that is not enough: another one's file would be served, kept and put back as ours.
 */
#include "transport/live_folder.h"

#include "base/log.h"

#include <string.h>

enum { OTHERS_MAY_WRITE = 02, STICKY = 01000 };

/* FOLDER and those that it is in, the nearest first. */
static bool list_ways(const char *folder, struct str_list *ret, struct error *err)
{
	char *at AUTO_FREE = str_format(err, "%s", folder);

	if (at == NULL)
		return false;
	for (size_t len = strlen(at); len > 0 && ret->len < SFTP_SIGHTS_MAX;) {
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

/* In a sticky folder nobody renames what is another's: for the way there that will do. */
static bool judge(const struct sftp_sight *sight, bool nearest, struct error *err)
{
	const struct sftp_entry *entry = &sight->beyond;

	if (entry->kind != SFTP_DIRECTORY || (entry->mode & OTHERS_MAY_WRITE) == 0 ||
	    (!nearest && (entry->mode & STICKY) != 0))
		return true;
	error_hint(err, "`chmod o-w %s` there, or choose another folder", sight->path);
	return error_set(err, ERROR_REMOTE, NULL, "anybody on the server may change what is in %s: its mode is %04o",
			 sight->path, (unsigned)entry->mode);
}

bool live_folder_check(struct sftp *sftp, const char *folder, struct error *err)
{
	struct str_list ways CLEANUP(str_list_done) = {0};
	struct sftp_sight sights[SFTP_SIGHTS_MAX] = {0};
	struct error untold = {0};

	if (!list_ways(folder, &ways, err))
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
		ok = judge(&sights[i], /* nearest= */ i == 0, err);
	sftp_sights_done(sights, ways.len);
	return ok;
}
