/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One server's deployment, as a transaction: the table of steps below, run in order. Until "switch" nothing that a
 * reader on the server can see has changed, so a failure only leaves rubbish to remove; from then on a failure puts the
 * previous files back and reloads again. The connection cut at any point, even with us gone, leaves key and certificate
 * matching (live_dir.h), and a journal from which the next run goes on.
 */
#include "transport/push.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/live_copy.h"
#include "transport/live_dir.h"
#include "transport/live_lock.h"
#include "transport/remote.h"
#include "transport/remote_room.h"
#include "transport/sftp.h"
#include "transport/tls_probe.h"

#include <stdlib.h>
#include <string.h>

enum {
	PUBLIC_MODE = 0644,
	PROBE_MS = 5000,        /* one handshake */
	RETRY_FIRST_MS = 50,    /* servers reload asynchronously: ask soon, */
	RETRY_LONGEST_MS = 500, /* then less often */
	SIGHTINGS = 3,          /* in a row: during a graceful reload old workers still answer beside the new ones */
};

/* One certificate's place on the server. */
struct placement {
	const struct push_certificate *certificate;
	struct push_outcome *outcome;
	struct live_files files;
	struct buf combined;  /* fullchain and key in one, where a copy wants it */
	struct live_dir live; /* .home NULL: only copies are written */
	struct live_copy *copies;
	size_t copy_count; /* of those inspected */
	bool live_same;    /* the directory has these files already */
	bool littered;     /* a transaction of ours was cut off there */
	bool made_home;    /* the directory was not there */
	bool wanted;       /* there is something to do */
	struct live_lock lock;
};

struct transaction {
	const struct push_job *job;
	push_step *step;
	void *ctx;
	struct deadline transfer; /* for everything but commands and verification */
	struct remote remote;
	struct sftp_owner owner;
	struct placement *placements; /* certificate_count */
	bool compared;                /* it is known what there is to do */
	bool mute;                    /* where certificates are served, nobody answered in time */
	bool unchanged;               /* nothing, for any of them */
	bool switched;                /* what readers see may have changed */
	bool reloaded;                /* a reload was at least begun */
};

static bool blame(struct error *err, const struct placement *placement)
{
	error_context(err, NULL, placement->certificate->name, NULL);
	return false;
}

/* The same where something was to be written, which wants room. */
static bool blame_writing(struct transaction *t, const struct placement *placement, struct error *err)
{
	static const char then[] = "`certferry deploy` tries again at once";
	struct sftp *sftp = t->remote.sftp;
	bool told = placement->live.home != NULL && remote_blame_room(sftp, placement->live.home, then, err);

	for (size_t i = 0; i < placement->copy_count && !told; i++)
		told = remote_blame_room(sftp, placement->copies[i].path, then, err);
	return blame(err, placement);
}

/* ---- connect ---- */

static bool connect_server(struct transaction *t, struct error *err)
{
	struct deadline deadline = deadline_within(t->transfer, t->job->transfer_ms);

	if (!remote_connect(&t->remote, &t->job->target, deadline, err))
		return false;
	if (sftp_offers(t->remote.sftp, SFTP_HAS_POSIX_RENAME))
		return true;
	(void)error_set(err, ERROR_REMOTE, NULL,
			"the server's SFTP lacks posix-rename@openssh.com: files could not be "
			"replaced atomically");
	error_hint(err, "use OpenSSH's sftp-server or internal-sftp");
	return false;
}

/* So much from now on for what is done with one certificate: a server that stalls is not waited for longer. */
static void allow_time(struct transaction *t)
{
	sftp_set_deadline(t->remote.sftp, deadline_within(t->transfer, t->job->transfer_ms));
}

/* ---- compare ---- */

static void describe_files(const struct push_job *job, struct placement *p)
{
	const struct push_certificate *c = p->certificate;
	buf_init(&p->combined, LIMIT_REMOTE_FILE);
	buf_str(&p->combined, c->fullchain);
	buf_append(&p->combined, c->privkey.data, c->privkey.len);
	p->files = (struct live_files){
		.list = {{"cert.pem", c->cert, strlen(c->cert), PUBLIC_MODE},
			 {"chain.pem", c->chain, strlen(c->chain), PUBLIC_MODE},
			 {"fullchain.pem", c->fullchain, strlen(c->fullchain), PUBLIC_MODE},
			 {"privkey.pem", c->privkey.data, c->privkey.len, job->key_mode},
			 {"combined.pem", buf_cstr(&p->combined), p->combined.len, job->key_mode}},
		.count = job->combined ? LIVE_FILES_MAX : LIVE_FILES_MAX - 1,
	};
}

