/* SPDX-License-Identifier: Apache-2.0 */
/* Which writer, and the heading above what it writes. */
#include "service/vhost_text.h"

#include "service/vhost_write.h"

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
