/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be looked at through a jump host, as a message, and its report. */
#include "base/buf.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "transport/courier_field.h"
#include "transport/courier_message.h"

#include <stdlib.h>

void courier_encode_look(const struct look_job *job, struct buf *out)
{
	courier_put_target(out, &job->target);
	buf_u32(out, (uint32_t)job->place_count);
	for (size_t i = 0; i < job->place_count; i++) {
		courier_put_text(out, job->places[i].address);
		buf_u16(out, job->places[i].port);
		courier_put_text(out, job->places[i].server_name);
		buf_u8(out, (uint8_t)job->places[i].starttls);
	}
	buf_u32(out, job->login_ms);
	buf_u32(out, job->look_ms);
}

static void get_places(struct reader *reader, struct look_job *ret)
{
	size_t count = courier_get_count(reader, LIMIT_COURIER_SIGHTS);

	ret->places = calloc(count + 1, sizeof(ret->places[0]));
	if (ret->places == NULL)
		reader->failed = true;
	for (; ret->place_count < count && !reader->failed; ret->place_count++) {
		struct look_place *place = &ret->places[ret->place_count];
		place->address = courier_get_text(reader, IDENTIFIER_MAX);
		place->port = reader_u16(reader);
		place->server_name = courier_get_text(reader, IDENTIFIER_MAX);
		place->starttls = courier_get_starttls(reader);
		if (place->address == NULL || !host_is_valid(place->address) || place->port == 0)
			reader->failed = true;
	}
}

bool courier_decode_look(const void *data, size_t len, struct look_job *ret, struct error *err)
{
	struct look_job job CLEANUP(look_job_done) = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	courier_get_target(&reader, &job.target);
	get_places(&reader, &job);
	job.login_ms = reader_u32(&reader);
	job.look_ms = reader_u32(&reader);
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed places for a courier to look at");
	const char *reason = courier_why_unreachable(&job.target);
	if (reason == NULL && job.target.hop_count == 0)
		reason = "there is no jump host";
	if (reason != NULL)
		return error_set(err, ERROR_DATA, NULL, "unusable places for a courier to look at: %s", reason);
	*ret = job;
	job = (struct look_job){0};
	return true;
}

void courier_encode_sights(const struct look_sight *sights, size_t count, const struct error *failure, struct buf *out)
{
	courier_put_error(out, failure);
	buf_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		courier_put_text(out, sights[i].seen.fingerprint_sha256);
		buf_u64(out, (uint64_t)sights[i].seen.not_after);
		courier_put_error(out, &sights[i].error);
	}
}

bool courier_decode_sights(const void *data, size_t len, struct look_sight *sights, size_t count,
			   struct error *ret_failure, struct error *err)
{
	struct reader reader;
	struct error failure = {0};

	reader_init(&reader, data, len);
	courier_get_error(&reader, &failure);
	if (reader_u32(&reader) != count)
		reader.failed = true;
	for (size_t i = 0; i < count && !reader.failed; i++) {
		struct look_sight *sight = &sights[i];
		*sight = (struct look_sight){0};
		courier_get_fingerprint(&reader, /* may_be_empty= */ true, sight->seen.fingerprint_sha256);
		sight->seen.not_after = (int64_t)reader_u64(&reader);
		courier_get_error(&reader, &sight->error);
		/* Seen, or told why not. */
		if (!error_is_set(&failure) &&
		    error_is_set(&sight->error) != (sight->seen.fingerprint_sha256[0] == '\0'))
			reader.failed = true;
	}
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed report of a courier");
	*ret_failure = failure;
	return true;
}
