/* SPDX-License-Identifier: Apache-2.0 */
/* Reads issue-values by cutting at ";", which can stand nowhere inside a parameter. */
#include "acme/issue_value.h"

#include "base/limits.h"
#include "base/str.h"

#include <string.h>

/* A piece of the text. */
struct span {
	const char *at;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span trim(struct span span)
{
	while (span.len > 0 && is_space(span.at[0])) {
		span.at++;
		span.len--;
	}
	while (span.len > 0 && is_space(span.at[span.len - 1]))
		span.len--;
	return span;
}

/* What stands before the next MARK; *REST is what stands behind it. False: there is no MARK. */
static bool cut(struct span text, char mark, struct span *ret, struct span *rest)
{
	const char *at = text.len > 0 ? memchr(text.at, mark, text.len) : NULL;
	*ret = text;
	*rest = (struct span){text.at + text.len, 0};
	if (at == NULL)
		return false;
	ret->len = (size_t)(at - text.at);
	*rest = (struct span){at + 1, text.len - ret->len - 1};
	return true;
}

/* A label of a name, or a tag: letters and digits with hyphens between them. */
static bool is_word(struct span span)
{
	for (size_t i = 0; i < span.len; i++)
		if (!is_alnum(span.at[i]) && span.at[i] != '-')
			return false;
	return span.len > 0 && is_alnum(span.at[0]) && is_alnum(span.at[span.len - 1]);
}

static bool is_name(struct span span)
{
	enum { NAME_MAX_LEN = 253, LABEL_MAX_LEN = 63 };
	struct span label, rest = span;
	bool more = true;
	if (span.len > NAME_MAX_LEN)
		return false;
	while (more) {
		more = cut(rest, '.', &label, &rest);
		if (!is_word(label) || label.len > LABEL_MAX_LEN)
			return false;
	}
	return true;
}

/* %x21-3A / %x3C-7E */
static bool is_value(struct span span)
{
	for (size_t i = 0; i < span.len; i++)
		if (span.at[i] < 0x21 || span.at[i] > 0x7e || span.at[i] == ';')
			return false;
	return true;
}

static bool malformed(struct error *err, const char *what)
{
	return error_set(err, ERROR_DATA, NULL, "malformed issue-value: %s", what);
}

static bool set_lower(char **ret, struct span span, struct error *err)
{
	if (!str_set_n(ret, span.at, span.len, err))
		return false;
	for (char *c = *ret; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return true;
}

static bool add_parameter(struct issue_value *value, struct span text, struct error *err)
{
	struct span tag, rest;
	if (value->count == LIMIT_ISSUE_PARAMETERS)
		return malformed(err, "too many parameters");
	if (trim(text).len == 0)
		return malformed(err, "an empty parameter, or a \";\" at the end");
	if (!cut(text, '=', &tag, &rest))
		return malformed(err, "a parameter without \"=\"");
	tag = trim(tag);
	rest = trim(rest);
	if (!is_word(tag))
		return malformed(err, "a parameter's name is none");
	if (!is_value(rest))
		return malformed(err, "a parameter's value has a forbidden character");
	struct issue_parameter *parameters =
		reallocarray(value->parameters, value->count + 1, sizeof(*value->parameters));
	if (parameters == NULL)
		return error_oom(err);
	value->parameters = parameters;
	struct issue_parameter *added = &parameters[value->count++];
	*added = (struct issue_parameter){0};
	return set_lower(&added->tag, tag, err) && str_set_n(&added->value, rest.at, rest.len, err);
}

bool issue_value_parse(const char *text, size_t len, struct issue_value *ret, struct error *err)
{
	CLEANUP(issue_value_done) struct issue_value value = {0};
	struct span whole = {text, len}, piece, rest;

	if (len > LIMIT_ISSUE_VALUE)
		return malformed(err, "too long");
	bool more = cut(whole, ';', &piece, &rest);
	piece = trim(piece);
	if (piece.len > 0 && !is_name(piece))
		return malformed(err, "the issuer is no domain name");
	if (!set_lower(&value.issuer, piece, err))
		return false;
	/* "ca.example;" has no parameters; a ";" behind one needs another. */
	more = more && trim(rest).len > 0;
	while (more) {
		more = cut(rest, ';', &piece, &rest);
		if (!add_parameter(&value, piece, err))
			return false;
	}
	*ret = value;
	value = (struct issue_value){0};
	return true;
}

void issue_value_done(struct issue_value *value)
{
	for (size_t i = 0; i < value->count; i++) {
		free(value->parameters[i].tag);
		free(value->parameters[i].value);
	}
	free(value->parameters);
	free(value->issuer);
	*value = (struct issue_value){0};
}

const char *issue_value_get(const struct issue_value *value, const char *tag, size_t *ret_count)
{
	const char *found = NULL;
	size_t count = 0;
	for (size_t i = 0; i < value->count; i++) {
		if (!str_equal(value->parameters[i].tag, tag))
			continue;
		if (count++ == 0)
			found = value->parameters[i].value;
	}
	if (ret_count != NULL)
		*ret_count = count;
	return found;
}

bool issue_value_names(const char *text, size_t len, const char *issuer)
{
	struct span whole = {text, len}, piece, rest;
	(void)cut(whole, ';', &piece, &rest);
	piece = trim(piece);
	return piece.len == strlen(issuer) && strncasecmp(piece.at, issuer, piece.len) == 0;
}

bool issue_value_is_valid(const char *text)
{
	return is_value((struct span){text, strlen(text)});
}

bool issuer_name_is_valid(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			return false;
	return is_name((struct span){text, strlen(text)});
}
