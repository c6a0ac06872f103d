/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a deployment up to where something would change, and what can be seen of the others. Nothing is written:
 * what may be written is found out by remote_rights.h.
 */
#include "transport/rehearsal.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/log.h"
#include "transport/live_dir.h"
#include "transport/live_folder.h"
#include "transport/remote.h"
#include "transport/remote_rights.h"
#include "transport/remote_room.h"
#include "transport/sftp.h"
#include "transport/ssh.h"
#include "transport/tls_probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	PROBE_MS = 5000,           /* one handshake */
	ROOM_NEEDED = 1024 * 1024, /* for generations of a few certificates */
};

struct rehearsal {
	const struct rehearsal_job *job;
	const struct rehearsal_watch *watch;
	struct deadline transfer; /* for everything but the command and the handshakes */
	struct remote remote;
	struct remote_identity identity;
	size_t hops_passed;
	int64_t begun_ms;                 /* of the step under way */
	struct rehearsal_finding finding; /* of it */
	struct error *err;                /* the first failure */
};

static const char *user(const struct rehearsal *r)
{
	return r->job->push.target.sudo ? "root" : r->job->push.target.user;
}

/* What is to be said of the step, as foreign as its parts may be. The first sentence counts. */
static void say(struct rehearsal *r, enum rehearsal_result result, const char *format, ...) PRINTF_LIKE(3, 4);
static void say(struct rehearsal *r, enum rehearsal_result result, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	if (r->finding.detail[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->finding.result = result;
	escape_str(r->finding.detail, sizeof(r->finding.detail), text);
}

static void begin(struct rehearsal *r, const char *step)
{
	r->finding = (struct rehearsal_finding){.step = step};
	r->begun_ms = clock_monotonic_ms();
	log_debug("%s: %s", r->job->push.target.server, step);
	if (r->watch->begun != NULL)
		r->watch->begun(r->watch->ctx, step);
}

/* The step ended: with FAILURE, unless that is empty. */
static void finish(struct rehearsal *r, const struct error *failure)
{
	struct rehearsal_finding *finding = &r->finding;

	finding->ms = (uint32_t)(clock_monotonic_ms() - r->begun_ms);
	if (error_is_set(failure)) {
		finding->result = REHEARSAL_FAILED;
		finding->detail[0] = '\0';
		finding->error = *failure;
		error_context(&finding->error, finding->step, /* certificate= */ NULL, r->job->push.target.server);
		if (!error_is_set(r->err))
			*r->err = finding->error;
	}
	if (r->watch->ended != NULL)
		r->watch->ended(r->watch->ctx, finding);
}

/* ---- the way there ---- */

/* A part ended, and the next one begins. */
static void on_part(void *ctx, const char *part, const char *detail)
{
	static const char *const parts[] = {"resolve", "connect", "host-key", "login"};
	static const struct error none = {0};
	struct rehearsal *r = ctx;

	say(r, REHEARSAL_OK, "%s", detail);
	finish(r, &none);
	if (str_equal(part, "jump")) {
		r->hops_passed++;
		begin(r, r->hops_passed < r->job->push.target.hop_count ? "jump" : parts[0]);
		return;
	}
	for (size_t i = 0; i + 1 < ARRAY_LEN(parts); i++)
		if (str_equal(parts[i], part)) {
			begin(r, parts[i + 1]);
			return;
		}
}

static bool log_in(struct rehearsal *r)
{
	const struct ssh_watch watch = {r, on_part};
	struct error failure = {0};

	begin(r, r->job->push.target.hop_count > 0 ? "jump" : "resolve");
	if (remote_log_in(&r->remote, &r->job->push.target, &watch, r->transfer, &failure))
		return true;
	finish(r, &failure);
	return false;
}

static bool start_sftp(struct rehearsal *r, struct error *err)
{
	const struct push_job *job = &r->job->push;

	if (!remote_start_sftp(&r->remote, r->transfer, err))
		return false;
	if (!sftp_offers(r->remote.sftp, SFTP_HAS_POSIX_RENAME)) {
		(void)error_set(
			err, ERROR_REMOTE, NULL,
			"the server's SFTP lacks posix-rename@openssh.com: files could not be replaced atomically");
		error_hint(err, "use OpenSSH's sftp-server or internal-sftp");
		return false;
	}
	if (!sftp_offers(r->remote.sftp, SFTP_HAS_FSYNC))
		say(r, REHEARSAL_WARNING, "it lacks fsync@openssh.com: after a power cut files may be lost there");
	say(r, REHEARSAL_OK, "files are replaced atomically and flushed%s",
	    job->target.sudo ? "; it runs as root, through sudo" : "");
	return remote_identify(&r->remote, &r->identity, err);
}

/* ---- files ---- */

static bool may_not_write(const struct rehearsal *r, const char *folder, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "user %s may not write in %s", user(r), folder);
	if (!r->job->push.target.sudo)
		error_hint(err, "let user %s write there, or set `sudo: true` for this server", user(r));
	return false;
}

static bool need_writable(struct rehearsal *r, const char *folder, struct error *err)
{
	enum remote_access access;

	if (!remote_may_change(&r->remote, &r->identity, folder, &access, err))
		return false;
	if (access == REMOTE_MAY_NOT)
		return may_not_write(r, folder, err);
	if (access == REMOTE_UNCLEAR)
		say(r, REHEARSAL_WARNING, "whether user %s may write in %s cannot be told without trying", user(r),
		    folder);
	return true;
}

/* Where one certificate's files would go. */
static bool check_home(struct rehearsal *r, const char *name, bool *ret_there, struct error *err)
{
	struct live_dir live CLEANUP(live_dir_done) = {0};
	char *home AUTO_FREE = str_format(err, "%s/%s", r->job->push.dir, name);
	char *nearest AUTO_FREE = NULL;

	if (home == NULL || !remote_nearest_directory(r->remote.sftp, home, &nearest, ret_there, err) ||
	    !need_writable(r, nearest, err) || !live_folder_check(r->remote.sftp, home, err))
		return false;
	return !*ret_there || live_dir_inspect(r->remote.sftp, home, &live, err);
}

static bool check_directory(struct rehearsal *r, struct error *err)
{
	const struct rehearsal_job *job = r->job;
	const char *dir = job->push.dir;
	char *nearest AUTO_FREE = NULL;
	size_t there = 0;
	bool is_there = false;

	if (dir == NULL) {
		say(r, REHEARSAL_SKIPPED, "only copies are written");
		return true;
	}
	for (size_t i = 0; i < job->certificate_count; i++) {
		const char *name = job->certificates[i].name;
		if (!check_home(r, name, &is_there, err)) {
			error_context(err, /* step= */ NULL, name, /* server= */ NULL);
			return false;
		}
		there += is_there;
	}
	if (!remote_nearest_directory(r->remote.sftp, dir, &nearest, &is_there, err) ||
	    (job->certificate_count == 0 && !need_writable(r, nearest, err)))
		return false;
	say(r, REHEARSAL_OK, "%s %s; certificates' directories: %zu there, %zu would be made", dir,
	    is_there ? "is there and can be written to" : "would be made", there, job->certificate_count - there);
	return true;
}

static bool check_copy(struct rehearsal *r, const char *path, struct error *err)
{
	char *folder AUTO_FREE = str_format(err, "%s", path);
	struct sftp_entry entry;

	if (folder == NULL)
		return false;
	char *slash = strrchr(folder, '/');
	slash[slash == folder ? 1 : 0] = '\0';
	if (!sftp_look(r->remote.sftp, folder, /* follow= */ true, &entry, err))
		return false;
	if (entry.kind != SFTP_DIRECTORY) {
		(void)error_set(err, ERROR_REMOTE, NULL, "there is no directory %s for %s", folder, path);
		error_hint(err, "make it there, or correct `files` of this server");
		return false;
	}
	if (!sftp_look(r->remote.sftp, path, /* follow= */ false, &entry, err))
		return false;
	if (entry.kind == SFTP_DIRECTORY || entry.kind == SFTP_OTHER)
		return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no file", path);
	return need_writable(r, folder, err) && live_folder_check(r->remote.sftp, folder, err);
}

static bool check_copies(struct rehearsal *r, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < r->job->certificate_count; i++) {
		const struct rehearsal_certificate *certificate = &r->job->certificates[i];
		for (size_t j = 0; j < certificate->copies.len; j++, count++) {
			if (check_copy(r, certificate->copies.items[j], err))
				continue;
			error_context(err, /* step= */ NULL, certificate->name, /* server= */ NULL);
			return false;
		}
	}
	if (count == 0)
		say(r, REHEARSAL_SKIPPED, "there are none");
	say(r, REHEARSAL_OK, "%zu can be written", count);
	return true;
}

