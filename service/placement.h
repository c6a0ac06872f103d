/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a server's files lie, and how: remembered with what it was given, so that a config that says otherwise since is
 * noticed without asking the server.
 */
#ifndef SERVICE_PLACEMENT_H
#define SERVICE_PLACEMENT_H

#include "config/config.h"
#include "store/renewal.h"

/*
 * SERVER's host and folder, the further copies, and owner, group and mode, as one short word: equal where these are.
 * The password of a keystore is not in it: a record holds no trace of a secret. Writes renewal_server.placed, OUT.
 */
void placement_of(const struct config_server *server, char out[RENEWAL_PLACED_SIZE]);

/* Sets `moved` of those of WANTED's servers that were given their files in another place than CONFIG has for them now.
 * CONFIG may be NULL. */
void placement_compare(const struct config *config, struct renewal *wanted);

#endif
