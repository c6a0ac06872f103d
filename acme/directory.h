/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory object, RFC 8555 §7.1.1.
 */
#ifndef ACME_DIRECTORY_H
#define ACME_DIRECTORY_H

#include "acme/session.h"

/*
 * LEN bytes of TEXT as a directory. newNonce, newAccount and newOrder are required here; what is missing else, null or
 * unknown counts as absent. RET->url is left alone. ERROR_DATA otherwise.
 */
MUST_CHECK bool directory_parse(const char *text, size_t len, struct acme_directory *ret, struct error *err);

void directory_done(struct acme_directory *directory);

#endif
