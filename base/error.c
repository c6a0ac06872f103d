/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object. Everything works in the caller's struct and on the stack, so that running out of memory can be
 * reported. Text is formatted into room larger than its field, so that the cut is made by escape_text(), at a
 * character.
 */
#include "base/error.h"

#include "base/escape.h"
#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_SIZE = 2 * ERROR_TEXT_MAX };

static const char *const category_names[] = {
	[ERROR_NONE] = "none",           [ERROR_USAGE] = "usage",     [ERROR_CONFIG] = "config",
	[ERROR_NETWORK] = "network",     [ERROR_CA] = "ca",           [ERROR_DNS] = "dns",
	[ERROR_REMOTE] = "remote",       [ERROR_STORE] = "store",     [ERROR_BUSY] = "busy",
	[ERROR_CANCELLED] = "cancelled", [ERROR_TIMEOUT] = "timeout", [ERROR_DATA] = "data",
	[ERROR_INTERNAL] = "internal",
};

void error_clear(struct error *err)
{
	*err = (struct error){0};
}

static void set_text(char *field, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
static void set_text(char *field, size_t size, const char *format, va_list args)
{
	char scratch[SCRATCH_SIZE];
	if (vsnprintf(scratch, sizeof(scratch), format, args) < 0)
		scratch[0] = '\0';
	(void)escape_str(field, size, scratch);
}

static void record(struct error *err, enum error_category category, const char *step)
{
	err->category = category;
	if (err->step == NULL)
		err->step = step;
}

bool error_set(struct error *err, enum error_category category, const char *step, const char *format, ...)
{
	va_list args;
	if (error_is_set(err))
		return false;
	record(err, category, step);
	va_start(args, format);
	set_text(err->message, sizeof(err->message), format, args);
	va_end(args);
	return false;
}

void error_reword(struct error *err, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	set_text(text, sizeof(text), format, args);
	va_end(args);
	memcpy(err->message, text, sizeof(text));
}

bool error_errno(struct error *err, enum error_category category, const char *step, int errnum, const char *format, ...)
{
	va_list args;
	char reason[128], text[ERROR_TEXT_MAX - sizeof(reason) - 2];
	if (error_is_set(err))
		return false;
	va_start(args, format);
	set_text(text, sizeof(text), format, args);
	va_end(args);
	return error_set(err, category, step, "%s: %s", text, strerror_r(errnum, reason, sizeof(reason)));
}

bool error_oom(struct error *err)
{
	return error_set(err, ERROR_INTERNAL, NULL, "out of memory");
}

/* The next URL in TEXT from *AT on, its length in *RET_LEN, *AT moved behind it. NULL: none is left. */
static const char *next_url(const char *text, size_t len, size_t *at, size_t *ret_len)
{
	static const char scheme[] = "https://";
	const char *start = *at < len ? memmem(text + *at, len - *at, scheme, strlen(scheme)) : NULL;
	if (start == NULL)
		return NULL;
	const char *end = start;
	while (end<text + len && * end> ' ' && *end < 0x7f && strchr("\"<>\\", *end) == NULL)
		end++;
	*at = (size_t)(end - text);
	*ret_len = (size_t)(end - start);
	return start;
}

/*
 * SAID is TEXT cut to SIZE: the first link that was lost by that is put back whole, on a line of its own. Half a link
 * helps nobody, and a CA's link may be all that lifts a pause.
 */
static void keep_link(char *said, size_t size, const char *text, size_t len)
{
	size_t at = 0, url_len = 0;
	const char *url;
	while ((url = next_url(text, len, &at, &url_len)) != NULL) {
		const char *kept = memmem(said, strlen(said), url, url_len);
		if (kept != NULL || url_len + 2 > size / 2)
			continue;
		(void)escape_text(said, size - url_len - 1, text, len, /* keep_lines= */ true);
		size_t used = strlen(said);
		said[used] = '\n';
		memcpy(said + used + 1, url, url_len);
		said[used + 1 + url_len] = '\0';
		return;
	}
}

void error_said(struct error *err, const char *text, size_t len)
{
	if (err->said[0] != '\0' || text == NULL)
		return;
	(void)escape_text(err->said, sizeof(err->said), text, len, /* keep_lines= */ true);
	/* Full to the last few bytes: something may have been cut. */
	if (strlen(err->said) + 16 >= sizeof(err->said))
		keep_link(err->said, sizeof(err->said), text, len);
}

void error_said_output(struct error *err, const char *text, size_t len, size_t left_out)
{
	enum { CUT = ERROR_SAID_MAX - ERROR_TEXT_MAX / 2 };
	if (err->said[0] != '\0')
		return;
	(void)escape_text(err->said, sizeof(err->said), text, len, /* keep_lines= */ true);
	/* Full to the last few bytes: something may have been cut. */
	if (left_out > 0 || strlen(err->said) + 16 >= sizeof(err->said))
		(void)escape_ends(err->said, CUT, text, len, left_out);
}

/* Fill a name that is still unknown. */
static void set_name(char field[ERROR_NAME_MAX], const char *name)
{
	if (field[0] == '\0' && name != NULL)
		(void)escape_str(field, ERROR_NAME_MAX, name);
}

void error_type(struct error *err, const char *type)
{
	set_name(err->type, type);
}

void error_clock(struct error *err, int64_t offset)
{
	if (err->clock_offset == 0 && (offset > LIMIT_CLOCK_OFFSET || offset < -LIMIT_CLOCK_OFFSET))
		err->clock_offset = offset;
}

void error_hint(struct error *err, const char *format, ...)
{
	va_list args;
	if (err->hint[0] != '\0')
		return;
	va_start(args, format);
	set_text(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

/* Three lines for each part; an empty text is a dash, so that no line is empty and none is lost in a record. */
static const char no_text[] = "-";

void error_part(struct error *err, const char *identifier, const char *type, const char *detail)
{
	struct error_part part;
	char lines[sizeof(part) + 4];
	size_t used = strlen(err->parts);

	(void)escape_str(part.identifier, sizeof(part.identifier), identifier != NULL ? identifier : "");
	(void)escape_str(part.type, sizeof(part.type), type != NULL ? type : "");
	(void)escape_str(part.detail, sizeof(part.detail), detail != NULL ? detail : "");
	int len = snprintf(lines, sizeof(lines), "%s\n%s\n%s\n", part.identifier[0] ? part.identifier : no_text,
			   part.type[0] ? part.type : no_text, part.detail[0] ? part.detail : no_text);
	if (len > 0 && (size_t)len < sizeof(err->parts) - used)
		memcpy(err->parts + used, lines, (size_t)len + 1);
}

/* The line at AT into FIELD, and where the next one begins. */
static const char *take_line(const char *at, char *field, size_t size)
{
	size_t len = strcspn(at, "\n"), kept = len < size ? len : size - 1;
	if (len == strlen(no_text) && memcmp(at, no_text, len) == 0)
		kept = 0;
	memcpy(field, at, kept);
	field[kept] = '\0';
	return at + len + (at[len] == '\n');
}

bool error_part_at(const struct error *err, size_t index, struct error_part *ret)
{
	for (const char *at = err->parts; *at != '\0'; index--) {
		at = take_line(at, ret->identifier, sizeof(ret->identifier));
		at = take_line(at, ret->type, sizeof(ret->type));
		at = take_line(at, ret->detail, sizeof(ret->detail));
		if (index == 0)
			return true;
	}
	return false;
}

void error_context(struct error *err, const char *step, const char *certificate, const char *server)
{
	if (err->step == NULL)
		err->step = step;
	set_name(err->certificate, certificate);
	set_name(err->server, server);
}

bool error_attribute(struct error *err, enum error_category category, const char *step)
{
	if (err->category == ERROR_DATA)
		err->category = category;
	if (err->step == NULL)
		err->step = step;
	return false;
}

const char *error_category_name(enum error_category category)
{
	return category < ARRAY_LEN(category_names) ? category_names[category] : "internal";
}

void error_keep(struct error **ret, const struct error *err)
{
	free(*ret);
	*ret = NULL;
	if (err == NULL || !error_is_set(err))
		return;
	*ret = malloc(sizeof(**ret));
	if (*ret != NULL)
		**ret = *err;
}
