/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads share the places; each place has its own time. */
#include "transport/look.h"

#include "transport/ssh_tunnel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	AT_ONCE = 16,
	THREAD_STACK = 512 * 1024,
};

struct looking {
	const struct look_job *job;
	struct ssh_tunnel *tunnel;
	struct look_sight *sights;
	atomic_size_t next;
};

void look_job_done(struct look_job *job)
{
	for (size_t i = 0; i < job->place_count; i++) {
		free(job->places[i].address);
		free(job->places[i].server_name);
	}
	free(job->places);
	ssh_target_done(&job->target);
	*job = (struct look_job){0};
}

int64_t look_longest_ms(const struct look_job *job)
{
	int64_t rounds = ((int64_t)job->place_count + AT_ONCE - 1) / AT_ONCE;
	return (int64_t)job->login_ms + rounds * (int64_t)job->look_ms;
}

static void look_at(const struct looking *looking, const struct look_place *place, struct look_sight *ret)
{
	const struct tls_probe_target target = {.address = place->address,
						.port = place->port,
						.server_name = place->server_name,
						.starttls = place->starttls};
	struct deadline deadline = deadline_in(looking->job->look_ms, NULL);
	int fd = -1;

	*ret = (struct look_sight){0};
	if (ssh_tunnel_dial(looking->tunnel, place->address, place->port, deadline, &fd, &ret->error) &&
	    tls_probe_over(fd, &target, deadline, &ret->seen, &ret->error))
		error_clear(&ret->error);
}

static void *look_at_some(void *ctx)
{
	struct looking *looking = ctx;

	for (size_t i; (i = atomic_fetch_add(&looking->next, 1)) < looking->job->place_count;)
		look_at(looking, &looking->job->places[i], &looking->sights[i]);
	return NULL;
}

bool look_run(const struct look_job *job, struct look_sight *sights, struct error *err)
{
	struct looking looking = {.job = job, .sights = sights};
	pthread_t threads[AT_ONCE - 1]; /* and this one */
	pthread_attr_t attributes;
	size_t started = 0;

	looking.tunnel = ssh_tunnel_to(&job->target, deadline_in(job->login_ms, NULL), err);
	if (looking.tunnel == NULL)
		return false;
	if (pthread_attr_init(&attributes) == 0) {
		(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
		while (started < AT_ONCE - 1 && started + 1 < job->place_count &&
		       pthread_create(&threads[started], &attributes, look_at_some, &looking) == 0)
			started++;
		(void)pthread_attr_destroy(&attributes);
	}
	(void)look_at_some(&looking);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], /* retval= */ NULL);
	ssh_tunnel_close(looking.tunnel);
	return true;
}
