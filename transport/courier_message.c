/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's messages: writer and reader of each stand side by side, fields in the same order. */
#include "transport/courier_message.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "base/reader.h"
#include "transport/courier_field.h"

#include <stdlib.h>
#include <string.h>

/* ---- frames ---- */

void courier_encode_frame(enum courier_type type, bool more, const void *payload, size_t len, struct buf *out)
{
	buf_u16(out, COURIER_VERSION);
	buf_u16(out, (uint16_t)((unsigned)type | (more ? (unsigned)COURIER_MORE : 0U)));
	buf_string(out, payload, len);
}

bool courier_decode_frame(const void *data, size_t len, struct courier_frame *ret, struct error *err)
{
	struct reader reader;
	struct courier_frame frame;

	reader_init(&reader, data, len);
	unsigned version = reader_u16(&reader);
	unsigned type = reader_u16(&reader);
	frame.payload = reader_string(&reader, LIMIT_IPC_FRAME, &frame.len);
	frame.more = (type & COURIER_MORE) != 0;
	type &= ~(unsigned)COURIER_MORE;
	if (!reader_finished(&reader) || version != COURIER_VERSION || type < COURIER_JOB || type > COURIER_GO)
		return error_set(err, ERROR_DATA, NULL, "malformed frame between courier and parent");
	frame.type = (enum courier_type)type;
	*ret = frame;
	return true;
}

/* ---- job ---- */

static void put_certificate(struct buf *out, const struct push_certificate *certificate)
{
	courier_put_text(out, certificate->name);
	buf_u64(out, certificate->generation);
	courier_put_text(out, certificate->cert);
	courier_put_text(out, certificate->chain);
	courier_put_text(out, certificate->fullchain);
	buf_string(out, certificate->privkey.data, certificate->privkey.len);
	buf_string(out, certificate->pkcs12.data, certificate->pkcs12.len);
	courier_put_text(out, certificate->fingerprint_sha256);
	courier_put_optional(out, certificate->server_name);
	buf_u32(out, (uint32_t)certificate->copy_count);
	for (size_t i = 0; i < certificate->copy_count; i++) {
		buf_u8(out, (uint8_t)certificate->copies[i].file);
		courier_put_text(out, certificate->copies[i].path);
	}
}

void courier_encode_job(const struct push_job *job, struct buf *out)
{
	courier_put_target(out, &job->target);
	courier_put_optional(out, job->dir);
	buf_u8(out, job->combined);
	courier_put_optional(out, job->owner);
	courier_put_optional(out, job->group);
	buf_u32(out, job->key_mode);
	courier_put_optional(out, job->test_command);
	courier_put_optional(out, job->reload_command);
	buf_u8(out, job->verify);
	courier_put_optional(out, job->verify_address);
	courier_put_addresses(out, &job->verify_addresses);
	buf_u8(out, job->verify_through_jump);
	buf_u16(out, job->verify_port);
	buf_u8(out, (uint8_t)job->verify_starttls);
	buf_u32(out, job->transfer_ms);
	buf_u32(out, job->command_ms);
	buf_u32(out, job->verify_ms);
	buf_u8(out, job->force);
	courier_put_text(out, job->holder);
	buf_u32(out, (uint32_t)job->certificate_count);
	for (size_t i = 0; i < job->certificate_count; i++)
		put_certificate(out, &job->certificates[i]);
}

static void get_copies(struct reader *reader, struct push_certificate *certificate)
{
	size_t count = courier_get_count(reader, LIMIT_COURIER_COPIES);

	certificate->copies = calloc(count + 1, sizeof(certificate->copies[0]));
	if (certificate->copies == NULL)
		reader->failed = true;
	for (; certificate->copy_count < count && !reader->failed; certificate->copy_count++) {
		struct push_copy *copy = &certificate->copies[certificate->copy_count];
		uint8_t file = reader_u8(reader);
		copy->path = courier_get_text(reader, LIMIT_PATH);
		copy->file = file <= PUSH_FILE_PKCS12 ? (enum push_file)file : PUSH_FILE_CERT;
		if (file > PUSH_FILE_PKCS12 || copy->path == NULL || copy->path[0] != '/' ||
		    (file == PUSH_FILE_PKCS12 && certificate->pkcs12.len == 0))
			reader->failed = true;
	}
}

