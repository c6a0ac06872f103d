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
#include "transport/live_lock.h"
#include "transport/remote.h"
#include "transport/sftp.h"
#include "transport/site_place.h"
#include "transport/site_text.h"
#include "transport/ssh.h"
#include "transport/tls_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MODE = 0644,
	PROBE_MS = 5000,
	RETRY_MS = 100,
};

/* Not every account has them in its path. */
static const char ask_nginx[] = "PATH=$PATH:/usr/sbin:/usr/local/sbin nginx -V";
static const char ask_haproxy[] = "PATH=$PATH:/usr/sbin:/usr/local/sbin haproxy -vv";

static const char mark_linking[] = "link";

struct transaction {
	const struct site_job *job;
	push_step *step;
	void *ctx;
	struct deadline transfer;
	struct remote remote;
	const struct site_place *place;
	char *text;    /* as this server has it */
	char *printed; /* as one has it of which nothing is known */
	struct live_lock lock;
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
	str_list_done(&job->names);
	free(job->holder);
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

/* An account that may not ask has the form that every version takes. */
static void ask_version(struct transaction *t, struct site_facts *facts)
{
	static const char *const questions[SITE_DIALECTS] = {[SITE_NGINX] = ask_nginx, [SITE_HAPROXY] = ask_haproxy};
	CLEANUP(excerpt_done) struct excerpt output = {0};
	struct ssh_exit ended;
	struct error err = {0};

	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	if (questions[t->job->dialect] == NULL)
		return;
	if (ssh_link_run(t->remote.link, questions[t->job->dialect], t->transfer, &output, &ended, &err))
		site_facts_read(buf_cstr(&output.kept), output.kept.len, facts);
	else
		log_debug("the web server's version is not known: %s", err.message);
}

/* Where Linux has no IPv6 there is no such file, and listening on its addresses fails. */
static bool look_for_ipv6(struct transaction *t, struct site_facts *facts, struct error *err)
{
	struct sftp_entry proc, ipv6;

	if (!sftp_look(t->remote.sftp, "/proc/self/net/dev", /* follow= */ true, &proc, err) ||
	    !sftp_look(t->remote.sftp, "/proc/self/net/if_inet6", /* follow= */ true, &ipv6, err))
		return false;
	facts->no_ipv6 = proc.kind != SFTP_ABSENT && ipv6.kind == SFTP_ABSENT;
	return true;
}

/* Where systems have the CAs that are trusted, all in one file. */
static const char *const trusted_files[] = {
	SITE_TRUSTED_USUAL,                                  /* Debian, Alpine, Arch, Gentoo */
	"/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same, without the older name */
	"/etc/ssl/ca-bundle.pem",                            /* openSUSE */
	"/etc/ssl/cert.pem",                                 /* FreeBSD */
};

static bool look_for_trusted(struct transaction *t, struct site_facts *facts, struct error *err)
{
	struct sftp_entry entry;

	if (strchr(t->job->text, SITE_TRUSTED[0]) == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(trusted_files) && facts->trusted == NULL; i++) {
		if (!sftp_look(t->remote.sftp, trusted_files[i], /* follow= */ true, &entry, err))
			return false;
		if (entry.kind == SFTP_FILE)
			facts->trusted = trusted_files[i];
	}
	return true;
}

static char *render(const struct transaction *t, const struct site_facts *facts, struct error *err)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, LIMIT_REMOTE_FILE);
	site_text_render(t->job->text, facts, &text);
	return buf_take(&text, "virtual host", err);
}

static bool choose_text(struct transaction *t, struct error *err)
{
	static const struct site_facts unknown = {0};
	struct site_facts facts = {0};

	ask_version(t, &facts);
	return look_for_ipv6(t, &facts, err) && look_for_trusted(t, &facts, err) &&
	       (t->text = render(t, &facts, err)) != NULL && (t->printed = render(t, &unknown, err)) != NULL;
}

/*
 * Whoever else installs there takes turns with us: the web server's test is of all its sites, so that one of his which
 * is not tested yet would be ours to answer for.
 */
static bool lock_folder(struct transaction *t, struct error *err)
{
	const struct site_job *job = t->job;
	AUTO_FREE char *folder = site_place_folder(t->place->file, err);

	if (folder == NULL)
		return false;
	return live_lock_take(t->remote.sftp, folder, job->holder, site_longest_ms(job),
			      deadline_within(t->transfer, job->transfer_ms / 2), &t->lock, err);
}

/* A lock of ours that a transaction left which was cut off: it goes with the next one. */
static bool is_lock_left(struct transaction *t, bool *ret, struct error *err)
{
	AUTO_FREE char *folder = site_place_folder(t->place->file, err);
	return folder != NULL && live_lock_is_left_over(t->remote.sftp, folder, t->job->holder, ret, err);
}

