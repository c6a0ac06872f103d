/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate profile that an order asks for: the user's, or the one that addresses need.
 */
#ifndef SERVICE_PROFILE_CHOICE_H
#define SERVICE_PROFILE_CHOICE_H

#include "store/renewal.h"

struct acme_directory;

/*
 * The profile to ask DIRECTORY's CA for. Where the user chose none and one of the names is an IP address, it is the
 * CA's short-lived one, and RET_REASON gets the sentence that says so; else RET_REASON is empty. NULL: none. Borrowed.
 */
const char *profile_choice(const struct renewal *wanted, const struct acme_directory *directory, char ret_reason[512]);

#endif