/* Challenges would go there, into folders that are made where they are missing. The webroot itself must be there. */
static bool check_webroot(struct rehearsal *r, const char *webroot, struct error *err)
{
	char *folder AUTO_FREE = str_format(err, "%s/.well-known/acme-challenge", webroot);
	char *nearest AUTO_FREE = NULL;
	struct sftp_entry entry;
	bool there = false;

	if (folder == NULL || !sftp_look(r->remote.sftp, webroot, /* follow= */ true, &entry, err))
		return false;
	if (entry.kind != SFTP_DIRECTORY) {
		(void)error_set(err, ERROR_REMOTE, NULL, "there is no directory %s", webroot);
		error_hint(err, "`webroot` is the folder that the web server there serves on port 80");
		return false;
	}
	return live_folder_check_links(r->remote.sftp, folder, /* count= */ 2, err) &&
	       remote_nearest_directory(r->remote.sftp, folder, &nearest, &there, err) &&
	       need_writable(r, nearest, err);
}

static bool check_webroots(struct rehearsal *r, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < r->job->certificate_count; i++) {
		const struct rehearsal_certificate *certificate = &r->job->certificates[i];
		if (certificate->webroot == NULL)
			continue;
		count++;
		if (check_webroot(r, certificate->webroot, err))
			continue;
		error_context(err, /* step= */ NULL, certificate->name, /* server= */ NULL);
		return false;
	}
	if (count == 0)
		say(r, REHEARSAL_SKIPPED, "no certificate is validated through this server");
	say(r, REHEARSAL_OK, "challenges can be written; certificates: %zu", count);
	return true;
}

