/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-persist-01: nothing is written. The standing records are looked at before the CA is told to, so that one that is
 * missing or wrong costs no failed validation, and is told with the very record to publish.
 */
#include "service/persist_look.h"
#include "service/solver.h"

#include "base/limits.h"
#include "base/log.h"

#include <stdlib.h>

struct persist_solver {
	struct service *service;
	const char *certificate; /* borrowed */
};

/* Whether another task before INDEX wants the same record: a name and its wildcard share one. */
static bool is_repeated(const struct acme_challenge_task *tasks, const struct persist_look *looks, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (looks[i].finding.verdict != PERSIST_FITS && str_equal(tasks[i].dns_name, tasks[index].dns_name))
			return true;
	return false;
}

/* The record for TASK: with the wildcard's policy where any task of the same name needs it. */
static bool add_record(const struct acme_challenge_task *tasks, size_t count, size_t index, struct buf *out,
		       struct error *err)
{
	struct persist_expectation wanted = *tasks[index].persist; /* borrows its lists */
	CLEANUP(buf_done) struct buf value;
	buf_init(&value, LIMIT_ISSUE_VALUE);

	for (size_t i = 0; i < count; i++)
		wanted.wildcard = wanted.wildcard ||
				  (tasks[i].persist->wildcard && str_equal(tasks[i].dns_name, tasks[index].dns_name));
	if (!persist_record(&wanted, /* until= */ 0, &value, err))
		return false;
	persist_zone_line(wanted.name, buf_cstr(&value), out);
	return true;
}

/* `certferry persist` for the names whose records are wanting. */
static void add_command(const struct acme_challenge_task *tasks, const struct persist_look *looks, size_t count,
			struct buf *out)
{
	bool wildcard = false;
	buf_str(out, "certferry persist");
	for (size_t i = 0; i < count; i++)
		wildcard = wildcard || (looks[i].finding.verdict != PERSIST_FITS && tasks[i].persist->wildcard);
	if (wildcard)
		buf_str(out, " --wildcard");
	for (size_t i = 0; i < count; i++)
		if (looks[i].finding.verdict != PERSIST_FITS && !is_repeated(tasks, looks, i))
			buf_printf(out, " %s", identifier_base(&tasks[i].identifier));
}

/* The records to publish as far as they fit whole, and the command that has them all. */
static bool advise(const struct acme_challenge_task *tasks, const struct persist_look *looks, size_t count,
		   struct error *err)
{
	CLEANUP(buf_done) struct buf hint, command;
	buf_init(&hint, ERROR_TEXT_MAX);
	buf_init(&command, LIMIT_JSON_BODY);
	add_command(tasks, looks, count, &command);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_done) struct buf record;
		struct error unwritable = {0};
		buf_init(&record, (size_t)2 * LIMIT_ISSUE_VALUE);
		if (looks[i].finding.verdict == PERSIST_FITS || is_repeated(tasks, looks, i))
			continue;
		if (!add_record(tasks, count, i, &record, &unwritable)) {
			*err = unwritable;
			return false;
		}
		enum { ROOM_FOR_COMMAND = 256 };
		if (hint.len + record.len > ERROR_TEXT_MAX - ROOM_FOR_COMMAND)
			break;
		buf_printf(&hint, "%s%s", hint.len == 0 ? "publish " : " and ", buf_cstr(&record));
	}
	if (hint.len > 0)
		error_hint(err, "%s; `%s` shows it again, and with --publish --dns PROVIDER publishes it",
			   buf_cstr(&hint), command.len < 128 ? buf_cstr(&command) : "certferry persist NAME");
	else
		error_hint(err, "`%s` shows the records to publish", buf_cstr(&command));
	return false;
}

static bool refuse(const struct persist_solver *solver, const struct acme_challenge_task *tasks,
		   const struct persist_look *looks, size_t count, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	size_t wanting = 0, first = 0;
	buf_init(&text, ERROR_TEXT_MAX);

	for (size_t i = count; i-- > 0;)
		if (looks[i].finding.verdict != PERSIST_FITS) {
			wanting += !is_repeated(tasks, looks, i);
			first = i;
		}
	persist_describe(&looks[first].finding, tasks[first].persist->form, &text);
	if (looks[first].finding.verdict == PERSIST_OTHER_ACCOUNT)
		persist_name_account(solver->service, looks[first].finding.text, &text);
	if (wanting > 1)
		buf_printf(&text, ", and %zu more are not as they must be", wanting - 1);
	(void)error_set(err, ERROR_DNS, "challenge", "the dns-persist-01 record %s %s", tasks[first].dns_name,
			buf_cstr(&text));
	return advise(tasks, looks, count, err);
}

/* A record that ends soon works today; by the next renewal it may not. */
static void warn(const struct persist_solver *solver, const struct persist_look *look)
{
	char when[RFC3339_SIZE];
	if (look->finding.until != 0 && look->finding.until - look->now < PERSIST_WARN_SECONDS)
		log_warning(
			"%s: the dns-persist-01 record %s ends at %s, maybe before the next renewal: publish one that "
			"lasts longer (certferry persist)",
			solver->certificate, look->expectation->name, rfc3339_format(look->finding.until, when));
}

static bool persist_present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			    struct error *err)
{
	const struct persist_solver *solver = ctx;
	AUTO_FREE struct persist_look *looks = calloc(count + 1, sizeof(*looks));
	bool fine = true;

	if (looks == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		looks[i].expectation = tasks[i].persist;
		looks[i].now = clock_wall();
	}
	if (!persist_look(solver->service, looks, count, deadline, err))
		return false;
	for (size_t i = 0; i < count; i++)
		fine = fine && looks[i].finding.verdict == PERSIST_FITS;
	if (!fine)
		return refuse(solver, tasks, looks, count, err);
	for (size_t i = 0; i < count; i++)
		warn(solver, &looks[i]);
	return true;
}

/* The record stays: that is its purpose. */
static bool persist_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	(void)ctx;
	(void)tasks;
	(void)count;
	(void)err;
	return true;
}

void *solver_persist_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
			  struct error *err)
{
	struct persist_solver *solver = calloc(1, sizeof(*solver));
	if (solver == NULL) {
		error_oom(err);
		return NULL;
	}
	*solver = (struct persist_solver){.service = service, .certificate = wanted->name};
	*ret_port = (struct acme_solver){
		.ctx = solver,
		.type = CHALLENGE_DNS_PERSIST_01,
		.present = persist_present,
		.cleanup = persist_cleanup,
	};
	return solver;
}

void solver_persist_close(void *ctx)
{
	free(ctx);
}