/* The directory's files are in the order of the kinds. */
static struct live_file copy_source(const struct push_job *job, const struct placement *p, enum push_file file)
{
	const struct secret *pkcs12 = &p->certificate->pkcs12;

	if (file == PUSH_FILE_PKCS12)
		return (struct live_file){"pkcs12", pkcs12->data, pkcs12->len, job->key_mode};
	return p->files.list[file];
}

/* One handshake: is the new leaf served? What was seen goes into the outcome. */
static bool is_served(struct transaction *t, struct placement *p, int64_t ms, struct error *err)
{
	const struct push_job *job = t->job;
	struct deadline deadline = deadline_in(ms < PROBE_MS ? ms : PROBE_MS, NULL);
	const struct tls_probe_target target = {
		.address = job->verify_address,
		.addresses = &job->verify_addresses,
		.port = job->verify_port,
		.server_name = p->certificate->server_name,
		.starttls = job->verify_starttls,
	};
	struct tls_probe_result seen;

	p->outcome->served_sha256[0] = '\0';
	if (!remote_look(&t->remote, &target, job->verify_through_jump, deadline, &seen, err))
		return false;
	memcpy(p->outcome->served_sha256, seen.fingerprint_sha256, sizeof(seen.fingerprint_sha256));
	return str_equal(seen.fingerprint_sha256, p->certificate->fingerprint_sha256);
}

static bool compare_directory(struct transaction *t, struct placement *p, struct error *err)
{
	char *home AUTO_FREE = NULL;

	p->live_same = true;
	if (t->job->dir == NULL)
		return true;
	home = str_format(err, "%s/%s", t->job->dir, p->certificate->name);
	return home != NULL && live_lock_is_left_over(t->remote.sftp, home, t->job->holder, &p->littered, err) &&
	       live_dir_inspect(t->remote.sftp, home, &p->live, err) &&
	       live_dir_holds(t->remote.sftp, &p->live, &p->files, t->owner, &p->live_same, err);
}

static bool compare_copies(struct transaction *t, struct placement *p, struct error *err)
{
	const struct push_certificate *c = p->certificate;

	p->copies = calloc(c->copy_count + 1, sizeof(p->copies[0]));
	if (p->copies == NULL)
		return error_oom(err);
	for (; p->copy_count < c->copy_count; p->copy_count++) {
		const struct push_copy *copy = &c->copies[p->copy_count];
		struct live_file source = copy_source(t->job, p, copy->file);
		if (!live_copy_inspect(t->remote.sftp, copy->path, source.data, source.len, source.mode, t->owner,
				       &p->copies[p->copy_count], err))
			return false;
	}
	return true;
}

/*
 * Is what is there served as well? A port where nobody answers is waited for once, and not for all the time: that it
 * cannot be seen is verify()'s to say.
 */
static bool is_served_already(struct transaction *t, struct placement *p)
{
	struct error unseen = {0};

	if (t->mute)
		return false;
	bool served = is_served(t, p, deadline_left_ms(t->transfer) / 2, &unseen);
	t->mute = unseen.category == ERROR_TIMEOUT;
	return served;
}

static bool compare_placement(struct transaction *t, struct placement *p, struct error *err)
{

	describe_files(t->job, p);
	if (!buf_check(&p->combined, "combined PEM", err) || !compare_directory(t, p, err) ||
	    !compare_copies(t, p, err))
		return blame(err, p);
	if (t->job->force)
		p->live_same = false;
	p->wanted = !p->live_same || p->live.unsettled;
	for (size_t i = 0; i < p->copy_count; i++) {
		if (t->job->force)
			p->copies[i].same = false;
		p->wanted = p->wanted || !p->copies[i].same || p->copies[i].unsettled;
	}
	if (!p->wanted && t->job->verify && !is_served_already(t, p))
		p->wanted = true;
	return true;
}

