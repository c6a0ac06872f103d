/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps are those of a deployment (push.c), with one file that live_copy.h replaces and puts back, and a link.
 * Until "switch" nothing has changed that the web server reads. From there to its end a mark beside the file tells
 * that a transaction is under way, and whether the link is its own. Where one was cut off, whoever comes next puts back
 * what was there before, since what was cut off may never have been tested. So a transaction undoes what it finds
 * there, not what it remembers; and removing the mark is what makes it final.
 */
#include "transport/site.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/live_copy.h"
#include "transport/remote.h"
#include "transport/sftp.h"
#include "transport/ssh.h"
#include "transport/tls_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MODE = 0644,
	HTTP2_DIRECTIVE_SINCE = 1025001, /* nginx 1.25.1 */
	PROBE_MS = 5000,
	RETRY_MS = 100,
	SHOWN_LINE = 160,
};

/* Not every account has it in its path. */
static const char ask_version[] = "PATH=$PATH:/usr/sbin:/usr/local/sbin nginx -v";

static const char mark_linking[] = "link";

struct transaction {
	const struct site_job *job;
	push_step *step;
	void *ctx;
	struct deadline transfer;
	struct remote remote;
	const struct site_place *place;
	const char *text; /* the one for this server */
	struct live_copy copy;
	char *mark;    /* its path: a link that leads to one of the words below */
	bool marked;   /* it is there */
	bool linking;  /* it says that the link is made in this transaction */
	bool theirs;   /* the file was changed by somebody else since */
	bool linked;   /* the link is there already */
	bool healed;   /* what a transaction that was cut off had replaced was put back */
	bool switched; /* what the web server reads may have changed */
	bool reloaded; /* a reload was at least begun */
};

void site_job_done(struct site_job *job)
{
	if (job == NULL)
		return;
	for (size_t i = 0; i < job->place_count; i++) {
		free(job->places[i].file);
		free(job->places[i].link);
	}
	free(job->places);
	ssh_target_done(&job->target);
	free(job->text);
	free(job->newer_text);
	free(job->test_command);
	free(job->reload_command);
	free(job->verify_address);
	str_list_done(&job->verify_addresses);
	free(job->server_name);
	*job = (struct site_job){0};
}

/* ---- connect ---- */

static bool connect_server(struct transaction *t, struct error *err)
{
	t->transfer = deadline_in(t->job->transfer_ms, NULL);
	return remote_connect(&t->remote, &t->job->target, t->transfer, err);
}

/* ---- compare ---- */

uint32_t site_nginx_version(const char *text, size_t len)
{
	static const char name[] = "nginx/";
	enum { PARTS = 3, PART_MAX = 999 };
	const char *at = memmem(text, len, name, strlen(name));
	uint32_t version = 0;

	if (at == NULL)
		return 0;
	at += strlen(name);
	for (int part = 0; part < PARTS; part++) {
		size_t digits = 0;
		uint64_t number = 0;
		while (at + digits < text + len && at[digits] >= '0' && at[digits] <= '9')
			digits++;
		if (!parse_u64(at, digits, PART_MAX, &number))
			return 0;
		version = version * (PART_MAX + 1) + (uint32_t)number;
		at += digits;
		if (part + 1 < PARTS && (at == text + len || *at++ != '.'))
			return 0;
	}
	return version;
}

/* An account that may not ask has the form that every version takes. */
static void choose_text(struct transaction *t)
{
	CLEANUP(excerpt_done) struct excerpt output = {0};
	struct ssh_exit ended;
	struct error err = {0};

	t->text = t->job->text;
	if (t->job->newer_text == NULL)
		return;
	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	if (!ssh_link_run(t->remote.link, ask_version, t->transfer, &output, &ended, &err)) {
		log_debug("nginx's version is not known: %s", err.message);
		return;
	}
	if (site_nginx_version(buf_cstr(&output.kept), output.kept.len) >= HTTP2_DIRECTIVE_SINCE)
		t->text = t->job->newer_text;
}

/* Whether the folder that PATH is in is there. */
static bool has_folder(struct transaction *t, const char *path, bool *ret, struct error *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = NULL;
	struct sftp_entry entry;

	if (!str_set_n(&folder, path, (size_t)(slash - path), err) ||
	    !sftp_look(t->remote.sftp, folder, /* follow= */ true, &entry, err))
		return false;
	*ret = entry.kind == SFTP_DIRECTORY;
	return true;
}

