/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual host as a message, and its report. */
#include "base/buf.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "transport/courier_field.h"
#include "transport/courier_message.h"

#include <stdlib.h>

void courier_encode_site(const struct site_job *job, struct buf *out)
{
	courier_put_target(out, &job->target);
	buf_u32(out, (uint32_t)job->place_count);
	for (size_t i = 0; i < job->place_count; i++) {
		courier_put_text(out, job->places[i].file);
		courier_put_optional(out, job->places[i].link);
	}
	courier_put_text(out, job->text);
	buf_u8(out, (uint8_t)job->dialect);
	buf_u32(out, (uint32_t)job->names.len);
	for (size_t i = 0; i < job->names.len; i++)
		courier_put_text(out, job->names.items[i]);
	buf_u16(out, job->http_port);
	courier_put_text(out, job->holder);
	buf_u8(out, job->force);
	courier_put_optional(out, job->test_command);
	courier_put_optional(out, job->reload_command);
	courier_put_optional(out, job->verify_address);
	courier_put_addresses(out, &job->verify_addresses);
	buf_u8(out, job->verify_through_jump);
	buf_u16(out, job->verify_port);
	courier_put_optional(out, job->server_name);
	courier_put_text(out, job->fingerprint_sha256);
	buf_u32(out, job->transfer_ms);
	buf_u32(out, job->command_ms);
	buf_u32(out, job->verify_ms);
	buf_u8(out, job->undo);
}

static void get_places(struct reader *reader, struct site_job *ret)
{
	size_t count = courier_get_count(reader, LIMIT_COURIER_PLACES);
	ret->places = calloc(count + 1, sizeof(ret->places[0]));
	if (ret->places == NULL)
		reader->failed = true;
	for (; ret->place_count < count && !reader->failed; ret->place_count++) {
		struct site_place *place = &ret->places[ret->place_count];
		place->file = courier_get_text(reader, LIMIT_PATH);
		place->link = courier_get_optional(reader, LIMIT_PATH);
		if (place->file == NULL || !courier_is_plain_path(place->file) ||
		    (place->link != NULL && !courier_is_plain_path(place->link)))
			reader->failed = true;
	}
}

/* What the site is for. */
static void get_claim(struct reader *reader, struct site_job *ret)
{
	uint8_t dialect = reader_u8(reader);
	size_t count = courier_get_count(reader, LIMIT_IDENTIFIERS);
	struct error ignored = {0};

	if (dialect >= SITE_DIALECTS)
		reader->failed = true;
	ret->dialect = reader->failed ? SITE_NGINX : (enum site_dialect)dialect;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		char *name AUTO_FREE = courier_get_text(reader, IDENTIFIER_MAX + 2);
		if (name == NULL || !str_list_add(&ret->names, name, &ignored))
			reader->failed = true;
	}
	ret->http_port = reader_u16(reader);
}

static void get_site(struct reader *reader, struct site_job *ret)
{
	courier_get_target(reader, &ret->target);
	get_places(reader, ret);
	ret->text = courier_get_text(reader, LIMIT_REMOTE_FILE);
	get_claim(reader, ret);
	ret->holder = courier_get_text(reader, LIMIT_PATH);
	ret->force = courier_get_bool(reader);
	ret->test_command = courier_get_optional(reader, LIMIT_PATH);
	ret->reload_command = courier_get_optional(reader, LIMIT_PATH);
	ret->verify_address = courier_get_optional(reader, IDENTIFIER_MAX);
	courier_get_addresses(reader, &ret->verify_addresses);
	ret->verify_through_jump = courier_get_bool(reader);
	ret->verify_port = reader_u16(reader);
	ret->server_name = courier_get_optional(reader, IDENTIFIER_MAX);
	courier_get_fingerprint(reader, /* may_be_empty= */ true, ret->fingerprint_sha256);
	ret->transfer_ms = reader_u32(reader);
	ret->command_ms = reader_u32(reader);
	ret->verify_ms = reader_u32(reader);
	ret->undo = courier_get_bool(reader);
}

bool courier_decode_site(const void *data, size_t len, struct site_job *ret, struct error *err)
{
	struct site_job job CLEANUP(site_job_done) = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	get_site(&reader, &job);
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed virtual host for a courier");
	const char *reason = courier_why_unreachable(&job.target);
	if (reason == NULL && job.verify_address != NULL &&
	    (job.verify_port == 0 || job.server_name == NULL || job.fingerprint_sha256[0] == '\0'))
		reason = "what is to be seen in the handshake is missing";
	if (reason == NULL && job.verify_through_jump && job.target.hop_count == 0)
		reason = "the verification's jump host is missing";
	if (reason != NULL)
		return error_set(err, ERROR_DATA, NULL, "unusable virtual host for a courier: %s", reason);
	*ret = job;
	job = (struct site_job){0};
	return true;
}

void courier_encode_site_report(const struct site_outcome *outcome, struct buf *out)
{
	buf_u8(out, (uint8_t)outcome->result);
	buf_u32(out, outcome->place);
	buf_u8(out, outcome->healed);
	courier_put_error(out, &outcome->error);
}

bool courier_decode_site_report(const void *data, size_t len, struct site_outcome *ret, struct error *err)
{
	struct site_outcome outcome = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	uint8_t result = reader_u8(&reader);
	outcome.place = reader_u32(&reader);
	outcome.healed = courier_get_bool(&reader);
	courier_get_error(&reader, &outcome.error);
	outcome.result = result <= PUSH_DEPLOYED ? (enum push_result)result : PUSH_FAILED;
	bool failed = outcome.result == PUSH_FAILED || outcome.result == PUSH_ROLLED_BACK;
	if (!reader_finished(&reader) || result > PUSH_DEPLOYED || failed != error_is_set(&outcome.error))
		return error_set(err, ERROR_DATA, NULL, "malformed report of a courier");
	*ret = outcome;
	return true;
}
