/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual host of one certificate on one of the config's servers, printed or installed.
 */
#ifndef SERVICE_VHOST_H
#define SERVICE_VHOST_H

#include "service/result.h"
#include "service/service.h"

struct vhost_request {
	const char *server;               /* of the config */
	const char *name;                 /* the certificate's */
	const struct str_list *upstreams; /* "http://HOST:PORT", https or "unix:/PATH"; empty: files are served */
	const char *upstream_ca;          /* a path there that https ones are verified by; "none": they are not */
	bool install;                     /* else only its text is made */
	bool force;                       /* replace a file of other content */
};

struct vhost_result {
	char *webserver;
	char *text;              /* what was asked for; of an installation, the form that every version takes */
	bool installed;          /* an installation was tried: the result of it is */
	enum push_result result; /* this one */
	char *path, *link;       /* where it is; NULL: unknown, or none */
	struct str_list notes;   /* what is worth knowing, a sentence each */
	struct error *error;     /* owned; of the installation */
};

void vhost_result_done(struct vhost_result *result);

/* False when nothing could be tried: the server or certificate is not there, or the web server cannot do it. */
MUST_CHECK bool vhost_make(struct service *service, const struct vhost_request *request, struct vhost_result *ret,
			   struct error *err);

#endif
