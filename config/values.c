/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of single values against allow-lists. */
#include "config/values.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/terms.h"
#include "config/config.h"
#include "config/cron.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum { SHOWN_MAX = 120, ACCOUNT_MAX = 64, WORD_MAX = 100, ISSUER_MAX = 255, PORT_MAX = 65535, LOOPBACK_NET = 127 };

static bool refuse(const char *text, const char *reason, struct error *err)
{
	char shown[SHOWN_MAX];
	return error_set(err, ERROR_CONFIG, NULL, "\"%s\" %s", escape_str(shown, sizeof(shown), text), reason);
}

static bool only(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

/* Graphic ASCII, so that no request line, header or mail can be taken apart with it. */
static bool is_graphic(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

bool value_email(const char *text, struct error *err)
{
	const char *at = strchr(text, '@');
	if (!is_graphic(text) || at == NULL || at == text || strpbrk(text, ",;<>\"()\\?&%") != NULL ||
	    strchr(at + 1, '@') != NULL || !host_is_valid(at + 1))
		return refuse(text, "is no e-mail address", err);
	return true;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == LOOPBACK_NET;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_port(const char *text, size_t len)
{
	uint64_t port = 0;
	return parse_u64(text, len, PORT_MAX, &port) && port > 0;
}

/* HOST[:PORT] or [IPV6][:PORT], LEN bytes; *RET gets the host. No user, which would be a password's place. */
static bool parse_authority(const char *text, size_t len, char ret[IDENTIFIER_MAX])
{
	bool bracketed = len > 0 && text[0] == '[';
	const char *host = text + bracketed;
	const char *host_end = memchr(text, bracketed ? ']' : ':', len);
	if (host_end == NULL && bracketed)
		return false;
	if (host_end == NULL)
		host_end = text + len;
	const char *rest = host_end + bracketed;
	size_t host_len = (size_t)(host_end - host), rest_len = (size_t)(text + len - rest);
	if (host_len == 0 || host_len >= IDENTIFIER_MAX)
		return false;
	memcpy(ret, host, host_len);
	ret[host_len] = '\0';
	if (bracketed && strchr(ret, ':') == NULL)
		return false;
	return host_is_valid(ret) && (rest_len == 0 || (rest[0] == ':' && is_port(rest + 1, rest_len - 1)));
}

/* SCHEME, an authority and anything graphic. */
static bool is_url(const char *text, const char *scheme, char ret_host[IDENTIFIER_MAX])
{
	if (!str_starts(text, scheme) || !is_graphic(text) || strlen(text) > LIMIT_URL ||
	    strpbrk(text, "#\"<>\\") != NULL)
		return false;
	const char *authority = text + strlen(scheme);
	return parse_authority(authority, strcspn(authority, "/?"), ret_host);
}

bool value_https_url(const char *text, struct error *err)
{
	char host[IDENTIFIER_MAX];
	if (is_url(text, "https://", host))
		return true;
	if (!is_url(text, "http://", host))
		return refuse(text, "is no https:// URL", err);
	return is_loopback(host) || refuse(text, "must be https://; http:// is only for 127.0.0.1 and [::1]", err);
}

bool value_store_url(const char *text, struct error *err)
{
	char host[IDENTIFIER_MAX];
	return is_url(text, "etcd://", host) ||
	       refuse(text, "is no store; one looks like etcd://10.0.0.5:2379/certferry", err);
}

bool value_smtp_url(const char *text, struct error *err)
{
	char host[IDENTIFIER_MAX];
	return is_url(text, "smtps://", host) || is_url(text, "smtp://", host) ||
	       refuse(text, "is no mail server; one looks like smtps://mail.example.com", err);
}

bool value_dns_name(const char *text, struct error *err)
{
	struct identifier identifier;
	return identifier_parse(text, &identifier, err);
}

bool value_name(const char *text, struct error *err)
{
	return name_is_valid(text) ||
	       refuse(text,
		      "is no usable name: lower-case letters, digits, \".\", \"_\" and \"-\", at most 100, the first a "
		      "letter or digit",
		      err);
}

bool value_host(const char *text, struct error *err)
{
	return host_is_valid(text) || refuse(text, "is no host name or IP address", err);
}

bool value_account(const char *text, struct error *err)
{
	if (text[0] == '-' || strlen(text) > ACCOUNT_MAX || !only(text, LETTERS DIGITS "._-@"))
		return refuse(text, "is no user or group name", err);
	return true;
}

bool value_remote_path(const char *text, struct error *err)
{
	if (text[0] != '/')
		return refuse(text, "is no absolute path; paths on a server begin with \"/\"", err);
	if (!only(text, LETTERS DIGITS "._/-"))
		return refuse(
			text,
			"holds a character that a path on a server may not have: letters, digits and ._-/ are fine",
			err);
	if (strstr(text, "..") != NULL)
		return refuse(text, "holds \"..\"", err);
	return strlen(text) < LIMIT_PATH || refuse(text, "is too long", err);
}

bool value_remote_command(const char *text, struct error *err)
{
	return strlen(text) < LIMIT_PATH ||
	       refuse(text, "is longer than a command may be: put it into a script on the server, and name that", err);
}

bool value_copy_path(const char *text, struct error *err)
{
	char plain[LIMIT_PATH];
	const char *name = strstr(text, CONFIG_COPY_NAME);
	size_t len = strlen(text);
	if (text[0] == '/' && text[len - 1] == '/')
		return refuse(text, "is a folder: say what the file in it is to be called", err);
	if (name == NULL || strlen(text) >= sizeof(plain))
		return value_remote_path(text, err);
	const char *rest = name + strlen(CONFIG_COPY_NAME);
	if (strstr(rest, CONFIG_COPY_NAME) != NULL)
		return refuse(text, "holds " CONFIG_COPY_NAME " twice", err);
	int before = (int)(name - text);
	(void)snprintf(plain, sizeof(plain), "%.*sname%s", before, text, rest);
	return value_remote_path(plain, err);
}

/* The value is never shown. Java takes no other bytes than ASCII in a password of this kind. */
bool value_password(const char *text, struct error *err)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return error_set(err, ERROR_CONFIG, NULL,
					 "the password may hold ASCII characters only, on one line");
	return true;
}

bool value_listen(const char *text, struct error *err)
{
	char host[IDENTIFIER_MAX];
	struct in6_addr address;
	const char *colon = strrchr(text, ':');
	if (colon != NULL && is_port(colon + 1, strlen(colon + 1))) {
		if (colon == text)
			return true;
		if (parse_authority(text, strlen(text), host) &&
		    (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1))
			return true;
	}
	return refuse(text, "is no address to listen on: \":80\", \"192.0.2.1:80\" and \"[2001:db8::1]:80\" are", err);
}

bool value_must_staple(const char *text, struct error *err)
{
	(void)text;
	return error_set(err, ERROR_CONFIG, NULL, "must-staple is not offered: %s", must_staple_reason);
}

bool value_issuer(const char *text, struct error *err)
{
	if (strlen(text) > ISSUER_MAX)
		return refuse(text, "is longer than any issuer's common name", err);
	return true;
}

bool value_profile(const char *text, struct error *err)
{
	if (strlen(text) > WORD_MAX || !only(text, LETTERS DIGITS "._-"))
		return refuse(text, "is no profile name: letters, digits and ._- are fine", err);
	return true;
}

bool value_schedule(const char *text, struct error *err)
{
	struct cron cron;
	return cron_parse(text, &cron, err);
}
