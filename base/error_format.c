/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error as a person reads it. Stands above error.c: the growing text and the dates it is made of report their own
 * failures as errors.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

/* "  said: …"; further lines are indented deeper than any label, so that foreign words cannot look like one of ours. */
static void format_said(const char *said, struct buf *out)
{
	buf_str(out, "  said: ");
	for (const char *c = said; *c != '\0'; c++) {
		buf_char(out, *c);
		if (*c == '\n' && c[1] != '\n')
			buf_str(out, "        ");
	}
	buf_char(out, '\n');
}

/* In days and hours, or hours and minutes: a time zone taken for UTC shows as whole hours. */
static void format_clock(int64_t offset, struct buf *out)
{
	const char *direction = offset > 0 ? "ahead of" : "behind";
	long long minutes = (long long)(offset > 0 ? offset : -offset) / 60, hours = minutes / 60;
	buf_str(out, "  clock: this machine's clock is ");
	if (hours >= 48)
		buf_printf(out, "%lld days and %lld hours", hours / 24, hours % 24);
	else
		buf_printf(out, "%lld hours and %lld minutes", hours, minutes % 60);
	buf_printf(out, " %s the CA's: set it right first\n", direction);
}

void error_format(const struct error *err, struct buf *out)
{
	char time[RFC3339_SIZE];
	const char *where[] = {err->certificate, err->server, err->step};
	for (size_t i = 0; i < ARRAY_LEN(where); i++)
		if (where[i] != NULL && where[i][0] != '\0')
			buf_printf(out, "%s: ", where[i]);
	buf_printf(out, "%s\n", err->message[0] != '\0' ? err->message : error_category_name(err->category));
	if (err->said[0] != '\0')
		format_said(err->said, out);
	if (err->type[0] != '\0')
		buf_printf(out, "  type: %s\n", err->type);
	if (err->retry_at > 0)
		buf_printf(out, "  retry: not before %s\n", rfc3339_format(err->retry_at, time));
	if (err->clock_offset != 0)
		format_clock(err->clock_offset, out);
	if (err->hint[0] != '\0')
		buf_printf(out, "  next: %s\n", err->hint);
}
