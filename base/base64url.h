/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url without padding, RFC 4648 §5 as RFC 7515 §2 uses it. Decoding is strict: padding, white space, the plain
 * alphabet's "+" and "/" and non-zero trailing bits are refused.
 */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

void base64url_encode(struct buf *out, const void *data, size_t len);

/* Appends the decoded bytes. False when the text is malformed (OUT then holds a part of it). */
MUST_CHECK bool base64url_decode(struct buf *out, const char *text, size_t len);

#endif
