/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the subcommands of `server` say.
 */
#ifndef CLI_OUTPUT_SERVER_H
#define CLI_OUTPUT_SERVER_H

#include "cli/output.h"
#include "service/server_list.h"
#include "service/server_test.h"
#include "service/server_trust.h"

/* `server list` */
MUST_CHECK bool output_server_list(const struct server_list *list, enum output_form form, struct error *err);

/* `server test`: the steps of each; every failure whole on stderr. */
MUST_CHECK bool output_server_tests(const struct server_tests *tests, enum output_form form, struct error *err);

/* `server trust`: what became of the key; KNOWN_HOSTS_OK before: it was known already. */
MUST_CHECK bool output_server_trust(const struct server_trust *trust, enum output_form form, struct error *err);

#endif
