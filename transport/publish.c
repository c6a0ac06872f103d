/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes over SFTP, and removes again what was published. */
#include "transport/publish.h"

#include "base/log.h"
#include "base/str.h"
#include "transport/live_folder.h"
#include "transport/remote_room.h"
#include "transport/sftp.h"

#include <stdlib.h>
#include <string.h>

static const char publish_step[] = "publish";
static const char CHALLENGES[] = ".well-known/acme-challenge";

void publish_job_drop_files(struct publish_job *job)
{
	for (size_t i = 0; i < job->file_count; i++) {
		free(job->files[i].name);
		free(job->files[i].content);
	}
	free(job->files);
	job->files = NULL;
	job->file_count = 0;
}

void publish_job_done(struct publish_job *job)
{
	publish_job_drop_files(job);
	free(job->folder);
	ssh_target_done(&job->target);
	*job = (struct publish_job){0};
}

void publication_done(struct publication *publication)
{
	remote_disconnect(&publication->remote);
}

static bool connect_server(struct publication *publication, struct deadline deadline, struct error *err)
{
	return remote_connect(&publication->remote, &publication->job->target, deadline, err);
}

static char *file_path(const struct publish_job *job, const struct publish_file *file, struct error *err)
{
	return str_format(err, "%s/%s/%s", job->folder, CHALLENGES, file->name);
}

static bool make_folder(struct publication *publication, struct error *err)
{
	const struct publish_job *job = publication->job;
	enum { OURS = 2 }; /* of its last folders: the webroot is what the config says */
	struct sftp_entry entry;
	AUTO_FREE char *folder = str_format(err, "%s/%s", job->folder, CHALLENGES);

	if (folder == NULL || !sftp_look(publication->remote.sftp, job->folder, /* follow= */ true, &entry, err))
		return false;
	/* A webroot that is not there is a mistake in the config; a folder made for it would only hide that. */
	if (entry.kind != SFTP_DIRECTORY) {
		error_set(err, ERROR_CONFIG, NULL, "there is no folder %s on %s", job->folder, job->target.server);
		error_hint(err, "`webroot` is the folder that the web server there serves on port 80");
		return false;
	}
	return live_folder_check_links(publication->remote.sftp, folder, OURS, err) &&
	       sftp_create_directories(publication->remote.sftp, folder, err);
}

/*
 * Put into place by a rename, since several servers may share one webroot: each then replaces the same file by the same
 * content, and none finds it half-written or in its way.
 */
static bool write_file(struct publication *publication, const struct publish_file *file, struct error *err)
{
	enum { FILE_MODE = 0644 };
	static const struct sftp_owner as_made = {-1, -1};
	const struct publish_job *job = publication->job;
	struct sftp *sftp = publication->remote.sftp;
	AUTO_FREE char *path = file_path(job, file, err);
	AUTO_FREE char *beside = path != NULL ? str_format(err, "%s.%s", path, job->target.server) : NULL;

	return beside != NULL && sftp_remove(sftp, beside, err) &&
	       sftp_create_file(sftp, beside, file->content, strlen(file->content), FILE_MODE, as_made, err) &&
	       sftp_replace(sftp, beside, path, err);
}

static bool write_files(struct publication *publication, struct error *err)
{
	const struct publish_job *job = publication->job;

	for (size_t i = 0; i < job->file_count; i++) {
		publication->written = i + 1;
		if (!write_file(publication, &job->files[i], err))
			return false;
	}
	return true;
}

bool publish_files(struct publication *publication, struct error *err)
{
	const struct publish_job *job = publication->job;
	struct deadline deadline = deadline_in(job->transfer_ms, NULL);

	if (connect_server(publication, deadline, err) && make_folder(publication, err) &&
	    write_files(publication, err))
		return true;
	if (remote_is_connected(&publication->remote))
		(void)remote_blame_room(publication->remote.sftp, job->folder, "try again", err);
	error_context(err, publish_step, NULL, job->target.server);
	return false;
}

static bool remove_file(struct publication *publication, const struct publish_file *file, struct error *err)
{
	AUTO_FREE char *path = file_path(publication->job, file, err);
	AUTO_FREE char *beside = path != NULL ? str_format(err, "%s.%s", path, publication->job->target.server) : NULL;
	return beside != NULL && sftp_remove(publication->remote.sftp, beside, err) &&
	       sftp_remove(publication->remote.sftp, path, err);
}

/* As many as can be: one that stays must not keep the others. */
static bool remove_files(struct publication *publication, struct error *err)
{
	bool ok = true;
	for (size_t i = 0; i < publication->written; i++)
		ok = remove_file(publication, &publication->job->files[i], err) && ok;
	return ok;
}

bool publish_withdraw(struct publication *publication, struct error *err)
{
	const struct publish_job *job = publication->job;
	struct deadline deadline = deadline_in(job->transfer_ms, NULL);
	struct error cut = {0};

	if (publication->written == 0)
		return true;
	if (remote_is_connected(&publication->remote)) {
		sftp_set_deadline(publication->remote.sftp, deadline);
		if (remove_files(publication, &cut))
			return true;
		/* After minutes of silence a firewall may have forgotten the connection. */
		log_debug("trying again over a new connection: %s", cut.message);
	}
	publication_done(publication);
	if (connect_server(publication, deadline, err) && remove_files(publication, err))
		return true;
	error_context(err, publish_step, NULL, job->target.server);
	return false;
}