/* Only root gives files away; a group may be given by its members. */
static bool check_owner(struct rehearsal *r, struct error *err)
{
	const struct push_job *job = &r->job->push;
	const struct remote_identity *identity = &r->identity;
	int64_t uid = -1, gid = -1;

	if (job->owner == NULL && job->group == NULL) {
		say(r, REHEARSAL_SKIPPED, "files stay user %s's", user(r));
		return true;
	}
	if ((job->owner != NULL && !remote_find_account(&r->remote, REMOTE_USER, job->owner, &uid, err)) ||
	    (job->group != NULL && !remote_find_account(&r->remote, REMOTE_GROUP, job->group, &gid, err)))
		return false;
	bool limited = identity->known && identity->uid != 0;
	if (limited && uid >= 0 && identity->uid != (uint32_t)uid)
		(void)error_set(err, ERROR_REMOTE, NULL, "user %s may not give files to user %s", user(r), job->owner);
	else if (limited && gid >= 0 && !remote_identity_has_group(identity, (uint32_t)gid))
		(void)error_set(err, ERROR_REMOTE, NULL, "user %s may not give files to group %s, being no member",
				user(r), job->group);
	if (error_is_set(err)) {
		error_hint(err, "set `sudo: true` for this server, or leave out `owner` and `group`");
		return false;
	}
	say(r, REHEARSAL_OK, "%s%s%s", job->owner != NULL ? job->owner : "", job->group != NULL ? ":" : "",
	    job->group != NULL ? job->group : "");
	return true;
}

static bool check_space(struct rehearsal *r, struct error *err)
{
	enum { MIB = 1024 * 1024 };
	struct sftp_space space;
	char *nearest AUTO_FREE = NULL;
	bool there = false, known = false;
	const char *dir = r->job->push.dir != NULL ? r->job->push.dir : "/";
	struct error nowhere = {0}; /* told by the step before */

	if (!remote_nearest_directory(r->remote.sftp, dir, &nearest, &there, &nowhere)) {
		say(r, REHEARSAL_SKIPPED, "there is no directory to look at");
		return remote_is_connected(&r->remote) || (*err = nowhere, false);
	}
	if (!remote_has_room(r->remote.sftp, nearest, ROOM_NEEDED, &space, &known, err))
		return false;
	if (!known) {
		say(r, REHEARSAL_SKIPPED, "the server's SFTP does not tell");
		return true;
	}
	say(r, REHEARSAL_OK, "%llu MiB are free", (unsigned long long)(space.bytes / MIB));
	return true;
}

/* ---- commands ---- */

