/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on stderr (or another sink). Library layers return their failures and log none; they may trace at debug
 * level. Whoever gives up logs once. Until log_setup() is called nothing is written, so the engine library is silent.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

#include <stdbool.h>

API_BEGIN

struct error;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Gets one finished line without its newline. Called under the log's lock: it must not log. */
typedef void log_sink(void *ctx, enum log_level level, const char *line);

/* Start logging. SINK NULL writes to stderr. Thread-safe afterwards. */
void log_setup(enum log_level level, enum log_format format, log_sink *sink, void *ctx);

bool log_enabled(enum log_level level);

/* One line; control characters in the finished text are escaped, so foreign text cannot forge a second one. */
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * A whole error: in text as error_format() lays it out (the sink gets it line by line), in JSON format one object with
 * its fields.
 */
void log_failure(enum log_level level, const struct error *err);

#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_write(LOG_LEVEL_TRACE, __VA_ARGS__)

API_END

#endif
