/* SPDX-License-Identifier: Apache-2.0 */
/* Looks, and nothing but looks: what it finds in the way is told with what to do about it. */
#include "transport/site_place.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/sftp.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_LINE = 160 };

char *site_place_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	return str_format(err, "%.*s", (int)(slash - path), path);
}

/* ---- where ---- */

static bool has_folder(struct sftp *sftp, const char *path, bool *ret, struct error *err)
{
	AUTO_FREE char *folder = site_place_folder(path, err);
	struct sftp_entry entry;

	if (folder == NULL || !sftp_look(sftp, folder, /* follow= */ true, &entry, err))
		return false;
	*ret = entry.kind == SFTP_DIRECTORY;
	return true;
}

bool site_place_choose(struct sftp *sftp, const struct site_job *job, size_t *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf tried;
	buf_init(&tried, ERROR_TEXT_MAX / 2);

	for (size_t i = 0; i < job->place_count; i++) {
		const struct site_place *place = &job->places[i];
		bool there = false, linkable = true;
		if (!has_folder(sftp, place->file, &there, err) ||
		    (place->link != NULL && !has_folder(sftp, place->link, &linkable, err)))
			return false;
		if (there && linkable) {
			*ret = i;
			return true;
		}
		buf_printf(&tried, "%s%s", tried.len > 0 ? ", " : "", place->file);
	}
	error_hint(err,
		   "say where its virtual hosts are: servers.%s.vhosts: {available: FOLDER, enabled: FOLDER}; or run "
		   "without --install and put the text where it belongs",
		   job->target.server);
	return error_set(err, ERROR_REMOTE, NULL, "the server has no folder for any of: %s", buf_cstr(&tried));
}

/* ---- what is there ---- */

static size_t common_length(const char *a, const char *b)
{
	size_t len = 0;
	while (a[len] != '\0' && a[len] == b[len])
		len++;
	return len;
}

/* The first line in which A and B differ, each as it stands. */
static void say_difference(const char *a, const char *b, struct error *err)
{
	CLEANUP(buf_done) struct buf words;
	unsigned line = 1;
	size_t begin = 0, end = common_length(a, b);

	buf_init(&words, ERROR_SAID_MAX);
	for (size_t i = 0; i < end; i++) {
		if (a[i] != '\n')
			continue;
		line++;
		begin = i + 1;
	}
	size_t a_len = strcspn(a + begin, "\n"), b_len = strcspn(b + begin, "\n");
	buf_printf(&words, "line %u there: %.*s\nline %u of ours: %.*s", line,
		   (int)(a_len < SHOWN_LINE ? a_len : SHOWN_LINE), a + begin, line,
		   (int)(b_len < SHOWN_LINE ? b_len : SHOWN_LINE), b + begin);
	error_said(err, buf_cstr(&words), words.len);
}

bool site_place_check_content(struct sftp *sftp, const struct site_place *place, const char *text, const char *printed,
			      struct error *err)
{
	CLEANUP(buf_done) struct buf content;
	bool found = false;

	buf_init(&content, LIMIT_REMOTE_FILE);
	if (!sftp_read_file(sftp, place->file, &content, &found, err))
		return false;
	const char *there = buf_cstr(&content);
	if (!found || (content.len == strlen(there) && (str_equal(there, text) || str_equal(there, printed))))
		return true;
	say_difference(there, common_length(there, text) < common_length(there, printed) ? printed : text, err);
	error_hint(err, "nothing was changed; --force replaces it");
	return error_set(err, ERROR_REMOTE, NULL, "%s is there with other content", place->file);
}

/* A link may be absolute, or relative to its folder's parent as Debian's are. */
static bool leads_to(const char *target, const char *file)
{
	size_t target_len = strlen(target), file_len = strlen(file);
	if (str_equal(target, file))
		return true;
	return str_starts(target, "../") && target_len - 2 < file_len &&
	       str_equal(file + file_len - (target_len - 2), target + 2);
}

bool site_place_check_link(struct sftp *sftp, const struct site_place *place, bool *ret_linked, struct error *err)
{
	AUTO_FREE char *target = NULL;
	struct sftp_entry entry;

	*ret_linked = true;
	if (place->link == NULL)
		return true;
	if (!sftp_look(sftp, place->link, /* follow= */ false, &entry, err) ||
	    !sftp_read_link(sftp, place->link, &target, err))
		return false;
	*ret_linked = target != NULL && leads_to(target, place->file);
	if (*ret_linked || entry.kind == SFTP_ABSENT)
		return true;
	error_hint(err, "nothing was changed; remove it if it is of no use any more");
	return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no link to %s", place->link, place->file);
}

