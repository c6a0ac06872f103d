/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responders of one run: one per challenge type and address, shared by all certificates that are validated through
 * it, open from the first one's beginning to the last one's end.
 */
#ifndef SERVICE_RESPONDERS_H
#define SERVICE_RESPONDERS_H

#include "base/terms.h"
#include "service/service.h"
#include "transport/responder.h"

#include <pthread.h>

struct shared_responder;

/* Part of the service, zeroed at first. */
struct responders {
	pthread_mutex_t lock;
	struct shared_responder *list;
};

void responders_init(struct responders *responders);
/* All have been released. */
void responders_done(struct responders *responders);

/*
 * The responder for CHALLENGE (http-01 or tls-alpn-01) at LISTEN, bound by the first call. Another run's is waited for
 * until the service's lock time-out; what else has the port is an error at once. Thread-safe.
 */
MUST_CHECK struct shared_responder *responders_take(struct service *service, enum challenge_type challenge,
						    const struct listen_address *listen, struct error *err);
void responders_release(struct service *service, struct shared_responder *shared);

/* Borrowed while SHARED is held. */
struct responder *shared_responder_get(const struct shared_responder *shared);

#endif