/* What was compared, forgotten. */
static void placement_done(struct placement *p)
{
	for (size_t j = 0; j < p->copy_count; j++)
		live_copy_done(&p->copies[j]);
	free(p->copies);
	p->copies = NULL;
	p->copy_count = 0;
	live_dir_done(&p->live);
	buf_done(&p->combined);
}

static void sweep(struct transaction *t, struct placement *p)
{
	live_dir_sweep(t->remote.sftp, &p->live);
	for (size_t i = 0; i < p->copy_count; i++)
		live_copy_sweep(t->remote.sftp, &p->copies[i]);
	p->littered = false;
}

static bool lock_directory(struct transaction *t, struct placement *p, bool *ret_waited, struct error *err)
{
	const struct push_job *job = t->job;
	struct deadline half = deadline_within(t->transfer, job->transfer_ms / 2);
	struct sftp_entry entry;

	if (!sftp_look(t->remote.sftp, p->live.home, true, &entry, err))
		return false;
	p->made_home = p->made_home || entry.kind == SFTP_ABSENT || (p->littered && p->live.current == NULL);
	if ((entry.kind != SFTP_DIRECTORY && !sftp_create_directories(t->remote.sftp, p->live.home, err)) ||
	    !live_lock_take(t->remote.sftp, p->live.home, job->holder, push_longest_ms(job), half, &p->lock, err))
		return false;
	p->littered = p->littered || p->lock.left_over;
	*ret_waited = p->lock.waited;
	return true;
}

static void unlock_directory(struct transaction *t, struct placement *p)
{
	struct error err = {0};

	if (p->lock.turn != NULL && !live_lock_release(t->remote.sftp, &p->lock, &err))
		log_debug("%s: not unlocked: %s", p->live.home, err.message);
}

/* Nothing to do but to take away what was left by a transaction that was cut off. */
static void sweep_unchanged(struct transaction *t, struct placement *p)
{
	struct error err = {0};
	bool waited;

	allow_time(t);
	if (!lock_directory(t, p, &waited, &err)) {
		log_debug("%s: not swept: %s", p->live.home, err.message);
		return;
	}
	if (!waited)
		sweep(t, p);
	unlock_directory(t, p);
}

/* What is there already? Whatever is, and is served, is left alone. */
static bool compare(struct transaction *t, struct error *err)
{
	const struct push_job *job = t->job;

	if ((job->owner != NULL && !remote_find_account(&t->remote, REMOTE_USER, job->owner, &t->owner.uid, err)) ||
	    (job->group != NULL && !remote_find_account(&t->remote, REMOTE_GROUP, job->group, &t->owner.gid, err)))
		return false;
	bool unchanged = true;
	for (size_t i = 0; i < job->certificate_count; i++) {
		allow_time(t);
		if (!compare_placement(t, &t->placements[i], err))
			return false;
		unchanged = unchanged && !t->placements[i].wanted;
	}
	for (size_t i = 0; i < job->certificate_count; i++)
		if (!t->placements[i].wanted && t->placements[i].littered)
			sweep_unchanged(t, &t->placements[i]);
	t->unchanged = unchanged;
	t->compared = true;
	return true;
}

/* ---- upload ---- */

/* Whether `current` is where it was: others may have been here between the look and the lock. */
static bool is_as_seen(struct transaction *t, const struct placement *p, bool *ret, struct error *err)
{
	struct live_dir now CLEANUP(live_dir_done) = {0};

	if (!live_dir_inspect(t->remote.sftp, p->live.home, &now, err))
		return false;
	*ret = (now.current == p->live.current || str_equal(now.current, p->live.current)) &&
	       now.unsettled == p->live.unsettled;
	return true;
}

/* From here to the end the directory is ours alone; what has changed since it was looked at is looked at again. */
static bool lock(struct transaction *t, struct placement *p, struct error *err)
{
	bool waited = false, same = true;

	allow_time(t);
	if (!lock_directory(t, p, &waited, err) || (!waited && !is_as_seen(t, p, &same, err)))
		return false;
	if (waited || !same) {
		bool littered = p->littered;
		placement_done(p);
		if (!compare_placement(t, p, err))
			return false;
		p->littered = littered;
	}
	if (p->littered)
		sweep(t, p);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct placement *const *first = a, *const *second = b;
	return strcmp((*first)->certificate->name, (*second)->certificate->name);
}

