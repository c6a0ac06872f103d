/* SPDX-License-Identifier: Apache-2.0 */
/* One writer for each web server. Nothing is quoted here, since nothing that needs it passes the checks of names. */
#include "service/vhost_text.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define CIPHERS                                                      \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CURVES "X25519:prime256v1:secp384r1"
#define HSTS "max-age=63072000" /* two years */
#define CHALLENGES "/.well-known/acme-challenge/"

enum { HTTPS_PORT = 443, VERIFY_DEPTH = 4 };

static bool is_ipv6(const char *host)
{
	return strchr(host, ':') != NULL;
}

/* "HOST:PORT" as a URL has it. */
static void put_upstream(struct buf *out, const struct vhost_upstream *upstream)
{
	bool v6 = is_ipv6(upstream->host);
	buf_printf(out, "%s%s%s:%u", v6 ? "[" : "", upstream->host, v6 ? "]" : "", (unsigned)upstream->port);
}

static bool is_proxy(const struct vhost *vhost)
{
	return vhost->upstream_count > 0;
}

static bool is_group(const struct vhost *vhost)
{
	return vhost->upstream_count > 1;
}

static bool is_tls(const struct vhost *vhost)
{
	return is_proxy(vhost) && vhost->upstreams[0].tls;
}

/* As a Host header has it. */
static void put_name(struct buf *out, const struct identifier *name)
{
	bool v6 = name->type == IDENTIFIER_IP && is_ipv6(name->value);
	buf_printf(out, "%s%s%s", v6 ? "[" : "", name->value, v6 ? "]" : "");
}

static void put_names(struct buf *out, const struct vhost *vhost, size_t first)
{
	for (size_t i = first; i < vhost->identifier_count; i++) {
		buf_char(out, ' ');
		put_name(out, &vhost->identifiers[i]);
	}
}

/* ":8443" behind a host; nothing for the usual port. */
static const char *port_suffix(const struct vhost *vhost, char out[8])
{
	out[0] = '\0';
	if (vhost->https_port != HTTPS_PORT)
		(void)snprintf(out, 8, ":%u", (unsigned)vhost->https_port);
	return out;
}

static void put_heading(struct buf *out, const struct vhost *vhost)
{
	buf_printf(out, "# %s, written by `certferry vhost %s %s`: TLS 1.2 and 1.3, HSTS, redirect from http.\n",
		   vhost->name, vhost->server, vhost->name);
}

/* --- nginx --- */

static void nginx_listen(struct buf *out, const struct vhost *vhost, unsigned port, bool tls)
{
	static const char *const addresses[] = {"", "[::]:"};
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		buf_printf(out, "\tlisten %s%u%s%s;\n", addresses[i], port, tls ? " ssl" : "",
			   tls && !vhost->http2_directive ? " http2" : "");
	if (tls && vhost->http2_directive)
		buf_str(out, "\thttp2 on;\n");
	buf_str(out, "\tserver_name");
	put_names(out, vhost, 0);
	buf_str(out, ";\n\n");
}

/* A word for nginx's variables, which have neither dots nor dashes in their names. */
static void nginx_word(struct buf *out, const struct vhost *vhost)
{
	buf_str(out, "certferry_");
	for (const char *c = vhost->name; *c != '\0'; c++)
		buf_char(out, *c == '.' || *c == '-' ? '_' : *c);
}

/* What stands outside of servers. */
static void nginx_behind(struct buf *out, const struct vhost *vhost)
{
	buf_str(out, "# WebSockets: what the client asks to be upgraded is.\nmap $http_upgrade $");
	nginx_word(out, vhost);
	buf_str(out, " {\n\tdefault upgrade;\n\t\"\" close;\n}\n\n");
	if (!is_group(vhost))
		return;
	buf_str(out, "# One that does not answer is passed over for ten seconds.\nupstream ");
	nginx_word(out, vhost);
	buf_str(out, " {\n");
	for (size_t i = 0; i < vhost->upstream_count; i++) {
		buf_str(out, "\tserver ");
		put_upstream(out, &vhost->upstreams[i]);
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
			   VERIFY_DEPTH, vhost->upstream_ca);
}

