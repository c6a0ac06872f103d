/* SPDX-License-Identifier: Apache-2.0 */
/* nginx: one server for http, one for https. */
#include "service/vhost_write.h"

/* nginx's own 1m is less than a photograph; what is behind has limits of its own. */
#define UPLOAD_MAX "100m"

static void nginx_listen(struct buf *out, const struct vhost *vhost, unsigned port, bool tls)
{
	static const char *const addresses[] = {"", "[::]:"}, *const only[] = {"", SITE_IPV6};
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		if (!tls) {
			buf_printf(out, "%s\tlisten %s%u;\n", only[i], addresses[i], port);
			continue;
		}
		buf_printf(out, "%s" SITE_HTTP2_WORD "\tlisten %s%u ssl http2;\n", only[i], addresses[i], port);
		buf_printf(out, "%s" SITE_HTTP2_ON "\tlisten %s%u ssl;\n", only[i], addresses[i], port);
	}
	if (tls)
		buf_str(out, SITE_HTTP2_ON
			"\thttp2 on;\n" SITE_VERSION_OPEN
			"\t# nginx 1.25.1 and later want `http2 on;` in place of the word in `listen`.\n");
	buf_str(out, "\tserver_name");
	vhost_put_names(out, vhost);
	buf_str(out, ";\n\n");
}

/* A word for nginx's variables, which have neither dots nor dashes in their names. */
static void nginx_word(struct buf *out, const struct vhost *vhost)
{
	buf_str(out, "certferry_");
	for (const char *c = vhost->name; *c != '\0'; c++)
		buf_char(out, *c == '.' || *c == '-' ? '_' : *c);
}

/* What is behind has a name of its own: several do, and sockets, whose path would stand in a URL. */
static bool is_named(const struct vhost *vhost)
{
	return vhost_is_group(vhost) || vhost->upstreams[0].path[0] != '\0';
}

/* What stands outside of servers. */
static void nginx_behind(struct buf *out, const struct vhost *vhost)
{
	buf_str(out, "# WebSockets: what the client asks to be upgraded is.\nmap $http_upgrade $");
	nginx_word(out, vhost);
	buf_str(out, " {\n\tdefault upgrade;\n\t\"\" close;\n}\n\n");
	if (!is_named(vhost))
		return;
	if (vhost_is_group(vhost))
		buf_str(out, "# One that does not answer is passed over for ten seconds.\n");
	buf_printf(out, "upstream certferry_%s {\n", vhost->name);
	for (size_t i = 0; i < vhost->upstream_count; i++) {
		const struct vhost_upstream *upstream = &vhost->upstreams[i];
		buf_printf(out, "\tserver %s", upstream->path[0] != '\0' ? "unix:" : "");
		vhost_put_upstream(out, upstream);
		buf_str(out, ";\n");
	}
	buf_str(out, "}\n\n");
}

static void nginx_proxy_tls(struct buf *out, const struct vhost *vhost)
{
	const struct vhost_upstream *first = &vhost->upstreams[0];
	buf_str(out, "\t\tproxy_ssl_protocols TLSv1.2 TLSv1.3;\n");
	if (!vhost_upstream_is_address(first))
		buf_printf(out, "\t\tproxy_ssl_server_name on;\n\t\tproxy_ssl_name %s;\n", first->host);
	if (vhost->upstream_ca == NULL)
		buf_str(out, "\t\tproxy_ssl_verify off;\n");
	else
		buf_printf(out,
			   "\t\tproxy_ssl_verify on;\n"
			   "\t\tproxy_ssl_verify_depth %d;\n"
			   "\t\tproxy_ssl_trusted_certificate %s;\n",
			   VHOST_VERIFY_DEPTH, vhost->upstream_ca);
}

static void nginx_proxy(struct buf *out, const struct vhost *vhost)
{
	char port[VHOST_PORT_MAX];

	buf_printf(out, "\tlocation / {\n\t\tproxy_pass %s://", vhost_behind_tls(vhost) ? "https" : "http");
	if (is_named(vhost))
		buf_printf(out, "certferry_%s", vhost->name);
	else
		vhost_put_upstream(out, &vhost->upstreams[0]);
	buf_printf(out,
		   ";\n"
		   "\t\tclient_max_body_size " UPLOAD_MAX ";\n"
		   "\t\tproxy_http_version 1.1;\n"
		   "\t\tproxy_set_header Host $host%s;\n",
		   vhost_port_suffix(vhost, port));
	buf_str(out, "\t\tproxy_set_header X-Real-IP $remote_addr;\n"
		     "\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		     "\t\tproxy_set_header X-Forwarded-Proto $scheme;\n"
		     "\t\tproxy_set_header Upgrade $http_upgrade;\n"
		     "\t\tproxy_set_header Connection $");
	nginx_word(out, vhost);
	buf_str(out, ";\n");
	if (vhost_behind_tls(vhost))
		nginx_proxy_tls(out, vhost);
	buf_str(out, "\t}\n");
}

static void nginx_files(struct buf *out, const struct vhost *vhost)
{
	buf_printf(out,
		   "\troot %s;\n"
		   "\tindex index.html;\n"
		   "\tlocation / {\n"
		   "\t\ttry_files $uri $uri/ =404;\n"
		   "\t}\n",
		   vhost->root);
}

void vhost_write_nginx(struct buf *out, const struct vhost *vhost)
{
	char port[VHOST_PORT_MAX];

	if (vhost_is_proxy(vhost))
		nginx_behind(out, vhost);
	buf_str(out, "server {\n");
	nginx_listen(out, vhost, vhost->http_port, /* tls= */ false);
	buf_printf(out,
		   "\t# The CA asks here, over plain HTTP.\n"
		   "\tlocation ^~ " VHOST_CHALLENGES " {\n"
		   "\t\troot %s;\n"
		   "\t\tdefault_type text/plain;\n"
		   "\t\ttry_files $uri =404;\n"
		   "\t}\n\n"
		   "\tlocation / {\n"
		   "\t\treturn 301 https://$host%s$request_uri;\n"
		   "\t}\n"
		   "}\n\n"
		   "server {\n",
		   vhost->root, vhost_port_suffix(vhost, port));
	nginx_listen(out, vhost, vhost->https_port, /* tls= */ true);
	buf_printf(out,
		   "\tssl_certificate %s;\n"
		   "\tssl_certificate_key %s;\n"
		   "\tssl_protocols TLSv1.2 TLSv1.3;\n"
		   "\tssl_ciphers " VHOST_CIPHERS ";\n" SITE_HYBRID "\tssl_ecdh_curve " VHOST_HYBRID_CURVES
		   ";\n" SITE_NO_HYBRID "\tssl_ecdh_curve " VHOST_CURVES ";\n"
		   "\tssl_prefer_server_ciphers off;\n"
		   "\tssl_session_cache shared:certferry:10m;\n"
		   "\tssl_session_timeout 1d;\n"
		   "\tssl_session_tickets off;\n\n"
		   "\tadd_header Strict-Transport-Security \"" VHOST_HSTS "\" always;\n\n",
		   vhost->certificate, vhost->key);
	if (vhost_is_proxy(vhost))
		nginx_proxy(out, vhost);
	else
		nginx_files(out, vhost);
	buf_str(out, "}\n");
}
