/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is a keyword and words; Host and Match begin blocks that hold for some hosts only. One table of keywords; the
 * first value of each wins, so blocks are read from top to bottom and nothing is ever taken back.
 */
#include "config/ssh_config.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One file being read. */
struct reading {
	struct ssh_config_host *host;
	const char *file;
	unsigned line;
	bool active; /* the block that is being read fits the host */
	ssh_config_include *include;
	void *ctx;
};

void ssh_config_host_done(struct ssh_config_host *host)
{
	free(host->host_name);
	free(host->user);
	free(host->identity_agent);
	free(host->proxy_jump);
	free(host->host_key_alias);
	free(host->proxy_command);
	str_list_done(&host->identity_files);
	str_list_done(&host->certificate_files);
	str_list_done(&host->known_hosts);
	*host = (struct ssh_config_host){0};
}

static bool refuse(const struct reading *r, const char *why, struct error *err)
{
	return error_set(err, ERROR_CONFIG, NULL, "%s:%u: %s", r->file, r->line, why);
}

/* --- Patterns --- */

/* "*" and "?" as ssh has them: no classes, no escapes. */
static bool fits(const char *pattern, size_t len, const char *text)
{
	size_t p = 0, star = SIZE_MAX;
	const char *retry = NULL;

	while (*text != '\0') {
		if (p < len && pattern[p] == '*') {
			star = p++;
			retry = text;
		} else if (p < len && (pattern[p] == '?' || pattern[p] == *text)) {
			p++;
			text++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (p < len && pattern[p] == '*')
		p++;
	return p == len;
}

/* What a list of patterns comes to: one that is negated and fits decides against all others. */
enum verdict { FITS_NOT, FITS, EXCLUDED };

static enum verdict fits_one(const char *pattern, size_t len, const char *text)
{
	bool negated = len > 0 && pattern[0] == '!';
	if (negated)
		return fits(pattern + 1, len - 1, text) ? EXCLUDED : FITS_NOT;
	return fits(pattern, len, text) ? FITS : FITS_NOT;
}

/* LIST with commas between. */
static bool fits_list(const char *list, const char *text)
{
	enum verdict verdict = FITS_NOT;
	for (;;) {
		size_t len = strcspn(list, ",");
		enum verdict one = fits_one(list, len, text);
		if (one == EXCLUDED)
			return false;
		verdict = one == FITS ? FITS : verdict;
		if (list[len] == '\0')
			return verdict == FITS;
		list += len + 1;
	}
}

/* --- Blocks --- */

static bool begin_host(struct reading *r, const struct str_list *words, struct error *err)
{
	bool fit = false, excluded = false, particular = false;
	(void)err;
	for (size_t i = 0; i < words->len; i++) {
		const char *pattern = words->items[i];
		enum verdict verdict = fits_one(pattern, strlen(pattern), r->host->alias);
		fit = fit || verdict == FITS;
		excluded = excluded || verdict == EXCLUDED;
		particular = particular || (verdict == FITS && strcmp(pattern, "*") != 0);
	}
	r->active = fit && !excluded;
	r->host->named = r->host->named || (r->active && particular);
	return true;
}

/* What a criterion of Match is about. */
static const char *subject(const struct reading *r, const char *criterion)
{
	const struct ssh_config_host *host = r->host;
	if (strcasecmp(criterion, "host") == 0)
		return host->host_name != NULL ? host->host_name : host->alias;
	if (strcasecmp(criterion, "originalhost") == 0)
		return host->alias;
	if (strcasecmp(criterion, "user") == 0)
		return host->user != NULL ? host->user : host->local_user;
	return strcasecmp(criterion, "localuser") == 0 ? host->local_user : NULL;
}

/* Criteria hold for the first of ssh's passes: "canonical" and "final" are about later ones. */
static bool begin_match(struct reading *r, const struct str_list *words, struct error *err)
{
	bool fit = words->len > 0, particular = false;
	for (size_t i = 0; i < words->len && fit; i++) {
		const char *criterion = words->items[i];
		bool negated = criterion[0] == '!';
		criterion += negated;
		if (strcasecmp(criterion, "all") == 0)
			continue;
		if (strcasecmp(criterion, "canonical") == 0 || strcasecmp(criterion, "final") == 0) {
			fit = negated;
			continue;
		}
		const char *about = subject(r, criterion);
		if (about == NULL) {
			error_hint(err, "describe this server under servers: in the config instead");
			return refuse(r,
				      strcasecmp(criterion, "exec") == 0
					      ? "Match exec runs a program to decide, which is not done here"
					      : "a criterion of Match that is not understood here",
				      err);
		}
		if (++i == words->len)
			return refuse(r, "a criterion of Match lacks its patterns", err);
		fit = fits_list(words->items[i], about) != negated;
		particular = true;
	}
	r->active = fit;
	r->host->named = r->host->named || (fit && particular);
	return true;
}

/* --- Keywords --- */

static bool take_first(char **member, const struct str_list *words, struct error *err)
{
	return *member != NULL || str_set(member, words->items[0], err);
}

static bool take_host_name(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_first(&r->host->host_name, words, err);
}

static bool take_user(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_first(&r->host->user, words, err);
}

static bool take_agent(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_first(&r->host->identity_agent, words, err);
}

static bool take_alias(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_first(&r->host->host_key_alias, words, err);
}

static bool take_port(struct reading *r, const struct str_list *words, struct error *err)
{
	uint64_t port = 0;
	if (!parse_u64(words->items[0], strlen(words->items[0]), UINT16_MAX, &port) || port == 0)
		return refuse(r, "a port is a number from 1 to 65535", err);
	if (r->host->port == 0)
		r->host->port = (uint16_t)port;
	return true;
}

static bool take_identity(struct reading *r, const struct str_list *words, struct error *err)
{
	return str_list_add_once(&r->host->identity_files, words->items[0], err);
}

static bool take_certificate(struct reading *r, const struct str_list *words, struct error *err)
{
	return str_list_add_once(&r->host->certificate_files, words->items[0], err);
}

static bool take_known_hosts(struct reading *r, const struct str_list *words, struct error *err)
{
	return r->host->known_hosts.len > 0 || str_list_copy(&r->host->known_hosts, words, err);
}

static bool take_jump(struct reading *r, const struct str_list *words, struct error *err)
{
	if (r->host->proxy_decided)
		return true;
	r->host->proxy_decided = true;
	return strcasecmp(words->items[0], "none") == 0 || str_set(&r->host->proxy_jump, words->items[0], err);
}

static bool take_command(struct reading *r, const struct str_list *words, struct error *err)
{
	if (r->host->proxy_decided)
		return true;
	r->host->proxy_decided = true;
	if (strcasecmp(words->items[0], "none") == 0)
		return true;
	r->host->proxy_command = str_format(err, "%s:%u", r->file, r->line);
	return r->host->proxy_command != NULL;
}

static bool take_strictness(struct reading *r, const struct str_list *words, struct error *err)
{
	static const char *const off[] = {"no", "off", "accept-new"};
	(void)err;
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		if (strcasecmp(words->items[0], off[i]) == 0)
			r->host->trusts_anybody = true;
	}
	return true;
}

static bool take_include(struct reading *r, const struct str_list *words, struct error *err)
{
	for (size_t i = 0; i < words->len; i++) {
		if (!r->include(r->ctx, words->items[i], err))
			return false;
	}
	return true;
}

static const struct keyword {
	const char *name;
	bool begins_block; /* looked at whether or not the block before it fits */
	bool (*take)(struct reading *r, const struct str_list *words, struct error *err);
} keywords[] = {
	{"Host", true, begin_host},
	{"Match", true, begin_match},
	{"Include", false, take_include},
	{"HostName", false, take_host_name},
	{"Port", false, take_port},
	{"User", false, take_user},
	{"IdentityFile", false, take_identity},
	{"CertificateFile", false, take_certificate},
	{"IdentityAgent", false, take_agent},
	{"UserKnownHostsFile", false, take_known_hosts},
	{"HostKeyAlias", false, take_alias},
	{"StrictHostKeyChecking", false, take_strictness},
	{"ProxyJump", false, take_jump},
	{"ProxyCommand", false, take_command},
};

/* --- Lines --- */

#define BLANKS " \t\r"

/* One word from AT, in quotes or not; false for a quote without its end. */
static bool take_word(const char **at, const char *end, struct buf *word)
{
	char quote = '\0';
	for (; *at < end && (quote != '\0' || strchr(BLANKS, **at) == NULL); ++*at) {
		if (**at == '\\' && *at + 1 < end && strchr("\"'\\", (*at)[1]) != NULL)
			buf_char(word, *++*at);
		else if (quote != '\0' && **at == quote)
			quote = '\0';
		else if (quote == '\0' && (**at == '"' || **at == '\''))
			quote = **at;
		else
			buf_char(word, **at);
	}
	return quote == '\0';
}

static void skip(const char **at, const char *end, const char *what)
{
	while (*at < end && strchr(what, **at) != NULL)
		++*at;
}

/* The words behind the keyword; a "#" of its own begins a comment. */
static bool split(const struct reading *r, const char *at, const char *end, struct str_list *ret, struct error *err)
{
	for (skip(&at, end, BLANKS); at < end && *at != '#'; skip(&at, end, BLANKS)) {
		CLEANUP(buf_done) struct buf word = {0};
		buf_init(&word, LIMIT_PATH);
		if (!take_word(&at, end, &word))
			return refuse(r, "a quote has no end", err);
		if (!buf_check(&word, "word", err) || !str_list_add(ret, buf_cstr(&word), err))
			return false;
	}
	return true;
}

static bool read_line(struct reading *r, const char *at, const char *end, struct error *err)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	const struct keyword *keyword = NULL;

	skip(&at, end, BLANKS);
	const char *name = at;
	while (at < end && strchr(BLANKS "=", *at) == NULL)
		at++;
	size_t len = (size_t)(at - name);
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strlen(keywords[i].name) == len && strncasecmp(keywords[i].name, name, len) == 0)
			keyword = &keywords[i];
	}
	if (keyword == NULL || (!keyword->begins_block && !r->active))
		return true;
	/* "Keyword = value", with or without blanks. */
	skip(&at, end, BLANKS);
	if (at < end && *at == '=')
		at++;
	if (!split(r, at, end, &words, err))
		return false;
	if (words.len == 0)
		return refuse(r, "a keyword stands here without its value", err);
	return keyword->take(r, &words, err);
}

bool ssh_config_read(struct ssh_config_host *host, const char *text, size_t len, const char *file,
		     ssh_config_include *include, void *ctx, struct error *err)
{
	struct reading r = {.host = host, .file = file, .active = true, .include = include, .ctx = ctx};
	const char *end = text + len;

	if (memchr(text, '\0', len) != NULL)
		return error_set(err, ERROR_CONFIG, NULL, "%s is no text", file);
	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;
		r.line++;
		if (!read_line(&r, at, stop, err))
			return false;
		at = newline != NULL ? newline + 1 : end;
	}
	return true;
}