static void nginx_proxy(struct buf *out, const struct vhost *vhost)
{
	buf_printf(out, "\tlocation / {\n\t\tproxy_pass %s://", is_tls(vhost) ? "https" : "http");
	if (is_group(vhost))
		nginx_word(out, vhost);
	else
		put_upstream(out, &vhost->upstreams[0]);
	buf_str(out, ";\n"
		     "\t\tproxy_http_version 1.1;\n"
		     "\t\tproxy_set_header Host $host;\n"
		     "\t\tproxy_set_header X-Real-IP $remote_addr;\n"
		     "\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		     "\t\tproxy_set_header X-Forwarded-Proto $scheme;\n"
		     "\t\tproxy_set_header Upgrade $http_upgrade;\n"
		     "\t\tproxy_set_header Connection $");
	nginx_word(out, vhost);
	buf_str(out, ";\n");
	if (is_tls(vhost))
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

static void nginx_write(struct buf *out, const struct vhost *vhost)
{
	char port[8];

	if (is_proxy(vhost))
		nginx_behind(out, vhost);
	buf_str(out, "server {\n");
	nginx_listen(out, vhost, vhost->http_port, /* tls= */ false);
	buf_printf(out,
		   "\t# The CA asks here, over plain HTTP.\n"
		   "\tlocation ^~ " CHALLENGES " {\n"
		   "\t\troot %s;\n"
		   "\t\tdefault_type text/plain;\n"
		   "\t\ttry_files $uri =404;\n"
		   "\t}\n\n"
		   "\tlocation / {\n"
		   "\t\treturn 301 https://$host%s$request_uri;\n"
		   "\t}\n"
		   "}\n\n"
		   "server {\n",
		   vhost->root, port_suffix(vhost, port));
	nginx_listen(out, vhost, vhost->https_port, /* tls= */ true);
	buf_printf(out,
		   "\tssl_certificate %s;\n"
		   "\tssl_certificate_key %s;\n"
		   "\tssl_protocols TLSv1.2 TLSv1.3;\n"
		   "\tssl_ciphers " CIPHERS ";\n"
		   "\tssl_ecdh_curve " CURVES ";\n"
		   "\tssl_prefer_server_ciphers off;\n"
		   "\tssl_session_cache shared:certferry:10m;\n"
		   "\tssl_session_timeout 1d;\n"
		   "\tssl_session_tickets off;\n\n"
		   "\tadd_header Strict-Transport-Security \"" HSTS "\" always;\n\n",
		   vhost->certificate, vhost->key);
	if (is_proxy(vhost))
		nginx_proxy(out, vhost);
	else
		nginx_files(out, vhost);
	buf_str(out, "}\n");
}

/* --- Apache --- */

/* ServerName is no wildcard: the first name that is none, else the base of one. */
static void apache_names(struct buf *out, const struct vhost *vhost)
{
	size_t first = 0;
	while (first + 1 < vhost->identifier_count && identifier_is_wildcard(&vhost->identifiers[first]))
		first++;
	struct identifier name = vhost->identifiers[first];
	if (identifier_is_wildcard(&name)) {
		const char *base = identifier_base(&vhost->identifiers[first]);
		(void)snprintf(name.value, sizeof(name.value), "%s", base);
	}
	buf_str(out, "\tServerName ");
	put_name(out, &name);
	buf_char(out, '\n');
	if (vhost->identifier_count == 1 && identifier_equal(&name, &vhost->identifiers[0]))
		return;
	buf_str(out, "\tServerAlias");
	put_names(out, vhost, 0);
	buf_char(out, '\n');
}

static void apache_folder(struct buf *out, const char *path, const char *tail)
{
	buf_printf(out,
		   "\t<Directory \"%s%s\">\n"
		   "\t\tRequire all granted\n"
		   "\t\tOptions None\n"
		   "\t\tAllowOverride None\n"
		   "\t</Directory>\n",
		   path, tail);
}

static void apache_proxy_tls(struct buf *out, const struct vhost *vhost)
{
	buf_str(out, "\tSSLProxyEngine on\n\tSSLProxyProtocol -all +TLSv1.2 +TLSv1.3\n");
	if (vhost->upstream_ca == NULL)
		buf_str(out, "\tSSLProxyVerify none\n\tSSLProxyCheckPeerName off\n\tSSLProxyCheckPeerExpire off\n");
	else
		buf_printf(out,
			   "\tSSLProxyVerify require\n\tSSLProxyVerifyDepth %d\n\tSSLProxyCACertificateFile \"%s\"\n",
			   VERIFY_DEPTH, vhost->upstream_ca);
}

/* "http://HOST:PORT" */
static void apache_member(struct buf *out, const struct vhost *vhost, size_t index)
{
	buf_printf(out, "%s://", is_tls(vhost) ? "https" : "http");
	put_upstream(out, &vhost->upstreams[index]);
}

/* Where requests go: the one, or the group of them. */
static void apache_target(struct buf *out, const struct vhost *vhost)
{
	if (is_group(vhost))
		buf_printf(out, "balancer://%s", vhost->name);
	else
		apache_member(out, vhost, 0);
}

static void apache_proxy(struct buf *out, const struct vhost *vhost)
{
	buf_char(out, '\n');
	if (is_tls(vhost)) {
		buf_str(out,
			"\t# Host and TLS have one name here, the upstream's own: X-Forwarded-Host has the other.\n");
		apache_proxy_tls(out, vhost);
	} else {
		buf_str(out, "\tProxyPreserveHost On\n");
	}
	buf_str(out, "\tRequestHeader set X-Forwarded-Proto https\n");
	if (is_group(vhost)) {
		buf_printf(out, "\t<Proxy \"balancer://%s\">\n", vhost->name);
		for (size_t i = 0; i < vhost->upstream_count; i++) {
			buf_str(out, "\t\tBalancerMember \"");
			apache_member(out, vhost, i);
			buf_str(out, "\" retry=10 upgrade=websocket\n");
		}
		buf_str(out, "\t</Proxy>\n");
	}
	buf_str(out, "\t# WebSockets: what the client asks to be upgraded is.\n\tProxyPass \"/\" \"");
	apache_target(out, vhost);
	buf_printf(out, "/\"%s\n\tProxyPassReverse \"/\" \"", is_group(vhost) ? "" : " upgrade=websocket");
	apache_target(out, vhost);
	buf_str(out, "/\"\n");
}

static const char *apache_modules(const struct vhost *vhost)
{
	if (!is_proxy(vhost))
		return "";
	return is_group(vhost) ? ", proxy, proxy_http, proxy_balancer, lbmethod_byrequests" : ", proxy, proxy_http";
}

static void apache_write(struct buf *out, const struct vhost *vhost)
{
	char port[8];

	buf_printf(out, "# Modules: ssl, headers%s; http2 where it is there.\n<VirtualHost *:%u>\n",
		   apache_modules(vhost), (unsigned)vhost->http_port);
	apache_names(out, vhost);
	buf_printf(out,
		   "\n\t# The CA asks here, over plain HTTP.\n"
		   "\tAlias \"" CHALLENGES "\" \"%s" CHALLENGES "\"\n",
		   vhost->root);
	apache_folder(out, vhost->root, CHALLENGES);
	buf_printf(out,
		   "\n\t<LocationMatch \"^/(?!\\.well-known/acme-challenge/)\">\n"
		   "\t\tRedirect permanent \"https://%%{SERVER_NAME}%s%%{REQUEST_URI}\"\n"
		   "\t</LocationMatch>\n"
		   "</VirtualHost>\n\n"
		   "<VirtualHost *:%u>\n",
		   port_suffix(vhost, port), (unsigned)vhost->https_port);
	apache_names(out, vhost);
	buf_printf(out,
		   "\tProtocols h2 http/1.1\n\n"
		   "\tSSLEngine on\n"
		   "\tSSLCertificateFile \"%s\"\n"
		   "\tSSLCertificateKeyFile \"%s\"\n"
		   "\tSSLProtocol -all +TLSv1.2 +TLSv1.3\n"
		   "\tSSLCipherSuite " CIPHERS "\n"
		   "\tSSLOpenSSLConfCmd Curves " CURVES "\n"
		   "\tSSLHonorCipherOrder off\n"
		   "\tSSLSessionTickets off\n\n"
		   "\tHeader always set Strict-Transport-Security \"" HSTS "\"\n",
		   vhost->certificate, vhost->key);
	if (is_proxy(vhost)) {
		apache_proxy(out, vhost);
	} else {
		buf_printf(out, "\n\tDocumentRoot \"%s\"\n", vhost->root);
		apache_folder(out, vhost->root, "");
	}
	buf_str(out, "</VirtualHost>\n");
}

/* --- HAProxy --- */

static void haproxy_bind(struct buf *out, const struct vhost *vhost, unsigned port, bool tls)
{
	static const char *const addresses[] = {":", ":::"};
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		buf_printf(out, "\tbind %s%u%s", addresses[i], port, i == 1 ? " v6only" : "");
		if (tls)
			buf_printf(out,
				   " ssl crt %s alpn h2,http/1.1 ssl-min-ver TLSv1.2 no-tls-tickets "
				   "ciphers " CIPHERS " curves " CURVES,
				   vhost->certificate);
		buf_char(out, '\n');
	}
	buf_str(out, "\tmode http\n\ttimeout client 30s\n\ttimeout http-request 10s\n");
}

