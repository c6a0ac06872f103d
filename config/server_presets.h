/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `webserver:` stands for: one table, which docs/presets.md shows and a test compares with it. Every value can be
 * given otherwise by the key of its name.
 */
#ifndef CONFIG_SERVER_PRESETS_H
#define CONFIG_SERVER_PRESETS_H

#include "config/config.h"

struct server_preset {
	const char *test_command;   /* NULL: none */
	const char *reload_command; /* NULL: none */
	uint16_t port;              /* where the verification shakes hands; 0: there is none unless `verify` says so */
	const char *starttls;       /* what is spoken before TLS there */
	const char *owner;          /* of the files; NULL: whoever logs in */
	bool combined;              /* combined.pem (fullchain and key) stands beside the four files */
};

const struct server_preset *server_preset(enum config_webserver webserver);

/* What is spoken before TLS on a well-known PORT ("none" where TLS is at once); NULL for a port that says nothing. */
const char *server_port_starttls(uint16_t port);

/* The first port where STARTTLS is usual; 0: none is known, or it is "none". */
uint16_t server_starttls_port(const char *starttls);

#endif
