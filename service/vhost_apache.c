/* SPDX-License-Identifier: Apache-2.0 */
/* Apache: one virtual host for http, one for https. */
#include "service/vhost_write.h"

#include <stdio.h>

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
	vhost_put_name(out, &name);
	buf_char(out, '\n');
	if (vhost->identifier_count == 1 && identifier_equal(&name, &vhost->identifiers[0]))
		return;
	buf_str(out, "\tServerAlias");
	vhost_put_names(out, vhost);
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
			   VHOST_VERIFY_DEPTH, vhost->upstream_ca);
}

static void apache_socket(struct buf *out, size_t index)
{
	buf_printf(out, "localhost");
	if (index > 0)
		buf_printf(out, "-%zu", index + 1);
}

/* "http://HOST:PORT"; a socket's has a name that tells it from the others', and that nothing is looked up by. */
static void apache_member(struct buf *out, const struct vhost *vhost, size_t index)
{
	if (vhost->upstreams[index].path[0] != '\0') {
		buf_printf(out, "unix:%s|http://", vhost->upstreams[index].path);
		apache_socket(out, index);
		return;
	}
	buf_printf(out, "%s://", vhost_behind_tls(vhost) ? "https" : "http");
	vhost_put_upstream(out, &vhost->upstreams[index]);
}

/* Where requests go: the one, or the group of them. */
static void apache_target(struct buf *out, const struct vhost *vhost)
{
	if (vhost_is_group(vhost))
		buf_printf(out, "balancer://%s", vhost->name);
	else
		apache_member(out, vhost, 0);
}

static void apache_pass(struct buf *out, const struct vhost *vhost, const char *upgrade)
{
	if (vhost_is_group(vhost)) {
		buf_printf(out, "\t\t<Proxy \"balancer://%s\">\n", vhost->name);
		for (size_t i = 0; i < vhost->upstream_count; i++) {
			buf_str(out, "\t\t\tBalancerMember \"");
			apache_member(out, vhost, i);
			buf_printf(out, "\" retry=10%s\n", upgrade);
		}
		buf_str(out, "\t\t</Proxy>\n");
	}
	buf_str(out, "\t\tProxyPass \"/\" \"");
	apache_target(out, vhost);
	buf_printf(out, "/\"%s\n", vhost_is_group(vhost) ? "" : upgrade);
}

static void apache_proxy(struct buf *out, const struct vhost *vhost)
{
	static const struct {
		const char *condition, *upgrade;
	} versions[] = {{">= 2.4.47", " upgrade=websocket"}, {"< 2.4.47", ""}};

	buf_char(out, '\n');
	if (vhost_behind_tls(vhost)) {
		buf_str(out,
			"\t# Host and TLS have one name here, the upstream's own: X-Forwarded-Host has the other.\n");
		apache_proxy_tls(out, vhost);
	} else {
		buf_str(out, "\tProxyPreserveHost On\n");
	}
	buf_str(out, "\tRequestHeader set X-Forwarded-Proto https\n"
		     "\t# WebSockets from 2.4.47 on: what the client asks to be upgraded is.\n");
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		buf_printf(out, "\t<IfVersion %s>\n", versions[i].condition);
		apache_pass(out, vhost, versions[i].upgrade);
		buf_str(out, "\t</IfVersion>\n");
	}
	buf_str(out, "\tProxyPassReverse \"/\" \"");
	if (!vhost_is_group(vhost) && vhost->upstreams[0].path[0] != '\0') {
		buf_str(out, "http://");
		apache_socket(out, 0);
	} else {
		apache_target(out, vhost);
	}
	buf_str(out, "/\"\n");
}

/* What is missing is told by its name, in place of a directive that nobody knows. */
static void apache_needs(struct buf *out, const char *module, const char *package)
{
	buf_printf(out,
		   "<IfModule !%s_module>\n"
		   "\tError \"This site needs Apache's module %s, which is not loaded: `a2enmod %s`, or %s\"\n"
		   "</IfModule>\n",
		   module, module, module, package);
}

static void apache_modules(struct buf *out, const struct vhost *vhost)
{
	static const char line[] = "its LoadModule line", alpine[] = "apache2-proxy (Alpine)";

	apache_needs(out, "ssl", "the package mod_ssl (Fedora, RHEL) or apache2-ssl (Alpine)");
	apache_needs(out, "headers", line);
	apache_needs(out, "alias", line);
	if (!vhost_is_proxy(vhost))
		return;
	apache_needs(out, "version", line);
	apache_needs(out, "proxy_http", alpine);
	if (!vhost_is_group(vhost))
		return;
	apache_needs(out, "proxy_balancer", alpine);
	apache_needs(out, "lbmethod_byrequests", alpine);
	apache_needs(out, "slotmem_shm", line);
}

void vhost_write_apache(struct buf *out, const struct vhost *vhost)
{
	char port[VHOST_PORT_MAX];

	apache_modules(out, vhost);
	buf_printf(out, "\n<VirtualHost *:%u>\n", (unsigned)vhost->http_port);
	apache_names(out, vhost);
	buf_printf(out,
		   "\n\t# The CA asks here, over plain HTTP.\n"
		   "\tAlias \"" VHOST_CHALLENGES "\" \"%s" VHOST_CHALLENGES "\"\n",
		   vhost->root);
	apache_folder(out, vhost->root, VHOST_CHALLENGES);
	buf_printf(out,
		   "\n\t<LocationMatch \"^/(?!\\.well-known/acme-challenge/)\">\n"
		   "\t\tRedirect permanent \"https://%%{SERVER_NAME}%s%%{REQUEST_URI}\"\n"
		   "\t</LocationMatch>\n"
		   "</VirtualHost>\n\n"
		   "<VirtualHost *:%u>\n",
		   vhost_port_suffix(vhost, port), (unsigned)vhost->https_port);
	apache_names(out, vhost);
	buf_printf(out,
		   "\tProtocols h2 http/1.1\n\n"
		   "\tSSLEngine on\n"
		   "\tSSLCertificateFile \"%s\"\n"
		   "\tSSLCertificateKeyFile \"%s\"\n"
		   "\tSSLProtocol -all +TLSv1.2 +TLSv1.3\n"
		   "\tSSLCipherSuite " VHOST_CIPHERS "\n"
		   "\tSSLOpenSSLConfCmd Curves " VHOST_CURVES "\n"
		   "\tSSLHonorCipherOrder off\n"
		   "\tSSLSessionTickets off\n\n"
		   "\tHeader always set Strict-Transport-Security \"" VHOST_HSTS "\"\n",
		   vhost->certificate, vhost->key);
	if (vhost_is_proxy(vhost)) {
		apache_proxy(out, vhost);
	} else {
		buf_printf(out, "\n\tDocumentRoot \"%s\"\n", vhost->root);
		apache_folder(out, vhost->root, "");
	}
	buf_str(out, "</VirtualHost>\n");
}