/* Nobody else's names: what is asked for by another is not answered from here. */
static void haproxy_names(struct buf *out, const struct vhost *vhost)
{
	for (size_t i = 0; i < vhost->identifier_count; i++) {
		const struct identifier *name = &vhost->identifiers[i];
		if (identifier_is_wildcard(name)) {
			buf_printf(out, "\tacl ours req.hdr(host),host_only -m end -i .%s\n", identifier_base(name));
			continue;
		}
		buf_str(out, "\tacl ours req.hdr(host),host_only -m str -i ");
		put_name(out, name);
		buf_char(out, '\n');
	}
	buf_str(out, "\thttp-request deny deny_status 404 unless ours\n");
}

/* Beside the first there are others: one that takes no connection is left out until it does. */
static void haproxy_server(struct buf *out, const struct vhost *vhost, size_t index)
{
	const struct vhost_upstream *upstream = &vhost->upstreams[index];
	if (is_group(vhost))
		buf_printf(out, "\tserver upstream%zu ", index + 1);
	else
		buf_str(out, "\tserver upstream ");
	put_upstream(out, upstream);
	if (is_group(vhost))
		buf_str(out, " check");
	if (upstream->tls)
		buf_str(out, " ssl ssl-min-ver TLSv1.2");
	if (upstream->tls && !vhost_upstream_is_address(upstream))
		buf_printf(out, " sni str(%s)%s%s", upstream->host, is_group(vhost) ? " check-sni " : "",
			   is_group(vhost) ? upstream->host : "");
	if (upstream->tls && vhost->upstream_ca == NULL)
		buf_str(out, " verify none");
	else if (upstream->tls)
		buf_printf(out, " verify required verifyhost %s ca-file %s", upstream->host, vhost->upstream_ca);
	buf_char(out, '\n');
}

