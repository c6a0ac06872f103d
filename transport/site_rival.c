/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reader of words for all: nginx's end at blanks, ";" and braces, the others' lines are a keyword and its
 * arguments. A site is known by its end, when its names and its ports have been seen.
 */
#include "transport/site_rival.h"

#include <stdio.h>
#include <string.h>

enum { HTTP_PORT = 80, WORD_MAX = 300 };

/* What has been seen of the site that is being read. */
struct seen {
	const struct site_claim *claim;
	const char *name; /* of ours; NULL: none */
	unsigned port;    /* of ours; 0: none */
	bool any_port;
};

/* ---- names and ports ---- */

static bool is_ours(const struct seen *seen, unsigned port)
{
	return port != 0 && (port == seen->claim->http_port || port == seen->claim->https_port);
}

static void see_port(struct seen *seen, unsigned port)
{
	seen->any_port = true;
	if (is_ours(seen, port) && (seen->port == 0 || port == seen->claim->https_port))
		seen->port = port;
}

/* The port of "443", "*:443", "192.0.2.1:443", "[::]:443"; without one, FALLBACK. 0: there is none, as of a socket. */
static unsigned port_of(const char *address, unsigned fallback)
{
	const char *colon = strrchr(address, ':'), *digits = colon != NULL ? colon + 1 : address;
	uint64_t port = 0;

	if (str_starts(address, "unix:") || address[0] == '/')
		return 0;
	if (parse_u64(digits, strlen(digits), UINT16_MAX, &port))
		return (unsigned)port;
	return colon == NULL || str_ends(address, "]") ? fallback : 0;
}

static void see_name(struct seen *seen, const char *name)
{
	bool both = seen->claim->dialect == SITE_NGINX && name[0] == '.'; /* a domain with all names in it */

	for (size_t i = 0; i < seen->claim->names->len && seen->name == NULL; i++) {
		const char *ours = seen->claim->names->items[i];
		if (str_equal_nocase(ours, name) || (both && (str_equal_nocase(ours, name + 1) ||
							      (ours[0] == '*' && str_equal_nocase(ours + 1, name)))))
			seen->name = ours;
	}
}

static bool tell(const struct seen *seen, char ret[SITE_RIVAL_MAX])
{
	if (seen->port == 0 || seen->name == NULL)
		return false;
	(void)snprintf(ret, SITE_RIVAL_MAX, "%s on port %u", seen->name, seen->port);
	return true;
}

/* ---- words ---- */

struct words {
	const char *at, *end;
	const char *breaks; /* characters that are words by themselves */
};

static bool is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void skip_blanks(struct words *words)
{
	while (words->at < words->end) {
		if (*words->at == '#')
			while (words->at < words->end && *words->at != '\n')
				words->at++;
		else if (*words->at == '\\' && words->at + 1 < words->end && words->at[1] == '\n')
			words->at += 2;
		else if (*words->at == '\0' || (is_in(*words->at, " \t\r\n") && !is_in(*words->at, words->breaks)))
			words->at++;
		else
			return;
	}
}

/* The next word without its quotes, cut where it is longer than any name is. False at the end. */
static bool next_word(struct words *words, char ret[WORD_MAX])
{
	size_t len = 0;
	char quote = '\0';

	skip_blanks(words);
	if (words->at >= words->end)
		return false;
	for (; words->at < words->end; words->at++) {
		char c = *words->at;
		if (quote != '\0' ? c == quote : len == 0 && (c == '"' || c == '\'')) {
			if (quote != '\0') {
				words->at++;
				break;
			}
			quote = c;
			continue;
		}
		bool breaks = is_in(c, words->breaks);
		if (quote == '\0' && (breaks || c == '\0' || is_in(c, " \t\r\n"))) {
			if (len == 0 && breaks) {
				ret[len++] = c;
				words->at++;
			}
			break;
		}
		if (len + 1 < WORD_MAX)
			ret[len++] = c;
	}
	ret[len] = '\0';
	return true;
}

/* ---- nginx ---- */

/* A directive's arguments, up to its end, which is kept in WORD. */
static void nginx_arguments(struct words *words, struct seen *seen, char word[WORD_MAX])
{
	bool listen = str_equal(word, "listen"), names = str_equal(word, "server_name"), first = true;

	while (next_word(words, word) && !is_in(word[0], ";{}")) {
		if (seen != NULL && names)
			see_name(seen, word);
		if (seen != NULL && listen && first)
			see_port(seen, port_of(word, HTTP_PORT));
		first = false;
	}
}