static void get_certificate(struct reader *reader, struct push_certificate *ret)
{
	ret->name = courier_get_text(reader, ERROR_NAME_MAX);
	ret->generation = reader_u64(reader);
	ret->cert = courier_get_text(reader, LIMIT_CHAIN_BODY);
	ret->chain = courier_get_text(reader, LIMIT_CHAIN_BODY);
	ret->fullchain = courier_get_text(reader, 2 * (size_t)LIMIT_CHAIN_BODY);
	courier_get_secret(reader, LIMIT_KEY_FILE, &ret->privkey);
	courier_get_secret_bytes(reader, LIMIT_PKCS12, &ret->pkcs12);
	courier_get_fingerprint(reader, /* may_be_empty= */ false, ret->fingerprint_sha256);
	ret->server_name = courier_get_optional(reader, IDENTIFIER_MAX);
	get_copies(reader, ret);
	if (ret->name == NULL || !name_is_valid(ret->name) || ret->privkey.len == 0)
		reader->failed = true;
}

static void get_job(struct reader *reader, struct push_job *ret)
{
	courier_get_target(reader, &ret->target);
	ret->dir = courier_get_optional(reader, LIMIT_PATH);
	ret->combined = courier_get_bool(reader);
	ret->owner = courier_get_optional(reader, ERROR_NAME_MAX);
	ret->group = courier_get_optional(reader, ERROR_NAME_MAX);
	ret->key_mode = reader_u32(reader);
	ret->test_command = courier_get_optional(reader, LIMIT_PATH);
	ret->reload_command = courier_get_optional(reader, LIMIT_PATH);
	ret->verify = courier_get_bool(reader);
	ret->verify_address = courier_get_optional(reader, IDENTIFIER_MAX);
	courier_get_addresses(reader, &ret->verify_addresses);
	ret->verify_through_jump = courier_get_bool(reader);
	ret->verify_port = reader_u16(reader);
	ret->verify_starttls = courier_get_starttls(reader);
	ret->transfer_ms = reader_u32(reader);
	ret->command_ms = reader_u32(reader);
	ret->verify_ms = reader_u32(reader);
	ret->force = courier_get_bool(reader);
	ret->holder = courier_get_text(reader, LIMIT_PATH);
	size_t count = courier_get_count(reader, LIMIT_COURIER_CERTIFICATES);
	ret->certificates = calloc(count + 1, sizeof(ret->certificates[0]));
	if (ret->certificates == NULL)
		reader->failed = true;
	for (; ret->certificate_count < count && !reader->failed; ret->certificate_count++)
		get_certificate(reader, &ret->certificates[ret->certificate_count]);
}

static const char *why_unusable(const struct push_job *job)
{
	const char *reason = courier_why_unreachable(&job->target);
	if (reason != NULL)
		return reason;
	if (job->dir != NULL && job->dir[0] == '\0')
		return "the directory is empty";
	if ((job->key_mode & ~0777U) != 0 || (job->key_mode & 0600U) == 0)
		return "the key's mode is not a file's mode";
	for (size_t i = 0; job->verify && i < job->certificate_count; i++)
		if (job->verify_address == NULL || job->verify_port == 0 || job->certificates[i].server_name == NULL)
			return "the verification's address or name is missing";
	if (job->verify_through_jump && job->target.hop_count == 0)
		return "the verification's jump host is missing";
	return NULL;
}

bool courier_decode_job(const void *data, size_t len, struct push_job *ret, struct error *err)
{
	struct push_job job CLEANUP(push_job_done) = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	get_job(&reader, &job);
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed job for a courier");
	const char *reason = why_unusable(&job);
	if (reason != NULL)
		return error_set(err, ERROR_DATA, NULL, "unusable job for a courier: %s", reason);
	*ret = job;
	job = (struct push_job){0};
	return true;
}

/* ---- publication ---- */

void courier_encode_publish(const struct publish_job *job, struct buf *out)
{
	courier_put_target(out, &job->target);
	courier_put_text(out, job->folder);
	buf_u32(out, job->transfer_ms);
	buf_u32(out, job->hold_ms);
	buf_u32(out, (uint32_t)job->file_count);
	for (size_t i = 0; i < job->file_count; i++) {
		courier_put_text(out, job->files[i].name);
		courier_put_text(out, job->files[i].content);
	}
}

