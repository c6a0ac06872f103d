/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live lines: every change redraws the block of rows above the cursor, in one write. A finished row is printed once,
 * above, and leaves the block, so that the block holds only what is in progress; of a large fleet only failures are
 * printed, the rest is counted. The block is never higher than the screen, and no row wider: what was drawn is then as
 * many lines as were written, and can be taken back. After a resize it cannot be known where they went: they are left
 * where they are, and a new block begins.
 */
#include "cli/progress.h"

#include "cli/output_deployed.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	ROWS_MAX = 128,
	TEXT_MAX = 320,
	FRAME_MAX = 64 * 1024,
	FEW_SERVERS = 8, /* up to which each that is done gets its line on a terminal */
};

struct row {
	char label[TEXT_MAX]; /* "name" or "name -> server" */
	char step[64];
};

struct live_progress {
	pthread_mutex_t lock;
	bool terminal, color, verbose;
	const struct cancel *cancel;
	struct row rows[ROWS_MAX]; /* the oldest first */
	size_t count;
	struct progress_fleet fleet;
	size_t drawn; /* lines on the screen above the cursor */
	struct winsize drawn_on;
	struct buf frame; /* what the next write(2) says */
};

static const char *color(const struct live_progress *live, const char *code)
{
	return live->color ? code : "";
}

static struct winsize screen(void)
{
	enum { COLUMNS = 80, LINES = 24, LEAST = 20 };
	struct winsize size = {0};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0)
		size = (struct winsize){0};
	if (size.ws_col < LEAST)
		size.ws_col = COLUMNS;
	if (size.ws_row < 2)
		size.ws_row = LINES;
	return size;
}

/* --- Drawing: into the frame --- */

static void erase_rows(struct live_progress *live)
{
	struct winsize now = screen();
	bool same = now.ws_col == live->drawn_on.ws_col && now.ws_row == live->drawn_on.ws_row;
	if (live->drawn > 0 && same)
		buf_printf(&live->frame, "\x1b[%zuA\x1b[J", live->drawn);
	live->drawn = 0;
}

/* TEXT and TAIL as one line of at most WIDTH columns; TEXT is cut, never within a character. */
static void draw_line(struct live_progress *live, const char *text, const char *tail, size_t width)
{
	size_t room = width > strlen(tail) + 2 ? width - strlen(tail) - 2 : 0, columns = 0;
	buf_str(&live->frame, "  ");
	for (const char *at = text; *at != '\0'; at++) {
		bool begins = ((unsigned char)*at & 0xc0) != 0x80;
		if (begins && columns++ == room)
			break;
		buf_char(&live->frame, *at);
	}
	buf_printf(&live->frame, "%s\n", tail);
	live->drawn++;
}

static void draw_fleet(struct live_progress *live, size_t width)
{
	const struct progress_fleet *fleet = &live->fleet;
	char line[TEXT_MAX];
	(void)snprintf(line, sizeof(line), "%zu/%zu servers done, %zu failed, %zu running", fleet->done, fleet->servers,
		       fleet->failed, fleet->running);
	draw_line(live, line, "", width);
}

static void draw_rows(struct live_progress *live)
{
	struct winsize size = screen();
	size_t width = size.ws_col - 1U, height = size.ws_row - 1U;
	bool counted = live->fleet.servers > 1, interrupted = cancel_requested(live->cancel) && height > counted + 1U;
	size_t below = (size_t)counted + interrupted, room = height > below ? height - below : 0;
	size_t shown = live->count <= room ? live->count : room > 0 ? room - 1 : 0;
	char line[TEXT_MAX + 80];

	live->drawn = 0;
	live->drawn_on = size;
	for (size_t i = 0; i < shown; i++) {
		(void)snprintf(line, sizeof(line), "%s: %s", live->rows[i].label, live->rows[i].step);
		draw_line(live, line, " ...", width);
	}
	if (shown < live->count && room > 0) {
		(void)snprintf(line, sizeof(line), "and %zu more", live->count - shown);
		draw_line(live, line, " ...", width);
	}
	if (counted)
		draw_fleet(live, width);
	if (interrupted)
		draw_line(live, "interrupted: what was begun is ended or taken back; again Ctrl-C: at once", "", width);
}

/* A write that fails is nothing that could be reported anywhere. */
static void show_frame(struct live_progress *live)
{
	const char *text = buf_cstr(&live->frame);
	for (size_t done = 0; done < live->frame.len;) {
		ssize_t written = write(STDERR_FILENO, text + done, live->frame.len - done);
		if (written <= 0)
			break;
		done += (size_t)written;
	}
	buf_reset(&live->frame);
}

/* --- What happens --- */

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

static void remove_row(struct live_progress *live, struct row *row)
{
	size_t after = live->count - (size_t)(row - live->rows) - 1;
	memmove(row, row + 1, after * sizeof(*row));
	live->count--;
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
	show_frame(live);
	(void)pthread_mutex_unlock(&live->lock);
}

/* What a rollout left out is told by the summary, once for all of it. */
static bool is_left_out(const struct error *err)
{
	return err != NULL && str_equal(err->step, "rollout");
}

static bool gets_a_line(const struct live_progress *live, const char *server, const struct error *err)
{
	bool fleet = live->terminal && server != NULL && live->fleet.servers > FEW_SERVERS;
	return !is_left_out(err) && (err != NULL || !fleet);
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
	if (row != NULL)
		remove_row(live, row);
	if (live->terminal)
		erase_rows(live);
	if (gets_a_line(live, server, err))
		buf_printf(&live->frame, "%s: %s%s%s%s%s\n", label, mark, output_result_words(outcome),
			   color(live, "\x1b[0m"), err != NULL ? ": " : "", err != NULL ? err->message : "");
	if (live->terminal)
		draw_rows(live);
	show_frame(live);
	(void)pthread_mutex_unlock(&live->lock);
}

static void on_fleet(void *ctx, const struct progress_fleet *fleet)
{
	struct live_progress *live = ctx;
	(void)pthread_mutex_lock(&live->lock);
	live->fleet = *fleet;
	if (live->terminal) {
		erase_rows(live);
		draw_rows(live);
		show_frame(live);
	}
	(void)pthread_mutex_unlock(&live->lock);
}

/* A log line above the live rows. */
static void on_log(void *ctx, enum log_level level, const char *line)
{
	struct live_progress *live = ctx;
	(void)level;
	(void)pthread_mutex_lock(&live->lock);
	erase_rows(live);
	buf_printf(&live->frame, "%s\n", line);
	draw_rows(live);
	show_frame(live);
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

struct live_progress *live_progress_start(const struct arguments *arguments, const struct cancel *cancel,
					  struct progress *ret)
{
	if (option_given(arguments, OPTION_QUIET) || json_log(arguments))
		return NULL;
	struct live_progress *live = calloc(1, sizeof(*live));
	if (live == NULL)
		return NULL;
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) == 1 && !str_equal(term, "dumb");
	(void)pthread_mutex_init(&live->lock, /* attr= */ NULL);
	buf_init(&live->frame, FRAME_MAX);
	live->cancel = cancel;
	live->color = wants_color(arguments, terminal);
	live->terminal = terminal && !option_given(arguments, OPTION_NO_PROGRESS);
	*ret = (struct progress){.ctx = live, .step = on_step, .finished = on_finished, .fleet = on_fleet};
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
		show_frame(live);
		log_setup(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT, /* sink= */ NULL, /* ctx= */ NULL);
	}
	buf_done(&live->frame);
	(void)pthread_mutex_destroy(&live->lock);
	free(live);
}
