/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_hosts lines: "[@marker] patterns type base64 [comment]". A revocation wins over everything, so the whole file
 * is read before a verdict; and a revoked key is refused for every host, since a stolen key does not keep to one name.
 */
#include "transport/known_hosts.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

enum { SSH_PORT = 22, NAME_SIZE = 300, SHA1_SIZE = 20 };

struct field {
	const char *at;
	size_t len;
};

static bool field_is(struct field field, const char *text)
{
	return field.len == strlen(text) && memcmp(field.at, text, field.len) == 0;
}

/* Cut the next blank-separated field off LINE; an empty one at its end. */
static struct field next_field(struct field *line)
{
	static const char blanks[] = " \t\r";
	struct field field;

	while (line->len > 0 && memchr(blanks, line->at[0], 3) != NULL) {
		line->at++;
		line->len--;
	}
	field = (struct field){line->at, 0};
	while (field.len < line->len && memchr(blanks, field.at[field.len], 3) == NULL)
		field.len++;
	line->at += field.len;
	line->len -= field.len;
	return field;
}

/* Cut TEXT at the next SEPARATOR. */
static struct field next_part(struct field *text, char separator)
{
	const char *end = memchr(text->at, separator, text->len);
	struct field part = {text->at, end != NULL ? (size_t)(end - text->at) : text->len};
	size_t used = part.len + (end != NULL ? 1 : 0);

	text->at += used;
	text->len -= used;
	return part;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* '*' and '?' as in a shell. Two marks instead of recursion: going back to the last star is enough. */
static bool glob_matches(struct field pattern, const char *name)
{
	size_t p = 0, star = SIZE_MAX;
	const char *resume = NULL;

	while (*name != '\0') {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			resume = name;
		} else if (p < pattern.len && (pattern.at[p] == '?' || lower(pattern.at[p]) == lower(*name))) {
			p++;
			name++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

/* Base64 of exactly a SHA-1's length. */
static bool decode_sha1(struct field text, unsigned char out[SHA1_SIZE])
{
	enum { ENCODED = 28 };
	unsigned char decoded[ENCODED / 4 * 3];

	if (text.len != ENCODED || text.at[ENCODED - 1] != '=' || text.at[ENCODED - 2] == '=' ||
	    EVP_DecodeBlock(decoded, (const unsigned char *)text.at, ENCODED) != sizeof(decoded))
		return false;
	memcpy(out, decoded, SHA1_SIZE);
	return true;
}

/* "|1|salt|hash": HMAC-SHA1 of the name under the salt. */
static bool hash_matches(struct field pattern, const char *name)
{
	unsigned char salt[SHA1_SIZE], want[SHA1_SIZE], got[SHA1_SIZE];
	size_t got_len = 0;

	(void)next_part(&pattern, '|');
	struct field version = next_part(&pattern, '|');
	struct field salt_text = next_part(&pattern, '|');
	if (!field_is(version, "1") || !decode_sha1(salt_text, salt) || !decode_sha1(pattern, want))
		return false;
	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, salt, sizeof(salt), (const unsigned char *)name, strlen(name),
		      got, sizeof(got), &got_len) == NULL)
		return false;
	return got_len == sizeof(want) && memcmp(got, want, sizeof(want)) == 0;
}

/* A list of patterns matches when one does and no negated one does. */
static bool patterns_match(struct field patterns, const char *name)
{
	bool matched = false;

	if (patterns.len > 0 && patterns.at[0] == '|')
		return hash_matches(patterns, name);
	while (patterns.len > 0) {
		struct field pattern = next_part(&patterns, ',');
		bool negated = pattern.len > 0 && pattern.at[0] == '!';
		if (negated) {
			pattern.at++;
			pattern.len--;
		}
		if (pattern.len == 0 || !glob_matches(pattern, name))
			continue;
		if (negated)
			return false;
		matched = true;
	}
	return matched;
}

/* "host", or "[host]:port" where the port is not SSH's own. */
static void host_pattern(const struct known_hosts_key *key, struct buf *out)
{
	if (key->port == SSH_PORT)
		buf_str(out, key->host);
	else
		buf_printf(out, "[%s]:%u", key->host, (unsigned)key->port);
}

/* What one line alone says: OK or REVOKED, OTHER_KEY for another key of this host, UNKNOWN when it is not about it. */
static enum known_hosts_verdict check_line(struct field line, const struct known_hosts_key *key, const char *name)
{
	struct field patterns = next_field(&line);
	bool revoked = field_is(patterns, "@revoked");

