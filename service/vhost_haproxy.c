/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy: a frontend for each port, and a backend. */
#include "service/vhost_write.h"

static void haproxy_tls(struct buf *out, const struct vhost *vhost, const char *curves)
{
	buf_printf(out,
		   " ssl crt %s alpn h2,http/1.1 ssl-min-ver TLSv1.2 no-tls-tickets prefer-client-ciphers "
		   "ciphers " VHOST_CIPHERS " curves %s",
		   vhost->certificate, curves);
}

static void haproxy_bind(struct buf *out, const struct vhost *vhost, unsigned port, bool tls)
{
	static const char *const addresses[] = {":", ":::"}, *const only[] = {"", SITE_IPV6};
	static const struct {
		const char *only, *curves;
	} kinds[] = {{SITE_HYBRID, VHOST_HYBRID_CURVES}, {SITE_NO_HYBRID, VHOST_CURVES}};

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		for (size_t kind = 0; kind < (tls ? ARRAY_LEN(kinds) : 1); kind++) {
			buf_printf(out, "%s%s\tbind %s%u%s", only[i], tls ? kinds[kind].only : "", addresses[i], port,
				   i == 1 ? " v6only" : "");
			if (tls)
				haproxy_tls(out, vhost, kinds[kind].curves);
			buf_char(out, '\n');
		}
	}
	buf_str(out, "\tmode http\n\ttimeout client 30s\n\ttimeout http-request 10s\n");
}

/* Nobody else's names: what is asked for by another is not answered from here. */
static void haproxy_names(struct buf *out, const struct vhost *vhost)
{
	/* By a variable, since a pattern's brackets would end what stands in a redirect; host_only is of 2.5. */
	buf_str(out, "\thttp-request set-var(txn.host) req.hdr(host),regsub(:[0-9]+$,)\n");
	for (size_t i = 0; i < vhost->identifier_count; i++) {
		const struct identifier *name = &vhost->identifiers[i];
		if (identifier_is_wildcard(name)) {
			buf_printf(out, "\tacl ours var(txn.host) -m end -i .%s\n", identifier_base(name));
			continue;
		}
		buf_str(out, "\tacl ours var(txn.host) -m str -i ");
		vhost_put_name(out, name);
		buf_char(out, '\n');
	}
	buf_str(out, "\thttp-request deny deny_status 404 unless ours\n");
}

/* Beside the first there are others: one that takes no connection is left out until it does. */
static void haproxy_server(struct buf *out, const struct vhost *vhost, size_t index)
{
	const struct vhost_upstream *upstream = &vhost->upstreams[index];
	if (vhost_is_group(vhost))
		buf_printf(out, "\tserver upstream%zu ", index + 1);
	else
		buf_str(out, "\tserver upstream ");
	if (upstream->path[0] != '\0')
		buf_str(out, "unix@");
	vhost_put_upstream(out, upstream);
	if (vhost_is_group(vhost))
		buf_str(out, " check");
	if (upstream->tls)
		buf_str(out, " ssl ssl-min-ver TLSv1.2");
	if (upstream->tls && !vhost_upstream_is_address(upstream))
		buf_printf(out, " sni str(%s)%s%s", upstream->host, vhost_is_group(vhost) ? " check-sni " : "",
			   vhost_is_group(vhost) ? upstream->host : "");
	if (upstream->tls && vhost->upstream_ca == NULL)
		buf_str(out, " verify none");
	else if (upstream->tls)
		buf_printf(out, " verify required verifyhost %s ca-file %s", upstream->host, vhost->upstream_ca);
	buf_char(out, '\n');
}

void vhost_write_haproxy(struct buf *out, const struct vhost *vhost)
{
	char port[VHOST_PORT_MAX];

	buf_printf(out, "frontend %s_http\n", vhost->name);
	haproxy_bind(out, vhost, vhost->http_port, /* tls= */ false);
	haproxy_names(out, vhost);
	buf_printf(out,
		   "\t# The CA asks here, over plain HTTP; what is behind answers it.\n"
		   "\tacl acme path_beg " VHOST_CHALLENGES "\n"
		   "\thttp-request redirect code 301 location https://%%[var(txn.host)]%s%%[capture.req.uri]"
		   " unless acme\n"
		   "\tdefault_backend %s\n\n"
		   "frontend %s_https\n",
		   vhost_port_suffix(vhost, port), vhost->name, vhost->name);
	haproxy_bind(out, vhost, vhost->https_port, /* tls= */ true);
	haproxy_names(out, vhost);
	buf_printf(out,
		   "\thttp-request set-header X-Forwarded-Proto https\n"
		   "\toption forwardfor\n"
		   "\thttp-response set-header Strict-Transport-Security \"" VHOST_HSTS "\"\n"
		   "\tdefault_backend %s\n\n"
		   "backend %s\n"
		   "\tmode http\n"
		   "\ttimeout connect 5s\n"
		   "\ttimeout server 30s\n"
		   "\ttimeout tunnel 1h\n",
		   vhost->name, vhost->name);
	if (vhost_is_group(vhost))
		buf_str(out, "\tbalance roundrobin\n\toption redispatch\n");
	for (size_t i = 0; i < vhost->upstream_count; i++)
		haproxy_server(out, vhost, i);
}
