/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is a keyword and words; Host and Match begin blocks that hold for some hosts only. One table of keywords; the
 * first value of each wins, so blocks are read from top to bottom and nothing is ever taken back.
 */
#include "config/ssh_config.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One file being read. */
struct reading {
	struct ssh_config_host *host;
	const char *name; /* what Host patterns are held against */
	const char *file;
	unsigned line;
	bool active; /* the block that is being read fits the host */
	ssh_config_include *include;
	void *ctx;
};

static void values_done(struct ssh_config_values *values)
{
	str_list_done(&values->texts);
	str_list_done(&values->places);
}

void ssh_config_host_done(struct ssh_config_host *host)
{
	free(host->host_name);
	free(host->user);
	free(host->host_key_alias);
	free(host->refused);
	free(host->canonicalize);
	values_done(&host->identity_files);
	values_done(&host->certificate_files);
	values_done(&host->known_hosts);
	values_done(&host->global_known_hosts);
	values_done(&host->identity_agent);
	values_done(&host->proxy_jump);
	str_list_done(&host->told);
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

/* --- Names --- */

static void lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* A pattern list held against a host's name, as ssh does it: without regard to case. */
static bool fits_host_list(const char *list, const char *name, bool *ret, struct error *err)
{
	AUTO_FREE char *list_copy = NULL;
	AUTO_FREE char *name_copy = NULL;
	if (!str_set(&list_copy, list, err) || !str_set(&name_copy, name, err))
		return false;
	lower(list_copy);
	lower(name_copy);
	*ret = fits_list(list_copy, name_copy);
	return true;
}

/*
 * HostName's only tokens are %h and %%; which others stand there was refused when it was read. One that was replaced
 * already, by the first of two readings, may hold a "%" of its own, at its end too.
 */
static char *host_name_as_written(const struct ssh_config_host *host, struct error *err)
{
	CLEANUP(buf_done) struct buf out = {0};
	buf_init(&out, LIMIT_PATH);
	for (const char *at = host->host_name != NULL ? host->host_name : "%h"; *at != '\0'; at++) {
		const bool token = at[0] == '%' && (at[1] == 'h' || at[1] == '%');
		at += token;
		if (token && *at == 'h')
			buf_str(&out, host->alias);
		else
			buf_char(&out, *at);
	}
	return buf_take(&out, "HostName", err);
}

char *ssh_config_host_name(const struct ssh_config_host *host, struct error *err)
{
	char *name = host_name_as_written(host, err);
	if (name != NULL)
		lower(name);
	return name;
}

bool ssh_config_begin_final(struct ssh_config_host *host, struct error *err)
{
	char *name = ssh_config_host_name(host, err);
	if (name == NULL)
		return false;
	free(host->host_name);
	host->host_name = name; /* it has no tokens, or none that a name may have */
	host->final = true;
	return true;
}

/* An address, or a name with more dots than are looked at, is what it is. */
bool ssh_config_is_canonicalized(const struct ssh_config_host *host)
{
	const char *name = host->host_name != NULL ? host->host_name : host->alias;
	unsigned dots = 0;
	if (host->canonicalize == NULL || !host->canonical_domains ||
	    (host->proxy_jump.texts.len > 0 && !host->canonicalize_always))
		return false;
	if (strchr(name, ':') != NULL || name[strspn(name, "0123456789.")] == '\0')
		return false;
	for (const char *at = name; *at != '\0'; at++)
		dots += *at == '.';
	return dots <= (host->canonical_dots_said ? host->canonical_dots : 1) && !str_ends(name, ".");
}

/* --- Blocks --- */

static bool begin_host(struct reading *r, const struct str_list *words, struct error *err)
{
	bool fit = false, excluded = false, particular = false;
	(void)err;
	for (size_t i = 0; i < words->len; i++) {
		const char *pattern = words->items[i];
		enum verdict verdict = fits_one(pattern, strlen(pattern), r->name);
		fit = fit || verdict == FITS;
		excluded = excluded || verdict == EXCLUDED;
		particular = particular || (verdict == FITS && strcmp(pattern, "*") != 0);
	}
	r->active = fit && !excluded;
	r->host->named = r->host->named || (r->active && particular);
	return true;
}

/* Which names a criterion of Match is about. */
enum subject { HOST, ORIGINAL_HOST, USER, LOCAL_USER, NOTHING_KNOWN };

static enum subject subject(const char *criterion, size_t len)
{
	static const char *const names[] = {"host", "originalhost", "user", "localuser"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && strncasecmp(criterion, names[i], len) == 0)
			return (enum subject)i;
	return NOTHING_KNOWN;
}

static bool fits_criterion(const struct reading *r, enum subject about, const char *patterns, bool *ret,
			   struct error *err)
{
	const struct ssh_config_host *host = r->host;
	if (about == USER || about == LOCAL_USER) {
		*ret = fits_list(patterns, about == USER && host->user != NULL ? host->user : host->local_user);
		return true;
	}
	AUTO_FREE char *name = about == HOST ? host_name_as_written(host, err) : NULL;
	if (about == HOST && name == NULL)
		return false;
	return fits_host_list(patterns, name != NULL ? name : host->alias, ret, err);
}

static bool refuse_criterion(const struct reading *r, const char *criterion, struct error *err)
{
	error_hint(err, "describe this server under servers: in the config instead");
	return refuse(r,
		      strcasecmp(criterion, "exec") == 0 ? "Match exec runs a program to decide, which is not done here"
							 : "a criterion of Match that is not understood here",
		      err);
}

/* Looked at to the end even where one does not fit: ssh, too, learns from the others. What would have to be refused
 * matters only where all before it fits. */
static bool begin_match(struct reading *r, const struct str_list *words, struct error *err)
{
	bool fit = true, particular = false;
	for (size_t i = 0; i < words->len; i++) {
		const char *criterion = words->items[i];
		bool negated = criterion[0] == '!', one = true;
		criterion += negated;
		if (strcasecmp(criterion, "all") == 0) {
			if (i + 1 != words->len)
				return refuse(r, "\"all\" is the last criterion of a Match", err);
			fit = fit && !negated;
			continue;
		}
		if (strcasecmp(criterion, "canonical") == 0 || strcasecmp(criterion, "final") == 0) {
			r->host->wants_final = r->host->wants_final || strcasecmp(criterion, "final") == 0;
			fit = fit && r->host->final != negated;
			continue;
		}
		size_t len = strcspn(criterion, "=");
		enum subject about = subject(criterion, len);
		if (about == NOTHING_KNOWN && fit)
			return refuse_criterion(r, criterion, err);
		if (criterion[len] == '\0' && ++i == words->len)
			return refuse(r, "a criterion of Match lacks its patterns", err);
		const char *patterns = criterion[len] == '=' ? criterion + len + 1 : words->items[i];
		if (about != NOTHING_KNOWN && !fits_criterion(r, about, patterns, &one, err))
			return false;
		fit = fit && one != negated;
		particular = true;
	}
	r->active = fit;
	r->host->named = r->host->named || (fit && particular);
	return true;
}

/* --- Keywords --- */

static bool add_value(struct reading *r, struct ssh_config_values *values, const char *text, struct error *err)
{
	if (str_list_has(&values->texts, text))
		return true;
	AUTO_FREE char *place = str_format(err, "%s:%u", r->file, r->line);
	return place != NULL && str_list_add(&values->texts, text, err) && str_list_add(&values->places, place, err);
}

static bool take_first(char **member, const struct str_list *words, struct error *err)
{
	return *member != NULL || str_set(member, words->items[0], err);
}

static bool take_host_name(struct reading *r, const struct str_list *words, struct error *err)
{
	for (const char *at = strchr(words->items[0], '%'); at != NULL; at = strchr(at + 2, '%'))
		if (at[1] != 'h' && at[1] != '%')
			return refuse(r, "the tokens of HostName are %h and %%", err);
	return take_first(&r->host->host_name, words, err);
}

static bool take_user(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_first(&r->host->user, words, err);
}

static bool take_agent(struct reading *r, const struct str_list *words, struct error *err)
{
	return r->host->identity_agent.texts.len > 0 || add_value(r, &r->host->identity_agent, words->items[0], err);
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
	return add_value(r, &r->host->identity_files, words->items[0], err);
}

static bool take_certificate(struct reading *r, const struct str_list *words, struct error *err)
{
	return add_value(r, &r->host->certificate_files, words->items[0], err);
}

static bool take_files(struct reading *r, struct ssh_config_values *values, const struct str_list *words,
		       struct error *err)
{
	if (values->texts.len > 0)
		return true;
	for (size_t i = 0; i < words->len; i++)
		if (!add_value(r, values, words->items[i], err))
			return false;
	return true;
}

static bool take_known_hosts(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_files(r, &r->host->known_hosts, words, err);
}

static bool take_global_known_hosts(struct reading *r, const struct str_list *words, struct error *err)
{
	return take_files(r, &r->host->global_known_hosts, words, err);
}

static bool is_yes(const char *word)
{
	return strcasecmp(word, "yes") == 0 || strcasecmp(word, "true") == 0;
}

static bool take_identities_only(struct reading *r, const struct str_list *words, struct error *err)
{
	(void)err;
	r->host->identities_only = is_yes(words->items[0]);
	return true;
}

static bool take_jump(struct reading *r, const struct str_list *words, struct error *err)
{
	if (r->host->proxy_decided)
		return true;
	r->host->proxy_decided = true;
	return strcasecmp(words->items[0], "none") == 0 || add_value(r, &r->host->proxy_jump, words->items[0], err);
}

/* The first thing that stands against the host is told. */
static bool stand_against(struct reading *r, const char *what, struct error *err)
{
	if (r->host->refused != NULL)
		return true;
	r->host->refused = str_format(err, "%s:%u: %s", r->file, r->line, what);
	return r->host->refused != NULL;
}

static bool take_command(struct reading *r, const struct str_list *words, struct error *err)
{
	if (r->host->proxy_decided)
		return true;
	r->host->proxy_decided = true;
	return strcasecmp(words->items[0], "none") == 0 ||
	       stand_against(r, "it is reached by a ProxyCommand, a program that is not run here", err);
}

static bool take_canonicalize(struct reading *r, const struct str_list *words, struct error *err)
{
	r->host->canonicalize_always = strcasecmp(words->items[0], "always") == 0;
	if (!r->host->canonicalize_always && !is_yes(words->items[0]))
		return true;
	r->host->canonicalize = str_format(err, "%s:%u", r->file, r->line);
	return r->host->canonicalize != NULL;
}

static bool take_canonical_domains(struct reading *r, const struct str_list *words, struct error *err)
{
	(void)err;
	r->host->canonical_domains = strcasecmp(words->items[0], "none") != 0;
	return true;
}

static bool take_canonical_dots(struct reading *r, const struct str_list *words, struct error *err)
{
	uint64_t dots = 0;
	if (!parse_u64(words->items[0], strlen(words->items[0]), UINT16_MAX, &dots))
		return refuse(r, "a number of dots is wanted here", err);
	r->host->canonical_dots = (unsigned)dots;
	r->host->canonical_dots_said = true;
	return true;
}

static bool take_authentications(struct reading *r, const struct str_list *words, struct error *err)
{
	return fits_list(words->items[0], "publickey") ||
	       stand_against(r, "PreferredAuthentications leaves out publickey, the only one that is spoken here", err);
}

static bool take_rsa_size(struct reading *r, const struct str_list *words, struct error *err)
{
	enum { OURS = 2048 };
	uint64_t bits = 0;
	if (!parse_u64(words->items[0], strlen(words->items[0]), UINT16_MAX, &bits) || bits <= OURS)
		return true;
	return stand_against(r, "RequiredRSASize asks for more than the 2048 bits that are held to here", err);
}

static bool take_include(struct reading *r, const struct str_list *words, struct error *err)
{
	for (size_t i = 0; i < words->len; i++) {
		if (strchr(words->items[i], '%') != NULL || strstr(words->items[i], "${") != NULL)
			return refuse(r, "tokens and variables in an Include are not understood here", err);
		if (!r->include(r->ctx, words->items[i], err))
			return false;
	}
	return true;
}

static const struct keyword {
	const char *name;
	bool begins_block; /* looked at whether or not the block before it fits */
	bool once;         /* only its first value is looked at, however many `take` would */
	bool (*take)(struct reading *r, const struct str_list *words, struct error *err);
} keywords[] = {
	{"Host", true, false, begin_host},
	{"Match", true, false, begin_match},
	{"Include", false, false, take_include},
	{"HostName", false, false, take_host_name},
	{"Port", false, false, take_port},
	{"User", false, false, take_user},
	{"IdentityFile", false, false, take_identity},
	{"CertificateFile", false, false, take_certificate},
	{"IdentitiesOnly", false, true, take_identities_only},
	{"IdentityAgent", false, false, take_agent},
	{"UserKnownHostsFile", false, false, take_known_hosts},
	{"GlobalKnownHostsFile", false, false, take_global_known_hosts},
	{"HostKeyAlias", false, false, take_alias},
	{"ProxyJump", false, false, take_jump},
	{"ProxyCommand", false, false, take_command},
	{"CanonicalizeHostname", false, true, take_canonicalize},
	{"CanonicalDomains", false, true, take_canonical_domains},
	{"CanonicalizeMaxDots", false, true, take_canonical_dots},
	{"PreferredAuthentications", false, true, take_authentications},
	{"RequiredRSASize", false, true, take_rsa_size},
};

/*
 * Keywords that are not followed, and what is said where they have another value than those that change nothing.
 * Against what would make less safe, or reach another host, than their user thinks; the others are told.
 */
static const struct unfollowed {
	const char *name;
	bool stands_against;
	bool matters; /* the words are those that matter, instead of those that do not */
	const char *words;
	const char *why;
} unfollowed[] = {
	{"KnownHostsCommand", true, false, "none", "KnownHostsCommand names a program, which is not run here"},
	{"RevokedHostKeys", true, false, "none",
	 "RevokedHostKeys is not read here: list such keys as @revoked in known_hosts"},
	{"PubkeyAuthentication", true, true, "no,false",
	 "PubkeyAuthentication is off, and nothing else is spoken here"},
	{"StrictHostKeyChecking", false, true, "no,off,false,accept-new",
	 "StrictHostKeyChecking is not followed: host keys are always checked here, and `certferry server trust` "
	 "accepts "
	 "new ones"},
	{"NoHostAuthenticationForLocalhost", false, true, "yes,true",
	 "NoHostAuthenticationForLocalhost is not followed: host keys are always checked here"},
	{"BindAddress", false, false, "", "BindAddress is not followed: the system chooses where a connection starts"},
	{"BindInterface", false, false, "none",
	 "BindInterface is not followed: the system chooses where a connection starts"},
	{"PKCS11Provider", false, false, "none",
	 "PKCS11Provider is not loaded here: its keys can be used through an agent"},
};

static bool take_unfollowed(struct reading *r, const struct unfollowed *keyword, const struct str_list *words,
			    struct error *err)
{
	AUTO_FREE char *word = NULL;
	if (!str_set(&word, words->items[0], err))
		return false;
	lower(word);
	if (fits_list(keyword->words, word) != keyword->matters)
		return true;
	if (keyword->stands_against)
		return stand_against(r, keyword->why, err);
	AUTO_FREE char *told = str_format(err, "%s:%u: %s", r->file, r->line, keyword->why);
	return told != NULL && str_list_add(&r->host->told, told, err);
}

/* --- Lines --- */

#define BLANKS " \t\r"

/* One word from AT, in quotes or not; false for a quote without its end. */
static bool take_word(const char **at, const char *end, struct buf *word)
{
	char quote = '\0';
	for (; *at < end && (quote != '\0' || strchr(BLANKS, **at) == NULL); ++*at) {
		if (**at == '\\' && *at + 1 < end && strchr(quote == '\0' ? "\"'\\ " : "\"'\\", (*at)[1]) != NULL)
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

static bool is_named(const char *keyword, const char *name, size_t len)
{
	return strlen(keyword) == len && strncasecmp(keyword, name, len) == 0;
}

/* The keyword called NAME among those that are followed, or among the others; its bit in `decided`. False: neither. */
static bool find(const char *name, size_t len, const struct keyword **ret, const struct unfollowed **ret_unfollowed,
		 unsigned *ret_bit)
{
	static_assert(ARRAY_LEN(keywords) + ARRAY_LEN(unfollowed) <= 32, "one bit for each");
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (is_named(keywords[i].name, name, len)) {
			*ret = &keywords[i];
			*ret_bit = keywords[i].once ? 1U << i : 0;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(unfollowed); i++) {
		if (is_named(unfollowed[i].name, name, len)) {
			*ret_unfollowed = &unfollowed[i];
			*ret_bit = 1U << (ARRAY_LEN(keywords) + i);
			return true;
		}
	}
	return false;
}

static bool read_line(struct reading *r, const char *at, const char *end, struct error *err)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	const struct keyword *keyword = NULL;
	const struct unfollowed *other = NULL;
	unsigned bit = 0;

	skip(&at, end, BLANKS);
	const char *name = at;
	while (at < end && strchr(BLANKS "=", *at) == NULL)
		at++;
	if (!find(name, (size_t)(at - name), &keyword, &other, &bit))
		return true;
	if ((!r->active && (keyword == NULL || !keyword->begins_block)) || (r->host->decided & bit) != 0)
		return true;
	/* "Keyword = value", with or without blanks. */
	skip(&at, end, BLANKS);
	if (at < end && *at == '=')
		at++;
	if (!split(r, at, end, &words, err))
		return false;
	if (words.len == 0)
		return refuse(r, "a keyword stands here without its value", err);
	r->host->decided |= bit;
	return keyword != NULL ? keyword->take(r, &words, err) : take_unfollowed(r, other, &words, err);
}

bool ssh_config_read(struct ssh_config_host *host, const char *text, size_t len, const char *file,
		     ssh_config_include *include, void *ctx, struct error *err)
{
	AUTO_FREE char *name = host->final ? ssh_config_host_name(host, err) : NULL;
	struct reading r = {.host = host, .file = file, .active = true, .include = include, .ctx = ctx};
	const char *end = text + len;

	if (host->final && name == NULL)
		return false;
	r.name = name != NULL ? name : host->alias;
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
