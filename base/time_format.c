/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as text, declared in clock.h: RFC 3339 and the three forms of HTTP. Own day arithmetic on the proleptic
 * Gregorian calendar: no locale, no time zone, no overflow. What is written lies in the years 0000 to 9999, so it can
 * be read again.
 */
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 24 * 3600, DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 };

#define WALL_MIN (-62167219200) /* 0000-01-01T00:00:00Z */
#define WALL_MAX 253402300799   /* 9999-12-31T23:59:59Z */

struct fields {
	int64_t year, month, day, hour, minute, second;
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

enum { SHORT_NAME = 3 };

/* Days since 1970. Years begin in March here, which puts the leap day last; 400 of them (an era) are always as long. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
	       DAYS_TO_1970;
}

static void date_from_days(int64_t days, struct fields *ret)
{
	days += DAYS_TO_1970;
	int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	int64_t day = days - era * DAYS_PER_ERA;
	int64_t year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365;
	int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	ret->day = day_of_year - (153 * month + 2) / 5 + 1;
	ret->month = month < 10 ? month + 3 : month - 9;
	ret->year = year + era * 400 + (ret->month <= 2);
}

const char *rfc3339_format(int64_t wall, char out[RFC3339_SIZE])
{
	struct fields at = {0};
	if (wall < WALL_MIN)
		wall = WALL_MIN;
	if (wall > WALL_MAX)
		wall = WALL_MAX;
	int64_t seconds = (wall % DAY + DAY) % DAY;
	date_from_days((wall - seconds) / DAY, &at);
	(void)snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)at.year, (unsigned)at.month,
		       (unsigned)at.day, (unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60),
		       (unsigned)(seconds % 60));
	return out;
}

static bool days_in_month(int64_t year, int64_t month, int64_t day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* The fields, which lie OFFSET seconds east of UTC, as seconds since 1970. False for a date or time that does not
 * exist. */
static bool fields_to_wall(const struct fields *at, int64_t offset, int64_t *ret)
{
	if (!days_in_month(at->year, at->month, at->day) || at->hour > 23 || at->minute > 59 || at->second > 60)
		return false;
	int64_t wall = days_from_date(at->year, at->month, at->day) * DAY + at->hour * 3600 + at->minute * 60 +
		       at->second - offset;
	/* A leap second can only be the one after 23:59:59 UTC; it counts as the next day's first. */
	if (at->second == 60 && wall % DAY != 0)
		return false;
	*ret = wall;
	return true;
}

static bool scan_number(const char **at, const char *end, size_t digits, int64_t *ret)
{
	uint64_t value = 0;
	if ((size_t)(end - *at) < digits || !parse_u64(*at, digits, 9999, &value))
		return false;
	*at += digits;
	*ret = (int64_t)value;
	return true;
}

/* One of NAMES (its first LEN bytes, or the whole where LEN is 0); *RET counts from 1. */
static bool scan_name(const char **at, const char *end, const char *const *names, size_t count, size_t len,
		      int64_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		size_t name_len = len > 0 ? len : strlen(names[i]);
		if ((size_t)(end - *at) < name_len || memcmp(*at, names[i], name_len) != 0)
			continue;
		*at += name_len;
		*ret = (int64_t)i + 1;
		return true;
	}
	return false;
}

/* One conversion of scan(). */
static bool scan_field(char conversion, const char **at, const char *end, struct fields *ret)
{
	int64_t ignored = 0;
	switch (conversion) {
	case 'Y':
		return scan_number(at, end, 4, &ret->year);
	case 'y': /* the last two digits */
		return scan_number(at, end, 2, &ret->year);
	case 'm':
		return scan_number(at, end, 2, &ret->month);
	case 'b':
		return scan_name(at, end, months, ARRAY_LEN(months), SHORT_NAME, &ret->month);
	case 'e': /* padded with a space */
		if (*at < end && **at == ' ') {
			(*at)++;
			return scan_number(at, end, 1, &ret->day);
		}
		return scan_number(at, end, 2, &ret->day);
	case 'd':
		return scan_number(at, end, 2, &ret->day);
	case 'H':
		return scan_number(at, end, 2, &ret->hour);
	case 'M':
		return scan_number(at, end, 2, &ret->minute);
	case 'S':
		return scan_number(at, end, 2, &ret->second);
	case 'a':
		return scan_name(at, end, weekdays, ARRAY_LEN(weekdays), SHORT_NAME, &ignored);
	default: /* 'A' */
		return scan_name(at, end, weekdays, ARRAY_LEN(weekdays), 0, &ignored);
	}
}

