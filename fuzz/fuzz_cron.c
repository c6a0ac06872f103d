/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a cron expression: what is accepted has every field within its range. */
#include "base/error.h"
#include "config/cron.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cron cron = {0};
	struct error err = {0};
	char *text AUTO_FREE = malloc(size + 1);
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!cron_parse(text, &cron, &err))
		return error_is_set(&err) ? 0 : (abort(), 0);
	if (cron.minutes == 0 || cron.minutes >> 60 != 0 || cron.hours == 0 || cron.hours >> 24 != 0 ||
	    cron.days == 0 || (cron.days & 1) != 0 || cron.days >> 32 != 0 || cron.months == 0 ||
	    (cron.months & 1) != 0 || cron.months >> 13 != 0 || cron.weekdays == 0 || cron.weekdays >> 7 != 0)
		abort();
	return 0;
}
