/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-account-01 (draft-ietf-acme-dns-account-label-03): dns-01 below a label of the account's own, so that several
 * accounts can validate one name at the same time, each by its own delegation.
 */
#ifndef ACME_DNS_ACCOUNT_H
#define ACME_DNS_ACCOUNT_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>

enum { DNS_ACCOUNT_LABEL_SIZE = 18 }; /* "_", 16 characters, NUL */

/* §3.2: "_" and the first ten bytes of SHA-256(ACCOUNT_URL) in base32, lower case. The URL byte for byte (§3.4). */
MUST_CHECK bool dns_account_label(const char *account_url, char ret[DNS_ACCOUNT_LABEL_SIZE], struct error *err);

#endif