static bool run_test(struct rehearsal *r, struct error *err)
{
	const struct push_job *job = &r->job->push;

	if (job->test_command == NULL) {
		say(r, REHEARSAL_SKIPPED, "there is no test_command");
		return true;
	}
	if (!remote_run(&r->remote, job->test_command, job->command_ms, /* cancel= */ NULL, err))
		return false;
	say(r, REHEARSAL_OK, "`%s` ended well", job->test_command);
	return true;
}

static bool tell_reload(struct rehearsal *r, struct error *err)
{
	const char *command = r->job->push.reload_command;

	(void)err;
	if (command == NULL)
		say(r, REHEARSAL_SKIPPED, "there is no reload_command");
	say(r, REHEARSAL_SKIPPED, "`%s` was not run", command != NULL ? command : "");
	return true;
}

/* ---- what is served ---- */

/* One certificate's name: what is served for it, in a few words behind those of the others. */
static bool look_served(struct rehearsal *r, const struct rehearsal_certificate *certificate, struct buf *out,
			bool *ret_other, struct error *err)
{
	const struct push_job *job = &r->job->push;
	const struct tls_probe_target target = {
		.address = job->verify_address,
		.addresses = &job->verify_addresses,
		.port = job->verify_port,
		.server_name = certificate->server_name,
		.starttls = job->verify_starttls,
	};
	struct tls_probe_result seen;
	char until[RFC3339_SIZE];

	if (!remote_look(&r->remote, &target, job->verify_through_jump, deadline_in(PROBE_MS, NULL), &seen, err)) {
		remote_hint_unseen(job->verify_address, job->verify_port, job->verify_through_jump, err);
		error_context(err, /* step= */ NULL, certificate->name, /* server= */ NULL);
		return false;
	}
	bool live = str_equal(seen.fingerprint_sha256, certificate->fingerprint_sha256);
	*ret_other = *ret_other || (!live && certificate->fingerprint_sha256[0] != '\0');
	if (out->len < ERROR_TEXT_MAX / 2)
		buf_printf(out, "%s%s for %s, until %.10s", out->len > 0 ? "; " : "",
			   live ? "the live certificate" : "another certificate", certificate->server_name,
			   rfc3339_format(seen.not_after, until));
	return true;
}

static bool look_at_served(struct rehearsal *r, struct error *err)
{
	const struct rehearsal_job *job = r->job;
	struct buf text CLEANUP(buf_done);
	bool other = false;

	buf_init(&text, ERROR_TEXT_MAX);
	if (!job->push.verify || job->certificate_count == 0) {
		say(r, REHEARSAL_SKIPPED, "%s",
		    job->push.verify ? "no certificate is meant for this server" : "`verify` is not configured");
		return true;
	}
	for (size_t i = 0; i < job->certificate_count; i++)
		if (!look_served(r, &job->certificates[i], &text, &other, err))
			return false;
	say(r, other ? REHEARSAL_WARNING : REHEARSAL_OK, "%s port %u serves %s", job->push.verify_address,
	    (unsigned)job->push.verify_port, buf_cstr(&text));
	return true;
}

/* ---- all of it ---- */

static const struct step {
	const char *name;
	bool (*run)(struct rehearsal *r, struct error *err);
	bool uses_sftp;
} steps[] = {
	{"sftp", start_sftp, false},    {"owner", check_owner, true},      {"directory", check_directory, true},
	{"copies", check_copies, true}, {"webroot", check_webroots, true}, {"space", check_space, true},
	{"test", run_test, true},       {"reload", tell_reload, false},    {"verify", look_at_served, false},
};

static void run_steps(struct rehearsal *r)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct error failure = {0};
		if (steps[i].uses_sftp && !remote_is_connected(&r->remote))
			continue;
		begin(r, steps[i].name);
		if (steps[i].run(r, &failure))
			error_clear(&failure);
		finish(r, &failure);
	}
}

int64_t rehearsal_longest_ms(const struct rehearsal_job *job)
{
	return push_transfer_for_ms(&job->push, job->certificate_count) + remote_run_longest_ms(job->push.command_ms) +
	       PROBE_MS * ((int64_t)job->certificate_count + 1);
}

bool rehearsal_run(const struct rehearsal_job *job, const struct rehearsal_watch *watch, struct error *err)
{
	struct rehearsal r = {.job = job, .watch = watch, .err = err};

	r.transfer = deadline_in(push_transfer_for_ms(&job->push, job->certificate_count), NULL);
	if (log_in(&r))
		run_steps(&r);
	remote_disconnect(&r.remote);
	return !error_is_set(err);
}
