/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions as crontab(5) of Debian's cron has them: five fields, names of months and days, @daily and its kin.
 */
#ifndef CONFIG_CRON_H
#define CONFIG_CRON_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

/* Bit N is set where the value N fits. */
struct cron {
	uint64_t minutes;  /* 0–59 */
	uint64_t hours;    /* 0–23 */
	uint64_t days;     /* 1–31 */
	uint64_t months;   /* 1–12 */
	uint64_t weekdays; /* 0–6, Sunday is 0 */
	/* When both are restricted, a day fits if either does; "*" (also with a step) restricts nothing. */
	bool any_day, any_weekday;
};

/* ERROR_CONFIG with the field and the reason; also for a date that no year has. */
MUST_CHECK bool cron_parse(const char *text, struct cron *ret, struct error *err);

#endif
