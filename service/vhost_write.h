/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writers of a virtual host's text share: vhost_nginx.c, vhost_apache.c and vhost_haproxy.c. Nothing is quoted
 * in them, since nothing that needs it passes the checks of names and paths. Only for those and vhost_text.c.
 */
#ifndef SERVICE_VHOST_WRITE_H
#define SERVICE_VHOST_WRITE_H

#include "service/vhost_text.h"
#include "transport/site_text.h"

/* Mozilla's guidelines 6.0, "intermediate": they have no DHE any more. */
#define VHOST_CIPHERS                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define VHOST_CURVES "X25519:prime256v1:secp384r1"
#define VHOST_HYBRID_CURVES \
	"X25519MLKEM768:" VHOST_CURVES /* a word that OpenSSL knows from 3.5 on, and fails over before */
#define VHOST_HSTS "max-age=63072000"  /* two years */
#define VHOST_CHALLENGES "/.well-known/acme-challenge/"

enum { VHOST_VERIFY_DEPTH = 4, VHOST_PORT_MAX = 8 };

bool vhost_is_proxy(const struct vhost *vhost);
bool vhost_is_group(const struct vhost *vhost);   /* several are behind it */
bool vhost_behind_tls(const struct vhost *vhost); /* and take TLS */

/* "HOST:PORT" as a URL has it. */
void vhost_put_upstream(struct buf *out, const struct vhost_upstream *upstream);

/* As a Host header has it. */
void vhost_put_name(struct buf *out, const struct identifier *name);

/* All names, a blank before each. */
void vhost_put_names(struct buf *out, const struct vhost *vhost);

/* ":8443" behind a host; nothing for the usual port. */
const char *vhost_port_suffix(const struct vhost *vhost, char out[VHOST_PORT_MAX]);

/* The writers, each in its file, for vhost_text.c. */
void vhost_write_nginx(struct buf *out, const struct vhost *vhost);
void vhost_write_apache(struct buf *out, const struct vhost *vhost);
void vhost_write_haproxy(struct buf *out, const struct vhost *vhost);

#endif
