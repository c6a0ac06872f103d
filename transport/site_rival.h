/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another site for the same names. Of two, a web server serves one, which with the same certificate no handshake tells
 * from the other: nginx warns and passes ours over, or the other; Apache takes the first without a word; HAProxy
 * spreads connections over both frontends of one port by chance. Pure; fuzzed: the texts are a server's.
 */
#ifndef TRANSPORT_SITE_RIVAL_H
#define TRANSPORT_SITE_RIVAL_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum site_dialect { SITE_NGINX, SITE_APACHE, SITE_HAPROXY, SITE_DIALECTS };

/* What a site has for itself. */
struct site_claim {
	enum site_dialect dialect;
	const struct str_list *names; /* as the config file has them */
	uint16_t http_port, https_port;
};

enum { SITE_RIVAL_MAX = 300 };

/*
 * Whether the config file TEXT of LEN bytes has a site for one of the names on one of the ports; with HAProxy, a
 * frontend on one of the ports. What it has is then in RET ("example.com on port 443"). A reading of what such files
 * are made of, without includes, macros and variables.
 */
bool site_rival_in_file(const struct site_claim *claim, const char *text, size_t len, char ret[SITE_RIVAL_MAX]);

/* The same, of what the web server said when it tested its config: nginx warns of names that it ignores. */
bool site_rival_in_output(const struct site_claim *claim, const char *text, size_t len, char ret[SITE_RIVAL_MAX]);

#endif
