/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The presets: paths and commands of the distributions' packages, and ports that the packages' own configs open. Where
 * a program reloads itself by a command of its own, that one is used: it works without systemd too.
 */
#include "config/server_presets.h"

static const struct server_preset presets[] = {
	[CONFIG_WEBSERVER_CUSTOM] = {.starttls = "none"},
	[CONFIG_WEBSERVER_NGINX] = {.test_command = "nginx -t",
				    .reload_command = "systemctl reload nginx",
				    .port = 443,
				    .starttls = "none"},
	[CONFIG_WEBSERVER_APACHE] = {.test_command = "apachectl configtest",
				     .reload_command = "systemctl reload apache2",
				     .port = 443,
				     .starttls = "none"},
	/* Its `crt` takes certificate, chain and key from one file. */
	[CONFIG_WEBSERVER_HAPROXY] = {.test_command = "haproxy -c -f /etc/haproxy/haproxy.cfg",
				      .reload_command = "systemctl reload haproxy",
				      .port = 443,
				      .starttls = "none",
				      .combined = true},
	[CONFIG_WEBSERVER_POSTFIX] = {.test_command = "postfix check",
				      .reload_command = "postfix reload",
				      .port = 25,
				      .starttls = "smtp"},
	[CONFIG_WEBSERVER_DOVECOT] = {.test_command = "doveconf -n",
				      .reload_command = "doveadm reload",
				      .port = 993,
				      .starttls = "none"},
	/* It reads the key as the user it runs as, and only if that user or root owns it. */
	[CONFIG_WEBSERVER_POSTGRESQL] = {.reload_command = "systemctl reload postgresql",
					 .port = 5432,
					 .starttls = "postgres",
					 .owner = "postgres"},
};

static const struct {
	uint16_t port;
	const char *starttls;
} ports[] = {
	{21, "ftp"},   {25, "smtp"},    {110, "pop3"},  {143, "imap"},  {389, "ldap"},
	{443, "none"}, {465, "none"},   {587, "smtp"},  {636, "none"},  {993, "none"},
	{995, "none"}, {4190, "sieve"}, {5222, "xmpp"}, {5223, "none"}, {5432, "postgres"},
};

const struct server_preset *server_preset(enum config_webserver webserver)
{
	return &presets[webserver];
}

const char *server_port_starttls(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (ports[i].port == port)
			return ports[i].starttls;
	return NULL;
}

uint16_t server_starttls_port(const char *starttls)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (str_equal(ports[i].starttls, starttls) && !str_equal(starttls, "none"))
			return ports[i].port;
	return 0;
}
