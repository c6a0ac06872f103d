/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate's place on the server: what shall be there, what is, and whether that is the same. */
#include "base/limits.h"
#include "transport/push_transaction.h"

#include <stdlib.h>
#include <string.h>

enum { PUBLIC_MODE = 0644 };

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
		/* The journal of the whole is the directory's: without it, what is kept beside a copy is a leftover. */
		if (p->live.home != NULL && !p->live.unsettled)
			live_copy_outdate(&p->copies[p->copy_count]);
	}
	return true;
}

bool push_place_is_littered(const struct placement *p)
{
	bool littered = p->littered;

	for (size_t i = 0; i < p->copy_count; i++)
		littered = littered || p->copies[i].outdated;
	return littered;
}

bool push_compare_place(struct transaction *t, struct placement *p, struct error *err)
{
	describe_files(t->job, p);
	if (!buf_check(&p->combined, "combined PEM", err) || !compare_directory(t, p, err) ||
	    !compare_copies(t, p, err))
		return push_blame(err, p);
	if (t->job->force)
		p->live_same = false;
	p->wanted = !p->live_same || p->live.unsettled;
	for (size_t i = 0; i < p->copy_count; i++) {
		if (t->job->force)
			p->copies[i].same = false;
		p->wanted = p->wanted || !p->copies[i].same || p->copies[i].unsettled;
	}
	if (!p->wanted && t->job->verify && !push_is_served_already(t, p))
		p->wanted = true;
	return true;
}

void push_forget_place(struct placement *p)
{
	for (size_t j = 0; j < p->copy_count; j++)
		live_copy_done(&p->copies[j]);
	free(p->copies);
	p->copies = NULL;
	p->copy_count = 0;
	live_dir_done(&p->live);
	buf_done(&p->combined);
}

bool push_place_unsettled(const struct placement *p)
{
	bool unsettled = p->live.unsettled;

	for (size_t i = 0; i < p->copy_count; i++)
		unsettled = unsettled || p->copies[i].unsettled;
	return unsettled;
}

bool push_place_moved(const struct placement *p)
{
	return live_dir_moved(&p->live) || push_place_unsettled(p);
}