/* ---- other sites ---- */

static struct site_claim claim_of(const struct site_job *job)
{
	return (struct site_claim){.dialect = job->dialect,
				   .names = &job->names,
				   .http_port = job->http_port,
				   .https_port = job->verify_port};
}

static void hint_rival(const struct site_job *job, struct error *err)
{
	if (job->dialect == SITE_HAPROXY)
		error_hint(err, "one frontend alone may have a port, or connections go to any of them by chance: give "
				"that one this certificate and these names, with the parts of what is printed without "
				"--install");
	else
		error_hint(err, "of two sites with one name only one is served: take the name out of the other, or "
				"remove that, and run this again");
}

/* What cannot be read, as a link that leads nowhere, is not looked at: that is the web server's test's. */
static bool check_file(struct sftp *sftp, const struct site_job *job, const char *path, struct error *err)
{
	const struct site_claim claim = claim_of(job);
	CLEANUP(buf_done) struct buf content;
	char what[SITE_RIVAL_MAX], shown[SHOWN_LINE];
	struct error unread = {0};
	bool found = false;

	buf_init(&content, LIMIT_REMOTE_FILE);
	if (!sftp_read_file(sftp, path, &content, &found, &unread)) {
		log_debug("%s is not read: %s", path, unread.message);
		if (!sftp_usable(sftp))
			*err = unread;
		return sftp_usable(sftp);
	}
	if (!found || !site_rival_in_file(&claim, buf_cstr(&content), content.len, what))
		return true;
	hint_rival(job, err);
	return error_set(err, ERROR_REMOTE, NULL, "%s has a site for %s already: nothing was changed",
			 escape_str(shown, sizeof(shown), path), what);
}

/* HAProxy's main file is beside its folder. */
static bool check_main_file(struct sftp *sftp, const struct site_job *job, const char *folder, struct error *err)
{
	if (job->dialect != SITE_HAPROXY || strrchr(folder, '/') == folder)
		return true;
	AUTO_FREE char *parent = site_place_folder(folder, err);
	AUTO_FREE char *path = parent != NULL ? str_format(err, "%s/haproxy.cfg", parent) : NULL;
	return path != NULL && check_file(sftp, job, path, err);
}

/* What cannot be listed, as a folder of too many, is the web server's test's too. */
static bool list_folder(struct sftp *sftp, const char *folder, struct str_list *ret, struct error *err)
{
	struct error unlisted = {0};

	if (sftp_list(sftp, folder, ret, &unlisted))
		return true;
	log_debug("%s is not listed: %s", folder, unlisted.message);
	if (!sftp_usable(sftp))
		*err = unlisted;
	return sftp_usable(sftp);
}

bool site_place_check_rivals(struct sftp *sftp, const struct site_job *job, const struct site_place *place,
			     struct deadline until, struct error *err)
{
	const char *read = place->link != NULL ? place->link : place->file, *own = strrchr(read, '/') + 1;
	const char *ending = strrchr(own, '.'), *all = NULL;
	AUTO_FREE char *folder = site_place_folder(read, err);
	CLEANUP(str_list_done) struct str_list names = {0};

	/* Where the files that are read have an ending, others beside them are not read. */
	for (const char *const *known = (const char *const[]){".conf", ".cfg", NULL}; *known != NULL; known++)
		all = ending != NULL && str_equal(ending, *known) ? *known : all;
	if (folder == NULL || !list_folder(sftp, folder, &names, err))
		return false;
	for (size_t i = 0; i < names.len && deadline_left_ms(until) > 0; i++) {
		const char *name = names.items[i];
		if (name[0] == '.' || str_equal(name, own) || (all != NULL && !str_ends(name, all)))
			continue;
		AUTO_FREE char *path = str_format(err, "%s/%s", folder, name);
		if (path == NULL || !check_file(sftp, job, path, err))
			return false;
	}
	return check_main_file(sftp, job, folder, err);
}

bool site_place_check_output(const struct site_job *job, const char *text, size_t len, struct error *err)
{
	const struct site_claim claim = claim_of(job);
	char what[SITE_RIVAL_MAX];

	if (!site_rival_in_output(&claim, text, len, what))
		return true;
	error_said(err, text, len);
	hint_rival(job, err);
	return error_set(err, ERROR_REMOTE, NULL, "there is another site for %s already", what);
}