static void haproxy_write(struct buf *out, const struct vhost *vhost)
{
	char port[8];

	buf_printf(out, "frontend %s_http\n", vhost->name);
	haproxy_bind(out, vhost, vhost->http_port, /* tls= */ false);
	haproxy_names(out, vhost);
	buf_printf(out,
		   "\t# The CA asks here, over plain HTTP; what is behind answers it.\n"
		   "\tacl acme path_beg " CHALLENGES "\n"
		   "\thttp-request redirect code 301 location https://%%[req.hdr(host),host_only]%s%%[capture.req.uri]"
		   " unless acme\n"
		   "\tdefault_backend %s\n\n"
		   "frontend %s_https\n",
		   port_suffix(vhost, port), vhost->name, vhost->name);
	haproxy_bind(out, vhost, vhost->https_port, /* tls= */ true);
	haproxy_names(out, vhost);
	buf_printf(out,
		   "\thttp-request set-header X-Forwarded-Proto https\n"
		   "\toption forwardfor\n"
		   "\thttp-response set-header Strict-Transport-Security \"" HSTS "\"\n"
		   "\tdefault_backend %s\n\n"
		   "backend %s\n"
		   "\tmode http\n"
		   "\ttimeout connect 5s\n"
		   "\ttimeout server 30s\n"
		   "\ttimeout tunnel 1h\n",
		   vhost->name, vhost->name);
	if (is_group(vhost))
		buf_str(out, "\tbalance roundrobin\n\toption redispatch\n");
	for (size_t i = 0; i < vhost->upstream_count; i++)
		haproxy_server(out, vhost, i);
}

bool vhost_write(const struct vhost *vhost, struct buf *out, struct error *err)
{
	static const struct {
		void (*write)(struct buf *out, const struct vhost *vhost);
	} writers[] = {
		[CONFIG_WEBSERVER_NGINX] = {nginx_write},
		[CONFIG_WEBSERVER_APACHE] = {apache_write},
		[CONFIG_WEBSERVER_HAPROXY] = {haproxy_write},
	};
	if (vhost->webserver >= ARRAY_LEN(writers) || writers[vhost->webserver].write == NULL) {
		error_hint(err, "set servers.%s.webserver to nginx, apache or haproxy", vhost->server);
		return error_set(err, ERROR_USAGE, "vhost",
				 "there are virtual hosts for nginx, Apache and HAProxy only");
	}
	if (vhost->webserver == CONFIG_WEBSERVER_HAPROXY && !is_proxy(vhost)) {
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