static bool choose_place(struct transaction *t, struct error *err)
{
	CLEANUP(buf_done) struct buf tried;
	buf_init(&tried, ERROR_TEXT_MAX / 2);

	for (size_t i = 0; i < t->job->place_count; i++) {
		const struct site_place *place = &t->job->places[i];
		bool there = false, linkable = true;
		if (!has_folder(t, place->file, &there, err) ||
		    (place->link != NULL && !has_folder(t, place->link, &linkable, err)))
			return false;
		if (there && linkable) {
			t->place = place;
			return true;
		}
		buf_printf(&tried, "%s%s", tried.len > 0 ? ", " : "", place->file);
	}
	error_hint(err,
		   "say where its virtual hosts are: servers.%s.vhosts: {available: FOLDER, enabled: FOLDER}; or run "
		   "without --install and put the text where it belongs",
		   t->job->target.server);
	return error_set(err, ERROR_REMOTE, NULL, "the server has no folder for any of: %s", buf_cstr(&tried));
}

/* The first line in which A and B differ, each as it stands. */
static void say_difference(const char *a, const char *b, struct error *err)
{
	CLEANUP(buf_done) struct buf words;
	unsigned line = 1;
	const char *x = a, *y = b;

	buf_init(&words, ERROR_SAID_MAX);
	for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
		if (a[i] != '\n')
			continue;
		line++;
		x = a + i + 1;
		y = b + i + 1;
	}
	size_t x_len = strcspn(x, "\n"), y_len = strcspn(y, "\n");
	buf_printf(&words, "line %u there: %.*s\nline %u of ours: %.*s", line,
		   (int)(x_len < SHOWN_LINE ? x_len : SHOWN_LINE), x, line,
		   (int)(y_len < SHOWN_LINE ? y_len : SHOWN_LINE), y);
	error_said(err, buf_cstr(&words), words.len);
}

