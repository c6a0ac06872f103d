/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of single values, pure: false with a sentence (ERROR_CONFIG) that tells what the value is not. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "base/compiler.h"

#include <stdbool.h>

struct error;

MUST_CHECK bool value_email(const char *text, struct error *err);
MUST_CHECK bool value_https_url(const char *text, struct error *err); /* or http:// to a literal loopback address */
MUST_CHECK bool value_store_url(const char *text, struct error *err);
MUST_CHECK bool value_smtp_url(const char *text, struct error *err);
MUST_CHECK bool value_dns_name(const char *text, struct error *err); /* or an IP address */
MUST_CHECK bool value_name(const char *text, struct error *err);     /* of a certificate, server, group, DNS provider */
MUST_CHECK bool value_host(const char *text, struct error *err);
MUST_CHECK bool value_account(const char *text, struct error *err);     /* a Unix user or group */
MUST_CHECK bool value_remote_path(const char *text, struct error *err); /* a path on a server */
MUST_CHECK bool value_remote_command(const char *text, struct error *err);
MUST_CHECK bool value_copy_path(const char *text, struct error *err); /* the same, with {name} in it or not */
MUST_CHECK bool value_password(const char *text, struct error *err);  /* one that every reader takes alike */
MUST_CHECK bool value_listen(const char *text, struct error *err);    /* [ADDR]:PORT */
MUST_CHECK                                                            /* Never fine: says why nobody can have it. */
	bool
	value_must_staple(const char *text, struct error *err);
MUST_CHECK bool value_issuer(const char *text, struct error *err); /* a common name, as a record can hold it */
MUST_CHECK bool value_profile(const char *text, struct error *err);
MUST_CHECK bool value_schedule(const char *text, struct error *err);

#endif
