/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions: a table of fields, each a comma-separated list of *, N, A-B, with an optional /STEP. */
#include "config/cron.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 24, SHOWN_MAX = 100, WEEKDAY_SUNDAY_AGAIN = 7 };

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
					  "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field {
	const char *name;
	unsigned first, last;
	const char *const *names; /* of first, first + 1, … */
	size_t name_count;
} fields[] = {
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day of the month", 1, 31, NULL, 0},
	{"month", 1, 12, month_names, ARRAY_LEN(month_names)},
	{"day of the week", 0, WEEKDAY_SUNDAY_AGAIN, day_names, ARRAY_LEN(day_names)},
};

enum { FIELD_COUNT = ARRAY_LEN(fields) };

static const struct {
	const char *word, *meaning;
} shorthands[] = {
	{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

static bool parse_value(const struct field *field, const char *text, size_t len, unsigned *ret)
{
	char word[WORD_MAX];
	uint64_t number = 0;
	if (parse_u64(text, len, field->last, &number)) {
		*ret = (unsigned)number;
		return number >= field->first;
	}
	(void)snprintf(word, sizeof(word), "%.*s", len < sizeof(word) ? (int)len : 0, text);
	for (size_t i = 0; i < field->name_count; i++)
		if (str_equal_nocase(field->names[i], word)) {
			*ret = field->first + (unsigned)i;
			return true;
		}
	return false;
}

/* One element of a list: [*|N|A-B][/STEP]. */
static bool parse_range(const struct field *field, const char *text, size_t len, uint64_t *bits)
{
	unsigned first = field->first, last = field->last;
	uint64_t step = 1;
	const char *slash = memchr(text, '/', len);
	size_t range_len = slash != NULL ? (size_t)(slash - text) : len;
	if (slash != NULL && (!parse_u64(slash + 1, len - range_len - 1, field->last, &step) || step == 0))
		return false;
	if (range_len != 1 || text[0] != '*') {
		const char *dash = memchr(text, '-', range_len);
		size_t first_len = dash != NULL ? (size_t)(dash - text) : range_len;
		if (!parse_value(field, text, first_len, &first))
			return false;
		last = first;
		if (dash != NULL && !parse_value(field, dash + 1, range_len - first_len - 1, &last))
			return false;
		/* "5/15" means nothing to cron. */
		if (dash == NULL && slash != NULL)
			return false;
	}
	if (last < first)
		return false;
	for (uint64_t value = first; value <= last; value += step)
		*bits |= (uint64_t)1 << value;
	return true;
}

static bool parse_field(const struct field *field, const char *text, size_t len, uint64_t *ret, struct error *err)
{
	char shown[SHOWN_MAX];
	uint64_t bits = 0;
	size_t at = 0;
	for (bool more = true; more; at++) {
		const char *comma = memchr(text + at, ',', len - at);
		size_t end = comma != NULL ? (size_t)(comma - text) : len;
		if (!parse_range(field, text + at, end - at, &bits))
			return error_set(err, ERROR_CONFIG, NULL, "\"%s\" is no %s of a schedule",
					 escape_text(shown, sizeof(shown), text, len, /* keep_lines= */ false),
					 field->name);
		more = comma != NULL;
		at = end;
	}
	*ret = bits;
	return true;
}

/* "0 0 31 2 *" fits no day of any year. */
static bool has_a_date(const struct cron *cron)
{
	static const unsigned month_days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (cron->any_day || !cron->any_weekday)
		return true;
	for (unsigned month = 1; month < ARRAY_LEN(month_days); month++)
		if ((cron->months & (uint64_t)1 << month) != 0 &&
		    (cron->days & (((uint64_t)2 << month_days[month]) - 1)) != 0)
			return true;
	return false;
}

static const char *expand_shorthand(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(shorthands); i++)
		if (str_equal_nocase(shorthands[i].word, text))
			return shorthands[i].meaning;
	return text;
}

bool cron_parse(const char *text, struct cron *ret, struct error *err)
{
	struct cron cron = {0};
	uint64_t *const bits[FIELD_COUNT] = {&cron.minutes, &cron.hours, &cron.days, &cron.months, &cron.weekdays};
	bool any[FIELD_COUNT];
	size_t count = 0;
	char shown[SHOWN_MAX];
	for (const char *at = expand_shorthand(text); *(at += strspn(at, " \t")) != '\0'; count++) {
		size_t len = strcspn(at, " \t");
		if (count < FIELD_COUNT) {
			if (at[0] != '@' && !parse_field(&fields[count], at, len, bits[count], err))
				return false;
			any[count] = at[0] == '*';
		}
		if (at[0] == '@')
			break;
		at += len;
	}
	if (count != FIELD_COUNT) {
		(void)escape_str(shown, sizeof(shown), text);
		return error_set(
			err, ERROR_CONFIG, NULL,
			"\"%s\" is no schedule: it has five fields (minute hour day month weekday) or is @daily, "
			"@weekly, @monthly, @yearly or @hourly",
			shown);
	}
	cron.any_day = any[2];
	cron.any_weekday = any[4];
	if ((cron.weekdays & (uint64_t)1 << WEEKDAY_SUNDAY_AGAIN) != 0)
		cron.weekdays = (cron.weekdays | 1) & ~((uint64_t)1 << WEEKDAY_SUNDAY_AGAIN);
	if (!has_a_date(&cron))
		return error_set(err, ERROR_CONFIG, NULL, "\"%s\" never happens: no such month has that day",
				 escape_str(shown, sizeof(shown), text));
	*ret = cron;
	return true;
}