static bool nginx_file(const struct site_claim *claim, struct words words, char ret[SITE_RIVAL_MAX])
{
	struct seen seen = {.claim = claim};
	int depth = 0, inside = 0; /* the depth of the server's own directives; 0: in none */
	char word[WORD_MAX] = "";

	words.breaks = ";{}";
	while (next_word(&words, word)) {
		bool server = str_equal(word, "server") && inside == 0;
		if (!is_in(word[0], ";{}"))
			nginx_arguments(&words, inside != 0 && depth == inside ? &seen : NULL, word);
		if (str_equal(word, "{")) {
			depth++;
			if (server) {
				inside = depth;
				seen = (struct seen){.claim = claim};
			}
		} else if (str_equal(word, "}")) {
			if (inside != 0 && depth == inside) {
				inside = 0;
				if (!seen.any_port)
					see_port(&seen, HTTP_PORT);
				if (tell(&seen, ret))
					return true;
			}
			depth--;
		}
	}
	return false;
}

bool site_rival_in_output(const struct site_claim *claim, const char *text, size_t len, char ret[SITE_RIVAL_MAX])
{
	static const char warning[] = "conflicting server name \"";
	struct words words = {.at = text, .end = text + len, .breaks = ","};

	if (claim->dialect != SITE_NGINX)
		return false;
	while ((words.at = memmem(words.at, (size_t)(words.end - words.at), warning, strlen(warning))) != NULL) {
		struct seen seen = {.claim = claim};
		char word[WORD_MAX];
		words.at += strlen(warning) - 1;
		if (next_word(&words, word))
			see_name(&seen, word);
		if (next_word(&words, word) && str_equal(word, "on") && next_word(&words, word))
			see_port(&seen, port_of(word, 0));
		if (tell(&seen, ret))
			return true;
	}
	return false;
}

/* ---- Apache ---- */

/* "https://example.com:443" is example.com too. */
static void apache_name(struct seen *seen, char *name)
{
	char *scheme = strstr(name, "://"), *host = scheme != NULL ? scheme + 3 : name;
	char *colon = strrchr(host, ':');

	if (colon != NULL && strchr(colon, ']') == NULL)
		*colon = '\0';
	see_name(seen, host);
}

static bool apache_file(const struct site_claim *claim, struct words words, char ret[SITE_RIVAL_MAX])
{
	struct seen seen = {.claim = claim};
	bool inside = false;
	char word[WORD_MAX] = "\n";

	words.breaks = "\n>";
	while (next_word(&words, word)) {
		bool opens = str_equal_nocase(word, "<VirtualHost"), alias = str_equal_nocase(word, "ServerAlias");
		if (str_equal_nocase(word, "</VirtualHost") && inside) {
			inside = false;
			if (tell(&seen, ret))
				return true;
		}
		bool names = inside && (alias || str_equal_nocase(word, "ServerName"));
		if (opens) {
			seen = (struct seen){.claim = claim};
			inside = true;
		}
		while (!str_equal(word, "\n") && next_word(&words, word)) {
			if (opens && !is_in(word[0], "\n>"))
				see_port(&seen, port_of(word, claim->https_port));
			if (names && !is_in(word[0], "\n>"))
				apache_name(&seen, word);
		}
	}
	return false;
}

/* ---- HAProxy ---- */

/* One of "bind"'s addresses, which may be a range of ports: none of ours is looked for inside one. */
static bool haproxy_file(const struct site_claim *claim, struct words words, char ret[SITE_RIVAL_MAX])
{
	char word[WORD_MAX] = "\n";

	words.breaks = "\n,";
	while (next_word(&words, word)) {
		bool bind = str_equal(word, "bind"), first = true;
		while (!str_equal(word, "\n") && next_word(&words, word)) {
			struct seen seen = {.claim = claim};
			unsigned port = bind && first && strchr(word, ':') != NULL ? port_of(word, 0) : 0;
			first = str_equal(word, ",");
			if (is_ours(&seen, port)) {
				(void)snprintf(ret, SITE_RIVAL_MAX, "port %u", port);
				return true;
			}
		}
	}
	return false;
}

bool site_rival_in_file(const struct site_claim *claim, const char *text, size_t len, char ret[SITE_RIVAL_MAX])
{
	struct words words = {.at = text, .end = text + len};

	if (claim->dialect == SITE_APACHE)
		return apache_file(claim, words, ret);
	return claim->dialect == SITE_HAPROXY ? haproxy_file(claim, words, ret) : nginx_file(claim, words, ret);
}