	if (patterns.len == 0 || patterns.at[0] == '#')
		return KNOWN_HOSTS_UNKNOWN;
	if (revoked)
		patterns = next_field(&line);
	else if (patterns.at[0] == '@')
		return KNOWN_HOSTS_UNKNOWN;
	struct field type = next_field(&line);
	struct field base64 = next_field(&line);
	bool same_key = field_is(type, key->type) && field_is(base64, key->base64);
	if (revoked)
		return same_key ? KNOWN_HOSTS_REVOKED : KNOWN_HOSTS_UNKNOWN;
	if (base64.len == 0 || !patterns_match(patterns, name))
		return KNOWN_HOSTS_UNKNOWN;
	return same_key ? KNOWN_HOSTS_OK : KNOWN_HOSTS_OTHER_KEY;
}

/* Of two lines' verdicts the one that counts. */
static int weight(enum known_hosts_verdict verdict)
{
	switch (verdict) {
	case KNOWN_HOSTS_UNKNOWN:
		return 0;
	case KNOWN_HOSTS_OTHER_KEY:
		return 1;
	case KNOWN_HOSTS_OK:
		return 2;
	case KNOWN_HOSTS_REVOKED:
		return 3;
	}
	return 0;
}

enum known_hosts_verdict known_hosts_check(const char *text, size_t len, const struct known_hosts_key *key,
					   unsigned *ret_line)
{
	enum known_hosts_verdict verdict = KNOWN_HOSTS_UNKNOWN;
	struct field rest = {text, len};
	struct buf name CLEANUP(buf_done);

	buf_init(&name, NAME_SIZE);
	host_pattern(key, &name);
	*ret_line = 0;
	for (unsigned number = 1; rest.len > 0 && !name.failed; number++) {
		enum known_hosts_verdict said = check_line(next_part(&rest, '\n'), key, buf_cstr(&name));
		if (known_hosts_weighs_more(said, verdict)) {
			verdict = said;
			*ret_line = number;
		}
	}
	return verdict;
}

bool known_hosts_weighs_more(enum known_hosts_verdict said, enum known_hosts_verdict was)
{
	return weight(said) > weight(was);
}

unsigned known_hosts_types(const char *text, size_t len, const char *host, uint16_t port, const char *const *types,
			   size_t count)
{
	const struct known_hosts_key key = {.host = host, .port = port};
	struct field rest = {text, len};
	struct buf name CLEANUP(buf_done);
	unsigned found = 0;

	buf_init(&name, NAME_SIZE);
	host_pattern(&key, &name);
	while (rest.len > 0 && !name.failed) {
		struct field line = next_part(&rest, '\n');
		struct field patterns = next_field(&line);
		struct field type = next_field(&line);
		if (patterns.len == 0 || memchr("#@", patterns.at[0], 2) != NULL || next_field(&line).len == 0 ||
		    !patterns_match(patterns, buf_cstr(&name)))
			continue;
		for (size_t i = 0; i < count; i++)
			found |= field_is(type, types[i]) ? 1U << i : 0;
	}
	return found;
}

void known_hosts_line(const struct known_hosts_key *key, struct buf *out)
{
	host_pattern(key, out);
	buf_printf(out, " %s %s", key->type, key->base64);
}

/* ---- changing a file ---- */

/* Whether LINE has another key of KEY's host, here called NAME, and type; then *RET_PATTERNS are its hosts. */
static bool has_other_key(struct field line, const struct known_hosts_key *key, const char *name,
			  struct field *ret_patterns)
{
	if (check_line(line, key, name) != KNOWN_HOSTS_OTHER_KEY)
		return false;
	*ret_patterns = next_field(&line);
	return field_is(next_field(&line), key->type);
}

/* LINE with its PATTERNS but for NAME; nothing where no other host is left. */
static void drop_host(struct field line, struct field patterns, const char *name, struct buf *out)
{
	const char *behind = patterns.at + patterns.len;
	bool any = false;

	if (patterns.at[0] == '|')
		return;
	while (patterns.len > 0) {
		struct field pattern = next_part(&patterns, ',');
		if (pattern.len == 0 || glob_matches(pattern, name))
			continue;
		buf_str(out, any ? "," : "");
		buf_append(out, pattern.at, pattern.len);
		any = true;
	}
	if (any) {
		buf_append(out, behind, (size_t)(line.at + line.len - behind));
		buf_char(out, '\n');
	}
}

/* A pattern that may stand for hosts that we know nothing of. */
static bool is_wide(struct field patterns)
{
	for (size_t i = 0; i < patterns.len; i++)
		if (memchr("*?!", patterns.at[i], 3) != NULL)
			return patterns.at[0] != '|';
	return false;
}

bool known_hosts_replace(const char *text, size_t len, const struct known_hosts_key *key, struct buf *out,
			 unsigned *ret_removed, struct error *err)
{
	struct field rest = {text, len};
	struct buf name CLEANUP(buf_done);
	unsigned removed = 0;

	buf_init(&name, NAME_SIZE);
	host_pattern(key, &name);
	for (unsigned number = 1; rest.len > 0; number++) {
		struct field line = next_part(&rest, '\n'), patterns;
		if (!has_other_key(line, key, buf_cstr(&name), &patterns)) {
			buf_append(out, line.at, line.len);
			buf_char(out, '\n');
			continue;
		}
		if (is_wide(patterns)) {
			(void)error_set(err, ERROR_CONFIG, NULL, "line %u stands for more hosts than this one", number);
			error_hint(err, "change that line by hand");
			return false;
		}
		drop_host(line, patterns, buf_cstr(&name), out);
		removed++;
	}
	known_hosts_line(key, out);
	buf_char(out, '\n');
	*ret_removed = removed;
	return buf_check(&name, "host's name", err) && buf_check(out, "known_hosts file", err);
}

unsigned known_hosts_find_other(const char *text, size_t len, const struct known_hosts_key *key)
{
	struct field rest = {text, len}, patterns;
	struct buf name CLEANUP(buf_done);

	buf_init(&name, NAME_SIZE);
	host_pattern(key, &name);
	for (unsigned number = 1; rest.len > 0; number++)
		if (has_other_key(next_part(&rest, '\n'), key, buf_cstr(&name), &patterns))
			return number;
	return 0;
}