/* In the order of names, so that two that lock several cannot each wait for the other. */
static bool lock_all(struct transaction *t, struct error *err)
{
	size_t count = t->job->certificate_count;
	struct placement **sorted AUTO_FREE = calloc(count + 1, sizeof(struct placement *));

	if (sorted == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &t->placements[i];
	qsort(sorted, count, sizeof(struct placement *), by_name);
	for (size_t i = 0; i < count; i++)
		if (sorted[i]->wanted && sorted[i]->live.home != NULL && !lock(t, sorted[i], err))
			return blame_writing(t, sorted[i], err);
	t->unchanged = true;
	for (size_t i = 0; i < count; i++)
		t->unchanged = t->unchanged && !t->placements[i].wanted;
	return true;
}

static bool upload_directory(struct transaction *t, struct placement *p, struct error *err)
{
	const struct push_certificate *c = p->certificate;
	char *label AUTO_FREE = str_format(err, "%llu-%.8s", (unsigned long long)c->generation, c->fingerprint_sha256);

	return label != NULL && live_dir_upload(t->remote.sftp, &p->live, label, &p->files, t->owner, err) &&
	       live_dir_take_over(t->remote.sftp, &p->live, &p->files, err);
}

/* Everything new arrives beside what is live. */
static bool upload(struct transaction *t, struct error *err)
{
	if (!lock_all(t, err))
		return false;
	for (size_t i = 0; i < t->job->certificate_count && !t->unchanged; i++) {
		struct placement *p = &t->placements[i];
		allow_time(t);
		if (!p->live_same && !upload_directory(t, p, err))
			return blame_writing(t, p, err);
		for (size_t j = 0; j < p->copy_count; j++)
			if (!p->copies[j].same && !live_copy_upload(t->remote.sftp, &p->copies[j], t->owner, err))
				return blame_writing(t, p, err);
	}
	return true;
}

/* ---- switch ---- */

static bool switch_over(struct transaction *t, struct error *err)
{
	t->switched = true;
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		allow_time(t);
		if (p->live.fresh != NULL && !live_dir_switch(t->remote.sftp, &p->live, &p->files, err))
			return blame_writing(t, p, err);
		for (size_t j = 0; j < p->copy_count; j++)
			if (p->copies[j].staged && !live_copy_switch(t->remote.sftp, &p->copies[j], err))
				return blame_writing(t, p, err);
	}
	return true;
}

/* ---- test and reload ---- */

static bool test(struct transaction *t, struct error *err)
{
	return remote_run(&t->remote, t->job->test_command, t->job->command_ms, err);
}

static bool reload(struct transaction *t, struct error *err)
{
	t->reloaded = true;
	return remote_run(&t->remote, t->job->reload_command, t->job->command_ms, err);
}

/* ---- verify ---- */

static bool not_served(const struct push_job *job, const struct placement *p, const struct error *unseen,
		       struct error *err)
{
	const struct push_certificate *c = p->certificate;
	const char *served = p->outcome->served_sha256;

	if (served[0] == '\0') {
		*err = *unseen;
		remote_hint_unseen(job->verify_address, job->verify_port, job->verify_through_jump, err);
		return blame(err, p);
	}
	(void)error_set(err, ERROR_REMOTE, NULL,
			"%s port %u still serves the certificate with SHA-256 fingerprint %s for "
			"%s, not the new one (%s)",
			job->verify_address, (unsigned)job->verify_port, served, c->server_name, c->fingerprint_sha256);
	if (job->dir != NULL)
		error_hint(
			err,
			"does the server's configuration for %s name %s/%s/%s, may the server read them, and does the "
			"reload command reload it?",
			c->server_name, job->dir, c->name,
			job->combined ? "combined.pem" : "fullchain.pem and privkey.pem");
	return blame(err, p);
}

/* Until the new leaf is seen once. *MISSED, where it was not at first. */
static bool await_served(struct transaction *t, struct placement *p, struct deadline deadline, bool *missed,
			 struct error *err)
{
	int64_t pause = RETRY_FIRST_MS;

