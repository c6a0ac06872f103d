/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known CAs by name: one table.
 */
#ifndef CONFIG_CA_PRESETS_H
#define CONFIG_CA_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

struct ca_preset {
	const char *name;
	const char *url;
	bool needs_eab; /* refuses accounts without external account binding */
};

/* NULL when NAME is no known CA. */
const struct ca_preset *ca_preset_find(const char *name);

/* All of them, for help and messages. */
const struct ca_preset *ca_presets(size_t *ret_count);

#endif