/* What somebody wrote by hand stays, unless he says otherwise. */
static bool check_content(struct transaction *t, struct error *err)
{
	CLEANUP(buf_done) struct buf content;
	bool found = false;

	buf_init(&content, LIMIT_REMOTE_FILE);
	if (t->job->force || !sftp_read_file(t->remote.sftp, t->place->file, &content, &found, err))
		return t->job->force;
	if (!found || (content.len == strlen(t->text) && memcmp(buf_cstr(&content), t->text, content.len) == 0))
		return true;
	say_difference(buf_cstr(&content), t->text, err);
	error_hint(err, "nothing was changed; --force replaces it");
	return error_set(err, ERROR_REMOTE, NULL, "%s is there with other content", t->place->file);
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

static bool check_link(struct transaction *t, struct error *err)
{
	AUTO_FREE char *target = NULL;
	struct sftp_entry entry;

	if (t->place->link == NULL) {
		t->linked = true;
		return true;
	}
	if (!sftp_look(t->remote.sftp, t->place->link, /* follow= */ false, &entry, err) ||
	    !sftp_read_link(t->remote.sftp, t->place->link, &target, err))
		return false;
	t->linked = target != NULL && leads_to(target, t->place->file);
	if (t->linked || entry.kind == SFTP_ABSENT)
		return true;
	error_hint(err, "nothing was changed; remove it if it is of no use any more");
	return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no link to %s", t->place->link, t->place->file);
}

/* "<folder>/.<file>.certferry-begun" */
static bool name_mark(struct transaction *t, struct error *err)
{
	const char *file = t->place->file, *slash = strrchr(file, '/');
	free(t->mark);
	t->mark = str_format(err, "%.*s/.%s.certferry-begun", (int)(slash - file), file, slash + 1);
	return t->mark != NULL;
}

static bool inspect(struct transaction *t, struct error *err)
{
	static const struct sftp_owner as_made = {-1, -1};
	struct sftp *sftp = t->remote.sftp;
	struct sftp_entry file, mark;
	AUTO_FREE char *word = NULL;

	live_copy_done(&t->copy);
	if (!live_copy_inspect(sftp, t->place->file, t->text, strlen(t->text), FILE_MODE, as_made, &t->copy, err) ||
	    !sftp_look(sftp, t->mark, /* follow= */ false, &mark, err))
		return false;
	t->marked = mark.kind != SFTP_ABSENT;
	if (!t->marked)
		return true;
	if (!sftp_look(sftp, t->place->file, /* follow= */ false, &file, err) ||
	    !sftp_read_link(sftp, t->mark, &word, err))
		return false;
	t->linking = str_equal(word, mark_linking);
	/* What we write is older than the mark; whoever mended it by hand came later. */
	t->theirs = file.kind != SFTP_ABSENT && file.modified > mark.modified;
	return true;
}

/* What was there before the transaction is there again. The link goes first: it must lead somewhere. */
static bool put_back(struct transaction *t, struct error *err)
{
	struct sftp *sftp = t->remote.sftp;
	if (!t->marked)
		return true;
	if ((t->linking && !sftp_remove(sftp, t->place->link, err)) || !live_copy_switch_back(sftp, &t->copy, err) ||
	    !sftp_remove(sftp, t->mark, err))
		return false;
	t->marked = false;
	return true;
}

/* The transaction is final. */
static bool settle(struct transaction *t, struct error *err)
{
	if (!live_copy_flush(t->remote.sftp, &t->copy, err) ||
	    (t->marked && !sftp_remove(t->remote.sftp, t->mark, err)))
		return false;
	t->marked = false;
	live_copy_settle(t->remote.sftp, &t->copy);
	t->copy.unsettled = false;
	return true;
}

/*
 * A transaction that was cut off: whether it was proven is not known, nor whether the web server has read it. Whatever
 * comes of this run, what is there in the end is reloaded.
 */
static bool heal(struct transaction *t, struct error *err)
{
	if (!t->marked || t->theirs) {
		live_copy_sweep(t->remote.sftp, &t->copy);
		return settle(t, err);
	}
	t->switched = true;
	t->reloaded = true;
	if (!put_back(t, err))
		return false;
	live_copy_sweep(t->remote.sftp, &t->copy);
	if (!inspect(t, err))
		return false;
	t->healed = true;
	return true;
}

static bool compare(struct transaction *t, struct error *err)
{
	choose_text(t);
	return choose_place(t, err) && name_mark(t, err) && inspect(t, err) && heal(t, err) &&
	       (t->job->undo || (check_content(t, err) && check_link(t, err)));
}

static bool is_unchanged(const struct transaction *t)
{
	bool looked = t->place != NULL && t->copy.path != NULL;
	return looked && !t->healed && (t->job->undo || (t->copy.same && !t->copy.unsettled && t->linked));
}

/* ---- upload, switch ---- */

static bool upload(struct transaction *t, struct error *err)
{
	static const struct sftp_owner as_made = {-1, -1};
	return t->copy.same || live_copy_upload(t->remote.sftp, &t->copy, as_made, err);
}

static bool switch_over(struct transaction *t, struct error *err)
{
	t->switched = true;
	t->marked = true;
	t->linking = !t->linked;
	if (!sftp_create_link(t->remote.sftp, t->mark, t->linking ? mark_linking : "file", err))
		return false;
	if (!t->copy.same && !live_copy_switch(t->remote.sftp, &t->copy, err))
		return false;
	return t->linked || sftp_create_link(t->remote.sftp, t->place->link, t->place->file, err);
}

/* ---- test, reload, verify ---- */

static bool test(struct transaction *t, struct error *err)
{
	return remote_run(&t->remote, t->job->test_command, t->job->command_ms, /* cancel= */ NULL, err);
}

static bool reload(struct transaction *t, struct error *err)
{
	t->reloaded = true;
	return remote_run(&t->remote, t->job->reload_command, t->job->command_ms, /* cancel= */ NULL, err);
}

/* A config that nothing includes passes every test: only a handshake tells. */
static bool verify(struct transaction *t, struct error *err)
{
	const struct site_job *job = t->job;
	const struct tls_probe_target target = {.address = job->verify_address,
						.addresses = &job->verify_addresses,
						.port = job->verify_port,
						.server_name = job->server_name};
	struct deadline deadline = deadline_in(job->verify_ms, NULL);
	struct tls_probe_result seen = {0};
	struct error unseen, ended = {0};

	if (job->verify_address == NULL)
		return true;
	do {
		error_clear(&unseen);
		if (remote_look(&t->remote, &target, job->verify_through_jump, deadline_within(deadline, PROBE_MS),
				&seen, &unseen) &&
		    str_equal(seen.fingerprint_sha256, job->fingerprint_sha256))
			return true;
		/* What a jump host forbids it forbids for good. */
	} while (unseen.category != ERROR_REMOTE && deadline_sleep(deadline, RETRY_MS, NULL, &ended));
	*err = unseen;
	if (unseen.category == ERROR_REMOTE)
		return false;
	err->hint[0] = '\0';
	error_hint(err, "does the web server's main configuration include %s?",
		   t->place->link != NULL ? t->place->link : t->place->file);
	return error_set(err, ERROR_REMOTE, NULL,
			 "%s port %u serves another certificate for %s (SHA-256 %s) than the one that is live here",
			 job->verify_address, (unsigned)job->verify_port, job->server_name, seen.fingerprint_sha256);
}

/* ---- the transaction ---- */

static const struct step {
	const char *name;
	bool (*run)(struct transaction *, struct error *);
} steps[] = {
	{"connect", connect_server}, {"compare", compare}, {"upload", upload}, {"switch", switch_over}, {"test", test},
	{"reload", reload},          {"verify", verify},
};

static const struct step undoing[] = {{"connect", connect_server}, {"roll-back", compare}, {"reload", reload}};

static void announce(const struct transaction *t, const char *step)
{
	if (t->step != NULL)
		t->step(t->ctx, step);
}

static bool run_steps(struct transaction *t, struct error *err)
{
	const struct step *todo = t->job->undo ? undoing : steps;
	size_t count = t->job->undo ? ARRAY_LEN(undoing) : ARRAY_LEN(steps);
	for (size_t i = 0; i < count && !is_unchanged(t); i++) {
		announce(t, todo[i].name);
		if (!todo[i].run(t, err)) {
			error_context(err, todo[i].name, NULL, t->job->target.server);
			return false;
		}
	}
	return true;
}

static bool undo(struct transaction *t, struct error *err)
{
	announce(t, "roll-back");
	if (!remote_is_connected(&t->remote)) { /* what failed may have been the connection */
		remote_disconnect(&t->remote);
		if (!connect_server(t, err))
			return false;
	}
	sftp_set_deadline(t->remote.sftp, deadline_in(t->job->transfer_ms, NULL));
	return put_back(t, err);
}

/* ERR stays the first cause; what went wrong while undoing it goes behind it, with the advice that it brought. */
static bool roll_back(struct transaction *t, struct error *err)
{
	struct error second = {0};
	bool back = undo(t, &second), reloads = back && (!t->reloaded || reload(t, &second));

	if (back && reloads) {
		error_hint(err, "what was there before is there again");
		return true;
	}
	char advice[ERROR_TEXT_MAX];
	(void)snprintf(advice, sizeof(advice), "%s", second.hint[0] != '\0' ? second.hint : err->hint);
	err->hint[0] = '\0';
	error_hint(
		err, "look at this server now: %s failed too: %s%s%s",
		back ? "what was there before is there again, but reloading it" : "putting back what was there before",
		second.message, advice[0] != '\0' ? "; " : "", advice);
	return back;
}

/* Rubbish and what was kept go, as far as the connection still lets us. */
static void tidy_up(struct transaction *t)
{
	struct error err = {0};

	if (!remote_is_connected(&t->remote) || t->copy.path == NULL)
		return;
	sftp_set_deadline(t->remote.sftp, deadline_in(t->job->transfer_ms, NULL));
	if (!t->switched)
		live_copy_abandon(t->remote.sftp, &t->copy);
	else if (!settle(t, &err))
		log_debug("%s: not tidied up: %s", t->mark, err.message);
}

static void end(struct transaction *t)
{
	live_copy_done(&t->copy);
	free(t->mark);
	remote_disconnect(&t->remote);
}

int64_t site_longest_ms(const struct site_job *job)
{
	return (int64_t)job->transfer_ms * 3 + remote_run_longest_ms(job->command_ms) * 4 + (int64_t)job->verify_ms * 2;
}

bool site_run(const struct site_job *job, push_step *step, void *ctx, struct site_outcome *ret)
{
	struct transaction t CLEANUP(end) = {.job = job, .step = step, .ctx = ctx};
	struct site_outcome outcome = {.result = PUSH_FAILED};
	bool back = false;

	bool ok = run_steps(&t, &outcome.error);
	if (ok)
		outcome.result = is_unchanged(&t) ? PUSH_UNCHANGED : PUSH_DEPLOYED;
	else if (t.switched && (back = roll_back(&t, &outcome.error)))
		outcome.result = PUSH_ROLLED_BACK;
	if (ok || !t.switched || back)
		tidy_up(&t);
	outcome.healed = t.healed;
	if (t.place != NULL)
		outcome.place = (uint32_t)(t.place - job->places);
	*ret = outcome;
	return ok;
}