	for (;;) {
		struct error unseen = {0}, ended = {0};
		if (is_served(t, p, deadline_left_ms(deadline), &unseen))
			return true;
		*missed = true;
		/* What a jump host forbids it forbids for good. */
		if (unseen.category == ERROR_REMOTE || !deadline_sleep(deadline, pause, NULL, &ended))
			return not_served(t->job, p, &unseen, err);
		pause = pause * 2 < RETRY_LONGEST_MS ? pause * 2 : RETRY_LONGEST_MS;
	}
}

static bool look_at_each(struct transaction *t, struct deadline deadline, bool *missed, struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct deadline patience = deadline_within(deadline, t->job->verify_ms);
		if (t->placements[i].wanted && !await_served(t, &t->placements[i], patience, missed, err))
			return false;
	}
	return true;
}

/* A handshake, as a client makes it, is the only proof. All are looked at in rounds: a pause serves for all of them. */
static bool verify(struct transaction *t, struct error *err)
{
	struct deadline deadline = deadline_in((int64_t)t->job->verify_ms * (int64_t)t->job->certificate_count, NULL);
	struct error ended = {0};

	for (int round = 0; t->job->verify && round < SIGHTINGS;) {
		bool missed = false;
		if (!look_at_each(t, deadline, &missed, err))
			return false;
		round = missed ? 1 : round + 1;
		if (round < SIGHTINGS && !deadline_sleep(deadline, RETRY_FIRST_MS, NULL, &ended))
			break; /* each of them was seen */
	}
	return true;
}

/* ---- the transaction ---- */

static const struct step {
	const char *name;
	bool (*run)(struct transaction *, struct error *);
} steps[] = {
	{"connect", connect_server}, {"compare", compare}, {"upload", upload}, {"switch", switch_over}, {"test", test},
	{"reload", reload},          {"verify", verify},
};

static void announce(const struct transaction *t, const char *step)
{
	log_debug("%s: %s", t->job->target.server, step);
	if (t->step != NULL)
		t->step(t->ctx, step);
}

static bool run_steps(struct transaction *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(steps) && !t->unchanged; i++) {
		announce(t, steps[i].name);
		if (!steps[i].run(t, err)) {
			error_context(err, steps[i].name, NULL, t->job->target.server);
			return false;
		}
	}
	return true;
}

static bool placement_moved(const struct placement *p)
{
	bool moved = live_dir_moved(&p->live);

	for (size_t i = 0; i < p->copy_count; i++)
		moved = moved || p->copies[i].unsettled;
	return moved;
}

static bool switch_back(struct transaction *t, struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		allow_time(t);
		if (live_dir_moved(&p->live) && !live_dir_switch_back(t->remote.sftp, &p->live, &p->files, err))
			return blame(err, p);
		for (size_t j = 0; j < p->copy_count; j++)
			if (!live_copy_switch_back(t->remote.sftp, &p->copies[j], err))
				return blame(err, p);
	}
	return true;
}

/* ERR stays the first cause, and says how undoing went wrong too. */
static void add_second_cause(struct error *err, const char *what, const struct error *second, const char *hint)
{
	error_reword(err, "%s; %s: %s", err->message, what, second->message);
	error_said(err, second->said, strlen(second->said));
	err->hint[0] = '\0';
	error_hint(err, "%s", hint);
}

/*
 * What failed may have been the connection, without having been noticed: a command that did not end in time may be one
 * whose end was never heard of. So half of the time is for the connection that is there, and the rest for another one.
 */
static bool switch_back_somehow(struct transaction *t, struct error *err)
{
	struct deadline whole = deadline_in(push_transfer_ms(t->job), NULL);
	struct error lost = {0};

	if (remote_is_connected(&t->remote)) {
		t->transfer = deadline_within(whole, push_transfer_ms(t->job) / 2);
		if (switch_back(t, &lost))
			return true;
	}
	if (remote_is_connected(&t->remote)) {
		*err = lost;
		return false;
	}
	t->transfer = whole;
	remote_disconnect(&t->remote);
	return connect_server(t, err) && switch_back(t, err);
}

