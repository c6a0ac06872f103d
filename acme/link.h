/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link headers, RFC 8288 §3.
 */
#ifndef ACME_LINK_H
#define ACME_LINK_H

#include "base/compiler.h"
#include "base/http_message.h"

/*
 * The target of the INDEX-th link (from 0) whose rel holds the word REL, over all Link headers of RESPONSE: its text
 * between the angle brackets, borrowed, *RET_LEN bytes, not resolved and not checked. NULL when there is none; what is
 * malformed ends the header it stands in.
 */
const char *link_find(const struct http_response *response, const char *rel, size_t index, size_t *ret_len);

#endif