static void get_publish(struct reader *reader, struct publish_job *ret)
{
	courier_get_target(reader, &ret->target);
	ret->folder = courier_get_text(reader, LIMIT_PATH);
	ret->transfer_ms = reader_u32(reader);
	ret->hold_ms = reader_u32(reader);
	size_t count = courier_get_count(reader, LIMIT_IDENTIFIERS);
	ret->files = calloc(count + 1, sizeof(ret->files[0]));
	if (ret->files == NULL)
		reader->failed = true;
	for (; ret->file_count < count && !reader->failed; ret->file_count++) {
		ret->files[ret->file_count].name = courier_get_text(reader, LIMIT_TOKEN_MAX);
		ret->files[ret->file_count].content = courier_get_text(reader, LIMIT_PUBLISHED_FILE);
	}
}

/* A name that can only be a file in the folder it is put into. */
static bool is_plain_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

bool courier_decode_publish(const void *data, size_t len, struct publish_job *ret, struct error *err)
{
	struct publish_job job CLEANUP(publish_job_done) = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	get_publish(&reader, &job);
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed publication for a courier");
	const char *reason = courier_why_unreachable(&job.target);
	if (reason == NULL && job.folder[0] != '/')
		reason = "the folder's path is relative";
	for (size_t i = 0; reason == NULL && i < job.file_count; i++)
		if (!is_plain_name(job.files[i].name))
			reason = "a file's name is not plain";
	if (reason != NULL)
		return error_set(err, ERROR_DATA, NULL, "unusable publication for a courier: %s", reason);
	*ret = job;
	job = (struct publish_job){0};
	return true;
}

/* ---- rehearsal ---- */

void courier_encode_rehearsal(const struct rehearsal_job *job, struct buf *out)
{
	struct buf push CLEANUP(buf_done);

	buf_init(&push, LIMIT_COURIER_JOB);
	courier_encode_job(&job->push, &push);
	out->failed = out->failed || push.failed;
	buf_string(out, push.data, push.len);
	buf_u32(out, (uint32_t)job->certificate_count);
	for (size_t i = 0; i < job->certificate_count; i++) {
		const struct rehearsal_certificate *certificate = &job->certificates[i];
		courier_put_text(out, certificate->name);
		courier_put_text(out, certificate->server_name);
		courier_put_text(out, certificate->fingerprint_sha256);
		buf_u32(out, (uint32_t)certificate->copies.len);
		for (size_t j = 0; j < certificate->copies.len; j++)
			courier_put_text(out, certificate->copies.items[j]);
		courier_put_optional(out, certificate->webroot);
	}
}

static void get_rehearsed(struct reader *reader, struct rehearsal_certificate *ret)
{
	struct error ignored = {0};

	ret->name = courier_get_text(reader, ERROR_NAME_MAX);
	ret->server_name = courier_get_text(reader, IDENTIFIER_MAX);
	courier_get_fingerprint(reader, /* may_be_empty= */ true, ret->fingerprint_sha256);
	size_t count = courier_get_count(reader, LIMIT_COURIER_COPIES);
	for (size_t i = 0; i < count && !reader->failed; i++) {
		char *path AUTO_FREE = courier_get_text(reader, LIMIT_PATH);
		if (path == NULL || path[0] != '/' || !str_list_add(&ret->copies, path, &ignored))
			reader->failed = true;
	}
	ret->webroot = courier_get_optional(reader, LIMIT_PATH);
	if (ret->name == NULL || !name_is_valid(ret->name) || (ret->webroot != NULL && ret->webroot[0] != '/'))
		reader->failed = true;
}

static void get_rehearsal(struct reader *reader, struct rehearsal_job *ret, struct error *err)
{
	size_t len;
	const unsigned char *push = reader_string(reader, LIMIT_COURIER_JOB, &len);

	if (push == NULL || !courier_decode_job(push, len, &ret->push, err)) {
		reader->failed = true;
		return;
	}
	size_t count = courier_get_count(reader, LIMIT_COURIER_CERTIFICATES);
	ret->certificates = calloc(count + 1, sizeof(ret->certificates[0]));
	if (ret->certificates == NULL)
		reader->failed = true;
	for (; ret->certificate_count < count && !reader->failed; ret->certificate_count++)
		get_rehearsed(reader, &ret->certificates[ret->certificate_count]);
}

