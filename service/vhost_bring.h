/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate that has never come to a server, brought there for the virtual host that is to be its first: that names
 * its files, and no handshake can see it before.
 */
#ifndef SERVICE_VHOST_BRING_H
#define SERVICE_VHOST_BRING_H

#include "service/service.h"
#include "store/renewal.h"

/* Whether WANTED, which is live here and goes to SERVER, has never come there. */
bool vhost_bring_wanted(const struct renewal *wanted, const char *server);

/*
 * Deploy it there, tested and reloaded, and not verified: that is what follows. *RET_FAILURE, malloc'd, is set where
 * the server did not get it. False when nothing could be tried.
 */
MUST_CHECK bool vhost_bring(struct service *service, const struct renewal *wanted, const char *server,
			    struct error **ret_failure, struct error *err);

#endif
