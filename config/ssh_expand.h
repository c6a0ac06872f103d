/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ssh_config(5) lets stand for something else in its values: "~", %-tokens, ${VARIABLES}. Pure: what the system
 * knows is asked for through the struct.
 */
#ifndef CONFIG_SSH_EXPAND_H
#define CONFIG_SSH_EXPAND_H

#include "base/compiler.h"

#include <stdint.h>

struct error;

/* All borrowed. */
struct ssh_expand {
	const char *home;       /* ~ and %d; NULL: unknown */
	const char *local_user; /* %u */
	const char *local_host; /* %l; %L is its first label */
	const char *alias;      /* %n */
	const char *host;       /* %h */
	const char *key_alias;  /* %k; NULL: the alias */
	const char *user;       /* %r */
	const char *jump;       /* %j; NULL: nothing */
	uint16_t port;          /* %p */
	uint32_t uid;           /* %i */

	const char *(*variable)(const char *name); /* NULL: it is not set */
	char *(*home_of)(const char *user);        /* malloc'd; NULL: there is no such user */
};

/*
 * TEXT, which stands at PLACE ("FILE:LINE"), as a path: malloc'd, or NULL with ERROR_CONFIG that begins with the place
 * for a token that is not understood (%C is none: what it hashes depends on ssh's version), a variable that is not set,
 * a user that does not exist.
 */
MUST_CHECK char *ssh_expand_path(const struct ssh_expand *expand, const char *text, const char *place,
				 struct error *err);

/* The same for a ProxyJump, which has fewer tokens (%h, %n, %p, %r), no variables and no "~". */
MUST_CHECK char *ssh_expand_jump(const struct ssh_expand *expand, const char *text, const char *place,
				 struct error *err);

#endif
