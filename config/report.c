/* SPDX-License-Identifier: Apache-2.0 */
/* The findings about one file: collected in the order of the checks, told in the order of the file. */
#include "config/config-internal.h"

#include "base/escape.h"
#include "base/limits.h"

#include <stdarg.h>
#include <string.h>

enum { PATH_SHOWN_MAX = 2048, MESSAGE_MAX = 2048 };

const char *report_shown(char out[REPORT_SHOWN_MAX], const char *text)
{
	return escape_str(out, REPORT_SHOWN_MAX, text);
}

static bool node_path(const struct node *node, char **ret, struct error *err)
{
	struct buf path CLEANUP(buf_done) = {0};
	char shown[PATH_SHOWN_MAX];
	buf_init(&path, LIMIT_CONFIG_FILE);
	if (node != NULL)
		yaml_tree_path(node, &path);
	return buf_check(&path, "path of a key", err) &&
	       str_set(ret, escape_str(shown, sizeof(shown), buf_cstr(&path)), err);
}

static bool add(struct config_build *b, bool is_error, const struct node *node, struct config_position position,
		const char *message)
{
	struct config_report *report = b->report;
	char shown[MESSAGE_MAX];
	if (report->count == LIMIT_CONFIG_ISSUES) {
		b->issues_dropped++;
		b->errors_dropped += is_error;
		return true;
	}
	if (report->issues == NULL &&
	    !config_allocate(&report->issues, LIMIT_CONFIG_ISSUES, sizeof(*report->issues), b->err))
		return false;
	struct config_issue *issue = &report->issues[report->count++];
	*issue = (struct config_issue){.is_error = is_error, .position = position};
	return node_path(node, &issue->path, b->err) &&
	       str_set(&issue->message, escape_str(shown, sizeof(shown), message), b->err);
}

static bool add_formatted(struct config_build *b, bool is_error, const struct node *node,
			  struct config_position position, const char *format, va_list args) PRINTF_LIKE(5, 0);
static bool add_formatted(struct config_build *b, bool is_error, const struct node *node,
			  struct config_position position, const char *format, va_list args)
{
	struct buf message CLEANUP(buf_done) = {0};
	buf_init(&message, LIMIT_CONFIG_VALUE);
	buf_vprintf(&message, format, args);
	return buf_check(&message, "message", b->err) && add(b, is_error, node, position, buf_cstr(&message));
}

static struct config_position value_position(const struct node *node)
{
	return node != NULL ? node->position : (struct config_position){0};
}

bool report_error(struct config_build *b, const struct node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool ok = add_formatted(b, /* is_error= */ true, node, value_position(node), format, args);
	va_end(args);
	return ok;
}

bool report_key_error(struct config_build *b, const struct node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool ok = add_formatted(b, /* is_error= */ true, node, node->key_position, format, args);
	va_end(args);
	return ok;
}

bool report_warning(struct config_build *b, const struct node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool ok = add_formatted(b, /* is_error= */ false, node, node->key != NULL ? node->key_position : node->position,
				format, args);
	va_end(args);
	return ok;
}

bool report_error_at(struct config_build *b, struct config_position position, const char *message)
{
	return add(b, /* is_error= */ true, NULL, position, message);
}

/* File order; findings at one place stay in the order of the checks, which `count` elements apart tell by address. */
static int compare_positions(const void *a, const void *b)
{
	const struct config_issue *const *x = a, *const *y = b;
	const struct config_position *p = &(*x)->position, *q = &(*y)->position;
	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	if (p->column != q->column)
		return p->column < q->column ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

static bool sort(struct config_report *report, struct error *err)
{
	struct config_issue *sorted AUTO_FREE = NULL;
	const struct config_issue **order AUTO_FREE = NULL;
	if (report->count < 2)
		return true;
	if (!config_allocate(&sorted, report->count, sizeof(*sorted), err) ||
	    !config_allocate(&order, report->count, sizeof(struct config_issue *), err))
		return false;
	for (size_t i = 0; i < report->count; i++)
		order[i] = &report->issues[i];
	qsort(order, report->count, sizeof(struct config_issue *), compare_positions);
	for (size_t i = 0; i < report->count; i++)
		sorted[i] = *order[i];
	memcpy(report->issues, sorted, report->count * sizeof(*sorted));
	return true;
}

/* "FILE:LINE:COLUMN: PATH: MESSAGE (and 2 more errors)"; parts that are not known are left out. */
static bool first_error(const struct config_build *b, const struct config_issue *first, size_t more)
{
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_CONFIG_VALUE);
	buf_str(&text, b->file);
	if (first->position.line > 0)
		buf_printf(&text, ":%d:%d", first->position.line, first->position.column);
	if (first->path[0] != '\0')
		buf_printf(&text, ": %s", first->path);
	buf_printf(&text, ": %s", first->message);
	if (more > 0)
		buf_printf(&text, " (and %zu more %s)", more, more == 1 ? "error" : "errors");
	return buf_check(&text, "message", b->err) && error_set(b->err, ERROR_CONFIG, "config", "%s", buf_cstr(&text));
}

bool report_finish(struct config_build *b)
{
	const struct config_issue *first = NULL;
	size_t errors = b->errors_dropped;
	if (!sort(b->report, b->err))
		return false;
	for (size_t i = 0; i < b->report->count; i++) {
		if (!b->report->issues[i].is_error)
			continue;
		if (first == NULL)
			first = &b->report->issues[i];
		errors++;
	}
	if (first == NULL && errors > 0)
		return error_set(b->err, ERROR_CONFIG, "config", "%s: %zu errors behind %d warnings", b->file, errors,
				 (int)LIMIT_CONFIG_ISSUES);
	return first == NULL || first_error(b, first, errors - 1);
}

void config_report_done(struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->issues[i].path);
		free(report->issues[i].message);
	}
	free(report->issues);
	*report = (struct config_report){0};
}
