/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XMPP's stream up to TLS (RFC 6120 §4, §5), one tag at a time. A stream is one element that stays open, so no XML
 * parser would give the parts of it in time without hearing more than it should: what is between tags is passed over,
 * and of the tags only names and nesting matter. XML that XMPP forbids (§11.1: comments, declarations) is refused.
 */
#include "base/str.h"
#include "transport/starttls_internal.h"

#include <string.h>

#define STREAM "stream:stream" /* §4.8.5: the prefix is always this one */
#define STREAM_ERROR "stream:error"

static const char refusal[] = "it refuses, or speaks another protocol";

/* Whether the tag in the line is one of NAME. */
static bool is_called(const struct starttls *dialogue, const char *name)
{
	size_t len = strlen(name);
	return dialogue->len > len + 1 && memcmp(dialogue->line + 1, name, len) == 0 &&
	       strchr(" \t\r\n/>", dialogue->line[len + 1]) != NULL && dialogue->line[len + 1] != '\0';
}

static enum starttls_heard enter(struct starttls *dialogue, bool empty)
{
	struct starttls_xml *xml = &dialogue->xml;

	if (xml->depth == 0) {
		if (empty || !is_called(dialogue, STREAM))
			return starttls_refuse(dialogue, refusal);
		xml->depth = 1;
		return STARTTLS_HEARD_PART;
	}
	if (xml->depth == 1 && !empty && is_called(dialogue, STREAM_ERROR)) {
		xml->failing = true;
		return STARTTLS_HEARD_PART;
	}
	if (xml->depth == 1 && !is_called(dialogue, starttls_turn(dialogue)->answer))
		return starttls_refuse(dialogue, refusal);
	xml->depth += empty ? 0 : 1;
	return xml->depth == 1 ? STARTTLS_HEARD_ANSWER : STARTTLS_HEARD_PART;
}

static enum starttls_heard leave(struct starttls *dialogue)
{
	struct starttls_xml *xml = &dialogue->xml;

	if (xml->depth <= 1)
		return starttls_refuse(dialogue, refusal);
	xml->depth--;
	return xml->depth == 1 ? STARTTLS_HEARD_ANSWER : STARTTLS_HEARD_PART;
}

static enum starttls_heard judge_tag(struct starttls *dialogue)
{
	const char *inside = dialogue->line + 1;

	dialogue->xml.tag = false;
	if (++dialogue->lines > LIMIT_STARTTLS_LINES)
		return starttls_refuse(dialogue, "it talks without end");
	if (dialogue->xml.failing)
		return starttls_refuse(dialogue, "it refuses");
	if (inside[0] == '?' && dialogue->xml.depth == 0) /* the declaration */
		return STARTTLS_HEARD_PART;
	if (inside[0] == '/')
		return leave(dialogue);
	return enter(dialogue, dialogue->line[dialogue->len - 2] == '/');
}

static bool is_blank(const struct starttls *dialogue)
{
	size_t at = 0;
	while (at < dialogue->len && strchr(" \t\r\n", dialogue->line[at]) != NULL && dialogue->line[at] != '\0')
		at++;
	return at == dialogue->len;
}

/* Between tags: nothing but space, unless within an element. A line of another protocol is kept whole. */
static enum starttls_heard hear_text(struct starttls *dialogue, char byte)
{
	if ((byte == '<' || byte == '\n') && dialogue->xml.depth <= 1 && !is_blank(dialogue))
		return starttls_refuse(dialogue, refusal);
	if (byte == '<') {
		dialogue->xml.tag = true;
		dialogue->len = 0;
	}
	if (dialogue->len == sizeof(dialogue->line))
		return starttls_refuse(dialogue, "it sends text without end");
	dialogue->line[dialogue->len++] = byte;
	return STARTTLS_HEARD_PART;
}

enum starttls_heard starttls_hear_xmpp(struct starttls *dialogue, char byte)
{
	struct starttls_xml *xml = &dialogue->xml;
	enum starttls_heard heard = STARTTLS_HEARD_PART;

	if (!xml->tag)
		return hear_text(dialogue, byte);
	if (dialogue->len == sizeof(dialogue->line))
		return starttls_refuse(dialogue, "it sends a tag without end");
	dialogue->line[dialogue->len++] = byte;
	if (xml->quote != '\0') {
		xml->quote = byte == xml->quote ? '\0' : xml->quote;
		return STARTTLS_HEARD_PART;
	}
	if (byte == '<' || (byte == '!' && dialogue->len == 2))
		return starttls_refuse(dialogue, refusal);
	if (byte == '\'' || byte == '"')
		xml->quote = byte;
	if (byte == '>' && (heard = judge_tag(dialogue)) == STARTTLS_HEARD_PART)
		dialogue->len = 0;
	return heard;
}
