/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known CAs: one table. What changes without notice (profiles, limits, terms) is read from the CA's directory instead.
 */
#ifndef CONFIG_CA_PRESETS_H
#define CONFIG_CA_PRESETS_H

#include "base/terms.h"

#include <stdbool.h>
#include <stddef.h>

struct ca_preset {
	const char *name;    /* in the config and of --server */
	const char *title;   /* for messages */
	const char *url;     /* the directory */
	const char *url_rsa; /* the directory for certificates with an RSA key, where that is another; NULL: the same */
	bool needs_eab;      /* refuses accounts without external account binding, whatever its directory says */
	bool needs_contact;
	const char *eab_hint;      /* where key id and HMAC key come from */
	const char *eab_email_url; /* where an e-mail address is exchanged for them; NULL: nowhere */
	const char *caa;           /* its name in CAA records; NULL: not known */
	const char *retired;       /* why it is of no use any more, a sentence; NULL: in service */
	const char *host;          /* retired: of its URLs, which are in old configs */
};

/* NULL when NAME is no known CA. A retired one is known. */
const struct ca_preset *ca_preset_find(const char *name);

/* The one whose directory URL is, or for a retired one leads to its host; NULL when there is none. */
const struct ca_preset *ca_preset_find_url(const char *url);

/* The directory of PRESET for certificates with a key of TYPE. */
const char *ca_preset_url(const struct ca_preset *preset, enum key_type type);

/* All of them, the retired ones too, for help and messages. */
const struct ca_preset *ca_presets(size_t *ret_count);

#endif
