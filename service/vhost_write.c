/* SPDX-License-Identifier: Apache-2.0 */
/* What all writers put the same way. */
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