/* A strict strptime: fixed widths, English names in their one spelling, literal text. Moves *AT behind what matched. */
static bool scan(const char *format, const char **at, const char *end, struct fields *ret)
{
	for (; *format != '\0'; format++) {
		if (*format == '%') {
			if (!scan_field(*++format, at, end, ret))
				return false;
		} else if (*at == end || *(*at)++ != *format) {
			return false;
		}
	}
	return true;
}

/* "Z" or "+hh:mm", to the end of the text. */
static bool scan_offset(const char *at, const char *end, int64_t *ret)
{
	struct fields offset = {0};
	if (at == end)
		return false;
	char sign = *at++;
	if (sign == 'Z' || sign == 'z') {
		*ret = 0;
		return at == end;
	}
	if ((sign != '+' && sign != '-') || !scan("%H:%M", &at, end, &offset) || at != end)
		return false;
	if (offset.hour > 23 || offset.minute > 59)
		return false;
	*ret = (offset.hour * 3600 + offset.minute * 60) * (sign == '-' ? -1 : 1);
	return true;
}

bool rfc3339_parse(const char *text, size_t len, int64_t *ret)
{
	const char *at = text, *end = text + len;
	struct fields fields = {0};
	int64_t offset = 0;
	if (!scan("%Y-%m-%d", &at, end, &fields) || at == end || (*at != 'T' && *at != 't'))
		return false;
	at++;
	if (!scan("%H:%M:%S", &at, end, &fields))
		return false;
	if (at < end && *at == '.') {
		const char *fraction = ++at;
		while (at < end && *at >= '0' && *at <= '9')
			at++;
		if (at == fraction)
			return false;
	}
	return scan_offset(at, end, &offset) && fields_to_wall(&fields, offset, ret);
}

/* RFC 9110 §5.6.7: two digits that would lie more than 50 years ahead mean the past. */
static int64_t full_year(int64_t two_digits)
{
	struct fields now = {0};
	date_from_days(clock_wall() / DAY, &now);
	int64_t year = now.year - now.year % 100 + two_digits;
	return year > now.year + 50 ? year - 100 : year;
}

bool http_date_parse(const char *text, size_t len, int64_t *ret)
{
	static const struct {
		const char *format;
		bool two_digit_year;
	} forms[] = {
		{"%a, %d %b %Y %H:%M:%S GMT", false}, /* IMF-fixdate */
		{"%A, %d-%b-%y %H:%M:%S GMT", true},  /* RFC 850 */
		{"%a %b %e %H:%M:%S %Y", false},      /* asctime */
	};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const char *at = text, *end = text + len;
		struct fields fields = {0};
		if (!scan(forms[i].format, &at, end, &fields) || at != end)
			continue;
		if (forms[i].two_digit_year)
			fields.year = full_year(fields.year);
		return fields_to_wall(&fields, 0, ret);
	}
	return false;
}

bool retry_after_parse(const char *text, int64_t now, int64_t *ret_seconds)
{
	uint64_t seconds = 0;
	int64_t date = 0;
	if (text == NULL)
		return false;
	size_t len = strlen(text);
	/* More than 68 years is as good as garbled, and whoever adds it to a time must not overflow. */
	if (parse_u64(text, len, INT32_MAX, &seconds)) {
		*ret_seconds = (int64_t)seconds;
		return true;
	}
	if (!http_date_parse(text, len, &date) || date < now)
		return false;
	*ret_seconds = date - now;
	return true;
}
