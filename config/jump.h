/* SPDX-License-Identifier: Apache-2.0 */
/* One host of a ProxyJump, as ssh(1) writes it: "[user@]host[:port]" or "ssh://[user@]host[:port]". Pure. */
#ifndef CONFIG_JUMP_H
#define CONFIG_JUMP_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct jump {
	char *user; /* NULL: not said */
	char *host;
	uint16_t port; /* 0: not said */
};

void jump_done(struct jump *jump);

/* The first host of *LIST (with commas between), which moves behind it; *LIST is NULL after the last. ERROR_CONFIG. */
MUST_CHECK bool jump_next(const char **list, struct jump *ret, struct error *err);

/* A whole list is well-formed. */
MUST_CHECK bool value_jump(const char *text, struct error *err);

#endif
