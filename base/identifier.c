/* SPDX-License-Identifier: Apache-2.0 */
/* Names against allow-lists. An address is recognized first, and what merely looks like one is no DNS name either. */
#include "base/identifier.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_LEN = 100, SHOWN_MAX = 300 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The canonical text of an address (RFC 5952 for IPv6), or false when TEXT is none. */
static bool parse_address(const char *text, char out[INET6_ADDRSTRLEN])
{
	unsigned char address[sizeof(struct in6_addr)];
	static const int families[] = {AF_INET, AF_INET6};
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (inet_pton(families[i], text, address) == 1)
			return inet_ntop(families[i], address, out, INET6_ADDRSTRLEN) != NULL;
	return false;
}

/* The reason why NAME (lower-case, no final dot) is not LDH labels; NULL when it is. *RET_LABELS counts them. */
static const char *check_labels(const char *name, size_t *ret_labels)
{
	size_t labels = 0;
	bool numeric = false;
	for (const char *label = name;; label++) {
		size_t len = 0;
		numeric = true;
		for (; label[len] != '.' && label[len] != '\0'; len++) {
			if (!is_lower_alnum(label[len]) && label[len] != '-')
				return "only letters, digits, \"-\" and \".\" are allowed in a name";
			numeric = numeric && is_digit(label[len]);
		}
		if (len == 0)
			return "a part between two dots is empty";
		if (len > LABEL_MAX)
			return "a part is longer than 63 characters";
		if (label[0] == '-' || label[len - 1] == '-')
			return "a part begins or ends with \"-\"";
		labels++;
		label += len;
		if (*label == '\0')
			break;
	}
	/* "1.2.3" or "10.0.0.256": some would take it for an address, nobody has such a top-level domain. */
	if (numeric)
		return "it ends in a number, but is no IP address";
	*ret_labels = labels;
	return NULL;
}

static const char *check_dns_name(const char *name)
{
	size_t labels = 0;
	const char *reason = check_labels(str_starts(name, "*.") ? name + 2 : name, &labels);
	if (reason == NULL && labels < 2)
		reason = "a public name has at least two parts";
	return reason;
}

static bool refuse(const char *text, const char *reason, struct error *err)
{
	char shown[SHOWN_MAX];
	if (error_is_set(err))
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80) {
			error_hint(err, "write the name in its A-label form (xn--…), as the idn2 command prints it");
			break;
		}
	if (text[0] == '[')
		error_hint(err, "write an IPv6 address without brackets");
	return error_set(err, ERROR_USAGE, NULL, "\"%s\" is no domain name or IP address: %s",
			 escape_str(shown, sizeof(shown), text), reason);
}

bool identifier_parse(const char *text, struct identifier *ret, struct error *err)
{
	struct identifier parsed = {.type = IDENTIFIER_DNS};
	char address[INET6_ADDRSTRLEN];
	size_t len = strlen(text);
	if (parse_address(text, address)) {
		parsed.type = IDENTIFIER_IP;
		memcpy(parsed.value, address, strlen(address) + 1);
		*ret = parsed;
		return true;
	}
	if (len == 0)
		return refuse(text, "it is empty", err);
	if (text[len - 1] == '.')
		len--;
	if (len >= IDENTIFIER_MAX)
		return refuse(text, "it is longer than 253 characters", err);
	for (size_t i = 0; i < len; i++)
		parsed.value[i] = lower(text[i]);
	const char *reason = check_dns_name(parsed.value);
	if (reason != NULL)
		return refuse(text, reason, err);
	*ret = parsed;
	return true;
}

bool identifier_equal(const struct identifier *a, const struct identifier *b)
{
	return a->type == b->type && str_equal(a->value, b->value);
}

bool identifier_is_wildcard(const struct identifier *identifier)
{
	return identifier->type == IDENTIFIER_DNS && str_starts(identifier->value, "*.");
}

const char *identifier_base(const struct identifier *identifier)
{
	return identifier->value + (identifier_is_wildcard(identifier) ? 2 : 0);
}

const char *identifier_type_name(enum identifier_type type)
{
	return type == IDENTIFIER_IP ? "ip" : "dns";
}

const char *identifier_server_name(const struct identifier *identifier, char out[IDENTIFIER_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char address[sizeof(struct in6_addr)];
	char *at = out;

	if (identifier->type == IDENTIFIER_DNS) {
		memcpy(out, identifier->value, sizeof(identifier->value));
	} else if (inet_pton(AF_INET, identifier->value, address) == 1) {
		(void)snprintf(out, IDENTIFIER_MAX, "%u.%u.%u.%u.in-addr.arpa", address[3], address[2], address[1],
			       address[0]);
	} else if (inet_pton(AF_INET6, identifier->value, address) == 1) {
		for (size_t i = sizeof(address); i-- > 0;) {
			*at++ = hex[address[i] & 15];
			*at++ = '.';
			*at++ = hex[address[i] >> 4];
			*at++ = '.';
		}
		memcpy(at, "ip6.arpa", sizeof("ip6.arpa"));
	} else {
		out[0] = '\0';
	}
	return out;
}

const char *identifier_certificate_name(const struct identifier *identifier, char out[IDENTIFIER_MAX])
{
	const char *base = identifier_base(identifier);
	bool address = identifier->type == IDENTIFIER_IP;

	(void)snprintf(out, IDENTIFIER_MAX, "%s%s", address && base[0] == ':' ? "0" : "", base);
	for (char *c = out; address && *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	return out;
}

bool name_is_valid(const char *name)
{
	if (str_is_empty(name) || strlen(name) > NAME_MAX_LEN || !is_lower_alnum(name[0]))
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (!is_lower_alnum(*c) && strchr("._-", *c) == NULL)
			return false;
	return strstr(name, "..") == NULL;
}

bool host_is_valid(const char *host)
{
	char address[INET6_ADDRSTRLEN], name[IDENTIFIER_MAX] = "";
	size_t labels = 0;
	if (str_is_empty(host) || strlen(host) >= sizeof(name))
		return false;
	for (size_t i = 0; host[i] != '\0'; i++)
		name[i] = lower(host[i]);
	return parse_address(host, address) || check_labels(name, &labels) == NULL;
}
