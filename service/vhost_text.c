/* SPDX-License-Identifier: Apache-2.0 */
/* Which writer, and what all of them put the same way. */
#include "service/vhost_text.h"

#include "base/str.h"
#include "service/vhost_write.h"

#include <stdio.h>
#include <string.h>

enum { HTTPS_PORT = 443 };

static bool is_ipv6(const char *host)
{
	return strchr(host, ':') != NULL;
}

void vhost_put_upstream(struct buf *out, const struct vhost_upstream *upstream)
{
	bool v6 = is_ipv6(upstream->host);
	if (upstream->path[0] != '\0')
		buf_str(out, upstream->path);
	else
		buf_printf(out, "%s%s%s:%u", v6 ? "[" : "", upstream->host, v6 ? "]" : "", (unsigned)upstream->port);
}

bool vhost_is_proxy(const struct vhost *vhost)
{
	return vhost->upstream_count > 0;
}

bool vhost_is_group(const struct vhost *vhost)
{
	return vhost->upstream_count > 1;
}

bool vhost_behind_tls(const struct vhost *vhost)
{
	return vhost_is_proxy(vhost) && vhost->upstreams[0].tls;
}

void vhost_put_name(struct buf *out, const struct identifier *name)
{
	bool v6 = name->type == IDENTIFIER_IP && is_ipv6(name->value);
	buf_printf(out, "%s%s%s", v6 ? "[" : "", name->value, v6 ? "]" : "");
}

void vhost_put_names(struct buf *out, const struct vhost *vhost)
{
	for (size_t i = 0; i < vhost->identifier_count; i++) {
		buf_char(out, ' ');
		vhost_put_name(out, &vhost->identifiers[i]);
	}
}

const char *vhost_port_suffix(const struct vhost *vhost, char out[VHOST_PORT_MAX])
{
	out[0] = '\0';
	if (vhost->https_port != HTTPS_PORT)
		(void)snprintf(out, VHOST_PORT_MAX, ":%u", (unsigned)vhost->https_port);
	return out;
}

static void put_heading(struct buf *out, const struct vhost *vhost)
{
	buf_printf(out, "# %s, written by `certferry vhost %s %s`: TLS 1.2 and 1.3, HSTS, redirect from http.\n",
		   vhost->name, vhost->server, vhost->name);
}

bool vhost_write(const struct vhost *vhost, struct buf *out, struct error *err)
{
	static const struct {
		void (*write)(struct buf *out, const struct vhost *vhost);
	} writers[] = {
		[CONFIG_WEBSERVER_NGINX] = {vhost_write_nginx},
		[CONFIG_WEBSERVER_APACHE] = {vhost_write_apache},
		[CONFIG_WEBSERVER_HAPROXY] = {vhost_write_haproxy},
	};
	if (vhost->webserver >= ARRAY_LEN(writers) || writers[vhost->webserver].write == NULL) {
		error_hint(err, "set servers.%s.webserver to nginx, apache or haproxy", vhost->server);
		return error_set(err, ERROR_USAGE, "vhost",
				 "there are virtual hosts for nginx, Apache and HAProxy only");
	}
	if (vhost->webserver == CONFIG_WEBSERVER_HAPROXY && !vhost_is_proxy(vhost)) {
		error_hint(err, "--upstream http://127.0.0.1:3000");
		return error_set(err, ERROR_USAGE, "vhost",
				 "HAProxy serves no files: it needs to be told what is behind it");
	}
	if (!vhost_upstreams_check(vhost, err))
		return false;
	put_heading(out, vhost);
	writers[vhost->webserver].write(out, vhost);
	return buf_check(out, "virtual host", err);
}
