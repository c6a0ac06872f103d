/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live lines: every change redraws the block of rows at the cursor. A finished row is printed once, above, and leaves
 * the block, so that the block holds only what is in progress and a fleet of thousands scrolls like a log.
 */
#include "cli/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS_MAX = 24, TEXT_MAX = 320 };

struct row {
	char label[TEXT_MAX]; /* "name" or "name → server" */
	char step[64];
};

struct live_progress {
	pthread_mutex_t lock;
	bool terminal, color, verbose;
	struct row rows[ROWS_MAX];
	size_t count;
	size_t drawn; /* rows on the screen below the cursor's home */
};

static const char *color(const struct live_progress *live, const char *code)
{
	return live->color ? code : "";
}

static void erase_rows(struct live_progress *live)
{
	for (; live->drawn > 0; live->drawn--)
		fputs("\x1b[1A\x1b[2K", stderr);
}

static int screen_width(void)
{
	struct winsize size = {0};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		return 80;
	return size.ws_col;
}

static void draw_rows(struct live_progress *live)
{
	int width = screen_width();
	for (size_t i = 0; i < live->count; i++) {
		char line[TEXT_MAX + 80];
		(void)snprintf(line, sizeof(line), "%s: %s …", live->rows[i].label, live->rows[i].step);
		fprintf(stderr, "  %.*s\n", width - 3, line);
	}
	live->drawn = live->count;
	(void)fflush(stderr);
}

static void make_label(char label[TEXT_MAX], const char *certificate, const char *server)
{
	(void)snprintf(label, TEXT_MAX, "%s%s%s", certificate, server != NULL ? " -> " : "",
		       server != NULL ? server : "");
}

static struct row *find_row(struct live_progress *live, const char *label)
{
	for (size_t i = 0; i < live->count; i++) {
		if (strcmp(live->rows[i].label, label) == 0)
			return &live->rows[i];
	}
	return NULL;
}

static void on_step(void *ctx, const char *certificate, const char *server, const char *step)
{
	struct live_progress *live = ctx;
	char label[TEXT_MAX];

	make_label(label, certificate, server);
	if (!live->terminal) {
		log_debug("%s: %s", label, step);
		return;
	}
	(void)pthread_mutex_lock(&live->lock);
	struct row *row = find_row(live, label);
	if (row == NULL && live->count < ROWS_MAX) {
		row = &live->rows[live->count++];
		(void)snprintf(row->label, sizeof(row->label), "%s", label);
	}
	if (row != NULL)
		(void)snprintf(row->step, sizeof(row->step), "%s", step);
	erase_rows(live);
	draw_rows(live);
	(void)pthread_mutex_unlock(&live->lock);
}

static void on_finished(void *ctx, const char *certificate, const char *server, const char *outcome,
			const struct error *err)
{
	struct live_progress *live = ctx;
	char label[TEXT_MAX];
	const char *mark = err != NULL ? color(live, "\x1b[31m") : color(live, "\x1b[32m");

	make_label(label, certificate, server);
	(void)pthread_mutex_lock(&live->lock);
	struct row *row = find_row(live, label);
	if (row != NULL) {
		size_t after = live->count - (size_t)(row - live->rows) - 1;
		memmove(row, row + 1, after * sizeof(*row));
		live->count--;
	}
	if (live->terminal)
		erase_rows(live);
	fprintf(stderr, "%s: %s%s%s%s%s\n", label, mark, outcome, color(live, "\x1b[0m"), err != NULL ? ": " : "",
		err != NULL ? err->message : "");
	if (live->terminal)
		draw_rows(live);
	(void)fflush(stderr);
	(void)pthread_mutex_unlock(&live->lock);
}

/* A log line above the live rows. */
static void on_log(void *ctx, enum log_level level, const char *line)
{
	struct live_progress *live = ctx;
	(void)level;
	(void)pthread_mutex_lock(&live->lock);
	erase_rows(live);
	fprintf(stderr, "%s\n", line);
	draw_rows(live);
	(void)pthread_mutex_unlock(&live->lock);
}

static bool wants_color(const struct arguments *arguments, bool terminal)
{
	const char *when = option_value(arguments, OPTION_COLOR, "auto");
	if (str_equal(when, "always"))
		return true;
	return !str_equal(when, "never") && terminal && getenv("NO_COLOR") == NULL;
}

static enum log_level log_level_of(const struct arguments *arguments)
{
	if (option_given(arguments, OPTION_QUIET))
		return LOG_LEVEL_ERROR;
	size_t verbose = arguments->values[OPTION_VERBOSE].len;
	return verbose == 0 ? LOG_LEVEL_INFO : verbose == 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_TRACE;
}

static bool json_log(const struct arguments *arguments)
{
	return str_equal(option_value(arguments, OPTION_LOG_FORMAT, "text"), "json");
}

struct live_progress *live_progress_start(const struct arguments *arguments, struct progress *ret)
{
	if (option_given(arguments, OPTION_QUIET) || json_log(arguments))
		return NULL;
	struct live_progress *live = calloc(1, sizeof(*live));
	if (live == NULL)
		return NULL;
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) == 1 && !str_equal(term, "dumb");
	(void)pthread_mutex_init(&live->lock, /* attr= */ NULL);
	live->color = wants_color(arguments, terminal);
	live->terminal = terminal && !option_given(arguments, OPTION_NO_PROGRESS);
	*ret = (struct progress){.ctx = live, .step = on_step, .finished = on_finished};
	if (live->terminal)
		log_setup(log_level_of(arguments), LOG_FORMAT_TEXT, on_log, live);
	return live;
}

void live_progress_stop(struct live_progress *live)
{
	if (live == NULL)
		return;
	if (live->terminal) {
		erase_rows(live);
		(void)fflush(stderr);
		log_setup(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT, /* sink= */ NULL, /* ctx= */ NULL);
	}
	(void)pthread_mutex_destroy(&live->lock);
	free(live);
}
