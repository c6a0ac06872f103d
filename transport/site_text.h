/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a virtual host, with lines that are for some servers only: what a server's web server can do is known to
 * whoever looks at it, which is not who writes the text. Pure.
 */
#ifndef TRANSPORT_SITE_TEXT_H
#define TRANSPORT_SITE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A line that begins with one of these bytes is for servers of that kind only, with several for those of all. */
#define SITE_IPV6 "\x01"         /* addresses of IPv6 can be listened on */
#define SITE_HTTP2_ON "\x02"     /* nginx 1.25.1 and later: `http2 on` */
#define SITE_HTTP2_WORD "\x03"   /* before: a word of `listen` */
#define SITE_HYBRID "\x04"       /* OpenSSL 3.5 and later: a key exchange that a quantum computer does not break */
#define SITE_NO_HYBRID "\x05"    /* before */
#define SITE_VERSION_OPEN "\x06" /* which version it is, is not known: for the printed text */

/* Stands for the path of the server's file of the CAs that are trusted. */
#define SITE_TRUSTED "\x07"

/* Where that is on Debian, and what stands for it where it is not known. */
#define SITE_TRUSTED_USUAL "/etc/ssl/certs/ca-certificates.crt"

struct site_facts {
	bool no_ipv6;
	bool http2_on;
	bool hybrid;
	bool version_known;  /* of the web server */
	const char *trusted; /* for SITE_TRUSTED; NULL: the usual one */
};

/* TEXT as a server of FACTS has it, appended to OUT (to be checked). */
void site_text_render(const char *text, const struct site_facts *facts, struct buf *out);

/*
 * The version behind NAME in what a program says, as one number (1025001 for 1.25.1); 0 where there is none: "nginx/"
 * in `nginx -V`, "OpenSSL " in that and in `haproxy -vv`; of several the last, which is the one that runs. Fuzzed: the
 * text is a server's.
 */
uint32_t site_version(const char *text, size_t len, const char *name);

/* What such an output tells. */
void site_facts_read(const char *text, size_t len, struct site_facts *ret);

#endif
