/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines. A line is finished first and then leaves in one write(2) under the lock, so that lines of several threads
 * (and of processes that share the terminal) do not mix.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/escape.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 8 * 1024,
	RECORD_MAX = 64 * 1024, /* an error with all its fields, every character escaped */
};

static const struct {
	const char *name;
	const char *prefix; /* in text */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", "error: "}, [LOG_LEVEL_WARNING] = {"warning", "warning: "},
	[LOG_LEVEL_INFO] = {"info", ""},          [LOG_LEVEL_DEBUG] = {"debug", "debug: "},
	[LOG_LEVEL_TRACE] = {"trace", "trace: "},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int threshold = -1;
static atomic_int chosen_format = LOG_FORMAT_TEXT;
static log_sink *chosen_sink;
static void *sink_ctx;

void log_setup(enum log_level level, enum log_format format, log_sink *sink, void *ctx)
{
	(void)pthread_mutex_lock(&lock);
	chosen_sink = sink;
	sink_ctx = ctx;
	atomic_store(&chosen_format, (int)format);
	atomic_store(&threshold, (int)level);
	(void)pthread_mutex_unlock(&lock);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load(&threshold);
}

/* stderr that cannot be written to is nothing that could be reported anywhere. */
static void write_stderr(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, text, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		text += written;
		len -= (size_t)written;
	}
}

/* RECORD is one or more lines, each ended by a newline. */
static void emit(enum log_level level, struct buf *record)
{
	(void)pthread_mutex_lock(&lock);
	if (record->failed || record->len == 0) {
		/* Out of memory: the failure itself still travels in its struct error. */
	} else if (chosen_sink == NULL) {
		write_stderr(record->data, record->len);
	} else {
		char *end = NULL;
		for (char *line = record->data; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			chosen_sink(sink_ctx, level, line);
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

/* VALUE has been through escape_text(): beside newlines only quotes and backslashes are left to care for. */
static void json_member(struct buf *out, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", key);
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\n') {
			buf_str(out, "\\n");
			continue;
		}
		if (*c == '"' || *c == '\\')
			buf_char(out, '\\');
		buf_char(out, *c);
	}
	buf_char(out, '"');
}

static void json_begin(struct buf *out, enum log_level level, const char *message)
{
	char time[RFC3339_SIZE];
	buf_char(out, '{');
	json_member(out, "time", rfc3339_format(clock_wall(), time));
	json_member(out, "level", levels[level].name);
	json_member(out, "message", message);
}

void log_write(enum log_level level, const char *format, ...)
{
	/* Twice as large as what is shown, so that the cut falls on a character. */
	char raw[2 * MESSAGE_MAX], message[MESSAGE_MAX];
	struct buf record CLEANUP(buf_done);
	va_list args;
	buf_init(&record, RECORD_MAX);
	if (!log_enabled(level))
		return;
	va_start(args, format);
	int len = vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	if (len < 0)
		return;
	(void)escape_str(message, sizeof(message), raw);
	if (atomic_load(&chosen_format) == LOG_FORMAT_JSON) {
		json_begin(&record, level, message);
		buf_str(&record, "}\n");
	} else {
		buf_printf(&record, "%s%s\n", levels[level].prefix, message);
	}
	emit(level, &record);
	explicit_bzero(raw, sizeof(raw));
}

static void json_failure(struct buf *out, enum log_level level, const struct error *err)
{
	char time[RFC3339_SIZE];
	json_begin(out, level, err->message);
	json_member(out, "category", error_category_name(err->category));
	json_member(out, "certificate", err->certificate);
	json_member(out, "server", err->server);
	json_member(out, "step", err->step);
	json_member(out, "type", err->type);
	json_member(out, "said", err->said);
	json_member(out, "hint", err->hint);
	if (err->http_status != 0)
		buf_printf(out, ",\"http_status\":%ld", err->http_status);
	if (err->retry_at > 0)
		json_member(out, "retry_at", rfc3339_format(err->retry_at, time));
	buf_printf(out, ",\"transient\":%s}\n", err->transient ? "true" : "false");
}

void log_failure(enum log_level level, const struct error *err)
{
	struct buf record CLEANUP(buf_done);
	buf_init(&record, RECORD_MAX);
	if (!log_enabled(level))
		return;
	if (atomic_load(&chosen_format) == LOG_FORMAT_JSON) {
		json_failure(&record, level, err);
	} else {
		buf_str(&record, levels[level].prefix);
		error_format(err, &record);
	}
	emit(level, &record);
}