static void unlock_folder(struct transaction *t)
{
	struct error err = {0};

	if (t->lock.turn == NULL || !remote_is_connected(&t->remote))
		return;
	sftp_set_deadline(t->remote.sftp, deadline_in(t->job->transfer_ms, NULL));
	if (!live_lock_release(t->remote.sftp, &t->lock, &err))
		log_debug("%s: not unlocked: %s", t->place->file, err.message);
}

static bool choose_place(struct transaction *t, struct error *err)
{
	size_t index = 0;

	if (!site_place_choose(t->remote.sftp, t->job, &index, err))
		return false;
	t->place = &t->job->places[index];
	return true;
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
	/* What we write and keep is older than the mark; whoever mended it by hand came later. */
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

static bool is_unchanged(const struct transaction *t)
{
	bool looked = t->place != NULL && t->copy.path != NULL;
	return looked && !t->healed && !t->marked && !t->copy.unsettled &&
	       (t->job->undo || (t->copy.same && t->linked));
}

/* What is there already, in the place of the new file or its link, may be there. */
static bool check_place(struct transaction *t, struct error *err)
{
	if (t->job->undo)
		return true;
	if (!t->job->force && !site_place_check_content(t->remote.sftp, t->place, t->text, t->printed, err))
		return false;
	return site_place_check_link(t->remote.sftp, t->place, &t->linked, err);
}

/* It reads many files, and leaves as much time for the rest as there was before. */
static bool check_rivals(struct transaction *t, struct error *err)
{
	struct deadline half = deadline_in(t->job->transfer_ms / 2, NULL);

	t->transfer = deadline_in((int64_t)t->job->transfer_ms * 3 / 2, NULL);
	sftp_set_deadline(t->remote.sftp, t->transfer);
	return site_place_check_rivals(t->remote.sftp, t->job, t->place, half, err);
}

/* Where nothing is to be done nothing is written, not even a lock. What is seen under that is what counts. */
static bool compare(struct transaction *t, struct error *err)
{
	if (!choose_text(t, err) || !choose_place(t, err) || !name_mark(t, err) || !inspect(t, err))
		return false;
	if (!t->marked && !check_place(t, err))
		return false;
	if (is_unchanged(t)) {
		bool left_over = false;
		if (!is_lock_left(t, &left_over, err) || !left_over)
			return !error_is_set(err);
	}
	if (!lock_folder(t, err) || !inspect(t, err) || !heal(t, err) || !check_place(t, err))
		return false;
	return t->job->undo || is_unchanged(t) || check_rivals(t, err);
}

/* ---- upload, switch ---- */

static bool upload(struct transaction *t, struct error *err)
{
	static const struct sftp_owner as_made = {-1, -1};
	return t->copy.same || live_copy_upload(t->remote.sftp, &t->copy, as_made, err);
}

static bool switch_over(struct transaction *t, struct error *err)
{
	/* Before the mark, by which a run that comes later tells what we wrote from what somebody mended. */
	if (!t->copy.same && !live_copy_keep(t->remote.sftp, &t->copy, err))
		return false;
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
	CLEANUP(excerpt_done) struct excerpt output;

	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	return remote_run_heard(&t->remote, t->job->test_command, t->job->command_ms, /* cancel= */ NULL, &output,
				err) &&
	       site_place_check_output(t->job, buf_cstr(&output.kept), output.kept.len, err);
}

static bool reload(struct transaction *t, struct error *err)
{
	t->reloaded = true;
	return remote_run(&t->remote, t->job->reload_command, t->job->command_ms, /* cancel= */ NULL, err);
}

/* The site passed its test, and is not what answers. */
static void hint_unserved(const struct transaction *t, bool silent, struct error *err)
{
	const char *file = t->place->link != NULL ? t->place->link : t->place->file;

	if (!silent)
		error_hint(
			err,
			"does the web server's main configuration include %s, and has no other site that address for "
			"itself (as `listen 192.0.2.1:%u` has)?",
			file, (unsigned)t->job->verify_port);
	else
		error_hint(err, "does the web server's main configuration include %s%s?", file,
			   t->job->dialect == SITE_APACHE ? ", and has it a Listen line for that port" : "");
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
	hint_unserved(t, error_is_set(&unseen), err);
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
	unlock_folder(t);
	live_lock_done(&t->lock);
	live_copy_done(&t->copy);
	free(t->text);
	free(t->printed);
	free(t->mark);
	remote_disconnect(&t->remote);
}

int64_t site_longest_ms(const struct site_job *job)
{
	return (int64_t)job->transfer_ms * 5 + remote_run_longest_ms(job->command_ms) * 4 + (int64_t)job->verify_ms * 2;
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
