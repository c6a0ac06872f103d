/* SPDX-License-Identifier: Apache-2.0 */
/* The job as a value: released whole, its key and credential wiped. */
#include "transport/push.h"

#include "transport/remote.h"
#include "transport/ssh.h"

#include <stdlib.h>

static const char *const result_names[] = {
	[PUSH_FAILED] = "failed",
	[PUSH_ROLLED_BACK] = "rolled_back",
	[PUSH_UNCHANGED] = "unchanged",
	[PUSH_DEPLOYED] = "deployed",
};

const char *push_result_name(enum push_result result)
{
	return result_names[result];
}

void push_certificate_done(struct push_certificate *certificate)
{
	for (size_t i = 0; i < certificate->copy_count; i++)
		free(certificate->copies[i].path);
	free(certificate->copies);
	free(certificate->name);
	free(certificate->cert);
	free(certificate->chain);
	free(certificate->fullchain);
	free(certificate->server_name);
	secret_done(&certificate->privkey);
	secret_done(&certificate->pkcs12);
}

void push_job_done(struct push_job *job)
{
	if (job == NULL)
		return;
	for (size_t i = 0; i < job->certificate_count; i++)
		push_certificate_done(&job->certificates[i]);
	free(job->certificates);
	ssh_target_done(&job->target);
	free(job->dir);
	free(job->holder);
	free(job->owner);
	free(job->group);
	free(job->test_command);
	free(job->reload_command);
	free(job->verify_address);
	str_list_done(&job->verify_addresses);
	*job = (struct push_job){0};
}

int64_t push_transfer_for_ms(const struct push_job *job, size_t count)
{
	enum { EACH_MS = 5000 }; /* some thirty round trips */
	return (int64_t)job->transfer_ms + EACH_MS * (int64_t)(count > 0 ? count - 1 : 0);
}

int64_t push_transfer_ms(const struct push_job *job)
{
	return push_transfer_for_ms(job, job->certificate_count);
}

int64_t push_longest_ms(const struct push_job *job)
{
	int64_t certificates = (int64_t)job->certificate_count;
	/* The way there and the upload, putting back, tidying up; test, reload, the reload after putting back. */
	return push_transfer_ms(job) * 3 + remote_run_longest_ms(job->command_ms) * 3 +
	       (int64_t)job->verify_ms * certificates * 2;
}

int64_t push_interrupted_ms(const struct push_job *job)
{
	/* What runs is ended; then as in push_roll_back(). */
	uint32_t reload = job->command_ms < PUSH_BRIEF_RELOAD_MS ? job->command_ms : PUSH_BRIEF_RELOAD_MS;
	return SSH_END_MS + PUSH_BRIEF_BACK_MS + remote_run_longest_ms(reload) + PUSH_BRIEF_TIDY_MS;
}
