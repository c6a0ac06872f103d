/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must not be printed, swapped, dumped or left behind: they live in OpenSSL's secure heap (locked, kept out
 * of core dumps) where that could be set up, are wiped on release and compared in constant time. No formatter takes
 * one.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

API_BEGIN

struct error;

struct secret {
	char *data; /* NUL-terminated behind len, for APIs that want a C string; NULL when empty */
	size_t len;
};

/*
 * Once per process, before threads: the secure heap, no core dumps, not dumpable. Where memory cannot be locked the
 * secrets live in ordinary memory, still wiped. Returns whether the heap is locked.
 */
bool secret_setup(void);

/* Copy LEN bytes. A secret that held something is wiped first. */
MUST_CHECK bool secret_set(struct secret *secret, const void *data, size_t len, struct error *err);

/* LEN zeroed bytes to fill in (secret->data). */
MUST_CHECK bool secret_reserve(struct secret *secret, size_t len, struct error *err);

/* Wipe and release. Accepts NULL and a zeroed struct. */
void secret_done(struct secret *secret);

/* Constant time in the content (not in the length). */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Read a whole file of at most MAX bytes. With PRIVATE_ONLY it is refused when group or others can read it. */
MUST_CHECK bool secret_read_file(struct secret *secret, const char *path, size_t max, bool private_only,
				 struct error *err);

API_END

#endif