/* The files that were live before live again, and reloaded. False when they could not be put back. */
static bool roll_back(struct transaction *t, struct error *err)
{
	struct error second = {0};

	announce(t, "roll-back");
	if (!switch_back_somehow(t, &second)) {
		add_second_cause(
			err, "and putting the previous files back failed", &second,
			"look at this server now: its files are the new ones or the previous ones, key and certificate "
			"matching; the next run will try again");
		return false;
	}
	if (t->reloaded && !reload(t, &second))
		add_second_cause(err, "the previous files are back, but reloading them failed too", &second,
				 second.hint[0] != '\0' ? second.hint
							: "log in there and find out why the reload command fails");
	return true;
}

/* What to do, where what failed does not say it: first of all to know what is live now. */
static void advise(const struct transaction *t, bool rolled_back, struct error *err)
{
	if (!t->switched)
		error_hint(err, "nothing that is live there was changed; `certferry deploy` tries again at once");
	else if (rolled_back)
		error_hint(err, "the previous files are live again; `certferry deploy` tries once more");
}

/* Rubbish and journals go, as far as the connection still lets us; what stays, the next run finds. */
static void tidy_up(struct transaction *t, bool deployed)
{
	if (!remote_is_connected(&t->remote))
		return;
	t->transfer = deadline_in(push_transfer_ms(t->job), NULL);
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		allow_time(t);
		if (deployed)
			live_dir_settle(t->remote.sftp, &p->live);
		else
			live_dir_abandon(t->remote.sftp, &p->live, t->switched);
		for (size_t j = 0; j < p->copy_count; j++)
			(t->switched ? live_copy_settle : live_copy_abandon)(t->remote.sftp, &p->copies[j]);
		unlock_directory(t, p);
		if (!deployed && p->made_home)
			live_dir_vanish(t->remote.sftp, &p->live);
	}
}

static bool begin(struct transaction *t, struct push_outcome *outcomes, struct error *err)
{
	t->placements = calloc(t->job->certificate_count + 1, sizeof(t->placements[0]));
	if (t->placements == NULL)
		return error_oom(err);
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		t->placements[i].certificate = &t->job->certificates[i];
		t->placements[i].outcome = &outcomes[i];
		outcomes[i] = (struct push_outcome){.result = PUSH_FAILED};
	}
	t->owner = (struct sftp_owner){-1, -1};
	t->transfer = deadline_in(push_transfer_ms(t->job), NULL);
	return true;
}

static void end(struct transaction *t)
{
	remote_disconnect(&t->remote);
	for (size_t i = 0; t->placements != NULL && i < t->job->certificate_count; i++) {
		placement_done(&t->placements[i]);
		live_lock_done(&t->placements[i].lock);
	}
	free(t->placements);
}

/* What was seen while the new files were live is not what is served now that they were taken back. */
static void forget_new_leaf(struct placement *p)
{
	if (p->outcome->result == PUSH_ROLLED_BACK &&
	    str_equal(p->outcome->served_sha256, p->certificate->fingerprint_sha256))
		p->outcome->served_sha256[0] = '\0';
}

/* On failure every certificate of the job shares the cause, but for those that there was nothing to do for. */
static void report(struct transaction *t, bool ok, bool rolled_back, const struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		if (t->compared && !p->wanted) {
			p->outcome->result = PUSH_UNCHANGED;
		} else if (ok) {
			p->outcome->result = PUSH_DEPLOYED;
		} else {
			p->outcome->result = rolled_back && placement_moved(p) ? PUSH_ROLLED_BACK : PUSH_FAILED;
			p->outcome->error = *err;
			error_context(&p->outcome->error, NULL, p->certificate->name, NULL);
			forget_new_leaf(p);
		}
	}
}

bool push_run(const struct push_job *job, push_step *step, void *ctx, struct push_outcome *outcomes, struct error *err)
{
	struct transaction t CLEANUP(end) = {.job = job, .step = step, .ctx = ctx};
	bool rolled_back = false;

	if (!begin(&t, outcomes, err))
		return false;
	bool ok = run_steps(&t, err);
	if (!ok && t.switched)
		rolled_back = roll_back(&t, err);
	if (ok || !t.switched || rolled_back)
		tidy_up(&t, ok);
	if (!ok)
		advise(&t, rolled_back, err);
	report(&t, ok, rolled_back, err);
	return ok;
}
