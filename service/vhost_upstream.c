/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a virtual host: reading it, and what the web servers cannot do of it. */
#include "base/escape.h"
#include "base/str.h"
#include "config/values.h"
#include "service/vhost_text.h"

#include <arpa/inet.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, PATH_SHOWN = 200 };

static bool bad_upstream(const char *text, struct error *err)
{
	char shown[PATH_SHOWN];
	error_hint(err, "--upstream http://127.0.0.1:3000, or --upstream unix:/run/app.sock");
	return error_set(err, ERROR_USAGE, "usage",
			 "--upstream: \"%s\" is none of http://HOST[:PORT], https://HOST[:PORT] and unix:/PATH",
			 escape_str(shown, sizeof(shown), text));
}

/* A socket's path, which goes into a config file as it is. */
static bool parse_socket(const char *path, struct vhost_upstream *ret, struct error *err)
{
	struct error reason = {0};
	struct vhost_upstream upstream = {0};

	if (!value_remote_path(path, &reason) || str_ends(path, "/"))
		return error_set(err, ERROR_USAGE, "usage", "--upstream unix: %s",
				 error_is_set(&reason) ? reason.message : "that path is a folder's");
	if (strlen(path) >= sizeof(upstream.path))
		return error_set(err, ERROR_USAGE, "usage",
				 "--upstream unix: the path of a socket has at most %zu characters",
				 sizeof(upstream.path) - 1);
	memcpy(upstream.path, path, strlen(path) + 1);
	*ret = upstream;
	return true;
}

bool vhost_upstream_parse(const char *text, struct vhost_upstream *ret, struct error *err)
{
	static const char plain[] = "http://", secure[] = "https://", local[] = "unix:";
	struct vhost_upstream upstream = {.tls = str_starts(text, secure)};
	const char *end = NULL, *rest = NULL;
	uint64_t port = upstream.tls ? HTTPS_PORT : HTTP_PORT;

	if (str_starts(text, local))
		return parse_socket(text + strlen(local), ret, err);
	if (!upstream.tls && !str_starts(text, plain))
		return bad_upstream(text, err);
	const char *host = text + strlen(upstream.tls ? secure : plain);
	bool bracket = host[0] == '[';
	host += bracket ? 1 : 0;
	end = host + strcspn(host, bracket ? "]" : ":/");
	rest = end + (bracket && *end == ']' ? 1 : 0);
	if (*rest == ':') {
		size_t digits = strcspn(++rest, "/");
		if (!parse_u64(rest, digits, UINT16_MAX, &port) || port == 0)
			return bad_upstream(text, err);
		rest += digits;
	}
	size_t len = (size_t)(end - host);
	if ((bracket && *end != ']') || len >= sizeof(upstream.host) || (*rest != '\0' && !str_equal(rest, "/")))
		return bad_upstream(text, err);
	memcpy(upstream.host, host, len);
	unsigned char address[sizeof(struct in6_addr)];
	if (!host_is_valid(upstream.host) || (inet_pton(AF_INET6, upstream.host, address) == 1) != bracket)
		return bad_upstream(text, err);
	upstream.port = (uint16_t)port;
	*ret = upstream;
	return true;
}

bool vhost_upstream_is_address(const struct vhost_upstream *upstream)
{
	unsigned char address[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, upstream->host, address) == 1 || inet_pton(AF_INET6, upstream->host, address) == 1;
}

bool vhost_upstreams_check(const struct vhost *vhost, struct error *err)
{
	for (size_t i = 0; i < vhost->upstream_count; i++) {
		const struct vhost_upstream *upstream = &vhost->upstreams[i], *first = &vhost->upstreams[0];
		if (upstream->tls != first->tls)
			return error_set(err, ERROR_USAGE, "usage", "--upstream: all take http, or all https");
		if (!upstream->tls)
			continue;
		if (vhost->upstream_ca != NULL && vhost_upstream_is_address(upstream)) {
			error_hint(err, "give its name, or --upstream-ca none");
			return error_set(err, ERROR_USAGE, "usage",
					 "--upstream: the certificate of %s cannot be verified: web servers look for "
					 "names in it, not for addresses",
					 upstream->host);
		}
		if (vhost->webserver == CONFIG_WEBSERVER_NGINX && !str_equal(upstream->host, first->host))
			return error_set(err, ERROR_USAGE, "usage",
					 "--upstream: nginx asks all servers of a group by one name, in TLS too: these "
					 "have different ones");
	}
	return true;
}
