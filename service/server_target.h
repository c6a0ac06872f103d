/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the config's server to whom a courier connects to.
 */
#ifndef SERVICE_SERVER_TARGET_H
#define SERVICE_SERVER_TARGET_H

#include "base/error.h"
#include "service/service.h"
#include "transport/ssh_target.h"

struct config_server;

/* SERVER's address, user and SSH key (its file is read). ERROR_CONFIG naming file or key otherwise. */
MUST_CHECK bool server_target(const struct config_server *server, struct ssh_target *ret, struct error *err);

/* The way to SERVER, which has jump hosts: theirs in full, of itself only where it is. ERROR_CONFIG as above. */
MUST_CHECK bool server_target_way(const struct config_server *server, struct ssh_target *ret, struct error *err);

/*
 * HOST's addresses by the run's own DNS servers, for a courier that has none: RET (empty) stays empty where there are
 * none, and the system's resolver is left to it. ERROR_DNS.
 */
MUST_CHECK bool server_addresses(struct service *service, const char *host, struct str_list *ret, struct error *err);

/* The same for what TARGET connects to from here: its first jump host, else itself. */
MUST_CHECK bool server_look_up(struct service *service, struct ssh_target *target, struct error *err);

#endif