bool courier_decode_rehearsal(const void *data, size_t len, struct rehearsal_job *ret, struct error *err)
{
	struct rehearsal_job job CLEANUP(rehearsal_job_done) = {0};
	struct reader reader;

	reader_init(&reader, data, len);
	get_rehearsal(&reader, &job, err);
	if (error_is_set(err))
		return false;
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "malformed rehearsal for a courier");
	if (job.push.certificate_count != 0)
		return error_set(err, ERROR_DATA, NULL,
				 "unusable rehearsal for a courier: it has certificates to deploy");
	if (job.push.verify && (job.push.verify_address == NULL || job.push.verify_port == 0))
		return error_set(err, ERROR_DATA, NULL, "unusable rehearsal for a courier: no address to verify");
	*ret = job;
	job = (struct rehearsal_job){0};
	return true;
}

/* ---- report ---- */

void courier_encode_report(const struct push_outcome *outcomes, size_t count, const struct error *failure,
			   struct buf *out)
{
	courier_put_error(out, failure);
	buf_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		buf_u8(out, (uint8_t)outcomes[i].result);
		courier_put_text(out, outcomes[i].served_sha256);
		courier_put_error(out, &outcomes[i].error);
	}
}

static void get_outcome(struct reader *reader, struct push_outcome *ret)
{
	uint8_t result = reader_u8(reader);

	*ret = (struct push_outcome){.result = result <= PUSH_DEPLOYED ? (enum push_result)result : PUSH_FAILED};
	courier_get_fingerprint(reader, /* may_be_empty= */ true, ret->served_sha256);
	courier_get_error(reader, &ret->error);
	bool failed = ret->result == PUSH_FAILED || ret->result == PUSH_ROLLED_BACK;
	if (result > PUSH_DEPLOYED || failed != error_is_set(&ret->error))
		reader->failed = true;
}

bool courier_decode_report(const void *data, size_t len, struct push_outcome *outcomes, size_t count,
			   struct error *ret_failure, struct error *err)
{
	struct reader reader;
	struct error failure = {0};
	bool any_failed = false;

	reader_init(&reader, data, len);
	courier_get_error(&reader, &failure);
	if (reader_u32(&reader) != count)
		reader.failed = true;
	for (size_t i = 0; i < count && !reader.failed; i++) {
		get_outcome(&reader, &outcomes[i]);
		any_failed = any_failed || error_is_set(&outcomes[i].error);
	}
	/* A server is reported as done only with every certificate on it done. */
	if (!reader_finished(&reader) || (any_failed && !error_is_set(&failure)))
		return error_set(err, ERROR_DATA, NULL, "malformed report of a courier");
	*ret_failure = failure;
	return true;
}

/* ---- finding ---- */

void courier_encode_finding(const struct rehearsal_finding *finding, struct buf *out)
{
	courier_put_text(out, finding->step);
	buf_u8(out, (uint8_t)finding->result);
	buf_u32(out, finding->ms);
	courier_put_text(out, finding->detail);
	courier_put_error(out, &finding->error);
}

bool courier_decode_finding(const void *data, size_t len, struct rehearsal_finding *ret, struct error *err)
{
	struct rehearsal_finding finding = {0};
	struct reader reader;
	size_t step_len;

	reader_init(&reader, data, len);
	const unsigned char *step = reader_string(&reader, ERROR_NAME_MAX, &step_len);
	finding.step = step != NULL ? courier_decode_step(step, step_len) : NULL;
	uint8_t result = reader_u8(&reader);
	finding.result = result <= REHEARSAL_SKIPPED ? (enum rehearsal_result)result : REHEARSAL_FAILED;
	finding.ms = reader_u32(&reader);
	char *detail AUTO_FREE = courier_get_text(&reader, ERROR_TEXT_MAX);
	courier_get_error(&reader, &finding.error);
	if (!reader_finished(&reader) || finding.step == NULL || result > REHEARSAL_SKIPPED ||
	    error_is_set(&finding.error) != (finding.result == REHEARSAL_FAILED))
		return error_set(err, ERROR_DATA, NULL, "malformed finding of a courier");
	escape_str(finding.detail, sizeof(finding.detail), detail);
	*ret = finding;
	return true;
}
