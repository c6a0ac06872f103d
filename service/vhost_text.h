/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a modern virtual host for nginx, Apache or HAProxy (pure): TLS 1.2 and 1.3 with forward secrecy and
 * authenticated ciphers only (Mozilla's "intermediate"), HSTS, and a redirect from http that lets the CA's
 * questions through. OCSP stapling is off everywhere: CAs have ended OCSP.
 */
#ifndef SERVICE_VHOST_TEXT_H
#define SERVICE_VHOST_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/identifier.h"
#include "config/config.h"

/* What answers behind the web server. */
struct vhost_upstream {
	bool tls;
	char host[IDENTIFIER_MAX]; /* an IPv6 address without brackets */
	uint16_t port;
	char path[108]; /* of a socket on the server, as long as the system takes; "": there is none, but host and port
			 */
};

/* "http://HOST[:PORT][/]", or https, or "unix:/PATH", which takes http. ERROR_USAGE otherwise. */
MUST_CHECK bool vhost_upstream_parse(const char *text, struct vhost_upstream *ret, struct error *err);

bool vhost_upstream_is_address(const struct vhost_upstream *upstream);

/* Everything is borrowed, and has been checked: names by identifier_parse(), paths by value_remote_path(). */
struct vhost {
	enum config_webserver webserver;
	const char *server; /* as the config calls it */
	const char *name;   /* the certificate's */
	const struct identifier *identifiers;
	size_t identifier_count;
	const char *certificate;                /* its path there: fullchain.pem; HAProxy: chain and key in one */
	const char *key;                        /* privkey.pem; HAProxy: NULL */
	const char *root;                       /* folder of files, and of the challenges' */
	const struct vhost_upstream *upstreams; /* requests are spread over them */
	size_t upstream_count;                  /* 0: files are served */
	const char
		*upstream_ca; /* path there, or SITE_TRUSTED: who is believed about https ones; NULL: nobody is asked */
	uint16_t http_port, https_port;
};

/* ERROR_USAGE where the web server cannot have these behind it. */
MUST_CHECK bool vhost_upstreams_check(const struct vhost *vhost, struct error *err);

/*
 * With lines that are for some servers only: transport/site_text.h chooses. ERROR_USAGE where that web server cannot do
 * it: HAProxy serves no files.
 */
MUST_CHECK bool vhost_write(const struct vhost *vhost, struct buf *out, struct error *err);

#endif
