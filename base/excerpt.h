/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program says, however long it talks: its beginning and its end, in bounded memory. The cause of a failure
 * stands at the end as a rule, and what was to be done at the beginning.
 */
#ifndef BASE_EXCERPT_H
#define BASE_EXCERPT_H

#include "base/buf.h"

struct excerpt {
	struct buf kept; /* all of it; or where something is missing, the beginning and right behind it the end */
	size_t left_out; /* bytes of the middle that are gone; from kept.max / 2 on in `kept` what came after them */
};

/* Up to MAX bytes are kept. Allocates nothing yet. */
void excerpt_init(struct excerpt *excerpt, size_t max);

/* Wipe and free it; it may be used again. Accepts a zeroed struct. */
void excerpt_done(struct excerpt *excerpt);

/* LEN more bytes. Without memory for them they are left out, as kept.failed tells. */
void excerpt_add(struct excerpt *excerpt, const void *data, size_t len);

/* The bytes of EXCERPT from FROM on that are missing. */
size_t excerpt_missing(const struct excerpt *excerpt, size_t from);

#endif
