/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What courier and parent say to each other, as bytes. Either side takes the other for hostile: typed, length-checked,
 * every text made safe again. A job or report goes in frames of at most LIMIT_IPC_FRAME, because a datagram must fit
 * the kernel's socket buffer. Pure. Only for courier.c, its tests and fuzzers.
 */
#ifndef TRANSPORT_COURIER_MESSAGE_H
#define TRANSPORT_COURIER_MESSAGE_H

#include "transport/look.h"
#include "transport/publish.h"
#include "transport/push.h"
#include "transport/rehearsal.h"
#include "transport/site.h"

struct buf;

enum { COURIER_VERSION = 1, COURIER_FRAME_HEADER = 8 };

enum courier_type {
	COURIER_JOB = 1,  /* parent to courier, once: a deployment */
	COURIER_STEP = 2, /* courier to parent: the step that begins, of a deployment or a rehearsal */
	COURIER_REPORT =
		3, /* courier to parent: once and last; of a publication when it is there, and when it is gone */
	COURIER_PUBLISH = 4,  /* parent to courier, once: a publication */
	COURIER_WITHDRAW = 5, /* parent to courier: end the publication */
	COURIER_REHEARSE = 6, /* parent to courier, once: a rehearsal */
	COURIER_FINDING = 7,  /* courier to parent: what came of one of its steps */
	COURIER_SITE = 8,     /* parent to courier, once: a virtual host */
	COURIER_LOOK = 9,     /* parent to courier, once: places behind a jump host */
	COURIER_ASK = 10,     /* courier to parent, once: a deployment is about to change something */
	COURIER_GO = 11,      /* parent to courier: it may */
};

/* Set in the type of a frame that is not the last of its message. */
enum { COURIER_MORE = 0x8000 };

struct courier_frame {
	enum courier_type type;
	bool more;
	const unsigned char *payload; /* borrowed */
	size_t len;
};

/* One frame with its header {u16 version, u16 type, u32 length}, LEN at most LIMIT_IPC_FRAME. */
void courier_encode_frame(enum courier_type type, bool more, const void *payload, size_t len, struct buf *out);
MUST_CHECK bool courier_decode_frame(const void *data, size_t len, struct courier_frame *ret, struct error *err);

/* ERROR_DATA for whatever push_run() must not be given: bad names, hosts, modes, missing fields, too many. */
void courier_encode_job(const struct push_job *job, struct buf *out);
MUST_CHECK bool courier_decode_job(const void *data, size_t len, struct push_job *ret, struct error *err);

/* The same for publish_files(). */
void courier_encode_publish(const struct publish_job *job, struct buf *out);
MUST_CHECK bool courier_decode_publish(const void *data, size_t len, struct publish_job *ret, struct error *err);

/* The same for rehearsal_run(); a deployment's certificates are not in it. */
void courier_encode_rehearsal(const struct rehearsal_job *job, struct buf *out);
MUST_CHECK bool courier_decode_rehearsal(const void *data, size_t len, struct rehearsal_job *ret, struct error *err);

void courier_encode_finding(const struct rehearsal_finding *finding, struct buf *out);
MUST_CHECK bool courier_decode_finding(const void *data, size_t len, struct rehearsal_finding *ret, struct error *err);

/* The same for site_run(), and what came of it. */
void courier_encode_site(const struct site_job *job, struct buf *out);
MUST_CHECK bool courier_decode_site(const void *data, size_t len, struct site_job *ret, struct error *err);
void courier_encode_site_report(const struct site_outcome *outcome, struct buf *out);
MUST_CHECK bool courier_decode_site_report(const void *data, size_t len, struct site_outcome *ret, struct error *err);

/* The same for look_run(). FAILURE empty: it returned true. *SIGHTS has COUNT entries on both sides. */
void courier_encode_look(const struct look_job *job, struct buf *out);
MUST_CHECK bool courier_decode_look(const void *data, size_t len, struct look_job *ret, struct error *err);
void courier_encode_sights(const struct look_sight *sights, size_t count, const struct error *failure, struct buf *out);
MUST_CHECK bool courier_decode_sights(const void *data, size_t len, struct look_sight *sights, size_t count,
				      struct error *ret_failure, struct error *err);

/* The static string of a step by its text; NULL when there is no such step. */
const char *courier_decode_step(const void *text, size_t len);

/* FAILURE empty: push_run() returned true. *OUTCOMES has COUNT entries on both sides. */
void courier_encode_report(const struct push_outcome *outcomes, size_t count, const struct error *failure,
			   struct buf *out);
MUST_CHECK bool courier_decode_report(const void *data, size_t len, struct push_outcome *outcomes, size_t count,
				      struct error *ret_failure, struct error *err);

#endif
